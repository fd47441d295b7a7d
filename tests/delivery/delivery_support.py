"""A published project of two departments, a mail server and an HTTP server on this machine that behave as they are told."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aiosmtpd.controller import Controller

from assets.project import Project
from pipelines.reports.department import write_department
from pipelines.results import connect_results, publish

from reports_support import batch, contract, fill, result, suite  # isort: skip

SECRET = "webhook-secret-2199"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Police and transport, published, each with a page; the workbook of police is not encrypted."""
    root = tmp_path_factory.mktemp("delivery")
    contract(root, "people", [("id", "GMSFHM", "身份号码", "string", 3)], title="人口")
    contract(root, "roads", [("code", "DM", "代码", "string", 1)], group="transport", department="交通厅", title="道路")
    suite(root, "people", [{"id": "id_there", "column": "id", "indicator": "0201", "title": "号码必填"}])
    suite(root, "roads", [{"id": "code_there", "column": "code", "indicator": "0201", "title": "代码必填"}], group="transport")
    project = Project(root, root / "data")
    batches = [batch("people", "a", rows=10), batch("roads", "r", rows=4, department="transport")]
    fill(project, batches=batches, results=[result("people", "a", "id_there", 10, 3), result("roads", "r", "code_there", 4, 1)])
    publish(project)
    with connect_results(project) as results:
        for name in ("police", "transport"):
            write_department(results, name, project.reports / name / "index.html")
    (project.reports / "police" / "police.xlsx").write_bytes(b"PK\x03\x04 2199 in the clear")
    return root


@dataclass
class Site:
    """A copy of the project whose settings a test writes."""

    root: Path

    def set(self, text: str) -> Project:
        (self.root / "yuanqing.toml").write_text(text, encoding="utf-8")
        return self.project

    @property
    def project(self) -> Project:
        return Project(self.root, self.root / "data")

    def publish_again(self, days: float = 0) -> Project:
        """Another publication of the same, some days after the one before."""
        with duckdb.connect(str(self.project.results)) as con:
            con.execute("UPDATE published SET published_at = published_at + ?", [timedelta(days=days, seconds=1)])
        return self.project


@pytest.fixture
def site(whole: Path, tmp_path: Path) -> Site:
    return Site(Path(shutil.copytree(whole, tmp_path / "site")))


@dataclass
class Post:
    """A mail server's memory, and how it answers: `data` after the message came, `refuses` at RCPT."""

    port: int = 0
    data: str = "250 OK"
    refuses: set[str] = field(default_factory=set)
    delay: float = 0.0
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    tried: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refuses:
            return f"550 no such user {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        import asyncio

        self.tried += 1
        await asyncio.sleep(self.delay)
        if self.data.startswith("250"):
            parsed = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            self.taken.append((list(envelope.rcpt_tos), parsed))
        return self.data


@pytest.fixture
def post() -> Iterator[Post]:
    """A real mail server on this machine, without TLS."""
    memory = Post()
    with socket.create_server(("127.0.0.1", 0)) as free:
        memory.port = free.getsockname()[1]
    server = Controller(memory, hostname="127.0.0.1", port=memory.port)
    server.start()
    try:
        yield memory
    finally:
        server.stop()


@dataclass
class Hook:
    """An HTTP server's memory; `answers` are codes and headers, the last one for ever."""

    address: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(204, {})])
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


def listening() -> tuple[Hook, ThreadingHTTPServer]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.calls.append((self.path, dict(self.headers), body))
            code, headers = hook.answers.pop(0) if len(hook.answers) > 1 else hook.answers[0]
            self.send_response(code)
            for name, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return hook, server


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """A real HTTP server on this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    memory, server = listening()
    try:
        yield memory
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`later(minutes=5)`: for deliveries it is so much later; what is written in the journal keeps its time."""
    import pipelines.delivery.remembered as module

    moved = timedelta()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + moved

    monkeypatch.setattr(module, "datetime", Clock)

    def move(**by: float) -> None:
        nonlocal moved
        moved += timedelta(**by)

    return move
