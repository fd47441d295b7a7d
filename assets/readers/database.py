"""The reader of PostgreSQL tables: one hand-over is what changed since the last.

Belongs here: the window of change times and reading it as text. Not here: what the rows mean. Options: docs/contracts.md.

A connection string can hold a password and the database's own words can repeat it or show values: messages here are
made from the kind of failure alone.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.contracts import PERIODS, Contract
from assets.headers import fold
from assets.lake import _extension, columns_of, literal, quote
from assets.readers import Extract, Handover, LaterError, RefusedError
from assets.readers.files import partition_of
from assets.readers.options import connection, options
from expectations.documents import near

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

SESSION = "-c datestyle=ISO,YMD -c default_transaction_read_only=on"
ADDED = {"options": SESSION, "connect_timeout": "5"}
"""What a connection string gets where it does not say otherwise; seconds within which the server must answer."""
TIMES = ("timestamp", "date")


class DatabaseReader:
    """Servers of `type: postgresql`."""

    ahead = False

    def pending(self, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> list[Handover]:
        assert contract.delivery is not None
        opts = options(contract, "postgresql")
        last = _watermark(con, contract)
        with _attached(contract, project, con, opts) as source:
            columns, changed = _columns(source, contract, opts)
            mark, kind = quote(changed), columns[changed]
            above = f"{mark} > {literal(last)}::{kind}" if last else f"{mark} IS NOT NULL"
            # A change time in the future would put all later changes below the watermark: such rows wait.
            timed = kind.startswith(TIMES)
            until = f" AND {mark} <= (now() - interval '{float(opts['holdBack'])} seconds')" if timed else ""
            found = source(f"SELECT max({mark})::text, count(*)::text FROM {_table(contract, opts)} WHERE {above}{until}")
            upper, count = found[0]
            if upper is None:
                return []
            odd = source(
                f"SELECT (count(*) - count({mark}))::text{f', count(*) FILTER (WHERE {mark} > now())::text' if timed else ''} "
                f"FROM {_table(contract, opts)}"
            )[0]
        moment = _moment(upper)
        details = {"from": last, "to": upper, "count": int(count), "without": int(odd[0] or 0), "future": int(odd[1] or 0) if timed else 0}
        period = moment.strftime(PERIODS[contract.delivery.period])
        return [
            Handover(contract.name, None, period, partition_of(contract, moment), _shown(contract, opts), None, datetime.now(), details)
        ]

    def read(self, handover: Handover, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> Extract:
        opts = options(contract, "postgresql")
        scratch = project.scratch / "collect"
        scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=scratch))
        extract = Extract((), "", "", 0, 0, 0, 0, [], watermark=handover.details["to"], scratch=folder)
        try:
            with _attached(contract, project, con, opts) as source:
                columns, changed = _columns(source, contract, opts)
                extract.header = tuple(columns)
                path = folder / "rows.parquet"
                con.execute(_copy(contract, opts, columns, changed, handover, path))
            _account(con, extract, path, contract)
        except BaseException:
            extract.discard()
            raise
        for count, said in (
            (handover.details["without"], f"have no {changed} and can never be collected by it"),
            (handover.details["future"], f"have a {changed} in the future and wait for it"),
        ):
            if count:
                extract.notes.append(f"{count} rows of the source {said}")
        return extract


def _watermark(con: duckdb.DuckDBPyConnection, contract: Contract) -> str | None:
    if columns_of(con, "evidence.batches") is None:
        return None
    row = con.execute(
        "SELECT watermark FROM evidence.batches WHERE dataset = ? AND status IN ('collected', 'standardised') AND watermark IS NOT NULL "
        "ORDER BY collected_at DESC LIMIT 1",
        [contract.name],
    ).fetchone()
    return row[0] if row else None


class _Query:
    """Runs a SELECT at the source and gives its rows of text."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def __call__(self, sql: str) -> list[tuple[Any, ...]]:
        return self._con.execute(f"SELECT * FROM postgres_query('source', {literal(sql)})").fetchall()


@contextmanager
def _attached(contract: Contract, project: Project, con: duckdb.DuckDBPyConnection, opts: dict[str, Any]) -> Iterator[_Query]:
    """The source, attached read-only as `source`; every failure of it becomes a `LaterError` without its words."""
    import duckdb

    shown = _shown(contract, opts)
    try:
        con.execute(f"LOAD {literal(str(_extension('postgres_scanner')))}")
        con.execute("DETACH DATABASE IF EXISTS source")
        con.execute(f"ATTACH {literal(_dsn(contract, project, opts))} AS source (TYPE postgres, READ_ONLY)")
        try:
            yield _Query(con)
        finally:
            con.execute("DETACH DATABASE IF EXISTS source")
    except duckdb.Error as error:
        raise LaterError(f"{shown}: {_kind(str(error))}. Nothing was kept; the next run tries again.") from None


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


def _shown(contract: Contract, opts: dict[str, Any]) -> str:
    return f"{contract.server.name}: {opts['schema']}.{opts['table'] or contract.name}"


def _table(contract: Contract, opts: dict[str, Any]) -> str:
    return f"{quote(opts['schema'].replace('.', ''))}.{quote(str(opts['table'] or contract.name))}"


def _columns(source: _Query, contract: Contract, opts: dict[str, Any]) -> tuple[dict[str, str], str]:
    """The table's columns with their types, and the one of change times."""
    table = str(opts["table"] or contract.name)
    rows = source(
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {literal(opts['schema'])} AND c.relname = {literal(table)} "
        "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    )
    columns: dict[str, str] = dict(rows)
    if not columns:
        raise LaterError(f"{_shown(contract, opts)}: the database has no such table, or the user may not see it.")
    wanted = str(opts["changedBy"])
    changed = next((c for c in columns if c == wanted), None) or next((c for c in columns if fold(c) == fold(wanted)), None)
    if changed is None:
        raise RefusedError(
            f"no column {wanted!r} (`changedBy`)",
            where=_shown(contract, opts),
            expected="the column with the time of change",
            remedy=near(wanted, columns),
        )
    return columns, changed


def _copy(contract: Contract, opts: dict[str, Any], columns: dict[str, str], changed: str, handover: Handover, path: Path) -> str:
    """COPY of the window to a file, cast to text at the source; by change time, then key, so that `_row` means something."""
    labels = {fold(label) for key in contract.key for label in contract.column(key).headers}
    order = ", ".join(quote(c) for c in (changed, *(c for c in columns if fold(c) in labels and c != changed)))
    cells = ", ".join(f"{quote(name)}::text AS c{at}" for at, name in enumerate(columns))
    mark, kind = quote(changed), columns[changed]
    below = f"{mark} > {literal(handover.details['from'])}::{kind} AND " if handover.details["from"] else ""
    select = (
        f"SELECT (row_number() OVER (ORDER BY {order}))::bigint AS _row, {cells} FROM {_table(contract, opts)} "
        f"WHERE {below}{mark} <= {literal(handover.details['to'])}::{kind}"
    )
    return f"COPY (SELECT * FROM postgres_query('source', {literal(select)})) TO {literal(str(path))} (FORMAT parquet)"


def _account(con: duckdb.DuckDBPyConnection, extract: Extract, path: Path, contract: Contract) -> None:
    """Rows, bytes and digest of what was read: SHA-256 over the number of rows and the sum of their hashes."""
    width = len(extract.header)
    cells = ", ".join(f"coalesce(c{at}, chr(0))" for at in range(width))
    size = " + ".join(f"coalesce(strlen(c{at}), 0)" for at in range(width))
    extract.relation = f"SELECT * FROM read_parquet({literal(str(path))})"
    row = con.execute(
        f"SELECT count(*), coalesce(sum({size}), 0), "
        f"bit_xor(md5_number(concat_ws(chr(31), _row, {cells})))::VARCHAR FROM ({extract.relation})"
    ).fetchone()
    assert row is not None
    extract.records = extract.lines = int(row[0])
    extract.bytes = int(row[1])
    extract.digest = hashlib.sha256(f"{contract.name} {row[0]} {row[2]}".encode()).hexdigest()


def _moment(watermark: str) -> datetime:
    """The time in a watermark of any form that begins with year and month."""
    digits = re.sub(r"\D", "", watermark)
    try:
        return datetime(int(digits[:4]), int(digits[4:6]), int(digits[6:8] or 1), int(digits[8:10] or 0))
    except ValueError:
        raise LaterError("the column of change times (`changedBy`) holds no times: it must begin with year, month and day.") from None
