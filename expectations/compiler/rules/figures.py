"""Rules on a figure of a batch: a count, the least, greatest or mean value, how many different values."""

# ruff: noqa: ARG001 - every kind compiles by the same signature
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from expectations.compiler.forms import Function, MeasureTest
from expectations.compiler.ir import Constant, Expression, call
from expectations.compiler.kinds import BOUNDS, MAP, Argument, ArgumentError, Arguments, Kind, Scope, some_bound

_CONDITION = {k: MAP[k] for k in ("row_condition", "condition_parser")}
_COUNTS = {"min_value": Argument("count"), "max_value": Argument("count")}
_NUMERIC = ("sum", "mean", "deviation")
_SHARES = ("distinct_share", "present_share")


def _figure(function: Function) -> Callable[[Arguments, Scope], MeasureTest]:
    def measure(arguments: Arguments, scope: Scope) -> MeasureTest:
        column = scope.column(arguments["column"])
        value: Expression = column
        if function in _NUMERIC:
            if column.kind not in ("integer", "number", "boolean"):
                raise ArgumentError("column", f"{column.name} is a {column.kind}: it has no {function}.", "Use a column of numbers.")
            if column.kind == "boolean" or function == "deviation":
                value = call("real", column)
        bounds: list[Any] = []
        for name in ("min_value", "max_value"):
            bound = arguments[name]
            if bound is None or function in ("distinct", *_SHARES, *_NUMERIC):
                bounds.append(bound)
            else:
                literal = scope.literal(bound, column, name)
                bounds.append(literal.value if isinstance(literal, Constant) else literal)
        low, high = bounds
        return MeasureTest(function, value, arguments["condition"], low, high, arguments["strict_min"], arguments["strict_max"])

    return measure


def _rows(arguments: Arguments, scope: Scope) -> MeasureTest:
    return MeasureTest(
        "count",
        None,
        arguments["condition"],
        arguments["min_value"],
        arguments["max_value"],
        arguments["strict_min"],
        arguments["strict_max"],
    )


def _rows_equal(arguments: Arguments, scope: Scope) -> MeasureTest:
    return MeasureTest("count", None, arguments["condition"], arguments["value"], arguments["value"])


def _kind(name: str, function: Function, zh: str, en: str, example: str) -> Kind:
    numbers = {"min_value": Argument("number"), "max_value": Argument("number")}
    bounds = BOUNDS if function in ("min", "max") else {**BOUNDS, **(_COUNTS if function == "distinct" else numbers)}
    cause = (f"{{column}} 的{zh}为 {{observed}}，超出范围", f"the {en} of {{column}} is {{observed}}, out of range")
    meaning = (f"该列的{zh}在两界之间。", f"The {en} of the column lies between two bounds.")
    arguments = {"column": Argument("column", required=True), **bounds, **_CONDITION}
    return Kind(name, arguments, _figure(function), meaning, cause, example, check=some_bound)


_ROWS_CAUSE = ("共 {observed} 行，超出应有范围", "{observed} rows, out of range")
_ROWS_BOUNDS = {**BOUNDS, **_COUNTS}

KINDS = (
    Kind(
        "expect_table_row_count_to_be_between",
        {**_ROWS_BOUNDS, **_CONDITION},
        _rows,
        ("批次的行数在两界之间。", "The batch has between so many and so many rows."),
        _ROWS_CAUSE,
        "{min_value: 1}",
        check=some_bound,
    ),
    Kind(
        "expect_table_row_count_to_equal",
        {"value": Argument("count", required=True), **_CONDITION},
        _rows_equal,
        ("批次的行数等于给定值。", "The batch has exactly so many rows."),
        _ROWS_CAUSE,
        "{value: 15}",
    ),
    _kind("expect_column_max_to_be_between", "max", "最大值", "greatest value", "{column: pm25, max_value: 1000}"),
    _kind("expect_column_min_to_be_between", "min", "最小值", "least value", "{column: pm25, min_value: 0}"),
    _kind("expect_column_mean_to_be_between", "mean", "平均值", "mean", "{column: pm25, min_value: 5, max_value: 300}"),
    _kind("expect_column_sum_to_be_between", "sum", "总和", "sum", "{column: amount, min_value: 0}"),
    _kind(
        "expect_column_unique_value_count_to_be_between",
        "distinct",
        "不同值个数",
        "number of different values",
        "{column: pool_div, min_value: 1, max_value: 20}",
    ),
    _kind(
        "expect_column_proportion_of_unique_values_to_be_between",
        "distinct_share",
        "不同值占比",
        "share of different values",
        "{column: household_no, min_value: 0.2}",
    ),
    _kind(
        "expect_column_proportion_of_non_null_values_to_be_between",
        "present_share",
        "非空占比",
        "share of values that are there",
        "{column: phone, min_value: 0.8}",
    ),
    _kind("expect_column_stdev_to_be_between", "deviation", "标准差", "standard deviation", "{column: pm25, max_value: 200}"),
)
