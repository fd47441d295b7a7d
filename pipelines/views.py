"""The views of the published results: the questions that are asked most, written once.

Belongs here: the SQL of the views and what their own columns mean. Not here: the tables (`pipelines.results`).
"""

from __future__ import annotations


def newest(results: str) -> str:
    """SQL for the newest result of each rule on each batch, from a relation with the columns of `evidence.results`.

    A table that is checked anew keeps its earlier results: what holds now is chosen here, before anything is asked of it.
    """
    chosen = "row_number() OVER (PARTITION BY batch, dataset, rule ORDER BY checked_at DESC, run_id DESC) = 1"
    return f"(SELECT * FROM {results} QUALIFY {chosen})"


_STANDING_RESULTS = f"""
    SELECT r.*, s.unit, s.period, s.department, w.officer IS NOT NULL AND r.outcome = 'failed' AS waived
    FROM {newest("results")} r JOIN standing s ON s.batch = r.batch AND s.dataset = r.dataset
        LEFT JOIN (SELECT dataset, rule, unit, any_value(officer) AS officer FROM waivers WHERE holds AND tickets IS NULL GROUP BY ALL) w
        ON w.dataset = r.dataset AND w.rule = r.rule AND (w.unit = '' OR w.unit = s.unit)
    QUALIFY row_number() OVER (PARTITION BY r.batch, r.dataset, r.rule) = 1"""

_FAILING_RULES = """
    WITH dated AS (
        SELECT r.dataset, r.rule, r.outcome, coalesce(b.unit, '') AS unit, coalesce(b.period, '') AS period
        FROM results r JOIN batches b USING (batch)),
    good AS (
        SELECT dataset, rule, unit, max(period) AS period FROM dated WHERE outcome = 'passed' GROUP BY ALL),
    since AS (
        SELECT d.dataset, d.rule, min(d.period) AS since
        FROM dated d LEFT JOIN good g ON g.dataset = d.dataset AND g.rule = d.rule AND g.unit = d.unit
        WHERE d.outcome = 'failed' AND (g.period IS NULL OR d.period > g.period) GROUP BY ALL),
    counted AS (
        SELECT n.department, n.dataset, n.rule, u.title_zh, u.title_en, u.remedy_zh, u.remedy_en, u.indicator, u.weight, u.severity,
            u.blocking, (sum(greatest(coalesce(n.unexpected, 0), 1)) FILTER (n.outcome = 'failed'))::BIGINT AS "rows",
            sum(coalesce(n.elements, 1) - CASE WHEN u.indicator LIKE '02%' THEN 0 ELSE coalesce(n.missing, 0) END)::BIGINT AS evaluated,
            count(*) FILTER (n.outcome = 'failed') AS batches,
            count(DISTINCT n.unit) FILTER (n.outcome = 'failed') AS units,
            least(min(w.since), min(n.period) FILTER (n.outcome = 'failed')) AS since
        FROM standing_results n JOIN rules u ON u.dataset = n.dataset AND u.rule = n.rule
            LEFT JOIN since w ON w.dataset = n.dataset AND w.rule = n.rule
        WHERE n.outcome IN ('passed', 'failed') AND NOT n.waived GROUP BY ALL HAVING bool_or(n.outcome = 'failed'))
    SELECT *, weight * "rows" AS urgency FROM counted ORDER BY urgency DESC, dataset, rule"""

_NOT_ASSESSABLE = """
    SELECT department, dataset, rule, batch, unit, period, note FROM standing_results WHERE outcome = 'not_assessable'"""

_WAIVED = """
    SELECT n.department, n.dataset, n.rule, n.unit, u.title_zh, u.title_en, count(*) AS batches,
        sum(greatest(coalesce(n.unexpected, 0), 1))::BIGINT AS "rows", arg_max(w.reason, w.unit) AS reason,
        arg_max(w.officer, w.unit) AS officer, max(w.until) AS until
    FROM standing_results n JOIN rules u ON u.dataset = n.dataset AND u.rule = n.rule
        JOIN waivers w ON w.holds AND w.tickets IS NULL AND w.dataset = n.dataset AND w.rule = n.rule AND (w.unit = '' OR w.unit = n.unit)
    WHERE n.waived GROUP BY ALL ORDER BY until, n.dataset, n.rule, n.unit"""

_CITIES = """
    SELECT rank() OVER (ORDER BY round(s.ranked, 6) DESC) AS "rank", s.unit, u.zh,
        s.score, s.coverage, s.ranked, s.grade, s.target, s.waived
    FROM scores s JOIN units u USING (unit) WHERE s.scope = 'city' AND s.level = 'total' ORDER BY s.ranked DESC, s.unit"""

_LEAGUE = """
    SELECT rank() OVER (ORDER BY round(ranked, 6) DESC) AS "rank", department, score, coverage, ranked, grade, target, waived
    FROM scores WHERE scope = 'department' AND level = 'total' ORDER BY ranked DESC, department"""

VIEWS: dict[str, tuple[str, str, dict[str, str]]] = {
    "standing_results": (
        "the newest result of each rule on each standing batch",
        _STANDING_RESULTS,
        {"waived": "whether it failed under a waiver that holds: shown, and in no score"},
    ),
    "failing_rules": (
        "rules that standing batches break now, the most urgent first",
        _FAILING_RULES,
        {
            "rows": "rows that break it; for a rule on a whole batch, batches",
            "evaluated": "rows evaluated in all standing batches",
            "batches": "standing batches that break it",
            "units": "units that break it",
            "since": "since which period: the first after the last good one, or the first that stands and fails",
            "urgency": "weight x rows: what to mend first",
        },
    ),
    "not_assessable": ("rules that could not be assessed on standing batches, and why", _NOT_ASSESSABLE, {}),
    "waived": (
        "what breaks rules under a waiver that holds: shown, and in no score",
        _WAIVED,
        {
            "batches": "standing batches that break it",
            "rows": "rows that break it; for a rule on a whole batch, batches",
        },
    ),
    "cities": (
        "cities by score x coverage, over the datasets that they hand over by themselves",
        _CITIES,
        {"rank": "its place; equal values share one"},
    ),
    "league": ("departments by score x coverage", _LEAGUE, {"rank": "its place; equal values share one"}),
}
"""Name -> (comment, SELECT, comments of the columns that no table has)."""

STORED = frozenset({"failing_rules"})
"""Kept as tables, because every page asks them; the file never changes, so they cannot go stale."""
