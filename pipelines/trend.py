"""How scores moved: what they were at the end of each month, from the hand-overs up to it.

Belongs here: which months, and what counts in each. Not here: the arithmetic (`pipelines.scores`).

A month's score is that of what stood if nothing had been handed over for a later month. Every month is held to the rules, the
standard, the waivers and the cross-department checks of today: between two months nothing moves but what was handed over, so
the newest month is the score that is published (docs/decisions/0014-how-a-score-moved.md). Of departments that have become one, the
months before are each one's own, under its own name: a score of two bodies is nobody's.
A dataset counts from its first hand-over on; one that never came counts, as nothing, in all months. The months begin with the
first by which half of the datasets had come, a year before the newest at most.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from assets.departments import walk
from pipelines.scores import count, declare, make_standing

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.departments import Departments
    from assets.waivers import Waiver
    from expectations.standard import Standard
    from pipelines.rulebook import Rule

MONTHS = 13

HISTORY: list[tuple[str, str, str]] = [
    ("month", "VARCHAR", "202610: with what was handed over for this month and those before"),
    ("scope", "VARCHAR", "what is scored: dataset, department, city, province"),
    ("department", "VARCHAR", "the department's folder name, before a merger that of then; NULL for a city and the province"),
    ("dataset", "VARCHAR", "the dataset; NULL above datasets"),
    ("unit", "VARCHAR", "the city; NULL of what is none"),
    ("datasets", "INTEGER", "datasets that count in the month, in the whole province"),
    ("score", "DOUBLE", "0 to 100; NULL where nothing could be assessed"),
    ("coverage", "DOUBLE", "0 to 1: the share of what the contracts call for that exists and was assessed"),
    ("ranked", "DOUBLE", "score x coverage"),
]

MERGED: list[tuple[str, str, str]] = [
    ("department", "VARCHAR", "the department's folder name"),
    ("part", "VARCHAR", "the folder name of a department that became it, its own where it took others in"),
    ("zh", "VARCHAR", "what that was called, in Chinese"),
    ("en", "VARCHAR", "what that was called, in English"),
    ("since", "VARCHAR", "the month from which they are one: 202603"),
]


def merged_rows(departments: Departments) -> list[tuple[str, ...]]:
    """Rows of `MERGED`."""
    return [(body.name, part.name, part.zh, part.en, body.since) for body, part in walk(departments.bodies.values())]


def make_history(
    con: duckdb.DuckDBPyConnection,
    contracts: Collection[Contract],
    rules: Iterable[Rule],
    standard: Standard,
    waivers: Iterable[Waiver],
    departments: Departments,
) -> None:
    """Make the temporary table `score_history` (`HISTORY`) of evidence at hand (`fetch_evidence`).

    Leaves `standing`, `scores` and `called` of the present.
    """
    sources = [c for c in contracts if c.delivery]
    declared = ", ".join(f'"{name}" {kind}' for name, kind, _ in HISTORY)
    con.execute(f"CREATE OR REPLACE TEMP TABLE score_history ({declared})")
    declare(con, contracts, rules, standard, waivers)
    first = _first_months(con, sources)
    months = _months(con, first)
    lay = _folders(con) if any(body.of for body in departments.bodies.values()) else {}
    for month in months[:-1]:
        counting = [c for c in sources if first.get(c.name, month) <= month]
        if lay:
            counting = [replace(c, group=departments.then(c.group, lay.get(c.name, c.group), month)) for c in counting]
        make_standing(con, counting, month)
        count(con)
        _note(con, month, len(counting))
    make_standing(con, contracts)
    count(con)
    if months:
        _note(con, months[-1], len(sources))


def _first_months(con: duckdb.DuckDBPyConnection, sources: Collection[Contract]) -> Mapping[str, str]:
    """By dataset, the month of the first hand-over that was taken in."""
    found = con.execute(
        """SELECT dataset, min(left(period, 6)) FROM evidence.batches
        WHERE status = 'standardised' AND regexp_matches(period, '^[0-9]{6}') AND list_contains(?, dataset) GROUP BY dataset""",
        [[c.name for c in sources]],
    ).fetchall()
    return dict(found)


def _folders(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By dataset, the department whose it was when it was first taken in."""
    return dict(con.execute("SELECT dataset, arg_min(department, collected_at) FROM evidence.batches GROUP BY dataset").fetchall())


def _months(con: duckdb.DuckDBPyConnection, first: Mapping[str, str]) -> list[str]:
    """The months to count, without gaps."""
    if not first:
        return []
    (newest,) = con.execute(
        "SELECT max(left(period, 6)) FROM evidence.batches WHERE status = 'standardised' AND list_contains(?, dataset)", [list(first)]
    ).fetchone() or ("",)
    begin = sorted(first.values())[(len(first) - 1) // 2]
    last = _number(str(newest))
    return [f"{n // 12}{n % 12 + 1:02}" for n in range(max(_number(begin), last - MONTHS + 1), last + 1)]


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[4:6]) - 1


def _note(con: duckdb.DuckDBPyConnection, month: str, datasets: int) -> None:
    con.execute(
        """INSERT INTO score_history
        SELECT ?, scope, department, dataset, unit, ?, score, coverage, ranked FROM scores
        WHERE level = 'total' AND scope IN ('dataset', 'department', 'city', 'province')
            AND (department IS NULL OR department NOT LIKE '%/%')
        ORDER BY scope, department, dataset, unit""",
        [month, datasets],
    )
