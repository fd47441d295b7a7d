"""Resident ids and credit codes as Great Expectations classes (on pandas): `expectations.identity` judges each value."""

# ruff: noqa: N803, N805, ARG002, RUF012 - the signatures and fields are those that Great Expectations looks for
from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation, ColumnPairMapExpectation
from great_expectations.expectations.metrics import ColumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider import ColumnPairMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import column_condition_partial
from great_expectations.expectations.metrics.map_metric_provider.column_pair_condition_partial import column_pair_condition_partial

from expectations.identity import classify_credit_code, classify_resident_id


class ResidentIdMetric(ColumnMapMetricProvider):
    """Whether the word of `classify_resident_id` is accepted."""

    condition_metric_name = "column_values.resident_id"
    condition_value_keys = ("accept",)

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, accept: list[str], **kwargs: Any) -> pd.Series:
        return column.map(lambda v: classify_resident_id(str(v)) in accept).astype(bool)


class CreditCodeMetric(ColumnMapMetricProvider):
    """Whether the word of `classify_credit_code` is accepted."""

    condition_metric_name = "column_values.credit_code"
    condition_value_keys = ("accept",)

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, accept: list[str], **kwargs: Any) -> pd.Series:
        return column.map(lambda v: classify_credit_code(str(v)) in accept).astype(bool)


class BirthDateMetric(ColumnPairMapMetricProvider):
    """Whether the birth date inside the id (column_A) is that of column_B; rows that lack one are not judged."""

    condition_metric_name = "column_pair_values.resident_id_birth_date"

    @column_pair_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_A: pd.Series, column_B: pd.Series, **kwargs: Any) -> pd.Series:
        def agree(number: Any, born: Any) -> bool:
            if pd.isna(number) or pd.isna(born):
                return True
            day = born if isinstance(born, str) else born.strftime("%Y%m%d")
            return {18: number[6:14] == day, 15: number[6:12] == day[2:8]}.get(len(number), True)

        return pd.Series([agree(a, b) for a, b in zip(column_A, column_B, strict=True)], index=column_A.index, dtype=bool)


class SexMetric(ColumnPairMapMetricProvider):
    """Whether the parity of the id's order number (column_A) fits the sex code of column_B; only codes 1 and 2 are judged."""

    condition_metric_name = "column_pair_values.resident_id_sex"

    @column_pair_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_A: pd.Series, column_B: pd.Series, **kwargs: Any) -> pd.Series:
        def agree(number: Any, sex: Any) -> bool:
            if pd.isna(number) or sex not in ("1", "2") or len(number) not in (15, 18):
                return True
            digit = number[16] if len(number) == 18 else number[14]
            return digit not in "0123456789" or int(digit) % 2 == int(sex) % 2

        return pd.Series([agree(a, b) for a, b in zip(column_A, column_B, strict=True)], index=column_A.index, dtype=bool)


class ExpectColumnValuesToBeResidentId(ColumnMapExpectation):
    """Expect the values to be resident ids of GB 11643-1999; `accept` lists the words of `classify_resident_id` that will do."""

    accept: list[str] = ["valid", "valid_historical_division"]
    map_metric: ClassVar[str] = "column_values.resident_id"
    success_keys: ClassVar[tuple[str, ...]] = ("accept", "mostly")


class ExpectColumnValuesToBeCreditCode(ColumnMapExpectation):
    """Expect the values to be credit codes of GB 32100-2015; `accept` lists the words of `classify_credit_code` that will do."""

    accept: list[str] = ["valid", "real_but_bad_check"]
    map_metric: ClassVar[str] = "column_values.credit_code"
    success_keys: ClassVar[tuple[str, ...]] = ("accept", "mostly")


class ExpectColumnPairResidentIdAndBirthDateToAgree(ColumnPairMapExpectation):
    """Expect the birth date inside the resident id of column_A to be that of column_B."""

    ignore_row_if: str = "either_value_is_missing"
    map_metric: ClassVar[str] = "column_pair_values.resident_id_birth_date"
    success_keys: ClassVar[tuple[str, ...]] = ("column_A", "column_B", "ignore_row_if", "mostly")


class ExpectColumnPairResidentIdAndSexToAgree(ColumnPairMapExpectation):
    """Expect the order number of the resident id of column_A to fit the sex code of column_B."""

    ignore_row_if: str = "either_value_is_missing"
    map_metric: ClassVar[str] = "column_pair_values.resident_id_sex"
    success_keys: ClassVar[tuple[str, ...]] = ("column_A", "column_B", "ignore_row_if", "mostly")
