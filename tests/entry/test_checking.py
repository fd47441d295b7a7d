"""One record is told what its file would be told: the same rules break, and the same text would be stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.judging import Judge
from assets.lake import connect, insert, quote
from assets.project import Project
from assets.standardise import check_relation
from pipelines.entry.checker import Checker
from pipelines.entry.records import rows_of
from pipelines.entry.telling import Telling, unnamed
from pipelines.precheck import precheck

PERSON = {
    "GMSFHM": "219901199001010010",
    "XM": "示例",
    "XBDM": "1",
    "MZDM": "汉族",
    "CSRQ": "1990/1/1",
    "HH": "210103000001",
    "YHZGXDM": "01",
    "HJDZ_SSXQDM": "210103",
    "HJDZ_QHNXXDZ": "辽宁省沈阳市沈河区示例路1号",
    "PCSJGDM": "210103000000",
    "SJXGXSJ": "2026-01-02 08:00:00",
}
ODD = [
    "",
    " ",
    "无",
    "０１",
    "219901199001010011",
    " 1 ",
    "1990-02-30",
    "19900101",
    "2099-01-01",
    "x",
    "是",
    "男",
    "2",
    "210199",
    "𠮷田",
    "a'b\"c,d",
    None,
]


@pytest.fixture(scope="module")
def register(province: Project) -> Checker:
    return Checker(province, province.contracts["population_register"])


def ask(checker: Checker, body: Any, *, partial: bool = False) -> dict[str, Any]:
    rows = rows_of(json.dumps(body).encode(), checker.columns, checker.contract, 1000)
    left_out = unnamed(checker.contract, rows) if partial else []
    return Telling(checker).answer(rows, checker.check(rows, left_out), left_out)


def wrong(answer: dict[str, Any], record: int = 0) -> dict[str, list[str]]:
    return {f["field"]: [w["rule"] for w in f["wrong"]] for f in answer["records"][record].get("fields", [])}


@pytest.mark.parametrize(
    ("change", "expected", "blocked"),
    [
        ({}, {}, False),
        ({"GMSFHM": "219901199001010011"}, {"GMSFHM": ["id_valid"]}, True),
        ({"GMSFHM": None}, {"GMSFHM": ["id_present"]}, True),
        ({"XBDM": "2"}, {"GMSFHM": ["sex_agrees_with_id"], "XBDM": ["sex_agrees_with_id"]}, False),
        ({"XM": "暂无"}, {"XM": ["name_present"]}, False),
    ],
)
def test_a_record_and_the_fields_that_are_wrong(register: Checker, change: dict[str, Any], expected: dict[str, Any], blocked: bool) -> None:
    answer = ask(register, PERSON | change)

    assert wrong(answer) == expected
    assert (answer["ok"], answer["blocked"]) == (not expected, blocked)


def test_what_standardising_does_is_told_by_field(register: Checker) -> None:
    answer = ask(register, PERSON | {"XM": "　示例 ", "CYM": "无", "GMSFHM": "２19901199001010010"})

    stored = {s["field"]: s["value"] for s in answer["records"][0]["stored"]}
    assert stored == {"GMSFHM": "219901199001010010", "XM": "示例", "MZDM": "01", "CSRQ": "1990-01-01", "CYM": None}
    assert answer["records"][0]["stored"][0]["pointer"] == "/GMSFHM"


def test_rules_of_the_whole_table_are_not_assessable(register: Checker) -> None:
    said = {c["rule"]: c["why"]["en"] for c in ask(register, PERSON)["not_assessable"]}

    assert set(said) == {"id_unique", "person_once", "household_one_head"}
    assert "all other records" in said["id_unique"]


def test_fields_left_out_are_empty_or_with_partial_not_judged(register: Checker) -> None:
    only = {"id_number": PERSON["GMSFHM"], "姓名": "示例"}

    assert "CSRQ" in wrong(ask(register, only))
    answer = ask(register, only, partial=True)
    assert wrong(answer) == {}
    assert "birth_present" in {c["rule"] for c in answer["not_assessable"]}


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from([*PERSON, "SWBS", "SWRQ", "CYM", "BYZK"]), st.sampled_from(ODD), max_size=4), min_size=1, max_size=6
    )
)
def test_the_same_rules_break_as_in_a_scan_of_the_same_rows(register: Checker, province: Project, changes: list[dict[str, Any]]) -> None:
    records = [PERSON | change for change in changes]
    rows = rows_of(json.dumps(records).encode(), register.columns, register.contract, 1000)
    found = register.check(rows)

    contract = register.contract
    con = connect()
    names = [c.name for c in contract.columns]
    con.execute(f"CREATE TABLE handed ({', '.join(f'{quote(n)} VARCHAR' for n in names)}, _batch VARCHAR, _row BIGINT)")
    insert(con, "handed", [[*(rows.cells.get(n, [None] * len(records))[i] for n in names), "b", i] for i in range(len(records))])
    check_relation(con, Judge(province, contract), "handed")
    row_rules = {c.rule.id for c in register.plan.row_rules}
    failing = {row: {r for r in failed if r in row_rules} for row, failed in con.execute("SELECT _row, _failed FROM failing").fetchall()}
    staged = {r[0]: r[1:] for r in con.execute(f"SELECT _row, {', '.join(map(quote, names))} FROM staged").fetchall()}
    con.close()

    assert [set(broken) for broken in found.broken] == [failing.get(i, set()) for i in range(len(records))]
    texts = [n for n, c in enumerate(contract.columns) if c.logical_type == "string"]
    for n in texts:
        assert list(found.stored[names[n]]) == [staged[i][n] for i in range(len(records))]


def test_the_same_words_as_yuanqing_check(register: Checker, province: Project, tmp_path: Any) -> None:
    """A file of one row, and the record: the same rules on a row fail, with the same titles and remedies."""
    record = PERSON | {"GMSFHM": "219901199001010011", "XM": "暂无", "MZDM": "火星族"}
    file = tmp_path / "people.csv"
    columns = [c.header for c in register.contract.columns]
    file.write_text(",".join(columns) + "\n" + ",".join(record.get(c, "") for c in columns) + "\n", encoding="gb18030")

    of_file = {
        f["rule"]: (f["title"], f["remedy"]) for f in precheck(province, "population_register", file).failing if f["outcome"] == "failed"
    }
    fields = ask(register, record)["records"][0]["fields"]
    of_record = {
        w["rule"]: (f"{w['wants']['zh']} {w['wants']['en']}", f"{w['mend']['zh']} {w['mend']['en']}".strip())
        for f in fields
        for w in f["wrong"]
    }
    of_rows = {c.rule.id for c in register.plan.row_rules}
    assert of_record == {rule: said for rule, said in of_file.items() if rule in of_rows}
    assert {"id_valid", "name_present"} <= set(of_record)
