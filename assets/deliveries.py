"""How a source dataset arrives: the `delivery` custom property of its contract, and the times of its columns' names.

Belongs here: the options, their meaning and their checks. Not here: servers and forms (`assets.readers`), what a hand-over
is held to by them (`assets.comparing`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from expectations.documents import near

if TYPE_CHECKING:
    from expectations.documents import Document

PERIODS = {"monthly": "%Y%m", "daily": "%Y%m%d", "hourly": "%Y%m%d%H"}
KNOWN = (
    *("mode", "period", "partition", "start", "unit", "units", "pattern", "event", "maxFall", "maxShare"),
    *("operation", "coverage", "expectsDeletes"),
)


@dataclass(frozen=True)
class Operation:
    """The column that says what became of a row, and the flags that it bears."""

    column: str
    insert: tuple[str, ...]
    update: tuple[str, ...]
    delete: tuple[str, ...]

    @property
    def known(self) -> tuple[str, ...]:
        return (*self.insert, *self.update, *self.delete)


@dataclass(frozen=True)
class Coverage:
    """Groups of rows that must not vanish from a full hand-over: the first `digits` characters of a column (None: all of it).

    Groups of fewer than `least` rows are not held to it, nor those in `gone`.
    """

    column: str
    digits: int | None = None
    least: int = 10
    gone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """How a source dataset arrives.

    `pattern` finds `unit` and `period` in a file's name, `units` are the deliverers allowed (none: any); `partition` is the
    width of a Dagster partition (at least the period); `event` the column of the business event; `max_fall` the share by
    which a full hand-over's rows may fall against the one before, `max_share` the share of all known keys from which a delta
    looks like a full one (0 to 1); `expects_deletes` the hand-overs among which one must hold a delete.
    """

    mode: Literal["full", "delta"]
    period: str
    partition: str
    start: str
    unit: str | None
    pattern: str | None
    event: str | None
    max_fall: float
    max_share: float = 0.9
    units: tuple[str, ...] = ()
    operation: Operation | None = None
    coverage: tuple[Coverage, ...] = ()
    expects_deletes: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def read_delivery(document: Document, custom: Mapping[str, Any], columns: Sequence[str]) -> Delivery:
    """The delivery that a contract declares; `columns` are the names of its columns. Raises `DocumentError` with the line."""
    position = next((i for i, c in enumerate(document.data.get("customProperties") or []) if c["property"] == "delivery"), 0)
    at = ("customProperties", position, "value")
    options = dict(custom.get("delivery") or {})
    if not options:
        raise document.error((), "no `delivery` custom property: full or delta, and how often?", "Copy it from a contract that stands.")
    for key in options:
        if key not in KNOWN:
            raise document.error((*at, key), f"unknown delivery option {key!r}.", near(key, KNOWN))
    mode, period = options.get("mode"), options.get("period")
    if mode not in ("full", "delta"):
        raise document.error((*at, "mode"), f"delivery mode {mode!r}.", "Say `full` or `delta`.")
    if period not in PERIODS:
        raise document.error((*at, "period"), f"delivery period {period!r}.", near(str(period), PERIODS))
    partition = options.get("partition", "daily" if period == "hourly" else period)
    if partition not in ("monthly", "daily"):
        raise document.error((*at, "partition"), f"partition {partition!r}.", "Say monthly or daily.")
    pattern = options.get("pattern")
    groups: Mapping[str, int] = {}
    if pattern is not None:
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            raise document.error((*at, "pattern"), f"not a regular expression: {error}.", "Mend it.") from None
        if "period" not in groups:
            raise document.error((*at, "pattern"), "the file-name pattern names no group `period`.", "Add (?P<period>[0-9]{6}).")
    units = tuple(str(u) for u in _listed(options.get("units")))
    if units and "unit" not in groups:
        raise document.error((*at, "units"), "`units` are declared, and the file-name pattern names no group `unit`.", "Add (?P<unit>...).")
    event = options.get("event")
    if event is not None:
        _column(document, (*at, "event"), "event", event, columns)
    numbers = {}
    for key, least, default in (("maxFall", 0, 0.5), ("maxShare", 0, 0.9), ("expectsDeletes", 1, None)):
        value = options.get(key, default)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < least):
            raise document.error((*at, key), f"{key} {value!r}.", "Give a number.")
        numbers[key] = value
    operation = _operation(document, (*at, "operation"), options.get("operation"), columns)
    if operation is not None and mode != "delta":
        raise document.error((*at, "operation"), "`operation` in a full delivery: it holds what stands.", "Say `mode: delta`.")
    if numbers["expectsDeletes"] is not None and operation is None:
        raise document.error((*at, "expectsDeletes"), "`expectsDeletes` without `operation`.", "Say which column flags a delete.")
    return Delivery(
        mode,
        period,
        partition,
        start=str(options.get("start", "2026-01")),
        unit=options.get("unit"),
        pattern=pattern,
        event=event,
        max_fall=float(numbers["maxFall"] or 0),
        max_share=float(numbers["maxShare"] or 0),
        units=units,
        operation=operation,
        coverage=_coverage(document, (*at, "coverage"), options.get("coverage"), columns, mode),
        expects_deletes=None if numbers["expectsDeletes"] is None else int(numbers["expectsDeletes"]),
        options=options,
    )


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _column(document: Document, at: tuple[str | int, ...], what: str, name: Any, columns: Sequence[str]) -> str:
    if name not in columns:
        raise document.error(at, f"{what} column {name!r} is not declared.", near(str(name), columns))
    return str(name)


def _operation(document: Document, at: tuple[str | int, ...], node: Any, columns: Sequence[str]) -> Operation | None:
    if node is None:
        return None
    if not isinstance(node, dict) or set(node) - {"column", "insert", "update", "delete"} or not node.get("delete"):
        raise document.error(at, "`operation` needs a column and its flags.", "Write {column: operation, insert: I, update: U, delete: D}.")
    flags = {kind: tuple(str(f) for f in _listed(node.get(kind))) for kind in ("insert", "update", "delete")}
    return Operation(_column(document, (*at, "column"), "operation", node.get("column"), columns), **flags)


def _coverage(document: Document, at: tuple[str | int, ...], node: Any, columns: Sequence[str], mode: str) -> tuple[Coverage, ...]:
    found = []
    for one in _listed(node):
        given = {"column": one} if isinstance(one, str) else one
        if not isinstance(given, dict) or set(given) - {"column", "digits", "least", "gone"}:
            raise document.error(at, "`coverage` names a column whose groups must not vanish.", "Write {column: division, digits: 4}.")
        if mode != "full":
            raise document.error(at, "`coverage` in a delta delivery: it holds changes only.", "Take it out, or say `mode: full`.")
        name = _column(document, at, "coverage", given.get("column"), columns)
        gone = tuple(str(g) for g in _listed(given.get("gone")))
        found.append(Coverage(name, given.get("digits"), int(given.get("least", 10)), gone))
    return tuple(found)


@dataclass(frozen=True)
class Alias:
    """A further name of a column, from and until the periods named (both inclusive, in the delivery's form; empty: always)."""

    name: str
    since: str = ""
    until: str = ""

    def holds(self, period: str | None) -> bool:
        """Whether a hand-over of `period` may bear it; without a period, always."""
        if not period:
            return True
        early = self.since and period[: len(self.since)] < self.since
        return not early and not (self.until and period[: len(self.until)] > self.until)

    @property
    def time(self) -> str:
        return " ".join(w for w in (f"from {self.since}" if self.since else "", f"until {self.until}" if self.until else "") if w)


def read_aliases(document: Document, at: tuple[str | int, ...], node: Any) -> tuple[Alias, ...]:
    """`aliases` of a column: names, or mappings of name, from and until. Raises `DocumentError`."""
    found = []
    for one in _listed(node):
        given = one if isinstance(one, dict) else {"name": str(one)}
        times = [str(given.get(k, "")) for k in ("from", "until")]
        if set(given) - {"name", "from", "until"} or "name" not in given or any(t and not t.isdigit() for t in times):
            raise document.error(at, f"alias {one!r}.", "Write a name, or {name: XM2, from: '202603', until: '202612'}.")
        found.append(Alias(str(given["name"]), *times))
    return tuple(found)
