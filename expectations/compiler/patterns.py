"""Regular expressions that mean the same to Python (where Great Expectations runs them), DuckDB's RE2 and Java.

A pattern is read by Python's own parser; what the three read differently is refused, the rest is written out again for
RE2 with every class and anchor made explicit. Belongs here: that translation. Not here: the rules that use it.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any

_parser: Any = re._parser  # type: ignore[attr-defined]  # the only exact reading of a Python pattern


class PatternError(Exception):
    """The pattern is wrong, or engines would read it differently; says which part, why, and what to write."""


_REFUSED = {
    "ASSERT": "look-around, which RE2 lacks. Write two rules.",
    "ASSERT_NOT": "look-around, which RE2 lacks. Use expect_column_values_to_not_match_regex.",
    "GROUPREF": "a back reference, which RE2 lacks. Write it out.",
    "GROUPREF_EXISTS": "a conditional, which RE2 lacks. Write it out.",
    "POSSESSIVE_REPEAT": "a possessive repeat, which RE2 lacks. Write a plain one.",
    "ATOMIC_GROUP": "an atomic group, which RE2 lacks. Write a plain one.",
}
#: What Python means by a class: of every script, where RE2 would mean ASCII. Both follow the version of Unicode that they are
#: built with, so a character younger than Python's tables may be a letter to RE2 alone.
BLANKS = r"\t-\r\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_CATEGORIES = {"CATEGORY_DIGIT": r"\p{Nd}", "CATEGORY_WORD": r"\p{L}\p{N}_", "CATEGORY_SPACE": BLANKS, "CATEGORY_NOT_DIGIT": r"\P{Nd}"}
_MIXED = r"\W or \S among other members of a class, which RE2 cannot write. Write the class the other way round: [^...]."


@cache
def translate(pattern: str) -> str:
    """The same pattern for RE2. Raises `PatternError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"not a regular expression: {error}.") from None
    except (FutureWarning, DeprecationWarning) as warning:
        raise PatternError(f"{warning}: engines read this differently. Escape the bracket or sign.") from None
    if tree.state.flags & ~re.UNICODE:
        raise PatternError("flags such as (?i), which engines read differently. Write both cases: [Aa].")
    return _sequence(tree, last=True)


def _sequence(tree: Any, last: bool) -> str:
    nodes = list(tree)
    return "".join(_node(node, last and i == len(nodes) - 1) for i, node in enumerate(nodes))


def _node(node: tuple[Any, Any], last: bool) -> str:
    kind, value = str(node[0]), node[1]
    if kind == "LITERAL":
        return _literal(value)
    if kind == "NOT_LITERAL":
        return f"[^{_literal(value)}]"
    if kind == "ANY":
        return r"[^\n]"
    if kind == "IN":
        return _class(value)
    if kind == "BRANCH":
        return "(?:" + "|".join(_sequence(branch, last) for branch in value[1]) + ")"
    if kind == "SUBPATTERN":
        _, on, off, inner = value
        if on or off:
            raise PatternError("flags such as (?i:...), which engines read differently. Write both cases: [Aa].")
        return f"(?:{_sequence(inner, last)})"
    if kind in ("MAX_REPEAT", "MIN_REPEAT"):
        return _repeat(value[0], value[1], value[2], lazy=kind == "MIN_REPEAT")
    if kind == "AT":
        return _anchor(str(value), last)
    raise PatternError(f"it holds {_REFUSED.get(kind, kind.lower() + ', which engines read differently.')}")


def _literal(code: int) -> str:
    character = chr(code)
    if code < 128 and not character.isalnum():
        return f"\\x{{{code:x}}}" if code < 32 or code == 127 else f"\\{character}" if character != " " else " "
    if 0xD800 <= code <= 0xDFFF:
        raise PatternError("a lone surrogate, which is no character. Write the character itself.")
    return character


def _class(items: list[tuple[Any, Any]]) -> str:
    parts = []
    for kind, value in items:
        name = str(kind)
        if name == "NEGATE":
            parts.append("^")
        elif name == "LITERAL":
            parts.append(_literal(value))
        elif name == "RANGE":
            parts.append(f"{_literal(value[0])}-{_literal(value[1])}")
        elif str(value) in _CATEGORIES:
            parts.append(_CATEGORIES[str(value)])
        elif len(items) == 1 + (negated := str(items[0][0]) == "NEGATE"):
            return f"[{'' if negated else '^'}{_CATEGORIES[str(value).replace('NOT_', '')]}]"
        else:
            raise PatternError(f"it holds {_MIXED}")
    return "[" + "".join(parts) + "]"


def _repeat(low: int, high: Any, inner: Any, lazy: bool) -> str:
    unbounded = high is _parser.MAXREPEAT
    if low > 1000 or (not unbounded and high > 1000):
        raise PatternError("a repeat of more than 1,000, which RE2 refuses. Use a rule on the length.")
    body = f"(?:{_sequence(inner, last=False)})"
    counts = f"{{{low},}}" if unbounded else f"{{{low}}}" if low == high else f"{{{low},{high}}}"
    short = {"{0,}": "*", "{1,}": "+", "{0,1}": "?"}.get(counts, counts)
    return body + short + ("?" if lazy else "")


def _anchor(name: str, last: bool) -> str:
    if name in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
        return r"\A"
    if name == "AT_END_STRING":
        return r"\z"
    if name == "AT_END":
        if not last:
            raise PatternError("a $ that is not at the end, which engines read differently. Move it to the end.")
        return r"(?:\x{a})?\z"  # Python's $ also stands before one final line feed
    raise PatternError(r"\b or \B, which Python reads as Unicode and RE2 as ASCII. List the characters instead.")
