"""Fusion (一数一源): several departments' records of one thing become one row, attribute by attribute.

A model is a fusion where its SELECT gives `_source`. It is then a list of candidates: one SELECT a source, joined by UNION ALL
with the same columns in the same order, besides `_source` (the dataset's name as text), `_event` (when the record says that
it was true), `_batch` and `_row`. Per source the newest record of a key counts; per attribute the word of the source that the
attribute's order of authority names (`authority`). Columns with `agreement` or `derived` are made of the others.

Belongs here: the meaning of a fusion and its SQL. Not here: whose word counts (`authority`), when which keys are fused
(`increment`), writing (`building`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from assets.lake import literal, quote
from assets.models.authority import EVENT, Order, Ranked, agreement, columns_asked, expression, read_order, wrong
from assets.models.sql import Query, line_of
from assets.std import POSITION
from expectations.documents import DocumentError, near

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Column, Contract

TRACE = ("_source", EVENT, *POSITION)
NEWEST = "_event DESC NULLS LAST, _batch DESC, _row DESC"
AGES = "temp.ages"
"""Batches whose rows are carried on: `batch`, `handovers` and `days` by which it is older than what stands."""
_GIVEN = "lambda one: one IS NOT NULL"


def is_fusion(query: Query) -> bool:
    return "_source" in query.outputs


@dataclass(frozen=True)
class Fusion:
    """`sources` in the order of the SELECTs; `orders`: per attribute outside the key, whose word counts."""

    contract: Contract
    sources: tuple[str, ...]
    orders: Mapping[str, Order]

    @property
    def contested(self) -> tuple[str, ...]:
        """The attributes that more than one source may fill: only for these is a winner kept."""
        return tuple(name for name, order in self.orders.items() if len(order.sources) > 1)

    @property
    def crowded(self) -> tuple[str, ...]:
        """The attributes that three sources or more may fill: two may be of one mind against the winner."""
        return tuple(name for name, order in self.orders.items() if len(order.sources) > 2)

    @property
    def limited(self) -> tuple[str, ...]:
        """The attributes for which the word of some source counts up to an age only."""
        return tuple(name for name, order in self.orders.items() if order.limited)

    @property
    def provenance(self) -> dict[str, str]:
        """The columns that a fused table has besides the declared ones, and their types.

        | column      | what                                                                                        |
        |-------------|---------------------------------------------------------------------------------------------|
        | `_from`     | each source's batch, row and event; NULL where it knows nothing of the key                  |
        | `_winner`   | per contested attribute the source whose value stands                                       |
        | `_differs`  | the contested attributes on which sources disagree, NULL where none                         |
        | `_said`     | for these, what each source says                                                            |
        | `_outvoted` | the attributes where two or more others are of one mind against the winner, NULL where none |
        | `_old`      | the attributes whose value is older than its limit, NULL where none                         |
        | `_until`    | the day from which the row changes by age alone                                             |
        | `_carried`  | the sources whose last good row stands in for one that is in quarantine now, and its age    |
        """
        # The event as text: DuckLake 1.0 cannot read back a time inside a struct of the few rows that it keeps in its catalogue.
        each = ", ".join(f'{quote(s)} STRUCT(batch VARCHAR, "row" BIGINT, event VARCHAR)' for s in self.sources)
        types = {"_from": f"STRUCT({each})"}
        if self.contested:
            types["_winner"] = f"STRUCT({', '.join(f'{quote(a)} VARCHAR' for a in self.contested)})"
            types["_differs"] = "VARCHAR[]"
            types["_said"] = 'STRUCT(attribute VARCHAR, source VARCHAR, "value" VARCHAR)[]'
        if self.crowded:
            types["_outvoted"] = "VARCHAR[]"
        if self.limited:
            types |= {"_old": "VARCHAR[]", "_until": "DATE"}
        return types | {"_carried": "STRUCT(source VARCHAR, handovers BIGINT, days BIGINT)[]"}

    def needed(self, source: str) -> tuple[str, ...]:
        """What is read of a source: the attributes that it may fill or is asked about, event, batch and row."""
        filled = (a for a, order in self.orders.items() if source in order.sources)
        asked = (c for order in self.orders.values() for c in sorted(columns_asked(self.contract, order, source)))
        return (*dict.fromkeys((*filled, *asked)), *POSITION)


def read_fusion(contract: Contract, query: Query) -> Fusion:
    """The fusion that a contract and its SELECT declare. Raises `DocumentError` where they do not fit each other."""
    first = query.branches[0]
    names = first.named_selects
    if not contract.key:
        raise DocumentError(
            contract.path, None, "a fusion without a key.", "Declare primaryKey on the columns by which sources are matched."
        )
    for wanted in (*(c.name for c in contract.columns if not is_made(c)), *TRACE):
        if wanted not in names:
            raise query.error(line_of(first), f"the SELECT gives no {wanted!r}.", near(wanted, names))
    given: dict[str, set[str]] = {}
    read = {t.name for t in query.tree.find_all(exp.Table)}
    for branch in query.branches:
        _same_order(query, names, branch)
        source = branch.selects[names.index("_source")].unalias()
        if not isinstance(source, exp.Literal) or not source.is_string:
            raise query.error(
                line_of(branch),
                f"_source is {source.sql('duckdb')}.",
                "Write the dataset's name as text, such as 'population_register' AS \"_source\".",
            )
        if source.name not in read:
            raise query.error(line_of(branch), f"_source {source.name!r} is no table that it reads.", near(source.name, read))
        filled = {n for n, e in zip(names, branch.selects, strict=True) if not _is_null(e.unalias())}
        given.setdefault(source.name, set()).update(filled)
    orders = {c.name: read_order(contract, c, given) for c in contract.columns if c.name not in contract.key and not is_made(c)}
    for column in filter(is_made, contract.columns):
        _check_made(contract, column, orders)
    return Fusion(contract, tuple(given), orders)


def is_made(column: Column) -> bool:
    """Whether a column is made of the other columns of the fused record, so that the SELECT does not give it."""
    return column.agreement is not None or column.derived is not None


def _check_made(contract: Contract, column: Column, orders: Mapping[str, Order]) -> None:
    if column.agreement is not None:
        if column.agreement not in orders:
            raise wrong(contract, column, f"agreement on {column.agreement!r}, which sources do not fill.", near(column.agreement, orders))
    else:
        _derived(contract, column)


def _derived(contract: Contract, column: Column) -> str:
    known = {c.name for c in contract.columns if c.derived is None}
    return expression(contract, column, str(column.derived), known, quote)


def _same_order(query: Query, names: list[str], branch: exp.Select) -> None:
    for position, (wanted, found) in enumerate(zip(names, branch.named_selects, strict=False), start=1):
        if wanted != found:
            expression = branch.selects[position - 1]
            raise query.error(
                line_of(expression),
                f"column {position} is {found!r} here and {wanted!r} in the first SELECT.",
                "UNION ALL goes by position: give all SELECTs the same order.",
            )
    if len(names) != len(branch.selects):
        raise query.error(
            line_of(branch),
            f"{len(branch.selects)} columns here and {len(names)} in the first SELECT.",
            "Give all SELECTs the same columns; NULL where a source has none.",
        )


def _is_null(expression: exp.Expr) -> bool:
    return isinstance(expression, exp.Null) or (isinstance(expression, exp.Cast) and isinstance(expression.this, exp.Null))


def values_view(fusion: Fusion, departments: Mapping[str, str]) -> str:
    """SELECT of what sources say where they disagree, one row an attribute and source; `departments` by source.

    It costs nothing to keep: the record holds it (`_said`), and only where there is something to hold.
    """
    key = ", ".join(f"r.{quote(k)}" for k in fusion.contract.key)

    def by_source(values: Mapping[str, str]) -> str:
        return f"CASE d.source {' '.join(f'WHEN {literal(s)} THEN {v}' for s, v in values.items())} END"

    place = {part: by_source({s: f"r._from.{quote(s)}.{quote(part)}" for s in fusion.sources}) for part in ("event", "batch", "row")}
    won = " ".join(f"WHEN {literal(a)} THEN r._winner.{quote(a)}" for a in fusion.contested)
    return (
        f"SELECT {key}, d.attribute AS attribute, d.source AS source, {by_source({s: literal(t) for s, t in departments.items()})}"
        f' AS department, d."value" AS "value", CASE d.attribute {won} END = d.source AS won, CAST({place["event"]} AS TIMESTAMP) AS event,'
        f' {place["batch"]} AS batch, {place["row"]} AS "row"'
        f" FROM (SELECT *, unnest(_said) AS d FROM {quote(fusion.contract.table)} WHERE _said IS NOT NULL) AS r"
    )


def provenance_columns(contract: Contract, query: Query) -> dict[str, str]:
    return read_fusion(contract, query).provenance


def fuse(
    con: duckdb.DuckDBPyConnection,
    fusion: Fusion,
    candidates: str,
    *,
    as_of: str = "NULL",
    aged: bool = False,
    also: Sequence[str] = (),
    few: bool = False,
    part: str = "TRUE",
) -> str:
    """SQL for the fused rows (declared columns, then provenance, then `also`) of `candidates`, the model's SELECT.

    `as_of` is SQL for the day at which ages are counted; `aged`: `temp.ages` tells which batches' rows are carried on; `also`
    names columns of the candidates that belong to the key besides; `part` is a condition on the key, others are left out. Looks
    first which keys a source gives more than once; only these are sorted (with `few` candidates all are). Leaves temporary tables
    `older_<n>` that the SQL reads.
    """
    key = (*fusion.contract.key, *also)
    parts = []
    for n, source in enumerate(fusion.sources):
        rows = f"({candidates}\n) AS c WHERE _source = {literal(source)} AND {_present(fusion)} AND {part}"
        parts.append(f"s{n} AS ({_newest(con, key, n, rows, fusion.needed(source), few)})")
    joined = _joined(fusion, key)
    if aged:
        joined += "".join(f" LEFT JOIN {AGES} AS a{n} ON a{n}.batch = s{n}._batch" for n in range(len(fusion.sources)))
    made = _Columns(fusion, key, as_of.replace("{at}", _any(range(len(fusion.sources)), "__at")), aged)
    columns = (*made.declared(), *map(quote, fusion.provenance), *map(quote, also))
    return f"WITH {', '.join(parts)} SELECT {', '.join(columns)} FROM (SELECT {', '.join(made.joined())} FROM {joined})"


def drop_temporary(con: duckdb.DuckDBPyConnection, fusion: Fusion) -> None:
    for n in range(len(fusion.sources)):
        con.execute(f"DROP TABLE IF EXISTS temp.older_{n}")
    con.execute(f"DROP TABLE IF EXISTS {AGES}")


def _present(fusion: Fusion) -> str:
    return " AND ".join(f"{quote(k)} IS NOT NULL" for k in fusion.contract.key)


def _newest(con: duckdb.DuckDBPyConnection, keyed: Sequence[str], n: int, rows: str, needed: tuple[str, ...], few: bool) -> str:
    """SELECT of a source's newest row a key.

    Most sources give most keys once: finding the few doubled ones by a count, and leaving out their older rows, is much
    cheaper than sorting every row. Where doubled keys are the rule, one sort is cheaper.
    """
    key = ", ".join(map(quote, keyed))
    wanted = f"{key}, {', '.join(map(quote, needed))}, TRY_CAST({EVENT} AS TIMESTAMP) AS {EVENT}"
    newest = f"row_number() OVER (PARTITION BY {key} ORDER BY {NEWEST})"
    if few:
        return f"SELECT {wanted} FROM {rows} QUALIFY {newest} = 1"
    total, keys = con.execute(
        f"SELECT coalesce(sum(n), 0), count(*) FROM (SELECT count(*) AS n FROM {rows} GROUP BY {key})"
    ).fetchone() or (0, 0)
    if total == keys:
        return f"SELECT {wanted} FROM {rows}"
    if keys < 0.9 * total:
        return f"SELECT {wanted} FROM {rows} QUALIFY {newest} = 1"
    doubled = f"SELECT {key} FROM {rows} GROUP BY {key} HAVING count(*) > 1"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE older_{n} AS SELECT {key}, _batch, _row"
        f" FROM (SELECT * FROM {rows}) SEMI JOIN ({doubled}) USING ({key}) QUALIFY {newest} > 1"
    )
    return f"SELECT {wanted} FROM (SELECT * FROM {rows}) ANTI JOIN temp.older_{n} USING ({key}, _batch, _row)"


def _joined(fusion: Fusion, key: Sequence[str]) -> str:
    text = "s0"
    for n in range(1, len(fusion.sources)):
        on = " AND ".join(f"{_any(range(n), k)} = s{n}.{quote(k)}" for k in key)
        text += f" FULL JOIN s{n} ON {on}"
    return text


def _any(numbers: range, column: str) -> str:
    columns = [f"s{n}.{quote(column)}" for n in numbers]
    return columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})"


@dataclass(frozen=True)
class _Columns:
    """The columns of a fused row: `joined` as items over the joined sources, `declared` as items over those."""

    fusion: Fusion
    key: Sequence[str]
    as_of: str
    aged: bool

    def of(self, source: str, column: str) -> str:
        """A source's column in the join."""
        return f"s{self.fusion.sources.index(source)}.{quote(column)}"

    def _ranked(self, order: Order) -> Ranked:
        return Ranked(self.fusion.contract, order, self.of, self.as_of)

    def _number(self, attribute: str) -> str:
        return quote(f"__winner_{attribute}")

    def declared(self) -> Iterator[str]:
        """The declared columns, those made of others written out."""
        for column in self.fusion.contract.columns:
            if column.derived is None:
                yield quote(column.name)
            else:
                yield f"CAST({_derived(self.fusion.contract, column)} AS {column.sql_type}) AS {quote(column.name)}"

    def joined(self) -> Iterator[str]:
        orders, contract = self.fusion.orders, self.fusion.contract
        for name, order in orders.items():
            if not order.plain:
                yield f"{self._ranked(order).number} AS {self._number(name)}"
        every = range(len(self.fusion.sources))
        for name in self.key:
            kind = contract.column(name).sql_type if name in contract.key else None
            yield f"CAST({_any(every, name)} AS {kind}) AS {quote(name)}" if kind else f"{_any(every, name)} AS {quote(name)}"
        for column in contract.columns:
            if column.name in orders:
                yield f"CAST({self._value(orders[column.name])} AS {column.sql_type}) AS {quote(column.name)}"
            elif column.agreement is not None:
                yield f"CAST({agreement(orders[column.agreement], self.of)} AS {column.sql_type}) AS {quote(column.name)}"
        yield from self._provenance()

    def _value(self, order: Order) -> str:
        if not order.plain:
            return self._ranked(order).value(self._number(order.attribute))
        values = [self.of(s, order.attribute) for s in order.sources]
        return "NULL" if not values else values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"

    def _winner(self, order: Order) -> str:
        if not order.plain:
            return self._ranked(order).winner(self._number(order.attribute))
        said = ((s, self.of(s, order.attribute)) for s in order.sources)
        return f"CASE {' '.join(f'WHEN {v} IS NOT NULL THEN {literal(s)}' for s, v in said)} END"

    def _provenance(self) -> Iterator[str]:
        fusion = self.fusion
        places = (
            f"{literal(s)}: CASE WHEN s{n}._batch IS NOT NULL"
            f" THEN {{'batch': s{n}._batch, 'row': s{n}._row, 'event': CAST(s{n}.{EVENT} AS VARCHAR)}} END"
            for n, s in enumerate(fusion.sources)
        )
        yield f"{{{', '.join(places)}}} AS _from"
        if fusion.contested:
            yield f"{{{', '.join(f'{literal(a)}: {self._winner(fusion.orders[a])}' for a in fusion.contested)}}} AS _winner"
            tests = {a: self._differ(fusion.orders[a]) for a in fusion.contested}
            yield f"{_named(tests)} AS _differs"
            said = (f"CASE WHEN {test} THEN {self._said(fusion.orders[a])} ELSE [] END" for a, test in tests.items())
            yield f"CASE WHEN {' OR '.join(tests.values())} THEN flatten([{', '.join(said)}]) END AS _said"
        if fusion.crowded:
            yield f"{_named({a: self._outvoted(fusion.orders[a]) for a in fusion.crowded})} AS _outvoted"
        if fusion.limited:
            limited = [self._ranked(fusion.orders[a]) for a in fusion.limited]
            yield f"{_named({r.order.attribute: r.old(self._number(r.order.attribute)) for r in limited})} AS _old"
            yield f"least({', '.join(until for r in limited for until in r.until)}) AS _until"
        yield f"{self._carried()} AS _carried"

    def _differ(self, order: Order) -> str:
        listed = ", ".join(self.of(s, order.attribute) for s in order.sources)
        return f"least({listed}) <> greatest({listed})"

    def _said(self, order: Order) -> str:
        said = (
            f"CASE WHEN {self.of(s, order.attribute)} IS NOT NULL THEN {{'attribute': {literal(order.attribute)}, 'source': {literal(s)},"
            f" 'value': CAST({self.of(s, order.attribute)} AS VARCHAR)}} END"
            for s in order.sources
        )
        return f"list_filter([{', '.join(said)}], {_GIVEN})"

    def _outvoted(self, order: Order) -> str:
        said = ", ".join(f"CAST({self.of(s, order.attribute)} AS VARCHAR)" for s in order.sources)
        against = f"list_filter([{said}], lambda said: said <> CAST({self._value(order)} AS VARCHAR))"
        return f"{self._differ(order)} AND len({against}) > len(list_distinct({against}))"

    def _carried(self) -> str:
        if not self.aged:
            return "CAST(NULL AS STRUCT(source VARCHAR, handovers BIGINT, days BIGINT)[])"
        numbered = list(enumerate(self.fusion.sources))
        each = (
            f"CASE WHEN a{n}.batch IS NOT NULL THEN {{'source': {literal(s)}, 'handovers': a{n}.handovers, 'days': a{n}.days}} END"
            for n, s in numbered
        )
        some = " OR ".join(f"a{n}.batch IS NOT NULL" for n, _ in numbered)
        return f"CASE WHEN {some} THEN list_filter([{', '.join(each)}], {_GIVEN}) END"


def _named(tests: Mapping[str, str]) -> str:
    """SQL for the list of the names whose test is true, NULL where none is."""
    names = ", ".join(f"CASE WHEN {test} THEN {literal(a)} END" for a, test in tests.items())
    return f"CASE WHEN {' OR '.join(tests.values())} THEN list_filter([{names}], {_GIVEN}) END"
