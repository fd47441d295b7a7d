"""What the lineage page tells, as plain data: tables with their columns, edges by number, scores, hand-overs.

A table's rows and columns are numbered in the order of the tables: first the rows, then each column; edges speak of them by number.
Raw and std are one box, as one dataset's columns go through both unchanged in name: an edge into raw goes into std, and says what
is repaired on the way.

Belongs here: the data. Not here: the graph (`pipelines.lineage.graph`), the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from expectations.codes import CodeTables

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from pipelines.lineage.graph import Graph

NEWEST = 6  # hand-overs of a table that are shown
LAYERS = {"codes": 0, "in": 0, "std": 1, "base": 2, "thematic": 3}
CODES = ("代码表", "Code tables")


def facts_of(project: Project, graph: Graph, results: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The facts of a project. Of hand-overs it tells the period, unit, time and rows: nothing of what stands in them."""
    from assets.judging import codes_of

    published = results.execute("SELECT strftime(published_at, '%Y-%m-%d %H:%M'), snapshot, standard FROM published").fetchone()
    assert published
    return {
        "published": dict(zip(("at", "snapshot", "standard"), published, strict=True)),
        **drawn(graph, project.contracts, _quality(results), _batches(results), codes_of(project)),
    }


def drawn(
    graph: Graph,
    contracts: Mapping[str, Contract],
    quality: Mapping[str, tuple[Any, ...]],
    batches: Mapping[str, tuple[int, list[tuple[Any, ...]]]],
    codes: CodeTables | None = None,
) -> dict[str, Any]:
    """Tables, edges and what cannot be resolved. `quality` by dataset: score, grade, rules failing; `batches` by table; `codes` names
    code tables."""
    codes = codes or CodeTables()
    departments: dict[tuple[str, str], int] = {}
    tables: list[dict[str, Any]] = []
    number: dict[tuple[str, str], int] = {}
    count = 0
    known = {t for t in (*graph.columns, *(e.source[0] for e in graph.edges)) if not t.startswith("raw.")}
    for table in sorted(known, key=lambda t: (_layer(t), t)):
        schema, name = table.split(".", 1)
        contract = contracts.get(name) if schema != "codes" else None
        department = (contract.department, contract.department_en) if contract else CODES
        told = {(c.header if schema == "in" else c.name): c for c in contract.columns} if contract else {}
        columns = []
        for column in ("", *graph.columns.get(table, ())):
            number[table, column] = count
            count += 1
            if column:
                of = told.get(column)
                words = (of.title, of.title_en) if of else codes.column_title(column) if schema == "codes" else ("", "")
                columns.append([column, *words, of.classification if of else 0])
        title = (contract.title, contract.title_en) if contract else codes.title(name)
        total, newest = batches.get(table if schema != "in" else f"std.{name}", (0, []))
        tables.append(
            {
                "key": table,
                "zh": title[0],
                "en": title[1],
                "department": departments.setdefault(department, len(departments)),
                "layer": _layer(table),
                "columns": columns,
                "quality": quality.get(name) if contract else None,
                "batches": [total, newest],
                "unknown": [list(u) for u in graph.unknown.get(table, ())],
            }
        )
    return {"departments": [list(d) for d in departments], "tables": tables, **_edges(graph, number)}


def _layer(table: str) -> int:
    return LAYERS.get(table.split(".")[0], LAYERS["std"])


def _edges(graph: Graph, number: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """`edges` is flat, five numbers an edge: source, target, kind, masking, `by`."""

    def std(table: str) -> str:
        return f"std.{table[4:]}" if table.startswith("raw.") else table

    mended = {e.source: e.by for e in graph.edges if e.source[0].startswith("raw.") and e.direct}
    kinds: dict[str, int] = {}
    words: dict[str, int] = {"": 0}
    flat: dict[tuple[int, ...], None] = {}
    for edge in graph.edges:
        source, target = (std(edge.source[0]), edge.source[1]), (std(edge.target[0]), edge.target[1])
        if source == target:
            continue
        if source not in number:
            source = (source[0], "")  # a column that no contract declares, as `_batch`: it stands for the row
        by = mended.get(edge.target, "") if edge.target[0].startswith("raw.") else edge.by
        kind = kinds.setdefault(edge.subtype, len(kinds))
        flat[number[source], number[target], kind, int(edge.masking), words.setdefault(by, len(words))] = None
    return {"kinds": list(kinds), "by": list(words), "edges": [n for edge in flat for n in edge]}


def _quality(results: duckdb.DuckDBPyConnection) -> dict[str, tuple[Any, ...]]:
    """By dataset: score, ranked (score by coverage), grade, and how many of its rules fail."""
    found = results.execute(
        """
        SELECT s.dataset, round(s.score, 4), round(s.ranked, 4), s.grade, (SELECT count(*) FROM failing_rules f WHERE f.dataset = s.dataset)
        FROM scores s WHERE s.scope = 'dataset' AND s.level = 'total' AND s.score IS NOT NULL"""
    ).fetchall()
    return {dataset: tuple(told) for dataset, *told in found}


def _batches(results: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, list[tuple[Any, ...]]]]:
    """By table: how many hand-overs are in its present state, and the newest of them: dataset, period, unit, received, rows, id."""
    made: dict[str, tuple[int, list[tuple[Any, ...]]]] = {}
    for table, total, *told in results.execute(
        """
        WITH stands AS (
            SELECT 'std.' || s.dataset AS "table", s.batch FROM standing s JOIN datasets d ON d.dataset = s.dataset AND d.layer = 'sources'
            UNION SELECT dataset, batch FROM lineage WHERE split_part(dataset, '.', 1) IN ('base', 'thematic'))
        SELECT t."table", count(*) OVER (PARTITION BY t."table"), b.dataset, coalesce(b.period, ''), coalesce(u.zh, b.unit, ''),
            coalesce(strftime(b.received_at, '%Y-%m-%d'), ''), b.rows_std, b.batch
        FROM stands t JOIN batches b ON b.batch = t.batch LEFT JOIN units u ON u.unit = b.unit
        QUALIFY row_number() OVER (PARTITION BY t."table" ORDER BY b.received_at DESC, b.batch) <= ?
        ORDER BY t."table", b.received_at DESC, b.batch""",
        [NEWEST],
    ).fetchall():
        made.setdefault(table, (total, []))[1].append(tuple(told))
    return made
