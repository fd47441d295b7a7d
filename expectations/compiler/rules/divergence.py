"""The rule that a column is spread as it should be: the Kullback-Leibler divergence of its shares from given ones.

The shares are of values (`values` and `weights`) or of bins (`bins` and `weights`, with `tail_weights` below and above). What is
observed outside of what was expected is given a held-out weight, else the divergence is infinite and the rule fails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlglot import exp

from expectations.compiler.duckdb import constant
from expectations.compiler.forms import FigureTest, Found, Judgement
from expectations.compiler.ir import Column, Expression, call
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope, UncompiledError
from expectations.compiler.writing import BATCH, Layers, Writer, column, count, function, named, select


def divergence(observed: Sequence[float], expected: Sequence[float]) -> float:
    """sum p ln(p/q) of two lists of weights, each first made to add up to 1 (nats; infinite or NaN where it has no value)."""
    p_total, q_total = sum(observed), sum(expected)
    if not p_total or not q_total:
        return math.nan
    parts = [(p / p_total, q / q_total) for p, q in zip(observed, expected, strict=True)]
    return sum(0.0 if p == 0 else math.inf if q == 0 else p * math.log(p / q) for p, q in parts)


def _judged(observed: Sequence[float], expected: Sequence[float], threshold: float | None, details: dict[str, Any]) -> Judgement:
    found = divergence(observed, expected)
    passed = threshold is None or found <= threshold
    return Judgement.of(passed, observed_value=found if math.isfinite(found) else None, details=details)


@dataclass(frozen=True)
class ValuesTest(FigureTest):
    """The shares of a column's values diverge from `weights` of `members` by `threshold` at most; `tail` is held out for others."""

    value: Expression
    condition: Expression | None
    members: tuple[Any, ...]
    weights: tuple[float, ...]
    threshold: float | None
    tail: float

    def statement(self, write: Writer) -> exp.Query:
        layers, wanted = _wanted(self, write)
        counted = select(BATCH, value=layers.tree(self.value), n=count()).from_(layers.table()).where(wanted).group_by(1, 2)
        held = function("list", exp.Struct(expressions=[_field("value"), _field("n")]))
        return select(BATCH, held=held).from_(named(counted, "c")).group_by(1)

    def judge(self, found: Found) -> Judgement:
        held = {h["value"]: h["n"] for h in found.figures.get("held") or ()}
        total = sum(held.values())
        if not total:
            return Judgement.cannot("没有值", "there is no value")
        more = sorted(set(held) - set(self.members), key=lambda v: (-held[v], str(v)))
        names = [*self.members, *more]
        observed = [held.get(n, 0) / total for n in names]
        left = 1 - self.tail if more else 1
        expected = [*(w * left for w in self.weights), *(self.tail / len(more) for _ in more)]
        details = {
            "observed_partition": {"values": names, "weights": observed},
            "expected_partition": {"values": names, "weights": expected},
        }
        return _judged(observed, expected, self.threshold, details)


@dataclass(frozen=True)
class BinsTest(FigureTest):
    """The shares of a column's bins ([a, b), the last closed) diverge from `weights` by `threshold` at most.

    `tails` are the weights expected below and above; `internal` is held out for bins expected empty, `tail` for both tails.
    """

    value: Column
    condition: Expression | None
    bins: tuple[float, ...]
    weights: tuple[float, ...]
    tails: tuple[float, float] | None
    threshold: float | None
    internal: float
    tail: float

    def statement(self, write: Writer) -> exp.Query:
        layers, wanted = _wanted(self, write)
        value = layers.tree(call("real", self.value))
        figures: dict[str, exp.Expr] = {"n": count()}
        edges = [constant(float(b)) for b in self.bins]
        figures["below"] = _where(value < edges[0])
        figures["above"] = _where(value.copy() > edges[-1].copy())
        for i, (low, high) in enumerate(pairwise(edges)):
            last = i == len(edges) - 2
            upper = value.copy() <= high.copy() if last else value.copy() < high.copy()
            figures[f"bin{i}"] = _where(exp.and_(low.copy() <= value.copy(), upper))
        return select(BATCH, **figures).from_(layers.table()).where(wanted).group_by(1)

    def judge(self, found: Found) -> Judgement:
        total = found.figures.get("n")
        if not total:
            return Judgement.cannot("没有值", "there is no value")
        observed = [found.figures[f"bin{i}"] / total for i in range(len(self.weights))]
        below, above = found.figures["below"] / total, found.figures["above"] / total
        expected = [w * (1 - self.tail - self.internal) for w in self.weights]
        empty = expected.count(0)
        if self.internal > 0 and empty:
            expected = [w or self.internal / empty for w in expected]
        open_low, open_high = math.isinf(self.bins[0]), math.isinf(self.bins[-1])
        outer = (self.tail, self.tail) if open_low or open_high else self.tails or (self.tail / 2, self.tail / 2)
        low = [] if open_low else [(below, outer[0])]
        high = [] if open_high else [(above, outer[1])]
        pairs = [*low, *zip(observed, expected, strict=True), *high]
        return _judged([p for p, _ in pairs], [q for _, q in pairs], self.threshold, self._details(pairs, low, high))

    def _details(self, pairs: list[tuple[float, float]], low: list[Any], high: list[Any]) -> dict[str, Any]:
        inner = pairs[1:-1]
        first, last = (0 if low else 1), (len(self.bins) if high else len(self.bins) - 1)
        bins = list(self.bins[first:last])

        def side(which: int) -> dict[str, Any]:
            return {"bins": bins, "weights": [p[which] for p in inner], "tail_weights": [pairs[0][which], pairs[-1][which]]}

        return {"observed_partition": side(0), "expected_partition": side(1)}


def _wanted(test: ValuesTest | BinsTest, write: Writer) -> tuple[Layers, exp.Expr]:
    there = call("not", call("is_null", test.value))
    wanted = there if test.condition is None else call("and", test.condition, there)
    layers = write.layers(test.value, wanted)
    return layers, layers.tree(wanted)


def _field(called: str) -> exp.PropertyEQ:
    return exp.PropertyEQ(this=exp.to_identifier(called), expression=column(called))


def _where(condition: exp.Expr) -> exp.Expr:
    return exp.Filter(this=count(), expression=exp.Where(this=condition))


def _divergence(arguments: Arguments, scope: Scope) -> ValuesTest | BinsTest:
    value, given = scope.column(arguments["column"]), arguments["partition_object"]
    if given is None:
        raise UncompiledError("没有给出分布，须由数据得出", "no partition_object is given, it is made from the data")
    threshold, condition, tail = arguments["threshold"], arguments["condition"], arguments["tail_weight_holdout"]
    weights = tuple(map(float, given["weights"]))
    if "values" in given:
        literals = tuple(scope.literal(v, value, "partition_object").value for v in given["values"])  # type: ignore[union-attr]
        return ValuesTest(value, condition, literals, weights, threshold, tail)
    if value.kind not in ("integer", "number"):
        raise ArgumentError("column", f"{value.name} is a {value.kind}: it has no bins.", "Give the partition values instead.")
    tails = tuple(map(float, given["tail_weights"])) if "tail_weights" in given else None
    bins = tuple(map(float, given["bins"]))
    return BinsTest(value, condition, bins, weights, tails, threshold, arguments["internal_weight_holdout"], tail)  # type: ignore[arg-type]


_FORM = "As in {values: [a, b], weights: [0.4, 0.6]} or {bins: [0, 10, 20], weights: [0.4, 0.6]}."


def _partition(arguments: Arguments) -> None:
    given = arguments["partition_object"]
    if given is None:
        return

    def wrong(found: str, remedy: str = _FORM) -> ArgumentError:
        return ArgumentError("partition_object", f"partition_object: {found}", remedy)

    weights = given["weights"]
    if not isinstance(weights, list) or not all(isinstance(w, int | float) for w in weights):
        raise wrong(f"weights {weights!r}.")
    tails = given.get("tail_weights", [])
    if abs(sum(weights) + sum(tails) - 1) > 1e-5:
        raise wrong(f"the weights add up to {sum(weights) + sum(tails):g}.", "They are shares, and add up to 1.")
    if "values" in given:
        if len(given["values"]) != len(weights):
            raise wrong("values and weights are not of one length.")
        if arguments["internal_weight_holdout"]:
            raise ArgumentError("internal_weight_holdout", "internal_weight_holdout with values.", "It is for bins alone.")
        return
    if "bins" not in given:
        raise wrong("neither values nor bins.")
    bins = [float(b) for b in given["bins"]]
    if len(bins) != len(weights) + 1 or any(a >= b for a, b in pairwise(bins)):
        raise wrong("bins are one more than weights, in rising order.")
    if tails and (arguments["tail_weight_holdout"] or math.isinf(bins[0]) or math.isinf(bins[-1])):
        raise wrong("tail_weights together with tail_weight_holdout or an endless bin.", "Leave one of the two out.")
    if arguments["tail_weight_holdout"] and math.isinf(bins[0]) and math.isinf(bins[-1]):
        raise wrong("tail_weight_holdout where both outer bins are endless.", "There is no tail: leave it out.")
    if not arguments["bucketize_data"]:
        raise ArgumentError("bucketize_data", "bucketize_data false with bins.", "Give the partition values instead.")


KINDS = (
    Kind(
        "expect_column_kl_divergence_to_be_less_than",
        {
            "column": Argument("column", required=True),
            "partition_object": Argument("mapping", words=("weights",)),
            "threshold": Argument("number"),
            "tail_weight_holdout": Argument("share", default=0),
            "internal_weight_holdout": Argument("share", default=0),
            "bucketize_data": Argument("flag", default=True),
            "min_value": Argument("value"),
            "max_value": Argument("value"),
            **{k: MAP[k] for k in ("row_condition", "condition_parser")},
        },
        _divergence,
        (
            "该列的分布与给定分布的 KL 散度不超过 threshold。",
            "The column's distribution diverges from the given one (Kullback-Leibler, nats) by no more than `threshold`.",
        ),
        ("{column} 的分布偏离：KL 散度 {observed}", "the distribution of {column} is off: divergence {observed}"),
        '{column: sex, partition_object: {values: ["1", "2"], weights: [0.51, 0.49]}, threshold: 0.05, tail_weight_holdout: 0.01}',
        check=_partition,
    ),
)
