"""The quality standard: indicators, dimensions, weights and grades of GB/T 36344-2018, read from `standard.yaml`.

Belongs here: reading and checking the standard. Not here: rules, and how scores are counted from their results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from expectations.documents import Document, near, read_document

PATH = Path(__file__).with_name("standard.yaml")


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
    """A grade is reached from `at_least` (a score from 0 to 100) up."""

    name: str
    zh: str
    en: str
    at_least: float


@dataclass(frozen=True)
class Standard:
    """A dated version of the standard. Codes are those of GB/T 36344-2018; weights and grades are the bureau's own."""

    version: str
    valid_from: date
    basis: str
    dimensions: Mapping[str, Dimension]
    indicators: Mapping[str, Indicator]
    grades: tuple[Grade, ...]

    def grade(self, score: float) -> Grade:
        """The grade of a score from 0 to 100."""
        return next(g for g in self.grades if score >= g.at_least)


def load_standard(path: Path | None = None) -> Standard:
    """Read a standard, by default the one in force.

    Raises `DocumentError` with the line for whatever is missing, unknown or out of range.
    """
    document = read_document(path or PATH)
    data = document.data
    _keys(document, (), data, ("version", "valid_from", "basis", "dimensions", "grades"))
    if not isinstance(data["valid_from"], date):
        raise document.error(("valid_from",), f"valid_from {data['valid_from']!r} is no date.", "Write it as 2026-01-01.")
    dimensions: dict[str, Dimension] = {}
    indicators: dict[str, Indicator] = {}
    for code, node in data["dimensions"].items():
        at: tuple[str | int, ...] = ("dimensions", code)
        _keys(document, at, node, ("name", "zh", "en", "weight", "indicators"))
        for sub, inner in node["indicators"].items():
            here = (*at, "indicators", sub)
            if not isinstance(sub, str) or not sub.startswith(str(code)):
                raise document.error(
                    here, f"indicator {sub!r} in dimension {code!r}.", 'Quote the code, and let it begin with its dimension\'s: "0101".'
                )
            _keys(document, here, inner, ("zh", "en", "formula", "element", "better", "weight"))
            if inner["better"] not in ("higher", "lower"):
                raise document.error((*here, "better"), f"better: {inner['better']!r}.", "Say higher or lower.")
            weight = _weight(document, here, inner)
            indicators[sub] = Indicator(sub, code, inner["zh"], inner["en"], inner["formula"], inner["element"], inner["better"], weight)
        dimensions[code] = Dimension(code, node["name"], node["zh"], node["en"], _weight(document, at, node), tuple(node["indicators"]))
    grades: list[Grade] = []
    for position, node in enumerate(data["grades"]):
        here = ("grades", position)
        _keys(document, here, node, ("name", "zh", "en", "at_least"))
        if grades and node["at_least"] >= grades[-1].at_least:
            raise document.error(
                here, f"grade {node['name']!r} does not lie below the one before it.", "List grades from the best to the worst."
            )
        grades.append(Grade(node["name"], node["zh"], node["en"], float(node["at_least"])))
    if not grades or grades[-1].at_least != 0:
        raise document.error(("grades",), "the lowest grade does not begin at 0.", "Let the last grade have at_least: 0.")
    return Standard(str(data["version"]), data["valid_from"], data["basis"], dimensions, indicators, tuple(grades))


def _keys(document: Document, at: tuple[str | int, ...], node: Any, expected: tuple[str, ...]) -> None:
    if not isinstance(node, dict):
        raise document.error(at, "expected a mapping.", f"Give it {', '.join(expected)}.")
    for key in node:
        if key not in expected:
            raise document.error((*at, key), f"unknown key {key!r}.", near(str(key), expected))
    for key in expected:
        if key not in node:
            raise document.error(at, f"{key!r} is missing.", "Add it.")


def _weight(document: Document, at: tuple[str | int, ...], node: Mapping[str, Any]) -> float:
    weight = node["weight"]
    if isinstance(weight, bool) or not isinstance(weight, int | float) or weight < 0:
        raise document.error((*at, "weight"), f"weight {weight!r}.", "Give a number of at least 0.")
    return float(weight)
