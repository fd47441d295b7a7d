"""The overview: one page for a leader, the province at a glance, each figure leading to the department that can change it.

Belongs here: what the page is made of, and the figures that only it has. Not here: figures of one department (`figures`, `head`),
where tiles lie (`pictures`), the look (`templates/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from assets.lake import objects as rows
from pipelines.reports import figures, head, pictures
from pipelines.reports.issues import issues_by_department, open_issues
from pipelines.reports.pages import score, write_page
from pipelines.reports.places import Row

if TYPE_CHECKING:
    import duckdb

WORST = 10
MOVERS = 5
MONTHS_SHOWN = 13


def write_overview(results: duckdb.DuckDBPyConnection, target: Path, names: Mapping[str, str] | None = None) -> Path:
    """Write the page; `names` are those of divisions by code, for cities of which nothing is known."""
    league = figures.league(results)
    cities = _cities(results)
    history = head.history(results, "province")
    total = rows(results, "FROM scores WHERE scope = 'province' AND level = 'total'")
    return write_page(
        "overview.html",
        target,
        published=figures.publication(results),
        grades=figures.grades(results),
        league=league,
        whole=total[0] if total else None,
        moved=history[-1] if len(history) > 1 and history[-1]["move"] is not None else None,
        before=history[-2] if len(history) > 1 else None,
        cities=cities,
        tiles=_tiles(cities, names or {}),
        dimensions=_dimensions(results),
        history=history[-MONTHS_SHOWN:],
        issues=open_issues(results),
        by_department=issues_by_department(results),
        worst=worst(results),
        movers=movers(results, league),
        fresh=_fresh(results),
    )


def _tiles(cities: list[Row], names: Mapping[str, str]) -> list[Row]:
    """The map, where a city is on it; each tile with its place in the league of cities."""
    by = {c["unit"]: c for c in cities}
    if not by.keys() & pictures.TILES.keys():
        return []
    found = [{"x": c["unit"], "y": c["ranked"], "name": pictures.NAMES.get(c["unit"], c["zh"])} for c in cities]
    made = pictures.tiles(found, score, {**names, **pictures.NAMES})
    return [tile | {"rank": by.get(tile["unit"], {}).get("rank")} for tile in made]


def _cities(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Cities by score x coverage, with the move since the month before, and the dataset of theirs that stands worst."""
    return rows(
        con,
        """
        WITH moved AS (
            SELECT unit, ranked - lag(ranked) OVER (PARTITION BY unit ORDER BY month) AS move FROM score_history WHERE scope = 'city'
            QUALIFY month = (SELECT max(month) FROM score_history)),
        weakest AS (
            SELECT s.unit, s.dataset, s.department, d.title, d.department_zh, s.ranked AS weakest
            FROM scores s JOIN datasets d USING (dataset) WHERE s.scope = 'unit' AND s.level = 'total' AND d.layer = 'sources'
            QUALIFY row_number() OVER (PARTITION BY s.unit ORDER BY s.ranked, s.dataset) = 1)
        SELECT c."rank", c.unit, c.zh, c.score, c.coverage, c.ranked, c.grade, m.move, w.dataset, w.department, w.title, w.department_zh,
            w.weakest
        FROM cities c LEFT JOIN moved m USING (unit) LEFT JOIN weakest w USING (unit) ORDER BY c."rank", c.unit""",
    )


def _dimensions(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """The province's dimensions, each with the department that stands worst in it."""
    return rows(
        con,
        """
        WITH weakest AS (
            SELECT s.dimension, s.department, s.ranked AS weakest, d.zh AS department_zh
            FROM scores s JOIN (SELECT department, any_value(department_zh) AS zh FROM datasets WHERE layer = 'sources' GROUP BY ALL) d
                USING (department)
            WHERE s.scope = 'department' AND s.level = 'dimension' AND s.ranked < 100
            QUALIFY row_number() OVER (PARTITION BY s.dimension ORDER BY s.ranked, s.department) = 1)
        SELECT s.dimension, i.zh, i.en, s.score, s.coverage, s.ranked, w.department, w.department_zh, w.weakest
        FROM scores s JOIN (SELECT DISTINCT dimension, dimension_zh AS zh, dimension_en AS en FROM indicators) i USING (dimension)
            LEFT JOIN weakest w USING (dimension)
        WHERE s.scope = 'province' AND s.level = 'dimension' ORDER BY s.dimension""",
    )


def worst(con: duckdb.DuckDBPyConnection, most: int = WORST) -> list[Row]:
    """The rules that take most from the province's score, with what that is (`of_province`) and whose they are."""
    return rows(
        con,
        """
        SELECT f.dataset, f.rule, f.title_zh, f.title_en, f."rows", f.since, f.department, d.title, d.department_zh, g.of_province,
            g.of_department
        FROM failing_rules f JOIN gains g USING (dataset, rule) JOIN datasets d USING (dataset)
        WHERE d.layer = 'sources' AND g.of_province > 0 ORDER BY g.of_province DESC, f.dataset, f.rule LIMIT ?""",
        [most],
    )


def movers(con: duckdb.DuckDBPyConnection, league: list[Row], most: int = MOVERS) -> dict[str, list[Row]]:
    """`up` and `down`: the departments that moved furthest since the month before, as far as two decimals show it."""
    moves = head.moves(con)
    moved = [e | moves[e["department"]] for e in league if e["department"] in moves and abs(moves[e["department"]]["move"]) >= 0.005]
    return {
        "up": sorted((e for e in moved if e["move"] > 0), key=lambda e: (-e["move"], e["department"]))[:most],
        "down": sorted((e for e in moved if e["move"] < 0), key=lambda e: (e["move"], e["department"]))[:most],
    }


def _fresh(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Every dataset's newest hand-over, the latest ones first."""
    return rows(
        con,
        """
        SELECT f.*, d.title, d.department, d.department_zh, d.period FROM freshness f JOIN datasets d USING (dataset)
        ORDER BY f.late_days DESC, f.behind > 0 DESC, d.department, f.dataset""",
    )
