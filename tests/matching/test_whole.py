"""From files to the review command: the real reader, suite, Dagster job and screen."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from assets.lake import open_lake
from assets.project import Project
from pipelines.cli import app
from pipelines.definitions import build_definitions
from pipelines.instance import open_instance
from pipelines.run import run
from tests.matching.conftest import MATCHING, write_project
from tests.matching.test_classes import LIU, PEOPLE, ZHANG

SUITE = """name: listed
expectations:
  - type: expect_column_values_to_be_resident_id
    kwargs: {column: id_number}
    severity: critical
    meta: {id: id_valid, indicator: "0301", blocking: true, title: {zh: 号码有效, en: The id is valid}, remedy: {zh: 更正, en: Correct it}}
"""
# The places are those of the sample; the rule knows them from the division table.
LISTED = [
    ("1", "219901198002030274", "张建国", "1980-02-03", "1", "219901"),
    ("2", "219902199111300158", "赵六", "1991-11-30", "1", "219902"),
    ("3", ZHANG, "张建国", "1980-02-03", "1", "219901"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project that has taken in one hand-over of each source."""
    made = tmp_path_factory.mktemp("whole")
    project = write_project(made)
    suite = made / "expectations" / "suites" / "sources" / "bureau" / "listed.yaml"
    suite.parent.mkdir(parents=True)
    suite.write_text(SUITE, encoding="utf-8")
    hand_over(project, "register", "id_number,name,birth_date,sex,place", PEOPLE)
    hand_over(project, "listed", "number,id_number,name,born,sex,place", LISTED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.reports.build_reports", lambda p, base_url=None: [])
        patch.setattr("pipelines.run.seconds_to_settle", lambda p: 0.0)
        summary = run(project)
        assert (summary.undone, summary.held) == ([], [])
        yield made


def hand_over(project: Project, name: str, header: str, rows: list[tuple[str, ...]]) -> None:
    path = project.landing / name / f"{name}.csv"
    path.parent.mkdir(parents=True)
    lines = [f"{header},seen", *(",".join((*row, "2026-01-01 00:00:00")) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.utime(path, (1.7e9, 1.7e9))  # left alone long enough to be read


def ask(root: Path, *arguments: str) -> tuple[int, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YUANQING_ROOT", str(root))
        patch.setenv("YUANQING_DATA", str(root / "data"))
        done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


def test_the_asset_stands_beside_the_base_table(root: Path) -> None:
    project = write_project(root)
    graph = build_definitions(project).resolve_asset_graph()
    key = dg.AssetKey(["base", "people__matches"])
    assert graph.get(key).parent_keys == {dg.AssetKey(["base", "people"]), dg.AssetKey(["std", "listed"])}
    with open_instance(project) as instance:
        event = instance.get_latest_materialization_event(key)
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    figures = {k: metadata[k].value for k in ("1 待核 review", "2 确定 certain", "dagster/row_count")}
    assert figures == {"1 待核 review": 1, "2 确定 certain": 1, "dagster/row_count": 2}
    assert LIU not in str(metadata["6 待核清单 to review"].value)


def test_a_run_without_news_does_nothing(root: Path) -> None:
    assert run(write_project(root)).nothing


def test_pairs_are_listed_masked_and_decided(root: Path) -> None:
    code, said = ask(root, "review", "--json")
    listed = json.loads(said)
    [pair] = listed["pairs"]
    assert (code, listed["records"]["review"], pair["base"]["name"]) == (0, 1, "刘**")
    assert LIU not in said
    code, said = ask(root, "review")
    assert code == 0
    assert "待核" in said
    assert "差一字符" in said
    assert LIU not in said
    code, said = ask(root, "review", pair["pair"], "same", "--reviewer", "张核")
    assert (code, "reason" in said) == (2, True)
    code, said = ask(root, "review", pair["pair"], "same", "--reviewer", "张核", "--reason", "档案一致", "--json")
    assert code == 0, said
    assert json.loads(said)["classes"] == {"certain": 2, "review": 0, "different": 0, "none": 0}
    code, said = ask(root, "sql", "SELECT record, id_number, reviewer FROM base.people__links ORDER BY reviewer NULLS LAST", "--json")
    assert [(r["id_number"], r["reviewer"]) for r in json.loads(said)] == [("2199************58", "张核"), ("2199************74", None)]
    code, said = ask(root, "sql", "SELECT key, decision FROM evidence.decisions", "--json")
    assert json.loads(said) == [{"key": "***", "decision": "same"}]


def test_a_rule_that_merges_too_much_fails_its_own_step_only(root: Path, tmp_path: Path) -> None:
    """The base is built, the matching refuses with figures, and the next run tries it again."""
    loose = MATCHING.replace("of: 1000000", "of: 10").replace("maxMerged: 0.5", "maxMerged: 0.01")
    project = write_project(tmp_path, loose)
    crowd = [(f"219901199001{n + 1:02}001X", f"赵{chr(0x5000 + n)}", f"1990-01-{n + 1:02}", "1", "219901") for n in range(15)]
    hand_over(project, "register", "id_number,name,birth_date,sex,place", crowd)
    hand_over(project, "listed", "number,id_number,name,born,sex,place", [(str(n), p[0][:17], *p[1:]) for n, p in enumerate(crowd)])
    suite = tmp_path / "expectations" / "suites" / "sources" / "bureau" / "listed.yaml"
    suite.parent.mkdir(parents=True)
    suite.write_text(SUITE, encoding="utf-8")
    for _ in range(2):
        summary = run(project)
        assert summary.exit_code == 2
        assert any("would link 15 of 15 rows of listed by likeness (100.0%)" in said for said in summary.undone), summary.undone
    with open_lake(project, read_only=True) as con:
        assert con.execute("SELECT count(*) FROM base.people").fetchone() == (15,)
        assert con.execute("SELECT count(*) FROM evidence.matchings").fetchone() == (0,)
