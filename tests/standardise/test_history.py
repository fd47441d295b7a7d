"""Rules that look beside the batch: at earlier rows and batches of the dataset, and at other datasets of the lake."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from assets.collect import collect
from assets.lake import open_lake
from assets.project import Project
from assets.standardise import recheck, standardise

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
servers: [{{server: landing, type: local, path: {name}/*.csv, format: csv}}]
schema:
  - name: {name}
    businessName: 甲
    properties:
{properties}
customProperties:
  - property: delivery
    value: {{mode: delta, period: hourly, event: at, pattern: 'D_(?P<period>[0-9]{{10}})\\.csv'}}
"""
READING = """\
      - {name: at, physicalName: at, logicalType: timestamp, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: station, physicalName: station, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 2}
      - {name: so2, physicalName: so2, logicalType: number}"""
STATION = """\
      - {name: at, physicalName: at, logicalType: timestamp, required: true}
      - {name: code, physicalName: code, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1}"""
RULES = {
    "frozen": (
        "expect_column_readings_to_not_freeze",
        "{column: so2, order_by: at, group_by: [station], step: 1h, most: 3, across_batches: true}",
    ),
    "volume": ("expect_table_row_count_to_fit_history", "{least_batches: 2, share: 0.1}"),
    "columns": ("expect_table_columns_to_fit_history", "{}"),
    "fresh": ("expect_column_to_be_fresh", "{column: at, max_age: 2h}"),
    "known": ("expect_columns_to_refer_to", "{column_list: [station], reference: {dataset: std.station, columns: [code]}}"),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "assets" / "sources" / "air"
    folder.mkdir(parents=True)
    for name, properties in (("reading", READING), ("station", STATION)):
        (folder / f"{name}.odcs.yaml").write_text(CONTRACT.format(name=name, properties=properties), encoding="utf-8")
    suite = tmp_path / "expectations" / "suites" / "sources" / "air" / "reading.yaml"
    suite.parent.mkdir(parents=True)
    listed = [f'  - type: {t}\n    kwargs: {k}\n    meta: {{id: {i}, indicator: "0301"}}\n' for i, (t, k) in RULES.items()]
    suite.write_text("name: reading\nexpectations:\n" + "".join(listed), encoding="utf-8")
    return Project(tmp_path, tmp_path / "data")


@pytest.fixture
def con(project: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_lake(project) as con:
        yield con


def hand_over(con: duckdb.DuckDBPyConnection, project: Project, dataset: str, period: str, text: str, received: str | None = None) -> None:
    from datetime import datetime

    at = project.landing / dataset / f"D_{period}.csv"
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text(text, encoding="utf-8")
    moment = datetime.fromisoformat(received or f"{period[:4]}-{period[4:6]}-{period[6:8]}T{period[8:]}:30").timestamp()
    os.utime(at, (moment, moment))
    outcome = collect(con, project, project.contracts[dataset], "run")
    assert [b["status"] for b in outcome.batches] == ["collected"], outcome


def told(con: duckdb.DuckDBPyConnection, rule: str) -> list[str]:
    found = con.execute("SELECT outcome FROM evidence.results WHERE dataset = 'reading' AND rule = ? ORDER BY batch", [rule]).fetchall()
    return [outcome for (outcome,) in found]


def hour(number: int, *values: tuple[str, int], header: str = "at,station,so2") -> str:
    more = ",x" if header.count(",") > 2 else ""
    return header + "\n" + "".join(f"2026-10-01 {number:02}:00:00,{s},{v}{more}\n" for s, v in values)


@pytest.mark.parametrize("together", [True, False])
def test_hours_are_held_to_those_before_them(project: Project, con: duckdb.DuckDBPyConnection, together: bool) -> None:
    hand_over(con, project, "station", "2026100100", "at,code\n2026-10-01 00:00:00,A\n")
    standardise(con, project, project.contracts["station"], "run")
    hours = [
        hour(1, ("A", 5), ("B", 1)),
        hour(2, ("A", 5), ("B", 2)),
        hour(3, ("A", 5), ("B", 3)),
        hour(4, ("A", 5), header="at,station,so2,备注"),
    ]
    for number, text in enumerate(hours, 1):
        late = "2026-10-01T05:00" if number == 2 else None
        hand_over(con, project, "reading", f"20261001{number:02}", text, late)
        if not together:
            standardise(con, project, project.contracts["reading"], "run")
    standardise(con, project, project.contracts["reading"], "run")
    assert told(con, "frozen") == ["passed", "passed", "failed", "failed"]
    assert told(con, "volume") == ["not_assessable", "not_assessable", "passed", "failed"]
    assert told(con, "columns") == ["not_assessable", "passed", "passed", "failed"]
    assert told(con, "fresh") == ["passed", "failed", "passed", "passed"]
    assert told(con, "known") == ["failed", "failed", "failed", "passed"]
    issues = con.execute("SELECT rule, count(*) FROM evidence.issues WHERE dataset = 'reading' GROUP BY ALL ORDER BY ALL").fetchall()
    assert issues == [("frozen", 2), ("known", 3)]
    (note,) = con.execute("SELECT note FROM evidence.results WHERE rule = 'columns' AND outcome = 'failed'").fetchall()[0]
    assert "备注" in note
    batch = con.execute("SELECT max(batch) FROM evidence.batches WHERE dataset = 'reading'").fetchall()[0][0]
    again = recheck(con, project, project.contracts["reading"], [batch])
    assert {r["rule"]: r["outcome"] for r in again.results if r["rule"] in RULES} == {
        "frozen": "failed",
        "volume": "failed",
        "columns": "failed",
        "fresh": "passed",
        "known": "passed",
    }


def test_a_dataset_that_nobody_has_handed_over_yet_is_not_assessable(project: Project, con: duckdb.DuckDBPyConnection) -> None:
    hand_over(con, project, "reading", "2026100101", hour(1, ("A", 5)))
    standardise(con, project, project.contracts["reading"], "run")
    ((outcome, note, result),) = con.execute("SELECT outcome, note, result FROM evidence.results WHERE rule = 'known'").fetchall()
    assert (outcome, json.loads(result)["success"]) == ("not_assessable", None)
    assert "std.station" in note
