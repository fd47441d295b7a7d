"""`yuanqing serve` as a process: the application in uvicorn, and its log.

Belongs here: starting. Not here: the application (`app`). TLS and who may reach it from elsewhere are nginx's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uvicorn

    from assets.project import Project

LIMIT = 64
"""Requests taken in at once; others are told to come later (503) before anything of them is read."""


def server_of(project: Project, host: str, port: int, say: Callable[[str], None] = lambda _: None) -> uvicorn.Server:
    """A server that is ready to run, every dataset's rules compiled; `say` is told each before.

    Raises `SettingsError`, `SecretError`, `DocumentError`, and `ModuleNotFoundError` where the extra is not installed.
    """
    try:
        import uvicorn

        from pipelines.entry.app import Entry, make_app

        entry = Entry(project)
        app = make_app(entry)
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "uvicorn", "starlette"):
            raise
        raise ModuleNotFoundError(f"{error.name} is not installed. Run: pip install 'yuanqing[serve]'") from None
    for dataset in entry.warm():
        say(dataset)
    # Its own access log would repeat addresses, where somebody may have put an id. h11: Java's client offers HTTP/2 with its first
    # request, and the faster parser takes the body of such a request for another one.
    config: dict[str, Any] = {"access_log": False, "log_level": "error", "server_header": False, "http": "h11", "limit_concurrency": LIMIT}
    return uvicorn.Server(uvicorn.Config(app, host=host, port=port, **config))


@contextmanager
def logged() -> Iterator[None]:
    """Within, the log of requests goes to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.getLogger("yuanqing.entry")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
