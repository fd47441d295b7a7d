"""The reader of delimited text: CSV, pipe text.

Belongs here: the header, and streaming a file through `records` into an extract.
Not here: encodings and blocks (`text`), how one record is told from the next (`records`), what the header means (`assets.headers`).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.contracts import Contract
from assets.headers import fold, names
from assets.readers import Extract, RefusedError
from assets.readers.files import Watched, shown, working_folder
from assets.readers.records import RecordWriter
from assets.readers.text import account, begin, decoded, encoding_of, likely, not_too_many, relation, wrong

TITLES = 10  # lines within which a header below a title is looked for


def read_file(path: Path, contract: Contract, opts: dict[str, Any], scratch: Path, period: str | None = None) -> Extract:  # noqa: ARG001 - `ReadFile`
    """Read one file of `format: csv`. Raises `RefusedError` or `LaterError`."""
    return read_delimited(path, opts, scratch, frozenset(names(contract)))


@dataclass(frozen=True)
class _Form:
    """How records are written: what the contract says of it."""

    encoding: str
    delimiter: str
    quotes: bool
    look_ahead: int
    above: int

    def split(self, line: str) -> list[str]:
        """The fields of one line."""
        if not self.quotes:
            return line.split(self.delimiter)
        return next(csv.reader([line], delimiter=self.delimiter, strict=False), [])


def read_delimited(path: Path, opts: dict[str, Any], scratch: Path, known: frozenset[str] = frozenset()) -> Extract:
    """Read one file. Working files go to a new folder in `scratch`. Raises `RefusedError` or `LaterError`.

    By the `known` folded names of columns a title or a row of descriptions above the header is recognised.
    """
    name = shown(path)
    delimiter = str(opts["delimiter"])
    encoding = encoding_of(opts, name)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise RefusedError(f"delimiter {delimiter!r} in the contract", where=name, expected="one ASCII character")
    form = _Form(encoding, delimiter, bool(opts.get("quotes", True)), int(opts["lookAhead"]), int(opts.get("titleLines", 0)))
    with Watched(path) as watched, working_folder(name, scratch) as folder:
        extract = Extract((), "", "", 0, 0, 0, 0, [], scratch=folder)
        _read(watched, name, form, extract, known)
    return extract


def _read(watched: Watched, name: str, form: _Form, extract: Extract, known: frozenset[str]) -> None:
    assert extract.scratch is not None
    blocks, end, block, last, above = begin(watched, form.encoding, name, form.above)
    header, used, lines = _header(block[above:], form, end, name)
    used, lines = used + above, lines + block[:above].count(end)
    _no_title(header, block[used:], form, end, f"{name}, line {lines}", known, lines)
    writer = RecordWriter(extract.scratch, len(header), form.delimiter.encode(), end, lines + 1, form.look_ahead, quotes=form.quotes)
    counted = block[:used].count(end) if block[:used].endswith(end) else lines
    try:
        block = block[used:]
        while True:
            writer.feed(decoded(block, form.encoding, end, writer, counted + 1), last=last)
            counted += block.count(end) + (last and not block.endswith(end) and bool(block))
            not_too_many(writer, name)
            if last:
                break
            block, last = next(blocks)
    finally:
        writer.close()
    account(watched, writer, extract, name, counted, lines)
    extract.header = header
    extract.relation = relation(writer, len(header), form.delimiter)


def _header(block: bytes, form: _Form, end: bytes, name: str) -> tuple[tuple[str, ...], int, int]:
    """The first line that is not blank, as names; the bytes and the physical lines that it and what precedes it take."""
    encoding = form.encoding
    used = lines = 0
    while True:
        stop = block.find(end, used)
        line = block[used:] if stop < 0 else block[used:stop]
        used = len(block) if stop < 0 else stop + 1
        lines += 1
        if line.strip():
            break
        if used >= len(block):
            raise RefusedError("blank lines only", where=name, expected="a header and records", remedy="Export it again.")
    try:
        text = line.decode(encoding).rstrip("\r")
    except UnicodeError:
        wrong(likely(line, encoding), encoding, f"in the header, line {lines}", name)
    while form.quotes and text.count('"') % 2 and used < len(block) and lines < form.look_ahead:
        stop = block.find(end, used)
        text += "\n" + block[used : stop if stop >= 0 else len(block)].decode(encoding).rstrip("\r")
        used = len(block) if stop < 0 else stop + 1
        lines += 1
    if form.quotes and text.count('"') % 2:
        raise RefusedError(
            "a quote that never closes in the header", where=f"{name}, line {lines}", expected="quotes in pairs", remedy="Remove it."
        )
    return tuple(form.split(text)), used, lines


def _no_title(header: tuple[str, ...], rest: bytes, form: _Form, end: bytes, where: str, known: frozenset[str], line: int) -> None:
    """Refuse a title or a row of descriptions that stands where the header is looked for, if a line below names the columns."""
    if not known or any(fold(label) in known for label in header):
        return
    for below, text in enumerate(rest.split(end, TITLES)[:TITLES], line + 1):
        found = form.split(text.decode(form.encoding, "replace").rstrip("\r"))
        if sum(fold(label) in known for label in found) * 2 >= max(len(found), 2):
            raise RefusedError(
                f"a title or a row of descriptions ({', '.join(header)[:60]!r}), and the names of the columns in line {below}",
                where=where,
                expected="the header first",
                remedy=f"Remove what stands above it, or let the contract say `titleLines: {below - 1}`.",
            )
