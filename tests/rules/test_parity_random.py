"""Random tables and random rules: our verdicts are those of Great Expectations on pandas, to the row.

Values: NULL, NaN, infinities, empty texts, characters beyond the basic plane, decimals, dates before 1900, times with a zone.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assets.lake import insert
from expectations.codes import CodeTables
from expectations.compiler.plan import Field, compile_suite
from expectations.conformance.compare import alike
from expectations.interchange import suite_to_gx
from expectations.standard import Standard
from expectations.suite import Suite, load_suite

FIELDS = (
    Field("s", "string", "VARCHAR", None),
    Field("t", "string", "VARCHAR", None),
    Field("i", "integer", "BIGINT", None),
    Field("j", "integer", "BIGINT", None),
    Field("x", "number", "DOUBLE", None),
    Field("m", "number", "DECIMAL(9, 2)", None),
    Field("f", "date", "DATE", None),
    Field("w", "timestamp", "TIMESTAMP", None),
    Field("z", "timestamp", "TIMESTAMPTZ", None),
    Field("b", "boolean", "BOOLEAN", None),
)
CHINA = timezone(timedelta(hours=8))
TEXTS = ["", "a", "b", "bb", "ab", "a\n", "\na", "汉", "汉字", "𠮷", "𠮷𠮷", "a ", "A", "é", "e\u0301", "\u3000", "0", "NaN", "None"]
FLOATS = [0.0, -0.0, 1.5, 2.0, -1.0, 1e300, float("nan"), float("inf"), float("-inf")]
DAYS = [date(1600, 2, 29), date(1899, 12, 31), date(1900, 1, 1), date(2000, 2, 29), date(2020, 6, 30), date(2262, 12, 31)]
TIMES = [datetime(1899, 12, 31, 23, 59, 59), datetime(1970, 1, 1), datetime(2020, 1, 1), datetime(2020, 1, 1, 0, 0, 0, 1)]
ZONED = [datetime(1899, 12, 31, tzinfo=CHINA), datetime(2020, 1, 1, 8, tzinfo=CHINA), datetime(2020, 1, 1, tzinfo=UTC)]
DECIMALS = [Decimal(n) for n in ("0", "0.25", "-1.50", "1234567.75", "2")]
VALUES: Mapping[str, list[Any]] = {
    "s": TEXTS,
    "t": TEXTS[:6],
    "i": [-2, -1, 0, 1, 2, 3, 10**15],
    "j": [0, 1, 2],
    "x": FLOATS,
    "m": DECIMALS,
    "f": DAYS,
    "w": TIMES,
    "z": ZONED,
    "b": [True, False],
}
PATTERNS = ["^[ab]+$", "a", "^.$", "[一-龥𠮷]", "^$", "b{2}", "[^a]", r"\A(?:a|汉.)\Z", "^[^a]*$"]

tables = st.lists(st.fixed_dictionaries({n: st.none() | st.sampled_from(v) for n, v in VALUES.items()}), min_size=1, max_size=8)
flags = st.booleans()


def written(value: Any) -> Any:
    """A value as a suite has it."""
    return float(value) if isinstance(value, Decimal) else value.isoformat() if isinstance(value, date) else value


def of(column: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([written(v) for v in VALUES[column] if not isinstance(v, float) or abs(v) < 1e300])


columns = st.sampled_from(list(VALUES))
comparable = st.sampled_from(["i", "x", "m", "w", "z"])


def conditions() -> st.SearchStrategy[Any]:
    names = st.sampled_from(["s", "i", "x"])
    operators = {"s": ["==", "!="], "i": ["==", "!=", "<", "<=", ">", ">="], "x": ["<", "<=", ">", ">="]}
    comparison = names.flatmap(
        lambda n: st.fixed_dictionaries(
            {"type": st.just("comparison"), "column": st.just({"name": n}), "operator": st.sampled_from(operators[n]), "parameter": of(n)}
        )
    )
    listed = st.sampled_from(["s", "i"]).flatmap(
        lambda n: st.fixed_dictionaries(
            {
                "type": st.just("comparison"),
                "column": st.just({"name": n}),
                "operator": st.sampled_from(["IN", "NOT_IN"]),
                "parameter": st.lists(of(n), min_size=1, max_size=3),
            }
        )
    )
    nullity = st.fixed_dictionaries({"type": st.just("nullity"), "column": columns.map(lambda n: {"name": n}), "is_null": flags})
    simple = comparison | listed | nullity
    several = st.fixed_dictionaries({"type": st.sampled_from(["and", "or"]), "conditions": st.lists(simple, min_size=2, max_size=3)})
    return st.none() | simple | several


def _bounds(name: str) -> st.SearchStrategy[dict[str, Any]]:
    ordered = sorted({v for v in VALUES[name] if not isinstance(v, float) or abs(v) < 1e300})
    pair = st.tuples(st.integers(0, len(ordered) - 1), st.integers(0, len(ordered) - 1)).map(sorted)
    ends = pair.map(lambda p: {"min_value": written(ordered[p[0]]), "max_value": written(ordered[p[1]])})
    one = st.sampled_from(["min_value", "max_value"]).flatmap(lambda end: of(name).map(lambda v: {end: v}))
    return st.tuples(ends | one, flags, flags).map(lambda t: {"column": name, **t[0], "strict_min": t[1], "strict_max": t[2]})


def _rule(
    type_: str, kwargs: st.SearchStrategy[dict[str, Any]], over_rows: bool = True, conditioned: bool = True
) -> st.SearchStrategy[dict[str, Any]]:
    mostly = st.sampled_from([1, 1, 0.5, 0.75]) if over_rows else st.none()
    further = st.fixed_dictionaries({"mostly": mostly, "row_condition": conditions() if conditioned else st.none()})
    return st.tuples(kwargs, further).map(lambda t: {"type": type_, "kwargs": {**t[0], **{k: v for k, v in t[1].items() if v is not None}}})


def _sets(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(of(name), min_size=1, max_size=3).map(lambda values: {"column": name, "value_set": values})


IGNORED = st.sampled_from(["all_values_are_missing", "any_value_is_missing", "never"])
PAIRS = st.sampled_from([("s", "t"), ("i", "j"), ("i", "x"), ("x", "i"), ("w", "w"), ("f", "f")])
ROW_RULES = st.one_of(
    _rule("expect_column_values_to_not_be_null", columns.map(lambda n: {"column": n})),
    _rule("expect_column_values_to_be_null", columns.map(lambda n: {"column": n})),
    _rule("expect_column_values_to_be_in_set", st.sampled_from(["s", "i", "x", "m", "b"]).flatmap(_sets)),
    _rule("expect_column_values_to_not_be_in_set", st.sampled_from(["s", "i", "x", "m", "b"]).flatmap(_sets)),
    _rule("expect_column_values_to_be_between", comparable.flatmap(_bounds)),
    _rule("expect_column_values_to_match_regex", st.sampled_from(PATTERNS).map(lambda p: {"column": "s", "regex": p})),
    _rule("expect_column_values_to_not_match_regex", st.sampled_from(PATTERNS).map(lambda p: {"column": "s", "regex": p})),
    _rule("expect_column_value_lengths_to_equal", st.integers(0, 3).map(lambda n: {"column": "s", "value": n})),
    _rule(
        "expect_column_value_lengths_to_be_between", st.integers(0, 3).map(lambda n: {"column": "s", "min_value": n, "max_value": n + 1})
    ),
    _rule("expect_column_values_to_be_unique", columns.map(lambda n: {"column": n})),
    _rule(
        "expect_compound_columns_to_be_unique",
        st.tuples(
            st.lists(columns, min_size=2, max_size=3, unique=True),
            IGNORED,
        ).map(lambda t: {"column_list": t[0], "ignore_row_if": t[1]}),
    ),
    _rule(
        "expect_column_pair_values_to_be_equal",
        st.tuples(PAIRS, st.sampled_from(["both_values_are_missing", "either_value_is_missing", "neither"])).map(
            lambda t: {"column_A": t[0][0], "column_B": t[0][1], "ignore_row_if": t[1]}
        ),
    ),
    _rule(
        "expect_column_pair_values_a_to_be_greater_than_b",
        st.tuples(
            st.sampled_from([("i", "j"), ("i", "x"), ("w", "w")]),
            flags,
            st.sampled_from(["both_values_are_missing", "either_value_is_missing"]),
        ).map(lambda t: {"column_A": t[0][0], "column_B": t[0][1], "or_equal": t[1], "ignore_row_if": t[2]}),
    ),
)
LISTS = st.sampled_from([["^a"], ["a", "^b"], ["^$", "汉"], ["[0-9]", "b{2}"]])
numbers = st.sampled_from(["i", "j"])
MORE_ROW_RULES = st.one_of(
    *[
        _rule(f"expect_column_values_to_be_{way}", st.tuples(numbers, flags).map(lambda t: {"column": t[0], "strictly": t[1]}))
        for way in ("increasing", "decreasing")
    ],
    _rule(
        "expect_column_values_to_match_regex_list",
        st.tuples(LISTS, st.sampled_from(["any", "all"])).map(lambda t: {"column": "s", "regex_list": t[0], "match_on": t[1]}),
    ),
    _rule("expect_column_values_to_not_match_regex_list", LISTS.map(lambda v: {"column": "s", "regex_list": v})),
    _rule(
        "expect_column_value_z_scores_to_be_less_than",
        st.tuples(st.sampled_from([0.5, 1, 1.5]), flags).map(lambda t: {"column": "j", "threshold": t[0], "double_sided": t[1]}),
    ),
    _rule(  # without a condition, which it heeds for elements and not for what is unexpected
        "expect_column_pair_values_to_be_in_set",
        st.lists(st.tuples(of("i"), of("j")).map(list), min_size=1, max_size=3).map(
            lambda v: {"column_A": "i", "column_B": "j", "value_pairs_set": v}
        ),
        conditioned=False,
    ),
    _rule(
        "expect_multicolumn_sum_to_equal",
        st.tuples(st.integers(-1, 4), IGNORED).map(lambda t: {"column_list": ["i", "j"], "sum_total": t[0], "ignore_row_if": t[1]}),
    ),
    _rule(
        "expect_select_column_values_to_be_unique_within_record",
        st.tuples(st.sampled_from([["i", "j"], ["s", "t"]]), IGNORED).map(lambda t: {"column_list": t[0], "ignore_row_if": t[1]}),
    ),
)
FIGURE_RULES = st.one_of(
    *[
        _rule(f"expect_column_{what}_to_be_between", st.sampled_from(names).map(lambda n: {"column": n, "min_value": 0}), over_rows=False)
        for what, names in (
            ("max", ["i", "m"]),
            ("min", ["i", "m"]),
            ("sum", ["i", "m"]),
            ("mean", ["i", "m"]),
            ("median", ["i", "m"]),
            ("stdev", ["j", "m"]),
            ("unique_value_count", ["s", "i", "x", "m", "f"]),
            ("proportion_of_unique_values", ["s", "i", "x"]),
        )
    ],
    _rule(
        "expect_column_quantile_values_to_be_between",
        st.sampled_from(["i", "j", "m"]).map(
            lambda n: {"column": n, "quantile_ranges": {"quantiles": [0.1, 0.5, 0.9], "value_ranges": [[0, 1], [None, 2], [0, None]]}}
        ),
        over_rows=False,
    ),
    *[
        _rule(f"expect_column_distinct_values_to_{what}_set", st.sampled_from(["s", "i"]).flatmap(_sets), over_rows=False)
        for what in ("be_in", "contain", "equal")
    ],
    _rule("expect_column_most_common_value_to_be_in_set", st.sampled_from(["s", "i"]).flatmap(_sets), over_rows=False),
    _rule("expect_table_row_count_to_be_between", st.integers(0, 5).map(lambda n: {"min_value": n}), over_rows=False),
)


@pytest.fixture(scope="session")
def suite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random") / "random.json"


@pytest.fixture(scope="session")
def gx_batch(gx_validate: Callable[..., Any]) -> Callable[[list[dict[str, Any]]], Any]:
    """Great Expectations' batch of rows, as pandas holds what a database gives: no whole numbers beside NULL, times in nanoseconds."""
    import great_expectations as gx
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        whole = context.data_sources.add_pandas("random").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")

    def batch(rows: list[dict[str, Any]], **other: str) -> Any:
        held = {**other, "i": "float64", "j": "float64", "x": "float64", "w": "datetime64[ns]", "z": "datetime64[ns, UTC]"}
        frame = pd.DataFrame({f.name: pd.Series([r[f.name] for r in rows], dtype=held.get(f.name, object)) for f in FIELDS})
        for name in ("s", "t"):
            frame[name] = frame[name].astype("str")  # with one kind of NULL, as a reader gives it
        return whole.get_batch(batch_parameters={"dataframe": frame})

    return batch


@pytest.fixture(scope="session")
def both(suite_file: Path, gx_batch: Callable[..., Any], codes: CodeTables, standard: Standard) -> Callable[..., list[tuple[Any, Any]]]:
    """Our results and those of Great Expectations for rules over rows, side by side."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'Asia/Shanghai'")

    def run(rows: list[dict[str, Any]], rules: list[dict[str, Any]], **held: str) -> list[tuple[Any, Any]]:
        nodes = [{**rule, "meta": {"id": f"r{n}", "indicator": "0301"}} for n, rule in enumerate(rules)]
        suite_file.write_text(json.dumps({"name": "random", "expectations": nodes}), encoding="utf-8")
        suite: Suite = load_suite(suite_file, codes, standard)
        declared = ", ".join(f"{f.name} {f.sql_type}" for f in FIELDS)
        con.execute(f"CREATE OR REPLACE TABLE data (_batch VARCHAR, _row BIGINT, {declared})")
        insert(con, "data", [["b", n, *(row[f.name] for f in FIELDS)] for n, row in enumerate(rows)])
        ours = compile_suite(suite, FIELDS, codes=codes).run(con, "data").results
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = gx_batch(rows, **held).validate(suite_to_gx(suite), result_format={"result_format": "SUMMARY"})
        by_rule = {r.expectation_config.meta["id"]: r for r in theirs.results}
        return [(result, by_rule[result.rule.id]) for result in ours]

    return run


PROPERTY = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate], max_examples=25)
FIGURES = ("element_count", "unexpected_count", "unexpected_percent", "missing_count", "unexpected_percent_total")


@PROPERTY
@given(rows=tables, rules=st.lists(ROW_RULES | MORE_ROW_RULES, min_size=8, max_size=8))
def test_rows_are_judged_alike(rows: list[dict[str, Any]], rules: list[dict[str, Any]], both: Callable[..., Any]) -> None:
    differences = []
    for ours, gx in both(rows, rules):
        if gx.exception_info.get("raised_exception") is not False:  # it fails at counting pairs that hold a NULL, in its summary
            assert ours.rule.type == "expect_column_pair_values_to_be_in_set", (ours.rule, gx.exception_info)
            continue
        mine = {"success": ours.outcome == "passed", **ours.to_gx()["result"]}
        theirs = {"success": gx.success, **gx.result}
        wrong = [key for key in ("success", *FIGURES) if mine.get(key) != pytest.approx(theirs.get(key))]
        if mine["partial_unexpected_index_list"] != theirs.get("partial_unexpected_index_list", []):
            wrong.append("partial_unexpected_index_list")
        differences += [(ours.rule.type, dict(ours.rule.kwargs), key, mine.get(key), theirs.get(key)) for key in wrong]
    assert not differences, "\n".join(map(str, [*differences, *rows]))


@PROPERTY
@given(rows=tables, rules=st.lists(FIGURE_RULES, min_size=6, max_size=6))
def test_figures_are_counted_alike(rows: list[dict[str, Any]], rules: list[dict[str, Any]], both: Callable[..., Any]) -> None:
    differences = []
    for ours, gx in both(rows, rules, m="float64"):  # of decimals beside NULL it counts no figure
        assert gx.exception_info.get("raised_exception") is False, (ours.rule, gx.exception_info)
        theirs = dict(gx.result)
        mine = {} if ours.outcome == "not_assessable" else ours.to_gx()["result"]
        if ours.outcome == "not_assessable" and _nothing(theirs.get("observed_value")):
            continue  # of no value it says what the sum or the set of nothing is
        for key in ("partial_missing_list", "partial_unexpected_list"):  # in the order of a set
            mine, theirs = ({**r, **({key: sorted(r[key], key=str)} if key in r else {})} for r in (mine, theirs))
        wrong = [key for key in theirs if not alike(mine.get(key), theirs[key])]
        if (ours.outcome == "passed") is not bool(gx.success):
            wrong.append("success")
        differences += [(ours.rule.type, dict(ours.rule.kwargs), ours.outcome, key, mine.get(key), theirs.get(key)) for key in wrong]
    assert not differences, "\n".join(map(str, [*differences, *rows]))


def _nothing(observed: Any) -> bool:
    """Whether a figure is that of no value at all."""
    if isinstance(observed, dict):
        return all(_nothing(v) for v in observed["values"])
    return observed in (0, None) or observed != observed or observed == []
