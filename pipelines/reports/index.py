"""The index page: the league of departments, the base and thematic databases, and how a score is made.

Belongs here: what the page is made of. Not here: the queries (`figures`), its look (`templates/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.reports import contradictions, figures
from pipelines.reports.pages import write_page

if TYPE_CHECKING:
    import duckdb


def write_index(
    results: duckdb.DuckDBPyConnection,
    target: Path,
    proof: Path | None = None,
    themes: Sequence[tuple[Path, figures.Row]] = (),
    lineage: Path | None = None,
    overview: Path | None = None,
) -> Path:
    """Write the index with the league; `proof` is the appendix, `lineage` and `overview` those pages, where there is one, `themes` the
    pictures."""
    return write_page(
        "index.html",
        target,
        published=figures.publication(results),
        grades=figures.grades(results),
        league=figures.league(results),
        cities=figures.cities(results),
        models=figures.models(results),
        checks=contradictions.by_check(results),
        lineage=lineage.name if lineage else None,
        overview=overview.name if overview else None,
        proof=proof.name if proof else "",
        themes=[{"href": f"{path.parent.name}/{path.name}", **title} for path, title in themes],
        runs=figures.rows(results, "FROM runs ORDER BY started_at DESC, run_id LIMIT 5"),
    )
