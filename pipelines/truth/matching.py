"""The truth about records without a good key: whom the matching linked rightly, wrongly, put up for review, or missed.

Belongs here: that comparison. Not here: the faults as such (`planted`), matching (`assets.matching`).

A fault planted on the column that holds the key makes a record without a good one, and its clean value says whose record it is.
The right end is a link to that row of the base; where the base has no such row, no link at all. Judged is what stands now, with
what reviewers decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from assets.lake import is_there, quote
from pipelines.truth.report import MatchLine, TruthReport, located

if TYPE_CHECKING:
    import duckdb

    from assets.matching import Matching
    from assets.project import Project

UNSPOILT = ("repair", "reject", "refuse", "repeat")
"""What becomes of a fault that leaves no record without a key: the value is mended, or the row is not there."""


def compare_matched(con: duckdb.DuckDBPyConnection, project: Project, faults: Iterable[Mapping[str, Any]], report: TruthReport) -> None:
    """Add, for every matching and planted kind, what became of its records."""
    from assets.matching import matched

    of_rows = [f for f in faults if f["row"] is not None and f["effect"] not in UNSPOILT]
    for matching in matched(project):
        if not is_there(con, matching.table()):
            continue
        keys = {r.dataset: _columns(project, matching, r.dataset) for r in matching.records}
        mine = [f for f in of_rows if f["column"] in keys.get(f["dataset"], ())]
        _count(con, matching, located(con, project, mine), report)


def _columns(project: Project, matching: Matching, dataset: str) -> set[str]:
    """The columns of a source from which the key of its records is taken."""
    (expression,) = (r.attributes[matching.key] for r in matching.records if r.dataset == dataset)
    return {c.name for c in project.contracts[dataset].columns if quote(c.name) in expression}


def _count(con: duckdb.DuckDBPyConnection, matching: Matching, places: Mapping[str, list[tuple[Any, Any]]], report: TruthReport) -> None:
    told = [(name, *place, f["kind"], f["clean"]) for name, of in places.items() for f, place in of if place is not None]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE told AS SELECT "
        + ", ".join(
            f"unnest(?::{kind}[]) AS {quote(name)}"
            for name, kind in (("dataset", "VARCHAR"), ("batch", "VARCHAR"), ("row", "BIGINT"), ("kind", "VARCHAR"), ("clean", "VARCHAR"))
        ),
        [list(column) for column in zip(*told, strict=True)] or [[]] * 5,
    )
    form = matching.attributes[matching.key].forms[""]
    key, clean = form(f"CAST({quote(matching.key)} AS VARCHAR)"), form("t.clean")
    unkeyed, matches, base = (quote(t) for t in (matching.table("unkeyed"), matching.table(), matching.contract.table))
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE ended AS
        WITH whose AS (
            SELECT u.dataset, u.record, t.kind, {clean} AS clean FROM {unkeyed} AS u
            JOIN told AS t ON t.dataset = u.dataset AND t.batch = u.batch AND t."row" = u."row"
        ),
        known AS (SELECT DISTINCT {key} AS clean FROM {base} WHERE {key} IN (SELECT clean FROM whose)),
        found AS (
            SELECT record, any_value({key}) FILTER (class = 'certain') AS linked, list({key}) FILTER (class = 'review') AS waiting
            FROM {matches} GROUP BY record
        )
        SELECT w.dataset, w.kind, k.clean IS NOT NULL AS there, f.linked, f.linked = w.clean AS hit,
            coalesce(list_contains(f.waiting, w.clean), false) AS seen
        FROM whose AS w JOIN found AS f USING (record) LEFT JOIN known AS k ON k.clean = w.clean"""
    )
    rows = con.execute(
        """SELECT dataset, kind, count(*), count(*) FILTER (there), count(*) FILTER (hit), count(*) FILTER (NOT hit),
            count(*) FILTER (linked IS NULL AND seen), count(*) FILTER (there AND linked IS NULL AND NOT seen)
        FROM ended GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    report.matches += [MatchLine(matching.contract.name, matching.certain, *row) for row in rows]
