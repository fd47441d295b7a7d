"""Rules on series of readings: frozen, spiking, with gaps."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from expectations.compiler.forms import RowTest, Test
from expectations.compiler.ir import call
from expectations.compiler.kinds import Argument, ArgumentError, Arguments, Kind, Scope
from expectations.compiler.rules.series.scan import (
    ROWS,
    SERIES,
    Series,
    along,
    any_missing,
    count_of,
    filled,
    numeric,
)
from expectations.compiler.rules.series.spelling import deviation_over, median_over
from expectations.compiler.rules.series.workdays import calendar_query, no_calendar

if TYPE_CHECKING:
    from sqlglot import exp

    from expectations.compiler.writing import Writer

ACROSS = Argument("flag", default=False)


@dataclass(frozen=True)
class FrozenTest(Series):
    """A run of `most` or more equal readings (to a `tolerance`), whose values are not `allowed`; `most` - 1 steps are looked back."""

    most: int
    tolerance: float
    allowed: tuple[float, ...]
    listed: ClassVar[tuple[str, ...]] = ("run_length",)

    @property
    def back(self) -> int:
        return self.most

    def judged(self, write: Writer) -> exp.Query:
        near = f" AND __slot - lag(__slot) OVER w <= {self.step[0]}" if self.step else ""
        allowed = f" AND __v NOT IN ({', '.join(map(repr, self.allowed))})" if self.allowed else ""
        return filled(
            "WITH stepped AS (SELECT *, CASE WHEN abs(__v - lag(__v) OVER w) <= :tolerance"
            f"{near} THEN 0 ELSE 1 END AS __new FROM series WINDOW w AS (PARTITION BY {self.by} ORDER BY __t)),"
            f" runs AS (SELECT *, sum(__new) OVER (PARTITION BY {self.by} ORDER BY __t ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS __run FROM stepped),"
            f" placed AS (SELECT *, row_number() OVER (PARTITION BY {self.by}, __run ORDER BY __t) AS __at FROM runs),"
            f" lasting AS (SELECT *, max(__at) OVER (PARTITION BY {self.by}, __run, _batch) AS run_length FROM placed)"
            f" SELECT _batch, _row, run_length, run_length >= {self.most}{allowed} AS __broken, TRUE AS __comparable FROM lasting WHERE __here",
            {"series": self.series(write)},
            tolerance=count_of(self.tolerance),
        )


def _frozen(arguments: Arguments, scope: Scope) -> FrozenTest:
    return FrozenTest(
        **along(arguments, scope, numeric(arguments, scope)),
        most=arguments["most"],
        tolerance=arguments["tolerance"],
        allowed=tuple(arguments["allow"]),
    )


def _check_frozen(arguments: Arguments) -> None:
    if arguments["most"] < 2:
        raise ArgumentError("most", f"most {arguments['most']}: every reading is a run of one.", "Give at least 2.")
    if arguments["tolerance"] < 0:
        raise ArgumentError("tolerance", f"tolerance {arguments['tolerance']}.", "Give 0 or more.")
    if wrong := [v for v in arguments["allow"] if isinstance(v, bool) or not isinstance(v, int | float)]:
        raise ArgumentError("allow", f"allow {wrong[0]!r}: readings are numbers.", "List numbers: [0].")


@dataclass(frozen=True)
class SpikeTest(Series):
    """A reading further from the median of its window than `times` the scale: 1.4826 MAD of the window, and no less than `floor`.

    The window is `before` readings, the reading itself (unless nothing follows: across batches), and `after` readings; with
    fewer than `least` readings in it a reading is not compared.
    """

    before: int
    after: int
    times: float
    floor: float
    least: int
    listed: ClassVar[tuple[str, ...]] = ("local_median", "local_scale")

    @property
    def back(self) -> int:
        return self.before

    def judged(self, write: Writer) -> exp.Query:
        end = f"{self.after} FOLLOWING" if self.after else "1 PRECEDING"
        window = f"(PARTITION BY {self.by} ORDER BY __t ROWS BETWEEN {self.before} PRECEDING AND {end})"
        return filled(
            f"WITH windowed AS (SELECT *, count(__v) OVER {window} AS __n, {median_over('__v', window)} AS local_median,"
            f" greatest(1.4826 * {deviation_over('__v', window)}, :floor) AS local_scale FROM series)"
            f" SELECT _batch, _row, local_median, local_scale, __n >= {self.least} AS __comparable,"
            f" __n >= {self.least} AND abs(__v - local_median) > :times * local_scale AS __broken FROM windowed WHERE __here",
            {"series": self.series(write)},
            floor=count_of(self.floor),
            times=count_of(self.times),
        )


def _spike(arguments: Arguments, scope: Scope) -> SpikeTest:
    return SpikeTest(
        **along(arguments, scope, numeric(arguments, scope)),
        before=arguments["before"],
        after=0 if arguments["across_batches"] else arguments["after"],
        times=arguments["times"],
        floor=arguments["floor"],
        least=arguments["least"],
    )


def _check_spike(arguments: Arguments) -> None:
    if arguments["times"] <= 0 or arguments["floor"] <= 0:
        raise ArgumentError(
            "floor", f"times {arguments['times']}, floor {arguments['floor']}.", "Give both above 0; floor is the noise of the instrument."
        )
    window = arguments["before"] + (0 if arguments["across_batches"] else arguments["after"] + 1)
    if arguments["before"] < 1 or arguments["least"] < 3 or arguments["least"] > window:
        found = f"least {arguments['least']} of a window of {window} readings: the rule can never fail, or says nothing."
        raise ArgumentError("least", found, "Give at least 3, and no more than the window holds.")


@dataclass(frozen=True)
class GapTest(Series):
    """A row that comes more than `allowed` + 1 steps after the one before it: `missing_steps` of the calendar lie between."""

    allowed: int
    working: bool
    listed: ClassVar[tuple[str, ...]] = ("previous", "missing_steps")

    @property
    def back(self) -> int:
        return 400 if self.working else 40

    def judged(self, write: Writer) -> exp.Query:
        assert self.step is not None
        ctes = {"series": self.series(write)}
        slots, source = "__slot", "series"
        if self.working:
            ctes["calendar"] = calendar_query()
            slots, source = "__n", "(SELECT s.*, c.__n FROM series AS s LEFT JOIN calendar AS c ON c.__day = CAST(s.__t AS DATE))"
        window = f"(PARTITION BY {self.by} ORDER BY __t)"
        return filled(
            f"WITH stepped AS (SELECT *, lag(__t) OVER {window} AS previous, {slots} - lag({slots}) OVER {window} AS __steps FROM {source})"
            f" SELECT _batch, _row, previous, greatest((__steps + {self.step[0] - 1}) // {self.step[0]} - 1, 0) AS missing_steps,"
            f" __steps IS NOT NULL AS __comparable, coalesce(__steps > {self.step[0] * (self.allowed + 1)}, FALSE) AS __broken FROM stepped WHERE __here",
            ctes,
        )


def _gap(arguments: Arguments, scope: Scope) -> Test:
    made = along(arguments, scope)
    order, step = made["order"], made["step"]
    working = arguments["calendar"] == "working_days"
    if working and (order.kind == "integer" or step is None or step[1] != "d"):
        raise ArgumentError("step", f"step {arguments['step']!r} on working days.", "Give days: 1d.")
    if step is None:
        raise ArgumentError("step", "no step: it is not known what should be there.", "Give the step: 1h, 1d, 1mo.")
    if working and (cannot := no_calendar()):
        return cannot
    return GapTest(**made, allowed=arguments["max_missing"], working=working)


def _near(arguments: Arguments, scope: Scope) -> RowTest:
    a, b = numeric(arguments, scope, "column_A"), numeric(arguments, scope, "column_B")
    most, apart = arguments["max_difference"], call("subtract", a, b)
    broken = call("or", call("less", most, apart), call("less", apart, -most))
    return RowTest(broken, any_missing(a, b), arguments["condition"], (a.name, b.name), "pair")


def _check_near(arguments: Arguments) -> None:
    if arguments["max_difference"] < 0:
        raise ArgumentError("max_difference", f"max_difference {arguments['max_difference']}: the rule always fails.", "Give 0 or more.")


_READING = {"column": Argument("column", required=True), **SERIES, "across_batches": ACROSS}
_CLAUSE = ("GB/T 36344-2018 0301 数据内容正确性", "GB/T 36344-2018 0301")

KINDS = (
    Kind(
        "expect_column_readings_to_not_freeze",
        {
            **_READING,
            "most": Argument("count", required=True),
            "tolerance": Argument("number", default=0),
            "allow": Argument("values", default=()),
            **ROWS,
        },
        _frozen,
        (
            "同一序列中，连续相同的读数少于 most 个（tolerance：与前一读数相差不超过它也算相同；allow：允许恒定的值，如降水 0；step：相邻读数间隔超过它则另起一段）。一段中本批次的各行都标出。across_batches：接着以前批次看，只向前看。",
            "In a series fewer than `most` readings in a row are equal (to `tolerance`; `allow` lists values that may stay, such as 0 of rain; a run ends where the next reading comes later than `step`). Every row of the batch in the run breaks the rule. `across_batches` goes on from earlier batches, looking back only.",
        ),
        (
            "{unexpected} 行的 {column} 读数长时间不变（不少于 {most} 个相同，{percent}）",
            "{unexpected} rows have a {column} that is frozen, {most} or more equal readings in a row ({percent})",
        ),
        "{column: so2, order_by: timepoint, group_by: [station], step: 1h, most: 12, allow: [0]}",
        _CLAUSE,
        ours=True,
        check=_check_frozen,
    ),
    Kind(
        "expect_column_readings_to_not_spike",
        {
            **_READING,
            "before": Argument("count", default=12),
            "after": Argument("count", default=12),
            "times": Argument("number", default=8),
            "floor": Argument("number", required=True),
            "least": Argument("count", default=5),
            **ROWS,
        },
        _spike,
        (
            "读数离前后若干读数的中位数不超过 times 倍局部尺度（1.4826×绝对中位差，且不小于 floor，即仪器噪声）。窗口内少于 least 个读数则不比较。across_batches：只与此前读数比。",
            "A reading lies within `times` the local scale of the median of the readings around it; the scale is 1.4826 MAD and no less than `floor`, the noise of the instrument. With fewer than `least` readings in the window it is not compared. `across_batches`: only readings before it count.",
        ),
        (
            "{unexpected} 行的 {column} 突跳，远离前后读数（{percent}）",
            "{unexpected} rows have a {column} that jumps away from the readings around it ({percent})",
        ),
        "{column: so2, order_by: timepoint, group_by: [station], step: 1h, before: 24, floor: 5, across_batches: true}",
        _CLAUSE,
        ours=True,
        check=_check_spike,
    ),
    Kind(
        "expect_column_pair_values_to_be_near",
        {
            "column_A": Argument("column", required=True),
            "column_B": Argument("column", required=True),
            "max_difference": Argument("number", required=True),
            **ROWS,
        },
        _near,
        (
            "同一行中两列之差不超过 max_difference（如同城两站的读数）；缺一个则不看。",
            "Two columns of a row differ by at most `max_difference`, such as readings of two stations of one city; a row that lacks one is left out.",
        ),
        (
            "{unexpected} 行的 {column_A} 与 {column_B} 相差超过 {max_difference}（{percent}）",
            "{unexpected} rows have {column_A} and {column_B} more than {max_difference} apart ({percent})",
        ),
        "{column_A: pm_taiyuanjie, column_B: pm_xiaoheyan, max_difference: 200}",
        ("GB/T 36344-2018 0402 关联数据一致性", "GB/T 36344-2018 0402"),
        ours=True,
        check=_check_near,
    ),
    Kind(
        "expect_series_to_have_no_gaps",
        {
            **SERIES,
            "across_batches": ACROSS,
            "calendar": Argument("choice", default="every", words=("every", "working_days")),
            "max_missing": Argument("count", default=0),
            **ROWS,
        },
        _gap,
        (
            "序列中相邻两行之间缺少的时段不超过 max_missing 个；标出缺口之后的一行。calendar: working_days 只数中国的工作日（含调休）。",
            "Between two rows of a series no more than `max_missing` steps are missing; the row after the gap breaks the rule. `calendar: working_days` counts only the working days of China, with days worked instead.",
        ),
        (
            "{unexpected} 处序列中断，缺 {step} 的时段（{percent}）",
            "the series breaks off in {unexpected} places: steps of {step} are missing ({percent})",
        ),
        "{order_by: day, group_by: [city], step: 1d, calendar: working_days}",
        ("GB/T 36344-2018 0202 数据记录完整性", "GB/T 36344-2018 0202"),
        ours=True,
    ),
)
