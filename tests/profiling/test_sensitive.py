"""Columns that look more sensitive than declared are found by what is in them; no value is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.lake import insert, open_lake
from assets.project import Project
from assets.std import ensure_all
from pipelines.commands.doctor import findings
from pipelines.profiling.sensitive import look

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: visits
name: visits
version: 1.0.0
status: active
team: {name: 部门, description: Department}
servers: [{server: landing, type: local, path: "visits/*.csv", format: csv}]
schema:
  - name: visits
    properties:
      - {name: visit, businessName: 号, logicalType: string, primaryKey: true}
      - {name: who, businessName: 谁, logicalType: string, LEVEL}
      - {name: what, businessName: 事, logicalType: string}
customProperties:
  - {property: delivery, value: {mode: full, period: monthly}}
"""
IDS = [f"2199011990{1 + n % 12:02}{1 + n % 28:02}{n:03}X" for n in range(60)]
PHONES = [f"1390000{n:04}" for n in range(60)]
NAMES = [f"{'王李张刘陈'[n % 5]}{chr(0x4E00 + 7 * n)}" for n in range(60)]
PLACES = [f"{'东西南北中'[n % 5]}{chr(0x4E00 + 7 * n)}街" for n in range(60)]


def visits(root: Path, values: list[str], level: str) -> Project:
    path = root / "assets" / "sources" / "office" / "visits.odcs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(CONTRACT.replace("LEVEL", level), encoding="utf-8")
    project = Project(root, root / "data")
    with open_lake(project) as con:
        ensure_all(con, project.sources())
        rows = [(f"n{i}", value, "来访", "b", i) for i, value in enumerate(values)]
        insert(con, 'std_batches.visits ("visit", "who", "what", _batch, _row)', rows)
    return project


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (IDS, "resident ids 60/60"),
        ([f"经办人{v}。" for v in IDS], "resident ids 60/60"),
        (PHONES, "mobile numbers 60/60"),
        (NAMES, "names of people 60/60"),
    ],
)
def test_a_column_of_people_that_is_called_open_is_found(tmp_path: Path, values: list[str], form: str) -> None:
    project = visits(tmp_path, values, "classification: '2'")
    (suspect,) = look(project).suspects
    assert str(suspect).startswith("std.visits.who (level 2)")
    assert form in str(suspect)
    told = next(f for f in findings(project) if f[0] == "contents")
    assert not told[1]
    assert "std.visits.who" in told[2]
    assert not any(v in told[2] for v in values)


@pytest.mark.parametrize(
    ("values", "level"),
    [
        (IDS, "classification: '3'"),
        (IDS, "customProperties: [{property: declassified, value: 依法公示 published by law}]"),
        (PLACES, "classification: '1'"),
        (["王一"] * 60, "classification: '1'"),  # one word in every row
        (IDS[:10], "classification: '1'"),  # too few to tell
        ([*IDS[:2], *PLACES[2:]], "classification: '1'"),  # slips in free text: a rule of its own finds these
    ],
)
def test_others_are_left_alone(tmp_path: Path, values: list[str], level: str) -> None:
    project = visits(tmp_path, values, level)
    assert look(project).suspects == ()
    assert next(f for f in findings(project) if f[0] == "contents")[1]


def test_no_more_time_is_taken_than_given_and_what_was_left_is_named(tmp_path: Path) -> None:
    project = visits(tmp_path, IDS, "classification: '1'")
    seen = look(project, seconds=-1)
    assert (seen.suspects, seen.left) == ((), ("std.visits",))
