"""A short text that a pattern matches, for trying what a rule on patterns says.

Belongs here: reading a pattern as the compiler writes it for RE2. Not here: checking patterns (`expectations.compiler.patterns`).
"""

from __future__ import annotations

import re
from typing import Any

_parser: Any = re._parser  # type: ignore[attr-defined]


def matching(pattern: str) -> str | None:
    """A text that the pattern matches: the first branch, the fewest repeats. None where the pattern is not understood."""
    python = re.sub(r"\\x\{([0-9a-fA-F]+)\}", lambda m: re.escape(chr(int(m[1], 16))), pattern).replace(r"\z", r"\Z")
    try:
        made = _text(_parser.parse(python))
        return made if re.search(python, made) else None
    except (re.error, KeyError, ValueError):
        return None


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
    return chr(value[0] if kind == "RANGE" else value)
