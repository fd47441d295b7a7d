"""`yuanqing run`, `sample` and `publish`: from hand-over to report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.completing import datasets
from pipelines.commands.screen import WORDS, clearly, console, fail, print_json, progress_bar, sample_servers, table

if TYPE_CHECKING:
    from assets.project import Project
    from pipelines.run import RunSummary

SHOWN = 12


@clearly
def run(
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select",
            "-s",
            help="只运行这些数据集（连同由其构成的库）。 Only these datasets, with what is built from them.",
            autocompletion=datasets,
        ),
    ] = None,
    scale: Annotated[int | None, typer.Option(help="先生成样例：多少人口。 First make a sample of so many people.", min=100)] = None,
    landing: Annotated[
        Path | None,
        typer.Option(
            help="从此文件夹收取（收走的文件会移走）。 Take hand-overs from here; files that are taken in are moved away.",
            file_okay=False,
            exists=True,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """收集、标准化、检查、建库、出报告：只做新到的。 From hand-over to report: whatever is new, and nothing else.

    退出码 exit code: 0 完成 done; 1 阻断性检查未通过 a blocking check failed; 2 有事未能完成 something could not be done.

    例 examples:

      yuanqing run

      yuanqing run --scale 20000

      yuanqing run --select population_register --json
    """
    from assets.project import Project
    from pipelines.run import run as run_all

    project = Project.at()
    if landing is not None:
        project = replace(project, landing_at=landing.resolve())
    with progress_bar(quiet=as_json) as say:
        if scale is not None:
            _make(project, scale, say)
        months = 0

        def rounds() -> Iterator[AbstractContextManager[None]]:
            nonlocal months
            months += 1
            yield sample_servers(project)
            while scale is not None and not select and _advance(project):
                months += 1
                say("样例数据库有了新的变更 the sample's database has changed", 0, 0)
                yield sample_servers(project)

        summary = run_all(project, select or (), progress=say, rounds=rounds())
    if as_json:
        print_json(summary.as_json())
    else:
        if months > 1:
            console().print(
                f"收取了 {months} 次：每次之后，样例的数据库有了一个月的变更。 "
                f"Collected {months} times: after each the sample's databases went through a month of changes.",
                markup=False,
                soft_wrap=True,
            )
        show(project, summary)
    raise typer.Exit(summary.exit_code)


@clearly
def sample(
    scale: Annotated[int, typer.Option(help="多少人口。 How many people.", min=100)] = 20_000,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """生成样例交付（合成人口，非真实个人）。 Make sample hand-overs: people who cannot exist, with planted faults.

    例 example: yuanqing sample --scale 100000
    """
    from assets.project import Project

    project = Project.at()
    with progress_bar(quiet=as_json) as say:
        made = _make(project, scale, say)
    if as_json:
        print_json(made)
    else:
        console().print(f"样例已生成 The sample is made: {project.landing}\n下一步 next: yuanqing run", markup=False)


@clearly
def publish(
    snapshot: Annotated[
        int | None,
        typer.Option(
            help="湖在此快照时的报告，用当时的标准、如今的声明，放在 data/past/。 The reports of this snapshot, by the declarations of now."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """由湖中证据重新发布结果与报告。 Publish results and reports anew from the evidence in the lake.

    往次发布的报告用 `yuanqing rebuild` 重做。 What was published before is made again by `yuanqing rebuild`.

    例 example: yuanqing publish
    """
    from assets.project import Project
    from pipelines.rebuilding import look_back
    from pipelines.run import publish_again

    project = Project.at()
    if snapshot is not None:
        index = look_back(project, snapshot)
        if as_json:
            print_json({"results": str(index.parents[1] / "results.duckdb"), "reports": str(index.parent)})
        else:
            console().print(f"报告 reports: {index}", markup=False, soft_wrap=True)
        return
    with progress_bar(quiet=as_json) as say:
        say("结果与报告 results and reports", 0, 0)
        ran = publish_again(project)
    if ran.failure:
        fail(ran.failure)
    if as_json:
        print_json({"run": ran.run_id, "results": str(project.results), "reports": str(project.reports)})
    else:
        console().print(
            f"结果 results: {project.results}\n报告 reports: {project.reports / 'index.html'}\n"
            f"概览 overview: {project.reports / 'overview.html'}",
            markup=False,
            soft_wrap=True,
        )


def _make(project: Project, scale: int, say: Callable[[str, int, int], None]) -> dict[str, Any]:
    """The sample of so many people; one that stands already is left alone."""
    from dataclasses import asdict

    from sample_data import make

    made = make(project, scale=scale, progress=lambda what, share: say(f"样例 sample: {what}", int(100 * share), 100))
    return asdict(made)


def _advance(project: Project) -> bool:
    from sample_data import advance

    return advance(project)


def show(project: Project, summary: RunSummary) -> None:
    """The run in words: what came in, what does not pass, what was not done, where to look."""
    from pipelines.checks import told_once

    out = console()
    if summary.nothing:
        out.print("没有新的交付，未作任何改动。 Nothing new was handed over; nothing was changed.", markup=False)
    if summary.batches:
        columns = (
            "数据集 dataset",
            "批次 batches",
            "行 rows",
            "标准 standard",
            "隔离 quarantined",
            "弃读 rejects",
            "拒收 refused",
            "重复 repeated",
        )
        out.print(table("收到 taken in", columns, ([name, *counts.values()] for name, counts in summary.batches.items())))
    for refusal in summary.refused[:SHOWN]:
        out.print(f"拒收 refused: {told_once(refusal)}", style="yellow", markup=False, soft_wrap=True)
    if summary.failing:
        rows = [(f.dataset, f.check, f.state, f.unexpected, f.since) for f in summary.failing[:SHOWN]]
        out.print()
        out.print(
            table(
                f"未通过 not passing: {len(summary.failing)}", ("数据集 dataset", "检查 check", "状态 state", "行 rows", "自 since"), rows
            )
        )
        if len(summary.failing) > SHOWN:
            out.print(f"… 另有 {len(summary.failing) - SHOWN} 项 more: quality_inbox", markup=False)
    for dataset, rules in summary.stopped.items():
        out.print(f"已停止下游 downstream stopped: {dataset}: {', '.join(rules)}", style="red", markup=False)
    for name in summary.held:
        out.print(f"暂不重建 left as it was: {name}", style="yellow", markup=False)
    if summary.returned:
        from pipelines.workbooks.returned import STATES

        for came in summary.returned:
            said = f"送回的清单 workbook {came.department}/{came.file}: {' '.join(STATES[came.state])}，{came.tickets:,} 条 tickets"
            out.print(f"{said} {came.reason}".rstrip(), style="" if came.state == "taken" else "yellow", markup=False, soft_wrap=True)
    for trouble in summary.undone:
        out.print(f"未完成 not done: {trouble}", style="red", markup=False, soft_wrap=True)
    out.print(f"\n结论 verdict: {WORDS[summary.verdict]} · {summary.seconds:.1f} s", style="bold", markup=False)
    if project.reports.exists():
        out.print(
            f"待办 inbox: {project.ui_url}/assets/quality_inbox (yuanqing ui)\n报告 reports: {project.reports / 'index.html'}\n"
            f'概览 overview: {project.reports / "overview.html"}\n结果 results: yuanqing sql "SELECT * FROM scores"',
            markup=False,
            soft_wrap=True,
        )
