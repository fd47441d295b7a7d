"""What is declared of a department's view of the sample world: `<dataset>.sample.yaml` beside its contract, read and checked.

Belongs here: the words that may stand in a declaration, common defects (`faults.yaml`) put in, errors with file and line. Not
here: what is done with them (`views`, `planting`, `forms`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from expectations.documents import Document, DocumentError, near, read_document
from sample_data.building import TODAY

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

Effect = Literal["flag", "quarantine", "repair", "reject", "refuse", "repeat", "none", "cross", "graced"]
COMMON = Path(__file__).parent / "faults.yaml"
SUFFIX = ".sample.yaml"
_KIND = re.compile(r"[a-z][a-z0-9_]*")


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
    last: int = Field(1, ge=1)
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
    more under another name. `again`: the right one follows, as the next serial number or under `name`.
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

    handovers: Handovers = Field(default_factory=Handovers)
    units: str | None = None
    periods: str | None = None
    lag: Mapping[str, tuple[int, int]] = Field(default_factory=dict)
    cross: Mapping[str, Cross] = Field(default_factory=dict)
    rows: str
    order: str = "_key"
    form: Form = Field(default_factory=Form)
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


def path_of(contract: Contract) -> Path:
    """Where the declaration of a dataset's view stands."""
    return contract.path.with_name(f"{contract.name}{SUFFIX}")


def declarations(project: Project) -> dict[str, Declaration]:
    """Every declared view of the project, by dataset. Raises `DocumentError`, also for one without a contract."""
    found = {}
    for contract in sorted(project.sources(), key=lambda c: c.name):
        if path_of(contract).exists():
            found[contract.name] = read(contract)
    known = {path_of(c) for c in project.sources()}
    for path in sorted(project.assets.rglob(f"*{SUFFIX}")):
        if path not in known:
            raise DocumentError(
                path, None, "no contract stands beside it.", f"Name it like one: {near(path.name, (p.name for p in known))}"
            )
    return found


def read(contract: Contract) -> Declaration:
    """The declaration beside a contract. Raises `DocumentError` with the line of what is wrong."""
    document = read_document(path_of(contract))
    data = dict(document.data)
    if data.get("lag") and isinstance(data["lag"], dict):
        data["lag"] = {str(k): v for k, v in data["lag"].items()}
    data["faults"] = [_like(document, n, node) for n, node in enumerate(_list(document, data, "faults"))]
    data["faults"] += _dialect(document, data.get("dialect") or {})
    try:
        made = Declaration(**data, contract=contract, document=document)
    except ValidationError as error:
        raise _told(document, error) from None
    _check(made)
    return made


def _list(document: Document, data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key) or []
    if not isinstance(value, list):
        raise document.error((key,), f"`{key}` is no list.", "Write one entry a line, each beginning with `- `.")
    return value


@cache
def common() -> dict[str, dict[str, Any]]:
    """The common defects by name."""
    return dict(read_document(COMMON).data)


def _like(document: Document, position: int, node: Any) -> Any:
    """A fault with the common defect that it is `like` put in; `{column}` in its texts is the column, quoted in SQL."""
    if not isinstance(node, dict):
        raise document.error(
            ("faults", position), "a fault is a mapping.", "Write {kind: ..., column: ..., indicator: ..., effect: ..., rate: ...}."
        )
    node = dict(node)
    if "like" not in node:
        return node
    name = node.pop("like")
    if name not in common():
        raise document.error(("faults", position, "like"), f"unknown common defect {name!r}.", near(str(name), common()))
    base = {"kind": name, **common()[name]}
    column = node.get("column", base.get("column"))
    if column is None and any("{column}" in str(v) for v in base.values()):
        raise document.error(("faults", position), f"{name!r} wants a `column`.", "Say which.")
    filled = {}
    for key, value in base.items():
        if isinstance(value, str):
            value = value.replace("{column}", str(column) if key == "kind" else f'"{column}"')
        filled[key] = value
    return {**filled, **node}


def _dialect(document: Document, dialect: Any) -> list[dict[str, Any]]:
    """Codes that stand as other words in a share of the rows, as faults that standardising mends."""
    made = []
    if not isinstance(dialect, dict):
        raise document.error(("dialect",), "`dialect` is no mapping.", 'Write sex: {"1": 男, "2": 女, rate: 0.001}.')
    for column, node in dialect.items():
        words = {str(k): v for k, v in node.items() if k not in ("rate", "kind", "least", "where")}
        lists = {code: ", ".join(map(_literal, word if isinstance(word, list) else [word])) for code, word in words.items()}
        cases = " ".join(f"WHEN {_literal(code)} THEN one_of([{those}], 'dialect', _key)" for code, those in lists.items())
        known = ", ".join(map(_literal, words))
        also = f" AND ({node['where']})" if "where" in node else ""
        made.append(
            {
                "kind": node.get("kind", f"{column}_word"),
                "column": column,
                "indicator": "0105",
                "effect": "repair",
                "rate": node.get("rate", 0.001),
                "least": node.get("least", 2),
                "where": f'"{column}" IN ({known}){also}',
                "spoilt": f'CASE "{column}" {cases} END',
            }
        )
    return made


def _literal(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _told(document: Document, error: ValidationError) -> DocumentError:
    first = error.errors()[0]
    keys = tuple(first["loc"])
    if keys[:1] == ("faults",) and len(keys) > 1 and isinstance(keys[1], int):
        written = len(document.data.get("faults") or [])
        keys = keys if keys[1] < written else ("dialect",)
    if first["type"] == "extra_forbidden":
        return document.error(keys, f"unknown key {keys[-1]!r}.", near(str(keys[-1]), _known(keys)))
    if first["type"] == "missing":
        return document.error(keys[:-1], f"no `{keys[-1]}`.", "Add it.")
    return document.error(keys, f"{first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}.", "Correct it.")


def _known(keys: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand where an unknown one was found."""
    parts = {"handovers": Handovers, "form": Form, "cross": Cross, "faults": Fault, "told": Told, "shows": Shown, "drift": Drift}
    model: type[BaseModel] = parts.get(str(keys[0]), Declaration) if len(keys) > 1 else Declaration
    hidden = {"contract", "document"}
    return [*(f.alias or name for name, f in model.model_fields.items() if name not in hidden), *(["like"] if model is Fault else [])]


def _check(made: Declaration) -> None:
    """What a model of single parts cannot see."""
    columns, seen = set(made.columns), set()
    for n, fault in enumerate(made.faults):
        at: tuple[str | int, ...] = ("faults", n) if n < len(made.document.data.get("faults") or []) else ("dialect", fault.column or "")
        if not _KIND.fullmatch(fault.kind):
            raise made.error(at, f"kind {fault.kind!r}.", "Use lower-case letters, digits and underscores.")
        if fault.kind in seen:
            raise made.error(at, f"the kind {fault.kind!r} stands twice.", "Give each fault a kind of its own: kind: ...")
        seen.add(fault.kind)
        for name in filter(None, (fault.column, *fault.set)):
            if name not in columns:
                raise made.error(at, f"the contract has no column {name!r}.", near(name, columns))
    for n, drift in enumerate(made.drift):
        if drift.column and drift.column not in columns:
            raise made.error(("drift", n), f"the contract has no column {drift.column!r}.", near(drift.column, columns))
    for group in ("numbers", "merge", "once"):
        for name in getattr(made.form, group):
            if name not in columns:
                raise made.error(("form", group), f"the contract has no column {name!r}.", near(name, columns))
    for name in (made.contract.server.type == "local" and not made.form.name and "name",):
        if name:
            raise made.error(("form",), "no `name`: how is a file called?", 'Write form: {name: "..._{period}.csv"}.')


EFFECTS = get_args(Effect)
