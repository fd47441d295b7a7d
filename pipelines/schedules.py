"""Schedules: every source that must be asked (a database, an API) is asked at the frequency of its update, until it is given up.

Files are not here: the sensor on the landing folder sees them. Nor are base, thematic and what is published: they follow
what lies upstream. So no asset has both a schedule and a condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.promises import given_up
from pipelines.jobs import collect_job

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

# A monthly source is asked every day: nobody knows on which day of the month a department is ready.
CRON = {"monthly": "0 6 * * *", "daily": "30 6 * * *", "hourly": "10 * * * *"}
ZONE = "Asia/Shanghai"


def schedules(project: Project, jobs: dict[str, Any]) -> list[dg.ScheduleDefinition]:
    """One schedule a source that must be asked; `jobs` by name."""
    return [
        _schedule(project, c, CRON[c.delivery.period], jobs[collect_job(c)])
        for c in project.sources()
        if c.delivery and c.server.type != "local" and not given_up(c, date.today())
    ]


def _schedule(project: Project, contract: Contract, cron: str, job: Any) -> dg.ScheduleDefinition:
    from pipelines.sensors import requests

    @dg.schedule(
        name=f"ask_{contract.name}",
        cron_schedule=cron,
        execution_timezone=ZONE,
        job=job,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"询问来源：{contract.title}。 Ask the source of {contract.title_en} for what is new.",
    )
    def ask(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        found: list[dg.RunRequest | dg.SkipReason] = list(requests(project, [contract], key=context.scheduled_execution_time.isoformat()))
        yield from found or [dg.SkipReason("没有新的交付。 Nothing new to collect.")]

    return ask
