"""Rules over several rows: the scans find what `expectations.series` and Great Expectations find; series across batches; calendars; history."""

# ruff: noqa: E501 - tables read better in one line
from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import ModuleType
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations import series
from expectations.calendars import CalendarMissingError, working_days
from expectations.compiler.verdicts import Verdicts
from expectations.suite import Suite

Judge = Callable[..., Verdicts]
SuiteOf = Callable[..., Suite]

READINGS: list[tuple[str, str, series.Reading]] = [
    ("expect_column_readings_to_not_freeze", "{column: x, order_by: i, group_by: [s], step: 1, most: 2}", series.frozen),
    ("expect_column_readings_to_not_freeze", "{column: x, order_by: w, most: 3, tolerance: 1, allow: [0]}", series.frozen),
    ("expect_column_readings_to_not_spike", "{column: x, order_by: i, group_by: [s], before: 2, after: 1, times: 1, floor: 1, least: 3}", series.spikes),
    ("expect_column_pair_values_to_be_near", "{column_A: x, column_B: i, max_difference: 2}", series.apart),
    ("expect_series_to_have_no_gaps", "{order_by: i, group_by: [s], step: 1}", series.gaps),
    ("expect_series_to_have_no_gaps", "{order_by: w, step: 2h, max_missing: 1}", series.gaps),
    ("expect_series_to_have_no_gaps", "{order_by: d, group_by: [t], step: 1mo}", series.gaps),
    ("expect_column_cumulative_values_to_not_fall", "{column: x, order_by: i, group_by: [s]}", series.falls),
    ("expect_column_cumulative_values_to_not_fall", "{column: x, order_by: d, reset: month, tolerance: 1}", series.falls),
    ("expect_column_parts_to_sum_to_whole", "{column: x, part_by: t, whole: [null, 甲], group_by: [s], tolerance: 1, relative_tolerance: 0.5}", series.wrong_wholes),
    ("expect_group_size_to_be_between", "{group_by: [s], column: t, value_set: [甲], different: i, min_value: 1, max_value: 1}", series.wrong_groups),
    ("expect_group_size_to_be_between", "{group_by: [s, t], max_value: 1}", series.wrong_groups),
    ("expect_column_values_to_equal_group_size", "{column: i, group_by: [s]}", series.wrong_counts),
    ("expect_column_values_to_equal_group_size", "{column: i, group_by: [s], different: t}", series.wrong_counts),
    ("expect_columns_to_determine_column", "{determinants: [s], column: t}", series.independent),
    ("expect_columns_to_determine_column", "{determinants: [s, t], column: i}", series.independent),
    ("expect_records_to_differ_by_more_than_noise", "{column: t, same: [s], largest_group: 4}", series.near_doubles),
]  # fmt: skip
TOTALS = ("expect_column_running_total_to_agree", "{column_A: i, column_B: x, order_by: d, step: 1mo, reset: year, tolerance: 1}")


def _totals(table: list[dict[str, Any]], column_A: str, column_B: str, **given: Any) -> list[bool]:  # noqa: N803
    return series.wrong_totals(table, column_A, column_B, **given)


TOTALS_READ: tuple[str, str, series.Reading] = (*TOTALS, _totals)

rows = st.lists(
    st.fixed_dictionaries(
        {
            "s": st.sampled_from(["a", "b", None]),
            "t": st.sampled_from(["甲", "乙", "甲乙", "乙甲", "𠮷甲", None]),
            "i": st.one_of(st.none(), st.integers(1, 6)),
            "x": st.one_of(st.none(), st.sampled_from([0.0, 0.0, 1.0, 2.0, 9.0])),
            "d": st.one_of(
                st.none(), st.sampled_from([date(2019, 12, 31), date(2020, 1, 1), date(2020, 1, 31), date(2020, 2, 29), date(2020, 4, 1)])
            ),
            "w": st.one_of(st.none(), st.integers(0, 9).map(lambda h: datetime(2020, 1, 1, 20) + timedelta(hours=h))),
        }
    ),
    min_size=1,
    max_size=9,
)


@pytest.fixture
def all_readings(suite_of: SuiteOf) -> Suite:
    return suite_of(*[(t, k) for t, k, _ in READINGS], TOTALS)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables=st.lists(rows, min_size=1, max_size=9))
def test_the_scans_find_what_plain_reading_finds(
    all_readings: Suite, judge: Judge, con: duckdb.DuckDBPyConnection, tables: list[list[dict[str, Any]]]
) -> None:
    """Each table is a batch, and one scan judges all of them."""
    judge(all_readings, [{"_batch": f"b{b}", "_row": r, **row} for b, table in enumerate(tables) for r, row in enumerate(table, 1)])
    found = set(con.execute("SELECT unnest(_failed), _batch, _row FROM failing").fetchall())
    for number, (type_, kwargs, read) in enumerate([*READINGS, TOTALS_READ]):
        given = yaml.safe_load(kwargs)
        for b, table in enumerate(tables):
            told = [r for r, broken in enumerate(read(table, **given), 1) if broken]
            assert [r for r in range(1, len(table) + 1) if (f"r{number}", f"b{b}", r) in found] == told, (type_, kwargs)


CLEAN_AND_SPOILT = [
    {"s": "a", "t": "甲", "i": 1, "x": 1.0, "d": date(2020, 1, 1), "w": datetime(2020, 1, 1, 1)},
    {"s": "a", "t": "甲乙", "i": 2, "x": 1.0, "d": date(2020, 2, 1), "w": datetime(2020, 1, 1, 2)},
    {"s": "a", "t": "甲", "i": 3, "x": 9.0, "d": date(2020, 2, 2), "w": datetime(2020, 1, 1, 9)},
    {"s": "a", "t": "丙", "i": 5, "x": 0.0, "d": date(2020, 4, 1), "w": datetime(2020, 1, 1, 10)},
    {"s": "b", "t": None, "i": 5, "x": None, "d": date(2020, 4, 1), "w": datetime(2020, 1, 2, 10)},
    {"s": "b", "t": "甲", "i": None, "x": 4.0, "d": None, "w": None},
]


def test_great_expectations_finds_the_same(
    all_readings: Suite, judge: Judge, con: duckdb.DuckDBPyConnection, gx_validate: Callable[..., list[dict[str, Any]]]
) -> None:
    ours = judge(all_readings, CLEAN_AND_SPOILT)
    for result, theirs in zip(ours.results, gx_validate(all_readings, con), strict=True):
        assert (result.outcome == "passed", result.unexpected) == (theirs["success"], theirs["unexpected_count"]), result
    assert any(r.outcome == "failed" for r in ours.results)


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("abc", "abd", True),
        ("abc", "ab", True),
        ("abc", "xabc", True),
        ("abc", "acb", True),
        ("abc", "cba", False),
        ("abc", "abc", False),
        ("", "a", True),
        ("a", "abc", False),
        ("张三", "张四", True),
    ],
)
def test_one_character_apart(a: str, b: str, alike: bool) -> None:
    assert series.one_character_apart(a, b) is series.one_character_apart(b, a) is alike


def hours(values: list[float]) -> list[dict[str, Any]]:
    """Readings that come hour by hour, each hour a batch of one row."""
    begin = datetime(2020, 1, 1)
    return [{"_batch": f"h{n:02}", "_row": 1, "s": "a", "x": v, "w": begin + timedelta(hours=n)} for n, v in enumerate(values)]


@pytest.mark.parametrize(
    ("type_", "kwargs", "values", "failed"),
    [
        ("expect_column_readings_to_not_freeze", "{column: x, order_by: w, group_by: [s], step: 1h, most: 3, across_batches: true}", [1, 5, 5, 5, 5, 2], [3, 4]),
        ("expect_column_readings_to_not_spike", "{column: x, order_by: w, group_by: [s], step: 1h, before: 4, floor: 2, times: 5, least: 3, across_batches: true}", [9, 9, 9, 9, 90, 9, 9], [4]),
        ("expect_column_cumulative_values_to_not_fall", "{column: x, order_by: w, step: 1h, across_batches: true}", [1, 3, 2, 2, 4], [2]),
    ],
)  # fmt: skip
def test_a_series_goes_on_over_batches_whether_they_come_together_or_not(
    suite_of: SuiteOf, judge: Judge, con: duckdb.DuckDBPyConnection, type_: str, kwargs: str, values: list[float], failed: list[int]
) -> None:
    suite, batches = suite_of((type_, kwargs)), hours(values)
    con.execute("CREATE TABLE past (_batch VARCHAR, _row BIGINT, s VARCHAR, x DOUBLE, w TIMESTAMP)")

    def told(rows: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
        return [(r.outcome, r.unexpected) for r in judge(suite, rows, relations={"history_rows": "past"}).results]

    together = told(batches)
    assert [n for n, (outcome, _) in enumerate(together) if outcome == "failed"] == failed
    one_by_one = []
    for row in batches:
        one_by_one += told([row])
        con.execute("INSERT INTO past SELECT _batch, _row, s, x, w FROM data")
    assert one_by_one == together


def test_without_the_earlier_rows_a_series_over_batches_is_not_assessable(suite_of: SuiteOf, judge: Judge) -> None:
    suite = suite_of(("expect_column_readings_to_not_freeze", "{column: x, order_by: w, step: 1h, most: 3, across_batches: true}"))
    assert judge(suite, CLEAN_AND_SPOILT).results[0].outcome == "not_assessable"


def test_too_few_readings_are_not_assessable(suite_of: SuiteOf, judge: Judge) -> None:
    suite = suite_of(("expect_column_readings_to_not_spike", "{column: x, order_by: i, floor: 1}"))
    result = judge(suite, CLEAN_AND_SPOILT[:3]).results[0]
    assert (result.outcome, "too few readings" in result.note) == ("not_assessable", True)


@pytest.fixture
def holidays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calendar of 2020: 1 to 3 October (Thursday to Saturday) off, Sunday 27 September worked instead."""
    module = ModuleType("chinese_calendar")
    module.holidays = dict.fromkeys([date(2020, 10, 1), date(2020, 10, 2), date(2020, 10, 3)], "")  # type: ignore[attr-defined]
    module.workdays = {date(2020, 9, 27): ""}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "chinese_calendar", module)


def test_without_the_calendar_working_days_are_not_assessable(suite_of: SuiteOf, judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chinese_calendar", None)
    with pytest.raises(CalendarMissingError):
        working_days()
    suite = suite_of(
        ("expect_column_pair_to_be_within_days", "{column_A: d, column_B: e, max_days: 2, calendar: working_days}"),
        ("expect_series_to_have_no_gaps", "{order_by: d, step: 1d, calendar: working_days}"),
    )
    for result in judge(suite, CLEAN_AND_SPOILT).results:
        assert (result.outcome, "chinesecalendar" in result.note) == ("not_assessable", True)


def test_gaps_count_working_days(holidays: None, suite_of: SuiteOf, judge: Judge, con: duckdb.DuckDBPyConnection) -> None:
    days = [
        date(2020, 9, 25),
        date(2020, 9, 27),
        date(2020, 9, 28),
        date(2020, 9, 29),
        date(2020, 9, 30),
        date(2020, 10, 5),
        date(2020, 10, 7),
        date(2021, 1, 4),
    ]
    suite = suite_of(("expect_series_to_have_no_gaps", "{order_by: d, step: 1d, calendar: working_days}"))
    result = judge(suite, [{"d": day} for day in days]).results[0]
    assert result.partial_unexpected_rows == (7,)
    assert result.partial_unexpected_list[0]["missing_steps"] == 1
    assert series.gaps([{"d": day} for day in days], "d", "1d", calendar=working_days()) == [False] * 6 + [True, False]


def test_within_working_days_of_receipt_or_of_another_column(
    holidays: None, suite_of: SuiteOf, judge: Judge, con: duckdb.DuckDBPyConnection
) -> None:
    con.execute(
        "CREATE TABLE batches AS SELECT 'b' AS batch, '' AS unit, DATE '2020-10-05' AS period, TIMESTAMP '2020-10-05 09:00' AS received, 1 AS row_count, ['d'] AS columns"
    )
    table = [
        {"d": date(2020, 9, 29), "e": date(2020, 10, 5)},
        {"d": date(2020, 9, 30), "e": date(2020, 10, 6)},
        {"d": date(2020, 9, 26), "e": date(2020, 9, 28)},
        {"d": date(2030, 1, 1), "e": None},
    ]
    suite = suite_of(
        ("expect_column_pair_to_be_within_days", "{column_A: d, max_days: 1, calendar: working_days}"),
        ("expect_column_pair_to_be_within_days", "{column_A: d, column_B: e, max_days: 2, calendar: working_days}"),
        ("expect_column_to_be_fresh", '{column: d, max_age: 1wd, row_condition: \'col("d")<"2020-09-30"\'}'),
    )
    results = judge(suite, table, relations={"history_batches": "batches"}).results
    assert [(r.outcome, r.unexpected) for r in results] == [("failed", 2), ("passed", 0), ("failed", None)]
    assert results[0].partial_unexpected_rows == (1, 3)
    assert "2wd" in results[2].note


def history(con: duckdb.DuckDBPyConnection, counts: list[int], season: str = "1 DAY") -> None:
    """Batches of unit u from 2020-01-01 on, named h0 ...; the last is judged and named b."""
    con.execute(
        "CREATE OR REPLACE TABLE batches (batch VARCHAR, unit VARCHAR, period TIMESTAMP, received TIMESTAMP, row_count BIGINT, columns VARCHAR[])"
    )
    for n, rows_of in enumerate(counts):
        name = "b" if n == len(counts) - 1 else f"h{n}"
        con.execute(
            f"INSERT INTO batches SELECT ?, 'u', TIMESTAMP '2020-01-01' + {n} * INTERVAL {season}, TIMESTAMP '2020-01-01 12:00' + {n} * INTERVAL {season}, ?, ['s']",
            [name, rows_of],
        )


@pytest.mark.parametrize(
    ("kwargs", "counts", "outcome"),
    [
        ("{least_batches: 3, share: 0.5}", [4, 4, 4], "not_assessable"),       # two batches before it
        ("{least_batches: 3, share: 0.5}", [4, 4, 4, 0], "passed"),
        ("{least_batches: 3, share: 0.5}", [13, 13, 13, 0], "failed"),
        ("{least_batches: 3, share: 0.01}", [4, 6, 8, 5, 7, 0], "passed"),     # as wide as the history is
        ("{least_batches: 2, season: weekday}", [6, 1, 1, 1, 1, 1, 1] * 2 + [0], "passed"),
        ("{least_batches: 2, season: none}", [6, 1, 1, 1, 1, 1, 1] * 2 + [0], "failed"),
    ],
)  # fmt: skip
def test_volume_against_history(
    suite_of: SuiteOf, judge: Judge, con: duckdb.DuckDBPyConnection, kwargs: str, counts: list[int], outcome: str
) -> None:
    history(con, counts)
    result = judge(
        suite_of(("expect_table_row_count_to_fit_history", kwargs)), CLEAN_AND_SPOILT, relations={"history_batches": "batches"}
    ).results[0]
    assert result.outcome == outcome, result.note


def test_volume_on_working_days(holidays: None, suite_of: SuiteOf, judge: Judge, con: duckdb.DuckDBPyConnection) -> None:
    history(con, [6, 6, 6, 1, 1] * 2 + [0])  # from Wednesday on: working days have 6 rows, the week's end 1
    con.execute("UPDATE batches SET period = (CASE batch WHEN 'b' THEN TIMESTAMP '2020-09-27' ELSE period END)")
    con.execute("UPDATE batches SET row_count = CASE WHEN isodow(period) < 6 THEN 6 ELSE 1 END")
    suite = suite_of(("expect_table_row_count_to_fit_history", "{least_batches: 2, season: working_day}"))
    result = judge(suite, CLEAN_AND_SPOILT, relations={"history_batches": "batches"}).results[0]  # a Sunday that is worked
    assert result.outcome == "passed", result.note


def test_freshness_against_history(suite_of: SuiteOf, judge: Judge, con: duckdb.DuckDBPyConnection) -> None:
    """Each batch is received at noon; the newest event of earlier ones was of eleven o'clock."""
    history(con, [1] * 6)
    con.execute(
        "CREATE TABLE past AS SELECT batch AS _batch, 1::BIGINT AS _row, received - INTERVAL 1 HOUR AS w FROM batches WHERE batch <> 'b'"
    )
    suite = suite_of(("expect_column_to_be_fresh", "{column: w, least_batches: 3}"))
    there = {"history_batches": "batches", "history_rows": "past"}
    told = {
        minutes: judge(suite, [{"w": datetime(2020, 1, 6, 12) - timedelta(minutes=minutes)}, {"w": None}], relations=there)
        .results[0]
        .outcome
        for minutes in (60, 90, 91)
    }
    assert told == {60: "passed", 90: "passed", 91: "failed"}
    con.execute("DELETE FROM past WHERE _batch > 'h1'")
    result = judge(suite, [{"w": datetime(2020, 1, 6)}], relations=there).results[0]
    assert (result.outcome, "only 2 earlier batches" in result.note) == ("not_assessable", True)


def test_spread_of_numbers_over_classes(suite_of: SuiteOf, judge: Judge, con: duckdb.DuckDBPyConnection) -> None:
    history(con, [4, 4, 4, 4])
    con.execute("CREATE TABLE past AS SELECT batch AS _batch, n AS _row, n::DOUBLE AS x FROM batches, range(1, 5) r(n) WHERE batch <> 'b'")
    suite = suite_of(("expect_column_distribution_to_fit_history", "{column: x, edges: [2, 3], least_rows: 4, max_distance: 0.25}"))
    there = {"history_batches": "batches", "history_rows": "past"}
    told = []
    for values in ([1, 2, 3, 4], [1, 2, 2, 9], [0, 1, 1, 3], [1, 2, 3]):
        result = judge(suite, [{"x": v} for v in values], relations=there).results[0]
        told.append((result.outcome, result.observed_value))
    assert told == [("passed", 0.0), ("passed", 0.25), ("failed", 0.5), ("not_assessable", None)]


@pytest.mark.parametrize(
    ("type_", "kwargs", "found"),
    [
        ("expect_column_readings_to_not_freeze", "{column: x, order_by: s, most: 3}", "gives no order in time"),
        (
            "expect_column_readings_to_not_freeze",
            "{column: s, order_by: i, most: 3}",
            "is a string; this rule is about columns of type integer or number",
        ),
        ("expect_column_readings_to_not_freeze", "{column: x, order_by: d, most: 3, step: 1h}", "Write 15min, 1h, 1d"),
        ("expect_column_readings_to_not_freeze", "{column: x, order_by: w, most: 3, across_batches: true}", "Give the step"),
        ("expect_column_readings_to_not_freeze", "{column: x, order_by: w, most: 1}", "Give at least 2"),
        ("expect_column_readings_to_not_spike", "{column: x, order_by: w, floor: 1, before: 2, after: 2, least: 6}", "can never fail"),
        ("expect_column_running_total_to_agree", "{column_A: x, column_B: i, order_by: d}", "Give the step"),
        ("expect_column_parts_to_sum_to_whole", "{column: x, part_by: s, whole: [], group_by: [d]}", "List what marks a whole"),
        ("expect_group_size_to_be_between", "{group_by: [s], min_value: 1}", "can never fail"),
        ("expect_columns_to_determine_column", "{determinants: [s], column: s}", "not the column itself"),
        ("expect_columns_to_refer_to", "{column_list: [s, t], reference: {dataset: o, columns: [a]}}", "Name as many"),
        ("expect_table_row_count_to_fit_history", "{least_batches: 20}", "can never be assessed"),
        ("expect_column_distribution_to_fit_history", "{column: x}", "Say where its classes begin"),
        ("expect_column_to_be_fresh", "{column: w, max_age: soon}", "Write 90min"),
    ],
)
def test_arguments_that_cannot_be_meant(suite_of: SuiteOf, judge: Judge, type_: str, kwargs: str, found: str) -> None:
    from expectations.documents import DocumentError

    with pytest.raises(DocumentError, match=found):
        judge(suite_of((type_, kwargs)), [])


def test_classes_take_what_is_known_elsewhere_as_arguments(holidays: None) -> None:
    """Great Expectations has no lake to look in: known keys, the time of receipt and earlier figures are given to it."""
    import warnings

    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx

        from expectations.custom import history, register
        from expectations.custom import series as of_rows

        classes: Any = of_rows

        register()
        context = gx.get_context(mode="ephemeral")
        bars: Any = {"globally": False, "metric_calculations": False}
        context.variables.progress_bars = bars
        asset = context.data_sources.add_pandas("of_series").add_dataframe_asset("asset")
        frame = pd.DataFrame(
            {"s": ["a", "a", "b"], "t": ["甲", "乙", None], "d": [pd.Timestamp("2020-09-30"), pd.Timestamp("2020-09-25"), pd.NaT]}
        )
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch(batch_parameters={"dataframe": frame})

        def told(expectation: Any) -> Any:
            result = batch.validate(expectation)
            assert not result.exception_info.get("raised_exception"), result
            return result.success, result.result.get("unexpected_count", result.result.get("observed_value"))

        assert told(classes.ExpectColumnsToReferTo(column_list=["s"], known=[["a"]])) == (False, 1)
        assert told(classes.ExpectColumnToAgreeWith(column="t", keys=["s"], known=[["a", "甲"], ["b", "丙"]])) == (False, 1)
        assert told(classes.ExpectColumnPairToBeWithinDays(column_A="d", max_days=2, day="2020-10-05T08:00", calendar="working_days")) == (
            False,
            1,
        )
        assert told(history.ExpectTableRowCountToFitHistory(history=[3, 3, 3, 2, 3])) == (True, 3)
        assert told(history.ExpectTableRowCountToFitHistory(history=[9, 9, 9, 9, 9])) == (False, 3)
        assert told(history.ExpectTableRowCountToEqualAnnounced(announced=4, rejected=1)) == (True, 4)
        assert told(history.ExpectTableRowCountToEqualAnnounced(announced=4)) == (False, 3)
        received = datetime(2020, 9, 30, 2, tzinfo=UTC).timestamp()
        assert told(history.ExpectColumnToBeFresh(column="d", max_age="2h", received=received))[0] is True
        assert told(history.ExpectColumnToBeFresh(column="d", max_age="119min", received=received))[0] is False
        assert told(history.ExpectColumnToBeFresh(column="d", received=received, history=[3600.0] * 5))[0] is False
        assert told(history.ExpectTableColumnsToFitHistory(history=["s", "t"])) == (False, ["d", "s", "t"])
        spread = history.ExpectColumnDistributionToFitHistory(column="s", history={"a": 1, "b": 2}, least_rows=3)
        assert told(spread) == (False, 0.3333)


def test_a_day_in_a_condition_is_resolved_for_great_expectations(suite_of: SuiteOf) -> None:
    from expectations.interchange import gx_configuration

    condition = '{type: comparison, column: {name: d}, operator: ">", parameter: {$today: -1}}'
    rule = suite_of(("expect_column_values_to_be_null", f"{{column: s, row_condition: {condition}}}")).rules[0]
    assert gx_configuration(rule, date(2020, 1, 1))["kwargs"]["row_condition"]["parameter"] == "2019-12-31"
