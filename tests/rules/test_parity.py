"""Great Expectations on pandas is the judge: our verdicts are its verdicts, to the row."""

# ruff: noqa: E501, PERF401 - tables read better in one line
from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from expectations.compiler.verdicts import Verdicts
from expectations.identity import resident_check
from expectations.suite import Suite

EITHER = "ignore_row_if: either_value_is_missing"
RULES = [
    ("expect_column_values_to_not_be_null", "{column: s}"),
    ("expect_column_values_to_not_be_null", "{column: x, mostly: 0.5}"),
    ("expect_column_values_to_be_null", "{column: t}"),
    ("expect_column_values_to_be_in_set", "{column: s, value_set: [a, b, '']}"),
    ("expect_column_values_to_be_in_set", "{column: i, value_set: [0, 1, 2.0]}"),
    ("expect_column_values_to_be_in_set", "{column: x, value_set: [0, 1.5], mostly: 0.4}"),
    ("expect_column_values_to_not_be_in_set", "{column: s, value_set: [a, 汉]}"),
    ("expect_column_values_to_be_between", "{column: i, min_value: 0, max_value: 2.5}"),
    ("expect_column_values_to_be_between", "{column: x, min_value: 0, max_value: 2, strict_min: true, strict_max: true}"),
    ("expect_column_values_to_be_between", "{column: x, max_value: -1, strict_max: true}"),
    ("expect_column_values_to_be_between", "{column: f, min_value: 1900-01-01, max_value: 2020-06-30}"),
    ("expect_column_values_to_be_between", "{column: w, min_value: '2020-01-01 00:00:00', strict_min: true}"),
    ("expect_column_values_to_match_regex", "{column: s, regex: '^[ab]+$'}"),
    ("expect_column_values_to_match_regex", r"{column: s, regex: '\A(?:a|汉.)\Z'}"),
    ("expect_column_values_to_not_match_regex", r"{column: s, regex: '[\u4e00-\u9fff]|b{2,}'}"),
    ("expect_column_values_to_not_match_regex", "{column: s, regex: a.b}"),
    ("expect_column_value_lengths_to_equal", "{column: s, value: 1}"),
    ("expect_column_value_lengths_to_be_between", "{column: s, min_value: 1, max_value: 2}"),
    ("expect_column_value_lengths_to_be_between", "{column: s, max_value: 2, strict_max: true}"),
    ("expect_column_values_to_be_unique", "{column: s}"),
    ("expect_column_values_to_be_unique", "{column: x, mostly: 0.6}"),
    ("expect_compound_columns_to_be_unique", "{column_list: [s, i]}"),
    ("expect_compound_columns_to_be_unique", "{column_list: [s, i, d], ignore_row_if: any_value_is_missing}"),
    ("expect_compound_columns_to_be_unique", "{column_list: [s, t], ignore_row_if: never}"),
    ("expect_column_pair_values_a_to_be_greater_than_b", "{column_A: d, column_B: e}"),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        "{column_A: d, column_B: e, or_equal: true, ignore_row_if: either_value_is_missing}",
    ),
    ("expect_column_pair_values_a_to_be_greater_than_b", "{column_A: i, column_B: x, ignore_row_if: neither}"),
    ("expect_column_pair_values_to_be_equal", "{column_A: s, column_B: t}"),
    ("expect_column_pair_values_to_be_equal", "{column_A: i, column_B: x, ignore_row_if: either_value_is_missing}"),
    ("expect_table_row_count_to_be_between", "{min_value: 3, max_value: 6}"),
    ("expect_table_row_count_to_equal", "{value: 4}"),
    ("expect_column_to_exist", "{column: s}"),
    ("expect_column_to_exist", "{column: nowhere}"),
    ("expect_table_columns_to_match_set", "{column_set: [s, t], exact_match: false}"),
    ("expect_column_values_to_match_regex_list", "{column: s, regex_list: ['^a', 'b$']}"),
    ("expect_column_values_to_match_regex_list", r"{column: s, regex_list: ['\w', '[ab]'], match_on: all}"),
    ("expect_column_values_to_not_match_regex_list", r"{column: s, regex_list: ['\s', '\d$']}"),
    ("expect_column_values_to_match_strftime_format", "{column: t, strftime_format: '%Y%m'}"),
    ("expect_column_values_to_match_strftime_format", "{column: s, strftime_format: '%d %M'}"),
    ("expect_column_pair_values_to_be_in_set", "{column_A: s, column_B: i, value_pairs_set: [[a, 1], [a, null], [null, 2], ['', 0]]}"),
    (
        "expect_column_pair_values_to_be_in_set",
        "{column_A: s, column_B: t, value_pairs_set: [[a, a], [b, A]], ignore_row_if: either_value_is_missing}",
    ),
    ("expect_multicolumn_sum_to_equal", "{column_list: [i, x], sum_total: 2}"),
    ("expect_multicolumn_sum_to_equal", "{column_list: [i, x], sum_total: 2, ignore_row_if: any_value_is_missing, mostly: 0.3}"),
    ("expect_multicolumn_values_to_be_equal", "{column_list: [s, t]}"),
    ("expect_multicolumn_values_to_be_equal", "{column_list: [i, x], ignore_row_if: never}"),
    ("expect_select_column_values_to_be_unique_within_record", "{column_list: [s, t]}"),
    ("expect_select_column_values_to_be_unique_within_record", "{column_list: [d, e, w], ignore_row_if: never}"),
    ("expect_column_values_to_be_increasing", "{column: i}"),
    ("expect_column_values_to_be_increasing", "{column: w, strictly: true}"),
    ("expect_column_values_to_be_decreasing", "{column: x}"),
    ("expect_column_values_to_be_decreasing", "{column: d, strictly: true, mostly: 0.5}"),
    ("expect_column_value_z_scores_to_be_less_than", "{column: i, threshold: 1, double_sided: true}"),
    ("expect_column_value_z_scores_to_be_less_than", "{column: x, threshold: 0.5, double_sided: false}"),
    ("expect_column_values_to_not_be_outliers", "{column: i, multiplier: 0.5}"),
    ("expect_column_values_to_not_be_outliers", "{column: x, method: std, multiplier: 1}"),
    # our own, as Great Expectations classes
    ("expect_column_values_to_parse", "{column: d}"),
    ("expect_column_values_to_be_division", "{column: t, elsewhere: true}"),
]
CONDITIONED = [
    ("expect_column_values_to_be_increasing", """{column: i, row_condition: 'col("s")!="a"', condition_parser: great_expectations}"""),
    (
        "expect_column_value_z_scores_to_be_less_than",
        """{column: i, threshold: 1, double_sided: true, row_condition: 'col("x")>=0', condition_parser: great_expectations}""",
    ),
    (
        "expect_column_values_to_be_null",
        """{column: x, row_condition: 'col("w")>date("2019-12-31")', condition_parser: great_expectations}""",
    ),
    ("expect_column_values_to_not_be_null", """{column: d, row_condition: 'col("s")=="a"', condition_parser: great_expectations}"""),
    (
        "expect_column_values_to_be_in_set",
        """{column: i, value_set: [1], row_condition: 'col("s")!="a"', condition_parser: great_expectations}""",
    ),
    (
        "expect_column_values_to_be_between",
        """{column: x, min_value: 0, row_condition: 'col("i")>=1', condition_parser: great_expectations}""",
    ),
    ("expect_column_values_to_be_null", """{column: t, row_condition: 'col("d").notnull()', condition_parser: great_expectations}"""),
    (
        "expect_column_values_to_be_unique",
        "{column: i, row_condition: {type: comparison, column: {name: s}, operator: IN, parameter: [a, b]}}",
    ),
    (
        "expect_column_values_to_be_unique",
        "{column: i, row_condition: {type: comparison, column: {name: s}, operator: NOT_IN, parameter: [a, b]}}",
    ),
    (
        "expect_column_pair_values_to_be_equal",
        "{column_A: s, column_B: t, row_condition: {type: nullity, column: {name: i}, is_null: true}}",
    ),
    (
        "expect_column_value_lengths_to_equal",
        "{column: s, value: 1, row_condition: {type: and, conditions: [{type: nullity, column: {name: t}, is_null: false}, {type: comparison, column: {name: i}, operator: <, parameter: 2}]}}",
    ),
]
FIGURES = [
    ("expect_column_max_to_be_between", "{column: x, min_value: 0, max_value: 2}"),
    ("expect_column_min_to_be_between", "{column: i, min_value: 0, strict_min: true}"),
    ("expect_column_mean_to_be_between", "{column: i, min_value: 0, max_value: 1}"),
    ("expect_column_sum_to_be_between", "{column: i, max_value: 3}"),
    ("expect_column_unique_value_count_to_be_between", "{column: s, min_value: 2, max_value: 3}"),
    ("expect_column_proportion_of_unique_values_to_be_between", "{column: s, min_value: 0.5}"),
    ("expect_column_proportion_of_non_null_values_to_be_between", "{column: t, min_value: 0.5}"),
    ("expect_column_median_to_be_between", "{column: i, min_value: 0, strict_min: true}"),
    (
        "expect_column_quantile_values_to_be_between",
        "{column: x, quantile_ranges: {quantiles: [0.1, 0.5, 0.9], value_ranges: [[-1, 0], [0, 1.5], [null, 2]]}}",
    ),
    (
        "expect_column_quantile_values_to_be_between",
        "{column: i, quantile_ranges: {quantiles: [0.3], value_ranges: [[0, 1]]}, allow_relative_error: linear}",
    ),
    ("expect_column_most_common_value_to_be_in_set", "{column: s, value_set: [a, b], ties_okay: true}"),
    ("expect_column_most_common_value_to_be_in_set", "{column: i, value_set: [0, 1]}"),
    (
        "expect_column_kl_divergence_to_be_less_than",
        "{column: s, partition_object: {values: [a, b], weights: [0.5, 0.5]}, threshold: 0.3, tail_weight_holdout: 0.2}",
    ),
    (
        "expect_column_kl_divergence_to_be_less_than",
        "{column: i, partition_object: {bins: [-1, 0, 1, 2], weights: [0.2, 0.4, 0.4]}, threshold: 0.3, tail_weight_holdout: 0.1}",
    ),
]

texts = st.one_of(
    st.none(),
    st.sampled_from(["", "a", "b", "bb", "ab", "a\n", "\na", "a\nb", "汉", "汉字", "𠮷", "a ", "A", "210102", "440500", "210122"]),
)
whole = st.one_of(st.none(), st.integers(-2, 3))
floats = st.one_of(st.none(), st.sampled_from([0.0, 1.5, 2.0, -1.0, float("nan"), float("inf"), float("-inf")]))
days = st.one_of(st.none(), st.dates(date(1890, 1, 1), date(2030, 1, 1)), st.sampled_from([date(1900, 1, 1), date(2020, 6, 30)]))
times = st.one_of(st.none(), st.sampled_from([datetime(2020, 1, 1), datetime(2020, 1, 1, 0, 0, 1), datetime(1899, 12, 31, 23)]))


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    size = draw(st.integers(1, 7))
    columns = {
        "s": texts,
        "t": texts,
        "i": whole,
        "x": floats,
        "d": days,
        "e": days,
        "f": days,
        "w": times,
        "d__text": st.sampled_from([None, "x"]),
    }
    rows = [{name: draw(strategy) for name, strategy in columns.items()} for _ in range(size)]
    return [{**row, "d__text": "x" if row["d"] else row["d__text"]} for row in rows]  # what was read had a text


FIGURES_OF_MAPS = (
    "success",
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "missing_count",
    "missing_percent",
    "unexpected_percent_total",
)


def compare(ours: Verdicts, theirs: list[dict[str, Any]], rules: list[tuple[str, str]]) -> None:
    differences = []
    for result, gx, rule in zip(ours.results, theirs, rules, strict=True):
        mine = {"success": result.outcome == "passed", **result.to_gx()["result"]}
        for key in FIGURES_OF_MAPS:
            if mine.get(key) != pytest.approx(gx.get(key)):
                differences.append((rule, key, mine.get(key), gx.get(key)))
        if (
            "partial_unexpected_index_list" in gx
            and [row - 1 for row in mine.get("partial_unexpected_index_list", [0])] != gx["partial_unexpected_index_list"]
        ):
            differences.append((rule, "rows", mine, gx["partial_unexpected_index_list"]))
    if differences:
        raise AssertionError("\n".join(map(str, differences)))


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate])
@given(rows=tables())
def test_rules_are_as_gx_judges_them(
    rows: list[dict[str, Any]],
    suite_of: Callable[..., Suite],
    judge: Callable[..., Verdicts],
    gx_validate: Callable[..., Any],
    con: duckdb.DuckDBPyConnection,
) -> None:
    rules = RULES + CONDITIONED
    suite = suite_of(*rules)
    compare(judge(suite, rows), gx_validate(suite, con), rules)


def rounded(value: Any) -> Any:
    """Numbers to nine places, within lists and mappings too."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(v) for v in value]
    return round(float(value), 9) if isinstance(value, int | float) or (hasattr(value, "dtype") and value.dtype.kind in "if") else value


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate])
@given(rows=tables())
def test_figures_are_as_gx_counts_them(
    rows: list[dict[str, Any]],
    suite_of: Callable[..., Suite],
    judge: Callable[..., Verdicts],
    gx_validate: Callable[..., Any],
    con: duckdb.DuckDBPyConnection,
) -> None:
    rows = [
        {**row, "s": row["s"] or "a", "i": row["i"] or 0, "x": 1.0 if row["x"] is None or row["x"] != row["x"] else row["x"]}
        for row in rows
    ]
    suite = suite_of(*FIGURES)
    for result, gx in zip(judge(suite, rows).results, gx_validate(suite, con), strict=True):
        assert (result.outcome == "passed") == gx["success"], (result, gx)
        assert rounded(result.observed_value) == rounded(gx["observed_value"]), (result, gx)


def test_long_partial_lists_hold_the_first_twenty(
    suite_of: Callable[..., Suite], judge: Callable[..., Verdicts], gx_validate: Callable[..., Any], con: duckdb.DuckDBPyConnection
) -> None:
    suite = suite_of(
        ("expect_column_values_to_be_in_set", "{column: s, value_set: [v3]}"),
        ("expect_column_pair_values_to_be_equal", "{column_A: i, column_B: x}"),
    )
    rows = [{"s": f"v{n % 5}", "i": n, "x": 0.5, "d": date(2020, 1, 1) + timedelta(n)} for n in range(60)]
    for result, gx in zip(judge(suite, rows).results, gx_validate(suite, con), strict=True):
        assert [tuple(v) if isinstance(v, list) else v for v in result.partial_unexpected_list] == [
            tuple(v) if isinstance(v, tuple | list) else v for v in gx["partial_unexpected_list"]
        ]
        assert len(result.partial_unexpected_list) == 20


NUMBERS = [
    ("expect_column_values_to_be_resident_id", "{column: s}"),
    ("expect_column_values_to_be_resident_id", "{column: s, accept: [valid, legacy15], mostly: 0.3}"),
    ("expect_column_values_to_be_credit_code", "{column: s}"),
    ("expect_column_pair_resident_id_and_birth_date_to_agree", "{column_A: s, column_B: d}"),
    ("expect_column_pair_resident_id_and_sex_to_agree", "{column_A: s, column_B: t}"),
    ("expect_column_pair_resident_id_and_sex_to_agree", "{column_A: s, column_B: t, ignore_row_if: both_values_are_missing}"),
]


def test_numbers_are_as_our_classes_judge_them_in_gx(
    suite_of: Callable[..., Suite], judge: Callable[..., Verdicts], gx_validate: Callable[..., Any], con: duckdb.DuckDBPyConnection
) -> None:
    body = "21990118990101001"
    good = body + resident_check(body)
    ids = [
        good,
        good,
        good,
        good,
        good[:-1] + "0",
        "219901990101001",
        "219901990101002",
        None,
        "text",
        "91210100604608172K",
        "9121010060460817K",
        good.lower() + " ",
    ]
    sexes = ["1", "2", "9", None, "1", "1", "1", "2", "1", None, "1", "男"]
    days = [
        date(1899, 1, 1),
        date(1899, 1, 2),
        None,
        date(1999, 1, 1),
        date(1899, 1, 1),
        date(1999, 1, 1),
        date(1999, 1, 2),
        date(2000, 1, 1),
        None,
        None,
        date(2000, 1, 1),
        date(1899, 1, 1),
    ]
    rows = [{"s": i, "t": s, "d": d} for i, s, d in zip(ids, sexes, days, strict=True)]
    suite = suite_of(*NUMBERS)
    ours = judge(suite, rows)
    compare(ours, gx_validate(suite, con), NUMBERS)
    assert [r.partial_unexpected_rows for r in ours.results if r.rule.id in ("r3", "r4")] == [(2, 4, 7), (2, 7)]
