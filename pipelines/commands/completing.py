"""What the shell completes: names of datasets, batches, runs and codes, found without reading a contract or opening the lake.

Belongs here: cheap look-ups that never fail aloud (a shell that completes shows no error). Not here: checking what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assets.project import Project

MOST = 200  # offered at once


def _quietly(look: Callable[[], Iterator[str]]) -> Callable[[str], list[str]]:
    """A completer of what `look` gives: the names that begin with what was typed; none where anything goes wrong."""

    @wraps(look)
    def complete(incomplete: str) -> list[str]:
        found: list[str] = []
        with suppress(Exception):
            for name in look():
                if name.startswith(incomplete) and len(found) < MOST:
                    found.append(name)
        return found

    complete.__annotations__ = {"incomplete": str, "return": list[str]}  # the library goes by them
    del complete.__wrapped__
    return complete


def _project() -> Project:
    from assets.project import Project

    return Project.at()


@_quietly
def datasets() -> Iterator[str]:
    """Datasets, by the names of their contracts."""
    yield from sorted(path.name.removesuffix(".odcs.yaml") for path in _project().assets.rglob("*.odcs.yaml"))


@_quietly
def sources() -> Iterator[str]:
    """Source datasets."""
    yield from sorted(path.name.removesuffix(".odcs.yaml") for path in (_project().assets / "sources").rglob("*.odcs.yaml"))


@_quietly
def batches() -> Iterator[str]:
    """Batches that were published, the newest first."""
    import duckdb

    with duckdb.connect(str(_project().results), read_only=True) as con:
        yield from (b for (b,) in con.execute("SELECT batch FROM batches ORDER BY collected_at DESC, batch").fetchall())


@_quietly
def runs() -> Iterator[str]:
    """Runs, the newest first."""
    import sqlite3

    at = _project().dagster_home / "history" / "runs.db"
    with sqlite3.connect(f"file:{at}?mode=ro", uri=True) as con:
        yield from (run for (run,) in con.execute("SELECT run_id FROM runs ORDER BY id DESC").fetchall())


@_quietly
def error_codes() -> Iterator[str]:
    """Codes of errors."""
    from pipelines.errors import CODES, INTERRUPTED, USAGE

    yield from sorted({*CODES.values(), USAGE, INTERRUPTED})
