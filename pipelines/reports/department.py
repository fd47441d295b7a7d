"""One department's page: its score, what to mend first, and every failing rule with where and how.

Belongs here: what the page is made of. Not here: the queries (`figures`), its look (`templates/`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.reports import changes, contradictions, figures, head
from pipelines.reports.issues import open_issues
from pipelines.reports.pages import write_page

if TYPE_CHECKING:
    import duckdb


def write_department(results: duckdb.DuckDBPyConnection, department: str, target: Path) -> Path:
    """Write the page of the department with this folder name."""
    league = figures.league(results)
    handed, every = figures.handovers(results, department)
    failing = head.weighed(results, figures.failing(results, department), department)
    datasets = figures.datasets(results, department)
    by_dataset = figures.grouped(failing, "dataset")
    for dataset in datasets:
        dataset["failing"] = by_dataset.get(dataset["dataset"], [])
    me = next(entry for entry in league if entry["department"] == department)
    grades = figures.grades(results)
    return write_page(
        "department.html",
        target,
        published=figures.publication(results),
        grades=grades,
        me=me,
        by_score=next(g for g in grades.values() if (me["score"] or 0) >= g["at_least"]),
        of=len(league),
        indicators=figures.grouped(figures.indicators(results, department), "dimension"),
        first=failing[: head.FIRST],
        first_gain=sum(r["gain"] for r in failing[: head.FIRST]),
        gain=sum(r["gain"] for r in failing),
        ways=head.WAYS,
        history=head.history(results, "department", department),
        parts_of=head.parts(results, department),
        moved=head.moves(results).get(department),
        peers=head.peers(league, department),
        issues=open_issues(results, department),
        changes=changes.changes(results, department),
        datasets=datasets,
        waived=figures.waived(results, department),
        tickets=contradictions.tickets(results, department),
        evidence=contradictions.evidence(results, department),
        handovers=handed,
        handovers_every=every,
        broken=sum(d["broken"] for d in datasets),
    )
