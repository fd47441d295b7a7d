"""Rules against a dataset's own history as Great Expectations classes (on pandas).

There is no lake to look the history up in: the figures of earlier batches are arguments (`history`), chosen by whoever holds them.
Too short a history is an error here, because Great Expectations knows no third outcome.
"""

# ruff: noqa: N805, ARG002, RUF012 - the signatures and fields are those that Great Expectations looks for

from __future__ import annotations

from statistics import median
from typing import Any, ClassVar

from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider


class NewestMetric(TableMetricProvider):
    """The newest value of a column."""

    metric_name = "table.newest"
    value_keys = ("column",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **kwargs: Any) -> Any:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type="table")
        return frame[metric_value_kwargs["column"]].max()


class SpreadMetric(TableMetricProvider):
    """The rows of each class of a column: each value, or the intervals that begin at `edges`."""

    metric_name = "table.spread"
    value_keys = ("column", "edges")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **kwargs: Any) -> dict[str, int]:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type="table")
        edges: list[float] = metric_value_kwargs.get("edges") or []
        column = frame[metric_value_kwargs["column"]]
        counted: dict[str, int] = {}
        for value, missing in zip(column, column.isna(), strict=True):
            name = "∅" if missing else class_of(value, edges)
            counted[name] = counted.get(name, 0) + 1
        return counted


def class_of(value: Any, edges: list[float]) -> str:
    """The name of a value's class."""
    if not edges:
        return str(value)
    return next((f"< {e:g}" for e in edges if value < e), f">= {edges[-1]:g}")


def _usual(history: list[float], least: int, times: float, share: float) -> tuple[float, float]:
    if len(history) < least:
        raise ValueError(f"only {len(history)} earlier batches to compare with, {least} are needed")
    middle = median(history)
    return middle, max(times * 1.4826 * median(abs(h - middle) for h in history), share * abs(middle))


class _AgainstHistory(BatchExpectation):
    batches: int = 12
    least_batches: int = 5
    season: str = "none"
    times: float = 4


class ExpectTableRowCountToFitHistory(_AgainstHistory):
    """Expect about as many rows as earlier batches had; `history` are their counts."""

    share: float = 0.2
    history: list[float] = []
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count",)
    success_keys: ClassVar[tuple[str, ...]] = ("history", "least_batches", "times", "share")

    def _validate(self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None) -> dict[str, Any]:
        middle, apart = _usual(self.history, self.least_batches, self.times, self.share)
        rows = metrics["table.row_count"]
        return {"success": abs(rows - middle) <= apart, "result": {"observed_value": rows}}


class ExpectTableRowCountToEqualAnnounced(BatchExpectation):
    """Expect as many rows as the source said it holds (`announced`); `rejected` of them could not be read as rows."""

    announced: int | None = None
    rejected: int = 0
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count",)
    success_keys: ClassVar[tuple[str, ...]] = ("announced", "rejected")

    def _validate(self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None) -> dict[str, Any]:
        if self.announced is None:
            raise ValueError("announced is needed: how many records the source says it holds")
        records = metrics["table.row_count"] + self.rejected
        return {"success": records == self.announced, "result": {"observed_value": records}}


class ExpectColumnToBeFresh(_AgainstHistory):
    """Expect the newest value no older than usual; `history` are earlier ages and `received` the time of receipt (seconds since 1970)."""

    column: str
    max_age: str | None = None
    received: float | None = None
    history: list[float] = []
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.newest",)
    success_keys: ClassVar[tuple[str, ...]] = ("column", "max_age", "received", "history", "least_batches", "times")

    def _validate(self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None) -> dict[str, Any]:
        import pandas as pd

        if self.received is None:
            raise ValueError("received is needed: when the batch was received")
        newest = pd.Timestamp(metrics["table.newest"])
        age = self.received - (newest - pd.Timestamp(0)).total_seconds()
        if self.max_age is not None:
            count, unit = int(self.max_age.rstrip("mindh")), self.max_age.lstrip("0123456789")
            return {"success": age <= count * {"min": 60, "h": 3600, "d": 86400}[unit], "result": {"observed_value": str(newest)}}
        middle, apart = _usual(self.history, self.least_batches, self.times, 0.5)
        return {"success": age <= middle + apart, "result": {"observed_value": str(newest)}}


class ExpectTableColumnsToFitHistory(BatchExpectation):
    """Expect the columns of the batch before; `history` names them."""

    history: list[str] = []
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.columns",)
    success_keys: ClassVar[tuple[str, ...]] = ("history",)

    def _validate(self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None) -> dict[str, Any]:
        if not self.history:
            raise ValueError("history is needed: the columns of the batch before")
        there = [str(c) for c in metrics["table.columns"]]
        return {"success": set(there) == set(self.history), "result": {"observed_value": sorted(there)}}


class ExpectColumnDistributionToFitHistory(BatchExpectation):
    """Expect the classes of a column to have about their earlier shares; `history` gives their rows in earlier batches together."""

    column: str
    edges: list[float] = []
    max_distance: float = 0.1
    batches: int = 12
    least_batches: int = 3
    least_rows: int = 100
    history: dict[str, int] = {}
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.spread",)
    success_keys: ClassVar[tuple[str, ...]] = ("column", "edges", "max_distance", "least_rows", "history")

    def _validate(self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None) -> dict[str, Any]:
        now: dict[str, int] = metrics["table.spread"]
        rows, past = sum(now.values()), sum(self.history.values())
        if min(rows, past) < self.least_rows:
            raise ValueError(f"fewer than {self.least_rows} rows to compare")
        distance = sum(abs(now.get(c, 0) / rows - self.history.get(c, 0) / past) for c in now.keys() | self.history.keys()) / 2
        return {"success": round(distance, 4) <= self.max_distance, "result": {"observed_value": round(distance, 4)}}
