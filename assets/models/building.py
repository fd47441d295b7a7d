"""Building base and thematic tables: in which order, in full or by touched keys, in one transaction each.

Belongs here: writing to the lake. Not here: what the SQL means (`sql`, `fusion`), what must be built again (`increment`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from assets import evidence
from assets.judging import codes_of
from assets.lake import affected, is_there, literal, one_look, quote, transaction
from assets.models.feed import Last, last, note, state
from assets.models.fusion import Fusion, drop_temporary, fuse, is_fusion, read_fusion, values_view
from assets.models.history import History, check_history, has_history
from assets.models.increment import (
    FULL_FROM,
    TOUCHED,
    Changed,
    ages,
    changed,
    cut_down,
    cut_down_model,
    may_go_by_keys,
    read_increment,
    share,
    standing_rows,
    touch,
)
from assets.models.parts import at_once, cut, until_it_fits
from assets.models.sql import CODES, Query, code_rows, columns_known, dependencies, is_disagreement, is_view, read_model
from assets.std import digest, ensure_all, ensure_view, is_delta, period_end, settled
from expectations.documents import DocumentError

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project

ROW = 750
"""Bytes of memory for a row of a source, of those that are fused at once. Of more than the memory holds a table is made part by part,
each reading the sources again."""


@dataclass(frozen=True)
class Built:
    """What one build did: `rows` in the table now, `changed` rows written, `batches` newly in it, `full` or by keys.

    `carried` rows stand in part on a last good row, because the newest is in quarantine; the oldest of them is so many `days` old.
    """

    table: str
    rows: int
    changed: int
    batches: tuple[str, ...]
    full: bool
    carried: int = 0
    days: int = 0


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
        orders = repr(dict(self.fusion.orders)) if self.fusion else ""
        made = [(c.agreement, c.derived) for c in self.contract.columns]
        return digest(json.dumps([self.query.text, self.declared, self.contract.key, orders, made, dict(self.codes)]))

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
        ensure_all(con, project.sources())


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
        ensure_all(con, model.sources)
        read = state(con)
        what = changed(con, contract, model.sources, model.models)
        built = last(con, contract.table)
        stands = is_view(contract) or (built is not None and built.definition == model.definition and _there(con, contract))
        as_of = _as_of(con, model, what)
        aged = _aged(con, model, as_of, built) if stands else None
        history = _history(model)
        told = history.moved(con) if history else {}
        retold = history is not None and (bool(told) or not history.stands(con))
        due = not stands or bool(what) or aged is not None
        if not due and not retold and not is_view(contract):
            return Built(contract.table, count(con, contract.table), 0, (), False)
        increment = read_increment(contract)
        by_keys = (
            stands
            and aged is not _ALL
            and not is_view(contract)
            and may_go_by_keys(con, increment, what, model.models)
            and share(con, what.moved, model.sources) < FULL_FROM
        )
    if is_view(contract):
        return _view(con, model, what, run_id, read)
    new = sorted(what.present - what.built)
    build = _Build(model, what, f"DATE '{as_of}'" if as_of else "NULL", aged)

    def make(finer: int) -> tuple[int, int, int, int]:
        try:
            with transaction(con, run_id, f"build {contract.table}: {len(new)} batches"):
                if not stands:
                    _create(con, model)
                    _values(con, model)
                written = 0
                if due:
                    _tell_ages(con, build)
                    taken, written = _by_keys(con, build) if by_keys else _in_full(con, build, finer, fresh=not stands)
                    incorporate(con, contract, what, run_id)
                    moved = taken + written
                    note(con, contract.table, read, run_id, definition=model.definition, rows=moved, anew=not stands, as_of=as_of)
                if history and retold:
                    history.update(con, told, run_id, finer)
                return count(con, contract.table), written, *_carried(con, build)
        finally:
            con.execute("DROP TABLE IF EXISTS temp.touched")
            if model.fusion:
                drop_temporary(con, model.fusion)

    in_parts = model.fusion is not None and (retold or not by_keys)
    rows, written, carried, days = until_it_fits(con, contract.table, make) if in_parts else make(1)
    return Built(contract.table, rows, written, tuple(new), not by_keys, carried, days)


def _history(model: _Model) -> History | None:
    contract = model.contract
    if not has_history(contract):
        return None
    increment = read_increment(contract)
    check_history(contract, model.query, model.fusion, increment)
    assert model.fusion is not None
    assert increment is not None
    return History(contract, model.fusion, increment, {s.name: s for s in model.sources}, model.select, model.definition)


_ALL = "all"
"""Every age is to be counted anew: the hand-overs speak of an earlier day than before."""


@dataclass(frozen=True)
class _Build:
    """One build: what moved, SQL for the day at which ages are counted, and a SELECT of the keys that change by age alone."""

    model: _Model
    what: Changed
    as_of: str
    aged: str | None


def _as_of(con: duckdb.DuckDBPyConnection, model: _Model, what: Changed) -> date | None:
    """The last day that the standing hand-overs speak of, where a model counts ages; it does not depend on today."""
    if not (model.fusion and model.fusion.limited):
        return None
    batches = ", ".join(map(literal, sorted(set().union(*what.standing.values())))) or "NULL"
    row = con.execute(f"SELECT max({period_end('period')}) FROM evidence.batches WHERE batch IN ({batches})").fetchone()
    return row[0] if row else None


def _aged(con: duckdb.DuckDBPyConnection, model: _Model, as_of: date | None, built: Last | None) -> str | None:
    """A SELECT of the keys whose row changes by age alone; `_ALL` where every row may; None where none does."""
    before = built.as_of if built else None
    if as_of is None or before is None or as_of == before:
        return None
    if as_of < before:
        return _ALL
    keys = ", ".join(map(quote, model.contract.key))
    select = f"SELECT {keys} FROM {quote(model.contract.table)} WHERE _until <= DATE '{as_of}'"
    return select if con.execute(f"SELECT 1 FROM ({select}) LIMIT 1").fetchone() else None


def _tell_ages(con: duckdb.DuckDBPyConnection, build: _Build) -> None:
    """Make `temp.ages` where rows of older hand-overs are carried on."""
    kept = [ages(s, batches) for s in build.model.sources if (batches := build.what.kept[s.name])]
    if kept and build.model.fusion:
        con.execute(f"CREATE OR REPLACE TEMP TABLE ages AS {' UNION ALL '.join(kept)}")


def _read(project: Project, contract: Contract) -> _Model:
    columns = columns_known(project, {contract.table, *read_model(contract).tables})
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


def _there(con: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    return is_there(con, contract.table)


def _create(con: duckdb.DuckDBPyConnection, model: _Model) -> None:
    table = quote(model.contract.table)
    declared = ", ".join(f"{quote(name)} {kind}" for name, kind in model.declared.items())
    con.execute(f"DROP TABLE IF EXISTS {table}")
    con.execute(f"CREATE TABLE {table} ({declared})")
    con.execute(f"COMMENT ON TABLE {table} IS {literal(f'{model.contract.title} [{model.definition}]')}")


def _carried(con: duckdb.DuckDBPyConnection, build: _Build) -> tuple[int, int]:
    """How many rows of a fused table are carried on, and the days of the oldest."""
    if not (build.model.fusion and any(build.what.kept.values())):
        return 0, 0
    oldest = "max(list_max(list_transform(_carried, lambda c: c.days)))"
    row = con.execute(
        f"SELECT count(*), coalesce({oldest}, 0) FROM {quote(build.model.contract.table)} WHERE _carried IS NOT NULL"
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _values(con: duckdb.DuckDBPyConnection, model: _Model) -> None:
    """Make the view of what sources say where they disagree: `base.<name>__values`."""
    if model.fusion and model.fusion.contested:
        departments = {s.name: s.department for s in model.sources}
        title = f"{model.contract.title}：各方所称 what each source says"
        ensure_view(con, f"{model.contract.table}__values", title, values_view(model.fusion, departments))


def ensure_beside(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract) -> None:
    """Make the views and the macro beside a table that stands under its name without having been built under it (`assets.renames`).

    Those of a table that is to be made anew come with it.
    """
    if is_disagreement(contract) or is_view(contract):
        return
    model, built = _read(project, contract), last(con, contract.table)
    if built is not None and built.definition == model.definition:
        _values(con, model)
    history = _history(model)
    if history and history.stands(con):
        history.ensure(con)


def _rows(con: duckdb.DuckDBPyConnection, build: _Build, replaced: Mapping[str, str], *, few: bool = False, part: str = "TRUE") -> str:
    model = build.model
    select = model.select(replaced)
    if model.fusion:
        return fuse(con, model.fusion, select, as_of=build.as_of, aged=any(build.what.kept.values()), few=few, part=part)
    columns = ", ".join(f"CAST({quote(c.name)} AS {c.sql_type}) AS {quote(c.name)}" for c in model.contract.columns)
    return f"SELECT {columns} FROM ({select}\n)"


def _in_full(con: duckdb.DuckDBPyConnection, build: _Build, finer: int, *, fresh: bool) -> tuple[int, int]:
    """Build from all rows, a fused table in `finer` times as many parts: rows taken away and rows written.

    A table that stands keeps its unchanged rows, so that its feed tells.
    """
    model = build.model
    table, standing = quote(model.contract.table), {s.table: standing_rows(s, build.what.standing[s.name]) for s in model.sources}
    # a record is then found in one part of the file, and what is alike stands together
    order = f" ORDER BY {', '.join(map(quote, model.contract.key))}" if model.contract.key else ""
    if model.fusion:
        taken, written = 0 if fresh else affected(con, f"DELETE FROM {table}"), 0
        parts = _parts(con, build, finer)
        with settled(con, [s for s in model.sources if parts > 1 and is_delta(s) and s.key]) as rows_of_deltas:
            standing |= rows_of_deltas
            for part in cut(con, model.contract, model.select(standing), parts):
                written += affected(con, f"INSERT INTO {table} SELECT * FROM ({_rows(con, build, standing, part=part)}\n){order}")
        return taken, written
    rows = f"SELECT * FROM ({_rows(con, build, standing)}\n){order}"
    if fresh:
        return 0, affected(con, f"INSERT INTO {table} {rows}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {rows}")
    taken = affected(con, f"DELETE FROM {table} WHERE {_whole(model)} NOT IN (SELECT {_whole(model)} FROM {TOUCHED})")
    return taken, affected(con, f"INSERT INTO {table} SELECT * FROM {TOUCHED} EXCEPT ALL SELECT * FROM {table}")


def _parts(con: duckdb.DuckDBPyConnection, build: _Build, finer: int) -> int:
    """In how many parts a fused table is made: joined and sorted at once, a province would need 50 GB of working files."""
    listed = ", ".join(map(literal, sorted({b for batches in build.what.standing.values() for b in batches}))) or "NULL"
    rows = affected(con, f"SELECT coalesce(sum(rows_std), 0)::BIGINT FROM evidence.batches WHERE batch IN ({listed})")
    return -(-rows // at_once(con, ROW)) * finer


def _whole(model: _Model) -> str:
    return f"({', '.join(quote(c.name) for c in model.contract.columns)})"


def _by_keys(con: duckdb.DuckDBPyConnection, build: _Build) -> tuple[int, int]:
    model, what = build.model, build.what
    increment = read_increment(model.contract)
    assert increment is not None
    if not touch(con, increment, what, model.sources, model.models, [build.aged] if build.aged else []):
        return 0, 0
    table = quote(model.contract.table)
    replaced = {s.table: cut_down(increment, s, what.standing[s.name]) for s in model.sources if s.name in increment.expressions}
    replaced |= {m.table: cut_down_model(increment, m) for m in model.models if m.name in increment.expressions}
    rows = _rows(con, build, replaced, few=True)
    touched = f"({increment.key}) IN (SELECT ({increment.key}) FROM {TOUCHED})"
    taken = affected(con, f"DELETE FROM {table} WHERE {touched}")
    return taken, affected(con, f"INSERT INTO {table} SELECT * FROM ({rows}) WHERE {touched}")


def _view(con: duckdb.DuckDBPyConnection, model: _Model, what: Changed, run_id: str, read: int) -> Built:
    contract = model.contract
    columns = ", ".join(f"CAST({quote(c.name)} AS {c.sql_type}) AS {quote(c.name)}" for c in contract.columns)
    select = f"SELECT {columns} FROM ({model.select()}\n)"
    new = sorted(what.present - what.built)
    with transaction(con, run_id, f"build {contract.table}: {len(new)} batches"):
        made = ensure_view(con, contract.table, contract.title, select)
        if what:
            incorporate(con, contract, what, run_id)
        if what or made:
            note(con, contract.table, read, run_id, definition=digest(select), anew=True)
        rows = count(con, contract.table)
    return Built(contract.table, rows, 0, tuple(new), made)


def incorporate(con: duckdb.DuckDBPyConnection, contract: Contract, what: Changed, run_id: str) -> None:
    """Write down what the table is made of now; within the transaction that made it so."""
    gone = ", ".join(map(literal, sorted(what.built - what.present)))
    if gone:
        con.execute(f"DELETE FROM evidence.lineage WHERE dataset = ? AND batch IN ({gone})", [contract.table])
    now = datetime.now()
    evidence.write(
        con,
        "lineage",
        [{"dataset": contract.table, "batch": b, "run_id": run_id, "written_at": now} for b in sorted(what.present - what.built)],
    )


def count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """The rows of a table of the lake."""
    return affected(con, f"SELECT count(*) FROM {quote(table)}")
