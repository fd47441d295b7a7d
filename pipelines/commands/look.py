"""`yuanqing sql`, `origin` and `truth`: looking at what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json, progress_bar, table


@clearly
def sql(
    query: Annotated[str, typer.Argument(help="SELECT …")],
    as_json: Annotated[bool, typer.Option("--json", help="输出对象列表。 Print a list of objects.")] = False,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="不脱敏（仅数据所有者）。 Unmasked, for the owner of the data.")] = False,
) -> None:
    """只读查询：湖（raw, std, base, thematic）与结果。 Ask lake and results together, read-only; masked as the contracts say.

    例 examples:

      yuanqing sql "SELECT dataset, rule, unexpected FROM results.results ORDER BY unexpected DESC LIMIT 10"

      yuanqing sql "SELECT count(*) FROM std.population_register" --json
    """
    from assets.project import Project
    from pipelines.querying import as_objects
    from pipelines.querying import query as ask

    columns, rows = ask(Project.at(), query, unmasked=unmasked)
    if as_json:
        print_json(as_objects(columns, rows))
    else:
        console().print(table("", columns, rows))
        console(stderr=True).print(f"{len(rows):,} 行 rows", style="dim")


@clearly
def origin(
    name: Annotated[str, typer.Argument(metavar="TABLE", help="表，如 base.population。 A table.")],
    key: Annotated[list[str], typer.Argument(metavar="KEY...", help="主键，依次给出。 Its key, part by part.")],
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="不脱敏（仅数据所有者）。 Unmasked, for the owner of the data.")] = False,
    page: Annotated[Path | None, typer.Option(help="写成网页：来去全程，一律脱敏。 Write its way as a page, always masked.")] = None,
) -> None:
    """一条记录从何而来：部门、文件、行。 Where one record came from: department, file, row.

    例 examples:

      yuanqing origin base.population 219901199001010015

      yuanqing origin base.population 219901199001010015 --page record.html
    """
    from assets.project import Project
    from pipelines.lineage.origin import origin as origin_of

    if page is not None:
        from pipelines.lineage.origin_story import write_story

        if unmasked or as_json:
            raise typer.BadParameter("网页一律脱敏，且不是 JSON。 A page is always masked, and no JSON: leave --unmasked and --json away.")
        if page.suffix.lower() not in (".html", ".htm"):
            raise typer.BadParameter(f"{page}: 网页文件名以 .html 结尾。 A page is a file named *.html, as in --page record.html.")
        console().print(f"已写 written: {write_story(Project.at(), name, tuple(key), page)}", markup=False)
        return
    found = origin_of(Project.at(), name, tuple(key), unmasked=unmasked)
    if as_json:
        print_json(_plain(found))
    else:
        _show_origin(found)


def _plain(found: object) -> object:
    from dataclasses import asdict, is_dataclass

    if hasattr(found, "as_json"):
        return found.as_json()
    return asdict(found) if is_dataclass(found) and not isinstance(found, type) else found


def _show_origin(found: object) -> None:
    if hasattr(found, "render"):
        found.render(console())
        return
    console().print(_plain(found))


@clearly
def truth(
    mutated: Annotated[
        bool,
        typer.Option("--mutate", help="改坏干净的行，看每条规则能否单独触发。 Spoil clean rows: can every rule fail, and it alone?"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """与样例埋设的差错对照：埋设、发现、遗漏、误报。 Hold what was found against the planted faults.

    退出码 exit code: 0 一致 agrees; 1 有误报，或规则声称能发现而遗漏，或（--mutate）有规则无法触发
    a false alarm, a miss that a rule claims, or (--mutate) a rule that cannot be made to fire.

    例 examples:

      yuanqing truth --json

      yuanqing truth --mutate
    """
    from assets.project import Project
    from pipelines import truth as proof

    with progress_bar(quiet=as_json) as say:
        say("对照 comparing", 0, 0)
        report: proof.MutationReport | proof.TruthReport = proof.mutate(Project.at(), say) if mutated else proof.compare(Project.at())
    if as_json:
        print_json(report.as_json())
    elif isinstance(report, proof.MutationReport):
        proof.render_mutation(report, console())
    else:
        proof.render(report, console())
    raise typer.Exit(0 if report.ok else 1)
