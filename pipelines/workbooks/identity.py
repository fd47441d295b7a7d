"""Who a row of a workbook is: the tickets in its hidden column, and the list of all rows that were sent, on a hidden sheet.

Belongs here: that sheet, written and read, and the digest that tells whether values of a row were changed. Not here: rows.
Nothing that the sheet says is believed beyond what it is for: whose tickets are whose is asked of the results.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.workbooks.sheets import CELL

if TYPE_CHECKING:
    from pipelines.workbooks.memory import Book

SHEET = "_yuanqing"
MARK, EDITION = "yuanqing workbook", "1"
TICKET = re.compile(r"[0-9a-f]{16}")
_UNWRITABLE = re.compile("[\ufffe\uffff]|_xFFF[EF]_")
"""What XML does not take, and what stands for it."""


@dataclass(frozen=True)
class Sent:
    """A row as it was sent: its tickets, where its record stands in the lake, and the digest of its values."""

    tickets: tuple[str, ...]
    batch: str
    row: int
    digest: str

    @property
    def identity(self) -> str:
        return " ".join(self.tickets)


@dataclass
class SentSheet:
    """A sheet as it was sent: its name, its dataset ("" where it is of several), its header, and its rows.

    What was handed over stands from column `first` on, to the three last ones; `columns` are its names in the contract. `untracked`
    rows have no ticket.
    """

    name: str
    dataset: str
    header: tuple[str, ...]
    first: int = 0
    columns: tuple[str, ...] = ()
    rows: list[Sent] = field(default_factory=list)
    untracked: int = 0


@dataclass
class Manifest:
    """All that was sent: to whom, of which publication, which part of how many."""

    department: str
    published_at: str
    part: int = 1
    parts: int = 1
    sheets: list[SentSheet] = field(default_factory=list)

    def write(self, book: Book) -> None:
        """The hidden sheet, which only a programmer's window makes visible; every cell a string."""
        sheet = book.add_worksheet(SHEET)
        for at, line in enumerate(self._lines()):
            for column, text in enumerate(line):
                sheet.write_string(at, column, text)
        sheet.very_hidden()

    def _lines(self) -> Iterator[tuple[str, ...]]:
        yield (MARK, EDITION, self.department, self.published_at, str(self.part), str(self.parts))
        for sheet in self.sheets:
            lists = (json.dumps(names, ensure_ascii=False) for names in (sheet.header, sheet.columns))
            yield ("sheet", sheet.name, sheet.dataset, *lists, str(sheet.first), str(sheet.untracked))
            for sent in sheet.rows:
                yield ("row", sent.identity, sent.batch, str(sent.row), sent.digest)

    @classmethod
    def read(cls, lines: Iterable[Sequence[Any]]) -> Manifest:
        """What the hidden sheet says. Raises `ValueError` for what is none, or of another edition."""
        found: Manifest | None = None
        for line in lines:
            match [str(v) for v in line]:
                case [mark, edition, department, published_at, part, parts, *_] if mark == MARK and found is None:
                    if edition != EDITION:
                        raise ValueError(f"edition {edition} of the hidden sheet")
                    found = cls(department, published_at, int(part), int(parts))
                case ["sheet", name, dataset, header, columns, first, untracked, *_] if found:
                    names = (tuple(map(str, json.loads(listed))) for listed in (header, columns))
                    sheet = SentSheet(name, dataset, next(names), int(first), next(names), untracked=int(untracked))
                    found.sheets.append(sheet)
                case ["row", identity, batch, row, digest, *_] if found and found.sheets:
                    found.sheets[-1].rows.append(Sent(tuple(identity.split()), batch, int(row), digest))
                case other if any(other):
                    raise ValueError("a line of the hidden sheet that nobody wrote")
        if found is None:
            raise ValueError("no hidden sheet")
        return found


def plain(value: Any) -> str:
    """A cell's text for comparing: a line end is a line end, and an empty cell is an empty text."""
    return _normal(_text(value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        from assets.readers.sheets import text_of

        value = text_of(value) or ""
    return value[:CELL]


def _normal(text: str) -> str:
    return _UNWRITABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def digest_of(values: Iterable[Any]) -> str:
    """A short digest of a row's values: not for safety, only to see which rows must be looked at."""
    return hashlib.blake2b(_normal("\x1f".join(map(_text, values))).encode("utf-8", "replace"), digest_size=6).hexdigest()
