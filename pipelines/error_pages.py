"""The pages of error codes: `docs/errors.md`, a section a code, wherever Yuanqing is installed.

Belongs here: finding and cutting the page. Not here: which code an error has (`pipelines.errors`).
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from assets.project import CODE

PLACES = (CODE / "docs" / "errors.md", *(Path(at, "share", "doc", "yuanqing", "errors.md") for at in (CODE, sys.prefix)))
"""Beside the code, and where an installed package has it."""
_SECTION = re.compile(r"^## (YQ\d{3}) (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A code's section: its title in both languages and its text (Markdown)."""

    code: str
    title: str
    text: str


def pages() -> dict[str, Page]:
    """Every section by its code. Raises `FileNotFoundError` where the page is not installed."""
    at = next((place for place in PLACES if place.exists()), None)
    if at is None:
        raise FileNotFoundError("docs/errors.md is not installed with Yuanqing. Install it again.")
    return {code: Page(code, title, text.strip()) for code, title, text in _SECTION.findall(at.read_text(encoding="utf-8"))}


def page_of(code: str) -> Page:
    """The section of a code, written in either case, with or without its letters. Raises `LookupError` for another one."""
    found = pages()
    wanted = code.strip().upper()
    wanted = wanted if wanted.startswith("YQ") else f"YQ{wanted}"
    if wanted not in found:
        raise LookupError(f"没有代码 {wanted}。 No error has this code. `yuanqing explain-error` lists them.")
    return found[wanted]
