"""Text files, whatever parts their fields: encoding, blocks of whole lines, and what was read of them.

Belongs here: the encoding's judgement, streaming a file line-wise, decoding, the account of lines and records, reading back.
Not here: fields (`delimited`, `fixed`), how one record is told from the next (`records`).
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from assets.lake import literal
from assets.readers import Extract, RefusedError
from assets.readers.files import Watched
from assets.readers.records import RecordWriter, decode_lines
from expectations.documents import near

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
NAMES = {"utf-8": "UTF-8", "gb18030": "GB18030 (GBK)", "utf-16": "UTF-16", "big5": "Big5"}


def encoding_of(opts: dict[str, Any], name: str) -> str:
    """The codec of the declared encoding. Raises `RefusedError` for one that is not read."""
    encoding = ENCODINGS.get(str(opts["encoding"]).lower())
    if encoding is None:
        raise RefusedError(f"encoding {opts['encoding']!r} in the contract", where=name, remedy=near(str(opts["encoding"]), ENCODINGS))
    return encoding


def begin(watched: Watched, encoding: str, name: str, above: int) -> tuple[Iterator[tuple[bytes, bool]], bytes, bytes, bool, int]:
    """A file's blocks, the end of its lines, the first block, whether it is the last, and the bytes of its first `above` lines.

    Raises `RefusedError` for an empty file and for what is no text in this encoding.
    """
    first = watched.read(BLOCK)
    if not first:
        raise RefusedError("an empty file", where=name, expected="a header and records", remedy="Export it again.")
    _judge(first, encoding, first.startswith(codecs.BOM_UTF8), name)
    first = first.removeprefix(codecs.BOM_UTF8)
    end = b"\r" if b"\r" in first and b"\n" not in first else b"\n"
    blocks = _blocks(watched, first, end, name)
    block, last = next(blocks)
    at = 0
    for _ in range(above):
        at = block.find(end, at) + 1 or len(block)
    return blocks, end, block, last, at


def account(watched: Watched, writer: RecordWriter, extract: Extract, name: str, lines: int, before: int) -> None:
    """Puts down what was read, `lines` in all, `before` of them above the records. Raises `RefusedError` where there is no row."""
    extract.digest, extract.bytes = watched.finish(), watched.bytes
    extract.lines, extract.lines_other = lines, before + writer.blank + writer.further
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
                expected=f"delimited text in {NAMES[encoding]}",
                remedy="Save it as CSV and hand it over again.",
            )
    if sample[:4096].count(0) * 5 > len(sample[:4096]):
        raise RefusedError(
            "mostly NUL bytes: UTF-16 text, or a damaged file",
            where=name,
            expected=f"text in {NAMES[encoding]}",
            remedy="Save it again in that encoding.",
        )
    whole = sample[: max(sample.rfind(b"\n"), sample.rfind(b"\r")) + 1] or sample
    other = likely(whole.removeprefix(codecs.BOM_UTF8), encoding)
    if encoding == "gb18030" and not whole.isascii() and (other == "utf-8" or bom) and (bom or _han(whole)):
        wrong("utf-8", encoding, "throughout", name)
    lines = whole.removeprefix(codecs.BOM_UTF8).splitlines()
    bad = [at for at, line in enumerate(lines) if not _decodes(line, encoding)] if not _decodes(whole, encoding) else []
    if bad and (bad[0] == 0 or len(bad) * 10 > len(lines)):
        wrong(other, encoding, f"in {len(bad)} of the first {len(lines)} lines, the first is line {bad[0] + 1}", name)


def wrong(found: str | None, encoding: str, where: str, name: str) -> NoReturn:
    """Raises the refusal of text in another encoding."""
    kind = f"bytes that are {NAMES[found]}" if found else f"bytes that are not {NAMES[encoding]}"
    remedy = f"Save the file as {NAMES[encoding]}" + (f", or let the contract say `encoding: {found}`." if found in ENCODINGS else ".")
    raise RefusedError(f"{kind}, {where}", where=name, expected=f"text in {NAMES[encoding]}", remedy=remedy)


def likely(data: bytes, but: str) -> str | None:
    """The encoding that the bytes seem to be in, besides `but`."""
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


def decoded(
    block: bytes, encoding: str, end: bytes, writer: RecordWriter, first: int, say: Callable[[bytes, UnicodeError, str], str] | None = None
) -> bytes:
    """Whole lines as UTF-8; lines that do not decode are made such that the writer rejects them, with the reason that `say` gives."""
    if block.isascii():
        return block
    try:
        text = block.decode(encoding)
        return block if encoding == "utf-8" else text.encode("utf-8")
    except UnicodeError:
        return decode_lines(block, encoding, end, first, writer, lambda line, error: (say or _undecodable)(line, error, encoding))


def _undecodable(line: bytes, error: UnicodeError, encoding: str) -> str:
    at = getattr(error, "start", 0) if isinstance(error, UnicodeDecodeError) else 0
    other = likely(line, encoding)
    hint = f"; they look like {NAMES[other]}" if other else ""
    return (
        f"found bytes that are not {NAMES[encoding]}, from byte {at + 1} of the line on{hint}; "
        f"expected {NAMES[encoding]} throughout. Export the file again in one encoding."
    )


def not_too_many(writer: RecordWriter, name: str) -> None:
    """A file of which half cannot be read is refused: it is kept whole, and one reason says more than a million."""
    rejects = len(writer.rejects)
    if rejects >= 100 and rejects * 2 > writer.records:
        worst = writer.rejects[0]
        raise RefusedError(f"{rejects} of the first {writer.records} records cannot be read: line {worst.row}: {worst.reason}", where=name)


def relation(writer: RecordWriter, width: int, delimiter: str) -> str:
    """SQL over what the writer wrote: `_row` and `c0`, `c1`, ..."""
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
