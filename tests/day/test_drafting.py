"""A contract and suite drafted from a file take in that very file; what cannot be told is said, never guessed in silence."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from tiny_support import hand_over, make_tiny
from typer.testing import CliRunner

from assets.project import Project
from pipelines.cli import app
from pipelines.drafting.dataset import Asked, Drafted, draft, write
from pipelines.drafting.files import Form, form_of, naming_of
from pipelines.drafting.servers import address
from pipelines.errors import StartError
from pipelines.precheck import precheck
from pipelines.run import run

HEADER = "学校标识码,名称,行政区划,开办日期,在校生数,校长电话,评分,采集时间"


def schools(rows: int = 40) -> str:
    lines = [HEADER]
    for n in range(rows):
        phone = f"1390000{n:04d}" if n % 3 else ""
        lines.append(
            f"2121{n:06d},第{n}小学,2101{2 + n % 4:02d},{1990 + n % 30}-09-01,{300 + n},{phone},{n / 8:.3f},2026100{1 + n % 9}083000"
        )
    return "\n".join([*lines, ""])


def drafted_from(project: Project, path: Path, **more: str) -> Drafted:
    made = draft(project, Asked(str(path), "school", "education", **more))
    write(project, made)
    return made


def accepted(project: Project, path: Path) -> bool:
    found = precheck(Project(project.root, project.data), "school", path)
    assert (found.refused, found.rejects, found.failing) == ("", [], [])
    return found.ok


@pytest.mark.parametrize(
    ("encoding", "delimiter", "above"), [("utf-8", ",", ""), ("gb18030", "|", "学校名录\n\n"), ("utf-8-sig", "\t", "")]
)
def test_delimited_text(tmp_path: Path, encoding: str, delimiter: str, above: str) -> None:
    project = make_tiny(tmp_path / "p")
    file = tmp_path / "学校(新)_202609.csv"
    file.write_text(above + schools().replace(",", delimiter), encoding=encoding)
    made = drafted_from(project, file)
    assert [(g.name, g.logical_type, g.required, g.key, g.level) for g in made.columns] == [
        ("column_1", "string", True, 1, 2),  # digits that are no amount
        ("column_2", "string", True, None, 2),
        ("division", "string", True, None, 2),
        ("column_4", "date", True, None, 2),
        ("column_5", "integer", True, None, 2),
        ("column_6", "string", False, None, 3),  # telephone numbers
        ("column_7", "number", True, None, 2),
        ("column_8", "timestamp", True, None, 2),
    ]
    contract = Project(project.root, project.data).contracts["school"]
    assert contract.delivery is not None
    assert (contract.delivery.period, contract.delivery.start) == ("monthly", "2026-09")
    assert accepted(project, file)
    assert not precheck(Project(project.root, project.data), "school", bad(file, encoding)).ok


def bad(file: Path, encoding: str) -> Path:
    """The same file with a key twice, a date that does not exist and a number that is none: the drafts are no mere formality."""
    other = file.with_name("学校(新)_202610.csv")
    text = file.read_text(encoding=encoding).replace("2121000003", "2121000002").replace("1995-09-01", "1995-09-31")
    other.write_text(text, encoding=encoding)
    return other


def test_a_workbook_with_a_title_and_a_second_sheet(tmp_path: Path) -> None:
    project = make_tiny(tmp_path / "p")
    file = tmp_path / "学校.xlsx"
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet("说明").write(0, 0, "填表说明")
        sheet = book.add_worksheet("名录")
        sheet.merge_range(0, 0, 0, 7, "学校名录（2026年）")
        for r, line in enumerate(schools().splitlines(), 1):
            for c, cell in enumerate(line.split(",")):
                sheet.write_string(r, c, cell)
    made = drafted_from(project, file)
    assert [g.header for g in made.columns] == HEADER.split(",")
    assert Project(project.root, project.data).contracts["school"].server.properties["sheet"] == "名录"
    assert any("period in the file's name" in note for note in made.notes)
    assert accepted(project, file)


def packed(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_an_archive_with_a_manifest_whose_columns_have_names_of_their_own(tmp_path: Path) -> None:
    project = make_tiny(tmp_path / "p")
    lines = schools().splitlines()
    parts = ["\n".join([HEADER, *lines[1:21], ""]), "\n".join([HEADER, *lines[21:], ""])]
    file = packed(
        tmp_path / "XX_202609.zip",
        {
            "清单_202609.csv": "文件名,记录数\n甲.txt,20\n乙.txt,20\n".encode("gb18030"),
            "甲.txt": parts[0].replace(",", "|").encode("gb18030"),
            "乙.txt": parts[1].replace(",", "|").encode("gb18030"),
            "说明.docx": b"x",
        },
    )
    made = drafted_from(project, file)
    assert made.rows == 40
    assert (
        dict(Project(project.root, project.data).contracts["school"].server.properties).items()
        >= {
            "members": "*.txt",
            "encoding": "gb18030",
            "delimiter": "|",
            "manifest": "清单_*.csv",
            "manifestFile": "文件名",
            "manifestRows": "记录数",
        }.items()
    )
    assert accepted(project, file)
    short = packed(
        tmp_path / "XX_202610.zip",
        {"清单_202610.csv": "文件名,记录数\n甲.txt,19\n", "甲.txt": parts[0].replace(",", "|").encode("gb18030")},
    )
    assert "19" in precheck(Project(project.root, project.data), "school", short).refused


def test_a_document_of_repeated_elements(tmp_path: Path) -> None:
    project = make_tiny(tmp_path / "p")
    header, *lines = (line.split(",") for line in schools().splitlines())
    rows = "".join(f"<row>{''.join(f'<{h}>{c}</{h}>' for h, c in zip(header, line, strict=True))}</row>" for line in lines)
    file = tmp_path / "学校_202609.xml"
    file.write_text(f'<?xml version="1.0" encoding="GBK"?>\n<数据><头><n>1</n></头><rows>{rows}</rows></数据>', encoding="gb18030")
    made = drafted_from(project, file)
    assert [g.header for g in made.columns] == header
    assert Project(project.root, project.data).contracts["school"].server.properties["recordsAt"] == "数据/rows/row"
    assert accepted(project, file)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"a.csv": "a,b\n", "b.xml": "<a/>"}, r"Expected members of one kind .*found a.csv, b.xml"),
        ({"a.csv": "a,b\n", "b.zip": "x"}, "an archive within the archive"),
        ({"readme.txt": "x"}, "found nothing"),
        ({"目录.csv": "1,2\n3,4\n"}, "looks like a record"),  # called a list, and the only member
    ],
)
def test_archives_that_tell_nothing(tmp_path: Path, members: dict[str, str | bytes], words: str) -> None:
    with pytest.raises(StartError, match=words):
        form_of(packed(tmp_path / "a.zip", members))


def test_a_field_id_below_a_title_names_the_column(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for r, line in enumerate((("证号", "姓名"), ("ZH", "XM"), ("1", "赵甲"))):
            for c, cell in enumerate(line):
                sheet.write(r, c, cell)
    assert form_of(file) == Form("xlsx", ("ZH", "XM"))


def test_a_table_of_the_lake(tmp_path: Path) -> None:
    project = make_tiny(tmp_path / "p")
    hand_over(project, "202601", "tag,born\nA1,2020-01-01\nA2,2021-02-03\n")
    assert run(project).exit_code == 0
    made = draft(project, Asked("raw.pet", "dog", "city"))
    assert [(g.name, g.logical_type, g.key) for g in made.columns] == [("tag", "string", 1), ("born", "date", None)]
    with pytest.raises(LookupError, match=r"Did you mean 'raw.pet'"):
        draft(project, Asked("raw.pett", "dog", "city"))
    with pytest.raises(LookupError, match=r"write \[hr\] with its dsn"):
        draft(project, Asked("hr:public.person", "dog", "city"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "empty file"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("a.csv", b"a,b\n\xff\xff,\x81\n", "Neither UTF-8 nor GB18030"),
        ("a.csv", b"1,2\n3,4\n", "looks like a record"),
        ("a.csv", b"a,a\n3,4\n", "stand twice"),
        ("a.txt", b"abc\ndef\n", "does not tell where a field begins"),
        ("a.xml", b"<a><b>1</b></a>", "No element that stands several times"),
        ("a.xml", b"<!DOCTYPE a><a/>", "document type"),
        ("a.xml", b"<a>" * 40 + b"</a>" * 40, "more than 32 elements one within another"),
        ("a.xml", b"<a><b></a>", "no well-formed XML"),
        ("a.zip", b"PK\x03\x04", "ZIP archive that cannot be read"),
        ("a.rar", b"Rar!\x1a\x07", "RAR"),
        ("a.xlsx", b"no workbook", "no workbook"),
    ],
)
def test_what_cannot_be_told_is_said(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StartError, match=words):
        form_of(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "period", "other"),
    [
        ("XXML_202610.csv", "monthly", "XXML_202611.csv"),
        ("HB(1)_20261024_F.csv", "daily", "HB(1)_20261025_F.csv"),
        ("HB_2026102408.csv", "hourly", "HB_2026102409.csv"),
    ],
)
def test_the_period_in_a_files_name(name: str, period: str, other: str) -> None:
    import re

    naming = naming_of(name)
    assert naming.period == period
    assert naming.pattern is not None
    assert re.fullmatch(naming.pattern, other)
    assert not re.fullmatch(naming.pattern, "x" + other)
    assert naming_of("2121000001.csv").pattern is None  # no month of this century


def test_the_command_writes_over_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_tiny(tmp_path / "p")
    monkeypatch.setenv("YUANQING_ROOT", str(project.root))
    monkeypatch.setenv("YUANQING_DATA", str(project.data))
    file = tmp_path / "S_202609.csv"
    file.write_text(schools(4), encoding="utf-8")
    arguments = ["contract", "from", str(file), "-d", "school", "--department", "education", "--json"]
    told = json.loads(CliRunner().invoke(app, arguments).output)
    assert (told["accepted"], told["rows"], told["rules"], len(told["files"])) == (True, 4, 0, 1)
    assert [c["required"] for c in told["columns"] if c.get("required")] == [True]  # four rows tell of no other column that it is
    before = (project.root / "assets/sources/education/school.odcs.yaml").read_bytes()
    again = CliRunner().invoke(app, arguments)
    assert (again.exit_code, again.output[:7]) == (2, "✗ YQ104")
    assert (project.root / "assets/sources/education/school.odcs.yaml").read_bytes() == before
    assert (
        CliRunner().invoke(app, ["contract", "from", "gone.csv", "-d", "other", "--department", "education"]).output.startswith("✗ YQ113")
    )
    assert json.loads(CliRunner().invoke(app, ["doctor", "--json"]).output)


@pytest.mark.parametrize(
    ("dsn", "where"),
    [
        ("mysql://u:p%40w@db.example:3307/ybj?ssl_ca=a.pem", ("mysql", "db.example", 3307, "ybj")),
        ("mariadb://u:p@10.1.2.3", ("mysql", "10.1.2.3", 3306, "it")),
        ("postgresql://u:p@db.example/hr", ("postgresql", "db.example", 5432, "hr")),
        ("postgresql:///hr?host=/run/pg&port=5433", ("postgresql", "localhost", 5433, "hr")),
        ("host=10.1.2.3 port='5434' dbname='h r' user=u password='p host=x'", ("postgresql", "10.1.2.3", 5434, "h r")),
    ],
)
def test_where_a_database_is(dsn: str, where: tuple[str, str, int, str]) -> None:
    assert tuple(address(dsn, "it").values()) == where
