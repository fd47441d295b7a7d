"""Ages, and years that numbers bear, as Great Expectations classes (on pandas), judged by `expectations.national.ages`."""

# ruff: noqa: N805 - the signatures are those that Great Expectations looks for
from __future__ import annotations

from typing import Any, ClassVar, Literal

from great_expectations.compatibility import pydantic
from great_expectations.expectations.expectation import ColumnPairMapExpectation, MulticolumnMapExpectation

from expectations.custom.judging import of_pairs, of_records
from expectations.custom.places import EITHER, PAIR_KEYS
from expectations.national.ages import day_number, whole_years, year_in


def _years(record: dict[str, Any], born: str, day: str) -> int | None:
    ends = [None if record[name] is None else day_number(record[name]) for name in (born, day)]
    return None if ends[0] is None or ends[1] is None else whole_years(ends[0], ends[1])


def _between(record: dict[str, Any], born: str, day: str, min_value: int | None, max_value: int | None) -> bool:
    years = _years(record, born, day)
    return years is None or ((min_value is None or min_value <= years) and (max_value is None or years <= max_value))


def _agrees(record: dict[str, Any], column: str, born: str, day: str, tolerance: int) -> bool:
    years, age = _years(record, born, day), record[column]
    return years is None or age is None or abs(age - years) <= tolerance


class _OfRecords(MulticolumnMapExpectation):
    column_list: list[str] = []  # noqa: RUF012
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"
    columns_from: ClassVar[tuple[str, ...]] = ("born", "day")

    @pydantic.root_validator(pre=True)
    def _columns(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "column_list": [values.get(name) for name in cls.columns_from]}


class ExpectAgeOnDateToBeBetween(_OfRecords):
    """Expect the age on a day, in whole years, to lie between two bounds."""

    born: str
    day: str
    min_value: int | None = None
    max_value: int | None = None
    map_metric: ClassVar[str] = of_records("age_between", _between, "born", "day", "min_value", "max_value")
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "born", "day", "min_value", "max_value", "mostly")


class ExpectColumnAgeToAgreeWithDates(_OfRecords):
    """Expect a column of ages to follow from a birth and a day."""

    column: str
    born: str
    day: str
    tolerance: int = 0
    columns_from: ClassVar[tuple[str, ...]] = ("column", "born", "day")
    map_metric: ClassVar[str] = of_records("age_agrees", _agrees, "column", "born", "day", "tolerance")
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "column", "born", "day", "tolerance", "mostly")


class ExpectColumnPairNumberYearAndDateToAgree(ColumnPairMapExpectation):
    """Expect the year in a number (column_A) to be that of a date (column_B)."""

    ignore_row_if: str = EITHER
    map_metric: ClassVar[str] = of_pairs("number_year", lambda a, b: year_in(str(a)) in (None, b.year))
    success_keys: ClassVar[tuple[str, ...]] = PAIR_KEYS
