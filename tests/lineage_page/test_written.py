"""What is written into the page: every table and edge, scores and hand-overs as published; names stay text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assets.project import Project
from benchmarks.lineage_page import crowd
from pipelines.lineage.graph import Edge, Graph, read_graph
from pipelines.lineage.page import SCRIPTS, in_script, render
from pipelines.lineage.page.facts import drawn
from pipelines.reports import build_reports
from pipelines.results import publish
from tests.reports.reports_support import batch, contract, fill, raw, result, suite

HOSTILE = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> ]]> & \u2028 \"'"


class Read(HTMLParser):
    """The elements of a page, and the text of its scripts by their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._in = True
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = self._in and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in:
            self.scripts[-1] += data


def hostile() -> dict[str, Any]:
    column = SimpleNamespace(name=HOSTILE, header=HOSTILE, title=HOSTILE, title_en=HOSTILE, classification=3)
    of = SimpleNamespace(title=HOSTILE, title_en=HOSTILE, department=HOSTILE, department_en=HOSTILE, columns=[column])
    graph = Graph(
        {"in.bad": (HOSTILE,), "raw.bad": (HOSTILE,), "std.bad": (HOSTILE,)},
        (
            Edge(("in.bad", HOSTILE), ("raw.bad", HOSTILE), "IDENTITY"),
            Edge(("raw.bad", HOSTILE), ("std.bad", HOSTILE), "TRANSFORMATION", by=HOSTILE),
        ),
        {"std.bad": ((HOSTILE, HOSTILE),)},
    )
    told = {"std.bad": (1, [("bad", HOSTILE, HOSTILE, "2026-11-01", 1, HOSTILE)])}
    return {
        "published": {"at": HOSTILE, "snapshot": 1, "standard": 1},
        **drawn(graph, {"bad": of}, {"bad": (50.0, 50.0, HOSTILE, 1)}, told),
    }  # type: ignore[dict-item]


def test_a_name_with_markup_opens_no_element() -> None:
    plain, read = Read(render(crowd(20, 3))), Read(render(hostile()))
    assert [t for t, _ in read.tags] == [t for t, _ in plain.tags]
    assert len(read.scripts) == 1 + len(SCRIPTS)
    assert json.loads(read.scripts[0])["tables"][1]["zh"] == HOSTILE


def test_what_stands_in_a_script_has_no_sign_that_could_end_it() -> None:
    text = in_script([HOSTILE])
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == [HOSTILE]


def test_the_page_loads_nothing_and_lets_only_its_own_scripts_run() -> None:
    page = render(crowd(20, 3))
    read = Read(page)
    policy = next(a["content"] for t, a in read.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    allowed = re.findall(r"sha256-([^']+)'", policy)
    assert allowed == [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in read.scripts[1:]]
    assert "unsafe-inline" not in policy.split("script-src")[1]
    assert all("src" not in a for _, a in read.tags)
    assert [a["href"] for t, a in read.tags if t == "link"] == ["data:,"]


def test_the_library_stands_with_its_licence() -> None:
    folder = Path("pipelines/lineage/page")
    assert "Permission is hereby granted" in (folder / "dagre.LICENSE.txt").read_text(encoding="utf-8")
    assert "dagre.LICENSE.txt" in (folder / "dagre.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ours() -> tuple[Graph, dict[str, Any]]:
    project = Project.at()
    graph = read_graph(project)
    return graph, drawn(graph, project.contracts, {}, {})


def named(facts: dict[str, Any]) -> list[tuple[str, str]]:
    return [(t["key"], c) for t in facts["tables"] for c in ("", *(c[0] for c in t["columns"]))]


def test_every_table_and_column_of_the_project_is_told_with_its_level(ours: tuple[Graph, dict[str, Any]]) -> None:
    graph, facts = ours
    assert {t["key"]: [c[0] for c in t["columns"]] for t in facts["tables"]} == {
        t: list(c) for t, c in graph.columns.items() if not t.startswith("raw.")
    }
    contracts = Project.at().contracts
    for table in facts["tables"]:
        if not table["key"].startswith("codes."):
            of = contracts[table["key"].split(".", 1)[1]]
            assert [c[3] for c in table["columns"]] == [c.classification for c in of.columns]
            assert facts["departments"][table["department"]] == [of.department, of.department_en]
        else:
            assert "" not in [table["zh"], table["en"], *(words for c in table["columns"] for words in c[1:3])]
    assert {t["key"]: t["zh"] for t in facts["tables"]}["codes.aqi_breakpoint"] == "空气质量分指数及对应浓度限值"


def test_every_edge_is_told_and_raw_is_passed_through(ours: tuple[Graph, dict[str, Any]]) -> None:
    graph, facts = ours
    names, flat = named(facts), facts["edges"]
    told = {(names[flat[i]], names[flat[i + 1]], facts["kinds"][flat[i + 2]], bool(flat[i + 3])) for i in range(0, len(flat), 5)}

    def at(node: tuple[str, str]) -> tuple[str, str]:
        table, column = (f"std.{node[0][4:]}" if node[0].startswith("raw.") else node[0]), node[1]
        return (table, column) if (table, column) in set_of_names else (table, "")

    set_of_names = set(names)
    expected = {(at(e.source), at(e.target), str(e.subtype), e.masking) for e in graph.edges}
    assert told == {e for e in expected if e[0] != e[1] or e[0][1] == ""} - {e for e in expected if e[0] == e[1]}
    assert any(word.startswith("trim") for word in facts["by"])


def test_reports_have_the_page_with_what_was_published(tmp_path: Path) -> None:
    contract(tmp_path, "people", [("id", "GMSFHM", "身份号码", "string", 4), ("sex", "XB", "性别", "string", 1)], title="人口")
    suite(tmp_path, "people", [{"id": "sex_present", "column": "sex", "indicator": "0201"}])
    project = Project(tmp_path, tmp_path / "data")
    raw(project, "people", ["id", "sex"], [("a", row, f"19900101{row}", "1") for row in range(2, 7)])
    fill(project, batches=[batch("people", "a", rows=5, source="a.csv")], results=[result("people", "a", "sex_present", 5, 2)], issues=[])
    publish(project)
    assert project.reports / "lineage.html" in build_reports(project)
    page = (project.reports / "lineage.html").read_text(encoding="utf-8")
    tables = {t["key"]: t for t in json.loads(Read(page).scripts[0])["tables"]}
    assert set(tables) == {"in.people", "std.people"}
    points, _, _, failing = tables["std.people"]["quality"]
    assert (points, failing) == (pytest.approx(60), 1)
    total, [(dataset, *_, rows, which)] = tables["std.people"]["batches"]
    assert (total, dataset, rows, which) == (1, "people", 5, "a")
    assert "19900101" not in page
    assert 'href="lineage.html"' in (project.reports / "index.html").read_text(encoding="utf-8")
