"""Whether a compiled rule makes sense: whether it names columns that there are, can fail at all, and can pass at all.

A value of an expression is followed as the set of what it may be (true, false, NULL), whatever the rows hold; what is not
understood may be anything, so nothing that makes sense is refused. Belongs here: that reasoning. Not here: what a single
argument may be (`arguments.py`, the kinds), data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import inf, isinf
from typing import TYPE_CHECKING, Any

from expectations.compiler.conditions import condition_columns
from expectations.compiler.forms import CannotTest, ColumnsTest, MeasureTest, RowTest
from expectations.compiler.ir import Call, Column, Constant, Expression, Shared, Today, call
from expectations.compiler.matching import matches_all, matches_none
from expectations.documents import near

if TYPE_CHECKING:
    from expectations.compiler.plan import Compiled, Plan

Values = frozenset[bool | None]
ANY: Values = frozenset({True, False, None})
HOLDS, FAILS = frozenset({True, None}), frozenset({False, None})
#: What a figure of a batch can be, whatever its rows.
_DOMAINS = {
    "count": (0, inf),
    "distinct": (0, inf),
    "deviation": (0, inf),
    "distinct_share": (0, 1),
    "present_share": (0, 1),
}


def sensible(plan: Plan) -> Plan:
    """The plan, if all its rules make sense.

    Raises `DocumentError` at the first rule on a column that the dataset does not declare, and the first that can never fail
    or always fails.
    """
    for compiled in plan.compiled:
        kwargs = compiled.rule.kwargs
        if kwargs.get("column_A") is not None and kwargs["column_A"] == kwargs.get("column_B"):
            found = f"column_A and column_B are both {kwargs['column_A']}: the rule compares a column with itself."
            raise plan.suite.error(compiled.rule, found, "Name two columns.")
        if unknown := _unknown_column(plan, compiled):
            known = [f.name for f in plan.fields]
            raise plan.suite.error(compiled.rule, f"the dataset has no column {unknown!r}.", near(unknown, known))
        verdict = _verdict(plan, compiled)
        if verdict:
            raise plan.suite.error(compiled.rule, f"the rule {verdict}: {compiled.rule.type}.", "Mend its arguments, or remove it.")
    return plan


def _unknown_column(plan: Plan, compiled: Compiled) -> str | None:
    if not isinstance(compiled.test, CannotTest | ColumnsTest):
        return None
    wanted: list[str] = list(compiled.rule.columns)
    condition = compiled.rule.kwargs.get("row_condition")
    if isinstance(condition, dict):
        wanted += condition_columns(condition)
    there = {f.name for f in plan.fields} | {f.text for f in plan.fields}
    return next((name for name in wanted if name not in there), None)


def _verdict(plan: Plan, compiled: Compiled) -> str:
    test = compiled.test
    if isinstance(test, RowTest):
        reader = _Reader(plan.as_of)
        over = [e for e in (test.condition, _negated(test.ignored) if test.ignored is not None else None) if e is not None]
        if True not in reader.conjunction([*over, test.unexpected]):
            return "can never fail"
        always = reader.values(test.unexpected) <= HOLDS or True not in reader.conjunction([*over, _negated(test.unexpected)])
        return "always fails" if always else ""
    if isinstance(test, MeasureTest):
        return _figure(test, plan.as_of)
    return ""


def _figure(test: MeasureTest, as_of: date) -> str:
    low, high = (_comparable(as_of + timedelta(days=b.days) if isinstance(b, Today) else b) for b in (test.low, test.high))
    if low is not None and high is not None and _empty(low, high, test.strict_low or test.strict_high):
        return "always fails"
    if test.function not in _DOMAINS or not all(b is None or isinstance(b, int | float | Decimal) for b in (low, high)):
        return ""
    least, most = _DOMAINS[test.function]
    if (low is not None and _empty(low, most, test.strict_low)) or (high is not None and _empty(least, high, test.strict_high)):
        return "always fails"
    above = low is None or low < least or (low == least and not test.strict_low)
    below = high is None or high > most or (high == most and not test.strict_high)
    return "can never fail" if above and below else ""


def _empty(low: Any, high: Any, strict: bool) -> bool:
    try:
        return bool(low > high or (strict and low == high))
    except TypeError:
        return False


def _comparable(value: Any) -> Any:
    return datetime(value.year, value.month, value.day) if isinstance(value, date) and not isinstance(value, datetime) else value


class _Reader:
    """What expressions may be, on a day."""

    def __init__(self, as_of: date) -> None:
        self.as_of = as_of

    def values(self, expression: Expression) -> Values:
        if isinstance(expression, Shared):
            return self.values(expression.expression)
        if isinstance(expression, Constant):
            return frozenset({expression.value}) if expression.value is None or isinstance(expression.value, bool) else ANY
        if not isinstance(expression, Call):
            return ANY
        arguments = expression.arguments
        match expression.operator:
            case "not":
                return frozenset(None if v is None else not v for v in self.values(arguments[0]))
            case "and":
                return self.conjunction(arguments)
            case "or":
                return frozenset(None if v is None else not v for v in self.conjunction([_negated(a) for a in arguments]))
            case "surely":
                return frozenset(bool(v) for v in self.values(arguments[0]))
            case "is_null":
                return frozenset({True, False})
            case "choose":
                return frozenset().union(*(self.values(a) for a in (*arguments[1:-1:2], arguments[-1])))
            case "in_set":
                return _membership(arguments[0], arguments[1])
            case "match":
                return _pattern(arguments[1])
            case "like":
                return HOLDS if isinstance(arguments[1], Constant) and set(str(arguments[1].value)) == {"%"} else ANY
            case "equal" if arguments[0] == arguments[1]:
                return HOLDS
            case "less" | "less_equal":
                return self._comparison(expression)
        return ANY

    def conjunction(self, parts: Iterable[Expression]) -> Values:
        """What all of some expressions together may be."""
        flat = list(_flat(parts))
        found: Values = frozenset({True})
        for part in dict.fromkeys(flat):
            found = frozenset(_both(a, b) for a in found for b in self.values(part))
        if any(_negated(p) in flat for p in flat) or self._no_room(flat):
            found -= {True}
        return found

    def _comparison(self, expression: Call) -> Values:
        a, b = expression.arguments
        if a == b:
            return HOLDS if expression.operator == "less_equal" else FAILS
        bounds = self._bounds(expression)
        if bounds is None:
            return ANY
        subject, low, high, strict = bounds
        least, most = (0, inf) if isinstance(subject, Call) and subject.operator == "length" else (-inf, inf)
        numbers = [v for v in (low, high) if v is not None and not isinstance(v, int | float | Decimal)]
        if numbers:
            return ANY
        if (low is not None and _empty(low, most, strict and most != inf)) or (high is not None and _empty(least, high, strict)):
            return FAILS
        if (low is not None and (low < least or (low == least and not strict))) or (high is not None and isinf(high) and high > 0):
            return HOLDS
        return ANY

    def _bounds(self, expression: Expression) -> tuple[Expression, Any, Any, bool] | None:
        """What is compared with a constant: (what, lower bound, upper bound, strictly); one of the bounds is None."""
        if not isinstance(expression, Call) or expression.operator not in ("less", "less_equal"):
            return None
        strict = expression.operator == "less"
        a, b = expression.arguments
        if (low := self._constant(a)) is not None and self._constant(b) is None:
            return b, low, None, strict
        if (high := self._constant(b)) is not None and self._constant(a) is None:
            return a, None, high, strict
        return None

    def _constant(self, expression: Expression) -> Any:
        if isinstance(expression, Today) and expression.kind != "text":
            return _comparable(self.as_of + timedelta(days=expression.days))
        value = expression.value if isinstance(expression, Constant) else None
        return None if isinstance(value, tuple) else _comparable(value)

    def _no_room(self, parts: list[Expression]) -> bool:
        """Whether two bounds of one thing leave nothing between them."""
        bounds = [b for b in map(self._bounds, parts) if b is not None]
        return any(
            s == t and low is not None and high is not None and _empty(low, high, strict or stricter)
            for s, low, _, strict in bounds
            for t, _, high, stricter in bounds
        )


def _membership(value: Expression, members: Expression) -> Values:
    listed = members.value if isinstance(members, Constant) and isinstance(members.value, tuple) else None
    if listed is not None and not listed:
        return FAILS
    words = _words(value)
    if words is not None and listed is not None and words <= set(listed):
        return HOLDS
    whole = isinstance(value, Column) and value.kind == "boolean" and listed is not None and {True, False} <= set(listed)
    return HOLDS if whole else ANY


def _words(value: Expression) -> set[Any] | None:
    """The constants that a value is one of (NULL aside); None where it may be anything."""
    if isinstance(value, Shared):
        return _words(value.expression)
    if isinstance(value, Constant):
        return {value.value} - {None}
    if isinstance(value, Call) and value.operator == "text":
        return _words(value.arguments[0]) if value.arguments[0] == Constant(None) else None
    if not isinstance(value, Call) or value.operator != "choose":
        return None
    found: set[Any] = set()
    for branch in (*value.arguments[1:-1:2], value.arguments[-1]):
        words = _words(branch)
        if words is None:
            return None
        found |= words
    return found


def _pattern(pattern: Expression) -> Values:
    if not isinstance(pattern, Constant):
        return ANY
    return HOLDS if matches_all(str(pattern.value)) else FAILS if matches_none(str(pattern.value)) else ANY


def _both(one: bool | None, other: bool | None) -> bool | None:
    return False if False in (one, other) else None if None in (one, other) else True


def _flat(parts: Iterable[Expression]) -> Iterator[Expression]:
    for part in parts:
        if isinstance(part, Shared):
            part = part.expression
        if isinstance(part, Call) and part.operator == "and":
            yield from _flat(part.arguments)
        else:
            yield part


def _negated(expression: Expression) -> Expression:
    negative = isinstance(expression, Call) and expression.operator == "not"
    return expression.arguments[0] if negative else call("not", expression)  # type: ignore[union-attr]
