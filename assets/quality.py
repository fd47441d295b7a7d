"""Quality clauses of a contract (ODCS v3.1 `quality`) as expectations.

| clause                                          | expectation                                                     |
|-------------------------------------------------|-----------------------------------------------------------------|
| library nullValues, missingValues, none allowed | not_be_null, or a count of what counts as missing               |
| library invalidValues, none allowed             | be_in_set (validValues), match_regex (pattern)                  |
| library duplicateValues, none allowed           | be_unique, compound_columns_to_be_unique (properties)           |
| library metrics with other bounds               | expect_metric_to_be_between: rows, or percent of the rows       |
| library rowCount                                | expect_table_row_count_to_be_between, or the metric             |
| sql                                             | expect_query_to_return: one figure a batch, read only           |
| custom, engine great-expectations               | the expectation in `implementation`                             |
| text, custom of other engines                   | none: a call that the suite must meet                           |

Belongs here: that translation. Not here: other declarations (`assets.called`), what the expectations mean (`expectations`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from expectations.compiler.queries import QueryError, Reading, read_query
from expectations.documents import Document, DocumentError, near

INDICATORS = {
    "conformity": "0101",
    "completeness": "0201",
    "accuracy": "0301",
    "uniqueness": "0304",
    "consistency": "0402",
    "timeliness": "0502",
    "coverage": "0202",
}
"""Dimensions of ODCS as indicators of GB/T 36344-2018, where a metric does not say better; nothing of ODCS is accessibility."""

METRICS = {
    "nullValues": "0201",
    "missingValues": "0201",
    "invalidValues": "0302",
    "duplicateValues": "0304",
    "rowCount": "0202",
}
SEVERITIES = {"error": "critical", "critical": "critical", "warning": "warning", "warn": "warning", "info": "info"}
OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
MEASURE, QUERY, ROWS = "expect_metric_to_be_between", "expect_query_to_return", "expect_table_row_count_to_be_between"
Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class Made:
    """What a clause comes to: an expectation (`kwargs` None where none can be made), the columns, indicator and title of it."""

    type: str
    kwargs: Mapping[str, Any] | None
    indicator: str
    severity: str = "warning"
    columns: tuple[str, ...] = ()
    title: Mapping[str, str] = field(default_factory=dict)


def made_of(document: Document, at: Keys, clause: Mapping[str, Any], column: str | None, known: Collection[str]) -> Made:
    """What one clause at `at` comes to; `column` None where it speaks of the table, whose columns are `known`.

    Raises `DocumentError` with its line for a metric, argument, unit or operator that cannot be meant, and for SQL that is more
    than one reading statement.
    """
    kind = clause.get("type", "library" if "metric" in clause else "sql" if "query" in clause else "library")
    said = clause.get("description") or clause.get("name")
    title = {"zh": str(said), "en": str(said)} if said else {}
    severity = SEVERITIES.get(str(clause.get("severity", "warning")).lower(), "warning")
    dimension = clause.get("dimension")
    indicator = INDICATORS.get(str(dimension), "0104")
    columns = (column,) if column else ()
    if kind == "text" or (kind == "custom" and clause.get("engine") not in ("great-expectations", "greatExpectations")):
        return Made("", None, indicator, severity, columns, title)
    if kind == "custom":
        return _custom(document, at, clause, Made("", None, indicator, severity, columns, title))
    if kind == "sql":
        reading = _reading(document, (*at, "query"), str(clause["query"]), column)
        used = tuple(c for c in known if c.lower() in {n.lower() for n in reading.names})
        kwargs = {"query": reading.text, "column_list": list(used), **_bounds(document, at, clause)}
        return Made(QUERY, kwargs, indicator, severity, used or columns, title)
    metric = clause.get("metric", clause.get("rule"))
    if metric not in METRICS:
        raise document.error((*at, "metric"), f"unknown metric {metric!r}.", near(str(metric), METRICS))
    properties = _arguments(document, at, clause, str(metric))
    if metric == "duplicateValues" and not column:
        columns = tuple(properties.get("properties") or ())
        if not columns:
            found = "duplicateValues of a table names no columns."
            raise document.error((*at, "arguments"), found, "Name them: arguments: {properties: [a, b]}.")
    elif metric != "rowCount" and not column:
        raise document.error((*at, "metric"), f"{metric} stands at the table.", "Put it under the column's own `quality`.")
    told = INDICATORS.get(str(dimension), METRICS[metric]) if metric == "rowCount" else METRICS[metric]
    return Made(*_library(document, at, clause, metric, columns, properties), told, severity, columns, title)


def _reading(document: Document, at: Keys, query: str, column: str | None) -> Reading:
    try:
        return read_query(query, column)
    except QueryError as error:
        line = document.line(*at) or 1
        block = "\n" in query.rstrip("\n")  # a block's text begins on the line after its key
        raise DocumentError(document.path, line + error.line - (0 if block else 1), error.found, error.remedy) from None


def _custom(document: Document, at: Keys, clause: Mapping[str, Any], made: Made) -> Made:
    body = clause.get("implementation")
    if not isinstance(body, Mapping) or not isinstance(body.get("type", body.get("expectation_type")), str):
        found = "`implementation` is no expectation."
        raise document.error((*at, "implementation"), found, "Give it type and kwargs, as a suite has them.")
    kwargs = dict(body.get("kwargs") or {})
    columns = (kwargs["column"],) if isinstance(kwargs.get("column"), str) else tuple(kwargs.get("column_list") or made.columns)
    return Made(str(body.get("type", body.get("expectation_type"))), kwargs, made.indicator, made.severity, columns, made.title)


_TAKEN = {
    "missingValues": ("missingValues",),
    "invalidValues": ("validValues", "pattern"),
    "duplicateValues": ("properties",),
    "nullValues": (),
    "rowCount": (),
}


def _arguments(document: Document, at: Keys, clause: Mapping[str, Any], metric: str) -> Mapping[str, Any]:
    given = clause.get("arguments") or {}
    for key in given:
        if key not in _TAKEN[metric]:
            raise document.error((*at, "arguments", key), f"unknown argument {key!r} of {metric}.", near(str(key), _TAKEN[metric]))
    if metric == "invalidValues" and not given:
        found = "invalidValues does not say what is valid."
        raise document.error(at, found, "Give it arguments: {validValues: [...]} or {pattern: ...}.")
    return given


def _library(
    document: Document, at: Keys, clause: Mapping[str, Any], metric: str, columns: tuple[str, ...], given: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    bounds = _bounds(document, at, clause)
    unit = str(clause.get("unit", "rows"))
    if unit not in ("rows", "percent"):
        raise document.error((*at, "unit"), f"unit {unit!r}.", "Say rows or percent.")
    outside = bounds.get("outside")
    if metric == "rowCount":
        if unit == "percent":
            raise document.error((*at, "unit"), "rowCount in percent.", "Count rows.")
        if not outside and all(isinstance(bounds.get(k, 0), int) for k in ("min_value", "max_value")):
            return ROWS, bounds
        return MEASURE, {"metric": "row_count", **bounds}
    none_allowed = not outside and bounds.get("max_value") == 0 and not bounds.get("strict_max") and not bounds.get("min_value")
    missing = [v for v in given.get("missingValues") or () if v not in (None, "")]
    if none_allowed and metric in ("nullValues", "missingValues") and not missing:
        return "expect_column_values_to_not_be_null", {"column": columns[0]}
    if none_allowed and metric == "invalidValues" and len(given) == 1:
        if "pattern" in given:
            return "expect_column_values_to_match_regex", {"column": columns[0], "regex": given["pattern"]}
        return "expect_column_values_to_be_in_set", {"column": columns[0], "value_set": list(given["validValues"])}
    if none_allowed and metric == "duplicateValues":
        if len(columns) == 1:
            return "expect_column_values_to_be_unique", {"column": columns[0]}
        return "expect_compound_columns_to_be_unique", {"column_list": list(columns)}
    word = {"nullValues": "null_values", "missingValues": "missing_values", "invalidValues": "invalid_values"}.get(
        metric, "duplicate_values"
    )
    own: dict[str, Any] = {"value_set": missing} if missing else {}
    if metric == "invalidValues":
        own = {k: given[a] for k, a in (("value_set", "validValues"), ("regex", "pattern")) if a in given}
    return MEASURE, {"metric": word, "column_list": list(columns), **own, **({"unit": unit} if unit == "percent" else {}), **bounds}


def _bounds(document: Document, at: Keys, clause: Mapping[str, Any]) -> dict[str, Any]:
    """The clause's operator as bounds of an expectation; `outside` where the figure must not lie between them."""
    operator = next((o for o in OPERATORS if o in clause), None)
    if operator is None:
        raise document.error(at, "no operator: nothing says how the figure must be.", f"Give one of {', '.join(OPERATORS)}.")
    value = clause[operator]
    several = operator.endswith("Between")
    for v in value if several else [value]:
        if isinstance(v, bool) or not isinstance(v, int | float):
            raise document.error((*at, operator), f"{operator}: {v!r} is no number.", "Compare with a number.")
    if several and value[0] > value[1]:
        raise document.error((*at, operator), f"{operator}: {value!r}.", "Put the smaller number first.")
    low, high = value if several else (value, value)
    match operator:
        case "mustBe" | "mustBeBetween":
            return {"min_value": low, "max_value": high}
        case "mustNotBe" | "mustNotBeBetween":
            return {"min_value": low, "max_value": high, "outside": True}
        case "mustBeGreaterThan":
            return {"min_value": low, "strict_min": True}
        case "mustBeGreaterOrEqualTo":
            return {"min_value": low}
        case "mustBeLessThan":
            return {"max_value": high, "strict_max": True}
        case _:
            return {"max_value": high}
