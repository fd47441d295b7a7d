"""A project of one source and one model, made where a test wants it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tiny_support import make_tiny

from assets.project import Project


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Project]:
    """`tiny(root, rules=..., server=..., suited=...)` writes the project and returns it."""
    return make_tiny
