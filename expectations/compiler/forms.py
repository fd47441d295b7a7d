"""What a rule compiles to: a test over rows, keys, figures or columns, in the intermediate form.

A test is a frozen value. It tells the columns it `uses`, the `measures` it wants carried in the scan over all rows, where it
has a scan of its own the `statement` of that, and how what was found is judged. Belongs here: the shapes of tests. Not here:
how scans are planned (`plan.py`) and run (`run.py`), what a rule means (`rules/`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal

from expectations.compiler.ir import Call, Column, Expression, Today, call, columns
from expectations.compiler.writing import BATCH, ROW, column, count, equal_or_both_null, function, key_number, named, select

if TYPE_CHECKING:
    from sqlglot import exp

    from expectations.compiler.writing import Writer

Scalar = float | int | str | None
Function = Literal["count", "min", "max", "sum", "mean", "deviation", "distinct", "distinct_share", "present_share"]
Outcome = Literal["passed", "failed", "not_assessable"]


@dataclass(frozen=True)
class Measure:
    """An aggregate that a scan carries: `function` of `value` over the rows where `condition` holds."""

    function: str
    value: Expression | None = None
    condition: Expression | None = None


@dataclass(frozen=True)
class Other:
    """Another relation, by the name of its dataset, with the columns that a test uses of it."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What the scans found of one batch: its rows, its columns in order, the measures, and what is the rule's alone.

    `broken` counts the rows whose bit is set, `figures` is the batch's row of the test's own scan (empty where it gave none).
    """

    rows: int
    columns: tuple[str, ...]
    measure: Callable[[Measure], Any]
    broken: int
    figures: Mapping[str, Any]
    mostly: float
    as_of: date


@dataclass(frozen=True)
class Judgement:
    """What a test says of a batch.

    `elements` rows were looked at, `missing` of them left out, `unexpected` break the rule (all None where a rule is not about
    rows or could not be assessed). Of a rule on uniqueness `extra_copies` counts, of the rows that share a key, those beyond the
    first of each. `in_gx` marks what did not compile and was judged by Great Expectations on pandas: how many rows it saw, of how
    many.
    """

    outcome: Outcome
    elements: int | None = None
    missing: int | None = None
    unexpected: int | None = None
    observed_value: Any = None
    details: Mapping[str, Any] = field(default_factory=dict)
    note_zh: str = ""
    note_en: str = ""
    ignores: bool = True
    extra_copies: int | None = None
    further: Mapping[str, Any] = field(default_factory=dict)
    in_gx: tuple[int, int] | None = None

    @staticmethod
    def cannot(zh: str, en: str) -> Judgement:
        return Judgement("not_assessable", note_zh=f"不可评估：{zh}", note_en=f"not assessable: {en}")

    @staticmethod
    def of(passed: bool, **what: Any) -> Judgement:
        return Judgement("passed" if passed else "failed", **what)


class Test(ABC):
    """What every test can be asked; each is a frozen dataclass below this class."""

    __test__ = False  # for pytest, which takes the name for its own

    @cached_property
    def uses(self) -> frozenset[str]:
        """The columns that it needs; it cannot be assessed in a batch that lacks one of them."""
        return frozenset(columns(*(p for p in _parts(self) if not isinstance(p, Other))))

    @cached_property
    def others(self) -> tuple[Other, ...]:
        """The other relations that it needs; it cannot be assessed where one is not to be had."""
        return tuple(p for p in _parts(self) if isinstance(p, Other))

    def measures(self) -> tuple[Measure, ...]:
        """What the scan over all rows should carry for it."""
        return ()

    @abstractmethod
    def judge(self, found: Found) -> Judgement: ...


def _parts(value: Any) -> Iterator[Any]:
    """The expressions and other relations in the fields of a test, however deep."""
    if isinstance(value, tuple):
        for v in value:
            yield from _parts(v)
    elif isinstance(value, Expression | Other):
        yield value
    elif isinstance(value, Test):
        for f in fields(value):  # type: ignore[arg-type]  # every test is a dataclass
            yield from _parts(getattr(value, f.name))


class OverRows(Test):
    """A test that some rows break: elements are the rows of `condition`, missing those of them that are `ignored`.

    `condition` None is every row, `ignored` None leaves none out. `shown` are the columns whose values are listed, `shape` how
    Great Expectations lists them; `extra` see `ListingTest`.
    """

    condition: Expression | None
    ignored: Expression | None
    shown: tuple[str, ...]
    shape: Literal["value", "pair", "record"]
    extra: tuple[str, ...] = ()

    @cached_property
    def uses(self) -> frozenset[str]:
        return super().uses | frozenset(self.shown)

    def _elements(self) -> Measure | None:
        return None if self.condition is None else Measure("count", None, self.condition)

    def _missing(self) -> Measure | None:
        ignored = self.ignored
        if ignored is None or self.condition is not None:
            return None if ignored is None else Measure("count", None, call("and", self.condition, ignored))  # type: ignore[arg-type]
        if isinstance(ignored, Call) and ignored.operator == "is_null" and isinstance(ignored.arguments[0], Column):
            return Measure("present", ignored.arguments[0])
        return Measure("count", None, ignored)

    def measures(self) -> tuple[Measure, ...]:
        return tuple(m for m in (self._elements(), self._missing()) if m is not None)

    @abstractmethod
    def unexpected_in(self, found: Found) -> int:
        """How many rows of the batch break it."""

    def judge(self, found: Found) -> Judgement:
        if found.rows == 0:
            return Judgement.cannot("批次没有行", "the batch has no rows")
        whole, left_out = self._elements(), self._missing()
        elements = found.rows if whole is None else found.measure(whole) or 0
        missing = 0 if left_out is None else found.measure(left_out) or 0
        if left_out is not None and left_out.function == "present":
            missing = found.rows - missing
        unexpected = self.unexpected_in(found)
        considered = elements - missing
        return Judgement.of(
            considered == 0 or (considered - unexpected) / considered >= found.mostly,
            elements=elements,
            missing=missing,
            unexpected=unexpected,
            ignores=not (self.ignored is None and self.shape == "value"),
            extra_copies=found.figures.get("extra_copies"),
            details={k: v for k, v in found.figures.items() if k not in ("unexpected", "extra_copies")},
        )


@dataclass(frozen=True)
class RowTest(OverRows):
    """A row breaks the rule where `unexpected` is true of it (NULL is no breach): a bit of the mask."""

    unexpected: Expression
    ignored: Expression | None
    condition: Expression | None
    shown: tuple[str, ...]
    shape: Literal["value", "pair", "record"] = "value"

    def unexpected_in(self, found: Found) -> int:
        return found.broken


class Scanned(Test):
    """A test with a scan of its own; tests of equal statement share one."""

    @abstractmethod
    def statement(self, write: Writer) -> exp.Query:
        """The scan, over the relations that the writer gives."""


class ListingTest(Scanned, OverRows):
    """A test over rows whose scan gives the rows that break it: `_batch`, `_row` (each once), and the columns named in `extra`.

    `extra` are values of the scan to be shown after those of `shown`. Two steps may be changed: what the kept scan is counted
    by (`counts`), and how rows come out of it (`rows`).
    """

    def counts(self, table: exp.Table) -> exp.Query:
        """Per `_batch`, `unexpected` and any further figures (they become details), from the kept scan."""
        return select(BATCH, unexpected=count()).from_(table).group_by(1)

    def rows(self, write: Writer, table: exp.Table) -> exp.Query:  # noqa: ARG002 - for those that look again
        """The `_batch` and `_row` of all rows that break the rule, from the kept scan."""
        return select(BATCH, ROW).from_(table)

    def unexpected_in(self, found: Found) -> int:
        return int(found.figures.get("unexpected") or 0)


class FigureTest(Scanned):
    """A test on figures of a batch: its scan gives one row a `_batch`, whose other columns `judge` finds in `found.figures`."""


@dataclass(frozen=True)
class KeyTest(ListingTest):
    """Rows of `condition` that are not `ignored` break the rule where another such row of the batch has equal `keys`."""

    keys: tuple[Expression, ...]
    ignored: Expression | None
    condition: Expression | None
    shown: tuple[str, ...]
    shape: Literal["value", "pair", "record"] = "value"

    def statement(self, write: Writer) -> exp.Query:
        """The keys that several rows of a batch bear: how many rows, the first and the last of them.

        Numbers that equal keys share are grouped first, for few keys are borne twice: to group the keys themselves takes half as
        long again, and at ten million rows four times the memory.
        """
        layers, where = write.considered(self, *self.keys)
        keys = {f"__k{i}": layers.tree(k) for i, k in enumerate(self.keys)}
        row, number = column(ROW), key_number(column(BATCH), *keys.values())
        suspects = select(__h=number).from_(layers.table()).where(*where).group_by(1).having(count() > 1)
        query = select(BATCH, **keys, __n=count(), __first=function("min", row), __last=function("max", row)).from_(layers.table())
        return query.where(*where, number.isin(query=suspects)).group_by(*range(1, len(keys) + 2)).having(count() > 1)

    def counts(self, table: exp.Table) -> exp.Query:
        rows = function("sum", column("__n"))
        return select(BATCH, unexpected=rows, extra_copies=rows.copy() - count()).from_(table).group_by(1)

    def rows(self, write: Writer, table: exp.Table) -> exp.Query:
        layers, where = write.considered(self, *self.keys)
        keys = {f"__k{i}": layers.tree(k) for i, k in enumerate(self.keys)}
        every = select(BATCH, ROW, **keys).from_(layers.table()).where(*where)
        n = column("__n")
        many = (
            select(**{BATCH: column(BATCH, "r"), ROW: column(ROW, "r")})
            .from_(named(every, "r"))
            .join(
                named(table, "d"),
                on=[column(BATCH, "r").eq(column(BATCH, "d")), *(equal_or_both_null(column(k, "r"), column(k, "d")) for k in keys)],
            )
            .where(column("__n", "d") > 2)
        )
        two = [select(BATCH, **{ROW: column(end)}).from_(table).where(n.eq(2)) for end in ("__first", "__last")]
        return two[0].union(two[1], distinct=False).union(many, distinct=False)


#: Figures that are one measure by another.
_SHARES = {"mean": ("sum", "present"), "distinct_share": ("distinct", "present"), "present_share": ("present", "count")}


@dataclass(frozen=True)
class MeasureTest(Test):
    """A figure of the batch (`function` of `value` over the rows of `condition`) lies between `low` and `high`."""

    function: Function
    value: Expression | None
    condition: Expression | None
    low: Scalar | Today
    high: Scalar | Today
    strict_low: bool = False
    strict_high: bool = False

    @cached_property
    def uses(self) -> frozenset[str]:
        return frozenset(columns(self.value, self.condition))

    def _measure(self, function: str) -> Measure:
        return Measure(function, None if function == "count" else self.value, self.condition)

    def measures(self) -> tuple[Measure, ...]:
        if self.function == "count" and self.condition is None:
            return ()
        parts = _SHARES.get(self.function, (self.function,))
        return tuple(self._measure(f) for f in parts if f != "count" or self.condition is not None)

    def _figure(self, found: Found, function: str) -> Any:
        if function == "count":
            return found.rows if self.condition is None else found.measure(self._measure("count")) or 0
        return found.measure(self._measure(function))

    def judge(self, found: Found) -> Judgement:
        observed: Any
        if self.function in _SHARES:
            part, whole = (self._figure(found, f) for f in _SHARES[self.function])
            observed = float(part) / whole if whole else None
        else:
            observed = self._figure(found, self.function)
        if observed is None or (found.rows == 0 and self.function != "count"):
            return Judgement.cannot("没有值可计算", "there is no value to work with")
        low, high = (_bound(b, observed, found.as_of) for b in (self.low, self.high))
        return Judgement.of(between(observed, low, high, self.strict_low, self.strict_high), observed_value=observed)


def between(value: Any, low: Any, high: Any, strict_low: bool = False, strict_high: bool = False) -> bool:
    """Whether a figure lies between two bounds, either of which may lack."""
    above = low is None or (value > low if strict_low else value >= low)
    return above and (high is None or (value < high if strict_high else value <= high))


def _bound(bound: Any, observed: Any, as_of: date) -> Any:
    if isinstance(bound, Today):
        bound = as_of + timedelta(days=bound.days)
    if isinstance(observed, datetime) and bound is not None and not isinstance(bound, datetime):
        return datetime(bound.year, bound.month, bound.day)
    return bound


@dataclass(frozen=True)
class ColumnsTest(Test):
    """The columns of the batch are those `wanted`; with `exact`, no others; with `ordered`, in their order."""

    wanted: tuple[str, ...]
    exact: bool
    kind: Literal["exist", "set", "list"]
    position: int | None = None

    def judge(self, found: Found) -> Judgement:
        there = list(found.columns)
        if self.kind == "exist":
            wanted = list(self.wanted)
            return Judgement.of(wanted[0] in there if not self.position else there[self.position : self.position + 1] == wanted)
        if self.kind == "list":
            places = enumerate(zip_longest(self.wanted, there))
            wrong = [{"Expected Column Position": i, "Expected": a, "Found": b} for i, (a, b) in places if a != b]
            return Judgement.of(not wrong, observed_value=there, details={"mismatched": wrong} if wrong else {})
        more, fewer = sorted(set(there) - set(self.wanted)), sorted(set(self.wanted) - set(there))
        mismatched = ({"unexpected": more} if more else {}) | ({"missing": fewer} if fewer else {})
        passed = not fewer and (not more or not self.exact)
        return Judgement.of(passed, observed_value=sorted(there), details={"mismatched": mismatched} if mismatched else {})


@dataclass(frozen=True)
class CannotTest(Test):
    """The rule cannot be assessed on this dataset, whatever the data; says why."""

    zh: str
    en: str

    def judge(self, found: Found) -> Judgement:  # noqa: ARG002 - whatever the data
        return Judgement.cannot(self.zh, self.en)


@dataclass(frozen=True)
class GxTest(Test):
    """The rule does not compile: Great Expectations judges it on pandas (`fallback.py`); says why.

    `columns` are those that its arguments name (none: it gets all), `digest` tells the version of the class that judges.
    """

    type: str
    arguments: tuple[tuple[str, str], ...]
    digest: str
    columns: tuple[Column, ...]
    zh: str
    en: str

    def judge(self, found: Found) -> Judgement:
        if found.rows == 0:
            return Judgement.cannot("批次没有行", "the batch has no rows")
        judgement: Judgement = found.figures["judgement"]
        return judgement
