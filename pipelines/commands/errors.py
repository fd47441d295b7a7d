"""`yuanqing explain-error`: what a code of an error means, and what to do."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.completing import error_codes
from pipelines.commands.screen import clearly, console, print_json, table


@clearly
def explain_error(
    code: Annotated[
        str | None, typer.Argument(help="错误代码，如 YQ301；默认列出全部。 A code; all of them by default.", autocompletion=error_codes)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """一个错误代码的含义与办法。 What an error code means, and what to do.

    例 examples:

      yuanqing explain-error YQ301

      yuanqing explain-error
    """
    from dataclasses import asdict

    from pipelines.error_pages import page_of, pages

    found = [page_of(code)] if code else list(pages().values())
    if as_json:
        print_json([asdict(page) for page in found])
    elif code:
        (page,) = found
        console().print(f"{page.code} {page.title}\n", style="bold", markup=False)
        console().print(page.text, markup=False)
    else:
        console().print(table("", ("代码 code", "含义 meaning"), ((p.code, p.title) for p in found)))
