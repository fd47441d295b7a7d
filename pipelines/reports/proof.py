"""The appendix: how well the rules find faults that are known, because the sample planted them.

Belongs here: what the page is made of. Not here: the comparison (`pipelines.truth`), its look (`templates/`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.reports import figures
from pipelines.reports.pages import write_page

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

EFFECTS = {
    "flag": ("标记", "flagged"),
    "quarantine": ("隔离", "quarantined"),
    "repair": ("修整", "mended"),
    "reject": ("弃读", "unreadable"),
    "refuse": ("退回", "refused"),
    "repeat": ("认作重复", "known already"),
    "cross": ("部门间核对发现", "told between departments"),
    "graced": ("宽限内不计", "left in peace"),
    "none": ("无规则声称", "claimed by no rule"),
}


def write_proof(project: Project, results: duckdb.DuckDBPyConnection, target: Path) -> Path | None:
    """Write the page; None where there is no sample, whose faults alone are known (an older page goes)."""
    from expectations.suite import kind_of
    from pipelines.publications import of_past, truth
    from pipelines.truth import compare, truth_file

    if not truth_file(project).exists():
        target.unlink(missing_ok=True)
        return None
    report = compare(project)
    then = of_past(project, "program") if project.past else None
    told = json.loads(then).get("truth") if then else None
    titles = {name: contract.title for name, contract in project.contracts.items()}
    rates = [(kind_of(type_), rate) for type_, rate in sorted(report.rules.items()) if type_]
    return write_page(
        "proof.html",
        target,
        published=figures.publication(results),
        report=report,
        remade=told is not None and told != truth(project)["truth"],
        rates=rates,
        titles=titles,
        effects=EFFECTS,
        false_alarms=sum(report.false_alarms.values()),
        missed_claimed=sum(k.missed for k in report.kinds if k.claimed),
    )
