"""Numbers with a check of their own, units mixed up, and air quality, as Great Expectations classes (on pandas)."""

# ruff: noqa: N805, RUF012 - validators and fields are those of pydantic
from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.compatibility import pydantic
from great_expectations.expectations.expectation import ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation

from expectations.codes import CodeTables
from expectations.custom.judging import of_pairs, of_records, of_values
from expectations.national import air, numbers

EITHER = "either_value_is_missing"
PAIR_KEYS = ("column_A", "column_B", "ignore_row_if", "mostly")


class ExpectColumnValuesToBeOrganisationCode(ColumnMapExpectation):
    """Expect organisation codes of GB 11714-1997 with the right check character."""

    map_metric: ClassVar[str] = of_values("organisation_code", lambda v: numbers.is_organisation_code(str(v)))
    success_keys: ClassVar[tuple[str, ...]] = ("mostly",)


class ExpectColumnValuesToBeBankCardNumber(ColumnMapExpectation):
    """Expect bank card numbers of so many digits whose check digit (Luhn) is right."""

    min_length: int = 16
    max_length: int = numbers.CARD_LONGEST
    map_metric: ClassVar[str] = of_values(
        "bank_card_number",
        lambda v, min_length, max_length: numbers.is_bank_card(str(v), min_length, max_length),
        "min_length",
        "max_length",
    )
    success_keys: ClassVar[tuple[str, ...]] = ("min_length", "max_length", "mostly")


class ExpectColumnValuesToNotBeOffByPowerOfTen(ColumnMapExpectation):
    """Expect no number outside [min_value, max_value] that lies inside once divided by ten to one of `powers`."""

    min_value: float
    max_value: float
    powers: list[int] = list(numbers.POWERS)
    map_metric: ClassVar[str] = of_values(
        "not_off_by_power_of_ten", lambda v, **asked: not numbers.is_off_by_power_of_ten(v, **asked), "min_value", "max_value", "powers"
    )
    success_keys: ClassVar[tuple[str, ...]] = ("min_value", "max_value", "powers", "mostly")


class ExpectColumnPairValuesToNotBeOffByPowerOfTen(ColumnPairMapExpectation):
    """Expect no A that is B times ten to one of `powers`, give or take `tolerance` per cent."""

    ignore_row_if: str = EITHER
    powers: list[int] = list(numbers.POWERS)
    tolerance: int = 5
    map_metric: ClassVar[str] = of_pairs(
        "not_off_by_power_of_ten", lambda a, b, **asked: not numbers.are_off_by_power_of_ten(a, b, **asked), "powers", "tolerance"
    )
    success_keys: ClassVar[tuple[str, ...]] = (*PAIR_KEYS, "powers", "tolerance")


class ExpectColumnPairPartToNotBeFarAboveWhole(ColumnPairMapExpectation):
    """Expect no part (column_A, as PM2.5) above `factor` times the whole (column_B, as PM10) and `margin`."""

    ignore_row_if: str = EITHER
    factor: float = 1.5
    margin: float = 5
    map_metric: ClassVar[str] = of_pairs("part_of_whole", lambda a, b, **asked: not air.is_far_above(a, b, **asked), "factor", "margin")
    success_keys: ClassVar[tuple[str, ...]] = (*PAIR_KEYS, "factor", "margin")


def _aqi_follows(record: dict[str, Any], aqi: str, report: str, tolerance: int, **columns: str | None) -> bool:
    if record[aqi] is None:
        return True
    table = CodeTables().get("aqi_breakpoint").rows
    indices = []
    for pollutant, column in columns.items():
        if column is not None:
            value = None if record[column] is None else numbers.thousandths(record[column])
            indices.append(None if value is None else air.index(value, air.steps(table, air.REPORTS[report][pollutant])))
    given = numbers.thousandths(record[aqi])
    return given is None or air.follows(given, indices, tolerance)


class ExpectAqiToFollowFromPollutants(MulticolumnMapExpectation):
    """Expect the AQI to be the greatest sub-index of HJ 633 of the pollutants' columns, give or take `tolerance`."""

    column_list: list[str] = []
    aqi: str
    pm2_5: str | None = None
    pm10: str | None = None
    so2: str | None = None
    no2: str | None = None
    co: str | None = None
    o3: str | None = None
    report: str = "hour"
    tolerance: int = 1
    map_metric: ClassVar[str] = of_records("aqi", _aqi_follows, "aqi", "report", "tolerance", *air.POLLUTANTS)
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "aqi", *air.POLLUTANTS, "report", "tolerance", "mostly")

    @pydantic.root_validator(pre=True)
    def _columns(cls, values: dict[str, Any]) -> dict[str, Any]:
        named = [values[name] for name in ("aqi", *air.POLLUTANTS) if values.get(name)]
        return {**values, "column_list": named}
