"""Workbooks as they come back: what they claim, and what is told of every odd edit."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from assets.project import Project
from pipelines.cli import app
from pipelines.journal import append
from pipelines.results import connect_results, publish
from pipelines.workbooks import opening
from pipelines.workbooks.errors import WorkbookError
from pipelines.workbooks.identity import SHEET
from pipelines.workbooks.reading import read_workbook
from pipelines.workbooks.receipts import Reading
from pipelines.workbooks.rows import IDENTITY, REASON, STATE
from pipelines.workbooks.taking import take

from reports_support import fill  # isort: skip
from workbook_support import FOREIGN, OTHERS, PASSWORD, Clerk, make_project, sent, set_state, with_passwords  # isort: skip

ONE, TWO, THREE, FOUR, FIVE = (f"aaaaaaaaaaaaaaa{n}" for n in range(1, 6))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def out(made: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sent(made, tmp_path_factory.mktemp("out"))


@pytest.fixture
def project(made: Project, tmp_path: Path) -> Project:
    """One of the test's own, which it may change."""
    shutil.copytree(made.root, tmp_path / "project")
    return Project(tmp_path / "project", tmp_path / "project" / "data")


@pytest.fixture
def clerk(out: Path) -> Clerk:
    return Clerk(out)


def kinds(reading: Reading) -> dict[str, int]:
    return dict(reading.counts)


def only(reading: Reading, kind: str) -> Any:
    (found,) = [o for o in reading.odd if o.kind == kind]
    return found


def mended(reading: Reading) -> dict[str, tuple[str, ...]]:
    return {c.rule: c.tickets for c in reading.mended}


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


@pytest.fixture
def secured(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("POLICE_PASSWORD", PASSWORD)
    monkeypatch.setenv("TRANSPORT_PASSWORD", OTHERS)
    return with_passwords(project, police="POLICE_PASSWORD", transport="TRANSPORT_PASSWORD")


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


# Files that are not taken at all


def refusal(project: Project, path: Path) -> str:
    with pytest.raises(WorkbookError) as told:
        read_workbook(project, path)
    return str(told.value)


def put(name: str, content: bytes = b"x") -> Callable[[dict[str, bytes]], None]:
    return lambda parts: parts.update({name: content})


@pytest.mark.parametrize(
    "change",
    [
        put("xl/vbaProject.bin"),
        put("xl/macrosheets/sheet1.xml"),
        put("xl/embeddings/oleObject1.bin"),
        put("xl/externalLinks/externalLink1.xml"),
        lambda parts: parts.update(
            {"[Content_Types].xml": parts["[Content_Types].xml"].replace(b"sheet.main", b"sheet.macroEnabled.main")}
        ),
    ],
)
def test_macros_and_the_like(project: Project, clerk: Clerk, tmp_path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    assert "有宏、嵌入对象或外部链接" in refusal(project, clerk.save(tmp_path / "police.xlsx", change=change))


@pytest.mark.parametrize(("name", "said"), [("police.xlsm", "含宏的格式"), ("police.xlsb", "含宏的格式"), ("police.csv", "不是 .xlsx")])
def test_other_forms(project: Project, clerk: Clerk, tmp_path: Path, name: str, said: str) -> None:
    assert said in refusal(project, clerk.save(tmp_path / name))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "不是工作簿"),
        (b"<html>", "不是工作簿"),
        (b"PK\x03\x04 and nothing", "已损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "已损坏"),
    ],
)
def test_no_workbook(project: Project, tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "police.xlsx").write_bytes(content)
    assert said in refusal(project, tmp_path / "police.xlsx")


def test_an_archive_of_something_else(project: Project, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "police.xlsx", "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "压缩包里没有工作簿" in refusal(project, tmp_path / "police.xlsx")


def test_a_workbook_of_their_own(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    """Rows copied into a new file have lost the hidden sheet."""
    del clerk.sheets[SHEET]
    assert f"缺隐藏表 {SHEET}" in refusal(project, clerk.save(tmp_path / "police.xlsx"))


@pytest.mark.parametrize("line", [["yuanqing workbook", "2"], ["sheet"], ["row", "x"], ["yuanqing workbook", "1", "police", "x", "a", "b"]])
def test_a_hidden_sheet_that_was_changed(project: Project, clerk: Clerk, tmp_path: Path, line: list[str]) -> None:
    clerk.sheets[SHEET].insert(0, [*line, *[""] * (7 - len(line))])
    assert f"隐藏表 {SHEET} 被改动" in refusal(project, clerk.save(tmp_path / "police.xlsx"))


def test_what_unpacks_to_too_much(project: Project, clerk: Clerk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "UNZIPPED_MOST", 20 << 20)
    path = clerk.save(tmp_path / "police.xlsx", change=put("xl/media/image1.png", bytes(30 << 20)))
    assert path.stat().st_size < 200_000
    assert "解开后超过 20 MB" in refusal(project, path)


def test_a_size_that_is_not_what_the_archive_claims(
    project: Project, clerk: Clerk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claimed size is put small in the archive's directory: what is unpacked is counted, not believed."""
    monkeypatch.setattr(opening, "UNZIPPED_MOST", 20 << 20)
    path = clerk.save(tmp_path / "police.xlsx", change=put("xl/media/image1.png", bytes(30 << 20)))
    data = path.read_bytes()
    path.write_bytes(data.replace((30 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    assert "解开后超过 20 MB" in refusal(project, path)


def test_a_cell_at_the_end_of_the_world(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    """The reader would keep every cell between: two cells of a tiny file would take hundreds of gigabytes."""
    path = clerk.save(
        tmp_path / "police.xlsx",
        change=lambda parts: parts.update(
            {
                "xl/worksheets/sheet1.xml": parts["xl/worksheets/sheet1.xml"].replace(
                    b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                )
            }
        ),
    )
    assert "伸展到 1,048,576 行 × 16,384 列" in refusal(project, path)


def test_cells_without_an_address(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(b'<c r="A1"', b"<c")

    assert "单元格没有位置" in refusal(project, clerk.save(tmp_path / "police.xlsx", change=change))


def test_entities_are_not_let_through(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b"<workbook", b'<!DOCTYPE x [<!ENTITY a "b">]><workbook', 1)

    assert "写法异常" in refusal(project, clerk.save(tmp_path / "police.xlsx", change=change))


@pytest.mark.parametrize("seed", range(12))
def test_a_file_damaged_on_its_way(secured: Project, clerk: Clerk, tmp_path: Path, seed: int) -> None:
    """Cut off, or with bytes turned over: told as an error, or read; never anything else."""
    chance = random.Random(seed)
    path = clerk.save(tmp_path / "police.xlsx", PASSWORD if seed % 2 else None)
    data = bytearray(path.read_bytes())
    if seed % 3 == 0:
        del data[chance.randrange(len(data)) :]
    else:
        for _ in range(20):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    with contextlib.suppress(WorkbookError):
        read_workbook(secured, path)


# Writing it down


class Acts(ModuleType):
    """Stands for what acts upon issues: every act goes into the journal."""

    class ActingError(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("pipelines.issues.acting")
        self.refused: set[str] = set()

    def claim(self, project: Project, who: str, tickets: Any = (), why: str = "", *, scope: Any = None, known_at: str = "") -> Any:
        if self.refused & set(scope.tickets):
            raise self.ActingError("现在不行")
        return append(project, "claim", who, why, dataset=scope.dataset, rule=scope.rule, tickets=list(scope.tickets))

    def dispute(self, project: Project, who: str, tickets: Any = (), why: str = "", against: str = "rule", *, scope: Any = None) -> Any:
        return append(project, "dispute", who, why, dataset=scope.dataset, rule=scope.rule, tickets=list(scope.tickets), against=against)


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> Acts:
    made = Acts()
    monkeypatch.setitem(sys.modules, "pipelines.issues.acting", made)
    return made


def written(project: Project) -> list[tuple[str, str, tuple[str, ...], str]]:
    from pipelines.journal import entries

    return [(e.what, e.content["rule"], tuple(e.content["tickets"]), e.why.partition("（")[0][:3]) for e in entries(project)]


def test_claims_go_into_the_journal_once(project: Project, clerk: Clerk, tmp_path: Path, acts: Acts) -> None:
    clerk.answer(0, "已整改")
    clerk.answer(3, "有异议", "可空")
    path = clerk.save(tmp_path / "police.xlsx")
    assert take(project, read_workbook(project, path), "张三") == 3
    once = [("claim", "id_valid", (ONE,), "工作簿"), ("claim", "note_plain", (TWO,), "工作簿"), ("dispute", "note_plain", (FIVE,), "可空")]
    assert written(project) == once
    again = read_workbook(project, path)
    assert take(project, again, "张三") == 0
    assert written(project) == once
    assert again.counts["said"] == 3


def test_what_died_half_way_is_finished_at_the_next_reading(project: Project, clerk: Clerk, tmp_path: Path, acts: Acts) -> None:
    clerk.answer(0, "已整改")
    path = clerk.save(tmp_path / "police.xlsx")
    acts.refused = {TWO}
    reading = read_workbook(project, path)
    assert take(project, reading, "张三") == 1
    assert (reading.counts["not_now"], reading.refused) == (1, 1)
    acts.refused = set()
    assert take(project, read_workbook(project, path), "张三") == 1
    assert [tickets for _, _, tickets, _ in written(project)] == [(ONE,), (TWO,)]


def test_a_claim_moves_the_issue(made: Project, tmp_path: Path) -> None:
    """The whole way: evidence, results, workbook, journal, and the results again."""
    root = tmp_path / "project"
    shutil.copytree(made.root, root)
    project = Project(root, root / "data")
    at = datetime(2026, 11, 1, 10)
    known = {"dataset": "people", "unit": "", "department": "police", "found_by": "key", "first_batch": "a", "first_period": "202610",
        "first_at": at, "last_batch": "a", "last_period": "202610", "last_at": at, "times": 1, "reopened": 0,
        "outcome": "open"}  # fmt: skip
    fill(project, tickets=[known | {"ticket": t, "rule": r, "last_row": n} for t, r, n in ((ONE, "id_valid", 2), (THREE, "id_valid", 5))])
    publish(project)
    clerk = Clerk(sent(project, tmp_path / "out"))
    clerk.answer(0, "已整改")
    clerk.answer(1, "有异议", "没有错")
    assert take(project, read_workbook(project, clerk.save(tmp_path / "police.xlsx")), "张三") == 2
    publish(project)
    with connect_results(project) as results:
        found = results.execute("SELECT ticket, state FROM tickets ORDER BY ticket").fetchall()
    assert found == [(ONE, "mended"), (THREE, "disputed")]


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["workbook", "read", *words])


def test_the_command(project: Project, clerk: Clerk, tmp_path: Path, acts: Acts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANQING_ROOT", str(project.root))
    monkeypatch.setenv("YUANQING_DATA", str(project.data))
    clerk.answer(0, "已整改")
    clerk.answer(1, "有异议")
    path = str(clerk.save(tmp_path / "police.xlsx"))
    looked = run(path, "--dry-run", "--json")
    assert looked.exit_code == 1  # a dispute without reason was not taken
    assert {k: json.loads(looked.stdout)[k] for k in ("taken", "department", "counts")} == {
        "taken": 0, "department": "police", "counts": {"no_reason": 1},
    }  # fmt: skip
    assert written(project) == []
    assert "--who" in run(path).stderr
    done = run(path, "--who", "张三")
    for words in ("已整改 mended", "号码有效 id_valid holds", "有异议但没写理由", "J4", "已记 2 条 taken"):
        assert words in done.stdout
    assert len(written(project)) == 2


def test_a_workbook_of_many_rows(tmp_path: Path) -> None:
    """What the scan says of a sheet is the same however it is cut into chunks."""
    whole = b"".join(
        b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>x</t></is></c><c r="C%d"><f>1+1</f><v>2</v></c><c r="Z%d" s="3"/></row>'
        % (n, n, n, n)
        for n in range(1, 300)
    )
    for size in (7, 64, 1000, 1 << 20):
        scan = opening._Scan("x")
        for at in range(0, len(whole), size):
            scan.feed(whole[at : at + size])
        assert scan.end() == [f"C{n}" for n in range(1, 300)]
        assert (scan.rows, sorted(scan.columns)) == (299, [b"A", b"C"])


def test_parts_with_one_name(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    path = clerk.save(tmp_path / "police.xlsx")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/workbook.xml", "x")
    assert "文件重名" in refusal(project, path)
