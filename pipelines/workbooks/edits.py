"""Values that were changed in a workbook: which cells, told masked. They are never taken over.

Belongs here: holding a changed row against what was handed over. Not here: finding that a row was changed (its digest, `identity`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.lake import columns_of, quote
from assets.masking import mask
from pipelines.workbooks.identity import plain

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Column, Contract
    from pipelines.workbooks.identity import Sent
    from pipelines.workbooks.receipts import Reading

LOOKED_AT = 2_000
"""Changed rows of a sheet that are looked at cell by cell; of the others it is said that they were changed."""


@dataclass(frozen=True)
class Changed:
    """A row whose values are not those that were sent: `cells` by column, with their addresses."""

    sent: Sent
    line: int
    cells: Mapping[str, tuple[str, Any]]


def tell(reading: Reading, lake: duckdb.DuckDBPyConnection, sheet: str, contract: Contract | None, rows: Sequence[Changed]) -> None:
    """Note every changed cell of `rows`; where what was handed over cannot be had, the rows."""
    of = {column.name: column for column in contract.columns} if contract else {}
    before = _handed_over(lake, contract, rows[:LOOKED_AT]) if contract else {}
    for row in rows:
        was = before.get((row.sent.batch, row.sent.row))
        found = 0
        for name, (address, value) in row.cells.items() if was is not None else ():
            if was is not None and name in of and plain(value) != plain(was.get(name)):
                found += 1
                old, new = _masked(plain(was.get(name)), of[name]), _masked(plain(value), of[name])
                reading.note(
                    "edited",
                    f"{of[name].title}：{old} 改成了 {new}。请在源系统更正；此处所改不采用。",
                    f"{of[name].header}: {old} became {new}. Mend it at the source: values changed here are not taken over.",
                    sheet,
                    address,
                )
        if not found:
            reading.note(
                "edited",
                f"第 {row.line} 行的值被改。请在源系统更正；此处所改不采用。",
                f"Values of row {row.line} were changed. Mend them at the source: they are not taken over.",
                sheet,
                f"A{row.line}",
            )


def _masked(text: str, column: Column) -> str:
    shown = mask(text, column.classification) or ""
    return f"“{shown[:60]}”" if shown else "（空 empty）"


def _handed_over(lake: duckdb.DuckDBPyConnection, contract: Contract, rows: Sequence[Changed]) -> dict[tuple[str, int], dict[str, Any]]:
    there = columns_of(lake, f"raw.{contract.name}")
    names = [c.name for c in contract.columns if c.name in (there or {})]
    if not names:
        return {}
    wanted = [{"b": row.sent.batch, "r": row.sent.row} for row in rows]
    found = lake.execute(
        f"""
        SELECT r._batch, r._row, {", ".join(f"r.{quote(n)}" for n in names)}
        FROM raw.{quote(contract.name)} r JOIN (SELECT unnest(?::STRUCT(b VARCHAR, r BIGINT)[], recursive := true)) w
            ON r._batch = w.b AND r._row = w.r""",
        [wanted],
    ).fetchall()
    return {(batch, row): dict(zip(names, values, strict=True)) for batch, row, *values in found}
