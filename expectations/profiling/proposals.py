"""A proposal: one likely rule, with what speaks for it. The compiler has the last word on it (`draft.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from expectations.codes import CodeTables
from expectations.profiling.figures import Profile

#: By the share of rows that break a rule: what is found in a sample may be somewhat worse on all rows, and is judged there.
SLACK = 2.0
#: A rule needs so many rows that speak for it.
SUPPORT = 30


@dataclass(frozen=True)
class Proposal:
    """`id` is unique within a draft; `title` and `evidence` are (zh, en); `indicator` is GB/T 36344's."""

    id: str
    type: str
    kwargs: Mapping[str, Any]
    indicator: str
    title: tuple[str, str]
    evidence: tuple[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at, those of its condition left out."""
        named = (self.kwargs[n] for n in ("column", "column_A", "column_B") if n in self.kwargs)
        return (*self.kwargs.get("determinants", ()), *named, *self.kwargs.get("column_list", ()), *self.kwargs.get("column_set", ()))


@dataclass(frozen=True)
class Finder:
    """What every family of proposals is given: the profile, the code tables, the share of rows that may break a rule (0 to 1)."""

    profile: Profile
    codes: CodeTables
    tolerance: float

    @property
    def nearly(self) -> float:
        """The share that a sample must reach."""
        return 1 - min(SLACK * self.tolerance, 0.1)

    def zh(self, column: str) -> str:
        return self.profile.table.title(column)[0]

    def en(self, column: str) -> str:
        text = self.profile.table.title(column)[1]
        return text[:1].upper() + text[1:]

    def hidden(self, column: str) -> bool:
        """Whether values of a column must not be quoted, but for those of its declared code table."""
        return self.profile.table.level(column) > 2

    def quotable(self, column: str, value: str) -> bool:
        declared = self.profile.table.codes.get(column)
        return not self.hidden(column) or (declared is not None and value in self.codes.get(declared).codes)


def short(*parts: str) -> str:
    """A rule id of at most 40 characters."""
    text = "_".join(parts)
    if len(text) <= 40:
        return text
    import hashlib

    return f"{text[:33]}_{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def percent(share: float) -> str:
    """A share as per cent, never rounded to 0 or 100."""
    if 0 < share < 0.0001:
        return "<0.01%"
    if 0.9999 < share < 1:
        return ">99.99%"
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"
