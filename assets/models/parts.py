"""Work on many keys part by part: how many go together in the memory that DuckDB may take, and where their order is cut.

Parts are ranges of the key, since rows that stand in its order are then skipped by the file's own statistics.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from assets.lake import affected, literal, quote

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract

SAMPLE = 100_000
"""So many keys tell where to cut."""


def at_once(con: duckdb.DuckDBPyConnection, each: int) -> int:
    """How many things of `each` so many bytes go together in the memory that DuckDB may take."""
    return affected(con, "SELECT parse_formatted_bytes(current_setting('memory_limit'))::BIGINT") // each


def cut(con: duckdb.DuckDBPyConnection, contract: Contract, keyed: str, parts: int) -> Iterator[str]:
    """Conditions on the first column of a contract's key, in its order, that cut `keyed` (SQL of what bears the key) into about `parts`
    equal parts; rows without a key are in none of several."""
    key, kind = quote(contract.key[0]), contract.column(contract.key[0]).sql_type
    bounds: list[object] = []
    if parts > 1:
        sample = f"SELECT {key} FROM ({keyed}\n) WHERE {key} IS NOT NULL USING SAMPLE {SAMPLE} ROWS (reservoir, 1)"
        (found,) = con.execute(f"SELECT quantile_disc({key}, {[n / parts for n in range(1, parts)]}) FROM ({sample})").fetchone() or ((),)
        bounds = sorted(set(found or ()))
    told = [f"CAST({literal(str(b))} AS {kind})" for b in bounds]
    for low, high in zip((None, *told), (*told, None), strict=True):
        yield " AND ".join(([f"{key} >= {low}"] if low else []) + ([f"{key} < {high}"] if high else [])) or "TRUE"
