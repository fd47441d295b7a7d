"""Fixed-width text: bytes are counted, not characters, and what does not fit is a reject with its line."""

from __future__ import annotations

import pytest

from assets.batches import accounts

SERVER = {"server": "landing", "type": "local", "path": "people/*.txt", "format": "fixed", "encoding": "gb18030"}


@pytest.fixture
def fixed(desk, make_column):
    def declare(encoding: str = "gb18030", position: int | None = None, **options):
        desk.contract(
            [
                make_column("id", "BH", key=True, required=True, width=4),
                make_column("name", "XM", width=8),
                make_column("amount", "JE", width=6, **({"position": position} if position else {})),
            ],
            server={**SERVER, "encoding": encoding},
            options=options or None,
        )

    declare()
    desk.declare = declare
    return desk


def text(*lines: tuple[str, str, str], encoding: str = "gb18030", end: str = "\n") -> bytes:
    made = b""
    for number, name, amount in lines:
        made += b"".join(v.encode(encoding).ljust(w) for v, w in ((number, 4), (name, 8))) + amount.encode().rjust(6) + end.encode()
    return made


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_widths_are_bytes_and_padding_is_no_content(fixed, end):
    # 𠮷 and 㐂 take four bytes of GB18030, 张 and full-width letters two.
    fixed.put("sy_202610.txt", text(("0001", "张三", "12.50"), ("0002", "𠮷㐂", "0"), ("3", "Ｌi 雷", ""), end=end))
    [batch] = fixed.collect().batches
    assert fixed.raw("id, name, amount, _row") == [("0001", "张三", "12.50", 1), ("0002", "𠮷㐂", "0", 2), ("3", "Ｌi 雷", None, 3)]
    assert (batch["lines"], batch["lines_other"], batch["records"]) == (3, 0, 3)
    assert [a.differences for a in accounts(fixed.con, fixed.project.contracts["people"])] == [[]]


def test_utf8_with_a_byte_order_mark(fixed):
    fixed.declare("utf-8")
    fixed.put("sy_202610.txt", b"\xef\xbb\xbf" + text(("0001", "张三", "1"), encoding="utf-8"))
    fixed.collect()
    assert fixed.raw("id, name, amount") == [("0001", "张三", "1")]


def test_what_does_not_fit_is_a_reject_with_its_line(fixed):
    good = text(("0001", "张三", "1"))
    shifted = "0002x张三李四   12\n".encode("gb18030")  # the border of the name cuts the fourth character
    fixed.put(
        "sy_202610.txt",
        good + b"0003short\n" + b"\n" + shifted + good[:-1] + b"  \n" + b"0004a\x1fb" + b" " * 10 + b"\n",
    )
    [batch] = fixed.collect().batches
    assert fixed.raw("id, _row") == [("0001", 1), ("0001", 5)]
    (short, short_text, short_why), (cut, _, cut_why), (sign, _, sign_why) = fixed.rejects()
    assert (short, short_text) == (2, "0003short")
    assert "found 9 bytes, expected 18" in short_why
    assert cut == 4
    assert "in column XM" in cut_why
    assert "widths count bytes" in cut_why
    assert sign == 6
    assert "no control characters" in sign_why
    assert (batch["lines"], batch["lines_other"], batch["records"]) == (6, 1, 5)


def test_blanks_cut_from_the_ends_of_lines_are_allowed_where_declared(fixed):
    content = text(("0001", "张三", "1")) + "0002李四\n".encode("gb18030")
    fixed.put("sy_202610.txt", content)
    [batch] = fixed.collect().batches
    assert batch["rows_rejected"] == 1
    fixed.declare(cutBlanks=True)
    fixed.put("dl_202610.txt", content + b"\n")
    fixed.collect()
    assert fixed.sql("SELECT id, name, amount FROM raw.people WHERE _batch LIKE '%dl%' ORDER BY _row") == [
        ("0001", "张三", "1"),
        ("0002", "李四", None),
    ]


def test_header_line_titles_and_positions(fixed):
    fixed.declare(headerLine=True, titleLines=1, position=15)
    line = b"0001" + "张三".encode("gb18030").ljust(8) + b"--" + b"   7.0"
    fixed.put("sy_202610.txt", "发放清单\n".encode("gb18030") + b"BH XM JE\n" + line + b"\n" + line)
    [batch] = fixed.collect().batches
    assert fixed.raw("id, name, amount, _row") == [("0001", "张三", "7.0", 3), ("0001", "张三", "7.0", 4)]
    assert (batch["lines"], batch["lines_other"]) == (4, 2)


def test_a_header_line_that_names_other_columns_is_refused(fixed):
    fixed.declare(headerLine=True)
    fixed.put("sy_202610.txt", b"BX XM JE\n" + text(("0001", "a", "1")))
    [batch] = fixed.collect().batches
    assert batch["status"] == "refused"
    assert "needed column BH" in batch["reason"]


def test_many_lines_in_blocks(fixed):
    lines = [(f"{i % 10000:04}", "张三" if i % 7 else "李 四", str(i)) for i in range(60_000)]
    fixed.put("sy_202610.txt", text(*lines))
    fixed.collect()
    assert fixed.sql("SELECT count(*), sum(amount::INT), count(*) FILTER (WHERE name = '李 四'), max(_row) FROM raw.people") == [
        (60_000, sum(range(60_000)), 8572, 60_000)
    ]


def test_a_column_without_width_is_the_contracts_fault(fixed, make_column):
    fixed.contract([make_column("id", "BH", key=True, width=4), make_column("name", "XM")], server=SERVER)
    fixed.put("sy_202610.txt", b"0001a\n")
    [batch] = fixed.collect().batches
    assert "column name has no `width`" in batch["reason"]
