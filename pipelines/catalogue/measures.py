"""What results say of a dataset: scores, and what comes late.

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
    """Of one dataset: `score`, `ranked` (0 to 100) and `coverage` (0 to 1), scores by dimension, the newest period that stands.

    `late`: the share of its records (0 to 1) that break its promise of frequency and latency; None where that was not assessed.
    """

    score: float | None = None
    coverage: float | None = None
    ranked: float | None = None
    grade: str | None = None
    dimensions: dict[str, float] = field(default_factory=dict)
    newest: str | None = None
    late: float | None = None

    @property
    def kept(self) -> tuple[str, str]:
        """Whether what must be handed over came in time."""
        if self.late is None:
            return ("未评估", "not assessed")
        return ("逾期", "missed") if self.late else ("按时", "kept")


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
    late = dict(
        results.execute("""
            SELECT s.dataset, max(1 - s.a / s.b)
            FROM (SELECT DISTINCT dataset, unnest(met_by) AS rule FROM called WHERE kind = 'timeliness') c
                JOIN scores s ON s.dataset = c.dataset AND s.rule = c.rule
            WHERE s.scope = 'dataset' AND s.level = 'rule' AND s.b > 0 GROUP BY ALL""").fetchall()
    )
    sql = "SELECT dataset, score, coverage, ranked, grade FROM scores WHERE scope = 'dataset' AND level = 'total' ORDER BY dataset"
    found = {
        dataset: Measures(
            score, coverage, ranked, grade, dimensions=dimensions.get(dataset, {}), newest=newest.get(dataset), late=late.get(dataset)
        )
        for dataset, score, coverage, ranked, grade in results.execute(sql).fetchall()
    }
    return Measured(at, {code: (zh, en) for code, zh, en in names}, found)
