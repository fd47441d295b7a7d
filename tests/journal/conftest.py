"""A journal of ten entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.project import Project
from pipelines.journal import append


@pytest.fixture
def ten(tmp_path: Path) -> Project:
    """王芳 dispatches, 李四 claims, five times."""
    project = Project(tmp_path, tmp_path / "data")
    for n in range(5):
        append(project, "dispatch", "王芳", f"第 {n + 1} 批", dataset="pet", rule="tag_form", n=n)
        append(project, "claim", "李四", "已改", dataset="pet", rule="tag_form", n=n)
    return project
