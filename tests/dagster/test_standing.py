"""What stands now, from rows of evidence written here by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assets import evidence
from assets.lake import open_lake
from assets.project import Project
from pipelines.checks import cause, rule_result
from pipelines.rulebook import read_rules
from pipelines.standing import BatchResult, RuleState, Tally, refusals, rule_states, standing_batches

MASKED = '{"success": false, "result": {"partial_unexpected_list": ["A*", "A*", "B*", null, "C*", "D*", "E*"]}}'


@pytest.fixture
def project(tmp_path: Path, tiny: Callable[..., Project]) -> Project:
    return tiny(tmp_path)


@pytest.fixture
def con(project: Project) -> Iterator[Any]:
    with open_lake(project) as opened:
        yield opened


def batch(con: Any, unit: str, period: str, status: str = "standardised", hour: int = 0) -> str:
    name = f"pet-{period}-{unit}-{status}"
    at = datetime(2026, 11, 1, hour)
    row = {"batch": name, "dataset": "pet", "unit": unit, "period": period, "partition_key": "2026-10-01", "status": status}
    evidence.write(con, "batches", [{**row, "source": f"{name}.csv", "reason": "wrong header", "received_at": at, "collected_at": at}])
    return name


def result(con: Any, name: str, outcome: str, unexpected: int = 0, elements: int = 100, rule: str = "tag_present", note: str = "") -> None:
    row = {"run_id": "r", "batch": name, "dataset": "pet", "rule": rule, "blocking": rule == "tag_present", "outcome": outcome}
    counts = {"elements": elements, "unexpected": unexpected, "note": note, "result": MASKED, "checked_at": datetime(2026, 11, 2)}
    evidence.write(con, "results", [row | counts])


def test_of_a_full_delivery_the_newest_batch_of_each_unit_stands(con: Any, project: Project) -> None:
    batch(con, "a", "202609")
    newest = [batch(con, "a", "202610"), batch(con, "b", "202608")]
    assert standing_batches(con, project.contracts["pet"]) == sorted(newest)


def test_a_unit_that_delivers_well_does_not_hide_one_that_did_not(con: Any, project: Project) -> None:
    for unit, period, outcome, bad in [
        ("a", "202608", "passed", 0),
        ("a", "202609", "failed", 3),
        ("a", "202610", "failed", 2),
        ("b", "202610", "passed", 0),
    ]:
        result(con, batch(con, unit, period), outcome, bad)
    state = rule_states(con, project.contracts["pet"])["tag_present"]
    assert (state.outcome, state.unexpected, state.elements, state.since) == ("failed", 2, 200, "202609")
    assert [(b.unit, b.outcome) for b in state.batches] == [("a", "failed"), ("b", "passed")]
    assert [value for _, value in state.examples] == ["A*", "B*", "NULL", "C*", "D*"]


def test_what_could_not_be_assessed_is_never_passed(con: Any, project: Project) -> None:
    contract = project.contracts["pet"]
    result(con, batch(con, "a", "202610"), "not_assessable", rule="born_present", note="the column born is not in the hand-over")
    rules = {r.id: r for r in read_rules(project, [contract])}
    for rule, said in [("born_present", "the column born is not in the hand-over"), ("tag_present", "nothing has been checked yet")]:
        found, stops = rule_result(project, contract, "x", [rules[rule]], rule_states(con, contract))
        assert (found.passed, found.severity.name, stops) == (False, "WARN", False)
        assert (found.description or "").removeprefix("202610 · ").startswith("不可评估 not assessable")
        assert said in (found.description or "")


def test_at_most_eight_keys_in_an_order_that_reads(con: Any, project: Project) -> None:
    contract = project.contracts["pet"]
    result(con, batch(con, "a", "202610"), "failed", 30)
    rule = next(r for r in read_rules(project, [contract]) if r.id == "tag_present")
    found, stops = rule_result(project, contract, "x", [rule], rule_states(con, contract))
    assert stops
    assert found.severity.name == "ERROR"
    assert [key[0] for key in sorted(found.metadata)] == list("12345678")
    assert "30 / 100" in (found.description or "")


@pytest.mark.parametrize(
    ("broken", "rows", "stops"),
    [(4, 100, False), (5, 100, False), (12, 100, True), (1, 12, False), (9, 100, False), (2, 4, True), (0, 0, False)],
)
def test_a_few_rows_stop_nothing(broken: int, rows: int, stops: bool) -> None:
    one = BatchResult("b", "", "202610", True, "failed", rows, broken, "")
    assert RuleState("pet", "r", True, (one,)).stops(0.05) is stops
    assert not RuleState("pet", "r", False, (one,)).stops(0.05)


def test_only_the_newest_period_of_each_unit_decides() -> None:
    old = BatchResult("b1", "", "202609", False, "failed", 100, 90, "")
    new = BatchResult("b2", "", "202610", True, "passed", 100, 0, "")
    state = RuleState("pet", "r", True, (old, new))
    assert state.outcome == "failed"
    assert not state.stops()


def test_a_rule_that_passes_by_its_mostly_stops_nothing() -> None:
    """Else what lies above is held back, while every check is green and the inbox is empty."""
    passed = BatchResult("b1", "a", "202610", True, "passed", 100, 20, "")
    failed = BatchResult("b2", "b", "202610", True, "failed", 100, 60, "")
    assert not RuleState("pet", "r", True, (passed,)).stops(0.05)
    assert RuleState("pet", "r", True, (passed, failed)).stops(0.05)


def test_a_refusal_stands_until_something_better_comes(con: Any, project: Project) -> None:
    contract = project.contracts["pet"]
    batch(con, "a", "202610", "refused", hour=1)
    assert [(r.unit, r.reason) for r in refusals(con, contract)] == [("a", "wrong header")]
    batch(con, "b", "202610", hour=2)
    assert len(refusals(con, contract)) == 1
    batch(con, "a", "202610", hour=3)
    assert refusals(con, contract) == []


def test_the_verdict_is_the_worst_word() -> None:
    tally = Tally()
    assert tally.verdict == "passed"
    tally.add("a", passed=True, stops=False)
    tally.add("b", passed=False, stops=False)
    assert tally.verdict == "warned"
    tally.add("c", passed=False, stops=True)
    tally.add("d", passed=False, stops=False)
    assert (tally.verdict, tally.stopped, tally.failed) == ("failed", ["c"], ["b", "d"])


def test_the_cause_is_one_line(con: Any, project: Project) -> None:
    rule = read_rules(project, [project.contracts["pet"]])[0]
    bad = tuple(BatchResult(f"b{i}", f"u{i}", f"20260{i}", True, "failed", 10, 1, "") for i in range(1, 6))
    text = cause(rule, RuleState("pet", rule.id, True, bad))
    assert text == "202601, 202602, 202603 … · 5 单位 units · 犬牌必填：5 / 50 行不合格 rows fail (10%)；已隔离 quarantined"
