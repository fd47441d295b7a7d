"""The reader of XML: one element a record, streamed.

Belongs here: finding the records, their fields by path, and refusing what XML can do beyond holding data.
Not here: what the fields mean (`assets.headers`).

By expat alone: it never leaves the file, and a document type (with which entities come, external ones and those that
swell) is refused before anything of it is used. Memory holds one record.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.parsers import expat

from assets.contracts import Contract
from assets.readers import Extract, RefusedError
from assets.readers.files import Watched, shown, working_folder
from assets.readers.table import TextTable
from expectations.documents import near

BLOCK = 256 << 10
LOOK = 1 << 20  # bytes from which the elements of a document are told
DEEPEST = 32  # elements, one within another
LONGEST = 16 << 20  # characters of one record
_PROLOG = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_GB = ("gb18030", "gbk", "gb2312", "cp936")


def read_file(path: Path, contract: Contract, opts: dict[str, Any], scratch: Path, period: str | None = None) -> Extract:  # noqa: ARG001 - `ReadFile`
    """Read one file of `format: xml`. Raises `RefusedError` or `LaterError`."""
    if not opts["recordsAt"]:
        raise RefusedError("no `recordsAt`", where=str(contract.path), expected="the path of a record's element, such as data/rows/row")
    return read_at(path, opts, scratch)


def read_at(path: Path, opts: dict[str, Any], scratch: Path) -> Extract:
    """Read one file by `recordsAt` and `totalAt` alone. Raises as `read_file`."""
    name = shown(path)
    with Watched(path) as watched, working_folder(name, scratch) as folder:
        extract = Extract((), "", "", 0, 0, 0, 0, [], scratch=folder)
        _read(watched, name, opts, extract, folder)
    return extract


def elements(path: Path) -> Counter[str]:
    """How often each element stands in the file's beginning, by its path. Raises `RefusedError`."""
    name, within, found = shown(path), list[str](), Counter[str]()

    def start(tag: str, attributes: dict[str, str]) -> None:  # noqa: ARG001 - the parser's
        _enter(within, tag, name)
        found["/".join(within)] += 1

    with path.open("rb") as file:
        first = file.read(LOOK)
    parser, decode = _parser(first, name)
    parser.StartElementHandler, parser.EndElementHandler = start, lambda tag: within.pop()  # noqa: ARG005
    try:
        parser.Parse(decode(first, len(first) < LOOK), len(first) < LOOK)
    except (expat.ExpatError, UnicodeError) as error:
        raise _broken(error, name) from None
    return found


def _parser(first: bytes, name: str) -> tuple[Any, Callable[[bytes, bool], bytes]]:
    """A parser for what begins so, which refuses a document type, and what its bytes must go through before."""

    def doctype(*_: Any) -> None:
        raise RefusedError(
            "a document type (DTD), with which entities can come",
            where=name,
            expected="XML that holds data only",
            remedy="Export it without <!DOCTYPE>; it could read files of this machine, or swell without end.",
        )

    prolog = _PROLOG.search(first[:200])
    chinese = prolog is not None and prolog[1].decode().lower() in _GB
    # expat reads UTF-8 and UTF-16 only; the prolog's word is then no longer true.
    parser = expat.ParserCreate("utf-8" if chinese else None)
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = doctype
    if not chinese:
        return parser, lambda block, last: block  # noqa: ARG005
    decoder = codecs.getincrementaldecoder("gb18030")()
    return parser, lambda block, last: decoder.decode(block, last).encode()


def _broken(error: Exception, name: str) -> RefusedError:
    if isinstance(error, expat.ExpatError):
        return RefusedError(
            f"no well-formed XML ({expat.ErrorString(error.code)})",
            where=f"{name}, line {error.lineno}, column {error.offset + 1}",
            expected="a whole XML document in the encoding that its first line names",
            remedy="Export it again.",
        )
    at = getattr(error, "start", 0)
    return RefusedError(f"bytes that are not GB18030, near byte {at + 1} of a block", where=name, remedy="Export it again.")


def _enter(path: list[str], tag: str, name: str) -> None:
    """One element further in."""
    path.append(tag.rpartition(":")[2])
    if len(path) > DEEPEST:
        raise RefusedError(f"more than {DEEPEST} elements one within another", where=name, expected="records in a flat document")


def _read(watched: Watched, name: str, opts: dict[str, Any], extract: Extract, folder: Path) -> None:
    first = watched.read(BLOCK)
    if not first.strip():
        raise RefusedError("an empty file", where=name, expected="an XML document", remedy="Export it again.")
    table = TextTable(folder)
    records = _Records(str(opts["recordsAt"]).strip("/"), str(opts["totalAt"] or "").strip("/"), table, name)
    parser, decode = _parser(first, name)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = records.start, records.end, records.text
    try:
        block = first
        while True:
            last = not block
            parser.Parse(decode(block, last), last)
            if last:
                break
            block = watched.read(BLOCK)
    except (expat.ExpatError, UnicodeError) as error:
        raise _broken(error, name) from None
    finally:
        table.close()
    extract.digest, extract.bytes = watched.finish(), watched.bytes
    extract.records = extract.lines = table.rows
    if not table.rows:
        raise RefusedError(
            f"no record at {records.at}; the first elements are {', '.join(records.seen)}",
            where=name,
            expected=f"elements at {records.at}",
            remedy=near(records.at, records.seen) or "Correct `recordsAt` in the contract.",
        )
    extract.announced = records.announced(name)
    if extract.announced not in (None, table.rows):
        raise RefusedError(
            f"{table.rows} records, where {records.total_at} announces {extract.announced}",
            where=name,
            expected="as many as announced",
            remedy="Export it again; it was cut, or the number is wrong.",
        )
    extract.header = tuple(records.header)
    extract.relation = table.relation(range(len(records.header)))
    if records.doubled:
        extract.notes.append(f"{records.doubled} fields stood several times in their record: kept as a JSON list")


class _Records:
    """What the parser calls: it keeps the path, gathers a record's fields and writes it when its element ends."""

    def __init__(self, at: str, total_at: str, table: TextTable, name: str) -> None:
        self.at, self.total_at, self.table, self.name = at, total_at, table, name
        self.header: dict[str, int] = {}
        self.seen: list[str] = []
        self.doubled = 0
        self._path: list[str] = []
        self._record: dict[str, list[str | None]] | None = None
        self._base = self._size = 0
        self._texts: list[list[str]] = []
        self._total: str | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        _enter(self._path, tag, self.name)
        self._texts.append([])
        path = "/".join(self._path)
        if len(self.seen) < 8 and path not in self.seen:
            self.seen.append(path)
        if self._record is None and path == self.at:
            self._record, self._base, self._size = {}, len(self._path), 0
        for key, value in attributes.items():
            if key.startswith("xmlns") or key.endswith(":nil"):
                continue
            if self._record is not None:
                self._put([*self._path[self._base :], "@" + key.rpartition(":")[2]], value)
            if f"{path}/@{key}" == self.total_at:
                self._total = value

    def text(self, data: str) -> None:
        self._texts[-1].append(data)
        self._size += len(data)
        if self._record is not None and self._size > LONGEST:
            raise RefusedError(f"a record of more than {LONGEST} characters", where=self.name, expected="one element a record")

    def end(self, tag: str) -> None:  # noqa: ARG002 - the parser's
        text = "".join(self._texts.pop())
        if self._record is not None:
            inside = self._path[self._base :]
            if inside:
                leaf = not any(key.startswith("/".join(inside) + "/") and "@" not in key for key in self._record)
                if leaf or text.strip():
                    self._put(inside, text or None)
            else:
                if text.strip():
                    self._put(["#text"], text)
                self._write()
        elif "/".join(self._path) == self.total_at:
            self._total = text.strip()
        self._path.pop()

    def announced(self, name: str) -> int | None:
        if not self.total_at:
            return None
        if self._total is None or not self._total.strip().isdigit():
            raise RefusedError(f"no number at {self.total_at}", where=name, expected="the number of records (`totalAt`)")
        return int(self._total)

    def _put(self, path: list[str], value: str | None) -> None:
        assert self._record is not None
        self._record.setdefault("/".join(path), []).append(value)

    def _write(self) -> None:
        assert self._record is not None
        for key in self._record:
            self.header.setdefault(key, len(self.header))
        values: list[str | None] = [None] * len(self.header)
        for key, found in self._record.items():
            several = len(found) > 1
            self.doubled += several
            values[self.header[key]] = json.dumps(found, ensure_ascii=False) if several else found[0]
        self.table.write(self.table.rows + 1, values)
        self._record = None
