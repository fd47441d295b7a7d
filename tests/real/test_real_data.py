"""Real data that nobody here wrote: its visible defects are found, by row. This folder is itself a project (contracts, suites)."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assets.collect import collect
from assets.lake import open_lake
from assets.project import CODE, Project
from assets.standardise import standardise

if TYPE_CHECKING:
    import duckdb

REAL = CODE.parent / "shared" / "real"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real data lies beside the project, in ../shared/real, and is not there")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    project = Project.at(Path(__file__).parent, tmp_path_factory.mktemp("real"))
    for dataset in ("shenyang_pm25", "liaoning_covid"):
        for file in (REAL / dataset).glob("*.csv"):
            at = project.landing / dataset / file.name
            at.parent.mkdir(parents=True)
            shutil.copyfile(file, at)
            os.utime(at, (time.time() - 3600,) * 2)
    with open_lake(project) as con:
        for contract in project.sources():
            outcome = collect(con, project, contract, "test")
            assert [b["status"] for b in outcome.batches] == ["collected"], outcome
            standardise(con, project, contract, "test")
        yield con


def rows(lake: duckdb.DuckDBPyConnection, dataset: str, rule: str) -> list[int]:
    """The physical lines at which a rule is broken."""
    found = lake.execute("SELECT row FROM evidence.issues WHERE dataset = ? AND rule = ? ORDER BY row", [dataset, rule]).fetchall()
    return [row for (row,) in found]


@pytest.mark.parametrize(("dataset", "records"), [("shenyang_pm25", 52_584), ("liaoning_covid", 4_986)])
def test_every_record_is_standard(lake: duckdb.DuckDBPyConnection, dataset: str, records: int) -> None:
    batch = lake.execute(
        "SELECT records, rows_raw, rows_std, rows_quarantine, rows_rejected FROM evidence.batches WHERE dataset = ?", [dataset]
    ).fetchone()
    assert batch == (records, records, records, 0, 0)


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        ("dew_point_plausible", [18_784]),
        ("dew_point_below_temperature", [20_842]),
        ("humidity_plausible", [18_784]),
        ("pm_taiyuanjie_in_range", [42341, 42342, 45002, 45003, 45004, 45006, 45007, 51301, 51302, 51303, 51304, 51305, 51306, 51309]),
        ("pm_us_post_in_range", []),
        ("hour_unique", []),
        ("pm_taiyuanjie_moves", list(range(30_836, 30_883))),  # the 47 hours
        ("pm_us_post_moves", []),
        ("pm_xiaoheyan_moves", []),
        ("no_hour_missing", []),
    ],
)
def test_shenyang_lone_defects(lake: duckdb.DuckDBPyConnection, rule: str, lines: list[int]) -> None:
    assert rows(lake, "shenyang_pm25", rule) == lines


@pytest.mark.parametrize(
    ("station", "missing"),
    [("pm_taiyuanjie", 28_196), ("pm_us_post", 30_904), ("pm_xiaoheyan", 27_957)],
)
def test_shenyang_stations_lack_more_than_half(lake: duckdb.DuckDBPyConnection, station: str, missing: int) -> None:
    assert len(rows(lake, "shenyang_pm25", f"{station}_present")) == missing
    assert 0.52 < missing / 52_584 < 0.59


def test_the_reading_of_1528_is_kept_and_named(lake: duckdb.DuckDBPyConnection) -> None:
    at = lake.execute("SELECT _row, _failed FROM std_batches.shenyang_pm25 WHERE pm_taiyuanjie = 1528").fetchall()
    assert at == [(45_003, ["pm_taiyuanjie_in_range", "stations_near"])]


def test_the_two_stations_are_56_hours_far_apart(lake: duckdb.DuckDBPyConnection) -> None:
    found = rows(lake, "shenyang_pm25", "stations_near")
    assert (len(found), found[:3]) == (56, [26_437, 26_438, 26_439])


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        ("confirmed_never_falls", [102, 107, 1048, 2685]),
        ("cured_never_falls", [164, 317, 441, 460, 614, 775, 1048, 4812]),
        ("dead_never_falls", []),
        (
            "confirmed_sums_up",
            [190, 204, 232, 260, 288, 487, 515, 760, 774, 805, 880, 895, 910, 925, 940, 1000, 1030, 1090, 1180, 1195],
        ),
        ("dead_sums_up", [246, 760]),
        ("no_day_missing", [109, 614, 731, 775, 1196, 2685, 3006, 4812]),
        ("code_one_name", []),
    ],
)
def test_covid_series(lake: duckdb.DuckDBPyConnection, rule: str, lines: list[int]) -> None:
    assert rows(lake, "liaoning_covid", rule) == lines


def test_fushun_has_236_of_322_days(lake: duckdb.DuckDBPyConnection) -> None:
    assert len(rows(lake, "liaoning_covid", "city_complete")) == 236
    cities = lake.execute("SELECT DISTINCT city FROM std_batches.liaoning_covid WHERE list_contains(_failed, 'city_complete')").fetchall()
    assert cities == [("抚顺市",)]


def test_covid_codes(lake: duckdb.DuckDBPyConnection) -> None:
    assert len(rows(lake, "liaoning_covid", "city_code_present")) == 325
    of_province = lake.execute(
        "SELECT count(*) FROM std_batches.liaoning_covid WHERE city IS NULL AND list_contains(_failed, 'city_code_present')"
    ).fetchone()
    assert of_province == (322,)
    pseudo = lake.execute(
        "SELECT city, count(*) FROM std_batches.liaoning_covid WHERE list_contains(_failed, 'city_known') GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert pseudo == [("境外输入", 264), ("未公布来源", 28)]
    assert len(rows(lake, "liaoning_covid", "city_code_division")) == 25 + 264


def test_more_cured_than_confirmed_only_where_the_city_is_not_published(lake: duckdb.DuckDBPyConnection) -> None:
    cities = lake.execute(
        "SELECT DISTINCT city FROM std_batches.liaoning_covid WHERE list_contains(_failed, 'cured_within_confirmed')"
    ).fetchall()
    found = rows(lake, "liaoning_covid", "cured_within_confirmed")
    assert (cities, len(found), found[:4]) == ([("未公布来源",)], 26, [373, 388, 403, 614])


def test_the_rest_of_covid_is_clean(lake: duckdb.DuckDBPyConnection) -> None:
    broken = {rule for (rule,) in lake.execute("SELECT DISTINCT rule FROM evidence.issues WHERE dataset = 'liaoning_covid'").fetchall()}
    of_values = {"city_code_present", "city_code_division", "city_known", "cured_within_confirmed"}
    of_series = {"confirmed_never_falls", "cured_never_falls", "no_day_missing", "city_complete"}
    assert broken == of_values | of_series | {"confirmed_sums_up", "cured_sums_up", "dead_sums_up"}
