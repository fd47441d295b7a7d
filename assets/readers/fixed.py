"""The reader of fixed-width text.

Belongs here: where each column stands in a line, and cutting lines into fields. Not here: encodings and blocks (`text`).

Widths are bytes of the declared encoding: a Chinese character takes two or four of GB18030, three of UTF-8. Fields are cut
as bytes and parted by a sign that text does not hold; from there on a file is like any delimited one.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from assets.contracts import Contract
from assets.readers import Extract, RefusedError
from assets.readers.files import Watched, shown, working_folder
from assets.readers.records import RecordWriter
from assets.readers.text import NAMES, account, begin, decoded, encoding_of, likely, not_too_many, relation, wrong

SIGN = b"\x1f"  # unit separator: no part of a character in any encoding that is read
_PADDED = re.compile(rb" *\x1f *")


@dataclass(frozen=True)
class Layout:
    """The columns of a line in the order of their bytes: header, first byte (from 0) and width of each; `length` of a line."""

    headers: tuple[str, ...]
    fields: tuple[tuple[int, int], ...]

    @property
    def length(self) -> int:
        return sum(self.fields[-1])

    def format(self, end: int) -> str:
        """For `struct`: the fields, gaps passed over, and `end` bytes of the line's end."""
        parts, at = "", 0
        for first, width in self.fields:
            parts += (f"{first - at}x" if first > at else "") + f"{width}s"
            at = first + width
        return parts + (f"{end}x" if end else "")


def layout_of(contract: Contract) -> Layout:
    """Where the contract's columns stand. Raises `RefusedError` where a width is missing or columns overlap."""
    found = []
    at = 0
    for column in contract.columns:
        if column.width is None:
            raise RefusedError(
                f"column {column.name} has no `width`",
                where=str(contract.path),
                expected="the width in bytes of every column",
                remedy="Declare it under the column's customProperties.",
            )
        first = column.position - 1 if column.position else at
        found.append((first, column.width, column.header))
        at = first + column.width
    found.sort()
    for (first, width, header), (then, _, other) in pairwise(found):
        if first + width > then:
            raise RefusedError(
                f"columns {header} and {other} overlap at byte {then + 1}", where=str(contract.path), remedy="Mend `position`."
            )
    return Layout(tuple(h for _, _, h in found), tuple((f, w) for f, w, _ in found))


def read_file(path: Path, contract: Contract, opts: dict[str, Any], scratch: Path, period: str | None = None) -> Extract:  # noqa: ARG001 - `ReadFile`
    """Read one file of `format: fixed`. Raises `RefusedError` or `LaterError`."""
    name = shown(path)
    layout = layout_of(contract)
    encoding = encoding_of(opts, name)
    with Watched(path) as watched, working_folder(name, scratch) as folder:
        extract = Extract((), "", "", 0, 0, 0, 0, [], scratch=folder)
        _read(watched, name, encoding, layout, opts, extract)
    return extract


def _read(watched: Watched, name: str, encoding: str, layout: Layout, opts: dict[str, Any], extract: Extract) -> None:
    assert extract.scratch is not None
    blocks, end, block, last, used = begin(watched, encoding, name, int(opts["titleLines"]))
    extract.header = layout.headers
    if opts["headerLine"]:
        stop = block.find(end, used) + 1 or len(block)
        extract.header = _header(block[used:stop], encoding, layout, name, block[:used].count(end) + 1)
        used = stop
    lines = block[:used].count(end)
    writer = RecordWriter(extract.scratch, len(layout.fields), SIGN, end, lines + 1, 1, quotes=False)
    cutter = _Cutter(layout, end, bool(opts["cutBlanks"]), writer)
    counted = lines
    try:
        block = block[used:]
        while True:
            writer.feed(decoded(cutter.cut(block, counted + 1), encoding, end, writer, counted + 1, cutter.undecodable), last=last)
            counted += block.count(end) + (last and not block.endswith(end) and bool(block))
            not_too_many(writer, name)
            if last:
                break
            block, last = next(blocks)
    finally:
        writer.close()
    for at, reject in enumerate(writer.rejects):
        writer.rejects[at] = type(reject)(reject.row, reject.lines, reject.text.replace("\x1f", "").replace("\\x1f", ""), reject.reason)
    account(watched, writer, extract, name, counted, lines)
    extract.relation = relation(writer, len(layout.fields), SIGN.decode())


def _header(line: bytes, encoding: str, layout: Layout, name: str, number: int) -> tuple[str, ...]:
    """The names in the header line: parted by blanks, else cut where the columns stand."""
    try:
        parted = line.decode(encoding).split()
        if len(parted) == len(layout.fields):
            return tuple(parted)
        return tuple(line[first : first + width].decode(encoding).strip() for first, width in layout.fields)
    except UnicodeError:
        wrong(likely(line, encoding), encoding, f"in the header, line {number}", name)


class _Cutter:
    """Puts the sign between the fields of whole lines; a line that is not as long as the layout is made such that it is rejected."""

    def __init__(self, layout: Layout, end: bytes, cut_blanks: bool, writer: RecordWriter) -> None:
        self.layout, self.end, self.cut_blanks, self.writer = layout, end, cut_blanks, writer
        self._one = struct.Struct(layout.format(0))
        self._lines = {size: struct.Struct(layout.format(size)) for size in (1, 2)}
        self._ends = re.compile(b" *" + end + b" *")
        self._blank = SIGN * (len(layout.fields) - 1) + end

    def undecodable(self, line: bytes, error: UnicodeError, encoding: str) -> str:
        """Why a line of parted fields does not decode."""
        at = line.count(SIGN, 0, getattr(error, "start", 0))
        return (
            f"found bytes that are not {NAMES[encoding]} in column {self.layout.headers[at]}; expected whole characters. "
            "The border of a column cuts a character, or a field before it is too short or too long: widths count bytes."
        )

    def cut(self, block: bytes, first: int) -> bytes:
        """The block with fields parted and their padding taken off; `first` is the number of its first line."""
        end = self.end
        size = 2 if end == b"\n" and block.endswith(b"\r\n") else 1
        step = self.layout.length + size
        count = len(block) // step
        regular = len(block) == count * step and block.count(end) == block[step - 1 :: step].count(end) == count
        if regular and SIGN not in block and (size == 1 or block[step - 2 :: step].count(b"\r") == count):
            made = end.join(map(SIGN.join, self._lines[size].iter_unpack(block))) + end
            if b" " in made:
                made = self._ends.sub(end, _PADDED.sub(SIGN, made)).lstrip(b" ")
            if not made.startswith(self._blank) and end + self._blank not in made:
                return made
        lines = block.split(end)
        tail = [lines.pop()] if lines[-1] == b"" else []
        return end.join([*(self._line(line, at) for at, line in enumerate(lines, first)), *tail])

    def _line(self, line: bytes, number: int) -> bytes:
        text = line.removesuffix(b"\r") if self.end == b"\n" else line
        if not text.strip():
            return b""
        length = self.layout.length
        if len(text) > length and not text[length:].strip(b" "):
            text = text[:length]
        if len(text) < length and self.cut_blanks:
            text = text.ljust(length)
        if len(text) != length or SIGN in text:
            self.writer.undecodable[number] = (
                f"found {len(text)} bytes, expected {length}"
                + (" and no control characters" if SIGN in text else "")
                + ". A field is too short or too long, or the line was broken: export it again."
            )
            return text + b"\0"
        return SIGN.join([field.strip(b" ") for field in self._one.unpack(text)])
