"""What results say of a dataset: scores, and whether its promises of time are kept.

Belongs here: reading published results. Not here: what contracts say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Measures:
    """Of one dataset: `score`, `ranked` (0 to 100) and `coverage` (0 to 1), scores by dimension, whether it is timely.

    `kept`: True where every rule on frequency and latency passed on what stands, False where one failed, None where none was assessed.
    """

    score: float | None = None
    coverage: float | None = None
    ranked: float | None = None
    grade: str | None = None
    dimensions: dict[str, float] = field(default_factory=dict)
    newest: str | None = None
    kept: bool | None = None


@dataclass(frozen=True)
class Measured:
    """All measures of one publication; `dimensions` by code, with their names in Chinese and in English."""

    at: datetime | None = None
    dimensions: dict[str, tuple[str, str]] = field(default_factory=dict)
    datasets: dict[str, Measures] = field(default_factory=dict)


def measured(results: duckdb.DuckDBPyConnection) -> Measured:
    """What the published results say."""
    (at,) = results.execute("SELECT published_at FROM published").fetchone() or (None,)
    names = results.execute("SELECT DISTINCT dimension, dimension_zh, dimension_en FROM indicators ORDER BY 1").fetchall()
    dimensions: dict[str, dict[str, float]] = {}
    sql = "SELECT dataset, dimension, score FROM scores WHERE scope = 'dataset' AND level = 'dimension' AND score IS NOT NULL ORDER BY ALL"
    for dataset, dimension, score in results.execute(sql).fetchall():
        dimensions.setdefault(dataset, {})[dimension] = score
    newest = dict(results.execute("SELECT dataset, max(period) FROM standing WHERE period <> '' GROUP BY ALL").fetchall())
    kept = dict(
        results.execute("""
            SELECT r.dataset, bool_and(r.outcome = 'passed')
            FROM (SELECT DISTINCT dataset, unnest(met_by) AS rule FROM called WHERE kind = 'timeliness') c
                JOIN standing_results r ON r.dataset = c.dataset AND r.rule = c.rule
            WHERE r.outcome IN ('passed', 'failed') GROUP BY ALL""").fetchall()
    )
    sql = "SELECT dataset, score, coverage, ranked, grade FROM scores WHERE scope = 'dataset' AND level = 'total' ORDER BY dataset"
    found = {
        dataset: Measures(
            score, coverage, ranked, grade, dimensions=dimensions.get(dataset, {}), newest=newest.get(dataset), kept=kept.get(dataset)
        )
        for dataset, score, coverage, ranked, grade in results.execute(sql).fetchall()
    }
    return Measured(at, {code: (zh, en) for code, zh, en in names}, found)
