"""`yuanqing replay`, `retry` and `quarantine`: judging again, running again, and rows that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.completing import batches, runs, sources
from pipelines.commands.screen import clearly, console, print_json, progress_bar, table

if TYPE_CHECKING:
    from assets.project import Project
    from pipelines.replaying import Replayed
    from pipelines.run import RunSummary

quarantine = typer.Typer(
    help="隔离区：查看，放行。 The quarantine: look, release.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")]


@clearly
def replay(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="批次。 The batch.", autocompletion=batches)],
    follow: Annotated[bool, typer.Option("--follow/--alone", help="随后更新其下游与报告。 Then bring what is built of it up.")] = True,
    as_json: _Json = False,
) -> None:
    """由原样数据重新标准化并评判一批，说明变了什么；如规则集改过之后。 Standardise and judge a batch again from raw; tell what it changed.

    退出码 exit code: 0 完成 done; 1 阻断性检查未通过 a blocking check failed; 2 未能完成 could not be done.

    例 example: yuanqing replay population_register-202610-210100-3f0a1b2c
    """
    from assets.project import Project
    from pipelines.replaying import replay as judge_again

    project = Project.at()
    with progress_bar(quiet=as_json) as say:
        made = judge_again(project, batch, follow=follow, progress=say)
    if as_json:
        print_json(made.as_json())
    else:
        _show(project, made)
    raise typer.Exit(made.exit_code)


def _show(project: Project, made: Replayed) -> None:
    out = console()
    was, now = made.standard, made.quarantined
    out.print(
        f"{made.batch}: {made.rows:,} 行 rows；标准 standard {was[0]:,} → {was[1]:,}，隔离 quarantined {now[0]:,} → {now[1]:,}；"
        f"放出 let in {made.moved_in:,}，新隔离 kept back {made.moved_out:,}，值有变 values changed {made.values:,}",
        markup=False,
        soft_wrap=True,
    )
    if made.rules:

        def told(n: int | None) -> str:
            return "—" if n is None else f"{n:,}"

        rows = [(c.rule, told(c.before), told(c.after)) for c in made.rules]
        out.print(table("规则 rules", ("规则 rule", "原不符 broke it before", "现不符 now"), rows))
    if not made.changed:
        out.print("没有变化。 Nothing has changed.", style="green")
    for ran in made.runs:
        if ran.failure:
            out.print(f"✗ {ran.job} {ran.partitions}: {ran.failure}", style="red", markup=False, soft_wrap=True)
    _followed(project, made.followed)


def _followed(project: Project, followed: RunSummary | None) -> None:
    from pipelines.commands.run import show

    if followed is not None and not followed.nothing:
        show(project, followed)


@clearly
def retry(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="运行，默认最近失败者。 The run; the newest failed one.", autocompletion=runs)
    ] = None,
    as_json: _Json = False,
) -> None:
    """把一次运行中失败的部分再做一遍，并补做其后的。 Run again what failed of a run, then what follows.

    退出码 exit code: 0 完成，或无须重做 done, or nothing to do; 1 阻断性检查未通过 a blocking check failed; 2 仍未能完成 still not done.

    例 examples:

      yuanqing retry

      yuanqing retry 1f2e3d4c
    """
    from assets.project import Project
    from pipelines.replaying import retry as again

    project = Project.at()
    with progress_bar(quiet=as_json) as say:
        made = again(project, run, progress=say)
    if as_json:
        print_json(made.as_json())
    elif made.nothing:
        console().print("没有失败而未重做的运行。 No run has failed without having been done again.", style="green")
    else:
        for ran in made.runs:
            told = f"失败 failed: {ran.failure}" if ran.failure else "完成 done"
            console().print(f"{made.of[:8]} → {ran.run_id[:8]} {ran.job} {ran.partitions}: {told}", markup=False, soft_wrap=True)
        _followed(project, made.followed)
    raise typer.Exit(made.exit_code)


@quarantine.command("list")
@clearly
def list_(
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="数据集，默认全部。 The dataset; all by default.", autocompletion=sources)
    ] = None,
    rule: Annotated[str | None, typer.Option(help="只看违反此规则的。 Only rows that break this rule.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="最多列出。 At most so many rows.")] = 20,
    as_json: _Json = False,
) -> None:
    """隔离区里的行，按分级遮盖。 Rows in quarantine, masked by classification.

    例 example: yuanqing quarantine list --dataset population_register --rule id_valid
    """
    from dataclasses import asdict

    from assets.project import Project
    from pipelines.quarantine import listed

    found = listed(Project.at(), dataset, rule, limit)
    if as_json:
        print_json(asdict(found))
        return
    rows = [
        (
            w.batch,
            str(w.row),
            w.source + (f", row {w.line}" if w.line != w.row else ""),
            ", ".join(w.rules),
            "; ".join(f"{k} {'—' if v is None else v}" for k, v in w.values.items()),
        )
        for w in found.rows
    ]
    if rows:
        console().print(table("", ("批次 batch", "行 row", "来源 source", "违反 breaks", "内容 content"), rows))
    for name, counts in found.counts.items():
        console().print(f"{name}: " + ", ".join(f"{r} {n:,}" for r, n in counts.items()), markup=False, soft_wrap=True)
    console(stderr=True).print(f"{found.total:,} 行 rows，列出 shown {len(rows):,}", style="dim")


@quarantine.command("release")
@clearly
def release(
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="批次。 The batch.", autocompletion=batches)],
    rows: Annotated[list[int], typer.Argument(metavar="ROW...", help="行号，如列表所示。 Rows, as the list shows them.")],
    who: Annotated[str, typer.Option(help="何人。 Who releases them.")],
    why: Annotated[str, typer.Option(help="何故，勿写个人信息。 Why; no personal data.")],
    later: Annotated[bool, typer.Option("--later", help="只记录，下次运行时生效。 Only write it down; the next run acts on it.")] = False,
    as_json: _Json = False,
) -> None:
    """放行：虽违反阻断性规则，仍进入标准表并加标记。 Let rows into the standard table, flagged, although they break a blocking rule.

    主键缺失、读不成或重复的行不能放行。放行记入台账，以后重判都遵守。
    A row whose key is missing, unreadable or another's cannot be. It is kept in the journal, and later judgements respect it.

    例 example: yuanqing quarantine release library_card-202610-039b9ea8 5 --who 张三 --why 档案已核实
    """
    from dataclasses import asdict

    from assets.project import Project
    from pipelines.quarantine import release as let_out
    from pipelines.replaying import replay as judge_again

    project = Project.at()
    done = let_out(project, batch, rows, who, why)
    made = None
    if not later:
        with progress_bar(quiet=as_json) as say:
            made = judge_again(project, batch, progress=say)
    if as_json:
        print_json({**asdict(done), "replayed": made.as_json() if made else None})
    else:
        told = "；".join(f"第 {row} 行 row {', '.join(broke)}" for row, broke in done.rules.items())
        console().print(f"✓ 已放行 released: {told}（台账 journal {done.entry}）", markup=False, soft_wrap=True)
        if made is not None:
            _show(project, made)
    raise typer.Exit(0 if made is None or made.exit_code != 2 else 2)
