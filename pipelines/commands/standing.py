"""`yuanqing status` and `logs`: what stands, and what a run did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.completing import runs
from pipelines.commands.screen import WORDS, clearly, console, print_json, table

if TYPE_CHECKING:
    from pipelines.logs import RunLine
    from pipelines.status import Status

RETURNED = 5
"""Workbooks that came back of which each is named."""
COLOURS = {"error": "red", "warning": "yellow", "check": "", "done": "green", "info": "dim"}


@clearly
def status(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False) -> None:
    """现状：最近的运行，各数据集的最新交付、行数、得分、未通过、待收、拒收、应到与迟交。 What stands, and what is due or late.

    例 example: yuanqing status
    """
    from dataclasses import asdict

    from assets.project import Project
    from pipelines.status import status as look

    found = look(Project.at())
    if as_json:
        print_json(asdict(found))
    else:
        _show(found)


def _show(found: Status) -> None:
    out = console()
    columns = (
        "数据集 dataset",
        "最新 newest",
        "行 rows",
        "隔离 quar.",
        "得分 score",
        "未通过 failing",
        "待收 waiting",
        "拒收 refused",
        "下次应到 next due",
        "迟 late",
    )
    rows = [
        (
            d.dataset,
            d.newest or "—",
            d.rows,
            d.quarantined or "",
            "—" if d.score is None else f"{d.score:.1f} {d.grade or ''}",
            d.failing or "",
            d.waiting or "",
            d.refused or "",
            d.due or f"止于 ended {d.ended}",
            f"{d.late} 天 days" if d.late else "",
        )
        for d in found.datasets
    ]
    out.print(table("", columns, rows))
    if found.strays:
        out.print(f"无主文件 nobody collects: {', '.join(found.strays)}", style="yellow", markup=False, soft_wrap=True)
    if found.returned:
        from pipelines.workbooks.returned import STATES

        listed = ", ".join(f"{f.department}/{f.file} {' '.join(STATES[f.state])}" for f in found.returned[:RETURNED])
        more = f" …（{len(found.returned)}）" if len(found.returned) > RETURNED else ""
        said = f"送回的清单 workbooks that came back: {listed}{more}；yuanqing workbook status"
        out.print(said, style="yellow", markup=False, soft_wrap=True)
    told = f"最近的运行 last run: {_run(found.run)}" if found.run else "还没有运行过 nothing has run yet: yuanqing run"
    out.print(f"\n{told}", markup=False, soft_wrap=True)
    if found.failed is not None:
        out.print(
            f"失败待重做 failed, to be done again: {_run(found.failed)}；yuanqing logs {found.failed.run_id[:8]} --errors；yuanqing retry",
            style="red",
            markup=False,
            soft_wrap=True,
        )
    published = f"，发布于 published {found.published}" if found.published else ""
    out.print(f"湖 lake: {found.lake / 1e6:,.1f} MB，{found.batches:,} 批 batches{published}", markup=False, soft_wrap=True)


def _run(run: RunLine) -> str:
    ended = WORDS.get(run.status, run.status) + (f"，{WORDS.get(run.verdict, run.verdict)}" if run.verdict else "")
    return f"{run.run_id[:8]} {run.job} {run.partitions}".rstrip() + f" {run.started}，{run.seconds:.0f} s，{ended}"


@clearly
def logs(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="运行，默认最近的。 The run; the newest by default.", autocompletion=runs)
    ] = None,
    errors: Annotated[bool, typer.Option("--errors", help="只看失败、未通过与警告。 Only what failed or does not pass.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="列出最近的运行。 List the newest runs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """一次运行做了什么，逐事说明；不含本机路径与密钥。 What a run did, event by event; without paths of this machine and secrets.

    例 examples:

      yuanqing logs --list

      yuanqing logs 1f2e3d4c --errors
    """
    from dataclasses import asdict

    from assets.project import Project
    from pipelines.instance import open_instance
    from pipelines.logs import find_run, lines, partitions_of, recent

    project = Project.at()
    if not (project.dagster_home / "history").exists():
        raise LookupError("还没有运行过。 Nothing has run yet. Run `yuanqing run` first.")
    out = console()
    with open_instance(project) as instance:
        if list_:
            found = recent(instance)
            if as_json:
                print_json([asdict(r) for r in found])
                return
            columns = ("运行 run", "作业 job", "分区 partitions", "开始 started", "秒 s", "结果 ended", "结论 verdict")
            rows = [
                (r.run_id[:8], r.job, r.partitions, r.started, r.seconds, WORDS.get(r.status, r.status), WORDS.get(r.verdict, r.verdict))
                for r in found
            ]
            out.print(table("", columns, rows))
            return
        record = find_run(instance, run)
        said = lines(instance, record, errors=errors)
        head = {"run": record.run_id, "job": record.job_name, "partitions": partitions_of(record), "status": record.status.value.lower()}
    if as_json:
        print_json({**head, "lines": [asdict(line) for line in said]})
        return
    ended = WORDS.get(head["status"], head["status"])
    out.print(f"{head['run']} {head['job']} {head['partitions']}：{ended}", style="bold", markup=False, soft_wrap=True)
    for line in said:
        style = "red" if line.kind == "check" and line.what.startswith("✗") else COLOURS[line.kind]
        out.print(f"{line.at}  {line.of}  {line.what}", style=style, markup=False, soft_wrap=True)
    if errors and not said:
        out.print("没有出错。 Nothing went wrong.", style="green")
