"""What a workbook that was sent back says: claims, disputes, and every odd edit, in words.

Belongs here: these shapes, and the receipt as text. Not here: finding them (`reading`), writing them down (`taking`), the screen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

RECEIPT = ".receipt.txt"
"""What the name of a receipt adds to that of its workbook."""
LISTED = 50
"""Odd edits of one kind on one sheet that are listed; all are counted."""
KINDS = {
    "rows_deleted": ("删了行", "rows deleted"),
    "rows_added": ("加了行", "rows added"),
    "rows_doubled": ("行重复", "rows doubled"),
    "columns": ("列有变动", "columns changed"),
    "sheets": ("表有变动", "sheets changed"),
    "identity": ("编号被改", "identity changed"),
    "foreign": ("不是本部门的编号", "another department's tickets"),
    "unknown": ("编号不存在", "tickets unknown"),
    "closed": ("已办结，无需再报", "closed already"),
    "said": ("此前已报过", "said before"),
    "conflict": ("同一编号说法不一", "one ticket, two answers"),
    "word": ("处理情况填写有误", "unknown word"),
    "no_reason": ("有异议但没写理由", "dispute without reason"),
    "no_state": ("写了说明但没选处理情况", "reason without state"),
    "no_ticket": ("此行没有编号", "a row without ticket"),
    "edited": ("单元格被改", "cells edited"),
    "formula": ("写了公式", "formulas put in"),
    "not_now": ("现在不能记", "cannot be written down now"),
    "older": ("不是最新的工作簿", "an older workbook"),
    "plain": ("送回时没有加密", "sent back without its password"),
}
REMARKS = frozenset({"older", "plain", "said", "closed", "rows_deleted", "rows_doubled", "columns", "sheets", "edited", "formula"})
"""Kinds by which nothing that was filled in is lost; of the others something was not taken."""


@dataclass(frozen=True)
class Claim:
    """What the department says of tickets of one rule: mended, or disputed; `why` in its own words, long numbers masked."""

    dataset: str
    rule: str
    title_zh: str
    title_en: str
    tickets: tuple[str, ...]
    why: str = ""
    against: str = "rule"


@dataclass(frozen=True)
class Odd:
    """One odd edit: its kind, where it stands, what it is and what becomes of it."""

    kind: str
    zh: str
    en: str
    sheet: str = ""
    cell: str = ""


@dataclass
class Reading:
    """A workbook as it was read; nothing was changed by reading it."""

    file: str
    digest: str  # the first 16 digits of SM3 over the file
    department: str
    published_at: str
    part: int
    parts: int
    rows: int = 0
    empty: int = 0  # rows that nobody filled in
    mended: list[Claim] = field(default_factory=list)
    disputed: list[Claim] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _listed: Counter[tuple[str, str]] = field(default_factory=Counter, repr=False)

    def note(self, kind: str, zh: str, en: str, sheet: str = "", cell: str = "", times: int = 1) -> None:
        """Tell of an odd edit; of many of a kind on a sheet the first are listed."""
        self.counts[kind] += times
        self._listed[kind, sheet] += 1
        if self._listed[kind, sheet] <= LISTED:
            self.odd.append(Odd(kind, zh, en, sheet, cell))

    @property
    def tickets(self) -> int:
        return sum(len(c.tickets) for c in (*self.mended, *self.disputed))

    @property
    def refused(self) -> int:
        """How many things that were filled in are not taken."""
        return sum(n for kind, n in self.counts.items() if kind not in REMARKS)

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        from dataclasses import asdict

        said = {k: [asdict(c) for c in getattr(self, k)] for k in ("mended", "disputed", "odd")}
        of = {k: getattr(self, k) for k in ("file", "digest", "department", "published_at", "part", "parts", "rows", "empty")}
        return {**of, **said, "counts": dict(self.counts)}


def receipt(reading: Reading, taken: int) -> str:
    """The receipt as text, for the folder in which the workbook lies; values in it are masked."""
    part = f"，第 {reading.part} 册，共 {reading.parts} 册 part {reading.part} of {reading.parts}" if reading.parts > 1 else ""
    lines = [
        f"回执 receipt：{reading.file}（SM3 {reading.digest}），{reading.department}，发布 published {reading.published_at}{part}",
        f"已记 {taken:,} 条 taken；读了 {reading.rows:,} 行，{reading.empty:,} 行没填 rows read, left empty",
    ]
    for title, claims in (("已整改 mended", reading.mended), ("有异议 disputed", reading.disputed)):
        lines += [f"{title}：{c.title_zh} {c.title_en}，{len(c.tickets):,} 条" + (f"：{c.why}" if c.why else "") for c in claims]
    if reading.odd:
        lines += ["", "请留意 please note"]
        lines += [f"{o.sheet} {o.cell}\t{KINDS[o.kind][0]} {KINDS[o.kind][1]}：{o.zh} {o.en}".strip() for o in reading.odd]
    if any(n > LISTED for n in reading.counts.values()):
        lines += ["合计 in all：" + "，".join(f"{KINDS[kind][0]} {n:,}" for kind, n in reading.counts.items())]
    return "\n".join(lines) + "\n"
