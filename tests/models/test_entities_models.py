"""Base tables of legal entities, certificates and credit: whose word counts, on small hand-overs beside what comes of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from standing_support import put

from assets.lake import open_lake
from assets.models import build, create_views, order
from assets.project import CODE, Project

if TYPE_CHECKING:
    import duckdb

FIRM, SOCIETY, ORGAN, UNKNOWN = "91210102MA0058GK1C", "52210103MA73XFWL99", "11210102MAM37DA74Y", "91210102MA00000017"
CARD = "219901199001011237"
BUILT = ("legal_entity", "licence", "penalty", "credit", "entity_figures")
DAY, LATER = date(2026, 9, 1), date(2026, 10, 1)
AT = datetime(2026, 10, 5, 9)


def food(no: str, holder: str, state: str, flag: str = "I") -> dict[str, Any]:
    term = {"signed": DAY, "valid_from": DAY, "valid_to": date(2031, 8, 31)}
    return {"licence_no": no, "uscc_or_id": holder, "name": "店", "state": state, "cd_operation": flag, "cd_time": AT, **term}


def published(no: str, kind: str, **more: Any) -> dict[str, Any]:
    plain = {"organ_uscc": ORGAN, "doc_no": no, "licence_no": no, "cert_name": kind, "party_name": "旧名", "state": "1", "decided": DAY}
    return {**plain, "valid_from": DAY, "valid_to": date(2031, 8, 31), "reported_at": AT, **more}


def card(no: str, kind: str, state: str, issued: date, nth: int) -> dict[str, Any]:
    plain = {"cert_id": f"{no}.{nth}", "type_name": kind, "number": no, "holder": "店", "holder_code": FIRM, "holder_code_type": "001"}
    return {**plain, "issued": issued, "valid_from": issued, "state": state, "operation": "I", "changed_at": AT}


def fined(doc: str, fine: str, **more: Any) -> dict[str, Any]:
    plain = {"organ_uscc": ORGAN, "doc_no": doc, "uscc": FIRM, "party_name": "甲", "kinds": "罚款", "fine": Decimal(fine), "decided": DAY}
    return {**plain, "reported_at": AT, **more}


def listed(no: str, kind: str, removed: date | None) -> dict[str, Any]:
    return {"list_no": no, "list_kind": kind, "uscc": FIRM, "listed_on": DAY, "removed_on": removed}


HANDED: dict[str, list[dict[str, Any]]] = {
    "market_entity": [
        {"entity_key": "1", "uscc": FIRM, "name": "甲公司", "former_name": "旧名", "state": "2", "approved": DAY, "end_date": LATER,
         "term_to": date(9999, 12, 31), "authority": "21SF00", "rep_name": "王示例"},
        {"entity_key": "2", "uscc": SOCIETY, "name": "错登的社会组织", "state": "1", "approved": DAY, "industry": "P"},
        {"entity_key": "3", "uscc": "91210202MA008FYU39", "name": "甲公司分公司", "state": "1", "approved": DAY, "parent_uscc": FIRM},
    ],
    "social_organisation": [
        {"reg_no": "1", "uscc": SOCIETY, "name": "养老服务中心", "status": "2", "is_branch": "0", "end_date": DAY},
        {"reg_no": "2", "main_uscc": SOCIETY, "name": "分会", "status": "1", "is_branch": "1"},
    ],
    "public_body": [{"uscc": ORGAN, "name1": "市场监督管理局", "name2": "食品安全办公室", "state": "1", "nature": "1"}],
    "admin_licence": [
        published("JY1", "食品经营许可证", uscc=FIRM),
        published("XK9", "排水许可证", uscc=UNKNOWN, party_name="只见于许可的公司"),
        published("ZG1", "导游证", person_id_type="111", person_id=CARD, party_name="李示例"),
    ],
    "food_licence": [food("JY1", FIRM, "2", "U"), food("JY2", CARD, "1"), food("JY3", FIRM, "1", "D")],
    "e_certificate": [
        card("JY1", "食品经营许可证", "1", DAY, 1),
        card("WS1", "公共场所卫生许可证", "4", date(2020, 1, 1), 1),
        card("WS1", "公共场所卫生许可证", "1", DAY, 2),
        {**card(CARD, "居民身份证", "1", DAY, 1), "holder_code": CARD, "holder_code_type": "111"},
    ],
    "market_penalty": [fined("1", "0.5")],
    "penalty_publicity": [fined("1", "5"), fined("2", "2", kinds="责令停产停业;罚款"), fined("3", "1", uscc=None, person_id=CARD)],
    "dishonesty_list": [listed("1", "5", None), listed("2", "1", LATER)],
    "tax_credit": [{"uscc": FIRM, "year": y, "grade": g, "graded_on": d} for y, g, d in
                   (("2024", "A", date(2025, 4, 20)), ("2025", "D", date(2026, 4, 10)), ("2025", "C", date(2026, 6, 1)))],
    "social_insurance": [{"person_no": str(n), "insurance": i, "uscc": FIRM, "enrol_state": s, "changed_at": AT}
                         for n, (i, s) in enumerate((("110", "1"), ("110", "1"), ("110", "2"), ("210", "1")))],
    "employment": [{"person_no": "1", "reg_kind": "1", "reg_date": DAY, "uscc": FIRM, "ended_on": e, "changed_at": AT} for e in (None,)],
    "random_inspection": [{"task_no": "1", "entity_key": "1", "uscc": FIRM, "checked_on": LATER}],
}  # fmt: skip


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    project = Project(CODE, tmp_path_factory.mktemp("entities"))
    with open_lake(project) as con:
        create_views(con, project)
        for dataset, rows in HANDED.items():
            put(con, project.contracts[dataset], rows, batch=f"{dataset}-1")
        for contract in order(project):
            if contract.name in BUILT:
                build(con, project, contract, "run")
        yield con


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()


def test_the_head_of_a_code_says_whose_word_counts(con: duckdb.DuckDBPyConnection) -> None:
    found = rows(con, f"SELECT name, state, end_date, industry, category FROM base.legal_entity WHERE uscc = '{SOCIETY}'")
    assert found == [("养老服务中心", "4", DAY, "P", "52")], "civil affairs' word; what they do not say, another may"
    found = rows(con, f"SELECT name, other_names, state, long_term FROM base.legal_entity WHERE uscc = '{ORGAN}'")
    assert found == [("市场监督管理局", "食品安全办公室", "1", True)]


def test_a_register_wins_over_what_was_published_and_the_dissent_is_kept(con: duckdb.DuckDBPyConnection) -> None:
    (row,) = rows(con, f"SELECT name, former_name, term_to, shenfu, _differs FROM base.legal_entity WHERE uscc = '{FIRM}'")
    assert row == ("甲公司", "旧名", None, True, ["name"])
    assert rows(con, f"SELECT name, state FROM base.legal_entity WHERE uscc = '{UNKNOWN}'") == [("只见于许可的公司", None)]


def test_branches_of_societies_are_no_entities(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, "SELECT count(*) FROM base.legal_entity WHERE name = '分会'") == [(0,)]


def test_the_issuing_office_says_whether_a_licence_stands(con: duckdb.DuckDBPyConnection) -> None:
    found = rows(con, "SELECT licence_no, state, held_state, published_state, party_name FROM base.licence WHERE licence_no = 'JY1'")
    assert found == [("JY1", "2", "2", "1", "店")]


def test_of_certificates_with_one_number_the_last_issued_counts(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, "SELECT state, decided FROM base.licence WHERE licence_no = 'WS1'") == [("1", DAY)]


def test_an_id_in_the_column_of_codes_is_a_persons(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, "SELECT uscc, person_id FROM base.licence WHERE licence_no = 'JY2'") == [(None, CARD)]


def test_deleted_licences_and_cards_of_persons_are_not_there(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, f"SELECT licence_no FROM base.licence WHERE licence_no IN ('JY3', '{CARD}')") == []


def test_the_organ_that_decided_wins_over_what_was_published(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, "SELECT fine, _differs FROM base.penalty WHERE doc_no = '1'") == [(Decimal("0.5"), ["fine"])]


def test_what_stands_for_and_against_an_entity(con: duckdb.DuckDBPyConnection) -> None:
    columns = "penalties, grave_penalties, fines, listings, listed_now, abnormal, grave, tax_year, tax_grade"
    found = rows(con, f"SELECT {columns} FROM base.credit")
    assert found == [(2, 1, Decimal("2.5"), 2, 1, True, False, "2025", "C")], "the list that was left counts no more; the later grade wins"


def test_figures_of_an_entity(con: duckdb.DuckDBPyConnection) -> None:
    columns = "uscc, branches, insured, employed, inspections, last_inspected"
    found = rows(con, f"SELECT {columns} FROM base.entity_figures ORDER BY uscc DESC")
    assert found == [(FIRM, 1, 2, 1, 1, LATER), (SOCIETY, 1, 0, 0, 0, None)]
