"""Who has no key yet: entities without a credit code and children without an id stand under a provisional key until theirs comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from standing_support import put

from assets.lake import open_lake
from assets.models import build, create_views
from assets.project import CODE, Project

if TYPE_CHECKING:
    import duckdb

MOTHER, FATHER, CHILD = "219901199203040029", "219901199001010017", "219901202609010015"
FIRM, SHOP = "91210102MA0058GK1C", "91210102MA00000017"
BORN, DAY = datetime(2026, 9, 1, 4, 30), date(2026, 9, 5)


class Lake:
    """A lake to which departments hand over; `built` are the rows of a model after building what it needs."""

    def __init__(self, con: duckdb.DuckDBPyConnection, project: Project) -> None:
        self.con, self.project, self.runs = con, project, 0
        create_views(con, project)

    def hand_over(self, dataset: str, period: str, rows: list[dict[str, Any]]) -> None:
        arrived = datetime(2026, int(period[4:6]) + 1, 4)
        put(self.con, self.project.contracts[dataset], rows, batch=f"{dataset}-{period}", period=period, received=arrived)

    def built(self, *models: str, columns: str) -> list[tuple[Any, ...]]:
        self.runs += 1
        for name in models:
            build(self.con, self.project, self.project.contracts[name], f"run{self.runs}")
        return self.con.execute(f"SELECT {columns} FROM base.{models[-1]} ORDER BY ALL").fetchall()


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    project = Project(CODE, tmp_path)
    with open_lake(project) as con:
        yield Lake(con, project)


def firm(key: str, uscc: str | None, reg_no: str | None, name: str = "甲（辽宁）公司") -> dict[str, Any]:
    return {"entity_key": key, "uscc": uscc, "reg_no": reg_no, "name": name, "div": "210102", "state": "1", "approved": DAY}


def society(reg_no: str, branch: str = "0") -> dict[str, Any]:
    return {"reg_no": reg_no, "name": "示例协会", "div": "210102", "status": "2", "is_branch": branch, "valid_from": DAY}


def test_an_entity_without_a_code_stands_by_number_or_name_until_its_code_comes(lake: Lake) -> None:
    lake.hand_over("social_organisation", "202609", [society("辽51001"), society("辽51002", branch="1")])
    rows = [firm("1", FIRM, "2101"), firm("2", None, "2102"), firm("3", None, None), firm("4", None, None, "甲(辽宁) 公司")]
    lake.hand_over("market_entity", "202609", rows)
    columns = "provisional_key, state, said_by"
    market = ("1", "market_entity")
    assert lake.built("provisional_entity", columns=columns) == [
        ("NAME:甲(辽宁)公司@210102", *market),
        ("REG:2102", *market),
        ("REG:辽51001", "4", "social_organisation"),
    ]
    lake.hand_over("market_entity", "202610", [firm("1", FIRM, "2101"), firm("2", SHOP, "2102"), firm("3", None, None)])
    assert [key for key, *_ in lake.built("provisional_entity", columns=columns)] == ["NAME:甲(辽宁)公司@210102", "REG:辽51001"]
    assert lake.built("legal_entity", columns="uscc, reg_no") == [(SHOP, "2102"), (FIRM, "2101")]


def certificate(no: str, name: str | None, kind: str = "1", on: date = DAY, **more: Any) -> dict[str, Any]:
    parents = {"mother_id": MOTHER, "mother_id_type": "111", "father_id": FATHER}
    said = {"cert_no": no, "child_name": name, "sex": "1", "born_at": BORN, "issue_date": on, "issue_kind": kind}
    return {**said, **parents, "operation": "I", "changed_at": datetime(2026, 9, 6), **more}


def person(id_number: str, name: str, household: str) -> dict[str, Any]:
    born = date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))
    return {"id_number": id_number, "name": name, "sex": "1", "birth_date": born, "household_no": household, "updated_at": BORN}


def test_a_child_stands_by_name_day_and_mother_until_it_is_registered(lake: Lake) -> None:
    lake.hand_over(
        "birth_certificate",
        "20260930",
        [
            certificate("V1", "王小"),
            certificate("V2", "王小", "3", date(2026, 9, 20)),  # issued again: the same child
            certificate("V3", "王二小"),  # its twin
            certificate("V4", None, mother_id=None, father_id=None),
        ],
    )
    parents = [person(MOTHER, "李二", "H1"), person(FATHER, "王一", "H2")]
    namesake = person("219905202609010014", "王小", "H9")
    lake.hand_over("population_register", "202609", [*parents, namesake])
    columns = "provisional_key, cert_no"
    twin, unnamed = (f"王二小@20260901@{MOTHER}", "V3"), ("V4@20260901@V4", "V4")
    waiting = lake.built("population", "provisional_person", columns=columns)
    assert waiting == [unnamed, twin, (f"王小@20260901@{MOTHER}", "V2")]
    lake.hand_over("population_register", "202610", [*parents, namesake, person(CHILD, "王小", "H2")])
    assert lake.built("population", "provisional_person", columns=columns) == [unnamed, twin]
    assert (CHILD,) in lake.built("population", columns="id_number")
