"""Soda Core 4 on DuckDB: one contract over the rows as a view; missing, invalid and duplicate checks, failed rows by expression.

Its duplicate check counts the values beyond the first of each: another figure than the others'.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

FIGURES = ("missing_count", "invalid_count", "duplicate_count", "failed_rows_count")


def contract(told: dict[str, Any]) -> str:
    """The rules as a Soda contract."""
    import json

    from benchmarks.rules.by_hand import keys, unexpected

    columns: dict[str, list[dict[str, Any]]] = {c: [] for c in (*told["columns"], "id_high", "id_low")}
    whole: list[dict[str, Any]] = []
    for rule in told["rules"]:
        named = {"name": rule["id"], "qualifier": rule["id"]}
        match rule["type"].removeprefix("expect_column_values_to_"):
            case "not_be_null":
                columns[rule["column"]].append({"missing": named})
            case "be_in_set":
                columns[rule["column"]].append({"invalid": named | {"valid_values": rule["value_set"]}})
            case "not_be_in_set":
                columns[rule["column"]].append({"invalid": named | {"invalid_values": rule["value_set"]}})
            case "be_division":
                columns[rule["column"]].append({"invalid": named | {"valid_values": told["counties"]}})
            case "match_regex":
                form = {"regex": rule["regex"], "name": rule["id"]}
                columns[rule["column"]].append({"invalid": named | {"valid_format": form}})
            case "not_match_regex":
                form = {"regex": rule["regex"], "name": rule["id"]}
                columns[rule["column"]].append({"invalid": named | {"invalid_format": form}})
            case "be_unique":
                columns[rule["column"]].append({"duplicate": named})
            case _:
                predicate = unexpected(rule, told)
                whole.append(
                    {"duplicate": named | {"columns": keys(rule)}}
                    if predicate is None
                    else {"failed_rows": named | {"expression": predicate}}
                )
    listed = [{"name": c, "checks": checks} if checks else {"name": c} for c, checks in columns.items()]
    return json.dumps({"dataset": "bench/main/register", "columns": listed, "checks": whole}, ensure_ascii=False)


def prepare(file: Path, told: dict[str, Any]) -> Callable[[], dict[str, int]]:
    import os

    os.environ["SODA_CORE_TELEMETRY_ENABLED"] = "false"
    import duckdb
    from soda_core.common.yaml import ContractYamlSource
    from soda_core.contracts.contract_verification import ContractVerificationSession
    from soda_duckdb.common.data_sources.duckdb_data_source import DuckDBDataSourceImpl

    from benchmarks.rules.by_hand import halves

    text = contract(told)

    def judge() -> dict[str, int]:
        con = duckdb.connect()
        rows = halves(f"read_parquet('{file}')")
        con.execute(f"CREATE VIEW register AS SELECT * FROM {rows}")
        result = ContractVerificationSession.execute(
            contract_yaml_sources=[ContractYamlSource.from_str(text)],
            data_source_impls=[DuckDBDataSourceImpl.from_existing_cursor(con, "bench")],
            soda_cloud_publish_results=False,
        )
        counts: dict[str, int] = {}
        for one in result.contract_verification_results[0].check_results:
            found = [v for k, v in (one.diagnostic_metric_values or {}).items() if k in FIGURES]
            if not found:
                raise ValueError(f"{one.check.name}: no figure in {one.diagnostic_metric_values}; {result.get_errors_str()}")
            counts[one.check.name] = int(found[0])
        return counts

    return judge
