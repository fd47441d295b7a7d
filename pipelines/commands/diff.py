"""`yuanqing diff`: what changed in a table between two runs."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json, table


@clearly
def diff(
    name: Annotated[str, typer.Argument(metavar="TABLE", help="表，如 base.population。 A table.")],
    earlier: Annotated[str, typer.Argument(metavar="RUN1", help="先前的运行（编号或其开头），或湖的快照号。 A run's id, or a snapshot.")],
    later: Annotated[str, typer.Argument(metavar="RUN2", help="后来的运行或快照。 The later one.")],
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """两次运行之间一张表有何变化：增、减、改，按列，附脱敏示例。 What changed in a table between two runs, with masked examples.

    例 example: yuanqing diff base.population 12 57
    """
    from assets.project import Project
    from pipelines.lineage.differences import differences

    found = differences(Project.at(), name, earlier, later)
    if as_json:
        print_json(found.as_json())
        return
    first, second = found.snapshots
    out = console()
    out.print(
        f"{found.table}：快照 snapshot {first} → {second}：{found.before:,} → {found.after:,} 行 rows；"
        f"增 came {found.came:,}，减 went {found.went:,}，改 changed {found.changed:,}",
        markup=False,
        soft_wrap=True,
    )
    rows = [(column, rows, *example) for column, (rows, examples) in found.columns.items() for example in examples]
    if rows:
        out.print(table("", ("列 column", "行 rows", "主键 key", "原值 old", "新值 new"), rows))
