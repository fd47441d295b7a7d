"""The `matching` of a base contract: how records without a good key are held against the base, read and checked.

Belongs here: the declaration and what is wrong with it, by line. Not here: SQL (`scoring`, `records`), running (`running`).

    - property: matching
      value:
        of: 42000000          # among how many the right one is sought
        certain: 0.999        # from this probability a record is linked
        review: 0.1           # from this one a person looks at the pair
        maxMerged: 0.02       # the share of a source's rows that may be linked so; beyond it nothing is committed
        attributes: {id_number: resident_id, name: person_name, birth_date: date}
        records:
          social_insurance: {}                                            # its quarantine, attributes by their own names
          death_certificate: {from: std, where: id_number IS NULL, birth_date: born}   # or both: from [quarantine, std]
        block: [[id_number.end], [name, birth_date]]                      # pairs that agree in all of one list are looked at
        compare:                                                          # the first level that holds counts
          - [{name: same, m: 0.9, u: namesakes}, {name: variant, m: 0.03, u: 1.0e-5}, {m: 0.07, u: 0.99}]

`m` is the share of true pairs that reach a level and `u` that of pairs of strangers (Fellegi and Sunter, A Theory for Record
Linkage, 1969); `u: namesakes` counts the rows of the base that bear the value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.judging import codes_of
from assets.lake import quote
from assets.matching.kinds import Kind, kinds
from expectations.documents import near

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

NAMESAKES = "namesakes"
MATCHES, REVIEW, LINKS = "matches", "review", "links"
_KEYS = ("of", "certain", "review", "maxMerged", "maxPairs", "attributes", "records", "block", "compare")
_OF_RECORDS = ("from", "where", "maxMerged")
_PLACES = ("quarantine", "std")
MAX_PAIRS = 50_000_000


@dataclass(frozen=True)
class Level:
    """`when`: attributes and the likeness that each must have; empty in the last level. `u` is None where namesakes are counted."""

    when: tuple[tuple[str, str], ...]
    m: float
    u: float | None

    @property
    def weight(self) -> float:
        """What reaching it says, in bits; of a level by namesakes without them."""
        return math.log2(self.m / (self.u or 1.0))

    @property
    def told(self) -> str:
        return ", ".join(f"{attribute} {likeness}" for attribute, likeness in self.when)


@dataclass(frozen=True)
class Comparison:
    """Levels over attributes that say much the same thing: only one of them counts."""

    levels: tuple[Level, ...]

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those that it compares: what only silences it (m = u) was compared elsewhere, and is not missed here."""
        return tuple(dict.fromkeys(a for level in self.levels if level.m != level.u for a, _ in level.when))


@dataclass(frozen=True)
class Records:
    """Where a source has records without a good key, and what their attributes are called there (SQL over its row)."""

    dataset: str
    places: tuple[str, ...]
    where: str | None
    attributes: Mapping[str, str]
    max_merged: float


@dataclass(frozen=True)
class Matching:
    """What a base contract declares. `attributes` in their order; `blocks` of (attribute, part)."""

    contract: Contract
    of: int
    certain: float
    review: float
    max_pairs: int
    attributes: Mapping[str, Kind]
    records: tuple[Records, ...]
    blocks: tuple[tuple[tuple[str, str], ...], ...]
    comparisons: tuple[Comparison, ...]

    @property
    def key(self) -> str:
        return self.contract.key[0]

    @property
    def counted(self) -> tuple[str, ...]:
        """The attributes whose namesakes are counted."""
        levels = [level for c in self.comparisons for level in c.levels if level.u is None]
        return tuple(dict.fromkeys(level.when[0][0] for level in levels))

    def table(self, what: str = MATCHES) -> str:
        return f"{self.contract.table}__{what}"


def read_matching(project: Project, contract: Contract) -> Matching | None:
    """What the contract says, or None where it says nothing. Raises `DocumentError` with the line of a mistake."""
    value = contract.custom.get("matching")
    return None if value is None else _Reader(project, contract, value).read()


def matched(project: Project) -> list[Matching]:
    """Every matching of a project."""
    found = (read_matching(project, c) for c in project.models() if "matching" in c.custom)
    return [m for m in found if m is not None]


@dataclass
class _Reader:
    project: Project
    contract: Contract
    value: Any

    def wrong(self, keys: Sequence[str | int], found: str, remedy: str) -> Exception:
        document = self.contract.document
        at = next(i for i, c in enumerate(document.data["customProperties"]) if c["property"] == "matching")
        return document.error(("customProperties", at, "value", *keys), f"matching: {found}", remedy)

    def read(self) -> Matching:
        value, contract = self.value, self.contract
        if contract.layer != "base" or len(contract.key) != 1:
            raise self.wrong((), "only a base table with a key of one column is matched with.", "Declare it there.")
        if not isinstance(value, dict):
            raise self.wrong((), "expected a mapping.", f"Give it {', '.join(_KEYS)}.")
        for key in value:
            if key not in _KEYS:
                raise self.wrong((key,), f"unknown key {key!r}.", near(str(key), _KEYS))
        for key in ("of", "attributes", "records", "block", "compare"):
            if not value.get(key):
                raise self.wrong((), f"no `{key}`.", f"Give it {', '.join(_KEYS)}.")
        certain, review = self.share(value, "certain", 0.999), self.share(value, "review", 0.1)
        if review > certain:
            raise self.wrong(("review",), f"review {review} is above certain {certain}.", "A pair is looked at before it is certain.")
        attributes = self.attributes(value["attributes"])
        return Matching(
            contract,
            self.whole(value, "of", 0),
            certain,
            review,
            self.whole(value, "maxPairs", MAX_PAIRS),
            attributes,
            tuple(self.records(name, node, attributes, self.share(value, "maxMerged", 0.02)) for name, node in value["records"].items()),
            tuple(self.block(i, node, attributes) for i, node in enumerate(value["block"])),
            tuple(self.comparison(i, node, attributes) for i, node in enumerate(value["compare"])),
        )

    def share(self, node: Mapping[str, Any], key: str, default: float, at: tuple[str | int, ...] = ()) -> float:
        number = node.get(key, default)
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= 1:
            raise self.wrong((*at, key), f"{key} {number!r}.", "Give a share above 0 and up to 1.")
        return float(number)

    def whole(self, node: Mapping[str, Any], key: str, default: int) -> int:
        number = node.get(key, default)
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise self.wrong((key,), f"{key} {number!r}.", "Give a whole number above 0.")
        return number

    def attributes(self, node: Any) -> dict[str, Kind]:
        known, columns = kinds(codes_of(self.project)), [c.name for c in self.contract.columns]
        found = {}
        for name, kind in node.items():
            if name not in columns:
                raise self.wrong(("attributes", name), f"{self.contract.name} has no column {name!r}.", near(name, columns))
            if kind not in known:
                raise self.wrong(("attributes", name), f"no kind {kind!r}.", near(str(kind), known))
            found[name] = known[kind]
        if self.contract.key[0] not in found:
            raise self.wrong(("attributes",), f"the key {self.contract.key[0]} is not among them.", "Say of which kind it is.")
        return found

    def records(self, dataset: str, node: Any, attributes: Mapping[str, Kind], max_merged: float) -> Records:
        at: tuple[str | int, ...] = ("records", dataset)
        sources = {c.name: c for c in self.project.sources()}
        if dataset not in sources:
            raise self.wrong(at, f"no source dataset {dataset!r}.", near(dataset, sources))
        node = node or {}
        for key in node:
            if key not in _OF_RECORDS and key not in attributes:
                raise self.wrong((*at, key), f"unknown key {key!r}.", near(key, (*_OF_RECORDS, *attributes)))
        said = node.get("from", "quarantine")
        places = tuple(said) if isinstance(said, list) and said else (said,)
        for place in places:
            if place not in _PLACES or places.count(place) > 1:
                raise self.wrong((*at, "from"), f"from {said!r}.", "Say `quarantine`, `std`, or both as a list.")
        columns = [c.name for c in sources[dataset].columns]
        where = self.expression((*at, "where"), node["where"], columns) if "where" in node else None
        if "std" in places and where is None:
            raise self.wrong(at, "records of std without `where`.", f"Say which have no good key, such as {self.contract.key[0]} IS NULL.")
        named = {a: self.expression((*at, a), node[a], columns) if a in node else quote(a) if a in columns else "NULL" for a in attributes}
        if set(named.values()) == {"NULL"}:
            raise self.wrong(at, f"{dataset} has none of {', '.join(attributes)}.", "Say what they are called there.")
        return Records(dataset, places, where, named, self.share(node, "maxMerged", max_merged, at))

    def expression(self, at: Sequence[str | int], text: Any, columns: Sequence[str]) -> str:
        """SQL over a row of the source: one expression over its own columns."""
        import sqlglot
        from sqlglot import exp
        from sqlglot.errors import SqlglotError

        try:
            tree = sqlglot.parse_one(str(text), dialect="duckdb")
        except SqlglotError:
            raise self.wrong(at, f"{text!r} is no SQL expression.", "Name a column, or write one expression.") from None
        if tree.find(exp.Query) or not isinstance(tree, exp.Condition):
            raise self.wrong(at, f"{text!r} is more than an expression over a row.", "Name a column, or write one expression.")
        for column in tree.find_all(exp.Column):
            if column.name not in columns or column.table:
                raise self.wrong(at, f"no column {column.sql('duckdb')!r} there.", near(column.name, columns))
            column.this.set("quoted", True)
        return tree.sql("duckdb")

    def block(self, position: int, node: Any, attributes: Mapping[str, Kind]) -> tuple[tuple[str, str], ...]:
        found = []
        for said in node if isinstance(node, list) else [node]:
            attribute, _, part = str(said).partition(".")
            if attribute not in attributes:
                raise self.wrong(("block", position), f"{attribute!r} is not compared.", near(attribute, attributes))
            if part not in attributes[attribute].parts:
                raise self.wrong(("block", position), f"{attribute} has no part {part!r}.", near(part, attributes[attribute].parts))
            found.append((attribute, part))
        return tuple(found)

    def comparison(self, position: int, node: Any, attributes: Mapping[str, Kind]) -> Comparison:
        at: tuple[str | int, ...] = ("compare", position)
        if not isinstance(node, list) or len(node) < 2:
            raise self.wrong(at, "expected a list of levels.", "Give at least one level with a likeness and a last one without.")
        found = []
        for i, level in enumerate(node):
            when = {a: likeness for a, likeness in level.items() if a not in ("m", "u")}
            for attribute, likeness in when.items():
                if attribute not in attributes:
                    raise self.wrong((*at, i), f"{attribute!r} is not compared.", near(attribute, attributes))
                if likeness not in attributes[attribute].levels:
                    raise self.wrong((*at, i), f"{attribute} has no level {likeness!r}.", near(str(likeness), attributes[attribute].levels))
            if bool(when) == (i == len(node) - 1):
                raise self.wrong((*at, i), "the last level, and only it, has no likeness.", "It is for all other pairs.")
            counted = level.get("u") == NAMESAKES
            if counted and (len(when) != 1 or "same" not in when.values()):
                raise self.wrong((*at, i, "u"), "namesakes are counted where one attribute is the same.", "Give u as a share.")
            m = self.share(level, "m", 0, (*at, i))
            found.append(Level(tuple(when.items()), m, None if counted else self.share(level, "u", 0, (*at, i))))
        for what, total in (("m", sum(x.m for x in found)), ("u", sum(x.u or 0 for x in found))):
            if total > 1.000001:
                raise self.wrong(
                    at, f"the {what} of the levels add up to {total:.4g}.", "They are shares of all pairs: at most 1 together."
                )
        return Comparison(tuple(found))
