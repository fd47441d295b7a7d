"""`yuanqing settings`: what is in effect, and where each value came from."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json, table


@clearly
def settings(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False) -> None:
    """现行配置及其出处：变量、文件或默认值；密钥只显示其引用。 The settings in effect and where each came from; secrets as references.

    例 example: yuanqing settings
    """
    from dataclasses import asdict

    from assets.project import Project
    from assets.settings import FILE, told, unused_variables

    project = Project.at()
    found, unused = told(project.root, project.settings), unused_variables(project.settings)
    if as_json:
        print_json({"file": str(project.root / FILE), "settings": [asdict(t) for t in found], "unused": unused})
        return
    out = console()
    default, there = "默认 default", (project.root / FILE).exists()
    rows = ((t.name, "—" if t.value is None else str(t.value), default if t.source == "default" else t.source) for t in found)
    out.print(table("", ("设置 setting", "值 value", "出处 from"), rows))
    out.print(f"\n文件 file: {project.root / FILE}{'' if there else '（没有 not there）'}", markup=False, soft_wrap=True)
    if unused:
        out.print(f"不是设置的变量 variables that are no setting: {', '.join(unused)}", style="yellow", markup=False, soft_wrap=True)
