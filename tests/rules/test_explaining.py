"""What `explain` says is what is run: the same scans, and for each rule a query that finds the rows that break it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pytest

from expectations.codes import CodeTables
from expectations.compiler.explaining import explain, shortened
from expectations.compiler.plan import Field, Plan, compile_suite
from expectations.compiler.verdicts import Verdicts
from expectations.suite import Suite

FIELDS = (
    Field("s", "string", "VARCHAR", None),
    Field("t", "string", "VARCHAR", None),
    Field("i", "integer", "BIGINT", "i__text"),
    Field("d", "date", "DATE", "d__text"),
)
RULES = (
    ("expect_column_values_to_be_resident_id", "{column: s}"),
    ("expect_column_values_to_be_in_set", "{column: t, value_set: {$code: ethnicity}}"),
    ("expect_column_values_to_not_be_null", """{column: t, row_condition: 'col("i")>1', condition_parser: great_expectations}"""),
    ("expect_column_values_to_be_between", "{column: d, min_value: 1900-01-01, max_value: {$today: 0}}"),
    ("expect_column_pair_resident_id_and_birth_date_to_agree", "{column_A: s, column_B: d}"),
    ("expect_column_values_to_be_unique", "{column: s}"),
    ("expect_column_values_to_be_unique", "{column: s, mostly: 0.9}"),
    ("expect_column_mean_to_be_between", "{column: i, min_value: 0}"),
    ("expect_column_unique_value_count_to_be_between", "{column: t, min_value: 1}"),
    ("expect_table_row_count_to_be_between", "{min_value: 1}"),
    ("expect_column_values_to_be_null", "{column: nowhere}"),
)


@pytest.fixture
def plan(suite_of: Callable[..., Suite], codes: CodeTables) -> Plan:
    return compile_suite(suite_of(*RULES), FIELDS, codes=codes, as_of=date(2026, 11, 25))


def test_scans_are_those_that_are_run_and_each_rule_rides_where_it_is_said(plan: Plan) -> None:
    told = explain(plan, "data")
    assert len(told.scans) == len(plan.sql("data")) == 3
    assert [s.rules for s in told.scans[1:]] == [("r5", "r6"), ("r8",)]
    assert {r.id: r.scans for r in told.rules if r.scans != (1,)} == {"r5": (1, 2), "r6": (1, 2), "r8": (3,), "r9": (), "r10": ()}
    assert "bit 2 of the mask" in told.rules[2].en
    assert "no column nowhere" in told.rules[10].en


def test_the_query_of_a_row_rule_finds_the_rows_that_break_it(
    plan: Plan, suite_of: Callable[..., Suite], judge: Callable[..., Verdicts], con: duckdb.DuckDBPyConnection
) -> None:
    good, bad = "219901199001010010", "219901199001010011"
    rows: list[dict[str, Any]] = [
        {"s": good, "t": "01", "i": 1, "d": date(1990, 1, 1)},
        {"s": bad, "t": None, "i": 2, "d": date(1899, 12, 31)},
        {"s": good[:-1], "t": "99", "i": None, "d": date(2126, 1, 1)},
        {"s": None, "t": None, "i": 1, "d": None},
    ]
    judge(plan.suite, rows, FIELDS)
    for rule in explain(plan, "data").rules[:5]:
        found = {row for _, row, *_ in con.execute(rule.sql).fetchall()}
        broken = con.execute("SELECT _row FROM failing WHERE list_contains(_failed, ?)", [rule.id]).fetchall()
        assert found == {row for (row,) in broken}, rule.id
        assert found


def test_what_is_long_is_cut_for_reading_only(plan: Plan) -> None:
    listed = explain(plan, "data").rules[1].sql
    assert "'98'" in listed
    assert "more'" in shortened(listed)
    assert "'98'" not in shortened(listed)
