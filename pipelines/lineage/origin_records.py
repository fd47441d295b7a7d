"""What is known of where a record came from, as plain values; `pipelines.lineage.origin` finds it out.

Belongs here: the shape, and the record as JSON. Not here: reading the lake, showing (`pipelines.lineage.origin_view`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Failed:
    """A rule that a handed-over row breaks."""

    rule: str
    title_zh: str
    title_en: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class HandedOver:
    """One row as a department handed it over; `row` is the physical line, sheet row or position in `file`."""

    dataset: str
    title: str
    department: str
    department_en: str
    batch: str
    unit: str
    period: str
    file: str
    row: int
    received_at: str | None
    failed: tuple[Failed, ...] = ()


@dataclass(frozen=True)
class Said:
    """What one handed-over row says of one attribute: `text` as it came, `repair` what was done to it (None: nothing), and the
    standard `value` that it became (None: there is none, or the text is no value of the column's type)."""

    row: HandedOver
    column: str
    text: str | None
    repair: str | None
    value: str | None = None

    @property
    def failed(self) -> tuple[Failed, ...]:
        return tuple(f for f in self.row.failed if self.column in f.columns)


@dataclass(frozen=True)
class Inputs:
    """Many rows of one batch that a row was calculated from."""

    dataset: str
    department: str
    department_en: str
    batch: str
    period: str
    file: str
    rows: int
    first_row: int
    last_row: int


@dataclass(frozen=True)
class Attribute:
    """One attribute: the value that stands, who said it, what others said, and the columns that it is made from.

    `overruled`: those of the others who say something else than what stands, by their values in full."""

    name: str
    title: str
    value: str | None
    said: Said | None = None
    others: tuple[Said, ...] = ()
    made_from: tuple[str, ...] = ()
    overruled: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Origin:
    """The origin of one record. Values are masked by classification unless asked for otherwise.

    `inputs` stands where the record was calculated from many rows; `note` says what the reader should know besides.
    """

    table: str
    title: str
    key: Mapping[str, str | None]
    attributes: tuple[Attribute, ...]
    inputs: tuple[Inputs, ...] = ()
    note: str | None = None

    @property
    def rows(self) -> tuple[HandedOver, ...]:
        """Every handed-over row that says something of the record, once each."""
        said = (s for a in self.attributes for s in (a.said, *a.others) if s)
        return tuple(dict.fromkeys(s.row for s in said))

    def as_json(self) -> dict[str, Any]:
        """Plain objects; handed-over rows once, attributes refer to them by position."""
        from dataclasses import asdict

        rows = self.rows

        def said(one: Said) -> dict[str, Any]:
            return {
                "row": rows.index(one.row),
                "column": one.column,
                "text": one.text,
                "repair": one.repair,
                "value": one.value,
                "failed": [f.rule for f in one.failed],
            }

        return {
            "table": self.table,
            "title": self.title,
            "key": dict(self.key),
            "rows": [asdict(r) for r in rows],
            "attributes": [
                {
                    "name": a.name,
                    "title": a.title,
                    "value": a.value,
                    "said": said(a.said) if a.said else None,
                    "others": [said(o) | {"overruled": o in a.overruled} for o in a.others],
                    "made_from": list(a.made_from),
                }
                for a in self.attributes
            ],
            "inputs": [asdict(i) for i in self.inputs],
            "note": self.note,
        }

    def render(self, console: Console) -> None:
        from pipelines.lineage.origin_view import render

        render(self, console)
