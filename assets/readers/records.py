"""From the bytes of a delimited file to scratch files in which every record begins with its physical line number.

Belongs here: decoding, physical lines, quotes, field counts, what is rejected and why. Not here: contracts, headers' meaning.

The common block (no quotes, NULs or lone carriage returns, every line with the right number of separators) is handled by
bulk operations; only what deviates is looked at line by line. Records without quotes go to `plain.csv`, which is read with
no quote character and in parallel; the others to `odd.csv`, read by one thread: a quote can so never reach past its record.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

from assets.readers import Reject

LONG = 1 << 20  # bytes; longer records go to odd.csv, whose reader is told the greatest length
FAR = 32 << 20  # bytes; no quoted field is looked for further than this
MERGED = 8  # columns from which on a record over several lines that holds just the separators of as many records is a stray quote


class RecordWriter:
    """Takes decoded blocks of a file's body (UTF-8), whole physical lines each, and writes its records.

    `width` is the number of fields of the header, `end` the physical line's end (b"\\n" or b"\\r"), `line` the number of the
    first line; without `quotes` a quote is a character like any other. Counts: `records` (rows and rejects), `blank` lines,
    `further` lines of records that take several.
    """

    def __init__(self, folder: Path, width: int, delimiter: bytes, end: bytes, line: int, look_ahead: int, *, quotes: bool = True) -> None:
        self.width, self.delimiter, self.end, self.line, self.look_ahead = width, delimiter, end, line, look_ahead
        self.quotes = quotes
        self._other = b"\r" if end == b"\n" else b"\n"
        self.records = self.blank = self.further = self.longest = self.plain_rows = self.odd_rows = 0
        self.rejects: list[Reject] = []
        self.undecodable: dict[int, str] = {}
        self.plain_path, self.odd_path = folder / "plain.csv", folder / "odd.csv"
        self._plain, self._odd = self.plain_path.open("wb", buffering=0), self.odd_path.open("wb")
        self._carry = b""
        field = rb'(?:"[^"\0]*(?:""[^"\0]*)*"|[^"\r\n\0' + re.escape(delimiter) + rb"]*)"
        separated = re.escape(delimiter) + field
        self._exact = re.compile(field + b"(?:" + separated + b"){%d}" % (width - 1))
        self._any = re.compile(field + b"(?:" + separated + b")*")
        self._number = (b"%d" + delimiter.replace(b"%", b"%%") + b"%b").__mod__

    def close(self) -> None:
        self._plain.close()
        self._odd.close()

    def feed(self, block: bytes, *, last: bool = False) -> None:
        """Take the next physical lines; `last` where the file ends with them."""
        if self.quotes and (self._carry or b'"' in block):
            self._quoted(self._carry + block, last)
        else:
            self._unquoted(block)

    def _unquoted(self, block: bytes) -> None:
        """Physical lines without a quote, in bulk."""
        if self.end == b"\n" and b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        odd = b"\0" in block or self._other in block or len(block) > LONG
        lines = block.split(self.end)
        if lines[-1] == b"":
            lines.pop()
        wanted = self.width - 1
        counts = list(map(bytes.count, lines, repeat(self.delimiter)))
        if not odd and wanted and counts.count(wanted) == len(lines):
            self._write(lines, range(self.line, self.line + len(lines)))
        else:
            kept: list[bytes] = []
            numbers: list[int] = []
            for number, (text, count) in enumerate(zip(lines, counts, strict=True), self.line):
                if count == wanted and not (odd and (b"\0" in text or self._other in text)) and (wanted or text.strip()):
                    if odd and len(text) > LONG:
                        self._write_odd(number, text)
                    else:
                        kept.append(text)
                        numbers.append(number)
                elif not text.strip():
                    self.blank += 1
                else:
                    self._reject(number, text)
            self._write(kept, numbers)
        self.line += len(lines)

    def _quoted(self, block: bytes, last: bool) -> None:
        """Lines without a quote in bulk; a record with one within its line where it can be, else in the lines that may be looked ahead."""
        end, position, size = self.end, 0, len(block)
        while position < size:
            quote = block.find(b'"', position)
            start = size if quote < 0 else block.rfind(end, position, quote) + 1 or position
            if start > position:
                self._unquoted(block[position:start])
                position = start
                continue
            stop = block.find(end, position)
            stop = size if stop < 0 else stop
            text = block[position:stop]
            if end == b"\n" and text.endswith(b"\r"):
                text = text[:-1]
            if self._exact.fullmatch(text):
                self._write_odd(self.line, text)
            else:
                lines = 0
                if text.count(b'"') % 2:
                    limit, whole = self._limit(block, position)
                    lines, finish = self._multiline(block, position, limit)
                    if not lines and not whole and not last:
                        break
                if lines:
                    self._write_odd(self.line, block[position:finish])
                    self.further += lines - 1
                    self.line += lines - 1
                    stop = block.find(end, finish)
                    stop = size if stop < 0 else stop
                else:
                    self._reject(self.line, text)
            self.line += 1
            position = stop + 1
        self._carry = block[position:]

    def _limit(self, block: bytes, position: int) -> tuple[int, bool]:
        """Where looking ahead from `position` ends, and whether all that may be seen is there."""
        at = position
        for _ in range(self.look_ahead):
            at = block.find(self.end, at) + 1
            if not at:
                return len(block), len(block) - position > FAR
            if at - position > FAR:
                break
        return at - 1, True

    def _multiline(self, block: bytes, position: int, limit: int) -> tuple[int, int]:
        """The physical lines and the end of the record at `position`, or (0, 0) where it fits no record."""
        match = self._exact.match(block, position, limit)
        if match is None or not (match.end() == limit or block.startswith((self.end, b"\r\n"), match.end())):
            return 0, 0
        text = match.group()
        lines = text.count(self.end) + 1
        if lines == 1 or (self.width >= MERGED and text.count(self.delimiter) == lines * (self.width - 1)):
            return 0, 0
        return lines, match.end()

    def _write(self, lines: list[bytes], numbers: range | list[int]) -> None:
        if lines:
            self._plain.write(b"\n".join(map(self._number, zip(numbers, lines, strict=True))) + b"\n")
            self.records += len(lines)
            self.plain_rows += len(lines)

    def _write_odd(self, number: int, text: bytes) -> None:
        self._odd.write(self._number((number, text)) + b"\n")
        self.longest = max(self.longest, len(text))
        self.records += 1
        self.odd_rows += 1

    def _reject(self, number: int, text: bytes) -> None:
        reason = self.undecodable.pop(number, None)
        if reason is None:
            reason = self._reason(text)
        else:
            text = text[:-1]
        shown = text.decode("utf-8", "backslashreplace").replace("\0", "\u2400")
        self.rejects.append(Reject(number, 1, shown, reason))
        self.records += 1

    def _reason(self, text: bytes) -> str:
        if b"\0" in text:
            return (
                f"found {text.count(0)} NUL bytes (shown as \u2400), the first at byte {text.find(0) + 1}; expected text. "
                "Export the file again: it was damaged on its way."
            )
        if self._other in text:
            kind = "carriage return" if self._other == b"\r" else "line feed"
            return (
                f"found a {kind} within the line, at byte {text.find(self._other) + 1}; expected one kind of line end. "
                "Export the file again with LF or CRLF throughout."
            )
        if not self.quotes or self._any.fullmatch(text):
            found = (re.sub(rb'"[^"]*"', b"", text) if self.quotes else text).count(self.delimiter) + 1
            what = "missing" if found < self.width else "surplus"
            return (
                f"found {found} fields, expected {self.width}. Look for a {what} separator or a line break in the middle of the record; "
                "put text that holds the separator in quotes."
            )
        if text.count(b'"') % 2:
            return (
                f"found a quote that does not close within the fields of its record (looked {self.look_ahead} lines ahead), "
                f"at byte {text.find(34) + 1}; "
                'expected quotes in pairs. Remove it, or write it as "" within a quoted field.'
            )
        return (
            f"found a quote in the middle of a field, at byte {text.find(34) + 1}; expected quotes around a whole field. "
            'Remove it, or quote the field and write "" within.'
        )


def decode_lines(
    block: bytes, encoding: str, end: bytes, first: int, writer: RecordWriter, say: Callable[[bytes, UnicodeError], str]
) -> bytes:
    """A block of which some line does not decode, as UTF-8: such lines become a NUL and their escaped text.

    The NUL makes the writer reject the line; `undecodable` holds the reason under the line's number.
    """
    lines = block.split(end)
    for at, line in enumerate(lines):
        try:
            lines[at] = line.decode(encoding).encode("utf-8")
        except UnicodeError as error:
            lines[at] = line.decode(encoding, "backslashreplace").encode("utf-8", "backslashreplace") + b"\0"
            writer.undecodable[first + at] = say(line, error)
    return end.join(lines)
