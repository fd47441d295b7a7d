"""One small sample for all tests of this folder; lets them import `sample_support`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

sys.path.insert(0, str(Path(__file__).parent))

from sample_support import Sample, folder, made, there


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """A copy of this worker's own: tests start servers in it. Whichever worker wants it first makes it for all."""
    base = tmp_path_factory.getbasetemp()
    kept = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sample"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            unfinished = kept.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)
            made(unfinished)
            unfinished.rename(kept)
    with folder() as data:
        shutil.copytree(kept, data, dirs_exist_ok=True)
        yield there(data)
