"""The lineage of all columns as one graph: from the header in a department's hand-over to the last thematic column.

A node is `(table, column)`; `(table, "")` stands for a table's rows, on which each of its columns depends. Tables are `in.<dataset>`
(what is handed over, by header), `raw.`, `std.`, `base.`, `thematic.`, `codes.`.

Belongs here: the graph, walking it. Not here: reading SQL (`assets.models`), records (`origin`), how it is shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from assets.models.dependence import STRENGTH, Subtype

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

Node = tuple[str, str]


@dataclass(frozen=True, order=True)
class Edge:
    """`target` depends on `source`, by OpenLineage's `subtype`; `masking`: it does not show it; `by`: what does it, for people."""

    source: Node
    target: Node
    subtype: Subtype
    masking: bool = False
    by: str = ""

    @property
    def direct(self) -> bool:
        return self.subtype in STRENGTH


@dataclass(frozen=True)
class Graph:
    """`columns`: of each table, in order. `unknown`: by table, SQL that could not be resolved, with the column it stands in."""

    columns: Mapping[str, tuple[str, ...]]
    edges: tuple[Edge, ...]
    unknown: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    @cached_property
    def _into(self) -> Mapping[Node, list[Edge]]:
        return _by(self.edges, lambda e: e.target)

    @cached_property
    def _out_of(self) -> Mapping[Node, list[Edge]]:
        return _by(self.edges, lambda e: e.source)

    def up(self, *nodes: Node, direct: bool = False) -> dict[Node, Edge | None]:
        """Everything that the nodes depend on, nearest first, each with the edge by which it was reached; `direct`: values only."""

        def above(node: Node) -> Iterator[tuple[Node, Edge]]:
            for edge in self._into.get(node, ()):
                if not direct or edge.direct:
                    yield edge.source, edge
            if node[1] and not direct:
                for edge in self._into.get((node[0], ""), ()):
                    yield edge.source, edge

        return _closure(nodes, above)

    def down(self, *nodes: Node, direct: bool = False) -> dict[Node, Edge | None]:
        """Everything that depends on the nodes, nearest first, each with the edge by which it was reached."""

        def below(node: Node) -> Iterator[tuple[Node, Edge]]:
            for edge in self._out_of.get(node, ()):
                if direct and not edge.direct:
                    continue
                yield edge.target, edge
                if not edge.target[1]:
                    for column in self.columns.get(edge.target[0], ()):
                        yield (edge.target[0], column), edge

        return _closure(nodes, below)

    def nodes(self, table: str) -> list[Node]:
        """A table's rows and columns."""
        return [(table, ""), *((table, c) for c in self.columns[table])]

    @cached_property
    def tables(self) -> Mapping[tuple[str, str], int]:
        """Pairs of tables of which the second is made of the first, with the number of edges."""
        pairs: dict[tuple[str, str], int] = {}
        for edge in self.edges:
            pair = edge.source[0], edge.target[0]
            pairs[pair] = pairs.get(pair, 0) + 1
        return pairs


def _by(edges: Iterable[Edge], key: Callable[[Edge], Node]) -> dict[Node, list[Edge]]:
    found: dict[Node, list[Edge]] = {}
    for edge in edges:
        found.setdefault(key(edge), []).append(edge)
    return found


def _closure(begin: Iterable[Node], step: Callable[[Node], Iterator[tuple[Node, Edge]]]) -> dict[Node, Edge | None]:
    found: dict[Node, Edge | None] = dict.fromkeys(begin)
    waiting = deque(found)
    while waiting:
        for node, edge in step(waiting.popleft()):
            if node not in found:
                found[node] = edge
                waiting.append(node)
    return found


def read_graph(project: Project) -> Graph:
    """The graph of a project, from its contracts, suites and models alone. Raises `DocumentError` for what does not fit."""
    from assets.models import columns_known, read_model
    from assets.models.lineage import model_lineage

    known = columns_known(project)
    columns: dict[str, tuple[str, ...]] = {}
    edges: list[Edge] = []
    unknown: dict[str, tuple[tuple[str, str], ...]] = {}
    for contract in project.sources():
        names = tuple(c.name for c in contract.columns)
        columns[f"in.{contract.name}"] = tuple(c.header for c in contract.columns)
        columns[f"raw.{contract.name}"] = columns[contract.table] = names
        edges += _collected(contract)
        edges += _standardised(project, contract)
    for contract in project.models():
        columns[contract.table] = tuple(c.name for c in contract.columns)
        query = read_model(contract)
        if any(name.split(".")[1] not in known.get(name.split(".")[0], ()) for name in query.tables):
            query.check(known)  # raises, with the line and a near name
        found = model_lineage(project, contract, known)
        for name in columns[contract.table]:
            node = (contract.table, name)
            edges += [Edge((d.table, d.column), node, d.subtype, d.masking) for d in sorted(found.columns[name])]
        edges += [Edge((d.table, d.column), (contract.table, ""), d.subtype, d.masking) for d in sorted(found.rows)]
        if found.unknown:
            unknown[contract.table] = tuple((column, sql) for column, told in found.unknown.items() for sql in told)
    for table, column in sorted({e.source for e in edges if e.source[0].startswith("codes.")}):
        columns[table] = (*columns.get(table, ()), column)
    return Graph(columns, tuple(dict.fromkeys(edges)), unknown)


def _collected(contract: Contract) -> Iterator[Edge]:
    for column in contract.columns:
        yield Edge((f"in.{contract.name}", column.header), (f"raw.{contract.name}", column.name), "IDENTITY", by="as handed over")


def _standardised(project: Project, contract: Contract) -> Iterator[Edge]:
    """Each column of std is its raw text, trimmed, repaired and typed; rows that break a blocking rule go to quarantine."""
    from pipelines.rulebook import read_rules

    raw = f"raw.{contract.name}"
    names = {c.name for c in contract.columns}
    for column in contract.columns:
        done = ["trim", *column.repair, *(["codes"] if column.codes else []), *([column.sql_type] if column.sql_type != "VARCHAR" else [])]
        yield Edge((raw, column.name), (contract.table, column.name), "TRANSFORMATION", by=" ".join(done))
    for rule in read_rules(project, [contract]):
        if rule.blocking:
            for name in rule.columns:
                if name in names:
                    yield Edge((raw, name), (contract.table, ""), "FILTER", by=rule.id)
