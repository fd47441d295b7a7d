"""Rules on totals: counts that only grow, running totals, parts that make up a whole."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from expectations.compiler.ir import Column, Expression
from expectations.compiler.kinds import Argument, ArgumentError, Arguments, Kind, Scope
from expectations.compiler.rules.series.scan import (
    ROWS,
    SERIES,
    Compared,
    Series,
    along,
    any_missing,
    count_of,
    filled,
    group_names,
    grouped,
    numeric,
    ordered,
    same_group,
    shown_names,
)
from expectations.compiler.rules.series.spelling import PARTS, begin_of, units_between

if TYPE_CHECKING:
    from sqlglot import exp

    from expectations.compiler.writing import Writer

Reset = Literal["never", "year", "month", "day"]
RESET = Argument("choice", default="never", words=("never", "year", "month", "day"))
ACROSS = Argument("flag", default=False)


@dataclass(frozen=True)
class CumulativeTest(Series):
    """A cumulative figure below the one before it, of the same `reset` period, by more than `tolerance`."""

    reset: Reset
    tolerance: float
    listed: ClassVar[tuple[str, ...]] = ("previous",)

    @property
    def back(self) -> int:
        return 40

    def judged(self, write: Writer) -> exp.Query:
        within = "TRUE" if self.reset == "never" else f"{begin_of(self.reset, '__t')} = {begin_of(self.reset, 'previous_time')}"
        return filled(
            "WITH stepped AS (SELECT *, lag(__v) OVER w AS previous, lag(__t) OVER w AS previous_time FROM series"
            f" WINDOW w AS (PARTITION BY {self.by} ORDER BY __t)),"
            f" held AS (SELECT *, previous IS NOT NULL AND {within} AS __comparable FROM stepped)"
            " SELECT _batch, _row, previous, __comparable, __comparable AND __v < previous - :tolerance AS __broken FROM held WHERE __here",
            {"series": self.series(write)},
            tolerance=count_of(self.tolerance),
        )


def _reset(arguments: Arguments, order: Column) -> Reset:
    reset: Reset = arguments["reset"]
    if reset != "never" and order.kind == "integer":
        raise ArgumentError("reset", f"reset {reset} by {order.name}, which is a whole number.", "Order by a date or a time.")
    return reset


def _cumulative(arguments: Arguments, scope: Scope) -> CumulativeTest:
    return CumulativeTest(
        **along(arguments, scope, numeric(arguments, scope)),
        reset=_reset(arguments, ordered(arguments, scope)),
        tolerance=arguments["tolerance"],
    )


@dataclass(frozen=True)
class RunningTest(Series):
    """A running total that is not the one before it, of the same `reset` period, plus the row's own `part`.

    A row is compared where the row one step before is there, or where it is the first step of a period: then the total is the part.
    """

    part: Column
    reset: Reset
    tolerance: float
    listed: ClassVar[tuple[str, ...]] = ("expected",)

    def judged(self, write: Writer) -> exp.Query:
        assert self.step is not None
        count, unit = self.step
        same = "TRUE" if self.reset == "never" else f"{begin_of(self.reset, '__t')} = {begin_of(self.reset, 'previous_time')}"
        first = "FALSE"
        if self.reset != "never":
            first = f"{units_between(PARTS[unit], begin_of(self.reset, '__t'), '__t')} < {count}"
        return filled(
            "WITH stepped AS (SELECT *, lag(__v) OVER w AS previous, lag(__t) OVER w AS previous_time, __slot - lag(__slot) OVER w AS __steps"
            f" FROM series WINDOW w AS (PARTITION BY {self.by} ORDER BY __t)),"
            f" totals AS (SELECT *, CASE WHEN {first} THEN __p WHEN __steps = {count} AND {same} THEN previous + __p END AS expected FROM stepped)"
            " SELECT _batch, _row, expected, expected IS NOT NULL AS __comparable, coalesce(abs(__v - expected) > :tolerance, FALSE) AS __broken"
            " FROM totals WHERE __here",
            {"series": self.series(write)},
            tolerance=count_of(self.tolerance),
        )

    @property
    def columns(self) -> dict[str, Expression]:
        assert self.value is not None
        return {"__t": self.order, "__v": self.value, "__p": self.part}


def _running(arguments: Arguments, scope: Scope) -> RunningTest:
    part, total = numeric(arguments, scope, "column_A"), numeric(arguments, scope, "column_B")
    made = along(arguments, scope, total, part)
    if made["step"] is None:
        raise ArgumentError("step", "no step: it is not known which row comes before.", "Give the step: 1mo.")
    return RunningTest(**made, part=part, reset=_reset(arguments, made["order"]), tolerance=arguments["tolerance"])


@dataclass(frozen=True)
class PartsTest(Compared):
    """A whole that differs from the sum of its parts, the other rows of its group, by more than `absolute` and `relative` x sum.

    A row is a whole where `part` is one of `wholes` (or, with `missing_is_whole`, empty), and is compared where its group has at
    least `least` parts, each with a value.
    """

    value: Column
    part: Column
    wholes: tuple[str, ...]
    missing_is_whole: bool
    absolute: float
    relative: float
    least: int
    listed: ClassVar[tuple[str, ...]] = ("sum_of_parts",)
    too_few: ClassVar[tuple[str, str]] = ("没有既有总数又有分项的组", "no group has a whole and its parts")

    def judged(self, write: Writer) -> exp.Query:
        from sqlglot import exp as trees

        n = len(self.group)
        texts = [trees.Literal.string(w) for w in self.wholes]
        whole: list[trees.Expr] = [trees.In(this=trees.column("__p"), expressions=texts)] if texts else []
        whole += [trees.Is(this=trees.column("__p"), expression=trees.Null())] if self.missing_is_whole else []
        return filled(
            "WITH marked AS (SELECT *, coalesce(:whole, FALSE) AS __whole FROM here),"
            f" sums AS (SELECT _batch{group_names(n)}, sum(__v) AS sum_of_parts, count(*) AS __n, count(__v) AS __valued FROM marked"
            f" WHERE NOT __whole GROUP BY _batch{group_names(n)}),"
            " held AS (SELECT m._batch, m._row, m.__v, s.sum_of_parts,"
            f" coalesce(m.__v IS NOT NULL AND s.__n >= {self.least} AND s.__valued = s.__n, FALSE) AS __comparable"
            f" FROM marked AS m LEFT JOIN sums AS s ON {same_group(n, 'm', 's')} WHERE m.__whole)"
            " SELECT _batch, _row, sum_of_parts, __comparable, coalesce(__comparable AND"
            " abs(__v - sum_of_parts) > greatest(:absolute, :relative * abs(sum_of_parts)), FALSE) AS __broken FROM held",
            {"here": self.considered(write, __v=self.value, __p=self.part)},
            whole=trees.or_(*whole),
            absolute=count_of(self.absolute),
            relative=count_of(self.relative),
        )


def _parts(arguments: Arguments, scope: Scope) -> PartsTest:
    column, part, group = numeric(arguments, scope), scope.column(arguments["part_by"]), grouped(arguments, scope)
    if part.kind != "string":
        raise ArgumentError("part_by", f"{part.name} is a {part.kind}.", "Name the text column that tells the parts apart.")
    return PartsTest(
        arguments["condition"],
        any_missing(*group),
        shown_names(*group, part, column),
        group,
        column,
        part,
        tuple(w for w in arguments["whole"] if w is not None),
        None in arguments["whole"],
        arguments["tolerance"],
        arguments["relative_tolerance"],
        arguments["least_parts"],
    )


def _check_parts(arguments: Arguments) -> None:
    if not arguments["whole"] or not all(w is None or isinstance(w, str) for w in arguments["whole"]):
        raise ArgumentError("whole", f"whole {arguments['whole']!r}.", "List what marks a whole: [全省], or [null] where it is left empty.")
    if not arguments["group_by"]:
        raise ArgumentError("group_by", "no group: it is not known which parts belong to a whole.", "Name the columns they share: [date].")


_TOLERANCE = Argument("number", default=0)
_SUMS = ("GB/T 36344-2018 0402 关联数据一致性", "GB/T 36344-2018 0402")

KINDS = (
    Kind(
        "expect_column_cumulative_values_to_not_fall",
        {"column": Argument("column", required=True), **SERIES, "across_batches": ACROSS, "reset": RESET, "tolerance": _TOLERANCE, **ROWS},
        _cumulative,
        (
            "累计值不小于同一序列的前一个（reset：每年、每月或每日归零）；标出下降的一行。",
            "A cumulative figure is not below the one before it in its series (`reset`: it begins anew every year, month or day); the row that falls breaks the rule.",
        ),
        (
            "{unexpected} 行的累计 {column} 小于前一期（{percent}）",
            "{unexpected} rows have a cumulative {column} below the one before ({percent})",
        ),
        "{column: confirmed, order_by: date, group_by: [city]}",
        ("GB/T 36344-2018 0503 时序性", "GB/T 36344-2018 0503"),
        ours=True,
    ),
    Kind(
        "expect_column_running_total_to_agree",
        {
            "column_A": Argument("column", required=True),
            "column_B": Argument("column", required=True),
            **SERIES,
            "across_batches": ACROSS,
            "reset": RESET,
            "tolerance": _TOLERANCE,
            **ROWS,
        },
        _running,
        (
            "累计 B 等于前一期的累计加本期的 A；期初的累计等于本期。缺前一期的行不比较。",
            "The running total B is the one before it plus the row's A; at the beginning of a period it is A. A row without the one before it is not compared.",
        ),
        (
            "{unexpected} 行的累计 {column_B} 不等于上期累计加本期 {column_A}（{percent}）",
            "{unexpected} rows have a total {column_B} that is not the one before plus {column_A} ({percent})",
        ),
        "{column_A: month_value, column_B: year_to_date, order_by: month, group_by: [region], step: 1mo, reset: year, tolerance: 0.5}",
        _SUMS,
        ours=True,
    ),
    Kind(
        "expect_column_parts_to_sum_to_whole",
        {
            "column": Argument("column", required=True),
            "part_by": Argument("column", required=True),
            "whole": Argument("values", required=True),
            "group_by": Argument("columns", required=True),
            "tolerance": _TOLERANCE,
            "relative_tolerance": _TOLERANCE,
            "least_parts": Argument("count", default=1),
            **ROWS,
        },
        _parts,
        (
            "总数行等于同组各分项之和（允许差 tolerance 与 relative_tolerance×和 中较大者）；分项缺值或少于 least_parts 个则不比较。标出总数行。",
            "A row that is a whole equals the sum of the parts of its group, to the greater of `tolerance` and `relative_tolerance` x sum; where a part has no value, or there are fewer than `least_parts`, it is not compared. The whole's row breaks the rule.",
        ),
        (
            "{unexpected} 个总数行的 {column} 不等于分项之和（{percent}）",
            "{unexpected} rows have a whole {column} that is not the sum of its parts ({percent})",
        ),
        "{column: confirmed, part_by: city, whole: [null], group_by: [date]}",
        _SUMS,
        ours=True,
        check=_check_parts,
    ),
)
