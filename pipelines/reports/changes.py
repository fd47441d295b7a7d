"""What changed in a department since last month: rules that fail newly, that were mended, that fail on more rows or fewer.

What stands now is held against what stood if nothing had been handed over for the newest month of each dataset: the newest batch of
each unit of a full delivery, the newest partition (or the days up to it) of a delta, of the months before. Both sides leave out what is
waived now. Belongs here: that comparison, as plain rows. Not here: its look (`templates/changes.html`), how scores moved
(`pipelines.trend`), the change of a table's rows (`pipelines.lineage.differences`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.lake import objects as rows
from pipelines.reports.places import Row
from pipelines.views import newest

if TYPE_CHECKING:
    import duckdb

SHOWN = 12
"""Rules of one kind that are listed; of more their number is told."""

_BOTH = """
WITH accepted AS (
    SELECT b.dataset, b.batch, coalesce(b.unit, '') AS unit, b.period, b.partition_key, b.received_at, b.rows_raw, d.mode,
        CASE WHEN bool_and(ends_with(b.partition_key, '-01')) OVER (PARTITION BY b.dataset) THEN 0
            ELSE (SELECT window_days FROM published) - 1 END AS days,  -- back from the newest day; months stand by themselves
        left(b.period, 6) AS month, max(left(b.period, 6)) OVER (PARTITION BY b.dataset) AS newest
    FROM batches b JOIN datasets d USING (dataset)
    WHERE d.department = $1 AND d.layer = 'sources' AND b.status = 'standardised'),
before AS (SELECT *, max(partition_key) OVER (PARTITION BY dataset) AS last FROM accepted WHERE month < newest),
stood AS (
    SELECT dataset, batch, unit, month, rows_raw FROM before WHERE mode = 'full'
    QUALIFY row_number() OVER (PARTITION BY dataset, unit ORDER BY period DESC, received_at DESC, batch DESC) = 1
    UNION ALL
    SELECT dataset, batch, unit, month, rows_raw FROM before WHERE mode = 'delta' AND (partition_key IS NOT DISTINCT FROM last
        OR TRY_CAST(partition_key AS DATE) >= TRY_CAST(last AS DATE) - to_days(days))),
stands AS (
    SELECT s.dataset, s.batch, s.unit, a.month, a.rows_raw FROM standing s JOIN accepted a ON a.batch = s.batch AND a.dataset = s.dataset),
both_of AS (SELECT *, FALSE AS now FROM stood UNION ALL SELECT *, TRUE AS now FROM stands)"""

_DATASETS = f"""{_BOTH},
counted AS (
    SELECT dataset, max(month) FILTER (now) AS month, max(month) FILTER (NOT now) AS month_before,
        (sum(rows_raw) FILTER (now))::BIGINT AS "rows", (sum(rows_raw) FILTER (NOT now))::BIGINT AS rows_before
    FROM both_of GROUP BY dataset),
since AS (
    SELECT b.dataset, count(*) FILTER (b.status = 'standardised') AS accepted, count(*) FILTER (b.status = 'refused') AS refused,
        count(*) FILTER (b.status = 'repeated') AS repeated
    FROM batches b JOIN counted c ON c.dataset = b.dataset WHERE left(b.period, 6) > c.month_before GROUP BY ALL)
SELECT c.*, d.title, d.title_en, coalesce(s.accepted, 0) AS accepted, coalesce(s.refused, 0) AS refused, coalesce(s.repeated, 0) AS repeated
FROM counted c JOIN datasets d USING (dataset) LEFT JOIN since s USING (dataset) ORDER BY c.dataset"""

_RULES = f"""{_BOTH},
judged AS (
    SELECT b.now, b.dataset, r.rule, r.outcome, greatest(coalesce(r.unexpected, 0), 1) AS broken
    FROM both_of b JOIN {newest("results")} r ON r.batch = b.batch AND r.dataset = b.dataset
    WHERE r.outcome IN ('passed', 'failed') AND NOT EXISTS (
        FROM waivers w WHERE w.holds AND w.dataset = r.dataset AND w.rule = r.rule AND (w.unit = '' OR w.unit = b.unit))),
counted AS (
    SELECT dataset, rule, count(*) FILTER (now) AS judged, count(*) FILTER (NOT now) AS judged_before,
        coalesce(sum(broken) FILTER (now AND outcome = 'failed'), 0)::BIGINT AS "rows",
        coalesce(sum(broken) FILTER (NOT now AND outcome = 'failed'), 0)::BIGINT AS rows_before
    FROM judged GROUP BY ALL)
SELECT c.*, d.title, u.title_zh, u.title_en, u.severity FROM counted c
    JOIN datasets d USING (dataset) JOIN rules u ON u.dataset = c.dataset AND u.rule = c.rule
WHERE c.dataset IN (SELECT dataset FROM both_of WHERE NOT now) AND c.judged > 0 AND ("rows" > 0 OR rows_before > 0)
ORDER BY abs("rows" - rows_before) DESC, c.dataset, c.rule"""


def changes(con: duckdb.DuckDBPyConnection, department: str) -> Row | None:
    """What changed for the department with this folder name; None where nothing was handed over for two months.

    `datasets`: those that have a month before, each with `month` and `month_before` (202610), `rows` then and now and the hand-overs
    since. `first`: titles of datasets of one month only. `failing`, `mended`, `more`, `fewer`: the rules of each kind, the largest change
    first, at most `SHOWN`, with `rows` and `rows_before`; `judged_before` is 0 of a rule that was not judged then. `counts` has how
    many there are of each kind, and of `same`; `rows` and `rows_before` add all up.
    """
    datasets = rows(con, _DATASETS, [department])
    compared = [d for d in datasets if d["month_before"]]
    if not compared:
        return None
    kinds: dict[str, list[Row]] = {kind: [] for kind in ("failing", "mended", "more", "fewer", "same")}
    for rule in rows(con, _RULES, [department]):
        kinds[_kind(rule["rows"], rule["rows_before"])].append(rule)
    every = [rule for found in kinds.values() for rule in found]
    return {
        "datasets": compared,
        "first": [d["title"] for d in datasets if not d["month_before"]],
        **{kind: found[:SHOWN] for kind, found in kinds.items() if kind != "same"},
        "counts": {kind: len(found) for kind, found in kinds.items()},
        "rows": sum(r["rows"] for r in every),
        "rows_before": sum(r["rows_before"] for r in every),
    }


def _kind(now: int, before: int) -> str:
    if not before:
        return "failing"
    if not now:
        return "mended"
    return "more" if now > before else "fewer" if now < before else "same"
