"""Rules on values far from the rest of their batch: by z-score, by quartiles, by standard deviations.

Where a batch has no spread to measure by (one value, all equal, an infinity), nothing is far, as in Great Expectations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlglot import exp

from expectations.compiler.duckdb import constant
from expectations.compiler.forms import ListingTest
from expectations.compiler.ir import Column, Expression, call
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope
from expectations.compiler.writing import BATCH, ROW, Writer, aggregate, column, named, select

if TYPE_CHECKING:
    from expectations.compiler.writing import Layers


@dataclass(frozen=True)
class FarTest(ListingTest):
    """A row breaks the rule where its `value` is further from its batch than `reach` spreads.

    `by` is z (from the mean, on one side or `both`, the reach itself too far), std (from the mean, likewise) or iqr (beyond a
    quartile by more than `reach` ranges between them).
    """

    value: Column
    by: Literal["z", "std", "iqr"]
    reach: float
    both: bool
    ignored: Expression | None
    condition: Expression | None
    shown: tuple[str, ...]
    shape: Literal["value", "pair", "record"] = "value"

    def statement(self, write: Writer) -> exp.Query:
        layers, where = write.considered(self, self.value)
        rows = select(BATCH, ROW, value=self._real(layers)).from_(layers.table()).where(*where)
        low, high = ("lower_quartile", "upper_quartile") if self.by == "iqr" else ("mean", "deviation")
        figures = {name: aggregate(name, self._real(layers)) for name in (low, high)}
        spread = select(BATCH, **figures).from_(layers.table()).where(*where).group_by(1)
        query = select(**{BATCH: column(BATCH, "r"), ROW: column(ROW, "r")}).from_(named(rows, "r"))
        return query.join(named(spread, "s"), on=column(BATCH, "r").eq(column(BATCH, "s"))).where(self._far())

    def _real(self, layers: Layers) -> exp.Expr:
        return layers.tree(call("real", self.value))

    def _far(self) -> exp.Expr:
        value = column("value", "r")
        reach = constant(float(abs(self.reach) if self.both else self.reach))
        if self.by == "iqr":
            low, high = column("lower_quartile", "s"), column("upper_quartile", "s")
            span = exp.paren(reach * exp.paren(high.copy() - low.copy()))
            return exp.or_(value < low - span, value.copy() > high + span.copy())
        mean, deviation = column("mean", "s"), column("deviation", "s")
        apart = exp.paren(value - mean)
        if self.by == "std":
            beyond = exp.Abs(this=apart) >= exp.paren(reach * deviation)
            flat = exp.and_(exp.paren(reach.copy() * deviation.copy()) <= 0, value.copy().neq(mean.copy()))
            return exp.or_(exp.and_(exp.paren(reach.copy() * deviation.copy()) > 0, beyond), flat)
        score = apart / exp.Nullif(this=deviation, expression=exp.Literal.number(0))
        return (exp.Abs(this=exp.paren(score)) if self.both else exp.paren(score)) >= reach


def _numbers(arguments: Arguments, scope: Scope) -> Column:
    value = scope.column(arguments["column"])
    if value.kind not in ("integer", "number"):
        raise ArgumentError("column", f"{value.name} is a {value.kind}: it has no mean.", "Use a column of numbers.")
    return value


def _z_score(arguments: Arguments, scope: Scope) -> FarTest:
    value = _numbers(arguments, scope)
    both, reach = arguments["double_sided"], arguments["threshold"]
    return FarTest(value, "z", reach, both, call("is_null", value), arguments["condition"], (value.name,))


def _outlier(arguments: Arguments, scope: Scope) -> FarTest:
    value = _numbers(arguments, scope)
    by, reach = arguments["method"], arguments["multiplier"]
    return FarTest(value, by, reach, False, call("is_null", value), arguments["condition"], (value.name,))


def _positive(arguments: Arguments) -> None:
    if arguments["multiplier"] < 0:
        raise ArgumentError("multiplier", f"multiplier {arguments['multiplier']!r}.", "Give a number of at least 0.")


_COLUMN = {"column": Argument("column", required=True)}

KINDS = (
    Kind(
        "expect_column_value_z_scores_to_be_less_than",
        {**_COLUMN, "threshold": Argument("number", required=True), "double_sided": Argument("flag", required=True), **MAP},
        _z_score,
        (
            "值与批次平均值之差，不到 threshold 个标准差（double_sided：两侧都看）。",
            "The value is less than `threshold` standard deviations above the batch's mean (double_sided: from it).",
        ),
        ("{unexpected} 行的 {column} 偏离平均值过远（{percent}）", "{unexpected} rows have a {column} far from the mean ({percent})"),
        "{column: amount, threshold: 6, double_sided: true}",
    ),
    Kind(
        "expect_column_values_to_not_be_outliers",
        {
            **_COLUMN,
            "method": Argument("choice", default="iqr", words=("iqr", "std")),
            "multiplier": Argument("number", default=1.5),
            **MAP,
        },
        _outlier,
        (
            "值不在离群范围：四分位距法（iqr）超出四分位 multiplier 倍距，或标准差法（std）离平均值 multiplier 个标准差。",
            "No outlier: beyond a quartile by more than `multiplier` ranges between them (iqr), or so many standard deviations off (std).",
        ),
        ("{unexpected} 行的 {column} 是离群值（{percent}）", "{unexpected} rows have an outlying {column} ({percent})"),
        "{column: amount, multiplier: 3}",
        check=_positive,
    ),
)
