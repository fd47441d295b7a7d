"""Rules on how batches arrive: how much and how fresh, against the dataset's own history and what the source itself announces."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlglot import exp

from expectations.compiler.forms import FigureTest, Found, Judgement, Other, Test
from expectations.compiler.ir import Column, Expression
from expectations.compiler.kinds import Argument, ArgumentError, Arguments, Kind, Scope
from expectations.compiler.rules.series.scan import EARLIER, MAP, filled
from expectations.compiler.rules.series.spelling import deviation_over, median_over, part_of, read_list, units_between
from expectations.compiler.rules.series.workdays import BATCHES, calendar_query, no_calendar

if TYPE_CHECKING:
    from expectations.compiler.writing import Writer

Season = Literal["none", "hour", "weekday", "working_day", "month"]
SCALE = 1.4826
COLUMNS = ("batch", "unit", "period", "received", "row_count")
HISTORY = {
    "batches": Argument("count", default=12),
    "least_batches": Argument("count", default=5),
    "season": Argument("choice", default="none", words=("none", "hour", "weekday", "working_day", "month")),
    "times": Argument("number", default=4),
}


def earlier_batches(batches: int, season: Season) -> tuple[str, dict[str, exp.Query]]:
    """SQL for the batches (`__of`, and the columns of `listed`) before each of the relation `listed`, newest first, `batches` of them.

    Those of the same unit and an earlier period, alike in `season`; with the calendar where that is asked for.
    """
    alike = {
        "none": "TRUE",
        "hour": f"{part_of('hour', 'e.period')} = {part_of('hour', 'm.period')}",
        "weekday": f"{part_of('weekday', 'e.period')} = {part_of('weekday', 'm.period')}",
        "month": f"{part_of('month', 'e.period')} = {part_of('month', 'm.period')}",
        "working_day": "ec.__works = mc.__works",
    }[season]
    joined, ctes = "", {}
    if season == "working_day":
        ctes = {"calendar": calendar_query()}
        joined = " JOIN calendar AS ec ON ec.__day = CAST(e.period AS DATE) JOIN calendar AS mc ON mc.__day = CAST(m.period AS DATE)"
    sql = (
        f"SELECT m.batch AS __of, e.* FROM listed AS m JOIN listed AS e ON e.unit = m.unit AND e.period < m.period{joined} WHERE {alike}"
        f" QUALIFY row_number() OVER (PARTITION BY m.batch ORDER BY e.period DESC, e.received DESC) <= {batches}"
    )
    return sql, ctes


def batches_of(write: Writer, *, columns: bool = False) -> exp.Query:
    """The dataset's batches, typed, with their columns if wanted."""
    more = f", {read_list('columns')} AS columns" if columns else ""
    return filled(
        "SELECT batch, unit, CAST(period AS TIMESTAMP) AS period, CAST(received AS TIMESTAMP) AS received,"
        f" CAST(row_count AS BIGINT) AS row_count{more} FROM kept",
        {"kept": exp.select(exp.Star()).from_(write.other(BATCHES))},
    )


def too_short(found: int, least: int) -> Judgement:
    return Judgement.cannot(
        f"可比的历史批次只有 {found} 个，至少要 {least} 个", f"only {found} earlier batches to compare with, {least} are needed"
    )


def usual(found: Found, times: float, share: float) -> tuple[float, float]:
    """The median of earlier batches and how far from it is still usual: `times` the scaled MAD, and no less than `share` of it."""
    median, mad = float(found.figures["median"]), float(found.figures["mad"])
    return median, max(times * SCALE * mad, share * abs(median))


@dataclass(frozen=True)
class VolumeTest(FigureTest):
    """The rows of a batch against those of earlier batches."""

    others_: Other
    batches: int
    least: int
    season: Season
    times: float
    share: float

    def statement(self, write: Writer) -> exp.Query:
        sql, ctes = earlier_batches(self.batches, self.season)
        ctes |= {"listed": batches_of(write)}
        return filled(
            f"WITH before AS ({sql}) SELECT __of AS _batch, count(*) AS batches, {median_over('row_count', '')} AS median,"
            f" {deviation_over('row_count', '')} AS mad FROM before GROUP BY __of",
            ctes,
        )

    def judge(self, found: Found) -> Judgement:
        batches = int(found.figures.get("batches") or 0)
        if batches < self.least:
            return too_short(batches, self.least)
        median, apart = usual(found, self.times, self.share)
        details = {"usual": round(median), "from": max(0, round(median - apart)), "to": round(median + apart), "batches": batches}
        return Judgement.of(abs(found.rows - median) <= apart, observed_value=found.rows, details=details)


def _volume(arguments: Arguments, scope: Scope) -> Test:  # noqa: ARG001 - every kind compiles by the same signature
    if arguments["season"] == "working_day" and (cannot := no_calendar()):
        return cannot
    return VolumeTest(
        Other(BATCHES, COLUMNS),
        arguments["batches"],
        arguments["least_batches"],
        arguments["season"],
        arguments["times"],
        arguments["share"],
    )


@dataclass(frozen=True)
class AnnouncedTest(FigureTest):
    """The records of a batch against the number that its source says it holds; those that could not be read as rows count too."""

    batches: Other

    def statement(self, write: Writer) -> exp.Query:
        return filled(
            "SELECT batch AS _batch, CAST(announced AS BIGINT) AS announced, CAST(rejected AS BIGINT) AS rejected FROM kept",
            {"kept": exp.select(exp.Star()).from_(write.other(BATCHES))},
        )

    def judge(self, found: Found) -> Judgement:
        announced = found.figures.get("announced")
        if announced is None:
            return Judgement.cannot("来源没有报明记录数", "the source does not say how many records it holds")
        records = found.rows + int(found.figures.get("rejected") or 0)
        return Judgement.of(records == announced, observed_value=records, details={"announced": announced})


def _announced(arguments: Arguments, scope: Scope) -> AnnouncedTest:  # noqa: ARG001 - every kind compiles by the same signature
    return AnnouncedTest(Other(BATCHES, ("batch", "announced", "rejected")))


def check_history(arguments: Arguments) -> None:
    """Refuse a history that can never be long enough, or one without a scale."""
    if not 1 <= arguments["least_batches"] <= arguments["batches"]:
        found = f"least_batches {arguments['least_batches']} of batches {arguments['batches']}: the rule can never be assessed."
        raise ArgumentError("least_batches", found, "Give at least 1, and no more than batches.")
    if arguments["times"] <= 0:
        raise ArgumentError("times", f"times {arguments['times']}.", "Give a number above 0.")


_AGE = re.compile(r"([1-9][0-9]{0,4})(min|h|d|wd)")
_UNITS = {"min": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class FreshTest(FigureTest):
    """The newest value of a column when its batch was received: no older than `most` (seconds, or working days), or than is usual."""

    value: Column
    condition: Expression | None
    batches_: Other
    earlier: Other | None
    most: int | None
    working: bool
    batches: int
    least: int
    season: Season
    times: float

    def statement(self, write: Writer) -> exp.Query:
        from expectations.compiler.writing import Writer, select

        def newest(writer: Writer) -> exp.Query:
            layers = writer.layers(self.value, *([self.condition] if self.condition is not None else []))
            made = select("_batch", __newest=exp.Max(this=layers.tree(self.value))).from_(layers.table()).group_by(1)
            return made.where(layers.tree(self.condition)) if self.condition is not None else made

        ctes: dict[str, exp.Query] = {"newest": newest(write), "all_batches": batches_of(write)}
        if self.working:
            ctes["calendar"] = calendar_query()
            return filled(
                "SELECT n._batch, n.__newest AS newest, b.__n - a.__n AS age FROM newest AS n JOIN all_batches AS r ON r.batch = n._batch"
                " LEFT JOIN calendar AS a ON a.__day = CAST(n.__newest AS DATE) LEFT JOIN calendar AS b ON b.__day = CAST(r.received AS DATE)",
                ctes,
            )
        age = units_between("second", "CAST(__newest AS TIMESTAMP)", "r.received")
        if self.earlier is None:
            return filled(
                f"SELECT n._batch, n.__newest AS newest, {age} AS age FROM newest AS n JOIN all_batches AS r ON r.batch = n._batch", ctes
            )
        ctes["older"] = newest(Writer(write.relations[EARLIER], write.as_of, write.relations))
        sql, more = earlier_batches(self.batches, self.season)
        return filled(
            f"WITH ages AS (SELECT _batch, max(__newest) AS __newest FROM (SELECT * FROM newest UNION ALL SELECT * FROM older) GROUP BY _batch),"
            f" listed AS (SELECT r.*, n.__newest, {age} AS age FROM all_batches AS r JOIN ages AS n ON n._batch = r.batch),"
            f" before AS ({sql}),"
            f" usual AS (SELECT __of, count(age) AS batches, {median_over('age', '')} AS median, {deviation_over('age', '')} AS mad"
            " FROM before GROUP BY __of)"
            " SELECT l.batch AS _batch, l.__newest AS newest, l.age, u.batches, u.median, u.mad FROM listed AS l JOIN newest AS n ON n._batch = l.batch"
            " LEFT JOIN usual AS u ON u.__of = l.batch",
            ctes | more,
        )

    def judge(self, found: Found) -> Judgement:
        age, newest = found.figures.get("age"), found.figures.get("newest")
        if newest is None:
            return Judgement.cannot("没有值可计算", "there is no value to work with")
        if age is None:
            return Judgement.cannot("收到时间或工作日历不可知", "the time of receipt, or the working days, are not known")
        if self.most is not None:
            return Judgement.of(age <= self.most, observed_value=newest, details={"age": _age(age, self.working)})
        batches = int(found.figures.get("batches") or 0)
        if batches < self.least:
            return too_short(batches, self.least)
        median, apart = usual(found, self.times, 0.5)
        details = {"age": _age(age, False), "usual": _age(median, False), "batches": batches}
        return Judgement.of(age <= median + apart, observed_value=newest, details=details)


def _age(value: float, working: bool) -> str:
    """An age as people write it: working days, days, hours or minutes."""
    if working:
        return f"{value:.0f}wd"
    size, unit = next(((s, u) for u, s in reversed(_UNITS.items()) if abs(value) >= 2 * s), (60, "min"))
    return f"{value / size:.0f}{unit}"


def _fresh(arguments: Arguments, scope: Scope) -> Test:
    from expectations.compiler.ir import columns

    column = scope.column(arguments["column"])
    if column.kind not in ("date", "timestamp"):
        raise ArgumentError(
            "column", f"{column.name} is a {column.kind}: it has no age.", "Name the column of the event: a date or a time."
        )
    most, working = None, False
    if arguments["max_age"] is not None:
        found = _AGE.fullmatch(str(arguments["max_age"]))
        if not found:
            raise ArgumentError("max_age", f"max_age {arguments['max_age']!r}.", "Write 90min, 2h, 3d, or 7wd for working days.")
        working = found[2] == "wd"
        most = int(found[1]) * _UNITS.get(found[2], 1)
    if (working or arguments["season"] == "working_day") and (cannot := no_calendar()):
        return cannot
    names = tuple(sorted({column.name, *columns(arguments["condition"])}))
    return FreshTest(
        column,
        arguments["condition"],
        Other(BATCHES, COLUMNS),
        Other(EARLIER, names) if most is None else None,
        most,
        working,
        arguments["batches"],
        arguments["least_batches"],
        arguments["season"],
        arguments["times"],
    )


_CONDITION = {k: MAP[k] for k in ("row_condition", "condition_parser")}

KINDS = (
    Kind(
        "expect_table_row_count_to_fit_history",
        {**HISTORY, "share": Argument("share", default=0.2)},
        _volume,
        (
            "批次行数与本数据集同单位以前各批相近：离中位数不超过 times×1.4826×绝对中位差，也允许相差 share。season：只与同时刻、同星期几、同为工作日（中国日历）或同月份的批次比。历史不足则不可评估。",
            "The batch has about as many rows as earlier batches of the same unit: within `times` x 1.4826 MAD of their median, and `share` of it is always allowed. `season`: compared only with batches of the same hour, weekday, kind of day (worked or not, in China) or month. Too short a history is not assessable.",
        ),
        (
            "共 {observed} 行，以前 {batches} 批通常为 {usual} 行（{from} 至 {to}）",
            "{observed} rows, where the {batches} batches before it had about {usual} ({from} to {to})",
        ),
        "{season: weekday, batches: 8, share: 0.3}",
        ("GB/T 36344-2018 0202 数据记录完整性", "GB/T 36344-2018 0202"),
        ours=True,
        check=check_history,
    ),
    Kind(
        "expect_table_row_count_to_equal_announced",
        {},
        _announced,
        (
            "批次的记录数（含读不成行的记录）等于来源自报的数目（压缩包清单、接口或文件的总数）；来源没有报明的不可评估。",
            "The batch has as many records (those that could not be read as rows among them) as its source says it holds (the manifest of an archive, the total of an interface or a file). Not assessable where the source says nothing.",
        ),
        ("共 {observed} 条记录，来源自报 {announced} 条", "{observed} records, where the source announces {announced}"),
        "{}",
        ("GB/T 36344-2018 0202 数据记录完整性", "GB/T 36344-2018 0202"),
        ours=True,
    ),
    Kind(
        "expect_column_to_be_fresh",
        {"column": Argument("column", required=True), "max_age": Argument("value"), **HISTORY, **_CONDITION},
        _fresh,
        (
            "收到批次时，该列最新的值不早于 max_age（90min、2h、3d，7wd 为工作日）之前；不写 max_age 则与本数据集以前各批的时滞相比。历史不足则不可评估。",
            "When the batch was received the newest value of the column was no older than `max_age` (90min, 2h, 3d; 7wd are working days); without it, no older than is usual for earlier batches. Too short a history is not assessable.",
        ),
        ("最新为 {observed}，收到时已过 {age}", "the newest is of {observed}, {age} before it was received"),
        "{column: decided, max_age: 7wd}",
        ("GB/T 36344-2018 0502 基于时间点的及时性", "GB/T 36344-2018 0502"),
        ours=True,
        check=check_history,
    ),
)
