"""Rules over several rows as Great Expectations classes (on pandas): `expectations.series` judges each table.

Rules against another dataset take what is known there as `known`, and the day of receipt as `received`: here is no other
dataset to look it up in. A series begins with the table: `across_batches` is for those who hold earlier batches.
"""

# ruff: noqa: N805, N815, ARG001, RUF012 - the signatures and fields are those that Great Expectations looks for

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

import pandas as pd
from great_expectations.compatibility import pydantic
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import MulticolumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import multicolumn_condition_partial

from expectations import series
from expectations.calendars import working_days
from expectations.series import Reading


def of_tables(name: str, broken: Reading, *settings: str) -> str:
    """Register the metric `multicolumn_values.<name>`, false of the rows that are `broken`; returns its name."""

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls: Any, column_list: pd.DataFrame, **given: Any) -> pd.Series:
        asked = {key: given[key] for key in settings if given.get(key) is not None}
        table = column_list.loc[:, ~column_list.columns.duplicated()]
        rows = [{k: None if pd.isna(v) else v for k, v in r.items()} for r in table.to_dict("records")]
        return ~pd.Series(broken(rows, **asked), index=column_list.index, dtype=bool)

    metric = f"multicolumn_values.{name}"
    fields = {"condition_metric_name": metric, "condition_value_keys": settings, "_pandas": _pandas, "__module__": __name__}
    type(metric.replace(".", "_"), (MulticolumnMapMetricProvider,), fields)
    return metric


def _columns(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """The fields with the list of columns that Great Expectations looks for, from the arguments that name them."""
    found: list[str] = []
    for name in names:
        value = values.get(name)
        found += [value] if isinstance(value, str) else list(value or ())
    listed = list(dict.fromkeys(found))
    return {**values, "column_list": listed * 2 if len(listed) == 1 else listed}  # it asks for two at least


class _OverRows(MulticolumnMapExpectation):
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    columns_from: ClassVar[tuple[str, ...]] = ()

    @pydantic.root_validator(pre=True)
    def _listed(cls, values: dict[str, Any]) -> dict[str, Any]:
        return _columns(values, *cls.columns_from)


_KEYS = ("column_list", "ignore_row_if", "mostly")
_FROZEN = ("column", "order_by", "most", "group_by", "step", "tolerance", "allow")
_SPIKE = ("column", "order_by", "floor", "group_by", "before", "after", "times", "least")


class ExpectColumnReadingsToNotFreeze(_OverRows):
    """Expect fewer than `most` equal readings in a row."""

    column: str
    order_by: str
    most: int
    group_by: list[str] = []
    step: str | int | None = None
    tolerance: float = 0
    allow: list[float] = []
    across_batches: bool = False
    columns_from: ClassVar[tuple[str, ...]] = ("group_by", "order_by", "column")
    map_metric: ClassVar[str] = of_tables("frozen", series.frozen, *_FROZEN)
    success_keys: ClassVar[tuple[str, ...]] = (*_FROZEN, *_KEYS)


class ExpectColumnReadingsToNotSpike(_OverRows):
    """Expect readings near the median of those around them, by a robust scale."""

    column: str
    order_by: str
    floor: float
    group_by: list[str] = []
    step: str | int | None = None
    before: int = 12
    after: int = 12
    times: float = 8
    least: int = 5
    across_batches: bool = False
    columns_from: ClassVar[tuple[str, ...]] = ("group_by", "order_by", "column")
    map_metric: ClassVar[str] = of_tables("spikes", series.spikes, *_SPIKE)
    success_keys: ClassVar[tuple[str, ...]] = (*_SPIKE, *_KEYS)

    @pydantic.root_validator(pre=True)
    def _backward(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "after": 0} if values.get("across_batches") else values


_NEAR = ("column_A", "column_B", "max_difference")


class ExpectColumnPairValuesToBeNear(_OverRows):
    """Expect two columns of a row to differ by at most `max_difference`."""

    column_A: str
    column_B: str
    max_difference: float
    columns_from: ClassVar[tuple[str, ...]] = ("column_A", "column_B")
    map_metric: ClassVar[str] = of_tables("near", series.apart, *_NEAR)
    success_keys: ClassVar[tuple[str, ...]] = (*_NEAR, *_KEYS)


def _gaps(rows: list[dict[str, Any]], calendar: str = "every", **given: Any) -> list[bool]:
    return series.gaps(rows, calendar=working_days() if calendar == "working_days" else None, **given)


_GAPS = ("order_by", "step", "group_by", "max_missing", "calendar")


class ExpectSeriesToHaveNoGaps(_OverRows):
    """Expect no more than `max_missing` steps to be missing between two rows of a series."""

    order_by: str
    step: str | int
    group_by: list[str] = []
    max_missing: int = 0
    calendar: str = "every"
    across_batches: bool = False
    columns_from: ClassVar[tuple[str, ...]] = ("group_by", "order_by")
    map_metric: ClassVar[str] = of_tables("gaps", _gaps, *_GAPS)
    success_keys: ClassVar[tuple[str, ...]] = (*_GAPS, *_KEYS)


_FALLS = ("column", "order_by", "group_by", "reset", "tolerance")


class ExpectColumnCumulativeValuesToNotFall(_OverRows):
    """Expect cumulative figures not to fall."""

    column: str
    order_by: str
    group_by: list[str] = []
    step: str | int | None = None
    reset: str = "never"
    tolerance: float = 0
    across_batches: bool = False
    columns_from: ClassVar[tuple[str, ...]] = ("group_by", "order_by", "column")
    map_metric: ClassVar[str] = of_tables("falls", series.falls, *_FALLS)
    success_keys: ClassVar[tuple[str, ...]] = (*_FALLS, *_KEYS)


def _totals(rows: list[dict[str, Any]], column_A: str, column_B: str, **given: Any) -> list[bool]:  # noqa: N803
    return series.wrong_totals(rows, column_A, column_B, **given)


_TOTALS = ("column_A", "column_B", "order_by", "step", "group_by", "reset", "tolerance")


class ExpectColumnRunningTotalToAgree(_OverRows):
    """Expect column_B to be the running total of column_A."""

    column_A: str
    column_B: str
    order_by: str
    step: str | int
    group_by: list[str] = []
    reset: str = "never"
    tolerance: float = 0
    across_batches: bool = False
    columns_from: ClassVar[tuple[str, ...]] = ("group_by", "order_by", "column_A", "column_B")
    map_metric: ClassVar[str] = of_tables("running_totals", _totals, *_TOTALS)
    success_keys: ClassVar[tuple[str, ...]] = (*_TOTALS, *_KEYS)


_WHOLES = ("column", "part_by", "whole", "group_by", "tolerance", "relative_tolerance", "least_parts")


class ExpectColumnPartsToSumToWhole(_OverRows):
    """Expect a whole to be the sum of the parts of its group."""

    column: str
    part_by: str
    whole: list[str | None]
    group_by: list[str]
    tolerance: float = 0
    relative_tolerance: float = 0
    least_parts: int = 1
    columns_from: ClassVar[tuple[str, ...]] = ("group_by", "part_by", "column")
    map_metric: ClassVar[str] = of_tables("wholes", series.wrong_wholes, *_WHOLES)
    success_keys: ClassVar[tuple[str, ...]] = (*_WHOLES, *_KEYS)


_GROUPS = ("group_by", "column", "value_set", "different", "min_value", "max_value")


class ExpectGroupSizeToBeBetween(_OverRows):
    """Expect so many rows of a kind in every group."""

    group_by: list[str]
    column: str | None = None
    value_set: list[Any] = []
    different: str | None = None
    min_value: int | None = None
    max_value: int | None = None
    columns_from: ClassVar[tuple[str, ...]] = ("group_by", "column", "different")
    map_metric: ClassVar[str] = of_tables("groups", series.wrong_groups, *_GROUPS)
    success_keys: ClassVar[tuple[str, ...]] = (*_GROUPS, *_KEYS)


_COUNTS = ("column", "group_by", "different")


class ExpectColumnValuesToEqualGroupSize(_OverRows):
    """Expect a column to say how many rows its group has."""

    column: str
    group_by: list[str]
    different: str | None = None
    columns_from: ClassVar[tuple[str, ...]] = ("group_by", "column", "different")
    map_metric: ClassVar[str] = of_tables("counts", series.wrong_counts, *_COUNTS)
    success_keys: ClassVar[tuple[str, ...]] = (*_COUNTS, *_KEYS)


_DEPENDS = ("determinants", "column")


class ExpectColumnsToDetermineColumn(_OverRows):
    """Expect rows that agree in some columns to agree in another."""

    determinants: list[str]
    column: str
    columns_from: ClassVar[tuple[str, ...]] = _DEPENDS
    map_metric: ClassVar[str] = of_tables("dependencies", series.independent, *_DEPENDS)
    success_keys: ClassVar[tuple[str, ...]] = (*_DEPENDS, *_KEYS)


_NOISE = ("column", "same", "largest_group")


class ExpectRecordsToDifferByMoreThanNoise(_OverRows):
    """Expect no two records to be equal but for one character of a column."""

    column: str
    same: list[str]
    largest_group: int = 50
    columns_from: ClassVar[tuple[str, ...]] = ("same", "column")
    map_metric: ClassVar[str] = of_tables("near_doubles", series.near_doubles, *_NOISE)
    success_keys: ClassVar[tuple[str, ...]] = (*_NOISE, *_KEYS)


def _not_found(rows: list[dict[str, Any]], known: list[list[Any]]) -> list[bool]:
    return series.not_found(rows, list(rows[0]) if rows else [], known)


class ExpectColumnsToReferTo(_OverRows):
    """Expect keys to be among those `known` of another dataset (`reference`, for those who have it)."""

    columns_from: ClassVar[tuple[str, ...]] = ("column_list",)

    reference: dict[str, Any] | None = None
    known: list[list[Any]] = []
    map_metric: ClassVar[str] = of_tables("references", _not_found, "known")
    success_keys: ClassVar[tuple[str, ...]] = ("known", *_KEYS)


_AGREES = ("column", "keys", "known")


class ExpectColumnToAgreeWith(_OverRows):
    """Expect a value to be one of those `known` of another dataset for its key (lists of key and then value)."""

    column: str
    keys: list[str]
    reference: dict[str, Any] | None = None
    known: list[list[Any]] = []
    columns_from: ClassVar[tuple[str, ...]] = ("keys", "column")
    map_metric: ClassVar[str] = of_tables("agreements", series.disagreeing, *_AGREES)
    success_keys: ClassVar[tuple[str, ...]] = (*_AGREES, *_KEYS)


def _late(
    rows: list[dict[str, Any]],
    column_A: str,  # noqa: N803
    max_days: int,
    column_B: str | None = None,  # noqa: N803
    day: str | None = None,
    calendar: str = "every",
) -> list[bool]:
    later = column_B or (date.fromisoformat(day[:10]) if day else None)
    if later is None:
        raise ValueError("column_B or day is needed: what must come soon enough")
    return series.too_late(rows, column_A, later, max_days, working_days() if calendar == "working_days" else None)


_LATE = ("column_A", "column_B", "max_days", "day", "calendar")


class ExpectColumnPairToBeWithinDays(_OverRows):
    """Expect column_B (or `day`, of receipt or the period's first) at most `max_days` days, or working days of China, after column_A."""

    column_A: str
    column_B: str | None = None
    max_days: int
    until: str = "received"
    day: str | None = None
    calendar: str = "every"
    columns_from: ClassVar[tuple[str, ...]] = ("column_A", "column_B")
    map_metric: ClassVar[str] = of_tables("within_days", _late, *_LATE)
    success_keys: ClassVar[tuple[str, ...]] = (*_LATE, *_KEYS)
