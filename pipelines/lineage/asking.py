"""What is asked of lineage: from what a table or column is made, and what is made of it, by dataset, column or hand-over.

Belongs here: answers as plain data, and as a tree for a terminal. Not here: the graph (`graph`), records (`origin`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.lake import is_there, objects, open_lake
from assets.renames import named_then
from expectations.documents import near
from pipelines.lineage.graph import Graph, Node

if TYPE_CHECKING:
    import duckdb
    from rich.tree import Tree

    from assets.contracts import Contract
    from assets.project import Project


class LineageError(LookupError):
    """There is no such table or column, or the lake has no such state."""


@dataclass(frozen=True)
class Step:
    """One node that was reached: how far it is, through which node, and how that depends on it (or is depended on)."""

    node: Node
    distance: int
    through: Node
    subtype: str
    masking: bool

    def as_json(self) -> dict[str, Any]:
        (table, column), (by_table, by_column) = self.node, self.through
        dependence = {"subtype": self.subtype, "masking": self.masking} if self.subtype else {}
        return {"table": table, "column": column, "distance": self.distance, "through": _dotted((by_table, by_column)), **dependence}


def find(graph: Graph, spoken: str) -> Node:
    """The node that is meant by `TABLE` or `TABLE.COLUMN`; a dataset's name alone is its std, base or thematic table."""
    text = spoken.strip().replace("/", ".")
    schemas = {table.split(".")[0] for table in graph.columns}
    known = {table.split(".", 1)[1]: table for table in sorted(graph.columns) if not table.startswith(("in.", "raw.", "codes."))}
    parts = text.split(".", 2) if text.split(".")[0] in schemas else text.split(".", 1)
    if parts[0] in schemas:
        table, column = ".".join(parts[:2]), "".join(parts[2:])
    else:
        table, column = known.get(parts[0], parts[0]), "".join(parts[1:])
    if table not in graph.columns:
        raise LineageError(f"no table {spoken!r}. {near(table, [*graph.columns, *known])}")
    if column and column not in graph.columns[table]:
        raise LineageError(f"no column {column!r} in {table}. {near(column, graph.columns[table])}")
    return table, column


def by_column(graph: Graph, node: Node, *, up: bool, direct: bool = False) -> list[Step]:
    """The columns above (`up`) or below a column, or a table's columns, nearest first."""
    begin = [node] if node[1] else graph.nodes(node[0])
    found = graph.up(*begin, direct=direct) if up else graph.down(*begin, direct=direct)
    distance: dict[Node, int] = {}
    steps = []
    for reached, edge in found.items():
        through = (edge.target if up else edge.source) if edge else None
        distance[reached] = distance.get(through, 0) + 1 if through is not None else 0
        distance.setdefault((reached[0], ""), distance[reached])  # its rows decide as near as its nearest column
        if edge and through is not None and reached[0] != node[0]:
            steps.append(Step(reached, distance[reached], through, edge.subtype, edge.masking))
    return steps


def by_table(graph: Graph, table: str, *, up: bool) -> list[Step]:
    """The tables above or below a table, nearest first."""
    beside: dict[str, list[str]] = {}
    for source, target in graph.tables:
        one, other = (target, source) if up else (source, target)
        beside.setdefault(one, []).append(other)
    steps, seen, waiting = [], {table: 0}, [table]
    for at in waiting:
        for other in sorted(beside.get(at, ())):
            if other not in seen:
                seen[other] = seen[at] + 1
                waiting.append(other)
                steps.append(Step((other, ""), seen[other], (at, ""), "", masking=False))
    return steps


def by_batch(project: Project, table: str, *, snapshot: int | None = None) -> list[dict[str, Any]]:
    """The hand-overs in a table's present state, or in that of a past snapshot of the lake, oldest first."""
    contract = project.contracts[table.split(".", 1)[1]]
    with open_lake(project, read_only=True, snapshot=snapshot) as con:
        if not is_there(con, "evidence.batches"):
            raise LineageError(f"{table}: nothing was collected yet. Run `yuanqing run` first.")
        then = named_then(con, contract) or contract
        found = sorted(batches_in(con, then), key=lambda b: (b["dataset"], b["period"], b["unit"], b["batch"]))
        return [{k: v for k, v in b.items() if k != "total"} for b in found]


def batches_in(con: duckdb.DuckDBPyConnection, contract: Contract, *, newest: int | None = None) -> list[dict[str, Any]]:
    """The hand-overs in the present state of a contract's table, newest first; `total`: how many there are where `newest` cuts.

    In std those that no newer one replaces, in a model those that its build noted.
    """
    from assets.std import current_batches

    of, values = "SELECT batch FROM evidence.lineage WHERE dataset = ?", [contract.table]
    if contract.layer == "sources":
        of, values = current_batches(contract), []
    return objects(
        con,
        "SELECT b.dataset, coalesce(b.unit, '') AS unit, b.period, b.source, b.received_at, b.rows_std AS rows, b.batch,"
        f" count(*) OVER () AS total FROM evidence.batches AS b WHERE b.status = 'standardised' AND b.batch IN ({of})"
        f" ORDER BY b.received_at DESC, b.batch DESC{f' LIMIT {newest}' if newest else ''}",
        values,
    )


def tree(title: str, steps: list[Step], names: Mapping[str, str]) -> Tree:
    """The steps as a tree, each below the one through which it was reached; `names` gives tables their titles."""
    from rich.text import Text
    from rich.tree import Tree

    made = Tree(Text(title, style="bold"))
    at: dict[Node, Tree] = {}
    for step in steps:
        table, column = step.node
        label = Text.assemble((_dotted(step.node), "" if column else "bold"), f"  {names.get(table, '')}" if not column else "")
        if step.subtype:
            label.append(f"  {step.subtype}{' · 已遮蔽 masked' if step.masking else ''}", style="dim")
        at[step.node] = at.get(step.through, made).add(label)
        at.setdefault((table, ""), at[step.node])  # below a column hangs what decides its rows
    if not steps:
        made.add(Text("—", style="dim"))
    return made


def _dotted(node: Node) -> str:
    return f"{node[0]}.{node[1]}" if node[1] else node[0]
