"""`yuanqing workbook`: workbooks that departments send back, read and taken, with a receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.screen import clearly, console, fail, print_json, table

if TYPE_CHECKING:
    from pipelines.workbooks.receipts import Reading

app = typer.Typer(
    help="部门送回的更正清单。 Workbooks that departments send back.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _group() -> None:
    """More than one command is to come: the name of this one is said."""


@app.command("read")
@clearly
def read(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="送回的工作簿。 The workbook as it came back.", exists=True, dir_okay=False)],
    who: Annotated[str, typer.Option("--who", help="谁送回的，记入日志。 Who sent it back; goes into the journal.")] = "",
    department: Annotated[str | None, typer.Option("--department", help="部门（文件夹名）。 The department, by its folder.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看不记。 Look, write nothing down.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """读取部门送回的更正清单：记下已整改与有异议，列出每一处不寻常的改动。 Read a workbook that came back.

    行按隐藏的编号认，不按位置；单元格里改的值不采用。 Rows go by their hidden tickets; values changed in cells are not taken over.

    例 example: yuanqing workbook read police.xlsx --who 张三
    """
    from assets.project import Project
    from pipelines.workbooks.reading import read_workbook
    from pipelines.workbooks.taking import take

    if not dry_run and not who.strip():
        fail("--who：请写明是谁送回的，或加 --dry-run 只看不记。 Who sends it back? Give --who NAME, or --dry-run to look only.")
    project = Project.at()
    reading = read_workbook(project, file, department)
    taken = 0 if dry_run else take(project, reading, who)
    if as_json:
        print_json({**reading.plain(), "taken": taken, "dry_run": dry_run})
    else:
        _receipt(reading, taken, dry_run=dry_run)
    raise typer.Exit(1 if reading.refused else 0)


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
