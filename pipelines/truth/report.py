"""What a comparison with the truth says: lines by planted kind and by rule kind, examples, and which batch a fault belongs to.

Belongs here: the report's own facts. Not here: comparing (`planted`, `crossing`), the screen (`showing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

Place = tuple[str, int]
"""Batch and row."""


@dataclass
class KindLine:
    """One planted kind of a dataset. `claimed`: somebody is bound to catch it, so that a miss counts."""

    dataset: str
    kind: str
    indicator: str
    effect: str
    claimed: bool
    planted: int = 0
    caught: int = 0

    @property
    def missed(self) -> int:
        return self.planted - self.caught


@dataclass
class RuleRate:
    """One rule kind (expectation type) over all datasets: the faults that its rules claim, and its alarms without cause.

    `caught` were caught by a rule of this kind, `by_others` by rules of other kinds only, `missed` by none.
    """

    type: str
    rules: int = 0
    planted: int = 0
    caught: int = 0
    by_others: int = 0
    missed: int = 0
    false_alarms: int = 0


@dataclass
class MatchLine:
    """Records without a good key that one planted kind made in a source, and what a base's matching made of them.

    `there`: their true row stands in the base. `right` and `wrong` are linked, `review` waits with the true row among its candidates,
    `missed` is there and was neither linked nor put up; the others are rightly linked to nobody. `certain` is the least probability
    of a link, by the declaration.
    """

    base: str
    certain: float
    dataset: str = ""
    kind: str = ""
    records: int = 0
    there: int = 0
    right: int = 0
    wrong: int = 0
    review: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        """Of what was linked, the share that is right; None where nothing was."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Of what is there to be found, the share that was linked rightly."""
        return self.right / self.there if self.there else None

    @property
    def with_review(self) -> float | None:
        """The same with what a person is shown."""
        return (self.right + self.review) / self.there if self.there else None

    @property
    def ok(self) -> bool:
        """Links are right as often as the declared probability says."""
        return self.precision is None or self.precision >= self.certain


@dataclass(frozen=True)
class Example:
    """A miss or a false alarm to look at: `what` is a fault kind (miss) or a rule (false alarm)."""

    dataset: str
    what: str
    batch: str
    row: int | None


@dataclass
class TruthReport:
    """`pending` counts faults of hand-overs that are not collected yet, or that wait for one; they are in no other count."""

    kinds: list[KindLine] = field(default_factory=list)
    false_alarms: dict[tuple[str, str], int] = field(default_factory=dict)
    misses: list[Example] = field(default_factory=list)
    alarms: list[Example] = field(default_factory=list)
    pending: int = 0
    rules: dict[str, RuleRate] = field(default_factory=dict)
    matches: list[MatchLine] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """No false alarm, no miss of a kind that is claimed, and no base whose links are wrong more often than declared."""
        return not self.false_alarms and not any(k.missed and k.claimed for k in self.kinds) and all(m.ok for m in self.matchings)

    @property
    def matchings(self) -> list[MatchLine]:
        """The lines of each base added up."""
        bases: dict[str, MatchLine] = {}
        for line in self.matches:
            total = bases.setdefault(line.base, MatchLine(line.base, line.certain))
            for name in MATCH_COUNTS:
                setattr(total, name, getattr(total, name) + getattr(line, name))
        return list(bases.values())

    def total(self, name: str) -> int:
        return sum(getattr(k, name) for k in self.kinds)

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return {
            "ok": self.ok,
            "planted": self.total("planted"),
            "caught": self.total("caught"),
            "missed": self.total("missed"),
            "missed_claimed": sum(k.missed for k in self.kinds if k.claimed),
            "false_alarms": sum(self.false_alarms.values()),
            "pending": self.pending,
            "kinds": [{**asdict(k), "missed": k.missed} for k in self.kinds],
            "rule_kinds": [asdict(r) for _, r in sorted(self.rules.items())],
            "matchings": [
                {**asdict(m), "precision": m.precision, "recall": m.recall, "recall_with_review": m.with_review} for m in self.matchings
            ],
            "matched_kinds": [asdict(m) for m in self.matches],
            "false_alarms_by_rule": [{"dataset": d, "rule": r, "rows": n} for (d, r), n in sorted(self.false_alarms.items())],
            "examples_missed": [asdict(e) for e in self.misses],
            "examples_false": [asdict(e) for e in self.alarms],
        }


EXAMPLES = 20
MATCH_COUNTS = ("records", "there", "right", "wrong", "review", "missed")


def batch_of(fault: Mapping[str, Any], batches: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The batch that a fault's hand-over became: by the file's name, else by period and unit (tables and interfaces)."""
    same = [b for b in batches if b["period"] == fault["period"]]
    by_name = [b for b in same if str(b["source"]).rpartition("/")[2] == fault["source"]]
    if fault["effect"] in ("refuse", "repeat"):
        wanted = {"refuse": "refused", "repeat": "repeated"}[fault["effect"]]
        return next((b for b in by_name if b["status"] == wanted), None)
    good = [b for b in by_name or same if b["status"] in ("collected", "standardised") and b["unit"] == (fault["unit"] or "")]
    # a file's name that no batch bears is a hand-over that was not collected, unless names say nothing here
    return good[0] if good and (by_name or "." not in fault["source"]) else None


def located(
    con: duckdb.DuckDBPyConnection, project: Project, faults: Iterable[Mapping[str, Any]]
) -> dict[str, list[tuple[Mapping[str, Any], Place | None]]]:
    """By dataset, faults of rows with batch and row; None where the hand-over is not collected."""
    from assets.lake import objects

    found: dict[str, list[tuple[Mapping[str, Any], Place | None]]] = {}
    batches: dict[str, list[dict[str, Any]]] = {}
    known: dict[tuple[Any, ...], Mapping[str, Any] | None] = {}
    for fault in faults:
        name = fault["dataset"]
        if name not in project.contracts:
            continue
        if name not in batches:
            sql = "SELECT batch, source, period, coalesce(unit, '') AS unit, status FROM evidence.batches WHERE dataset = ?"
            batches[name] = objects(con, sql, [name])
        handover = (name, fault["source"], fault["period"], fault["unit"])
        if handover not in known:
            known[handover] = batch_of(fault, batches[name])
        batch = known[handover]
        found.setdefault(name, []).append((fault, (batch["batch"], fault["row"]) if batch else None))
    return found
