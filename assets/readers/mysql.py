"""MySQL (and what speaks its protocol) as a source of tables, by PyMySQL.

Belongs here: connecting, its words for failures, its SQL. Not here: what of a table is a hand-over (`database`).

Values stay the text that the protocol carries: the client's conversions are switched off, so that 0000-00-00 is no
error, decimals keep their digits and unsigned numbers their size. Rows are streamed: neither side holds them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from assets.contracts import Contract
from assets.readers import LaterError
from assets.readers.database import Rows
from assets.readers.options import connection
from assets.readers.table import TextTable

if TYPE_CHECKING:
    import duckdb
    import pymysql

    from assets.project import Project

REACHED = 5  # seconds within which the server must answer
SILENT = 600  # seconds without a byte after which the connection counts as lost
#: Codes of the protocol for columns of times (timestamp, date, datetime, newdate) and of whole numbers.
STAMP, TIMES, NUMBERS = 7, (7, 10, 12, 14), (1, 2, 3, 8, 9)
#: Settings of a dsn's query part that are handed on to the client.
SETTINGS = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_disabled", "ssl_verify_cert", "ssl_verify_identity")


@contextmanager
def opened(contract: Contract, project: Project, con: duckdb.DuckDBPyConnection, opts: dict[str, Any]) -> Iterator[MySQL]:  # noqa: ARG001 - `Opened`
    """The table, in one read-only transaction that sees one state of it."""
    import pymysql

    table = str(opts["table"] or contract.name)
    shown = f"{contract.server.name}: {opts['database']}.{table}"
    link = None
    try:
        link = _connected(_connection(contract, project, opts), shown)
        with link.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION READ ONLY")
        yield MySQL(link, table, shown)
    except pymysql.MySQLError as error:
        raise LaterError(f"{shown}: {_kind(error)}. Nothing was kept; the next run tries again.") from None
    except RuntimeError:
        # PyMySQL's way of asking for a package: `cryptography`, or `pynacl` for MariaDB's ed25519.
        raise LaterError(
            f"{shown}: the user signs in by a method that this machine has no library for. Give `ssl_ca` in the dsn (over TLS MySQL takes "
            "the password as it is), or ask the department for a user that signs in by mysql_native_password or caching_sha2_password."
        ) from None
    finally:
        if link is not None and link.open:
            link.close()


def _connection(contract: Contract, project: Project, opts: dict[str, Any]) -> dict[str, Any]:
    dsn = connection(project, contract.server.name).get("dsn")
    given: dict[str, Any] = {"host": opts["host"], "port": int(opts["port"]), "database": opts["database"]}
    if dsn is not None:
        parts = urlsplit(dsn)
        try:
            port, broken = parts.port, "@" in parts.path + parts.query + parts.fragment
        except ValueError:
            port, broken = None, True
        if parts.scheme not in ("mysql", "mariadb") or not parts.hostname or broken:
            raise LaterError(
                f"{contract.server.name}: the dsn is no address such as mysql://user:password@host:3306/database. "
                "Signs such as / : @ # ? % in a password are written %2F %3A %40 %23 %3F %25."
            )
        given.update(host=parts.hostname, port=port or 3306, database=unquote(parts.path.strip("/")) or opts["database"])
        given.update(user=unquote(parts.username or ""), password=unquote(parts.password or ""))
        given.update({k: v for k, v in parse_qsl(parts.query) if k in SETTINGS})
    return given | {"charset": "utf8mb4", "connect_timeout": REACHED, "read_timeout": SILENT}


def _connected(given: dict[str, Any], shown: str) -> pymysql.Connection[Any]:
    """PyMySQL's own failures, and `LaterError` where a file that the dsn names cannot be used."""
    import pymysql

    try:
        return pymysql.connect(**given, conv={}, autocommit=None)
    except OSError:  # the client reads the files before it connects
        raise LaterError(f"{shown}: a file that the dsn names (`ssl_ca`, `ssl_cert`, `ssl_key`) cannot be read: check its path.") from None


class MySQL:
    """One table (`assets.readers.database.Source`)."""

    def __init__(self, link: pymysql.Connection[Any], table: str, shown: str) -> None:
        self.shown, self._link = shown, link
        self._name, self.table = table, self.quoted(table)
        with link.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {self.table} LIMIT 0")
            self._codes = {str(name): int(code) for name, code, *_ in cursor.description or ()}
        self.columns = {name: str(code) for name, code in self._codes.items()}
        [(self._now,)] = self.ask("SELECT NOW()")

    def titles(self) -> dict[str, str]:
        rows = self.ask(
            "SELECT COLUMN_NAME, COLUMN_COMMENT FROM information_schema.COLUMNS "
            f"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {self._link.escape(self._name)}"
        )
        return {str(name): said for name, said in rows if said}

    def ask(self, sql: str) -> Rows:
        with self._link.cursor() as cursor:
            cursor.execute(sql)
            return [tuple(map(_text, row)) for row in cursor.fetchall()]

    def text(self, expression: str) -> str:
        return expression

    def quoted(self, column: str) -> str:
        return "`" + column.replace("`", "``") + "`"

    def value(self, column: str, text: str) -> str:
        number = self._codes[column] in NUMBERS and text.lstrip("-").isdigit()
        return text if number else self._link.escape(text)

    def timed(self, column: str) -> bool:
        return self._codes[column] in TIMES

    def lacking(self, column: str) -> str:
        name = self.quoted(column)
        if not self.timed(column):
            return f"{name} IS NULL"
        # Servers that forbid 0000-00-00 refuse it as text too; the first time that each type can hold may be written, and uses an index.
        return f"({name} IS NULL OR {name} < '{'1971' if self._codes[column] == STAMP else '1000'}-01-01')"

    def now(self, back: float = 0) -> str:
        at = datetime.fromisoformat(str(self._now)) - timedelta(seconds=back)
        return self._link.escape(at.strftime("%Y-%m-%d %H:%M:%S"))

    def copy(self, where: str, order: Iterable[str], folder: Path, most: int | None = None) -> str:
        from pymysql.cursors import SSCursor

        table = TextTable(folder)
        rows = f"{self.table} WHERE {where}"
        if most is not None:
            rows = f"(SELECT * FROM {rows} LIMIT {most}) AS wanted"
        [(count,)] = self.ask(f"SELECT COUNT(*) FROM {rows}")
        by = ", ".join(map(self.quoted, order))
        cursor = self._link.cursor(SSCursor)
        try:
            cells = ", ".join(map(self.quoted, self.columns))
            cursor.execute(f"SELECT {cells} FROM {rows}{f' ORDER BY {by}' if by else ''}")
            for number, row in enumerate(cursor.fetchall_unbuffered(), 1):
                table.write(number, [_text(cell) for cell in row])
        finally:
            table.close()
            # Closing the cursor, and its result when it is forgotten, would read what is left to the end.
            if cursor._result is not None:
                cursor._result.unbuffered_active = False
        if table.rows != int(count or 0):
            raise LaterError(f"{self.shown}: {table.rows} of {count} rows came. Nothing was kept; the next run tries again.")
        table.width = len(self.columns)
        return table.relation(range(table.width))


def _text(cell: Any) -> str | None:
    """Text as it came; bytes that are no text (BLOB, BINARY, BIT) as 0x and digits."""
    return cell if cell is None or isinstance(cell, str) else "0x" + bytes(cell).hex()


SAID = {
    (1045, 1698): "the database refuses the user or the password: check connections.toml",
    (1820, 1862, 3118, 4151): "the user's password has expired, or the user is locked: ask the department for another",
    (2059,): "the user signs in by a method that the client lacks: ask the department for one by password",
    (1129, 1130): "the database does not let this machine in: ask the department to",
    (1040, 1203, 1226): "the database takes no more connections now",
    (1049, 1054, 1146): "the database has no such database, table or column: check the contract",
    # Who may not see a database is told the same of one that there is not.
    (1044, 1142, 1143): "the user may not read the table, or there is no such database: ask the department for the right to, check the dsn",
    (2002, 2003, 2005): "the database cannot be reached",
    (2026, 3159): "the connection could not be secured by TLS: check `ssl_ca` and the other `ssl_` settings of the dsn",
    (0, 2006, 2013, 2055, 1053, 1317, 1927): "the connection to the database was lost while it was read",
}
"""The protocol's codes of failures, and what they are called here; 0 is a failure without a code."""


def _kind(error: pymysql.MySQLError) -> str:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    return next((said for codes, said in SAID.items() if code in codes), f"the database gave error {code}")
