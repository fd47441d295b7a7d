"""Classification along lineage: a level never falls from what is read to what is made of it, and a sharing type never widens.

GB/T 43697-2024 for levels; 政务信息资源共享管理暂行办法（国发〔2016〕51号） for sharing types (1 unconditional, 2 conditional, 3 not
shared). A column may be lower where it hides what went in (`masking`, digests, counts) or where its contract says why
(`declassified`). A table may be shared more widely than one that it reads where none of its columns shows a column of that one above
level 1, or where its contract says why (`widened` in `catalogue`). What only decides which rows there are does not come out as a
value, and is not compared.

Belongs here: finding such edges. Not here: how values are masked (`assets.masking`), what contents look like
(`pipelines.profiling.sensitive`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.models.lineage import model_lineage
from assets.models.sql import columns_known, dependencies
from expectations.documents import read_document

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

Node = tuple[str, str]
Shows = Mapping[Node, Collection[Node]]
"""By column of a table, the columns that it shows: directly, and not masked."""
OPEN = 1


@dataclass(frozen=True)
class Fall:
    """An edge along which a level falls: the way of the value from the hand-over to the model's column, with the levels at its end."""

    way: tuple[Node, ...]
    level: int
    lower: int

    @property
    def source(self) -> str:
        return ".".join(self.way[-2])

    @property
    def target(self) -> str:
        return ".".join(self.way[-1])

    def __str__(self) -> str:
        before = "".join(f"{'.'.join(node)} → " for node in self.way[:-2])
        return f"{before}{self.source} (level {self.level}) → {self.target} (level {self.lower})"


@dataclass(frozen=True)
class Widening:
    """A model that is shared more widely (`wider`) than a table that it reads (`sharing`), and the column of it that it shows."""

    way: tuple[Node, ...]
    level: int
    sharing: int
    wider: int

    def __str__(self) -> str:
        source, target = (".".join(node) for node in self.way[-2:])
        before = "".join(f"{'.'.join(node)} → " for node in self.way[:-2])
        return f"{before}{source} (level {self.level}, sharing {self.sharing}) → {target} (sharing {self.wider})"


def shown(project: Project, models: Collection[Contract] | None = None) -> Shows:
    """What the columns of the models (of all) and of the tables below them show, from their SQL.

    The graph of all columns says the same (`pipelines.lineage`); whoever has it at hand need not read the SQL again.
    """
    known = columns_known(project)
    found: dict[Node, list[Node]] = {}
    for contract in project.models() if models is None else models:
        lineage = model_lineage(project, contract, known)
        for name, dependences in lineage.columns.items():
            found[contract.table, name] = list(
                dict.fromkeys((d.table, d.column) for d in sorted(dependences) if d.direct and not d.masking)
            )
    for contract in project.sources():
        for column in contract.columns:
            found[contract.table, column.name] = [(f"raw.{contract.name}", column.name)]
            found[f"raw.{contract.name}", column.name] = [(f"in.{contract.name}", column.header)]
    return found


def falls(project: Project, contract: Contract, shows: Shows | None = None) -> list[Fall]:
    """The edges into a model along which a level of classification falls. `shows`: as `shown` gives it, where it is at hand."""
    shows = shown(project) if shows is None else shows
    levels = _levels(project)
    return [
        Fall((*_way(shows, levels, source), (contract.table, column.name)), levels[source], column.classification)
        for column in contract.columns
        if not column.declassified
        for source in shows.get((contract.table, column.name), ())
        if levels.get(source, OPEN) > column.classification
    ]


def widenings(project: Project, contract: Contract, shows: Shows | None = None) -> list[Widening]:
    """The columns of less shared tables above level 1 that a model shows; none where its contract says why (`widened`)."""
    if contract.catalogue.get("widened"):
        return []
    narrower = {t: _sharing(project.contracts[t.split(".")[1]]) for t in widened(project, contract)}
    if not narrower:
        return []
    shows = shown(project) if shows is None else shows
    levels = _levels(project)
    own = _sharing(contract)
    return [
        Widening((*_way(shows, levels, source), node), levels[source], narrower[source[0]], own)
        for node in ((contract.table, c.name) for c in contract.columns)
        for source in shows.get(node, ())
        if source[0] in narrower and levels.get(source, OPEN) > OPEN
    ]


def check_levels(project: Project, models: Collection[Contract], shows: Shows | None = None) -> None:
    """Raise `DocumentError`, with the way of the value, at the first column whose level is lower than that of what it shows.

    Then at the first model that is shared more widely than what it shows.
    """
    shows = shown(project) if shows is None else shows
    for contract in models:
        for fall in falls(project, contract, shows):
            position = [c.name for c in contract.columns].index(fall.way[-1][1])
            raise read_document(contract.path).error(
                ("schema", 0, "properties", position, "classification"),
                f"a level falls along {fall}.",
                f"Classify it {fall.level}; or say how it hides the value (`masking`) or why it may be lower (`declassified`).",
            )
        for widening in widenings(project, contract, shows):
            document = read_document(contract.path)
            properties = [p["property"] for p in document.data.get("customProperties") or []]
            position = properties.index("catalogue") if "catalogue" in properties else 0
            raise document.error(
                ("customProperties", position, "value", "sharing"),
                f"a sharing type widens along {widening}.",
                f"Share it {widening.sharing}; or say in `catalogue` why it may be wider (`widened`).",
            )


def widened(project: Project, contract: Contract) -> list[str]:
    """The tables that a model reads whose sharing type is narrower than its own."""
    own = _sharing(contract)
    return [t for t in dependencies(contract) if _sharing(project.contracts[t.split(".")[1]]) > own]


def _levels(project: Project) -> dict[Node, int]:
    return {(c.table, column.name): column.classification for c in project.contracts.values() for column in c.columns}


def _way(shows: Shows, levels: Mapping[Node, int], node: Node) -> tuple[Node, ...]:
    """The way to a column from the hand-over: of several columns that it shows, along the most sensitive."""
    way = [node]
    while above := [n for n in shows.get(way[0], ()) if n not in way]:
        way.insert(0, max(above, key=lambda n: levels.get(n, OPEN)))
    return tuple(way)


def _sharing(contract: Contract) -> int:
    """1 unconditional, 2 conditional, 3 not shared; what does not say counts as conditional."""
    return int(contract.catalogue.get("sharing", 2))
