"""Raw rows become standard rows, quarantine, results and issues: what goes where, and what a changed suite does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from assets.collect import collect
from assets.judging import Judge
from assets.lake import open_lake
from assets.project import Project
from assets.standardise import balance, due, standardise

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: shop
name: shop
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: shop/*.csv, format: csv}]
schema:
  - name: shop
    businessName: 店铺
    properties:
      - {name: code, physicalName: DM, logicalType: string, required: true, primaryKey: true}
      - {name: owner, physicalName: JYZ, logicalType: string, classification: "3"}
      - {name: opened, physicalName: KYRQ, logicalType: date}
customProperties:
  - property: delivery
    value: {mode: full, period: monthly, pattern: 'D_(?P<period>[0-9]{6})\\.csv'}
"""
RULE = """\
  - type: {type}
    kwargs: {kwargs}
    severity: {severity}
    meta: {{id: {id}, indicator: "{indicator}", weight: 1, blocking: {blocking}, title: {{zh: 甲, en: a}}, remedy: {{zh: 乙, en: b}}}}
"""
PRESENT = RULE.format(
    type="expect_column_values_to_not_be_null",
    kwargs="{column: code}",
    severity="critical",
    id="code_present",
    indicator="0201",
    blocking="true",
)
PARSES = RULE.format(
    type="expect_column_values_to_parse",
    kwargs="{column: opened}",
    severity="warning",
    id="opened_parses",
    indicator="0302",
    blocking="false",
)
SHORT = RULE.format(
    type="expect_column_value_lengths_to_equal",
    kwargs="{column: code, value: 2}",
    severity="warning",
    id="code_form",
    indicator="0302",
    blocking="false",
)
ROWS = "DM,JYZ,KYRQ\nA1,示例甲,20200101\n,示例乙,20200102\nＡ2,示例丙,20201301\nA33,示例丁,2020/1/4\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    contract = tmp_path / "assets" / "sources" / "trade" / "shop.odcs.yaml"
    contract.parent.mkdir(parents=True)
    contract.write_text(CONTRACT, encoding="utf-8")
    write_suite(tmp_path, PRESENT, PARSES)
    landed = tmp_path / "data" / "landing" / "shop" / "D_202610.csv"
    landed.parent.mkdir(parents=True)
    landed.write_text(ROWS, encoding="utf-8")
    os.utime(landed, (1_790_000_000, 1_790_000_000))
    return Project(tmp_path, tmp_path / "data")


def write_suite(root: Path, *rules: str) -> None:
    path = root / "expectations" / "suites" / "sources" / "trade" / "shop.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("name: shop\nexpectations:\n" + "".join(rules), encoding="utf-8")


@pytest.fixture
def con(project: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_lake(project) as con:
        collect(con, project, project.contracts["shop"], "run-1")
        yield con


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return con.execute(sql).fetchall()


def test_every_row_goes_one_way_and_failures_are_flagged(project: Project, con: duckdb.DuckDBPyConnection) -> None:
    done = standardise(con, project, project.contracts["shop"], "run-1")
    assert (done.rows_std, done.rows_quarantine) == (3, 1)
    assert rows(con, "SELECT code, opened::VARCHAR, _row, _failed FROM std.shop ORDER BY _row") == [
        ("A1", "2020-01-01", 2, None),
        ("A2", None, 4, ["opened_parses"]),
        ("A33", "2020-01-04", 5, None),
    ]
    assert rows(con, "SELECT code, owner, _row, _failed FROM quarantine.shop") == [(None, "示例乙", 3, ["code_present"])]
    assert rows(con, 'SELECT "row", rule FROM evidence.issues ORDER BY ALL') == [(3, "code_present"), (4, "opened_parses")]
    assert rows(con, 'SELECT "column", kind, "rows" FROM evidence.repairs') == [("code", "folded", 1)]
    assert rows(con, "SELECT rule, outcome, elements, unexpected FROM evidence.results ORDER BY rule") == [  # two the contract yields
        ("code_present", "failed", 4, 1),
        ("key_unique", "passed", 4, 0),
        ("open_columns", "passed", 4, 0),
        ("opened_parses", "failed", 4, 1),
    ]
    assert balance(con, project.contracts["shop"], done.batches) == [(done.batches[0], 4, 3, 1)]
    assert rows(con, "SELECT status, rows_std, rows_quarantine FROM evidence.batches") == [("standardised", 3, 1)]


def test_a_second_call_makes_no_snapshot(project: Project, con: duckdb.DuckDBPyConnection) -> None:
    standardise(con, project, project.contracts["shop"], "run-1")
    before = rows(con, "SELECT max(snapshot_id) FROM lake.snapshots()")
    assert standardise(con, project, project.contracts["shop"], "run-2").batches == ()
    assert rows(con, "SELECT max(snapshot_id) FROM lake.snapshots()") == before


def test_the_commit_names_the_run(project: Project, con: duckdb.DuckDBPyConnection) -> None:
    standardise(con, project, project.contracts["shop"], "run-7")
    said = rows(con, "SELECT commit_extra_info FROM lake.snapshots() ORDER BY snapshot_id DESC LIMIT 1")
    assert said == [('{"run": "run-7"}',)]


def test_a_changed_suite_judges_what_stands_anew(project: Project, con: duckdb.DuckDBPyConnection) -> None:
    contract = project.contracts["shop"]
    standardise(con, project, contract, "run-1")
    assert due(con, Judge(project, contract)) == []

    write_suite(project.root, PRESENT, PARSES, SHORT)

    assert [(d.rows, d.again) for d in due(con, Judge(project, contract))] == [(4, True)]
    standardise(con, project, contract, "run-2")
    assert rows(con, "SELECT code, _failed FROM std.shop ORDER BY _row") == [
        ("A1", None),
        ("A2", ["opened_parses"]),
        ("A33", ["code_form"]),
    ]
    assert rows(con, "SELECT DISTINCT run_id, count(*) FROM evidence.results GROUP BY ALL") == [("run-2", 5)]
    assert rows(con, "SELECT count(*) FROM evidence.issues") == [(3,)]
    assert balance(con, contract, [d for (d,) in rows(con, "SELECT batch FROM evidence.batches")])[0][1:] == (4, 3, 1)
    assert due(con, Judge(project, contract)) == []


def test_a_suite_that_changed_its_words_alone_judges_nothing_anew(project: Project, con: duckdb.DuckDBPyConnection) -> None:
    contract = project.contracts["shop"]
    standardise(con, project, contract, "run-1")
    write_suite(project.root, PRESENT.replace("甲", "丙"), PARSES)
    assert due(con, Judge(project, contract)) == []


def test_values_of_classified_columns_are_masked_in_what_is_stored(project: Project, con: duckdb.DuckDBPyConnection) -> None:
    write_suite(
        project.root,
        PRESENT,
        SHORT.replace("column: code, value: 2", "column: owner, value: 9").replace("code_form", "owner_form"),
    )
    standardise(con, project, project.contracts["shop"], "run-1")
    (stored,) = rows(con, "SELECT result FROM evidence.results WHERE rule = 'owner_form'")
    assert "示例" not in str(stored[0])
    assert "示**" in str(stored[0])
