"""`yuanqing impact`: what a change of contracts, suites or SQL touches, before it is merged."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipelines.commands.screen import clearly, print_json


@clearly
def impact(
    against: Annotated[str, typer.Option(metavar="REV|DIR", help="与之比较的 git 版本或文件夹。 A revision of git, or a folder.")] = "HEAD",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """改契约、规则集或 SQL 之前：影响哪些表、列、规则、报告和部门，是否破坏。 What a change of contract, suite or SQL touches.

    Markdown，可贴入合并请求。退出码：1 有破坏性变更，2 读不出。 Markdown for a pull request; exit 1: breaking, 2: cannot be read.

    例 examples:

      yuanqing impact

      yuanqing impact --against origin/main

      yuanqing impact --against ../project-as-it-was --json
    """
    from assets.project import Project
    from pipelines.lineage.impact import impact as find
    from pipelines.lineage.impact import text
    from pipelines.lineage.past import declarations_at

    project = Project.at()
    with declarations_at(project, against) as before:
        found = find(before, project, against)
    if as_json:
        print_json(found.as_json())
    else:
        sys.stdout.write(text(found))
    raise typer.Exit(1 if found.breaking else 0)
