"""Workbooks as they go out: locked, with comments, lists and columns to fill in, and never a formula."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from msoffcrypto.format.ooxml import OOXMLFile
from python_calamine import CalamineWorkbook

from assets.project import Project
from assets.secrets import SecretError
from pipelines.commands import doctor
from pipelines.reports import build_reports
from pipelines.workbooks.errors import WorkbookError
from pipelines.workbooks.identity import SHEET, Manifest
from pipelines.workbooks.locking import is_locked, password_of, unlocked
from pipelines.workbooks.rows import IDENTITY, REASON, STATE
from pipelines.workbooks.writing import divided

from workbook_support import ID, NASTY, OTHERS, PASSWORD, TICKETS, Clerk, make_project, sent, with_passwords  # isort: skip


@pytest.fixture(scope="module")
def project(made: Project) -> Project:
    """The one that all share: nothing here changes it."""
    return made


@pytest.fixture(scope="module")
def path(out: Path) -> Path:
    return out


def part(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as book:
        return book.read(name).decode()


def test_a_row_ends_with_what_the_department_fills_in(path: Path) -> None:
    clerk = Clerk(path)
    names = ["填写说明", "概览", "问题汇总", "人口", "代码表", SHEET]
    assert list(clerk.sheets) == names
    assert clerk.rows[1][-6:] == ["身份号码\nGMSFHM", "性别\nXB", "备注\nBZ", STATE, REASON, IDENTITY]
    assert [clerk.identity(n) for n in range(5)] == [f"{TICKETS[0][0]} {TICKETS[1][0]}", *(t[0] for t in TICKETS[2:]), ""]
    assert {tuple(row[-3:-1]) for row in clerk.rows[2:]} == {("", "")}


def test_what_is_hidden(path: Path) -> None:
    states = dict(re.findall(r'<sheet name="([^"]+)"[^>]*? state="(\w+)"', part(path, "xl/workbook.xml")))
    assert states == {"代码表": "hidden", SHEET: "veryHidden"}
    sheet = part(path, "xl/worksheets/sheet4.xml")
    assert '<col min="11" max="11" width="20.7109375" hidden="1" customWidth="1"/>' in sheet


def test_lists_to_choose_from(path: Path) -> None:
    """The answer in the cell's own list, a short code table too, a long one on the hidden sheet."""
    found = dict(re.findall(r'sqref="([^"]+)"><formula1>([^<]+)</formula1>', part(path, "xl/worksheets/sheet4.xml")))
    assert found["I3:I7"] == '"已整改,有异议"'
    assert found["G3:G7"].startswith('"0,1,2')
    assert re.fullmatch(r"'代码表'!\$A\$2:\$A\$\d+", found["H3:H7"])
    assert Clerk(path).sheets["代码表"][0][:2] == ["division", "名称 name"]


def test_wrong_cells_say_what_and_how_in_two_languages(path: Path) -> None:
    said = "".join(re.findall(r'<comment ref="F3".*?</comment>', part(path, "xl/comments1.xml"), re.DOTALL))
    assert "号码有效：核对证件" in said
    assert "id_valid holds: Correct it" in said


def test_it_freezes_filters_and_prints(path: Path) -> None:
    sheet = part(path, "xl/worksheets/sheet4.xml")
    assert '<pane xSplit="2" ySplit="2"' in sheet
    assert '<autoFilter ref="A2:K7"/>' in sheet
    assert '<pageSetup paperSize="9" fitToHeight="0" orientation="landscape"/>' in sheet
    assert re.search("Print_Titles[^>]*>'?人口'?!\\$2:\\$2<", part(path, "xl/workbook.xml"))


def test_no_value_becomes_a_formula(path: Path) -> None:
    """Every cell is a string or a number of ours, whatever its value begins with, and comes back as it was."""
    with zipfile.ZipFile(path) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 6
        for text in sheets:
            assert not re.search(r"<f[ >/]|<hyperlink", text)
            assert {kind or "number" for kind in re.findall(r'<c r="\w+"(?: s="\d+")?(?: t="(\w+)")?>', text)} <= {"inlineStr", "number"}
        comments = book.read("xl/comments1.xml").decode()
        assert "=备注：@改" in re.sub("<[^>]+>", "", comments)
    values = {cell for row in Clerk(path).rows[2:] for cell in row}
    assert {NASTY[0], NASTY[4], NASTY[5] + "\nb", NASTY[3], NASTY[1], NASTY[2], NASTY[6], "=cmd.csv"} <= values


def test_text_cells_stay_text_when_they_are_edited(path: Path) -> None:
    """A cell of the general format would make a formula of its text as soon as a clerk enters it again."""
    styles = part(path, "xl/styles.xml")
    forms = re.findall(r'<xf numFmtId="(\d+)"', re.findall(r"<cellXfs.*?</cellXfs>", styles, re.DOTALL)[0])
    for number, first, ours in ((3, 2, ""), (4, 3, "K")):  # the hidden column of tickets is ours
        sheet = part(path, f"xl/worksheets/sheet{number}.xml")
        used = re.findall(r'<c r="([A-Z]+)(\d+)" s="(\d+)" t="inlineStr"', sheet)
        assert {forms[int(form)] for column, row, form in used if int(row) >= first and column != ours} == {"49"}


@pytest.mark.parametrize("title", ["=1+1", "@x", "-a'b", "+1", "a\tb\rc", "x" * 60])
def test_a_dataset_of_any_title_has_a_sheet(tmp_path: Path, title: str) -> None:
    made = sent(make_project(tmp_path, title=title), tmp_path / "out")
    book = CalamineWorkbook.from_path(made)
    name = book.sheet_names[3]
    assert len(name) <= 31
    assert not re.search(r"[\[\]:*?/\\'\x00-\x1f]", name)
    assert f"'{name}'!" in part(made, "xl/workbook.xml") or f"{name}!" in part(made, "xl/workbook.xml")


def test_without_tickets_nothing_is_asked(tmp_path: Path) -> None:
    clerk = Clerk(sent(make_project(tmp_path, tracked=False), tmp_path / "out"))
    assert list(clerk.sheets) == ["概览", "问题汇总", "人口"]
    assert STATE not in clerk.rows[1]


def test_the_hidden_sheet_tells_what_was_sent(project: Project, path: Path) -> None:
    found = Manifest.read(iter(Clerk(path).sheets[SHEET]))
    assert (found.department, found.part, found.parts) == ("police", 1, 1)
    (people,) = found.sheets
    assert (people.name, people.dataset, people.columns, people.untracked) == ("人口", "people", ("id", "sex", "note"), 1)
    assert [(s.batch, s.row) for s in people.rows] == [("a", 2), ("a", 5), ("a", 6), ("a", 7)]


def test_it_is_locked_with_the_departments_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = with_passwords(make_project(tmp_path), police="POLICE_PASSWORD")
    monkeypatch.setenv("POLICE_PASSWORD", PASSWORD)
    made = sent(project, tmp_path / "out")
    data = made.read_bytes()
    assert made.stat().st_mode & 0o077 == 0
    assert is_locked(data)
    inside = OOXMLFile(BytesIO(data))
    assert (inside.type, inside.info["passwordKeyBits"], inside.info["passwordHashAlgorithm"]) == ("agile", 256, "SHA512")
    assert ID.encode() not in data
    assert list(tmp_path.glob("out/*")) == [made]
    assert next(iter(Clerk(made, PASSWORD).sheets)) == "填写说明"
    with pytest.raises(WorkbookError, match=r"密码不对.*transport"):
        unlocked(data, {"transport": OTHERS}, "police.xlsx")


def test_nothing_unlocked_lies_in_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    project = make_project(tmp_path)
    made: list[object] = []

    def watched(*given: object, **named: object) -> tuple[int, str]:
        made.append((given, named))
        return make(*given, **named)  # type: ignore[arg-type]

    make = tempfile.mkstemp
    monkeypatch.setattr(tempfile, "mkstemp", watched)
    sent(project, tmp_path / "out")
    assert len(made) == 1  # the file that is swapped in


def test_without_its_password_a_workbook_is_not_written(tmp_path: Path) -> None:
    """Least of all unlocked; the other departments' reports are."""
    project = with_passwords(make_project(tmp_path, tracked=False), police="NO_SUCH")
    with pytest.raises(SecretError, match=r"police: env:NO_SUCH"):
        build_reports(project)
    assert not (project.reports / "police" / "police.xlsx").exists()
    assert (project.reports / "transport" / "transport.xlsx").exists()
    assert (project.reports / "index.html").exists()


def test_doctor_remarks_workbooks_without_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path)
    (what,) = [f for f in doctor.findings(project) if f[0] == "workbooks"]
    assert what[1]
    assert "police, transport" in what[2]
    project = with_passwords(project, police="NO_SUCH")
    (what,) = [f for f in doctor.findings(project) if f[0] == "workbooks"]
    assert not what[1]
    assert "NO_SUCH" in what[2]
    monkeypatch.setenv("NO_SUCH", "x" * 256)
    with pytest.raises(SecretError, match=r"NO_SUCH: 密码超过 255 个字符"):
        password_of(project, "police")


@pytest.mark.parametrize(
    ("wanted", "cap", "most", "parts"),
    [
        ([("a", 3), ("b", 2)], 5, 9, [[("a", 0, 3, 0), ("b", 0, 2, 0)]]),
        ([("a", 3), ("b", 2)], 4, 9, [[("a", 0, 3, 0), ("b", 0, 1, 0)], [("b", 1, 1, 0)]]),
        ([("a", 7)], 3, 9, [[("a", 0, 3, 0)], [("a", 3, 3, 0)], [("a", 6, 1, 0)]]),
        ([("a", 7), ("b", 1)], 3, 2, [[("a", 0, 3, 0)], [("a", 3, 3, 1), ("b", 0, 0, 1)]]),
        ([], 3, 2, []),
    ],
)
def test_rows_over_parts(wanted: list, cap: int, most: int, parts: list) -> None:
    found = [[(s.contract, s.start, s.count, s.left) for s in part] for part in divided(wanted, cap, most)]
    assert found == parts


def test_a_file_is_a_zip_of_well_formed_parts(path: Path) -> None:
    from xml.etree import ElementTree

    with zipfile.ZipFile(BytesIO(path.read_bytes())) as book:
        assert book.testzip() is None
        for name in book.namelist():
            ElementTree.fromstring(book.read(name))


def test_rows_and_columns_fit_what_stands_in_them(path: Path) -> None:
    """LibreOffice leaves a row without a height at one line; an id of 18 digits is to be read whole."""
    lines = re.findall(r'<row r="(\d+)"(?: ht="([\d.]+)")?', part(path, "xl/worksheets/sheet1.xml"))
    assert {"5": "30", "8": "30", "13": ""}.items() <= dict(lines).items()
    widths = {
        first: float(width)
        for first, width in re.findall(r'<col min="(\d+)" max="\1" width="([\d.]+)"', part(path, "xl/worksheets/sheet4.xml"))
    }
    assert 20 < widths["6"] < 25  # the id
    assert widths["7"] < 14
