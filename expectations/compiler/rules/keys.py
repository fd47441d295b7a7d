"""Rules on keys: no two rows of a batch bear the same. All members of a doubled key break the rule, as in Great Expectations."""

from __future__ import annotations

from expectations.compiler.forms import KeyTest
from expectations.compiler.ir import call
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope


def _unique(arguments: Arguments, scope: Scope) -> KeyTest:
    column = scope.column(arguments["column"])
    return KeyTest((column,), call("is_null", column), arguments["condition"], (column.name,))


def _compound(arguments: Arguments, scope: Scope) -> KeyTest:
    columns = tuple(scope.column(c) for c in arguments["column_list"])
    missing = [call("is_null", c) for c in columns]
    ignored = {
        "all_values_are_missing": call("and", *missing),
        "any_value_is_missing": call("or", *missing),
        "never": None,
    }[arguments["ignore_row_if"]]
    return KeyTest(columns, ignored, arguments["condition"], tuple(c.name for c in columns), "record")


def _several(arguments: Arguments) -> None:
    names = arguments["column_list"]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ArgumentError("column_list", f"column_list {names!r}.", "Name at least two different columns.")


KINDS = (
    Kind(
        "expect_column_values_to_be_unique",
        {"column": Argument("column", required=True), **MAP},
        _unique,
        ("同一批次内没有两行的值相同；重复的各行都算。", "No two rows of a batch have the same value; every member of a double counts."),
        ("{unexpected} 行的 {column} 重复（{percent}）", "{unexpected} rows share their {column} with another ({percent})"),
        "{column: id_number}",
    ),
    Kind(
        "expect_compound_columns_to_be_unique",
        {
            "column_list": Argument("columns", required=True),
            "ignore_row_if": Argument(
                "choice", default="all_values_are_missing", words=("all_values_are_missing", "any_value_is_missing", "never")
            ),
            **MAP,
        },
        _compound,
        ("同一批次内没有两行的几列同时相同。", "No two rows of a batch agree in all these columns."),
        ("{unexpected} 行的组合键重复（{percent}）", "{unexpected} rows share their key with another ({percent})"),
        "{column_list: [person_no, insurance], ignore_row_if: any_value_is_missing}",
        check=_several,
    ),
)
