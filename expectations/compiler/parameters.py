"""Suite parameters: `{"$PARAMETER": "limit * 0.9"}` in the language of Great Expectations, worked out when a suite is read.

It knows numbers, the suite's own parameters, + - * / ^, brackets, sin cos tan exp abs trunc round sgn, pi, e, now(),
datetime(...) and timedelta(...). `now()` is the day of the check, so that a verdict does not hang on the hour. Belongs here:
that language. Not here: which arguments take parameters (`arguments.py`).
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from expectations.documents import near

KEY = "$PARAMETER"


class ParameterError(Exception):
    """A parameter cannot be worked out; says which part and what to write."""


@dataclass(frozen=True)
class _Now:
    """The day of the check plus a span."""

    span: timedelta = timedelta()

    def __add__(self, other: timedelta) -> _Now:
        return _Now(self.span + other)

    __radd__ = __add__

    def __sub__(self, other: timedelta) -> _Now:
        return _Now(self.span - other)


_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "exp")},
    "abs": abs,
    "trunc": int,
    "round": round,
    "sgn": lambda a: -1 if a < -1e-12 else 1 if a > 1e-12 else 0,
    "now": _Now,
    "datetime": lambda *parts, **named: datetime(*parts, **named),
    "timedelta": timedelta,
}


def is_parameter(value: Any) -> bool:
    return isinstance(value, dict) and KEY in value


def evaluate(value: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
    """What a parameter comes to: a number, a text, a list, a time, or `{"$today": days}`. Raises `ParameterError`.

    A value of its own for a name stands beside the key, as Great Expectations writes it: `{"$PARAMETER": "a", "$PARAMETER.a": 5}`.
    """
    known = {**{k.removeprefix(f"{KEY}."): v for k, v in value.items() if k.startswith(f"{KEY}.")}, **parameters}
    text = str(value[KEY])
    if text in known:
        return known[text]
    try:
        tree = ast.parse(text.replace("^", "**").strip(), mode="eval").body
        found = _work(tree, known)
    except SyntaxError:
        raise ParameterError(f"{text!r} is no expression of suite parameters") from None
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ParameterError(f"{text!r} cannot be worked out: {error}") from None
    return {"$today": found.span.days} if isinstance(found, _Now) else found


def _work(node: ast.AST, known: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.Name):
        constants = {"pi": math.pi, "e": math.e}
        if node.id in known:
            return known[node.id]
        if node.id.lower() in constants:
            return constants[node.id.lower()]
        raise ParameterError(f"the suite has no parameter {node.id!r}. {near(node.id, known)}")
    if isinstance(node, ast.UnaryOp | ast.BinOp) and type(node.op) in _OPERATORS:
        parts = (node.operand,) if isinstance(node, ast.UnaryOp) else (node.left, node.right)
        return _OPERATORS[type(node.op)](*(_work(p, known) for p in parts))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
        named = {k.arg: _work(k.value, known) for k in node.keywords if k.arg}
        return _FUNCTIONS[node.func.id](*(_work(a, known) for a in node.args), **named)
    raise ParameterError(f"{ast.unparse(node)!r} is nothing that suite parameters know")
