"""Runs: three outcomes, several batches in one scan, more rules than a word has bits, failing rows, Great Expectations' shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pytest

from expectations.compiler.verdicts import Verdicts
from expectations.suite import Suite

Make, Judge = Callable[..., Suite], Callable[..., Verdicts]


def failing(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT _batch, _row, list_sort(_failed), _blocked FROM failing ORDER BY 1, 2").fetchall()


def test_one_run_judges_each_batch_by_itself(suite_of: Make, judge: Judge, con: duckdb.DuckDBPyConnection) -> None:
    suite = suite_of(
        ("expect_column_values_to_not_be_null", "{column: s}", "blocking: true"),
        ("expect_column_values_to_be_in_set", "{column: t, value_set: [x]}"),
        ("expect_column_values_to_be_unique", "{column: i}", "blocking: true"),
        ("expect_column_values_to_be_in_set", "{column: t, value_set: [x], mostly: 0.5}"),
    )
    rows = [
        {"_batch": "a", "_row": 2, "s": "v", "t": "x", "i": 1},
        {"_batch": "a", "_row": 5, "s": None, "t": "y", "i": 1},
        {"_batch": "a", "_row": 6, "s": "v", "t": "x", "i": 1},
        {"_batch": "b", "_row": 2, "s": "v", "t": None, "i": 1},
    ]
    verdicts = judge(suite, rows, also=[("texts", "count(i__text)"), ("last", "max(_row)")])
    assert {
        (r.batch, r.rule.id): (r.outcome, r.elements, r.missing, r.unexpected, r.partial_unexpected_rows) for r in verdicts.results
    } == {
        ("a", "r0"): ("failed", 3, 0, 1, (5,)),
        ("a", "r1"): ("failed", 3, 0, 1, (5,)),
        ("a", "r2"): ("failed", 3, 0, 3, (2, 5, 6)),
        ("a", "r3"): ("passed", 3, 0, 1, (5,)),
        ("b", "r0"): ("passed", 1, 0, 0, ()),
        ("b", "r1"): ("passed", 1, 1, 0, ()),
        ("b", "r2"): ("passed", 1, 0, 0, ()),
        ("b", "r3"): ("passed", 1, 1, 0, ()),
    }
    assert failing(con) == [("a", 2, ["r2"], True), ("a", 5, ["r0", "r1", "r2", "r3"], True), ("a", 6, ["r2"], True)]
    assert verdicts.rows == {"a": 3, "b": 1}
    assert verdicts.also == {"a": {"texts": 0, "last": 6}, "b": {"texts": 0, "last": 2}}


def test_what_cannot_be_assessed_has_not_passed(suite_of: Make, judge: Judge, con: duckdb.DuckDBPyConnection) -> None:
    suite = suite_of(
        ("expect_column_values_to_not_be_null", "{column: s}"),
        ("expect_column_values_to_be_in_set", "{column: t, value_set: [x]}"),
        ("expect_column_values_to_not_be_null", """{column: t, row_condition: 'col("s")=="a"', condition_parser: great_expectations}"""),
        ("expect_column_values_to_be_unique", "{column: nowhere}"),
        ("expect_table_row_count_to_be_between", "{min_value: 1}"),
        ("expect_compound_columns_to_be_unique", "{column_list: [s, i]}"),
        ("expect_table_columns_to_match_set", "{column_set: [s, t], exact_match: false}"),
    )
    rows = [{"_batch": "lacks", "i": 1}, {"_batch": "lacks", "i": 1}, {"_batch": "whole", "s": "a", "t": "y", "i": 1}]
    verdicts = judge(suite, rows, absent={"lacks": ["s"]}, batches=["empty"])
    assert {b: [r.outcome for r in verdicts.results if r.batch == b] for b in ("empty", "lacks", "whole")} == {
        "empty": ["not_assessable"] * 4 + ["failed", "not_assessable", "passed"],
        "lacks": ["not_assessable", "passed", "not_assessable", "not_assessable", "passed", "not_assessable", "failed"],
        "whole": ["passed", "failed", "passed", "not_assessable", "passed", "passed", "passed"],
    }
    assert failing(con) == [("whole", 3, ["r1"], False)]
    assert "nowhere" in verdicts.result("r3").note
    assert verdicts.result("r0", "lacks").note == "不可评估：本批次缺列 s; not assessable: the batch lacks s"
    assert verdicts.result("r0", "lacks").to_gx()["success"] is None


def test_more_rules_than_a_word_has_bits(suite_of: Make, judge: Judge, con: duckdb.DuckDBPyConnection) -> None:
    suite = suite_of(*[("expect_column_values_to_not_be_in_set", f"{{column: i, value_set: [{n}]}}") for n in range(130)])
    verdicts = judge(suite, [{"i": n} for n in (0, 61, 62, 123, 124, 129, 500)])
    broken = {r.rule.id: r.partial_unexpected_rows for r in verdicts.results if r.outcome == "failed"}
    assert broken == {"r0": (1,), "r61": (2,), "r62": (3,), "r123": (4,), "r124": (5,), "r129": (6,)}
    assert [row[2] for row in failing(con)] == [["r0"], ["r61"], ["r62"], ["r123"], ["r124"], ["r129"]]


def test_nothing_fails_in_no_rows(suite_of: Make, judge: Judge, con: duckdb.DuckDBPyConnection) -> None:
    suite = suite_of(("expect_column_values_to_be_unique", "{column: s}"))
    assert judge(suite, []).results == []
    assert failing(con) == []


def test_of_equal_rows_the_extra_copies_are_counted(suite_of: Make, judge: Judge) -> None:
    """The worked example of GB/T 36344: of three rows two are equal. One is an extra copy, Great Expectations names both."""
    suite = suite_of(("expect_column_values_to_be_unique", "{column: s}"), ("expect_column_values_to_not_be_null", "{column: s}"))
    verdicts = judge(suite, [{"s": s} for s in "aab"])
    assert (verdicts.result("r0").unexpected, verdicts.result("r0").to_gx()["result"]["extra_copies"]) == (2, 1)
    assert "extra_copies" not in verdicts.result("r1").to_gx()["result"]
    more = judge(suite, [{"s": s} for s in "aaabbc"]).result("r0")
    assert (more.unexpected, more.extra_copies) == (5, 3)


def test_an_unmergeable_aggregate_is_refused(suite_of: Make, judge: Judge) -> None:
    with pytest.raises(ValueError, match="cannot be merged"):
        judge(suite_of(("expect_column_values_to_not_be_null", "{column: s}")), [], also=[("mean", "avg(x)")])


def test_great_expectations_reads_results_whole(suite_of: Make, judge: Judge, gx_validate: Callable[..., Any]) -> None:
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema

    suite = suite_of(
        ("expect_column_values_to_be_between", "{column: d, max_value: {$today: 0}}"),
        ("expect_column_pair_values_to_be_equal", "{column_A: s, column_B: t}"),
        ("expect_compound_columns_to_be_unique", "{column_list: [s, t]}"),
        ("expect_table_columns_to_match_set", "{column_set: [s, t]}"),
        ("expect_column_max_to_be_between", "{column: d, max_value: 2020-01-01}"),
        ("expect_column_values_to_be_unique", "{column: nowhere}"),
    )
    rows = [{"s": "a", "t": "b", "d": date(2999, 1, 1)}, {"s": "a", "t": "b", "d": None}]
    ours = judge(suite, rows).to_gx("b", suite.name)
    json.dumps(ours)
    read = expectationSuiteValidationResultSchema.load(ours)
    back = read.to_json_dict()
    assert back["statistics"] == ours["statistics"]
    for mine, theirs in zip(ours["results"], back["results"], strict=True):
        assert {k: theirs[k] for k in mine if k != "expectation_config"} == {k: mine[k] for k in mine if k != "expectation_config"}
        assert theirs["expectation_config"]["kwargs"] == mine["expectation_config"]["kwargs"]
        assert theirs["expectation_config"]["meta"] == mine["expectation_config"]["meta"]


def test_the_fingerprint_is_of_the_meaning(suite_of: Make, codes: Any) -> None:
    from expectations.compiler.plan import Field, compile_suite

    fields = (Field("d", "date", "DATE", None), Field("e", "date", "DATE", None))

    def mark(kwargs: str, **options: Any) -> str:
        return compile_suite(suite_of(("expect_column_values_to_be_between", kwargs)), fields, codes=codes, **options).fingerprint

    today = mark("{column: d, max_value: {$today: 0}}", as_of=date(2026, 1, 1))
    assert today == mark("{max_value: {$today: 0}, column: d}", as_of=date(2026, 6, 1))
    assert today != mark("{column: d, max_value: {$today: 1}}")
    assert today != mark("{column: e, max_value: {$today: 0}}")
