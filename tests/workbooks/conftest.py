"""What the tests of workbooks share: the small project, its workbook as it goes out, and the clerk who fills it in."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from assets.project import Project

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "reports")]

from workbook_support import OTHERS, PASSWORD, Acts, Clerk, make_project, sent, with_passwords  # noqa: E402 - the folder is put on the path above


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def out(made: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sent(made, tmp_path_factory.mktemp("out"))


@pytest.fixture
def project(made: Project, tmp_path: Path) -> Project:
    """One of the test's own, which it may change."""
    shutil.copytree(made.root, tmp_path / "project")
    return Project(tmp_path / "project", tmp_path / "project" / "data")


@pytest.fixture
def clerk(out: Path) -> Clerk:
    return Clerk(out)


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> Acts:
    made = Acts()
    monkeypatch.setattr("pipelines.issues.acting.answer", made.answer)
    return made


@pytest.fixture
def secured(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("POLICE_PASSWORD", PASSWORD)
    monkeypatch.setenv("TRANSPORT_PASSWORD", OTHERS)
    return with_passwords(project, police="POLICE_PASSWORD", transport="TRANSPORT_PASSWORD")
