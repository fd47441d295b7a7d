"""`yuanqing init` and `contract from`: a project begun, a dataset drafted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json


@clearly
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="新项目的文件夹，须为空或尚不存在。 A new or an empty folder.")],
    department: Annotated[str, typer.Option(help="部门的文件夹名。 The department's folder name.")] = "culture",
    department_name: Annotated[str, typer.Option(help="部门名称。 The department's name in Chinese.")] = "示例市文化和旅游局",
    department_name_en: Annotated[
        str, typer.Option(help="部门英文名称。 The department's name in English.")
    ] = "Culture and Tourism Bureau of the Example City",
    dataset: Annotated[str, typer.Option(help="示例数据集名。 The name of the example dataset.")] = "library_card",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """建一个可以运行的项目：契约、规则集、代码表、标准、配置、示例交付。 Begin a project that runs: declarations, settings, a sample.

    例 examples:

      yuanqing init culture && cd culture && yuanqing run

      yuanqing init 民政 --department civil_affairs --department-name 示例市民政局 --dataset welfare_home
    """
    from pipelines.starting import Start, begin

    made = begin(folder, Start(department, department_name, department_name_en, dataset))
    if as_json:
        print_json({"project": str(folder.resolve()), "files": [str(f) for f in made]})
        return
    out = console()
    for file in made:
        out.print(f"  {file}", markup=False, soft_wrap=True)
    out.print(f"项目已建 The project is begun: {folder}\n下一步 next: cd {folder} && yuanqing run", markup=False, soft_wrap=True)
