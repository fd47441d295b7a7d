"""Everything Dagster knows of a project, made from its contracts.

Belongs here: putting together. `defs` is the code location's target; nothing is read before it is called.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from assets.project import Project


def build_definitions(project: Project) -> dg.Definitions:
    """Assets, checks, jobs, schedules and sensors of `project`. Raises `DocumentError` for a wrong contract or suite."""
    # Backfill policies and owners of partitions are marked as beta or preview in the pinned version; a test holds what they do.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return _definitions(project)


def _definitions(project: Project) -> dg.Definitions:
    from assets.catalogue import check_catalogue
    from assets.models import order
    from pipelines import factories, matching
    from pipelines.issues.jobs import officer_jobs
    from pipelines.jobs import jobs
    from pipelines.ledger import declarations
    from pipelines.lineage.shown import shown
    from pipelines.openlineage.resource import openlineage_resource
    from pipelines.resource import lake_resource
    from pipelines.schedules import schedules
    from pipelines.sensors import sensors

    loaded = declarations(project)  # before they are read: what changes meanwhile has changed
    check_catalogue(project.contracts.values())
    order(project)  # models that read each other in a circle are told by name
    sources, models, lineage = project.sources(), project.models(), shown(project)
    assets: list[dg.AssetsDefinition] = []
    asset_checks: list[dg.AssetChecksDefinition] = []
    for contract in sources:
        assets += [factories.raw_asset(project, contract, lineage), factories.std_asset(project, contract, lineage)]
        asset_checks += [factories.source_checks(project, contract), factories.std_checks(project, contract)]
    for contract in models:
        assets.append(factories.model_asset(project, contract, lineage))
        if (suite := factories.model_checks(project, contract)) is not None:
            asset_checks.append(suite)
        if matching.matches_table(contract):
            assets.append(matching.match_asset(project, contract, lineage))
    upstream = [*(dg.AssetKey([c.schema, c.name]) for c in sources), *map(dg.AssetKey, matching.keys_of(models))]
    assets += factories.published_assets(project, upstream)
    named = {job.name: job for job in jobs(project)}
    return dg.Definitions(
        assets=assets,
        asset_checks=asset_checks,
        jobs=[*named.values(), *officer_jobs(project)],
        schedules=schedules(project, named),
        sensors=sensors(project, named),
        resources={"lake": lake_resource(project, loaded), "openlineage": openlineage_resource(project)},
        # In process: a step of the multiprocess executor costs 1.5 s, and all steps of a run share one connection.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The project's definitions, for `workspace.yaml`."""
    _ours_first()
    from assets.project import Project
    from pipelines.instance import spare_the_disk

    spare_the_disk()
    return build_definitions(Project.at())


def _ours_first() -> None:
    """Let `assets` and `expectations` be our packages where Dagster was started in a project's own folder.

    It puts that folder first among those that Python looks into, and folders of these names stand there: of an installation that is
    edited in place, Python would take them for packages before ours.
    """
    code = str(Path(__file__).resolve().parent.parent)
    if sys.path[0] != code:
        sys.path.insert(0, code)
