"""Places, industries, national codes and dates as Great Expectations classes (on pandas): `expectations.national` judges each value."""

# ruff: noqa: N805, RUF012 - validators and fields are those of pydantic
from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, ClassVar, Literal

from great_expectations.compatibility import pydantic
from great_expectations.expectations.expectation import ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation

from expectations.codes import CodeTables
from expectations.custom.figures import EITHER, PAIR_KEYS
from expectations.custom.judging import of_pairs, of_records, of_values
from expectations.national import dates, industry, places
from expectations.national.numbers import setting, thousandths


def _is_code(value: Any, code_table: str, dialect: bool) -> bool:
    known = CodeTables().get(code_table)
    return str(value) in known.codes or (dialect and str(value) in known.dialect)


class ExpectColumnValuesToBeNationalCode(ColumnMapExpectation):
    """Expect codes of a national table (`sex`, `marital`, `ethnicity`, `education`, ...), or, with `dialect`, what stands for them."""

    code_table: str
    dialect: bool = False
    map_metric: ClassVar[str] = of_values("national_code", _is_code, "code_table", "dialect")
    success_keys: ClassVar[tuple[str, ...]] = ("code_table", "dialect", "mostly")


class ExpectColumnValuesToBeIndustryCode(ColumnMapExpectation):
    """Expect codes of GB/T 4754 of an `edition` ("2017" or "2011"), of the levels `level`."""

    edition: str = "2017"
    level: list[str] = ["class"]
    map_metric: ClassVar[str] = of_values(
        "industry_code", lambda v, **asked: industry.is_industry_code(str(v), **asked), "edition", "level"
    )
    success_keys: ClassVar[tuple[str, ...]] = ("edition", "level", "mostly")


class ExpectColumnPairIndustrySectionAndCodeToAgree(ColumnPairMapExpectation):
    """Expect the division of the industry code (column_B) to belong to the section (column_A)."""

    ignore_row_if: str = EITHER
    edition: str = "2017"
    map_metric: ClassVar[str] = of_pairs("industry_section", lambda a, b, edition: industry.of_section(str(a), str(b), edition), "edition")
    success_keys: ClassVar[tuple[str, ...]] = (*PAIR_KEYS, "edition")


def _day(value: Any) -> date:
    return date.fromisoformat(value[:10]) if isinstance(value, str) else date(value.year, value.month, value.day)


def _is_plausible(value: Any, min_value: Any, max_value: Any, sentinels: list[Any], open_end: Any) -> bool:
    latest = date.today() if max_value is None else _day(max_value)
    end = None if open_end is None else _day(open_end)
    return dates.is_plausible(_day(value), _day(min_value), latest, {_day(s) for s in sentinels}, end)


class ExpectColumnValuesToBePlausibleDate(ColumnMapExpectation):
    """Expect dates between `min_value` and `max_value` (today), none of `sentinels`; `open_end` is the one way to write "no end"."""

    min_value: Any = dates.EARLIEST.isoformat()
    max_value: Any = None
    sentinels: list[Any] = [s.isoformat() for s in dates.SENTINELS]
    open_end: Any = None
    map_metric: ClassVar[str] = of_values("plausible_date", _is_plausible, "min_value", "max_value", "sentinels", "open_end")
    success_keys: ClassVar[tuple[str, ...]] = ("min_value", "max_value", "sentinels", "open_end", "mostly")


@cache
def _divisions() -> dict[str, places.Row]:
    return {r["code"]: r for r in CodeTables().get("division").rows}


@cache
def _boxes() -> dict[str, places.Box]:
    return places.boxes(CodeTables().get("division_box").rows, _divisions().values())


@cache
def _names() -> places.Names:
    return places.Names.of(tuple(_divisions().values()))


class ExpectColumnPairDivisionToBeInForceOnDate(ColumnPairMapExpectation):
    """Expect the division code (column_A) to have been in force in the year of the date (column_B)."""

    ignore_row_if: str = EITHER
    level: list[str] = list(places.LEVELS)
    elsewhere: bool = True
    map_metric: ClassVar[str] = of_pairs(
        "division_in_force", lambda a, b, **asked: places.in_force(str(a), _day(b).year, _divisions(), **asked), "level", "elsewhere"
    )
    success_keys: ClassVar[tuple[str, ...]] = (*PAIR_KEYS, "level", "elsewhere")


class ExpectColumnPairAddressToNameDivision(ColumnPairMapExpectation):
    """Expect the address (column_A) to name the division (column_B); `accept` lists the words of `places.address_word` that will do."""

    ignore_row_if: str = EITHER
    accept: list[str] = ["own"]
    map_metric: ClassVar[str] = of_pairs(
        "address_division", lambda a, b, accept: places.address_word(str(a), str(b), _names()) in (*accept, "unknown"), "accept"
    )
    success_keys: ClassVar[tuple[str, ...]] = (*PAIR_KEYS, "accept")


def _word(lon: Any, lat: Any, margin: float) -> str:
    degrees = thousandths(lon), thousandths(lat)
    box = _boxes()[places.PROVINCE].wider(setting(margin))
    return "outside" if degrees[0] is None or degrees[1] is None else places.coordinate_word(degrees[0], degrees[1], box)


class ExpectColumnPairCoordinatesToBeInProvince(ColumnPairMapExpectation):
    """Expect longitude (column_A) and latitude (column_B) in the outer box of the province, widened by `margin` degrees."""

    ignore_row_if: str = EITHER
    margin: float = 0
    map_metric: ClassVar[str] = of_pairs("in_province", lambda a, b, margin: _word(a, b, margin) == "inside", "margin")
    success_keys: ClassVar[tuple[str, ...]] = (*PAIR_KEYS, "margin")


class ExpectColumnPairCoordinatesToNotBeSwapped(ColumnPairMapExpectation):
    """Expect no longitude (column_A) and latitude (column_B) that only their exchange puts into the province."""

    ignore_row_if: str = EITHER
    margin: float = 0
    map_metric: ClassVar[str] = of_pairs("not_swapped", lambda a, b, margin: _word(a, b, margin) != "swapped", "margin")
    success_keys: ClassVar[tuple[str, ...]] = (*PAIR_KEYS, "margin")


class ExpectColumnPairCoordinatesToNotBeScaled(ColumnPairMapExpectation):
    """Expect no longitude (column_A) and latitude (column_B) that only a power of ten puts into the province."""

    ignore_row_if: str = EITHER
    margin: float = 0
    map_metric: ClassVar[str] = of_pairs("not_scaled", lambda a, b, margin: _word(a, b, margin) != "scaled", "margin")
    success_keys: ClassVar[tuple[str, ...]] = (*PAIR_KEYS, "margin")


def _in_division(record: dict[str, Any], lon: str, lat: str, division: str, margin: float) -> bool:
    box = _boxes().get(record[division])
    if box is None:
        return True
    east, north = thousandths(record[lon]), thousandths(record[lat])
    return east is not None and north is not None and box.wider(setting(margin)).holds(east, north)


class ExpectCoordinatesToBeInDivisionBox(MulticolumnMapExpectation):
    """Expect the coordinates in the box of the division given, widened by `margin` degrees."""

    column_list: list[str] = []
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"
    lon: str
    lat: str
    division: str
    margin: float = 0
    map_metric: ClassVar[str] = of_records("in_division_box", _in_division, "lon", "lat", "division", "margin")
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "lon", "lat", "division", "margin", "mostly")

    @pydantic.root_validator(pre=True)
    def _columns(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "column_list": [values.get("lon"), values.get("lat"), values.get("division")]}
