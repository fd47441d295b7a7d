"""What the lake knows of a run as it ends: asked once, by a few queries over the evidence.

Not here: how it is told (`facets`, `events`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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


def facts_of(con: duckdb.DuckDBPyConnection, run_id: str, done: Collection[str]) -> Facts:
    """What the run has written into the lake that `con` holds open; `done` names the tables that it made.

    Asked within one look, and only for what such a run can have written: each table of the evidence is many small files.
    """
    from assets.lake import one_look
    from assets.models.feed import state
    from pipelines.ledger import READ

    with one_look(con):
        snapshot = state(con)
        if done and set(done) <= set(READ):
            return Facts(snapshot)
        judged, batches = _judged(con, run_id)
        taken, standardised = _batches(con, run_id, batches) if any(t.startswith(("raw.", "std.")) for t in done) else ({}, {})
        built = con.execute(
            'SELECT dataset, sum("rows")::BIGINT, max(snapshot) FROM evidence.builds WHERE run_id = ? GROUP BY dataset', [run_id]
        ).fetchall()
    return Facts(snapshot, judged, taken, standardised, {table: (rows, read) for table, rows, read in built})


def _judged(con: duckdb.DuckDBPyConnection, run_id: str) -> tuple[dict[str, tuple[Judged, ...]], list[str]]:
    """The rules by dataset, and the batches that were judged by them."""
    judged: dict[str, tuple[Judged, ...]] = {}
    seen: set[str] = set()
    for dataset, batches, columns, rule, expectation, *rest in con.execute(
        """SELECT dataset, list(DISTINCT batch), any_value("column"), rule, any_value(expectation), any_value(indicator),
            any_value(severity), coalesce(bool_or(blocking), false),
            CASE WHEN bool_or(outcome = 'failed') THEN 'failed' WHEN bool_or(outcome = 'not_assessable') THEN 'not_assessable'
                ELSE 'passed' END,
            coalesce(sum(elements), 0)::BIGINT, coalesce(sum(missing), 0)::BIGINT, coalesce(sum(unexpected), 0)::BIGINT
        FROM evidence.results WHERE run_id = ? GROUP BY dataset, rule ORDER BY dataset, rule""",
        [run_id],
    ).fetchall():
        looked_at = tuple(c.strip() for c in (columns or "").split(",") if c.strip())
        judged[dataset] = (*judged.get(dataset, ()), Judged(rule, expectation, looked_at, *rest))
        seen.update(batches)
    return judged, sorted(seen)


def _batches(con: duckdb.DuckDBPyConnection, run_id: str, judged: list[str]) -> tuple[dict[str, Taken], dict[str, int]]:
    """What was taken in and what was standardised, by dataset. A run standardises what an earlier one has collected, too."""
    rows = con.execute(
        """SELECT dataset, count(*) FILTER (here), coalesce(sum(records) FILTER (here), 0)::BIGINT,
            coalesce(sum(bytes) FILTER (here), 0)::BIGINT, coalesce(sum(rows_raw) FILTER (here), 0)::BIGINT,
            coalesce(sum(rows_std), 0)::BIGINT
        FROM (SELECT *, run_id = $1 AS here FROM evidence.batches
            WHERE status IN ('collected', 'standardised') AND (run_id = $1 OR list_contains($2, batch)))
        GROUP BY dataset""",
        [run_id, judged],
    ).fetchall()
    return {dataset: Taken(*told) for dataset, *told, _ in rows if told[0]}, {row[0]: row[-1] for row in rows}
