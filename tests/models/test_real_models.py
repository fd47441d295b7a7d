"""The models of this repository: they fit their contracts, run on nothing, and compute what the standards say."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from assets import evidence
from assets.lake import columns_of, open_lake
from assets.models import build, check_model, columns_known, create_views, dependencies, order
from assets.models.classification import check_levels
from assets.models.increment import read_increment
from assets.project import CODE, Project

IN_FULL = {"hotline_entity", "assistance_person", "assistance_county_month"}
"""Rows bear on their keys through joins (a name in a district, a household, a span of months): no row alone tells the keys it touches."""
CLEAN = {"pm2_5": 10.0, "pm10": 20.0, "so2": 5.0, "no2": 10.0, "co": 0.5, "o3_hourly": 40.0}
DAY = datetime(2026, 10, 5)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The repository's declarations over an empty lake, every model built once."""
    project = Project(CODE, tmp_path_factory.mktemp("real"))
    with open_lake(project) as con:
        create_views(con, project)
        for contract in order(project):
            build(con, project, contract, "first")
        yield project, con


def test_every_model_resolves_against_the_contracts_and_stands_empty(real):
    project, con = real
    known = columns_known(project)
    for contract in project.models():
        assert dependencies(contract, known)
        increment = read_increment(contract)
        covered = {project.contracts[name].table for name in increment.expressions} if increment else set()
        if contract.custom.get("materialisation") not in ("view", "crossChecks") and contract.name not in IN_FULL:
            assert covered == set(dependencies(contract)), f"{contract.name}: every source has its part in the increment"
        stored = columns_of(con, contract.table)
        assert {c.name: c.sql_type for c in contract.columns}.items() <= stored.items()
        assert con.execute(f"SELECT count(*) FROM {contract.table}").fetchone() == (0,)


def test_a_level_of_classification_never_falls_along_an_edge(tmp_path):
    project = Project(CODE, tmp_path)
    check_levels(project, project.models())


def test_every_suite_can_judge_its_table(real):
    """Over empty tables no rule passes: what saw no row was not assessed."""
    project, con = real
    for contract in project.models():
        verdicts = check_model(con, project, contract)
        assert {r.outcome for r in verdicts.results} == {"not_assessable"}
        assert {r.note_en for r in verdicts.results} == {"not assessable: the batch has no rows"}


def hours(con, values, *, city, first=1, last=24, station="1"):
    """Insert the station's readings of the hours `first` to `last` of `DAY`; hour 24 is 00:00 of the next day."""
    names = ", ".join(values)
    rows = [[DAY + timedelta(hours=hour), city, city + station, *values.values()] for hour in range(first, last + 1)]
    marks = ", ".join(f"({', '.join('?' * (3 + len(values)))}, '点', 'air', 1)" for _ in rows)
    into = f"std_batches.air_quality_hourly (timepoint, area, station, {names}, position, _batch, _row)"
    con.execute(f"INSERT INTO {into} VALUES {marks}", [value for row in rows for value in row])


@pytest.fixture(scope="module")
def air(real):
    """City-days by name of the city, built from hours in one batch."""
    project, con = real
    for value in (35, 36, 57, 75, 76, 115, 500, 600):
        hours(con, {**CLEAN, "pm2_5": float(value)}, city=f"细{value}")
    hours(con, CLEAN, city="短", last=19)
    hours(con, CLEAN, city="够", last=20)
    hours(con, {**CLEAN, "co": -9999.0}, city="缺")
    hours(con, {**CLEAN, "pm2_5": 41.0, "pm10": 65.0}, city="双")
    hours(con, {**CLEAN, "pm2_5": 34.0}, city="均", station="1")
    hours(con, {**CLEAN, "pm2_5": 37.0}, city="均", station="2")
    # Ozone: 200 from 09:00 to 16:00, else 40: the mean of these eight hours is the day's maximum, the hour's is 200.
    hours(con, CLEAN, city="臭", last=8)
    hours(con, {**CLEAN, "o3_hourly": 200.0}, city="臭", first=9, last=16)
    hours(con, CLEAN, city="臭", first=17)
    batch = {
        "batch": "air",
        "dataset": "air_quality_hourly",
        "period": "2026100600",
        "status": "standardised",
        "received_at": DAY,
        "rows_std": 300,
    }
    evidence.write(con, "batches", [batch])
    contract = project.contracts["air_city_day"]
    build(con, project, contract, "second")
    cursor = con.execute("SELECT * FROM thematic.air_city_day")
    names = [d[0] for d in cursor.description]
    found = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
    assert {row["day"] for row in found.values()} == {DAY.date()}
    return found


@pytest.mark.parametrize(
    ("pm2_5", "index", "grade"),
    [
        (35, 50, "优"),
        (36, 52, "良"),
        (57, 78, "良"),
        (75, 100, "良"),
        (76, 102, "轻度污染"),
        (115, 150, "轻度污染"),
        (500, 500, "严重污染"),
        (600, 500, "严重污染"),
    ],
)
def test_index_and_grade_by_hj633(air, pm2_5, index, grade):
    row = air[f"细{pm2_5}"]
    assert (row["iaqi_pm2_5"], row["aqi"], row["grade"]) == (index, index, grade)
    assert row["primary_pollutant"] == ("pm2_5" if index > 50 else None)


def test_a_mean_needs_twenty_hours(air):
    short, enough = air["短"], air["够"]
    assert (short["pm2_5"], short["iaqi_pm2_5"]) == (None, None)
    assert short["missing"] == "co;no2;o3;pm10;pm2_5;so2"
    assert enough["pm2_5"] == 10.0
    assert (short["inputs_expected"], short["inputs_present"], short["coverage"]) == (144, 114, 114 / 144)


def test_a_missing_pollutant_is_named_and_the_others_still_count(air):
    row = air["缺"]
    assert (row["co"], row["missing"], row["aqi"]) == (None, "co", 20)
    assert row["coverage"] == 120 / 144


def test_the_suite_of_a_model_names_what_is_short(air, real):
    project, con = real
    results = {r.rule.id: (r.outcome, r.unexpected) for r in check_model(con, project, project.contracts["air_city_day"]).results}
    assert {rule: result for rule, result in results.items() if result != ("passed", 0)} == {
        "no_pollutant_missing": ("failed", 3),  # 短 and 缺; and 够, whose 13 running means of ozone are one too few
    }
    assert {"city_day_unique", "aqi_in_range", "coverage_enough"} < results.keys()


def test_two_pollutants_may_lead(air):
    assert (air["双"]["aqi"], air["双"]["primary_pollutant"]) == (58, "pm10;pm2_5")


def test_the_city_is_the_mean_of_its_stations_rounded_half_to_even(air):
    assert (air["均"]["pm2_5"], air["均"]["stations"], air["均"]["inputs_expected"]) == (36.0, 2, 288)


def test_ozone_counts_by_its_largest_running_mean(air):
    row = air["臭"]
    assert (row["o3_8h"], row["o3_1h"], row["iaqi_o3"]) == (200.0, 200.0, 137)
