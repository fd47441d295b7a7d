"""`yuanqing workbook`: workbooks that departments send back, read and taken, with a receipt."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipelines.commands.screen import clearly, console, fail, print_json, table

if TYPE_CHECKING:
    from assets.project import Project
    from pipelines.workbooks.receipts import Reading
    from pipelines.workbooks.returned import Returned

app = typer.Typer(
    help="部门送回的更正清单。 Workbooks that departments send back.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("read")
@clearly
def read(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="送回的工作簿；不给则读 data/returned/ 里新到的。 The workbook as it came back; by default what is new in data/returned/.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    who: Annotated[str, typer.Option("--who", help="谁送回的，记入日志。 Who sent it back; goes into the journal.")] = "",
    department: Annotated[str | None, typer.Option("--department", help="部门（文件夹名）。 The department, by its folder.")] = None,
    again: Annotated[bool, typer.Option("--again", help="未采用的也再读。 Also read again what was not taken.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看不记。 Look, write nothing down.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """读取部门送回的更正清单：记下已整改与有异议，列出每一处不寻常的改动。 Read a workbook that came back.

    行按隐藏的编号认，不按位置；单元格里改的值不采用。 Rows go by their hidden tickets; values changed in cells are not taken over.

    例 examples:

      yuanqing workbook read police.xlsx --who 张三

      yuanqing workbook read
    """
    from assets.project import Project

    project = Project.at()
    if file is None:
        _read_returned(project, who, project.departments.asked(department or ""), again=again, dry_run=dry_run, as_json=as_json)
    from pipelines.workbooks.reading import read_workbook
    from pipelines.workbooks.returned import note
    from pipelines.workbooks.taking import take

    if not dry_run and not who.strip():
        fail("--who：请写明是谁送回的，或加 --dry-run 只看不记。 Who sends it back? Give --who NAME, or --dry-run to look only.")
    reading = read_workbook(project, file, department)
    taken = 0
    if not dry_run:
        taken = take(project, reading, who)
        note(project, reading, taken, who, file.name)
    if as_json:
        print_json({**reading.plain(), "taken": taken, "dry_run": dry_run})
    else:
        _receipt(reading, taken, dry_run=dry_run)
    raise typer.Exit(1 if reading.refused else 0)


def _read_returned(project: Project, who: str, department: str, *, again: bool, dry_run: bool, as_json: bool) -> NoReturn:
    import time

    from pipelines.workbooks.returned import look, take_returned, waiting_for_seconds

    time.sleep(waiting_for_seconds(project))
    done = take_returned(project, who, department=department, again=again, dry_run=dry_run)
    read = {(found.department, found.file) for found, _ in done}
    others = [f for f in look(project, department) if (f.department, f.file) not in read and f.state in ("waiting", "stray")]
    if as_json:
        print_json(
            [asdict(found) | {"reading": reading.plain() if reading else None} for found, reading in done] + [asdict(f) for f in others]
        )
    else:
        for found, reading in done:
            if reading:
                _receipt(reading, found.tickets, dry_run=dry_run)
        _show([f for f, _ in done] + others, "没有新送回的清单。 No workbook has come back since.")
    states = {found.state for found, _ in done} | {f.state for f in others}
    raise typer.Exit(2 if states & {"refused", "stray"} else 1 if any(f.refused for f, _ in done) else 0)


@app.command("status")
@clearly
def status(
    department: Annotated[str | None, typer.Option("--department", help="部门（文件夹名）。 The department, by its folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """data/returned/ 里每个文件的下落：待读、已采用、部分采用、未采用及原因。 What became of each file in data/returned/.

    例 example: yuanqing workbook status
    """
    from assets.project import Project
    from pipelines.workbooks.returned import look

    project = Project.at()
    found = look(project, project.departments.asked(department or ""))
    if as_json:
        print_json([asdict(f) for f in found])
    else:
        _show(found, f"{project.returned} 里没有文件。 Nothing lies there.")


def _show(found: list[Returned], nothing: str) -> None:
    from pipelines.workbooks.returned import STATES

    if not found:
        console().print(nothing, markup=False, soft_wrap=True)
        return
    heads = ("部门 department", "文件 file", "状态 state", "时间 at", "已记 taken", "未采用 not taken", "原因 why")
    rows = [(f.department, f.file, " ".join(STATES[f.state]), f.at, f.tickets, f.refused, f.reason) for f in found]
    console().print(table("", heads, rows))


def _receipt(reading: Reading, taken: int, *, dry_run: bool) -> None:
    from pipelines.workbooks.receipts import KINDS, LISTED

    screen = console()
    part = f"，第 {reading.part} 册，共 {reading.parts} 册 part {reading.part} of {reading.parts}" if reading.parts > 1 else ""
    of = f"{reading.file}（SM3 {reading.digest}），{reading.department}"
    screen.print(f"回执 receipt：{of}，发布 published {reading.published_at}{part}", markup=False)
    columns = ("数据集 dataset", "规则 rule", "条 tickets", "说明 reason")
    for title, claims in (("已整改 mended", reading.mended), ("有异议 disputed", reading.disputed)):
        if claims:
            screen.print(table(title, columns, ((c.dataset, f"{c.title_zh} {c.title_en}", len(c.tickets), c.why) for c in claims)))
    if reading.odd:
        rows = [(" ".join(KINDS[o.kind]), o.sheet, o.cell, f"{o.zh} {o.en}") for o in reading.odd]
        screen.print(table("请留意 please note", ("什么 what", "表 sheet", "单元格 cell", "情况 what it is"), rows))
        if any(n > LISTED for n in reading.counts.values()):
            told = "，".join(f"{KINDS[kind][0]} {KINDS[kind][1]} {n:,}" for kind, n in reading.counts.items())
            screen.print(f"合计 in all：{told}", markup=False)
    done = f"可记 {reading.tickets:,} 条（没有记） {reading.tickets:,} could be taken (dry run)" if dry_run else f"已记 {taken:,} 条 taken"
    screen.print(f"{done}；读了 {reading.rows:,} 行，{reading.empty:,} 行没填 rows read, left empty", markup=False)
