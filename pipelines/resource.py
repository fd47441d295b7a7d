"""The lake as a Dagster resource: one connection a run, and what the run has to say of itself at its end.

Not here: waiting for the lake (`pipelines.writer`), what the row of a run holds (`pipelines.ledger`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.project import Project
from pipelines.standing import Tally

if TYPE_CHECKING:
    import duckdb

    from pipelines.inbox import Failing
    from pipelines.publications import Publication

VERDICT_TAG = "yuanqing/verdict"


@dataclass
class Lake:
    """One run's connection to the lake, and what the run has to say of itself at its end."""

    con: "duckdb.DuckDBPyConnection"
    loaded: str  # the digest of the declarations that the run was defined by
    started: datetime = field(default_factory=datetime.now)
    tally: Tally = field(default_factory=Tally)
    done: list[str] = field(default_factory=list)
    published: "Publication | None" = None
    _failing: "tuple[list[str], list[Failing]] | None" = None

    def failing(self, project: Project) -> "list[Failing]":
        """The checks that do not pass now: looked for once after whatever the run has collected, judged and built."""
        from assets.lake import at_hand
        from pipelines.inbox import failing_checks
        from pipelines.ledger import READ

        judged = [name for name in self.done if name not in READ]
        if self._failing is None or self._failing[0] != judged:
            with at_hand(self.con, "results", "batches"):
                self._failing = judged, failing_checks(self.con, project)
        return self._failing[1]

    def record(self, project: Project, run: dg.DagsterRun) -> None:
        """Write the run's row, in place of an earlier one of the same run."""
        from pipelines.ledger import record

        said = (self.started, self.tally.verdict, self.done, self.published, self.loaded)
        record(self.con, project, run.run_id, run.job_name, *said)


def lake_resource(project: Project, loaded: str) -> dg.ResourceDefinition:
    """The lake, opened once a run for writing; the run's row is written as it closes. `loaded`: the digest of the declarations.

    A run that was launched from the UI waits up to ten minutes for a run that writes; the command does not wait.
    """

    def opened(context: dg.InitResourceContext) -> Iterator[Lake]:
        from assets.renames import carry_on, is_due
        from pipelines.writer import waiting_lake

        run = context.run
        with waiting_lake(project, context.log) as con:
            if is_due(con, project):
                moved = carry_on(con, project, run.run_id if run else "rename")
                if context.log:
                    context.log.info(f"改名 renamed: {', '.join(moved)}")
            lake = Lake(con, loaded)
            try:
                yield lake
            finally:
                if run is not None:
                    # Before the row of the run, whose snapshot is of no table.
                    context.resources.openlineage.ask(con, run.run_id, lake.done)
                    lake.record(project, run)

    return dg.ResourceDefinition(
        resource_fn=opened,
        required_resource_keys={"openlineage"},
        description="The lake: DuckLake with its catalogue, one writer at a time.",
    )


def tag_verdict(context: Any, lake: Lake) -> None:
    """A run stays green although checks failed: say on the run itself what they said."""
    context.instance.add_run_tags(context.run.run_id, {VERDICT_TAG: lake.tally.verdict})
