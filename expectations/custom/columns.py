"""Division codes, and texts that must read as their type, as Great Expectations classes (on pandas)."""

# ruff: noqa: N803, N805, ARG002, RUF012 - the signatures and fields are those that Great Expectations looks for
from __future__ import annotations

import re
from typing import Any, ClassVar

import pandas as pd
from great_expectations.compatibility import pydantic
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation, ColumnPairMapExpectation
from great_expectations.expectations.metrics import ColumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider import ColumnPairMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import column_condition_partial
from great_expectations.expectations.metrics.map_metric_provider.column_pair_condition_partial import column_pair_condition_partial

from expectations.codes import CodeTables
from expectations.national.places import LEVELS, division_codes, elsewhere_pattern


class DivisionMetric(ColumnMapMetricProvider):
    """Whether the value is in the division table, in one of the wanted states and levels."""

    condition_metric_name = "column_values.division"
    condition_value_keys = ("status", "level", "elsewhere", "at")

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, status: list[str], level: list[str], elsewhere: bool, **kwargs: Any) -> pd.Series:
        year = int(kwargs["at"][:4]) if kwargs.get("at") else None
        known = set(division_codes(CodeTables().get("division").rows, tuple(status), tuple(level), year))
        other = re.compile(elsewhere_pattern(tuple(level)))
        return column.map(lambda v: v in known or bool(elsewhere and other.fullmatch(str(v)))).astype(bool)


class ParsesMetric(ColumnPairMapMetricProvider):
    """Whether a row that has text (column_A) has a value too (column_B)."""

    condition_metric_name = "column_pair_values.parse"

    @column_pair_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_A: pd.Series, column_B: pd.Series, **kwargs: Any) -> pd.Series:
        return column_A.isna() | column_B.notna()


class ExpectColumnValuesToBeDivision(ColumnMapExpectation):
    """Expect the values to be division codes of GB/T 2260 in one of the states and levels, or in force in the year of `at`."""

    status: list[str] = ["current", "private"]
    level: list[str] = list(LEVELS)
    elsewhere: bool = False
    at: str | None = None
    map_metric: ClassVar[str] = "column_values.division"
    success_keys: ClassVar[tuple[str, ...]] = ("status", "level", "elsewhere", "at", "mostly")


class ExpectColumnValuesToParse(ColumnPairMapExpectation):
    """Expect every text to read as the column's type: the text stands in `<column>__text`, what was read in the column."""

    column: str
    ignore_row_if: str = "both_values_are_missing"
    map_metric: ClassVar[str] = "column_pair_values.parse"
    success_keys: ClassVar[tuple[str, ...]] = ("column_A", "column_B", "ignore_row_if", "mostly")

    @pydantic.root_validator(pre=True)
    def _pair(cls, values: dict[str, Any]) -> dict[str, Any]:
        column = values.get("column")
        return {**values, "column_A": f"{column}__text", "column_B": column}
