"""`yuanqing deliver`: send the departments their reports, and tell where each stands."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.screen import clearly, console, print_json, table

if TYPE_CHECKING:
    from pipelines.delivery.remembered import Standing

app = typer.Typer(help="送达报告：文件夹、邮件、webhook。 Deliver reports: folder, mail, webhook.", invoke_without_command=True)
Departments = Annotated[list[str] | None, typer.Option("--department", help="部门，可多次；默认全部。 A department; by default all.")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")]


@app.callback()
@clearly
def deliver(
    context: typer.Context,
    department: Departments = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看将送什么，不送。 Show what would be sent; send nothing.")] = False,
    now: Annotated[bool, typer.Option("--now", help="失败的立即再试，已放弃的也试。 Try again at once, also what was given up.")] = False,
    who: Annotated[str, typer.Option("--who", help="何人送达，记入日志。 Who delivers, for the journal.")] = "",
    as_json: Json = False,
) -> None:
    """把现行发布的报告送往各部门所设之处，每次发布每渠道一次。 Send each department's report of the present publication, once.

    退出码 exit code: 0 都已送达 all delivered; 2 有未送达的 something was not.

    例 examples:

      yuanqing deliver --dry-run

      yuanqing deliver --department civil_affairs

      yuanqing deliver status
    """
    if context.invoked_subcommand is not None:
        return
    from assets.project import Project
    from pipelines.delivery import WHO, planned
    from pipelines.delivery import deliver as send

    project = Project.at()
    if dry_run:
        plan = planned(project, department or ())
        if as_json:
            print_json([{"facts": parcel.facts, "channels": [_record(s) for s in found]} for parcel, found in plan])
            return
        for parcel, found in plan:
            console().print(f"── {parcel.subject}\n{parcel.text}", markup=False, soft_wrap=True)
            _show(found)
        console().print("没有送出任何内容。 Nothing was sent.", markup=False)
        return
    found = send(project, department or (), who=who or WHO, now=now)
    _told(found, as_json=as_json)
    raise typer.Exit(2 if any(s.state in ("failed", "given_up") for s in found) else 0)


@app.command("status")
@clearly
def status(department: Departments = None, as_json: Json = False) -> None:
    """各部门各渠道：已送达、待送、失败几次、何时再试。 By department and channel: delivered, waiting, failed, when it is tried again."""
    from assets.project import Project
    from pipelines.delivery import planned

    _told([s for _, found in planned(Project.at(), department or ()) for s in found], as_json=as_json)


def _told(found: list[Standing], *, as_json: bool) -> None:
    if as_json:
        print_json([_record(s) for s in found])
    elif found:
        _show(found)
    else:
        console().print("没有部门设置了送往何处，见 docs/delivery.md。 No department has a place set to deliver to.", markup=False)


def _record(one: Standing) -> dict[str, Any]:
    record = asdict(one)
    return record | {"to": len(record["to"])}  # addresses stand in the settings


def _show(found: list[Standing]) -> None:
    from pipelines.delivery.remembered import STATES

    rows = [
        (
            s.department,
            s.channel,
            " ".join(STATES[s.state]),
            s.publication[:16].replace("T", " "),
            s.tries,
            f"{s.again:%m-%d %H:%M}" if s.again else "",
            s.reason,
        )
        for s in found
    ]
    heads = ("部门 department", "渠道 channel", "状态 state", "发布 publication", "失败 failures", "再试 again", "原因 why")
    console().print(table("", heads, rows))
