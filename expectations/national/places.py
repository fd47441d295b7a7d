"""Places: divisions at a date, addresses that name their division, coordinates of the province and of a division.

Belongs here: what the tables `division` and `division_box` say of a place. Not here: a division's code in a resident id
(`expectations.identity`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from expectations.identity import HOME, PROVINCES

STATUSES = ("current", "historical", "private", "sample")
LEVELS = ("province", "city", "county")
Row = Mapping[str, str]

#: GB/T 2260 is known by year only: a code counts in the whole year in which it came and in which it went.
EARLIEST, LATEST = 1, 9999


def division_codes(rows: Iterable[Row], status: Sequence[str], level: Sequence[str], year: int | None = None) -> tuple[str, ...]:
    """The codes with one of these levels: in one of these states, or, given a year, in force in it (private and sample codes
    count in every year, if asked for)."""
    chosen = []
    for row in rows:
        since, until = span(row)
        asked = row["status"] in status or (year is not None and row["status"] in ("current", "historical"))
        if asked and row["level"] in level and (year is None or since <= year <= until):
            chosen.append(row["code"])
    return tuple(chosen)


def elsewhere_pattern(level: Sequence[str]) -> str:
    """Codes of other provinces, known by form alone."""
    forms = {"province": "0000", "city": "(?:0[1-9]|[1-9][0-9])00", "county": "[0-9]{2}(?:0[1-9]|[1-9][0-9])"}
    return f"(?:{'|'.join(p for p in PROVINCES if p != HOME)})(?:{'|'.join(forms[name] for name in level)})"


def span(row: Row) -> tuple[int, int]:
    """The years of a division code, first and last; open ends as 1 and 9999."""
    return int(row["since"] or EARLIEST), int(row["until"] or LATEST)


def in_force(code: str, year: int, rows: Mapping[str, Row], level: Sequence[str], elsewhere: bool) -> bool:
    """Whether a division code was in force in a year; `elsewhere` takes codes of other provinces by their form."""
    row = rows.get(code)
    if row is None or row["level"] not in level:
        return elsewhere and re.fullmatch(elsewhere_pattern(level), code) is not None
    since, until = span(row)
    return since <= year <= until


@dataclass(frozen=True)
class Names:
    """What an address may call each division (`own`, by code) and the city above it, and a pattern of all cities' full names.

    A city need not be called 市; of an autonomous county the name without its peoples will do (岫岩 for 岫岩满族自治县).
    Codes no longer in force are not judged: an address may bear the new name.
    """

    own: Mapping[str, str]
    city: Mapping[str, str]
    cities: str

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Names:
        """From the table `division`."""
        judged = [r for r in rows if r["status"] in ("current", "private") and r["level"] != "province"]
        own = {r["code"]: _short(r) for r in judged}
        own |= {r["code"]: own[r["parent"]] for r in judged if r["name"] == "市辖区"}  # the districts of a city as a whole
        city = {r["code"]: own[r["parent"] if r["level"] == "county" else r["code"]] for r in judged}
        return cls(own, city, "|".join(r["name"] for r in judged if r["level"] == "city"))


_PEOPLES = re.compile("(?:满族|蒙古族)+自治县")


def _short(row: Row) -> str:
    name = row["name"]
    if row["level"] == "city":
        return name.removesuffix("市").removesuffix("改革创新示范区")
    return _PEOPLES.sub("", name)


ADDRESS_WORDS = ("own", "city", "silent", "other", "unknown")


def address_word(address: str, code: str, names: Names) -> str:
    """How an address speaks of its division: names it (own), names its city only, names neither (silent), or names another
    city of the province; `unknown` is a code that is not judged."""
    if code not in names.own:
        return "unknown"
    if names.own[code] in address:
        return "own"
    if names.city[code] in address:
        return "city"
    return "other" if re.search(names.cities, address) else "silent"


PROVINCE = "210000"
SIDES = ("west", "south", "east", "north")


@dataclass(frozen=True)
class Box:
    """A box in degrees of CGCS2000 (EPSG:4490), in thousandths: west, south, east, north."""

    west: int
    south: int
    east: int
    north: int

    def holds(self, lon: int, lat: int) -> bool:
        return self.west <= lon <= self.east and self.south <= lat <= self.north

    def wider(self, by: int) -> Box:
        return Box(self.west - by, self.south - by, self.east + by, self.north + by)

    def times(self, factor: int) -> Box:
        return Box(self.west * factor, self.south * factor, self.east * factor, self.north * factor)


COORDINATE_WORDS = ("inside", "swapped", "zero", "scaled", "metres", "outside")
#: By how much degrees written without their point, or as seconds and the like, are too great or too small.
SCALES = (10, 100, 1000, 10_000, 100_000, 1_000_000)


def coordinate_word(lon: int, lat: int, box: Box) -> str:
    """Where a point (thousandths of a degree) is: inside the box, inside once longitude and latitude have changed places, at 0,0,
    inside once divided by a power of ten (or multiplied by ten), in metres of a Gauss-Krueger grid, or outside."""
    if box.holds(lon, lat):
        return "inside"
    if lon == 0 and lat == 0:
        return "zero"
    if box.holds(lat, lon):
        return "swapped"
    if box.holds(lon * 10, lat * 10) or any(box.times(k).holds(lon, lat) for k in SCALES):
        return "scaled"
    return "metres" if abs(lon) >= 100_000_000 and abs(lat) >= 100_000_000 else "outside"


def boxes(rows: Iterable[Row], divisions: Iterable[Row]) -> dict[str, Box]:
    """The box of each division: its own of the table `division_box`, or that of what it belongs to.

    Only the province's is a box of its land (H). Those below are as wide as the largest county about the centre points (M): they
    find a point at the other end of the province, not one across the border.
    """
    known = {r["code"]: Box(*(int(Decimal(r[side]) * 1000) for side in SIDES)) for r in rows}
    parents = {r["code"]: r["parent"] for r in divisions}
    found: dict[str, Box] = {}
    for code in parents:
        at: str | None = code
        while at and at not in known:
            at = parents.get(at)
        if at:
            found[code] = known[at]
    return found
