"""Two departments, what they handed over, and published results."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path

import pytest

from assets.project import Project
from pipelines.league import publish_league
from pipelines.results import publish

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))

from reports_support import batch, contract, fill, result, suite  # isort: skip

SLA = [{"property": "frequency", "value": 1, "unit": "mo"}, {"property": "latency", "value": 5, "unit": "d"}]


@pytest.fixture
def project(handed: Project, tmp_path: Path) -> Project:
    """`handed`, to be changed."""
    return copied(handed, tmp_path)


@pytest.fixture
def published(once: Project, tmp_path: Path) -> Project:
    """The same with the third quarter published by 王芳, as number 1."""
    return copied(once, tmp_path)


def copied(project: Project, to: Path) -> Project:
    shutil.copytree(project.root, to, dirs_exist_ok=True)
    return Project(to, to / "data")


@pytest.fixture(scope="session")
def once(handed: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = copied(handed, tmp_path_factory.mktemp("published"))
    publish_league(made, "王芳", "例行", "2026Q3")
    return made


@pytest.fixture(scope="session")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """公安厅 before 民政厅 (`=1+1`); people of two units handed over July to September, pets once."""
    tmp_path = tmp_path_factory.mktemp("handed")
    contract(tmp_path, "people", [("id", "ID", "号码", "string", 3)], sla=SLA, title="人口", department="公安厅")
    contract(tmp_path, "pets", [("id", "ID", "号码", "string", 3)], sla=SLA, group="civil", title="犬只", department="=1+1")
    rules = [{"id": "id_there", "column": "id", "indicator": "0201"}]
    suite(tmp_path, "people", rules)
    suite(tmp_path, "pets", rules, group="civil")
    made = Project(tmp_path, tmp_path / "data")
    people = [
        batch("people", "p7", unit="210100", period="202607", received_at=datetime(2026, 8, 5, 9)),
        batch("people", "p8", unit="210100", period="202608", received_at=datetime(2026, 9, 6, 9)),  # a day late
        batch("people", "p9", unit="210100", period="202609", received_at=datetime(2026, 10, 5, 23)),
        batch("people", "q6", unit="210200", period="202606", received_at=datetime(2026, 7, 3, 9)),
        batch("people", "q7", unit="210200", period="202607", received_at=datetime(2026, 8, 5, 9)),  # then no more
        batch("people", "r8", unit="210200", period="202608", received_at=datetime(2026, 9, 2, 9), status="refused"),
    ]
    pets = [batch("pets", "d9", period="202609", department="civil", received_at=datetime(2026, 10, 4, 9))]
    standing = [
        result("people", "p9", "id_there", 10, 1),
        result("people", "q7", "id_there", 10, 1),
        result("pets", "d9", "id_there", 10, 4),
    ]
    fill(made, batches=[*people, *pets], results=standing)
    publish(made)
    return made
