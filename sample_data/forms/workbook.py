"""Workbooks (.xlsx) as people make them: titles, notes, headers of several levels, merged cells, several sheets, totals below.

Belongs here: that form, written by hand and a column at a time, because libraries that write it cell by cell take minutes for a
province. Not here: what stands in it.
"""

from __future__ import annotations

import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sample_data.forms import PART, Cells, Scene, columns_of
from sample_data.forms.lines import whole

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


DATE = (2026, 10, 31, 9, 0, 0)
"""The date of what is in an archive, whenever it was made: the same seed gives the same bytes."""
NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"


def letters(position: int) -> str:
    """The letters of a sheet's column, from 0."""
    return (letters(position // 26 - 1) if position >= 26 else "") + chr(65 + position % 26)


class Layout:
    """The rows above the records and what is merged in them: texts by row, areas as (row, column, row, column), all from 0."""

    def __init__(self, scene: Scene, **words: str) -> None:
        form, headers = scene.declaration.form, scene.headers()
        self.width = len(headers)
        self.rows: list[list[str | None]] = []
        self.merged: list[tuple[int, int, int, int]] = []
        for line in (form.title, form.note):
            if line:
                self._over(0, self.width, len(self.rows))
                self.rows.append([scene.text(line, **words)])
        self.rows += [[scene.text(c, **words) if c else None for c in row] for row in form.above]
        if form.groups:
            grouped: list[str | None] = []
            for group, span in form.groups:
                if group:
                    self._over(len(grouped), span, len(self.rows))
                grouped += [group, *[None] * (span - 1)]
            self.rows.append(grouped)
        self._levels([h.split("/") for h in headers])
        self.rows += [[scene.text(c, **words) if c else None for c in row] for row in form.below]

    def _over(self, first: int, span: int, row: int) -> None:
        if span > 1:
            self.merged.append((row, first, row, first + span - 1))

    def _levels(self, paths: Sequence[Sequence[str]]) -> None:
        """Headers: one row, or where names are paths one row a level, upper names over all that is below them."""
        depth, top = max(map(len, paths)), len(self.rows)
        for level in range(depth):
            row: list[str | None] = []
            for at, path in enumerate(paths):
                begins = at == 0 or list(paths[at - 1][: level + 1]) != list(path[: level + 1])
                leaf = level == len(path) - 1
                row.append(path[level] if level < len(path) and (leaf or begins) else None)
                if leaf and level < depth - 1:
                    self.merged.append((top + level, at, top + depth - 1, at))
                if not leaf and level < len(path) and begins:
                    span = next(
                        (n for n, other in enumerate(paths[at:]) if list(other[: level + 1]) != list(path[: level + 1])), len(paths) - at
                    )
                    self._over(at, span, top + level)
            self.rows.append(row)


class Runs:
    """Cells that are written once for all rows of a run (equal values in all those columns): which are shown, and which areas merge."""

    def __init__(self, columns: Sequence[int]) -> None:
        self.columns = columns
        self.areas: list[tuple[int, int]] = []
        self._last: list[object] | None = None
        self._begun = 0

    def shown(self, rows: pa.Table, first: int) -> np.ndarray:
        """A mask of the rows at which a run begins; `first` is the number of the first row."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        begins = np.zeros(rows.num_rows, dtype=bool)
        for column in self.columns:
            values = rows.column(column).combine_chunks()
            before = pa.concat_arrays(
                [pa.array([self._last[self.columns.index(column)] if self._last else None], values.type), values[:-1]]
            )
            begins |= ~pc.fill_null(pc.equal(values, before), False).to_numpy(zero_copy_only=False)
        for at in np.flatnonzero(begins).tolist():
            self.end(first + at)
            self._begun = first + at
        self._last = [rows.column(c)[-1].as_py() for c in self.columns]
        return begins

    def end(self, row: int) -> None:
        """A run ends before `row`."""
        if self._begun and row - self._begun > 1:
            self.areas.append((self._begun, row - 1))


class Sheets(ABC):
    """A workbook that is being written, sheet by sheet: what stands where. How it is kept is said by `Book` and by the older form."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.names = scene, list[str]()
        self.declaration = scene.declaration
        self.path = scene.path
        self.path.parent.mkdir(parents=True, exist_ok=True)
        columns = list(columns_of(self.declaration))
        self._written = [n for n in columns if n not in scene.missing]
        self._at = [columns.index(n) for n in self._written]
        changed = [f.changes(self.declaration.columns) if f.typed else {} for f in scene.faults]
        self._typed = {n: [k for k, names in enumerate(changed) if n in names] for n in self._written}
        self._next = self._count = 0
        self._open = False

    def add(self, rows: pa.Table, parts: pa.Array | None) -> np.ndarray:
        import numpy as np

        if parts is None:
            return self._rows(rows, self._name())
        names = parts.to_pylist()
        cuts = [0, *(n for n in range(1, len(names)) if names[n] != names[n - 1]), len(names)]
        numbers = [self._rows(rows.slice(a, b - a), str(names[a])) + len(self.names) * PART for a, b in pairwise(cuts)]
        return np.concatenate(numbers)

    def _name(self) -> str:
        return self.scene.text(self.declaration.form.sheet or "{period}")

    def _rows(self, rows: pa.Table, name: str) -> np.ndarray:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self._open or self.names[-1] != name:
            self._begin(name)
        numbers = np.arange(self._next, self._next + rows.num_rows)
        faults = rows.column("_fault").combine_chunks()
        begins = {id(runs): runs.shown(rows, self._next) for runs in self._runs}
        cells, masks = [], []
        for at, column in zip(self._at, self._written, strict=True):
            values = rows.column(at).combine_chunks()
            numeric = None
            if column in self.declaration.form.numbers:
                numeric = pc.fill_null(pc.match_substring_regex(values, NUMBER), False)
            if self._typed[column]:
                typed = pc.fill_null(pc.is_in(faults, pa.array(self._typed[column], faults.type)), False)
                numeric = typed if numeric is None else pc.or_(numeric, typed)
            for runs in self._runs:
                if at in runs.columns:
                    values = pc.if_else(pa.array(begins[id(runs)]), values, pa.scalar(None, pa.string()))
            cells.append(values)
            masks.append(numeric)
        self.put(numbers, cells, masks)
        self._next += rows.num_rows
        self._count += rows.num_rows
        return numbers

    def _begin(self, name: str) -> None:
        self._end()
        self.names.append(name)
        form, columns = self.declaration.form, list(columns_of(self.declaration))
        self._runs = [Runs([columns.index(n) for n in part]) for part in (form.merge, form.once) if part]
        self._layout = Layout(self.scene, sheet=name)
        self._next, self._count, self._open = 1 + len(self._layout.rows), 0, True
        self.open()
        self.lines(1, self._layout.rows)

    def _end(self) -> None:
        if not self._open:
            return
        form = self.declaration.form
        foot = [[self.scene.text(c, rows=self._count, sheet=self.names[-1]) if c else None for c in row] for row in form.foot]
        self.lines(self._next, foot)
        areas = list(self._layout.merged)
        for runs in self._runs:
            runs.end(self._next)
        if form.merge:
            places = [self._at.index(c) for c in self._runs[0].columns if c in self._at]
            areas += [(a - 1, p, b - 1, p) for a, b in self._runs[0].areas for p in places]
        self.shut(areas)
        self._open = False

    def close(self) -> list[Path]:
        if not self.names:
            self._begin(self._name())
        self._end()
        self.save()
        self.scene.keep_time(self.path)
        return [self.path]

    @abstractmethod
    def open(self) -> None:
        """A sheet begins, the last of `names`."""

    @abstractmethod
    def lines(self, first: int, rows: Sequence[Sequence[str | None]]) -> None:
        """Rows of texts from the row `first` on (from 1)."""

    @abstractmethod
    def put(self, numbers: np.ndarray, cells: Sequence[pa.Array], numeric: Sequence[pa.Array | None]) -> None:
        """Records, a column of texts each, at the rows `numbers`; `numeric` masks those that are numbers."""

    @abstractmethod
    def shut(self, areas: Sequence[tuple[int, int, int, int]]) -> None:
        """The sheet ends; `areas` are merged in it (row, column, last row, last column, from 0)."""

    @abstractmethod
    def save(self) -> None:
        """All sheets are there."""


class Book(Sheets):
    """An .xlsx file, streamed into its archive."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._archive = zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._sheet: IO[bytes]

    def open(self) -> None:
        info = zipfile.ZipInfo(f"xl/worksheets/sheet{len(self.names)}.xml", DATE)
        info.compress_type = zipfile.ZIP_DEFLATED
        info._compresslevel = 1  # type: ignore[attr-defined]  # the only way to say it of a streamed member
        self._sheet = self._archive.open(info, "w", force_zip64=True)
        self._sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())

    def lines(self, first: int, rows: Sequence[Sequence[str | None]]) -> None:
        self._sheet.write("".join(_row(first + n, values) for n, values in enumerate(rows)).encode())

    def put(self, numbers: np.ndarray, cells: Sequence[pa.Array], numeric: Sequence[pa.Array | None]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = pc.cast(pa.array(numbers), pa.string())
        made = [_cells(values, letters(n), texts, mask) for n, (values, mask) in enumerate(zip(cells, numeric, strict=True))]
        self._sheet.write(whole(pc.binary_join_element_wise('<row r="', texts, '">', *made, "</row>", "", null_handling="replace")))

    def shut(self, areas: Sequence[tuple[int, int, int, int]]) -> None:
        merged = "".join(f'<mergeCell ref="{letters(a)}{top + 1}:{letters(b)}{bottom + 1}"/>' for top, a, bottom, b in areas)
        merged = f'<mergeCells count="{len(areas)}">{merged}</mergeCells>' if areas else ""
        self._sheet.write(f"</sheetData>{merged}</worksheet>".encode())
        self._sheet.close()

    def save(self) -> None:
        for path, text in _parts(self.names).items():
            self._archive.writestr(zipfile.ZipInfo(path, DATE), text.encode("utf-8"), zipfile.ZIP_DEFLATED, 1)
        self._archive.close()


class Workbook(Cells):
    """Files of `format: xlsx`."""

    def writer(self, scene: Scene) -> Book:
        return Book(scene)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _cells(column: pa.Array, letter: str, numbers: pa.Array, numeric: pa.Array | None) -> pa.Array:
    import pyarrow.compute as pc

    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        if pc.any(pc.match_substring(column, plain)).as_py():
            column = pc.replace_substring(column, plain, entity)
    text = pc.binary_join_element_wise(
        f'<c r="{letter}', numbers, '" t="inlineStr"><is><t xml:space="preserve">', column, "</t></is></c>", ""
    )
    if numeric is None:
        return text
    return pc.if_else(numeric, pc.binary_join_element_wise(f'<c r="{letter}', numbers, '"><v>', column, "</v></c>", ""), text)


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


def _parts(names: Sequence[str]) -> dict[str, str]:
    """The other parts of a workbook with these sheets."""
    sheets = "".join(f'<sheet name="{_escape(name[:31])}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, 1))
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in range(1, len(names) + 1)
    )
    return {
        "[Content_Types].xml": (
            f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>{kinds}</Types>'
        ),
        "_rels/.rels": _related([("officeDocument", "xl/workbook.xml")]),
        "xl/_rels/workbook.xml.rels": _related([("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(names) + 1)]),
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
    }


def _related(targets: Sequence[tuple[str, str]]) -> str:
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets, 1)
    )
    return f'{_XML}<Relationships xmlns="{_RELS}">{relations}</Relationships>'
