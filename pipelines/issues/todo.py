"""What needs the quality officer today: disputes to answer, late issues, what is unusual in a hand-over, reports that did not arrive,
workbooks that could not be taken, new and returned issues to dispatch, waivers that end.

Belongs here: choosing and weighing. Not here: the inbox that shows it (`pipelines.inbox`), the states (`states`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from assets.lake import objects
from pipelines.issues.deadlines import LEVELS

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

MOST = 40
UNUSUAL = 10
"""The most unusual hand-overs that are told: they must not crowd out the rest."""
SOON = 7
"""Days before a waiver's end within which it is told."""
KINDS = {
    "dispute": ("答复异议", "answer the dispute"),
    "late": ("催办超期", "remind: late"),
    "delivery": ("报告未送达", "a report did not arrive"),
    "workbook": ("送回的清单未采用", "a workbook that came back was not taken"),
    "anomaly": ("核实异常", "look into what is unusual"),
    "dispatch": ("派发", "dispatch"),
    "returned": ("重现，再派发", "came back: dispatch again"),
    "waiver": ("豁免将到期", "waiver ends"),
}
"""In the order in which they press."""


@dataclass(frozen=True)
class Todo:
    """One thing to do about `issues` issues of a rule on a dataset, weighing so much."""

    kind: str
    dataset: str
    rule: str
    department: str
    issues: int
    weight: float
    note: str = ""

    def record(self) -> dict[str, str | int | float]:
        """As a row of a table."""
        zh, en = KINDS[self.kind]
        shown: dict[str, str | int | float] = {"todo": f"{zh} {en}", "issues": self.issues, "dataset": self.dataset, "rule": self.rule}
        return {**shown, "department": self.department, "weight": round(self.weight, 2), "note": self.note}


def todo(results: duckdb.DuckDBPyConnection, project: Project, today: date | None = None) -> list[Todo]:
    """The things to do today, the most pressing kind first, then by weight of the rule times issues; from the published results."""
    from pipelines.delivery import undelivered
    from pipelines.issues.waiving import holding
    from pipelines.workbooks.returned import look

    on = today or date.today()
    found = [
        Todo(row["kind"], row["dataset"], row["rule"], row["department"] or "", row["n"], row["weight"], _note(row))
        for row in objects(results, _GROUPED)
    ]
    departments = {c.name: c.group for c in project.sources()}
    found += [
        Todo("waiver", w.dataset, w.rule, departments.get(w.dataset, ""), len(w.tickets), 0.0, f"{w.id} {w.officer} → {w.until}")
        for w in holding(project, on)
        if w.until <= on + timedelta(days=SOON)
    ]
    found += [Todo("delivery", "", "", s.department, 0, 0.0, f"{s.channel} ×{s.tries}: {s.reason}") for s in undelivered(project)]
    found += [
        Todo("workbook", "", "", f.department, 0, 0.0, f"{f.file}: {f.reason}") for f in look(project) if f.state in ("refused", "stray")
    ]
    found += [
        Todo("anomaly", dataset, rule, departments.get(dataset, ""), 0, 0.0, f"{zh}。 {en}")
        for dataset, rule, zh, en in results.execute(_UNUSUAL).fetchall()
    ]
    order = list(KINDS)
    return sorted(found, key=lambda t: (order.index(t.kind), -t.weight, t.dataset, t.rule))[:MOST]


def _note(row: dict[str, object]) -> str:
    if row["kind"] == "late":
        zh, en = LEVELS[int(str(row["level"]))]
        return f"{row['due']} 到期 due; 报 tell {zh} {en}"
    return f"自 since {row['first_period']}" if row["first_period"] else ""


_GROUPED = """
    SELECT CASE WHEN state = 'disputed' THEN 'dispute' WHEN overdue THEN 'late' WHEN state = 'reopened' THEN 'returned'
            WHEN state = 'found' THEN 'dispatch' END AS kind, dataset, rule, department, count(*) AS n,
        any_value(weight) * count(*) AS weight, max("level") AS level, min(due) AS due, min(first_period) AS first_period
    FROM tickets WHERE state <> 'closed' GROUP BY kind, dataset, rule, department HAVING kind IS NOT NULL
    ORDER BY weight DESC, dataset, rule"""

_UNUSUAL = f"""
    SELECT dataset, rule, zh, en FROM anomalies WHERE verdict IN ('high', 'low') ORDER BY dataset, kind <> 'rows', kind, unit, rule
    LIMIT {UNUSUAL}"""
