"""Rows of `evidence.batches` and `evidence.rejects`, and the account that each batch must give.

Belongs here: writing and reading those rows, batch ids, the equations of the account. Not here: reading hand-overs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assets.contracts import Contract
from assets.evidence import TABLES
from assets.lake import is_there, quote
from assets.readers import Handover, Reject

if TYPE_CHECKING:
    import duckdb

COLUMNS = tuple(name for name, _, _ in TABLES["batches"])


@dataclass(frozen=True)
class Account:
    """What a batch says of itself beside what is there."""

    batch: str
    lines: int
    lines_other: int
    records: int
    rows_raw: int
    rows_rejected: int
    found_raw: int
    found_rejects: int

    @property
    def differences(self) -> list[str]:
        """The equations that do not hold, in words; empty where every line and record is accounted for."""
        said = []
        if self.records != self.rows_raw + self.rows_rejected:
            said.append(f"{self.records} records in the source, but {self.rows_raw} rows in raw + {self.rows_rejected} rejects")
        if self.lines != self.records + self.lines_other:
            said.append(f"{self.lines} lines in the source, but {self.records} records + {self.lines_other} other lines")
        if self.found_raw != self.rows_raw:
            said.append(f"{self.rows_raw} rows were written to raw, {self.found_raw} are there")
        if self.found_rejects != self.rows_rejected:
            said.append(f"{self.rows_rejected} rejects were written, {self.found_rejects} are there")
        return said


def accounts(con: duckdb.DuckDBPyConnection, contract: Contract, batches: Iterable[str] | None = None) -> list[Account]:
    """The account of each collected batch of the dataset (of those named), counted anew from raw and rejects."""
    raw = f"raw.{contract.name}"
    counted = (
        f"SELECT _batch AS batch, count(*) AS n FROM {quote(raw)} GROUP BY 1"
        if is_there(con, raw)
        else "SELECT NULL::VARCHAR AS batch, 0 AS n LIMIT 0"
    )
    wanted = list(batches) if batches is not None else None
    rows = con.execute(
        f"""
        SELECT b.batch, b.lines, b.lines_other, b.records, b.rows_raw, b.rows_rejected, coalesce(r.n, 0), coalesce(x.n, 0)
        FROM evidence.batches b
        LEFT JOIN ({counted}) r USING (batch)
        LEFT JOIN (SELECT batch, count(*) AS n FROM evidence.rejects GROUP BY 1) x USING (batch)
        WHERE b.dataset = ? AND b.status IN ('collected', 'standardised') AND (?::VARCHAR[] IS NULL OR list_contains(?::VARCHAR[], b.batch))
        ORDER BY b.batch
        """,
        [contract.name, wanted, wanted],
    ).fetchall()
    return [Account(*row) for row in rows]


def batch_id(handover: Handover, digest: str) -> str:
    """`<dataset>-<period>[-<unit>]-<first 8 of the digest>`, of letters, digits, - and _ only."""
    parts = (handover.dataset, handover.period or "noperiod", handover.unit, digest[:8])
    return "-".join(re.sub(r"[^\w.-]", "_", part) for part in parts if part)


def batch_row(contract: Contract, handover: Handover, run_id: str, **values: Any) -> dict[str, Any]:
    """One row of `evidence.batches`; what is not given is NULL."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row.update(
        dataset=contract.name,
        department=contract.group,
        unit=handover.unit or "",
        period=handover.period,
        partition_key=handover.partition_key,
        source=handover.source,
        received_at=handover.received_at,
        collected_at=datetime.now(),
        run_id=run_id,
    )
    unknown = set(values) - set(row)
    assert not unknown, unknown
    row.update(values)
    return row


def write_batches(con: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], *, fetched: bool = False) -> None:
    """Append rows; a row of the same batch that was refused before gives way.

    `fetched`: the hand-overs were fetched, so source and period alone say which is which; a refused one gives way to
    what came instead. Files are told apart by content: a refused one stays in the evidence beside the mended one.
    """
    if not rows:
        return
    if fetched:
        con.execute(
            "DELETE FROM evidence.batches WHERE status = 'refused' AND dataset = ? "
            "AND list_contains(?::VARCHAR[], source || ' ' || period)",
            [rows[0]["dataset"], [f"{r['source']} {r['period']}" for r in rows]],
        )
    con.execute(
        "DELETE FROM evidence.batches WHERE status = 'refused' AND list_contains(?::VARCHAR[], batch)", [[r["batch"] for r in rows]]
    )
    marks = ", ".join("?" for _ in COLUMNS)
    values = ", ".join(f"({marks})" for _ in rows)
    con.execute(
        f"INSERT INTO evidence.batches ({', '.join(quote(c) for c in COLUMNS)}) VALUES {values}", [r[c] for r in rows for c in COLUMNS]
    )


def write_rejects(con: duckdb.DuckDBPyConnection, contract: Contract, batch: str, rejects: list[Reject]) -> None:
    for start in range(0, len(rejects), 10_000):
        some = rejects[start : start + 10_000]
        con.execute(
            'INSERT INTO evidence.rejects (batch, dataset, "row", lines, text, reason) '
            "SELECT ?, ?, unnest(?::BIGINT[]), unnest(?::BIGINT[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
            [batch, contract.name, [r.row for r in some], [r.lines for r in some], [r.text for r in some], [r.reason for r in some]],
        )


def known_batches(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[Mapping[str, Any]]:
    """Every batch of the dataset that the evidence knows, oldest first."""
    names = ("batch", "unit", "period", "source", "digest", "rows_raw", "received_at", "status", "reason", "watermark")
    rows = con.execute(
        f"SELECT {', '.join(names)} FROM evidence.batches WHERE dataset = ? ORDER BY period, received_at, batch", [contract.name]
    ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]
