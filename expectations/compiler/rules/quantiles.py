"""Rules on quantiles of a column: the values at a place in its order, missing ones left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlglot import exp

from expectations.compiler.forms import FigureTest, Found, Judgement, between
from expectations.compiler.ir import Expression, call
from expectations.compiler.kinds import BOUNDS, MAP, Argument, ArgumentError, Arguments, Kind, Scope, some_bound
from expectations.compiler.writing import BATCH, Writer, column, count, function, named, select, window

Between = Literal["linear", "lower", "higher", "midpoint", "nearest"]
_BETWEEN = ("linear", "lower", "higher", "midpoint", "nearest")


@dataclass(frozen=True)
class QuantilesTest(FigureTest):
    """The `quantiles` (0 to 1) of a value, where they fall between two values taken `between`, lie in their ranges.

    `near`: a figure within 0.01 % of a bound counts as in range, and the figures are reported as a list.
    """

    value: Expression
    condition: Expression | None
    quantiles: tuple[float, ...]
    ranges: tuple[tuple[Any, Any], ...]
    between: Between
    strict: tuple[bool, bool] = (False, False)
    near: bool = True

    def statement(self, write: Writer) -> exp.Query:
        """The values at the places below and above each quantile, found by adding up how often each value occurs."""
        wanted = call("not", call("is_null", self.value))
        wanted = wanted if self.condition is None else call("and", self.condition, wanted)
        layers = write.layers(self.value, wanted)
        counted = select(BATCH, value=layers.tree(self.value), n=count()).from_(layers.table()).where(layers.tree(wanted)).group_by(1, 2)
        batch, n = column(BATCH), column("n")
        upto = window(function("sum", n), by=[batch], order=[column("value")])
        total = window(function("sum", n.copy()), by=[batch.copy()])
        placed = select(BATCH, "value", upto=upto, total=total).from_(named(counted, "c"))
        figures: dict[str, exp.Expr] = {"n": function("max", column("total"))}
        for i, quantile in enumerate(self.quantiles):
            for end in ("floor", "ceil"):
                place = function(end, exp.paren(exp.paren(column("total") - 1) * exp.Literal.number(repr(quantile))))
                kept = exp.Where(this=column("upto") > place)
                figures[f"{end}{i}"] = exp.Filter(this=function("min", column("value")), expression=kept)
        return select(BATCH, **figures).from_(named(placed, "p")).group_by(1)

    def judge(self, found: Found) -> Judgement:
        if not found.figures.get("n"):
            return Judgement.cannot("没有值可计算", "there is no value to work with")
        values = [self._at(i, found.figures) for i in range(len(self.quantiles))]
        held = [self._holds(v, low, high) for v, (low, high) in zip(values, self.ranges, strict=True)]
        if not self.near:
            return Judgement.of(held[0], observed_value=values[0])
        observed = {"quantiles": list(self.quantiles), "values": values}
        return Judgement.of(all(held), observed_value=observed, details={"success_details": held})

    def _at(self, i: int, figures: Any) -> Any:
        low, high = figures[f"floor{i}"], figures[f"ceil{i}"]
        place = (int(figures["n"]) - 1) * self.quantiles[i]
        if self.between == "nearest":  # half a place away: the even one, as numpy
            return (low, high)[round(place) - math.floor(place)]
        if self.between in ("lower", "higher"):
            return low if self.between == "lower" else high
        share = 0.5 if self.between == "midpoint" else place - math.floor(place)
        if low == high:
            return float(low)
        return float(low) + (float(high) - float(low)) * share

    def _holds(self, value: Any, low: Any, high: Any) -> bool:
        if self.near and any(b is not None and _near(value, b) for b in (low, high)):
            return True
        return between(value, low, high, *self.strict)


def _near(value: Any, bound: Any) -> bool:
    if not isinstance(value, int | float) and not hasattr(value, "__float__"):
        return bool(value == bound)
    a, b = float(value), float(bound)
    return a == b if math.isinf(a) or math.isinf(b) else abs(a - b) <= 1e-8 + 1e-4 * abs(b)


def _median(arguments: Arguments, scope: Scope) -> QuantilesTest:
    value = scope.column(arguments["column"])
    if value.kind not in ("integer", "number"):
        raise ArgumentError("column", f"{value.name} is a {value.kind}: it has no median.", "Use a column of numbers.")
    ranges = ((arguments["min_value"], arguments["max_value"]),)
    strict = (arguments["strict_min"], arguments["strict_max"])
    return QuantilesTest(value, arguments["condition"], (0.5,), ranges, "midpoint", strict, near=False)


def _quantiles(arguments: Arguments, scope: Scope) -> QuantilesTest:
    value = scope.column(arguments["column"])
    if value.kind not in ("integer", "number"):
        raise ArgumentError("column", f"{value.name} is a {value.kind}: it has no quantiles.", "Use a column of numbers.")
    given = arguments["quantile_ranges"]
    quantiles = tuple(q * 100 / 100 for q in given["quantiles"])  # as pandas, which asks numpy for percents
    ranges = tuple((low, high) for low, high in given["value_ranges"])
    error = arguments["allow_relative_error"]
    return QuantilesTest(value, arguments["condition"], quantiles, ranges, error if error in _BETWEEN else "nearest")


def _ranges(arguments: Arguments) -> None:
    given = arguments["quantile_ranges"]
    quantiles, ranges = given["quantiles"], given["value_ranges"]
    remedy = "As in {quantiles: [0.25, 0.75], value_ranges: [[0, 10], [null, 50]]}."
    if not _numbers(quantiles) or not all(0 <= q <= 1 for q in quantiles):
        raise ArgumentError("quantile_ranges", f"quantiles {quantiles!r}.", f"Give shares between 0 and 1. {remedy}")
    if not isinstance(ranges, list) or len(ranges) != len(quantiles):
        raise ArgumentError("quantile_ranges", "value_ranges and quantiles are not of one length.", remedy)
    for pair in ranges:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not _numbers([p for p in pair if p is not None]):
            raise ArgumentError("quantile_ranges", f"value range {pair!r}.", remedy)
        some_bound({"min_value": pair[0], "max_value": pair[1]})


def _numbers(values: Any) -> bool:
    return isinstance(values, Sequence) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


_CONDITION = {k: MAP[k] for k in ("row_condition", "condition_parser")}
_COLUMN = {"column": Argument("column", required=True)}
_NUMBERS = {"min_value": Argument("number"), "max_value": Argument("number")}

KINDS = (
    Kind(
        "expect_column_median_to_be_between",
        {**_COLUMN, **BOUNDS, **_NUMBERS, **_CONDITION},
        _median,
        ("该列的中位数在两界之间。", "The median of the column lies between two bounds."),
        ("{column} 的中位数为 {observed}，超出范围", "the median of {column} is {observed}, out of range"),
        "{column: pm25, min_value: 5, max_value: 150}",
        check=some_bound,
    ),
    Kind(
        "expect_column_quantile_values_to_be_between",
        {
            **_COLUMN,
            "quantile_ranges": Argument("mapping", required=True, words=("quantiles", "value_ranges")),
            "allow_relative_error": Argument("choice", default=False, words=(False, True, *_BETWEEN)),  # type: ignore[arg-type]
            **_CONDITION,
        },
        _quantiles,
        (
            "该列各分位数在各自的两界之间；落在两个值之间时取近的（或按 allow_relative_error）。",
            "Each quantile of the column lies in its range; between two values the nearer one counts (or as allow_relative_error says).",
        ),
        ("{column} 的分位数超出范围：{observed}", "quantiles of {column} are out of range: {observed}"),
        "{column: pm25, quantile_ranges: {quantiles: [0.05, 0.95], value_ranges: [[0, 40], [20, 400]]}}",
        check=_ranges,
    ),
)
