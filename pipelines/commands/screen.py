"""What all commands share on the screen: tables, progress, JSON, and errors told in one message.

Exit codes: 0 all well, 1 the data is not as it should be, 2 something could not be done.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import typer

from pipelines.errors import INTERRUPTED, USAGE

if TYPE_CHECKING:
    from rich.console import Console

    from assets.project import Project

P = ParamSpec("P")
T = TypeVar("T")
WORDS = {
    "success": "完成 done",
    "failure": "失败 failed",
    "canceled": "已取消 canceled",
    "started": "运行中 running",
    "passed": "通过 passed",
    "warned": "有问题 warned",
    "failed": "未通过 failed",
    "unfinished": "未完成 unfinished",
}
"""How a run ended, and its verdict."""


def console(stderr: bool = False) -> Console:
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = max(made.width, 140)  # a file or a pipe has no width of its own
    return made


def clearly(function: Callable[P, T]) -> Callable[P, T]:
    """Tell a known error in one message, without a traceback, and exit with 2."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            fail("已中断。再次运行即可继续。 Interrupted; run again to go on.", 130, error=INTERRUPTED)
        except BrokenPipeError:
            raise typer.Exit(0) from None
        except Exception as error:
            from pipelines.errors import code_of, words

            if (code := code_of(error)) is None:
                raise
            fail(words(error), error=code)

    return wrapper


def fail(message: str, code: int = 2, *, error: str = USAGE) -> NoReturn:
    """Write `message` to standard error behind the code of its error, and exit with `code`."""
    from rich.text import Text

    console(stderr=True).print(Text(f"✗ {error} {message}", style="red"), soft_wrap=True)
    raise typer.Exit(code)


def print_json(value: Any) -> None:
    """One JSON document on standard output, readable for a program and in Chinese for people."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """A rich table; numbers stand right, values are shown as they are (no markup)."""
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", show_edge=False, pad_edge=False)
    listed = [list(row) for row in rows]
    for position, name in enumerate(columns):
        numeric = bool(listed) and all(isinstance(row[position], (int, float)) for row in listed)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        made.add_row(*(Text(f"{v:,}" if isinstance(v, int) and not isinstance(v, bool) else "" if v is None else str(v)) for v in row))
    return made


def sample_servers(project: Project) -> AbstractContextManager[None]:
    """The sample's servers (a database, an API), where a sample has been made; else nothing."""
    if not (project.data / "sample" / "made.json").exists():
        return nullcontext()
    from sample_data import serving

    return serving(project)


@contextmanager
def progress_bar(quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for what takes longer than people like to wait; on standard error, gone at the end, none where nobody looks."""
    screen = console(stderr=True)
    if quiet or not screen.is_terminal:
        said: set[str] = set()

        def plain(what: str, done: int, of: int) -> None:
            if not quiet and what not in said:
                said.add(what)
                screen.print(f"· {what}" + (f" ({done + 1}/{of})" if 0 < of < 100 else ""), markup=False)

        yield plain
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=screen, transient=True
    ) as bar:
        task = bar.add_task("…", total=None)

        def say(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of or None)

        yield say
