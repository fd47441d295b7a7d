"""The reader of workbooks (.xlsx, .xls), by python-calamine.

Belongs here: which sheets and which row hold the header, which rows are no records, and what cells have lost.
Not here: sheets and their headers as such (`sheets`), what the header means (`assets.headers`).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from assets.contracts import Column, Contract
from assets.headers import map_header, names
from assets.lake import literal
from assets.readers import Extract, RefusedError
from assets.readers.files import shown, unchanged, working_folder
from assets.readers.parts import combine
from assets.readers.sheets import Sheet, open_book, text_of
from assets.readers.table import TextTable
from expectations.documents import near

SEARCHED = 40  # rows from the top among which the header is looked for
DIGITS = 1e15  # from here on a number has 16 digits, and a spreadsheet keeps 15
SERIALS = (20_000, 80_000)  # days since 1899-12-30 that are dates from 1954 to 2119


def read_file(path: Path, contract: Contract, opts: dict[str, Any], scratch: Path, period: str | None = None) -> Extract:
    """Read one workbook. Working files go to a new folder in `scratch`. Raises `RefusedError` or `LaterError`."""
    name = shown(path)
    _check(contract, opts)
    hidden: list[str] = []
    with unchanged(path) as (digest, size), working_folder(name, scratch) as folder:
        book = open_book(path, folder, opts["sheet"], hidden)
        chosen = _several(book, contract, opts, name) if opts["sheets"] else iter([_find(book, contract, name)])
        parts = []
        for sheet, header_row in chosen:  # one at a time: a large sheet takes 3 to 4 KB of memory a row
            inside = Path(tempfile.mkdtemp(dir=folder))
            part = Extract((), "", digest, size, len(sheet.rows), 0, 0, [], scratch=folder)
            _rows(sheet, header_row, contract, opts, part, inside, f"{name}, sheet {sheet.name!r}", period)
            parts.append((f"sheet {sheet.name}", part))
        extract = combine(parts, contract, name, period) if opts["sheets"] else parts[0][1]
    extract.digest, extract.bytes, extract.scratch = digest, size, folder
    if hidden:
        extract.notes.append(f"hidden sheets were left out: {', '.join(hidden)}")
    return extract


def _check(contract: Contract, opts: dict[str, Any]) -> None:
    """Options that name columns, and words that may stand: what is wrong there is the contract's fault."""
    declared = [c.name for c in contract.columns]
    named = [*opts["fillDown"], *([opts["sheetColumn"]] if opts["sheetColumn"] else [])]
    for column in named:
        if column not in declared:
            raise RefusedError(f"column {column!r} in `fillDown` or `sheetColumn`", where=str(contract.path), remedy=near(column, declared))
    if opts["fullSheet"] not in ("refuse", "warn"):
        raise RefusedError(f"fullSheet {opts['fullSheet']!r}", where=str(contract.path), remedy="Say refuse or warn.")


def _header_row(sheet: Sheet, known: dict[str, Column]) -> tuple[int, int]:
    """How many declared columns the best row names, and which row that is."""
    best, row = max(((sheet.score(row, known), -row) for row in range(min(SEARCHED, len(sheet.rows)))), default=(0, 0))
    return best, -row


def _no_header(contract: Contract, sheets: Iterable[str], name: str) -> RefusedError:
    return RefusedError(
        f"no header in the first {SEARCHED} rows of {', '.join(map(repr, sheets))}",
        where=name,
        expected=f"a row such as {', '.join(c.header for c in contract.columns[:4])} ...",
        remedy="Put the declared header above the records.",
    )


def _nothing(name: str, blank: int) -> RefusedError:
    found = "an empty sheet" if blank else "no sheet with cells"
    return RefusedError(found, where=name, expected="a header and records", remedy="Export it again.")


def _several(book: Iterable[Sheet], contract: Contract, opts: dict[str, Any], name: str) -> Iterator[tuple[Sheet, int]]:
    """Every sheet that the contract means, with the row of its header; none that holds cells is passed over in silence."""
    wanted = [opts["sheets"]] if isinstance(opts["sheets"], str) else list(opts["sheets"])
    known = names(contract)
    seen: list[str] = []
    chosen = blank = 0
    for sheet in book:
        seen.append(sheet.name)
        title = sheet.name.strip()
        if title in opts["ignoreSheets"] or not any(w == "all" or fnmatchcase(title, w) for w in wanted):
            continue
        if sheet.empty:
            blank += 1
            continue
        best, row = _header_row(sheet, known)
        if best == 0:
            refusal = _no_header(contract, [sheet.name], name)
            raise RefusedError(
                refusal.found, where=name, expected="one in every sheet", remedy="Take the sheet out, or name it under `ignoreSheets`."
            )
        chosen += 1
        yield sheet, row
    if not chosen and seen and not blank:
        raise RefusedError(
            f"no sheet like {', '.join(map(str, wanted))}; the sheets are {', '.join(map(repr, seen))}",
            where=name,
            expected="sheets so named",
            remedy="Rename them, or correct `sheets` in the contract.",
        )
    if not chosen:
        raise _nothing(name, blank)


def _find(book: Iterable[Sheet], contract: Contract, name: str) -> tuple[Sheet, int]:
    """The one sheet that holds the header, and its row."""
    known = names(contract)
    found: list[tuple[int, Sheet, int]] = []
    blank = 0
    for sheet in book:
        if sheet.empty:
            blank += 1
            continue
        best, row = _header_row(sheet, known)
        found.append((best, sheet, row))
    if not found:
        raise _nothing(name, blank)
    found.sort(key=lambda f: -f[0])
    best, sheet, row = found[0]
    if best == 0:
        raise _no_header(contract, [s.name for _, s, _ in found], name)
    rivals = [s.name for score, s, _ in found if score * 2 >= best and score * 2 >= len(contract.columns)]
    if len(rivals) > 1:
        raise RefusedError(
            f"{len(rivals)} sheets that hold the header: {', '.join(map(repr, rivals))}",
            where=name,
            expected="one",
            remedy="Hand over one sheet a file, or let the contract name the sheet by `sheet`, or take all of them by `sheets`.",
        )
    return sheet, row


def _rows(
    sheet: Sheet,
    header_row: int,
    contract: Contract,
    opts: dict[str, Any],
    extract: Extract,
    folder: Path,
    where: str,
    period: str | None,
) -> None:
    known = names(contract, period)
    if sheet.full:
        said = f"{len(sheet.rows)} rows, all that a sheet of this form can hold: what followed was cut off"
        if opts["fullSheet"] == "refuse":
            raise RefusedError(said, where=where, expected="fewer", remedy="Hand it over in several sheets or files, or as CSV.")
        extract.notes.append(said)
    header = sheet.header(header_row, known)
    used = [at for at, name in enumerate(header) if name or any(sheet.value(r, at) != "" for r in range(header_row + 1, len(sheet.rows)))]
    from_name = [contract.column(opts["sheetColumn"]).header] if opts["sheetColumn"] else []
    mapping = map_header(contract, [*(header[at] for at in used), *from_name], f"{where}, row {header_row + 1}", period)
    columns = {used[at]: contract.column(name) for name, at in mapping.columns.items() if at < len(used)}
    keys = [at for at, column in columns.items() if column.key_position is not None]
    down = [at for at, column in columns.items() if column.name in opts["fillDown"]]
    first = header_row + 1
    while first < len(sheet.rows) and sheet.score(first, known) * 2 > len(columns):
        first += 1
    lost: dict[str, int] = {}
    serial: dict[str, int] = {}
    above: dict[int, Any] = {}
    filled = taken = 0
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
            for at in down:
                if at < len(cells) and text_of(cells[at]) is None:
                    cells[at] = above.get(at, "")
                    taken += cells[at] != ""
                elif at < len(cells):
                    above[at] = cells[at]
            for at, column in columns.items():
                cell = cells[at] if at < len(cells) else ""
                if isinstance(cell, float):
                    if abs(cell) >= DIGITS:
                        lost[column.header] = lost.get(column.header, 0) + 1
                    elif column.logical_type in ("date", "timestamp") and SERIALS[0] <= cell <= SERIALS[1]:
                        serial[column.header] = serial.get(column.header, 0) + 1
            table.write(row + 1, [text_of(c) for c in cells])
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
    extract.header = (*(header[at] for at in used), *from_name)
    table.width = max(table.width, sheet.width)
    extract.relation = table.relation(used)
    if from_name:
        extract.relation = f"SELECT *, {literal(sheet.name.strip())} AS c{len(used)} FROM ({extract.relation})"
    _notes(extract, lost, serial, filled, taken)


def _notes(extract: Extract, lost: dict[str, int], serial: dict[str, int], filled: int, taken: int) -> None:
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
    if taken:
        extract.notes.append(f"{taken} empty cells took the value above them")


def _note(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile("(?:" + "|".join(map(re.escape, words)) + r")(?:$|[^\w]|[0-9])")


def _is_other(sheet: Sheet, row: int, cells: list[Any], keys: list[int], note: re.Pattern[str]) -> bool:
    """Blank rows, totals, signatures, notes: rows that say nothing about a key of their own."""
    filled = [at for at, cell in enumerate(cells) if cell != "" and not (isinstance(cell, str) and not cell.strip())]
    if not filled:
        return not any((row, at) in sheet.merged and sheet.value(row, at) != "" for at in keys)
    first = filled[0]
    label = re.sub(r"\s", "", cells[first]) if isinstance(cells[first], str) else ""
    if (whole := note.match(label)) and whole.group() == label:
        return True
    if any(at in filled for at in keys if at != first):
        return False
    if note.match(label):
        return True
    if len(filled) > 1 or (row, first) not in sheet.merged:
        return False
    return sum(sheet.merged.get((row, at)) == (row, first) for at in range(sheet.width)) * 2 > sheet.width
