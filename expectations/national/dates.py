"""Dates that can be, and dates that stand for something else."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

#: Dates that systems write for "none", "unknown" or "for ever" (seen in real hand-overs): 0001 and 1899 are zeros of programs and
#: spreadsheets, 2099 and 9999 stand for no end. 1970-01-01 is a day on which people were born: give it where it cannot be.
SENTINELS = (
    date(1, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1),
    date(2099, 12, 31), date(9999, 9, 9), date(9999, 12, 31),
)  # fmt: skip
EARLIEST = date(1900, 1, 1)


def compact(day: date) -> str:
    """A day as YYYYMMDD, which sorts as days do."""
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def is_plausible(day: date, earliest: date, latest: date, sentinels: Collection[date] = SENTINELS, open_end: date | None = None) -> bool:
    """Whether a day lies between two others and is no sentinel; the one way to write "no end", if given, is right besides."""
    return day == open_end or (earliest <= day <= latest and day not in sentinels)
