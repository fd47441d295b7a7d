"""What a comparison with the truth says: lines by planted kind and by rule kind, examples, and which batch a fault belongs to.

Belongs here: the report's own facts. Not here: comparing (`planted`, `crossing`), the screen (`showing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


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


@dataclass(frozen=True)
class Example:
    """A miss or a false alarm to look at: `what` is a fault kind (miss) or a rule (false alarm)."""

    dataset: str
    what: str
    batch: str
    row: int | None


@dataclass
class TruthReport:
    """`pending` counts faults of hand-overs that are not collected yet; they are in no other count."""

    kinds: list[KindLine] = field(default_factory=list)
    false_alarms: dict[tuple[str, str], int] = field(default_factory=dict)
    misses: list[Example] = field(default_factory=list)
    alarms: list[Example] = field(default_factory=list)
    pending: int = 0
    rules: dict[str, RuleRate] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """No false alarm, and no miss of a kind that is claimed."""
        return not self.false_alarms and not any(k.missed and k.claimed for k in self.kinds)

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
            "false_alarms_by_rule": [{"dataset": d, "rule": r, "rows": n} for (d, r), n in sorted(self.false_alarms.items())],
            "examples_missed": [asdict(e) for e in self.misses],
            "examples_false": [asdict(e) for e in self.alarms],
        }


EXAMPLES = 20


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
