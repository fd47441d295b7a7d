"""What is unusual is told with its expected range: small histories, whose ranges are worked out by hand beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_support import make_tiny

from assets.lake import insert
from assets.project import Project
from pipelines.anomalies import Judged, judge, judged
from pipelines.checks import usual_result

SERIES = (
    'CREATE TABLE series (dataset VARCHAR, unit VARCHAR, kind VARCHAR, rule VARCHAR, period VARCHAR, value DOUBLE, "of" DOUBLE, '
    "form VARCHAR, season BIGINT)"
)


def said(values: Sequence[tuple[str, float]], kind: str = "rows", of: float = 1000.0) -> list[Judged]:
    """What is said of one monthly series, whose seasons are calendar months."""
    con = duckdb.connect()
    con.execute(SERIES)
    rows = [("pet", "", kind, "r1" if kind == "failures" else "", p, v, of, "monthly", int(p[4:])) for p, v in values]
    insert(con, "series", rows)
    return judge(con)


def months(*values: float, first: int = 1) -> list[tuple[str, float]]:
    return [(f"{2025 + (first + i - 1) // 12}{(first + i - 1) % 12 + 1:02}", v) for i, v in enumerate(values)]


STEADY = (10_000, 10_200, 9_800, 10_100, 9_900, 10_000)
"""Median 10000, deviations 0 200 200 100 100 0, their median 100: 5 × 100 = 500, but a fifth of the median is 2000."""
WIDE = (1000, 2000, 3000, 4000, 5000, 6000)
"""Median 3500, deviations 2500 1500 500 500 1500 2500, their median 1500: 3500 ± 7500."""


@pytest.mark.parametrize(
    ("history", "value", "low", "high", "verdict"),
    [
        (STEADY, 10_500, 8000, 12_000, "usual"),
        (STEADY, 7_999, 8000, 12_000, "low"),
        (STEADY, 12_001, 8000, 12_000, "high"),
        (WIDE, 10_999, 0, 11_000, "usual"),
        (WIDE, 11_001, 0, 11_000, "high"),
        ((100,) * 6, 130, 70, 130, "usual"),  # constant: chance alone moves 3 × √100 = 30
        ((100,) * 6, 69, 70, 130, "low"),
        ((0,) * 6, 0, 0, 0, "usual"),
        ((0,) * 6, 5, 0, 0, "high"),
        ((4,) * 6, 0, 0, 10, "usual"),  # of four rows none may be chance
    ],
)
def test_rows(history: tuple[float, ...], value: float, low: float, high: float, verdict: str) -> None:
    (one,) = said(months(*history, value))
    assert (one.period, one.value, one.low, one.high, one.history, one.season, one.verdict) == (
        "202507",
        value,
        low,
        high,
        6,
        False,
        verdict,
    )


def test_only_the_last_twelve_count_without_a_season() -> None:
    """Of the months before November 2026 one is a November: too few for a season. Ten older values are left out."""
    (one,) = said(months(*(1.0,) * 10, *STEADY, *STEADY, 10_000.0))
    assert (one.period, one.history, one.low, one.high, one.season) == ("202611", 12, 8000, 12_000, False)


def test_a_season_is_held_against_its_own() -> None:
    """Februaries 400, 420, 410: median 410, deviations 10 10 0, so 5 × 10 = 50; a fifth of 410 is 82. By the last twelve months, all
    of 1000 but one, 410 would be far too few."""
    years = [
        (f"{y}{m:02}", {2023: 400.0, 2024: 420.0, 2025: 410.0}[y] if m == 2 else 1000.0) for y in (2023, 2024, 2025) for m in range(1, 13)
    ]
    (one,) = said([*years, ("202602", 410.0)])
    assert (one.low, one.high, one.history, one.season, one.verdict) == (328, 492, 3, True, "usual")
    (one,) = said([*years, ("202602", 1000.0)])
    assert one.verdict == "high"
    assert "预期 328 至 492" in one.zh
    assert "more than expected: 328 to 492 (by 3 of the same season)" in one.en


def test_too_short_a_history_is_said_and_judges_nothing() -> None:
    (one,) = said(months(100, 100, 100, 100, 100, 1_000_000))
    assert (one.low, one.high, one.verdict, one.history, one.unusual) == (None, None, "too_short", 5, False)
    assert "历史太短" in one.zh
    assert "too little history" in one.en


def test_lateness_and_failures_are_unusual_only_upwards() -> None:
    days = (3, 4, 3, 2, 3, 4)  # median 3, deviations 0 1 0 1 0 1, their median 0.5: 3 ± 2.5
    assert [(o.low, o.high, o.verdict) for o in said(months(*days, 5.4), "lag")] == [(0.5, 5.5, "usual")]
    assert [o.verdict for o in said(months(*days, 5.6), "lag")] == ["high"]
    assert [o.verdict for o in said(months(*days, -3), "lag")] == ["usual"]
    assert said(months(*(0.25,) * 6, 0.0), "failures") == []
    # 1000 rows, none ever failed: 3 × √(1/1000 / 1000) = 0.003, so one in a hundred is the floor
    assert said(months(*(0.0,) * 6, 0.01), "failures") == []
    (one,) = said(months(*(0.0,) * 6, 0.02), "failures")
    assert (one.low, one.high, one.rule, one.verdict) == (0, 0.01, "r1", "high")
    # of 10 rows one is no news: 3 × √(1/10 / 10) = 0.3
    assert said(months(*(0.0,) * 6, 0.1), "failures", of=10) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=6, max_size=9), st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_is_judged_is_not_in_its_range(history: list[int], one: int, other: int) -> None:
    ranges = {(j.low, j.high) for value in (one, other) for j in said(months(*history, value))}
    assert len(ranges) == 1


@pytest.fixture
def city(tmp_path: Path) -> tuple[Project, duckdb.DuckDBPyConnection]:
    """Two cities that hand over monthly since January 2025, three days after the month's end, 1000 and 500 rows; evidence only."""
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS lake; USE lake; CREATE SCHEMA evidence")
    con.execute(
        "CREATE TABLE evidence.batches (batch VARCHAR, dataset VARCHAR, unit VARCHAR, period VARCHAR, rows_raw BIGINT,"
        " received_at TIMESTAMP, status VARCHAR)"
    )
    for month in range(1, 10):
        for unit, rows in (("210100", 1000), ("210200", 500)):
            con.execute(
                "INSERT INTO evidence.batches VALUES (?, 'pet', ?, ?, ?, ?, 'standardised')",
                [f"{unit}-{month}", unit, f"2025{month:02}", rows, datetime(2025, month + 1, 4)],
            )
    return make_tiny(tmp_path), con


def test_a_city_that_is_lost_has_no_rows_once_it_is_due(city: tuple[Project, duckdb.DuckDBPyConnection]) -> None:
    project, con = city
    con.execute("INSERT INTO evidence.batches VALUES ('a', 'pet', '210100', '202510', 1000, '2025-11-04', 'standardised')")
    early = judged(con, project.sources(), date(2025, 11, 9), failures=False)  # promised by 10 November
    assert [(o.unit, o.period, o.verdict) for o in early if o.kind == "rows"] == [
        ("210100", "202510", "usual"),
        ("210200", "202509", "usual"),
    ]
    late = judged(con, project.sources(), date(2025, 11, 12), failures=False)
    first = late[0]  # what is unusual comes first; 500 ± 100
    assert (first.unit, first.period, first.value, first.low, first.high, first.verdict) == ("210200", "202510", 0, 400, 600, "low")
    assert [(o.unit, o.value, o.low, o.high) for o in late if o.kind == "lag"] == [("210100", 3, 1, 5), ("210200", 3, 1, 5)]

    result = usual_result(project.sources()[0], late)
    assert (result.passed, result.severity.value) == (False, "WARN")
    assert "202510 210200 · 行数 0，偏低：预期 400 至 600" in str(result.description)
    assert {k: v.value for k, v in result.metadata.items() if k[0] in "123"} == {
        "1 行数 value": 1000,
        "2 预期下限 low": 1200,
        "3 预期上限 high": 1800,
    }


def test_a_correction_takes_the_place_of_what_it_corrects(city: tuple[Project, duckdb.DuckDBPyConnection]) -> None:
    project, con = city
    con.execute("INSERT INTO evidence.batches VALUES ('short', 'pet', '210100', '202510', 10, '2025-11-03', 'standardised')")
    assert judged(con, project.sources(), date(2025, 11, 5), failures=False)[0].verdict == "low"
    con.execute("INSERT INTO evidence.batches VALUES ('whole', 'pet', '210100', '202510', 990, '2025-11-04', 'standardised')")
    con.execute("INSERT INTO evidence.batches VALUES ('empty', 'pet', '210100', '202510', 0, '2025-11-05', 'refused')")
    found = judged(con, project.sources(), date(2025, 11, 5), failures=False)
    assert [(o.value, o.verdict) for o in found if o.kind == "rows" and o.unit == "210100"] == [(990, "usual")]


def test_a_rule_that_fails_as_never_before_is_told(city: tuple[Project, duckdb.DuckDBPyConnection]) -> None:
    project, con = city
    con.execute(
        """CREATE TABLE evidence.results AS SELECT batch, dataset, 'born_present' AS rule, 'failed' AS outcome, rows_raw AS elements,
            CASE WHEN batch = '210100-9' THEN 300 ELSE 20 END AS unexpected, received_at AS checked_at, 'run' AS run_id
        FROM evidence.batches"""
    )
    # of 1000 rows 20 fail: 0.02 ± 3 × √((0.02 × 0.98 + 1/1000) / 1000) = 0.02 ± 0.0136
    (one,) = [o for o in judged(con, project.sources(), date(2025, 10, 5)) if o.kind == "failures"]
    assert (one.unit, one.rule, one.value, one.verdict) == ("210100", "born_present", 0.3, "high")
    assert (round(one.low or 0, 4), round(one.high or 0, 4)) == (0.0064, 0.0336)
    assert "born_present 不合格率 30%，偏高：预期 0.638% 至 3.36%" in one.zh
