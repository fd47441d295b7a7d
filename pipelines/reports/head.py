"""What the head of a department reads first: how the score moved, the place among the peers, what mending takes and brings.

Belongs here: these figures. Not here: scores and gains themselves (`pipelines.scores`, `pipelines.gains`), the rules one by one
(`figures`), the look (`templates/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assets.lake import objects as rows
from pipelines.reports.places import Row
from pipelines.rulebook import CROSS

if TYPE_CHECKING:
    import duckdb

FIRST = 3
PEERS = 5
ALL_OF_IT = 0.9
"""The share of a hand-over's values from which their being wrong has one cause."""
ENOUGH = 20
"""Of a few rows that are all wrong nobody can tell whether they have one cause."""

WAYS = {
    "source": (
        "几乎整批都错，根源在系统：在源系统改一处（录入栏位、导出格式或代码对照），再整批重新交付",
        "Nearly all of the hand-over is wrong: one fix at the source (a form field, an export, a code mapping), then hand over again",
    ),
    "again": ("针对整次交付：按要求重新交付，不必逐行改", "About the hand-over as a whole: hand over again; no row is to be mended"),
    "verify": ("与对方部门的记录不一致：逐条核实，谁错谁改", "Another department's records say otherwise: verify one by one"),
    "rows": ("逐行更正，行号见更正清单", "Row by row; the list to mend tells which"),
}
"""How a rule's failures are mended, by what they look like."""


def history(con: duckdb.DuckDBPyConnection, scope: str, department: str | None = None) -> list[Row]:
    """Month by month, oldest first: score, coverage, ranked, `move` (points since the month before), and what was handed over for it.

    `scope` is `province`, or `department` with its folder name: of one that was made of others, the months since then.
    """
    return rows(
        con,
        """
        WITH handed AS (
            SELECT left(b.period, 6) AS month, count(*) FILTER (b.status = 'standardised') AS batches,
                count(*) FILTER (b.status = 'refused') AS refused,
                coalesce(sum(b.rows_raw) FILTER (b.status = 'standardised'), 0)::BIGINT AS "rows"
            FROM batches b JOIN datasets d USING (dataset) WHERE $2::VARCHAR IS NULL OR d.department = $2 GROUP BY ALL)
        SELECT s.month, s.datasets, s.score, s.coverage, s.ranked, s.ranked - lag(s.ranked) OVER (ORDER BY s.month) AS move,
            coalesce(h.batches, 0) AS batches, coalesce(h.refused, 0) AS refused, coalesce(h."rows", 0) AS "rows"
        FROM score_history s LEFT JOIN handed h USING (month)
        WHERE s.scope = $1 AND s.department IS NOT DISTINCT FROM $2
            AND NOT EXISTS (FROM merged m WHERE m.department = $2 AND s.month < m.since) ORDER BY s.month""",
        [scope, department],
    )


def parts(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    """The departments that became this one: their names, `since` which month it is one, and what they stood at (`ranked`) in the last
    `month` before; NULL where that is not known."""
    return rows(
        con,
        """
        SELECT m.part, m.zh, m.en, m.since, max(s.month) AS month, arg_max(s.ranked, s.month) AS ranked
        FROM merged m LEFT JOIN score_history s ON s.scope = 'department' AND s.department = m.part AND s.month < m.since
        WHERE m.department = ? GROUP BY ALL ORDER BY m.part""",
        [department],
    )


def moves(con: duckdb.DuckDBPyConnection) -> dict[str, Row]:
    """By department, `before` (score x coverage of the month before the newest) and `move`; only those that have such a month."""
    found = rows(
        con,
        """
        SELECT department, month, ranked, lag(month) OVER w AS before_month, lag(ranked) OVER w AS before
        FROM score_history s WHERE scope = 'department' AND ranked IS NOT NULL
            AND NOT EXISTS (FROM merged m WHERE m.department = s.department AND s.month < m.since)
        WINDOW w AS (PARTITION BY department ORDER BY month)
        QUALIFY month = (SELECT max(month) FROM score_history) ORDER BY department""",
    )
    return {r["department"]: r | {"move": r["ranked"] - r["before"]} for r in found if r["before"] is not None}


def peers(league: Sequence[Row], department: str, size: int = PEERS) -> list[Row]:
    """The departments that hand over about as much: `size` neighbours in the order of their rows, this one among them.

    As many above as below; at the ends, the first or last `size`. They come by score x coverage, each with its `place` among them.
    """
    by_rows = sorted(league, key=lambda e: (-e["rows"], e["department"]))
    at = next(i for i, e in enumerate(by_rows) if e["department"] == department)
    begin = max(0, min(at - size // 2, len(by_rows) - size))
    chosen = [e for e in league if e in by_rows[begin : begin + size]]
    return [e | {"place": 1 + sum(round(o["ranked"] or 0, 6) > round(e["ranked"] or 0, 6) for o in chosen)} for e in chosen]


def weighed(con: duckdb.DuckDBPyConnection, failing: Sequence[Row], department: str) -> list[Row]:
    """The failing rules with what mending them takes and brings, those that bring most first.

    Adds `gain` (points of the department's score x coverage), `own_gain` (of the dataset's), `way` (a key of `WAYS`) and
    `fields` (the titles of the columns that the rule looks at).
    """
    facts = {
        (r["dataset"], r["rule"]): r
        for r in rows(
            con,
            """
            WITH shares AS (
                SELECT dataset, rule, bool_or(elements IS NULL) AS whole,
                    min(unexpected / nullif(elements - CASE WHEN indicator LIKE '02%' THEN 0 ELSE coalesce(missing, 0) END, 0)) AS least
                FROM standing_results WHERE department = ? AND outcome = 'failed' AND NOT waived GROUP BY ALL),
            asked AS (SELECT dataset, rule, unnest(columns) AS "column", generate_subscripts(columns, 1) AS at FROM rules),
            named AS (
                SELECT a.dataset, a.rule, list(coalesce(c.title, a."column") ORDER BY a.at) AS fields
                FROM asked a LEFT JOIN columns c USING (dataset, "column") GROUP BY ALL)
            SELECT u.dataset, u.rule, u.origin, u.element, s.whole, s.least, n.fields, coalesce(g.of_department, 0) AS gain,
                coalesce(g.of_dataset, 0) AS own_gain
            FROM rules u JOIN shares s USING (dataset, rule) LEFT JOIN gains g USING (dataset, rule)
                LEFT JOIN named n USING (dataset, rule)""",
            [department],
        )
    }
    found = []
    for rule in failing:
        said = facts[(rule["dataset"], rule["rule"])]
        added = {"gain": said["gain"], "own_gain": said["own_gain"], "way": _way(said, rule["rows"]), "fields": said["fields"] or []}
        found.append(rule | added)
    return sorted(found, key=lambda r: (-r["gain"], -r["urgency"], r["dataset"], r["rule"]))


def _way(said: Row, rows_: int) -> str:
    if said["origin"] == CROSS:
        return "verify"
    if said["whole"] or said["element"] == "hand-over":
        return "again"
    return "source" if rows_ >= ENOUGH and (said["least"] or 0) >= ALL_OF_IT else "rows"
