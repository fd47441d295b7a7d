"""The step of a run that follows issues: what the newest hand-overs say of each.

Belongs here: the Dagster asset and what it tells. Not here: how issues are followed (`assets.following`, `assets.contradicted`).
"""

from typing import TYPE_CHECKING

import dagster as dg

from assets.following import Followed
from assets.project import Project
from pipelines.errors import clear_errors

if TYPE_CHECKING:
    import duckdb


def take_up(con: "duckdb.DuckDBPyConnection", project: Project, run_id: str, *, anew: bool = False) -> Followed:
    """Follow every issue through what came in since; `anew`: from the first hand-over, as if for the first time."""
    from assets.contradicted import follow_contradictions
    from assets.following import follow

    followed = follow(con, project, run_id, anew=anew)
    crossed = follow_contradictions(con, project, run_id, anew=anew)
    return Followed(followed.batches, followed.tickets + crossed, followed.anew)


def issues_asset(project: Project, upstream: list[dg.AssetKey], condition: dg.AutomationCondition) -> dg.AssetsDefinition:
    """The asset that follows issues; results are published after it."""

    @dg.asset(
        key=["issues"],
        deps=upstream,
        group_name="quality",
        kinds={"duckdb"},
        automation_condition=condition,
        required_resource_keys={"lake"},
        description="问题台账：每条不合格记录、每条规则一件，按键跟踪到核验关闭。 "
        "Issues: one for each failing record and rule, followed by key until a hand-over shows it mended.",
    )
    def issues(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        con = context.resources.lake.con
        with clear_errors():
            followed = take_up(con, project, context.run.run_id)
        counts = dict(con.execute("SELECT outcome, count(*) FROM evidence.tickets GROUP BY outcome").fetchall())
        return dg.MaterializeResult(
            metadata={
                "1 未了结 open": counts.get("open", 0),
                "2 核验通过 verified": counts.get("verified", 0),
                "3 不再交付 gone": counts.get("gone", 0),
                "4 本次变动 changed": followed.tickets,
                "5 本次交付批次 hand-overs": followed.batches,
            }
        )

    return issues
