"""Tests with a scan of their own: rows listed by it, figures judged, other relations, and equal statements run once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import duckdb
import pytest
from sqlglot import exp

from expectations.compiler import plan as planning
from expectations.compiler.forms import FigureTest, Found, Judgement, ListingTest, Other, between
from expectations.compiler.ir import Column, Expression, call
from expectations.compiler.kinds import MAP, Argument, Arguments, Kind, Scope
from expectations.compiler.scans import Scans
from expectations.compiler.verdicts import Verdicts
from expectations.compiler.writing import BATCH, ROW, Writer, column, count, function, named, select, window
from expectations.suite import Suite


@dataclass(frozen=True)
class OneOf(ListingTest):
    """Rows whose `key` goes with several values of `depends` in the batch."""

    key: Expression
    depends: Expression
    condition: Expression | None
    ignored: Expression | None
    shown: tuple[str, ...]
    shape: Literal["value", "pair", "record"] = "pair"
    extra: tuple[str, ...] = ("values",)

    def statement(self, write: Writer) -> exp.Query:
        layers, where = write.considered(self, self.key, self.depends)
        over = [column(BATCH), layers.tree(self.key)]
        least, most = (window(function(f, layers.tree(self.depends)), by=over) for f in ("min", "max"))
        inner = select(BATCH, ROW, low=least, high=most).from_(layers.table()).where(*where)
        values = exp.Array(expressions=[column("low"), column("high")])
        return select(BATCH, ROW, values=values).from_(named(inner, "i")).where(column("low").neq(column("high")))


@dataclass(frozen=True)
class Known(ListingTest):
    """Rows whose value is in no row of another relation."""

    value: Column
    other: Other
    condition: Expression | None
    ignored: Expression | None
    shown: tuple[str, ...]
    shape: Literal["value", "pair", "record"] = "value"

    def statement(self, write: Writer) -> exp.Query:
        layers, where = write.considered(self, self.value)
        there = select(*self.other.columns).from_(write.other(self.other.name))
        query = select(BATCH, ROW).from_(layers.table()).where(*where)
        return query.where(exp.Not(this=exp.In(this=layers.tree(self.value), query=there.subquery())))


@dataclass(frozen=True)
class Longest(FigureTest):
    """The longest text of a batch has between so many and so many characters."""

    value: Column
    low: int | None
    high: int | None

    def statement(self, write: Writer) -> exp.Query:
        layers = write.layers(self.value)
        longest = function("max", layers.tree(call("length", self.value)))
        return select(BATCH, longest=longest, rows=count()).from_(layers.table()).group_by(1)

    def judge(self, found: Found) -> Judgement:
        longest = found.figures.get("longest")
        if longest is None:
            return Judgement.cannot("没有文本", "there is no text")
        return Judgement.of(between(longest, self.low, self.high), observed_value=longest, details={"rows": found.figures["rows"]})


def _one_of(arguments: Arguments, scope: Scope) -> OneOf:
    a, b = scope.column(arguments["column_A"]), scope.column(arguments["column_B"])
    return OneOf(a, b, arguments["condition"], call("or", call("is_null", a), call("is_null", b)), (a.name, b.name))


def _known(arguments: Arguments, scope: Scope) -> Known:
    value = scope.column(arguments["column"])
    return Known(value, scope.other(arguments["reference"]), arguments["condition"], call("is_null", value), (value.name,))


PAIR = {name: Argument("column", required=True) for name in ("column_A", "column_B")}
COLUMN = {"column": Argument("column", required=True)}
RANGE = {"min_value": Argument("count"), "max_value": Argument("count")}
KINDS = {
    "one_of": Kind("one_of", {**PAIR, **MAP}, _one_of, ("", ""), ("{unexpected} 行", "{unexpected} rows"), ""),
    "known": Kind("known", {**COLUMN, "reference": Argument("reference"), **MAP}, _known, ("", ""), ("", "{unexpected} unknown"), ""),
    "longest": Kind(
        "longest",
        {**COLUMN, **RANGE},
        lambda a, s: Longest(s.column(a["column"]), a["min_value"], a["max_value"]),
        ("", ""),
        ("最长 {observed}，共 {rows} 行", "the longest has {observed}, of {rows} rows"),
        "",
    ),
}


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    from expectations import suite

    monkeypatch.setattr(suite, "kinds", lambda: KINDS)


ROWS: list[dict[str, Any]] = [
    {"s": "k", "t": "a", "i": 1},
    {"s": "k", "t": "b", "i": 1},
    {"s": "l", "t": "c"},
    {"s": "l", "t": None, "i": 9},
    {"_batch": "c", "s": "k", "t": "a", "i": 9},
]
Make = Callable[..., Suite]
Judge = Callable[..., Verdicts]


@pytest.mark.usefixtures("own")
def test_listed_rows_are_counted_shown_and_flagged(suite_of: Make, judge: Judge, con: duckdb.DuckDBPyConnection) -> None:
    suite = suite_of(("one_of", "{column_A: s, column_B: t}", "blocking: true"), ("one_of", "{column_A: s, column_B: t, mostly: 0.3}"))
    verdicts = judge(suite, ROWS, batches=["empty"])
    assert {(r.batch, r.rule.id): (r.outcome, r.elements, r.missing, r.unexpected) for r in verdicts.results} == {
        ("b", "r0"): ("failed", 4, 1, 2),
        ("b", "r1"): ("passed", 4, 1, 2),
        ("c", "r0"): ("passed", 1, 0, 0),
        ("c", "r1"): ("passed", 1, 0, 0),
        ("empty", "r0"): ("not_assessable", None, None, None),
        ("empty", "r1"): ("not_assessable", None, None, None),
    }
    assert verdicts.result("r0", "b").partial_unexpected_list == (
        {"s": "k", "t": "a", "values": ["a", "b"]},
        {"s": "k", "t": "b", "values": ["a", "b"]},
    )
    assert con.execute("SELECT * FROM failing ORDER BY ALL").fetchall() == [("b", 1, ["r0", "r1"], True), ("b", 2, ["r0", "r1"], True)]


@pytest.mark.usefixtures("own")
def test_equal_statements_are_one_scan(suite_of: Make, codes: Any) -> None:
    from tests.rules.conftest import FIELDS

    rules = [("one_of", f"{{column_A: s, column_B: {b}, mostly: {m}}}") for b, m in (("t", 1), ("t", 0.5), ("i", 1))]
    rules += [("longest", f"{{column: s, max_value: {n}}}") for n in (1, 2)]
    plan = planning.compile_suite(suite_of(*rules), FIELDS, codes=codes)
    assert [len(sharing) for sharing in Scans(plan, "data").own(plan.scanned).values()] == [2, 1, 2]
    assert len(plan.sql()) == 4


@pytest.mark.usefixtures("own")
def test_figures_of_an_own_scan_are_judged(suite_of: Make, judge: Judge) -> None:
    suite = suite_of(("longest", "{column: t, max_value: 1}"), ("longest", "{column: t, min_value: 2}"))
    verdicts = judge(suite, [{"t": "a"}, {"t": "b"}, {"_batch": "c"}])
    assert [(r.batch, r.outcome, r.observed_value) for r in verdicts.results] == [
        ("b", "passed", 1),
        ("b", "failed", 1),
        ("c", "not_assessable", None),
        ("c", "not_assessable", None),
    ]
    assert verdicts.result("r1", "b").note == "最长 1，共 2 行; the longest has 1, of 2 rows"


@pytest.mark.usefixtures("own")
def test_another_relation_is_looked_at_where_it_is_at_hand(suite_of: Make, judge: Judge, con: duckdb.DuckDBPyConnection) -> None:
    suite = suite_of(("known", "{column: i, reference: {dataset: numbers, columns: [n]}}"))
    con.execute("CREATE TABLE seen AS SELECT 1 AS n")
    verdicts = judge(suite, ROWS, relations={"numbers": "seen"}, absent={"c": ["i"]})
    assert [(r.batch, r.outcome, r.unexpected, r.partial_unexpected_list) for r in verdicts.results] == [
        ("b", "failed", 1, (9,)),
        ("c", "not_assessable", None, ()),
    ]
    assert con.execute("SELECT * FROM failing").fetchall() == [("b", 4, ["r0"], False)]
    assert judge(suite, ROWS).result("r0", "b").note_en == "not assessable: the dataset numbers is not at hand"
    con.execute("ALTER TABLE seen RENAME n TO m")
    assert (
        judge(suite, ROWS, relations={"numbers": "seen"}).result("r0", "b").note_en == "not assessable: the dataset numbers has no column n"
    )
    assert con.execute("SELECT * FROM failing").fetchall() == []
