"""Rules found from data: what a table suggests, and what must hold of every draft whatever the table."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.lake import insert
from expectations.codes import CodeTables
from expectations.compiler.plan import Field, compile_suite
from expectations.identity import resident_check
from expectations.profiling.draft import Draft, draft
from expectations.profiling.figures import Table, look
from expectations.profiling.shapes import pattern_of, redrawn, shape, shown
from expectations.profiling.values import fence
from expectations.standard import Standard
from expectations.suite import load_suite

TODAY = date(2026, 6, 30)
TYPES = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "timestamp": "TIMESTAMP"}
Columns = Mapping[str, tuple[str, Sequence[Any]]]
Suggest = Callable[..., Draft]


def store(con: duckdb.DuckDBPyConnection, columns: Columns, batches: Sequence[str] | None = None) -> tuple[Field, ...]:
    """The table `data` of the columns, each (logical type, values); what stands there as text is what was read."""
    fields = tuple(Field(n, kind, TYPES[kind], None if kind == "string" else f"{n}__text") for n, (kind, _) in columns.items())
    n = len(next(iter(columns.values()))[1])
    made = ", ".join(f'"{f.name}" {f.sql_type}' + (f', "{f.text}" VARCHAR' if f.text else "") for f in fields)
    con.execute(f'CREATE OR REPLACE TABLE data ("_batch" VARCHAR, "_row" BIGINT, {made})')
    rows = []
    for i in range(n):
        row: list[Any] = [batches[i] if batches else "b", i]
        for f in fields:
            value = columns[f.name][1][i]
            row += [value, None if value is None else str(value)] if f.text else [value]
        rows.append(row)
    insert(con, "data", rows)
    return fields


@pytest.fixture
def suggest(con: duckdb.DuckDBPyConnection, codes: CodeTables, standard: Standard) -> Suggest:
    def made(columns: Columns, *, tolerance: float = 0.01, batches: Sequence[str] | None = None, **table: Any) -> Draft:
        fields = store(con, columns, batches)
        profile = look(con, Table("data", "data", fields, **table), as_of=TODAY)
        return draft(con, profile, codes=codes, standard=standard, tolerance=tolerance)

    return made


def found(made: Draft) -> dict[str, tuple[str, int]]:
    return {d.proposal.id: (d.proposal.type.removeprefix("expect_"), d.fails) for d in made.rules}


def kwargs(made: Draft, rule: str) -> Mapping[str, Any]:
    return next(d.proposal.kwargs for d in made.rules if d.proposal.id == rule)


def people(n: int = 400) -> dict[str, tuple[str, list[Any]]]:
    """People who cannot exist: the prefix 219901 is no place."""
    chance = random.Random(7)
    ids, births, sexes, deaths, dead = [], [], [], [], []
    for i in range(n):
        born = date(1950, 1, 1) + timedelta(days=chance.randrange(20_000))
        digits = f"219901{born:%Y%m%d}{i % 1000:03d}"
        ids.append(digits + resident_check(digits))
        births.append(born)
        sexes.append("1" if i % 2 else "2")
        dead.append("1" if i % 5 == 0 else "0")
        deaths.append(date(2020, 1, 1) + timedelta(days=i) if i % 5 == 0 else None)
    return {
        "id_number": ("string", ids),
        "birth": ("date", births),
        "sex": ("string", sexes),
        "dead": ("string", dead),
        "death": ("date", deaths),
    }


def test_a_register_of_people(suggest: Suggest) -> None:
    table = people()
    for column, row, spoilt in (
        ("id_number", 10, "219901195001010011"),  # a check character that is wrong
        ("birth", 21, date(2049, 1, 1)),
        ("sex", 30, "7"),
        ("sex", 40, "1"),  # not the sex of the id
        ("death", 50, None),
    ):
        table[column][1][row] = spoilt
    rules = found(suggest(table, codes={"sex": "sex", "dead": "yes_no"}))
    assert rules["id_number_resident_id"] == ("column_values_to_be_resident_id", 1)
    assert rules["id_number_unique"] == ("column_values_to_be_unique", 0)
    assert rules["birth_agrees_id_number"] == ("column_pair_resident_id_and_birth_date_to_agree", 2)
    assert rules["sex_agrees_id_number"][0] == "column_pair_resident_id_and_sex_to_agree"
    assert rules["birth_plausible"] == ("column_values_to_be_between", 1)
    assert rules["sex_code"] == ("column_values_to_be_in_set", 1)
    assert rules["dead_code"] == ("column_values_to_be_in_set", 0)
    assert rules["death_not_before_birth"] == ("column_pair_values_a_to_be_greater_than_b", 0)
    assert rules["death_absent_if_dead"] == ("column_values_to_be_null", 0)
    assert "death_present_if_dead" not in rules, "1 of 80 is more than a hundredth"
    assert "birth_not_before_death" not in rules


def test_what_more_rows_break_is_named_and_not_drafted(suggest: Suggest) -> None:
    table = people()
    for row in range(0, 400, 40):
        table["id_number"][1][row] = "219901195001010011"
    made = suggest(table)
    assert "id_number_resident_id" not in found(made)
    assert found(suggest(table, tolerance=0.05))["id_number_resident_id"][1] == 10
    assert all(d.share > 0.01 for d in made.left_out)
    for d in made.left_out:
        assert f"{d.proposal.id}: {d.fails:,} / {d.support:,}" in made.text()


@pytest.mark.parametrize(
    ("values", "bad", "rule"),
    [
        ([f"2101{i % 12 + 1:02d}" for i in range(300)], "210113", "text_listed"),
        ([f"20{i % 26:02d}{i % 12 + 1:02d}" for i in range(600)], "201513", "text_month"),
        ([f"A{i * 37:05d}" for i in range(300)], "A12", "text_form"),
        ([f"档{i % 200 + 1}-{i % 7}卷" for i in range(300)], "5", "text_form"),
        (["张三" if i % 3 else "欧阳·修文" for i in range(300)], "张*", "text_listed"),
    ],
)
def test_forms_of_texts(suggest: Suggest, values: list[str], bad: str, rule: str) -> None:
    rules = found(suggest({"text": ("string", [*values, bad])}))
    assert rules[rule][1] == 1, rules


def test_strays_in_prose(suggest: Suggest) -> None:
    words = "青年中山建设和平胜利解放新华光明人民工农"
    chance = random.Random(3)
    texts = [f"{''.join(chance.sample(words, 4 + i % 9))}（{''.join(chance.sample(words, 2))}）{'甲乙丙' * (i % 4)}" for i in range(2000)]
    made = suggest({"text": ("string", [*texts, "青年(测试)商店", "中山test公司"])}, tolerance=0.01)
    assert found(made)["text_no_test"][1] == 2
    assert any(kind == "column_values_to_not_match_regex" and fails >= 1 for kind, fails in found(made).values())


def test_bounds_lie_outside_the_bulk_and_stop_at_a_gap() -> None:
    even = [float(v) for v in range(100, 200)]
    low, high = fence([*even, 10_000.0])
    assert low is not None
    assert high is not None
    assert 0 < low < 100
    assert 200 < high < 10_000
    trailing = sorted([*even, *(200.0 * 1.1**k for k in range(12))])
    assert (fence(trailing)[1] or 0) >= trailing[-1]
    assert fence([5.0] * 99 + [7.0]) == (None, None)


def test_ranges_of_numbers(suggest: Suggest) -> None:
    chance = random.Random(5)
    amounts = [round(chance.lognormvariate(8, 0.5), 2) for _ in range(1000)]
    made = suggest({"amount": ("number", [*amounts, -5.0, 900_000.0])})
    assert found(made)["amount_range"] == ("column_values_to_be_between", 2)
    assert kwargs(made, "amount_range")["min_value"] == 0


def test_keys_of_two_columns_within_a_batch(suggest: Suggest) -> None:
    stations, hours = [f"{s:04d}A" for s in range(20)], range(24)
    rows = [(s, h, b) for b in ("b1", "b2") for s in stations for h in hours]
    made = suggest(
        {"station": ("string", [r[0] for r in rows]), "hour": ("integer", [r[1] for r in rows])},
        batches=[r[2] for r in rows],
    )
    assert found(made)["station_hour_unique"] == ("compound_columns_to_be_unique", 0)


def test_equal_and_ordered_columns(suggest: Suggest) -> None:
    chance = random.Random(9)
    fine = [chance.randrange(5, 80) for _ in range(400)]
    coarse = [f + chance.randrange(1, 40) for f in fine]
    codes_ = [f"{chance.randrange(10**6):06d}" for _ in fine]
    again = [*codes_]
    coarse[7], again[9] = 1, "999999"
    table = {
        "pm2_5": ("number", [float(v) for v in fine]),
        "pm10": ("number", [float(v) for v in coarse]),
        "organ": ("string", codes_),
        "source": ("string", again),
        "co": ("number", [v / 1000 for v in range(400)]),
    }
    rules = found(suggest(table))
    assert rules["pm10_not_below_pm2_5"][1] == 1
    assert rules["organ_equals_source"][1] == 1
    assert "pm10_not_below_co" not in rules, "ranges that do not meet tell nothing of a row"


def test_a_code_that_fixes_a_name(suggest: Suggest) -> None:
    chance = random.Random(4)
    codes_ = [f"21{chance.randrange(100, 130)}" for _ in range(600)]
    names = [f"第{code}号监测点" for code in codes_]
    names[8] = "第无号监测点"
    made = suggest({"station": ("string", codes_), "position": ("string", names), "other": ("string", names[::-1])})
    assert found(made)["position_by_station"] == ("columns_to_determine_column", 1)
    assert "other_by_station" not in found(made)


def test_values_that_never_stand_together(suggest: Suggest) -> None:
    state = ["1", "2", "3"] * 200
    retired = ["1" if s == "3" or i % 4 == 0 else "0" for i, s in enumerate(state)]
    state = ["2" if r == "1" and s == "1" else s for s, r in zip(state, retired, strict=True)]
    made = suggest({"state": ("string", state), "retired": ("string", retired)})
    assert kwargs(made, "retired_not_if_state_1")["value_set"] == ["1"]


def test_no_value_of_a_guarded_column_is_quoted(suggest: Suggest) -> None:
    table = {
        "town": ("string", ["和平区", "沈河区", "大东区"] * 200),
        "pay": ("number", [1234.5 + i for i in range(600)]),
        "name": ("string", [f"张{w}" for w in ("伟", "芳", "娜") * 200]),
    }
    open_, guarded = suggest(table).text(), suggest(table, levels={"town": 3, "pay": 4, "name": 3}).text()
    assert "和平区" in open_
    assert "张伟" in open_
    for value in ("和平区", "张伟", "1834", "1,834"):
        assert value not in guarded


def test_the_draft_loads_compiles_and_says_what_it_found(suggest: Suggest, tmp_path: Path, codes: CodeTables, standard: Standard) -> None:
    made = suggest(people(), codes={"sex": "sex"})
    path = tmp_path / "data.yaml"
    path.write_text(made.text(), encoding="utf-8")
    suite = load_suite(path, codes, standard)
    assert [r.id for r in suite.rules] == [d.proposal.id for d in made.rules]
    compile_suite(suite, made.profile.table.fields, codes=codes, as_of=TODAY)
    assert suite.meta["draft"] is True
    for d in made.rules:
        assert d.proposal.evidence[0] in made.text()
        assert d.proposal.evidence[1].split(":")[0] in made.text()


def test_the_same_data_in_another_order_gives_the_same_draft(con: duckdb.DuckDBPyConnection, codes: CodeTables, standard: Standard) -> None:
    texts = []
    for order in ("_row", "hash(_row)"):
        fields = store(con, people())
        con.execute(f"CREATE OR REPLACE TABLE data AS SELECT * FROM data ORDER BY {order}")
        texts.append(draft(con, look(con, Table("data", "data", fields), as_of=TODAY), codes=codes, standard=standard).text())
    assert texts[0] == texts[1]


def test_too_few_rows_suggest_nothing(suggest: Suggest) -> None:
    assert suggest(people(20)).rules == ()


CELLS = {
    "string": st.one_of(st.none(), st.sampled_from(["1", "2", "01", "沈阳", "和平 区", "", "A1", "💧"]), st.text(max_size=6)),
    "integer": st.one_of(st.none(), st.integers(-5, 50)),
    "number": st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 9).map(float)),
    "date": st.one_of(st.none(), st.dates(date(1900, 1, 1), date(2100, 1, 1))),
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, tuple[str, list[Any]]]:
    n = draw(st.integers(0, 120))
    kinds_ = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    pools = [draw(st.lists(CELLS[k], min_size=1, max_size=8)) for k in kinds_]
    seed = random.Random(draw(st.integers(0, 10**6)))
    return {f"c{i}": (k, [seed.choice(pool) for _ in range(n)]) for i, (k, pool) in enumerate(zip(kinds_, pools, strict=True))}


@pytest.fixture(scope="module")
def shared() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


@given(table=tables(), tolerance=st.sampled_from([0.0, 0.01, 0.1]))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_rule_is_broken_by_more_than_is_said(
    shared: duckdb.DuckDBPyConnection, codes: CodeTables, standard: Standard, table: dict[str, tuple[str, list[Any]]], tolerance: float
) -> None:
    if not next(iter(table.values()))[1]:
        return
    fields = store(shared, table)
    made = draft(shared, look(shared, Table("data", "data", fields), as_of=TODAY), codes=codes, standard=standard, tolerance=tolerance)
    counted: dict[str, int] = {}
    if made.rules or made.left_out:
        counted = dict(shared.execute("SELECT r, count(*) FROM (SELECT unnest(_failed) AS r FROM failing) GROUP BY 1").fetchall())
    for d in made.rules:
        assert d.fails <= tolerance * d.support
        assert d.fails == counted.get(d.proposal.id, 0)
    assert all(d.fails > tolerance * d.support for d in made.left_out)


@pytest.mark.parametrize(
    ("text", "said"),
    [("辽市许〔2026〕17号", "汉{3}〔9{4}〕9{2}汉"), ("A12345", "A9{5}"), ("a b", "a␣a"), ("", "")],
)
def test_shapes(text: str, said: str) -> None:
    assert shown(shape(text)) == said


def test_a_pattern_keeps_fixed_lengths_and_leaves_variable_ones() -> None:
    texts = [f"21{i:010d}" for i in range(999)] + ["2101"]
    found_ = pattern_of(texts, 0.01)
    assert found_ is not None
    assert found_.regex == "^[0-9]{12}$"
    varied = pattern_of([f"K{'9' * (i % 4 + 1)}" for i in range(100)], 0.01)
    assert varied is not None
    assert varied.words == "A9{1,4}"
    assert pattern_of(["汉1汉1汉1汉1汉1汉1"] * 50, 0.01) is None, "prose and addresses have no form"


def test_redrawn_texts_keep_their_shape() -> None:
    texts = ["辽A12345", "210102", "x-9"]
    assert [shape(t) for t in redrawn(texts, "seed")] == [shape(t) for t in texts]
    assert redrawn(texts, "seed") == redrawn(texts, "seed") != redrawn(texts, "other")
