"""`yuanqing suggest` and `profile`: rules found from data, and the page of a dataset's figures."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.completing import datasets
from pipelines.commands.screen import clearly, console, fail, print_json, progress_bar, table

if TYPE_CHECKING:
    from expectations.profiling.draft import Draft
    from pipelines.profiling.against import Report

ROWS = 1_000_000
TOLERANCE = 0.01
_Rows = Annotated[int, typer.Option("--rows", help="至多看多少行，取最近的批次。 At most so many rows, of the newest batches.", min=1)]
_Tolerance = Annotated[
    float,
    typer.Option(
        "--tolerance",
        help="一条规则至多可有多少比例的行不符，超过的不列入。 The share of rows that may break a rule; what more rows break is left out.",
        min=0.0,
        max=0.2,
    ),
]


@clearly
def suggest(
    dataset: Annotated[str | None, typer.Argument(help="数据集名。 The dataset's name.", autocompletion=datasets)] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="草稿写到此文件，默认写到标准输出。 Write the draft here, not to standard output.")
    ] = None,
    tolerance: _Tolerance = TOLERANCE,
    rows: _Rows = ROWS,
    against_truth: Annotated[
        bool,
        typer.Option("--against-truth", help="与样例埋设的差错对照：召回与精确。 Hold the draft to the sample's planted faults."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """由数据推出规则草稿：依据、支持行数、现不符行数。 Draft a suite from the data: evidence, support, rows that fail today.

    现有规则集不参与。 Suites that stand are not read.

    退出码 exit code: 0 完成 done; 1 对照真值未达所称 short of what is claimed against the truth; 2 未能完成 could not be done.

    例 examples:

      yuanqing suggest population_register --output draft.yaml

      yuanqing suggest --against-truth
    """
    from assets.project import Project

    project = Project.at()
    if against_truth:
        from pipelines.profiling.against import hold

        with progress_bar(quiet=as_json) as say:
            report = hold(project, [dataset] if dataset else None, tolerance=tolerance, most=rows, say=say)
        if as_json:
            print_json(report.as_json())
        else:
            _show_report(report)
        raise typer.Exit(0 if report.ok else 1)
    if dataset is None:
        fail("没有给出数据集名。 No dataset is named. As in: yuanqing suggest population_register")
    if output is not None and output.exists():
        fail(f"{output}: 文件已在，不覆盖。 The file is there and stays as it is. Name another, or remove it.")
    made = _drafted(dataset, tolerance, rows, quiet=as_json)[1]
    text = made.text()
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    if as_json:
        print_json(_as_json(made, output))
    elif output is None:
        import sys

        sys.stdout.write(text)
    else:
        _show_draft(made, output)


@clearly
def profile(
    dataset: Annotated[str, typer.Argument(help="数据集名。 The dataset's name.", autocompletion=datasets)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="网页写到此文件，默认 DATA/profiles/数据集.html。 Write the page here."),
    ] = None,
    tolerance: _Tolerance = TOLERANCE,
    rows: _Rows = ROWS,
) -> None:
    """数据概貌网页：类型、空值、分布、形状、季节与建议的规则，按分级遮盖。 A dataset's figures as one page, masked by classification.

    例 example: yuanqing profile population_register
    """
    from assets.project import Project
    from pipelines.profiling.page import write_profile

    found, made = _drafted(dataset, tolerance, rows, quiet=False)
    target = output or Project.at().data / "profiles" / f"{found.contract.name}.html"
    write_profile(found, made, target)
    console().print(f"概貌 profile: {target}", markup=False, soft_wrap=True)


def _drafted(dataset: str, tolerance: float, rows: int, *, quiet: bool) -> tuple[Any, Draft]:
    from assets.project import Project
    from pipelines.profiling.against import drafted
    from pipelines.profiling.rows import open_rows

    project = Project.at()
    with progress_bar(quiet=quiet) as say:
        say(f"查看 looking at {dataset}", 0, 0)
        with open_rows(project, dataset, most=rows) as (con, found):
            return found, drafted(project, con, found, tolerance)


def _as_json(made: Draft, output: Path | None) -> dict[str, Any]:
    def rule(d: Any) -> dict[str, Any]:
        p = d.proposal
        zh, en = p.evidence
        return {
            "id": p.id,
            "type": p.type,
            "kwargs": dict(p.kwargs),
            "indicator": p.indicator,
            "title": dict(zip(("zh", "en"), p.title, strict=True)),
            "evidence": {"zh": zh, "en": en},
            "support": d.support,
            "fails": d.fails,
            "share": d.share,
            "unit": d.unit,
        }

    return {
        "dataset": made.profile.table.name,
        "rows": made.profile.rows,
        "batches": len(made.profile.batches),
        "scans": made.scans,
        "tolerance": made.tolerance,
        "output": None if output is None else str(output),
        "rules": [rule(d) for d in made.rules],
        "left_out": [rule(d) for d in made.left_out],
    }


def _show_draft(made: Draft, output: Path) -> None:
    from expectations.profiling.proposals import percent

    out = console()
    listed = [(d.proposal.id, f"{d.proposal.title[0]} {d.proposal.title[1]}", d.support, d.fails, percent(d.share)) for d in made.rules]
    out.print(table("", ("规则 rule", "要求 wants", "支持 support", "现不符 fails", "占 share"), listed))
    left = f"；{len(made.left_out)} 条因不符过多未列入 left out, broken by more" if made.left_out else ""
    out.print(
        f"\n{made.profile.rows:,} 行 rows，全表读 {made.scans} 遍 scans；{len(made.rules)} 条规则 rules，"
        f"每条不符不超过 each broken by at most {percent(made.tolerance)}{left}\n草稿 draft: {output}",
        markup=False,
        soft_wrap=True,
    )


def _show_report(report: Report) -> None:
    from expectations.profiling.proposals import percent

    out = console()

    def share(a: int, b: int) -> str:
        return percent(a / b) if b else "—"

    rows = [
        (
            h.dataset,
            h.rules,
            h.planted,
            h.caught,
            share(h.caught, h.planted),
            h.flagged,
            h.false,
            share(h.flagged - h.false, h.flagged),
            h.clean,
        )
        for h in report.held
    ]
    columns = (
        "数据集 dataset",
        "规则 rules",
        "埋设 planted",
        "发现 caught",
        "召回 recall",
        "标出行 flagged",
        "误报 false",
        "精确 precision",
        "无错行 clean",
    )
    out.print(table("由数据推出的规则与埋设的差错 · rules found from data against planted faults", columns, rows))
    for h in report.held:
        missed = ", ".join(f"{k} {p - c}/{p}" for k, (p, c) in sorted(h.kinds.items()) if c < p)
        if missed:
            out.print(f"未发现 missed, {h.dataset}: {missed}", style="dim", markup=False, soft_wrap=True)
        for rule, n in h.alarms.items():
            out.print(f"误报 false alarm, {h.dataset}: {rule} {n:,} 行 rows", style="red", markup=False, soft_wrap=True)
    planted, caught = (sum(getattr(h, n) for h in report.held) for n in ("planted", "caught"))
    flagged, false, clean = (sum(getattr(h, n) for h in report.held) for n in ("flagged", "false", "clean"))
    out.print(
        f"{'达到所称 as claimed' if report.ok else '未达所称 short of the claim'}（召回 recall ≥ {percent(report.claimed)}，误报 false alarms 0）: "
        f"召回 recall {share(caught, planted)}（{caught:,} / {planted:,}），精确 precision {share(flagged - false, flagged)}"
        f"（{flagged:,} 行 rows flagged，{false:,} 误报 false；{clean:,} 无错行 clean rows）",
        style="bold green" if report.ok else "bold red",
        markup=False,
        soft_wrap=True,
    )
