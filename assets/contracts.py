"""Contracts: the one declaration of a dataset (ODCS v3.1), read into what the rest derives itself from.

Belongs here: reading, checking and the derived view. Not here: reading hand-overs, SQL, Dagster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from assets.catalogue import check_entry, complete
from assets.deliveries import PERIODS, Alias, Delivery, read_aliases, read_delivery
from assets.masking import FOR_ALL, KINDS
from expectations.documents import Document, DocumentError, Named, near, read_document

Layer = Literal["sources", "base", "thematic"]
LOGICAL_TYPES = {
    "string": "VARCHAR",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
}
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
__all__ = ["PERIODS", "Column", "Contract", "Delivery", "Server", "read_contract", "read_contracts"]


@dataclass(frozen=True)
class Column:
    """One declared column.

    `header` and `aliases` are the names it bears in a hand-over, `timed` the aliases with their times; `missing` the words
    that mean "no value" in it, besides the common ones; `repair` what standardising may do beyond trimming and folding
    (`upper`); `codes` its code table; `authority` (base) the sources that may fill it, the one whose word counts first;
    `unique`, `options` (logicalTypeOptions) and `quality` as ODCS has them. Fixed width: `width` in bytes, `position` its
    first byte, from 1. `masking`: how it hides what went into it (`assets.masking.KINDS`); `declassified`: why its level may be
    lower than that of what went into it, or than its content looks, although it shows it; `opened`: how it is hidden in open data
    where its level is above 1 (`assets.masking.FOR_ALL`; without it, it is left out).
    """

    name: str
    title: str
    header: str
    aliases: tuple[str, ...]
    logical_type: str
    sql_type: str
    required: bool
    key_position: int | None
    classification: int
    codes: str | None
    missing: tuple[str, ...]
    repair: tuple[str, ...]
    description: str
    authority: tuple[Any, ...]
    agreement: str | None = None
    derived: str | None = None
    masking: str | None = None
    declassified: str | None = None
    opened: str | None = None
    unique: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    quality: tuple[Mapping[str, Any], ...] = ()
    timed: tuple[Alias, ...] = ()
    width: int | None = None
    position: int | None = None

    @property
    def title_en(self) -> str:
        return self.name.replace("_", " ")

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header by which a hand-over may name this column at any time, the declared one first."""
        return tuple(dict.fromkeys((self.header, self.title, self.name, *self.aliases)))


@dataclass(frozen=True)
class Server:
    """Where hand-overs come from; `properties` holds the rest of the ODCS server, custom properties included."""

    name: str
    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Contract:
    """One dataset. `group` is the department (sources) or the database (base, thematic); `quality` speaks of the whole table."""

    path: Path
    layer: Layer
    group: str
    name: str
    title: str
    description: str
    department: str
    department_en: str
    columns: tuple[Column, ...]
    servers: tuple[Server, ...]
    delivery: Delivery | None
    catalogue: Mapping[str, Any]
    sla: Mapping[str, Any]
    custom: Mapping[str, Any]
    quality: tuple[Mapping[str, Any], ...]
    document: Document = field(repr=False, compare=False)

    @property
    def title_en(self) -> str:
        return self.name.replace("_", " ")

    @property
    def schema(self) -> str:
        """The lake schema that holds what this contract declares."""
        return "std" if self.layer == "sources" else self.layer

    @property
    def table(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def former_names(self) -> tuple[str, ...]:
        """The names that it had, the oldest first."""
        return tuple(self.custom.get("formerly") or ())

    @property
    def first_name(self) -> str:
        """The name that it began with: what digests are made with, so that they stay what they were under another name."""
        return (*self.former_names, self.name)[0]

    @property
    def key(self) -> tuple[str, ...]:
        keyed = sorted((c.key_position, c.name) for c in self.columns if c.key_position is not None)
        return tuple(name for _, name in keyed)

    @property
    def sql_path(self) -> Path:
        """The model of a base or thematic dataset: the SELECT beside its contract."""
        return self.path.with_name(f"{self.name}.sql")

    @property
    def suite_path(self) -> Path:
        """Where its suite stands, relative to `expectations/suites`."""
        return Path(self.layer, self.group, f"{self.name}.yaml")

    @property
    def server(self) -> Server:
        return self.servers[0]

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}. {near(name, (c.name for c in self.columns))}")


@cache
def _odcs() -> Any:
    """ODCS's own JSON schema, compiled. (The validator written in Rust: 0.4 ms a contract where the Python one takes 100.)"""
    import json
    from importlib.resources import files

    from jsonschema_rs import validator_for

    return validator_for(json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")))


def read_contract(path: Path, assets: Path) -> Contract:
    """Read and check one contract that stands under `assets` (the project's folder of that name).

    Raises `DocumentError` with the line for anything that ODCS's schema or Yuanqing does not take.
    """
    document = read_document(path)
    _check_against_odcs(document)
    match path.relative_to(assets).parts[:-1]:
        case ("sources" | "base" | "thematic") as layer, group:
            pass
        case _:
            raise document.error((), "a contract stands in sources/<department>/, base/<database>/ or thematic/<database>/.", "Move it.")
    data = document.data
    name = data["id"]
    if not IDENTIFIER.fullmatch(name) or path.name != f"{name}.odcs.yaml":
        raise document.error(
            ("id",),
            f"id {name!r} in a file named {path.name}.",
            "Use one lower-case name for both, as in `id: my_data` in my_data.odcs.yaml.",
        )
    if len(data.get("schema") or []) != 1:
        raise document.error(("schema",), "expected exactly one table under `schema`.", "Write one contract a dataset.")
    schema = data["schema"][0]
    custom = _custom(data)
    unknown = set(custom) - set(_CUSTOM)
    for key in unknown:
        position = next(i for i, c in enumerate(data["customProperties"]) if c["property"] == key)
        raise document.error(("customProperties", position), f"unknown custom property {key!r}.", near(key, _CUSTOM))
    former = custom.get("formerly", [])
    if not isinstance(former, list) or not all(isinstance(old, str) and IDENTIFIER.fullmatch(old) for old in former):
        position = next(i for i, c in enumerate(data["customProperties"]) if c["property"] == "formerly")
        raise document.error(("customProperties", position), f"`formerly` {former!r}.", "Write the names it had, as in [old_name].")
    columns = tuple(_column(document, i, p) for i, p in enumerate(schema.get("properties") or []))
    _no_doubles(document, columns)
    delivery = read_delivery(document, custom, [c.name for c in columns]) if layer == "sources" else None
    servers = tuple(
        Server(
            s.get("server", ""),
            s["type"],
            {**{k: v for k, v in s.items() if k not in ("server", "type", "customProperties")}, **_custom(s)},
        )
        for i, s in enumerate(data.get("servers") or [])
    )
    if layer == "sources" and not servers:
        raise document.error((), "no `servers`: where do hand-overs come from?", "Declare a local, api, postgresql or mysql server.")
    team = data.get("team") or {}
    return Contract(
        path=path,
        layer=layer,
        group=group,
        name=name,
        title=schema.get("businessName", name),
        description=(data.get("description") or {}).get("purpose", ""),
        department=team.get("name", group),
        department_en=team.get("description", group.replace("_", " ")),
        columns=columns,
        servers=servers,
        delivery=delivery,
        catalogue=check_entry(document, custom),
        sla={p["property"]: p for p in data.get("slaProperties") or []},
        custom=custom,
        quality=tuple(schema.get("quality") or ()),
        document=document,
    )


def _check_against_odcs(document: Document) -> None:
    import json

    plain = json.loads(json.dumps(document.data, default=str))  # YAML knows dates, ODCS does not
    errors = sorted(_odcs().iter_errors(plain), key=lambda e: -len(e.instance_path))
    if errors:
        error = errors[0]
        found = error.message if len(error.message) < 200 else error.message[:200] + "..."
        remedy = "See ODCS v3.1 for what may stand here."
        stray = re.match(r"(?:Unevaluated|Additional) properties are not allowed \('([^']+)'", error.message)
        if stray:
            found = f"unknown key {stray[1]!r}."
            remedy = near(stray[1], _ODCS_KEYS)
        elif misspelt := re.match(r'"([^"]+)" is not one of', error.message):
            found = f"{misspelt[1]!r} is none of the words that may stand here."
            remedy = near(misspelt[1], (*LOGICAL_TYPES, "local", "api", "postgresql", "mysql", "DataContract", "v3.1.0"))
        raise document.error((*error.instance_path, *([stray[1]] if stray else [])), found, remedy)


_OF_COLUMN = (
    "codes",
    "aliases",
    "missing",
    "repair",
    "authority",
    "agreement",
    "derived",
    "masking",
    "declassified",
    "opened",
    "width",
    "position",
)
_CUSTOM = ("delivery", "catalogue", "formerly", "fusion", "history", "increment", "matching", "materialisation", "number")
_ODCS_KEYS = (
    "apiVersion",
    "kind",
    "id",
    "name",
    "version",
    "status",
    "description",
    "team",
    "servers",
    "schema",
    "slaProperties",
    "customProperties",
    "properties",
    "logicalType",
    "logicalTypeOptions",
    "physicalName",
    "physicalType",
    "businessName",
    "required",
    "primaryKey",
    "primaryKeyPosition",
    "classification",
    "unique",
    "quality",
    "examples",
    "tags",
)


def _custom(node: Mapping[str, Any]) -> dict[str, Any]:
    return {p["property"]: p["value"] for p in node.get("customProperties") or []}


def _column(document: Document, position: int, node: Mapping[str, Any]) -> Column:
    keys = ("schema", 0, "properties", position)
    name = node["name"]
    if not IDENTIFIER.fullmatch(name):
        raise document.error(
            (*keys, "name"),
            f"column name {name!r}.",
            "Use lower-case letters, digits and underscores; put the department's header in physicalName.",
        )
    logical = node.get("logicalType", "string")
    if logical not in LOGICAL_TYPES:
        raise document.error((*keys, "logicalType"), f"logicalType {logical!r}.", near(logical, LOGICAL_TYPES))
    custom = _custom(node)
    for key in custom:
        if key not in _OF_COLUMN:
            raise document.error((*keys, "customProperties"), f"unknown custom property {key!r} of {name}.", near(key, _OF_COLUMN))
    if custom.get("masking") is not None and custom["masking"] not in KINDS:
        raise document.error((*keys, "customProperties"), f"masking {custom['masking']!r} of {name}.", near(str(custom["masking"]), KINDS))
    if custom.get("opened") is not None and custom["opened"] not in FOR_ALL:
        raise document.error((*keys, "customProperties"), f"opened {custom['opened']!r} of {name}.", near(str(custom["opened"]), FOR_ALL))
    level = str(node.get("classification", "1"))
    if level not in ("1", "2", "3", "4"):
        raise document.error((*keys, "classification"), f"classification {level!r}.", "Give a level from 1 (open) to 4 (most sensitive).")
    for key in ("width", "position"):
        if not isinstance(custom.get(key, 1), int) or custom.get(key, 1) < 1:
            raise document.error((*keys, "customProperties"), f"{key} {custom[key]!r} of {name}.", "Give a whole number of bytes, from 1.")
    timed = read_aliases(document, (*keys, "customProperties"), custom.get("aliases"))
    precise = str(node.get("physicalType", ""))
    decimal = logical == "number" and re.fullmatch(r"DECIMAL\(\d{1,2},\s*\d{1,2}\)", precise, re.IGNORECASE)
    return Column(
        name=name,
        title=node.get("businessName", name),
        header=node.get("physicalName", name),
        aliases=tuple(a.name for a in timed),
        logical_type=logical,
        sql_type=precise.upper() if decimal else LOGICAL_TYPES[logical],
        required=bool(node.get("required")),
        key_position=node.get("primaryKeyPosition", 1) if node.get("primaryKey") else None,
        classification=int(level),
        codes=custom.get("codes"),
        missing=tuple(str(v) for v in custom.get("missing") or ()),
        repair=tuple(custom.get("repair") or ()),
        description=node.get("description", ""),
        authority=tuple(custom.get("authority") or ()),
        agreement=custom.get("agreement"),
        derived=custom.get("derived"),
        masking=custom.get("masking"),
        declassified=custom.get("declassified"),
        opened=custom.get("opened"),
        unique=bool(node.get("unique")),
        options=node.get("logicalTypeOptions") or {},
        quality=tuple(node.get("quality") or ()),
        timed=timed,
        width=custom.get("width"),
        position=custom.get("position"),
    )


def _no_doubles(document: Document, columns: tuple[Column, ...]) -> None:
    seen: dict[str, str] = {}
    for position, column in enumerate(columns):
        for label in {column.name, *column.headers}:
            if seen.setdefault(label, column.name) != column.name:
                raise document.error(
                    ("schema", 0, "properties", position),
                    f"{label!r} names both {seen[label]} and {column.name}.",
                    "Give each column names of its own.",
                )


def read_contracts(assets: Path) -> Named[Contract]:
    """Every contract under `assets`, by dataset name, in the order of their paths.

    What a department says for all of its datasets is in each (`assets.catalogue.complete`). Raises `DocumentError`, also where two
    contracts share a name, or one had a name that is another's.
    """
    from assets.renames import former

    contracts: dict[str, Contract] = {}
    for path in sorted(assets.rglob("*.odcs.yaml")):
        contract = read_contract(path, assets)
        if contract.name in contracts:
            raise DocumentError(path, 1, f"{contract.name!r} is declared in {contracts[contract.name].path} too.", "Rename one.")
        contracts[contract.name] = contract
    contracts = complete(contracts, assets)
    return Named(contracts, former(contracts))
