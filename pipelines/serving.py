"""What a browser looks at in development: Dagster's webserver and daemon, and the reports, on loopback.

Belongs here: starting and ending processes. In production nginx serves the reports and stands before two webservers.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assets.project import Project

HOST = "127.0.0.1"


class Processes:
    """The processes of the UI."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[bytes]] = []

    def wait(self) -> None:
        """Until one of them ends. Raises `OSError` where it ended by itself with an error."""
        while all(p.poll() is None for p in self.running):
            time.sleep(0.5)
        ended = next(p for p in self.running if p.poll() is not None)
        if ended.returncode:
            raise OSError(f"{' '.join(map(str, ended.args[2:4]))} ended with {ended.returncode}; its last words stand above.")  # type: ignore[index]

    def end(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def serve(project: Project, *, port: int, reports_port: int, daemon: bool = True, read_only: bool = False) -> Iterator[Processes]:
    """The UI at `port` and the reports at `reports_port` for as long as the context lasts.

    Raises `OSError` where a port is taken.
    """
    from pipelines.instance import home

    for wanted in (port, reports_port):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, wanted)) == 0:
                raise OSError(f"port {wanted} is taken. Choose another with --port or --reports-port.")
    project.reports.mkdir(parents=True, exist_ok=True)
    pages = ThreadingHTTPServer((HOST, reports_port), partial(_Pages, directory=str(project.reports)))
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    environment = {
        **os.environ,
        "DAGSTER_HOME": home(project),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "YUANQING_ROOT": str(project.root),
        "YUANQING_DATA": str(project.data),
        "YUANQING_REPORTS_URL": project.reports_url
        if "reports_url" in project.settings.model_fields_set
        else f"http://{HOST}:{reports_port}",
    }
    workspace = project.root / "workspace.yaml"
    location = ["-w", str(workspace)] if workspace.exists() else ["-m", "pipelines.definitions", "-a", "defs"]
    commands = [
        [
            "dagster_webserver",
            "-h",
            HOST,
            "-p",
            str(port),
            *location,
            "--uvicorn-log-level",
            "warning",
            "--dagster-log-level",
            "warning",
            *(["--read-only"] if read_only else []),
        ]
    ]
    if daemon:
        commands.append(["dagster._daemon", "run", *location, "--log-level", "warning"])
    processes = Processes()
    # Ended by a signal, Python would leave the processes behind.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for command in commands:
            processes.running.append(subprocess.Popen([sys.executable, "-m", *command], env=environment, cwd=project.root))  # noqa: S603 - our own
        yield processes
    finally:
        signal.signal(signal.SIGTERM, before)
        processes.end()
        pages.shutdown()
        pages.server_close()


class _Pages(SimpleHTTPRequestHandler):
    """Reports as files; nothing is listed, nothing is logged."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the library gives it
        """Says nothing."""

    def list_directory(self, path: Any) -> None:  # noqa: ARG002
        self.send_error(404)
