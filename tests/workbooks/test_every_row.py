"""Each row to mend can be answered: the second row of a key that stands twice, and what contradicts a record that is lacking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_support import hand_over, make_tiny

from assets.collect import collect
from assets.lake import open_lake
from assets.models import build
from assets.project import CODE, Project
from assets.standardise import standardise
from pipelines.issues.asset import take_up
from pipelines.issues.todo import todo
from pipelines.results import connect_results, publish
from pipelines.run import run
from pipelines.workbooks.reading import read_workbook
from pipelines.workbooks.rows import IDENTITY, REASON, STATE
from pipelines.workbooks.taking import take

from workbook_support import Clerk, kinds, sent  # isort: skip

LACKING = """
id: x01_not_registered
number: X01
title: {zh: 未登记, en: Not registered}
indicator: "0401"
severity: critical
grace: {days: 0}
to: pet
of: pet
subjects: {pet: tag}
sql: |
  SELECT p.tag AS "subject", p.born AS "since", 'pet' AS "dataset", NULL::VARCHAR AS "batch", NULL::BIGINT AS "row",
    NULL::VARCHAR AS "value", 'pet' AS "other", p._batch AS "other_batch", p._row AS "other_row", p.tag AS "other_value"
  FROM std.pet AS p WHERE p.tag LIKE 'C%'
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two dogs of one tag, neither with a birth date, and another; two dogs that the register is said to lack."""
    root = tmp_path_factory.mktemp("pets")
    make_tiny(root)
    folder = root / "assets" / "base" / "disagreement"
    folder.mkdir(parents=True)
    declared = (CODE / "assets" / "base" / "disagreement" / "disagreement.odcs.yaml").read_text(encoding="utf-8")
    (folder / "disagreement.odcs.yaml").write_text(declared.partition("  - property: catalogue")[0], encoding="utf-8")
    (folder / "x01_not_registered.check.yaml").write_text(LACKING, encoding="utf-8")
    project = Project(root, root / "data")
    hand_over(project, "202610", "tag,born\nA1,\nA1,\nB2,\nC3,2020-01-01\nC4,2020-01-01\n")
    with open_lake(project) as con:
        collect(con, project, project.contracts["pet"], "run")
        standardise(con, project, project.contracts["pet"], "run")
        build(con, project, project.contracts["disagreement"], "run")
        take_up(con, project, "run")
    publish(project)
    return project


DOGS, LACKED = ("犬只登记", 1), ("部门间不一致", 0)


def column(clerk: Clerk, sheet: tuple[str, int], name: str) -> list[Any]:
    """The values of a column below the header."""
    rows = clerk.sheets[sheet[0]]
    return [row[rows[sheet[1]].index(name)] for row in rows[sheet[1] + 1 :]]


def answer(clerk: Clerk, sheet: tuple[str, int], record: int, word: str, why: str = "") -> None:
    rows = clerk.sheets[sheet[0]]
    for name, text in ((STATE, word), (REASON, why)):
        rows[sheet[1] + 1 + record][rows[sheet[1]].index(name)] = text


def test_it_is_answered_read_and_counts(project: Project, tmp_path: Path) -> None:
    clerk = Clerk(sent(project, tmp_path / "out", "city"))
    dogs, lacked = column(clerk, DOGS, IDENTITY), column(clerk, LACKED, IDENTITY)
    assert (len(dogs), len(lacked)) == (3, 2)
    assert dogs[0] == dogs[1] != dogs[2]
    assert len({*dogs, *lacked}) == 4
    answer(clerk, DOGS, 1, "已整改")  # the second row of the key alone
    answer(clerk, LACKED, 0, "已整改")
    answer(clerk, LACKED, 1, "有异议", "不归我登记")
    reading = read_workbook(project, clerk.save(tmp_path / "city.xlsx"))
    assert (kinds(reading), reading.empty) == ({}, 2)
    assert [(c.rule, c.tickets, c.why, c.against) for c in reading.disputed] == [
        ("x01_not_registered", (lacked[1],), "不归我登记", "other department")
    ]
    assert sorted(t for c in reading.mended for t in c.tickets) == sorted({*dogs[0].split(), lacked[0]})
    assert take(project, reading, "张三") == reading.tickets
    publish(project)
    with connect_results(project) as results:
        states = dict(results.execute("SELECT ticket, state FROM tickets").fetchall())
    expected = {**dict.fromkeys(dogs[0].split(), "mended"), lacked[0]: "mended", lacked[1]: "disputed"}
    assert states == {**dict.fromkeys(states, "found"), **expected}


def test_odd_edits_of_such_rows(project: Project, tmp_path: Path) -> None:
    """Two answers to one record, a row put in below what is lacking, a value that was changed there, a row taken away."""
    clerk = Clerk(sent(project, tmp_path / "out", "city"))
    answer(clerk, DOGS, 0, "已整改")
    answer(clerk, DOGS, 1, "有异议", "同一只犬")
    rows = clerk.sheets[LACKED[0]]
    rows[1][1] = "changed"
    rows.append(["new", *[""] * (len(rows[0]) - 1)])
    del clerk.sheets[DOGS[0]][4]
    reading = read_workbook(project, clerk.save(tmp_path / "city.xlsx"))
    tickets = len(column(clerk, DOGS, IDENTITY)[0].split())
    assert reading.tickets == 0
    assert kinds(reading) == {"rows_deleted": 1, "rows_added": 1, "edited": 1, "conflict": tickets}


def test_without_the_key_of_the_data_folder_nothing_wrong_is_asked(project: Project, tmp_path: Path) -> None:
    """Names made with another key are nobody's: such rows have no ticket, as before."""
    (project.data / "masking.key").write_bytes(bytes(32))
    clerk = Clerk(sent(project, tmp_path / "out", "city"))
    assert [bool(name) for name in column(clerk, DOGS, IDENTITY)] == [True, False, True]
    assert column(clerk, LACKED, IDENTITY) == ["", ""]


def test_a_run_takes_in_what_came_back_and_the_officer_sees_what_could_not_be(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    clerk = Clerk(sent(project, tmp_path / "out", "city"))
    answer(clerk, DOGS, 0, "已整改")
    folder = project.returned / "city"
    folder.mkdir(parents=True)
    clerk.save(folder / "city.xlsx")
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    monkeypatch.setattr("pipelines.workbooks.returned.QUIET", 0.0)
    summary = run(project)
    assert [(f.file, f.state) for f in summary.returned] == [("city.xlsx", "taken"), ("notes.txt", "refused")]
    assert summary.undone == []
    with connect_results(project) as results:
        assert results.execute("SELECT count(*) > 0 FROM tickets WHERE state = 'mended'").fetchone() == (True,)
        (told,) = [t for t in todo(results, project) if t.kind == "workbook"]
    assert (told.department, "不是 .xlsx" in told.note) == ("city", True)
    assert run(project).nothing
