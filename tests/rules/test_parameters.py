"""Suite parameters in Great Expectations' language, and arguments that a suite cannot mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from expectations.codes import CodeTables
from expectations.compiler.parameters import ParameterError, evaluate
from expectations.compiler.plan import compile_suite
from expectations.documents import DocumentError
from expectations.standard import Standard
from expectations.suite import Suite, load_suite
from tests.rules.conftest import FIELDS

KNOWN = {"limit": 40, "words": ["a", "b"], "rows": 7}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("limit", 40),
        ("words", ["a", "b"]),
        ("limit * 0.5 + 2^3", 28.0),
        ("-(rows - 10) / 2", 1.5),
        ("trunc(limit / rows)", 5),
        ("abs(-3) + sgn(-5)", 2),
        ("cos(PI)", -1.0),
        ("now()", {"$today": 0}),
        ("now() - timedelta(weeks=52)", {"$today": -364}),
        ("now() + timedelta(days=1, hours=6)", {"$today": 1}),
        ("datetime(2026, 1, 31)", datetime(2026, 1, 31)),
    ],
)
def test_what_a_parameter_comes_to(text: str, value: Any) -> None:
    found = evaluate({"$PARAMETER": text}, KNOWN)
    assert math.isclose(found, value) if isinstance(value, float) else found == value


def test_a_value_beside_the_parameter_stands_in() -> None:
    given = {"$PARAMETER": "a + 1", "$PARAMETER.a": 5}
    assert (evaluate(given, {}), evaluate(given, {"a": 7})) == (6, 8)


@pytest.mark.parametrize("text", ["limti", "open('x')", "().__class__", "1 if 2 else 3", "1 +", "1 / 0", "'a'"])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        evaluate({"$PARAMETER": text}, KNOWN)


def test_a_suite_works_its_parameters_out(tmp_path: Path, codes: CodeTables, standard: Standard) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(
        """
name: tried
suite_parameters: {limit: 40, words: [a, b]}
expectations:
  - type: expect_column_values_to_be_between
    kwargs: {column: i, max_value: {$PARAMETER: limit / 2}}
    meta: {id: r0, indicator: "0301"}
  - type: expect_column_values_to_be_in_set
    kwargs: {column: s, value_set: {$PARAMETER: words}}
    meta: {id: r1, indicator: "0301"}
""",
        encoding="utf-8",
    )
    assert [dict(r.kwargs) for r in load_suite(path, codes, standard).rules] == [
        {"column": "i", "max_value": 20.0},
        {"column": "s", "value_set": ["a", "b"]},
    ]


@pytest.mark.parametrize(
    ("type_", "kwargs", "said"),
    [
        ("expect_column_values_to_be_between", "{column: i, max_value: {$PARAMETER: limti}}", "has no parameter 'limti'"),
        ("unexpected_rows_expectation", "{unexpected_rows_query: 'DELETE FROM {batch}'}", "line 1 of the query"),
        ("unexpected_rows_expectation", "{unexpected_rows_query: 'SELECT * FROM others'}", "is not the table that is checked"),
        ("expect_column_values_to_match_strftime_format", "{column: s, strftime_format: '%D'}", "Python knows no '%D'"),
        ("expect_column_values_to_match_like_pattern", "{column: s, like_pattern: 'a!b', escape: '!'}", "stands before neither"),
        ("expect_column_values_to_be_of_type", "{column: s, type_: VARCAHR}", "Did you mean 'VARCHAR'"),
        ("expect_multicolumn_sum_to_equal", "{column_list: [i], sum_total: 1}", "at least two different columns"),
        ("expect_column_distinct_values_to_contain_set", "{column: s, value_set: [a, null]}", "always fails"),
        (
            "expect_column_quantile_values_to_be_between",
            "{column: i, quantile_ranges: {quantiles: [2], value_ranges: [[0, 1]]}}",
            "between 0 and 1",
        ),
        (
            "expect_column_kl_divergence_to_be_less_than",
            "{column: s, partition_object: {values: [a], weights: [0.5]}, threshold: 1}",
            "add up to",
        ),
        ("expect_column_values_to_be_in_set", "{column: s, value_set: [a], result_format: FULL}", "give one of BOOLEAN_ONLY"),
    ],
)
def test_what_cannot_be_meant_is_refused(type_: str, kwargs: str, said: str, suite_of: Callable[..., Suite], codes: CodeTables) -> None:
    with pytest.raises(DocumentError) as refused:
        compile_suite(suite_of((type_, kwargs)), FIELDS, codes=codes)
    assert said in str(refused.value)
