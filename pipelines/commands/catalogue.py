"""`yuanqing catalogue`: the catalogue of everything, and drafts of contracts from a catalogue in the guide's form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json

app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})


@app.callback(invoke_without_command=True)
@clearly
def catalogue(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="写到此文件夹，默认 data/reports/catalogue。 Write here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """一本账：网页、Excel、DCAT、契约、开放目录。 The catalogue as a page, a workbook, DCAT, contracts, and what may be opened.

    例 examples:

      yuanqing catalogue --out build/catalogue

      yuanqing catalogue import 目录.xlsx --out drafts
    """
    if context.invoked_subcommand:
        return
    from contextlib import nullcontext

    from assets.project import Project
    from pipelines.catalogue import read_catalogue, write_catalogue
    from pipelines.results import connect_results

    project = Project.at()
    target = out or project.reports / "catalogue"
    with connect_results(project) if project.results.exists() else nullcontext() as results:
        write_catalogue(project, target, results, project.reports_url)
    entries = read_catalogue(project)
    lacking = sum(bool(e.lacking) for e in entries)
    told = {"page": str(target / "index.html"), "datasets": len(entries), "open": sum(e.opened for e in entries), "lacking": lacking}
    if as_json:
        print_json(told)
        return
    counts = f"数据集 datasets {told['datasets']}，可开放 open {told['open']}，待填 lacking something {lacking}"
    console().print(f"{counts}\n目录 catalogue: {told['page']}", markup=False, soft_wrap=True)


@app.command("import")
@clearly
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="指南格式的目录。 A catalogue in the guide's form.")],
    out: Annotated[Path, typer.Option(help="契约草稿写到此文件夹。 Where drafts go.")],
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """由已有目录起草契约，列出须补填之处。 Drafts of contracts from an existing catalogue, and what must be filled in.

    例 example: yuanqing catalogue import 目录.xlsx --out drafts
    """
    from pipelines.catalogue.drafts import NOTES, write_drafts

    drafts = write_drafts(file, out)
    if as_json:
        print_json([{"contract": str(out / d.place), "title": d.title, "notes": d.notes} for d in drafts])
        return
    console().print(f"契约草稿 drafts: {len(drafts)}\n须补填 what to fill in: {out / NOTES}", markup=False, soft_wrap=True)
