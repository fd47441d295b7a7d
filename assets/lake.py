"""The lake: one DuckLake that holds raw, standard, base and thematic tables and the evidence about them.

Belongs here: connecting, creating schemas and tables, one transaction with the run's name on it, the write lock.
Not here: what goes into a table.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from assets.evidence import TABLES

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

SCHEMAS = {
    "raw": "what was handed over, every value as the text that came",
    "std_batches": "every standardised row of every batch",
    "std": "the standardised rows that stand now: the newest full hand-over of each unit, the newest row of each key",
    "quarantine": "rows whose identity or shape is broken, as they came, with the rules they failed",
    "base": "one row a person, entity or licence, fused from the departments",
    "thematic": "base and standard tables joined for one field of service",
    "history": "what base tables said about a date, and what was known then",
    "flagged": "rows of base and thematic tables that break a rule, by key, with the rules they break",
    "evidence": "runs, batches, rejects, repairs, results, standards, issues, lineage, declarations, publications",
}


# Rows of hand-overs are written to files, however few. Few rows kept in the catalogue itself (as those of models and evidence are,
# which change by a few) make each first look at a table read all declarations of the lake once more: 15 ms, of a large lake 40.
IN_FILES = ("raw", "std_batches", "quarantine")


class LakeBusyError(Exception):
    """Another run writes into the lake."""


def quote(name: str) -> str:
    """`name` as a SQL identifier; a dotted `schema.table` keeps its dot outside the quotes."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def literal(value: str) -> str:
    """`value` as a SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def comments(kind: str, relation: str, comment: str, columns: Mapping[str, str]) -> str:
    """SQL that says what a table or view (`kind`; `relation` is SQL) and its columns hold: to be run in one piece, as each costs little."""
    said = [f"COMMENT ON COLUMN {relation}.{quote(name)} IS {literal(text)}" for name, text in columns.items()]
    return "; ".join([f"COMMENT ON {kind} {relation} IS {literal(comment)}", *said])


_verified: set[Path] = set()


def connect(*, extensions: tuple[str, ...] = (), memory_limit: str | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB connection with the named extensions loaded from their packages, offline.

    The first connection of a process checks each extension's signature; those after it do not check the same file again
    (0.35 s of work each time).
    """
    import duckdb

    files = [_extension(name) for name in extensions]
    known = bool(files) and _verified.issuperset(files)
    con = duckdb.connect(
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False, "allow_unsigned_extensions": known}
    )
    if memory_limit:
        con.execute(f"SET memory_limit = {literal(memory_limit)}; SET VARIABLE memory = {literal(memory_limit)}")
    con.execute("SET preserve_insertion_order = false")
    con.execute("SET python_enable_replacements = false")  # or an unknown table name imports pandas to look for a variable
    con.execute("SET enable_progress_bar = false")
    for file in files:
        con.execute(f"LOAD {literal(str(file))}")
    _verified.update(files)
    return con


def _extension(name: str) -> Path:
    spec = find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the package duckdb-extension-{name.replace('_', '-')} is not installed. Run `make run` again.")
    return next(Path(spec.origin).parent.rglob(f"{name}.duckdb_extension"))


_CATALOGUE = "__ducklake_metadata_lake"
"""How DuckLake calls the catalogue of what is attached as `lake`."""
LEAST = "256MB"
"""What of a limited memory is left between two steps."""
WAIT = 60_000
"""Milliseconds that is waited for whoever holds the whole catalogue; a slow disk takes longer than the five seconds of SQLite."""


@contextmanager
def open_lake(
    project: Project, *, read_only: bool = False, snapshot: int | None = None, threads: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose default database is the project's lake; made on first use.

    Writers hold the lake's lock for as long as they are open: raises `LakeBusyError` where another run holds it.
    Readers never wait, and no writer waits for them. `read_only` on a lake that was never written raises `FileNotFoundError`. With
    `snapshot`, or of a project of the past, the lake is read as it was then; a snapshot that never was, or has expired, raises
    `LookupError`. `threads`: with so many DuckDB works (all there are); one is quickest where a few rows are asked for.
    """
    import duckdb
    from filelock import FileLock, Timeout

    catalogue, files = project.lake / "catalogue.sqlite", project.lake / "files"
    if snapshot is None and project.past is not None:
        snapshot = project.past.snapshot
    read_only = read_only or snapshot is not None
    if read_only and not catalogue.exists():
        raise FileNotFoundError(f"{catalogue}: nothing has been collected yet. Run `yuanqing run` first.")
    project.lake.mkdir(parents=True, exist_ok=True)
    project.scratch.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        if not read_only:
            try:
                held.enter_context(FileLock(project.lake / "write.lock", timeout=0))
            except Timeout:
                raise LakeBusyError(f"another run writes into {project.lake}. Wait until it has ended, then run again.") from None
        at = held.enter_context(_readable(catalogue)) if read_only else catalogue
        con = connect(extensions=("sqlite_scanner", "ducklake"), memory_limit=project.memory)
        held.callback(con.close)
        con.execute(f"SET temp_directory = {literal(str(project.scratch / 'spill'))}")
        if threads:
            con.execute(f"SET threads = {threads}")
        # OVERRIDE: the catalogue keeps the absolute path of its files, and a data folder may be moved or restored elsewhere.
        # WAL: in SQLite's first mode whoever reads for longer than a commit waits makes it fail.
        options = ", OVERRIDE_DATA_PATH true" + (", READ_ONLY" if read_only else ", META_JOURNAL_MODE 'WAL'")
        options += f", META_BUSY_TIMEOUT {WAIT}" + (f", SNAPSHOT_VERSION {int(snapshot)}" if snapshot is not None else "")
        with one_thread(con):
            try:
                con.execute(f"ATTACH {literal(f'ducklake:sqlite:{at}')} AS lake (DATA_PATH {literal(str(files))}{options})")
            except duckdb.Error as error:
                if "database is locked" in str(error):
                    raise LakeBusyError(f"{catalogue} has been locked for {WAIT // 1000} s. See what holds it, then try again.") from None
                if snapshot is None or "No snapshot found" not in str(error):
                    raise
                remedy = "`yuanqing sql \"FROM ducklake_snapshots('lake')\"` lists those there are."
                raise LookupError(f"the lake has no snapshot {snapshot}: it never was, or has expired. {remedy}") from None
            con.execute("USE lake")
            if not read_only:
                _create(con)
        yield con


@contextmanager
def _readable(catalogue: Path) -> Iterator[Path]:
    """The catalogue, or a copy where it cannot be read as it stands: SQLite reads one with a log only where the files beside it are
    there, as while somebody has it open, or can be made."""
    if os.access(catalogue.parent, os.W_OK) or catalogue.with_name(f"{catalogue.name}-shm").exists():
        yield catalogue
        return
    with TemporaryDirectory(prefix="yuanqing-") as folder:
        yield Path(shutil.copy(catalogue, folder))


def _create(con: duckdb.DuckDBPyConnection) -> None:
    """Make the schemas and evidence tables that are not there, and add the columns that evidence tables have gained."""
    there: dict[str, set[str]] = {}
    for table, column in con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'lake' AND schema_name = 'evidence'"
    ).fetchall():
        there.setdefault(table, set()).add(column)
    schemas = {name for (name,) in con.execute("SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'lake'").fetchall()}
    made = [f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}" for schema in SCHEMAS if schema not in schemas]
    for table, columns in TABLES.items():
        if table not in there:
            declared = ", ".join(f"{quote(name)} {kind}" for name, kind, _ in columns)
            made.append(f"CREATE TABLE IF NOT EXISTS evidence.{quote(table)} ({declared})")
            continue
        made += [f"ALTER TABLE evidence.{quote(table)} ADD COLUMN {quote(n)} {k}" for n, k, _ in columns if n not in there[table]]
    if made:
        with one_look(con):
            for statement in made:
                con.execute(statement)
    for schema in IN_FILES:  # only of a schema that is committed
        if schema not in schemas:
            con.execute(f"CALL lake.set_option('data_inlining_row_limit', 0, schema => {literal(schema)})")


def said_since(project: Project, snapshot: int) -> tuple[str, ...]:
    """What the commits after a snapshot say that they did (`transaction`): asked beside the lake, which takes far longer to open."""
    import sqlite3

    with _readable(project.lake / "catalogue.sqlite") as at, closing(sqlite3.connect(f"{at.as_uri()}?mode=ro", uri=True)) as con:
        rows = con.execute("SELECT coalesce(commit_message, '') FROM ducklake_snapshot_changes WHERE snapshot_id > ?", [snapshot])
        return tuple(said for (said,) in rows)


@contextmanager
def one_thread(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Within, DuckDB works in the thread that asks: over the few rows of a catalogue others wait for work, at twice the processor time."""
    (number,) = con.execute("SELECT current_setting('threads')").fetchone() or (1,)
    con.execute("SET threads = 1")
    try:
        yield
    finally:
        con.execute(f"SET threads = {number}")


@contextmanager
def one_look(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Statements that see one state of the lake: its catalogue is read once, not once a statement (30 ms each)."""
    con.execute("BEGIN")
    try:
        yield
        con.execute("COMMIT")
    except BaseException:
        con.execute("ROLLBACK")
        raise


@contextmanager
def at_hand(con: duckdb.DuckDBPyConnection, *tables: str, **parts: str) -> Iterator[None]:
    """Within, `evidence.<table>` of these tables is a copy in memory of what one look at the lake shows; of the others, nothing.
    `parts`: SQL of the columns that are enough, by table.

    For what asks a hundred questions: in the lake each one opens as many small files as there were runs.
    """
    con.execute("ATTACH IF NOT EXISTS ':memory:' AS hand")
    try:
        with one_look(con):
            con.execute("CREATE SCHEMA hand.evidence")
            empty = never_filled(con)
            for table, columns in (dict.fromkeys(tables, "*") | parts).items():
                rows = f"SELECT {columns} FROM lake.evidence.{quote(table)}{' LIMIT 0' if table in empty else ''}"
                con.execute(f"CREATE TABLE hand.evidence.{quote(table)} AS {rows}")
        con.execute("USE hand")
        yield
    finally:
        con.execute("USE lake")
        con.execute("DETACH DATABASE IF EXISTS hand")


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection, run_id: str, message: str) -> Iterator[None]:
    """All or nothing; the commit carries the run's id, so that every snapshot names the run that made it."""
    with one_look(con):
        con.execute("CALL lake.set_commit_message('yuanqing', ?, extra_info => ?)", [message, json.dumps({"run": run_id})])
        yield
        limit = memory_of(con)  # afterwards it would look at the catalogue again
    let_go(con, limit)


def memory_of(con: duckdb.DuckDBPyConnection) -> str | None:
    """The limit that `connect` was given."""
    (limit,) = con.execute("SELECT getvariable('memory')").fetchone() or (None,)
    return limit


def let_go(con: duckdb.DuckDBPyConnection, limit: str | None) -> None:
    """Where memory is limited, let go of the pages that were read and written: what the next step needs, in pieces of other sizes,
    would come on top of what the allocator keeps of them."""
    import duckdb

    if limit:
        with suppress(duckdb.OutOfMemoryException):  # what is in use stays
            con.execute(f"SET memory_limit = '{LEAST}'")
        con.execute(f"SET memory_limit = {literal(limit)}")
        _hand_back()


def _hand_back() -> None:
    """Let the allocator give back to the system what it keeps of what was freed; only that of glibc can be asked."""
    import ctypes

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def columns_of(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str] | None:
    """Names and types of the columns of `schema.table` in the lake, or None where there is no such table.

    The catalogue is not walked through, for which a look at `duckdb_columns()` takes 10 to 30 ms.
    """
    import duckdb

    try:
        rows = con.execute(f"DESCRIBE lake.{quote(table)}").fetchall()
    except duckdb.CatalogException:
        return None
    return {name: kind for name, kind, *_ in rows}


def never_filled(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables of `evidence` that no row was ever written to, as the transaction sees it that is open; none of its own are seen.

    Of such a table DuckLake (1.5) asks the catalogue for figures at every look, once a column, as it keeps nothing of there being none:
    ten times what reading a few rows takes. Whoever goes through many tables leaves them out.
    """
    con.execute("FROM lake.evidence.runs LIMIT 0")  # from here on the transaction sees one state: what is empty later was empty in it
    rows = con.execute(f"""
        SELECT t.table_name FROM {_CATALOGUE}.ducklake_table t JOIN {_CATALOGUE}.ducklake_schema s USING (schema_id)
            ANTI JOIN {_CATALOGUE}.ducklake_table_stats USING (table_id)
        WHERE s.schema_name = 'evidence' AND t.end_snapshot IS NULL""").fetchall()
    return {name for (name,) in rows}


def is_there(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the lake, or what else the connection sees, has a table or view."""
    import duckdb

    try:
        con.execute(f"FROM {quote(table)} LIMIT 0")
    except duckdb.CatalogException:
        return False
    return True


def affected(con: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any] = ()) -> int:
    """The one number that a statement gives: rows written or taken away, or a count; 0 where it gives none."""
    row = con.execute(sql, list(values)).fetchone()
    return int(row[0]) if row else 0


def objects(con: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """The rows of a query, each by the names of its columns."""
    found = con.execute(sql, list(values))
    names = [c[0] for c in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Append `rows` to `table` (SQL, with `(columns)` where not all are given), values in their order, by one statement.

    A statement a row takes 40 KB of memory for each until the transaction ends.
    """
    if not rows:
        return
    import pyarrow as pa

    con.register("rows_given", pa.table({f"c{n}": list(column) for n, column in enumerate(zip(*rows, strict=True))}))
    try:
        con.execute(f"INSERT INTO {table} SELECT * FROM rows_given")
    finally:
        con.unregister("rows_given")
