"""Rows put into a lake as if a department had handed them over and they were standardised. For the tests of several folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assets import evidence
from assets.lake import insert, quote
from assets.std import ensure_std

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract


def put(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    rows: Sequence[Mapping[str, Any]],
    *,
    batch: str,
    period: str = "202610",
    unit: str | None = None,
    received: datetime = datetime(2026, 11, 4),
) -> None:
    """`rows` are cells by column (and `_failed`), those that are not named empty; they are numbered from 1."""
    ensure_std(con, contract)
    names = [*(c.name for c in contract.columns), "_failed"]
    placed = [[*map(row.get, names), batch, number] for number, row in enumerate(rows, 1)]
    insert(con, f"std_batches.{quote(contract.name)} ({', '.join(map(quote, [*names, '_batch', '_row']))})", placed)
    told = {"batch": batch, "dataset": contract.name, "period": period, "unit": unit, "received_at": received}
    evidence.write(con, "batches", [{**told, "status": "standardised", "rows_std": len(rows), "rows_quarantine": 0}])
