"""The air quality index of HJ 633-2012, in whole numbers, and two pollutants of which one is part of the other.

The index of a pollutant is the linear interpolation between the breakpoints of table 1, rounded up; the AQI is the greatest of them.
Checked on 1,495 published stations of one hour: 1,475 of 1,475 with an AQI agree (hourly gases, particles by the 24-hour
breakpoints). The table is versioned (`aqi_breakpoint`): a revision is under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from expectations.national.numbers import setting, thousandths

Row = Mapping[str, str]
#: By report: the pollutants in the table of breakpoints that a column is judged by.
REPORTS: Mapping[str, Mapping[str, str]] = {
    "hour": {"pm2_5": "pm2_5", "pm10": "pm10", "so2": "so2_1h", "no2": "no2_1h", "co": "co_1h", "o3": "o3_1h"},
    "day": {"pm2_5": "pm2_5", "pm10": "pm10", "so2": "so2", "no2": "no2", "co": "co", "o3": "o3_8h"},
}
POLLUTANTS = ("pm2_5", "pm10", "so2", "no2", "co", "o3")
GREATEST = 500
Steps = tuple[tuple[int, int, int, int], ...]


def steps(rows: Iterable[Row], pollutant: str) -> Steps:
    """The steps of a pollutant: index from, to, and thousandths of its concentration from, to."""
    found = [r for r in rows if r["pollutant"] == pollutant]
    return tuple(
        sorted(
            (int(r["iaqi_from"]), int(r["iaqi_to"]), int(Decimal(r["value_from"]) * 1000), int(Decimal(r["value_to"]) * 1000))
            for r in found
        )
    )


def index(thousandths: int, of: Steps) -> int | None:
    """The sub-index of a concentration (thousandths of its unit); above the last step 500 where the steps reach it, else none;
    none below zero."""
    if thousandths < 0:
        return None
    for low, high, value_low, value_high in of:
        if thousandths <= value_high:
            return low + -(-(high - low) * (thousandths - value_low) // (value_high - value_low))
    return GREATEST if of[-1][1] == GREATEST else None


def follows(aqi: int, indices: Iterable[int | None], tolerance: int) -> bool:
    """Whether an AQI (thousandths) is the greatest of the sub-indices, give or take the tolerance.

    Where one of them is not known the AQI may be greater; it may never be less than one that is.
    """
    scaled = [None if i is None else 1000 * i for i in indices]
    if any(i is not None and aqi < i - 1000 * tolerance for i in scaled):
        return False
    return not all(i is not None and i + 1000 * tolerance < aqi for i in scaled)


def is_far_above(part: float | Decimal, whole: float | Decimal, factor: float, margin: float) -> bool:
    """Whether a part (PM2.5) is more than `factor` times the whole (PM10) and a margin, in whole thousandths."""
    a, b = thousandths(part), thousandths(whole)
    return a is not None and b is not None and 1000 * a > setting(factor) * b + 1000 * setting(margin)
