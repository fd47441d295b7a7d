"""What mending brings: by how many points a score rises when every element of a failing rule meets it.

Belongs here: that arithmetic. Not here: scores (`pipelines.scores`), how much there is to mend (`pipelines.reports.mending`).

Every level of a score is an average (`pipelines.scores`), so a rule's part in a score is the product of the shares that it, its
indicator, its dimension and its dataset have among their neighbours. The score rises by that part times what the rule lacks; what
was assessed, and so coverage, stays as it is. Hence the points of several rules add up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.scores import added

if TYPE_CHECKING:
    import duckdb

GAINS: list[tuple[str, str, str]] = [
    ("dataset", "VARCHAR", "the dataset"),
    ("rule", "VARCHAR", "a rule that what stands breaks, waived failures apart"),
    ("of_dataset", "DOUBLE", "points that the dataset's score x coverage gains when nothing breaks the rule any more"),
    ("of_department", "DOUBLE", "the same of the department; NULL for a model"),
    ("of_province", "DOUBLE", "the same of the whole province; NULL for a model"),
]


def _share(among: str) -> str:
    return f"w * v / nullif({added('w * v')} FILTER (x IS NOT NULL) OVER (PARTITION BY {among}), 0)"


_GAINS = f"""
WITH parts AS (SELECT * FROM rolled WHERE unit IS NULL),
of_indicator AS (
    SELECT dataset, dimension, indicator, rule, x, {_share("dataset, indicator")} AS share FROM parts WHERE level = 'rule'),
of_dimension AS (
    SELECT dataset, dimension, indicator, {_share("dataset, dimension")} AS share FROM parts WHERE level = 'indicator'),
of_total AS (
    SELECT dataset, dimension, {_share("dataset")} AS share FROM parts WHERE level = 'dimension'),
wholes AS (
    SELECT dataset, department, mode, c,
        CASE WHEN mode <> 'model' THEN {_share("department, mode = 'model'")} END AS of_department,
        CASE WHEN mode <> 'model' THEN {_share("mode = 'model'")} END AS of_province
    FROM (SELECT * REPLACE (1 AS w) FROM parts WHERE level = 'total')),
totals AS (SELECT scope, department, coverage FROM scores WHERE level = 'total' AND scope IN ('department', 'province'))
SELECT r.dataset, r.rule, 100 * w.c * lack AS of_dataset, 100 * d.coverage * w.of_department * lack AS of_department,
    100 * p.coverage * w.of_province * lack AS of_province
FROM (SELECT r.*, (1 - r.x) * r.share * i.share * t.share AS lack FROM of_indicator r
        JOIN of_dimension i ON i.dataset = r.dataset AND i.indicator = r.indicator
        JOIN of_total t ON t.dataset = r.dataset AND t.dimension = r.dimension
        WHERE r.x < 1) r
    JOIN wholes w USING (dataset)
    LEFT JOIN totals d ON d.scope = 'department' AND d.department = w.department AND w.mode <> 'model'
    LEFT JOIN totals p ON p.scope = 'province'
ORDER BY r.dataset, r.rule
"""


def make_gains(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `gains` (`GAINS`). Needs what `pipelines.scores.count` has just made."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE gains AS {_GAINS}")
