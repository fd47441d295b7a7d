"""PostgreSQL as a source of tables, by DuckDB's extension.

Belongs here: attaching it, its words for failures, its SQL. Not here: what of a table is a hand-over (`database`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.contracts import Contract
from assets.lake import _extension, literal, quote
from assets.readers import LaterError
from assets.readers.database import Rows
from assets.readers.options import connection

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

SESSION = "-c datestyle=ISO,YMD -c default_transaction_read_only=on"
ADDED = {"options": SESSION, "connect_timeout": "5"}
"""What a connection string gets where it does not say otherwise; seconds within which the server must answer."""
TIMES = ("timestamp", "date")


@contextmanager
def opened(contract: Contract, project: Project, con: duckdb.DuckDBPyConnection, opts: dict[str, Any]) -> Iterator[PostgreSQL]:
    """The table, its database attached read-only as `source`."""
    import duckdb

    table = str(opts["table"] or contract.name)
    shown = f"{contract.server.name}: {opts['schema']}.{table}"
    try:
        con.execute(f"LOAD {literal(str(_extension('postgres_scanner')))}")
        con.execute("DETACH DATABASE IF EXISTS source")
        con.execute(f"ATTACH {literal(_dsn(contract, project, opts))} AS source (TYPE postgres, READ_ONLY)")
        try:
            yield PostgreSQL(con, str(opts["schema"]), table, shown)
        finally:
            con.execute("DETACH DATABASE IF EXISTS source")
    except duckdb.Error as error:
        raise LaterError(f"{shown}: {_kind(str(error))}. Nothing was kept; the next run tries again.") from None


class PostgreSQL:
    """One table (`assets.readers.database.Source`)."""

    def __init__(self, con: duckdb.DuckDBPyConnection, schema: str, table: str, shown: str) -> None:
        self.shown, self._con = shown, con
        self.table = f"{quote(schema.replace('.', ''))}.{quote(table)}"
        rows = self._query(
            "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {literal(schema)} AND c.relname = {literal(table)} "
            "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        )
        self.columns: dict[str, str] = dict(rows)
        if not self.columns:
            raise LaterError(f"{shown}: the database has no such table, or the user may not see it.")

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        return self._con.execute(f"SELECT * FROM postgres_query('source', {literal(sql)})").fetchall()

    def titles(self) -> dict[str, str]:
        return dict(
            self._query(
                f"SELECT attname::text, d FROM (SELECT attname, col_description(attrelid, attnum) AS d FROM pg_attribute "
                f"WHERE attrelid = {literal(self.table)}::regclass AND attnum > 0 AND NOT attisdropped) said WHERE d <> ''"
            )
        )

    def ask(self, sql: str) -> Rows:
        return self._query(sql)

    def text(self, expression: str) -> str:
        return f"({expression})::text"

    def quoted(self, column: str) -> str:
        return quote(column)

    def value(self, column: str, text: str) -> str:
        return f"{literal(text)}::{self.columns[column]}"

    def timed(self, column: str) -> bool:
        return self.columns[column].startswith(TIMES)

    def lacking(self, column: str) -> str:
        return f"{quote(column)} IS NULL"

    def now(self, back: float = 0) -> str:
        return f"(now() - interval '{back} seconds')"

    def copy(self, where: str, order: Iterable[str], folder: Path, most: int | None = None) -> str:
        cells = ", ".join(f"{quote(name)}::text AS c{at}" for at, name in enumerate(self.columns))
        by = ", ".join(map(quote, order)) or "1"
        rows = f"{self.table} WHERE {where}"
        if most is not None:
            rows = f"(SELECT * FROM {rows} LIMIT {most}) AS wanted"
        select = f"SELECT (row_number() OVER (ORDER BY {by}))::bigint AS _row, {cells} FROM {rows}"
        file = literal(str(folder / "rows.parquet"))
        self._con.execute(f"COPY (SELECT * FROM postgres_query('source', {literal(select)})) TO {file} (FORMAT parquet)")
        return f"SELECT * FROM read_parquet({file})"


def _kind(said: str) -> str:
    said = said.lower()
    if "authentication failed" in said or "no password supplied" in said or ('role "' in said and "does not exist" in said):
        return "the database refuses the user or the password: check connections.toml"
    if "does not exist" in said:
        return "the database has no such database, table or column: check the contract"
    if "permission denied" in said:
        return "the user may not read the table: ask the department for the right to"
    if "no space left" in said:
        return "working files could not be written, the disk is full: make room"
    if (
        "could not connect" in said
        or "unable to connect" in said
        or "no route" in said
        or "connection refused" in said
        or "could not translate" in said
    ):
        return "the database cannot be reached"
    if "terminating connection" in said or "closed the connection" in said or "connection" in said or "ssl" in said:
        return "the connection to the database was lost while it was read"
    return "the database gave an error"


def _dsn(contract: Contract, project: Project, opts: dict[str, Any]) -> str:
    dsn = connection(project, contract.server.name).get("dsn")
    if dsn is None:
        parts = {"host": opts["host"], "port": opts["port"], "dbname": opts["database"]}
        dsn = " ".join(f"{k}='{v}'" for k, v in parts.items() if v is not None)
    if dsn.startswith(("postgresql://", "postgres://")):
        from urllib.parse import quote as escaped

        for name, value in ADDED.items():
            if f"{name}=" not in dsn:
                dsn = f"{dsn}{'&' if '?' in dsn else '?'}{name}={escaped(value)}"
        return dsn
    return " ".join([dsn, *(f"{name}='{value}'" for name, value in ADDED.items() if f"{name}=" not in dsn)])
