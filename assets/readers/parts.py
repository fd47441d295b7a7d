"""Hand-overs of several parts: the sheets of a workbook, the members of an archive.

Belongs here: how rows of several parts are numbered, and laying parts one below another. Not here: reading a part.

`_row` of a hand-over of several parts is the number of the part (from 1) times `PART`, and the row within it: unique,
in the order in which the parts stand, and readable: 3000000017 is row 17 of the third part. `evidence.batches.parts`
holds the names of the parts in that order, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from assets.contracts import Contract
from assets.headers import fold, map_header, names
from assets.readers import Extract, RefusedError

PART = 10**9


def place(row: int, parts: str | Sequence[str] | None = None) -> str:
    """Where `_row` is, for people: `row 17`, or `沈河区, row 17` with the names that `evidence.batches.parts` holds."""
    named = parts if parts is None or isinstance(parts, str) else json.dumps(list(parts))
    source, within = placed("", row, named)
    return f"{source.removeprefix(' · ')}, row {within}" if source else f"row {within}"


def placed(source: str, row: int, parts: str | None) -> tuple[str, int]:
    """Source and row as people look for them: the source with the part's name, and the row within the part."""
    number, within = divmod(row, PART)
    if not number:
        return source, within
    listed = json.loads(parts) if parts else []
    return f"{source} · {listed[number - 1] if number <= len(listed) else f'part {number}'}", within


def placed_sql(source: str, row: str, parts: str) -> tuple[str, str]:
    """`placed`, as SQL of three SQL expressions."""
    number = f"({row} // {PART})"
    name = f"coalesce(json_extract_string({parts}, '$[' || ({number} - 1) || ']'), 'part ' || {number})"
    return f"CASE WHEN {row} < {PART} THEN {source} ELSE {source} || ' · ' || {name} END", f"{row} % {PART}"


def combine(parts: Sequence[tuple[str, Extract]], contract: Contract, where: str, period: str | None) -> Extract:
    """One extract of the rows of all parts; columns are brought together by the names that the contract knows.

    Every part must hold the needed columns: raises `RefusedError` that names the part. The whole's digest, bytes and scratch
    folder are the caller's.
    """
    known = names(contract, period)
    header: dict[str, str] = {}
    placed: list[dict[str, int]] = []
    for name, part in parts:
        map_header(contract, part.header, f"{where}, {name}, header", period)
        at: dict[str, int] = {}
        for position, label in enumerate(part.header):
            column = known.get(fold(label))
            key = f"={column.name}" if column else label
            while key in at:
                key += " (again)"
            at[key] = position
            header.setdefault(key, label)
        placed.append(at)
    whole = Extract(tuple(header.values()), "", "", 0, 0, 0, 0, [])
    selects = []
    for (name, part), at in zip(parts, placed, strict=True):
        if part.lines >= PART:
            raise RefusedError(f"{part.lines} lines", where=f"{where}, {name}", expected=f"fewer than {PART}", remedy="Divide it.")
        # A part of several parts has numbered its rows already: its first part comes after the last so far.
        offset = (len(whole.parts) + (0 if part.parts else 1)) * PART
        whole.parts += [f"{name}, {inside}" for inside in part.parts] or [name]
        cells = ", ".join(f"{f'c{at[key]}' if key in at else 'NULL::VARCHAR'} AS c{i}" for i, key in enumerate(header))
        selects.append(f"SELECT _row + {offset} AS _row, {cells} FROM ({part.relation})")
        whole.lines += part.lines
        whole.lines_other += part.lines_other
        whole.records += part.records
        whole.rejects += [replace(r, row=r.row + offset, reason=f"{name}, row {r.row}: {r.reason}") for r in part.rejects]
        whole.notes += [f"{name}: {note}" for note in part.notes]
    whole.relation = " UNION ALL ".join(selects)
    return whole
