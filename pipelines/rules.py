"""Rules as the pipeline shows them: what a suite's file declares, read without compiling it.

Belongs here: names, titles, guidance. Not here: checking or compiling a suite (`expectations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from expectations.documents import Document, read_document
from pipelines.standing import BLOCK_ABOVE, dimension

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite. `block_above`: the share of rows (0 to 1) above which it stops what lies downstream."""

    id: str
    type: str
    indicator: str
    severity: str
    blocking: bool
    block_above: float
    title_zh: str
    title_en: str
    remedy: str
    columns: tuple[str, ...]

    @property
    def dimension(self) -> str:
        return dimension(self.indicator)

    @property
    def check(self) -> str:
        """The name of its check in Dagster."""
        return f"{self.dimension}__{self.id}"

    @property
    def guidance(self) -> str:
        """Plain prose: what the rule wants and what to do where it fails."""
        quarantine = " 不合格的行进入隔离区。 Rows that fail go to quarantine." if self.blocking else ""
        return f"{self.title_zh}。 {self.title_en}. 整改 remedy: {self.remedy or '-'}{quarantine}"


def declared_rules(project: Project, contract: Contract) -> list[Rule]:
    """The rules of the dataset's suite in the order of the file; none where there is no suite. Raises `DocumentError`."""
    path = project.expectations / "suites" / contract.suite_path
    if not path.exists():
        return []
    document = read_document(path)
    return [_rule(document, i, node) for i, node in enumerate(document.data.get("expectations") or [])]


def _rule(document: Document, position: int, node: dict[str, Any]) -> Rule:
    meta = node.get("meta") or {}
    if not meta.get("id"):
        raise document.error(("expectations", position), "this rule has no `meta.id`.", "Give it a name of its own that never changes.")
    kwargs = node.get("kwargs") or {}
    named = [kwargs[k] for k in ("column", "column_A", "column_B") if k in kwargs] + list(kwargs.get("column_list") or ())
    title, remedy = meta.get("title") or {}, meta.get("remedy") or {}
    return Rule(
        id=str(meta["id"]),
        type=str(node.get("type")),
        indicator=str(meta.get("indicator", "")),
        severity=str(node.get("severity", "critical")),
        blocking=bool(meta.get("blocking")),
        block_above=float(meta.get("blockAbove", BLOCK_ABOVE)),
        title_zh=str(title.get("zh", meta["id"])),
        title_en=str(title.get("en", meta["id"])),
        remedy=" ".join(str(v) for v in remedy.values()) if isinstance(remedy, dict) else str(remedy),
        columns=tuple(named),
    )
