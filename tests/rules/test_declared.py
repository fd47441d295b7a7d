"""Counts and queries that quality clauses come to: by hand, and against Great Expectations running our classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from expectations.compiler.queries import QueryError, read_query
from expectations.compiler.verdicts import Verdicts
from expectations.suite import Suite

METRIC, QUERY = "expect_metric_to_be_between", "expect_query_to_return"
# Of five rows s is empty in one, "-" in one, "a" in three (two extra copies); i is 1 to 5.
ROWS: list[dict[str, Any]] = [{"s": s, "t": "x", "i": i} for i, s in enumerate((None, "-", "a", "a", "a"), 1)]
TRIED = [
    (METRIC, "{metric: null_values, column_list: [s], max_value: 1}", "passed", 1),
    (METRIC, "{metric: null_values, column_list: [s], max_value: 1, strict_max: true}", "failed", 1),
    (METRIC, "{metric: null_values, column_list: [s], unit: percent, max_value: 20}", "passed", 20),
    (METRIC, "{metric: null_values, column_list: [s], unit: percent, max_value: 20, strict_max: true}", "failed", 20),
    (METRIC, "{metric: missing_values, column_list: [s], value_set: ['-'], min_value: 2, max_value: 2}", "passed", 2),
    (METRIC, "{metric: missing_values, column_list: [s], value_set: ['-'], min_value: 2, max_value: 2, outside: true}", "failed", 2),
    (METRIC, "{metric: invalid_values, column_list: [s], value_set: [a], max_value: 0}", "failed", 1),
    (METRIC, "{metric: invalid_values, column_list: [s], regex: '^[a-z]$', max_value: 1}", "passed", 1),
    (METRIC, "{metric: duplicate_values, column_list: [s], max_value: 1}", "failed", 2),
    (METRIC, "{metric: duplicate_values, column_list: [s, t], unit: percent, max_value: 40}", "passed", 40),
    (METRIC, "{metric: row_count, min_value: 4, max_value: 6, outside: true}", "failed", 5),
    (QUERY, "{query: 'SELECT count(*) FROM ${table} WHERE i > 3', min_value: 2, max_value: 2}", "passed", 2),
    (QUERY, "{query: 'WITH a AS (SELECT * FROM ${object}) SELECT avg(i) FROM a', min_value: 3, strict_min: true}", "failed", 3),
    (QUERY, "{query: 'SELECT count(*) FROM ${table} x JOIN (SELECT max(i) AS m FROM ${table}) y ON x.i < y.m', max_value: 3}", "failed", 4),
]
Make = Callable[..., Suite]
Judge = Callable[..., Verdicts]


def test_counts_and_queries(suite_of: Make, judge: Judge, gx_validate: Callable[..., Any], con: duckdb.DuckDBPyConnection) -> None:
    suite = suite_of(*[(t, k) for t, k, _, _ in TRIED])
    verdicts = judge(suite, ROWS)
    assert [(r.outcome, r.observed_value) for r in verdicts.results] == [(o, v) for _, _, o, v in TRIED]
    assert [(r["success"], r["observed_value"]) for r in gx_validate(suite, con)] == [(o == "passed", v) for _, _, o, v in TRIED]


NO_PERSON = "expect_columns_to_show_no_resident_id"
SHOWN = [
    ("219901199001011237", None),  # whole
    ("本人 219901199001011237，电话另告", "x"),  # within a text
    ("x", "21990120001231123X."),  # in the second column
    ("9219901199001011237", "219901199001011237a"),  # within a longer run
    ("219901199013011237", "219901179001011237"),  # no such month; no such century
    (None, None),
]


def test_open_columns_show_nobodys_id(
    suite_of: Make, judge: Judge, gx_validate: Callable[..., Any], con: duckdb.DuckDBPyConnection
) -> None:
    suite = suite_of((NO_PERSON, "{column_list: [s, t]}"), (NO_PERSON, "{column_list: [t, s], mostly: 0.5}"))
    verdicts = judge(suite, [{"s": s, "t": t} for s, t in SHOWN])
    assert [(r.outcome, r.elements, r.unexpected, r.partial_unexpected_rows) for r in verdicts.results] == [
        ("failed", 6, 3, (1, 2, 3)),
        ("passed", 6, 3, (1, 2, 3)),
    ]
    theirs = gx_validate(suite, con)
    assert [(r["success"], r["element_count"], r["unexpected_count"]) for r in theirs] == [(False, 6, 3), (True, 6, 3)]


def test_each_batch_has_a_figure_of_its_own(suite_of: Make, judge: Judge) -> None:
    suite = suite_of(
        (QUERY, "{query: 'SELECT count(DISTINCT s) FROM ${table}', max_value: 2}"),
        (METRIC, "{metric: duplicate_values, column_list: [s], max_value: 0}"),
        (QUERY, "{query: 'SELECT max(i) FROM ${table} WHERE i > 9', max_value: 2}"),
    )
    verdicts = judge(suite, [*ROWS, {"_batch": "c", "s": "a"}], absent={"c": ["i"]})
    said = {(r.batch, r.rule.id): (r.outcome, r.observed_value) for r in verdicts.results}
    assert said["b", "r0"] == ("passed", 2)
    assert said["c", "r0"] == ("passed", 1)
    assert said["b", "r1"] == ("failed", 2)
    assert said["c", "r1"] == ("passed", 0)
    assert said["b", "r2"] == said["c", "r2"] == ("not_assessable", None)
    assert verdicts.result("r2", "c").note_en == "not assessable: the batch lacks i"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("DELETE FROM ${table}", "DELETE: a check only reads"),
        ("UPDATE ${table} SET a = 1", "UPDATE: a check only reads"),
        ("DROP TABLE x", "DROP: a check only reads"),
        ("ATTACH 'x.db'", "ATTACH: a check only reads"),
        ("PRAGMA version", "PRAGMA: a check only reads"),
        ("COPY (SELECT 1) TO 'out.csv'", "COPY: a check only reads"),
        ("SET threads = 1", "SET: a check only reads"),
        ("SELECT 1; DROP TABLE x", "2 statements"),
        ("SELECT count(*) FROM std.other", "std.other is not the table"),
        ("SELECT count(*) FROM ${table}, other", "other is not the table"),
        ("SELECT count(*) FROM read_csv('/etc/passwd')", "is not the table"),
        ("SELECT count(*) FROM '/etc/passwd'", "not the table"),
        ("SELECT count(*) FROM query('DROP TABLE x')", "is not the table"),
        ("SELECT getenv('HOME')", r"getenv\(\): a check looks at rows alone"),
        ("SELECT nextval('s') FROM ${table}", "nextval"),
        ("WITH a AS (DELETE FROM ${table} RETURNING *) SELECT count(*) FROM a", "only reads|not SQL"),
        ("SELECT a, b FROM ${table}", "gives 2 columns"),
        ("SELECT count(*) FROM ${table} WHERE ${column} IS NULL", r"nothing fills \$\{column\}"),
        ("SELECT count(* FROM ${table}", "not SQL"),
        ("", "0 statements"),
    ],
)
def test_a_query_only_reads_its_table(query: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        read_query(query)


def test_a_query_that_is_refused_names_its_line() -> None:
    with pytest.raises(QueryError) as caught:
        read_query("SELECT count(*)\nFROM ${table}\nJOIN std.other o ON TRUE")
    assert caught.value.line == 3
    assert read_query("SELECT count(*) FROM ${table} WHERE ${column} < 0", "a b").names == {"a b"}
