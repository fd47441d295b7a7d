"""One workbook, opened: its sheets with merged areas, headers of several levels, and cells as text.

Belongs here: what python-calamine gives, and what of it is a header. Not here: which sheets count and which rows are records
(`workbook`), what the header means (`assets.headers`).

What the library does, tried with 0.5: error cells (#DIV/0!), empty ones and missing ones all come as ""; numbers come as
float; of a merged area only the first cell has the value; `iter_rows` starts at the sheet's first row and first used column.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from assets.contracts import Column
from assets.headers import fold
from assets.readers import RefusedError
from assets.readers.files import shown
from expectations.documents import near

LEVELS = 3  # rows of a header, one below another
FORM_ROWS = {b"\xd0\xcf": 65_536, b"PK": 1_048_576}
"""The rows that a sheet can have, by the first bytes of the file: .xls and .xlsx."""


@dataclass
class Sheet:
    """One sheet with its merged areas; columns count from the first used one. `full`: it has all the rows that its form can hold."""

    name: str
    rows: list[list[Any]]
    merged: dict[tuple[int, int], tuple[int, int]]
    full: bool = False

    def value(self, row: int, column: int) -> Any:
        """The cell, or what its merged area shows."""
        cells = self.rows[row] if row < len(self.rows) else []
        own = cells[column] if column < len(cells) else ""
        if own == "" and (row, column) in self.merged:
            at, over = self.merged[row, column]
            return self.rows[at][over] if over < len(self.rows[at]) else ""
        return own

    @cached_property
    def width(self) -> int:
        return max(map(len, self.rows), default=0)

    @property
    def empty(self) -> bool:
        return not any(cell != "" for row in self.rows for cell in row)

    def header(self, row: int, known: dict[str, Column]) -> list[str]:
        """The names that the row gives to the columns.

        Of headers over several levels the longest path that is declared counts: `period/amount/month`, `amount/month`, with or
        without the stroke, then `month`.
        """
        found = []
        for column in range(self.width):
            path = self._path(row, column)
            name = next((n for n in _candidates(path) if fold(n) in known), None)
            if name is None:
                name = path[-1] if path else ""
                if len(path) > 1 and (row - 1, column) in self.merged:
                    name = "/".join(path[-2:])
            found.append(name)
        return found

    def _path(self, row: int, column: int) -> list[str]:
        """The cell in `row` and what stands above it, the uppermost first; a cell merged over levels counts once."""
        own = text_of(self.value(row, column)) or ""
        path = [own] if own else []
        for above in range(row - 1, max(row - LEVELS, -1), -1):
            upper = text_of(self.value(above, column)) or ""
            if path and upper and upper != path[0]:
                path.insert(0, upper)
        return path

    def score(self, row: int, known: dict[str, Column]) -> int:
        return len({known[fold(name)].name for name in self.header(row, known) if fold(name) in known})


def _has_password(data: bytes) -> bool:
    """Whether an .xls says near its beginning that it is enciphered (FILEPASS, [MS-XLS] 2.4.117): the library would read on."""
    begin = data.find(b"\x09\x08\x10\x00\x00\x06\x05\x00")
    at = begin
    while 0 <= begin <= at <= begin + 400 and at + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        if kind == 0x2F:
            return True
        at += 4 + length
    return False


def _candidates(path: list[str]) -> Iterator[str]:
    for start in range(len(path)):
        for sign in ("/", ""):
            yield sign.join(path[start:])


def _form(path: Path, name: str) -> bytes:
    """The first two bytes of what is a workbook that opens. Raises `RefusedError` where it is none, or is enciphered."""
    with path.open("rb") as file:
        begins = file.read(1 << 20)
        data = begins + file.read() if begins.startswith(b"\xd0\xcf") else begins  # the older form ends at 65,536 rows a sheet
    if not data:
        raise RefusedError("an empty file", where=name, expected="a workbook", remedy="Export it again.")
    if not data.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        kind = "an HTML page" if data.lstrip()[:200].lower().startswith((b"<", b"\xef\xbb\xbf<")) else "no workbook, by its first bytes"
        raise RefusedError(
            kind, where=name, expected="a workbook (.xlsx or .xls)", remedy="Open it in a spreadsheet program and save it as .xlsx."
        )
    if data.startswith(b"\xd0\xcf") and ("EncryptedPackage".encode("utf-16-le") in data or _has_password(data)):
        raise _locked(name)
    if data.startswith(b"PK") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if not any(member.startswith("xl/") for member in archive.namelist()):
                raise RefusedError(
                    "a ZIP archive that holds no workbook",
                    where=name,
                    expected="a workbook (.xlsx or .xls)",
                    remedy="Unpack it and hand over the workbooks in it.",
                )
    return data[:2]


def _locked(name: str) -> RefusedError:
    return RefusedError(
        "a workbook with a password",
        where=name,
        expected="one that opens without",
        remedy="Save it without a password and hand it over again.",
    )


def open_book(path: Path, folder: Path, wanted: str | None, hidden: list[str]) -> Iterator[Sheet]:
    """The visible sheets of a workbook, or the one that is `wanted`; names of others go to `hidden`. Raises `RefusedError`.

    It is read through a link in `folder`: the library believes a file's suffix, and departments' suffixes are wrong.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    name = shown(path)
    form = _form(path, name)
    link = folder / "book"
    link.symlink_to(path.resolve())
    try:
        book = CalamineWorkbook.from_path(link)
        for meta in book.sheets_metadata:
            if meta.typ != SheetTypeEnum.WorkSheet or wanted not in (None, meta.name):
                continue
            if wanted is None and meta.visible != SheetVisibleEnum.Visible:
                hidden.append(meta.name)
            else:
                sheet = book.get_sheet_by_name(meta.name)
                left = sheet.start[1] if sheet.start else 0
                merged = {
                    (row, column - left): (top, first - left)
                    for (top, first), (bottom, last) in sheet.merged_cell_ranges or ()
                    for row in range(top, bottom + 1)
                    for column in range(first, last + 1)
                }
                rows = list(sheet.iter_rows()) if sheet.start else []
                del sheet  # it holds every cell once more
                yield Sheet(meta.name, rows, merged, full=len(rows) >= FORM_ROWS[form])
        if wanted is not None and wanted not in book.sheet_names:
            raise RefusedError(
                f"no sheet {wanted!r}; the sheets are {', '.join(map(repr, book.sheet_names))}",
                where=name,
                expected=f"the sheet {wanted!r}",
                remedy=f"Rename it back. {near(wanted, book.sheet_names)}",
            )
    except PasswordError:
        raise _locked(name) from None
    except CalamineError as error:
        raise RefusedError(
            f"a workbook that cannot be read ({str(error)[:120]})",
            where=name,
            expected="a whole workbook",
            remedy="It was damaged on its way: save it again.",
        ) from None


def text_of(cell: Any) -> str | None:
    """A cell as text: whole numbers without a point, dates as ISO 8601, nothing as None."""
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return None if cell is None else str(cell)
