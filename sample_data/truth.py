"""The truth: which row of which hand-over was spoilt, how, and what should have stood there.

Belongs here: collecting and writing it. Not here: comparing it with what the pipeline found (`pipelines.truth`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SCHEMA = {
    "dataset": "string", "source": "string", "period": "string", "unit": "string", "row": "int64", "column": "string",
    "kind": "string", "indicator": "string", "effect": "string", "spoilt": "string", "clean": "string",
}  # fmt: skip
"""`row` is `_row` as the reader counts it: physical line (CSV), sheet row, position in the ordered extract (table) or over the
pages of the day (API); NULL where the fault is one of the whole hand-over. `effect` says what is expected: a rule flags the
row, a blocking rule puts it into `quarantine`, standardising mends it (`repair`), the record is unreadable (`reject`), the
hand-over is refused (`refuse`) or known already (`repeat`), or `none`: no rule claims it yet."""


class Truth:
    """Rows of the truth, as the hand-overs are written."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, dataset: str, source: str, period: str, unit: str, kind: str, indicator: str, effect: str, *, row: int | None = None, column: str | None = None, spoilt: str | None = None, clean: str | None = None) -> None:
        self.rows.append(dict(zip(SCHEMA, (dataset, source, period, unit, row, column, kind, indicator, effect, spoilt, clean), strict=True)))

    def write(self, path: Path) -> None:
        """As Parquet, in the order of dataset, source and row."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = sorted(self.rows, key=lambda r: (r["dataset"], r["source"], r["row"] or 0, r["kind"]))
        fields = [pa.field(name, pa.type_for_alias(kind)) for name, kind in SCHEMA.items()]
        pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(fields)), path)
