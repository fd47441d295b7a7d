"""Rules on the columns of a batch. They look at names only, so an absent column makes them fail, never unassessable."""

# ruff: noqa: ARG001 - every kind compiles by the same signature
from __future__ import annotations

from expectations.compiler.forms import ColumnsTest
from expectations.compiler.kinds import Argument, ArgumentError, Arguments, Kind, Scope

_CAUSE = ("列不符：{observed}", "the columns differ: {observed}")


def _set(arguments: Arguments, scope: Scope) -> ColumnsTest:
    return ColumnsTest(tuple(dict.fromkeys(arguments["column_set"])), arguments["exact_match"], "set")


def _list(arguments: Arguments, scope: Scope) -> ColumnsTest:
    return ColumnsTest(tuple(arguments["column_list"]), True, "list")


def _exists(arguments: Arguments, scope: Scope) -> ColumnsTest:
    return ColumnsTest((arguments["column"],), False, "exist", arguments["column_index"])


def _some(arguments: Arguments) -> None:
    if not arguments.get("column_set", arguments.get("column_list")):
        raise ArgumentError("column_set", "no column is named.", "Name the columns that must be there.")


KINDS = (
    Kind(
        "expect_table_columns_to_match_set",
        {"column_set": Argument("columns", required=True), "exact_match": Argument("flag", default=True)},
        _set,
        ("批次的列正是这些（exact_match: false 时可以更多）。", "The batch has these columns (with exact_match: false, others too)."),
        _CAUSE,
        "{column_set: [id_number, name], exact_match: false}",
        check=_some,
    ),
    Kind(
        "expect_table_columns_to_match_ordered_list",
        {"column_list": Argument("columns", required=True)},
        _list,
        ("批次的列正是这些，次序也同。", "The batch has exactly these columns, in this order."),
        _CAUSE,
        "{column_list: [city, ts, pm25]}",
        check=_some,
    ),
    Kind(
        "expect_column_to_exist",
        {"column": Argument("column", required=True), "column_index": Argument("count")},
        _exists,
        ("批次有这一列。", "The batch has this column."),
        ("缺列 {column}", "the column {column} is missing"),
        "{column: id_number}",
    ),
)
