"""Rules on several columns of a row: their sum, whether they are equal, whether no two are.

With `ignore_row_if` at its default only rows without any value are left out; a row that lacks some has no sum, as in GX.
"""

from __future__ import annotations

from itertools import combinations

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Column, Expression, call, total
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope

_NUMBERS, _TIMES = ("integer", "number"), ("date", "timestamp")
IGNORE = Argument("choice", default="all_values_are_missing", words=("all_values_are_missing", "any_value_is_missing", "never"))


def several(arguments: Arguments) -> None:
    """Refuse a list that does not name two different columns."""
    names = arguments["column_list"]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ArgumentError("column_list", f"column_list {names!r}.", "Name at least two different columns.")


def left_out(arguments: Arguments, columns: tuple[Column, ...]) -> Expression | None:
    """The rows that a rule on a list of columns leaves out."""
    missing = [call("is_null", c) for c in columns]
    return {
        "all_values_are_missing": call("and", *missing),
        "any_value_is_missing": call("or", *missing),
        "never": None,
    }[arguments["ignore_row_if"]]


def _record(arguments: Arguments, columns: tuple[Column, ...], holds: Expression) -> RowTest:
    ignored = left_out(arguments, columns)
    broken = call("not", call("surely", holds))
    if ignored is not None:
        broken = call("and", call("not", ignored), broken)
    return RowTest(broken, ignored, arguments["condition"], tuple(c.name for c in columns), "record")


def _columns(arguments: Arguments, scope: Scope) -> tuple[Column, ...]:
    return tuple(scope.column(c) for c in arguments["column_list"])


def _alike(a: Column, b: Column) -> bool:
    return a.kind == b.kind or any(a.kind in group and b.kind in group for group in (_NUMBERS, _TIMES))


def _same(a: Column, b: Column) -> Expression:
    """Whether two values are equal, or both missing; values of kinds that nothing has in common are not."""
    neither = call("and", call("is_null", a), call("is_null", b))
    return call("or", call("surely", call("equal", a, b)), neither) if _alike(a, b) else neither


def _sum(arguments: Arguments, scope: Scope) -> RowTest:
    columns = _columns(arguments, scope)
    for column in columns:
        if column.kind not in _NUMBERS:
            raise ArgumentError("column_list", f"{column.name} is a {column.kind}: it cannot be added.", "Name columns of numbers.")
    return _record(arguments, columns, call("equal", total(list(columns)), arguments["sum_total"]))


def _equal(arguments: Arguments, scope: Scope) -> RowTest:
    first, *rest = columns = _columns(arguments, scope)
    parts = [_same(first, other) for other in rest]
    return _record(arguments, columns, parts[0] if len(parts) == 1 else call("and", *parts))


def _different(arguments: Arguments, scope: Scope) -> RowTest:
    columns = _columns(arguments, scope)
    parts = [_same(a, b) for a, b in combinations(columns, 2)]
    return _record(arguments, columns, call("not", parts[0] if len(parts) == 1 else call("or", *parts)))


LIST = {"column_list": Argument("columns", required=True), "ignore_row_if": IGNORE}

KINDS = (
    Kind(
        "expect_multicolumn_sum_to_equal",
        {**LIST, "sum_total": Argument("number", required=True), **MAP},
        _sum,
        ("几列之和等于给定数；缺一即不等。", "The columns add up to a number; a row that lacks one does not."),
        (
            "{unexpected} 行的 {column_list} 之和不是 {sum_total}（{percent}）",
            "{unexpected} rows have {column_list} not adding up to {sum_total} ({percent})",
        ),
        "{column_list: [share_a, share_b], sum_total: 100}",
        check=several,
    ),
    Kind(
        "expect_multicolumn_values_to_be_equal",
        {**LIST, **MAP},
        _equal,
        ("几列的值都相等；都空也算相等。", "The columns have one value; all empty counts as equal."),
        ("{unexpected} 行的 {column_list} 不全相等（{percent}）", "{unexpected} rows have {column_list} that differ ({percent})"),
        "{column_list: [name, registered_name]}",
        check=several,
    ),
    Kind(
        "expect_select_column_values_to_be_unique_within_record",
        {**LIST, **MAP},
        _different,
        ("同一行的几列互不相同；两列都空算相同。", "No two of the columns have one value in a row; two empty ones have."),
        ("{unexpected} 行的 {column_list} 有相同的值（{percent}）", "{unexpected} rows have one value twice in {column_list} ({percent})"),
        "{column_list: [phone, emergency_phone], ignore_row_if: any_value_is_missing}",
        check=several,
    ),
)
