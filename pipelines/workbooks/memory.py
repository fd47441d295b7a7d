"""Workbooks made in memory alone: rows that hold keys in full never lie in a temporary file.

Belongs here: what of xlsxwriter must be changed for that. Its `constant_memory` writes rows to temporary files, its `in_memory`
keeps every cell as an object (1 GB for 200,000 rows); here finished rows are kept as deflated bytes.
"""

from __future__ import annotations

import zlib
from io import BytesIO, StringIO
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.packager import Packager
from xlsxwriter.worksheet import Worksheet

_AT_ONCE = 20_000
"""Pieces of XML that are deflated at once: about a megabyte."""


class _Part(StringIO):
    """A part of the archive, as UTF-8: a `StringIO` by its class only, which would take four times the memory."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = BytesIO()

    def write(self, text: str) -> int:
        return self.bytes.write(text.encode())

    def getvalue(self) -> bytes:  # type: ignore[override] # the caller is told that the part is binary
        return self.bytes.getvalue()


class _Rows:
    """The rows of a sheet until it is finished, deflated: as they are they would take as much again as the finished sheet."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._chunks: list[bytes] = []

    def write(self, text: str) -> None:
        self._texts.append(text)
        if len(self._texts) >= _AT_ONCE:
            self._pack()

    def _pack(self) -> None:
        self._chunks.append(zlib.compress("".join(self._texts).encode(), 1))
        self._texts.clear()

    def pour(self, target: BytesIO) -> None:
        self._pack()
        target.writelines(map(zlib.decompress, self._chunks))
        self._chunks.clear()


class _Packager(Packager):
    def _filename(self, xml_filename: str) -> _Part:
        part = _Part()
        self.filenames.append((part, xml_filename, True))
        return part


class Sheet(Worksheet):
    """A sheet whose rows are written from the top down; each is finished when the next begins."""

    fh: Any

    def _initialize(self, init_data: dict[str, Any]) -> None:
        super()._initialize(init_data)
        self.constant_memory = True
        self.row_data_fh = _Rows()
        self.fh = self.row_data_fh

    def _write_optimized_sheet_data(self) -> None:
        if self.dim_rowmin is None:
            self._xml_empty_tag("sheetData")
            return
        self._xml_start_tag("sheetData")
        self.row_data_fh.pour(self.fh.bytes)
        self._xml_end_tag("sheetData")

    def _opt_close(self) -> None:
        """Nothing lies on the disk."""


class Book(Workbook):
    """A workbook to be written to a `BytesIO`; a string stays a string, whatever it begins with."""

    def __init__(self, target: BytesIO) -> None:
        strings = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
        super().__init__(target, {"in_memory": True, **strings})
        self.worksheet_class = Sheet

    def _get_packager(self) -> _Packager:
        return _Packager()
