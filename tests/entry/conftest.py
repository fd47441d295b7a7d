"""Lets the tests of this folder import `entry_support`; the small project with two departments, and a client of its server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tiny_support import make_tiny

from assets.project import CODE, Project

sys.path.insert(0, str(Path(__file__).parent))

from entry_support import OTHER, TOKEN, TOML, running


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The small project with two departments that may ask: `city` has the dataset `pet`, `parks` has `tree`."""
    root = tmp_path_factory.mktemp("entry")
    project = make_tiny(root)
    pet = (root / "assets/sources/city/pet.odcs.yaml").read_text(encoding="utf-8")
    tree = root / "assets/sources/parks/tree.odcs.yaml"
    tree.parent.mkdir()
    tree.write_text(
        pet.replace("id: pet", "id: tree").replace("name: pet", "name: tree").replace("path: pet/", "path: tree/"), encoding="utf-8"
    )
    (root / "yuanqing.toml").write_text(TOML, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CITY_TOKEN", TOKEN)
        patch.setenv("PARKS_TOKEN", OTHER)
        assert project.settings.serve.departments
        yield project


@pytest.fixture(scope="module")
def client(tiny: Project) -> Iterator[httpx.Client]:
    with running(tiny) as client:
        yield client


@pytest.fixture(scope="session")
def province(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project that comes with Yuanqing, without data."""
    return Project(CODE, Path(tmp_path_factory.mktemp("province")))
