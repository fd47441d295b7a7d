"""The reader of workbooks (.xlsx, .xls), by python-calamine.

Belongs here: which sheet and which row hold the header, which rows are no records, and bringing cells back to text.
Not here: what the header means (`assets.headers`).

What the library does, tried with 0.5: error cells (#DIV/0!), empty ones and missing ones all come as ""; numbers come as
float; of a merged area only the first cell has the value; `iter_rows` starts at the sheet's first row and first used column.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.contracts import Column, Contract
from assets.headers import fold, map_header, names
from assets.readers import Extract, Handover, LaterError, RefusedError
from assets.readers.files import Watched, pending_files, shown
from assets.readers.options import options
from assets.readers.table import TextTable
from expectations.documents import near

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

SEARCHED = 40  # rows from the top among which the header is looked for
DIGITS = 1e15  # from here on a number has 16 digits, and a spreadsheet keeps 15
SERIALS = (20_000, 80_000)  # days since 1899-12-30 that are dates from 1954 to 2119


class WorkbookReader:
    """Files of `type: local`, `format: xlsx` or `xls`."""

    ahead = True

    def pending(self, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> list[Handover]:  # noqa: ARG002 - the protocol's
        return pending_files(contract, project, options(contract, "xlsx"))

    def read(self, handover: Handover, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> Extract:  # noqa: ARG002 - the protocol's
        assert handover.path is not None
        return read_workbook(handover.path, contract, options(contract, "xlsx"), project.scratch / "collect")


@dataclass
class _Sheet:
    """One sheet with its merged areas; columns count from the first used one."""

    name: str
    rows: list[list[Any]]
    merged: dict[tuple[int, int], tuple[int, int]]

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
        """The names that row gives to the columns; of a merged upper level, upper and lower name where that is declared."""
        found = []
        for column in range(self.width):
            own = _text(self.value(row, column)) or ""
            upper = (_text(self.value(row - 1, column)) or "") if row else ""
            if upper and upper != own and (fold(upper + own) in known):
                own = upper + own
            elif fold(own) not in known and upper and upper != own and self.merged.get((row - 1, column)) is not None and own:
                own = f"{upper}/{own}"
            found.append(own)
        return found

    def score(self, row: int, known: dict[str, Column]) -> int:
        return len({known[fold(name)].name for name in self.header(row, known) if fold(name) in known})


def read_workbook(path: Path, contract: Contract, opts: dict[str, Any], scratch: Path) -> Extract:
    """Read one workbook. Working files go to a new folder in `scratch`. Raises `RefusedError` or `LaterError`."""
    name = shown(path)
    watched = Watched(path)
    try:
        data = watched.read(-1)
        digest = watched.finish()
    finally:
        watched.close()
    sheet, header_row = _find(_sheets(data, name, opts["sheet"]), contract, name)
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    extract = Extract((), "", digest, len(data), len(sheet.rows), 0, 0, [], scratch=folder)
    try:
        _rows(sheet, header_row, contract, opts, extract, folder, f"{name}, sheet {sheet.name!r}")
    except OSError as error:
        extract.discard()
        raise LaterError(f"{name}: working files could not be written ({error.strerror}). Make room in {scratch}.") from None
    except BaseException:
        extract.discard()
        raise
    return extract


def _sheets(data: bytes, name: str, wanted: str | None) -> Iterator[_Sheet]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    if not data:
        raise RefusedError("an empty file", where=name, expected="a workbook", remedy="Export it again.")
    if not data.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        kind = "an HTML page" if data.lstrip()[:200].lower().startswith((b"<", b"\xef\xbb\xbf<")) else "no workbook, by its first bytes"
        raise RefusedError(
            kind, where=name, expected="a workbook (.xlsx or .xls)", remedy="Open it in a spreadsheet program and save it as .xlsx."
        )
    locked = RefusedError(
        "a workbook with a password",
        where=name,
        expected="one that opens without",
        remedy="Save it without a password and hand it over again.",
    )
    if data.startswith(b"\xd0\xcf") and "EncryptedPackage".encode("utf-16-le") in data:
        raise locked
    if data.startswith(b"PK") and b"xl/" not in data:
        raise RefusedError(
            "a ZIP archive that holds no workbook",
            where=name,
            expected="a workbook (.xlsx or .xls)",
            remedy="Unpack it and hand over the workbooks in it.",
        )
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for meta in book.sheets_metadata:
            if meta.typ == SheetTypeEnum.WorkSheet and (
                meta.name == wanted or (wanted is None and meta.visible == SheetVisibleEnum.Visible)
            ):
                sheet = book.get_sheet_by_name(meta.name)
                left = sheet.start[1] if sheet.start else 0
                merged = {
                    (row, column - left): (top, first - left)
                    for (top, first), (bottom, last) in sheet.merged_cell_ranges or ()
                    for row in range(top, bottom + 1)
                    for column in range(first, last + 1)
                }
                yield _Sheet(meta.name, list(sheet.iter_rows()) if sheet.start else [], merged)
        if wanted is not None and wanted not in book.sheet_names:
            raise RefusedError(
                f"no sheet {wanted!r}; the sheets are {', '.join(map(repr, book.sheet_names))}",
                where=name,
                expected=f"the sheet {wanted!r}",
                remedy=f"Rename it back. {near(wanted, book.sheet_names)}",
            )
    except PasswordError:
        raise locked from None
    except CalamineError as error:
        raise RefusedError(
            f"a workbook that cannot be read ({str(error)[:120]})",
            where=name,
            expected="a whole workbook",
            remedy="It was damaged on its way: save it again.",
        ) from None


def _find(sheets: Iterator[_Sheet], contract: Contract, name: str) -> tuple[_Sheet, int]:
    """The one sheet that holds the header, and its row."""
    known = names(contract)
    found: list[tuple[int, _Sheet, int]] = []
    blank = 0
    for sheet in sheets:
        if sheet.empty:
            blank += 1
            continue
        scores = [(sheet.score(row, known), -row) for row in range(min(SEARCHED, len(sheet.rows)))]
        best, row = max(scores, default=(0, 0))
        found.append((best, sheet, -row))
    if not found:
        raise RefusedError(
            f"{'an empty sheet' if blank else 'no sheet with cells'}",
            where=name,
            expected="a header and records",
            remedy="Export it again.",
        )
    found.sort(key=lambda f: -f[0])
    best, sheet, row = found[0]
    if best == 0:
        raise RefusedError(
            f"no header in the first {SEARCHED} rows of {', '.join(repr(s.name) for _, s, _ in found)}",
            where=name,
            expected=f"a row such as {', '.join(c.header for c in contract.columns[:4])} ...",
            remedy="Put the declared header above the records.",
        )
    rivals = [s.name for score, s, _ in found if score * 2 >= best and score * 2 >= len(contract.columns)]
    if len(rivals) > 1:
        raise RefusedError(
            f"{len(rivals)} sheets that hold the header: {', '.join(map(repr, rivals))}",
            where=name,
            expected="one",
            remedy="Hand over one sheet a file, or let the contract name the sheet by the option `sheet`.",
        )
    return sheet, row


def _rows(sheet: _Sheet, header_row: int, contract: Contract, opts: dict[str, Any], extract: Extract, folder: Path, where: str) -> None:
    known = names(contract)
    header = sheet.header(header_row, known)
    used = [at for at, name in enumerate(header) if name or any(sheet.value(r, at) != "" for r in range(header_row + 1, len(sheet.rows)))]
    mapping = map_header(contract, [header[at] for at in used], f"{where}, row {header_row + 1}")
    columns = {used[at]: contract.column(name) for name, at in mapping.columns.items()}
    keys = [at for at, column in columns.items() if column.key_position is not None]
    first = header_row + 1
    while first < len(sheet.rows) and sheet.score(first, known) * 2 > len(columns):
        first += 1
    lost: dict[str, int] = {}
    serial: dict[str, int] = {}
    filled = 0
    note = _note(opts["notes"])
    table = TextTable(folder)
    try:
        for row in range(first, len(sheet.rows)):
            cells = list(sheet.rows[row])
            if _is_other(sheet, row, cells, keys, note):
                extract.lines_other += 1
                continue
            for at in used:
                if at < len(cells) and cells[at] == "" and (row, at) in sheet.merged:
                    cells[at] = sheet.value(row, at)
                    filled += cells[at] != ""
            for at, column in columns.items():
                cell = cells[at] if at < len(cells) else ""
                if isinstance(cell, float):
                    if abs(cell) >= DIGITS:
                        lost[column.header] = lost.get(column.header, 0) + 1
                    elif column.logical_type in ("date", "timestamp") and SERIALS[0] <= cell <= SERIALS[1]:
                        serial[column.header] = serial.get(column.header, 0) + 1
            table.write(row + 1, [_text(c) for c in cells])
    finally:
        table.close()
    extract.lines_other += first
    extract.records = table.rows
    if not table.rows:
        raise RefusedError(
            "a header and no record",
            where=where,
            expected="records below the header",
            remedy="Export it again; an empty delivery must be agreed in words.",
        )
    extract.header = tuple(header[at] for at in used)
    table.width = max(table.width, sheet.width)
    extract.relation = table.relation(used)
    for name, count in lost.items():
        extract.notes.append(
            f"{count} cells of {name} are numbers of 16 or more digits: "
            f"the spreadsheet has already lost the last digits; "
            f"format the column as text, enter the numbers anew and hand the file over again"
        )
    for name, count in serial.items():
        extract.notes.append(
            f"{count} date cells of {name} are plain numbers (days since 1899-12-30); "
            f"format the column as a date and hand the file over again"
        )
    if filled:
        extract.notes.append(f"{filled} cells took the value of the merged cell that covers them")


def _note(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile("(?:" + "|".join(map(re.escape, words)) + r")(?:$|[^\w]|[0-9])")


def _is_other(sheet: _Sheet, row: int, cells: list[Any], keys: list[int], note: re.Pattern[str]) -> bool:
    """Blank rows, totals, signatures, notes: rows that say nothing about a key of their own."""
    filled = [at for at, cell in enumerate(cells) if cell != "" and not (isinstance(cell, str) and not cell.strip())]
    if not filled:
        return not any((row, at) in sheet.merged and sheet.value(row, at) != "" for at in keys)
    first = filled[0]
    if any(at in filled for at in keys if at != first):
        return False
    if isinstance(cells[first], str) and note.match(re.sub(r"\s", "", cells[first])):
        return True
    if len(filled) > 1 or (row, first) not in sheet.merged:
        return False
    return sum(sheet.merged.get((row, at)) == (row, first) for at in range(sheet.width)) * 2 > sheet.width


def _text(cell: Any) -> str | None:
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
