"""What a model's suite says is written down: when it is due, that earlier words stay, and that only changed rows are judged again."""

from __future__ import annotations

from datetime import datetime

import pytest

from assets.models import check_built, check_results, checking

JAN, FEB = datetime(2026, 1, 5), datetime(2026, 2, 5)
SUITE = """\
name: people
expectations:
  - type: expect_column_values_to_not_be_null
    kwargs: {column: town}
    meta: {id: town_is_there, indicator: "0201", title: {zh: 甲, en: a}, remedy: {zh: 乙, en: b}}
  - type: expect_column_values_to_be_in_set
    kwargs:
      {column: name, value_set: [安, 本, 他], mostly: 0.9, row_condition: 'col("town").notnull()', condition_parser: great_expectations}
    meta: {id: name_known, indicator: "0105", title: {zh: 甲, en: a}, remedy: {zh: 乙, en: b}}
  - type: expect_column_values_to_be_null
    kwargs: {column: _differs}
    meta: {id: no_dissent, indicator: "0401", title: {zh: 甲, en: a}, remedy: {zh: 乙, en: b}}
  - type: expect_column_unique_value_count_to_be_between
    kwargs: {column: town, min_value: 1, max_value: 3}
    meta: {id: towns_few, indicator: "0301", title: {zh: 甲, en: a}, remedy: {zh: 乙, en: b}}
"""
OTHERS = [(f"2199011899020{n:05}", "他", f"镇{n % 3}", JAN) for n in range(60)]
TOLD = ("rule", "outcome", "elements", "missing", "unexpected", "note", "result")


@pytest.fixture
def judged(world):
    """The tiny world with a suite on people, sixty of them judged once."""
    path = world.project.expectations / "suites" / world.project.contracts["people"].suite_path
    path.parent.mkdir(parents=True)
    path.write_text(SUITE, encoding="utf-8")
    world.deliver("register", "q1", OTHERS, unit="b")
    world.build("people")
    assert check_built(world.con, world.project, world.project.contracts["people"], "first")
    return world


def written(world):
    columns = ", ".join(TOLD)
    newest = "QUALIFY checked_at = max(checked_at) OVER () ORDER BY rule"
    return world.rows(f"SELECT {columns} FROM evidence.results WHERE batch = 'base.people' {newest}")


def in_full(world):
    rows = check_results(world.con, world.project, world.project.contracts["people"])
    return sorted((tuple(row[c] for c in TOLD) for row in rows), key=lambda row: row[0])


@pytest.mark.parametrize(
    "deliveries",
    [
        [[("21990118990101001X", "安", None, FEB)]],
        [[("21990118990101001X", "错", "东", FEB)], [("21990118990101001X", "安", "西", FEB)]],
        [[("21990118990101001X", "错", "东", FEB), ("21990118990101002X", None, None, FEB)], []],
    ],
)
def test_only_changed_rows_are_judged_again_and_every_count_is_as_in_full(judged, monkeypatch, deliveries):
    contract, seen = judged.project.contracts["people"], []
    plain = checking.scan

    def counting(con, contract, plan, rows=None):
        verdicts = plain(con, contract, plan, rows)
        seen.append(({c.rule.id for c in plan.compiled}, sum(verdicts.rows.values())))
        return verdicts

    for number, rows in enumerate(deliveries):
        judged.deliver("register", f"r{number}", rows, unit="a", period=f"20260{number + 1}")
        judged.deliver("insurance", f"i{number}", [("1", OTHERS[number][0], "别", "厂", FEB)])
        judged.build("people")
        seen.clear()
        with monkeypatch.context() as patch:
            patch.setattr(checking, "scan", counting)
            assert check_built(judged.con, judged.project, contract, f"run{number}")
        assert written(judged) == in_full(judged)
        assert max(n for rules, n in seen if "town_is_there" in rules) <= 12  # of more than sixty
        assert not check_built(judged.con, judged.project, contract, "again")


def test_a_key_that_is_borne_twice_is_found_among_the_changed_ones_and_stays_found(judged, monkeypatch):
    """By hand, for what a build writes has a key once."""
    contract, over = judged.project.contracts["people"], []
    plain = checking.scan

    def counting(con, contract, plan, rows=None):
        verdicts = plain(con, contract, plan, rows)
        over.extend(sum(verdicts.rows.values()) for c in plan.compiled if c.rule.id == "key_unique")
        return verdicts

    monkeypatch.setattr(checking, "scan", counting)
    outcomes = []
    for number, twice in enumerate((OTHERS[7][0], None, OTHERS[9][0])):
        judged.deliver("register", f"r{number}", [(f"21990118990101{number}01X", "安", "东", FEB)], unit="a", period=f"20260{number + 1}")
        judged.build("people")
        if twice:
            judged.con.execute("INSERT INTO base.people SELECT * FROM base.people WHERE id = ?", [twice])
        over.clear()
        assert check_built(judged.con, judged.project, contract, f"run{number}")
        outcomes.append((over[0] > 60, [row[1:5] for row in written(judged) if row[0] == "key_unique"]))
        assert written(judged) == in_full(judged)
    assert outcomes == [(False, [("failed", 62, 0, 2)]), (True, [("failed", 62, 0, 2)]), (True, [("failed", 63, 0, 4)])]


def test_failing_rows_are_kept_by_key(judged):
    judged.deliver("register", "r1", [("21990118990101001X", "错", None, FEB), ("21990118990101002X", "错", "东", FEB)], unit="a")
    judged.build("people")
    check_built(judged.con, judged.project, judged.project.contracts["people"], "run")
    assert judged.rows("FROM flagged.people ORDER BY id") == [
        ("21990118990101001X", ["town_is_there"]),
        ("21990118990101002X", ["name_known"]),
    ]


def test_a_table_is_checked_once_for_each_state_and_suite(judged):
    contract = judged.project.contracts["people"]
    suite = judged.project.expectations / "suites" / contract.suite_path
    assert not check_built(judged.con, judged.project, contract, "again")
    suite.write_text(SUITE.replace("town_is_there", "town_there"), encoding="utf-8")
    assert check_built(judged.con, judged.project, contract, "other suite")
    judged.con.execute("INSERT INTO evidence.lineage VALUES ('base.people', 'b1', 'built', now()::TIMESTAMP)")
    assert check_built(judged.con, judged.project, contract, "other state")
    assert not check_built(judged.con, judged.project, contract, "again")
    runs = judged.rows("SELECT DISTINCT run_id, rule FROM evidence.results WHERE rule LIKE 'town%there' ORDER BY 1")
    assert runs == [("first", "town_is_there"), ("other state", "town_there"), ("other suite", "town_there")]


def test_a_table_without_a_row_is_not_assessable(world):
    world.build("people")
    assert check_built(world.con, world.project, world.project.contracts["people"], "what the contract yields by itself")
    assert world.rows("SELECT DISTINCT outcome FROM evidence.results WHERE batch = 'base.people'") == [("not_assessable",)]


def test_of_a_view_whose_rows_come_in_any_order_the_examples_are_those_that_fail(judged, monkeypatch):
    judged.deliver("register", "q2", [(f"2199011899020{n:05}", "错" if n % 2 else "安", "东", FEB) for n in range(60, 120)], unit="c")
    judged.build("people")
    contract = judged.project.contracts["people"]
    monkeypatch.setattr(checking, "is_view", lambda contract: True)
    monkeypatch.setattr(checking, "quote", lambda table: "(SELECT * FROM base.people ORDER BY random())")
    verdicts = checking.scan(judged.con, contract, checking.model_plan(judged.project, contract))
    (known,) = [r for r in verdicts.results if r.rule.id == "name_known"]
    assert known.unexpected == 30
    assert set(known.breaches.values) == {"错"}
