"""A draft held to the sample's truth: which planted faults its rules catch, and which rows they flag that have none.

Nothing of the suites that stand is used: the draft is made from the rows alone. A fault of a row counts as caught where a drafted
rule that looks at its column fails there (any rule, where the fault is one of the whole record or a second copy of it). A
flagged row without a planted fault is a false alarm; faults that standardising mends are none any more. Belongs here: that
comparison. Not here: drafting.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assets.lake import literal, objects
from expectations.profiling.draft import TOLERANCE, draft
from expectations.profiling.figures import look
from pipelines.profiling.rows import ROWS, contract_of, open_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from expectations.profiling.draft import Draft
    from pipelines.profiling.rows import Found

MEANT = ("flag", "quarantine")
CLAIMED = 0.85
"""The share of planted faults that drafted rules catch on the default sample (20,000 people), with no false alarm. On fewer rows less:
two faults among a hundred rows are more than the tolerance."""


@dataclass
class Held:
    """One dataset's draft against the truth. `kinds`: planted kind -> (planted, caught); `alarms`: rule -> rows without a fault;
    `beyond` counts faults of kinds that no rule of the suites claims either."""

    dataset: str
    rules: int
    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)
    flagged: int = 0
    false: int = 0
    clean: int = 0
    alarms: dict[str, int] = field(default_factory=dict)
    beyond: tuple[int, int] = (0, 0)

    @property
    def planted(self) -> int:
        return sum(n for n, _ in self.kinds.values())

    @property
    def caught(self) -> int:
        return sum(n for _, n in self.kinds.values())


@dataclass
class Report:
    """All datasets together. Shares are of 0 to 1; None where nothing was planted or flagged."""

    held: list[Held]
    tolerance: float
    claimed: float = CLAIMED

    @property
    def ok(self) -> bool:
        """Whether what is claimed holds: enough is caught, and nothing is flagged without a fault."""
        return (self.recall or 0.0) >= self.claimed and not any(h.false for h in self.held)

    @property
    def recall(self) -> float | None:
        planted = sum(h.planted for h in self.held)
        return sum(h.caught for h in self.held) / planted if planted else None

    @property
    def precision(self) -> float | None:
        flagged = sum(h.flagged for h in self.held)
        return 1 - sum(h.false for h in self.held) / flagged if flagged else None

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "claimed": self.claimed,
            "tolerance": self.tolerance,
            "recall": self.recall,
            "precision": self.precision,
            "datasets": [
                {
                    "dataset": h.dataset,
                    "rules": h.rules,
                    "planted": h.planted,
                    "caught": h.caught,
                    "flagged_rows": h.flagged,
                    "false_alarm_rows": h.false,
                    "clean_rows": h.clean,
                    "kinds": [{"kind": k, "planted": p, "caught": c} for k, (p, c) in sorted(h.kinds.items())],
                    "false_alarms_by_rule": h.alarms,
                    "unclaimed": {"planted": h.beyond[0], "caught": h.beyond[1]},
                }
                for h in self.held
            ],
        }


def hold(
    project: Project,
    names: list[str] | None = None,
    *,
    tolerance: float = TOLERANCE,
    most: int = ROWS,
    say: Callable[[str, int, int], None] = lambda *_: None,
) -> Report:
    """Draft rules for each dataset of the sample (or those named) and compare what they flag with the truth.

    Raises `FileNotFoundError` where no sample was made here, `LookupError` for an unknown dataset.
    """
    truth = project.data / "sample" / "truth.parquet"
    if not truth.exists():
        raise FileNotFoundError(
            f"{truth}: 这里没有生成样例。 No sample was made here, so no truth is known. Run `yuanqing run --scale 20000` first."
        )
    wanted = [contract_of(project, n).name for n in names] if names else [c.name for c in project.sources()]
    held = []
    for i, name in enumerate(wanted):
        say(f"对照 {name}", i, len(wanted))
        with open_rows(project, name, most=most) as (con, found):
            made = drafted(project, con, found, tolerance)
            listed = objects(con, f"SELECT * FROM read_parquet({literal(str(truth))}) WHERE dataset = ?", [name])
            held.append(_compare(con, found.contract, found, made, listed))
    return Report(held, tolerance)


def drafted(project: Project, con: duckdb.DuckDBPyConnection, found: Found, tolerance: float) -> Draft:
    """The draft of the rows found; leaves the temporary table `failing`."""
    from assets.judging import codes_of, standard_of

    return draft(con, look(con, found.table), codes=codes_of(project), standard=standard_of(project), tolerance=tolerance)


def _compare(con: duckdb.DuckDBPyConnection, contract: Contract, found: Found, made: Draft, faults: list[dict[str, Any]]) -> Held:
    from pipelines.truth.report import batch_of

    held = Held(contract.name, len(made.rules))
    columns = {d.proposal.id: set(d.proposal.columns) for d in made.rules}
    flagged: dict[tuple[str, int], set[str]] = {}
    if made.rules:
        for batch, row, rules in con.execute('SELECT "_batch", "_row", "_failed" FROM temp.main.failing').fetchall():
            kept = {r for r in rules if r in columns}
            if kept:
                flagged[batch, row] = kept
    batches = con.execute(
        "SELECT batch, source, period, coalesce(unit, '') AS unit, status FROM evidence.batches WHERE dataset = ?", [contract.name]
    ).fetchall()
    known = [dict(zip(("batch", "source", "period", "unit", "status"), b, strict=True)) for b in batches]
    doubled = {f["kind"] for f in faults if f["row"] is not None and f["spoilt"] == f["clean"]}  # the record that a copy was made of
    spoilt: set[tuple[str, int]] = set()
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    beyond = [0, 0]
    for fault in faults:
        batch = batch_of(fault, known)
        if batch is None or fault["row"] is None or batch["batch"] not in found.batches or fault["effect"] not in (*MEANT, "none"):
            continue
        at = batch["batch"], fault["row"]
        spoilt.add(at)
        whole = fault["column"] is None or fault["kind"] in doubled
        caught = any(whole or fault["column"] in columns[r] for r in flagged.get(at, ()))
        count = beyond if fault["effect"] == "none" else counts[fault["kind"]]
        count[0] += 1
        count[1] += caught
    alarms: dict[str, int] = defaultdict(int)
    for at, rules in flagged.items():
        if at not in spoilt:
            held.false += 1
            for rule in rules:
                alarms[rule] += 1
    held.kinds = {k: (p, c) for k, (p, c) in counts.items()}
    held.flagged, held.clean, held.beyond = len(flagged), found.rows - len(spoilt), (beyond[0], beyond[1])
    held.alarms = dict(sorted(alarms.items(), key=lambda item: (-item[1], item[0])))
    return held
