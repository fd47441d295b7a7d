"""A department's server on loopback, for the tests of this folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from assets.project import Project
from pipelines.entry.serving import server_of

TOKEN, OTHER = "city-token-" + "x" * 20, "parks-token-" + "y" * 20
TOML = """\
[serve.departments.city]
token_from = "env:CITY_TOKEN"
may_ask_base = true
max_records = 5
max_bytes = 1000

[serve.departments.parks]
token_from = "env:PARKS_TOKEN"
per_minute = 3
"""


@contextmanager
def running(project: Project) -> Iterator[httpx.Client]:
    """A client of a real server over `project`."""
    server = server_of(project, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(30)
