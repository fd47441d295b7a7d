"""`yuanqing lineage`: from what a table or column is made, and what is made of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from pipelines.commands.screen import clearly, console, print_json, table


class Level(StrEnum):
    dataset = "dataset"
    column = "column"
    batch = "batch"
    record = "record"


@clearly
def lineage(
    name: Annotated[str, typer.Argument(metavar="TABLE[.COLUMN]", help="表或列，如 base.population.name。 A table or a column.")],
    key: Annotated[list[str] | None, typer.Argument(metavar="[KEY...]", help="记录的主键（--level record）。 A record's key.")] = None,
    up: Annotated[bool, typer.Option("--up", help="只看来源。 Only what it is made of.")] = False,
    down: Annotated[bool, typer.Option("--down", help="只看去向。 Only what is made of it.")] = False,
    level: Annotated[Level | None, typer.Option(help="数据集、列、批次、记录。 By dataset, column, hand-over or record.")] = None,
    direct: Annotated[bool, typer.Option("--direct", help="只看进入取值的列。 Only columns whose values go into the value.")] = False,
    batch: Annotated[str | None, typer.Option(help="（记录去向）批次。 For a record's way down: the hand-over it came in.")] = None,
    row: Annotated[int | None, typer.Option(help="（记录去向）行。 For a record's way down: its line there.")] = None,
    snapshot: Annotated[int | None, typer.Option(help="（批次）湖的旧快照。 For hand-overs: a past snapshot of the lake.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """来自何处，去往何处：按数据集、列、批次或记录。 Where it comes from and where it goes.

    例 examples:

      yuanqing lineage thematic.assistance_person

      yuanqing lineage base.population.name --up --direct

      yuanqing lineage base.population --level batch

      yuanqing lineage base.population 219901199001010015 --level record

      yuanqing lineage std.population_register --down --level record --batch 20260301-1 --row 4711
    """
    from assets.project import Project
    from pipelines.lineage import asking
    from pipelines.lineage.stored import graph_of

    project = Project.at()
    graph = graph_of(project)
    node = asking.find(graph, name)
    level = level or (Level.record if key or batch else Level.column if node[1] else Level.dataset)
    if level is Level.record and (down or batch is not None):
        from pipelines.lineage.feeding import feeding

        fed = feeding(project, node[0], batch=batch, row=row, key=tuple(key or ()))
        if as_json:
            print_json(fed.as_json())
        else:
            console().print(fed.tree())
        return
    if level is Level.record:
        from pipelines.commands.look import origin

        origin(node[0], key or [], as_json=as_json, unmasked=False)
        return
    if level is Level.batch:
        rows = asking.by_batch(project, node[0], snapshot=snapshot)
        if as_json:
            print_json(rows)
            return
        columns = ("数据集 dataset", "单位 unit", "期 period", "来源 source", "收到 received", "行 rows", "批次 batch")
        console().print(table(f"{node[0]} 现由这些批次构成 is made of these hand-overs", columns, ([*r.values()] for r in rows)))
        return
    both = up == down
    found: dict[str, list[asking.Step]] = {}
    for direction, wanted in (("up", up or both), ("down", down or both)):
        if wanted and level is Level.dataset:
            found[direction] = asking.by_table(graph, node[0], up=direction == "up")
        elif wanted:
            found[direction] = asking.by_column(graph, node, up=direction == "up", direct=direct)
    unknown = [list(u) for u in graph.unknown.get(node[0], ())]
    if as_json:
        told: dict[str, Any] = {d: [s.as_json() for s in steps] for d, steps in found.items()}
        print_json({"table": node[0], "column": node[1] or None, **told, "unknown": unknown})
        return
    titles = {c.table: c.title for c in project.contracts.values()}
    words = {"up": f"{name} 来自 is made of", "down": f"{name} 去往 goes into"}
    for direction, steps in found.items():
        console().print(asking.tree(words[direction], steps, titles))
    for column, sql in unknown:
        console().print(f"未能解析 not resolved: {column or '(rows)'}: {sql}", style="yellow", markup=False)
