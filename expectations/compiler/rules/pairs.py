"""Rules on two columns of a row. With `ignore_row_if` at its default, a row that lacks one of the two breaks the rule, as in GX."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Column, Constant, Expression, call
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope

PAIR = {
    "column_A": Argument("column", required=True),
    "column_B": Argument("column", required=True),
    "ignore_row_if": Argument(
        "choice", default="both_values_are_missing", words=("both_values_are_missing", "either_value_is_missing", "neither")
    ),
    **MAP,
}
_NUMBERS, _TIMES = ("integer", "number"), ("date", "timestamp")


def ignored(arguments: Arguments, a: Column, b: Column) -> Expression | None:
    """The rows that a rule on a pair leaves out."""
    missing = (call("is_null", a), call("is_null", b))
    word = arguments["ignore_row_if"]
    return None if word == "neither" else call("and" if word == "both_values_are_missing" else "or", *missing)


def pair(arguments: Arguments, a: Column, b: Column, holds: Expression) -> RowTest:
    """The test that `holds` is true of every row that is not left out."""
    left_out = ignored(arguments, a, b)
    broken = call("not", call("surely", holds))
    if left_out is not None:
        broken = call("and", call("not", left_out), broken)
    return RowTest(broken, left_out, arguments["condition"], (a.name, b.name), "pair")


def _columns(arguments: Arguments, scope: Scope) -> tuple[Column, Column]:
    a, b = scope.column(arguments["column_A"]), scope.column(arguments["column_B"])
    if a.kind != b.kind and not any(a.kind in group and b.kind in group for group in (_NUMBERS, _TIMES)):
        raise ArgumentError(
            "column_B", f"{a.name} is a {a.kind}, {b.name} a {b.kind}: they cannot be compared.", "Compare columns of one type."
        )
    return a, b


def _greater(arguments: Arguments, scope: Scope) -> RowTest:
    a, b = _columns(arguments, scope)
    return pair(arguments, a, b, call("less_equal" if arguments["or_equal"] else "less", b, a))


def _equal(arguments: Arguments, scope: Scope) -> RowTest:
    a, b = _columns(arguments, scope)
    return pair(arguments, a, b, call("equal", a, b))


def _in_set(arguments: Arguments, scope: Scope) -> RowTest:
    a, b = scope.column(arguments["column_A"]), scope.column(arguments["column_B"])
    found: dict[Expression | None, list[Expression | None]] = {}
    for first, second in arguments["value_pairs_set"]:
        pair_ = [None if v is None else scope.literal(v, c, "value_pairs_set") for v, c in ((first, a), (second, b))]
        found.setdefault(pair_[0], []).append(pair_[1])
    parts = [call("and", _is(a, [first]), _is(b, seconds)) for first, seconds in found.items()]
    return pair(arguments, a, b, parts[0] if len(parts) == 1 else call("or", *parts))


def _is(column: Column, values: list[Expression | None]) -> Expression:
    """Whether a column has one of some values, None standing for no value."""
    parts: list[Expression] = [call("is_null", column)] if None in values else []
    given = tuple(v.value for v in values if isinstance(v, Constant))
    if given:
        parts.append(call("surely", call("in_set", column, given) if len(given) > 1 else call("equal", column, Constant(given[0]))))
    return parts[0] if len(parts) == 1 else call("or", *parts)


KINDS = (
    Kind(
        "expect_column_pair_values_a_to_be_greater_than_b",
        {**PAIR, "or_equal": Argument("flag", default=False)},
        _greater,
        (
            "A 大于 B（or_equal：不小于）；只缺一个也算不符，除非 ignore_row_if: either_value_is_missing。",
            "A is greater than B (or_equal: not less); a row that lacks only one breaks the rule too, unless ignore_row_if: either_value_is_missing.",
        ),
        (
            "{unexpected} 行的 {column_A} 不大于 {column_B}（{percent}）",
            "{unexpected} rows have {column_A} not after {column_B} ({percent})",
        ),
        "{column_A: cancel_date, column_B: death_date, or_equal: true, ignore_row_if: either_value_is_missing}",
    ),
    Kind(
        "expect_column_pair_values_to_be_equal",
        PAIR,
        _equal,
        ("A 等于 B。", "A equals B."),
        (
            "{unexpected} 行的 {column_A} 与 {column_B} 不等（{percent}）",
            "{unexpected} rows have {column_A} unequal to {column_B} ({percent})",
        ),
        "{column_A: division, column_B: declared_division, ignore_row_if: either_value_is_missing}",
    ),
    Kind(
        "expect_column_pair_values_to_be_in_set",
        {**PAIR, "value_pairs_set": Argument("pairs", required=True)},
        _in_set,
        ("A 与 B 的一对值在所列之中。", "A and B are one of the pairs that are listed."),
        (
            "{unexpected} 行的 {column_A} 与 {column_B} 不是允许的一对（{percent}）",
            "{unexpected} rows have a pair of {column_A} and {column_B} that is not allowed ({percent})",
        ),
        '{column_A: state, column_B: close_reason, value_pairs_set: [["1", null], ["2", "01"]]}',
    ),
)
