"""What a run must build again: what came or went since a model was built, and the keys that it touches.

A contract's `increment` is SQL for the touched keys, SELECTs over `new.<dataset>` joined by UNION, one or more a dataset:
`SELECT id_number FROM new.population_register`. It says two things: which rows of a dataset bear on which keys of the model,
and that no other row does. So what the model reads can be cut down to these rows before it runs. `new.` of a source are the rows
of the batches that came or went; of a base or thematic table, the rows that were written or taken away since (`feed`).

Belongs here: batches, touched keys, cut-down inputs. Not here: the model's own SQL, writing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sqlglot import exp

from assets.lake import literal, quote
from assets.models.feed import Below, below
from assets.models.sql import READABLE, is_view, line_of, query_of, read_model
from assets.std import batches_of, columns_shown, current_batches, current_rows, is_delta, period_start
from expectations.documents import near, read_document

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract

TOUCHED = "temp.touched"
CARRIED = 3
"""For how many hand-overs of a unit a record that is only in quarantine now is carried on."""
FULL_FROM = 0.5
"""The share of changed rows from which everything is built anew: touching most keys costs more than reading all."""


@dataclass(frozen=True)
class Increment:
    """The `increment` of a contract: `expressions` gives, by dataset, the ways from its rows to the model's key, as SQL."""

    contract: Contract
    expressions: Mapping[str, tuple[tuple[str, ...], ...]]

    @cached_property
    def key(self) -> str:
        return ", ".join(map(quote, self.contract.key))

    def touching(self, dataset: str, touched: str = TOUCHED) -> str:
        """Condition over a row of `dataset` (alias `r`): it bears on a touched key."""
        return "(" + " OR ".join(f"({', '.join(way)}) IN (SELECT ({self.key}) FROM {touched})" for way in self.expressions[dataset]) + ")"

    def keys(self, dataset: str, rows: str) -> list[str]:
        """SELECTs of the keys that `rows` (SQL, with a name of its own or in brackets) of a dataset bear on."""
        kinds = [self.contract.column(k).sql_type for k in self.contract.key]
        return [
            "SELECT "
            + ", ".join(f"CAST({e} AS {kind}) AS {quote(k)}" for e, kind, k in zip(way, kinds, self.contract.key, strict=True))
            + f" FROM {rows} AS r"
            for way in self.expressions[dataset]
        ]


def read_increment(contract: Contract) -> Increment | None:
    """What the contract says, or None where it says nothing. Raises `DocumentError` with the line of a mistake."""
    text = contract.custom.get("increment")
    if text is None:
        return None
    query = query_of(contract.path, str(text), _line(contract))
    expressions: dict[str, list[tuple[str, ...]]] = {}
    inputs = {t.split(".")[1]: t for t in read_model(contract).tables if t.split(".")[0] in READABLE}
    for branch in query.branches:
        tables = list(branch.find_all(exp.Table))
        at = line_of(branch)
        if len(tables) != 1 or tables[0].db != "new":
            raise query.error(
                at, "an increment's SELECT reads one table of `new`.", "Write SELECT <key> FROM new.<dataset>, and join several by UNION."
            )
        name = tables[0].name
        if name not in inputs:
            raise query.error(at, f"new.{name}: the model reads no {name}.", near(name, inputs))
        if len(branch.selects) != len(contract.key):
            raise query.error(
                at,
                f"{len(branch.selects)} columns for the key ({', '.join(contract.key)}).",
                "Give one expression a key column, in the key's order.",
            )
        expressions.setdefault(name, []).append(tuple(_over_row(e) for e in branch.selects))
    return Increment(contract, {name: tuple(ways) for name, ways in expressions.items()})


def _over_row(expression: exp.Expr) -> str:
    bare = expression.unalias().copy()
    for column in bare.find_all(exp.Column):
        column.set("table", exp.to_identifier("r", quoted=True))
    return bare.sql("duckdb")


def _line(contract: Contract) -> int:
    document = read_document(contract.path)
    position = next(i for i, c in enumerate(document.data["customProperties"]) if c["property"] == "increment")
    line = document.line("customProperties", position, "value") or 1
    return line + 1 if "\n" in str(contract.custom["increment"]).strip() else line


@dataclass(frozen=True)
class Changed:
    """What a model is made of (`built`) and will be made of (`present`).

    By source dataset: the batches that stand (`standing`), those that came or went since (`moved`), those older ones of which
    rows are carried on (`kept`). `below`: what was written since into the models that it reads, by table.
    """

    built: frozenset[str]
    present: frozenset[str]
    standing: Mapping[str, frozenset[str]]
    moved: Mapping[str, frozenset[str]]
    kept: Mapping[str, frozenset[str]]
    below: Mapping[str, Below] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.built != self.present or any(b.rows or b.anew for b in self.below.values())


def changed(con: duckdb.DuckDBPyConnection, contract: Contract, sources: Collection[Contract], models: Collection[Contract]) -> Changed:
    """Compare what a model is made of (`evidence.lineage`) with what stands now in its sources and the models under it."""
    made: dict[str, set[str]] = {}
    tables = _listed({contract.table, *(m.table for m in models)})
    for table, batch in con.execute(f"SELECT dataset, batch FROM evidence.lineage WHERE dataset IN ({tables})").fetchall():
        made.setdefault(table, set()).add(batch)
    rows = con.execute(batches_of(sources, contract.table)).fetchall()
    standing: dict[str, frozenset[str]] = {}
    moved: dict[str, frozenset[str]] = {}
    carried: dict[str, frozenset[str]] = {}
    for source in sources:
        own = [row[1:] for row in rows if row[0] == source.name]
        before = frozenset(batch for batch, built, *_ in own if built)
        now = frozenset(batch for batch, _, stands, *_ in own if stands)
        stood = frozenset(batch for batch, _, _, stood, _ in own if stood)
        broken = any(stands and broken for _, _, stands, _, broken in own)
        kept = _carried(con, source) if broken else frozenset[str]()
        standing[source.name], carried[source.name] = now, kept
        moved[source.name] = (now ^ stood) | (kept ^ (before - stood))
    present = frozenset[str]().union(*standing.values(), *carried.values(), *(made.get(m.table, ()) for m in models))
    return Changed(frozenset(made.get(contract.table, ())), present, standing, moved, carried, below(con, contract, models))


def _carried(con: duckdb.DuckDBPyConnection, source: Contract) -> frozenset[str]:
    """The older batches of which rows are carried on. Where nothing is in quarantine now there are none: no need to ask."""
    rows = carried_rows(source)
    return frozenset(b for (b,) in con.execute(f"SELECT DISTINCT _batch FROM ({rows})").fetchall()) if rows else frozenset()


def _listed(batches: Collection[str]) -> str:
    return ", ".join(map(literal, sorted(batches))) or "NULL"


def share(con: duckdb.DuckDBPyConnection, moved: Mapping[str, Collection[str]], sources: Collection[Contract]) -> float:
    """The part of the sources' standing rows that came or went, as the batches count them."""
    names = _listed({s.name for s in sources})
    everything = _listed({b for batches in moved.values() for b in batches})
    row = con.execute(
        f"SELECT coalesce(sum(rows_std) FILTER (WHERE batch IN ({everything})), 0) / greatest(sum(rows_std), 1)"
        f" FROM evidence.batches WHERE dataset IN ({names}) AND status = 'standardised'"
    ).fetchone()
    return float(row[0] or 0) if row else 0.0


def may_go_by_keys(con: duckdb.DuckDBPyConnection, increment: Increment | None, what: Changed, models: Collection[Contract]) -> bool:
    """Whether every input that moved tells the keys that it touches, and too little moved to build in full."""
    if increment is None or not what.built:
        return False
    if any(batches and name not in increment.expressions for name, batches in what.moved.items()):
        return False
    for model in models:
        under = what.below.get(model.table)
        if under is None or not (under.rows or under.anew):
            continue
        if under.anew or is_view(model) or model.name not in increment.expressions:
            return False
        whole = con.execute(f"SELECT count(*) FROM {quote(model.table)}").fetchone() or (0,)
        if under.rows / 2 >= FULL_FROM * whole[0]:
            return False
    return True


def touch(
    con: duckdb.DuckDBPyConnection,
    increment: Increment,
    what: Changed,
    sources: Collection[Contract],
    models: Collection[Contract] = (),
    further: Collection[str] = (),
) -> int:
    """Fill the temporary table `touched` with the keys that what moved bears on, and those of `further` SELECTs; their number."""
    parts = list(further)
    for source in sources:
        if what.moved[source.name]:
            parts += increment.keys(source.name, f"({new_rows(source, what.moved[source.name])})")
    for model in models:
        if (under := what.below.get(model.table)) and under.rows:
            parts += increment.keys(model.name, under.feed)
    if not parts:
        return 0
    present = " AND ".join(f"{quote(k)} IS NOT NULL" for k in increment.contract.key)
    con.execute(f"CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT * FROM ({' UNION ALL '.join(parts)}) WHERE {present}")
    row = con.execute(f"SELECT count(*) FROM {TOUCHED}").fetchone()
    return row[0] if row else 0


def ages(source: Contract, batches: Collection[str]) -> str:
    """SQL for the age of batches whose rows are carried on: `batch`, `handovers` and `days` older than the one that stands."""
    newest = "PARTITION BY coalesce(unit, '') ORDER BY period DESC, received_at DESC, batch DESC"
    return (
        f"SELECT * FROM (SELECT batch, row_number() OVER ({newest}) - 1 AS handovers,"
        f" date_diff('day', {period_start('period')}, first_value({period_start('period')}) OVER ({newest})) AS days"
        f" FROM evidence.batches WHERE dataset = {literal(source.name)} AND status = 'standardised') WHERE batch IN ({_listed(batches)})"
    )


def carried_rows(source: Contract) -> str | None:
    """SQL for what quarantined rows of the standing full hand-overs said before: a typing error must not make a person vanish.

    Per key in quarantine that no standing row bears, the newest row among the hand-overs before (`CARRIED` of each unit); its
    `_batch` tells its age. None for deltas, whose older rows stand anyway, and where rows have no key.
    """
    if is_delta(source) or not source.key:
        return None
    table, quarantine = f"std_batches.{quote(source.name)}", f"quarantine.{quote(source.name)}"
    key = ", ".join(map(quote, source.key))
    typed = ", ".join(f"TRY_CAST(trim({quote(k)}) AS {source.column(k).sql_type}) AS {quote(k)}" for k in source.key)
    now = current_batches(source)
    newest = "period DESC, received_at DESC, batch DESC"
    before = (
        f"SELECT batch, period, received_at FROM evidence.batches WHERE dataset = {literal(source.name)} AND status = 'standardised'"
        f" QUALIFY row_number() OVER (PARTITION BY coalesce(unit, '') ORDER BY {newest}) BETWEEN 2 AND {1 + CARRIED}"
    )
    lost = f"SELECT DISTINCT {typed} FROM {quarantine} WHERE _batch IN ({now})"
    found = f"SELECT * FROM {table} SEMI JOIN ({lost}) USING ({key})"
    columns = ", ".join(f"s.{quote(c)}" for c in columns_shown(source))
    return (
        f"SELECT {columns} FROM ({found}) AS s JOIN ({before}) AS b ON b.batch = s._batch"
        f" ANTI JOIN (SELECT {key} FROM ({found}) WHERE _batch IN ({now})) AS c USING ({key})"
        f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {newest}, s._row DESC) = 1"
    )


def standing_rows(source: Contract, batches: Collection[str]) -> str:
    """The rows of a source that a model is made of: those that stand, and what is carried on."""
    rows = current_rows(source, batches=batches)
    return f"{rows} UNION ALL {carried}" if (carried := carried_rows(source)) else rows


def new_rows(source: Contract, batches: Collection[str]) -> str:
    """`new.<dataset>`: the rows that came or went, and the older rows that these, or quarantined ones, displace or let stand."""
    table = f"std_batches.{quote(source.name)}"
    rows = f"SELECT * FROM {table} WHERE _batch IN ({_listed(batches)})"
    if not source.key:
        return rows
    key = ", ".join(map(quote, source.key))
    if not is_delta(source):
        typed = ", ".join(f"TRY_CAST(trim({quote(k)}) AS {source.column(k).sql_type}) AS {quote(k)}" for k in source.key)
        lost = f"SELECT {typed} FROM quarantine.{quote(source.name)} WHERE _batch IN ({_listed(batches)})"
        return f"{rows} UNION ALL SELECT * FROM {table} SEMI JOIN ({lost}) USING ({key})"
    return f"SELECT * FROM {table} SEMI JOIN ({rows}) USING ({key})"


def cut_down(increment: Increment, source: Contract, batches: Collection[str]) -> str:
    """The standing rows of a source that bear on touched keys."""
    touching = increment.touching(source.name)
    if is_delta(source) and source.key:
        key = ", ".join(map(quote, source.key))
        table = f"std_batches.{quote(source.name)}"
        near_rows = f"(SELECT * FROM {table} SEMI JOIN (SELECT {key} FROM {table} AS r WHERE {touching}) USING ({key}))"
        return f"SELECT * FROM ({current_rows(source, near_rows)}) AS r WHERE {touching}"
    return f"SELECT * FROM ({standing_rows(source, batches)}) AS r WHERE {touching}"


def cut_down_model(increment: Increment, model: Contract) -> str:
    """The rows of a base or thematic table that bear on touched keys."""
    return f"SELECT * FROM {quote(model.table)} AS r WHERE {increment.touching(model.name)}"
