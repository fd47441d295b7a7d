"""The answers in the sheets of a workbook that came back: rows matched by their identity, wherever they and their columns stand now.

Belongs here: finding header, columns and rows, judging what was filled in, and telling every odd edit. Not here: whose tickets they are
(`reading`), how values were changed (`edits`).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.workbooks.edits import Changed
from pipelines.workbooks.identity import SHEET, Manifest, Sent, SentSheet, digest_of, plain
from pipelines.workbooks.receipts import Reading
from pipelines.workbooks.rows import DISPUTED, IDENTITY, MENDED, REASON, STATE

if TYPE_CHECKING:
    from pipelines.workbooks.opening import Opened

WORDS = {MENDED: "mended", "mended": "mended", DISPUTED: "disputed", "disputed": "disputed"}
OURS = frozenset({"填写说明", "概览", "问题汇总", "无法读取的记录", "代码表", SHEET})
"""Sheets that nothing is read from."""
WHY = 500
"""Characters of a reason that are kept."""
_HEAD_WITHIN = 10
_LONG = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{8,}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Said:
    """What a row says of its tickets: mended or disputed, why, and where it says so."""

    what: str
    why: str
    sheet: str
    cell: str


@dataclass
class Answers:
    """What the sheets say, before the results are asked whose the tickets are: by ticket what is said of it; rows whose identity was
    not sent (sheet, cell, tickets); by sheet the rows whose values were changed."""

    said: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    strangers: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    changed: dict[str, list[Changed]] = field(default_factory=lambda: defaultdict(list))


def read_sheets(opened: Opened, manifest: Manifest, reading: Reading) -> Answers:
    """The answers in all sheets that were sent; what is odd is noted in `reading`."""
    work = Answers()
    names = {s.name for s in manifest.sheets}
    others = [name for name in opened.sheets if name not in names and name not in OURS]
    for sent in manifest.sheets:
        name = sent.name
        if name not in opened.sheets:
            name = next((o for o in others if _is_copy(opened, o, sent)), "")
            if not name:
                reading.note(
                    "sheets",
                    f"表“{sent.name}”被删，其中 {len(sent.rows):,} 行没有填报。",
                    f"The sheet was deleted; its {len(sent.rows):,} rows stay as they are.",
                    sent.name,
                )
                continue
            others.remove(name)
            renamed = (f"表“{sent.name}”改名为“{name}”，照样读取。", f"The sheet was renamed to {name!r}; it is read.")
            reading.note("sheets", *renamed, sent.name)
        _Sheet(opened, name, sent, reading, work).read()
    for name in others:
        reading.note("sheets", f"多出的表“{name}”没有读取。", f"The sheet {name!r} was added; it is not read.", name)
    return work


def _is_copy(opened: Opened, name: str, sent: SentSheet) -> bool:
    head = next((row for _, row in zip(range(_HEAD_WITHIN), opened.rows(name), strict=False) if _fold(IDENTITY) in map(_fold, row)), [])
    return [_fold(v) for v in head if v != ""] == [_fold(v) for v in sent.header]


def _fold(value: Any) -> str:
    return "".join(unicodedata.normalize("NFKC", plain(value)).split()).lower()


class _Sheet:
    """One sheet being read."""

    def __init__(self, opened: Opened, name: str, sent: SentSheet, reading: Reading, work: Answers) -> None:
        self.opened, self.name, self.sent, self.reading, self.work = opened, name, sent, reading, work
        self.formulas = frozenset(opened.formulas.get(name, ()))
        self.by_identity: dict[tuple[str, ...], list[Sent]] = defaultdict(list)  # a record may stand in several rows
        for row in sent.rows:
            self.by_identity[row.tickets].append(row)
        self.expected = Counter(s.tickets for s in sent.rows)
        self.by_ticket = {t: s.tickets for s in sent.rows for t in s.tickets}
        self.seen: Counter[tuple[str, ...]] = Counter()
        self.untracked = 0
        self.at: list[int] | None = None  # where the columns of values stand, -1 for one that is gone

    def read(self) -> None:
        places: dict[str, int] | None = None
        for line, row in enumerate(self.opened.rows(self.name), 1):
            if places is None:
                places = self._head(row)
                if places is None and line >= _HEAD_WITHIN:
                    break
                if places is not None and places.get(IDENTITY, -1) < 0:
                    break
            elif any(v != "" for v in row):
                self._row(line, row, places)
        if places is None or places.get(IDENTITY, -1) < 0:
            self.reading.note(
                "columns",
                "“编号”列（或整个表头）被删，分不清各行是谁，此表没有采用。请在收到的原文件里填写。",
                "The hidden column of tickets, or the header, was deleted: rows cannot be told apart, and nothing of this sheet is taken.",
                self.name,
            )
            return
        self._formulas()
        self._missing()

    def _head(self, row: Sequence[Any]) -> dict[str, int] | None:
        """Where the columns stand now; None for a row that is not the header. Notes what was moved, renamed, added, deleted."""
        found = [_fold(v) for v in row]
        wanted = {_fold(h): h for h in self.sent.header}
        if len(wanted.keys() & set(found)) < max(2, len(wanted) // 2):
            return None
        places = {wanted[v]: at for at, v in reversed(list(enumerate(found))) if v in wanted}
        strange = {at: plain(row[at]).replace("\n", " ")[:40] for at, v in enumerate(found) if v and v not in wanted}
        gone = [(at, h) for at, h in enumerate(self.sent.header) if h not in places]
        for at, header in gone:
            named = header.replace("\n", " ")
            if at in strange:
                new = strange.pop(at)
                self._column(f"列“{named}”改名为“{new}”", f"The column {named!r} was renamed to {new!r}", at)
                if header not in (STATE, REASON, IDENTITY):
                    continue
            else:
                self._column(f"列“{named}”被删", f"The column {named!r} was deleted", at)
        for at, new in strange.items():
            self._column(f"多出一列“{new}”，没有读取", f"The column {new!r} was added; it is not read", at)
        here = [h for h in self.sent.header if h in places]
        if [places[h] for h in here] != sorted(places[h] for h in here):
            moved = [h.replace("\n", " ") for h, now in zip(here, sorted(here, key=places.__getitem__), strict=True) if h != now]
            named = "、".join(moved[:4])
            self._column(f"列的次序变了（{named}），按列名读取", f"Columns were moved ({named}); they are read by name", 0)
        return places

    def _column(self, zh: str, en: str, at: int) -> None:
        self.reading.note("columns", f"{zh}。", f"{en}.", self.name, _letters(at) if at else "")

    def _row(self, line: int, row: Sequence[Any], places: Mapping[str, int]) -> None:
        def cell(header: str) -> Any:
            at = places.get(header, -1)
            return row[at] if 0 <= at < len(row) else ""

        def address(header: str) -> str:
            return f"{_letters(max(places.get(header, 0), 0))}{line}"

        self.reading.rows += 1
        word, reason = plain(cell(STATE)).strip(), plain(cell(REASON)).strip()
        ids = tuple(plain(cell(IDENTITY)).split())
        by_formula = [a for h in (STATE, REASON, IDENTITY) if (a := address(h)) in self.formulas] if self.formulas else []
        if not ids:
            self.untracked += 1
            if word and self.untracked <= self.sent.untracked:
                self.reading.note(
                    "no_ticket",
                    "此行没有编号（已办结，或尚未立案），没有采用：请等下一份清单。",
                    "This row has no ticket (closed, or not followed yet): not taken. Answer in the next workbook.",
                    self.name,
                    address(STATE),
                )
            return
        sent = self.by_identity.get(ids)
        if not sent:
            self.work.strangers.append((self.name, address(IDENTITY), ids))
            self._account_for(ids)
            return
        self.seen[ids] += 1
        self._compare(line, row, places, sent)
        if not word and not reason:
            self.reading.empty += 1
        elif by_formula:
            told = ("这里是公式，没有采用。请直接填写。", "A formula stands here: not taken. Write the answer itself.")
            self.reading.note("word", *told, self.name, by_formula[0])
        elif not word:
            self.reading.note(
                "no_state",
                f"写了说明，没选处理情况，没有采用。请选“{MENDED}”或“{DISPUTED}”。",
                f"A reason without an answer: not taken. Choose {MENDED} (mended) or {DISPUTED} (disputed).",
                self.name,
                address(STATE),
            )
        elif (what := WORDS.get(_fold(word))) is None:
            self.reading.note(
                "word",
                f"“{_shown(word)}”不认识，没有采用。请选“{MENDED}”或“{DISPUTED}”。",
                f"{_shown(word)!r} is not known: not taken. Choose {MENDED} (mended) or {DISPUTED} (disputed).",
                self.name,
                address(STATE),
            )
        elif what == "disputed" and not _reason(reason):
            self.reading.note(
                "no_reason",
                "有异议要写理由，没有采用。请在“说明”里写明。",
                "A dispute needs its reason: not taken. Write it in the column 说明.",
                self.name,
                address(REASON),
            )
        else:
            for ticket in ids:
                self.work.said[ticket].append(Said(what, _reason(reason), self.name, address(STATE)))

    def _compare(self, line: int, row: Sequence[Any], places: Mapping[str, int], sent: Sequence[Sent]) -> None:
        """Whether the values are those that were sent; where a column is gone it cannot be told."""
        if self.at is None:
            self.at = [places.get(h, -1) for h in self.sent.header[self.sent.first : -3]]
        if -1 in self.at:
            return
        values = [row[at] if at < len(row) else "" for at in self.at]
        found = digest_of(values)
        if all(found != s.digest for s in sent):
            by = {n: (f"{_letters(at)}{line}", value) for n, at, value in zip(self.sent.columns, self.at, values, strict=False)}
            self.work.changed[self.sent.name].append(Changed(sent[0], line, by))

    def _account_for(self, ids: Sequence[str]) -> None:
        """A row whose identity was changed is not told as deleted besides."""
        for tickets in {self.by_ticket[t] for t in ids if t in self.by_ticket}:
            if not self.seen[tickets]:
                self.seen[tickets] += 1

    def _formulas(self) -> None:
        for address in sorted(self.formulas)[:1]:
            self.reading.note(
                "formula",
                f"有 {len(self.formulas):,} 个单元格写了公式，公式不采用。",
                f"{len(self.formulas):,} cells hold formulas; nothing of them is taken.",
                self.name,
                address,
                times=len(self.formulas),
            )

    def _missing(self) -> None:
        deleted = sum((self.expected - self.seen).values())
        doubled = sum((self.seen - self.expected).values())
        if deleted or self.untracked < self.sent.untracked:
            gone = deleted + max(self.sent.untracked - self.untracked, 0)
            self.reading.note(
                "rows_deleted",
                f"删了 {gone:,} 行；这些问题照旧挂账，删行不等于整改。",
                f"{gone:,} rows were deleted; their tickets stay open: deleting is not mending.",
                self.name,
                times=gone,
            )
        if doubled:
            twice = (f"有 {doubled:,} 行重复，按一行算。", f"{doubled:,} rows stand twice; they count once.")
            self.reading.note("rows_doubled", *twice, self.name, times=doubled)
        if self.untracked > self.sent.untracked:
            added = self.untracked - self.sent.untracked
            self.reading.note(
                "rows_added", f"加了 {added:,} 行，没有采用。", f"{added:,} rows were added; they are not taken.", self.name, times=added
            )


def _letters(at: int) -> str:
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _shown(text: str) -> str:
    return _reason(text)[:20]


def _reason(text: str) -> str:
    """A reason fit to be kept and shown: one line, its long numbers masked, not too long."""
    from assets.masking import mask

    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _LONG.sub(lambda m: mask(m[0], 3) or "" if any(c.isdigit() for c in m[0]) else m[0], line)[:WHY]
