"""`yuanqing ui`: the Dagster UI, its daemon and a small server for the reports, on loopback."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, sample_servers


@clearly
def ui(
    port: Annotated[int, typer.Option(help="界面端口。 Port of the UI.")] = 3000,
    reports_port: Annotated[int, typer.Option(help="报告端口。 Port of the reports.")] = 3001,
    daemon: Annotated[bool, typer.Option("--daemon/--no-daemon", help="同时启动传感器与调度。 Sensors and schedules too.")] = True,
    read_only: Annotated[bool, typer.Option("--read-only", help="只读。 Read only.")] = False,
) -> None:
    """打开界面：资产、检查、收件箱、报告，仅限本机。 The UI with assets, checks, inbox and reports, on this machine only.

    例 example: yuanqing ui --port 3000
    """
    from assets.project import Project
    from pipelines.serving import serve

    project = Project.at()
    out = console()
    with (
        sample_servers(project),
        serve(project, port=port, reports_port=reports_port, daemon=daemon, read_only=read_only) as processes,
    ):
        out.print(
            f"界面 UI:       http://127.0.0.1:{port}\n"
            f"报告 reports: http://127.0.0.1:{reports_port}/index.html\n"
            f"收件箱 inbox: http://127.0.0.1:{port}/assets/quality_inbox\n"
            "Ctrl-C 结束 ends it",
            markup=False,
        )
        processes.wait()
