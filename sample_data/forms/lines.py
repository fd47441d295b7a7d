"""Forms in which a row is a text behind the other: delimited and fixed-width files, XML.

Belongs here: a row as one text (made by SQL), and writing such texts with the line or position of each. Not here: workbooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sample_data.forms import Scene, cell, columns_of
from sample_data.views import text

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from sample_data.declaration import Declaration


def whole(records: pa.Array) -> memoryview:
    """All texts of an array behind each other, as UTF-8."""
    import numpy as np
    import pyarrow as pa

    if isinstance(records, pa.ChunkedArray):
        records = records.combine_chunks() if records.num_chunks != 1 else records.chunk(0)
    records = records.cast(pa.string()) if records.type != pa.string() else records
    _, offsets, data = records.buffers()
    if data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, dtype=np.int32)[records.offset : records.offset + len(records) + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])]


class Lines:
    """A file of texts: `head` before them, `end` behind each, `foot` at last. `_row` counts physical lines, or rows from 1."""

    def __init__(self, scene: Scene, path: Path, encoding: str, end: str, head: str = "", foot: str = "", *, by_line: bool = True) -> None:
        self._scene, self._path, self._encoding, self._end, self._foot = scene, path, encoding, end, foot
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("wb")
        self._file.write(head.encode(encoding))
        self._by_line = by_line
        self._next = 1 + head.count("\n") if by_line else 1
        self._cut = False

    def add(self, rows: pa.Table, parts: pa.Array | None) -> np.ndarray:  # noqa: ARG002 - the protocol's
        import numpy as np
        import pyarrow.compute as pc

        lines = rows.column("line").combine_chunks()
        ended = pc.binary_join_element_wise(lines, self._end, "")
        data = whole(ended)
        self._file.write(data if self._encoding == "utf-8" else str(data, "utf-8").encode(self._encoding))
        taken = rows.column("taken").to_numpy().astype(np.int64) if self._by_line else np.ones(len(lines), dtype=np.int64)
        numbers = self._next + np.concatenate([[0], np.cumsum(taken)[:-1]])
        self._next = int(numbers[-1] + taken[-1])
        self._cut = bool(rows.column("broken")[-1].as_py())
        return numbers

    def close(self) -> list[Path]:
        if self._cut:  # the file breaks off in its last record
            self._file.seek(-len(self._end.encode(self._encoding)), 2)
            self._file.truncate()
        else:
            self._file.write(self._foot.encode(self._encoding))
        self._file.close()
        self._scene.keep_time(self._path)
        return [self._path]


def _encoding(declaration: Declaration) -> str:
    name = str(declaration.contract.server.properties.get("encoding", "utf-8")).lower()
    return "utf-8" if name in ("utf-8", "utf8", "utf-8-sig") else name


def _end(scene: Scene) -> str:
    form = scene.declaration.form
    return "\r\n" if form.eol == "crlf" or scene.unit in form.crlf else "\n"


def _titles(scene: Scene) -> str:
    """Lines above the header."""
    form = scene.declaration.form
    own = [t for t in (form.title, form.note) if t] + ["".join(c or "" for c in row) for row in form.above]
    return "".join(scene.text(t) + _end(scene) for t in own)


def _by_units(declaration: Declaration, line: Any) -> str:
    """The line without the columns that a unit's hand-over lacks: `line` makes SQL from the names that are written."""
    names = list(columns_of(declaration))
    cases = [
        f"WHEN {f'_unit = {text(d.unit)}' if d.unit else 'true'} AND {f'_period = {text(d.period)}' if d.period else 'true'} "
        f"THEN {line([n for n in names if n != d.column])}"
        for d in declaration.drift
        if d.missing
    ]
    return f"CASE {' '.join(cases)} ELSE {line(names)} END" if cases else str(line(names))


class Delimited:
    """Text with a header line and a delimiter. Fields that hold it, quotes or line ends are quoted, where quotes mean anything."""

    def cells(self, declaration: Declaration) -> list[tuple[str, str]]:
        server = declaration.contract.server.properties
        mark, quotes = text(server.get("delimiter", ",")), server.get("quotes", True) is not False

        def line(names: Sequence[str]) -> str:
            cells = [cell(declaration, n) for n in names]
            plain = _joined(cells, mark)
            if not quotes:
                return plain
            marks = f"length({plain}) - length(replace({plain}, {mark}, ''))"
            odd = f"{marks} <> {len(cells) - 1} OR contains({plain}, '\"') OR contains({plain}, chr(10))"
            safe = [
                f"CASE WHEN contains({c}, {mark}) OR contains({c}, '\"') OR contains({c}, chr(10)) OR contains({c}, chr(13)) "
                f"THEN '\"' || replace({c}, '\"', '\"\"') || '\"' ELSE {c} END"
                for c in cells
            ]
            return f"CASE WHEN {odd} THEN {_joined(safe, mark)} ELSE {plain} END"

        return [("line", _by_units(declaration, line))]

    def writer(self, scene: Scene) -> Lines:
        mark, end = str(scene.declaration.contract.server.properties.get("delimiter", ",")), _end(scene)
        head = ("\ufeff" if scene.declaration.form.bom else "") + _titles(scene) + mark.join(scene.headers()) + end
        foot = "".join(mark.join(scene.text(c or "") for c in row) + end for row in scene.declaration.form.foot)
        return Lines(scene, scene.path, _encoding(scene.declaration), end, head, foot)


def _joined(cells: Sequence[str], mark: str) -> str:
    return f"concat({f', {mark}, '.join(cells)})"


class Xml:
    """One element a record below the path that the contract names; children, attributes (`@id`) and paths (`holder/name`) are fields."""

    def cells(self, declaration: Declaration) -> list[tuple[str, str]]:
        record = _path(declaration)[-1]

        def line(names: Sequence[str]) -> str:
            heads, attributes, parts = columns_of(declaration), list[str](), list[str]()
            open_: list[str] = []
            for name in names:
                value = f"replace(replace(replace({cell(declaration, name)}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
                *above, own = heads[name].split("/")
                if own.startswith("@"):
                    attributes.append(f"coalesce(' {own[1:]}=\"' || replace({value}, '\"', '&quot;') || '\"', '')")
                    continue
                tags = "".join(f"</{t}>" for t in reversed(open_)) + "".join(f"<{t}>" for t in above) if above != open_ else ""
                open_ = above
                parts += [text(tags)] * bool(tags) + [f"coalesce('<{own}>' || {value} || '</{own}>', '')"]
            parts += [text("".join(f"</{t}>" for t in reversed(open_)))]
            return f"concat({', '.join([text(f'<{record}'), *attributes, text('>'), *parts, text(f'</{record}>')])})"

        return [("line", _by_units(declaration, line))]

    def writer(self, scene: Scene) -> XmlLines:
        return XmlLines(scene)


def _path(declaration: Declaration) -> list[str]:
    return str(declaration.contract.server.properties.get("recordsAt", "data/row")).strip("/").split("/")


class XmlLines(Lines):
    """Lines between the elements above the record; the announced total, which stands before them, is put in at last."""

    ROOM = 12

    def __init__(self, scene: Scene) -> None:
        above = _path(scene.declaration)[:-1]
        encoding = _encoding(scene.declaration)
        total = str(scene.declaration.contract.server.properties.get("totalAt", "")).strip("/").split("/")
        room = " " * self.ROOM
        opened = []
        for depth, tag in enumerate(above, 1):
            here = total[:-1] == above[:depth] or (depth == 1 and len(total) == 1 and total[0])
            inside = f"<{total[-1]}>{room}</{total[-1]}>" if here and total[-1] and not total[-1].startswith("@") else ""
            mark = f' {total[-1][1:]}="{room}"' if here and total[-1].startswith("@") else ""
            opened.append(f"<{tag}{mark}>{inside}")
        head = f'<?xml version="1.0" encoding="{encoding.upper()}"?>\n' + "".join(opened) + "\n"
        self._place = len(head[: head.index(room)].encode(encoding)) if room in head else None
        super().__init__(scene, scene.path, encoding, "\n", head, "".join(f"</{t}>" for t in reversed(above)) + "\n", by_line=False)

    def close(self) -> list[Path]:
        made = super().close()
        if self._place is not None:
            with made[0].open("r+b") as file:
                file.seek(self._place)
                file.write(f"{self._next - 1 + self._scene.announced}".ljust(self.ROOM).encode())
        self._scene.keep_time(made[0])
        return made


class Fixed:
    """Fixed-width text: every field padded with blanks to the bytes that its column declares. No header line unless asked for."""

    def cells(self, declaration: Declaration) -> list[tuple[str, str]]:
        wide = _encoding(declaration).startswith("gb")

        def line(names: Sequence[str]) -> str:
            cells, at = [], 1
            for name in names:
                custom = _custom(declaration, name)
                begin, width = int(custom.get("position", at)), int(custom["width"])
                if begin > at:
                    cells.append(f"repeat(' ', {begin - at})")
                at = begin + width
                value = f"coalesce({cell(declaration, name)}, '')"
                cells.append(f"{value} || repeat(' ', greatest(0, {width} - {_bytes(value, wide)})::BIGINT)")
            return " || ".join(f"({c})" for c in cells)

        return [("line", _by_units(declaration, line))]

    def writer(self, scene: Scene) -> Lines:
        declaration = scene.declaration
        head = _titles(scene)
        if declaration.contract.server.properties.get("headerLine"):
            head += " ".join(scene.headers()) + _end(scene)
        return Lines(scene, scene.path, _encoding(declaration), _end(scene), head)


def _custom(declaration: Declaration, name: str) -> dict[str, Any]:
    nodes = declaration.contract.document.data["schema"][0]["properties"]
    node = next(n for n in nodes if n["name"] == name)
    custom = {p["property"]: p["value"] for p in node.get("customProperties") or []}
    if "width" not in custom:
        raise declaration.error((), f"the contract gives {name!r} no `width`.", "Add {property: width, value: bytes} to the column.")
    return custom


@cache
def _two() -> str:
    """The characters that take two bytes in GB18030, as a class of a regular expression; all others beyond ASCII take four."""
    ranges: list[list[int]] = []
    for code in (*range(0x80, 0xD800), *range(0xE000, 0x10000)):
        if len(chr(code).encode("gb18030")) == 2:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "[" + "".join(rf"\x{{{a:X}}}-\x{{{b:X}}}" for a, b in ranges) + "]"


def _bytes(value: str, wide: bool) -> str:
    """SQL: how many bytes a text takes, in GB18030 or in UTF-8."""
    if not wide:
        return f"strlen({value})"
    beyond = f"regexp_replace({value}, '[\\x00-\\x7F]', '', 'g')"
    odd = f"regexp_replace({beyond}, {text(_two())}, '', 'g')"
    return f"(length({value}) + length({beyond}) + 2 * length({odd}))"
