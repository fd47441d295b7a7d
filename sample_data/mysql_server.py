"""A server that speaks the MySQL protocol and answers SELECT from DuckDB: the sample's medical insurance database, and a test's.

Belongs here: starting it, loading tables, stopping it. Not here: what the tables hold.

mysql-mimic speaks the protocol and turns statements into expressions, sqlglot writes them for DuckDB. It is no MySQL: what
a reader of tables needs (SELECT with WHERE, GROUP BY, ORDER BY, LIMIT, NOW) is there, the rest is not meant to be.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

KINDS = {
    "BIGINT": "LONGLONG",
    "UBIGINT": "LONGLONG",
    "HUGEINT": "LONGLONG",
    "INTEGER": "LONG",
    "SMALLINT": "SHORT",
    "TINYINT": "TINY",
    "DECIMAL": "NEWDECIMAL",
    "DOUBLE": "DOUBLE",
    "FLOAT": "FLOAT",
    "DATE": "DATE",
    "TIMESTAMP": "DATETIME",
    "BLOB": "BLOB",
}
"""Types of DuckDB, without their arguments, and those of the protocol; any other is text."""
ROWS = 5_000  # fetched at once
NO_SUCH_TABLE, BAD_FIELD = 1146, 1054  # codes of the protocol


class MySQLServer:
    """While it is open, a database named `database` answers at `dsn`; tables come by `load`.

    With a `file` (a DuckDB database) tables outlive the server and are not held in memory.
    """

    def __init__(self, database: str = "sample", file: Path | None = None, *, password: str | None = None) -> None:
        import duckdb

        self.database, self.user, self.password = database, "reader", password or secrets.token_hex(8)
        self.port = 0
        self._con = duckdb.connect(str(file) if file else ":memory:")
        self._con.execute("CREATE TABLE IF NOT EXISTS _declared (tab VARCHAR, col VARCHAR, kind VARCHAR)")
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="mysql", daemon=True)
        self._server: Any = None
        self._sessions: list[Any] = []

    @property
    def dsn(self) -> str:
        """What `connections.toml` takes as `dsn`."""
        return f"mysql://{self.user}:{self.password}@127.0.0.1:{self.port}/{self.database}"

    def run(self, sql: str) -> None:
        """A statement in DuckDB's SQL: create, insert, update, delete."""
        self._con.cursor().execute(sql)

    def load(self, table: str, select: str, declared: Mapping[str, str] | None = None) -> None:
        """Make or replace a table from a SELECT in DuckDB's SQL (`SELECT * FROM read_parquet('...')`).

        `declared` names types of the protocol (DATE, DATETIME) for columns that are kept as text here, as those that hold
        0000-00-00 must be.
        """
        name = '"' + table.replace('"', '""') + '"'
        cursor = self._con.cursor()
        cursor.execute(f"CREATE OR REPLACE TABLE {name} AS {select}")
        cursor.execute("DELETE FROM _declared WHERE tab = ?", [table])
        for column, kind in (declared or {}).items():
            cursor.execute("INSERT INTO _declared VALUES (?, ?, ?)", [table, column, kind])

    def __enter__(self) -> MySQLServer:
        self._thread.start()
        self.port = self._wait(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._con.close()

    def _wait(self, coroutine: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result(30)

    async def _start(self) -> int:
        from mysql_mimic import IdentityProvider, MysqlServer, NativePasswordAuthPlugin, Session, User

        database, con, name = self.database, self._con, self.user
        secret = NativePasswordAuthPlugin.create_auth_string(self.password)

        class Identity(IdentityProvider):
            def get_plugins(self) -> Any:
                return [NativePasswordAuthPlugin()]

            async def get_user(self, username: str) -> Any:
                return User(name=username, auth_string=secret, auth_plugin=NativePasswordAuthPlugin.name) if username == name else None

        class Answers(Session):
            async def query(self, expression: Any, sql: str, attrs: dict[str, str]) -> Any:  # noqa: ARG002 - the library's
                return await _answer(con.cursor(), expression, database, self.connection.stream)

        def answers() -> Any:
            self._sessions.append(Answers())
            return self._sessions[-1]

        self._server = MysqlServer(session_factory=answers, identity_provider=Identity())
        await self._server.start_server(host="127.0.0.1", port=0)
        return int(self._server.sockets()[0].getsockname()[1])

    async def _stop(self) -> None:
        """Connections that are still open are cut."""
        self._server.close()
        for session in self._sessions:
            if session._connection is not None:
                session._connection.stream.writer.transport.abort()
        self._sessions.clear()
        for _ in range(200):
            if asyncio.all_tasks() == {asyncio.current_task()}:
                return
            await asyncio.sleep(0.01)


async def _answer(con: duckdb.DuckDBPyConnection, expression: Any, database: str, stream: Any) -> Any:
    import duckdb
    from mysql_mimic import ResultColumn, ResultSet
    from mysql_mimic.charset import CharacterSet
    from mysql_mimic.errors import ErrorCode, MysqlError
    from mysql_mimic.types import ColumnType
    from sqlglot import exp

    if not isinstance(expression, exp.Query):
        raise MysqlError("only SELECT is answered", code=ErrorCode.NOT_SUPPORTED_YET)
    tables = [t.name for t in expression.find_all(exp.Table) if t.db in ("", database)]
    for table in expression.find_all(exp.Table):
        table.set("db", None)
    query = expression.sql(dialect="duckdb")
    try:
        kinds = {name: str(kind).split("(")[0] for name, kind, *_ in con.execute(f"DESCRIBE {query}").fetchall()}
        declared = dict(con.execute("SELECT col, kind FROM _declared WHERE list_contains(?, tab)", [tables]).fetchall())
        cells = ", ".join(f"t.c{at}" if kind == "BLOB" else f"t.c{at}::VARCHAR" for at, kind in enumerate(kinds.values()))
        con.execute(f"SELECT {cells} FROM ({query}) t({', '.join(f'c{at}' for at in range(len(kinds)))})")
    except duckdb.CatalogException:
        raise MysqlError(f"Table {', '.join(tables)} doesn't exist", code=NO_SUCH_TABLE) from None
    except duckdb.BinderException:
        raise MysqlError("Unknown column", code=BAD_FIELD) from None
    columns = [
        ResultColumn(
            name,
            ColumnType[declared.get(name) or KINDS.get(kind, "VAR_STRING")],
            CharacterSet.binary if kind == "BLOB" else CharacterSet.utf8mb4,
            text_encoder=_encoded,
        )
        for name, kind in kinds.items()
    ]
    return ResultSet(_rows(con, stream), columns)


def _encoded(_column: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


async def _rows(con: duckdb.DuckDBPyConnection, stream: Any) -> AsyncIterator[tuple[Any, ...]]:
    while rows := con.fetchmany(ROWS):
        for row in rows:
            yield row
        await stream.drain()  # or the library would hold all rows until the last
