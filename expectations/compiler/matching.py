"""What a pattern matches: a short text that it does, and whether it matches every text or none.

Belongs here: reading patterns as the compiler writes them for RE2. Not here: writing and checking them (`patterns.py`).
"""

from __future__ import annotations

import re
from typing import Any

_parser: Any = re._parser  # type: ignore[attr-defined]


def matching(pattern: str) -> str | None:
    """A text that the pattern matches: the first branch, the fewest repeats. None where the pattern is not understood."""
    try:
        made = _text(_tree(pattern))
        return made if re.search(_python(pattern), made) else None
    except (re.error, KeyError, ValueError, StopIteration):
        return None


def matches_all(pattern: str) -> bool:
    """Whether the pattern matches within every text, because it matches nothing at all at some place that every text has."""
    try:
        return any(len(anchors) < 2 for anchors in _empty(_tree(pattern)))
    except re.error:  # something that RE2 alone writes
        return False


def matches_none(pattern: str) -> bool:
    """Whether the pattern can match no text, because something must stand before its beginning or after its end."""
    try:
        return _impossible(_tree(pattern))
    except re.error:
        return False


def _python(pattern: str) -> str:
    for written, read in ((r"\p{L}\p{N}_", r"\w"), (r"\p{Nd}", r"\d"), (r"\P{Nd}", r"\D")):
        pattern = pattern.replace(written, read)
    return re.sub(r"\\x\{([0-9a-fA-F]+)\}", lambda m: re.escape(chr(int(m[1], 16))), pattern).replace(r"\z", r"\Z")


def _tree(pattern: str) -> Any:
    return _parser.parse(_python(pattern))


def _empty(nodes: Any) -> set[frozenset[str]]:
    """The ways to match without a character: for each, which ends of the text it asks to be at."""
    ways = {frozenset[str]()}
    for kind, value in nodes:
        match str(kind):
            case "AT":
                here = {frozenset({"end" if "END" in str(value) else "begin"})}
            case "BRANCH":
                here = set().union(*(_empty(branch) for branch in value[1]))
            case "SUBPATTERN":
                here = _empty(value[3])
            case "MAX_REPEAT" | "MIN_REPEAT":
                here = _empty(value[2]) | (set() if value[0] else {frozenset()})
            case _:
                return set()
        ways = {a | b for a in ways for b in here}
    return ways


def _impossible(nodes: Any) -> bool:
    before, ended = 0, False
    for kind, value in nodes:
        name, end = str(kind), "END" in str(value)
        least = _least(name, value)
        misplaced = before > 0 and not end if name == "AT" else ended and least > 0
        if misplaced or _impossible_within(name, value):
            return True
        ended = ended or (name == "AT" and end)
        before += least
    return False


def _impossible_within(kind: str, value: Any) -> bool:
    match kind:
        case "BRANCH":
            return all(_impossible(branch) for branch in value[1])
        case "SUBPATTERN":
            return _impossible(value[3])
        case "MAX_REPEAT" | "MIN_REPEAT":
            return bool(value[0]) and _impossible(value[2])
    return False


def _least(kind: str, value: Any) -> int:
    """The fewest characters that a node matches."""
    match kind:
        case "AT":
            return 0
        case "BRANCH":
            return min(sum(_least(str(k), v) for k, v in branch) for branch in value[1])
        case "SUBPATTERN":
            return sum(_least(str(k), v) for k, v in value[3])
        case "MAX_REPEAT" | "MIN_REPEAT":
            return int(value[0]) * sum(_least(str(k), v) for k, v in value[2])
        case _:
            return 1


def _text(nodes: Any) -> str:
    return "".join(_node(str(kind), value) for kind, value in nodes)


def _node(kind: str, value: Any) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "NOT_LITERAL":
            return next(c for c in "x0" if ord(c) != value)
        case "ANY":
            return "x"
        case "IN":
            return _one_of(value)
        case "BRANCH":
            return _text(value[1][0])
        case "SUBPATTERN":
            return _text(value[3])
        case "MAX_REPEAT" | "MIN_REPEAT":
            return _text(value[2]) * value[0]
        case "AT":
            return ""
    raise ValueError(kind)


def _one_of(members: Any) -> str:
    listed = [(str(kind), value) for kind, value in members]
    if listed[0][0] == "NEGATE":
        refused = {c for kind, value in listed[1:] for c in (range(value[0], value[1] + 1) if kind == "RANGE" else (value,))}
        return next(c for c in "x0汉 \t" if ord(c) not in refused)
    kind, value = listed[0]
    if kind == "CATEGORY":
        return {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " "}.get(str(value), "-")
    return chr(value[0] if kind == "RANGE" else value)
