"""The pages of a publication: the league, and the quarterly evaluation. What is in them is sealed; they need nothing beside.

Belongs here: what the pages are made of. Not here: how they look (`pipelines/reports/templates`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.reports import figures
from pipelines.reports.pages import write_page

if TYPE_CHECKING:
    import duckdb

    from pipelines.league.evaluation import Evaluation


def write_pages(results: duckdb.DuckDBPyConnection, folder: Path, made: Evaluation, about: dict[str, Any]) -> None:
    """Write `league.html` and `evaluation.html`; `about` says who published, when, why, and after which entry of the journal."""
    shared = {
        "published": made.published | {"anchor": about["anchor"]},
        "grades": made.grades,
        "made": made,
        "about": about,
    }
    dimensions = {e["department"]: e["dimensions"] for e in figures.league(results)}
    write_page("league_published.html", folder / "league.html", dimensions=dimensions, **shared)
    write_page("evaluation.html", folder / "evaluation.html", **shared)


def moved(move: int | None) -> str:
    """A move in rank as people read it."""
    if move is None:
        return "—"
    return "＝" if move == 0 else f"↑{move}" if move > 0 else f"↓{-move}"
