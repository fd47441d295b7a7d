"""The working days of China, by the State Council's yearly notices (package chinesecalendar; looked at only where a rule asks).

Belongs here: which days are worked, and over which years that is known. Not here: rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache


class CalendarMissingError(Exception):
    """The package that knows the working days is not installed."""


@dataclass(frozen=True)
class WorkingDays:
    """The days from `first` to `last`: worked are Monday to Friday but for `holidays`, and the days of `worked`."""

    first: date
    last: date
    holidays: tuple[date, ...]
    worked: tuple[date, ...]

    def is_worked(self, day: date) -> bool | None:
        """Whether a day is worked; None where the calendar does not reach."""
        if not self.first <= day <= self.last:
            return None
        return day in self._worked or (day.weekday() < 5 and day not in self._holidays)

    @property
    def _worked(self) -> frozenset[date]:
        return _set(self.worked)

    @property
    def _holidays(self) -> frozenset[date]:
        return _set(self.holidays)

    def index(self, day: date) -> int | None:
        """How many working days there are from `first` to a day; None where the calendar does not reach."""
        return _index(self).get(day)


@cache
def _set(days: tuple[date, ...]) -> frozenset[date]:
    return frozenset(days)


@cache
def _index(calendar: WorkingDays) -> dict[date, int]:
    found: dict[date, int] = {}
    day, n = calendar.first, 0
    while day <= calendar.last:
        n += bool(calendar.is_worked(day))
        found[day] = n
        day += timedelta(days=1)
    return found


def working_days() -> WorkingDays:
    """The calendar, over the whole years for which holidays were announced. Raises `CalendarMissingError`."""
    try:
        from chinese_calendar import holidays, workdays  # type: ignore[import-untyped]
    except ImportError:
        raise CalendarMissingError from None
    off = tuple(sorted(d for d in holidays if d.weekday() < 5))
    on = tuple(sorted(d for d in workdays if d.weekday() >= 5))
    return WorkingDays(date(min(holidays).year, 1, 1), date(max(holidays).year, 12, 31), off, on)
