"""A hand-over beside those before it: who may deliver, what must not vanish, what looks like another kind of delivery."""

from __future__ import annotations

from typing import Any

import pytest

from assets.called import entries
from assets.standardise import standardise
from expectations.documents import DocumentError


@pytest.fixture
def hand(desk, make_column) -> Any:
    """`hand(name, rows, ...)` puts a CSV of (id, city, op) and collects it; `declare` sets the delivery."""

    def declare(aliases: Any = None, **delivery: Any) -> None:
        city = make_column("city", "XZQH", aliases=aliases) if aliases else make_column("city", "XZQH")
        desk.contract([make_column("id", "BH", key=True, required=True), city, make_column("op", "CZ")], delivery=delivery)

    def put(name: str, rows: list[tuple[str, str, str]], header: str = "BH,XZQH,CZ", age: float = 60) -> dict[str, Any]:
        desk.put(f"{name}.csv", "\n".join([header, *map(",".join, rows)]) + "\n", age=age)
        [batch] = desk.collect().batches
        return batch

    put.declare = declare  # type: ignore[attr-defined]
    put.desk = desk  # type: ignore[attr-defined]
    return put


def people(count: int, city: str = "2101", op: str = "", first: int = 0) -> list[tuple[str, str, str]]:
    return [(str(i), f"{city}02", op) for i in range(first, first + count)]


def test_a_city_that_vanishes_is_not_taken_for_one_without_people(hand):
    hand.declare(coverage={"column": "city", "digits": 4})
    both = people(90) + people(12, "2102", first=100) + people(9, "2103", first=200)
    assert hand("sy_202609", both)["status"] == "collected"
    batch = hand("sy_202610", people(99))
    assert batch["status"] == "refused"
    assert "1 groups by city that batch people-202609-sy-" in batch["reason"]
    assert "are gone: 2102 (12 rows before)" in batch["reason"]
    assert "2103" not in batch["reason"]
    # Another unit is not held to it, nor one that is named as gone.
    assert hand("dl_202610", people(50, "2102"))["status"] == "collected"
    hand.declare(coverage={"column": "city", "digits": 4, "gone": ["2102"]})
    assert hand("sy_202610", people(98))["status"] == "collected"


def test_coverage_within_one_run_and_without_the_column(hand):
    hand.declare(coverage="city")
    hand.desk.put("sy_202609.csv", "BH,XZQH,CZ\n" + "".join(f"{i},A,\n{i + 50},B,\n" for i in range(50)))
    hand.desk.put("sy_202610.csv", "BH,XZQH,CZ\n" + "".join(f"{i},A,\n" for i in range(90)))
    first, second = sorted(hand.desk.collect().batches, key=lambda b: b["period"])
    assert (first["status"], second["status"]) == ("collected", "refused")
    assert "B (50 rows before)" in second["reason"]
    assert "no column XZQH, by which coverage is held" in hand("sy_202611", [("1", "x"), ("2", "y")] * 30, "BH,CZ")["reason"]


def test_a_period_handed_over_twice_says_what_differs(hand):
    hand.declare()
    hand("sy_202610", [("1", "a", ""), ("2", "b", ""), ("3", "c", "")], age=600)
    batch = hand("sy_202610 更正", [("1", "a", ""), ("2", "B", ""), ("3", "c", ""), ("4", "d", "")])
    assert "a further hand-over for 202610: it stands in place of people-202610-sy-" in batch["reason"]
    assert "2 of its 4 rows are not in the other, 1 of the other's 3 not in it" in batch["reason"]
    older = hand("sy_202610 旧", [("1", "a", ""), ("2", "b", "")], age=6000)
    assert "it is older than people-202610-sy-" in older["reason"]


def test_a_full_hand_over_sent_as_a_delta_is_refused(hand):
    hand.declare(mode="delta")
    assert hand("sy_202608", people(1000))["status"] == "collected"
    assert hand("sy_202609", people(500, first=200))["status"] == "collected"
    batch = hand("sy_202610", people(950))
    assert batch["status"] == "refused"
    assert "a delta that holds 950 of the 1000 keys known: it looks like a full hand-over" in batch["reason"]
    # New keys are no sign of it, nor a period that is handed over again.
    assert hand("sy_202610", people(950, first=5000))["status"] == "collected"
    assert hand("sy_202610 again", people(949, first=5000))["status"] == "collected"
    hand.declare(mode="delta", maxShare=1)
    assert hand("sy_202611", people(949))["status"] == "collected"


def test_a_delta_sent_as_full_collapses(hand):
    hand.declare(maxFall=0.2)
    hand("sy_202609", people(100))
    assert "79 rows, where batch people-202609-sy-" in hand("sy_202610", people(79))["reason"]


OPERATION = {"column": "op", "insert": "I", "update": ["U", "M"], "delete": "D"}


def test_deletes_that_never_come_are_asked_for(hand):
    hand.declare(mode="delta", operation=OPERATION, expectsDeletes=3)
    assert hand("sy_202606", people(3, op="I"))["reason"] is None
    assert hand("sy_202607", people(2, op="U"))["reason"] is None
    assert "none of the last 3 hand-overs has a row flagged D" in hand("sy_202608", people(1, op="M"))["reason"]
    assert hand("sy_202609", people(1, op="D"))["reason"] is None
    assert hand("sy_202610", people(1, op="U"))["reason"] is None


def test_a_flag_must_come_and_is_held_to_the_declared_ones(hand):
    hand.declare(mode="delta", operation=OPERATION)
    assert "needed column CZ" in hand("sy_202610", [("1", "a")], "BH,XZQH")["reason"]
    contract = hand.desk.project.contracts["people"]
    assert contract.delivery.operation.known == ("I", "U", "M", "D")
    rules = {node["meta"]["id"]: node for _, _, node in entries(contract, None)}
    assert rules["operation_op"]["kwargs"] == {"column": "op", "value_set": ["I", "U", "M", "D"]}
    assert rules["operation_op"]["meta"]["blocking"]
    assert rules["required_op"]["meta"]["blocking"]


def test_a_delete_takes_its_key_away_and_an_unknown_flag_changes_nothing(hand):
    hand.declare(mode="delta", operation=OPERATION)
    hand("sy_202608", [("1", "a", "I"), ("2", "b", "I"), ("3", "c", "I")])
    hand("sy_202609", [("1", "", "D"), ("2", "", "X"), ("3", "C", "M"), ("4", "d", "")])
    standardise(hand.desk.con, hand.desk.project, hand.desk.project.contracts["people"], "run")
    assert hand.desk.sql("SELECT id, city FROM std.people ORDER BY id") == [("2", "b"), ("3", "C")]
    assert hand.desk.sql("SELECT id, op, _failed FROM quarantine.people ORDER BY id") == [
        ("2", "X", ["operation_op"]),
        ("4", None, ["required_op"]),
    ]
    assert hand.desk.sql("SELECT count(*) FROM raw.people") == [(7,)]


def test_only_declared_units_hand_over(hand):
    hand.declare(units=["sy", "dl"])
    assert hand("sy_202610", people(1))["status"] == "collected"
    batch = hand("dlx_202610", people(2))
    assert batch["status"] == "refused"
    assert "the unit 'dlx', which does not hand over this dataset; expected one of sy, dl" in batch["reason"]
    assert "Did you mean 'dl'?" in batch["reason"]


def test_a_period_to_come_is_refused(hand):
    hand.declare()
    assert "period '299912' has not begun yet" in hand("sy_299912", people(1))["reason"]


def test_a_column_renamed_in_march(hand):
    hand.declare(aliases=[{"name": "区划代码", "from": "202603"}, {"name": "OLD", "until": "202602"}])
    first = hand("sy_202603", [("1", "a", "")], "BH,区划代码,CZ")
    assert (first["status"], first["absent"]) == ("collected", None)
    assert hand("sy_202602", [("2", "b", "")], "BH,OLD,CZ")["absent"] is None
    late = hand("sy_202604", [("3", "c", "")], "BH,OLD,CZ")
    assert late["absent"] == "city"
    assert "column XZQH is absent ('OLD' is its name until 202602 only)" in late["reason"]
    assert hand.desk.raw("id, city") == [("2", "b"), ("1", "a"), ("3", None)]


def test_a_needed_column_renamed_without_a_word_is_refused_with_the_nearest_name(hand):
    hand.declare()
    reason = hand("sy_202603", [("1", "a", "")], "BHH,XZQH,CZ")["reason"]
    assert "needed column BH (the undeclared column 'BHH' looks like it) missing" in reason
    assert "`aliases`" in reason


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        ({"expects": 3}, "unknown delivery option 'expects'. Did you mean 'expectsDeletes'?"),
        ({"mode": "delta", "operation": {"column": "opp", "delete": "D"}}, "operation column 'opp' is not declared. Did you mean 'op'?"),
        ({"mode": "delta", "operation": {"column": "op"}}, "needs a column and its flags"),
        ({"operation": OPERATION}, "`operation` in a full delivery"),
        ({"mode": "delta", "coverage": "city"}, "`coverage` in a delta delivery"),
        ({"coverage": {"column": "town"}}, "coverage column 'town' is not declared"),
        ({"mode": "delta", "expectsDeletes": 2}, "`expectsDeletes` without `operation`"),
        ({"maxShare": "much"}, "maxShare 'much'"),
        ({"units": ["a"], "pattern": r"(?P<period>\d{6})"}, "names no group `unit`"),
    ],
)
def test_options_that_cannot_be_meant(hand, delivery, words):
    hand.declare(**delivery)
    with pytest.raises(DocumentError, match=r"people\.odcs\.yaml:") as raised:
        hand.desk.project.contracts["people"]
    assert words in str(raised.value)
