"""`yuanqing rebuild`: the reports of an old run again, and whether they are what was published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json, progress_bar

if TYPE_CHECKING:
    from pipelines.rebuilding import Rebuilt

SHOWN = 12
WHAT = {
    "rebuilt": "重做的与当时发布的不同 made anew it is not what was published",
    "missing": "当时发布过，现在做不出 was published then, is not made now",
    "new": "当时没有发布 was not published then",
    "at_hand": "现存文件与当时发布的不同 the file at hand is not what was published",
}


@clearly
def rebuild(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="运行编号或其开头，或报告页脚的快照号。 A run's id, or the snapshot on its pages.")
    ],
    to: Annotated[Path | None, typer.Option(help="放在哪里，默认 data/past/RUN。 Where to, by default data/past/RUN.")] = None,
    against: Annotated[
        Path | None, typer.Option(help="与此文件夹中的报告对照。 Compare with the reports in this folder.", exists=True, file_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """重做往次运行的报告：用当时的快照、标准、规则与代码表，逐字节核对。 Make the reports of an old run again, byte for byte.

    退出码 exit code: 0 全部相同 the same; 1 有不同 something differs; 2 做不出 cannot be made.

    例 example: yuanqing rebuild 57
    """
    from assets.project import Project
    from pipelines.rebuilding import rebuild as rebuild_run

    with progress_bar(quiet=as_json) as say:
        say("重做报告 making the reports again", 0, 0)
        done = rebuild_run(Project.at(), run, to, against)
    if as_json:
        print_json(done.as_json())
    else:
        _show(done)
    raise typer.Exit(done.exit_code)


def _show(done: Rebuilt) -> None:
    out, made = console(), done.publication

    def say(text: str, style: str = "") -> None:
        out.print(text, style=style, markup=False, soft_wrap=True)

    say(f"运行 run {made.run_id}：发布于 published {made.at:%Y-%m-%d %H:%M:%S}，快照 snapshot {made.snapshot}")
    say(f"当时的声明 declarations of that time: {done.declarations} → {done.folder / 'declarations'}")
    for name, (then, now) in done.program.items():
        word = {"files": "程序 program", "truth": "样例的埋设记录 the sample's truth"}.get(name, name)
        say(f"{word} 已不同 is another now: {then} → {now}", "yellow")
    if done.lacking:
        say(done.lacking, "yellow")
    if not done.compared:
        say("当时没有留下报告清单，无从核对。 No list of reports was kept then: there is nothing to compare with.", "yellow")
    else:
        say(f"{done.same:,} 个文件逐字节相同 files the same, byte for byte；不同 differing {len(done.differing):,}", "bold")
        if done.place:
            say(f"已与现存的 {done.at_hand:,} 个文件对照 compared with the files in {done.place}")
    for one in done.differing[:SHOWN]:
        say(f"✗ {one.file}: {WHAT[one.what]}", "red")
        for number, was, now in one.lines:
            say(f"  第 {number} 行 line\n    - {was}\n    + {now}")
    if len(done.differing) > SHOWN:
        say(f"… 另有 {len(done.differing) - SHOWN} 个 more: --json")
    say(f"报告 reports: {done.index}")
