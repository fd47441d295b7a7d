"""Counts, queries and open columns, which contracts call for, as Great Expectations classes (on pandas)."""

# ruff: noqa: N805, ARG002 - the signatures are those that Great Expectations looks for
from __future__ import annotations

from typing import Any, ClassVar, Literal

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation, MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import MulticolumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import multicolumn_condition_partial
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from expectations.compiler.queries import read_query
from expectations.compiler.rules.declared import PERSON

_MEASURED = ("metric", "column_list", "unit", "value_set", "regex")


class CountedMetric(TableMetricProvider):
    """So many rows, or so many of a hundred, are null, missing, invalid or extra copies; or all rows."""

    metric_name = "table.counted"
    value_keys = _MEASURED

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **kwargs: Any) -> float | None:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type="table")
        metric, names, unit, values, regex = (metric_value_kwargs.get(k) for k in _MEASURED)
        if metric == "row_count":
            return len(frame)
        if metric == "duplicate_values":
            counted = frame.dropna(subset=names, how="all").duplicated(names)
        else:
            column: pd.Series = frame[names[0]]
            counted = column.isna()
            if metric == "missing_values":
                counted = counted | column.astype(str).isin([str(v) for v in values or ()])
            if metric == "invalid_values":
                good = pd.Series(True, index=column.index)
                if values is not None:
                    good &= column.isin(values)
                if regex is not None:
                    good &= column.astype(str).str.contains(regex, regex=True)
                counted = column.notna() & ~good
        if unit == "percent":
            return 100 * float(counted.sum()) / len(frame) if len(frame) else None
        return int(counted.sum())


class QueriedMetric(TableMetricProvider):
    """The figure that a reading query gives over the frame, by DuckDB."""

    metric_name = "table.queried"
    value_keys = ("query",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **kwargs: Any) -> float | None:
        import duckdb

        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type="table")
        with duckdb.connect(config={"enable_external_access": False}) as con:
            con.register("this_table", frame)
            row = con.execute(read_query(metric_value_kwargs["query"]).text).fetchone()
        return None if row is None or row[0] is None else float(row[0])


class _Bounded(BatchExpectation):
    min_value: float | None = None
    max_value: float | None = None
    strict_min: bool = False
    strict_max: bool = False
    outside: bool = False

    def _validate(self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None) -> dict[str, Any]:
        figure = metrics[self.metric_dependencies[0]]
        if figure is None:
            return {"success": False, "result": {"observed_value": None}}
        above = self.min_value is None or (figure > self.min_value if self.strict_min else figure >= self.min_value)
        below = self.max_value is None or (figure < self.max_value if self.strict_max else figure <= self.max_value)
        return {"success": (above and below) is not self.outside, "result": {"observed_value": figure}}


_BOUNDS = ("min_value", "max_value", "strict_min", "strict_max", "outside")


class ExpectMetricToBeBetween(_Bounded):
    """Expect a count of rows (null, missing, invalid or duplicate values, all), in rows or percent, to lie between two bounds."""

    metric: str
    column_list: list[str] = []  # noqa: RUF012 - a field of a model, which copies it
    unit: str = "rows"
    value_set: list[Any] | None = None
    regex: str | None = None
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.counted",)
    success_keys: ClassVar[tuple[str, ...]] = (*_MEASURED, *_BOUNDS)


class ExpectQueryToReturn(_Bounded):
    """Expect the figure of one reading query over the batch (`${table}`) to lie between two bounds."""

    query: str
    column_list: list[str] = []  # noqa: RUF012 - a field of a model, which copies it
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.queried",)
    success_keys: ClassVar[tuple[str, ...]] = ("query", "column_list", *_BOUNDS)


class NoPersonMetric(MulticolumnMapMetricProvider):
    """Whether no column of the row shows a resident id."""

    condition_metric_name = "multicolumn_values.no_resident_id"
    condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **kwargs: Any) -> pd.Series:
        return ~column_list.apply(lambda c: c.astype(str).str.contains(PERSON, regex=True) & c.notna()).any(axis=1)


class ExpectColumnsToShowNoResidentId(MulticolumnMapExpectation):
    """Expect that nowhere in the text columns stands a resident id."""

    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    map_metric: ClassVar[str] = "multicolumn_values.no_resident_id"
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "ignore_row_if", "mostly")
