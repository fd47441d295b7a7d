"""Work on many keys part by part: how many go together in the memory that DuckDB may take, where their order is cut, and smaller parts
where they do not fit.

Parts are ranges of the key, since rows that stand in its order are then skipped by the file's own statistics.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from assets.lake import affected, let_go, literal, memory_of, quote

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract

log = logging.getLogger(__name__)
Made = TypeVar("Made")

SAMPLE = 100_000
"""So many keys tell where to cut."""
FINER = (1, 2, 4, 8)
"""Parts that do not fit into the memory are made anew, so many times as many."""


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


def until_it_fits(con: duckdb.DuckDBPyConnection, name: str, make: Callable[[int], Made]) -> Made:
    """What `make(1)` gives; where it ran out of memory, having undone what it did, what it gives with so many times as many parts.

    Raises `duckdb.OutOfMemoryException` where it does not fit in 8 times as many either.
    """
    import duckdb

    for finer in FINER[:-1]:
        try:
            return make(finer)
        except duckdb.OutOfMemoryException:
            log.warning("%s does not fit into the memory and is made anew, in parts half as large.", name)
            let_go(con, memory_of(con))
    return make(FINER[-1])
