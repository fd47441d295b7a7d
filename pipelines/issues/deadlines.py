"""Deadlines in Chinese working days: by when an issue is to be mended, and who hears of it after that.

Belongs here: counting days. Not here: which issue has which deadline (`pipelines.issues.states`).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from assets.settings import Issues

LEVELS = {0: ("", ""), 1: ("经办人", "officer"), 2: ("部门负责人", "head of department"), 3: ("数据主管部门", "data bureau")}
"""Who is told of an issue that is late: level, in Chinese, in English."""
REACH = 200
"""Calendar days after today up to which deadlines can lie."""


def insert_days(con: duckdb.DuckDBPyConnection, first: date, today: date) -> None:
    """Make the temporary table `days(day, worked)`: each day from `first` with the number of days worked up to and with it.

    Beyond the years whose holidays are announced, Monday to Friday are taken as worked.
    """
    from assets.lake import insert
    from expectations.calendars import CalendarMissingError, working_days

    try:
        calendar = working_days()
    except CalendarMissingError:
        calendar = None
    rows, worked, day = [], 0, min(first, today)
    while day <= today + timedelta(days=REACH):
        said = calendar.is_worked(day) if calendar else None
        worked += day.weekday() < 5 if said is None else said
        rows.append((day, worked))
        day += timedelta(days=1)
    con.execute("CREATE OR REPLACE TEMP TABLE days (day DATE, worked INTEGER)")
    insert(con, "days", rows)


def days_of(settings: Issues) -> dict[str, int]:
    """Working days by severity."""
    return {"critical": settings.critical_days, "warning": settings.warning_days, "info": settings.info_days}
