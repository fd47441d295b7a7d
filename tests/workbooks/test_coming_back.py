"""Workbooks as they come back: what they claim, and what is told of every odd edit."""

from __future__ import annotations

import json
import random
from pathlib import Path

import duckdb
import pytest

from assets.project import Project
from pipelines.workbooks.errors import WorkbookError
from pipelines.workbooks.identity import SHEET
from pipelines.workbooks.reading import read_workbook
from pipelines.workbooks.rows import IDENTITY, REASON, STATE

from workbook_support import FIVE, FOREIGN, FOUR, ONE, OTHERS, PASSWORD, THREE, TWO, Clerk, kinds, mended, only, sent, set_state  # isort: skip


def test_nothing_filled_in(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert (reading.rows, reading.empty, reading.tickets, kinds(reading)) == (5, 4, 0, {})
    assert (reading.department, reading.part, reading.parts) == ("police", 1, 1)


def test_claims_and_disputes(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    """A row's answer is of all its tickets; words may have blanks around; long numbers in a reason are masked."""
    clerk.answer(0, " 已整改 ")
    clerk.answer(1, "有异议", f"证件 {'21990119900307123X'} 已核对\n无误")
    clerk.answer(2, "Disputed", "=ok")
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert mended(reading) == {"id_valid": (ONE,), "note_plain": (TWO,)}
    assert {(c.tickets, c.why, c.title_zh) for c in reading.disputed} == {
        ((THREE,), "证件 2199************3X 已核对 无误", "号码有效"),
        ((FOUR,), "=ok", "号码有效"),
    }
    assert kinds(reading) == {}


def test_rows_are_known_wherever_they_stand(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    """Sorted rows and moved columns change nothing; moved columns are told."""
    clerk.answer(0, "已整改")
    clerk.answer(3, "有异议", "此列可空")
    head, body = clerk.rows[:2], clerk.rows[2:]
    random.Random(1).shuffle(body)
    order = [10, 9, 8, 0, 1, 2, 3, 4, 7, 6, 5]
    clerk.sheets["人口"] = [head[0], *([row[n] if n < len(row) else "" for n in order] for row in [head[1], *body])]
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert mended(reading) == {"id_valid": (ONE,), "note_plain": (TWO,)}
    assert [c.tickets for c in reading.disputed] == [(FIVE,)]
    assert kinds(reading) == {"columns": 1}
    assert "次序变了" in only(reading, "columns").zh


def test_rows_deleted(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    clerk.answer(4, "")
    del clerk.rows[3:5], clerk.rows[-1:]
    clerk.answer(0, "已整改")
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert mended(reading) == {"id_valid": (ONE,), "note_plain": (TWO,)}
    assert kinds(reading) == {"rows_deleted": 3}
    assert "删行不等于整改" in only(reading, "rows_deleted").zh


def test_rows_added_and_doubled(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    clerk.answer(0, "已整改")
    clerk.rows.append(list(clerk.rows[2]))
    clerk.rows.append(["new", *[""] * 7, "已整改", "", ""])
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert mended(reading) == {"id_valid": (ONE,), "note_plain": (TWO,)}
    assert kinds(reading) == {"rows_doubled": 1, "rows_added": 1}


def test_two_answers_to_one_ticket(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    clerk.answer(1, "已整改")
    clerk.rows.append(list(clerk.rows[3]))
    clerk.rows[-1][clerk.at(STATE)], clerk.rows[-1][clerk.at(REASON)] = "有异议", "没错"
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert reading.tickets == 0
    assert kinds(reading) == {"rows_doubled": 1, "conflict": 1}
    assert "I4、I8" in only(reading, "conflict").zh


def test_columns_renamed_deleted_and_added(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    clerk.answer(0, "已整改")
    clerk.rows[1][clerk.at("性别\nXB")] = "男女"
    at = clerk.at("备注\nBZ")
    for row in clerk.rows[1:]:
        del row[at]
        row.append("附注" if row is clerk.rows[1] else "")
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert mended(reading) == {"id_valid": (ONE,), "note_plain": (TWO,)}
    said = [o.zh for o in reading.odd]
    assert said == ["列“性别 XB”改名为“男女”。", "列“备注 BZ”被删。", "多出一列“附注”，没有读取。"]


@pytest.mark.parametrize(("header", "said"), [(IDENTITY, "此表没有采用"), (STATE, "列“处理情况 what was done”被删")])
def test_columns_that_cannot_be_missed(project: Project, clerk: Clerk, tmp_path: Path, header: str, said: str) -> None:
    clerk.answer(0, "已整改")
    at = clerk.at(header)
    for row in clerk.rows[1:]:
        del row[at]
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert reading.tickets == 0
    assert any(said in o.zh for o in reading.odd if o.kind == "columns")


def test_sheets_deleted_renamed_and_added(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    clerk.answer(0, "已整改")
    del clerk.sheets["概览"]
    clerk.sheets = {("人口2" if name == "人口" else name): rows for name, rows in clerk.sheets.items()} | {"我的": [["x"]]}
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert mended(reading) == {"id_valid": (ONE,), "note_plain": (TWO,)}
    assert [o.zh for o in reading.odd] == ["表“人口”改名为“人口2”，照样读取。", "多出的表“我的”没有读取。"]
    del clerk.sheets["人口2"]
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert reading.tickets == 0
    assert "表“人口”被删" in reading.odd[0].zh


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        (FOREIGN, "foreign"),
        ("cccccccccccccccc", "unknown"),
        ("something", "identity"),
        (THREE, "identity"),
        (f"{THREE} {FOUR}", "identity"),
    ],
)
def test_an_identity_that_was_changed(project: Project, clerk: Clerk, tmp_path: Path, identity: str, kind: str) -> None:
    """Another department's row, a ticket that nobody knows, half of a row's tickets: refused, and told where."""
    clerk.answer(0, "已整改")
    clerk.rows[2][clerk.at(IDENTITY)] = identity if kind != "identity" or identity == "something" else f"{identity} {ONE}"
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert reading.tickets == 0
    assert reading.counts[kind] == 1
    assert only(reading, kind).cell == "K3"


def test_another_departments_tickets_on_the_hidden_sheet_too(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    """Whose a ticket is, the results say."""
    clerk.answer(1, "已整改")
    for rows in (clerk.rows, clerk.sheets[SHEET]):
        for row in rows:
            row[:] = [FOREIGN if cell == THREE else cell for cell in row]
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert (reading.tickets, kinds(reading)) == (0, {"foreign": 1})


@pytest.mark.parametrize(("state", "kind"), [("closed", "closed"), ("verified", "closed"), ("waived", "closed"), ("mended", "said")])
def test_a_ticket_of_which_there_is_nothing_to_say(project: Project, clerk: Clerk, tmp_path: Path, state: str, kind: str) -> None:
    set_state(project, THREE, state)
    clerk.answer(1, "已整改")
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert (reading.tickets, kinds(reading)) == (0, {kind: 1})


def test_answers_that_are_none(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    clerk.answer(0, "有异议")
    clerk.answer(1, "好了 21990119900307123X")
    clerk.answer(2, "", "已改")
    clerk.answer(4, "已整改")  # a row without ticket
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert reading.tickets == 0
    assert {o.kind: o.cell for o in reading.odd} == {"no_reason": "J3", "word": "I4", "no_state": "I5", "no_ticket": "I7"}
    assert "好了 2199" in only(reading, "word").zh
    assert "0307123X" not in only(reading, "word").zh
    assert reading.refused == 4


def test_values_that_were_changed_are_told_and_not_taken(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    clerk.answer(0, "已整改")
    clerk.rows[2][clerk.at("身份号码\nGMSFHM")] = "219901199003071238"
    clerk.rows[3][clerk.at("性别\nXB")] = 1.0
    clerk.rows[6][clerk.at("备注\nBZ")] = "no ticket: not compared"
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert mended(reading) == {"id_valid": (ONE,), "note_plain": (TWO,)}
    assert [(o.cell, o.zh.partition("。")[0]) for o in reading.odd] == [
        ("F3", "身份号码：“2199************3X” 改成了 “2199************38”"),
        ("G4", "性别：“2” 改成了 “1”"),
    ]
    assert kinds(reading) == {"edited": 2}
    assert "21990119" not in json.dumps(reading.plain())


def test_a_record_in_several_rows(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    """As on the sheet of contradictions, where one ticket has a row for each record that contradicts it."""
    lines = clerk.sheets[SHEET]
    at = next(n for n, line in enumerate(lines) if line[1] == THREE)
    lines[at + 1][1] = THREE
    clerk.rows[4][clerk.at(IDENTITY)] = THREE
    clerk.answer(2, "已整改")
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert mended(reading) == {"id_valid": (THREE,)}
    assert kinds(reading) == {}


def test_formulas(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    """What a formula gives is no answer; each cell with one is counted."""
    clerk.answer(0, "已整改")
    clerk.answer(1, "已整改")
    clerk.formulas["人口", 2, clerk.at(STATE)] = '="已"&"整改"'
    clerk.formulas["人口", 3, 0] = "=1+1"
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert mended(reading) == {"id_valid": (THREE,)}
    assert kinds(reading) == {"word": 1, "formula": 2}
    assert only(reading, "word").cell == "I3"


def test_an_older_workbook_is_taken_and_told(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    clerk.sheets[SHEET][0][3] = "2020-01-01T00:00:00"
    clerk.answer(1, "已整改")
    reading = read_workbook(project, clerk.save(tmp_path / "police.xlsx"))
    assert mended(reading) == {"id_valid": (THREE,)}
    assert "2020-01-01" in only(reading, "older").zh


# Passwords


def test_it_is_unlocked_with_the_departments_password(secured: Project, clerk: Clerk, tmp_path: Path) -> None:
    clerk.answer(1, "已整改")
    path = clerk.save(tmp_path / "any name.xlsx", PASSWORD)
    assert mended(read_workbook(secured, path)) == mended(read_workbook(secured, path, "police")) == {"id_valid": (THREE,)}


def test_as_it_went_out_it_can_be_read(secured: Project, tmp_path: Path) -> None:
    assert kinds(read_workbook(secured, sent(secured, tmp_path / "out"))) == {}


def test_a_password_that_is_nobodys(secured: Project, clerk: Clerk, tmp_path: Path) -> None:
    path = clerk.save(tmp_path / "police.xlsx", "a password of their own")
    with pytest.raises(WorkbookError, match=r"密码不对，打不开（试过：police、transport）") as told:
        read_workbook(secured, path)
    assert PASSWORD not in str(told.value)
    with pytest.raises(WorkbookError, match=r"试过：transport"):
        read_workbook(secured, clerk.save(path, PASSWORD), "transport")


def test_another_departments_workbook(secured: Project, clerk: Clerk, tmp_path: Path) -> None:
    """By the name that was given, and by the password that opened it."""
    with pytest.raises(WorkbookError, match=r"这是 police 的工作簿，不是 transport 的"):
        read_workbook(secured, clerk.save(tmp_path / "a.xlsx"), "transport")
    with pytest.raises(WorkbookError, match=r"这是 police 的工作簿，不是 transport 的"):
        read_workbook(secured, clerk.save(tmp_path / "a.xlsx", OTHERS))
    with pytest.raises(WorkbookError, match=r"没有这个部门"):
        read_workbook(secured, tmp_path / "a.xlsx", "polise")


def test_sent_back_in_the_clear(secured: Project, clerk: Clerk, tmp_path: Path) -> None:
    clerk.answer(1, "已整改")
    reading = read_workbook(secured, clerk.save(tmp_path / "police.xlsx"))
    assert (mended(reading), kinds(reading)) == ({"id_valid": (THREE,)}, {"plain": 1})


def test_sent_to_a_department_that_has_become_another(secured: Project, clerk: Clerk, tmp_path: Path) -> None:
    """It is opened with the password it went out with, and its tickets are those of the department of today."""
    sources = secured.assets / "sources"
    (sources / "safety").mkdir()
    for folder in ("police", "transport"):
        for path in (sources / folder).iterdir():
            path.rename(sources / "safety" / path.name)
    of = ", ".join(f"{{department: {name}, name: 厅}}" for name in ("police", "transport"))
    (sources / "safety" / "department.yaml").write_text(f"merged: {{since: 2026-03, of: [{of}]}}\n", encoding="utf-8")
    with duckdb.connect(str(secured.results)) as con:
        for table in ("datasets", "tickets"):
            con.execute(f"UPDATE {table} SET department = 'safety'")
    clerk.answer(0, "已整改")
    path = clerk.save(tmp_path / "police.xlsx", PASSWORD)
    for asked in (None, "safety", "police"):
        reading = read_workbook(Project(secured.root, secured.data), path, asked)
        assert (reading.department, mended(reading), kinds(reading)) == ("safety", {"id_valid": (ONE,), "note_plain": (TWO,)}, {})
