"""Files as departments write them: delimited text and workbooks, a column at a time, with the line or row of every record.

Belongs here: forms. Not here: what stands in them. The workbook is written by hand because libraries that write it cell by
cell take minutes for a province.
"""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sample_data.threads import over


def put(path: Path, data: bytes, received: datetime, *, later: int = 0) -> None:
    """Write a file that looks received at `received` (plus `later` seconds), at any rate an hour ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    stamp = min(received.timestamp(), time.time() - 7200) + later
    os.utime(path, (stamp, stamp))


def delimited(
    columns: Mapping[str, pa.Array],
    headers: Sequence[str],
    edits: Mapping[int, Callable[[str], str]],
    *,
    free: Sequence[str] = (),
    end: str = "\n",
) -> tuple[str, np.ndarray]:
    """Text with a header line, and the physical line (from 1) at which each record begins.

    Columns named in `free` may hold what needs quotes. `edits` changes written records; where the last one is changed, the
    file breaks off without a line end.
    """
    cells = [_quoted(column) if name in free else column for name, column in columns.items()]
    cells[-1] = pc.binary_join_element_wise(cells[-1], end, "", null_handling="replace")
    records = pc.binary_join_element_wise(*cells, ",", null_handling="replace")
    count = len(records)
    if edits:
        at = sorted(edits)
        mask = np.zeros(count, dtype=bool)
        mask[at] = True
        made = [edits[row](records[row].as_py().removesuffix(end)) + ("" if row == count - 1 else end) for row in at]
        records = pc.replace_with_mask(records, pa.array(mask), pa.array(made, pa.string()))
    taken = pc.count_substring(records, "\n").to_numpy().astype(np.int64)
    lines = 2 + np.concatenate([[0], np.cumsum(taken)[:-1]])
    return ",".join(headers) + end + whole(records), lines


def whole(records: pa.Array) -> str:
    """All texts of an array behind each other."""
    plain = pa.concat_arrays([records])  # from its beginning, as one piece
    size = pc.sum(pc.binary_length(plain)).as_py() or 0
    start = pa.array(np.frombuffer(plain.buffers()[1], dtype=np.int32)[plain.offset : plain.offset + 1])[0].as_py()
    return plain.buffers()[2].to_pybytes()[start : start + size].decode("utf-8")


def _quoted(column: pa.Array) -> pa.Array:
    special = pc.match_substring_regex(column, '[,"\n\r]')
    if not pc.any(special).as_py():
        return column
    doubled = pc.replace_substring(column, '"', '""')
    return pc.if_else(pc.fill_null(special, False), pc.binary_join_element_wise('"', doubled, '"', ""), column)


def letters(position: int) -> str:
    """The letters of a sheet's column, from 0."""
    return (letters(position // 26 - 1) if position >= 26 else "") + chr(65 + position % 26)


def sheet(
    columns: Sequence[pa.Array],
    headers: Sequence[str],
    groups: Sequence[tuple[str, int]],
    title: str,
    note: str,
    foot: Sequence[Sequence[str | None]],
    numeric: Mapping[int, np.ndarray],
    name: str,
) -> bytes:
    """A workbook of one sheet: title row, note row, merged groups of headers, headers, records from row 5, then `foot`.

    `groups` are (words, number of columns); `numeric` gives by column the mask of the cells that are numbers.
    """  # fmt: skip
    width = len(headers)
    merges = [f"A1:{letters(width - 1)}1", f"A2:{letters(width - 1)}2"]
    grouped: list[str | None] = []
    for words, span in groups:
        merges.append(f"{letters(len(grouped))}3:{letters(len(grouped) + span - 1)}3")
        grouped += [words, *[None] * (span - 1)]
    top: list[Sequence[str | None]] = [[title], [note], grouped, headers]
    count = len(columns[0])
    numbers = pc.cast(pa.array(np.arange(5, 5 + count)), pa.string())
    cells = over(lambda i: _cells(columns[i], letters(i), numbers, numeric.get(i)), range(width))
    rows = pc.binary_join_element_wise('<row r="', numbers, '">', *cells, "</row>", "", null_handling="replace")
    body = whole(rows)
    head = "".join(_row(i + 1, values) for i, values in enumerate(top))
    tail = "".join(_row(5 + count + i, values) for i, values in enumerate(foot))
    merged = "".join(f'<mergeCell ref="{m}"/>' for m in merges)
    xml = (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{head}{body}{tail}</sheetData>'
        f'<mergeCells count="{len(merges)}">{merged}</mergeCells></worksheet>'
    )
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, text in {**_PARTS, "xl/workbook.xml": _WORKBOOK.replace("NAME", _escape(name)), "xl/worksheets/sheet1.xml": xml}.items():
            # a fixed date: the same seed gives the same bytes
            archive.writestr(zipfile.ZipInfo(path, (2026, 10, 31, 9, 0, 0)), text.encode("utf-8"), zipfile.ZIP_DEFLATED, 1)
    return out.getvalue()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cells(column: pa.Array, letter: str, numbers: pa.Array, numeric: np.ndarray | None) -> pa.Array:
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        if pc.any(pc.match_substring(column, plain)).as_py():
            column = pc.replace_substring(column, plain, entity)
    text = pc.binary_join_element_wise(
        f'<c r="{letter}', numbers, '" t="inlineStr"><is><t xml:space="preserve">', column, "</t></is></c>", ""
    )
    if numeric is None:
        return text
    number = pc.binary_join_element_wise(f'<c r="{letter}', numbers, '"><v>', column, "</v></c>", "")
    return pc.if_else(pa.array(numeric), number, text)


def _row(number: int, values: Sequence[str | None]) -> str:
    cells = "".join(
        f'<c r="{letters(i)}{number}" t="inlineStr"><is><t xml:space="preserve">{_escape(v)}</t></is></c>'
        for i, v in enumerate(values)
        if v is not None
    )
    return f'<row r="{number}">{cells}</row>'


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_WORKBOOK = f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="NAME" sheetId="1" r:id="rId1"/></sheets></workbook>'


def _related(kind: str, target: str) -> str:
    relation = f'<Relationship Id="rId1" Type="{_OFFICE}/{kind}" Target="{target}"/>'
    return f'{_XML}<Relationships xmlns="{_RELS}">{relation}</Relationships>'


_PARTS = {
    "[Content_Types].xml": (
        f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": _related("officeDocument", "xl/workbook.xml"),
    "xl/_rels/workbook.xml.rels": _related("worksheet", "worksheets/sheet1.xml"),
}
