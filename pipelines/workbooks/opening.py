"""Opening a file that somebody sent: unlocked, looked at for what may harm, and only then given to the reader of workbooks.

Belongs here: form, password, size, macros, where formulas stand. Not here: what the cells mean (`reading`).
Sizes are counted while unpacking, not believed; nothing is written to the disk.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from assets.readers.archive import readable
from pipelines.workbooks.errors import WorkbookError
from pipelines.workbooks.locking import is_locked, unlocked

FILE_MOST = 200 << 20
"""Bytes of a file: the largest that we send has about a tenth of it."""
UNZIPPED_MOST = 2 << 30
"""Bytes unpacked: 200,000 rows of 40 columns have about 600 MB."""
CELLS_MOST = 30_000_000
"""Cells between the first and the last that holds something, on one sheet; the reader keeps them all."""
_CHUNK = 1 << 20
_COLUMN, _ROW = itemgetter(0), itemgetter(1)
_CELL = re.compile(rb'<(?:\w+:)?c(?:\s+r="([A-Z]{1,3})([0-9]{1,7})"|(?=[\s/>]))([^>]*)>')
_PLACE = re.compile(rb'\sr="([A-Z]{1,3})([0-9]{1,7})"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_HARMFUL = re.compile(r"vbaproject|macrosheets|/activex|/embeddings|/externallinks|vbadata|customui", re.IGNORECASE)
_TYPED = re.compile(rb"macroEnabled|ms-excel\.(?:intlmacrosheet|macrosheet)|vbaProject", re.IGNORECASE)


@dataclass
class Opened:
    """An open workbook: by the name of its sheet the rows (lists of cells from column A and row 1) and the cells with a formula."""

    name: str
    digest: str  # the first 16 digits of SM3 over the file
    book: Any
    unlocked_by: str | None
    formulas: dict[str, list[str]] = field(default_factory=dict)

    @property
    def sheets(self) -> list[str]:
        return list(self.book.sheet_names)

    def rows(self, sheet: str) -> Iterator[list[Any]]:
        """The rows of a sheet, empty ones above the first included. Raises `WorkbookError`."""
        from python_calamine import CalamineError

        try:
            found = self.book.get_sheet_by_name(sheet)
            start = found.start
            if start is None:
                return
            yield from ([] for _ in range(start[0]))
            before = [""] * start[1]
            for row in found.iter_rows():
                yield [*before, *row]
        except CalamineError as error:
            raise _damaged(self.name, error) from None


def open_returned(path: Path, passwords: Mapping[str, str]) -> Opened:
    """Open the file at `path` with one of `passwords` (by department). Raises `WorkbookError`, or `OSError`."""
    name = path.name
    size = path.stat().st_size
    if size > FILE_MOST:
        raise WorkbookError(
            f"{name}: {size >> 20} MB，上限 {FILE_MOST >> 20} MB。请送回原工作簿。 "
            f"{size >> 20} MB, where {FILE_MOST >> 20} MB is the most. Send back the workbook as it came."
        )
    if path.suffix.lower() not in (".xlsx", ""):
        macros = "含宏的格式 a form with macros" if path.suffix.lower() in (".xlsm", ".xlsb", ".xltm") else "不是 .xlsx not .xlsx"
        raise WorkbookError(f"{name}: {macros}。请另存为 .xlsx 再送回。 Save it as .xlsx and send it again.")
    from pipelines.sealing import sm3

    data = path.read_bytes()
    digest, by = sm3(data)[:16], None
    if is_locked(data):
        data, by = unlocked(data, passwords, name)
    if not data.startswith(b"PK"):
        raise WorkbookError(
            f"{name}: 不是工作簿（按开头字节）。应为发出的 .xlsx。 No workbook, by its first bytes: expected the .xlsx that was sent."
        )
    formulas = _inspected(data, name)
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(BytesIO(data))
    except CalamineError as error:
        raise _damaged(name, error) from None
    return Opened(name, digest, book, by, formulas)


def _damaged(name: str, error: Exception) -> WorkbookError:
    return WorkbookError(
        f"{name}: 工作簿已损坏，读不出来。请打开、另存后再送回。 A damaged workbook ({str(error)[:120]}). Open it, save it, send it again."
    )


def _inspected(data: bytes, name: str) -> dict[str, list[str]]:
    """Where formulas stand, by sheet. Raises `WorkbookError` for macros and other programs, for what unpacks to too much, or is damaged."""
    left = UNZIPPED_MOST
    formulas: dict[str, list[str]] = {}
    try:
        with readable(), zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.namelist()
            if "xl/workbook.xml" not in members:
                raise WorkbookError(f"{name}: 压缩包里没有工作簿。 An archive that holds no workbook. Send back the .xlsx that was sent.")
            if len(set(members)) != len(members):
                raise WorkbookError(f"{name}: 压缩包内文件重名，不予打开。 Two parts have one name: not opened. Save it again in Excel.")
            harmful = [m for m in members if _HARMFUL.search(m)]
            if harmful or _TYPED.search(_small(archive, "[Content_Types].xml", name)):
                raise _programs(name, harmful)
            sheets = _sheet_parts(archive, name)
            for info in archive.infolist():
                scan = _Scan(name)
                for chunk in _unpacked(archive, info):
                    left -= len(chunk)
                    if left < 0:
                        raise WorkbookError(
                            f"{name}: 解开后超过 {UNZIPPED_MOST >> 20} MB，不予打开。请送回原工作簿。 "
                            f"It unpacks to more than {UNZIPPED_MOST >> 20} MB: not opened. Send back the workbook as it came."
                        )
                    if info.filename in sheets:
                        scan.feed(chunk)
                if info.filename in sheets and (found := scan.end()):
                    formulas[sheets[info.filename]] = found
    except (zipfile.BadZipFile, ElementTree.ParseError, RuntimeError) as error:
        raise _damaged(name, error) from None
    return formulas


def _programs(name: str, found: list[str]) -> WorkbookError:
    what = ", ".join(found[:3]) or "[Content_Types].xml"
    return WorkbookError(
        f"{name}: 工作簿内有宏、嵌入对象或外部链接（{what}），不予打开。请另存为不含宏的 .xlsx 再送回。 "
        f"Macros, embedded objects or external links are in it ({what}): not opened. Save it as .xlsx without them and send it again."
    )


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member's content to its true end: the size that it claims is put out of reach, so that the checksum is of all of it."""
    info.file_size = UNZIPPED_MOST + _CHUNK
    with archive.open(info) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _small(archive: zipfile.ZipFile, member: str, name: str) -> bytes:
    with archive.open(member) if member in archive.namelist() else BytesIO() as file:
        content = file.read(_CHUNK + 1)
    if len(content) > _CHUNK:
        raise WorkbookError(f"{name}: {member} 过大，不予打开。 {member} is too large for what it is: not opened.")
    if b"<!" in content.replace(b"<!--", b"") or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise WorkbookError(f"{name}: {member} 写法异常，不予打开。 {member} holds what no office program writes: not opened.")
    return content


def _sheet_parts(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    """The archive's members that are sheets, with the names of the sheets."""
    targets = {}
    rels = _small(archive, "xl/_rels/workbook.xml.rels", name)
    for node in ElementTree.fromstring(rels) if rels else ():  # noqa: S314 - `_small` lets no declaration of entities through
        target = node.get("Target", "").lstrip("/")
        targets[node.get("Id")] = target if target.startswith("xl/") else f"xl/{target}"
    book = ElementTree.fromstring(_small(archive, "xl/workbook.xml", name))  # noqa: S314
    found = {}
    for node in book.iter():
        if node.tag.rpartition("}")[2] == "sheet":
            key = next((v for k, v in node.attrib.items() if k.rpartition("}")[2] == "id"), None)
            found[targets.get(key, "")] = node.get("name", "")
    return found


class _Scan:
    """A sheet's XML, chunk by chunk: where formulas stand, and how far its cells reach."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rest = b""
        self.columns: set[bytes] = set()
        self.rows = 0
        self.formulas: list[str] = []
        self.first = True

    def feed(self, chunk: bytes) -> None:
        if self.first and (chunk.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in chunk[:256]):
            raise WorkbookError(f"{self.name}: 不是 UTF-8 编码的工作簿，不予打开。 A sheet is not in UTF-8: not opened. Save it again.")
        self.first = False
        text = self.rest + chunk
        # Up to the last cell that has begun: its formula may come with the next chunk.
        cut = max(text.rfind(b"<c "), text.rfind(b":c "), 0)
        if cut == 0 and len(text) > 4 * _CHUNK:
            cut = text.rfind(b"<") if text.rfind(b"<") > 0 else len(text)
        self._look(text[:cut])
        self.rest = text[cut:]

    def _look(self, text: bytes) -> None:
        places = _CELL.findall(text)
        held = [(column, row) for column, row, more in places if column and more[-1:] != b"/"]
        if not all(map(_COLUMN, places)):  # an address may come after other attributes
            for more in (m for column, _, m in places if not column):
                other = _PLACE.search(b" " + more)
                if other is None:
                    raise WorkbookError(
                        f"{self.name}: 单元格没有位置，不是 Excel 或 WPS 保存的。请用它们另存后送回。 "
                        "Cells without an address: no office program wrote this. Save it in Excel or WPS and send it again."
                    )
                held.append((other[1], other[2]))
        if held:
            self.columns.update(map(_COLUMN, held))
            self.rows = max(self.rows, *map(int, set(map(_ROW, held))))
        if _FORMULA.search(text):
            self._formulas(text)
        width = max((_number(c) for c in self.columns), default=0)
        if width * self.rows > CELLS_MOST:
            raise WorkbookError(
                f"{self.name}: 一张表伸展到 {self.rows:,} 行 × {width:,} 列，超过上限。请删去表外的零散内容。 "
                f"A sheet reaches over {self.rows:,} rows and {width:,} columns, more than we read. Remove what stands far from the table."
            )

    def _formulas(self, text: bytes) -> None:
        for formula in _FORMULA.finditer(text):
            begin = max(text.rfind(b"<c ", 0, formula.start()), text.rfind(b":c ", 0, formula.start()))
            place = _PLACE.search(text, begin, formula.start()) if begin >= 0 else None
            if place:
                self.formulas.append((place[1] + place[2]).decode())

    def end(self) -> list[str]:
        self._look(self.rest)
        return self.formulas


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
