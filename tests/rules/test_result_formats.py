"""Great Expectations' result formats: the same keys and lists, whatever it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from expectations.compiler.listing import ResultFormat
from expectations.compiler.verdicts import Verdicts, json_value
from expectations.suite import Suite

RULES = [
    ("expect_column_values_to_be_in_set", "{column: s, value_set: [a]}"),
    ("expect_column_values_to_not_be_null", "{column: s, mostly: 0.5}"),
    ("expect_column_pair_values_to_be_equal", "{column_A: s, column_B: t}"),
    ("expect_compound_columns_to_be_unique", "{column_list: [s, t], ignore_row_if: any_value_is_missing}"),
    ("expect_column_values_to_be_unique", "{column: s}"),
    ("expect_column_distinct_values_to_be_in_set", "{column: s, value_set: [a]}"),
    ("expect_column_distinct_values_to_equal_set", "{column: s, value_set: [a, zz]}"),
    ("expect_column_min_to_be_between", "{column: i, min_value: 5}"),
]
FORMATS: list[Any] = [
    "BOOLEAN_ONLY",
    "BASIC",
    "SUMMARY",
    "COMPLETE",
    {"result_format": "SUMMARY", "partial_unexpected_count": 2},
    {"result_format": "COMPLETE", "partial_unexpected_count": 0},
    {"result_format": "COMPLETE", "unexpected_index_column_names": ["i"]},
    {"result_format": "COMPLETE", "exclude_unexpected_values": True},
    {"result_format": "BASIC", "partial_unexpected_count": 3},
]
ROWS = [
    {"s": s, "t": t, "i": n}
    for n, (s, t) in enumerate([*[("b", "b"), ("a", "b"), ("c", "b"), ("b", "a"), ("c", "b")] * 6, ("d", "d"), (None, "x")])
]
LEFT_OUT = ("unexpected_index_query", "extra_copies")


def plain(value: Any) -> Any:
    """As JSON holds it: no numpy, NaN as null, shares rounded."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in LEFT_OUT}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return None if value != value else round(float(value), 9)
    return json_value(value)


def from_0(result: dict[str, Any]) -> dict[str, Any]:
    """Our rows count from 1, those of pandas from 0."""
    lists = [k for k in ("unexpected_index_list", "partial_unexpected_index_list") if k in result]
    return result | {k: [row - 1 if isinstance(row, int) else row for row in result[k]] for k in lists}


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_as_great_expectations_tells_it(
    form: Any,
    suite_of: Callable[..., Suite],
    judge: Callable[..., Verdicts],
    gx_validate: Callable[..., list[dict[str, Any]]],
    con: duckdb.DuckDBPyConnection,
) -> None:
    suite = suite_of(*RULES)
    ours = [r.to_gx() for r in judge(suite, ROWS, result_format=form).results]
    theirs = gx_validate(suite, con, form)
    for mine, gx, rule in zip(ours, theirs, RULES, strict=True):
        told = {k: v for k, v in gx.items() if k != "success"}
        assert plain(from_0(mine["result"])) == plain(told), rule
        assert mine["success"] == gx["success"], rule


def test_whole_rows(suite_of: Callable[..., Suite], judge: Callable[..., Verdicts]) -> None:
    form = {"result_format": "BASIC", "include_unexpected_rows": True, "partial_unexpected_count": 1}
    (result,) = judge(suite_of(("expect_column_values_to_be_in_set", "{column: s, value_set: [a]}")), ROWS, result_format=form).results
    assert [(r["s"], r["t"], r["i"]) for r in result.to_gx()["result"]["unexpected_rows"]] == [("b", "b", 0)]


def test_rows_cannot_be_told_by_a_column_that_there_is_not(suite_of: Callable[..., Suite], judge: Callable[..., Verdicts]) -> None:
    form = {"result_format": "COMPLETE", "unexpected_index_column_names": ["nowhere"]}
    with pytest.raises(ValueError, match="no column nowhere"):
        judge(suite_of(("expect_column_values_to_be_in_set", "{column: s, value_set: [a]}")), ROWS, result_format=form)


@pytest.mark.parametrize(
    ("given", "said"),
    [("FULL", "give one of BOOLEAN_ONLY"), ({"result_format": "BASIC", "partial": 1}, "knows no partial"), ({}, "give one of")],
)
def test_a_format_of_no_sense_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ResultFormat.read(given)


def test_a_rule_may_ask_for_its_own_format(suite_of: Callable[..., Suite], judge: Callable[..., Verdicts]) -> None:
    kwargs = "{column: s, value_set: [a], result_format: {result_format: SUMMARY, partial_unexpected_count: 2}, catch_exceptions: true}"
    suite = suite_of(("expect_column_values_to_be_in_set", kwargs), ("expect_column_values_to_be_in_set", "{column: s, value_set: [a]}"))
    own, of_run = judge(suite, ROWS, result_format="COMPLETE").results
    assert own.to_gx()["result"]["partial_unexpected_counts"] == [{"value": "b", "count": 1}, {"value": "c", "count": 1}]
    assert len(own.to_gx()["result"]["partial_unexpected_list"]) == 2
    assert len(of_run.to_gx()["result"]["unexpected_list"]) == 25
