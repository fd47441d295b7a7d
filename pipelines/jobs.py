"""Jobs: what can be run by name. One a source dataset, one for all models, one for what people read.

Not here: when they run (`schedules`, `sensors`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

    from assets.contracts import Contract
    from assets.project import Project

BUILD, PUBLISH = "build", "publish"
PUBLISHED = ("issues", "results", "reports", "quality_inbox")


def collect_job(contract: Contract) -> str:
    """The name of the job that takes in a source dataset."""
    return f"collect_{contract.name}"


def jobs(project: Project) -> list[UnresolvedAssetJobDefinition]:
    """Every job of the project."""
    from pipelines.matching import keys_of

    found = [
        dg.define_asset_job(
            collect_job(c),
            selection=dg.AssetSelection.assets(["raw", c.name], ["std", c.name]),
            description=f"{c.title}：收集、标准化、检查。 Collect, standardise and check {c.title_en}.",
        )
        for c in project.sources()
    ]
    models = project.models()
    if models:
        found.append(
            dg.define_asset_job(
                BUILD,
                selection=dg.AssetSelection.assets(*keys_of(models)),
                description="基础库与主题库。 The base and thematic databases.",
            )
        )
    found.append(
        dg.define_asset_job(
            PUBLISH,
            selection=dg.AssetSelection.assets(*([name] for name in PUBLISHED)),
            description="结果、报告、收件箱。 Results, reports and the inbox.",
        )
    )
    return found
