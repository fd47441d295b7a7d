"""The quality standard: indicators and dimensions of GB/T 36344-2018, the bureau's weights, grades and targets in dated editions.

Belongs here: reading and checking `standard.yaml`, and which edition holds when. Not here: rules, and how scores are counted
from their results (`pipelines.scores`).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from expectations.documents import Document, DocumentError, near, read_document

PATH = Path(__file__).with_name("standard.yaml")
#: GB/T 36344-2018: how many indicators a dimension has, and the two of which a high figure is bad.
INDICATORS = {"01": 6, "02": 2, "03": 5, "04": 2, "05": 3, "06": 2}
LOWER = ("0303", "0305")
TOTAL = "total"

Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class Indicator:
    """One of the 20 indicators: X = A/B over its elements; `better` says in which direction, `weight` counts inside its dimension."""

    code: str
    dimension: str
    zh: str
    en: str
    formula: str
    element: str
    better: Literal["higher", "lower"]
    weight: float

    @property
    def inverted(self) -> bool:
        """Whether the score is 1 - X, because X counts what should not be."""
        return self.better == "lower"


@dataclass(frozen=True)
class Dimension:
    """One of the 6 dimensions; `name` is the English word used in check names, `weight` counts in the whole."""

    code: str
    name: str
    zh: str
    en: str
    weight: float
    indicators: tuple[str, ...]


@dataclass(frozen=True)
class Grade:
    """A grade is reached from `at_least` (score x coverage, 0 to 100) up."""

    name: str
    zh: str
    en: str
    at_least: float


@dataclass(frozen=True)
class Element:
    """What rules of the types that fit the pattern `rules` count: `element` is the word for it, `zh` and `en` say it whole."""

    rules: str
    element: str
    zh: str
    en: str


@dataclass(frozen=True)
class Standard:
    """One dated edition. Codes are those of GB/T 36344-2018; weights, grades and targets are the bureau's own.

    `targets` give the score x coverage (0 to 100) that the bureau wants, of the `total` and of dimensions by name.
    """

    version: str
    valid_from: date
    basis: str
    dimensions: Mapping[str, Dimension]
    indicators: Mapping[str, Indicator]
    grades: tuple[Grade, ...]
    targets: Mapping[str, float] = field(default_factory=dict)
    elements: tuple[Element, ...] = ()

    def grade(self, score: float) -> Grade:
        """The grade of a score from 0 to 100."""
        return next(g for g in self.grades if score >= g.at_least)

    def element(self, expectation: str) -> Element:
        """What one element is for rules of this expectation type. Raises `LookupError` where the standard does not say."""
        for element in self.elements:
            if fnmatchcase(expectation, element.rules):
                return element
        raise LookupError(f"the standard does not say what an element of {expectation} is.")

    def as_json(self) -> str:
        """The whole edition as one line of JSON, the same for the same content; `read_edition` reads it."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, default=str)

    @cached_property
    def fingerprint(self) -> str:
        """Names the edition's content: two editions with one version and different weights differ in it."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:12]


def read_edition(text: str) -> Standard:
    """An edition from what `Standard.as_json` wrote."""
    data = json.loads(text)
    return Standard(
        data["version"],
        date.fromisoformat(data["valid_from"]),
        data["basis"],
        {code: Dimension(**{**d, "indicators": tuple(d["indicators"])}) for code, d in data["dimensions"].items()},
        {code: Indicator(**i) for code, i in data["indicators"].items()},
        tuple(Grade(**g) for g in data["grades"]),
        data["targets"],
        tuple(Element(**e) for e in data["elements"]),
    )


def load_standard(path: Path | None = None, on: date | None = None) -> Standard:
    """The edition valid on a day (today), of a file (that which comes with Yuanqing).

    Raises `DocumentError` as `load_editions` does, and for a day before the first edition.
    """
    path, day = path or PATH, on or date.today()
    editions = load_editions(path)
    for edition in reversed(editions):
        if edition.valid_from <= day:
            return edition
    raise DocumentError(
        path, None, f"no edition is valid on {day}: the first begins on {editions[0].valid_from}.", "Add an edition for that time."
    )


@cache
def dimension_names() -> Mapping[str, str]:
    """The English word of each dimension by its code, as check names bear it."""
    return {code: d.name for code, d in load_standard().dimensions.items()}


def load_editions(path: Path | None = None) -> tuple[Standard, ...]:
    """Every edition of a file, the oldest first.

    Raises `DocumentError` with the line for whatever is missing, unknown, doubled, out of range or out of order, and for what
    GB/T 36344-2018 has otherwise.
    """
    document = read_document(path or PATH)
    data = document.data
    _keys(document, (), data, ("basis", "dimensions", "elements", "editions"))
    dimensions, indicators = _national(document)
    elements = _elements(document)
    editions: list[Standard] = []
    for position, node in _list(document, ("editions",)):
        edition = _edition(document, ("editions", position), node, dimensions, indicators, elements)
        same = next((e for e in editions if e.version == edition.version), None)
        if same is not None:
            found = f"the version {edition.version!r} stands twice."
            raise document.error(("editions", position, "version"), found, "Give each edition a version of its own.")
        if editions and edition.valid_from <= editions[-1].valid_from:
            found = f"valid_from {edition.valid_from} is not after {editions[-1].valid_from}, where the edition before begins."
            raise document.error(("editions", position, "valid_from"), found, "List editions from the oldest to the newest.")
        editions.append(edition)
    return tuple(editions)


def _national(document: Document) -> tuple[dict[str, Dimension], dict[str, Indicator]]:
    """What GB/T 36344-2018 lays down; weights are 0 until an edition gives them."""
    dimensions: dict[str, Dimension] = {}
    indicators: dict[str, Indicator] = {}
    for code, node in _mapping(document, ("dimensions",), document.data["dimensions"]).items():
        at: Keys = ("dimensions", code)
        if code not in INDICATORS:
            raise document.error(at, f"unknown dimension {code!r}.", f'Quote its code: "01". {near(str(code), INDICATORS)}')
        _keys(document, at, node, ("name", "zh", "en", "indicators"))
        known = tuple(f"{code}{n:02}" for n in range(1, INDICATORS[code] + 1))
        for sub, inner in _mapping(document, (*at, "indicators"), node["indicators"]).items():
            here = (*at, "indicators", sub)
            if sub not in known:
                raise document.error(
                    here, f"unknown indicator {sub!r} in dimension {code!r}.", f'Quote its code: "0101". {near(str(sub), known)}'
                )
            _keys(document, here, inner, ("zh", "en", "formula", "element", "better"))
            better: Literal["higher", "lower"] = "lower" if sub in LOWER else "higher"
            if inner["better"] != better:
                raise document.error((*here, "better"), f"better: {inner['better']!r}.", f"GB/T 36344-2018 has {sub} as {better}.")
            indicators[sub] = Indicator(sub, code, inner["zh"], inner["en"], inner["formula"], inner["element"], better, 0)
        _complete(document, (*at, "indicators"), node["indicators"], known, f"an indicator of dimension {code}")
        dimensions[code] = Dimension(code, node["name"], node["zh"], node["en"], 0, known)
    _complete(document, ("dimensions",), dimensions, INDICATORS, "a dimension of GB/T 36344-2018")
    return {code: dimensions[code] for code in INDICATORS}, dict(sorted(indicators.items()))


def _elements(document: Document) -> tuple[Element, ...]:
    found = []
    for position, node in _list(document, ("elements",)):
        _keys(document, ("elements", position), node, ("rules", "element", "zh", "en"))
        found.append(Element(*(str(node[k]) for k in ("rules", "element", "zh", "en"))))
    if found[-1].rules != "*":
        raise document.error(("elements",), "the last entry is not for all other rules.", 'End the list with one of rules: "*".')
    return tuple(found)


def _edition(
    document: Document,
    at: Keys,
    node: Any,
    dimensions: Mapping[str, Dimension],
    indicators: Mapping[str, Indicator],
    elements: tuple[Element, ...],
) -> Standard:
    _keys(document, at, node, ("version", "valid_from", "weights", "indicators", "grades", "targets"))
    if type(node["valid_from"]) is not date:
        raise document.error((*at, "valid_from"), f"valid_from {node['valid_from']!r} is no date.", "Write it as 2026-01-01.")
    names = {d.name: d for d in dimensions.values()}
    weights = _numbers(document, (*at, "weights"), node["weights"], names, "dimension")
    _complete(document, (*at, "weights"), weights, names, "the weight of a dimension")
    if not any(weights.values()):
        raise document.error((*at, "weights"), "every dimension has weight 0.", "Give at least one dimension a weight above 0.")
    own = _numbers(document, (*at, "indicators"), node["indicators"], indicators, "indicator")
    grades: list[Grade] = []
    for position, grade in _list(document, (*at, "grades")):
        here = (*at, "grades", position)
        _keys(document, here, grade, ("name", "zh", "en", "at_least"))
        least = _number(document, (*here, "at_least"), "at_least", grade["at_least"], 100)
        if grades and least >= grades[-1].at_least:
            found = f"grade {grade['name']!r} begins at {least:g}, not below the one before it ({grades[-1].at_least:g})."
            raise document.error((*here, "at_least"), found, "List grades from the best to the worst.")
        grades.append(Grade(str(grade["name"]), grade["zh"], grade["en"], least))
    if grades[-1].at_least != 0:
        raise document.error((*at, "grades"), "the lowest grade does not begin at 0.", "Let the last grade have at_least: 0.")
    targets = _numbers(document, (*at, "targets"), node["targets"], (TOTAL, *names), "target", 100)
    return Standard(
        str(node["version"]),
        node["valid_from"],
        str(document.data["basis"]),
        {code: Dimension(code, d.name, d.zh, d.en, weights[d.name], d.indicators) for code, d in dimensions.items()},
        {c: Indicator(**{**asdict(i), "weight": own.get(c, 1.0)}) for c, i in indicators.items()},
        tuple(grades),
        targets,
        elements,
    )


def _mapping(document: Document, at: Keys, node: Any) -> Mapping[Any, Any]:
    if not isinstance(node, dict):
        raise document.error(at, f"{at[-1]} is no mapping.", "Write `name: value`, one a line.")
    return node


def _list(document: Document, at: Keys) -> list[tuple[int, Any]]:
    node: Any = document.data
    for key in at:
        node = node[key]
    if not isinstance(node, list) or not node:
        raise document.error(at, f"{at[-1]} is no list, or an empty one.", "Begin each entry with a dash.")
    return list(enumerate(node))


def _keys(document: Document, at: Keys, node: Any, expected: tuple[str, ...]) -> None:
    if not isinstance(node, dict):
        raise document.error(at, "expected a mapping.", f"Give it {', '.join(expected)}.")
    for key in node:
        if key not in expected:
            raise document.error((*at, key), f"unknown key {key!r}.", near(str(key), expected))
    for key in expected:
        if key not in node:
            raise document.error(at, f"{key!r} is missing.", "Add it.")


def _complete(document: Document, at: Keys, there: Any, wanted: Any, what: str) -> None:
    lacking = [name for name in wanted if name not in there]
    if lacking:
        raise document.error(at, f"{', '.join(map(repr, lacking))} is missing: {what}.", "Add it; with weight 0 it is not asked for.")


def _numbers(document: Document, at: Keys, node: Any, known: Any, what: str, most: float | None = None) -> dict[str, float]:
    found = {}
    for name, value in _mapping(document, at, node).items():
        if name not in known:
            raise document.error((*at, name), f"unknown {what} {name!r}.", near(str(name), known))
        found[name] = _number(document, (*at, name), f"{'target' if what == 'target' else 'weight'} of {name}", value, most)
    return found


def _number(document: Document, at: Keys, what: str, value: Any, most: float | None = None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= (sys.float_info.max if most is None else most):
        wanted = "a number of at least 0" if most is None else f"a number from 0 to {most:g}"
        raise document.error(at, f"{what}: {value!r}.", f"Give {wanted}.")
    return float(value)
