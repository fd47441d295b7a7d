"""What each column of a SELECT depends on: read from the text with sqlglot, through joins, unions, windows, lambdas and subqueries.

The words are OpenLineage's (columnLineage facet 1-2-0): a dependence is direct (its value goes into the value: IDENTITY,
TRANSFORMATION, AGGREGATION) or indirect (it decides which value or which row there is: CONDITIONAL, FILTER, JOIN, GROUP_BY, SORT,
WINDOW). What cannot be resolved is told as unknown, with the construct; it is never guessed.

Belongs here: one query, as text. Not here: what fusion adds (`assets.models.lineage`), tables below and above.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from sqlglot import exp

Direct = Literal["IDENTITY", "TRANSFORMATION", "AGGREGATION"]
Indirect = Literal["CONDITIONAL", "FILTER", "JOIN", "GROUP_BY", "SORT", "WINDOW"]
Subtype = Literal[Direct, Indirect]
STRENGTH = {name: rank for rank, name in enumerate(get_args(Direct))}
MASKS = ("sha", "sha1", "sha1digest", "sha2", "sha2digest", "md5", "md5digest", "md5numberlower64", "md5numberupper64", "hash")
"""Functions whose result does not show what went in: digests. A count is another (`exp.Count`)."""


@dataclass(frozen=True, order=True)
class Dependence:
    """One column that another depends on. `masking`: what comes out does not show what went in."""

    table: str
    column: str
    subtype: Subtype
    masking: bool = False

    @property
    def direct(self) -> bool:
        return self.subtype in STRENGTH

    def within(self, subtype: Subtype, *, masking: bool = False) -> Dependence:
        """The same, seen through one step more: of two direct steps the stronger tells, an indirect one stays so."""
        if not self.direct:
            return replace(self, masking=self.masking or masking)
        if subtype in STRENGTH and STRENGTH[self.subtype] > STRENGTH[subtype]:
            subtype = self.subtype
        return replace(self, subtype=subtype, masking=self.masking or masking)


Dependences = frozenset[Dependence]
NOTHING: Dependences = frozenset()


@dataclass(frozen=True)
class Lineage:
    """What the columns of a relation depend on, and what its rows depend on besides (`rows`: each column depends on these too).

    `unknown`: what could not be resolved, as SQL, by the column that it stands in; under "" what concerns all rows.
    """

    columns: Mapping[str, Dependences]
    rows: Dependences = NOTHING
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, column: str) -> Dependences:
        """Everything that a column depends on, its rows included."""
        return self.columns.get(column, NOTHING) | self.rows


def through(found: Iterable[Dependence], subtype: Subtype, *, masking: bool = False) -> Dependences:
    return frozenset(d.within(subtype, masking=masking) for d in found)


def depend(tree: exp.Query) -> Lineage:
    """What a qualified query (every column with its table, stars written out) depends on."""
    return _Reader().query(tree, {}, {})


@dataclass
class _Table:
    """A table of the lake: any column that is asked for is its own."""

    name: str

    def columns_of(self, column: str) -> Dependences:
        return frozenset({Dependence(self.name, column, "IDENTITY")})


Source = _Table | Lineage
Environment = Mapping[str, Source]


@dataclass
class _Reader:
    unknown: list[str] = field(default_factory=list)

    def query(self, node: exp.Expr, ctes: Mapping[str, Lineage], outer: Environment) -> Lineage:
        ctes = self._with(node, ctes, outer)
        if isinstance(node, exp.Subquery):
            return self.query(node.this, ctes, outer)
        if isinstance(node, exp.SetOperation):
            return self._set(node, ctes, outer)
        if isinstance(node, exp.Select):
            return self._select(node, ctes, outer)
        if isinstance(node, exp.Table):
            found = self._source(node, ctes, outer)
            return found if isinstance(found, Lineage) else Lineage({}, unknown={"": (node.sql("duckdb"),)})
        return Lineage({}, unknown={"": (_short(node),)})

    def _with(self, node: exp.Expr, ctes: Mapping[str, Lineage], outer: Environment) -> Mapping[str, Lineage]:
        clause = node.args.get("with_") or node.args.get("with")
        known = dict(ctes)
        for cte in clause.expressions if clause else ():
            name = cte.alias
            inner = cte.this
            if clause is not None and clause.recursive and any(t.name == name and not t.db for t in inner.find_all(exp.Table)):
                found, before = self.query(inner.left if isinstance(inner, exp.SetOperation) else inner, known, outer), None
                while found != before:  # it grows with each round, and there are finitely many columns
                    before, found = found, self.query(inner, known | {name: _named(found, cte)}, outer)
            else:
                found = self.query(inner, known, outer)
            known[name] = _named(found, cte)
        return known

    def _set(self, node: exp.SetOperation, ctes: Mapping[str, Lineage], outer: Environment) -> Lineage:
        left, right = (self.query(side, ctes, outer) for side in (node.left, node.right))
        names, others = list(left.columns), list(right.columns)
        unknown = _both(left.unknown, {names[others.index(k)] if k in others[: len(names)] else k: v for k, v in right.unknown.items()})
        if isinstance(node, exp.Union):
            pairs = {n: left.columns[n] | (right.columns[others[i]] if i < len(others) else NOTHING) for i, n in enumerate(names)}
            return Lineage(pairs, left.rows | right.rows, unknown)
        against = frozenset[Dependence]().union(*right.columns.values(), *left.columns.values())
        return Lineage(left.columns, left.rows | right.rows | through(against, "FILTER"), unknown)

    def _select(self, node: exp.Select, ctes: Mapping[str, Lineage], outer: Environment) -> Lineage:
        own: dict[str, Source] = {}
        rows: set[Dependence] = set()
        unknown: dict[str, tuple[str, ...]] = {}
        joins = node.args.get("joins") or []
        begin = node.args.get("from_") or node.args.get("from")
        taken = [begin.this] if begin else []
        taken += [j.this for j in joins] + list(node.args.get("laterals") or [])
        for part in taken:
            found = self._source(part, ctes, {**outer, **own})
            own[part.alias_or_name] = found
            if isinstance(found, Lineage):
                rows |= found.rows
                unknown = _both(unknown, {"": tuple(u for us in found.unknown.values() for u in us)})
        here: Environment = {**outer, **own}
        for join in joins:
            if on := join.args.get("on"):
                rows |= through(self.value(on, ctes, here), "JOIN")
            for name in join.args.get("using") or ():
                rows |= through((d for s in own.values() for d in _column(s, name.name) or ()), "JOIN")
        clauses: tuple[tuple[str, Indirect], ...] = (
            ("where", "FILTER"),
            ("group", "GROUP_BY"),
            ("having", "FILTER"),
            ("qualify", "FILTER"),
        )
        for clause, subtype in clauses:
            if part := node.args.get(clause):
                rows |= through(self._all(part, ctes, here), subtype)
        if (sort := node.args.get("order")) and (node.args.get("limit") or node.args.get("offset")):
            rows |= through(self._all(sort, ctes, here), "SORT")
        if (distinct := node.args.get("distinct")) and (on := distinct.args.get("on")):
            rows |= through(self._all(on, ctes, here), "GROUP_BY")
        columns: dict[str, Dependences] = {}
        unknown = _both(unknown, {"": tuple(self._told())})
        for item in node.selects:
            columns[item.alias_or_name] = self.value(item.unalias(), ctes, here)
            if told := self._told():
                unknown[item.alias_or_name] = tuple(told)
        return Lineage(columns, frozenset(rows), {k: v for k, v in unknown.items() if v})

    def _told(self) -> list[str]:
        told, self.unknown = self.unknown, []
        return told

    def _source(self, node: exp.Expr, ctes: Mapping[str, Lineage], outer: Environment) -> Source:
        alias = node.args.get("alias")
        names = [c.name for c in alias.columns] if isinstance(alias, exp.TableAlias) and alias.columns else []
        if isinstance(node, exp.Lateral):
            return _renamed(self._source(node.this, ctes, outer), names)
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            return _Table(f"{node.db}.{node.name}") if node.db else ctes.get(node.name) or self._missing(node)
        if isinstance(node, exp.Subquery | exp.Query):
            return _renamed(self.query(node, ctes, outer), names)
        if isinstance(node, exp.Values):
            return Lineage(dict.fromkeys(names, NOTHING))
        # unnest(list), range(a, b), and tables that a function makes: every column of them is made of what goes in
        made = through(self._all(node, ctes, outer), "TRANSFORMATION")
        given = names or [c for c in (node.alias_or_name,) if c]
        return Lineage(dict.fromkeys(given, made), through(made, "FILTER"))

    def _missing(self, node: exp.Expr) -> Lineage:
        return Lineage({}, unknown={"": (_short(node),)})

    def _all(self, node: exp.Expr, ctes: Mapping[str, Lineage], here: Environment) -> Dependences:
        """What the parts of a node depend on, whatever the node is."""
        return frozenset(d for child in node.iter_expressions() for d in self.value(child, ctes, here))

    def value(self, node: exp.Expr, ctes: Mapping[str, Lineage], here: Environment) -> Dependences:
        """What the value of an expression depends on."""
        match node:
            case exp.Paren() | exp.Alias():
                return self.value(node.this, ctes, here)
            case exp.Column():
                return self._column(node, here)
            case exp.Subquery() | exp.Query():
                found = self.query(node, ctes, here)
                self.unknown += [u for us in found.unknown.values() for u in us]
                return through(frozenset[Dependence]().union(*found.columns.values()), "TRANSFORMATION") | found.rows
            case exp.Exists():
                found = self.query(node.this, ctes, here)
                return through(found.rows or frozenset[Dependence]().union(*found.columns.values()), "CONDITIONAL")
            case exp.Case():
                return self._case(node, ctes, here)
            case exp.If():
                results = [r for r in (node.args.get("true"), node.args.get("false")) if r]
                chosen = frozenset(d for r in results for d in self.value(r, ctes, here))
                return through(self.value(node.this, ctes, here), "CONDITIONAL") | through(chosen, "TRANSFORMATION")
            case exp.Nullif():
                asked = through(self.value(node.expression, ctes, here), "CONDITIONAL")
                return asked | through(self.value(node.this, ctes, here), "TRANSFORMATION")
            case exp.Filter():
                return self.value(node.this, ctes, here) | through(self._all(node.expression, ctes, here), "FILTER")
            case exp.WithinGroup() | exp.IgnoreNulls() | exp.RespectNulls() | exp.Order() | exp.Limit():
                sort = [] if isinstance(node, exp.Order) else [e for e in (node.args.get("expression"),) if isinstance(e, exp.Expr)]
                sort += node.expressions if isinstance(node, exp.Order) else []
                first = self.value(node.this, ctes, here) if isinstance(node.this, exp.Expr) else NOTHING
                return first | through((d for s in sort for d in self._all(s, ctes, here)), "SORT")
            case exp.Window():
                return self._window(node, ctes, here)
            case exp.ArgMax() | exp.ArgMin():
                chosen = through(self.value(node.this, ctes, here), "AGGREGATION")
                return chosen | through(self.value(node.expression, ctes, here), "SORT")
            case exp.Count() if isinstance(node.this, exp.Star):
                return NOTHING
            case exp.Count() | exp.CountIf() | exp.ApproxDistinct():
                return through(self._all(node, ctes, here), "AGGREGATION", masking=True)
            case exp.AggFunc():
                return through(self._all(node, ctes, here), "AGGREGATION")
            case exp.Lambda():
                own = {e.name: Lineage({}) for e in node.expressions}
                return through(self.value(node.this, ctes, {**here, **own}), "TRANSFORMATION")
            case exp.In() if node.args.get("query"):
                listed = through(self.value(node.args["query"], ctes, here), "CONDITIONAL")
                return through(self.value(node.this, ctes, here), "TRANSFORMATION") | listed
            case exp.Star() | exp.Columns():
                self.unknown.append(_short(node))
                return NOTHING
        masking = node.key in MASKS or (isinstance(node, exp.Anonymous) and str(node.this).lower() in (*MASKS, "sha256"))
        return through(self._all(node, ctes, here), "TRANSFORMATION", masking=masking)

    def _case(self, node: exp.Case, ctes: Mapping[str, Lineage], here: Environment) -> Dependences:
        asked = [e.this for e in node.args["ifs"]] + ([node.this] if node.this else [])
        given = [e.args["true"] for e in node.args["ifs"]] + ([node.args["default"]] if node.args.get("default") else [])
        conditions = frozenset(d for e in asked for d in self.value(e, ctes, here))
        values = frozenset(d for e in given for d in self.value(e, ctes, here))
        return through(conditions, "CONDITIONAL") | through(values, "TRANSFORMATION")

    def _window(self, node: exp.Window, ctes: Mapping[str, Lineage], here: Environment) -> Dependences:
        over = [
            *(node.args.get("partition_by") or ()),
            *(o.this for o in (node.args["order"].expressions if node.args.get("order") else ())),
        ]
        frame = frozenset(d for e in over for d in self.value(e, ctes, here))
        one = isinstance(node.this, (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue))
        value = self._all(node.this, ctes, here) if one else self.value(node.this, ctes, here)
        return through(value, "TRANSFORMATION") | through(frame, "WINDOW")

    def _column(self, node: exp.Column, here: Environment) -> Dependences:
        source = here.get(node.table)
        if source is None and not node.table and node.name in here and isinstance(here[node.name], Lineage):
            return NOTHING  # a parameter of a lambda, whose argument is read beside it
        found = _column(source, node.name) if source is not None else None
        if found is None:
            self.unknown.append(_short(node))
            return NOTHING
        return found


def _column(source: Source, name: str) -> Dependences | None:
    return source.columns_of(name) if isinstance(source, _Table) else source.columns.get(name)


def _named(found: Lineage, cte: exp.CTE) -> Lineage:
    alias = cte.args.get("alias")
    named = _renamed(found, [c.name for c in alias.columns] if alias is not None and alias.columns else [])
    assert isinstance(named, Lineage)
    return named


def _renamed(source: Source, names: list[str]) -> Source:
    if not names or isinstance(source, _Table):
        return source
    old = list(source.columns)
    unknown = {names[old.index(k)] if k in old[: len(names)] else k: v for k, v in source.unknown.items()}
    return Lineage({n: source.columns[o] for n, o in zip(names, old, strict=False)}, source.rows, unknown)


def _both(one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {k: tuple(dict.fromkeys((*one.get(k, ()), *other.get(k, ())))) for k in {**one, **other}}


def _short(node: exp.Expr) -> str:
    return node.sql("duckdb")[:120]
