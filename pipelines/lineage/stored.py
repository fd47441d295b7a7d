"""The graph of columns, kept: on the disk until a declaration changes, and in the results for whoever asks them by SQL.

Belongs here: keeping and publishing. Not here: the graph itself (`graph`).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.ledger import declarations
from pipelines.lineage.graph import Edge, Graph, Node, read_graph
from pipelines.swapping import swapped

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

COLUMN_LINEAGE = [
    ("source", "VARCHAR", "the table that is depended on: in (as handed over), raw, std, base, thematic, codes"),
    ("source_column", "VARCHAR", "its column; in `in` tables the header"),
    ("target", "VARCHAR", "the table that depends on it"),
    ("target_column", "VARCHAR", "its column; empty: the rows of the table, so all its columns"),
    ("type", "VARCHAR", "DIRECT: its value goes into the value; INDIRECT: it decides which value or which rows there are (OpenLineage)"),
    ("subtype", "VARCHAR", "IDENTITY, TRANSFORMATION, AGGREGATION; CONDITIONAL, FILTER, JOIN, GROUP_BY, SORT, WINDOW"),
    ("masking", "BOOLEAN", "whether what comes out does not show what went in"),
    ("by", "VARCHAR", "what does it, where it is no model: repairs, a blocking rule"),
]
UNKNOWN_LINEAGE = [
    ("table", "VARCHAR", "the table"),
    ("column", "VARCHAR", "its column; empty: its rows"),
    ("sql", "VARCHAR", "what could not be resolved; nothing is guessed about it"),
]


def graph_of(project: Project) -> Graph:
    """The project's graph. Read anew only after a declaration has changed. Raises `DocumentError` for what does not fit."""
    return _of(project, declarations(project))


@lru_cache(2)
def _of(project: Project, digest: str) -> Graph:
    path = project.scratch / "lineage.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["declarations"] == digest:
            return _read(kept)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none kept, or one of another version: it is read from the declarations
    graph = read_graph(project)
    with suppress(OSError), swapped(path) as fresh:  # a data folder that can only be read costs time, no more
        fresh.write_text(json.dumps({"declarations": digest, **_plain(graph)}, ensure_ascii=False), encoding="utf-8")
    return graph


def _plain(graph: Graph) -> dict[str, object]:
    edges = [(*e.source, *e.target, e.subtype, e.masking, e.by) for e in graph.edges]
    return {"columns": dict(graph.columns), "edges": edges, "unknown": dict(graph.unknown)}


def _read(kept: dict[str, object]) -> Graph:
    columns = {t: tuple(c) for t, c in kept["columns"].items()}  # type: ignore[attr-defined]
    edges = tuple(Edge((a, b), (c, d), kind, masking, by) for a, b, c, d, kind, masking, by in kept["edges"])  # type: ignore[attr-defined]
    unknown = {t: tuple(map(tuple, told)) for t, told in kept["unknown"].items()}  # type: ignore[attr-defined]
    return Graph(columns, edges, unknown)


def check_classified(project: Project, models: Collection[Contract]) -> None:
    """Raise `DocumentError` where a level of classification falls, or a sharing type widens, on the way into one of the models."""
    from assets.models.classification import check_levels, shown
    from expectations.documents import DocumentError

    try:
        graph = graph_of(project)
    except DocumentError:  # of another model: that one is no reason to leave these as they are
        check_levels(project, models, shown(project, models))
        return
    shows: dict[Node, list[Node]] = {}
    for edge in graph.edges:
        if edge.direct and not edge.masking:
            shows.setdefault(edge.target, []).append(edge.source)
    check_levels(project, models, shows)


def edge_rows(graph: Graph) -> list[tuple[object, ...]]:
    """Rows of COLUMN_LINEAGE."""
    return [(*e.source, *e.target, "DIRECT" if e.direct else "INDIRECT", e.subtype, e.masking, e.by) for e in graph.edges]


def unknown_rows(graph: Graph) -> list[tuple[str, str, str]]:
    """Rows of UNKNOWN_LINEAGE."""
    return [(table, column, sql) for table, told in sorted(graph.unknown.items()) for column, sql in told]
