"""The page on scores says what holds: its queries run, and lead from a score to as many rows as it lacks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from assets.project import Project
from pipelines.results import publish, query

from reports_support import batch, contract, fill, result, suite  # isort: skip

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scores.md").read_text(encoding="utf-8")

QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """People of two units, of whose names 3 and 2 lack; those of the second unit are waived by the page's own example."""
    root = tmp_path_factory.mktemp("project")
    contract(root, "people", [("id", "GMSFHM", "身份号码", "string", 3), ("name", "XM", "姓名", "string", 3)])
    suite(root, "people", [{"id": "name_there", "column": "name", "indicator": "0201", "title": "姓名必填"}])
    waivers = re.search(r"```yaml\n(waivers:.*?)```", PAGE, re.DOTALL)
    assert waivers is not None
    yaml.safe_load(waivers[1])
    text = waivers[1].replace("2026-12-31", "2999-12-31").replace('"210100"', '"210200"').replace("2026-11-01", "2026-01-01")
    (root / "expectations" / "waivers.yaml").write_text(text, encoding="utf-8")
    made = Project(root, root / "data")
    fill(
        made,
        batches=[batch("people", "a", unit="210100"), batch("people", "b", unit="210200")],
        results=[result("people", "a", "name_there", 10, 3), result("people", "b", "name_there", 10, 2)],
        issues=[
            {"batch": of, "dataset": "people", "row": row, "rule": "name_there"}
            for of, row in (("a", 4), ("a", 7), ("a", 2), ("b", 3), ("b", 5))
        ],
    )
    publish(made)
    return made


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_every_query_of_the_page_runs(project: Project, number: int) -> None:
    names, rows = query(project, QUERIES[number])
    assert names
    assert rows


def test_a_score_is_followed_to_its_rows(project: Project) -> None:
    (trace,) = (q for q in QUERIES if "issues" in q)
    _, rows = query(project, trace)
    assert [(r[1], r[3], r[4], r[6]) for r in rows] == [("name_there", "a.csv", "210100", n) for n in (2, 4, 7)]
    _, short = query(project, "SELECT b - a, waived FROM scores WHERE scope = 'dataset' AND rule = 'name_there'")
    assert short == [(3, 2)]
