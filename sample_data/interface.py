"""The sample's interfaces: JSON records by day, in pages, with a token, as many datasets as are declared.

Belongs here: answering as a contract's server options say. Not here: the records (`made`), starting databases (`servers`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

from sample_data.forms import kept

if TYPE_CHECKING:
    from sample_data.declaration import Declaration

DEFAULTS = {
    "dateParam": "date", "dateForm": "%Y-%m-%d", "pageParam": "page", "firstPage": 1, "sizeParam": "size", "pageSize": 500,
    "recordsAt": "records", "totalAt": "total", "daysAt": "days",
}  # fmt: skip
"""What a contract says of its interface where it says nothing."""


@dataclass(frozen=True)
class Pages:
    """One dataset behind an interface: its address, its days, its token, how it is asked and answers."""

    days: Path
    address: str
    listed: str | None
    token: str
    options: Mapping[str, Any]

    @staticmethod
    def of(view: Declaration, made: Path, token: str) -> Pages:
        options = {**DEFAULTS, **view.contract.server.properties}
        location = str(options["location"])
        listed = urlsplit(urljoin(location, str(options["daysPath"]))).path if options.get("daysPath") else None
        return Pages(made / view.name, urlsplit(location).path, listed, token, options)

    def day_list(self) -> dict[str, Any]:
        form = str(self.options["dateForm"])
        days = [datetime.fromisoformat(path.stem).strftime(form) for path in sorted(self.days.glob("*.parquet"))]
        return _put({"code": 0}, str(self.options["daysAt"]), days)

    def page(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """The page that was asked for; a day that is not there has no records."""
        options = self.options
        number = int(asked.get(options["pageParam"], options["firstPage"]))
        size = max(1, int(asked.get(options["sizeParam"], options["pageSize"])))
        first = (number - int(options["firstPage"])) * size
        try:
            path = self.days / f"{datetime.strptime(asked.get(options['dateParam'], ''), str(options['dateForm'])):%Y-%m-%d}.parquet"
            total = kept.count(path)
            records = list(kept.rows(path, max(0, first), first + size))
        except (ValueError, FileNotFoundError):
            total, records = 0, list[Any]()
        more = self.days / f"{asked.get(options['dateParam'], '')}.announced"
        total += int(more.read_text()) if more.exists() else 0
        answer: dict[str, Any] = {"code": 0}
        _put(answer, str(options["totalAt"]), total)
        for option, value in (("pageAt", number), ("sizeAt", size)):
            if options.get(option):
                _put(answer, str(options[option]), value)
        return _put(answer, str(options["recordsAt"]), records)


def _put(answer: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Put a value where a path with dots says."""
    *above, last = path.split(".")
    place = answer
    for key in above:
        place = place.setdefault(key, {})
    place[last] = value
    return answer


@contextmanager
def interfaces(made: Path, views: Sequence[Declaration], tokens: Mapping[str, str]) -> Iterator[str]:
    """One HTTP server for all views, at the address given; each server name of the contracts has its own token."""
    pages = [Pages.of(view, made, tokens[view.contract.server.name]) for view in views]
    handler = type("Interface", (_Handler,), {"pages": pages})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        kept.forget()


class _Handler(BaseHTTPRequestHandler):
    """GET <address>?date=2026-10-31&page=1&size=100, GET <list of days>."""

    pages: Sequence[Pages]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = {key: found[0] for key, found in parse_qs(address.query).items()}
        found = next((p for p in self.pages if address.path in (p.address, p.listed)), None)
        if found is None:
            self._answer(404, {"code": 404, "message": "no such address"})
        elif self.headers.get("Authorization") != f"Bearer {found.token}":
            self._answer(401, {"code": 401, "message": "token"})
        else:
            self._answer(200, found.day_list() if address.path == found.listed else found.page(asked))

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing: requests hold names."""
