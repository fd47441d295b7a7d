"""duckguard on DuckDB: its own checks for presence, sets and patterns, a counting query for the rest; one or two queries a rule.

Its uniqueness counts copies beyond the first, and a missing value as one: other figures than the others'.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def prepare(file: Path, told: dict[str, Any]) -> Callable[[], dict[str, int]]:
    import duckguard

    from benchmarks.rules.by_hand import halves, keys, unexpected

    def count(data: Any, rule: dict[str, Any]) -> int:
        column = data[rule["column"]] if "column" in rule else None
        match rule["type"].removeprefix("expect_column_values_to_"):
            case "not_be_null":
                return int(column.null_count)
            case "be_in_set":
                return int(column.isin(rule["value_set"]).actual_value)
            case "be_division":
                return int(column.isin(told["counties"]).actual_value)
            case "match_regex":
                return int(column.matches(rule["regex"]).actual_value)
            case "be_unique":
                return int(column.has_no_duplicates().actual_value)
        predicate = unexpected(rule, told)
        if predicate is None:
            return int(data.expect_columns_unique(keys(rule)).details["duplicate_combinations"])
        rows = halves(f"'{file}'") if "id_high" in predicate else f"'{file}'"
        found = data.expect_query_result_to_equal(f"SELECT count(*) FROM {rows} WHERE {predicate}", 0)
        if "error" in found.details:
            raise ValueError(f"{rule['id']}: {found.message}")
        return int(found.actual_value)

    def judge() -> dict[str, int]:
        data = duckguard.connect(str(file))
        return {rule["id"]: count(data, rule) for rule in told["rules"]}

    return judge
