"""From the header of a hand-over to the columns of its contract.

Belongs here: which found name means which declared column, and what is doubled, missing, new or renamed.
Not here: reading the header, judging values.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from assets.contracts import Column, Contract
from assets.readers import RefusedError

_BLANK = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")


@dataclass(frozen=True)
class HeaderMap:
    """`columns` and `extra` give positions in the hand-over; `absent` names declared columns that it lacks."""

    columns: dict[str, int]
    extra: dict[str, int]
    absent: tuple[str, ...]
    notes: list[str] = field(default_factory=list)


def fold(name: str) -> str:
    """A header without what typing adds: blanks anywhere, a BOM, full-width forms, capitals."""
    return _BLANK.sub("", unicodedata.normalize("NFKC", name)).casefold()


def names(contract: Contract, period: str | None = None) -> dict[str, Column]:
    """Every folded header that a hand-over of `period` may bear (without one: at any time), and the column that it names."""
    return {fold(label): column for column in contract.columns for label in labels(column, period)}


def labels(column: Column, period: str | None = None) -> tuple[str, ...]:
    """The headers of a column at the time of `period`: an alias that is not yet, or no longer, in use is none."""
    if not period or not column.timed:
        return column.headers
    past = {a.name for a in column.timed} - {a.name for a in column.timed if a.holds(period)}
    return tuple(label for label in column.headers if label not in past)


def map_header(contract: Contract, header: Sequence[str], where: str = "header", period: str | None = None) -> HeaderMap:
    """Which position holds which declared column.

    Any order is taken. Undeclared columns go to `extra`, missing optional ones to `absent`. Raises `RefusedError` where
    no declared name is found, a declared column stands twice, or a required or key column is missing.
    """
    known = names(contract, period)
    columns: dict[str, int] = {}
    extra: dict[str, int] = {}
    doubled: list[tuple[Column, int, int]] = []
    for position, name in enumerate(header):
        column = known.get(fold(name))
        if column is None:
            label = _BLANK.sub(" ", name).strip() or f"column {position + 1}"
            while label in extra:
                label += " (again)"
            extra[label] = position
        elif column.name in columns:
            doubled.append((column, columns[column.name], position))
        else:
            columns[column.name] = position
    if doubled:
        raise _twice(doubled, header, where)
    if not columns:
        raise RefusedError(
            f"none of the {len(contract.columns)} declared columns; the first names are {', '.join(repr(n[:40]) for n in header[:4])}",
            where=where,
            expected=f"a header such as {', '.join(c.header for c in contract.columns[:4])} ...",
            remedy=_separator(header) or "Put the header into the first line, as the contract declares it.",
        )
    missing = [c for c in contract.columns if c.name not in columns]
    operation = contract.delivery.operation if contract.delivery else None
    needed = [c for c in missing if c.required or c.key_position is not None or (operation and c.name == operation.column)]
    if needed:
        said = "; ".join(f"{_said(c)}{_nearest(c, extra)}" for c in needed)
        raise RefusedError(
            f"the needed column{'s' if len(needed) > 1 else ''} {said} missing"
            if len(needed) == 1
            else f"{len(needed)} needed columns missing: {said}",
            where=where,
            expected=", ".join(c.header for c in needed),
            remedy="Rename the column to the declared name, or let the contract list the new name under `aliases`.",
        )
    notes = [f"column {_said(c)} is absent{_nearest(c, extra)}" for c in missing if _nearest(c, extra)]
    return HeaderMap(columns, extra, tuple(c.name for c in missing), notes)


def _twice(doubled: Sequence[tuple[Column, int, int]], header: Sequence[str], where: str) -> RefusedError:
    """Declared columns that stand twice; several of them in a row are a second table beside the first."""
    column, first, again = doubled[0]
    if len(doubled) > 1 and doubled[-1][2] - again < len(doubled) * 2:
        return RefusedError(
            f"two tables side by side: {len(doubled)} columns from {header[again]!r} (column {again + 1}) on "
            f"are those from {header[first]!r} (column {first + 1}) on over again",
            where=where,
            expected="one table a sheet or file",
            remedy="Put the second table below the first, or hand it over by itself.",
        )
    return RefusedError(
        f"column {_said(column)} stands twice, as {header[first]!r} (column {first + 1}) and {header[again]!r} (column {again + 1})",
        where=where,
        expected="each column once",
        remedy="Remove one of them and hand the file over again.",
    )


def _said(column: Column) -> str:
    return column.header if column.title in (column.header, column.name) else f"{column.header} ({column.title})"


def _nearest(column: Column, extra: dict[str, int]) -> str:
    folded = {fold(name): name for name in extra}
    best = max(
        ((difflib.SequenceMatcher(None, fold(label), other).ratio(), name) for label in column.headers for other, name in folded.items()),
        default=(0.0, ""),
    )
    timed = next((a for a in column.timed if best[1] and fold(a.name) == fold(best[1]) and a.time), None)
    if timed:
        return f" ({best[1]!r} is its name {timed.time} only)"
    return f" (the undeclared column {best[1]!r} looks like it)" if best[0] >= 0.6 else ""


def _separator(header: Sequence[str]) -> str:
    """A word on the separator, where the header came out as one field that holds another separator."""
    if len(header) == 1:
        for sign, name in (("\t", "tabs"), (";", "semicolons"), ("|", "vertical bars"), ("，", "full-width commas")):
            if header[0].count(sign) > 1:
                return f"The fields seem to be separated by {name}: export with the declared separator, or declare `delimiter`."
    return ""
