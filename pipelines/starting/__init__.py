"""A project of a bureau's own, begun: declarations, settings and a small hand-over to try; no copy of the code.

Belongs here: what a new project holds. Not here: the texts (`template/`), drafting from data (`pipelines.drafting`).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from string import Template

from assets.contracts import IDENTIFIER
from pipelines.errors import StartError

TEXTS = Path(__file__).with_name("template")


@dataclass(frozen=True)
class Start:
    """What a new project is called: folders and tables by lower-case names, the department also as people call it."""

    department: str = "culture"
    department_name: str = "示例市文化和旅游局"
    department_name_en: str = "Culture and Tourism Bureau of the Example City"
    dataset: str = "library_card"


def begin(folder: Path, start: Start, today: date | None = None) -> list[Path]:
    """Make the project in `folder`, whole or not at all, and give the files made, relative to it.

    Raises `StartError` for a folder that holds something, and for names that cannot be.
    """
    _check(start)
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StartError(f"{folder}: 非空，不动它。 Something stands here already and stays as it is. Name an empty or a new folder.")
    last = (today or date.today()).replace(day=1) - timedelta(days=1)
    made = dict(_files(folder.name, start, last))
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for path, text in made.items():
            at = fresh / path
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_text(text, encoding="utf-8", newline="\n")
        fresh.chmod(0o755)
        os.replace(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return list(made)


def _check(start: Start) -> None:
    for name in (start.department, start.dataset):
        if not IDENTIFIER.fullmatch(name):
            raise StartError(f"{name!r}: 不能作名称。 No name: expected lower-case letters, digits and _, such as my_data.")
    for words in (start.department_name, start.department_name_en):
        if not words.strip() or not words.isprintable() or re.search(r"[\\\"'{}\[\]#:,&*!|<>%@`$]", words) or words[0] in "-?":
            raise StartError(f"{words!r}: 不能作部门名称。 No name of a department: expected words, without quotes, colons and brackets.")


def _files(name: str, start: Start, last: date) -> Iterator[tuple[Path, str]]:
    """Every file of the project; `last` is the last day of the period of its sample hand-over."""
    from assets.project import CODE
    from pipelines.starting.sample import hand_over
    from pipelines.starting.settings import commented

    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "yuanqing-project"  # a distribution's name takes no more
    given = vars(start) | {"name": plain, "start": f"{last.year - 1}-01"}

    def text(template: str) -> str:
        return Template((TEXTS / template).read_text(encoding="utf-8")).substitute(given)

    at = Path("sources", start.department, start.dataset)
    yield Path("README.md"), text("README.md")
    yield Path("yuanqing.toml"), commented()
    yield Path("workspace.yaml"), text("workspace.yaml")
    yield Path("pyproject.toml"), text("pyproject.toml")
    yield Path(".gitignore"), text("gitignore")
    yield Path("own/__init__.py"), ""
    yield Path("own/definitions.py"), text("definitions.py")
    yield Path("own/defs/__init__.py"), ""
    yield Path("assets", f"{at}.odcs.yaml"), text("contract.odcs.yaml")
    yield Path("expectations/suites", f"{at}.yaml"), text("suite.yaml")
    yield Path("expectations/standard.yaml"), (CODE / "expectations" / "standard.yaml").read_text(encoding="utf-8")
    for table in ("card_kind.csv", "card_kind.dialect.csv"):
        yield Path("expectations/codes", table), text(table)
    yield Path("data/landing", start.dataset, f"JYZ_{last:%Y%m}.csv"), hand_over(last)
