"""What stands now: per rule, over the batches that count, from the evidence in the lake.

Belongs here: queries over the evidence that the checks, the inbox and the command share. Not here: Dagster, wording in
HTML, scores (`pipelines.results`).

Which batches count: of a full delivery the newest batch of each unit; of a delta every batch, since all of them make up
the table. Only the newest period of each unit (`current`) decides whether downstream must stop, so that one bad delta
of long ago does not stop it for ever. See docs/decisions/0003-when-a-check-stops-downstream.md.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from assets.models.sql import is_disagreement
from expectations.standard import dimension_names
from pipelines.rulebook import BLOCK_ABOVE, read_rules
from pipelines.views import newest

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from assets.waivers import Waiver

Outcome = Literal["passed", "failed", "not_assessable"]
Verdict = Literal["passed", "warned", "failed"]
EXAMPLES = 5
FEW = 10


def dimension(indicator: str) -> str:
    """The English name of the GB/T 36344-2018 dimension of an indicator, such as `completeness` for 0201."""
    return dimension_names().get(str(indicator)[:2], "other")


@dataclass(frozen=True)
class BatchResult:
    """One rule on one batch. `examples` are masked; `share` is unexpected / elements (0 to 1).

    `waived`: the waiver that sets the rule aside for this batch, and until when; it fails as before, and stops nothing.
    """

    batch: str
    unit: str
    period: str
    current: bool
    outcome: Outcome
    elements: int
    unexpected: int
    note: str
    examples: tuple[str, ...] = ()
    waived: str = ""

    @property
    def share(self) -> float:
        return self.unexpected / self.elements if self.elements else 0.0


@dataclass(frozen=True)
class RuleState:
    """One rule over the batches that stand, the worst first. `since` is the first period of the present failure.

    Of a base or thematic table it is the day on which a check first found it.
    """

    dataset: str
    rule: str
    blocking: bool
    batches: tuple[BatchResult, ...]
    since: str = ""

    @property
    def outcome(self) -> Outcome:
        """Failed where a batch failed; else not assessable where one could not be assessed, or nothing stands."""
        outcomes = {b.outcome for b in self.batches}
        if "failed" in outcomes:
            return "failed"
        return "not_assessable" if "not_assessable" in outcomes or not outcomes else "passed"

    @property
    def elements(self) -> int:
        return sum(b.elements for b in self.batches)

    @property
    def unexpected(self) -> int:
        return sum(b.unexpected for b in self.batches)

    @property
    def share(self) -> float:
        return self.unexpected / self.elements if self.elements else 0.0

    @property
    def note(self) -> str:
        """The cause in one line: of the worst batch."""
        return next((b.note for b in self.batches if b.outcome == self.outcome and b.note), "")

    @property
    def failing(self) -> tuple[BatchResult, ...]:
        return tuple(b for b in self.batches if b.outcome != "passed")

    @property
    def waived(self) -> str:
        """The waivers under which every batch that fails is set aside; empty where one is not."""
        failed = [b for b in self.batches if b.outcome == "failed"]
        return ", ".join(dict.fromkeys(b.waived for b in failed)) if all(b.waived for b in failed) else ""

    @property
    def examples(self) -> list[tuple[BatchResult, str]]:
        """Up to five masked values that break the rule, with the batch that holds them; no value twice."""
        seen: dict[str, BatchResult] = {}
        for batch in self.failing:
            for value in batch.examples:
                seen.setdefault(value, batch)
        return [(batch, value) for value, batch in list(seen.items())[:EXAMPLES]]

    def stops(self, tolerance: float = BLOCK_ABOVE) -> bool:
        """Whether downstream must stop: a blocking rule broken by more than `tolerance` of the rows now current.

        A handful of rows (fewer than `FEW`) stops nothing unless it is half of what came: one of twelve rows is no disaster. Nor does a
        rule that all of them pass by its `mostly`.
        """
        current = [b for b in self.batches if b.current and not b.waived]
        if not self.blocking or all(b.outcome != "failed" for b in current):
            return False
        rows, broken = sum(b.elements for b in current), sum(b.unexpected for b in current)
        return broken > tolerance * rows and (broken >= FEW or 2 * broken >= rows)


@dataclass(frozen=True)
class Refusal:
    """A hand-over that was refused and for which nothing better came since."""

    dataset: str
    unit: str
    period: str
    source: str
    reason: str
    at: str


@dataclass(frozen=True)
class Count:
    """The sums of one batch in words (`what`), and in which way they do not come out (`wrong`, empty where they do)."""

    batch: str
    unit: str
    period: str
    what: str
    wrong: str = ""

    @property
    def right(self) -> bool:
        return not self.wrong


@dataclass
class Tally:
    """The verdicts of one run's checks, gathered while it runs."""

    verdict: Verdict = "passed"
    failed: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    def add(self, check: str, *, passed: bool, stops: bool) -> None:
        if stops:
            self.verdict = "failed"
            self.stopped.append(check)
        elif not passed:
            self.failed.append(check)
            if self.verdict == "passed":
                self.verdict = "warned"


def _standing(contract: Contract) -> str:
    """SQL of the batches that count: batch, unit, period, partition_key, current."""
    from assets.std import current_batches

    return f"""
        SELECT batch, unit, period, partition_key, period = max(period) OVER (PARTITION BY unit) AS current
        FROM evidence.batches WHERE dataset = ? AND batch IN ({current_batches(contract)})"""


def standing_batches(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[str]:
    """Ids of the batches that make up the dataset's present state."""
    return [row[0] for row in con.execute(f"SELECT batch FROM ({_standing(contract)}) ORDER BY batch", [contract.name]).fetchall()]


def _places(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, tuple[str, str, bool]]:
    """Unit, period and whether it is current, of every batch that counts."""
    if contract.layer != "sources":
        return {contract.table: ("", "", True)}
    sql = f"SELECT batch, coalesce(unit, ''), period, current FROM ({_standing(contract)})"
    return {batch: (unit, period, current) for batch, unit, period, current in con.execute(sql, [contract.name]).fetchall()}


def rule_states(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    fresh: Sequence[Mapping[str, Any]] | None = None,
    waivers: Iterable[Waiver] = (),
    *,
    dated: bool = True,
) -> dict[str, RuleState]:
    """Every rule's state by its id, for the rules that have a result on a batch that stands.

    `fresh` (rows as `evidence.results` holds them) take the place of what is written down; `waivers` are those that hold.
    Where it is not to be `dated`, since when a rule fails is its newest failing period.
    """
    batches = _places(con, contract)
    columns = ("rule", "batch", "blocking", "outcome", "elements", "unexpected", "note", "result", "dataset")
    # results of cross-department checks stand under the datasets of those who get the tickets
    of = "list_contains(?, batch)" if is_disagreement(contract) else "dataset = ? AND list_contains(?, batch)"
    if fresh is None or is_disagreement(contract):
        rows = con.execute(
            f"SELECT {', '.join(columns)} FROM {newest('evidence.results')} WHERE {of}",
            [list(batches)] if is_disagreement(contract) else [contract.name, list(batches)],
        ).fetchall()
    else:
        rows = []
    if fresh is not None:
        rows = [r for r in rows if r[-1] != contract.name]
        rows += [tuple(row.get(c) for c in columns) for row in fresh if row.get("batch") in batches]
    since = _since(con, contract) if dated else {}
    whole = [w for w in waivers if not w.tickets]

    def aside(dataset: str, rule: str, unit: str) -> str:
        of = (w for w in whole if (w.dataset, w.rule) == (dataset, rule) and w.unit in ("", unit))
        return next((f"{w.id} {w.officer} → {w.until}" for w in of), "")

    found: dict[str, list[BatchResult]] = {}
    blocks: dict[str, bool] = {}
    for rule, batch, blocking, outcome, elements, unexpected, note, result, dataset in rows:
        unit, period, current = batches[batch]
        unit = unit if dataset == contract.name else dataset
        examples = examples_of(result) if outcome == "failed" else ()
        found.setdefault(rule, []).append(
            BatchResult(
                batch, unit, period, current, outcome, elements or 0, unexpected or 0, note or "", examples, aside(dataset, rule, unit)
            )
        )
        blocks[rule] = bool(blocking)
    states = {}
    for rule, results in found.items():
        newest_first = sorted(results, key=lambda b: (b.period, b.batch), reverse=True)
        ordered = sorted(newest_first, key=lambda b: (b.outcome == "passed", -b.unexpected))
        begun = [since.get((rule, b.unit), b.period) for b in ordered if b.outcome != "passed"]
        states[rule] = RuleState(contract.name, rule, blocks[rule], tuple(ordered), min(begun, default=""))
    return states


def _since(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[tuple[str, str], str]:
    """By rule and unit: the first period (of a model: time of a check) after the last one that passed."""
    dated = f"""
        SELECT r.rule, coalesce(b.unit, '') AS unit, b.period, r.outcome FROM {newest("evidence.results")} r
            JOIN evidence.batches b USING (batch) WHERE r.dataset = ?"""
    if contract.layer != "sources":
        dated = """SELECT rule, CASE WHEN ends_with(batch, '.' || dataset) THEN '' ELSE dataset END AS unit,
                strftime(checked_at, '%Y-%m-%d %H:%M:%S.%f') AS period, outcome
            FROM evidence.results WHERE batch = ?"""
    rows = con.execute(
        f"""
        WITH dated AS ({dated}),
        good AS (SELECT rule, unit, max(period) AS period FROM dated WHERE outcome = 'passed' GROUP BY ALL)
        SELECT d.rule, d.unit, min(d.period) FROM dated d LEFT JOIN good g ON g.rule = d.rule AND g.unit = d.unit
        WHERE d.outcome <> 'passed' AND (g.period IS NULL OR d.period > g.period) GROUP BY ALL""",
        [contract.name if contract.layer == "sources" else contract.table],
    ).fetchall()
    return {(rule, unit): period if contract.layer == "sources" else period[:10] for rule, unit, period in rows}


def examples_of(result: str | None) -> tuple[str, ...]:
    """Up to five masked values from a result as `evidence.results` holds it."""
    if not result:
        return ()
    inner = json.loads(result).get("result") or {}
    values = inner.get("partial_unexpected_list") or []
    return tuple(dict.fromkeys(_told(v) for v in values))[:EXAMPLES]


def _told(value: Any) -> str:
    """A value, a pair or a key of several columns, as people read it."""
    if isinstance(value, dict):
        return ", ".join(f"{name} = {_told(v)}" for name, v in value.items())
    if isinstance(value, list):
        return " / ".join(map(_told, value))
    return "NULL" if value is None else str(value)


def refusals(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[Refusal]:
    """Refused hand-overs that no accepted one of the same unit and period has replaced since, the newest first."""
    rows = con.execute(
        """
        SELECT r.dataset, coalesce(r.unit, ''), coalesce(r.period, ''), r.source, coalesce(r.reason, ''),
            strftime(r.collected_at, '%Y-%m-%d %H:%M')
        FROM evidence.batches r
        WHERE r.dataset = ? AND r.status = 'refused' AND NOT EXISTS (
            FROM evidence.batches a WHERE a.dataset = r.dataset AND a.status IN ('collected', 'standardised')
                AND a.unit IS NOT DISTINCT FROM r.unit AND a.period IS NOT DISTINCT FROM r.period AND a.collected_at > r.collected_at)
        ORDER BY r.collected_at DESC, r.source""",
        [contract.name],
    ).fetchall()
    return [Refusal(*row) for row in rows]


def _at_hand(con: duckdb.DuckDBPyConnection, contract: Contract, keys: Collection[str] | None) -> dict[str, tuple[str, str]]:
    """Unit and period of the collected batches of these partitions, or, without partitions, of those that stand or wait."""
    standing = f"status = 'collected' OR batch IN (SELECT batch FROM ({_standing(contract)}))"
    wanted = "list_contains(?, partition_key)" if keys is not None else f"({standing})"
    rows = con.execute(
        f"""SELECT batch, coalesce(unit, ''), coalesce(period, '') FROM evidence.batches
        WHERE dataset = ? AND status IN ('collected', 'standardised') AND {wanted} ORDER BY batch""",
        [contract.name, list(keys) if keys is not None else contract.name],
    ).fetchall()
    return {batch: (unit, period) for batch, unit, period in rows}


def accounted(con: duckdb.DuckDBPyConnection, contract: Contract, keys: Collection[str] | None = None) -> list[Count]:
    """Of every batch of the partitions: records = rows in raw + rejects, and lines = records + other lines, counted anew."""
    from assets.batches import accounts

    at = _at_hand(con, contract, keys)
    return [
        Count(
            a.batch,
            *at[a.batch],
            f"{a.lines:,} 行 lines = {a.records:,} 记录 records + {a.lines_other:,} 其他 other; "
            f"{a.found_raw:,} raw + {a.found_rejects:,} rejects",
            "; ".join(a.differences),
        )
        for a in accounts(con, contract, list(at))
    ]


def balanced(con: duckdb.DuckDBPyConnection, contract: Contract, keys: Collection[str] | None = None) -> list[Count]:
    """Of every batch of the partitions: rows in raw = rows in std + rows in quarantine, counted anew."""
    from assets.standardise import balance

    at = _at_hand(con, contract, keys)
    counts = {batch: Count(batch, *place, "0 raw") for batch, place in at.items()}
    for batch, raw, std, quarantine in balance(con, contract, list(at)):
        wrong = "" if raw == std + quarantine else f"{raw} rows in raw, but {std} in std + {quarantine} in quarantine"
        counts[batch] = Count(batch, *at[batch], f"{raw:,} raw = {std:,} std + {quarantine:,} 隔离 quarantine", wrong)
    return list(counts.values())


_OUTCOMES = "* REPLACE (NULL::VARCHAR AS result)"
"""Of results all but the rows that fail: enough for `stopped`, and a tenth of the bytes."""


def stopped(con: duckdb.DuckDBPyConnection, project: Project, contracts: Iterable[Contract] | None = None) -> dict[str, list[str]]:
    """Datasets and models (of those given, else of all) that must not be built upon now, with the rules that say so."""
    from assets.lake import at_hand
    from pipelines.issues.waiving import holding

    found: dict[str, list[str]] = {}
    waivers = holding(project)
    with at_hand(con, "batches", results=_OUTCOMES):
        for contract in project.contracts.values() if contracts is None else contracts:
            tolerance = {rule.id: rule.block_above for rule in read_rules(project, [contract])}
            if not tolerance:
                continue
            states = rule_states(con, contract, waivers=waivers, dated=False).values()
            rules = [s.rule for s in states if s.rule in tolerance and s.stops(tolerance[s.rule])]
            if rules:
                found[contract.name] = sorted(rules)
    return found
