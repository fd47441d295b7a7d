"""What the lake knows of a run as it ends: asked once, by a few queries over the evidence.

Not here: how it is told (`facets`, `events`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Judged:
    """One rule over all that a run judged by it."""

    rule: str
    expectation: str
    columns: tuple[str, ...]
    indicator: str
    severity: str
    blocking: bool
    outcome: str
    elements: int
    missing: int
    unexpected: int


@dataclass(frozen=True)
class Taken:
    """What a run took in of one dataset: hand-overs, records, bytes, and rows in raw."""

    batches: int
    records: int
    bytes: int
    rows: int


@dataclass(frozen=True)
class Facts:
    """`judged` and `taken` by dataset, `standardised` (rows) by dataset, `built` (rows written, snapshot read) by table."""

    snapshot: int | None = None
    judged: Mapping[str, tuple[Judged, ...]] = field(default_factory=dict)
    taken: Mapping[str, Taken] = field(default_factory=dict)
    standardised: Mapping[str, int] = field(default_factory=dict)
    built: Mapping[str, tuple[int, int]] = field(default_factory=dict)


NOTHING = Facts()


def facts_of(con: duckdb.DuckDBPyConnection, run_id: str) -> Facts:
    """What the run has written into the lake that `con` holds open."""
    judged: dict[str, tuple[Judged, ...]] = {}
    for dataset, columns, *told in con.execute(
        """SELECT dataset, any_value("column"), rule, any_value(expectation), any_value(indicator), any_value(severity),
            coalesce(bool_or(blocking), false),
            CASE WHEN bool_or(outcome = 'failed') THEN 'failed' WHEN bool_or(outcome = 'not_assessable') THEN 'not_assessable'
                ELSE 'passed' END,
            coalesce(sum(elements), 0)::BIGINT, coalesce(sum(missing), 0)::BIGINT, coalesce(sum(unexpected), 0)::BIGINT
        FROM evidence.results WHERE run_id = ? GROUP BY dataset, rule ORDER BY dataset, rule""",
        [run_id],
    ).fetchall():
        rule, expectation, *rest = told
        looked_at = tuple(c.strip() for c in (columns or "").split(",") if c.strip())
        judged[dataset] = (*judged.get(dataset, ()), Judged(rule, expectation, looked_at, *rest))
    taken = {
        dataset: Taken(*told)
        for dataset, *told in con.execute(
            """SELECT dataset, count(*), coalesce(sum(records), 0)::BIGINT, coalesce(sum(bytes), 0)::BIGINT,
                coalesce(sum(rows_raw), 0)::BIGINT
            FROM evidence.batches WHERE run_id = ? AND status IN ('collected', 'standardised') GROUP BY dataset""",
            [run_id],
        ).fetchall()
    }
    # A run standardises what an earlier one has collected, too: the batches that it judged.
    standardised = con.execute(
        """SELECT dataset, coalesce(sum(rows_std), 0)::BIGINT FROM evidence.batches
        WHERE batch IN (SELECT batch FROM evidence.results WHERE run_id = $1) OR run_id = $1 GROUP BY dataset""",
        [run_id],
    ).fetchall()
    built = con.execute(
        'SELECT dataset, sum("rows")::BIGINT, max(snapshot) FROM evidence.builds WHERE run_id = ? GROUP BY dataset', [run_id]
    ).fetchall()
    newest = con.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()
    return Facts(newest[0] if newest else None, judged, taken, dict(standardised), {table: (rows, read) for table, rows, read in built})
