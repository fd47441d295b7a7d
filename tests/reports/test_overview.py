"""What heads and leaders read: peers, moves, effort, issues and the overview; against figures worked by hand."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.project import Project
from pipelines.reports import head
from pipelines.reports.department import write_department
from pipelines.reports.issues import issues_by_department, open_issues
from pipelines.reports.overview import movers, worst, write_overview
from pipelines.reports.pages import moved, points
from pipelines.results import connect_results, publish

from reports_support import batch, contract, fill, result, suite  # isort: skip

HOSTILE = "<img src=x onerror=alert(1)>\"'&"
COLUMNS = [("id", "GMSFHM", "身份号码", "string", 3), ("name", "XM", f"姓名{HOSTILE}", "string", 3)]
RULES = [
    {"id": "id_there", "column": "id", "indicator": "0201", "title": f"号码{HOSTILE}", "remedy": HOSTILE},
    {"id": "name_there", "column": "name", "indicator": "0201"},
    {"id": "enough", "indicator": "0202", "type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}},
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two departments: people of two cities, of whose names nearly all lack in one; and roads, handed over once, too small."""
    root = tmp_path_factory.mktemp("project")
    contract(root, "people", COLUMNS, required=["id", "name"], department=f"公安厅{HOSTILE}", title=f"人口{HOSTILE}")
    contract(root, "roads", COLUMNS[:1], required=["id"], group="transport", department="交通厅", title="道路")
    suite(root, "people", RULES)
    suite(root, "roads", [RULES[0] | {"title": "代码必填"}, RULES[2]], group="transport")
    made = Project(root, root / "data")
    told = []
    for unit, period, ids, names in (
        ("210100", "202609", 40, 0),
        ("210200", "202609", 0, 0),
        ("210100", "202610", 4, 0),
        ("210200", "202610", 0, 95),
    ):
        of = f"p-{unit}-{period}"
        told.append((batch("people", of, unit=unit, period=period, rows=100), []))
        told[-1][1].extend(
            [
                result("people", of, "id_there", 100, ids, missing=ids),
                result("people", of, "name_there", 100, names, missing=names),
                result("people", of, "enough", None, None, outcome="passed"),
            ]
        )
    small = [
        result("roads", "r", "id_there", 3, 3, missing=3, examples=[HOSTILE]),
        result("roads", "r", "enough", None, None, outcome="failed"),
    ]
    told.append((batch("roads", "r", period="202609", rows=3, source=f"{HOSTILE}.csv"), small))
    fill(made, batches=[b for b, _ in told], results=[r for _, found in told for r in found])
    publish(made)
    return made


@pytest.fixture
def results(project: Project) -> Any:
    with connect_results(project) as con:
        yield con


def test_how_far_departments_moved(project: Project, results: duckdb.DuckDBPyConnection) -> None:
    """Ids there: 160 of 200 in September, 196 in October; names: all, then 105. So completeness of cells 0.9, then 0.7525.

    Records are complete both times; both indicators weigh the same, and nothing else is scored, so the score is 95, then 87.625.
    Called for: ids and names there (covered), an id once (no result); completeness has 20 of the 45 points that count.
    """
    found = head.history(results, "department", "police")
    assert [(m["month"], round(m["score"], 6), m["batches"], m["rows"]) for m in found] == [
        ("202609", 95, 2, 200),
        ("202610", 87.625, 2, 200),
    ]
    move = head.moves(results)["police"]
    assert move["move"] == pytest.approx((87.625 - 95) * 20 / 45)
    assert (move["before_month"], round(head.moves(results)["transport"]["move"], 6)) == ("202609", 0)
    league = [{"department": "police", "ranked": 1.0}, {"department": "transport", "ranked": 1.0}]
    assert [(k, [e["department"] for e in v]) for k, v in movers(results, league).items()] == [("up", []), ("down", ["police"])]


def test_what_mending_takes(project: Project, results: duckdb.DuckDBPyConnection) -> None:
    failing = [
        {"dataset": d, "rule": r, "rows": n, "urgency": 1.0}
        for d, r, n in results.execute("SELECT dataset, rule, rows FROM failing_rules").fetchall()
    ]
    police = head.weighed(results, [f for f in failing if f["dataset"] == "people"], "police")
    # names: 95 of one city's 100 lack, of nobody else's: one cause; they weigh 95/200/2 of completeness, ids 4/200/2
    assert [(r["rule"], r["way"]) for r in police] == [("name_there", "source"), ("id_there", "rows")]
    assert police[0]["gain"] == pytest.approx(100 * 95 / 200 / 2 / 2 * 20 / 45)
    assert police[0]["fields"] == [f"姓名{HOSTILE}"]
    roads = head.weighed(results, [f for f in failing if f["dataset"] == "roads"], "transport")
    assert {r["rule"]: r["way"] for r in roads} == {"id_there": "rows", "enough": "again"}  # three rows tell of no common cause


def test_peers_are_those_with_about_as_many_rows() -> None:
    league = [
        {"department": name, "rows": rows, "ranked": ranked}
        for name, rows, ranked in (
            ("a", 10, 99),
            ("b", 900, 98),
            ("c", 20, 97),
            ("d", 800, 97),
            ("e", 30, 90),
            ("f", 500, 80),
            ("g", 40, 70),
        )
    ]
    # by rows: b 900, d 800, f 500, g 40, e 30, c 20, a 10
    assert [(p["department"], p["place"]) for p in head.peers(league, "g")] == [("c", 1), ("d", 1), ("e", 3), ("f", 4), ("g", 5)]
    assert {p["department"] for p in head.peers(league, "b")} == {"b", "d", "f", "g", "e"}
    assert {p["department"] for p in head.peers(league, "a")} == {"f", "g", "e", "c", "a"}
    assert [p["department"] for p in head.peers(league[:1], "a")] == ["a"]


def test_the_worst_rules_are_those_that_cost_the_province_most(results: duckdb.DuckDBPyConnection) -> None:
    found = worst(results, 3)
    assert [r["of_province"] for r in found] == sorted((r["of_province"] for r in found), reverse=True)
    assert {(r["dataset"], r["rule"]) for r in found} == {("roads", "id_there"), ("roads", "enough"), ("people", "name_there")}


def _tickets(con: duckdb.DuckDBPyConnection, *told: tuple[str, str, int | None, bool | None, int, int]) -> None:
    con.execute(
        "CREATE TABLE tickets (department VARCHAR, state VARCHAR, age_days INTEGER, overdue BOOLEAN, level INTEGER, reopened INTEGER)"
    )
    con.executemany("INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?)", told)
    con.execute(
        "CREATE TABLE datasets AS SELECT 'sources' AS layer, n AS department, upper(n) AS department_zh FROM (VALUES ('p'), ('t')) v(n)"
    )


def test_open_issues_by_state_and_age() -> None:
    with duckdb.connect() as con:
        _tickets(
            con,
            ("p", "found", 0, None, 0, 0), ("p", "found", 7, False, 0, 1), ("p", "found", 8, False, 0, 0),
            ("p", "dispatched", 91, True, 2, 0), ("p", "closed", 400, False, 0, 0), ("t", "mended", None, False, 0, 0),
        )  # fmt: skip
        whole, own = open_issues(con), open_issues(con, "p")
        assert whole is not None
        assert own is not None
        assert [(s["state"], s["counts"], s["overdue"]) for s in whole["states"]] == [
            ("found", [2, 1, 0, 0], 0), ("dispatched", [0, 0, 0, 1], 1), ("mended", [1, 0, 0, 0], 0)
        ]  # fmt: skip
        assert (whole["every"], whole["counts"], whole["overdue"], whole["oldest"]) == (5, [3, 1, 0, 1], 1, 91)
        assert (own["every"], [(zh, n) for zh, _, n in own["levels"]]) == (4, [("已提请部门负责人", 1)])
        assert open_issues(con, "nobody") is None
        found = [(d["department"], d["every"], d["overdue"], d["back"], d["oldest"]) for d in issues_by_department(con)]
        assert found == [("p", 4, 1, 1, 91), ("t", 1, 0, 0, 0)]


def test_results_without_tickets_have_no_issues() -> None:
    with duckdb.connect() as con:
        assert open_issues(con) is None
        assert issues_by_department(con) == []


class Page(HTMLParser):
    """Elements, ids, and links with their text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.headings: list[int] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        self.handlers += [name for name in given if name.startswith("on")]
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []


def test_the_overview_leads_to_departments_and_nothing_runs(project: Project, results: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name in ("police", "transport"):
        write_department(results, name, tmp_path / name / "index.html")
    text = write_overview(results, tmp_path / "overview.html", {"211400": "葫芦岛市"}).read_text(encoding="utf-8")
    page = Page(text)
    assert HOSTILE not in text
    assert "img" not in page.tags
    assert "script" not in page.tags
    assert page.handlers == []
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|url\(|@import", text)
    assert len(page.ids) == len(set(page.ids))
    assert max(b - a for a, b in zip(page.headings, page.headings[1:], strict=False)) <= 2
    for link in page.links:
        path, _, anchor = link.partition("#")
        if path == "index.html":
            continue
        target = Page((tmp_path / path).read_text(encoding="utf-8")) if path else page
        assert not anchor or anchor in target.ids, link
    assert "葫芦岛市" in text  # a city of which nothing is known has its tile
    department = Page((tmp_path / "police" / "index.html").read_text(encoding="utf-8"))
    assert "img" not in department.tags
    assert department.handlers == []


def test_the_same_results_make_the_same_pages(project: Project, results: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    def made(folder: Path) -> list[bytes]:
        overview = write_overview(results, folder / "overview.html")
        return [overview.read_bytes(), write_department(results, "police", folder / "p" / "index.html").read_bytes()]

    assert made(tmp_path / "one") == made(tmp_path / "two")


def test_nothing_handed_over_makes_an_overview_too(tmp_path: Path) -> None:
    contract(tmp_path, "people", COLUMNS)
    made = Project(tmp_path, tmp_path / "data")
    fill(made, batches=[batch("people", "a", status="refused", reason="an empty file")])
    publish(made)
    with connect_results(made) as con:
        text = write_overview(con, tmp_path / "overview.html").read_text(encoding="utf-8")
    assert "从未交付 never handed over" in text
    assert "各市" not in text


@pytest.mark.parametrize(
    ("value", "said"), [(None, "—"), (0.004, "持平 steady"), (-0.004, "持平 steady"), (1.234, "▲ +1.23"), (-0.04, "▼ −0.04")]
)
def test_moves_are_told_without_colour(value: float | None, said: str) -> None:
    assert moved(value) == said


def test_small_gains_are_not_told_as_nothing() -> None:
    assert [points(v) for v in (None, 0.001, 0.01, 3.984)] == ["—", "+<0.01", "+0.01", "+3.98"]
