"""`yuanqing open-data`: what may be opened, as files for everybody."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json, table


@clearly
def open_data(
    dataset: Annotated[
        list[str] | None, typer.Argument(metavar="[DATASET...]", help="数据集；默认所有开放的。 Datasets; by default all.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="写入的文件夹，默认 data/open。 The folder to write into.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """写出可开放的数据：1级列原样，更高的按契约脱敏。 Write what may be opened: level 1, and the rest hidden as contracts say.

    例 examples:

      yuanqing open-data

      yuanqing open-data air_quality_hourly --to open
    """
    from assets.project import Project
    from pipelines.opening import write_open_data

    project = Project.at()
    done = write_open_data(project, to or project.data / "open", dataset or ())
    if as_json:
        print_json([asdict(o) for o in done])
        return
    columns = ("数据集 dataset", "行 rows", "列 columns", "脱敏 hidden", "未出 left out", "小组 too small", "文件 file")
    rows = ((o.dataset, o.rows, len(o.columns), ", ".join(o.hidden), ", ".join(o.left_out), o.suppressed, str(o.path)) for o in done)
    console().print(table("开放数据 open data", columns, rows))
