"""What tests write their own scans with: expressions of the intermediate form spelled over a relation, as sqlglot trees.

Belongs here: layers of shared expressions, the writer, and the few shapes of a query that tests need. Not here: how an
operator is spelled (`duckdb.py`), which statement does what (`forms.py`, `scans.py`, `rules/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from sqlglot import exp

from expectations.compiler.duckdb import AGGREGATES, column, function, key_number, name, spell
from expectations.compiler.ir import Expression, Shared, call, children, walk

if TYPE_CHECKING:
    from expectations.compiler.forms import OverRows

BATCH, ROW = "_batch", "_row"

__all__ = [
    "BATCH",
    "ROW",
    "Layers",
    "Writer",
    "aggregate",
    "column",
    "count",
    "equal_or_both_null",
    "function",
    "key_number",
    "name",
    "named",
    "select",
    "table",
    "window",
]


class Layers:
    """A relation with what some expressions share computed once a row, in subqueries one above the other."""

    def __init__(self, as_of: date, relation: str, expressions: Iterable[Expression]) -> None:
        self.as_of = as_of
        self.names: dict[Expression, str] = {}
        depths: dict[Expression, int] = {}
        for expression in expressions:
            for node in walk(expression):
                if isinstance(node, Shared):
                    self._depth(node.expression, depths)
        self.source = relation
        for level in range(1, max(depths.values(), default=0) + 1):
            here = [e for e, d in depths.items() if d == level]
            made = [f'{self.sql(e)} AS "__s{len(self.names) + i}"' for i, e in enumerate(here)]
            self.names.update({e: f"__s{len(self.names) + i}" for i, e in enumerate(here)})
            self.source = f"(SELECT *, {', '.join(made)} FROM {self.source})"

    def _depth(self, expression: Expression, depths: dict[Expression, int]) -> int:
        if expression not in depths:
            below = [0]
            stack = list(children(expression))
            while stack:
                node = stack.pop()
                if isinstance(node, Shared):
                    below.append(self._depth(node.expression, depths))
                else:
                    stack.extend(children(node))
            depths[expression] = 1 + max(below)
        return depths[expression]

    def tree(self, expression: Expression) -> exp.Expr:
        return spell(expression, self.names, self.as_of)

    def sql(self, expression: Expression) -> str:
        return self.tree(expression).sql("duckdb", copy=False)  # nobody else has the tree

    def table(self, alias: str | None = None) -> exp.Table:
        """The relation, with its layers, to select from."""
        return table(self.source, alias)


@dataclass(frozen=True)
class Writer:
    """What a statement is written over: the relation judged, the day of the check, and other relations by name (all as SQL)."""

    relation: str
    as_of: date
    relations: Mapping[str, str] = field(default_factory=dict)

    def layers(self, *expressions: Expression) -> Layers:
        return Layers(self.as_of, self.relation, expressions)

    def considered(self, test: OverRows, *expressions: Expression) -> tuple[Layers, list[exp.Expr]]:
        """The layers for some expressions, and the conditions that leave the rows that a test looks at (to give to `where`)."""
        wanted = [e for e in (test.condition, None if test.ignored is None else call("not", test.ignored)) if e is not None]
        layers = self.layers(*expressions, *wanted)
        return layers, [layers.tree(c) for c in wanted]

    def other(self, dataset: str, alias: str | None = None) -> exp.Table:
        """Another relation, to select from or to join; one that a test names in its `others` is there."""
        return table(self.relations[dataset], alias)


def table(relation: str, alias: str | None = None) -> exp.Table:
    """A relation given as SQL (a name, or a subquery in brackets), as it stands: nobody's SQL is read and written anew."""
    return exp.Table(this=exp.Var(this=relation), alias=exp.TableAlias(this=name(alias)) if alias else None)


def named(query: exp.Query | exp.Table, alias: str) -> exp.Subquery | exp.Table:
    """A query or table under a name."""
    if isinstance(query, exp.Query):
        return query.subquery(name(alias), copy=False)
    return exp.Table(this=query.this, alias=exp.TableAlias(this=name(alias)))


def select(*columns: str, **expressions: exp.Expr) -> exp.Select:
    """SELECT some columns by name, then expressions under the names given."""
    return exp.select(*(column(c) for c in columns), *(exp.alias_(e, a, quoted=True) for a, e in expressions.items()))


def count(value: exp.Expr | None = None) -> exp.Expr:
    """count(*), or of a value."""
    return exp.Count(this=value if value is not None else exp.Star())


def aggregate(called: str, value: exp.Expr, condition: exp.Expr | None = None) -> exp.Expr:
    """An aggregate of `duckdb.AGGREGATES` over a value, of the rows of a condition."""

    def kept(made: exp.Expr) -> exp.Expr:
        return made if condition is None else exp.Filter(this=made, expression=exp.Where(this=condition.copy()))

    return AGGREGATES[called](value, kept)


def window(
    called: exp.Expr, by: Iterable[exp.Expr] = (), order: Iterable[exp.Expr] = (), rows: tuple[str, str] | None = None
) -> exp.Window:
    """An aggregate or rank over the rows that agree `by` some, in an `order` (NULL last); `rows` as ("2 PRECEDING", "CURRENT ROW")."""
    ordered = [exp.Ordered(this=o, nulls_first=False) for o in order]
    spec = exp.WindowSpec(kind="ROWS", **_frame(rows)) if rows else None
    return exp.Window(this=called, partition_by=list(by), order=exp.Order(expressions=ordered) if ordered else None, spec=spec)


def _frame(rows: tuple[str, str]) -> dict[str, exp.Expr]:
    return {key: exp.Var(this=text) for key, text in zip(("start", "end"), rows, strict=True)}


def equal_or_both_null(a: exp.Expr, b: exp.Expr) -> exp.Expr:
    return exp.NullSafeEQ(this=a, expression=b)
