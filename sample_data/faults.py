"""Faults as data, and how they are planted in a department's clean view: at most one in a row, each written into the truth.

Belongs here: what a fault is, choosing rows, changing cells, doubling rows. Not here: which faults a dataset has (its module).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sample_data.threads import over

Effect = Literal["flag", "quarantine", "repair", "reject", "refuse", "repeat", "none"]


class Cell:
    """The cell of a clean row that a fault is planted in: its `text`, its neighbours (`cell["sex"]`), and a random generator."""

    def __init__(self, columns: Mapping[str, pa.Array], position: int, column: str | None, rng: np.random.Generator) -> None:
        self._columns, self._position, self.column, self.rng = columns, position, column, rng

    @property
    def text(self) -> str:
        return self[self.column] if self.column else ""

    def __getitem__(self, name: str) -> str:
        return self._columns[name][self._position].as_py() or ""

    def one_of(self, *values: str) -> str:
        return values[int(self.rng.integers(len(values)))]

    def row(self) -> dict[str, str]:
        return {name: self[name] for name in self._columns}


Change = Mapping[str, str | None]
Spoil = str | tuple[str, ...] | Change | Callable[[Any], "str | Change"] | None
"""What becomes of a cell: this text, one of these texts, nothing, several cells at once, or what a function makes of it (of a
`Cell`; of the written record where the fault is one of the line)."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    `column` is the column it stands in (None: the whole record), `how` what becomes of it. With `double` the row stays and
    `how` says what a second copy of it has otherwise; with `line` it is the written record that is spoilt. `where` says which
    rows can have the fault (a mask over the view; by default those whose cell is filled). `typed` marks cells that the
    department's spreadsheet holds as numbers. `rate` is the share of rows, at least `least` rows.
    """

    kind: str
    column: str | None
    indicator: str
    effect: Effect
    rate: float
    how: Spoil
    where: Callable[[View], np.ndarray] | None = None
    double: bool = False
    line: bool = False
    typed: bool = False
    least: int = 2


@dataclass(frozen=True)
class View:
    """A department's rows: `columns` of texts under the contract's names, `key` what each row is about in the world.

    `group` says which hand-over a row goes into; rows of one group stand together. `facts` are masks that faults ask for.
    """

    columns: dict[str, pa.Array]
    key: np.ndarray
    group: np.ndarray
    facts: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.key)

    def holds(self, column: str) -> np.ndarray:
        return ~np.asarray(self.columns[column].is_null())

    def is_in(self, column: str, *values: str) -> np.ndarray:
        return pc.fill_null(pc.is_in(self.columns[column], pa.array(values)), False).to_numpy(zero_copy_only=False)

    def take(self, positions: np.ndarray) -> View:
        """These rows, without facts."""
        at = pa.array(positions)
        taken = dict(zip(self.columns, over(lambda values: values.take(at), self.columns.values()), strict=True))
        return View(taken, self.key[positions], self.group[positions])


@dataclass(frozen=True)
class Mark:
    """One planted fault: at this row of the spoilt view."""

    fault: Fault
    row: int
    spoilt: str | None
    clean: str | None


@dataclass(frozen=True)
class Spoilt:
    """A view as it is written, with its faults: doubles stand behind their originals.

    `places` gives each group's rows; `lines` what becomes of the written record at a row; `typed` the cells that are numbers.
    """

    view: View
    marks: list[Mark]
    lines: dict[int, Callable[[Any], Any]]
    typed: dict[str, np.ndarray]

    @property
    def places(self) -> dict[int, slice]:
        groups, starts = np.unique(self.view.group, return_index=True)
        ends = [*starts[1:].tolist(), self.view.rows]
        return {int(g): slice(int(s), e) for g, s, e in zip(groups, starts, ends, strict=True)}


Memory = dict[str, np.ndarray]
"""By kind of fault, the keys of the rows that had it last time."""


def plant(
    view: View, faults: Sequence[Fault], rng: np.random.Generator, *, here: np.ndarray | None = None, before: Memory | None = None
) -> Spoilt:
    """Plant the faults in the rows that are `here` (a mask; all by default), which alone come out.

    With `before`, two of three rows that had a fault last time have it again, and fewer new ones come.
    """
    here = np.ones(view.rows, dtype=bool) if here is None else here
    free = here.copy()
    again: dict[str, np.ndarray] = {}
    for fault in faults if before is not None else ():
        old = (before or {}).get(fault.kind, np.zeros(0, dtype=np.int64))
        rows = np.flatnonzero(free & np.isin(view.key, old[rng.random(len(old)) < 0.66]))
        rows = rows[possible(view, fault)[rows]]
        free[rows] = False
        again[fault.kind] = rows
    chosen: list[tuple[Fault, np.ndarray]] = []
    share = 1.0 if before is None else 0.4
    for fault in faults:
        candidates = np.flatnonzero(free & possible(view, fault))
        wanted = max(fault.least if before is None else 1, round(fault.rate * share * int(here.sum())))
        rows = np.sort(rng.choice(candidates, size=min(wanted, len(candidates)), replace=False)) if len(candidates) else candidates
        free[rows] = False
        chosen.append((fault, np.concatenate([again.get(fault.kind, rows[:0]), rows])))
    return _spoil(view, np.flatnonzero(here), chosen, rng)


def possible(view: View, fault: Fault) -> np.ndarray:
    """The rows that can have a fault."""
    if fault.where:
        return fault.where(view)
    return view.holds(fault.column) if fault.column else np.ones(view.rows, dtype=bool)


def _spoil(view: View, here: np.ndarray, chosen: list[tuple[Fault, np.ndarray]], rng: np.random.Generator) -> Spoilt:
    doubled = [rows for fault, rows in chosen if fault.double]
    source = np.concatenate([here, *doubled])
    order = np.argsort(source, kind="stable")
    base = source[order]
    first = np.searchsorted(base, np.arange(view.rows))
    cells: dict[str, dict[int, str | None]] = {}
    typed: dict[str, set[int]] = {}
    marks: list[Mark] = []
    lines: dict[int, Callable[[Any], Any]] = {}
    for fault, rows in chosen:
        for position, at in zip(rows.tolist(), first[rows].tolist(), strict=True):
            column = fault.column or ""
            if fault.line:
                assert callable(fault.how)
                lines[at] = fault.how
                marks.append(Mark(fault, at, None, None))
                continue
            cell = Cell(view.columns, position, fault.column, rng)
            clean = view.columns[column][position].as_py() if column else None
            changes = _changes(fault, cell)
            if fault.double:
                marks.append(Mark(fault, at, clean, clean))
                at += 1
            for name, value in changes.items():
                cells.setdefault(name, {})[at] = value
                if fault.typed:
                    typed.setdefault(name, set()).add(at)
            marks.append(Mark(fault, at, changes.get(column, clean), clean))
    whole = view.take(base)
    changed = over(lambda name: _changed(whole.columns[name], cells.get(name, {})), whole.columns)
    columns = dict(zip(whole.columns, changed, strict=True))
    masks = {name: np.isin(np.arange(len(base)), sorted(found)) for name, found in typed.items()}
    return Spoilt(View(columns, whole.key, whole.group), marks, lines, masks)


def _changes(fault: Fault, cell: Cell) -> Change:
    made = fault.how(cell) if callable(fault.how) else fault.how
    if isinstance(made, tuple):
        made = cell.one_of(*made)
    return made if isinstance(made, Mapping) else {fault.column or "": made}


def _changed(values: pa.Array, cells: Mapping[int, str | None]) -> pa.Array:
    if not cells:
        return values
    positions = sorted(cells)
    mask = np.zeros(len(values), dtype=bool)
    mask[positions] = True
    return pc.replace_with_mask(values, pa.array(mask), pa.array([cells[p] for p in positions], pa.string()))


def memory(spoilt: Spoilt) -> Memory:
    """What the next month remembers of these faults."""
    keys: dict[str, set[int]] = {}
    for mark in spoilt.marks:
        keys.setdefault(mark.fault.kind, set()).add(int(spoilt.view.key[mark.row]))
    return {kind: np.array(sorted(found)) for kind, found in keys.items()}
