"""Cells: the formats of all sheets, and writing values so that nothing handed over becomes a formula or a link.

Belongs here: what every sheet uses. Not here: what stands on which sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.workbooks.memory import Book, Sheet

CELL = 32_767
"""Characters that a cell takes."""
LINE, TALLEST = 15.0, 409.0
"""Points of a line, and of the tallest row."""
PAPER = 9
"""A4."""
TEXT, WHOLE = 49, 3
"""The built-in formats `@` and `#,##0`. A text in a cell of another format is a formula as soon as a clerk enters it again."""
_FONT = "Microsoft YaHei"


@dataclass(frozen=True)
class Forms:
    """The formats of cells."""

    title: Any
    soft: Any
    head: Any
    ask: Any
    text: Any
    wrap: Any
    whole: Any
    wrong: Any
    fill: Any

    @classmethod
    def of(cls, book: Book) -> Forms:
        def form(**what: Any) -> Any:
            return book.add_format({"font_name": _FONT, "font_size": 10, "valign": "top"} | what)

        head = {"bold": True, "text_wrap": True, "bottom": 2, "valign": "bottom"}
        return cls(
            title=form(font_size=16, bold=True),
            soft=form(font_color="#586561"),
            head=form(**head, bg_color="#E6F1EF"),
            ask=form(**head, bg_color="#FBE3A8"),
            text=form(num_format=TEXT),
            wrap=form(text_wrap=True, num_format=TEXT),
            whole=form(num_format=WHOLE),
            wrong=form(num_format=TEXT, bold=True, bg_color="#FCE8C8", border=1, border_color="#C98A1B"),
            fill=form(num_format=TEXT, text_wrap=True, bg_color="#FFFBEA", border=1, border_color="#D9D2BC"),
        )


def sheet_name(title: str, taken: set[str]) -> str:
    """Excel takes 31 characters, none of []:*?/\\ nor control characters, and no name twice in any letter case."""
    base = re.sub(r"[\[\]:*?/\\'\x00-\x1f]", "_", title)[:28] or "sheet"
    name, number = base, 2
    while name.lower() in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name.lower())
    return name


def put(sheet: Sheet, at: int, values: Iterable[Any], form: Any, forms: Forms, first: int = 0) -> None:
    """One row, from column `first`; whole numbers as numbers, everything else as strings."""
    for column, value in enumerate(values, first):
        if isinstance(value, int) and not isinstance(value, bool):
            sheet.write_number(at, column, value, forms.whole)
        elif value is not None:
            sheet.write_string(at, column, str(value)[:CELL], form)


def shown(text: str) -> float:
    """About how wide a text is, in the unit of column widths: a Chinese character takes two."""
    return (len(text) + len(text.encode("utf-8", "replace"))) / 2


def tall(sheet: Sheet, at: int, values: Iterable[Any], sizes: Iterable[float]) -> None:
    """Make a row that is yet to be written tall enough for its texts, wrapped in columns of these widths.

    LibreOffice leaves rows without a height at one line, so that wrapped text covers what stands below.
    """
    lines = 1
    for value, size in zip(values, sizes, strict=False):
        if isinstance(value, str):
            lines = max(lines, sum(max(1, ceil(shown(part) / max(size - 1, 1))) for part in value.splitlines()))
    if lines > 1:
        sheet.set_row(at, min(LINE * lines, TALLEST))


def widths(sheet: Sheet, sizes: Sequence[float]) -> None:
    for column, width in enumerate(sizes):
        sheet.set_column(column, column, width)


def printed(sheet: Sheet, title: str, head: int | None = None) -> None:
    """The sheet prints on A4 across, as wide as a page, with its head on each and its name and number below."""
    sheet.set_landscape()
    sheet.set_paper(PAPER)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    if head is not None:
        sheet.repeat_rows(head)
    sheet.set_footer(f"&L{title[:60].replace('&', '&&')}&R&P / &N")
