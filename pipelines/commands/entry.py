"""`yuanqing serve` and `selfcheck`: looking at records before they are saved, and at files before they are handed over."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.screen import clearly, console, progress_bar


@clearly
def serve(
    host: Annotated[str | None, typer.Option(help="监听地址，默认按配置。 Where it listens; by default as set.")] = None,
    port: Annotated[int | None, typer.Option(help="端口，默认按配置。 Port; by default as set.")] = None,
) -> None:
    """入口检查：业务系统保存记录前来问，不保存任何内容。 Answers a department's system before it saves a record; nothing is kept.

    令牌与限额见配置 [serve]。 Tokens and limits: section [serve] of yuanqing.toml.

    例 example: yuanqing serve --port 8600
    """
    from assets.project import Project
    from pipelines.entry.serving import logged, server_of

    project = Project.at()
    settings = project.settings.serve
    where = host or settings.host, port or settings.port
    with progress_bar() as say:
        server = server_of(project, *where, say=lambda dataset: say(f"编译 compiling {dataset}", 0, 0))
    console(stderr=True).print(f"入口检查 point of entry: http://{where[0]}:{where[1]}  Ctrl-C 结束 ends it", markup=False)
    with logged():
        server.run()


@clearly
def selfcheck(
    port: Annotated[int, typer.Option(help="端口，0 为任选。 Port; 0 takes any.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="打开浏览器。 Open a browser.")] = True,
) -> None:
    """自查网页：把要交付的文件拖进去；文件不离开本机，不保存。 A page to drag a file into before handing it over; it stays on this machine.

    例 example: yuanqing selfcheck
    """
    import webbrowser

    from assets.project import Project
    from pipelines.entry.selfcheck import serve_page

    with serve_page(Project.at(), port) as page:
        console().print(
            f"自查 self-check: {page.address}\n仅限本机 on this machine only; Ctrl-C 结束 ends it", markup=False, soft_wrap=True
        )
        if browser:
            webbrowser.open(page.address)
        page.wait()
