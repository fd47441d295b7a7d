"""pointblank on polars: its own steps where it has them, `col_vals_expr` for the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any


def prepare(file: Path, told: dict[str, Any]) -> Callable[[], dict[str, int]]:
    import pointblank as pb

    from benchmarks.rules.peers.expressions import frame, holds

    def step(plan: Any, rule: dict[str, Any]) -> Any:
        column = rule.get("column")
        match rule["type"].removeprefix("expect_column_values_to_"):
            case "not_be_null":
                return plan.col_vals_not_null(column)
            case "match_regex":
                return plan.col_vals_regex(column, pattern=rule["regex"], na_pass=True)
            case "be_between":
                low, high = (datetime.fromisoformat(rule[bound]) for bound in ("min_value", "max_value"))
                return plan.col_vals_between(column, low, high, na_pass=True)
        return plan.col_vals_expr(expr=holds(rule, told))

    def judge() -> dict[str, int]:
        plan = pb.Validate(frame(file, told).collect())
        for rule in told["rules"]:
            plan = step(plan, rule)
        failed = plan.interrogate().n_failed()
        return {rule["id"]: failed[i] for i, rule in enumerate(told["rules"], 1)}

    return judge
