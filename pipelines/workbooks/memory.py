"""Workbooks made in memory alone: rows that hold keys in full never lie in a temporary file.

Belongs here: what of xlsxwriter must be changed for that. Its `constant_memory` writes rows to temporary files, its `in_memory`
keeps every cell as an object (1 GB for 200,000 rows); here finished rows are kept as the bytes that go into the archive.
"""

from __future__ import annotations

from io import BytesIO, StringIO
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.packager import Packager
from xlsxwriter.worksheet import Worksheet


class _Part(StringIO):
    """A part of the archive, as UTF-8: a `StringIO` by its class only, which would take four times the memory."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = BytesIO()

    def write(self, text: str) -> int:
        return self.bytes.write(text.encode())

    def getvalue(self) -> bytes:  # type: ignore[override] # the caller is told that the part is binary
        return self.bytes.getvalue()


class _Packager(Packager):
    def _filename(self, xml_filename: str) -> _Part:
        part = _Part()
        self.filenames.append((part, xml_filename, True))
        return part


class Sheet(Worksheet):
    """A sheet whose rows are written from the top down; each is finished when the next begins."""

    def _initialize(self, init_data: dict[str, Any]) -> None:
        super()._initialize(init_data)
        self.constant_memory = True
        self.row_data_fh: _Part | None = _Part()
        self.fh = self.row_data_fh

    def _write_optimized_sheet_data(self) -> None:
        if self.dim_rowmin is None or self.row_data_fh is None:
            self._xml_empty_tag("sheetData")
            return
        self._xml_start_tag("sheetData")
        self.fh.bytes.write(self.row_data_fh.bytes.getbuffer())
        self.row_data_fh = None
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
