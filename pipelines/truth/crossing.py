"""The truth about disagreements between departments: which planted ones the cross-department checks found, and which they left
in peace while their days of grace run.

Belongs here: that comparison. Not here: faults within one dataset (`planted`), the checks (`assets.crosschecks`).

A planted disagreement (`cross`) is caught where a check that claims its kind has a defect on its row, as either of the two records.
One within its grace (`graced`) must not be a defect. A defect is a false alarm where neither record bears a planted disagreement of
a kind that its check claims, nor a fault of another kind that stands uncorrected. What a later hand-over has replaced is not counted.
Where one of a check's sources has not handed over what others have, its clock is behind theirs: what it found, and would tell by
their clock, is pending.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from assets.lake import is_there, quote
from pipelines.truth.report import EXAMPLES, Example, KindLine, Place, TruthReport, located

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

EFFECTS = ("cross", "graced")
UNCORRECTED = ("flag", "quarantine", "none")


def compare_crossed(con: duckdb.DuckDBPyConnection, project: Project, faults: Iterable[Mapping[str, Any]], report: TruthReport) -> None:
    """Add the planted disagreements, and the false alarms of cross-department checks, to the report."""
    from assets.crosschecks.counting import overdue
    from assets.crosschecks.declared import TABLE, cross_checks

    if not is_there(con, TABLE):
        return
    claims = {c.id: frozenset(c.claims) for c in cross_checks(project)}
    placed = located(con, project, [f for f in faults if f["effect"] in (*EFFECTS, *UNCORRECTED) and f["row"] is not None])
    standing = {name: _standing(con, name, {p for _, p in of if p is not None}) for name, of in placed.items()}
    planted: dict[Place, set[str]] = defaultdict(set)
    spoilt: set[Place] = set()
    for of in placed.values():
        for fault, place in of:
            if place is not None and fault["effect"] == "cross":
                planted[place].add(fault["kind"])
            elif place is not None and fault["effect"] in UNCORRECTED:
                spoilt.add(place)
    defects: dict[Place, set[str]] = defaultdict(set)
    waiting: dict[Place, set[str]] = defaultdict(set)
    for check, dataset, told, *sides in con.execute(
        f'SELECT d."check", d.dataset, {overdue()} AS told, d.batch, d."row", d.other_batch, d.other_row FROM {quote(TABLE)} d'
        ' JOIN evidence.crosschecks c USING ("check")'
        " WHERE d.due < (SELECT max(as_of) FROM evidence.crosschecks) AND c.silent IS NULL ORDER BY ALL"
    ).fetchall():
        places = [(batch, row) for batch, row in (sides[:2], sides[2:]) if batch is not None]
        for place in places:
            (defects if told else waiting)[place].add(check)
        if not told:
            continue
        kinds = frozenset[str]().union(*(planted.get(p, set()) for p in places))
        if not kinds & claims[check] and not spoilt.intersection(places):
            report.false_alarms[dataset, check] = report.false_alarms.get((dataset, check), 0) + 1
            if len(report.alarms) < EXAMPLES:
                at = places[0] if places else ("", None)
                report.alarms.append(Example(dataset, check, *at))
    _count(placed, standing, claims, defects, waiting, planted, report)


def _count(
    places: Mapping[str, list[tuple[Mapping[str, Any], Place | None]]],
    standing: Mapping[str, set[Place]],
    claims: Mapping[str, frozenset[str]],
    defects: Mapping[Place, set[str]],
    waiting: Mapping[Place, set[str]],
    planted: Mapping[Place, set[str]],
    report: TruthReport,
) -> None:
    lines: dict[tuple[str, str, str], KindLine] = {}
    for name, of in places.items():
        for fault, place in of:
            if fault["effect"] not in EFFECTS:
                continue
            if place is None:
                report.pending += 1
                continue
            if place not in standing[name]:
                continue
            kind, effect = fault["kind"], fault["effect"]
            checks = {check for check, kinds in claims.items() if kind in kinds}
            found = bool(checks & defects.get(place, set()))
            if effect == "cross" and not found and checks & waiting.get(place, set()):
                report.pending += 1
                continue
            line = lines.setdefault((name, kind, effect), KindLine(name, kind, fault["indicator"], effect, bool(checks)))
            line.planted += 1
            if effect == "graced":
                found = not found or kind in planted.get(place, set())
            if found:
                line.caught += 1
            elif checks and len(report.misses) < EXAMPLES:
                report.misses.append(Example(name, f"{kind} ({effect})", *place))
    report.kinds += [line for _, line in sorted(lines.items())]


def _standing(con: duckdb.DuckDBPyConnection, dataset: str, places: set[Place]) -> set[Place]:
    """Those of the places that are rows of `std.<dataset>` now."""

    if not places or not is_there(con, f"std_batches.{dataset}"):
        return set()
    ordered = sorted(places)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS _batch, unnest(?::BIGINT[]) AS _row",
        [[b for b, _ in ordered], [r for _, r in ordered]],
    )
    return set(con.execute(f"SELECT s._batch, s._row FROM std.{quote(dataset)} s SEMI JOIN wanted w USING (_batch, _row)").fetchall())
