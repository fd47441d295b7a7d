"""Where one record came from: per attribute the department, hand-over and line that said so, and the text as it came.

Belongs here: following one row of `std`, `base` or `thematic` back to raw rows. Not here: how it is shown
(`pipelines.lineage.origin_view`), lineage of whole tables and columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.contracts import Contract
from assets.lake import is_there, objects, one_look, open_lake, quote
from expectations.documents import near
from pipelines.lineage.asking import LineageError
from pipelines.lineage.keys import check_key, same_key
from pipelines.lineage.origin_records import Attribute, Inputs, Origin
from pipelines.lineage.origin_rows import HandedRows

if TYPE_CHECKING:
    import duckdb

    from assets.models import Query
    from assets.project import Project


def origin(project: Project, table: str, key: Sequence[str], *, unmasked: bool = False) -> Origin:
    """Follow the record of `table` (`base.population`, or the dataset's name alone) whose key is `key` to its hand-overs.

    Raises `LineageError` for an unknown table, one without a key, a wrong number of key parts, or a record that is not there
    (saying whether it is in quarantine); `FileNotFoundError` where nothing was collected yet.
    """
    contract = contract_of(project, table)
    with open_lake(project, read_only=True, threads=1) as con, one_look(con):
        return Tracer(con, project, HandedRows(con, project, unmasked)).trace(contract, tuple(key))


def contract_of(project: Project, table: str) -> Contract:
    spoken = table.strip().replace("/", ".")
    schema, _, name = spoken.rpartition(".")
    contract = project.contracts.get(name)
    if contract is None:
        raise LineageError(f"no dataset is named {name!r}. {near(name, project.contracts)}")
    if schema and schema != contract.schema:
        raise LineageError(f"no table {spoken}. Did you mean {contract.table!r}?")
    return contract


@dataclass
class Tracer:
    con: duckdb.DuckDBPyConnection
    project: Project
    rows: HandedRows

    def trace(self, contract: Contract, key: tuple[str, ...]) -> Origin:
        from assets.models import read_model
        from assets.models.fusion import is_fusion
        from assets.models.lineage import made_from, model_lineage

        row = self._row(contract, key)
        shown = {k: self.rows.shown(contract.column(k), row[k]) for k in contract.key}
        if contract.layer == "sources":
            says = self.rows.says((contract.name, row["_batch"], row["_row"]))
            attributes = tuple(
                Attribute(c.name, c.title, self.rows.shown(c, row[c.name]), says[c.name], (), (f"{contract.table}.{c.name}",))
                for c in contract.columns
            )
            return Origin(contract.table, contract.title, shown, attributes)
        query = read_model(contract)
        sources = made_from(model_lineage(self.project, contract))
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
        check_key(self.con, contract, key)
        found = objects(self.con, f"SELECT * FROM {quote(contract.table)} WHERE {same_key(contract)}", key)
        if not found:
            raise LineageError(self._absent(contract, key))
        return found[0]

    def _absent(self, contract: Contract, key: tuple[str, ...]) -> str:
        shown = ", ".join(f"{k} = {self.rows.shown(contract.column(k), v)}" for k, v in zip(contract.key, key, strict=True))
        found = f"no record of {contract.table} has {shown}."
        if contract.layer != "sources" or not is_there(self.con, f"quarantine.{contract.name}"):
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
        older = objects(self.con, f"SELECT max(_batch) AS b FROM std_batches.{quote(contract.name)} WHERE {same_key(contract)}", key)
        if older[0]["b"]:
            return f"{found} It was in batch {older[0]['b']}, which a newer hand-over has replaced."
        return f"{found} Check the key."

    def _fused(
        self, contract: Contract, query: Query, row: Mapping[str, Any], made_from: Mapping[str, Sequence[tuple[str, str]]]
    ) -> Iterator[Attribute]:
        from assets.models.fusion import read_fusion

        fusion = read_fusion(contract, query)
        winners = row.get("_winner") or {}
        at = {source: (source, place["batch"], place["row"]) for source, place in row["_from"].items() if place and place["batch"]}
        self.rows.read(at.values())
        words: dict[str, dict[str, str]] = {}  # of disputed attributes what each source says, in the table's own terms
        for one in row.get("_said") or ():
            words.setdefault(one["attribute"], {})[one["source"]] = one["value"]
        for column in contract.columns:
            order = fusion.orders.get(column.name)
            sources = [s for s in (order.sources if order else fusion.sources) if s in at]
            said = {}
            for source in sources:
                of = next((c for table, c in made_from[column.name] if table == f"std.{source}"), None)
                if of is not None:
                    said[source] = self.rows.says(at[source])[of]
            winner = winners.get(column.name) or (next(iter(said), None) if row[column.name] is not None else None)
            others = tuple(s for source, s in said.items() if source != winner)
            word = words.get(column.name, {})
            overruled = tuple(s for source, s in said.items() if source in word and word[source] != word.get(winner or ""))
            yield Attribute(
                column.name,
                column.title,
                self.rows.shown(column, row[column.name]),
                said.get(winner or ""),
                others,
                _spoken(made_from[column.name]),
                overruled,
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
            self.rows.note([(name, one["_batch"], one["first"]) for one in found])
            for one in found:
                handed = self.rows.handed_over((name, one["_batch"], one["first"]))
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
        from assets.models import columns_known, read_model

        query = read_model(contract)
        for one, other in query.equalities(columns_known(self.project, {contract.table, *query.tables})):
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
            value = self.rows.shown(column, row[column.name])
            if below is not None and below.value != value:
                below = None  # calculated from the one below, which nobody said so
            yield Attribute(
                column.name, column.title, value, below.said if below else None, below.others if below else (), _spoken(sources)
            )


def _spoken(sources: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{table}.{column}" for table, column in sources)
