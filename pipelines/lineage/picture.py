"""The way of the data as one SVG, drawn from contracts, models and the counts of the lake: nothing in it is written by hand.

Belongs here: the picture for README and reports. Not here: column lineage, the searchable graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assets.contracts import Contract
    from assets.project import Project

WIDTH, BOX, HEIGHT, GAP, TOP = 1180, 196, 58, 22, 64
ROUND = 28  # what an edge within the last column needs beside it
SIZES = {"t": 13}  # of the letters of a title; of any other line 11
COLUMNS = (("交付", "hand-over"), ("原始", "raw"), ("标准", "standard"), ("基础库", "base"), ("主题库", "thematic"))
FORMS = {
    "csv": "CSV",
    "fixed": "定长文本 fixed width",
    "xlsx": "Excel",
    "xls": "Excel",
    "xml": "XML",
    "zip": "ZIP",
    "postgresql": "PostgreSQL",
    "postgres": "PostgreSQL",
    "mysql": "MySQL",
    "api": "API",
}
STYLE = """
text { font-family: "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif; fill: #1f2933 }
.h { font-size: 15px; font-weight: 600 } .e { font-size: 12px; fill: #52606d } .t { font-size: 13px; font-weight: 600 }
.s { font-size: 11px; fill: #52606d } .n { font-size: 11px; fill: #0b6e4f } .q { font-size: 11px; fill: #a61b1b }
rect { fill: #fff; stroke: #9aa5b1 } path { fill: none; stroke: #9aa5b1; stroke-width: 1.3 }
"""


@dataclass(frozen=True)
class Node:
    """One box: `lines` are (text, style class)."""

    key: str
    column: int
    lines: tuple[tuple[str, str], ...]


def draw(project: Project, counts: Mapping[str, tuple[int, int]] | None = None) -> str:
    """The SVG. `counts` gives by table (`raw.x`, `std.x`, `base.x`) the rows in it and, for std, the rows in quarantine."""
    from assets.models import dependencies

    counts = counts or {}
    nodes: list[Node] = []
    edges: list[tuple[str, str]] = []
    for contract in project.sources():
        nodes += _source_nodes(contract, counts)
        edges += [(f"in.{contract.name}", f"raw.{contract.name}"), (f"raw.{contract.name}", f"std.{contract.name}")]
    for contract in project.models():
        rows = counts.get(contract.table)
        nodes.append(
            Node(
                contract.table,
                3 if contract.layer == "base" else 4,
                ((contract.title, "t"), (contract.table, "s"), *(((f"{rows[0]:,} 行 rows", "n"),) if rows else ())),
            )
        )
        edges += [(table, contract.table) for table in dependencies(contract)]
    return _svg(*_with_passages(nodes, edges))


def _with_passages(nodes: list[Node], edges: list[tuple[str, str]]) -> tuple[list[Node], list[tuple[str, str]]]:
    """An edge that skips a column gets a place of its own there, so that it runs behind no box."""
    columns = {n.key: n.column for n in nodes}
    passages: list[Node] = []
    short: list[tuple[str, str]] = []
    for start, end in edges:
        last = start
        for column in range(columns.get(start, 0) + 1, columns.get(end, 0)):
            passage = Node(f"{start}>{end}>{column}", column, ())
            passages.append(passage)
            short.append((last, passage.key))
            last = passage.key
        short.append((last, end))
    return nodes + passages, short


def _source_nodes(contract: Contract, counts: Mapping[str, tuple[int, int]]) -> list[Node]:
    form = FORMS.get(contract.server.properties.get("format", contract.server.type), contract.server.type)
    raw, std = counts.get(f"raw.{contract.name}"), counts.get(f"std.{contract.name}")
    kept: list[tuple[str, str]] = []
    if std:
        kept = [(f"{std[0]:,} 行 rows", "n")] + ([(f"{std[1]:,} 隔离 in quarantine", "q")] if std[1] else [])
    return [
        Node(f"in.{contract.name}", 0, ((contract.department, "t"), (f"{form} · {contract.title}", "s"))),
        Node(f"raw.{contract.name}", 1, ((f"raw.{contract.name}", "t"), *(((f"{raw[0]:,} 行 rows", "n"),) if raw else ()))),
        Node(f"std.{contract.name}", 2, ((f"std.{contract.name}", "t"), *kept)),
    ]


def _svg(nodes: list[Node], edges: list[tuple[str, str]]) -> str:
    places: dict[str, tuple[float, float]] = {}
    tallest = max(sum(n.column == c for n in nodes) for c in range(len(COLUMNS)))
    height = TOP + tallest * (HEIGHT + GAP)
    step = (WIDTH - BOX) / (len(COLUMNS) - 1)

    def height_of_sources(node: Node) -> float:
        above = [places[start][1] for start, end in edges if end == node.key and start in places]
        return sum(above) / len(above) if above else 0.0

    for column in range(len(COLUMNS)):
        mine = sorted((n for n in nodes if n.column == column), key=height_of_sources)
        first = TOP + (tallest - len(mine)) * (HEIGHT + GAP) / 2
        for position, node in enumerate(mine):
            places[node.key] = (column * step, first + position * (HEIGHT + GAP))
    frame = f'x="-10" y="0" width="{WIDTH + 10 + ROUND}" height="{height}" style="fill:#f8fafb;stroke:none"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 {WIDTH + 10 + ROUND} {height}" role="img">',
        f"<title>数据之路 the way of the data</title><style>{STYLE}</style><rect {frame}/>",
    ]
    for column, (zh, en) in enumerate(COLUMNS):
        parts.append(f'<text class="h" x="{column * step}" y="26">{zh}</text><text class="e" x="{column * step}" y="44">{en}</text>')
    for start, end in edges:
        if start in places and end in places:
            (x1, y1), (x2, y2) = places[start], places[end]
            x1, y1, y2 = x1 + BOX, y1 + HEIGHT / 2, y2 + HEIGHT / 2
            if x2 < x1:  # within one column: leave and arrive on the right side
                bend, x2 = x1 + ROUND, x2 + BOX
                parts.append(f'<path d="M{x1:.0f},{y1:.0f} C{bend:.0f},{y1:.0f} {bend:.0f},{y2:.0f} {x2:.0f},{y2:.0f}"/>')
            else:
                middle = (x1 + x2) / 2
                parts.append(f'<path d="M{x1:.0f},{y1:.0f} C{middle:.0f},{y1:.0f} {middle:.0f},{y2:.0f} {x2:.0f},{y2:.0f}"/>')
    for node in nodes:
        x, y = places[node.key]
        if not node.lines:
            parts.append(f'<path d="M{x:.0f},{y + HEIGHT / 2:.0f} h{BOX}"/>')
            continue
        parts.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX}" height="{HEIGHT}" rx="6"/>')
        top = y + HEIGHT / 2 - 7.5 * (len(node.lines) - 1) + 4
        for line, (text, style) in enumerate(node.lines):
            parts.append(f'<text class="{style}"{_pressed(text, style)} x="{x + 10:.0f}" y="{top + 15 * line:.0f}">{escape(text)}</text>')
    parts.append("</svg>")
    return "\n".join(parts)


def _pressed(text: str, style: str) -> str:
    """What makes a line fit that is wider than its box; a Han character is as wide as it is high, others somewhat above half."""
    width = SIZES.get(style, 11) * sum(1 if ord(c) > 0x2E80 else 0.56 for c in text)
    return f' textLength="{BOX - 20}" lengthAdjust="spacingAndGlyphs"' if width > BOX - 20 else ""


def counted(project: Project) -> dict[str, tuple[int, int]]:
    """Rows by table as `draw` takes them, from the lake."""
    from assets.lake import open_lake, quote

    counts: dict[str, tuple[int, int]] = {}
    with open_lake(project, read_only=True) as con:
        tables = {
            f"{schema}.{name}"
            for schema, name in con.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'lake' UNION"
                " SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'lake'"
            ).fetchall()
        }

        def rows(table: str) -> int:
            found = con.execute(f"SELECT count(*) FROM {quote(table)}").fetchone() if table in tables else None
            return int(found[0]) if found else 0

        for contract in project.sources():
            counts[f"raw.{contract.name}"] = (rows(f"raw.{contract.name}"), 0)
            counts[contract.table] = (rows(contract.table), rows(f"quarantine.{contract.name}"))
        for contract in project.models():
            counts[contract.table] = (rows(contract.table), 0)
    return counts


if __name__ == "__main__":
    from assets.project import Project as Found

    here = Found.at()
    print(draw(here, counted(here)))
