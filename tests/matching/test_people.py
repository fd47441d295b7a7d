"""People without a good id, held against the base of people by its own declaration: what only its sources tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from assets.lake import open_lake
from assets.matching import match
from assets.project import CODE, Project
from tests.models.test_provisional import Lake, person

DEAD, ALIVE = "219901195006070014", "21990219630303001X"
DIED = datetime(2026, 9, 1, 5)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    project = Project(CODE, tmp_path)
    with open_lake(project) as con:
        lake = Lake(con, project)
        lake.hand_over("population_register", "202609", [person(DEAD, "孟浩桐", "H1"), person(ALIVE, "孟浩桐", "H2")])
        certificate = {"cert_no": "D1", "id_type": "111", "id_number": DEAD, "name": "孟浩桐", "died_at": DIED, "reported_at": DIED}
        lake.hand_over("death_certificate", "202609", [certificate])
        lake.built("population", columns="id_number")
        yield lake


@pytest.mark.parametrize(
    ("said", "whose"),
    [
        ({"id_number": None, "died_on": DIED.date()}, DEAD),  # of two namesakes the one who died that day
        ({"id_number": DEAD[:15] + "000", "died_on": None}, DEAD),  # what a spreadsheet left, without a day of birth
        ({"id_number": None, "died_on": None}, None),
        ({"id_number": "E12345678", "died_on": DIED.date(), "id_type": "414"}, None),  # a passport is no broken id
    ],
)
def test_a_cremation_without_a_good_id_is_held_against_the_dead(lake: Lake, said: dict[str, object], whose: str | None) -> None:
    plain = {"dead_id": "C1", "id_type": "111", "name": "孟浩桐", "sex": "1", "cremated_to": DIED}
    lake.hand_over("cremation", "202609", [{**plain, **said}])
    contract = lake.project.contracts["population"]
    match(lake.con, lake.project, contract, "run")
    found = lake.con.execute("SELECT id_number FROM base.population__matches WHERE class IN ('certain', 'review')").fetchall()
    assert found == ([(whose,)] if whose else [])
