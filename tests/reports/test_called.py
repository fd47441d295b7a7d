"""What contracts call for, and which rules meet it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.project import Project
from pipelines.called import Call, calls
from pipelines.rulebook import read_rules

from reports_support import contract, suite  # isort: skip

NULL = "expect_column_values_to_not_be_null"
UNIQUE = "expect_column_values_to_be_unique"
BOUNDS = "expect_column_values_to_be_between"
CODES = "expect_column_values_to_be_in_set"


def test_calls_follow_from_the_contract_alone(tmp_path: Path) -> None:
    columns = [
        ("id", "GMSFHM", "", "string", 3),
        ("sex", "XB", "", "string", 2),
        ("born", "CSRQ", "", "date", 3),
        ("note", "BZ", "", "string", 1),
        ("changed", "GXSJ", "", "timestamp", 1),
    ]
    sla = [
        {"property": "frequency", "value": 1, "unit": "mo"},
        {"property": "latency", "value": 10, "unit": "d", "element": "people.changed"},
    ]
    contract(tmp_path, "people", columns, required=["id", "sex"], codes={"sex": "sex"}, sla=sla, event="changed")
    found = calls(Project(tmp_path, tmp_path / "data").contracts["people"])
    assert [(c.id, c.indicator, c.wanted) for c in found] == [
        ("presence:id", "0201", NULL),
        ("presence:sex", "0201", NULL),
        ("reference:sex", "0105", CODES),
        ("form:born", "0302", "expect_column_values_to_parse"),
        ("form:changed", "0302", "expect_column_values_to_parse"),
        ("identity:id", "0304", UNIQUE),
        ("timeliness:changed", "0502", BOUNDS),
    ]


def test_without_a_promise_no_timeliness_is_called_for(tmp_path: Path) -> None:
    contract(tmp_path, "people", [("id", "GMSFHM", "", "string", 3), ("changed", "GXSJ", "", "string", 1)], event="changed")
    assert [c.id for c in calls(Project(tmp_path, tmp_path / "data").contracts["people"])] == ["identity:id"]


@pytest.mark.parametrize(
    ("kind", "columns", "rule", "met"),
    [
        ("presence", ["name"], {"indicator": "0201", "column": "name"}, True),
        ("presence", ["name"], {"indicator": "0201", "column": "other"}, False),
        # a rule that skips empty values does not ask for them, whatever its indicator
        ("presence", ["name"], {"indicator": "0201", "column": "name", "type": "expect_column_values_to_not_match_regex"}, False),
        # nor does one that looks at some rows only
        ("presence", ["name"], {"indicator": "0201", "kwargs": {"column": "name", "row_condition": 'col("a")=="1"'}}, False),
        ("reference", ["sex"], {"indicator": "0105", "column": "sex", "type": CODES}, True),
        ("reference", ["sex"], {"indicator": "0301", "column": "sex", "type": CODES}, False),
        ("form", ["born"], {"indicator": "0301", "column": "born", "type": BOUNDS}, True),
        ("form", ["born"], {"indicator": "0503", "column": "born", "type": BOUNDS}, False),
        ("identity", ["a", "b"], {"indicator": "0304", "kwargs": {"column_list": ["b", "a"]}, "type": UNIQUE}, True),
        ("identity", ["a", "b"], {"indicator": "0303", "column": "a", "type": UNIQUE}, True),
        ("identity", ["a"], {"indicator": "0304", "kwargs": {"column_list": ["a", "b"]}, "type": UNIQUE}, False),
        ("timeliness", ["at"], {"indicator": "0501", "column": "at", "type": BOUNDS}, True),
        ("timeliness", ["at"], {"indicator": "0503", "kwargs": {"column_A": "end", "column_B": "at"}, "type": "pair"}, True),
        ("timeliness", ["at"], {"indicator": "0301", "column": "at", "type": BOUNDS}, False),
    ],
)
def test_what_meets_a_call(tmp_path: Path, kind: str, columns: list[str], rule: dict[str, object], met: bool) -> None:
    contract(tmp_path, "people", [("id", "GMSFHM", "", "string", 3)])
    suite(tmp_path, "people", [{"id": "r"} | rule])
    (read,) = read_rules(Project(tmp_path, tmp_path / "data"))
    assert Call("people", kind, tuple(columns)).met_by(read) is met
