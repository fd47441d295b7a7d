"""Forms of hand-overs as departments write them, chosen by the contract's server section as the readers are.

Belongs here: what a form gives (the cells it wants from SQL, a writer of one hand-over), names and headers. Not here: rows, faults.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sample_data.views import quoted

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from sample_data.declaration import Declaration, Drift, Fault, Moment

PART = 1_000_000_000
"""`_row` of a hand-over of several parts: the part's number (from 1) times this, and the row within the part."""
HOURS = 9
"""Whole days after a period's end a hand-over comes at this hour."""


@dataclass(frozen=True)
class Scene:
    """One hand-over that is to be written.

    `drift` is what is wrong with it as a whole, `words` helper columns of its first row, `faults` what the rows' `_fault` counts.
    """

    declaration: Declaration
    moment: Moment
    unit: str
    folder: Path
    drift: tuple[Drift, ...] = ()
    serial: int = 1
    name: str | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def text(self, template: str, **more: Any) -> str:
        """A text of the declaration with its places filled in."""
        ends = self.moment.ends
        known = {"unit": self.unit, "period": self.moment.name, "day": ends, "serial": f"{self.serial:02d}", "received": self.received}
        try:
            return template.format(**known, **self.words, **more)
        except (KeyError, IndexError, ValueError) as error:
            places = ", ".join(f"{{{n}}}" for n in (*known, *self.words, *more))
            raise self.declaration.error(("form",), f"{template!r}: no place {error}.", f"There are {places}.") from None

    @property
    def received(self) -> Any:
        days = self.declaration.form.received
        return self.moment.ends + timedelta(days=days, hours=HOURS if days == int(days) else 0, seconds=3600 * (self.serial - 1))

    @property
    def file(self) -> str:
        """The file's name."""
        return self.text(self.name or self.declaration.form.name or "")

    @property
    def path(self) -> Path:
        return self.folder / self.file

    @property
    def missing(self) -> set[str]:
        """Columns that this hand-over lacks."""
        return {d.column for d in self.drift if d.missing and d.column}

    @property
    def announced(self) -> int:
        """How many more rows than there are the hand-over announces."""
        return sum(d.announced for d in self.drift)

    def headers(self) -> list[str]:
        """The header of each column that is written, and of the extra ones."""
        words = {d.column: d.text for d in self.drift if d.column and d.text}
        return [words.get(name) or header for name, header in columns_of(self.declaration).items() if name not in self.missing]

    def keep_time(self, path: Path) -> None:
        """Let a file look received when it was, at any rate two hours ago."""
        stamp = min(self.received.timestamp(), time.time() - 7200 + 60 * self.serial)
        os.utime(path, (stamp, stamp))


def columns_of(declaration: Declaration) -> dict[str, str]:
    """Header by column as the contract has them, then the extra ones (by `+header`), without the one that a sheet's name fills."""
    contract = declaration.contract
    filled = contract.server.properties.get("sheetColumn")
    made = {c.name: c.header for c in contract.columns if c.name != filled}
    return made | {f"+{header}": header for header in declaration.form.extra}


class Cells:
    """What forms want that write a row cell by cell: each written column, as text."""

    def cells(self, declaration: Declaration) -> list[tuple[str, str]]:
        return [(f"c{at}", cell(declaration, name)) for at, name in enumerate(columns_of(declaration))]


def cell(declaration: Declaration, name: str) -> str:
    """A column that is written, as SQL over the rows."""
    return f"({declaration.form.extra[name[1:]]})::VARCHAR" if name.startswith("+") else quoted(name)


class Writer(Protocol):
    """Writes one hand-over, a batch of rows after the other."""

    def add(self, rows: pa.Table, parts: pa.Array | None) -> np.ndarray:
        """Write rows (of the form's `cells`, in the hand-over's order); gives `_row` of each. `parts`: which part each is in."""

    def close(self) -> list[Path]:
        """Finish; the files that were made."""


class Form(Protocol):
    """A form: which cells it wants, as (name, SQL over the rows), and a writer."""

    def cells(self, declaration: Declaration) -> list[tuple[str, str]]: ...

    def writer(self, scene: Scene) -> Writer: ...


def form_of(declaration: Declaration) -> Form:
    """The form that the contract's first server declares. Raises `DocumentError` for one that the sample cannot write."""
    server = declaration.contract.server
    return form_named(str(server.properties.get("format", "")) if server.type == "local" else server.type, declaration)


def form_named(kind: str, declaration: Declaration) -> Form:
    """The form of that name."""
    from sample_data.forms import lines

    match kind.lower():
        case "csv":
            return lines.Delimited()
        case "fixed":
            return lines.Fixed()
        case "xml":
            return lines.Xml()
        case "api":
            from sample_data.forms.kept import Records

            return Records()
        case "postgresql" | "postgres" | "mysql":
            from sample_data.forms.kept import Loaded

            return Loaded()
        case "xlsx":
            from sample_data.forms.workbook import Workbook

            return Workbook()
        case "xls":
            from sample_data.forms.old_workbook import OldWorkbook

            return OldWorkbook()
        case "zip":
            from sample_data.forms.archive import Archive

            return Archive()
        case _:
            raise declaration.error(
                (), f"the sample cannot write {kind!r}.", "Forms: csv, fixed, xlsx, xls, zip, xml, api, postgresql, mysql."
            )
