"""How DuckDB spells each operator of the intermediate form: the one place that knows the engine.

Belongs here: spellings, as sqlglot trees. Not here: what is asked for (`rules/`), or which scans are made (`plan.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from sqlglot import exp

from expectations.compiler.ir import Column, Constant, Expression, Shared, Today
from expectations.identity import FOLD_FROM, FOLD_TO

Spelled = exp.Expr


def name(identifier: str) -> exp.Identifier:
    return exp.Identifier(this=identifier, quoted=True)


def column(identifier: str, table: str | None = None) -> exp.Column:
    return exp.Column(this=name(identifier), table=name(table) if table else None)


def function(called: str, *arguments: Spelled) -> exp.Anonymous:
    return exp.Anonymous(this=called, expressions=list(arguments))


def key_number(*parts: Spelled) -> Spelled:
    """A number that equal keys share, NULL being equal to NULL; others hardly ever."""
    return function("hash", *parts)


def cast(value: Spelled, to: str) -> exp.Cast:
    return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type[to]))


def number(value: int | float | Decimal) -> Spelled:
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return cast(exp.Literal.string(str(value)), "DOUBLE")
        literal: Spelled = cast(exp.Literal.number(repr(abs(value))), "DOUBLE")
    else:
        literal = exp.Literal.number(str(abs(value)))
    return exp.Neg(this=literal) if value < 0 else literal


def constant(value: Any) -> Spelled:
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int | float | Decimal):
        return number(value)
    if isinstance(value, datetime):
        return cast(exp.Literal.string(value.isoformat(" ")), "TIMESTAMPTZ" if value.tzinfo else "TIMESTAMP")
    if isinstance(value, date):
        return cast(exp.Literal.string(value.isoformat()), "DATE")
    if isinstance(value, tuple):
        return exp.Array(expressions=[constant(v) for v in value])
    return exp.Literal.string(value)


def _joined(kind: type[exp.Expr]) -> Callable[..., Spelled]:
    def spelled(*arguments: Spelled) -> Spelled:
        result: Spelled = exp.Paren(this=arguments[0])
        for argument in arguments[1:]:
            result = kind(this=result, expression=exp.Paren(this=argument))
        return exp.Paren(this=result)

    return spelled


def _binary(kind: type[exp.Expr]) -> Callable[[Spelled, Spelled], Spelled]:
    return lambda a, b: exp.Paren(this=kind(this=a, expression=b))


def _choose(*arguments: Spelled) -> Spelled:
    pairs = zip(arguments[:-1:2], arguments[1:-1:2], strict=True)
    otherwise = None if isinstance(arguments[-1], exp.Null) else arguments[-1]
    return exp.Case(ifs=[exp.If(this=c, true=v) for c, v in pairs], default=otherwise)


def _thousandths(value: Spelled) -> Spelled:
    near = exp.Between(this=value, low=number(-(10**12)), high=number(10**12))
    # as doubles: a product of decimals can be too wide for its type, and up to 10^12 thousandths are whole doubles
    scaled = exp.Add(this=exp.Mul(this=cast(value.copy(), "DOUBLE"), expression=number(1000)), expression=number(Decimal("0.5")))
    return exp.Case(ifs=[exp.If(this=near, true=cast(function("floor", scaled), "BIGINT"))])


def _like(text: Spelled, pattern: Spelled, escape: Spelled) -> Spelled:
    like = exp.Like(this=text, expression=pattern)
    return like if isinstance(escape, exp.Null) else exp.Escape(this=like, expression=escape)


def _finite(value: Spelled) -> Spelled:
    return exp.Case(ifs=[exp.If(this=function("isfinite", value), true=value.copy())])


def _deviation(value: Spelled, kept: Callable[[Spelled], Spelled]) -> Spelled:
    """The standard deviation of a sample; NULL, not an error, where a value is infinite."""
    every = kept(function("bool_and", function("isfinite", value)))
    return exp.Case(ifs=[exp.If(this=every, true=kept(function("stddev_samp", _finite(value.copy()))))])


@cache
def _digits() -> tuple[str, str]:
    """The decimal digits of all scripts but ours, and what Python's int() reads in them."""
    found = [c for c in map(chr, range(128, 0x1FC00)) if c.isdecimal()]
    return "".join(found), "".join(str(int(c)) for c in found)


def _day_number(day: Spelled) -> Spelled:
    year = exp.Mul(this=function("year", day), expression=number(10000))
    month = exp.Mul(this=function("month", day.copy()), expression=number(100))
    return exp.Paren(this=exp.Add(this=exp.Add(this=year, expression=month), expression=function("day", day.copy())))


SPELLINGS: Mapping[str, Callable[..., Spelled]] = {
    "and": _joined(exp.And),
    "or": _joined(exp.Or),
    "not": lambda a: exp.Not(this=exp.Paren(this=a)),
    "is_null": lambda a: exp.Paren(this=exp.Is(this=a, expression=exp.Null())),
    "surely": lambda a: function("coalesce", a, exp.false()),
    "choose": _choose,
    "equal": _binary(exp.EQ),
    "less": _binary(exp.LT),
    "less_equal": _binary(exp.LTE),
    # measured: on texts 2 to 4 times as fast as IN, which becomes a join; and once a distinct value of dictionary columns
    "in_set": lambda a, values: function("list_contains", values, a),
    "match": lambda a, pattern: function("regexp_matches", a, pattern),
    "extract": lambda a, pattern, group: function("regexp_extract", a, pattern, group),
    "like": lambda a, pattern, escape: exp.Paren(this=_like(a, pattern, escape)),
    "length": lambda a: function("length", a),
    "slice": lambda a, start, length: function("substr", a, start, length),
    "position": lambda a, inside: function("instr", inside, a),
    "ends_with": lambda a, end: function("suffix", a, end),
    "text": lambda a: cast(a, "VARCHAR"),
    "concat": _joined(exp.DPipe),
    "look_up": lambda a, keys, values: exp.Bracket(this=function("map", keys, values), expressions=[a]),
    "fold_code": lambda a: function("translate", a, exp.Literal.string(FOLD_FROM), exp.Literal.string(FOLD_TO)),
    "plain_digits": lambda a: function("translate", a, *map(exp.Literal.string, _digits())),
    "real": lambda a: cast(a, "DOUBLE"),
    "add": _binary(exp.Add),
    "subtract": _binary(exp.Sub),
    "multiply": _binary(exp.Mul),
    "quotient": _binary(exp.IntDiv),
    "remainder": _binary(exp.Mod),
    "shift_right": _binary(exp.BitwiseRightShift),
    "bit_and": _binary(exp.BitwiseAnd),
    "whole": lambda a: cast(a, "INT"),
    "long": lambda a: cast(a, "BIGINT"),
    # a quarter of what strftime takes
    "day_number": _day_number,
    "thousandths": _thousandths,
    "day_text": lambda a: function("strftime", a, exp.Literal.string("%Y%m%d")),
}


def _plain(aggregate: Callable[[Spelled], Spelled]) -> Callable[[Spelled, Callable[[Spelled], Spelled]], Spelled]:
    return lambda a, kept: kept(aggregate(a))


def _values(a: Spelled) -> Spelled:
    return function("list", exp.Distinct(expressions=[a]))


def _slice(values: Spelled, length: int) -> Spelled:
    return function("list_slice", function("list_sort", values), exp.Literal.number("1"), exp.Literal.number(str(length)))


LISTED = 20  # Great Expectations' partial lists
#: Aggregates by name, of a value; `kept` leaves the rows of a condition. What is not finite is NULL; values are without doubles.
AGGREGATES: Mapping[str, Callable[[Spelled, Callable[[Spelled], Spelled]], Spelled]] = {
    "count": _plain(lambda a: exp.Count(this=a)),
    "present": _plain(lambda a: exp.Count(this=a)),
    "distinct": _plain(lambda a: exp.Count(this=exp.Distinct(expressions=[a]))),
    "min": _plain(lambda a: exp.Min(this=a)),
    "max": _plain(lambda a: exp.Max(this=a)),
    "sum": _plain(lambda a: exp.Sum(this=a)),
    "mean": lambda a, kept: _finite(kept(function("avg", a))),
    "deviation": lambda a, kept: _deviation(a, kept),
    "lower_quartile": lambda a, kept: _finite(kept(function("quantile_cont", a, exp.Literal.number("0.25")))),
    "upper_quartile": lambda a, kept: _finite(kept(function("quantile_cont", a, exp.Literal.number("0.75")))),
    "values": _plain(_values),
    "least_values": lambda a, kept: _slice(kept(_values(a)), LISTED),
}
#: Those that can be added up from the groups of a scan, and how.
MERGED: Mapping[str, str] = {"count": "sum", "present": "sum", "sum": "sum", "min": "min", "max": "max"}


def spell(expression: Expression, shared: Mapping[Expression, str], as_of: date) -> Spelled:
    """The tree of an expression; `shared` names the columns that hold what was computed before, `as_of` is today."""
    if isinstance(expression, Shared):
        held = shared.get(expression.expression)
        return column(held) if held else spell(expression.expression, shared, as_of)
    if isinstance(expression, Column):
        plain = column(expression.name)
        if expression.floating:
            return exp.Case(ifs=[exp.If(this=exp.Not(this=function("isnan", plain)), true=plain.copy())])
        return plain
    if isinstance(expression, Constant):
        return constant(expression.value)
    if isinstance(expression, Today):
        day = as_of + timedelta(days=expression.days)
        if expression.kind == "text":
            return exp.Literal.string(day.strftime("%Y%m%d"))
        return constant(day if expression.kind == "date" else datetime(day.year, day.month, day.day))
    return SPELLINGS[expression.operator](*(spell(a, shared, as_of) for a in expression.arguments))
