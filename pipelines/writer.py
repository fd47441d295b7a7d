"""One writer at a time: the run's hold on the lake.

Belongs here: waiting and the command's own lock. Not here: what is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from assets.lake import LakeBusyError, open_lake

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

PATIENCE = 600.0


@contextmanager
def waiting_lake(project: Project, log: Any = None, patience: float = PATIENCE) -> Iterator[duckdb.DuckDBPyConnection]:
    """The lake for writing, waited for up to `patience` seconds. Raises `LakeBusyError`."""
    until = time.monotonic() + patience
    with ExitStack() as stack:
        waited = False
        while True:
            try:
                con = stack.enter_context(open_lake(project))
                break
            except LakeBusyError:
                if time.monotonic() >= until:
                    raise
                if not waited and log is not None:
                    log.info("另一个运行正在写入，等待中。 Another run writes into the lake; waiting.")
                waited = True
                time.sleep(0.5)
        yield con


@contextmanager
def sole_run(project: Project) -> Iterator[None]:
    """The lock of the command: one `yuanqing run` a project. Raises `LakeBusyError` at once where another one runs."""
    from filelock import FileLock, Timeout

    project.data.mkdir(parents=True, exist_ok=True)
    lock = FileLock(project.data / "run.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise LakeBusyError(f"another `yuanqing run` is at work on {project.data}. Wait until it has ended, then run again.") from None
    try:
        yield
    finally:
        lock.release()
