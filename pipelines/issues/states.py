"""Where each issue stands: its evidence and what the journal says of it, put together.

An event counts for an issue that was known when it happened: the event bears the time of the newest hand-over that its author could
see (`seen`), and that is compared with hand-overs, never with a clock. So an issue that comes back is not dispatched because it once
was, and a claim is void as soon as a later hand-over shows the row broken still.

Belongs here: that arithmetic. Not here: what may be done when (`pipelines.issues.acting`), what is published of it (`publishing`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from assets.lake import insert, literal
from pipelines.issues.deadlines import days_of, insert_days
from pipelines.retold import retold

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project
    from assets.waivers import Waiver
    from pipelines.rulebook import Rule

KINDS = ("dispatch", "acknowledge", "claim", "dispute", "resolve", "reopen")
"""What people do with issues; a waiver is a matter of its own (`pipelines.issues.waiving`)."""
ACTS = (*KINDS, "waive", "revoke")
"""All that people do about issues."""
OPEN = {
    "found": "已发现",
    "dispatched": "已派发",
    "acknowledged": "已签收",
    "mended": "称已整改",
    "disputed": "有异议",
    "waived": "豁免中",
    "reopened": "重现",
}
"""States of an open issue, in Chinese."""
CLOSED = {"verified": "核验通过", "gone": "不再交付", "expired": "规则已撤", "upheld": "异议成立"}
"""How a closed issue was closed, in Chinese."""


@dataclass(frozen=True)
class Scope:
    """What an action is about: issues of a rule on a dataset, in one unit or (empty) all, or those with these names."""

    dataset: str = ""
    rule: str = ""
    unit: str = ""
    tickets: tuple[str, ...] = ()

    def condition(self) -> str:
        """SQL over the columns of `evidence.tickets`."""
        parts = [
            f"{column} = {literal(value)}"
            for column, value in (("dataset", self.dataset), ("rule", self.rule), ("unit", self.unit))
            if value
        ]
        if self.tickets:
            parts.append(f"ticket IN ({', '.join(map(literal, self.tickets))})")
        return " AND ".join(parts) or "TRUE"


def make_states(
    con: duckdb.DuckDBPyConnection,
    project: Project,
    rules: Iterable[Rule],
    waivers: Iterable[Waiver],
    today: date,
    *,
    scope: Scope | None = None,
    until: datetime | None = None,
) -> None:
    """Make the temporary table `states` (a row an issue of `scope`: `COLUMNS` of `publishing`) on a connection to the lake.

    `waivers` are those that hold `today`; of the journal, what was done up to `until` counts.
    """
    _acts(con, project, until)
    known = [(r.dataset, r.id, r.severity, r.weight) for r in rules]
    con.execute("CREATE OR REPLACE TEMP TABLE held_to (dataset VARCHAR, rule VARCHAR, severity VARCHAR, weight DOUBLE)")
    insert(con, "held_to", known)
    con.execute("CREATE OR REPLACE TEMP TABLE answering (dataset VARCHAR, department VARCHAR)")
    insert(con, "answering", [(c.name, c.group) for c in project.sources()])
    con.execute("CREATE OR REPLACE TEMP TABLE set_by (waiver VARCHAR, dataset VARCHAR, rule VARCHAR, unit VARCHAR, ticket VARCHAR)")
    insert(con, "set_by", [(w.id, w.dataset, w.rule, w.unit, ticket) for w in waivers for ticket in (w.tickets or (None,))])
    con.execute("CREATE OR REPLACE TEMP TABLE allowed (severity VARCHAR, days INTEGER)")
    insert(con, "allowed", list(days_of(project.settings.issues).items()))
    (first,) = con.execute('SELECT min("at")::DATE FROM acts').fetchone() or (None,)
    insert_days(con, first or today, today)
    con.execute(
        _STATES.format(where=(scope or Scope()).condition(), today=literal(str(today)), after=project.settings.issues.escalate_after)
    )


def _acts(con: duckdb.DuckDBPyConnection, project: Project, until: datetime | None) -> None:
    """`acts`: what was done, one row an issue that is named, one row for all issues of a group."""
    rows = []
    for entry in retold(project, *KINDS):
        at = entry.moment
        if until is not None and at > until:
            break
        said = entry.content
        seen = datetime.fromisoformat(said["seen"]) if said.get("seen") else at
        facts = (
            entry.seq,
            at,
            entry.what,
            said.get("dataset", ""),
            said.get("rule", ""),
            said.get("unit", ""),
            seen,
            said.get("answer", ""),
        )
        rows += [(*facts, ticket) for ticket in said.get("tickets") or (None,)]
    con.execute(
        'CREATE OR REPLACE TEMP TABLE acts (seq BIGINT, "at" TIMESTAMP, what VARCHAR, dataset VARCHAR, rule VARCHAR, unit VARCHAR,'
        " seen TIMESTAMP, answer VARCHAR, ticket VARCHAR)"
    )
    insert(con, "acts", rows)


_STATES = """
CREATE OR REPLACE TEMP TABLE states AS
-- the journal and what people saw are told in whole seconds: what failed within one was seen in it
WITH t AS (
    SELECT *, date_trunc('second', last_at) AS failed_at, date_trunc('second', coalesce(reopened_at, first_at)) AS since
    FROM lake.evidence.tickets WHERE {where}),
hits AS (
    SELECT t.ticket, t.failed_at, a.* EXCLUDE (ticket) FROM t JOIN acts a ON a.ticket = t.ticket WHERE a.seen >= t.since
    UNION ALL
    SELECT t.ticket, t.failed_at, a.* EXCLUDE (ticket) FROM t JOIN (FROM acts WHERE ticket IS NULL) a
        ON a.dataset = t.dataset AND a.rule = t.rule AND (a.unit = '' OR a.unit = t.unit) WHERE a.seen >= t.since),
done AS (
    SELECT ticket, coalesce(max(seq) FILTER (what = 'dispatch'), 0) AS dispatch, min("at") FILTER (what = 'dispatch') AS dispatched_at,
        coalesce(max(seq) FILTER (what = 'acknowledge'), 0) AS acknowledge,
        coalesce(max(seq) FILTER (what = 'claim' AND seen >= failed_at), 0) AS claim,
        count(*) FILTER (what = 'claim' AND seen < failed_at) AS claims_failed,
        coalesce(max(seq) FILTER (what = 'dispute'), 0) AS dispute, coalesce(max(seq) FILTER (what = 'resolve'), 0) AS resolve,
        arg_max(answer, seq) FILTER (what = 'resolve') AS answer, coalesce(max(seq) FILTER (what = 'reopen'), 0) AS reopen
    FROM hits GROUP BY ticket),
aside AS (
    SELECT ticket, min(waiver) AS waiver FROM (
        SELECT t.ticket, w.waiver FROM t JOIN set_by w ON w.ticket = t.ticket
        UNION ALL
        SELECT t.ticket, w.waiver FROM t JOIN (FROM set_by WHERE ticket IS NULL) w
            ON w.dataset = t.dataset AND w.rule = t.rule WHERE w.unit = '' OR w.unit = t.unit)
    GROUP BY ticket),
stated AS (
    SELECT t.*, r.severity, coalesce(r.weight, 0) AS weight, d.dispatched_at, coalesce(d.claims_failed, 0) AS claims_failed, a.waiver,
        CASE WHEN t.outcome <> 'open' THEN t.outcome WHEN r.rule IS NULL THEN 'expired'
            WHEN d.answer = 'upheld' AND d.resolve > greatest(d.dispute, d.reopen) THEN 'upheld' END AS how,
        CASE WHEN how IS NOT NULL THEN 'closed' WHEN a.ticket IS NOT NULL THEN 'waived'
            WHEN d.dispute > greatest(d.resolve, d.reopen, d.claim) THEN 'disputed'
            WHEN d.claim > greatest(d.reopen, d.resolve) THEN 'mended'
            WHEN d.acknowledge > d.reopen THEN 'acknowledged' WHEN d.dispatch > d.reopen THEN 'dispatched'
            WHEN t.reopened > 0 OR d.reopen > 0 THEN 'reopened' ELSE 'found' END AS state
    FROM t LEFT JOIN held_to r ON r.dataset = t.dataset AND r.rule = t.rule LEFT JOIN done d ON d.ticket = t.ticket
        LEFT JOIN aside a ON a.ticket = t.ticket),
counted AS (
    SELECT s.*, from_day.worked + coalesce(l.days, (SELECT max(days) FROM allowed)) AS due_at
    FROM stated s LEFT JOIN days from_day ON from_day.day = s.dispatched_at::DATE LEFT JOIN allowed l ON l.severity = s.severity),
dated AS (
    SELECT c.*, until.day AS due FROM counted c
        LEFT JOIN (SELECT worked, min(day) AS day FROM days GROUP BY worked) until ON until.worked = c.due_at)
SELECT d.ticket, d.dataset, d.rule, d.unit, coalesce(o.department, d.department) AS department, d.found_by,
    d.first_batch, d.first_period, d.first_at, d.last_batch, d.last_row, d.last_period, d.last_at, d.times, d.reopened,
    d.state, d.how, d.severity, d.weight, d.dispatched_at, d.due,
    d.state NOT IN ('closed', 'waived', 'disputed') AND d.due < DATE {today} AS overdue,
    CASE WHEN overdue THEN least(3, 1 + (now.worked - d.due_at - 1) // {after}) ELSE 0 END::INTEGER AS level,
    (DATE {today} - d.since::DATE)::INTEGER AS age_days, d.claims_failed, CASE WHEN d.state = 'waived' THEN d.waiver END AS waiver,
    d.ended_batch, d.ended_at, d.outcome
FROM dated d LEFT JOIN days now ON now.day = DATE {today} LEFT JOIN answering o ON o.dataset = d.dataset
"""
