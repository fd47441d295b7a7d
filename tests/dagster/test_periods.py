"""What the partitions of a check say in Dagster, after each kind of run: one period, a range, checks alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from tiny_support import hand_over

from assets.project import Project
from pipelines.definitions import build_definitions
from pipelines.factories import partitions
from pipelines.instance import open_instance

GOOD = "犬牌,出生日期\r\nA1,2020-01-02\r\nA2,2021-03-04\r\n"
BAD = GOOD + "A3,\r\n"
STD = dg.AssetKey(["std", "pet"])
UNBORN = dg.AssetCheckKey(STD, "completeness__born_present")
JULY, AUGUST, SEPTEMBER, OCTOBER = (f"2026-{month:02}-01" for month in (7, 8, 9, 10))


@pytest.fixture
def delta(tmp_path: Path, tiny: Callable[..., Project]) -> Project:
    """Every period of it stands."""
    project = tiny(tmp_path)
    contract = project.contracts["pet"].path
    contract.write_text(contract.read_text(encoding="utf-8").replace("mode: full", "mode: delta"), encoding="utf-8")
    return Project(project.root, project.data)


def collect(project: Project, *periods: str) -> dg.ExecuteInProcessResult:
    """One run of one period, or of a range."""
    tags = {"dagster/asset_partition_range_start": periods[0], "dagster/asset_partition_range_end": periods[-1]}
    with open_instance(project) as instance:
        job = build_definitions(project).resolve_job_def("collect_pet")
        return job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags=tags if len(periods) > 1 else {"dagster/partition": periods[0]},
        )


def check_alone(project: Project, **tags: str) -> dg.ExecuteInProcessResult:
    job = dg.define_asset_job("alone", selection=dg.AssetSelection.checks_for_assets(STD))
    definitions = dg.Definitions.merge(build_definitions(project), dg.Definitions(jobs=[job]))
    with open_instance(project) as instance:
        return definitions.resolve_job_def("alone").execute_in_process(instance=instance, tags=tags)


def shown(project: Project, check: dg.AssetCheckKey = UNBORN) -> dict[str, str]:
    """By partition, what the UI shows: it takes no account of a result whose materialisation is not the newest."""
    by = partitions(project.contracts["pet"])
    with open_instance(project) as instance:
        state = instance.event_log_storage.get_asset_check_state([(check, by)])[check]
    return {key: status.value for status, subset in state.subsets.items() for key in sorted(subset.value.get_partition_keys())}


def latest(project: Project) -> tuple[str | None, str | None]:
    with open_instance(project) as instance:
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([UNBORN])[UNBORN]
    assert record.evaluation is not None
    return record.partition, record.evaluation.description


def test_a_range_tells_every_period_that_stands_and_which_failed_is_said_first(delta: Project) -> None:
    for period, text in [("202607", GOOD), ("202608", BAD), ("202610", GOOD + "A5,2022-05-06\r\n")]:
        hand_over(delta, period, text)
    assert collect(delta, JULY, AUGUST, SEPTEMBER, OCTOBER).success
    assert shown(delta) == {JULY: "SUCCEEDED", AUGUST: "FAILED", OCTOBER: "SUCCEEDED", SEPTEMBER: "SKIPPED"}
    assert latest(delta) == (None, "202608 · 出生日期必填：1 / 8 行不合格 rows fail (12%)")


def test_a_run_of_one_period_speaks_of_that_alone(delta: Project) -> None:
    hand_over(delta, "202608", BAD)
    assert collect(delta, AUGUST).success
    hand_over(delta, "202609", GOOD)
    assert collect(delta, SEPTEMBER).success
    assert shown(delta) == {AUGUST: "FAILED", SEPTEMBER: "SUCCEEDED"}
    assert latest(delta)[0] == SEPTEMBER
    assert collect(delta, OCTOBER).success  # of which nothing came
    assert shown(delta)[OCTOBER] == "FAILED"
    assert latest(delta) == (OCTOBER, "不可评估 not assessable: 尚未检查 nothing has been checked yet")


def test_checks_alone_tell_every_period_or_the_one_that_was_asked_for(delta: Project) -> None:
    hand_over(delta, "202608", BAD)
    hand_over(delta, "202609", GOOD)
    collect(delta, AUGUST, SEPTEMBER)
    before = shown(delta)
    assert check_alone(delta).success
    assert shown(delta) == before == {AUGUST: "FAILED", SEPTEMBER: "SUCCEEDED"}
    result = check_alone(delta, **{"dagster/partition": SEPTEMBER})
    assert {e.partition for e in result.get_asset_check_evaluations() if e.check_name == UNBORN.name} == {SEPTEMBER}


def test_a_period_that_failed_is_no_longer_shown_so_when_nothing_of_it_stands(tmp_path: Path, tiny: Callable[..., Project]) -> None:
    project = tiny(tmp_path)
    hand_over(project, "202608", BAD)
    collect(project, AUGUST)
    assert shown(project) == {AUGUST: "FAILED"}
    hand_over(project, "202609", GOOD)
    collect(project, SEPTEMBER)
    assert shown(project) == {AUGUST: "SUCCEEDED", SEPTEMBER: "SUCCEEDED"}
    hand_over(project, "202608", BAD + "A4,2022-01-01\r\n")  # a correction of an old period does not stand, bad as it is
    collect(project, AUGUST)
    assert shown(project)[AUGUST] == "SUCCEEDED"
    assert "nothing of this period stands" in (latest(project)[1] or "")


def test_a_range_of_full_hand_overs_skips_no_period_that_was_handed_over(tmp_path: Path, tiny: Callable[..., Project]) -> None:
    project = tiny(tmp_path)
    hand_over(project, "202608", BAD)
    hand_over(project, "202609", GOOD)
    collect(project, AUGUST, SEPTEMBER)
    assert shown(project) == {AUGUST: "SUCCEEDED", SEPTEMBER: "SUCCEEDED"}


def test_a_range_stops_what_lies_downstream_as_a_single_period_does(delta: Project) -> None:
    broken = GOOD + ",2020-02-02\r\n,2020-02-03\r\n"
    hand_over(delta, "202608", GOOD)
    hand_over(delta, "202609", broken)
    result = collect(delta, AUGUST, SEPTEMBER)
    assert not result.success
    assert shown(delta, dg.AssetCheckKey(STD, "completeness__tag_present")) == {AUGUST: "SUCCEEDED", SEPTEMBER: "FAILED"}
    hand_over(delta, "202610", broken + ",2020-02-04\r\n")
    assert not collect(delta, OCTOBER).success


def test_no_warning_of_a_preview_reaches_whoever_loads_the_definitions(delta: Project, recwarn: pytest.WarningsRecorder) -> None:
    graph = build_definitions(delta).resolve_asset_graph()
    assert not list(recwarn)
    assert graph.get(UNBORN).partitions_def == partitions(delta.contracts["pet"])
