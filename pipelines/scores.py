"""Scores per rule, indicator, dimension, dataset, unit and department, from the results of the batches that stand.

Belongs here: which batches count, the arithmetic, and its definition. Not here: reading suites, publishing, wording in reports.

**Elements.** Per rule and batch, B is what was evaluated and A what meets the rule (GB/T 36344-2018: X = A/B). B is the rows
looked at less the empty ones; for completeness (dimension 02) the empty ones are expected to be assigned and stay in B. A rule
on a whole batch (no row count in its result) has the batch as its one element. Of rows that are copies of each other the extra
ones count, where the result says how many they are (`extra_copies`), else all of them, as Great Expectations counts. A failed
rule that names no rows has A = 0. For the indicators that count what should not be (0303, 0305), A is what breaks the rule,
X = A/B, and the score is 1 - X.

**Score** (0 to 100) and **coverage** (0 to 1). A rule's coverage is the share of the standing rows on which it was assessed
(passed or failed), and nothing where it had no element to evaluate at all. *Not assessable, and rules without a result, are not
covered; they never count as passed.*
Upwards, with the weights w of rules (suite), indicators and dimensions (standard) and 1 for each dataset of a department:

    coverage = sum(w * c) / sum(w)        score = sum(w * c * x) / sum(w * c)

The sums for a dimension run over all its indicators in the standard: one for which the suite has no rule has c = 0 (an indicator
that the bureau does not ask for has weight 0). So score x coverage, by which is ranked and graded, is exactly the score in
which everything that was not assessed counts as nothing.

**Standing batches.** Full delivery: the newest batch of each unit (by period, then receipt). Delta: the batches of the newest
partition, and of the 31 days up to it where partitions are days. A model: its newest check.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.rulebook import holder

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from expectations.standard import Standard
    from pipelines.rulebook import Rule

WINDOW_DAYS = 31

COLUMNS: list[tuple[str, str, str]] = [
    ("scope", "VARCHAR", "what is scored: unit (of a dataset), dataset, department"),
    ("level", "VARCHAR", "how finely: rule, indicator, dimension, total"),
    ("department", "VARCHAR", "the department's folder name; for a model <layer>/<database>"),
    ("dataset", "VARCHAR", "the dataset; NULL for a department"),
    ("unit", "VARCHAR", "the unit; NULL for a dataset or department"),
    ("dimension", "VARCHAR", "dimension of GB/T 36344-2018; NULL for the total"),
    ("indicator", "VARCHAR", "indicator of GB/T 36344-2018; NULL above indicators"),
    ("rule", "VARCHAR", "the rule's id; NULL above rules"),
    ("a", "BIGINT", "rule only: elements meeting the rule; for 0303 and 0305 elements breaking it"),
    ("b", "BIGINT", "rule only: elements evaluated"),
    ("measure", "DOUBLE", "rule and indicator: X as the standard has it (A/B); high is bad for 0303 and 0305"),
    ("weight", "DOUBLE", "its weight one level up"),
    ("score", "DOUBLE", "0 to 100, higher is better; NULL where nothing could be assessed"),
    ("coverage", "DOUBLE", "0 to 1: the share of what should be assessed that exists and was assessed"),
    ("ranked", "DOUBLE", "score x coverage (0 to 100): what is not assessed counts as nothing"),
    ("grade", "VARCHAR", "dimension and total: grade of `ranked` by the standard"),
]


def make_standing(con: duckdb.DuckDBPyConnection, contracts: Collection[Contract]) -> None:
    """Make the temporary table `standing(batch, dataset, department, unit, period, rows)` on a connection to the lake."""
    modes = [(c, c.delivery.mode if c.delivery else "model") for c in contracts]
    back = {c.name: WINDOW_DAYS - 1 for c in contracts if c.delivery and c.delivery.partition == "daily"}
    _insert(
        con,
        "delivered (dataset VARCHAR, department VARCHAR, mode VARCHAR, days INTEGER)",
        [(c.name, holder(c), mode, back.get(c.name, 0)) for c, mode in modes],
    )
    con.execute("""
        CREATE OR REPLACE TEMP TABLE standing AS
        WITH accepted AS (
            SELECT b.batch, b.dataset, d.department, coalesce(b.unit, '') AS unit, b.period, b.received_at, d.mode, d.days,
                coalesce(b.rows_raw, 0) AS rows, b.partition_key, max(b.partition_key) OVER (PARTITION BY b.dataset) AS newest
            FROM evidence.batches b JOIN delivered d USING (dataset)
            WHERE b.status = 'standardised' AND d.mode <> 'model')
        SELECT batch, dataset, department, unit, period, rows FROM accepted WHERE mode = 'full'
        QUALIFY row_number() OVER (PARTITION BY dataset, unit ORDER BY period DESC, received_at DESC, batch DESC) = 1
        UNION ALL
        SELECT batch, dataset, department, unit, period, rows FROM accepted
        WHERE mode = 'delta' AND (partition_key IS NOT DISTINCT FROM newest
            OR TRY_CAST(partition_key AS DATE) >= TRY_CAST(newest AS DATE) - to_days(days))
        UNION ALL
        SELECT batch, dataset, department, '' AS unit, '' AS period, max(elements) AS rows FROM (
            SELECT r.batch, r.dataset, d.department, coalesce(r.elements, 0) AS elements
            FROM evidence.results r JOIN delivered d USING (dataset) WHERE d.mode = 'model'
            QUALIFY r.run_id IS NOT DISTINCT FROM first_value(r.run_id) OVER (PARTITION BY r.dataset ORDER BY r.checked_at DESC))
        GROUP BY ALL""")


def make_scores(con: duckdb.DuckDBPyConnection, rules: Iterable[Rule], standard: Standard) -> None:
    """Make the temporary table `scores` (`COLUMNS`) on a connection to the lake; needs `standing` (`make_standing`)."""
    _insert(
        con,
        "asked (indicator VARCHAR, dimension VARCHAR, lower BOOLEAN, weight DOUBLE, dimension_weight DOUBLE)",
        [(i.code, i.dimension, i.inverted, i.weight, standard.dimensions[i.dimension].weight) for i in standard.indicators.values()],
    )
    known = [(r.dataset, r.id, r.indicator, r.weight) for r in rules if r.indicator in standard.indicators]
    _insert(con, "ruled (dataset VARCHAR, rule VARCHAR, indicator VARCHAR, weight DOUBLE)", known)
    _insert(con, "graded (grade VARCHAR, at_least DOUBLE)", [(g.name, g.at_least) for g in standard.grades])
    con.execute("""
        CREATE OR REPLACE TEMP TABLE scored AS SELECT dataset, department, mode FROM delivered
        WHERE mode <> 'model' OR dataset IN (SELECT dataset FROM standing)""")
    con.execute(f"CREATE OR REPLACE TEMP TABLE scores AS {_SCORES}")


def _insert(con: duckdb.DuckDBPyConnection, declared: str, rows: Sequence[tuple[Any, ...]]) -> None:
    con.execute(f"CREATE OR REPLACE TEMP TABLE {declared}")
    if rows:
        con.executemany(f"INSERT INTO {declared.partition(' ')[0]} VALUES ({', '.join('?' * len(rows[0]))})", rows)


# One step up: from (w, c, x) of the parts to (c, x) of the whole.
_ROLLED = "sum(w * c * x) / nullif(sum(w * c), 0) AS x, coalesce(sum(w * c) / nullif(sum(w), 0), 0) AS c"

_SCORES = f"""
WITH latest AS (
    SELECT batch, dataset, rule, outcome, elements, missing,
        coalesce(TRY_CAST(json_extract_string(result, '$.result.extra_copies') AS BIGINT), unexpected) AS unexpected
    FROM evidence.results
    WHERE batch IN (SELECT batch FROM standing)
    QUALIFY row_number() OVER (PARTITION BY batch, dataset, rule ORDER BY checked_at DESC, run_id DESC) = 1),
seen AS (
    SELECT s.dataset, s.unit, r.rule, r.indicator, r.weight, greatest(s.rows, 1) AS rows,
        l.outcome, coalesce(l.unexpected, 0) AS unexpected,
        CASE WHEN l.outcome IS NULL OR l.outcome NOT IN ('passed', 'failed') THEN 0
            WHEN l.elements IS NULL THEN 1
            WHEN a.dimension = '02' THEN l.elements
            ELSE greatest(l.elements - coalesce(l.missing, 0), coalesce(l.unexpected, 0)) END AS b
    FROM standing s JOIN ruled r USING (dataset) JOIN asked a USING (indicator)
        LEFT JOIN latest l ON l.batch = s.batch AND l.dataset = s.dataset AND l.rule = r.rule),
counted AS (
    SELECT *, CASE WHEN outcome = 'failed' AND unexpected = 0 THEN b ELSE least(unexpected, b) END AS breaking FROM seen),
by_rule AS (
    SELECT dataset, unit, rule, indicator, weight AS w, sum(b) AS b, sum(breaking) AS breaking,
        sum(b - breaking) / nullif(sum(b), 0) AS x,
        CASE WHEN sum(b) > 0 THEN sum(rows) FILTER (outcome IN ('passed', 'failed')) / sum(rows) ELSE 0 END AS c
    FROM counted GROUP BY GROUPING SETS ((dataset, unit, rule, indicator, weight), (dataset, rule, indicator, weight))
    UNION ALL BY NAME
    SELECT dataset, rule, indicator, weight AS w, 0 AS b, 0 AS breaking, 0 AS c FROM ruled
    WHERE dataset IN (SELECT dataset FROM scored) AND dataset NOT IN (SELECT dataset FROM standing)),
things AS (
    SELECT DISTINCT dataset, unit FROM standing UNION ALL SELECT dataset, NULL FROM scored),
by_indicator AS (
    SELECT t.dataset, t.unit, a.indicator, a.dimension, a.weight AS w, g.x, coalesce(g.c, 0) AS c
    FROM things t CROSS JOIN asked a
        LEFT JOIN (SELECT dataset, unit, indicator, {_ROLLED} FROM by_rule GROUP BY ALL) g
        ON g.dataset = t.dataset AND g.unit IS NOT DISTINCT FROM t.unit AND g.indicator = a.indicator),
by_dimension AS (
    SELECT dataset, unit, dimension, d.w, x, c FROM (SELECT dataset, unit, dimension, {_ROLLED} FROM by_indicator GROUP BY ALL)
        JOIN (SELECT DISTINCT dimension, dimension_weight AS w FROM asked) d USING (dimension)),
total AS (
    SELECT dataset, unit, 1 AS w, {_ROLLED} FROM by_dimension GROUP BY ALL),
every AS (
    SELECT 'rule' AS level, dataset, unit, a.dimension, indicator, rule, b, breaking, w, x, c FROM by_rule JOIN asked a USING (indicator)
    UNION ALL BY NAME SELECT 'indicator' AS level, * FROM by_indicator
    UNION ALL BY NAME SELECT 'dimension' AS level, * FROM by_dimension
    UNION ALL BY NAME SELECT 'total' AS level, * FROM total),
placed AS (
    SELECT e.*, s.department, s.mode FROM every e JOIN scored s USING (dataset)),
departments AS (
    SELECT level, department, dimension, indicator, any_value(own) AS w, {_ROLLED}
    FROM (SELECT * REPLACE (1 AS w), w AS own FROM placed WHERE unit IS NULL AND mode <> 'model' AND level <> 'rule') GROUP BY ALL),
scopes AS (
    SELECT CASE WHEN unit IS NULL THEN 'dataset' ELSE 'unit' END AS scope, * EXCLUDE (mode) FROM placed
    UNION ALL BY NAME SELECT 'department' AS scope, * FROM departments)
SELECT scope, level, department, dataset, unit, s.dimension, s.indicator, rule,
    CASE WHEN level = 'rule' THEN CASE WHEN a.lower THEN breaking ELSE b - breaking END END::BIGINT AS a, b::BIGINT AS b,
    CASE WHEN level IN ('rule', 'indicator') THEN CASE WHEN a.lower THEN 1 - x ELSE x END END AS measure,
    w AS weight, 100 * x AS score, c AS coverage, coalesce(100 * x * c, 0) AS ranked,
    CASE WHEN level IN ('dimension', 'total') THEN (
        SELECT arg_max(grade, at_least) FROM graded WHERE at_least <= coalesce(100 * x * c, 0)) END AS grade
FROM scopes s LEFT JOIN (SELECT indicator, lower FROM asked) a ON a.indicator = s.indicator
ORDER BY department, dataset NULLS FIRST, unit NULLS FIRST, s.dimension NULLS FIRST, s.indicator NULLS FIRST, rule NULLS FIRST
"""
