"""The quarterly evaluation: of each department its scores, its place and move, what was found and mended, and punctuality.

Belongs here: what is evaluated, from the published results. Not here: scores (`pipelines.scores`), looks (`showing`, `workbook`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assets.lake import is_there, objects
from pipelines.freshness import expected_periods
from pipelines.league.quarters import Quarter
from pipelines.reports import figures

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.departments import Departments
    from pipelines.league import Publication

Row = dict[str, Any]


@dataclass(frozen=True)
class Punctuality:
    """Hand-overs for the periods of the quarter that were due: in time, late, and not there; `pulled` datasets are asked by us."""

    in_time: int = 0
    late: int = 0
    missing: int = 0
    pulled: int = 0

    @property
    def due(self) -> int:
        return self.in_time + self.late + self.missing

    @property
    def share(self) -> float | None:
        """0 to 1; None where nothing was due from the department itself."""
        return self.in_time / self.due if self.due else None


@dataclass(frozen=True)
class Issues:
    """Issues up to now: all that were found, of these mended (handed over again in order), open, and open beyond their day."""

    found: int
    mended: int
    open: int
    overdue: int


@dataclass(frozen=True)
class Department:
    """One department's evaluation; `before` is its rank in the publication before, None where it was in none.

    `was`: the names and ranks there of those that became it since: they were others, and it has not moved.
    """

    department: str
    zh: str
    en: str
    rank: int
    before: int | None
    score: float | None
    coverage: float | None
    ranked: float | None
    grade: str | None
    target: float | None
    waived: int
    punctuality: Punctuality
    issues: Issues | None
    was: tuple[tuple[str, int], ...] = ()

    @property
    def move(self) -> int | None:
        """Places gained since; negative: lost."""
        return None if self.before is None else self.before - self.rank


@dataclass(frozen=True)
class Evaluation:
    """All of it; `since` is the publication that moves are counted from."""

    quarter: Quarter
    published: Row
    departments: list[Department]
    weights: list[Row]
    grades: dict[str, Row]
    since: tuple[int, str] | None

    def as_json(self) -> Row:
        """For programs, and for the next publication to count moves from."""
        departments = [asdict(d) | {"move": d.move, "punctual": d.punctuality.share} for d in self.departments]
        return {
            "quarter": self.quarter.name,
            "standard": self.published["standard"],
            "fingerprint": self.published["standard_fingerprint"],
            "snapshot": self.published["snapshot"],
            "since": self.since[0] if self.since else None,
            "departments": departments,
            "weights": self.weights,
        }


def evaluate(
    results: duckdb.DuckDBPyConnection,
    contracts: Collection[Contract],
    quarter: Quarter,
    now: datetime,
    before: Publication | None,
    departments: Departments,
) -> Evaluation:
    """The evaluation of a quarter from the published results; `before` is the publication that moves are counted from."""
    came = punctuality(results, contracts, quarter, now)
    found = issues(results)
    ranks = _ranks(before, departments) if before else {}
    evaluated = [
        Department(
            e["department"],
            e["zh"],
            e["en"],
            e["rank"],
            (places := ranks.get(e["department"], _Places())).before,
            e["score"],
            e["coverage"],
            e["ranked"],
            e["grade"],
            e["target"],
            e["waived"] or 0,
            came.get(e["department"], Punctuality()),
            None if found is None else found.get(e["department"], Issues(0, 0, 0, 0)),
            places.was,
        )
        for e in figures.league(results)
    ]
    weights = objects(results, "FROM indicators ORDER BY dimension, indicator")
    since = (before.seq, before.quarter) if before else None
    return Evaluation(quarter, figures.publication(results), evaluated, weights, figures.grades(results), since)


@dataclass(frozen=True)
class _Places:
    """Where a department stood in an earlier publication, or those that became it since."""

    before: int | None = None
    was: tuple[tuple[str, int], ...] = ()


def _ranks(before: Publication, departments: Departments) -> Mapping[str, _Places]:
    """By department of today, its place in a publication; none where its file is gone or no longer what was sealed, which
    `yuanqing league verify` tells."""
    from pipelines.league import DATA
    from pipelines.sealing import sm3_file

    path = before.folder / DATA
    if not path.is_file() or sm3_file(path) != before.files.get(DATA):
        return {}
    found: dict[str, list[Row]] = {}
    for row in json.loads(path.read_text(encoding="utf-8"))["departments"]:
        found.setdefault(departments.now(row["department"]), []).append(row)
    places = {}
    for name, rows in found.items():
        body = departments.bodies.get(name)
        same = len(rows) == 1 and (body is None or (rows[0]["department"] in body.own and before.at[:7].replace("-", "") >= body.since))
        places[name] = _Places(rows[0]["rank"]) if same else _Places(was=tuple((r["zh"], r["rank"]) for r in rows))
    return places


def issues(results: duckdb.DuckDBPyConnection) -> dict[str, Issues] | None:
    """By department, its issues; None where results do not follow issues."""
    if not is_there(results, "ticket_groups"):
        return None
    rows = results.execute(
        "SELECT department, sum(open + closed)::BIGINT, sum(verified)::BIGINT, sum(open)::BIGINT, sum(overdue)::BIGINT"
        " FROM ticket_groups GROUP BY department"
    ).fetchall()
    if not rows and results.execute("SELECT 1 FROM issues LIMIT 1").fetchone():  # a lake whose issues were never followed
        return None
    return {department: Issues(*counts) for department, *counts in rows}


def punctuality(
    results: duckdb.DuckDBPyConnection, contracts: Collection[Contract], quarter: Quarter, now: datetime
) -> dict[str, Punctuality]:
    """By department: of each unit and each period that begins in the quarter, when it came, against the contract's latency.

    The first hand-over that was taken in counts. What did not come is missing once it is due: of a unit from its first hand-over on,
    where the contract declares it or it came for several periods (a unit may be a task that comes once); of others where nobody came.
    """
    from pipelines.rulebook import holder

    came: dict[str, dict[str, dict[str, datetime]]] = {}  # by dataset, unit and period
    for dataset, unit, period, at in results.execute(
        "SELECT dataset, coalesce(unit, ''), period, min(coalesce(received_at, collected_at)) FROM batches"
        " WHERE status IN ('standardised', 'collected') AND period IS NOT NULL GROUP BY ALL"
    ).fetchall():
        came.setdefault(dataset, {}).setdefault(unit, {})[period] = at
    counts: dict[str, list[int]] = {}
    for contract in contracts:
        if contract.delivery is None:
            continue
        counted = counts.setdefault(holder(contract), [0, 0, 0, 0])
        units = came.get(contract.name, {})
        if contract.server.type != "local":
            counted[3] += 1
        elif units:
            for at, number in enumerate(_counted(contract, units, quarter, now)):
                counted[at] += number
    return {department: Punctuality(*c) for department, c in counts.items()}


def _counted(contract: Contract, units: Mapping[str, Mapping[str, datetime]], quarter: Quarter, now: datetime) -> tuple[int, int, int]:
    """In time, late and missing of one dataset."""
    assert contract.delivery is not None
    declared = set(contract.delivery.units)
    first = min(period for periods in units.values() for period in periods)
    since = {unit: min(periods) for unit, periods in units.items()} | dict.fromkeys(declared - set(units), first)
    regular = {unit for unit in since if not unit or unit in declared or len(units[unit]) > 1}
    in_time = late = missing = 0
    for period, limit in expected_periods(contract, first, quarter.begin, quarter.end):
        times = {unit: periods[period] for unit, periods in units.items() if period in periods}
        on_day = sum(at <= limit for at in times.values())
        in_time, late = in_time + on_day, late + len(times) - on_day
        if limit < now:
            absent = sum(since[unit] <= period for unit in regular - set(times))
            missing += absent if regular else not times
    return in_time, late, missing
