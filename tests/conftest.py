"""What all tests share: a fast place for their folders."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
ENOUGH = 3 << 30  # bytes


def pytest_configure(config: pytest.Config) -> None:
    """Put test folders in memory where there is room: lakes and event logs wait for the disk at every commit."""
    if config.option.basetemp is None and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        config.option.basetemp = tempfile.mkdtemp(prefix="yuanqing-tests-", dir=MEMORY)
        os.chmod(config.option.basetemp, 0o755)  # PostgreSQL runs as a user of its own
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))
