"""The national rules: Great Expectations, judging with our classes on pandas, agrees to the row; the tables behind them hold.

The adversarial rows are those of `edges/national.yaml` and `edges/identity.yaml`, which `test_edges.py` holds to what they should say.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.lake import insert
from assets.repair import MISSING
from expectations.codes import CodeTables
from expectations.compiler.duckdb import spell
from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Column, Expression, call
from expectations.compiler.plan import Field, compile_suite
from expectations.compiler.rules import kinds, national
from expectations.compiler.rules.national.air import sub_index
from expectations.compiler.rules.national.forms import of_form
from expectations.compiler.rules.national.places import coordinate_word
from expectations.documents import DocumentError, read_document
from expectations.national import air, forms, industry, places
from expectations.national.numbers import is_bank_card, is_organisation_code, thousandths
from expectations.suite import Suite
from tests.rules.test_edges import EDGES, FIELDS, SQL, make_table, rows_of

CODES = CodeTables()
CASES = [
    (type_, case)
    for name in ("national.yaml", "identity.yaml", "codes.yaml")
    for type_, listed in read_document(EDGES / name).data.items()
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


def judged(
    con: duckdb.DuckDBPyConnection, expressions: list[Expression], columns: dict[str, str], rows: list[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """What compiled expressions give for each row."""
    con.execute(f"CREATE OR REPLACE TABLE tried (n BIGINT, {', '.join(f'{c} {kind}' for c, kind in columns.items())})")
    insert(con, "tried", [(n, *row) for n, row in enumerate(rows)])
    told = ", ".join(spell(e, {}, date(2026, 11, 25)).sql("duckdb") for e in expressions)
    return con.execute(f"SELECT {told} FROM tried ORDER BY n").fetchall()


FAMILIES = {
    "phone": forms.PHONE,
    "email": forms.EMAIL,
    "plate": forms.PLATE,
    "licence": forms.LICENCE,
    "person": forms.PERSON,
    "enterprise": forms.ENTERPRISE,
}
SIGNS = st.sampled_from(list("0189-+ .@·〔〕()（）*?xXIOJYａ京辽某王测试号第〇䶮𬱖\n\u3000\ue81d字年A"))


@cache
def texts_near(name: str) -> st.SearchStrategy[list[str]]:
    """Texts of the family's forms, spoilt ones, and any. Kept: to read its patterns takes longer than to judge the texts."""
    whole = [st.from_regex(pattern, fullmatch=True) for pattern in FAMILIES[name].words.values()]
    spoilt = st.tuples(st.one_of(whole), SIGNS, st.integers(0, 40)).map(lambda t: t[0][: t[2]] + t[1] + t[0][t[2] :])
    return st.lists(st.one_of(*whole, spoilt, spoilt, st.text(SIGNS, max_size=12)), min_size=25, max_size=25)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize("name", FAMILIES)
def test_forms_mean_the_same_in_python_and_in_sql(data: st.DataObject, name: str, con: duckdb.DuckDBPyConnection) -> None:
    family = FAMILIES[name]
    texts = [t.replace("\0", "") for t in data.draw(texts_near(name))]
    accept = data.draw(st.lists(st.sampled_from(list(family.words)), min_size=1, unique=True))
    scope = SimpleNamespace(column=Column, codes=CODES)
    test = of_form(family)({"column": "s", "accept": accept, "also": ["王王"], "condition": None}, scope)
    assert isinstance(test, RowTest)
    told = judged(con, [test.unexpected], {"s": "VARCHAR"}, [(t,) for t in texts])
    assert [not broken for (broken,) in told] == [forms.has_form(t, family, accept, ["王王"]) for t in texts]


DEGREES = st.one_of(
    st.sampled_from([0.0, 118.83, 125.77, 38.72, 43.48, 118.8295, 118.8294999]),
    st.floats(30, 130).map(lambda v: round(v, 6)),
    st.tuples(st.floats(35, 126), st.sampled_from([10, 100, 1e4, 1e6, 0.1])).map(lambda t: t[0] * t[1]),
    st.floats(allow_nan=False),
)  # fmt: skip


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(points=st.lists(st.tuples(DEGREES, DEGREES), min_size=40, max_size=40))
def test_coordinates_get_the_same_word_in_sql(points: list[tuple[float, float]], con: duckdb.DuckDBPyConnection) -> None:
    box = places.boxes(CODES.get("division_box").rows, CODES.get("division").rows)[places.PROVINCE]
    lon, lat = (call("thousandths", Column(name, "number")) for name in ("lon", "lat"))
    told = judged(con, [coordinate_word(lon, lat, box), lon, lat], {"lon": "DOUBLE", "lat": "DOUBLE"}, points)
    wanted = []
    for point in points:
        east, north = (thousandths(v) for v in point)
        word = "outside" if east is None or north is None else places.coordinate_word(east, north, box)
        wanted.append((word, east, north))
    assert told == wanted


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    values=st.lists(st.one_of(st.integers(-2, 1300).map(float), st.floats(0, 2700).map(lambda v: round(v, 1))), min_size=60, max_size=60)
)
def test_sub_indices_are_the_same_in_sql(values: list[float], con: duckdb.DuckDBPyConnection) -> None:
    for pollutant in sorted({r["pollutant"] for r in CODES.get("aqi_breakpoint").rows}):
        steps = air.steps(CODES.get("aqi_breakpoint").rows, pollutant)
        told = judged(con, [sub_index(call("thousandths", Column("x", "number")), steps)], {"x": "DOUBLE"}, [(v,) for v in values])
        assert [t for (t,) in told] == [air.index(n, steps) for v in values if (n := thousandths(v)) is not None]


def test_thousandths_of_wide_decimals_do_not_overflow(con: duckdb.DuckDBPyConnection) -> None:
    rows = [(9999999999.0,), (999999999999.0,), (None,)]
    told = judged(con, [call("thousandths", Column("x", "number"))], {"x": "DECIMAL(18,6)"}, rows)
    assert told == [(9999999999000,), (999999999999000,), (None,)]


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(bodies=st.lists(st.from_regex("[0-9]{12,18}", fullmatch=True), min_size=40, max_size=40))
def test_card_numbers_check_the_same_in_sql(bodies: list[str], con: duckdb.DuckDBPyConnection) -> None:
    numbers = [body + digit for body in bodies for digit in "0123456789"]
    scope = SimpleNamespace(column=Column, codes=CODES)
    kind = kinds()["expect_column_values_to_be_bank_card_number"]
    test = kind.compile({"column": "s", "min_length": 13, "max_length": 19, "condition": None}, scope)
    assert isinstance(test, RowTest)
    told = judged(con, [test.unexpected], {"s": "VARCHAR"}, [(n,) for n in numbers])
    assert [not broken for (broken,) in told] == [is_bank_card(n, 13, 19) for n in numbers]


WRONG = [
    ("expect_column_values_to_be_phone_number", "{column: s, accept: [fax]}", "fax"),
    ("expect_column_values_to_be_person_name", "{column: s, also: [13]}", 'Quote it: "13"'),
    ("expect_column_values_to_be_postcode", "{column: s, prefixes: [11]}", "quoted"),
    ("expect_column_values_to_be_bank_card_number", "{column: s, max_length: 20}", "13 to 19"),
    ("expect_column_values_to_not_be_off_by_power_of_ten", "{column: x, min_value: 0, max_value: 9}", "above 0"),
    ("expect_column_values_to_not_be_off_by_power_of_ten", "{column: x, min_value: 1, max_value: 9, powers: [0]}", "without 0"),
    ("expect_column_pair_values_to_not_be_off_by_power_of_ten", "{column_A: x, column_B: i, tolerance: 60}", "from 0 to 50"),
    ("expect_column_values_to_be_national_code", "{column: s, code_table: sexx}", "Did you mean 'sex'?"),
    ("expect_column_values_to_be_industry_code", '{column: s, edition: "2002"}', "2002"),
    ("expect_column_values_to_be_plausible_date", "{column: d, min_value: '2000-13-01'}", "Write a date"),
    ("expect_column_values_to_be_plausible_date", "{column: d, min_value: 2000-13-01}", "Correct the date"),
    ("expect_column_values_to_be_plausible_date", "{column: d, min_value: 2001-01-01, max_value: 2000-01-01}", "always fails"),
    ("expect_column_values_to_be_plausible_date", "{column: s}", "no date"),
    ("expect_column_values_to_be_division", "{column: s, at: 2016}", "Write a date"),
    ("expect_column_pair_division_to_be_in_force_on_date", "{column_A: s, column_B: t}", "columns of type date or timestamp"),
    ("expect_column_pair_coordinates_to_be_in_province", "{column_A: x, column_B: i, margin: -1}", "from 0 to 10"),
    ("expect_column_pair_coordinates_to_be_in_province", "{column_A: s, column_B: t}", "columns of type integer or number"),
    ("expect_aqi_to_follow_from_pollutants", "{aqi: i}", "can never fail"),
    ("expect_column_pair_part_to_not_be_far_above_whole", "{column_A: x, column_B: i, factor: 0}", "from 1 to 1000"),
]


@pytest.mark.parametrize(("type_", "kwargs", "words"), WRONG, ids=[f"{t}-{k}" for t, k, _ in WRONG])
def test_wrong_arguments_are_refused_with_their_line(suite_of: Callable[..., Suite], type_: str, kwargs: str, words: str) -> None:
    fields = [Field(name, kind, SQL[kind], None if kind == "string" else f"{name}__text") for name, kind in FIELDS.items()]
    with pytest.raises(DocumentError) as caught:
        compile_suite(suite_of((type_, kwargs)), fields, codes=CODES)
    assert caught.value.line in (4, 5)
    assert words in str(caught.value)
