"""The shape that rules over several rows share: a scan that says of each row whether it could be compared, and breaks the rule.

A query stands here as SQL over names of ours alone (`here`, `__g0`, `__t`, ...); what belongs to a dataset (columns, literals,
conditions) enters as a tree, so that every identifier is quoted. Belongs here: that shape, and steps of time. Not here: what a rule
means, what engines spell differently (`spelling.py`).
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sqlglot import exp, parse_one

from expectations.compiler.forms import Found, Judgement, ListingTest, Other
from expectations.compiler.ir import Column, Expression, call
from expectations.compiler.ir import columns as columns_of
from expectations.compiler.kinds import MAP, NUMBERS, Argument, ArgumentError, Arguments, Scope, column_of
from expectations.compiler.rules.series.spelling import PARTS, units_between

if TYPE_CHECKING:
    from expectations.compiler.writing import Writer

EARLIER = "history_rows"
"""The relation of the dataset's own rows of other batches: `_batch`, `_row` and the columns of the dataset, typed."""

_STEP = re.compile(r"([1-9][0-9]{0,5})(min|h|d|mo|y)")
_FINER = {"date": ("min", "h")}
Step = tuple[int, str]

SERIES = {
    "order_by": Argument("column", required=True),
    "group_by": Argument("columns", default=()),
    "step": Argument("value"),
}
ROWS = {"mostly": MAP["mostly"], "row_condition": MAP["row_condition"], "condition_parser": MAP["condition_parser"]}


@cache
def _parsed(sql: str) -> exp.Query:
    query = parse_one(sql, read="duckdb")
    assert isinstance(query, exp.Query)
    return query


def filled(sql: str, ctes: Mapping[str, exp.Query] | None = None, **trees: exp.Expr) -> exp.Query:
    """A query written over names of ours: `:name` becomes a tree, and `ctes` stand before its own."""
    query = exp.replace_placeholders(_parsed(sql).copy(), **trees)
    assert isinstance(query, exp.Query)
    if ctes:
        before = [exp.CTE(this=q, alias=exp.TableAlias(this=exp.to_identifier(n))) for n, q in ctes.items()]
        old = query.args.get("with_")
        query.set("with_", exp.With(expressions=[*before, *(old.expressions if old else ())]))
    return query


def group_names(count: int, table: str = "") -> str:
    """The names under which a scan has the columns of `group_by`, each after a comma."""
    dot = f"{table}." if table else ""
    return "".join(f", {dot}__g{i}" for i in range(count))


def same_group(count: int, a: str, b: str) -> str:
    """That two rows are of one group and batch."""
    return " AND ".join([f"{a}._batch = {b}._batch", *(f"{a}.__g{i} = {b}.__g{i}" for i in range(count))])


def step_of(arguments: Arguments, order: Column) -> Step | None:
    """The step of a series. Raises `ArgumentError` for one that its order cannot have."""
    value = arguments.get("step")
    if value is None:
        return None
    if order.kind == "integer":
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ArgumentError("step", f"step {value!r} for {order.name}, which is a whole number.", "Give a whole number from 1.")
        return value, "1"
    found = _STEP.fullmatch(str(value))
    if not found or found[2] in _FINER.get(order.kind, ()):
        raise ArgumentError("step", f"step {value!r} for {order.name}, which is a {order.kind}.", "Write 15min, 1h, 1d, 1mo or 1y.")
    return int(found[1]), found[2]


def ordered(arguments: Arguments, scope: Scope) -> Column:
    """The column that a series goes by. Raises `ArgumentError` for one without an order of its own."""
    column = scope.column(arguments["order_by"])
    if column.kind not in ("date", "timestamp", "integer"):
        found = f"{column.name} is a {column.kind}: it gives no order in time."
        raise ArgumentError("order_by", found, "Order by a date, a time or a whole number.")
    return column


def numeric(arguments: Arguments, scope: Scope, argument: str = "column") -> Column:
    """A column of numbers. Raises `ArgumentError`."""
    return column_of(arguments[argument], scope, argument, NUMBERS)


def grouped(arguments: Arguments, scope: Scope, argument: str = "group_by") -> tuple[Column, ...]:
    return tuple(scope.column(name) for name in arguments[argument])


def any_missing(*columns: Column) -> Expression:
    missing = [call("is_null", c) for c in dict.fromkeys(columns)]
    return missing[0] if len(missing) == 1 else call("or", *missing)


def slot(time: exp.Expr, step: Step | None) -> exp.Expr:
    """A time as a whole number of its step's units."""
    if step is None or step[1] == "1":
        return time
    counted = units_between(PARTS[step[1]], "TIMESTAMP '1970-01-01'", ":time")
    return exp.replace_placeholders(parse_one(counted, read="duckdb"), time=time)


def count_of(value: float | int) -> exp.Expr:
    return exp.Literal.number(str(value)) if value >= 0 else exp.Neg(this=exp.Literal.number(str(-value)))


@dataclass(frozen=True)
class Compared(ListingTest):
    """Rows held against other rows. Of the rows not `ignored`, those that could be compared are the elements that count.

    `judged` gives `_batch`, `_row`, `__broken`, `__comparable` and the columns of `listed` for each. The kept scan holds the
    rows that break the rule and, with `_row` NULL, how many of each batch could be compared: none is not assessable.
    """

    condition: Expression | None
    ignored: Expression | None
    shown: tuple[str, ...]
    group: tuple[Column, ...]
    shape: ClassVar[Literal["record"]] = "record"  # type: ignore[misc]
    listed: ClassVar[tuple[str, ...]] = ()
    too_few: ClassVar[tuple[str, str]] = ("可比的记录不足", "there are too few records to compare")

    @property
    def extra(self) -> tuple[str, ...]:  # type: ignore[override]  # of a class, not of a rule
        """The columns of the scan that are listed with those of the row."""
        return self.listed

    @abstractmethod
    def judged(self, write: Writer) -> exp.Query: ...

    def considered(self, write: Writer, **columns: Expression) -> exp.Select:
        """The rows that are looked at, with some expressions under names of ours and the columns of the group as `__g0` ..."""
        from expectations.compiler.writing import select

        layers, where = write.considered(self, *columns.values(), *self.group)
        trees = {n: layers.tree(e) for n, e in columns.items()} | {f"__g{i}": layers.tree(g) for i, g in enumerate(self.group)}
        return select("_batch", "_row", **trees).from_(layers.table()).where(*where)

    def statement(self, write: Writer) -> exp.Query:
        extra = "".join(f", {name}" for name in self.extra)
        nothing = "".join(f", NULL AS {name}" for name in self.extra)
        return filled(
            f"SELECT _batch, _row{extra}, NULL::BIGINT AS __compared FROM judged WHERE __broken UNION ALL"
            f" SELECT _batch, NULL::BIGINT AS _row{nothing}, count(*) FILTER (WHERE __comparable) AS __compared"
            " FROM judged GROUP BY _batch",
            {"judged": self.judged(write)},
        )

    def counts(self, table: exp.Table) -> exp.Query:
        return filled(
            "SELECT _batch, count(_row) AS unexpected, max(__compared) AS compared FROM kept GROUP BY _batch", {"kept": _all(table)}
        )

    def rows(self, write: Writer, table: exp.Table) -> exp.Query:  # noqa: ARG002 - the scan has them
        return filled("SELECT _batch, _row FROM kept WHERE _row IS NOT NULL", {"kept": _all(table)})

    def judge(self, found: Found) -> Judgement:
        if found.rows == 0:
            return Judgement.cannot("批次没有行", "the batch has no rows")
        compared = int(found.figures.get("compared") or 0)
        whole = self._elements()
        elements = found.rows if whole is None else found.measure(whole) or 0
        if not compared:
            return Judgement.cannot(*self.too_few)
        unexpected = self.unexpected_in(found)
        passed = (compared - unexpected) / compared >= found.mostly
        return Judgement.of(passed, elements=elements, missing=elements - compared, unexpected=unexpected)


def _all(table: exp.Table) -> exp.Query:
    return exp.select(exp.Star()).from_(table)


@dataclass(frozen=True)
class Series(Compared):
    """Rows held against those before and after them in a series: the rows of one `group`, by `order`.

    Of several rows at one time the first stands in the series and the others are not compared: that is a matter of keys.
    With `earlier` the series begins in earlier batches, and no row is held against one of a later time: so a verdict is the
    same whether hours come one by one or together.
    """

    order: Column
    value: Column | None
    step: Step | None
    earlier: Other | None
    too_few: ClassVar[tuple[str, str]] = ("可比的读数不足", "there are too few readings to compare")

    @property
    def by(self) -> str:
        """What makes a series: its group, and the batch unless series go on from one to the next."""
        names = ["_batch"] if self.earlier is None else []
        return ", ".join([*names, *(f"__g{i}" for i in range(len(self.group)))]) or "1"

    @property
    def back(self) -> int:
        """How many steps a row looks back."""
        return 1

    @property
    def columns(self) -> dict[str, Expression]:
        """What is looked at of a row, under names of ours."""
        return {"__t": self.order, **({"__v": self.value} if self.value is not None else {})}

    def series(self, write: Writer) -> exp.Query:
        """One row a time of each series: `_batch`, `_row`, `__t`, `__slot`, `__v`, `__g0` ..., and whether it is of the batch judged."""
        from expectations.compiler.writing import Writer

        here = {"here": self.considered(write, **self.columns)}
        slots = {"slot": slot(exp.column("__t"), self.step)}
        if self.earlier is None:
            return filled(
                "SELECT *, :slot AS __slot, TRUE AS __here FROM here"
                f" QUALIFY row_number() OVER (PARTITION BY {self.by}, __t ORDER BY _batch, _row) = 1",
                here,
                **slots,
            )
        before = self.considered(Writer(write.relations[EARLIER], write.as_of, write.relations), **self.columns)
        return filled(
            "SELECT *, :slot AS __slot FROM (SELECT *, TRUE AS __here FROM here UNION ALL SELECT *, FALSE AS __here FROM before"
            " WHERE __t >= (SELECT min(:since) FROM here) AND __t <= (SELECT max(__t) FROM here))"
            f" QUALIFY row_number() OVER (PARTITION BY {self.by}, __t ORDER BY NOT __here, _batch, _row) = 1",
            here | {"before": before},
            since=back_by(exp.column("__t"), self.step, self.back),
            **slots,
        )


def back_by(time: exp.Expr, step: Step | None, steps: int) -> exp.Expr:
    """A time some steps before."""
    many = (step[0] if step else 1) * steps
    if step is None or step[1] == "1":
        return exp.Sub(this=time, expression=count_of(many))
    return exp.Sub(this=time, expression=exp.Interval(this=exp.Literal.string(str(many)), unit=exp.Var(this=PARTS[step[1]].upper())))


def earlier_rows(arguments: Arguments, step: Step | None, *columns: Column) -> Other | None:
    """The earlier rows that a series goes on from, where `across_batches` asks for them. Raises `ArgumentError` without a step."""
    if not arguments["across_batches"]:
        return None
    if step is None:
        raise ArgumentError("step", "across_batches without a step: it is not known how far to look back.", "Give the step: 1h.")
    names = {c.name for c in columns} | set(columns_of(arguments["condition"]))
    return Other(EARLIER, tuple(sorted(names)))


def along(arguments: Arguments, scope: Scope, value: Column | None = None, *others: Column) -> dict[str, Any]:
    """What every test of a `Series` is made of, by the names of its fields. Raises `ArgumentError`."""
    order, group = ordered(arguments, scope), grouped(arguments, scope)
    step = step_of(arguments, order)
    read = (*others, *([value] if value else []))
    return {
        "condition": arguments["condition"],
        "ignored": any_missing(*read, order, *group),
        "shown": shown_names(*group, order, *read),
        "group": group,
        "order": order,
        "value": value,
        "step": step,
        "earlier": earlier_rows(arguments, step, *read, order, *group),
    }


def shown_names(*columns: Column | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c.name for c in columns if c is not None))
