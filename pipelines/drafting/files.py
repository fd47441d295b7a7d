"""The form of a file that nobody has declared yet: delimited text or a workbook, its encoding, delimiter, sheet and header.

Belongs here: looking. Not here: archives and XML (`packed`), reading it whole (`assets.readers`), what its columns are (`columns`).
"""

from __future__ import annotations

import codecs
import csv
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.readers.files import shown
from pipelines.drafting.packed import archive_form, document_form
from pipelines.errors import StartError

if TYPE_CHECKING:
    from assets.readers.sheets import Sheet

LOOK = 1 << 20  # bytes from which encoding and delimiter are told
LINES, TOP = 50, 12  # lines of text, rows of a sheet, among which the header is looked for
FIGURES = re.compile(r"[\d.,:/ -]+")
MAGIC = {b"\xd0\xcf": "Excel", b"%PDF": "PDF", b"Rar!": "RAR", b"7z\xbc\xaf": "7z", b"\x1f\x8b": "gzip"}
DELIMITERS = (",", "\t", "|", ";")
WORKBOOKS = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls"}
PERIODS = ((10, "hourly", "h"), (8, "daily", "d"), (6, "monthly", "mo"))
"""Digits of a period in a file's name, how often such a file comes, and the unit of that in a contract."""


@dataclass(frozen=True)
class Form:
    """`options` as a contract's server has them beside path and format; `header` as found."""

    format: str
    header: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Naming:
    """What a file's name tells: the pattern of such names (None where no period stands in it), how often they come, the first period."""

    pattern: str | None
    period: str
    unit: str
    start: str


def form_of(path: Path, sheet: str | None = None) -> Form:
    """How the file is written. Raises `StartError` for what has no header or no form that can be told, `OSError`."""
    if path.suffix.lower() in WORKBOOKS:
        return _workbook(path, sheet)
    with path.open("rb") as file:
        begin = file.read(64).lstrip(codecs.BOM_UTF8).lstrip()
    if begin.startswith(b"PK"):
        return archive_form(path, sheet)
    if begin.startswith(b"<"):
        return document_form(path)
    return _text(path)


def naming_of(name: str) -> Naming:
    """Digits that may be a year and month (day, hour) of this century make the period; what is around them is taken literally."""
    stem, dot, suffix = name.rpartition(".")
    for digits, period, unit in PERIODS:
        for found in re.finditer(rf"(?<!\d)20\d{{{digits - 2}}}(?!\d)", stem):
            text = found.group()
            if "01" <= text[4:6] <= "12" and (digits < 8 or "01" <= text[6:8] <= "31"):
                around = re.escape(stem[: found.start()]), re.escape(stem[found.end() :] + dot + suffix)
                return Naming(f"{around[0]}(?P<period>[0-9]{{{digits}}}){around[1]}", period, unit, f"{text[:4]}-{text[4:6]}")
    return Naming(None, "monthly", "mo", "2026-01")


def _text(path: Path) -> Form:
    with path.open("rb") as file:
        data = file.read(LOOK)
    name = shown(path)
    if not data.strip():
        raise StartError(f"{name}: 空文件。 An empty file; expected a header and records.")
    if magic := next((word for begin, word in MAGIC.items() if data.lstrip(codecs.BOM_UTF8).startswith(begin)), ""):
        raise StartError(
            f"{name}: {magic} 文件。 A {magic} file: draft from text, .xlsx, XML or ZIP, or write the contract by hand (docs/contracts.md)."
        )
    whole = data[: max(data.rfind(b"\n"), data.rfind(b"\r")) + 1] or data
    encoding = _encoding(whole, name)
    lines = [line for line in whole.decode(encoding).removeprefix("\ufeff").splitlines()[: LINES * 4] if line.strip()][:LINES]
    delimiter, width = _delimiter(lines, name)
    above = next(n for n, line in enumerate(lines) if len(_split(line, delimiter)) == width)
    options: dict[str, Any] = {"encoding": encoding} | ({"delimiter": delimiter} if delimiter != "," else {})
    if above:
        options["titleLines"] = _physical(whole.decode(encoding).removeprefix("\ufeff"), lines[above])
    return Form("csv", _named(_split(lines[above], delimiter), name), options)


def _physical(text: str, header: str) -> int:
    """How many lines stand above the header, blank ones too."""
    return text.splitlines().index(header)


def _encoding(data: bytes, name: str) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or data[:4096].count(0) * 5 > len(data[:4096]):
        raise StartError(f"{name}: UTF-16 文本。 UTF-16 text, or no text at all; save it as UTF-8 or GB18030.")
    for encoding in ("utf-8", "gb18030"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise StartError(f"{name}: 编码不明。 Neither UTF-8 nor GB18030 text; save it in one of them.")


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter, strict=False), [])


def _delimiter(lines: Sequence[str], name: str) -> tuple[str, int]:
    """The sign by which most lines fall into the same number of fields, and that number; more fields before fewer."""
    best: tuple[float, int, str] = (0.0, 0, "")
    for sign in DELIMITERS:
        widths = Counter(len(_split(line, sign)) for line in lines)
        width, n = max(widths.items(), key=lambda item: (item[1], item[0]))
        if width > 1:
            best = max(best, (n / len(lines), width, sign))
    if not best[2] or best[0] < 0.5:
        signs = "、".join({"\t": "tab"}.get(s, s) for s in DELIMITERS)
        raise StartError(
            f"{name}: 看不出分隔符。 No delimiter ({signs}) that most lines agree on. Fixed-width text does not tell where a field begins: "
            "write the contract by hand from its description, with `format: fixed` and a `width` for each column (docs/contracts.md)."
        )
    return best[2], best[1]


def _workbook(path: Path, wanted: str | None) -> Form:
    from assets.readers import RefusedError
    from assets.readers.sheets import open_book

    name, hidden = shown(path), list[str]()
    found: list[Sheet] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            found += [sheet for sheet in open_book(path, Path(folder), wanted, hidden) if not sheet.empty]
        except RefusedError as error:
            raise StartError(str(error)) from None
    if not found:
        raise StartError(f"{name}: 没有内容。 No sheet that holds anything.")
    sheet = max(found, key=lambda s: len(s.rows))
    header = [h for h in sheet.header(_header_row(sheet), {}) if h]
    above = {h.partition("/")[0] for h in header}
    if len(header) > 1 and len(above) == 1:  # a title over all columns
        header = [h.partition("/")[2] or h for h in header]
    return Form(WORKBOOKS[path.suffix.lower()], _named(header, name), {"sheet": sheet.name} if len(found) > 1 or wanted else {})


def _header_row(sheet: Sheet) -> int:
    """The first row with the most different words; a row of field ids below it stands in its place."""
    from assets.readers.sheets import text_of

    top = [[text_of(sheet.value(r, c)) or "" for c in range(sheet.width)] for r in range(min(TOP, len(sheet.rows)))]
    words = [len({cell for cell in row if cell and not FIGURES.fullmatch(cell)}) for row in top]
    at = words.index(max(words))
    below = [cell for cell in top[at + 1] if cell] if at + 1 < len(top) else []
    ids = (
        len(below) == words[at] > 1
        and len(set(below)) == len(below)
        and all(re.fullmatch(r"[A-Za-z_]\w*", cell, re.ASCII) for cell in below)
    )
    return at + 1 if ids else at


def _named(header: Sequence[str], name: str) -> tuple[str, ...]:
    """The header, if it may be one: names, each once, most of them words."""
    names = [re.sub(r"\s+", " ", h).strip() for h in header]
    doubled = [h for h, n in Counter(names).items() if n > 1 and h]
    if not any(names):
        raise StartError(f"{name}: 没有表头。 No header: the first line names no column.")
    if doubled:
        raise StartError(f"{name}: 列名重复 {', '.join(doubled)}。 Names of columns that stand twice; give each its own.")
    if sum(bool(FIGURES.fullmatch(h)) for h in names) * 2 > len(names):
        raise StartError(f"{name}: 首行像数据，不像表头。 The first line looks like a record: put the names of the columns above.")
    return tuple(names)
