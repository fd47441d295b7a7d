"""Workbooks of the older form (.xls, BIFF8 in an OLE2 container), as old programs of departments still write them.

Belongs here: as much of the two formats as texts, numbers and merged areas need. Not here: what stands where (`workbook`).

Source: Microsoft's [MS-XLS] and [MS-CFB]. A sheet holds 65,536 rows.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from sample_data.forms import Cells, Scene
from sample_data.forms.workbook import Sheets

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MOST = 65_536
SECTOR, TABLE = 512, 128
FREE, END, FAT, DIFAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
IN_HEADER = 109  # sectors of the allocation table that the header itself names
BOF, EOF, BOUNDSHEET, CODEPAGE, DIMENSIONS, LABEL, NUMBER, MERGED = 0x809, 0x0A, 0x85, 0x42, 0x200, 0x204, 0x203, 0xE5
AREAS = 1027  # merged areas a record


class OldWorkbook(Cells):
    """Files of `format: xls`."""

    def writer(self, scene: Scene) -> OldBook:
        return OldBook(scene)


class OldBook(Sheets):
    """An .xls file. Its sheets stand in a file without a name until it is saved, since what comes before them says where each begins."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._sheets = TemporaryFile(dir=self.path.parent)  # noqa: SIM115 (save closes it)
        self._begins: list[int] = []

    def open(self) -> None:
        self._begins.append(self._sheets.tell())
        self._sheets.write(_bof(0x10) + _record(DIMENSIONS, struct.pack("<IIHHH", 0, MOST, 0, 256, 0)))

    def lines(self, first: int, rows: Sequence[Sequence[str | None]]) -> None:
        for n, row in enumerate(rows):
            self._sheets.writelines(_label(first - 1 + n, at, text) for at, text in enumerate(row) if text is not None)

    def put(self, numbers: np.ndarray, cells: Sequence[pa.Array], numeric: Sequence[pa.Array | None]) -> None:
        if numbers[-1] > MOST:
            raise self.declaration.error(
                ("form",), f"{self.path.name} would hold over {MOST} rows, which an .xls cannot.", "Cut it by `units`, or deliver .xlsx."
            )
        columns = [values.to_pylist() for values in cells]
        masks = [mask.to_pylist() if mask is not None else None for mask in numeric]
        for n, row in enumerate((numbers - 1).tolist()):
            for at, (values, mask) in enumerate(zip(columns, masks, strict=True)):
                if values[n] is not None:
                    number = mask is not None and mask[n]
                    self._sheets.write(
                        _record(NUMBER, struct.pack("<HHHd", row, at, 0, float(values[n]))) if number else _label(row, at, values[n])
                    )

    def shut(self, areas: Sequence[tuple[int, int, int, int]]) -> None:
        for first in range(0, len(areas), AREAS):
            some = areas[first : first + AREAS]
            packed = b"".join(struct.pack("<HHHH", top, bottom, left, right) for top, left, bottom, right in some)
            self._sheets.write(_record(MERGED, struct.pack("<H", len(some)) + packed))
        self._sheets.write(_record(EOF, b""))

    def save(self) -> None:
        before = len(self._globals(0))
        with self._sheets as sheets, self.path.open("wb") as file:
            length = before + sheets.tell()
            stored = max(4096, -(-length // SECTOR) * SECTOR)
            head, tail = container(stored)
            file.write(head + self._globals(before))
            sheets.seek(0)
            shutil.copyfileobj(sheets, file)
            file.write(b"\0" * (stored - length) + tail)

    def _globals(self, before: int) -> bytes:
        """What stands before the sheets, itself so many bytes long."""
        bounds = [
            _record(BOUNDSHEET, struct.pack("<IBBBB", before + begins, 0, 0, len(name[:31]), 1) + name[:31].encode("utf-16-le"))
            for begins, name in zip(self._begins, self.names, strict=True)
        ]
        return b"".join([_bof(5), _record(CODEPAGE, struct.pack("<H", 1200)), *bounds, _record(EOF, b"")])


def _bof(kind: int) -> bytes:
    return _record(BOF, struct.pack("<HHHHII", 0x600, kind, 0, 0, 0, 6))


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _label(row: int, column: int, text: str) -> bytes:
    packed = text.encode("utf-16-le")
    return _record(LABEL, struct.pack("<HHHHB", row, column, 0, len(packed) // 2, 1) + packed)


def container(length: int) -> tuple[bytes, bytes]:
    """What stands before and behind the bytes of the one stream `Workbook` in an OLE2 file (version 3).

    `length`: how many bytes the stream has, at least 4096 and whole sectors.
    """
    count = length // SECTOR + 1  # the directory has a sector of its own behind the stream
    tables, further = 1, 0
    while tables * TABLE < count + tables + further:  # the table holds itself too
        tables += 1
        further = -(-max(0, tables - IN_HEADER) // (TABLE - 1))
    directory = count - 1
    chain = [*range(1, directory), END, END, *[FAT] * tables, *[DIFAT] * further]
    first = directory + 1
    sectors = list(range(first, first + tables))
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\0" * 16, 0x3E, 3, 0xFFFE, 9, 6, b"\0" * 6,
        0, tables, directory, 0, 4096, END, 0, first + tables if further else END, further, sectors[0],
    )  # fmt: skip
    named = sectors[:IN_HEADER] + [FREE] * (IN_HEADER - len(sectors[:IN_HEADER]))
    header += struct.pack(f"<{IN_HEADER - 1}I", *named[1:])
    more = sectors[IN_HEADER:]
    difat = b""
    for n in range(further):
        some = more[n * (TABLE - 1) : (n + 1) * (TABLE - 1)]
        following = first + tables + n + 1 if n + 1 < further else END
        difat += struct.pack(f"<{TABLE}I", *some, *[FREE] * (TABLE - 1 - len(some)), following)
    fat = struct.pack(f"<{tables * TABLE}I", *chain, *[FREE] * (tables * TABLE - len(chain)))
    entries = _entry("Root Entry", 5, 1, END, 0) + _entry("Workbook", 2, FREE, 0, length) + _entry("", 0, FREE, 0, 0) * 2
    return header, entries + fat + difat


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    """One entry of the directory."""
    text = name.encode("utf-16-le") + b"\0\0" if name else b""
    return text.ljust(64, b"\0") + struct.pack("<HBBIII16sIQQIQ", len(text), kind, 1, FREE, FREE, child, b"\0" * 16, 0, 0, 0, start, size)
