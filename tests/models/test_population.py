"""The base database of people: small hand-overs of many departments, and what they come to."""

# ruff: noqa: E501 - a row stands in one line
from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from standing_support import put

from assets.lake import open_lake
from assets.models import build
from assets.project import CODE, Project

if TYPE_CHECKING:
    import duckdb

MAN, WOMAN, CHILD, ELDER_CHILD = "219901196001010017", "219901196203040022", "219901202609010015", "219901200001010011"
PARTED, GUEST, UNSURE, WRONG, POOR = (
    "219902198001010012",
    "219903198505050010",
    "219904194001010011",
    "219904194001010019",
    "219905197001010013",
)
WED, SEEN = date(1990, 5, 1), datetime(2026, 10, 20, 9)


def registered(id_number: str, name: str, relation: str, **more: Any) -> dict[str, Any]:
    born = date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))
    plain = {"id_number": id_number, "name": name, "sex": "1" if int(id_number[16]) % 2 else "2", "birth_date": born, "relation": relation}
    return {**plain, "household_no": "H1", "dead": "0", "marital": "10", "living_address": "老地址", "updated_at": SEEN, **more}


def registration(kind: str, cert_no: str, on: date, man: str, woman: str) -> dict[str, Any]:
    people = {"man_id": man, "man_name": "王一", "man_nation": "156", "woman_id": woman, "woman_name": "李二", "woman_nation": "156"}
    return {"op_type": kind, "cert_no": cert_no, "op_date": on, **people}


HANDED_OVER: dict[str, list[dict[str, Any]]] = {
    "population_register": [
        registered(MAN, "王一", "02"),
        registered(WOMAN, "李二", "12"),
        registered(CHILD, "王小", "20"),
        registered(ELDER_CHILD, "王大", "20"),
        registered(PARTED, "赵三", "02", household_no="H2", marital="20", updated_at=datetime(2024, 1, 1)),
    ],
    "marriage_registration": [
        registration("IA", "J1", WED, MAN, WOMAN),
        registration("IA", "J2", date(2010, 1, 1), PARTED, "219902198203030025"),
        registration("IB", "L2", date(2025, 6, 1), PARTED, "219902198203030025"),
        {**registration("IA", "J3", date(2011, 1, 1), WRONG, "219902198404040023"), "_failed": ["man_id_valid"]},
    ],
    "death_certificate": [
        {"cert_no": "D1", "id_type": "111", "id_number": MAN, "name": "王一", "died_at": datetime(2026, 8, 1, 5), "reported_at": SEEN},
        {"cert_no": "D2", "id_type": "111", "id_number": UNSURE, "name": "钱某", "died_at": datetime(2026, 9, 1, 5), "reported_at": SEEN},
        {"cert_no": "D3", "id_type": "111", "id_number": WRONG, "name": "错号", "died_at": SEEN, "reported_at": SEEN, "_failed": ["id_valid"]},
    ],
    "cremation": [{"dead_id": "C1", "id_type": "111", "id_number": MAN, "name": "王一", "died_on": date(2026, 8, 2), "cremated_to": SEEN}],
    "residence_permit": [
        {"permit_no": "P1", "id_number": GUEST, "name": "外来", "sex": "1", "hukou_div": "220102", "living_address": "新地址", "phone": "10000000001",
         "updated_at": datetime(2026, 5, 1), "operation": "I"},
        {"permit_no": "P2", "id_number": PARTED, "name": "赵三", "sex": "1", "living_address": "旧租处", "cancelled_on": date(2026, 1, 1),
         "updated_at": datetime(2026, 1, 1), "operation": "U"},
    ],
    "service_case": [
        {"project_no": "S1", "applicant": "外来", "applicant_type": "1", "applicant_id_type": "111", "applicant_id": GUEST, "mobile": "10000000002",
         "applied_at": datetime(2026, 9, 9), "changed_at": SEEN},
    ],
    "subsistence_allowance": [
        {"card_no": "A1", "kind": "01", "member_id": POOR, "member_name": "孙五", "begin_month": "202001", "end_month": None},
        {"card_no": "A2", "kind": "02", "member_id": ELDER_CHILD, "member_name": "王大", "begin_month": "202001", "end_month": "202610"},
    ],
    "social_insurance": [
        {"person_no": "N1", "id_number": POOR, "name": "孙五", "insurance": "110", "pay_state": "1", "org_name": "甲公司", "changed_at": SEEN},
        {"person_no": "N1", "id_number": POOR, "name": "孙五", "insurance": "210", "pay_state": "3", "org_name": "乙公司", "changed_at": SEEN},
    ],
    "employment": [
        {"person_no": "N1", "id_number": POOR, "name": "孙五", "reg_kind": "1", "reg_date": date(2026, 1, 1), "org_name": "丙公司",
         "ended_on": date(2026, 3, 1)},
    ],
    "birth_certificate": [
        {"cert_no": "B1", "child_name": "王小", "born_at": datetime(2026, 9, 1, 3), "mother_id": WOMAN, "father_id": UNSURE,
         "issue_date": date(2026, 9, 3), "changed_at": SEEN, "operation": "I"},
        {"cert_no": "B2", "child_name": "王小", "born_at": datetime(2026, 9, 1, 3), "mother_id": WOMAN, "father_id": MAN,
         "issue_date": date(2026, 9, 9), "changed_at": SEEN, "operation": "I"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    project = Project(CODE, tmp_path_factory.mktemp("people"))
    with open_lake(project) as con:
        for dataset, rows in HANDED_OVER.items():
            put(con, project.contracts[dataset], rows, batch=dataset)
        for model in ("population", "marital_state", "kinship"):
            build(con, project, project.contracts[model], "first")
        yield con


def _of(con: duckdb.DuckDBPyConnection, table: str, id_number: str, columns: str) -> tuple[Any, ...] | None:
    return con.execute(f"SELECT {columns} FROM base.{table} WHERE id_number = ?", [id_number]).fetchone()


@pytest.mark.parametrize(
    ("who", "columns", "said"),
    [
        (MAN, "life, death_sources, death_date, marital, spouse_id", ("2", 2, date(2026, 8, 1), "20", WOMAN)),
        (UNSURE, "life, death_sources, name", ("1", 1, "钱某")),
        (WOMAN, "life, marital, marital_since", ("0", "20", WED)),
        (PARTED, "marital, marital_since, spouse_id, living_address, _old", ("40", date(2025, 6, 1), None, "老地址", ["living_address"])),
        (GUEST, "name, birth_date, hukou_div, living_address, phone", ("外来", date(1985, 5, 5), "220102", "新地址", "10000000002")),
        (POOR, "allowance, work_state, employer, pension, sex", ("01", "1", "甲公司", "110", "1")),
        (ELDER_CHILD, "allowance, allowance_card", (None, None)),
    ],
)
def test_each_attribute_comes_from_the_department_that_has_the_authority(
    lake: duckdb.DuckDBPyConnection, who: str, columns: str, said: tuple[Any, ...]
) -> None:
    assert _of(lake, "population", who, columns) == said


def test_a_record_whose_id_is_wrong_makes_no_person(lake: duckdb.DuckDBPyConnection) -> None:
    assert _of(lake, "population", WRONG, "name") is None


def test_dates_of_death_that_differ_are_told(lake: duckdb.DuckDBPyConnection) -> None:
    differing = _of(lake, "population", MAN, "_differs")
    assert differing
    assert "death_date" in differing[0]


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (WOMAN, ("30", date(2026, 8, 1), MAN, "2")),
        (MAN, ("20", WED, WOMAN, "0")),
        (PARTED, ("40", date(2025, 6, 1), None, None)),
    ],
)
def test_a_death_widows_the_spouse(lake: duckdb.DuckDBPyConnection, who: str, said: tuple[Any, ...]) -> None:
    assert _of(lake, "marital_state", who, "marital, since, spouse_id, spouse_life") == said


def test_parents_are_those_of_the_latest_certificate_else_of_the_household(lake: duckdb.DuckDBPyConnection) -> None:
    assert _of(lake, "kinship", CHILD, "mother_id, father_id, said_by") == (WOMAN, MAN, "birth_certificate")
    assert _of(lake, "kinship", ELDER_CHILD, "mother_id, father_id, said_by") == (WOMAN, MAN, "population_register")
    assert _of(lake, "kinship", MAN, "mother_id") is None
