"""How the text of a cell becomes a value, and which repairs are counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from assets.contracts import Column
from assets.repair import staged
from expectations.codes import CodeTable

PLAIN = Column(
    name="c", title="列", header="C", aliases=(), logical_type="string", sql_type="VARCHAR", required=False, key_position=None,
    classification=1, codes=None, missing=(), repair=(), description="", authority=(),
)  # fmt: skip
KINDS = {"date": "DATE", "timestamp": "TIMESTAMP", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}


def of_type(kind: str, **more: object) -> Column:
    return replace(PLAIN, logical_type=kind, sql_type=KINDS.get(kind, "VARCHAR"), **more)


SEX = CodeTable("sex", Path("sex.csv"), {"1": "男", "2": "女"}, {"男": "1", "3": "2"})


def standardised(column: Column, text: str | None, table: CodeTable | None = None) -> tuple[object, str | None, str | None]:
    """(value, repaired text, kind of repair) of one cell."""
    con = duckdb.connect()
    con.execute("CREATE TABLE raw(_batch VARCHAR, _row BIGINT, c VARCHAR)")
    con.execute("INSERT INTO raw VALUES ('b', 1, ?)", [text])
    text_column = "c" if column.logical_type == "string" else "c__text"
    row = con.execute(f"SELECT c, {text_column}, c__repair FROM ({staged([column], {'c': table} if table else {}, 'raw')})").fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("沈阳", "沈阳", None),
        (" 沈阳\t", "沈阳", "trimmed"),
        ("\u3000沈阳\ufeff", "沈阳", "trimmed"),
        ("８０栋", "80栋", "folded"),
        ("和平区 三好街", "和平区 三好街", None),
        ("示例（辽宁）", "示例（辽宁）", None),
        ("暂无", None, "placeholder"),
        (" - ", None, "placeholder"),
        ("", None, None),
        ("  ", None, None),
        (None, None, None),
        ("𬱖", "𬱖", None),
        ("A1\x0b", "A1", "trimmed"),
        ("Ａ1", "A1", "folded"),
        ("a b", "a b", None),
        ("!", "!", None),
    ],
)
def test_text(text: str | None, value: str | None, kind: str | None) -> None:
    assert standardised(PLAIN, text) == (value, value, kind)


def test_upper_is_counted_where_only_the_case_was_wrong() -> None:
    column = replace(PLAIN, repair=("upper",))
    assert standardised(column, "21990119491231002x")[1:] == ("21990119491231002X", "upper")
    assert standardised(column, "２１９901")[1:] == ("219901", "folded")


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("男", "1", "dialect"),
        ("1", "1", None),
        (" 1", "1", "trimmed"),
        ("３", "2", "dialect"),
        ("9", "9", None),
        ("无", None, "placeholder"),
    ],
)
def test_dialect_words_become_codes(text: str, code: str | None, kind: str | None) -> None:
    assert standardised(PLAIN, text, SEX)[1:] == (code, kind)


def test_a_dataset_may_have_words_of_its_own_for_missing() -> None:
    assert standardised(replace(PLAIN, missing=("-9999",)), "-9999") == (None, None, "placeholder")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("date", "20200618", date(2020, 6, 18)),
        ("date", "2020-06-18", date(2020, 6, 18)),
        ("date", "2020/6/8", date(2020, 6, 8)),
        ("date", "2020年6月8日", date(2020, 6, 8)),
        ("date", "2020-06-18 00:00:00", date(2020, 6, 18)),
        ("date", "20200618000000", date(2020, 6, 18)),
        ("date", "20200230", None),
        ("date", "20201301", None),
        ("date", "2020-06", None),
        ("date", "999999-01-01", None),
        ("date", "18800229", date(1880, 2, 29)),
        ("timestamp", "2026-10-24 08:00:00", datetime(2026, 10, 24, 8)),
        ("timestamp", "20261024080000", datetime(2026, 10, 24, 8)),
        ("timestamp", "2026/10/24 8:00", datetime(2026, 10, 24, 8)),
        ("timestamp", "2026-10-24T08:00:00", datetime(2026, 10, 24, 8)),
        ("timestamp", "2026-10-24 25:00:00", None),
        ("integer", "12", 12),
        ("integer", "12.0", 12),
        ("integer", "12.5", None),
        ("integer", "1e3", None),
        ("number", "1,024.50", 1024.5),
        ("number", "10,24", None),
        ("number", "nan", None),
        ("boolean", "是", True),
        ("boolean", "N", False),
        ("boolean", "2", None),
    ],
)
def test_casts_are_guarded_and_keep_the_text(kind: str, text: str, value: object) -> None:
    assert standardised(of_type(kind), text)[:2] == (value, text)


def test_numbers_that_needed_more_than_reading_are_counted_as_recast() -> None:
    assert standardised(of_type("integer"), "12.0")[2] == "recast"
    assert standardised(of_type("number"), "1,024")[2] == "recast"
    assert standardised(of_type("number"), "1024.5")[2] is None
