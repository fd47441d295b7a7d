"""`make bench-issues`: a million open issues: publishing them, listing them in groups, acting on one group.

The issues are made: spread over the sources' own rules, in a lake in a scratch folder, beside two hundred events of the journal.

Belongs here: figures, printed. Not here: a judgement of them; the machine may be crowded.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from assets.project import Project

EVENTS = 200


def fill(project: Project, issues: int) -> list[tuple[str, str]]:
    """Make so many open issues, and events about the first rules; gives the (dataset, rule) pairs."""
    from assets.lake import insert, open_lake
    from pipelines.journal import append
    from pipelines.rulebook import read_rules

    pairs = [(r.dataset, r.id) for r in read_rules(project, project.sources())]
    with open_lake(project) as con:
        con.execute("CREATE TEMP TABLE pairs (dataset VARCHAR, rule VARCHAR)")
        insert(con, "pairs", pairs)
        con.execute(
            """INSERT INTO evidence.tickets BY NAME
            WITH p AS (SELECT *, row_number() OVER () - 1 AS n, count(*) OVER () AS of FROM pairs)
            SELECT left(sha256(i::VARCHAR), 16) AS ticket, p.dataset, p.rule, (210100 + 100 * (i % 14))::VARCHAR AS unit, 'd' AS department,
                'key' AS found_by, 'b' AS first_batch, '202601' AS first_period, TIMESTAMP '2026-01-05 08:00:00' AS first_at,
                'b' AS last_batch, i AS last_row, '202610' AS last_period, TIMESTAMP '2026-01-05 08:00:00' AS last_at, 1 AS times,
                (i % 9 = 0)::BIGINT AS reopened, CASE WHEN i % 9 = 0 THEN TIMESTAMP '2026-01-05 08:00:00' END AS reopened_at,
                'open' AS outcome
            FROM range(?) r(i) JOIN p ON p.n = i % p.of""",
            [issues],
        )
    for n in range(EVENTS):
        dataset, rule = pairs[n % len(pairs)]
        append(project, ("dispatch", "acknowledge")[n % 2], "officer", dataset=dataset, rule=rule, unit="", seen="2026-01-05T08:00:00")
    return pairs


def timed(ask: Callable[[], object], rounds: int = 5) -> float:
    """The middle of some rounds, in milliseconds."""
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=1_000_000)
    issues = parser.parse_args().issues

    from assets.project import Project
    from pipelines.issues.acting import dispatch
    from pipelines.issues.listing import groups, published_groups, standing
    from pipelines.issues.states import Scope
    from pipelines.results import publish

    shown = Table("what", "milliseconds", title=f"{issues:,} open issues, {EVENTS} events")
    with tempfile.TemporaryDirectory() as folder:
        project = replace(Project.at(), data=Path(folder))
        pairs = fill(project, issues)
        shown.add_row("publish all results", f"{timed(lambda: publish(project), 1):,.0f}")
        shown.add_row("groups, as published", f"{timed(lambda: published_groups(project)):,.0f}")

        def live() -> None:
            with standing(project, today=date.today()) as con:
                groups(con)

        shown.add_row("groups, worked out from lake and journal", f"{timed(live, 3):,.0f}")
        shown.add_row("dispatch one group", f"{timed(lambda: dispatch(project, 'officer', Scope(*pairs[-1])), 1):,.0f}")
    Console().print(shown)


if __name__ == "__main__":
    main()
