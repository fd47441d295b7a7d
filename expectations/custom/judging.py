"""How a pure function becomes a metric of Great Expectations on pandas, in one line a rule.

The function judges one value, two, or a record, and gets the settings of the expectation by name. Missing values never reach
it: Great Expectations leaves them out of a column, and of a pair what lacks one of the two holds.
"""

# ruff: noqa: N803, ARG001 - the signatures are those that Great Expectations looks for
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.metrics import ColumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider import ColumnPairMapMetricProvider, MulticolumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import column_condition_partial
from great_expectations.expectations.metrics.map_metric_provider.column_pair_condition_partial import column_pair_condition_partial
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import multicolumn_condition_partial

Judge = Callable[..., bool]


def of_values(name: str, holds: Judge, *settings: str) -> str:
    """Register the metric `column_values.<name>`, true of the values that `holds`; returns its name."""

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls: Any, column: pd.Series, **given: Any) -> pd.Series:
        asked = {key: given.get(key) for key in settings}
        return column.map(lambda value: holds(value, **asked)).astype(bool)

    return _registered(f"column_values.{name}", ColumnMapMetricProvider, _pandas, settings)


def of_pairs(name: str, holds: Judge, *settings: str) -> str:
    """Register the metric `column_pair_values.<name>`, true of the pairs that `holds` and of those that lack one; returns its name."""

    @column_pair_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls: Any, column_A: pd.Series, column_B: pd.Series, **given: Any) -> pd.Series:
        asked = {key: given.get(key) for key in settings}
        told = [pd.isna(a) or pd.isna(b) or holds(a, b, **asked) for a, b in zip(column_A, column_B, strict=True)]
        return pd.Series(told, index=column_A.index, dtype=bool)

    return _registered(f"column_pair_values.{name}", ColumnPairMapMetricProvider, _pandas, settings)


def of_records(name: str, holds: Judge, *settings: str) -> str:
    """Register the metric `multicolumn_values.<name>`, true of the records (values by column, None where missing) that `holds`."""

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls: Any, column_list: pd.DataFrame, **given: Any) -> pd.Series:
        asked = {key: given.get(key) for key in settings}
        records = ({k: None if pd.isna(v) else v for k, v in r.items()} for r in column_list.to_dict("records"))
        return pd.Series([holds(record, **asked) for record in records], index=column_list.index, dtype=bool)

    return _registered(f"multicolumn_values.{name}", MulticolumnMapMetricProvider, _pandas, settings)


def _registered(metric: str, provider: type, condition: Any, settings: tuple[str, ...]) -> str:
    """Make the provider's class: Great Expectations registers it as it sees it."""
    fields = {"condition_metric_name": metric, "condition_value_keys": settings, "_pandas": condition, "__module__": __name__}
    type(metric.replace(".", "_"), (provider,), fields)
    return metric
