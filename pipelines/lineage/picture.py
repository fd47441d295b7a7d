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
COLUMNS = (("交付", "hand-over"), ("原始", "raw"), ("标准", "standard"), ("基础库", "base"), ("主题库", "thematic"))
FORMS = {"csv": "CSV", "xlsx": "Excel", "xls": "Excel", "postgresql": "PostgreSQL", "postgres": "PostgreSQL", "api": "API"}
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
    return _svg(nodes, edges)


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
    for column in range(len(COLUMNS)):
        mine = [n for n in nodes if n.column == column]
        first = TOP + (tallest - len(mine)) * (HEIGHT + GAP) / 2
        for position, node in enumerate(mine):
            places[node.key] = (column * step, first + position * (HEIGHT + GAP))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 {WIDTH + 20} {height}" role="img" aria-label="数据之路 the way of the data">',
        f'<style>{STYLE}</style><rect x="-10" y="0" width="{WIDTH + 20}" height="{height}" style="fill:#f8fafb;stroke:none"/>',
    ]
    for column, (zh, en) in enumerate(COLUMNS):
        parts.append(f'<text class="h" x="{column * step}" y="26">{zh}</text><text class="e" x="{column * step}" y="44">{en}</text>')
    for start, end in edges:
        if start in places and end in places:
            (x1, y1), (x2, y2) = places[start], places[end]
            x1, y1, y2 = x1 + BOX, y1 + HEIGHT / 2, y2 + HEIGHT / 2
            if x2 < x1:  # within one column: leave and arrive on the right side
                bend, x2 = x1 + 28, x2 + BOX
                parts.append(f'<path d="M{x1:.0f},{y1:.0f} C{bend:.0f},{y1:.0f} {bend:.0f},{y2:.0f} {x2:.0f},{y2:.0f}"/>')
            else:
                middle = (x1 + x2) / 2
                parts.append(f'<path d="M{x1:.0f},{y1:.0f} C{middle:.0f},{y1:.0f} {middle:.0f},{y2:.0f} {x2:.0f},{y2:.0f}"/>')
    for node in nodes:
        x, y = places[node.key]
        parts.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX}" height="{HEIGHT}" rx="6"/>')
        top = y + HEIGHT / 2 - 7.5 * (len(node.lines) - 1) + 4
        for line, (text, style) in enumerate(node.lines):
            parts.append(f'<text class="{style}" x="{x + 10:.0f}" y="{top + 15 * line:.0f}">{escape(text)}</text>')
    parts.append("</svg>")
    return "\n".join(parts)
