"""The rules of every suite as plain rows: what scores weigh, what reports name and how they say to mend it.

Belongs here: reading the facts about a rule that people need. Not here: checking or compiling suites (`expectations.compiler`),
which has refused a wrong suite long before anything is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from expectations.documents import read_document

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

BLOCK_ABOVE = 0.05


def holder(contract: Contract) -> str:
    """Under which name results speak of who answers for a dataset: the department's folder, or `<layer>/<database>` of a model."""
    return contract.group if contract.layer == "sources" else f"{contract.layer}/{contract.group}"


@dataclass(frozen=True)
class Rule:
    """One rule of one dataset's suite; `columns` are the columns it looks at, by their names in the contract.

    `conditional` rules look only at the rows that their row condition chooses.
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


def read_rules(project: Project, contracts: Iterable[Contract] | None = None) -> list[Rule]:
    """The rules of the given contracts' suites (by default of all), in the order in which they are written.

    A dataset without a suite has no rules. Raises `DocumentError` for a suite that is no YAML.
    """
    found: list[Rule] = []
    for contract in contracts if contracts is not None else project.contracts.values():
        path = project.expectations / "suites" / contract.suite_path
        if path.exists():
            found.extend(_rules(contract.name, read_document(path).data))
    return found


def _rules(dataset: str, suite: Mapping[str, Any]) -> Iterator[Rule]:
    for node in suite.get("expectations") or []:
        meta = node.get("meta") or {}
        title, remedy = _both(meta.get("title")), _both(meta.get("remedy"))
        yield Rule(
            dataset=dataset,
            id=str(meta.get("id") or node["type"]),
            expectation=node["type"],
            columns=tuple(_columns(node.get("kwargs") or {})),
            indicator=str(meta.get("indicator", "")),
            weight=float(meta.get("weight", 1)),
            severity=str(node.get("severity") or "critical"),
            blocking=bool(meta.get("blocking", False)),
            title_zh=title[0] or str(meta.get("id") or node["type"]),
            title_en=title[1],
            remedy_zh=remedy[0],
            remedy_en=remedy[1],
            block_above=float(meta.get("blockAbove", BLOCK_ABOVE)),
            conditional=bool((node.get("kwargs") or {}).get("row_condition")),
        )


def _columns(kwargs: Mapping[str, Any]) -> Iterator[str]:
    """Great Expectations names columns in `column`, `column_A`, `column_list`, `column_set` and the like."""
    for key, value in kwargs.items():
        if key.startswith("column"):
            yield from (v for v in ([value] if isinstance(value, str) else value or []) if isinstance(v, str))


def _both(text: Any) -> tuple[str, str]:
    if isinstance(text, Mapping):
        return str(text.get("zh") or text.get("en") or ""), str(text.get("en") or "")
    return str(text or ""), ""
