"""Declarations of views: what is wrong is told by file and line, what is right plants at its rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from assets.project import CODE, Project
from expectations.documents import DocumentError
from sample_data.building import WorldError, build, opened, prepare
from sample_data.declaration import Handovers
from sample_data.declared import read
from sample_data.made import make

GOOD = """\
handovers: {every: month, last: 2}
rows: |
  SELECT 'N' || i AS number, 'name' || i AS name, i AS _key, i % 2 = 0 AS _steady FROM range(4000) AS t(i)
order: number
form: {name: "thing_{period}_{serial}.csv"}
dialect:
  name: {"name1": one, "name3": three, rate: 1.0}
faults:
  - {kind: name_missing, column: name, indicator: "0201", effect: flag, rate: 0.05}
  - {kind: rare, column: name, indicator: "0201", effect: flag, rate: 1.0e-5, spoilt: "'rare'", least: 4}
  - {like: row_twice, rate: 0.01}
  - {kind: broken, indicator: "0202", effect: reject, where: _last, line: "left(line, 2)", least: 1}
"""
CONTRACT = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "thing", "name": "thing", "version": "1.0.0", "status": "active",
    "servers": [{"server": "landing", "type": "local", "path": "thing/*.csv", "format": "csv"}],
    "schema": [{"name": "thing", "properties": [
        {"name": "number", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1}, {"name": "name", "logicalType": "string"},
    ]}],
    "customProperties": [{"property": "delivery", "value": {
        "mode": "full", "period": "monthly", "pattern": r"thing_(?P<period>[0-9]{6})_[0-9]{2}\.csv"}}],
}  # fmt: skip


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Project]:
    """A project of one dataset whose view is declared by this text."""

    def made(text: str = GOOD, name: str = "thing", **more: Any) -> Project:
        here = tmp_path / "root" / "assets" / "sources" / "office"
        here.mkdir(parents=True, exist_ok=True)
        if not (tmp_path / "root" / "expectations").exists():
            (tmp_path / "root" / "expectations").symlink_to(CODE / "expectations")
        schema = [{"name": name, "properties": CONTRACT["schema"][0]["properties"]}]  # type: ignore[index]
        contract = {**CONTRACT, "id": name, "name": name, "schema": schema, **more}
        (here / f"{name}.odcs.yaml").write_text(yaml.safe_dump(contract), encoding="utf-8")
        (here / f"{name}.sample.yaml").write_text(text, encoding="utf-8")
        return Project.at(tmp_path / "root", tmp_path / "data")

    return made


def truth_of(project: Project) -> list[dict[str, Any]]:
    make(project, scale=100, seed=5)
    return pq.read_table(project.data / "sample" / "truth.parquet").to_pylist()


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("order: number", "odrer: number"), 4, "unknown key 'odrer'. Did you mean 'order'?"),
        (("every: month", "evry: month"), 1, "unknown key 'evry'. Did you mean 'every'?"),
        (("effect: flag, rate: 0.05", "effect: flagg, rate: 0.05"), 9, "'flagg'"),
        (("rate: 0.05", "rate: 1.05"), 9, "1.05"),
        (("column: name, indicator: \"0201\", effect: flag, rate: 0.05", "column: nam, indicator: \"0201\", effect: flag, rate: 0.05"), 9,
         "the contract has no column 'nam'. Did you mean 'name'?"),
        (("{like: row_twice", "{like: row_twise"), 11, "unknown common defect 'row_twise'. Did you mean 'row_twice'?"),
        (("kind: rare", "kind: name_missing"), 10, "the kind 'name_missing' stands twice"),
        (('form: {name: "thing_{period}_{serial}.csv"}', "form: {}"), 5, "no `name`"),
        (("last: 2}", "last: 2"), 2, "not YAML"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_told_by_its_line(declare: Callable[..., Project], change: tuple[str, str], line: int, said: str) -> None:
    assert change[0] in GOOD
    project = declare(GOOD.replace(*change, 1))
    with pytest.raises(DocumentError) as told:
        read(project.contracts["thing"])
    assert said in str(told.value)
    assert told.value.line is not None
    assert abs(told.value.line - line) <= ("YAML" in said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("'name' || i AS name", "'name' || i AS nam"), "the SELECT gives no column 'name'. Did you mean 'nam'?"),
        (("i AS _key", "i AS _kee"), "gives no `_key`"),
        (("i AS _key", "i // 2 AS _key"), "2 rows of 202609 bear the `_key` 0"),
        (("FROM range(4000)", "FROM world.nothing"), "nothing"),
        (("i % 2 = 0 AS _steady", "true AS _plants_x99_gone"), "no declaration plants"),
        (("\"'rare'\"", '"missing_function(name)"'), "missing_function"),
        (("thing_{period}", "thing_{perod}"), "no place 'perod'"),
        (("order: number", "order: numbr"), "numbr"),
    ],
)
def test_what_only_the_database_finds_is_told_with_the_declaration(
    declare: Callable[..., Project], change: tuple[str, str], said: str
) -> None:
    project = declare(GOOD.replace(*change, 1))
    with pytest.raises(DocumentError, match=r"thing\.sample\.yaml") as told:
        make(project, scale=100, seed=5)
    assert said in str(told.value)
    assert not (project.data / "sample" / "made.json").exists()


def test_a_declaration_without_a_contract_is_told(declare: Callable[..., Project]) -> None:
    project = declare()
    there = project.assets / "sources" / "office" / "thing.sample.yaml"
    there.with_name("thingg.sample.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(DocumentError, match="no contract stands beside it"):
        make(project, scale=100)


def test_faults_come_at_their_rates_and_never_in_steady_rows(declare: Callable[..., Project]) -> None:
    truth = truth_of(declare())
    counts = Counter((f["kind"], f["period"]) for f in truth)
    for period in ("202609", "202610"):
        assert 60 < counts["name_missing", period] < 140  # 0.05 of 2,000 rows that are not steady
        assert counts["rare", period] == 4
        assert 2 * 10 <= counts["row_twice", period] <= 2 * 34
        assert counts["broken", period] <= 1
        assert counts["name_word", period] == 2
    assert not [f for f in truth if f["clean"] and f["clean"].startswith("name") and int(f["clean"][4:]) % 2 == 0]
    stay = [{f["clean"] for f in truth if (f["kind"], f["period"]) == ("name_missing", period)} for period in ("202609", "202610")]
    assert 0.5 < len(stay[0] & stay[1]) / len(stay[0]) < 0.85


@pytest.mark.parametrize(("rows", "found"), [(2, {}), (3, {"number_missing": 1}), (4, {"number_missing": 1, "row_twice": 2})])
def test_a_rare_kind_never_sends_half_of_few_rows_to_quarantine(declare: Callable[..., Project], rows: int, found: dict[str, int]) -> None:
    """Half of a hand-over in quarantine stops what is built from it, and a row that comes twice is two there; a flag is as rare as said."""
    text = f"""\
rows: SELECT 'N' || i AS number, 'name' AS name, i AS _key FROM range({rows}) AS t(i)
form: {{name: "thing_{{period}}_{{serial}}.csv"}}
faults:
  - {{kind: name_missing, column: name, indicator: "0201", effect: flag, least: 1, where: _key = 0}}
  - {{like: row_twice, rate: 0, least: 1, where: _key = 1}}
  - {{kind: number_missing, column: number, indicator: "0201", effect: quarantine, least: 2, where: _key > 1}}
"""
    assert Counter(f["kind"] for f in truth_of(declare(text))) == {"name_missing": 1, **found}


def test_hand_overs_that_are_wrong_as_a_whole(declare: Callable[..., Project]) -> None:
    drift = """\
drift:
  - {kind: header_renamed, period: 202609, column: name, to: NAEM, effect: refuse, again: true}
  - {kind: same_file, period: 202610}
  - {from: 202610, column: name, header: NAME2}
"""
    project = declare(GOOD + drift)
    truth = truth_of(project)
    files = sorted(p.name for p in (project.landing / "thing").iterdir())
    assert files == ["thing_202609_01.csv", "thing_202609_02.csv", "thing_202610_01.csv", "thing_202610_02.csv"]
    heads = {name: (project.landing / "thing" / name).read_text(encoding="utf-8").splitlines()[0] for name in files}
    assert heads == {files[0]: "number,NAEM", files[1]: "number,name", files[2]: "number,NAME2", files[3]: "number,NAME2"}
    whole = {(f["kind"], f["source"], f["effect"], f["spoilt"], f["clean"]) for f in truth if f["row"] is None}
    assert whole == {("header_renamed", files[0], "refuse", "NAEM", "name"), ("same_file", files[3], "repeat", files[3], files[2])}
    assert {f["source"] for f in truth if f["row"] is not None} == {files[1], files[2]}


@pytest.mark.parametrize(("share", "least", "told"), [(0.2, 3, True), (0.2, 5, False), (0.4, 3, False)])
def test_a_hand_over_is_wrong_where_too_many_rows_bear_a_fault(
    declare: Callable[..., Project], share: float, least: int, told: bool
) -> None:
    text = f"""\
rows: SELECT 'N' || i AS number, 'name' || i AS name, i AS _key FROM range(10) AS t(i)
form: {{name: "thing_{{period}}_{{serial}}.csv"}}
faults:
  - {{kind: unknown, column: name, indicator: "0301", effect: none, rate: 0, least: 4, spoilt: "'?'"}}
drift:
  - {{kind: unknown_many, of: unknown, share: {share}, least: {least}, effect: flag}}
"""
    truth = truth_of(declare(text))
    assert [(f["kind"], f["row"]) for f in truth] == ([("unknown_many", None)] if told else [])


def test_rows_that_break_because_of_others_are_told(declare: Callable[..., Project]) -> None:
    text = """\
rows: |
  SELECT 'N' || i AS number, CASE WHEN i % 4 = 0 THEN 'head' ELSE 'home' || i // 4 END AS name, i AS _key,
    i // 4 AS _home FROM range(40) AS t(i)
form: {name: "thing_{period}_{serial}.csv"}
faults:
  - {kind: headless, column: name, indicator: "0402", effect: flag, where: "name = 'head'", spoilt: "'nobody'", least: 1}
told:
  - {over: _home, column: name, facts: {heads: "count(*) FILTER (name = 'head')"}, marks: {headless: "heads = 0"}}
"""
    truth = truth_of(declare(text))
    assert [(f["kind"], f["column"]) for f in truth] == [("headless", "name")] * 4
    rows = [f["row"] for f in truth]
    assert rows == list(range(rows[0], rows[0] + 4))
    assert (rows[0] - 2) % 4 == 0


def test_disagreements_are_planted_in_those_who_are_able_and_marked(declare: Callable[..., Project]) -> None:
    text = """\
cross:
  x99_odd: {of: "SELECT i AS key, i % 3 = 0 AS able FROM range(300) AS t(i)", rate: 0.01, least: 3, indicator: "0402", column: name}
rows: |
  SELECT 'N' || i AS number, 'name' AS name, i AS _key, i IN (FROM planted.x99_odd) AS _plants_x99_odd,
    i = 7 AS _graced_x99_odd FROM range(300) AS t(i)
form: {name: "thing_{period}_{serial}.csv"}
faults:
  - {kind: name_missing, column: name, indicator: "0201", effect: flag, rate: 1.0}
"""
    truth = truth_of(declare(text))
    found = Counter((f["kind"], f["effect"]) for f in truth)
    assert found["x99_odd", "graced"] == 1
    assert 3 <= found["x99_odd", "cross"] < 8
    # what a mark stands at is spoilt by nothing else
    assert found["name_missing", "flag"] == 300 - found["x99_odd", "cross"] - 1


def test_two_views_cannot_plant_the_same(declare: Callable[..., Project]) -> None:
    cross = 'cross: {x99_odd: {of: "SELECT 1 AS key, true AS able", rate: 0}}\n'
    declare(cross + GOOD)
    server = {"server": "landing", "type": "local", "path": "other/*.csv", "format": "csv"}
    project = declare(cross + GOOD.replace("thing_", "other_"), name="other", servers=[server])
    with pytest.raises(DocumentError, match="plants 'x99_odd' too"):
        make(project, scale=100)


@pytest.mark.parametrize(
    ("handovers", "expected"),
    [
        (Handovers(every="month", last=3), [("1900-01-01", "2026-08-31"), ("2026-08-31", "2026-09-30"), ("2026-09-30", "2026-10-31")]),
        (Handovers(every="month", last=1, first="own"), [("2026-09-30", "2026-10-31")]),
        (Handovers(every="day", last=2, first="own"), [("2026-10-29", "2026-10-30"), ("2026-10-30", "2026-10-31")]),
        (Handovers(ends=(datetime(2025, 4, 30), datetime(2026, 4, 30))), [("1900-01-01", "2025-04-30"), ("2025-04-30", "2026-04-30")]),
    ],
)
def test_periods(handovers: Handovers, expected: list[tuple[str, str]]) -> None:
    assert [(f"{m.begins:%Y-%m-%d}", f"{m.ends:%Y-%m-%d}") for m in handovers.moments("%Y%m")] == expected


def test_world_tables_are_built_in_the_order_in_which_they_need_each_other(tmp_path: Path) -> None:
    world = tmp_path / "world"
    world.mkdir()
    (world / "a.sql").write_text("-- world.nothing\nCREATE TABLE world.last AS FROM world.first;\nCREATE TABLE world.idle AS SELECT 1;")
    (world / "b.sql").write_text("CREATE TABLE world.first AS SELECT people() AS n; INSERT INTO world.first VALUES (2);")
    with opened(tmp_path / "sample.duckdb") as con:
        prepare(con, 1, 7, CODE / "expectations" / "codes")
        assert build(con, ["SELECT * FROM world.last"], folder=world) == ["first", "last"]
        assert con.execute("SELECT n FROM world.last ORDER BY n").fetchall() == [(2,), (7,)]
        (world / "c.sql").write_text("CREATE TABLE world.round AS FROM world.about; CREATE TABLE world.about AS FROM world.round;")
        with pytest.raises(WorldError, match=r"need each other: .*round -> about"):
            build(con, ["FROM world.round"], folder=world)
        (world / "c.sql").write_text("SELECT 1;")
        with pytest.raises(WorldError, match=r"c\.sql: a statement makes no world table"):
            build(con, ["FROM world.last"], folder=world)
    assert not (tmp_path / "sample.duckdb").exists()
