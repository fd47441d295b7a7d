"""Every rule can fail: clean rows are spoilt until one rule fires, and it alone.

Row rules are searched for in single rows, all candidates of a dataset in one scan; what was found, and every other form of
test, is then held to the whole suite over a copy of the clean rows with just that spoilt. Belongs here: the search and its
report. Not here: what is tried (`spoilers`), the clean rows (`copies`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from expectations.compiler.forms import CannotTest, RowTest
from pipelines.truth.copies import Copy, clean_copy, not_passing, plan_for, stands_apart
from pipelines.truth.spoilers import Cells, Spoil, further_cells, row_cells, spoils

if TYPE_CHECKING:
    from assets.project import Project
    from expectations.compiler.plan import Compiled
    from expectations.compiler.verdicts import RuleResult

Outcome = Literal["alone", "with_others", "never"]
Candidate = tuple[int, Cells]
FEW, TRIED, ALONE, PROVED, ROUNDS = 3, 30, 10, 24, 12
"""Copies spoilt for a rule in one round (for a row rule, another, one that stands apart), row candidates proved, and rounds at most."""
ENOUGH = {True: 9, False: 40}
"""After so many copies that broke a rule (a row rule, another), and each a further rule with it, no more are tried."""


@dataclass(frozen=True)
class Finding:
    """What came of one rule: it fired alone, only with `others`, or never; `how` tells the spoil, `reason` why not alone."""

    dataset: str
    rule: str
    type: str
    outcome: Outcome
    others: tuple[str, ...] = ()
    how: str = ""
    reason_zh: str = ""
    reason_en: str = ""


@dataclass
class MutationReport:
    """All findings, in the order of datasets and rules; `untried` are datasets of which no clean row is at hand."""

    findings: list[Finding] = field(default_factory=list)
    untried: dict[str, str] = field(default_factory=dict)
    tried: int = 0

    def of(self, outcome: Outcome) -> list[Finding]:
        return [f for f in self.findings if f.outcome == outcome]

    @property
    def ok(self) -> bool:
        """Every rule of every suite was made to fire."""
        return not self.of("never") and not self.untried

    def as_json(self) -> dict[str, Any]:
        counts = {o: len(self.of(o)) for o in ("alone", "with_others", "never")}
        return {
            "ok": self.ok,
            "rules": len(self.findings),
            **counts,
            "spoilt": self.tried,
            "untried": self.untried,
            "findings": [asdict(f) for f in self.findings],
        }


def mutate(project: Project, progress: Callable[[str, int, int], None] = lambda *_: None) -> MutationReport:
    """Try every rule of every suite on spoilt clean rows of the lake. Stores nothing.

    Raises `FileNotFoundError` where nothing has been collected yet, `DocumentError` for a suite that is wrong.
    """
    from assets.lake import open_lake

    report = MutationReport()
    contracts = list(project.contracts.values())
    with open_lake(project, read_only=True) as lake:
        for number, contract in enumerate(contracts):
            progress(contract.name, number, len(contracts))
            plan = plan_for(project, contract)
            if plan is None:
                continue
            copy = clean_copy(lake, project, contract, plan)
            if copy is None or not copy.texts:
                report.untried[contract.name] = "it holds no row that breaks no rule"
                continue
            with copy.con:
                try_rules(copy, report)
    return report


@dataclass
class _Tried:
    """What is known of one rule so far: row candidates by what else they broke, and what is proved."""

    compiled: Compiled
    fired: list[tuple[frozenset[str], Candidate]] = field(default_factory=list)
    proved: tuple[frozenset[str], str] | None = None
    seen: list[frozenset[str]] = field(default_factory=list)

    @property
    def alone(self) -> list[Candidate]:
        return [c for others, c in self.fired if not others]

    def closest(self, most: int) -> list[tuple[frozenset[str], Candidate]]:
        """Of the row candidates that broke the rule, those that broke the fewest others, each set of others once."""
        return list({others: (others, c) for others, c in sorted(self.fired, key=lambda f: -len(f[0]))}.values())[-most:]

    @property
    def done(self) -> bool:
        """Whether it fired alone, or so often with the same other rule that it always will."""
        if self.proved is None or not self.proved[0]:
            return self.proved is not None
        return len(self.seen) >= ENOUGH[isinstance(self.compiled.test, RowTest)] and bool(frozenset.intersection(*self.seen))

    def note(self, others: frozenset[str], how: str) -> None:
        self.seen.append(others)
        if self.proved is None or len(others) < len(self.proved[0]):
            self.proved = others, how


def try_rules(copy: Copy, report: MutationReport) -> None:
    """Add to the report what comes of each rule of a dataset."""
    tried = {c.rule.id: _Tried(c) for c in copy.plan.compiled}
    rows = [t for t in tried.values() if isinstance(t.compiled.test, RowTest)]
    report.tried += _search(copy, [(t, c) for t in rows for c in row_cells(t.compiled, copy)])
    for _ in range(2):
        lacking = [t for t in rows if not t.alone]
        report.tried += _search(copy, [(t, c) for t in lacking for c in _further(t, copy, tried)])
    queues = {t.compiled.rule.id: _queue(t, copy) for t in tried.values() if t.compiled.rule.id not in copy.standing}
    for _ in range(ROUNDS):
        batch = [(tried[rule], s) for rule, queue in queues.items() if not tried[rule].done for s in islice(queue, _at_once(tried[rule]))]
        if not batch:
            break
        report.tried += len(batch)
        _prove(copy, batch)
    report.findings += [_finding(copy, t) for t in tried.values()]


def _prove(copy: Copy, batch: list[tuple[_Tried, Spoil]]) -> None:
    """Note what spoilt copies break besides the rule that each is for."""
    apart = [(one, spoil) for one, spoil in batch if stands_apart(one.compiled.test)]
    together = [(one, spoil) for one, spoil in batch if not stands_apart(one.compiled.test)]
    for (one, spoil), results in zip(together, copy.judge([s for _, s in together]) if together else (), strict=True):
        others = _others_broken(copy, one, results)
        if others is not None and not one.done:
            one.note(others | not_passing(copy.judge_apart(spoil) if not others else {}, copy.standing), spoil.told())
    for one, spoil in apart:
        others = None if one.done else _others_broken(copy, one, copy.judge_apart(spoil))
        if others is not None:
            one.note(others | not_passing(copy.judge([spoil])[0], copy.standing), spoil.told())


def _others_broken(copy: Copy, one: _Tried, results: Mapping[str, RuleResult]) -> frozenset[str] | None:
    """The rules that do not pass besides the one that a spoil is for; None where that one does."""
    rule = one.compiled.rule.id
    if rule not in results or results[rule].outcome != "failed":
        return None
    return frozenset(not_passing(results, {rule, *copy.standing}))


def _at_once(one: _Tried) -> int:
    return FEW if isinstance(one.compiled.test, RowTest) else ALONE if stands_apart(one.compiled.test) else TRIED


def _search(copy: Copy, candidates: list[tuple[_Tried, Candidate]]) -> int:
    """Note for each rule the candidates that broke it, with what else they broke; gives how many were tried."""
    for (one, candidate), broken in zip(candidates, copy.rows_broken([c for _, c in candidates]), strict=True):
        if one.compiled.rule.id in broken:
            one.fired.append((broken - {one.compiled.rule.id} - set(copy.standing), candidate))
    return len(candidates)


def _further(one: _Tried, copy: Copy, tried: Mapping[str, _Tried]) -> Iterator[Candidate]:
    """Candidates with one more cell: among the columns of the rules that fired too, or, where it never fired, of the rule itself."""
    if one.fired:
        for others, (n, cells) in one.closest(4):
            columns = sorted({c.removesuffix("__text") for rule in others for c in tried[rule].compiled.uses})
            yield from further_cells(one.compiled, copy, n, cells, columns)
    else:
        own = sorted({c.removesuffix("__text") for c in one.compiled.uses})
        for n, cells in islice(row_cells(one.compiled, copy), 60):
            yield from further_cells(one.compiled, copy, n, cells, own)


def _queue(one: _Tried, copy: Copy) -> Iterator[Spoil]:
    """The spoilt copies to hold to the whole suite: of the best row candidates, or what the form of test calls for."""
    if not isinstance(one.compiled.test, RowTest):
        yield from spoils(one.compiled, copy)
        return
    best = one.alone or [c for _, c in one.closest(4)]
    seen: Counter[tuple[int, frozenset[str]]] = Counter()
    turns: list[tuple[int, Candidate]] = []
    for n, cells in best:  # each row and column has its turn before any comes again
        seen[n, frozenset(cells)] += 1
        turns.append((seen[n, frozenset(cells)], (n, cells)))
    for _, (n, cells) in sorted(turns, key=lambda t: t[0])[:PROVED]:
        yield Spoil(change=dict.fromkeys((n, *_others(one, copy, n)), cells))


def _others(one: _Tried, copy: Copy, n: int) -> Iterable[int]:
    """So many further rows as a rule that allows for some needs to fail."""
    considered = copy.considered(one.compiled)
    enough = int(len(considered) * (1 - one.compiled.mostly)) + 1
    return [m for m in considered if m != n][: enough - 1]


def _finding(copy: Copy, one: _Tried) -> Finding:
    rule = one.compiled.rule
    base = copy.name, rule.id, rule.type
    if one.proved is not None and not one.proved[0]:
        return Finding(*base, "alone", (), one.proved[1])
    if rule.id in copy.standing:
        note = copy.standing[rule.id]
        return Finding(*base, "never", (), "", f"干净的行上已不通过：{note}", f"does not pass on clean rows: {note}")
    if one.proved is None:
        test = one.compiled.test
        if isinstance(test, CannotTest):
            return Finding(*base, "never", (), "", f"不可评估：{test.zh}", f"not assessable: {test.en}")
        kind = type(test).__name__
        return Finding(*base, "never", (), "", f"没有办法使其触发（{kind}）", f"no spoiler known that breaks it ({kind})")
    others, how = one.proved
    among_rows = {o for fired, _ in one.fired for o in fired}
    implied = sorted(o for o in frozenset.intersection(*one.seen) if o not in among_rows or all(o in fired for fired, _ in one.fired))
    if implied:
        names, times = ", ".join(implied), max(len(one.seen), len(one.fired) if set(implied) & among_rows else 0)
        reason_zh = f"蕴含 {names}：凡触发它的改动（{times:,} 种）都同时触发"
        reason_en = f"implies {names}: each of the {times:,} spoils that broke it broke that too"
    else:
        names = ", ".join(sorted(others))
        reason_zh, reason_en = f"未找到不触发 {names} 的改动", f"no spoil was found that leaves {names} in peace"
    return Finding(*base, "with_others", tuple(sorted(others)), how, reason_zh, reason_en)


def by_dataset(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        found[finding.dataset].append(finding)
    return dict(found)
