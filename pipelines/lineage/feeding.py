"""What one record feeds: from a line of a hand-over, or a record of a table, down to all base and thematic records that it bears on.

A contract's `increment` says which rows bear on which keys, and that no other does; it is asked here for one row. Where a model has
none, the records that bear the row's values in their whole key are found, and told as found by key: there may be more.

Belongs here: finding records, masked. Not here: upwards (`origin`), tables and columns (`graph`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from assets.lake import is_there, literal, objects, one_look, open_lake, quote
from assets.std import is_delta
from expectations.documents import near
from pipelines.lineage.asking import LineageError
from pipelines.lineage.keys import check_key, same_key, shown

if TYPE_CHECKING:
    import duckdb
    from rich.tree import Tree

    from assets.contracts import Contract
    from assets.models.dependence import Lineage
    from assets.project import Project

SHOWN = 50
"""So many records of one table are listed; all are counted."""
State = Literal["stands", "replaced", "quarantined"]
How = Literal["increment", "position", "key"]
STATES: Mapping[State, str] = {
    "stands": "现行 it stands",
    "replaced": "已被较新的交付取代，不再进入下列各表 replaced by a newer hand-over: it feeds nothing now",
    "quarantined": "在隔离区，未进入任何表 in quarantine: it feeds nothing",
}
HOWS: Mapping[How, str] = {
    "increment": "按契约 increment by the contract's increment",
    "position": "按批次与行 by batch and row",
    "key": "按主键，可能不全 by key: there may be more",
}


@dataclass(frozen=True)
class Record:
    """A record that is fed; its key is masked. Of a fused one: whether the row is the one that counts for its source (`counts`),
    and the attributes in which its word stands (`wins`)."""

    key: Mapping[str, str | None]
    counts: bool | None = None
    wins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fed:
    """The records of one table, the first `SHOWN` of `total`; `through`: the tables by which the row gets there."""

    table: str
    title: str
    through: tuple[str, ...]
    how: How
    total: int
    records: tuple[Record, ...]


@dataclass(frozen=True)
class Feeding:
    """What a row or record feeds. `untold`: tables that read what it feeds, and of which no record can be told, with the reason."""

    table: str
    title: str
    which: Mapping[str, Any]
    state: State
    rules: tuple[str, ...] = ()
    fed: tuple[Fed, ...] = ()
    untold: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def tree(self) -> Tree:
        from rich.text import Text
        from rich.tree import Tree

        which = ", ".join(f"{k} = {v}" for k, v in self.which.items())
        made = Tree(Text.assemble((f"{self.table} ", "bold"), f"{self.title}  {which}  {STATES[self.state]}"))
        if self.rules:
            made.add(Text(f"✗ {', '.join(self.rules)}", style="yellow"))
        for one in self.fed:
            number = f"{one.total:,} 条 records · {HOWS[one.how]} · 经 through {', '.join(one.through)}"
            node = made.add(Text.assemble((one.table, "bold"), f" {one.title} · {number}"))
            for record in one.records:
                key = ", ".join(f"{k} = {v}" for k, v in record.key.items())
                wins = f" · 以其为准 its word stands: {', '.join(record.wins)}" if record.wins else ""
                older = " · 同一来源另有一行为准 another row of its source counts" if record.counts is False else ""
                node.add(Text(f"{key}{wins}{older}"))
            if one.total > len(one.records):
                node.add(Text("…", style="dim"))
        for table, why in self.untold.items():
            made.add(Text(f"{table}: {why}", style="yellow"))
        return made


def feeding(project: Project, table: str, *, batch: str | None = None, row: int | None = None, key: Sequence[str] = ()) -> Feeding:
    """What the line `row` of hand-over `batch` of a dataset feeds, or the record of a table that bears `key`.

    Raises `LineageError` where there is no such table, line or record; `FileNotFoundError` where nothing was collected yet.
    """
    contract = {c.table: c for c in project.contracts.values()}.get(table)
    if contract is None:
        raise LineageError(f"{table}: records have a way from std on. {near(table, [c.table for c in project.contracts.values()])}")
    if (batch is None) != (row is None) or (batch is None) == (not key):
        raise LineageError(f"which record of {table}? Give --batch and --row of a line, or the record's key.")
    if batch is not None and contract.layer != "sources":
        raise LineageError(f"{table} is made from other tables: name its record by its key, {', '.join(contract.key)}.")
    with open_lake(project, read_only=True) as con, one_look(con):
        return Feeder(con, project, contract).feed(batch, row, key)


@dataclass
class Feeder:
    con: duckdb.DuckDBPyConnection
    project: Project
    contract: Contract
    reached: dict[str, str] = field(default_factory=dict)
    """By table the temporary table with its rows that are fed."""

    @cached_property
    def _columns(self) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
        from assets.models import columns_known

        return columns_known(self.project)

    def feed(self, batch: str | None, row: int | None, key: Sequence[str]) -> Feeding:
        from assets.models import order

        contract = self.contract
        at = "_batch = ? AND _row = ?"
        if batch is not None:
            which: dict[str, Any] = {"batch": batch, "row": row}
            found = self._begin(f"SELECT * FROM {quote(contract.table)} WHERE {at}{self._of_key(at, [batch, row])}", [batch, row])
            if not found:
                return self._elsewhere(which, [batch, row])
        else:
            check_key(self.con, contract, key)
            which = {k: shown(contract, k, v) for k, v in zip(contract.key, key, strict=True)}
            if not self._begin(f"SELECT * FROM {quote(contract.table)} WHERE {same_key(contract)}", list(key)):
                named = ", ".join(f"{k} = {v}" for k, v in which.items())
                raise LineageError(f"no record of {contract.table} has {named}. Check the key; a broken row is in quarantine.")
        fed, untold = [], {}
        for model in order(self.project):
            told = self._model(model)
            if isinstance(told, Fed):
                fed.append(told)
            elif told:
                untold[model.table] = told
        return Feeding(contract.table, contract.title, which, "stands", fed=tuple(fed), untold=untold)

    def _of_key(self, at: str, place: list[Any]) -> str:
        """A further condition on the key that stands at a place, or none: which row of a delta stands is decided key by key, and
        without it for every key that there is."""
        contract = self.contract
        if not is_delta(contract) or not contract.key or not is_there(self.con, f"std_batches.{contract.name}"):
            return ""
        key = ", ".join(map(quote, contract.key))
        found = self.con.execute(f"SELECT {key} FROM std_batches.{quote(contract.name)} WHERE {at}", place).fetchone()
        same = zip(contract.key, found or (), strict=found is not None)
        return "".join(f" AND {quote(k)} = CAST({literal(str(v))} AS {contract.column(k).sql_type})" for k, v in same if v is not None)

    def _begin(self, select: str, values: list[Any]) -> int:
        if not is_there(self.con, self.contract.table):
            raise LineageError(f"{self.contract.table} was not built yet. Run `yuanqing run` first.")
        return self._keep(self.contract.table, select, values)

    def _keep(self, table: str, select: str, values: Sequence[Any] = ()) -> int:
        name = f"temp.{quote(f'fed_{len(self.reached)}')}"
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name.removeprefix('temp.')} AS {select}", list(values))
        number = self.con.execute(f"SELECT count(*) FROM {name}").fetchone()
        if number and number[0]:
            self.reached[table] = name
        return number[0] if number else 0

    def _elsewhere(self, which: Mapping[str, Any], place: list[Any]) -> Feeding:
        """Of a line that does not stand: whether it was replaced, or is in quarantine."""
        contract = self.contract
        states: tuple[tuple[str, State], ...] = (("quarantine", "quarantined"), ("std_batches", "replaced"))
        for schema, state in states:
            kept = objects(self.con, f"SELECT _failed FROM {quote(f'{schema}.{contract.name}')} WHERE _batch = ? AND _row = ?", place)
            if kept:
                return Feeding(contract.table, contract.title, which, state, rules=tuple(kept[0]["_failed"] or ()))
        known = [b["batch"] for b in objects(self.con, "SELECT DISTINCT batch FROM evidence.batches WHERE dataset = ?", [contract.name])]
        remedy = "Lines count as in the file, its header included." if place[0] in known else near(str(place[0]), sorted(known))
        raise LineageError(f"{contract.table} has no line {place[1]} in batch {place[0]}. {remedy}")

    def _model(self, model: Contract) -> Fed | str | None:
        """What of a model is fed by what was reached so far; a reason where that cannot be told; None where nothing is."""
        from assets.models import read_model
        from assets.models.increment import read_increment
        from assets.models.sql import is_disagreement

        read = [t for t in read_model(model).tables if t in self.reached]
        if not read or not is_there(self.con, model.table):
            return None
        if is_disagreement(model):
            return self._fed(model, self._by_position(model, read), read, "position")
        increment = read_increment(model)
        if increment is not None:
            ways = {t: increment.keys(t.split(".")[1], self.reached[t]) for t in read if t.split(".")[1] in increment.expressions}
            if ways:
                keys = " UNION ".join(k for each in ways.values() for k in each)
                select = f"SELECT * FROM {quote(model.table)} WHERE ({increment.key}) IN (SELECT ({increment.key}) FROM ({keys}))"
                return self._fed(model, select, list(ways), "increment")
        ways_by_key = {t: found for t in read if (found := self._by_key(model, t))}
        if ways_by_key:
            return self._fed(model, " UNION ".join(ways_by_key.values()), list(ways_by_key), "key")
        return (
            f"读取 {', '.join(read)}，无法定位到记录：契约未声明 increment。"
            f" It reads these, and its contract declares no increment for them: its records cannot be told."
        )

    def _by_position(self, model: Contract, read: Sequence[str]) -> str:
        """A contradiction names batch and row of both sides."""
        sides = (("dataset", "batch", "row"), ("other", "other_batch", "other_row"))
        parts = [
            f"SELECT d.* FROM {quote(model.table)} AS d SEMI JOIN {self.reached[t]} AS r"
            f" ON d.{quote(of)} = '{t.split('.')[1]}' AND d.{quote(batch)} = r._batch AND d.{quote(row)} = r._row"
            for t in read
            for of, batch, row in sides
        ]
        return " UNION ".join(parts)

    def _by_key(self, model: Contract, table: str) -> str | None:
        """The records of a model whose whole key is taken from columns of a table as they are."""
        lineage = self._lineage(model)
        pairs = []
        for k in model.key:
            of = sorted(d.column for d in lineage.columns[k] if d.table == table and d.subtype == "IDENTITY")
            if not of:
                return None
            pairs.append(f"m.{quote(k)} = r.{quote(of[0])}")
        return f"SELECT m.* FROM {quote(model.table)} AS m SEMI JOIN {self.reached[table]} AS r ON {' AND '.join(pairs)}" if pairs else None

    def _lineage(self, model: Contract) -> Lineage:
        from assets.models.lineage import model_lineage

        return model_lineage(self.project, model, self._columns)

    def _fed(self, model: Contract, select: str, through: Sequence[str], how: How) -> Fed | None:
        total = self._keep(model.table, select)
        if not total:
            return None
        keys = ", ".join(map(quote, model.key)) or "1"
        rows = objects(self.con, f"SELECT * FROM {self.reached[model.table]} ORDER BY {keys} LIMIT {SHOWN}")
        return Fed(model.table, model.title, tuple(through), how, total, tuple(self._records(model, rows)))

    def _records(self, model: Contract, rows: Sequence[Mapping[str, Any]]) -> Iterator[Record]:
        from assets.models import read_model
        from assets.models.fusion import is_fusion, read_fusion

        query = read_model(model)
        fusion = read_fusion(model, query) if is_fusion(query) else None
        source = self.contract.name
        fused = fusion is not None and source in fusion.sources and self.contract.layer == "sources"
        ours = objects(self.con, f"SELECT _batch, _row FROM {self.reached[self.contract.table]}") if fused else []
        for row in rows:
            key = {k: shown(model, k, row[k]) for k in model.key}
            if fusion is None or not fused:
                yield Record(key)
                continue
            place = row["_from"].get(source) or {}
            counts = any((place.get("batch"), place.get("row")) == (o["_batch"], o["_row"]) for o in ours)
            winners = row.get("_winner") or {}
            alone = {a: o.sources[0] for a, o in fusion.orders.items() if len(o.sources) == 1}
            stands = [a for a in fusion.orders if row[a] is not None and (alone | winners).get(a) == source]
            yield Record(key, counts, tuple(stands) if counts else ())
