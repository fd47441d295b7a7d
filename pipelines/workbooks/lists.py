"""Lists to choose a code from, in the columns that have a code table.

Belongs here: which list a column gets and where it stands: a short one in the cell's own validation, a longer one on a hidden sheet.
Not here: the tables (`expectations.codes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelines.workbooks.sheets import CELL, put, widths

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project
    from pipelines.workbooks.memory import Book, Sheet
    from pipelines.workbooks.sheets import Forms

SHEET = "代码表"
INLINE = 255
"""Characters of a list in a validation, and of its message."""


class Lists:
    """The code tables of a workbook; those too long for a validation go to the hidden sheet, each once (`write`)."""

    def __init__(self, project: Project) -> None:
        from assets.judging import codes_of

        self.tables = codes_of(project)
        self.long: dict[str, Mapping[str, str]] = {}

    def offer(self, sheet: Sheet, contract: Contract, first: int, top: int, bottom: int) -> None:
        """Give the columns of `contract`, which stand from column `first` on, their lists in the rows `top` to `bottom`.

        A value that stands there stays: the list proposes, and warns of what is not in it.
        """
        for at, column in enumerate(contract.columns, first):
            if column.codes is None or column.codes not in self.tables:
                continue
            codes = self.tables.get(column.codes).codes
            sheet.data_validation(
                top,
                at,
                bottom,
                at,
                {
                    "validate": "list",
                    "source": self._source(column.codes, codes),
                    "input_title": column.title[:32],
                    "input_message": _message(codes),
                    "error_title": "不在代码表中",
                    "error_message": f"代码表 {column.codes} 没有这个代码。 Not in the code table."[:INLINE],
                    "error_type": "warning",
                },
            )

    def _source(self, name: str, codes: Mapping[str, str]) -> list[str] | str:
        plain = not any("," in code or '"' in code or code != code.strip() for code in codes)
        if plain and len(",".join(codes)) <= INLINE:
            return list(codes)
        self.long.setdefault(name, codes)
        letters = _letters(2 * list(self.long).index(name))
        return f"='{SHEET}'!${letters}$2:${letters}${len(codes) + 1}"

    def write(self, book: Book, forms: Forms) -> None:
        """The hidden sheet, where a list needs it: two columns a table, codes and their names."""
        if not self.long:
            return
        sheet = book.add_worksheet(SHEET)
        widths(sheet, [14, 30] * len(self.long))
        put(sheet, 0, (v for name in self.long for v in (name, "名称 name")), forms.head, forms)
        columns = [list(codes.items()) for codes in self.long.values()]
        for at in range(max(map(len, columns))):
            for place, codes in enumerate(columns):
                if at < len(codes):
                    for side, text in enumerate(codes[at]):
                        sheet.write_string(at + 1, 2 * place + side, text[:CELL], forms.text)
        sheet.hide()


def _message(codes: Mapping[str, str]) -> str:
    whole = "；".join(f"{code} {name}" for code, name in codes.items())
    return whole if len(whole) <= INLINE else f"从列表中选一个代码（共 {len(codes)} 个）。 Choose one of {len(codes)} codes."


def _letters(column: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(column))
