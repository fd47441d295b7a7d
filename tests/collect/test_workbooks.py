"""Workbooks as departments build them, and the ways in which they are bad."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter

from assets.batches import accounts
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


def test_an_archive_named_as_a_workbook(books):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.csv", "1,2,3")
    reason = refusal(books, buffer.getvalue())
    assert "a ZIP archive that holds no workbook" in reason
    assert "Unpack it" in reason
