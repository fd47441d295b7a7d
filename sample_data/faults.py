"""Faults as data, and how they are planted in a department's clean view: at most one in a row, each written into the truth.

Belongs here: what a fault is, choosing rows, changing cells, doubling rows. Not here: which faults a dataset has (its module).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa

Effect = Literal["flag", "quarantine", "repair", "reject", "refuse", "repeat", "none"]
Row = Mapping[str, str | None]
Spoil = Callable[[Any, np.random.Generator], Any]


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    `column` is the column it stands in (None: the whole record). `how` gives, from the clean row, the spoilt cell, or a
    mapping of several cells; with `double` it gives what a second copy of the row has otherwise; with `line` it gets the
    written record and gives the spoilt one. `where` says which rows can have it (a mask over the view; by default those whose
    cell is filled). `typed` marks cells that the department's spreadsheet holds as numbers. `rate` is the share of rows, at least `least` rows.
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
        import pyarrow.compute as pc

        return pc.fill_null(pc.is_in(self.columns[column], pa.array(values)), False).to_numpy(zero_copy_only=False)

    def row(self, position: int) -> Row:
        return _Row(self.columns, position)

    def take(self, positions: np.ndarray) -> View:
        """These rows, without facts."""
        at = pa.array(positions)
        return View({n: v.take(at) for n, v in self.columns.items()}, self.key[positions], self.group[positions])


class _Row(Mapping[str, "str | None"]):
    """One row of a view; a cell is read when it is asked for."""

    def __init__(self, columns: dict[str, pa.Array], position: int) -> None:
        self._columns, self._position = columns, position

    def __getitem__(self, name: str) -> str | None:
        text: str | None = self._columns[name][self._position].as_py()
        return text

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


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
    lines: dict[int, Callable[[str], str]]
    typed: dict[str, np.ndarray]

    @property
    def places(self) -> dict[int, slice]:
        groups, starts = np.unique(self.view.group, return_index=True)
        ends = [*starts[1:].tolist(), self.view.rows]
        return {int(g): slice(int(s), e) for g, s, e in zip(groups, starts, ends, strict=True)}


Memory = dict[str, np.ndarray]
"""By kind of fault, the keys of the rows that had it last time."""


def plant(view: View, faults: Sequence[Fault], rng: np.random.Generator, *, here: np.ndarray | None = None, before: Memory | None = None) -> Spoilt:
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
    lines: dict[int, Callable[[str], str]] = {}
    for fault, rows in chosen:
        for position, at in zip(rows.tolist(), first[rows].tolist(), strict=True):
            column = fault.column or ""
            if fault.line:
                lines[at] = _bound(fault.how, rng.spawn(1)[0])
                marks.append(Mark(fault, at, None, None))
                continue
            row = view.row(position)
            made = fault.how(row, rng)
            changes = made if isinstance(made, dict) else {column: made}
            if fault.double:
                marks.append(Mark(fault, at, row.get(column), row.get(column)))
                at += 1
            for name, value in changes.items():
                cells.setdefault(name, {})[at] = value
                if fault.typed:
                    typed.setdefault(name, set()).add(at)
            marks.append(Mark(fault, at, changes.get(column, row.get(column)), row.get(column)))
    whole = view.take(base)
    columns = {name: _changed(values, cells.get(name, {})) for name, values in whole.columns.items()}
    masks = {name: np.isin(np.arange(len(base)), sorted(found)) for name, found in typed.items()}
    return Spoilt(View(columns, whole.key, whole.group), marks, lines, masks)


def _bound(how: Spoil, rng: np.random.Generator) -> Callable[[str], str]:
    return lambda text: how(text, rng)


def _changed(values: pa.Array, cells: Mapping[int, str | None]) -> pa.Array:
    if not cells:
        return values
    import pyarrow.compute as pc

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
