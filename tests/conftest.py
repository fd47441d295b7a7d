"""What all tests share: a fast place for their folders, and one thread for DuckDB."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

if TYPE_CHECKING:
    from assets.project import Project

MEMORY = Path("/dev/shm")
ENOUGH = 3 << 30  # bytes


def pytest_configure(config: pytest.Config) -> None:
    """Put test folders in memory where there is room: lakes and event logs wait for the disk at every commit."""
    if config.option.basetemp is None and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        config.option.basetemp = tempfile.mkdtemp(prefix="yuanqing-tests-", dir=MEMORY)
        os.chmod(config.option.basetemp, 0o755)  # PostgreSQL runs as a user of its own
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


@pytest.fixture(autouse=True)
def _own_project() -> Iterator[None]:
    """A command that was given --root or --data says so in the environment; the next test is not to find it there."""
    names = ("YUANQING_ROOT", "YUANQING_DATA")
    before = {name: os.environ.get(name) for name in names}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Runs without pages, which are tested where they are made, and without waiting for files to be whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.reports.build_reports", lambda p, base_url=None: [])
        patch.setattr("pipelines.run.seconds_to_settle", lambda p: 0.0)
        yield


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Callable[[Project], None]:
    """`empty_lake(project)` gives it the lake that the first opening would make: copying tables takes a tenth of making them."""
    from assets.lake import open_lake
    from assets.project import Project

    made = tmp_path_factory.mktemp("empty")
    with open_lake(Project(made, made)):
        pass

    def give(project: Project) -> None:
        shutil.copytree(made / "lake", project.lake)

    return give


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Every connection that is made to DuckDB works with so many threads."""
    connect = duckdb.connect

    def limited(*given: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        con = connect(*given, **named)
        con.execute(f"SET threads = {number}")
        return con

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb, "connect", limited)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """DuckDB works in the thread that asks: over a few rows a second one costs two to four times the processor time, waiting."""
    with threads(1):
        yield


@pytest.fixture(scope="session")
def many_threads(one_thread: None) -> Callable[[], AbstractContextManager[None]]:
    """`with many_threads():` for what might depend on the order in which rows come."""
    return lambda: threads(max(2, os.cpu_count() or 2))
