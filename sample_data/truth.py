"""The truth: which row of which hand-over was spoilt, how, and what should have stood there.

Belongs here: collecting and writing it. Not here: comparing it with what the pipeline found (`pipelines.truth`).
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SCHEMA = {
    "dataset": "string", "source": "string", "period": "string", "unit": "string", "row": "int64", "column": "string",
    "kind": "string", "indicator": "string", "effect": "string", "spoilt": "string", "clean": "string",
}  # fmt: skip
"""`row` is `_row` as the reader counts it: physical line (CSV), sheet row, position in the ordered extract (table) or over the
pages of the day (API); NULL where the fault is one of the whole hand-over. `effect` says what is expected: a rule flags the
row, a blocking rule puts it into `quarantine`, standardising mends it (`repair`), the record is unreadable (`reject`), the
hand-over is refused (`refuse`) or known already (`repeat`), a check of departments against each other tells it (`cross`) or must
leave it in peace, since its days of grace are not over (`graced`), or `none`: no rule claims it yet."""
_TYPES = {"string": "VARCHAR", "int64": "BIGINT"}


class Truth:
    """Rows of the truth, as the hand-overs are written, in a table of the sample's database: tens of millions fit. Any thread.

    Without a connection they are held in memory.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection | None = None) -> None:
        import duckdb

        self._con, self._lock = (con or duckdb.connect()).cursor(), Lock()
        self._con.execute("CREATE SCHEMA IF NOT EXISTS seen")
        columns = ", ".join(f'"{name}" {_TYPES[kind]}' for name, kind in SCHEMA.items())
        self._con.execute(f"CREATE OR REPLACE TABLE seen.truth ({columns})")

    def add(
        self,
        dataset: str,
        source: str,
        period: str,
        unit: str,
        kind: str,
        indicator: str,
        effect: str,
        *,
        row: int | None = None,
        column: str | None = None,
        spoilt: str | None = None,
        clean: str | None = None,
    ) -> None:
        """One fault; the columns are those of `SCHEMA`."""
        values = [dataset, source, period, unit, row, column, kind, indicator, effect, spoilt, clean]
        with self._lock:
            self._con.execute(f"INSERT INTO seen.truth VALUES ({', '.join('?' * len(values))})", values)

    def add_rows(self, rows: pa.Table) -> None:
        """Many faults; `rows` has the columns of `SCHEMA`."""
        with self._lock:
            self._con.register("told_rows", rows)
            self._con.execute("INSERT INTO seen.truth BY NAME SELECT * FROM told_rows")
            self._con.unregister("told_rows")

    @property
    def count(self) -> int:
        row: Any = self._con.execute("SELECT count(*) FROM seen.truth").fetchone()
        return int(row[0])

    def write(self, path: Path) -> None:
        """As Parquet, in the order of dataset, source and row."""
        order = "dataset, source, coalesce(row, 0), kind, period, unit, spoilt, clean"
        target = str(path).replace("'", "''")
        with self._lock:
            self._con.execute(f"COPY (SELECT * FROM seen.truth ORDER BY {order}) TO '{target}' (FORMAT parquet)")
