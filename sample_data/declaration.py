"""What may be declared of a department's view of the sample world: `<dataset>.sample.yaml` beside its contract, as a model.

Belongs here: the words that may stand in a declaration and what they mean. Not here: reading and checking one (`declared`), what
is done with it (`views`, `planting`, `forms`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from expectations.documents import Document, DocumentError
from sample_data.building import TODAY

Effect = Literal["flag", "quarantine", "repair", "reject", "refuse", "repeat", "none", "cross", "graced"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Moment(_Part):
    """One hand-over's time: `begins` and `ends` bound the period (`begins` excluded), `name` is how the contract calls it."""

    begins: datetime
    ends: datetime
    name: str
    first: bool


class Handovers(_Part):
    """The periods that are delivered: `last` of them, every so often, up to `until`; or those that end on the days `ends`."""

    every: Literal["hour", "day", "week", "month", "year"] = "month"
    last: int = Field(default=1, ge=1)
    until: datetime | date = date.fromisoformat(TODAY)
    ends: tuple[datetime | date, ...] = ()
    first: Literal["all", "own"] = "all"

    def moments(self, form: str) -> list[Moment]:
        """Oldest first; `form` is how the contract's delivery writes a period (`%Y%m`)."""
        ends = [_moment(day) for day in self.ends] or [_moment(self.until)]
        while not self.ends and len(ends) < self.last:
            ends.insert(0, _before(ends[0], self.every))
        begins = [datetime(1900, 1, 1) if self.first == "all" else _before(ends[0], self.every), *ends[:-1]]
        return [Moment(begins=b, ends=e, name=e.strftime(form), first=n == 0) for n, (b, e) in enumerate(zip(begins, ends, strict=True))]


def _moment(day: datetime | date) -> datetime:
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)


def _before(end: datetime, every: str) -> datetime:
    """The end of the period before the one that ends at `end`."""
    match every:
        case "hour" | "day" | "week":
            return end - {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[every]
        case "month":
            return end.replace(day=1) - timedelta(days=1)
        case _:
            return end.replace(year=end.year - 1, day=28 if (end.month, end.day) == (2, 29) else end.day)


class Cross(_Part):
    """A disagreement between departments: the rows of `of` that are `able` may carry it, `rate` of them do, at least `least`."""

    of: str
    rate: float = Field(ge=0, le=1)
    least: int = Field(3, ge=0)
    indicator: str = "0402"
    column: str | None = None


class Fault(_Part):
    """A kind of fault of one row.

    It stands in `column`, where the SQL expression `spoilt` is written in place of the clean text (nothing where there is
    none), or in the columns that `set` names; with `shifted` every field slips under its right neighbour's name. `double`: the
    row stays and a second copy of it has these changes; `line`: an expression over `line`, the written record. `where` says
    which rows can have it (by default those whose `column` is filled; `_last`: the last of its hand-over), `rate` which share
    of these does, at least `least` in a period; `period` and `unit` confine it. `typed`: a numeric cell of a workbook.
    """

    kind: str
    column: str | None = None
    indicator: str
    effect: Effect
    rate: float = Field(0.0, ge=0, le=1)
    spoilt: str | None = None
    set: Mapping[str, str | None] = Field(default_factory=dict)
    shifted: bool = False
    where: str | None = None
    double: bool = False
    line: str | None = None
    typed: bool = False
    least: int = Field(2, ge=0)
    period: str | None = None
    unit: str | None = None

    @field_validator("period", "unit", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value

    @property
    def condition(self) -> str:
        """SQL over the clean row: whether it can have the fault."""
        return self.where or (f'"{self.column}" IS NOT NULL' if self.column else "true")

    def changes(self, columns: tuple[str, ...]) -> dict[str, str]:
        """The changed columns as SQL expressions over the clean row."""
        made: dict[str, str] = {name: expression or "NULL" for name, expression in self.set.items()}
        if self.shifted:
            made = {name: f'"{before}"' for before, name in pairwise(columns)} | made
        if self.column and self.column not in made and (self.spoilt or not (self.double or self.line)):
            made[self.column] = self.spoilt or "NULL"
        return made


class Shown(_Part):
    """A fault that the view itself has: rows whose helper `_shows_<kind>` is true bear it."""

    indicator: str
    effect: Effect = "flag"
    column: str | None = None


class Told(_Part):
    """Rows that somebody else's fault breaks: in groups of equal `over` in which a row is spoilt, `facts` are counted over the
    rows as written, and the rows at which a condition of `marks` over them holds bear the fault of that kind too (`column`)."""

    over: str
    facts: Mapping[str, str]
    marks: Mapping[str, str]
    column: str | None = None


class Drift(_Part):
    """What is wrong with hand-overs as a whole, in `period` and `unit` (all of them without), or `from` a period on.

    `column` with `to`: its header reads so; with `missing` it stands nowhere. `keep`: only the rows that satisfy it are
    written; `announced` is added to the number of rows that a manifest or an answer announces; `copies`: the same bytes come once
    more under another name. `again`: the right one follows, as the next serial number or under `name`. `of`: more than a `share` of
    its rows bear the fault of that kind, and at least `least`, which is too many; of fewer nothing is said, nor of one row alone.
    """

    kind: str | None = None
    period: str | None = None
    since: str | None = Field(None, alias="from")
    unit: str | None = None
    column: str | None = None
    to: str | None = Field(None, validation_alias="to")
    header: str | None = None
    missing: bool = False
    keep: str | None = None
    announced: int = 0
    copies: bool = False
    again: bool = False
    of: str | None = None
    share: float = Field(0.0, ge=0, le=1)
    least: int = Field(3, ge=1)
    name: str | None = None
    effect: Effect = "none"
    indicator: str = "0102"

    @field_validator("period", "since", "unit", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("kind") == "same_file":
            return {"copies": True, "effect": "repeat", "indicator": "0303", **value}
        return value

    def holds(self, period: str, unit: str) -> bool:
        since = self.since is None or period >= self.since
        return since and self.period in (None, period) and self.unit in (None, unit)

    @property
    def text(self) -> str | None:
        return self.to or self.header


class Form(_Part):
    """How a hand-over looks, where the contract's server section does not say it.

    Texts may hold `{unit}`, `{period}`, `{day:%Y%m%d}`, `{serial}`, `{rows}`, `{sheet}` and helper columns of the first row (`{_county}`).
    """

    name: str | None = None
    received: float = 3
    title: str | None = None
    note: str | None = None
    above: tuple[tuple[str | None, ...], ...] = ()
    groups: tuple[tuple[str | None, int], ...] = ()
    below: tuple[tuple[str | None, ...], ...] = ()
    foot: tuple[tuple[str | None, ...], ...] = ()
    sheet: str | None = None
    sheets: str | None = None
    members: str | None = None
    numbers: tuple[str, ...] = ()
    merge: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    eol: Literal["lf", "crlf"] = "lf"
    crlf: tuple[str, ...] = ()
    bom: bool = False
    types: Mapping[str, str] = Field(default_factory=dict)
    extra: Mapping[str, str] = Field(default_factory=dict)
    replaces: tuple[str, ...] = ()
    row: str | None = None

    @field_validator("crlf", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return tuple(map(str, value)) if isinstance(value, list) else value


class Declaration(_Part):
    """One dataset's view. `contract` and `document` say where it stands.

    `rows` is the SELECT; its column `units` says into which unit's hand-over a row goes, its column `periods` into which period's,
    where one moment stands for many short periods (hours): faults are then planted over all of them together.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    handovers: Handovers = Handovers()
    units: str | None = None
    periods: str | None = None
    lag: Mapping[str, tuple[int, int]] = Field(default_factory=dict)
    cross: Mapping[str, Cross] = Field(default_factory=dict)
    rows: str
    order: str = "_key"
    form: Form = Form()
    dialect: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    shows: Mapping[str, Shown] = Field(default_factory=dict)
    told: tuple[Told, ...] = ()
    drift: tuple[Drift, ...] = ()
    contract: Any = Field(None, repr=False)
    document: Any = Field(None, repr=False)

    @property
    def name(self) -> str:
        return str(self.contract.name)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.contract.columns)

    @property
    def moments(self) -> list[Moment]:
        from assets.contracts import PERIODS

        return self.handovers.moments(PERIODS[self.contract.delivery.period])

    @property
    def sql(self) -> list[str]:
        """Every text of the declaration in which world tables can be named."""
        return [self.rows, *(f.where or "" for f in self.faults), *(f.spoilt or "" for f in self.faults)]

    def error(self, keys: tuple[str | int, ...], found: str, remedy: str = "") -> DocumentError:
        found_at: Document = self.document
        return found_at.error(keys, found, remedy)
