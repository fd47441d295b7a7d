"""Dagster's own storage for a project: where it lies, how it is set up, and how it is opened.

Belongs here: `dagster.yaml`, DAGSTER_HOME and the speed of the event log. Not here: what runs, and when.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from sqlalchemy import Engine

    from assets.project import Project

# One run at a time: the lake has one writer. Runs that cannot be reached any more are marked as failed, and the command
# that follows sees in the lake what they had committed.
DAGSTER_YAML = """\
# Written by yuanqing where there was none; yours to change. See docs/decisions/0004-the-event-log-does-not-wait-for-the-disk.md.
telemetry:
  enabled: false
nux:
  enabled: false
freshness:
  enabled: true
concurrency:
  runs:
    max_concurrent_runs: 1
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  cancel_timeout_seconds: 60
  max_runtime_seconds: 21600
  poll_interval_seconds: 60
run_retries:
  enabled: false
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      failure: 90
      success: 90
  auto_materialize:
    purge_after_days:
      skipped: 7
      failure: 90
      success: 90
"""


def home(project: Project) -> str:
    """The project's DAGSTER_HOME as an absolute path; made, with its `dagster.yaml`, where there is none."""
    project.dagster_home.mkdir(parents=True, exist_ok=True)
    settings = project.dagster_home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(DAGSTER_YAML, encoding="utf-8")
    return str(project.dagster_home)


@contextmanager
def open_instance(project: Project) -> Iterator[DagsterInstance]:
    """Dagster's instance for this project, its event log written without waiting for the disk."""
    from dagster import DagsterInstance

    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    spare_the_disk()
    read_history_once()
    keep_engines()
    try:
        with DagsterInstance.from_config(home(project)) as instance:
            yield instance
    finally:
        while _kept:
            _close(_kept.popitem()[1])


_SPARED = False
ENGINES = 16
"""Engines that are kept; each run has a file of its own, and is done with when the next begins."""
_kept: dict[str, Engine] = {}
"""By address, the one used last at the end."""


def spare_the_disk() -> None:
    """Let SQLite not wait for the disk at every event of Dagster's log, in this process.

    A power cut may cost the UI its last minutes of history; the evidence lies in the lake, which is not opened through
    SQLAlchemy and is not touched by this. Measured in docs/decisions/0004-the-event-log-does-not-wait-for-the-disk.md.
    """
    global _SPARED
    if _SPARED:
        return
    from sqlite3 import Connection

    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        if isinstance(connection, Connection):
            connection.execute("PRAGMA synchronous = OFF")

    _SPARED = True


def read_history_once() -> None:
    """Let the history of Dagster's tables be read once a process.

    Each run's log is a file of its own, and for each Dagster loads the sixty modules of that history: 30 ms, and 0.1 s for an instance.
    """
    from alembic.script import ScriptDirectory

    if not hasattr(ScriptDirectory.from_config, "cache_info"):
        setattr(ScriptDirectory, "from_config", staticmethod(lru_cache(ScriptDirectory.from_config)))  # noqa: B010 - mypy: a method


def keep_engines() -> None:
    """Let engines of Dagster's storages, and their connections, be kept until the instance is closed.

    Dagster makes an engine for every look and a connection for every event: each compiles its statements anew, and whoever is the
    last to close a file writes its whole log back.
    """
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage
    from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage

    for module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
        if module.create_engine.__module__ != __name__:
            setattr(module, "create_engine", _keeping(module.create_engine))  # noqa: B010 - mypy: an overloaded function


def _keeping(make: Callable[..., Engine]) -> Callable[..., Engine]:
    from sqlalchemy.pool import QueuePool

    def engine(address: str, **how: Any) -> Engine:
        found = _kept.pop(address, None)
        if found is None:
            found = make(address, **how | {"poolclass": QueuePool})
            setattr(found, "dispose", _not_yet)  # noqa: B010 - the event log would after each event
            if len(_kept) == ENGINES:
                _close(_kept.pop(next(iter(_kept))))
        _kept[address] = found
        return found

    return engine


def _not_yet() -> None:
    """In place of `Engine.dispose`."""


def _close(engine: Engine) -> None:
    type(engine).dispose(engine)
