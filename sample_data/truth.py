"""The truth: which row of which hand-over was spoilt, how, and what should have stood there.

Belongs here: collecting and writing it. Not here: comparing it with what the pipeline found (`pipelines.truth`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sample_data.faults import Mark

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
        values = dataset, source, period, unit, row, column, kind, indicator, effect, spoilt, clean
        self.rows.append(dict(zip(SCHEMA, values, strict=True)))

    def add_marks(self, dataset: str, marks: Iterable[Mark], place: Callable[[int], tuple[str, str, str, int]]) -> None:
        """Faults planted in rows; `place` gives source, period, unit and `_row` of a row of the view."""
        for mark in marks:
            source, period, unit, row = place(mark.row)
            fault = mark.fault
            self.add(
                dataset,
                source,
                period,
                unit,
                fault.kind,
                fault.indicator,
                fault.effect,
                row=row,
                column=fault.column,
                spoilt=mark.spoilt,
                clean=mark.clean,
            )

    def write(self, path: Path) -> None:
        """As Parquet, in the order of dataset, source and row."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = sorted(self.rows, key=lambda r: (r["dataset"], r["source"], r["row"] or 0, r["kind"]))
        fields = [pa.field(name, pa.type_for_alias(kind)) for name, kind in SCHEMA.items()]
        pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(fields)), path)
