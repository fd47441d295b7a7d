"""The national rules: Great Expectations, judging with our classes on pandas, agrees to the row; the tables behind them hold.

The adversarial rows are those of `edges/national.yaml` and `edges/identity.yaml`, which `test_edges.py` holds to what they should say.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from assets.repair import MISSING
from expectations.codes import CodeTables
from expectations.compiler.plan import Field, compile_suite
from expectations.compiler.rules import kinds, national
from expectations.national import air, forms, industry, places
from expectations.national.numbers import is_bank_card, is_organisation_code
from expectations.suite import Suite
from tests.rules.test_edges import EDGES, FIELDS, SQL, make_table, rows_of

CODES = CodeTables()
CASES = [
    (type_, case)
    for name in ("national.yaml", "identity.yaml", "codes.yaml")
    for type_, listed in yaml.safe_load((EDGES / name).read_text(encoding="utf-8")).items()
    for case in listed
]


@pytest.mark.parametrize(("type_", "case"), CASES, ids=[f"{t}-{c['kwargs']}" for t, c in CASES])
def test_great_expectations_agrees_to_the_row(
    suite_of: Callable[..., Suite],
    gx_validate: Callable[..., list[dict[str, Any]]],
    con: duckdb.DuckDBPyConnection,
    type_: str,
    case: dict[str, Any],
) -> None:
    kinds_of = FIELDS | case.get("columns", {})
    fields = [Field(name, kind, SQL[kind], None if kind == "string" else f"{name}__text") for name, kind in kinds_of.items()]
    columns = {"_batch": "VARCHAR", "_row": "BIGINT"} | {f.name: f.sql_type for f in fields} | {f.text: "VARCHAR" for f in fields if f.text}
    rows = [row for entry in (*case["good"], *case["bad"]) for row in rows_of(entry)]
    make_table(con, "data", columns, [{"_batch": "b", "_row": n, **row} for n, row in enumerate(rows, 1)])
    kwargs = yaml.safe_dump(case["kwargs"], default_flow_style=True, allow_unicode=True, width=10_000).strip()
    suite = suite_of((type_, kwargs))
    (ours,) = compile_suite(suite, fields, codes=CODES, as_of=date.today()).run(con, "data").results
    (theirs,) = gx_validate(suite, con)
    result = ours.to_gx()["result"]
    for figure in ("element_count", "missing_count", "unexpected_count", "unexpected_percent"):
        assert result.get(figure) == pytest.approx(theirs.get(figure)), (figure, result, theirs)
    assert [row - 1 for row in result["partial_unexpected_index_list"]] == theirs["partial_unexpected_index_list"]
    assert (ours.outcome == "passed") == theirs["success"]


def test_every_national_rule_is_a_class_of_great_expectations_with_the_same_defaults(gx_validate: object) -> None:
    from great_expectations.expectations.registry import get_expectation_impl

    from expectations.custom import register

    register()
    for kind in national.KINDS:
        fields = get_expectation_impl(kind.type).__fields__
        for name, argument in kind.arguments.items():
            if name in ("condition", "row_condition", "condition_parser", "max_value"):  # the day of the check stands apart
                continue
            default = fields[name].default
            wanted = argument.default.isoformat() if isinstance(argument.default, date) else argument.default
            if isinstance(wanted, tuple):
                wanted = [w.isoformat() if isinstance(w, date) else w for w in wanted]
            assert bool(fields[name].required) == argument.required or name == "mostly", (kind.type, name)
            assert argument.required or default == wanted, (kind.type, name, default, wanted)


def test_clauses_and_causes_speak_to_a_clerk() -> None:
    for kind in national.KINDS:
        assert kinds()[kind.type] is kind
        assert kind.ours
        assert kind.clause[0] != "Great Expectations"
        filled = dict.fromkeys(kind.arguments, "X") | {"unexpected": 3, "elements": 9, "percent": "33 %", "observed": None}
        for text in kind.cause:
            assert "{" not in text.format(**filled)


def test_placeholders_hold_what_standardising_takes_for_nothing() -> None:
    assert set(MISSING) - {""} <= set(forms.placeholders())


@pytest.mark.parametrize("good", ["D2143569-X", "59467239-9"])
def test_published_organisation_codes(good: str) -> None:
    assert is_organisation_code(good)
    assert not is_organisation_code(good[:-1] + ("1" if good[-1] != "1" else "2"))


def test_every_single_error_and_most_swaps_in_a_card_number_are_found() -> None:
    good = "6222020000000015"
    assert is_bank_card(good)
    assert not any(is_bank_card(good[:i] + d + good[i + 1 :]) for i in range(16) for d in "0123456789" if d != good[i])
    swapped = [good[:i] + good[i + 1] + good[i] + good[i + 2 :] for i in range(15)]
    assert not any(is_bank_card(s) for s in swapped if s != good)


@pytest.mark.parametrize(("value", "index"), [(57, 78), (36, 52), (75, 100), (76, 102), (115, 150), (500, 500), (501, 500), (0, 0)])
def test_published_sub_indices_of_pm2_5(value: int, index: int) -> None:
    assert air.index(1000 * value, air.steps(CODES.get("aqi_breakpoint").rows, "pm2_5")) == index


def test_editions_of_the_industries_tell_each_other_apart() -> None:
    # GB/T 4754: 97 divisions in 2017, 96 in 2011; 97 and 96 are the international organisations, 83 and 82 education
    new, old = industry.sections("2017"), industry.sections("2011")
    assert (len(new), len(old)) == (97, 96)
    assert (new["97"], old["96"], new["83"], old["82"], new["05"], new["58"], new["79"]) == ("T", "T", "P", "P", "A", "G", "N")


def test_years_of_divisions_follow_from_the_changes() -> None:
    rows = {r["code"]: r for r in CODES.get("division").rows}
    with (Path(CODES.folders[0]) / "division_changes.csv").open(encoding="utf-8") as file:
        changes = [c for c in csv.DictReader(file) if int(c["year"]) >= 1984 and c["old_code"] != c["new_code"]]
    for change in changes:
        came, went = change["new_code"], change["old_code"]
        if went in rows and rows[went]["status"] == "historical" and (not came or came.startswith("21")):
            assert places.span(rows[went])[1] >= int(change["year"]), change
        if came in rows and change["kind"] != "撤销" and (not went or went.startswith("21")):
            assert places.span(rows[came])[0] <= int(change["year"]), change
    for code, row in rows.items():
        since, until = places.span(row)
        assert since <= until
        assert (row["status"] == "historical") == bool(row["until"]), code


def test_every_division_has_a_box_within_the_province() -> None:
    boxes = places.boxes(CODES.get("division_box").rows, CODES.get("division").rows)
    whole = boxes[places.PROVINCE]
    assert set(boxes) == {r["code"] for r in CODES.get("division").rows}
    for box in boxes.values():
        assert whole.holds(box.west, box.south)
        assert whole.holds(box.east, box.north)
        assert box.west < box.east
        assert box.south < box.north
