"""Thematic tables of hotline, government service, social assistance and market regulation: small hand-overs, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from standing_support import put

from assets.lake import open_lake, quote
from assets.models import build, create_views, order
from assets.project import CODE, Project

if TYPE_CHECKING:
    import duckdb

BATCH = "b"
FOOD_ORGAN, FIRM, OTHER = "11210102MAM37DA74Y", "91210102MA00000017", "91210102MA00000025"


class Lake:
    """The repository's declarations over a lake into which rows are put as if standardised."""

    def __init__(self, con: duckdb.DuckDBPyConnection, project: Project) -> None:
        self.con, self.project = con, project

    def put(self, dataset: str, period: str, rows: list[dict[str, Any]], unit: str | None = None) -> None:
        put(self.con, self.project.contracts[dataset], rows, batch=BATCH + dataset, period=period, unit=unit)

    def built(self, table: str) -> list[dict[str, Any]]:
        cursor = self.con.execute(f"SELECT * FROM thematic.{quote(table)} ORDER BY ALL")
        names = [d[0] for d in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def order_of(no: str, **more: Any) -> dict[str, Any]:
    day = datetime(2026, 10, 8, 9)
    plain = {
        "order_no": no,
        "received_at": day,
        "div": "210102",
        "handler": "沈阳市和平区市场监督管理局",
        "kind": "3",
        "topic_1": "市场监管",
        "topic_2": "消费纠纷",
    }
    return {**plain, "due_at": datetime(2026, 10, 15, 9), "extended": "0", "returned": 0, "changed_at": day, "operation": "I", **more}


ORDERS = [
    order_of("1", closed_at=datetime(2026, 10, 8, 10), satisfaction="5", entity_uscc=FIRM),  # answered at once, an hour
    order_of(
        "2", dispatched_at=datetime(2026, 10, 8, 10), closed_at=datetime(2026, 10, 16, 9), satisfaction="2", entity_name="示例甲有限公司"
    ),
    order_of("3", dispatched_at=datetime(2026, 10, 8, 11), returned=1, entity_name="示例同名店"),
    order_of("4", received_at=None),
    order_of("5", handler="沈阳市和平区民政局", operation="D"),
]


def entity(uscc: str, name: str, **more: Any) -> dict[str, Any]:
    plain = {"entity_key": uscc, "uscc": uscc, "name": name, "type": "1130", "state": "1", "div": "210102", "approved": date(2024, 1, 1)}
    return {**plain, **more}


ENTITIES = [
    entity(FIRM, "示例甲有限公司", state="4", end_date=date(2026, 8, 1)),
    entity(OTHER, "示例同名店"),
    entity("92210102MA00000033", "示例同名店"),
]


def case(no: str, **more: Any) -> dict[str, Any]:
    plain = {
        "project_no": no,
        "catalog_code": "000131021000",
        "task_name": "食品经营许可",
        "dept": "沈阳市和平区市场监督管理局",
        "dept_code": FOOD_ORGAN,
        "div": "210102",
    }
    times = {"applied_at": datetime(2026, 9, 1, 9), "accepted_at": datetime(2026, 9, 1, 10), "promised_at": datetime(2026, 9, 16, 10)}
    return {**plain, **times, "apply_type": "窗口", "changed_at": datetime(2026, 9, 1, 12), **more}


CASES = [
    case("c1", result_at=datetime(2026, 9, 2, 10), result_type="1", apply_type="网上"),
    case("c2", result_at=datetime(2026, 9, 20, 10), result_type="3"),
    case("c3"),
]


def rating(no: str, score: str, **more: Any) -> dict[str, Any]:
    return {"project_no": no, "nth": 1, "score": score, "rated_at": datetime(2026, 9, 20, 12), **more}


RATINGS = [
    rating("c1", "5"),
    rating("c2", "1", mend_due=date(2026, 10, 11), mended_on=date(2026, 10, 9)),
    rating("c2", "2", nth=2, mend_due=date(2026, 10, 11), mended_on=date(2026, 10, 12)),
    rating("nobody's", "1"),
]


def member(card: str, person: str, **more: Any) -> dict[str, Any]:
    plain = {
        "card_no": card,
        "member_id": person,
        "member_name": person,
        "domicile_div": "210103001201",
        "kind": "01",
        "head_id": "p1",
        "persons": 2,
    }
    return {**plain, "amount": Decimal("1500.00"), "begin_month": "202608", "relation": "02", **more}


MEMBERS = [
    member("A", "p1"),
    member("A", "p2", relation="12"),
    member("B", "p9", persons=1, amount=Decimal("700.00"), begin_month="202610"),
    member("C", "p6", begin_month="202810"),  # a wrong year: not the newest month
]
REGISTER = [
    {"id_number": p, "name": p, "household_no": h, "dead": "0", "relation": "20"}
    for p, h in (("p1", "h1"), ("p2", "h1"), ("p3", "h1"), ("p9", "h9"))
]
INSURED = {"psn_insu_stas": "1", "cd_operation": "I", "cd_time": datetime(2026, 10, 1)}
MEDICAL = [
    {
        **INSURED,
        "psn_no": "1",
        "insutype": "390",
        "insuplc_admdvs": "210104",
        "certno": "p7",
        "psn_name": "p7",
        "psn_idet_type": "01",
        "psn_idet_begin": date(2026, 1, 1),
    },
    {**INSURED, "psn_no": "2", "insutype": "390", "insuplc_admdvs": "210104", "certno": "p8", "psn_name": "p8"},
]
LICENCES = [
    {
        "licence_no": "JY1",
        "uscc_or_id": FIRM,
        "state": "1",
        "valid_to": date(2029, 1, 1),
        "cd_operation": "I",
        "cd_time": datetime(2026, 10, 1),
    }
]


def inspection(result: str, day: int) -> dict[str, Any]:
    plain = {"task_no": str(day), "entity_key": OTHER, "uscc": OTHER, "dept_code": FOOD_ORGAN, "dept_name": "局", "result": result}
    return {**plain, "checked_on": date(2026, 10, day), "done_on": date(2026, 10, day + 2)}


def penalty(no: str, fine: str) -> dict[str, Any]:
    day = {"decided": date(2026, 10, 9), "reported_at": datetime(2026, 10, 12)}
    return {"organ_uscc": FOOD_ORGAN, "doc_no": no, "uscc": OTHER, "fine": Decimal(fine), **day}


DISAGREEMENT = """INSERT INTO base.disagreement ("check", subject, since, due, dataset, batch, "row", other)
    SELECT 'x01_allowance_of_dead', 'p2', DATE '2026-09-03', DATE '2026-10-31', 'subsistence_allowance', 'bsubsistence_allowance', 2,
        'death_certificate'"""
NEEDED = (
    "legal_entity", "hotline_month", "hotline_entity", "service_case_month", "service_rated_case", "service_rating_item",
    "assistance_person", "assistance_county_month", "entity_supervision", "inspection_month",
)  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    project = Project(CODE, tmp_path_factory.mktemp("services"))
    contracts = project.contracts
    with open_lake(project) as con:
        create_views(con, project)
        lake = Lake(con, project)
        lake.put("hotline_order", "20261031", ORDERS)
        lake.put("market_entity", "202610", ENTITIES)
        lake.put("service_case", "202610", CASES)
        lake.put("service_rating", "202610", RATINGS)
        lake.put("subsistence_allowance", "202610", MEMBERS, unit="沈河区")
        lake.put("population_register", "202610", REGISTER, unit="210100")
        lake.put("medical_insurance", "202610", MEDICAL)
        lake.put("food_licence", "202610", LICENCES)
        lake.put("random_inspection", "202610", [inspection("1", 5), inspection("6", 7)])
        lake.put("penalty_publicity", "202610", [penalty("1", "0.2"), penalty("2", "1.05")])
        con.execute(
            f"CREATE TABLE base.disagreement ({', '.join(f'{quote(c.name)} {c.sql_type}' for c in contracts['disagreement'].columns)})"
        )
        con.execute(DISAGREEMENT)
        for contract in order(project):
            if contract.name in NEEDED:
                build(con, project, contract, "run")
        yield lake


def test_orders_of_a_month_are_counted_with_time_to_close_and_satisfaction(lake: Lake) -> None:
    (row,) = lake.built("hotline_month")
    assert (row["month"], row["div"], row["kind"], row["orders"]) == ("202610", "210102", "3", 3)
    assert (row["at_once"], row["closed"], row["closed_in_time"], row["returned"], row["asked"], row["satisfied"]) == (1, 2, 1, 1, 2, 1)
    assert (row["hours_to_close"], row["on_time_share"], row["satisfied_share"]) == (Decimal("96.5"), Decimal("0.5"), Decimal("0.5"))


def test_an_order_is_linked_by_name_only_where_one_entity_bears_it_there(lake: Lake) -> None:
    (row,) = lake.built("hotline_entity")
    assert (row["uscc"], row["name"], row["orders"], row["by_name"], row["unsatisfied"]) == (FIRM, "示例甲有限公司", 2, 1, 1)


def test_cases_by_item_department_and_month(lake: Lake) -> None:
    (row,) = lake.built("service_case_month")
    assert (row["cases"], row["online"], row["finished"], row["within_promise"], row["refused"]) == (3, 1, 2, 1, 1)
    assert (row["hours"], row["promised_hours"], row["within_share"]) == (Decimal("240.0"), Decimal("360.0"), Decimal("0.5"))


def test_bad_ratings_are_followed_until_mended_and_those_without_a_case_left_out(lake: Lake) -> None:
    assert [(r["project_no"], r["ratings"], r["bad"], r["mended"], r["mended_in_time"]) for r in lake.built("service_rated_case")] == [
        ("c1", 1, 0, 0, 0),
        ("c2", 2, 2, 2, 1),
    ]
    (row,) = lake.built("service_rating_item")
    assert (row["ratings"], row["good"], row["bad"], row["good_share"], row["mended_share"]) == (3, 1, 2, Decimal("0.3333"), Decimal("0.5"))


def test_who_is_entitled_paid_wrongly_or_missed(lake: Lake) -> None:
    assert [(r["card_no"], r["person_id"], r["status"], r["reasons"], r["monthly"]) for r in lake.built("assistance_person")] == [
        ("A", "p1", "entitled", None, Decimal("750.00")),
        ("A", "p2", "paid_wrongly", "x01_allowance_of_dead", Decimal("750.00")),
        ("A", "p3", "missed_member", "same_household", None),
        ("B", "p9", "entitled", None, Decimal("700.00")),
        ("C", "p6", "entitled", None, Decimal("750.00")),
        ("无", "p7", "missed_marked", "medical_identity", None),
    ]


def test_the_wrongly_paid_count_from_the_month_since_which_they_are(lake: Lake) -> None:
    rows = {r["month"]: r for r in lake.built("assistance_county_month")}
    assert {
        m: (r["households"], r["persons"], r["amount"], r["new_households"], r["wrong_persons"], r["wrong_amount"]) for m, r in rows.items()
    } == {
        "202608": (1, 2, Decimal("1500.00"), 1, 0, Decimal("0.00")),
        "202609": (1, 2, Decimal("1500.00"), 0, 1, Decimal("750.00")),  # nobody began: a month all the same
        "202610": (2, 3, Decimal("2200.00"), 1, 1, Decimal("750.00")),
    }


def test_what_is_known_of_an_entity_stands_in_one_row(lake: Lake) -> None:
    rows = {r["uscc"]: r for r in lake.built("entity_supervision")}
    assert (rows[FIRM]["food_licence_no"], rows[FIRM]["ended_with_food_licence"]) == ("JY1", True)
    assert (rows[OTHER]["inspections"], rows[OTHER]["problems"], rows[OTHER]["not_found"]) == (2, 1, True)
    assert (rows[OTHER]["penalties"], rows[OTHER]["fines"], rows[OTHER]["listed"]) == (2, Decimal("1.25"), False)


def test_inspections_by_organ_and_month(lake: Lake) -> None:
    (row,) = lake.built("inspection_month")
    assert (row["inspections"], row["clean"], row["unreached"], row["done"], row["days_to_done"]) == (2, 1, 1, 2, Decimal("2.0"))
