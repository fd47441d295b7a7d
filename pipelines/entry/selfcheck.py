"""A clerk's page: drag a file in before it is handed over, and read what `yuanqing check` would say. On this machine only.

The file goes from the browser to this process, into a folder of its own that is removed with the answer. Another site that is open
in the same browser cannot ask: the address has a random part, and host, origin and a header of ours must be right. Belongs here: that
small server. Not here: the check (`pipelines.precheck`), the interface for systems (`app`). It needs none of the extra's packages.
"""

from __future__ import annotations

import hmac
import re
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from jinja2 import Environment

    from assets.project import Project

HOST = "127.0.0.1"
LARGEST = 4 << 30  # bytes of a file
BLOCK = 1 << 20
HEADER = "X-Yuanqing-Selfcheck"
"""A page of another site cannot send it without being asked first, and nobody answers that question."""


class Page:
    """A running page: its `address`, for whoever may see it."""

    def __init__(self, server: ThreadingHTTPServer, token: str) -> None:
        self._server = server
        self.address = f"http://{HOST}:{server.server_address[1]}/{token}/"
        self._thread = threading.Thread(target=server.serve_forever, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until it is ended."""
        self._thread.join()

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serve_page(project: Project, port: int = 0) -> Iterator[Page]:
    """The page, for as long as the context lasts; `port` 0 takes any. Raises `OSError` where the port is taken."""
    token = secrets.token_urlsafe(24)
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, project, token, threading.Lock()))
    except OSError as error:
        raise OSError(f"port {port}: {error.strerror}. Choose another with --port, or leave it out.") from None
    server.daemon_threads = True
    page = Page(server, token)
    try:
        yield page
    finally:
        page.end()


class _Handler(BaseHTTPRequestHandler):
    """One request; nothing is logged."""

    timeout = 60

    def __init__(self, project: Project, token: str, one: threading.Lock, *given: Any) -> None:
        self.project, self.token, self.one = project, token, one
        super().__init__(*given)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the library gives it
        """Says nothing."""

    def do_GET(self) -> None:
        path = self._path()
        if path is None:
            return
        if path != "":
            self._refuse(404, "没有这一页。", "No such page.")
            return
        nonce = secrets.token_urlsafe(16)
        text = environment().get_template("selfcheck.html").render(datasets=self.project.sources(), nonce=nonce, header=HEADER)
        self._send(200, text, nonce)

    def do_POST(self) -> None:
        path = self._path()
        if path is None:
            return
        if path != "check" or self.headers.get(HEADER) != "1" or self.headers.get("Origin") != f"http://{self.headers.get('Host')}":
            self._refuse(403, "只有本页可以提交。", "Only this page may hand a file in.")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            self._refuse(413, f"文件须有长度，且不超过 {LARGEST >> 30} GB。", f"A file of known length, at most {LARGEST >> 30} GB.")
            return
        query = parse_qs(urlsplit(self.path).query)
        dataset, name = (query.get(key, [""])[0] for key in ("dataset", "name"))
        with tempfile.TemporaryDirectory(prefix="yuanqing-selfcheck-") as folder:
            file, text = Path(folder) / plain_name(name), ""
            if self._keep(file, int(length)):
                with self.one:  # a check takes memory as a run does
                    text = found_text(self.project, dataset, file)
        if text:  # the file is gone by now
            self._send(200, text)

    def _path(self) -> str | None:
        """What follows the random part of the address; None (and an answer) for a request of somebody else."""
        host, port = self.headers.get("Host", ""), self.connection.getsockname()[1]
        parts = urlsplit(self.path).path.split("/", 2)
        known = len(parts) == 3 and hmac.compare_digest(parts[1].encode(), self.token.encode())
        if host not in (f"{HOST}:{port}", f"localhost:{port}") or not known:
            self._refuse(403, "地址不对：请用启动时给出的完整地址。", "Another address: use the whole one that was printed at the start.")
            return None
        return parts[2]

    def _keep(self, path: Path, length: int) -> bool:
        """Write the body to `path`; False where the browser went away before its end."""
        with path.open("wb") as out:
            while length > 0:
                block = self.rfile.read(min(BLOCK, length))
                if not block:
                    return False
                out.write(block)
                length -= len(block)
        return True

    def _refuse(self, status: int, zh: str, en: str) -> None:
        self.close_connection = True  # what it still sends is not read
        self._send(status, environment().from_string("<p>{{ zh }} <span class=en>{{ en }}</span></p>").render(zh=zh, en=en))

    def _send(self, status: int, text: str, nonce: str = "") -> None:
        content = text.encode()
        script = f"script-src 'nonce-{nonce}'; " if nonce else ""
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; {script}style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def plain_name(name: str) -> str:
    """A file's name without folders and signs that a name cannot have; readers look at its end, people at the rest."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[\x00-\x1f\x7f]", "", last).lstrip(".")[-120:] or "file"


def found_text(project: Project, dataset: str, path: Path) -> str:
    """What a check of the file says, as a piece of HTML."""
    from pipelines.errors import clear_error_types, told
    from pipelines.precheck import Precheck, precheck

    known: tuple[type[Exception], ...] = (*clear_error_types(), OSError, LookupError)
    try:
        found = precheck(project, dataset, path)
    except known as error:
        found = Precheck(path.name, dataset, refused=told(error))
    return environment().get_template("found.html").render(found=found)


@cache
def environment() -> Environment:
    """The templates of this folder, with the style and the filters of the reports."""
    from jinja2 import FileSystemLoader

    from pipelines.reports import pages

    reports = Path(pages.__file__).with_name("templates")
    return pages.environment().overlay(loader=FileSystemLoader([Path(__file__).with_name("templates"), reports]))
