"""The draft: proposals written as a suite, judged once by the compiler, those that too many rows break left out and named.

Belongs here: putting the families together, judging, writing. Not here: what is likely (the families), what a rule means.
"""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from expectations.codes import CodeTables
from expectations.compiler.plan import Plan, compile_suite
from expectations.profiling import national, pairs, texts, values
from expectations.profiling.figures import Profile, Table
from expectations.profiling.proposals import SUPPORT, Finder, Proposal, percent
from expectations.standard import Standard
from expectations.suite import GX_VERSION, load_suite

if TYPE_CHECKING:
    import duckdb

TOLERANCE = 0.01


@dataclass(frozen=True)
class Judging:
    """What a draft is compiled with: the table, the code tables, the standard and the day of the look."""

    table: Table
    codes: CodeTables
    standard: Standard
    as_of: date

    def plan(self, proposals: Sequence[Proposal]) -> Plan:
        """The proposals compiled, by way of the suite file that they make. Raises `DocumentError`."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"{self.table.name}.yaml")
            path.write_text(_dumped({"name": self.table.name, "expectations": [node(p) for p in proposals]}), encoding="utf-8")
            suite = load_suite(path, self.codes, self.standard)
        return compile_suite(suite, self.table.fields, codes=self.codes, as_of=self.as_of)


@dataclass(frozen=True)
class Drafted:
    """A proposal as the compiler judged it: the rows (of figures: the batches) that it speaks of, and those that break it today."""

    proposal: Proposal
    support: int
    fails: int
    unit: str  # "rows" or "batches"

    @property
    def share(self) -> float:
        return self.fails / self.support if self.support else 0.0


@dataclass(frozen=True)
class Draft:
    """Rules within the tolerance, those left out because more break them, and how often the rows were read in all."""

    profile: Profile
    tolerance: float
    rules: tuple[Drafted, ...]
    left_out: tuple[Drafted, ...]
    scans: int

    def text(self) -> str:
        """The suite as YAML: loads as it is; evidence stands in each rule's `meta.notes`."""
        table, profile = self.profile.table, self.profile
        head = [
            f"# 草稿 DRAFT: {table.name}. 由数据推出，须经人核定后方可使用。 Found from data: a person decides before it is used.",
            f"# {profile.rows:,} 行 rows, {len(profile.batches)} 批 batches, {len(self.rules)} 条规则 rules; 全表读 {self.scans} 遍 scans of all rows.",
            f"# 每条规则现在不符的行不超过 {percent(self.tolerance)}，行数写在 notes.fails。 No rule is broken by more than {percent(self.tolerance)} of its rows today: `notes.fails`.",
        ]
        meta = {"great_expectations_version": f"{GX_VERSION}.1", "draft": True, "tolerance": self.tolerance}
        body = _dumped({"name": table.name, "meta": meta})
        listed = _dumped({"expectations": [node(d.proposal, d) for d in self.rules]})
        tail = ["# 未列入，因不符的行超过限度： Left out, because more rows break them:"] if self.left_out else []
        for d in self.left_out:
            zh, en = d.proposal.title
            tail.append(f"#   {d.proposal.id}: {d.fails:,} / {d.support:,} ({percent(d.share)}) {zh} {en}")
        return "\n".join(head) + "\n" + body + listed + "".join(line + "\n" for line in tail)


def node(proposal: Proposal, drafted: Drafted | None = None) -> dict[str, Any]:
    """The proposal as an expectation of a suite."""
    meta: dict[str, Any] = {"id": proposal.id, "indicator": proposal.indicator, "weight": 1, "title": _both(proposal.title)}
    if drafted is not None:
        meta["notes"] = {"evidence": _both(proposal.evidence), "support": drafted.support, "fails": drafted.fails}
        if drafted.unit != "rows":
            meta["notes"]["unit"] = drafted.unit
    return {"type": proposal.type, "kwargs": _Flow(proposal.kwargs), "severity": "warning", "meta": meta}


def _both(text: tuple[str, str]) -> _Flow:
    return _Flow(zip(("zh", "en"), text, strict=True))


class _Flow(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - lists stand indented
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


_Dumper.add_representer(_Flow, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True))


def _dumped(value: Mapping[str, Any]) -> str:
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000)


def draft(
    con: duckdb.DuckDBPyConnection,
    profile: Profile,
    *,
    codes: CodeTables,
    standard: Standard,
    tolerance: float = TOLERANCE,
    failing: str = "failing",
) -> Draft:
    """Propose rules, judge each once over all rows, and keep those that at most `tolerance` (a share) of the rows break.

    Leaves the temporary table named by `failing` (`_batch`, `_row`, `_failed`) of all proposals.
    """
    finder = Finder(profile, codes, tolerance)
    judging = Judging(profile.table, codes, standard, profile.as_of)
    proposals, scans = propose(con, finder, judging)
    if not proposals:
        return Draft(profile, tolerance, (), (), profile.scans + scans)
    plan = judging.plan(proposals)
    verdicts = plan.run(con, profile.table.relation, failing=failing)
    found: dict[str, list[int]] = {}
    for result in verdicts.results:
        support, fails, batches = found.setdefault(result.rule.id, [0, 0, 0])
        if result.outcome == "not_assessable":
            continue
        if result.unexpected is None:
            found[result.rule.id] = [support + 1, fails + (result.outcome == "failed"), batches + 1]
        else:
            found[result.rule.id] = [support + (result.elements or 0) - (result.missing or 0), fails + result.unexpected, batches]
    judged = [Drafted(p, found[p.id][0], found[p.id][1], "batches" if found[p.id][2] else "rows") for p in proposals]
    kept = tuple(d for d in judged if d.support and d.share <= tolerance)
    left = tuple(sorted((d for d in judged if d.share > tolerance), key=lambda d: (d.share, d.proposal.id)))
    return Draft(profile, tolerance, kept, left, profile.scans + scans + len(plan.sql(profile.table.relation)))


def propose(con: duckdb.DuckDBPyConnection, finder: Finder, judging: Judging) -> tuple[list[Proposal], int]:
    """Every proposal, by column in the table's order, each id once; and the scans of all rows that finding them took."""
    if finder.profile.rows < SUPPORT:
        return [], 0
    own, form = national.forms(finder, con, judging)
    coded = list(values.code_tables(finder, frozenset(form)))
    done = frozenset(form) | {p.kwargs["column"] for p in coded}
    listed = list(values.short_lists(finder, done))
    done |= {p.kwargs["column"] for p in listed}
    keys, scans = pairs.keys(finder, con)
    found = [
        *values.presence(finder),
        *values.reading(finder),
        *own,
        *coded,
        *listed,
        *texts.forms(finder, done),
        *values.ranges(finder),
        *keys,
        *pairs.equal(finder),
        *pairs.order(finder),
        *pairs.dependencies(finder),
        *pairs.conditions(finder),
        *pairs.exclusions(finder),
    ]
    position = {c.name: i for i, c in enumerate(finder.profile.columns)}
    ordered = sorted(found, key=lambda p: position.get(p.columns[-1] if len(p.columns) < 3 else p.columns[0], 0))
    return list({p.id: p for p in ordered}.values()), scans
