"""Workbooks as departments build them, and the ways in which they are bad."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter

from assets.batches import accounts
from assets.readers.parts import place
from tests.collect.ole import locked, xls

SERVER = {"server": "landing", "type": "local", "path": "people/*.xlsx", "format": "xlsx"}


def workbook(*sheets: tuple[str, Callable[[Any, Any], None]]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        for name, fill in sheets:
            fill(book.add_worksheet(name), book)
    return buffer.getvalue()


def rows(*lines: list[Any]) -> Callable[[Any, Any], None]:
    def fill(sheet: Any, book: Any) -> None:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for at, line in enumerate(lines):
            for over, cell in enumerate(line):
                if isinstance(cell, date):
                    sheet.write_datetime(at, over, cell, day)
                elif cell is not None:
                    sheet.write(at, over, cell)

    return fill


@pytest.fixture
def books(desk, make_column):
    def declare(**options: Any) -> None:
        desk.contract(
            [
                make_column("id", "编号", key=True, required=True),
                make_column("month", "金额本月"),
                make_column("total", "金额累计"),
                {**make_column("day", "日期"), "logicalType": "date"},
            ],
            server={**SERVER, **({"path": "people/*.xls", "format": "xls"} if options.pop("old", False) else {})},
            options=options or None,
        )

    declare()
    desk.declare = declare
    return desk


def refusal(desk, content: bytes, name: str = "sy_202610.xlsx") -> str:
    desk.put(name, content)
    [batch] = desk.collect().batches
    assert batch["status"] == "refused"
    assert name in desk.refused()
    return batch["reason"]


HEADER = ["编号", "金额本月", "金额累计", "日期"]


def test_title_units_merged_headers_footers_and_cells(books):
    def fill(sheet: Any, book: Any) -> None:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.merge_range("A1:E1", "二〇二六年十月登记情况")
        sheet.write("A2", "单位：万元")
        sheet.merge_range("A3:A4", "编 号")
        sheet.merge_range("B3:C3", "金额")
        sheet.write_row("B4", ["本月", "累计"])
        sheet.merge_range("D3:D4", "日期")
        sheet.merge_range("E3:E4", "经办人")
        sheet.write_row("A5", ["001", 12, 0.1 + 0.2])
        sheet.write_datetime("D5", datetime(2026, 10, 1), day)
        sheet.write_row("A6", ["002", 1e6, -3.5])
        sheet.write_datetime("D6", datetime(2026, 10, 1, 8, 30), day)
        sheet.write_formula("B7", "=1/0", None, "#DIV/0!")
        sheet.write("A7", "003")
        sheet.write("E7", "张")
        sheet.write_row("A9", ["合  计", 24, 0.3])
        sheet.write("B10", "填表人：李")
        sheet.merge_range("A11:E11", "本表由各市汇总后上报")

    books.put("sy_202610.xlsx", workbook(("登记", fill)))
    [batch] = books.collect().batches
    assert books.raw("id, month, total, day, _row") == [
        ("001", "12", "0.3", "2026-10-01", 5),
        ("002", "1000000", "-3.5", "2026-10-01 08:30:00", 6),
        ("003", None, None, None, 7),
    ]
    assert [r[0] for r in books.raw("_extra")] == ['{"经办人":null}', '{"经办人":null}', '{"经办人":"张"}']
    assert (batch["lines"], batch["lines_other"], batch["records"]) == (11, 8, 3)
    [account] = accounts(books.con, books.project.contracts["people"])
    assert account.differences == []


def test_digits_that_the_spreadsheet_lost_are_said(books):
    books.put(
        "sy_202610.xlsx",
        workbook(("s", rows(HEADER, [219901199001011234, 1, 2, None], ["219901199001011234", 1, 2, None], [12, 1, 2, 46000]))),
    )
    [batch] = books.collect().batches
    damaged, *others = books.raw("id, day")
    assert damaged[0].startswith("21990119900101")
    assert damaged[0] != "219901199001011234"
    assert len(damaged[0]) == 18
    assert others == [("219901199001011234", None), ("12", "46000")]
    assert "1 cells of 编号 are numbers of 16 or more digits" in batch["reason"]
    assert "lost the last digits" in batch["reason"]
    assert "1 date cells of 日期 are plain numbers" in batch["reason"]


def test_an_old_workbook(books):
    books.declare(old=True)
    books.put("sy_202610.xls", xls([["标题"], HEADER, ["001", 12.0, 1.5, "2026-10-01"], ["合计", 12.0]]))
    books.collect()
    assert books.raw("id, month, total, day, _row") == [("001", "12", "1.5", "2026-10-01", 3)]


def test_merged_cells_among_the_records_count_for_every_row(books):
    def fill(sheet: Any, book: Any) -> None:
        sheet.write_row("A1", HEADER)
        sheet.write_column("A2", ["001", "002"])
        sheet.merge_range("B2:B3", "7")

    books.put("sy_202610.xlsx", workbook(("s", fill)))
    [batch] = books.collect().batches
    assert books.raw("id, month") == [("001", "7"), ("002", "7")]
    assert "1 cells took the value of the merged cell" in batch["reason"]


def test_a_second_header_row_of_ids_is_no_record(books, make_column):
    books.contract(
        [{**make_column("id", "BH", key=True), "businessName": "编号"}, {**make_column("name", "XM"), "businessName": "姓名"}],
        server=SERVER,
    )
    books.put("sy_202610.xlsx", workbook(("s", rows(["编号", "姓名"], ["BH", "XM"], ["1", "张"]))))
    books.collect()
    assert books.raw("id, name, _row") == [("1", "张", 3)]


def test_a_first_record_that_says_little_is_a_record(books):
    books.put("sy_202610.xlsx", workbook(("s", rows(HEADER, ["001"], ["002", 1, 2, None]))))
    [batch] = books.collect().batches
    assert books.raw("id, month, _row") == [("001", None, 2), ("002", "1", 3)]
    assert (batch["lines"], batch["lines_other"], batch["records"]) == (3, 1, 2)


def test_the_sheet_named_by_the_contract_is_read(books):
    books.declare(sheet="本月")
    content = workbook(("上月", rows(HEADER, ["1", 1, 1, None])), ("本月", rows(HEADER, ["2", 1, 1, None])))
    books.put("sy_202610.xlsx", content)
    books.collect()
    assert books.raw("id") == [("2",)]


def test_a_renamed_sheet(books):
    books.declare(sheet="本月登记")
    reason = refusal(books, workbook(("本月登记表", rows(HEADER, ["2", 1, 1, None]))))
    assert "no sheet '本月登记'" in reason
    assert "Did you mean '本月登记表'?" in reason


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            lambda: workbook(("一", rows(HEADER, ["1", 1, 1, None])), ("二", rows(HEADER, ["2", 1, 1, None]))),
            ["2 sheets that hold the header", "'一', '二'", "`sheet`"],
        ),
        (lambda: workbook(("空", rows())), ["an empty sheet"]),
        (lambda: workbook(("s", rows(HEADER))), ["header and no record"]),
        (lambda: workbook(("s", rows(["x", "y"], [1, 2]))), ["no header in the first 40 rows of 's'", "编号"]),
        (
            lambda: workbook(("s", rows(["编码", "金额本月", "金额累计"], [1, 2, 3]))),
            ["sheet 's', row 1", "needed column 编号", "expected 编号"],
        ),
        (lambda: workbook(("s", rows([*HEADER, "编号"], [1, 2, 3, None, 5]))), ["编号 stands twice", "(column 5)"]),
        (locked, ["workbook with a password", "Save it without a password"]),
        (lambda: b"", ["empty file"]),
        (lambda: b"<html><table>", ["an HTML page"]),
        (lambda: b"1,2,3\n", ["no workbook, by its first bytes"]),
        (lambda: workbook(("s", rows(HEADER, ["1"])))[:-400], ["cannot be read", "save it again"]),
    ],
)
def test_refused_with_clear_words(books, content, words):
    reason = refusal(books, content())
    for word in words:
        assert word in reason


@pytest.fixture
def counties(desk, make_column):
    """Rosters of households, one sheet a county, the head written once for all members."""

    def declare(**options: Any) -> None:
        desk.contract(
            [
                make_column("household", "户编号"),
                make_column("id", "成员/编号", key=True, required=True),
                make_column("head", "户主/姓名"),
                make_column("name", "成员/姓名"),
                make_column("county", "县区", required=bool(options.get("sheetColumn"))),
            ],
            server=SERVER,
            options={"sheets": "all", **options},
        )

    declare()
    desk.declare = declare
    return desk


def roster(*members: list[Any], merged: bool = False) -> Callable[[Any, Any], None]:
    """Rows of household, head, member id, member name below a title and a header of two levels."""

    def fill(sheet: Any, book: Any) -> None:
        sheet.merge_range("A1:D1", "低保花名册")
        sheet.merge_range("A2:A3", "户编号")
        sheet.merge_range("C2:D2", "成员")
        sheet.write("B2", "户主")
        sheet.write_row("B3", ["姓名", "编号", "姓名"])
        for at, member in enumerate(members, 3):
            sheet.write_row(at, 0, member)
        if merged:
            sheet.merge_range(3, 0, 2 + len(members), 0, members[0][0])
            sheet.merge_range(3, 1, 2 + len(members), 1, members[0][1])
        sheet.write_row(3 + len(members), 0, ["合计", None, len(members)])

    return fill


def test_every_sheet_is_a_county_and_rows_say_which(counties):
    counties.declare(sheetColumn="county", ignoreSheets=["封面"])
    content = workbook(
        ("封面", rows(["低保花名册"])),
        ("沈河区", roster(["H1", "张", "1", "张"], [None, None, "2", "李"], merged=True)),
        ("和平区 ", roster(["H2", "王", "3", "王"])),
        ("空", rows()),
    )
    counties.put("sy_202610.xlsx", content)
    [batch] = counties.collect().batches
    assert counties.raw("household, head, id, name, county, _row") == [
        ("H1", "张", "1", "张", "沈河区", 1_000_000_004),
        ("H1", "张", "2", "李", "沈河区", 1_000_000_005),
        ("H2", "王", "3", "王", "和平区", 2_000_000_004),
    ]
    assert json.loads(batch["parts"]) == ["sheet 沈河区", "sheet 和平区 "]
    assert place(1_000_000_005, batch["parts"]) == "sheet 沈河区, row 5"
    assert "sheet 沈河区: 2 cells took the value of the merged cell" in batch["reason"]
    assert (batch["lines"], batch["records"], batch["lines_other"]) == (11, 3, 8)
    assert [a.differences for a in accounts(counties.con, counties.project.contracts["people"])] == [[]]


def test_heads_written_once_are_filled_down_where_declared(counties):
    members = (["H1", "张", "1", "张"], [None, " ", "2", "李"], ["H2", "王", "3", "王"], [None, None, "4", "赵"])
    counties.put("sy_202609.xlsx", workbook(("沈河区", roster(*members))))
    counties.collect()
    assert counties.raw("household, id") == [("H1", "1"), (None, "2"), ("H2", "3"), (None, "4")]
    counties.declare(fillDown=["household", "head"])
    counties.put("sy_202610.xlsx", workbook(("沈河区", roster(*members, ["H3", "", "5", "孙"]))))
    [batch] = counties.collect().batches
    assert counties.sql("SELECT household, head, id FROM raw.people WHERE _batch LIKE '%202610%' ORDER BY _row")[1:4] == [
        ("H1", " ", "2"),
        ("H2", "王", "3"),
        ("H2", "王", "4"),
    ]
    assert "empty cells took the value above them" in batch["reason"]


def test_sheets_by_pattern_and_a_sheet_without_a_header(counties):
    counties.declare(sheets=["*区", "*县"])
    content = (("说明", rows(["x"])), ("沈河区", roster(["H1", "张", "1", "张"])), ("法库县", roster(["H2", "王", "2", "王"])))
    counties.put("sy_202610.xlsx", workbook(*content))
    [batch] = counties.collect().batches
    assert json.loads(batch["parts"]) == ["sheet 沈河区", "sheet 法库县"]
    counties.declare()
    assert "no header in the first 40 rows of '说明'" in refusal(counties, workbook(*content, ("又", rows(["y"]))), "dl_202610.xlsx")
    counties.declare(sheets="*市")
    assert "no sheet like *市; the sheets are '说明', '沈河区', '法库县'" in refusal(counties, workbook(*content), "fs_202610.xlsx")
    counties.declare(fillDown=["households"])
    assert "Did you mean 'household'?" in refusal(counties, workbook(*content), "as_202610.xlsx")


def test_a_header_of_three_levels(books, make_column):
    books.contract(
        [
            make_column("id", "编号", key=True),
            make_column("a", "本期/金额/应发"),
            make_column("b", "上期/金额/应发"),
            make_column("c", "实发"),
        ],
        server=SERVER,
    )

    def fill(sheet: Any, book: Any) -> None:
        sheet.merge_range("A1:E1", "发放表")
        sheet.merge_range("A2:A4", "编号")
        sheet.merge_range("B2:C2", "本期")
        sheet.merge_range("D2:E2", "上期")
        sheet.merge_range("B3:C3", "金额")
        sheet.merge_range("D3:E3", "金额")
        sheet.write_row("B4", ["应发", "实发", "应发", "备用"])
        sheet.write_row("A5", ["001", 1, 2, 3, 4])

    books.put("sy_202610.xlsx", workbook(("s", fill)))
    books.collect()
    assert books.raw("id, a, b, c, _extra, _row") == [("001", "1", "3", "2", '{"金额/备用":"4"}', 5)]


def test_an_old_workbook_that_was_cut(books):
    books.declare(old=True)
    full = xls([HEADER, *[[str(i), 1.0, 1.0, ""] for i in range(65_535)]])
    reason = refusal(books, full, "sy_202610.xls")
    assert "65536 rows, all that a sheet of this form can hold: what followed was cut off" in reason
    books.declare(old=True, fullSheet="warn")
    books.put("dl_202610.xls", full)
    [batch] = books.collect().batches
    assert batch["rows_raw"] == 65_535
    assert "what followed was cut off" in batch["reason"]


def test_an_old_workbook_whose_ids_lost_their_digits(books):
    books.declare(old=True)
    books.put("sy_202610.xls", xls([HEADER, [219901199001011234.0, 1.0, 1.0, ""], ["219901199001011234", 1.0, 1.0, ""]]))
    [batch] = books.collect().batches
    assert books.raw("id")[1] == ("219901199001011234",)
    assert "1 cells of 编号 are numbers of 16 or more digits" in batch["reason"]


@pytest.mark.parametrize("kind", [b"\0\0\x34\x12\x78\x56", b"\1\0\1\0\1\0" + b"\1" * 48], ids=["obfuscated", "enciphered"])
def test_an_old_workbook_with_a_password(books, kind):
    books.declare(old=True)
    assert "a workbook with a password" in refusal(books, xls([HEADER, ["1", 1.0, 1.0, ""]], password=kind), "sy_202610.xls")


def test_two_tables_side_by_side(books):
    reason = refusal(books, workbook(("s", rows([*HEADER, None, *HEADER], ["1", 1, 1, None, None, "2", 1, 1, None]))))
    assert "two tables side by side: 4 columns from '编号' (column 5) on are those from '编号' (column 1) on over again" in reason


def test_a_row_of_descriptions_above_the_header_is_no_header(books):
    said = ["登记的编号", "本月的金额", "年初至今", "登记日期"]
    books.put("sy_202610.xlsx", workbook(("s", rows(said, HEADER, ["1", 1, 2, None]))))
    books.collect()
    assert books.raw("id, _row") == [("1", 3)]


def test_an_archive_named_as_a_workbook(books):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.csv", "1,2,3")
    reason = refusal(books, buffer.getvalue())
    assert "a ZIP archive that holds no workbook" in reason
    assert "Unpack it" in reason
