"""Classification along lineage: a level never falls from what is read to what is made of it, and a sharing type never widens.

GB/T 43697-2024 for levels; 政务信息资源共享管理暂行办法（国发〔2016〕51号） for sharing types (1 unconditional, 2 conditional, 3 not
shared). A column may be lower where it hides what went in (`masking`, digests, counts) or where its contract says why
(`declassified`). What only decides which rows there are does not come out as a value, and is not compared.

Belongs here: finding such edges. Not here: how values are masked (`assets.masking`), what profiles find in contents.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.models.lineage import model_lineage
from assets.models.sql import columns_known, dependencies
from expectations.documents import DocumentError, read_document

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project


@dataclass(frozen=True)
class Fall:
    """An edge along which a level falls: `source` and `target` are `table.column`, with their levels."""

    source: str
    level: int
    target: str
    lower: int

    def __str__(self) -> str:
        return f"{self.source} (level {self.level}) → {self.target} (level {self.lower})"


def falls(project: Project, contract: Contract) -> list[Fall]:
    """The edges into a model along which a level of classification falls."""
    known = columns_known(project)
    levels = {(c.table, column.name): column.classification for c in project.contracts.values() for column in c.columns}
    lineage = model_lineage(project, contract, known)
    found = []
    for column in contract.columns:
        if column.declassified:
            continue
        for d in sorted(lineage.columns[column.name]):
            level = levels.get((d.table, d.column), 1)
            if d.direct and not d.masking and level > column.classification:
                found.append(Fall(f"{d.table}.{d.column}", level, f"{contract.table}.{column.name}", column.classification))
    return list(dict.fromkeys(found))


def check_levels(project: Project, models: Collection[Contract]) -> None:
    """Raise `DocumentError` at the first column whose level is lower than that of what it shows, with the edge."""
    for contract in models:
        for fall in falls(project, contract):
            position = [c.name for c in contract.columns].index(fall.target.rsplit(".", 1)[1])
            raise read_document(contract.path).error(
                ("schema", 0, "properties", position, "classification"),
                f"a level falls along {fall}.",
                f"Classify it {fall.level}; or say how it hides the value (`masking`) or why it may be lower (`declassified`).",
            )


def widened(project: Project, contract: Contract) -> list[str]:
    """The tables that a model reads whose sharing type is narrower than its own."""
    own = _sharing(contract)
    return [t for t in dependencies(contract) if _sharing(project.contracts[t.split(".")[1]]) > own]


def _sharing(contract: Contract) -> int:
    """1 unconditional, 2 conditional, 3 not shared; what does not say counts as conditional."""
    return int(contract.catalogue.get("sharing", 2))


__all__ = ["DocumentError", "Fall", "check_levels", "falls", "widened"]
