"""The rules of every dataset as plain rows: what scores weigh, what reports name and how they say to mend it.

Belongs here: reading the facts about a rule that people need. Not here: which rules there are (`assets.called`), checking or
compiling suites (`expectations.compiler`), which has refused a wrong suite long before anything is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.called import Written, entries
from assets.crosschecks.declared import EXPECTATION, CrossCheck, cross_checks
from assets.models.sql import is_disagreement
from expectations.documents import read_document

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

BLOCK_ABOVE = 0.05
CROSS = "cross"
"""Origin of a rule that a cross-department check is."""


def holder(contract: Contract) -> str:
    """Under which name results speak of who answers for a dataset: the department's folder, or `<layer>/<database>` of a model."""
    return contract.group if contract.layer == "sources" else f"{contract.layer}/{contract.group}"


@dataclass(frozen=True)
class Rule:
    """One rule that a dataset is held to; `columns` are the columns it looks at, by their names in the contract.

    `conditional` rules look only at the rows that their row condition chooses. `origin`: a suite has it, the contract
    yields it, or it is a check of one department against another (`cross`).
    """

    dataset: str
    id: str
    expectation: str
    columns: tuple[str, ...]
    indicator: str
    weight: float
    severity: str
    blocking: bool
    title_zh: str
    title_en: str
    remedy_zh: str
    remedy_en: str
    block_above: float = BLOCK_ABOVE  # share of rows (0 to 1) above which a blocking rule stops what lies downstream
    conditional: bool = False
    origin: str = "suite"


def read_rules(project: Project, contracts: Iterable[Contract] | None = None) -> list[Rule]:
    """The rules of the given contracts (by default of all): their suites' as written, then those that the contracts yield.

    Raises `DocumentError` for a suite that is no YAML, or speaks of a rule that its contract does not yield.
    """
    found: list[Rule] = []
    for contract in contracts if contracts is not None else project.contracts.values():
        path = project.expectations / "suites" / contract.suite_path
        suite = read_document(path) if path.exists() else None
        for document, _, node in entries(contract, suite):
            found.append(_rule(contract.name, node, "suite" if document is suite else "contract"))
        if is_disagreement(contract):
            found += [_crossed(contract.name, check) for check in cross_checks(project, contract)]
    return found


def ticketed(project: Project) -> list[Rule]:
    """The cross-department checks as rules of the datasets whose departments get the tickets."""
    return [_crossed(dataset, check) for check in cross_checks(project) for dataset in check.to]


def answered_for(project: Project) -> list[Rule]:
    """Every rule under the dataset whose department answers for it: a cross-department check under those that get its tickets."""
    return [r for r in read_rules(project) if r.origin != CROSS] + ticketed(project)


def _crossed(dataset: str, check: CrossCheck) -> Rule:
    """A check as a rule; one that only tells (info) weighs nothing."""
    return Rule(
        dataset=dataset,
        id=check.id,
        expectation=EXPECTATION,
        columns=(),
        indicator=check.indicator,
        weight=0.0 if check.severity == "info" else check.weight,
        severity=check.severity,
        blocking=False,
        title_zh=f"{check.number} {check.title[0]}（{check.grace.zh}）",
        title_en=f"{check.title[1]} ({check.grace.en})",
        remedy_zh=check.remedy[0],
        remedy_en=check.remedy[1],
        origin=CROSS,
    )


def _rule(dataset: str, node: Mapping[str, Any], origin: str) -> Rule:
    meta, written = node.get("meta") or {}, Written.of(node)
    title, remedy = _both(meta.get("title")), _both(meta.get("remedy"))
    return Rule(
        dataset=dataset,
        id=str(meta.get("id") or node["type"]),
        expectation=written.expectation,
        columns=written.columns,
        indicator=written.indicator,
        weight=float(meta.get("weight", 1)),
        severity=str(node.get("severity") or "critical"),
        blocking=bool(meta.get("blocking", False)),
        title_zh=title[0] or str(meta.get("id") or node["type"]),
        title_en=title[1],
        remedy_zh=remedy[0],
        remedy_en=remedy[1],
        block_above=float(meta.get("blockAbove", BLOCK_ABOVE)),
        conditional=written.conditional,
        origin=origin,
    )


def _both(text: Any) -> tuple[str, str]:
    if isinstance(text, Mapping):
        return str(text.get("zh") or text.get("en") or ""), str(text.get("en") or "")
    return str(text or ""), ""
