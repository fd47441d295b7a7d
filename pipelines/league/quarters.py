"""Quarters: their names, their days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from pipelines.errors import PublishingError

NUMERALS = "一二三四"


@dataclass(frozen=True, order=True)
class Quarter:
    """A quarter of a year; `begin` is its first day, `end` the first day after it."""

    year: int
    number: int

    @classmethod
    def read(cls, text: str) -> Quarter:
        """A quarter as people write it: 2026Q3. Raises `PublishingError`."""
        found = re.fullmatch(r"(20[0-9]{2})[Qq]([1-4])", text.strip())
        if not found:
            raise PublishingError(f"季度 {text!r}：应写作 2026Q3。 A quarter is written 2026Q3, from Q1 to Q4.")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, day: date) -> Quarter:
        """The quarter of a day."""
        return cls(day.year, (day.month + 2) // 3)

    @classmethod
    def last_ended(cls, day: date) -> Quarter:
        """The last quarter that was over on a day."""
        now = cls.of(day)
        return cls(now.year - 1, 4) if now.number == 1 else cls(now.year, now.number - 1)

    @property
    def name(self) -> str:
        return f"{self.year}Q{self.number}"

    @property
    def zh(self) -> str:
        return f"{self.year} 年第{NUMERALS[self.number - 1]}季度"

    @property
    def en(self) -> str:
        return f"Quarter {self.number} of {self.year}"

    @property
    def begin(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def end(self) -> date:
        return Quarter(self.year + 1, 1).begin if self.number == 4 else Quarter(self.year, self.number + 1).begin
