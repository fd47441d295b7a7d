"""pandera on polars: each rule a check of the whole frame, lazily validated; the failing rows come out as failure cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def prepare(file: Path, told: dict[str, Any]) -> Callable[[], dict[str, int]]:
    import pandera.errors
    import pandera.polars as pa

    from benchmarks.rules.peers.expressions import frame, holds

    def check(rule: dict[str, Any]) -> Any:
        return pa.Check(lambda data: data.lazyframe.select(holds(rule, told)), name=rule["id"])

    schema = pa.DataFrameSchema(checks=[check(rule) for rule in told["rules"]])

    def judge() -> dict[str, int]:
        counts = dict.fromkeys((r["id"] for r in told["rules"]), 0)
        try:
            schema.validate(frame(file, told).collect(), lazy=True)
        except pandera.errors.SchemaErrors as errors:
            found = errors.failure_cases.group_by("check").len()
            counts |= dict(zip(found["check"].to_list(), found["len"].to_list(), strict=True))
        return counts

    return judge
