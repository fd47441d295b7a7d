"""From a suite to a plan: rules compiled to tests, tests spread over as few scans as they need.

One scan groups the rows by batch and by the words of bits that say which rules a row breaks; whatever is asked besides
(counts, least and greatest values, what the caller wants) rides along. Tests with a scan of their own (keys: one GROUP BY)
share it where their statements are equal; figures that cannot be merged take one scan together.

Belongs here: compiling and planning. Not here: running (`run.py`), what a rule means (`rules/`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from expectations.codes import CodeTables
from expectations.compiler.conditions import compile_condition
from expectations.compiler.duckdb import MERGED
from expectations.compiler.foreign import custom_folder, foreign_types, gx_test
from expectations.compiler.forms import CannotTest, Measure, Other, RowTest, Scanned, Test
from expectations.compiler.ir import Call, Column, Constant, Expression, Today, fingerprint
from expectations.compiler.kinds import PANDAS, AbsentError, ArgumentError, Kind, UncompiledError
from expectations.compiler.patterns import PatternError
from expectations.documents import near
from expectations.suite import Rule, Suite, kind_of

if TYPE_CHECKING:
    import duckdb

    from expectations.compiler.listing import ResultFormat
    from expectations.compiler.verdicts import Verdicts

WORD = 62  # bits of a BIGINT that never touch its sign


@dataclass(frozen=True)
class Field:
    """A column of the relation: logical type, SQL type, and the column that holds its repaired text (None for strings)."""

    name: str
    logical_type: str
    sql_type: str
    text: str | None

    @property
    def floating(self) -> bool:
        """Whether it can hold NaN."""
        return self.sql_type.upper() in ("DOUBLE", "FLOAT", "REAL")


@dataclass(frozen=True)
class Compiled:
    """A rule with the test it compiles to; `bit` is its place in the mask (row tests only)."""

    rule: Rule
    kind: Kind
    test: Test
    bit: int | None = None

    @property
    def uses(self) -> frozenset[str]:
        return self.test.uses

    @property
    def form(self) -> ResultFormat | None:
        """The result format that the rule itself asks for."""
        from expectations.compiler.listing import ResultFormat

        given = self.rule.kwargs.get("result_format")
        return None if given is None else ResultFormat.read(given)

    @property
    def mostly(self) -> float:
        return float(self.rule.kwargs.get("mostly", 1))


@dataclass(frozen=True)
class Plan:
    """A compiled suite: `fingerprint` is of what the rules mean, whatever the day or the engine."""

    suite: Suite
    fields: tuple[Field, ...]
    compiled: tuple[Compiled, ...]
    as_of: date
    fingerprint: str
    measures: Mapping[Measure, str] = field(repr=False)
    apart: Mapping[Measure, str] = field(repr=False)

    @cached_property
    def row_rules(self) -> tuple[Compiled, ...]:
        return tuple(c for c in self.compiled if c.bit is not None)

    @cached_property
    def scanned(self) -> tuple[Compiled, ...]:
        """The rules whose tests have a scan of their own."""
        return tuple(c for c in self.compiled if isinstance(c.test, Scanned))

    @cached_property
    def _counted_nulls(self) -> Mapping[str, Compiled]:
        found: dict[str, Compiled] = {}
        for compiled in self.row_rules:
            test = compiled.test
            if not isinstance(test, RowTest) or test.condition is not None or test.ignored is not None:
                continue
            if isinstance(test.unexpected, Call) and test.unexpected.operator == "is_null":
                found.setdefault(test.shown[0], compiled)
        return found

    def column(self, name: str) -> Column:
        """The column of this name as tests name it."""
        return next(Column(f.name, f.logical_type, f.floating) for f in self.fields if f.name == name)

    def counted_by(self, measure: Measure) -> Compiled | None:
        """The rule whose bit already counts the rows that a measure does not: those where a column has no value."""
        if measure.function == "present" and measure.condition is None and isinstance(measure.value, Column):
            return self._counted_nulls.get(measure.value.name)
        return None

    def only(self, rules: Collection[str]) -> Plan:
        """The plan of some of its rules, by id."""
        kept = [c for c in self.compiled if c.rule.id in rules]
        bits = {c.rule.id: n for n, c in enumerate(c for c in kept if c.bit is not None)}
        return _planned(replace(self, compiled=tuple(replace(c, bit=bits.get(c.rule.id)) for c in kept)))

    def run(
        self,
        con: duckdb.DuckDBPyConnection,
        relation: str,
        *,
        absent: Mapping[str, Collection[str]] | None = None,
        failing: str = "failing",
        also: Sequence[tuple[str, str]] = (),
        batches: Collection[str] = (),
        relations: Mapping[str, str] | None = None,
        result_format: str | Mapping[str, Any] | None = None,
    ) -> Verdicts:
        """Judge every batch of a relation; leaves the temporary table `failing(_batch, _row, _failed, _blocked)`.

        `relation` is a table's name or a subquery in brackets, with `_batch VARCHAR`, `_row BIGINT`, the fields by name and
        the text columns that they name. `absent` gives the columns that a batch lacks (the relation has them as NULL),
        `batches` those that should be there even without a row, `also` further aggregates (name, SQL: a count, sum,
        min or max) to carry in the scan. `relations` gives the SQL of other relations by the name of their dataset: a rule that
        needs one that is not there, or one of its columns, is not assessable. `result_format` is Great Expectations' own (see
        `listing.py`); raises `ValueError` where it is none.
        """
        from expectations.compiler.listing import ResultFormat
        from expectations.compiler.run import run

        return run(self, con, relation, absent or {}, failing, also, batches, relations or {}, ResultFormat.read(result_format))

    def sql(self, relation: str = "relation", relations: Mapping[str, str] | None = None) -> list[str]:
        """The scans, in order: the one over all rows, those of tests with their own, one for figures that cannot be merged.

        Another relation that `relations` does not give stands under its dataset's name.
        """
        from expectations.compiler.scans import Scans

        others = {o.name: o.name for c in self.scanned for o in c.test.others}
        return Scans(self, relation, others | dict(relations or {})).statements()


def compile_suite(suite: Suite, fields: Sequence[Field], *, codes: CodeTables, as_of: date | None = None) -> Plan:
    """Compile a suite against the columns of its dataset; `as_of` is the day of the check (today).

    A rule on a column that the dataset lacks is not assessable. Raises `DocumentError` for a rule that cannot be meant:
    a value of another type than its column's, or a length of a number.
    """
    scope = _Scope(codes, tuple(fields))
    compiled: list[Compiled] = []
    bits = 0
    for rule in suite.rules:
        kind = kind_of(rule.type)
        test = _test(suite, rule, kind, scope)
        bit = None
        if isinstance(test, RowTest):
            bit, bits = bits, bits + 1
        compiled.append(Compiled(rule, kind, test, bit))
    day = as_of or date.today()
    mark = fingerprint(
        [[c.rule.id, c.rule.type, c.mostly, c.rule.severity, c.rule.blocking, c.rule.indicator, c.rule.weight, c.test] for c in compiled]
    )
    return _planned(Plan(suite, tuple(fields), tuple(compiled), day, mark, {}, {}))


def _planned(plan: Plan) -> Plan:
    """The plan with what its scans must carry."""
    needed = dict.fromkeys(m for c in plan.compiled for m in c.test.measures())
    wanted = [m for m in needed if plan.counted_by(m) is None]
    merged = {m: f"__m{i}" for i, m in enumerate(m for m in wanted if m.function in MERGED)}
    apart = {m: f"__m{i}" for i, m in enumerate(m for m in wanted if m.function not in MERGED)}
    return replace(plan, measures=merged, apart=apart)


def _test(suite: Suite, rule: Rule, kind: Kind, scope: _Scope) -> Test:
    arguments = {name: rule.kwargs.get(name, argument.default) for name, argument in kind.arguments.items()}
    try:
        condition = arguments.get("row_condition")
        try:
            if arguments.get("condition_parser") == PANDAS:
                raise UncompiledError("条件是 pandas 的查询语言", "its condition is in pandas' query language")
            arguments["condition"] = compile_condition(condition, scope) if condition else None
            return _compiled(kind, arguments, scope)
        except UncompiledError as why:
            digest = foreign_types(custom_folder(suite.path)).get(rule.type, "")
            return gx_test(rule.type, rule.kwargs, digest, scope, why)
    except AbsentError as absent:
        near_name = near(absent.column, scope.names)
        return CannotTest(f"数据集没有 {absent.column} 列", f"the dataset has no column {absent.column}. {near_name}")
    except ArgumentError as error:
        raise suite.error(rule, error.found, error.remedy) from None


def _compiled(kind: Kind, arguments: Mapping[str, Any], scope: _Scope) -> Test:
    try:
        return kind.compile(arguments, scope)
    except PatternError as error:  # in a suite that Great Expectations wrote; ours are held to common patterns when read
        raise UncompiledError("正则表达式各引擎理解不同", f"of its pattern, {error}") from None


@dataclass(frozen=True)
class _Scope:
    """The dataset's columns and the code tables, for kinds that compile."""

    codes: CodeTables
    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields)

    def column(self, name: str) -> Column:
        for f in self.fields:
            if f.name == name:
                return Column(name, f.logical_type, f.floating)
            if f.text == name:
                return Column(name)
        raise AbsentError(name)

    def sql_type(self, name: str) -> str:
        found = {f.name: f.sql_type for f in self.fields} | {f.text: "VARCHAR" for f in self.fields if f.text}
        if name not in found:
            raise AbsentError(name)
        return found[name]

    def text(self, name: str) -> Column:
        for f in self.fields:
            if f.name == name:
                return Column(f.text or name)
        raise AbsentError(name)

    def other(self, reference: Mapping[str, Any]) -> Other:
        return Other(reference["dataset"], tuple(reference["columns"]))

    def literal(self, value: Any, like: Column, argument: str) -> Expression:
        if isinstance(value, dict) and like.kind in ("date", "timestamp"):
            return Today(value["$today"], "date" if like.kind == "date" else "timestamp")
        made = _READ.get(like.kind, lambda _: None)(value)
        if made is None:
            hint = {
                "string": f'Quote it: "{value}".',
                "date": "Write a date: 2026-01-31.",
                "timestamp": "Write a time: 2026-01-31 08:00:00.",
            }
            raise ArgumentError(
                argument,
                f"{argument} {value!r} for {like.name}, which is a {like.kind}: the rule would fail or pass every row.",
                hint.get(like.kind, f"Give a {like.kind}."),
            )
        decimal = like.kind == "number" and not like.floating and isinstance(made, float)
        return Constant(Decimal(str(made)) if decimal else made)


def _date(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
        return value.date() if value.time() == datetime.min.time() and value.tzinfo is None else value
    return value if isinstance(value, date) else None


def _timestamp(value: Any) -> Any:
    value = _date(value)
    return datetime(value.year, value.month, value.day) if isinstance(value, date) and not isinstance(value, datetime) else value


def _number(value: Any) -> Any:
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value


_READ: Mapping[str, Any] = {
    "string": lambda v: v if isinstance(v, str) else None,
    "boolean": lambda v: v if isinstance(v, bool) else None,
    "integer": _number,
    "number": _number,
    "date": _date,
    "timestamp": _timestamp,
}
