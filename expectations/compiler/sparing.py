"""Conditions put so that they cost less and mean the same: what is rarely true is asked of few rows.

DuckDB works out every side of an AND or OR for all rows; only CASE leaves rows out. Belongs here: rewriting conditions of the
intermediate form before they are spelled. Not here: what a rule means (`rules/`), how an operator is spelled (`duckdb.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from expectations.compiler.ir import Call, Constant, Expression, Shared, call, choose

LONGEST = 1000
"""Characters of patterns put together: RE2 turns slow where its automaton outgrows its memory."""


def spared(conditions: Sequence[Expression]) -> list[Expression]:
    """The same conditions, cheaper; where one was NULL it may be false.

    Patterns that are looked for in one text (rules that it should not match them) are first looked for all at once: where none
    is found, each of them is not. Measured on three patterns and 1 M names: 75 ms instead of 210.
    """
    sought: dict[Expression, dict[str, None]] = defaultdict(dict)
    for condition in conditions:
        if (found := _search(condition)) is not None:
            sought[found[0]][found[1]] = None
    at_once = {
        text: Shared(call("match", text, "|".join(f"(?:{p})" for p in patterns)))
        for text, patterns in sought.items()
        if len(patterns) > 1 and sum(map(len, patterns)) <= LONGEST
    }
    return [
        choose((at_once[found[0]], condition), otherwise=False) if (found := _search(condition)) and found[0] in at_once else condition
        for condition in conditions
    ]


def _search(condition: Expression) -> tuple[Expression, str] | None:
    """The text and the pattern where a condition is that the one matches the other."""
    if isinstance(condition, Call) and condition.operator == "match":
        text, pattern = condition.arguments
        if isinstance(pattern, Constant) and isinstance(pattern.value, str):
            return text, pattern.value
    return None
