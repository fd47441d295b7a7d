"""Sensors: the landing folder, the folder of workbooks that come back, and what follows upstream changes.

Not here: schedules; how hand-overs are found (`assets.readers`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.issues.jobs import READ_WORKBOOKS
from pipelines.jobs import collect_job
from pipelines.work import landing_files

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

LANDING, FOLLOW, RETURNED = "landing", "follow", "returned"
SECONDS = 30


def requests(project: Project, contracts: Sequence[Contract], key: str = "") -> Iterator[dg.RunRequest]:
    """A run for each range of partitions with something pending.

    The run key names the hand-overs as they are (and `key`): one that failed is tried again only when it has changed.
    """
    from pipelines.work import pending_work

    by_name = {c.name: c for c in contracts}
    with _looking(project) as con:
        work = pending_work(con, project, contracts)
    for item in work:
        said = json.dumps([item.first, item.last, item.strays, item.stamps, item.trouble, key])
        yield dg.RunRequest(
            run_key=f"{item.dataset}:{hashlib.sha256(said.encode()).hexdigest()[:16]}",
            job_name=collect_job(by_name[item.dataset]),
            tags=item.tags,
        )


def _looking(project: Project) -> AbstractContextManager[Any]:
    """The lake to look into: read only, so that looking never waits for a run that writes."""
    from assets.lake import open_lake
    from pipelines.writer import waiting_lake

    there = (project.lake / "catalogue.sqlite").exists()
    return open_lake(project, read_only=True) if there else waiting_lake(project)


def sensors(project: Project, jobs: dict[str, Any]) -> list[dg.SensorDefinition]:
    """The landing sensor (where any source hands over files), that of workbooks, and the one that follows upstream changes."""
    found: list[dg.SensorDefinition] = [
        dg.AutomationConditionSensorDefinition(
            FOLLOW,
            target=dg.AssetSelection.all(),
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=SECONDS,
            description="上游更新后重建基础库、主题库、结果与报告。 Rebuild what follows when something upstream changed.",
        )
    ]
    files = [c for c in project.sources() if c.server.type == "local"]
    if files:
        found.append(_landing(project, files, [jobs[collect_job(c)] for c in files]))
    return [*found, _returned(project)]


def _landing(project: Project, contracts: list[Contract], jobs: list[Any]) -> dg.SensorDefinition:
    @dg.sensor(
        name=LANDING,
        jobs=jobs,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="交付目录 landing/ 有新文件时收集。 Collect when files arrive in landing/.",
    )
    def landing(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        seen = folder_state(project, contracts)
        if seen == context.cursor:
            yield dg.SkipReason("交付目录没有变化。 Nothing has changed in landing/.")
            return
        asked = False
        for request in requests(project, contracts):
            asked = True
            yield request
        if not asked:
            yield dg.SkipReason("没有可收集的文件。 No file is ready to be collected.")
        if settled(project, contracts):
            context.update_cursor(seen)

    return landing


def _returned(project: Project) -> dg.SensorDefinition:
    @dg.sensor(
        name=RETURNED,
        job_name=READ_WORKBOOKS,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="部门把更正清单放回 returned/ 时读取。 Read workbooks that departments put back into returned/.",
    )
    def returned(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        from pipelines.workbooks.returned import folder_state, look, waiting_for_seconds

        seen = _cursor(folder_state(project))
        if seen == context.cursor:
            yield dg.SkipReason("送回文件夹没有变化。 Nothing has changed in returned/.")
        elif waiting_for_seconds(project):
            yield dg.SkipReason("文件还在写。 A file is still being written.")
        else:
            context.update_cursor(seen)
            if any(found.state == "waiting" for found in look(project)):
                yield dg.RunRequest(run_key=seen)
            else:
                yield dg.SkipReason("没有待读的清单。 No workbook waits to be read.")

    return returned


def folder_state(project: Project, contracts: Sequence[Contract]) -> str:
    """A digest of names, sizes and times of the files that lie there: the sensor's cursor."""
    return _cursor(landing_files(project, contracts))


def _cursor(files: Sequence[tuple[object, ...]]) -> str:
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()[:32]


def settled(project: Project, contracts: Sequence[Contract], seconds: float = SECONDS) -> bool:
    """Whether every file has been left alone for a while; else it must be looked at once more."""
    import time

    return all(time.time() - modified / 1e9 > seconds for _, _, modified in landing_files(project, contracts))
