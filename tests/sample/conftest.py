"""One small sample for all tests of this folder; lets them import `sample_support`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sample_support import Sample, folder, made


@pytest.fixture(scope="session")
def sample() -> Iterator[Sample]:
    with folder() as data:
        yield made(data)
