"""What needs the quality officer today: disputes to answer, late issues, what is unusual in a hand-over, reports that did not arrive,
new and returned issues to dispatch, waivers that end.

Belongs here: choosing and weighing. Not here: the inbox that shows it (`pipelines.inbox`), the states (`states`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from assets.lake import objects
from pipelines.issues.deadlines import LEVELS
from pipelines.issues.states import make_states

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


def todo(con: duckdb.DuckDBPyConnection, project: Project, today: date | None = None) -> list[Todo]:
    """The things to do today, the most pressing kind first, then by weight of the rule times issues. `con` is one to the lake."""
    from pipelines.anomalies import judged
    from pipelines.delivery import undelivered
    from pipelines.issues.waiving import holding
    from pipelines.rulebook import answered_for

    on = today or date.today()
    waivers = holding(project, on)
    make_states(con, project, answered_for(project), waivers, on)
    found = [
        Todo(row["kind"], row["dataset"], row["rule"], row["department"] or "", row["n"], row["weight"], _note(row))
        for row in objects(con, _GROUPED)
    ]
    departments = {c.name: c.group for c in project.sources()}
    found += [
        Todo("waiver", w.dataset, w.rule, departments.get(w.dataset, ""), len(w.tickets), 0.0, f"{w.id} {w.officer} → {w.until}")
        for w in waivers
        if w.until <= on + timedelta(days=SOON)
    ]
    found += [Todo("delivery", "", "", s.department, 0, 0.0, f"{s.channel} ×{s.tries}: {s.reason}") for s in undelivered(project)]
    unusual = [one for one in judged(con, project.sources(), on) if one.unusual][:UNUSUAL]
    found += [Todo("anomaly", o.dataset, o.rule, departments.get(o.dataset, ""), 0, 0.0, f"{o.zh}。 {o.en}") for o in unusual]
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
    FROM states WHERE state <> 'closed' GROUP BY kind, dataset, rule, department HAVING kind IS NOT NULL
    ORDER BY weight DESC, dataset, rule"""
