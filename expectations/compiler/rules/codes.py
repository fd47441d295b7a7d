"""Rules on codes of dated national tables."""

# ruff: noqa: E501, ISC004 - prose for people
from __future__ import annotations

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Expression, call
from expectations.compiler.kinds import MAP, TEXTS, Argument, Arguments, Kind, Scope, column_of
from expectations.compiler.rules.identity import whole_match
from expectations.compiler.rules.national.standards import as_day
from expectations.national.places import LEVELS, STATUSES, division_codes, elsewhere_pattern


def _division(arguments: Arguments, scope: Scope) -> RowTest:
    column = column_of(arguments["column"], scope, "column", TEXTS)
    status, level = tuple(arguments["status"]), tuple(arguments["level"])
    year = None if arguments["at"] is None else as_day(arguments["at"], "at").year
    known: Expression = call("in_set", column, division_codes(scope.codes.get("division").rows, status, level, year))
    if arguments["elsewhere"]:
        known = call("or", known, whole_match(column, elsewhere_pattern(level)))
    return RowTest(call("not", known), call("is_null", column), arguments["condition"], (column.name,))


def _year(arguments: Arguments) -> None:
    if arguments["at"] is not None:
        as_day(arguments["at"], "at")


KINDS = (
    Kind(
        "expect_column_values_to_be_division",
        {
            "column": Argument("column", required=True),
            "status": Argument("choices", default=("current", "private"), words=STATUSES),
            "level": Argument("choices", default=LEVELS, words=LEVELS),
            "elsewhere": Argument("flag", default=False),
            "at": Argument("value"),
            **MAP,
        },
        _division,
        (
            "是行政区划代码：现行的，或沈抚的自编代码；status 可加 historical（曾用）。elsewhere 接受外省代码（只看形式）。at 给定日期时，以该年有效的代码为准（变更只记到年，当年新旧皆可）。",
            "A division code: one in force, or the private one of 沈抚; `status` may add historical ones. `elsewhere` takes other provinces' codes (by form). "
            "With `at`, a date, the codes in force in its year count (changes are known by year; in that year both codes do).",
        ),
        (
            "{unexpected} 行的 {column} 不是认可的行政区划代码（{percent}）",
            "{unexpected} rows have a {column} that is no accepted division code ({percent})",
        ),
        "{column: hukou_div, level: [county], status: [current, private, historical]}",
        ("GB/T 2260", "GB/T 2260"),
        ours=True,
        check=_year,
    ),
)
