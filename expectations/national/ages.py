"""Ages in whole years (周岁), from dates or from a resident id; the year that a number bears."""

from __future__ import annotations

import re
from datetime import date

from expectations.identity import DATE

BORN = rf"[0-9]{{6}}({DATE})[0-9]{{3}}[0-9X]"
"""A resident id of 18 characters, with the birth date as its group."""


def day_number(value: date | str) -> int | None:
    """A day as the number YYYYMMDD; of a text, the birth date in a resident id, None where it is none."""
    if isinstance(value, str):
        found = re.fullmatch(BORN, value)
        return int(found[1]) if found else None
    return value.year * 10000 + value.month * 100 + value.day


def whole_years(born: int, on: int) -> int:
    """Years completed on a day (both YYYYMMDD); -1 where the day is before birth. One comes of age on the birthday, as the law counts."""
    return -1 if on < born else (on - born) // 10000


YEAR = r"(?:\A|[^0-9])((?:19|20)[0-9]{2})(?:[^0-9]|\z)"
"""The first year in a number such as J210102-2026-000001 or 沈示许〔2026〕12号: four digits with none beside them."""


def year_in(text: str) -> int | None:
    """The year that a number bears, None where it bears none."""
    found = re.search(YEAR.replace(r"\z", r"\Z"), text)
    return int(found[1]) if found else None
