"""Rules on the set of a column's different values, and on its most frequent one. Missing values are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from expectations.compiler.duckdb import LISTED
from expectations.compiler.forms import FigureTest, Found, Judgement, Measure, Test
from expectations.compiler.ir import Expression, call
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope
from expectations.compiler.rules.values import value_set
from expectations.compiler.writing import BATCH, Writer, aggregate, column, count, function, named, select, window

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True)
class SetTest(Test):
    """The different values are all `members` (`within`), or all members are among them (`whole`), or both."""

    value: Expression
    members: tuple[Any, ...]
    condition: Expression | None
    within: bool
    whole: bool

    def _measure(self, called: str, inside: bool) -> Measure:
        held: Expression = call("in_set", self.value, self.members)
        held = held if inside else call("not", held)
        return Measure(called, self.value, held if self.condition is None else call("and", self.condition, held))

    def measures(self) -> tuple[Measure, ...]:
        outside = (self._measure("distinct", False), self._measure("least_values", False)) if self.within else ()
        return (*outside, *((self._measure("values", True),) if self.whole else ()))

    def judge(self, found: Found) -> Judgement:
        if found.rows == 0:
            return Judgement.cannot("批次没有行", "the batch has no rows")
        further: dict[str, Any] = {"observed_value": None}
        passed = True
        if self.within:
            outside = found.measure(self._measure("distinct", False)) or 0
            listed = found.measure(self._measure("least_values", False)) or []
            further |= {"unexpected_count": outside, "partial_unexpected_list": listed}
            passed = outside == 0
        if self.whole:
            there = set(found.measure(self._measure("values", True)) or ())
            lacking = [m for m in self.members if m not in there]
            further |= {"missing_count": len(lacking), "partial_missing_list": lacking[:LISTED]}
            passed = passed and not lacking
        return Judgement.of(passed, further=further)


@dataclass(frozen=True)
class MostFrequentTest(FigureTest):
    """The most frequent value is a member; where several are, one of them is enough with `ties`, else none is."""

    value: Expression
    members: tuple[Any, ...]
    condition: Expression | None
    ties: bool

    def statement(self, write: Writer) -> exp.Query:
        wanted = call("not", call("is_null", self.value))
        wanted = wanted if self.condition is None else call("and", self.condition, wanted)
        layers = write.layers(self.value, wanted)
        counted = select(BATCH, value=layers.tree(self.value), n=count()).from_(layers.table()).where(layers.tree(wanted)).group_by(1, 2)
        most = window(function("max", column("n")), by=[column(BATCH)])
        ranked = select(BATCH, "value", "n", most=most).from_(named(counted, "c"))
        modes = function("list_sort", aggregate("values", column("value")))
        return select(BATCH, modes=modes).from_(named(ranked, "r")).where(column("n").eq(column("most"))).group_by(1)

    def judge(self, found: Found) -> Judgement:
        modes = found.figures.get("modes")
        if not modes:
            return Judgement.cannot("没有值", "there is no value")
        members = set(self.members)
        passed = any(m in members for m in modes) if self.ties else len(modes) == 1 and modes[0] in members
        return Judgement.of(passed, observed_value=modes)


def _distinct(within: bool, whole: bool) -> Callable[[Arguments, Scope], SetTest]:
    def compile_(arguments: Arguments, scope: Scope) -> SetTest:
        value = scope.column(arguments["column"])
        return SetTest(value, value_set(arguments, value, scope), arguments["condition"], within, whole)

    return compile_


def _most_frequent(arguments: Arguments, scope: Scope) -> MostFrequentTest:
    value = scope.column(arguments["column"])
    return MostFrequentTest(value, value_set(arguments, value, scope), arguments["condition"], arguments["ties_okay"])


def _some_values(arguments: Arguments) -> None:
    if not [v for v in arguments["value_set"] if v is not None]:
        raise ArgumentError("value_set", "an empty value set.", "List at least one value, or refer to a code table: {$code: sex}.")


def _no_null(arguments: Arguments) -> None:
    _some_values(arguments)
    if None in arguments["value_set"]:
        raise ArgumentError("value_set", "null in value_set: a missing value is no value, so the rule always fails.", "Leave it out.")


_CONDITION = {k: MAP[k] for k in ("row_condition", "condition_parser")}
SET = {"column": Argument("column", required=True), "value_set": Argument("values", required=True), **_CONDITION}
_CAUSE = ("{column} 的取值与规定不符：{listed}", "the values of {column} are not those wanted: {listed}")

KINDS = (
    Kind(
        "expect_column_distinct_values_to_be_in_set",
        SET,
        _distinct(within=True, whole=False),
        ("该列出现的各个值都在集合中。", "Every different value of the column is in the set."),
        _CAUSE,
        "{column: sex, value_set: {$code: sex}}",
        check=_some_values,
    ),
    Kind(
        "expect_column_distinct_values_to_contain_set",
        SET,
        _distinct(within=False, whole=True),
        ("集合中的每个值都在该列出现过。", "Every member of the set occurs in the column."),
        _CAUSE,
        '{column: city, value_set: ["210100", "210200"]}',
        check=_no_null,
    ),
    Kind(
        "expect_column_distinct_values_to_equal_set",
        SET,
        _distinct(within=True, whole=True),
        ("该列出现的值正是集合中的这些。", "The different values of the column are exactly the set."),
        _CAUSE,
        '{column: state, value_set: ["1", "2"]}',
        check=_no_null,
    ),
    Kind(
        "expect_column_most_common_value_to_be_in_set",
        {**SET, "ties_okay": Argument("flag", default=False)},
        _most_frequent,
        (
            "最常见的值在集合中；并列时不通过，除非 ties_okay 且其一在集合中。",
            "The most frequent value is in the set; where several are, it fails, unless ties_okay and one of them is.",
        ),
        ("{column} 最常见的值是 {observed}", "the most frequent value of {column} is {observed}"),
        '{column: sex, value_set: ["1", "2"], ties_okay: true}',
        check=_some_values,
    ),
)
