"""`yuanqing init` and `contract from`: a project begun, a dataset drafted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json, table

contract_app = typer.Typer(
    help="契约：由文件或表起草。 Contracts: draft one from a file or table.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


@contract_app.command("from")
@clearly
def contract_from(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|TABLE",
            help="文件（csv、txt、xlsx、xls、xml、zip），湖中的表（raw.x），或 connections.toml 里服务器的表（server:schema.table）。 "
            "A file, a table of the lake, or a table of a server that connections.toml names.",
        ),
    ],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="新数据集名。 The new dataset's name.")],
    department: Annotated[str, typer.Option(help="部门的文件夹名。 The department's folder name.")],
    department_name: Annotated[str, typer.Option(help="部门名称，默认同该部门其他契约。 What people call it.")] = "",
    title: Annotated[str, typer.Option(help="数据集中文名。 The dataset's title.")] = "",
    sheet: Annotated[str | None, typer.Option(help="工作表名，默认行数最多的。 The sheet; that with most rows by default.")] = None,
    tolerance: Annotated[
        float,
        typer.Option(min=0.0, max=0.2, help="一条规则至多可有多少比例的行不符。 The share of rows that may break a drafted rule."),
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """由文件或表起草契约与规则集：列名、类型、必填、主键、分级、交付形式。 Draft a contract and a suite from what is handed over.

    已有的不覆盖；一切是推测，须经人核定。 Nothing is written over; all of it is guessed, and a person decides.

    例 examples:

      yuanqing contract from 学校_202610.xlsx --dataset school --department education

      yuanqing contract from hr_database:public.person --dataset person --department human_resources
    """
    from assets.project import Project
    from pipelines.drafting.dataset import Asked, draft, write
    from pipelines.precheck import precheck

    project = Project.at()
    called = department_name or next((c.department for c in project.sources() if c.group == department), "")
    drafted = draft(project, Asked(source, dataset, department, called, title, sheet, tolerance))
    files = write(project, drafted)
    checked = precheck(Project(project.root, project.data), dataset, Path(source)) if Path(source).is_file() else None
    if as_json:
        print_json(
            {
                "files": [str(project.root / f) for f in files],
                "rows": drafted.rows,
                "columns": [{"name": g.name, "header": g.header, **g.as_property()} for g in drafted.columns],
                "rules": drafted.rules,
                "notes": drafted.notes,
                "accepted": None if checked is None else checked.ok,
            }
        )
        return
    out = console()
    kinds = ("列 column", "表头 header", "类型 type", "必填 required", "主键 key", "分级 level")
    rows = [(g.name, g.header, g.logical_type, "是" if g.required or g.key else "", g.key or "", g.level) for g in drafted.columns]
    out.print(table("", kinds, rows))
    for note in drafted.notes:
        out.print(f"· {note}", markup=False, soft_wrap=True)
    for file in files:
        out.print(f"草稿 draft: {project.root / file}", markup=False, soft_wrap=True)
    told = f"{drafted.rows:,} 行 rows，{drafted.rules} 条规则 rules"
    if drafted.suite is None:
        told += "（行太少或无可推；契约自会得出规则 too few rows, or nothing to find: the contract yields rules by itself）"
    out.print(told, markup=False, soft_wrap=True)
    if checked is not None and not checked.ok:
        wrong = checked.refused or "; ".join([*(r["reason"] for r in checked.rejects[:3]), *(f["rule"] for f in checked.failing[:5])])
        out.print(f"同一文件自查未过 the same file does not pass: {wrong}", style="yellow", markup=False, soft_wrap=True)
    elif checked is not None:
        out.print("同一文件自查通过 the same file passes", style="green")
