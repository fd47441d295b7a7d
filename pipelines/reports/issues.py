"""Open issues for the pages: how many in which state, how old, how many overdue.

Belongs here: counting the published tickets for people. Not here: making them, or what moves them from state to state.
Results that hold no tickets have none to tell: the block is then left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.lake import is_there
from assets.lake import objects as rows
from pipelines.reports.places import Row

if TYPE_CHECKING:
    import duckdb

STATES = {
    "found": ("已发现，未派发", "found"),
    "dispatched": ("已派发，未签收", "dispatched"),
    "acknowledged": ("已签收，处理中", "acknowledged"),
    "reopened": ("又出现，须再改", "came back"),
    "disputed": ("有异议，待答复", "disputed"),
    "mended": ("报称已改，待验证", "said to be mended"),
    "waived": ("已豁免", "waived"),
}
"""The open states, in the order in which people meet them."""
BANDS = ((7, "7天以内", "up to 7 days"), (30, "8—30天", "8 to 30"), (90, "31—90天", "31 to 90"), (None, "90天以上", "over 90"))
"""Ages in days: up to and with, in Chinese, in English."""
LEVELS = {1: ("已提请质量专员", "raised to the officer"), 2: ("已提请部门负责人", "to the head"), 3: ("已提请主管局", "to the bureau")}


def open_issues(con: duckdb.DuckDBPyConnection, department: str | None = None) -> Row | None:
    """Open issues of a department, or of all: `states` (each with `counts` by age band), totals by band, overdue, level; None without."""
    if not _held(con):
        return None
    bands = ", ".join(
        f"count(*) FILTER (age_days > {low}{f' AND age_days <= {high}' if high else ''}) AS band{i}"
        for i, (low, high) in enumerate(zip((-1, *(high for high, *_ in BANDS[:-1])), (high for high, *_ in BANDS), strict=True))
    )
    found = rows(
        con,
        f"""
        SELECT state, count(*) AS every, {bands}, count(*) FILTER (overdue) AS overdue, max(age_days) AS oldest,
            count(*) FILTER (level = 1) AS level1, count(*) FILTER (level = 2) AS level2, count(*) FILTER (level = 3) AS level3
        FROM (SELECT * REPLACE (coalesce(age_days, 0) AS age_days) FROM tickets)
        WHERE list_contains($1, state) AND ($2::VARCHAR IS NULL OR department = $2) GROUP BY state""",
        [list(STATES), department],
    )
    if not found:
        return None
    by = {r["state"]: r for r in found}
    states = [
        {"state": state, "zh": zh, "en": en, "counts": [by[state][f"band{i}"] for i in range(len(BANDS))], **by[state]}
        for state, (zh, en) in STATES.items()
        if state in by
    ]
    return {
        "states": states,
        "bands": [(zh, en) for _, zh, en in BANDS],
        "counts": [sum(s["counts"][i] for s in states) for i in range(len(BANDS))],
        "most": max(max(s["counts"]) for s in states) or 1,
        "every": sum(s["every"] for s in states),
        "overdue": sum(s["overdue"] for s in states),
        "oldest": max(s["oldest"] or 0 for s in states),
        "levels": [(*LEVELS[n], count) for n in sorted(LEVELS) if (count := sum(s[f"level{n}"] for s in states))],
    }


def issues_by_department(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Per department: open, overdue, came back, the oldest's days; most overdue first. Nothing where the results hold no tickets."""
    if not _held(con):
        return []
    return rows(
        con,
        """
        SELECT t.department, d.zh, count(*) AS every, count(*) FILTER (t.overdue) AS overdue, count(*) FILTER (t.reopened > 0) AS back,
            max(coalesce(t.age_days, 0)) AS oldest
        FROM tickets t JOIN (SELECT department, any_value(department_zh) AS zh FROM datasets WHERE layer = 'sources' GROUP BY ALL) d
            USING (department)
        WHERE list_contains(?, t.state) GROUP BY ALL ORDER BY overdue DESC, every DESC, t.department""",
        [list(STATES)],
    )


def _held(con: duckdb.DuckDBPyConnection) -> bool:
    return is_there(con, "tickets")
