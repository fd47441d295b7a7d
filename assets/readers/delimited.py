"""The reader of delimited text (CSV).

Belongs here: the encoding's judgement, the header, and streaming a file through `records` into an extract.
Not here: how one record is told from the next (`records`), what the header means (`assets.headers`).
"""

from __future__ import annotations

import codecs
import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.contracts import Contract
from assets.lake import literal
from assets.readers import Extract, Handover, LaterError, RefusedError
from assets.readers.files import Watched, pending_files, shown
from assets.readers.options import options
from assets.readers.records import RecordWriter, decode_lines
from expectations.documents import near

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

BLOCK = 512 << 10  # bytes read at once: what one takes in stays in the processor's cache (8 MB took twice as long)
LONGEST = 64 << 20  # bytes; a longer line is no line of a table
ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf8": "utf-8",
    "ascii": "utf-8",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}
_MAGIC = {
    b"PK\x03\x04": "a ZIP archive or an .xlsx workbook",
    b"\xd0\xcf\x11\xe0": "an .xls workbook",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_NAMES = {"utf-8": "UTF-8", "gb18030": "GB18030 (GBK)", "utf-16": "UTF-16", "big5": "Big5"}


class DelimitedReader:
    """Files of `type: local`, `format: csv`."""

    ahead = True

    def pending(self, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> list[Handover]:  # noqa: ARG002 - the protocol's
        return pending_files(contract, project, options(contract, "csv"))

    def read(self, handover: Handover, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> Extract:  # noqa: ARG002 - the protocol's
        assert handover.path is not None
        return read_delimited(handover.path, options(contract, "csv"), project.scratch / "collect")


def read_delimited(path: Path, opts: dict[str, Any], scratch: Path) -> Extract:
    """Read one file. Working files go to a new folder in `scratch`. Raises `RefusedError` or `LaterError`."""
    name = shown(path)
    encoding = ENCODINGS.get(str(opts["encoding"]).lower())
    if encoding is None:
        raise RefusedError(f"encoding {opts['encoding']!r} in the contract", where=name, remedy=near(str(opts["encoding"]), ENCODINGS))
    delimiter = str(opts["delimiter"])
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise RefusedError(f"delimiter {delimiter!r} in the contract", where=name, expected="one ASCII character")
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    watched = Watched(path)
    extract = Extract((), "", "", 0, 0, 0, 0, [], scratch=folder)
    try:
        _read(watched, name, encoding, delimiter, int(opts["lookAhead"]), extract)
    except OSError as error:
        extract.discard()
        raise LaterError(f"{name}: working files could not be written ({error.strerror}). Make room in {scratch}.") from None
    except BaseException:
        extract.discard()
        raise
    finally:
        watched.close()
    return extract


def _read(watched: Watched, name: str, encoding: str, delimiter: str, look_ahead: int, extract: Extract) -> None:
    assert extract.scratch is not None
    first = watched.read(BLOCK)
    if not first:
        raise RefusedError("an empty file", where=name, expected="a header and records", remedy="Export it again.")
    bom = first.startswith(codecs.BOM_UTF8)
    _judge(first, encoding, bom, name)
    first = first.removeprefix(codecs.BOM_UTF8)
    end = b"\r" if b"\r" in first and b"\n" not in first else b"\n"
    blocks = _blocks(watched, first, end, name)
    block, last = next(blocks)
    header, used, lines = _header(block, encoding, delimiter, end, look_ahead, name)
    writer = RecordWriter(extract.scratch, len(header), delimiter.encode(), end, lines + 1, look_ahead)
    counted = block[:used].count(end) if block[:used].endswith(end) else lines
    try:
        block = block[used:]
        while True:
            writer.feed(_decoded(block, encoding, end, writer, counted + 1), last=last)
            counted += block.count(end) + (last and not block.endswith(end) and bool(block))
            _not_too_many(writer, name)
            if last:
                break
            block, last = next(blocks)
    finally:
        writer.close()
    extract.digest, extract.bytes = watched.finish(), watched.bytes
    extract.header, extract.lines = header, counted
    extract.lines_other = lines + writer.blank + writer.further
    extract.records, extract.rejects = writer.records, writer.rejects
    if not writer.records:
        raise RefusedError(
            "a header and no record",
            where=name,
            expected="records below the header",
            remedy="Export it again; an empty delivery must be agreed in words.",
        )
    if not extract.rows:
        raise RefusedError(
            f"none of {writer.records} records can be read: line {writer.rejects[0].row}: {writer.rejects[0].reason}", where=name
        )
    extract.relation = _relation(writer, len(header), delimiter)


def _blocks(watched: Watched, first: bytes, end: bytes, name: str) -> Iterator[tuple[bytes, bool]]:
    """The file as blocks that end with a line, and whether that is the last."""
    held = first
    while True:
        more = watched.read(BLOCK)
        if not more:
            yield held, True
            return
        cut = held.rfind(end) + 1
        # A CRLF may be cut between its halves by the end of a block: only for LF does that not matter.
        if cut:
            yield held[:cut], False
            held = held[cut:] + more
        else:
            held += more
            if len(held) > LONGEST:
                raise RefusedError(
                    f"a line of more than {LONGEST >> 20} MB",
                    where=name,
                    expected="one record a line",
                    remedy="Export it again as delimited text.",
                )


def _judge(sample: bytes, encoding: str, bom: bool, name: str) -> None:
    """Refuse what is no text, or text of another encoding, by the first block; a few bad lines are left to the records."""
    for magic, kind in _MAGIC.items():
        if sample.startswith(magic):
            raise RefusedError(
                f"{kind}, by its first bytes",
                where=name,
                expected=f"delimited text in {_NAMES[encoding]}",
                remedy="Save it as CSV and hand it over again.",
            )
    if sample[:4096].count(0) * 5 > len(sample[:4096]):
        raise RefusedError(
            "mostly NUL bytes: UTF-16 text, or a damaged file",
            where=name,
            expected=f"text in {_NAMES[encoding]}",
            remedy="Save it again in that encoding.",
        )
    whole = sample[: max(sample.rfind(b"\n"), sample.rfind(b"\r")) + 1] or sample
    other = _likely(whole.removeprefix(codecs.BOM_UTF8), encoding)
    if encoding == "gb18030" and not whole.isascii() and (other == "utf-8" or bom) and (bom or _han(whole)):
        _wrong("utf-8", encoding, "throughout", name)
    lines = whole.removeprefix(codecs.BOM_UTF8).splitlines()
    bad = [at for at, line in enumerate(lines) if not _decodes(line, encoding)] if not _decodes(whole, encoding) else []
    if bad and (bad[0] == 0 or len(bad) * 10 > len(lines)):
        _wrong(other, encoding, f"in {len(bad)} of the first {len(lines)} lines, the first is line {bad[0] + 1}", name)


def _wrong(found: str | None, encoding: str, where: str, name: str) -> None:
    kind = f"bytes that are {_NAMES[found]}" if found else f"bytes that are not {_NAMES[encoding]}"
    remedy = f"Save the file as {_NAMES[encoding]}" + (f", or let the contract say `encoding: {found}`." if found in ENCODINGS else ".")
    raise RefusedError(f"{kind}, {where}", where=name, expected=f"text in {_NAMES[encoding]}", remedy=remedy)


def _likely(data: bytes, but: str) -> str | None:
    return next((e for e in ("utf-8", "gb18030", "big5") if e != but and _decodes(data, e)), None)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding).encode("utf-8")
    except UnicodeError:
        return False
    return True


def _han(data: bytes) -> bool:
    """Whether UTF-8 text holds Chinese characters: bytes of GB18030 that pass as such by chance do not."""
    return any("\u3000" <= c <= "\u9fff" or "\uff00" <= c <= "\uffef" for c in data.decode("utf-8", "ignore"))


def _header(block: bytes, encoding: str, delimiter: str, end: bytes, look_ahead: int, name: str) -> tuple[tuple[str, ...], int, int]:
    """The first line that is not blank, as names; the bytes and the physical lines that it and what precedes it take."""
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
        _wrong(_likely(line, encoding), encoding, f"in the header, line {lines}", name)
        raise
    while text.count('"') % 2 and used < len(block) and lines < look_ahead:
        stop = block.find(end, used)
        text += "\n" + block[used : stop if stop >= 0 else len(block)].decode(encoding).rstrip("\r")
        used = len(block) if stop < 0 else stop + 1
        lines += 1
    if text.count('"') % 2:
        raise RefusedError(
            "a quote that never closes in the header", where=f"{name}, line {lines}", expected="quotes in pairs", remedy="Remove it."
        )
    names = next(csv.reader([text], delimiter=delimiter, strict=False))
    return tuple(names), used, lines


def _decoded(block: bytes, encoding: str, end: bytes, writer: RecordWriter, first: int) -> bytes:
    if block.isascii():
        return block
    try:
        text = block.decode(encoding)
        return block if encoding == "utf-8" else text.encode("utf-8")
    except UnicodeError:
        return decode_lines(block, encoding, end, first, writer, lambda line, error: _undecodable(line, error, encoding))


def _undecodable(line: bytes, error: UnicodeError, encoding: str) -> str:
    at = getattr(error, "start", 0) if isinstance(error, UnicodeDecodeError) else 0
    other = _likely(line, encoding)
    hint = f"; they look like {_NAMES[other]}" if other else ""
    return (
        f"found bytes that are not {_NAMES[encoding]}, from byte {at + 1} of the line on{hint}; "
        f"expected {_NAMES[encoding]} throughout. Export the file again in one encoding."
    )


def _not_too_many(writer: RecordWriter, name: str) -> None:
    """A file of which half cannot be read is refused: it is kept whole, and one reason says more than a million."""
    rejects = len(writer.rejects)
    if rejects >= 100 and rejects * 2 > writer.records:
        worst = writer.rejects[0]
        raise RefusedError(f"{rejects} of the first {writer.records} records cannot be read: line {worst.row}: {worst.reason}", where=name)


def _relation(writer: RecordWriter, width: int, delimiter: str) -> str:
    columns = ", ".join(["'_row': 'BIGINT'", *(f"'c{i}': 'VARCHAR'" for i in range(width))])
    common = f"header = false, auto_detect = false, delim = {literal(delimiter)}, new_line = '\\n', nullstr = '', columns = {{{columns}}}"
    parts = []
    if writer.plain_rows:
        parts.append(f"SELECT * FROM read_csv({literal(str(writer.plain_path))}, {common}, quote = '', escape = '')")
    if writer.odd_rows:
        size = max(writer.longest + 64, 2 << 20)
        parts.append(
            f"SELECT * FROM read_csv({literal(str(writer.odd_path))}, {common}, quote = '\"', escape = '\"', allow_quoted_nulls = false, "
            f"parallel = false, max_line_size = {size}, buffer_size = {size * 2})"
        )
    return " UNION ALL ".join(parts)
