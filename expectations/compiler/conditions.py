"""Row conditions in Great Expectations' own two forms: its text, `col("state")=="4"`, and its condition objects.

What a condition means where the column is NULL is what it means to Great Expectations on pandas: `!=` and `NOT_IN` hold,
everything else does not. Belongs here: reading conditions. Not here: rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from expectations.compiler.ir import Expression, call
from expectations.compiler.kinds import ArgumentError, Scope
from expectations.documents import near

_TEXT = re.compile(
    r"""\s*col\("(?P<column>[^"]+)"\)\s*(?:(?P<notnull>\.notnull\(\))|(?P<operator>==|!=|<=|>=|<|>)\s*"""
    r"""(?:(?P<number>[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)|"""
    r"""(?P<date>date\(\s*)?(?:"(?P<double>[^"']*)"|'(?P<single>[^"']*)')(?(date)\s*\))))\s*""",
    re.IGNORECASE,
)
_OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "IN", "NOT_IN")
_TYPES = ("comparison", "nullity", "and", "or")
_KEYS = {
    "comparison": {"type", "column", "operator", "parameter"},
    "nullity": {"type", "column", "is_null"},
    "and": {"type", "conditions"},
    "or": {"type", "conditions"},
}


def condition_object(condition: Any) -> dict[str, Any]:
    """A condition in either form as a condition object, checked. Raises `ArgumentError`."""
    if isinstance(condition, str):
        found = _TEXT.fullmatch(condition)
        if not found:
            raise ArgumentError(
                "row_condition",
                f"{condition!r} is no row condition.",
                """Write col("state")=="4", col("n")>3, col("day")>date("2026-01-01"), or col("end_date").notnull().""",
            )
        column = {"name": found["column"]}
        if found["notnull"]:
            return {"type": "nullity", "column": column, "is_null": False}
        text = found["double"] if found["double"] is not None else found["single"]
        return {
            "type": "comparison",
            "column": column,
            "operator": found["operator"],
            "parameter": _number(found["number"]) if text is None else text,
        }
    if not isinstance(condition, dict) or condition.get("type") not in _TYPES:
        kind = condition.get("type") if isinstance(condition, dict) else condition
        raise ArgumentError("row_condition", f"{kind!r} is no type of condition.", near(str(kind), _TYPES))
    kind = condition["type"]
    if set(condition) != _KEYS[kind]:
        raise ArgumentError(
            "row_condition",
            f"a condition of type {kind} has {', '.join(map(str, condition))}.",
            f"Give it {', '.join(sorted(_KEYS[kind]))}.",
        )
    if kind in ("and", "or"):
        if not condition["conditions"]:
            raise ArgumentError("row_condition", f"an empty list under {kind}.", "Give it at least two conditions.")
        return {"type": kind, "conditions": [condition_object(c) for c in condition["conditions"]]}
    column = condition["column"]
    if isinstance(column, str):
        column = {"name": column}
    if not isinstance(column, dict) or set(column) != {"name"}:
        raise ArgumentError("row_condition", f"column {column!r}.", "Write column: {name: state}.")
    if kind == "nullity":
        return {"type": kind, "column": column, "is_null": bool(condition["is_null"])}
    operator, parameter = condition["operator"], condition["parameter"]
    if operator not in _OPERATORS:
        raise ArgumentError("row_condition", f"operator {operator!r}.", near(str(operator), _OPERATORS))
    if (operator in ("IN", "NOT_IN")) != isinstance(parameter, list) or parameter is None:
        raise ArgumentError(
            "row_condition",
            f"parameter {parameter!r} for {operator}.",
            "Give IN and NOT_IN a list, the others one value; for NULL use type: nullity.",
        )
    return {"type": kind, "column": column, "operator": operator, "parameter": parameter}


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch("[+-]?[0-9]+", text) else float(text)


def condition_columns(condition: dict[str, Any]) -> Iterator[str]:
    """The columns that a condition object names."""
    if "column" in condition:
        yield condition["column"]["name"]
    for inner in condition.get("conditions", ()):
        yield from condition_columns(inner)


def compile_condition(condition: dict[str, Any], scope: Scope) -> Expression:
    """The expression of a condition object. Raises `AbsentError`, `ArgumentError`."""
    kind = condition["type"]
    if kind in ("and", "or"):
        return call(kind, *(compile_condition(c, scope) for c in condition["conditions"]))
    column = scope.column(condition["column"]["name"])
    if kind == "nullity":
        missing = call("is_null", column)
        return missing if condition["is_null"] else call("not", missing)
    operator, parameter = condition["operator"], condition["parameter"]
    if operator in ("IN", "NOT_IN"):
        values = tuple(scope.literal(v, column, "row_condition").value for v in parameter)  # type: ignore[union-attr]
        within = call("surely", call("in_set", column, values))
        return within if operator == "IN" else call("not", within)
    value = scope.literal(parameter, column, "row_condition")
    compared = {
        "==": call("equal", column, value),
        "!=": call("equal", column, value),
        "<": call("less", column, value),
        "<=": call("less_equal", column, value),
        ">": call("less", value, column),
        ">=": call("less_equal", value, column),
    }[operator]
    held = call("surely", compared)
    return call("not", held) if operator == "!=" else held
