"""What all tests share: a fast place for their folders, and one thread for DuckDB."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

MEMORY = Path("/dev/shm")
ENOUGH = 3 << 30  # bytes


def pytest_configure(config: pytest.Config) -> None:
    """Put test folders in memory where there is room: lakes and event logs wait for the disk at every commit."""
    if config.option.basetemp is None and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        config.option.basetemp = tempfile.mkdtemp(prefix="yuanqing-tests-", dir=MEMORY)
        os.chmod(config.option.basetemp, 0o755)  # PostgreSQL runs as a user of its own
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """DuckDB works in the thread that asks: over a few rows a second one costs two to four times the processor time, waiting."""
    connect = duckdb.connect

    def connect_alone(*given: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        con = connect(*given, **named)
        con.execute("SET threads = 1")
        return con

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb, "connect", connect_alone)
        yield


@pytest.fixture(scope="module")
def many_threads(one_thread: None) -> Iterator[None]:
    """As many threads as the machine has processors, and not one alone: for what may depend on the order in which rows come."""
    connect = duckdb.connect

    def connect_with_all(*given: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        con = connect(*given, **named)
        con.execute(f"SET threads = {max(2, os.cpu_count() or 2)}")
        return con

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb, "connect", connect_with_all)
        yield
