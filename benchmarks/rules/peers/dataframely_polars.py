"""dataframely: a schema with a rule each; `filter` gives the good rows and a `FailureInfo` with counts and rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def prepare(file: Path, told: dict[str, Any]) -> Callable[[], dict[str, int]]:
    import dataframely as dy

    from benchmarks.rules.peers.expressions import frame, holds

    def rule_of(rule: dict[str, Any]) -> Any:
        def kept(_: type[dy.Schema]) -> Any:
            return holds(rule, told)

        return dy.rule()(kept)

    dates, times = ("birth_date", "death_date"), ("updated_at",)
    columns: dict[str, Any] = {
        c: dy.Date(nullable=True) if c in dates else dy.Datetime(nullable=True) if c in times else dy.String(nullable=True)
        for c in told["columns"]
    }
    schema = type("Register", (dy.Schema,), columns | {r["id"]: rule_of(r) for r in told["rules"]})

    def judge() -> dict[str, int]:
        _, failed = schema.filter(frame(file, told).collect())
        return {r["id"]: failed.counts().get(r["id"], 0) for r in told["rules"]}

    return judge
