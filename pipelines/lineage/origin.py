"""Where one record came from: per attribute the department, hand-over and line that said so, and the text as it came.

Belongs here: following one row of `std`, `base` or `thematic` back to raw rows. Not here: how it is shown
(`pipelines.lineage.origin_view`), lineage of whole tables and columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assets.contracts import Column, Contract
from assets.lake import columns_of, literal, objects, one_look, open_lake, quote
from assets.masking import mask
from assets.readers.parts import placed
from expectations.documents import near
from pipelines.lineage.origin_records import Attribute, Failed, HandedOver, Inputs, Origin, Said

if TYPE_CHECKING:
    import duckdb

    from assets.models import Query
    from assets.project import Project
    from expectations.suite import Suite


class OriginError(LookupError):
    """There is no such table or record, or nothing by which one record of it could be told from another."""


def origin(project: Project, table: str, key: Sequence[str], *, unmasked: bool = False) -> Origin:
    """Follow the record of `table` (`base.population`, or the dataset's name alone) whose key is `key` to its hand-overs.

    Raises `OriginError` for an unknown table, one without a key, a wrong number of key parts, or a record that is not there
    (saying whether it is in quarantine); `FileNotFoundError` where nothing was collected yet.
    """
    contract = _contract(project, table)
    with open_lake(project, read_only=True) as con, one_look(con):
        return _Tracer(con, project, unmasked).trace(contract, tuple(key))


def _contract(project: Project, table: str) -> Contract:
    spoken = table.strip().replace("/", ".")
    schema, _, name = spoken.rpartition(".")
    contract = project.contracts.get(name)
    if contract is None:
        raise OriginError(f"no dataset is named {name!r}. {near(name, project.contracts)}")
    if schema and schema != contract.schema:
        raise OriginError(f"no table {spoken}. Did you mean {contract.table!r}?")
    return contract


@dataclass
class _Tracer:
    con: duckdb.DuckDBPyConnection
    project: Project
    unmasked: bool
    said: dict[tuple[str, str, int], dict[str, Said]] = field(default_factory=dict)

    @cached_property
    def columns(self) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
        from assets.models import columns_known

        return columns_known(self.project)

    def trace(self, contract: Contract, key: tuple[str, ...]) -> Origin:
        from assets.models import read_model
        from assets.models.fusion import is_fusion
        from assets.models.lineage import made_from, model_lineage

        row = self._row(contract, key)
        shown = {k: self._shown(contract.column(k), row[k]) for k in contract.key}
        if contract.layer == "sources":
            says = self._says(contract, row["_batch"], row["_row"])
            attributes = tuple(
                Attribute(c.name, c.title, self._shown(c, row[c.name]), says[c.name], (), (f"{contract.table}.{c.name}",))
                for c in contract.columns
            )
            return Origin(contract.table, contract.title, shown, attributes)
        query = read_model(contract)
        sources = made_from(model_lineage(self.project, contract, self.columns))
        if is_fusion(query):
            return Origin(contract.table, contract.title, shown, tuple(self._fused(contract, query, row, sources)))
        inputs = tuple(self._inputs(contract, row))
        nested = {} if inputs else self._nested(contract, row, sources)
        note = None
        if not inputs and not nested:
            note = (
                "无法定位到来源行：模型未带出来源表的主键，契约也未声明 increment。"
                " Its inputs cannot be told row by row: the SELECT gives no key of what it reads, and the contract declares no increment."
            )
        return Origin(contract.table, contract.title, shown, tuple(self._derived(contract, row, sources, nested)), inputs, note)

    def _row(self, contract: Contract, key: tuple[str, ...]) -> dict[str, Any]:
        if not contract.key:
            raise OriginError(
                f"{contract.table} declares no key, so no single record can be named. Declare primaryKey in {contract.path.name}."
            )
        if len(key) != len(contract.key):
            raise OriginError(f"{len(key)} key parts given; {contract.table} needs {len(contract.key)}: {', '.join(contract.key)}.")
        if columns_of(self.con, contract.table) is None:
            raise OriginError(f"{contract.table} was not built yet. Run `yuanqing run` first.")
        found = objects(self.con, f"SELECT * FROM {quote(contract.table)} WHERE {self._matches(contract)}", key)
        if not found:
            raise OriginError(self._absent(contract, key))
        return found[0]

    def _matches(self, contract: Contract) -> str:
        return " AND ".join(f"{quote(k)} = TRY_CAST(? AS {contract.column(k).sql_type})" for k in contract.key)

    def _absent(self, contract: Contract, key: tuple[str, ...]) -> str:
        shown = ", ".join(f"{k} = {self._shown(contract.column(k), v)}" for k, v in zip(contract.key, key, strict=True))
        found = f"no record of {contract.table} has {shown}."
        if contract.layer != "sources" or columns_of(self.con, f"quarantine.{contract.name}") is None:
            return f"{found} Check the key; a row whose identity is broken stays in quarantine and never gets here."
        by_text = " AND ".join(f"{quote(k)} = ?" for k in contract.key)
        kept = objects(
            self.con,
            f"SELECT _batch, _row, _failed FROM quarantine.{quote(contract.name)} WHERE {by_text} ORDER BY _batch DESC LIMIT 1",
            key,
        )
        if kept:
            rules = ", ".join(kept[0]["_failed"] or ())
            return f"{found} It is in quarantine: batch {kept[0]['_batch']}, row {kept[0]['_row']}, rules {rules}."
        older = objects(self.con, f"SELECT max(_batch) AS b FROM std_batches.{quote(contract.name)} WHERE {self._matches(contract)}", key)
        if older[0]["b"]:
            return f"{found} It was in batch {older[0]['b']}, which a newer hand-over has replaced."
        return f"{found} Check the key."

    def _shown(self, column: Column, value: Any) -> str | None:
        text = None if value is None else str(value)
        return text if self.unmasked else mask(text, column.classification)

    def _says(self, source: Contract, batch: str, position: int) -> dict[str, Said]:
        """What the raw row at a position says, by column."""
        if (source.name, batch, position) in self.said:
            return self.said[source.name, batch, position]
        from assets.judging import Judge

        raw = objects(self.con, f"SELECT * FROM raw.{quote(source.name)} WHERE _batch = ? AND _row = ?", [batch, position])
        relation = f"(SELECT * FROM raw.{quote(source.name)} WHERE _batch = {literal(batch)} AND _row = {int(position)})"
        staged = objects(self.con, Judge(self.project, source).staged(relation)) if raw else []
        handed = self._handed_over(source, batch, position)
        says = {
            c.name: Said(
                handed, c.name, self._shown(c, raw[0][c.name]) if raw else None, staged[0][f"{c.name}__repair"] if staged else None
            )
            for c in source.columns
        }
        self.said[source.name, batch, position] = says
        return says

    def _handed_over(self, source: Contract, batch: str, position: int) -> HandedOver:
        found = objects(
            self.con,
            "SELECT unit, period, source, received_at, parts FROM evidence.batches WHERE batch = ? AND status = 'standardised'",
            [batch],
        )
        about: dict[str, Any] = found[0] if found else dict.fromkeys(("unit", "period", "source", "received_at", "parts"))
        file, row = placed(about["source"] or "", position, about["parts"])
        rules = objects(
            self.con,
            "SELECT rule FROM evidence.issues WHERE dataset = ? AND batch = ? AND row = ? ORDER BY rule",
            [source.name, batch, position],
        )
        return HandedOver(
            dataset=source.name,
            title=source.title,
            department=source.department,
            department_en=source.department_en,
            batch=batch,
            unit=about["unit"] or "",
            period=about["period"] or "",
            file=file,
            row=row,
            received_at=about["received_at"].isoformat(sep=" ", timespec="seconds") if about["received_at"] else None,
            failed=tuple(self._failed(source, r["rule"]) for r in rules),
        )

    def _failed(self, source: Contract, rule: str) -> Failed:
        suite = self._suite(source)
        known = next((r for r in suite.rules if r.id == rule), None) if suite else None
        return Failed(rule, known.title_zh, known.title_en, known.columns) if known else Failed(rule, rule, rule, ())

    def _suite(self, source: Contract) -> Suite | None:
        from assets.judging import suite_of

        return suite_of(self.project, source)

    def _fused(
        self, contract: Contract, query: Query, row: Mapping[str, Any], made_from: Mapping[str, Sequence[tuple[str, str]]]
    ) -> Iterator[Attribute]:
        from assets.models.fusion import read_fusion

        fusion = read_fusion(contract, query)
        winners = row.get("_winner") or {}
        at = {source: place for source, place in row["_from"].items() if place and place["batch"]}
        for column in contract.columns:
            order = fusion.orders.get(column.name)
            sources = [s for s in (order.sources if order else fusion.sources) if s in at]
            said = {}
            for source in sources:
                of = next((c for table, c in made_from[column.name] if table == f"std.{source}"), None)
                if of is not None:
                    said[source] = self._says(self.project.contracts[source], at[source]["batch"], at[source]["row"])[of]
            winner = winners.get(column.name) or (next(iter(said), None) if row[column.name] is not None else None)
            others = tuple(s for source, s in said.items() if source != winner)
            yield Attribute(
                column.name,
                column.title,
                self._shown(column, row[column.name]),
                said.get(winner or ""),
                others,
                _spoken(made_from[column.name]),
            )

    def _inputs(self, contract: Contract, row: Mapping[str, Any]) -> Iterator[Inputs]:
        """The standing source rows that bear on the record's key, by batch, as the contract's increment tells them."""
        from assets.models.increment import read_increment

        increment = read_increment(contract)
        for name, ways in (increment.expressions if increment else {}).items():
            source = self.project.contracts[name]
            if source.layer != "sources":
                continue
            kinds = [contract.column(k).sql_type for k in contract.key]
            each = [" AND ".join(f"({e}) = CAST(? AS {kind})" for e, kind in zip(way, kinds, strict=True)) for way in ways]
            same = " OR ".join(f"({one})" for one in each)
            found = objects(
                self.con,
                "SELECT r._batch, count(*) AS n, min(r._row) AS first, max(r._row) AS last"
                f" FROM std.{quote(name)} AS r WHERE {same} GROUP BY ALL ORDER BY r._batch",
                [row[k] for k in contract.key] * len(ways),
            )
            for one in found:
                handed = self._handed_over(source, one["_batch"], one["first"])
                yield Inputs(
                    name,
                    source.department,
                    source.department_en,
                    handed.batch,
                    handed.period,
                    handed.file,
                    one["n"],
                    one["first"],
                    one["last"],
                )

    def _nested(self, contract: Contract, row: Mapping[str, Any], made_from: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, Origin]:
        """The origins of the records that were joined, by table: those whose whole key the record carries."""
        carried = {sources[0]: row[name] for name, sources in made_from.items() if len(sources) == 1 and name in row}
        found = {}
        for table in dict.fromkeys(t for sources in made_from.values() for t, _ in sources):
            below = self.project.contracts[table.split(".")[1]]
            values = tuple(carried.get((table, k)) for k in below.key)
            values = tuple(
                v if v is not None else self._joined(contract, table, k, carried) for v, k in zip(values, below.key, strict=True)
            )
            if below.key and all(v is not None for v in values):
                found[table] = self.trace(below, tuple(str(v) for v in values))
        return found

    def _joined(self, contract: Contract, table: str, column: str, carried: Mapping[tuple[str, str], Any]) -> Any:
        """A key column that the record carries under another table's name, because the SELECT joins the two by equality."""
        from assets.models import read_model

        for one, other in read_model(contract).equalities(self.columns):
            if one == (table, column) and other in carried:
                return carried[other]
            if other == (table, column) and one in carried:
                return carried[one]
        return None

    def _derived(
        self, contract: Contract, row: Mapping[str, Any], made_from: Mapping[str, Sequence[tuple[str, str]]], nested: Mapping[str, Origin]
    ) -> Iterator[Attribute]:
        for column in contract.columns:
            sources = made_from[column.name]
            below = None
            if len(sources) == 1 and sources[0][0] in nested:
                below = next((a for a in nested[sources[0][0]].attributes if a.name == sources[0][1]), None)
            value = self._shown(column, row[column.name])
            if below is not None and below.value != value:
                below = None  # calculated from the one below, which nobody said so
            yield Attribute(
                column.name, column.title, value, below.said if below else None, below.others if below else (), _spoken(sources)
            )


def _spoken(sources: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{table}.{column}" for table, column in sources)
