"""`yuanqing expire`: let old states of the lake go, but none that a report, an issue or a waiver points to."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json, table


@clearly
def expire(
    older_than: Annotated[
        int | None,
        typer.Option(
            help="早于多少天，默认见设置 snapshots.keep_days。 Older than so many days, by default as the settings say.",
            metavar="DAYS",
            min=0,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看，不动。 Only tell.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """清理湖的旧快照；报告、问题、豁免所指的永不清理。 Let old snapshots go; none that a report, an issue or a waiver points to.

    例 example: yuanqing expire --dry-run
    """
    from uuid import uuid4

    from assets.project import Project
    from pipelines.expiring import WHY, ranges
    from pipelines.expiring import expire as let_go

    done = let_go(Project.at(), str(uuid4()), older_than, dry=dry_run)
    if as_json:
        print_json(done.as_json())
        return
    out = console()

    def say(text: str) -> None:
        out.print(text, markup=False, soft_wrap=True)

    word = "可清理 would go" if done.dry else "已清理 gone"
    say(f"{word}: {len(done.snapshots):,} 个快照 snapshots，早于 older than {done.before:%Y-%m-%d %H:%M}" + _which(ranges(done.snapshots)))
    if not done.dry:
        say(f"删除文件 files deleted: {done.files:,}；湖中尚有 left in the lake: {done.left:,} 个快照 snapshots")
    rows = [(f"{WHY[why][0]} {WHY[why][1]}", count) for why, count in done.kept.items()]
    if rows:
        out.print(table("更早而保留 older, and kept", ("因 because of", "快照 snapshots"), rows))


def _which(told: list[str]) -> str:
    return f"：{', '.join(told[:12])}{' …' if len(told) > 12 else ''}" if told else ""
