"""One small sample for all tests of this folder; lets them import `sample_support`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sample_support import Sample, made


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return made(tmp_path_factory.mktemp("sample"))
