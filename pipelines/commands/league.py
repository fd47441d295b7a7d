"""`yuanqing league`: publish the league and the quarterly evaluation, list what was published, verify it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json, table

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="排行与季度评价：发布、清单、核验。 The league and the quarterly evaluation: publish, list, verify.",
)


@app.command("publish")
@clearly
def publish(
    officer: Annotated[str, typer.Option("--officer", help="发布人姓名。 The officer who publishes.")] = "",
    why: Annotated[str, typer.Option("--why", help="事由。 Why.")] = "",
    quarter: Annotated[
        str | None, typer.Option("--quarter", help="季度，如 2026Q3；默认上一个已结束的。 By default the last that ended.")
    ] = None,
    corrects: Annotated[
        int | None, typer.Option("--corrects", metavar="SEQ", help="更正哪一次发布。 The publication that this corrects.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """发布排行与季度评价：署名、封印、记入日志。 Publish the league and the quarterly evaluation, signed, sealed, written down.

    例 example: yuanqing league publish --officer 王芳 --why 三季度例行发布 --quarter 2026Q3
    """
    from assets.project import Project
    from pipelines.league import publish_league

    made = publish_league(Project.at(), officer, why, quarter, corrects)
    if as_json:
        print_json(asdict(made))
        return
    console().print(
        f"✓ 第 {made.seq} 号发布：{made.quarter} Publication {made.seq}: {made.folder}\n  封印 seal {made.seq}:{made.seal}",
        markup=False,
        soft_wrap=True,
    )


@app.command("list")
@clearly
def listed(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False) -> None:
    """已发布的排行与评价。 What was published."""
    from assets.project import Project
    from pipelines.league import publications, standing

    known = publications(Project.at())
    stands = {p.seq for p in standing(known).values()}
    if as_json:
        print_json([asdict(p) | {"stands": p.seq in stands} for p in known])
        return
    rows = [
        (p.seq, p.quarter, "现行 stands" if p.seq in stands else "已更正 corrected", p.at.replace("T", " "), p.officer, p.why, p.seal[:16])
        for p in known
    ]
    columns = ("号 seq", "季度 quarter", "状态 state", "时间 at", "发布人 officer", "事由 why", "封印 seal")
    console().print(table("已发布 published", columns, rows))


@app.command("verify")
@clearly
def verify(
    seq: Annotated[int | None, typer.Argument(metavar="[SEQ]", help="哪一次发布；默认全部。 Which; by default all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """重新计算每个文件的 SM3，指出被改的文件。退出码：0 一致，1 不一致。 Compute every SM3 again; names the files that were altered.

    例 example: yuanqing league verify 41
    """
    from assets.project import Project
    from pipelines.league.checking import check, count

    project = Project.at()
    found = check(project, seq)
    if as_json:
        print_json([asdict(a) for a in found])
    elif found:
        rows = [(a.seq, a.file, f"{a.zh}\n{a.en}", a.found, a.expected) for a in found]
        console().print(table("与发布时不一致 not as published", ("号 seq", "文件 file", "情况 what", "现有 found", "应有 expected"), rows))
    else:
        number = 1 if seq is not None else count(project)
        console().print(f"✓ {number} 次发布与封印一致。 Publications as they were sealed: {number}.", markup=False)
    raise typer.Exit(1 if found else 0)
