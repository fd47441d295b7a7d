"""Issues in the published results: each with its state, in groups for the human eye, and what was done about them.

Belongs here: the tables and their comments. Not here: where an issue stands (`states`). No value of a record is in any of them.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING

from assets.evidence import TABLES as EVIDENCE
from assets.lake import comments, insert, is_there, never_filled, quote
from pipelines.issues.states import ACTS, make_states
from pipelines.retold import retold

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from assets.project import Project
    from assets.waivers import Waiver
    from pipelines.rulebook import Rule

Columns = list[tuple[str, str, str]]

_SAME = ("outcome", "reopened_at", "ended_batch", "ended_at")
"""Of the evidence, what is told in other words, or at the end."""
TICKETS: Columns = [
    *(column for column in EVIDENCE["tickets"] if column[0] not in _SAME),
    ("state", "VARCHAR", "found, dispatched, acknowledged, mended (as the department says), disputed, waived, reopened, closed"),
    ("how", "VARCHAR", "of a closed one: verified, gone (no longer handed over), expired (the rule is no more), upheld (the dispute)"),
    ("severity", "VARCHAR", "of the rule: critical, warning, info"),
    ("weight", "DOUBLE", "of the rule"),
    ("dispatched_at", "TIMESTAMP", "when it was first dispatched since it came, local time"),
    ("due", "DATE", "by when it is to be mended: working days after dispatch, by severity"),
    ("overdue", "BOOLEAN", "whether that was over on the day of this publication"),
    ("level", "INTEGER", "who hears of a late one: 0 nobody, 1 officer, 2 head of department, 3 bureau"),
    ("age_days", "INTEGER", "days since it came, or came back"),
    ("claims_failed", "BIGINT", "how often it was said to be mended and the next hand-over showed it broken"),
    ("waiver", "VARCHAR", "the waiver that holds for it"),
    *(column for column in EVIDENCE["tickets"] if column[0] in ("ended_batch", "ended_at")),
]
GROUPS: Columns = [
    ("dataset", "VARCHAR", "the dataset"),
    ("rule", "VARCHAR", "the rule"),
    ("department", "VARCHAR", "the department's folder name"),
    ("unit", "VARCHAR", "the unit; empty where there is one"),
    ("severity", "VARCHAR", "of the rule"),
    ("weight", "DOUBLE", "of the rule"),
    ("open", "BIGINT", "issues that are open, waived ones too"),
    *(
        (state, "BIGINT", f"of these, {state}")
        for state in ("found", "dispatched", "acknowledged", "mended", "disputed", "waived", "reopened")
    ),
    ("closed", "BIGINT", "issues that are closed"),
    ("verified", "BIGINT", "of these, handed over again in order"),
    ("gone", "BIGINT", "of these, no longer handed over: not mended"),
    ("first_period", "VARCHAR", "the period since which the oldest open one is there"),
    ("oldest_at", "TIMESTAMP", "when that was collected, local time"),
    ("due", "DATE", "the earliest deadline of an open one"),
    ("overdue", "BIGINT", "open ones whose deadline is over"),
    ("level", "INTEGER", "the highest level of a late one"),
    ("repeated", "DOUBLE", "0 to 1: share of the open ones that came back after they had ended"),
]
EVENTS: Columns = [
    ("seq", "BIGINT", "number of the entry in the journal"),
    ("at", "TIMESTAMP", "when, local time"),
    ("who", "VARCHAR", "who"),
    ("what", "VARCHAR", "dispatch, acknowledge, claim, dispute, resolve, reopen, waive, revoke"),
    ("why", "VARCHAR", "why"),
    ("dataset", "VARCHAR", "of which dataset"),
    ("rule", "VARCHAR", "of which rule"),
    ("unit", "VARCHAR", "of which unit; empty: of all"),
    ("tickets", "BIGINT", "of how many issues that are named; NULL: of all in the group"),
    ("facts", "VARCHAR", "JSON: what else was said (answer, legal basis, end, second person)"),
]
WAIVERS: Columns = [
    ("dataset", "VARCHAR", "the dataset"),
    ("rule", "VARCHAR", "the rule that is set aside"),
    ("unit", "VARCHAR", "in which unit; empty: in all"),
    ("reason", "VARCHAR", "why"),
    ("officer", "VARCHAR", "who has set it aside"),
    ("valid_from", "DATE", "its first day"),
    ("until", "DATE", "its last day"),
    ("holds", "BOOLEAN", "whether it held on the day of this publication"),
    ("waiver", "VARCHAR", "its name: in the journal, or file and line"),
    ("legal_basis", "VARCHAR", "the provision that lets the rule be set aside; empty in older ones"),
    ("second", "VARCHAR", "who else has agreed; of a blocking rule always somebody"),
    ("tickets", "BIGINT", "of how many issues alone; NULL: of all that break the rule"),
]
TABLES = {
    "tickets": ("issues: one failing record and rule each, followed from hand-over to hand-over", TICKETS),
    "ticket_groups": ("issues by dataset, rule, department and unit", GROUPS),
    "ticket_events": ("what people did about issues", EVENTS),
}


def publish_issues(
    con: duckdb.DuckDBPyConnection,
    project: Project,
    rules: Iterable[Rule],
    waivers: Iterable[Waiver],
    today: date,
    until: datetime | None = None,
) -> None:
    """Fill the tables of issues in the attached database `fresh`, from the lake on `con` and the journal up to `until`.

    `waivers` are those that hold `today`. In a lake that knows no issues the tables are empty.
    """
    for table, (comment, columns) in TABLES.items():
        declared = ", ".join(f"{quote(name)} {kind}" for name, kind, _ in columns)
        said = comments("TABLE", f"fresh.{table}", comment, {name: what for name, _, what in columns})
        con.execute(f"CREATE TABLE fresh.{table} ({declared}); {said}")
    insert(con, "fresh.ticket_events", _events(project, until))
    if not is_there(con, "evidence.tickets") or "tickets" in never_filled(con):
        return
    make_states(con, project, rules, waivers, today, until=until)
    names = ", ".join(quote(name) for name, _, _ in TICKETS)
    con.execute(f"INSERT INTO fresh.tickets SELECT {names} FROM states ORDER BY dataset, rule, unit, ticket")
    con.execute(f"INSERT INTO fresh.ticket_groups BY NAME {_GROUPED}")


def waiver_row(w: Waiver, today: date) -> tuple[object, ...]:
    """A waiver as a row of `WAIVERS`."""
    scope = (w.dataset, w.rule, w.unit)
    return (*scope, w.reason, w.officer, w.valid_from, w.until, w.holds(today), w.id, w.legal_basis, w.second, len(w.tickets) or None)


def _events(project: Project, until: datetime | None) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for entry in retold(project, *ACTS):
        at = entry.moment
        if until is not None and at > until:
            break
        said = dict(entry.content)
        place = [said.pop(name, "") for name in ("dataset", "rule", "unit")]
        named = said.pop("tickets", None)
        said.pop("seen", None)
        facts = json.dumps(said, ensure_ascii=False, sort_keys=True) if said else None
        rows.append((entry.seq, at, entry.who, entry.what, entry.why, *place, len(named) if named else None, facts))
    return rows


_COUNTED = ", ".join(f"count(*) FILTER (state = '{name}') AS {quote(name)}" for name, _, said in GROUPS if said == f"of these, {name}")

_GROUPED = f"""
    SELECT dataset, rule, department, unit, any_value(severity) AS severity, any_value(weight) AS weight,
        count(*) FILTER (state <> 'closed') AS open, {_COUNTED},
        count(*) FILTER (state = 'closed') AS closed, count(*) FILTER (how = 'verified') AS verified,
        count(*) FILTER (how = 'gone') AS gone,
        arg_min(first_period, first_at) FILTER (state <> 'closed') AS first_period,
        min(first_at) FILTER (state <> 'closed') AS oldest_at, min(due) FILTER (state <> 'closed') AS due,
        count(*) FILTER (overdue) AS overdue, coalesce(max("level"), 0) AS level,
        coalesce(count(*) FILTER (state <> 'closed' AND reopened > 0) / nullif(count(*) FILTER (state <> 'closed'), 0), 0) AS repeated
    FROM fresh.tickets GROUP BY dataset, rule, department, unit ORDER BY dataset, rule, unit"""
