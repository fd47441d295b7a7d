"""Building base and thematic tables: in which order, in full or by touched keys, in one transaction each.

Belongs here: writing to the lake. Not here: what the SQL means (`sql`, `fusion`), what must be built again (`increment`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from assets import evidence
from assets.judging import codes_of
from assets.lake import literal, one_look, quote, transaction
from assets.models.fusion import Fusion, drop_temporary, fuse, is_fusion, read_fusion
from assets.models.increment import FULL_FROM, TOUCHED, Changed, changed, cut_down, read_increment, share, standing_rows, touch
from assets.models.sql import CODES, Query, code_rows, columns_known, dependencies, is_disagreement, is_view, read_model
from assets.std import digest, ensure_std, ensure_view
from expectations.documents import DocumentError

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project


@dataclass(frozen=True)
class Built:
    """What one build did: `rows` in the table now, `changed` rows written, `batches` newly in it, `full` or by keys."""

    table: str
    rows: int
    changed: int
    batches: tuple[str, ...]
    full: bool


@dataclass(frozen=True)
class _Model:
    contract: Contract
    query: Query
    sources: tuple[Contract, ...]
    models: tuple[Contract, ...]
    fusion: Fusion | None
    codes: Mapping[str, str]

    @property
    def declared(self) -> dict[str, str]:
        provenance = self.fusion.provenance if self.fusion else {}
        return {c.name: c.sql_type for c in self.contract.columns} | provenance

    @property
    def definition(self) -> str:
        """Names what the table is made by: with another text, other columns or another order of authority, it is made anew."""
        orders = dict(self.fusion.orders) if self.fusion else {}
        return digest(json.dumps([self.query.text, self.declared, self.contract.key, orders, dict(self.codes)]))

    def select(self, replaced: Mapping[str, str] | None = None) -> str:
        """Its SQL, code tables written out, and the given tables replaced."""
        replacement = {f"{CODES}.{name}": rows for name, rows in self.codes.items()} | dict(replaced or {})
        return self.query.rewritten(replacement.get)


def order(project: Project) -> list[Contract]:
    """The project's models, each after those that it reads. Raises `DocumentError` naming the models of a circle."""
    models = {c.table: c for c in project.models()}
    needs = {table: [t for t in dependencies(c) if t in models] for table, c in models.items()}
    try:
        return [models[table] for table in TopologicalSorter(needs).static_order()]
    except CycleError as error:
        circle = error.args[1]
        raise DocumentError(
            models[circle[0]].sql_path, None, f"models read each other in a circle: {' < '.join(circle)}.", "Take one of these away."
        ) from None


def create_views(con: duckdb.DuckDBPyConnection, project: Project) -> None:
    """Make every source's tables and view, so that models and people can read `std` before anything was delivered."""
    with one_look(con):
        for contract in project.sources():
            ensure_std(con, contract)


def build(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, run_id: str) -> Built:
    """Bring one base or thematic table up to the batches that stand now, in one transaction.

    Without a batch that came or went since it was built nothing is done, and no snapshot made. The models that it reads must
    have been built before (`order`). Raises `DocumentError` for SQL that does not fit the contracts.
    """
    if is_disagreement(contract):
        from assets.crosschecks.building import build_disagreement

        return build_disagreement(con, project, contract, run_id)
    model = _read(project, contract)
    with one_look(con):
        for source in model.sources:
            ensure_std(con, source)
        what = changed(con, contract, model.sources, model.models)
        stands = is_view(contract) or _stands(con, model)
    if is_view(contract):
        return _view(con, model, what, run_id)
    if stands and not what:
        return Built(contract.table, _count(con, contract.table), 0, (), False)
    new = sorted(what.present - what.built)
    increment = read_increment(contract)
    incremental = (
        increment is not None
        and stands
        and bool(what.built)
        and not model.models
        and all(s.name in increment.expressions for s in model.sources if what.moved[s.name])
        and share(con, what.moved, model.sources) < FULL_FROM
    )
    try:
        with transaction(con, run_id, f"build {contract.table}: {len(new)} batches"):
            if not stands:
                _create(con, model)
            written = _by_keys(con, model, what) if incremental else _in_full(con, model, what, fresh=not stands)
            _incorporate(con, contract, what, run_id)
    finally:
        con.execute("DROP TABLE IF EXISTS temp.touched")
        if model.fusion:
            drop_temporary(con, model.fusion)
    return Built(contract.table, _count(con, contract.table), written, tuple(new), not incremental)


def _read(project: Project, contract: Contract) -> _Model:
    columns = columns_known(project)
    tables = dependencies(contract, columns)
    known = {c.table: c for c in project.contracts.values()}
    query = read_model(contract)
    inputs = [known[t] for t in tables]
    codes = codes_of(project)
    names = [t.split(".")[1] for t in query.tables if t.startswith(f"{CODES}.")]
    return _Model(
        contract,
        query,
        tuple(c for c in inputs if c.layer == "sources"),
        tuple(c for c in inputs if c.layer != "sources"),
        read_fusion(contract, query) if is_fusion(query) else None,
        {name: code_rows(codes, name) for name in names},
    )


def _stands(con: duckdb.DuckDBPyConnection, model: _Model) -> bool:
    schema, name = model.contract.table.split(".")
    found = con.execute(
        "SELECT comment FROM duckdb_tables() WHERE database_name = 'lake' AND schema_name = ? AND table_name = ?", [schema, name]
    ).fetchone()
    return found is not None and str(found[0]).endswith(f"[{model.definition}]")


def _create(con: duckdb.DuckDBPyConnection, model: _Model) -> None:
    table = quote(model.contract.table)
    declared = ", ".join(f"{quote(name)} {kind}" for name, kind in model.declared.items())
    con.execute(f"DROP TABLE IF EXISTS {table}")
    con.execute(f"CREATE TABLE {table} ({declared})")
    con.execute(f"COMMENT ON TABLE {table} IS {literal(f'{model.contract.title} [{model.definition}]')}")


def _rows(con: duckdb.DuckDBPyConnection, model: _Model, replaced: Mapping[str, str]) -> str:
    select = model.select(replaced)
    if model.fusion:
        return fuse(con, model.fusion, select)
    columns = ", ".join(f"CAST({quote(c.name)} AS {c.sql_type}) AS {quote(c.name)}" for c in model.contract.columns)
    return f"SELECT {columns} FROM ({select}\n)"


def _in_full(con: duckdb.DuckDBPyConnection, model: _Model, what: Changed, *, fresh: bool) -> int:
    """Build from all rows. A table that stands keeps its unchanged rows, so that its change feed shows what changed."""
    table = quote(model.contract.table)
    rows = _rows(con, model, {s.table: standing_rows(s, what.standing[s.name]) for s in model.sources})
    if fresh:
        return _affected(con, f"INSERT INTO {table} {rows}")
    if model.fusion:
        con.execute(f"DELETE FROM {table}")
        return _affected(con, f"INSERT INTO {table} {rows}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {rows}")
    con.execute(f"DELETE FROM {table} WHERE {_whole(model)} NOT IN (SELECT {_whole(model)} FROM {TOUCHED})")
    return _affected(con, f"INSERT INTO {table} SELECT * FROM {TOUCHED} EXCEPT ALL SELECT * FROM {table}")


def _whole(model: _Model) -> str:
    return f"({', '.join(quote(c.name) for c in model.contract.columns)})"


def _by_keys(con: duckdb.DuckDBPyConnection, model: _Model, what: Changed) -> int:
    increment = read_increment(model.contract)
    assert increment is not None
    if not touch(con, increment, what.moved, model.sources):
        return 0
    table = quote(model.contract.table)
    replaced = {s.table: cut_down(increment, s, what.standing[s.name]) for s in model.sources if s.name in increment.expressions}
    rows = _rows(con, model, replaced)
    touched = f"({increment.key}) IN (SELECT ({increment.key}) FROM {TOUCHED})"
    con.execute(f"DELETE FROM {table} WHERE {touched}")
    return _affected(con, f"INSERT INTO {table} SELECT * FROM ({rows}) WHERE {touched}")


def _view(con: duckdb.DuckDBPyConnection, model: _Model, what: Changed, run_id: str) -> Built:
    contract = model.contract
    columns = ", ".join(f"CAST({quote(c.name)} AS {c.sql_type}) AS {quote(c.name)}" for c in contract.columns)
    select = f"SELECT {columns} FROM ({model.select()}\n)"
    new = sorted(what.present - what.built)
    with transaction(con, run_id, f"build {contract.table}: {len(new)} batches"):
        made = ensure_view(con, contract.table, contract.title, select)
        if what:
            _incorporate(con, contract, what, run_id)
    return Built(contract.table, _count(con, contract.table), 0, tuple(new), made)


def _incorporate(con: duckdb.DuckDBPyConnection, contract: Contract, what: Changed, run_id: str) -> None:
    gone = ", ".join(map(literal, sorted(what.built - what.present)))
    if gone:
        con.execute(f"DELETE FROM evidence.lineage WHERE dataset = ? AND batch IN ({gone})", [contract.table])
    now = datetime.now()
    evidence.write(
        con,
        "lineage",
        [{"dataset": contract.table, "batch": b, "run_id": run_id, "written_at": now} for b in sorted(what.present - what.built)],
    )


def _affected(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {quote(table)}").fetchone()
    return int(row[0]) if row else 0
