"""Working days: the calendar as a query, and dates that must follow within so many of them."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Literal

from expectations.calendars import CalendarMissingError, working_days
from expectations.compiler.forms import CannotTest, Other, Test
from expectations.compiler.ir import Column
from expectations.compiler.kinds import Argument, ArgumentError, Arguments, Kind, Scope
from expectations.compiler.rules.series.scan import ROWS, Compared, any_missing, filled, shown_names
from expectations.compiler.rules.series.spelling import days_between, part_of, units_between

if TYPE_CHECKING:
    from sqlglot import exp

    from expectations.compiler.writing import Writer

BATCHES = "history_batches"
"""The relation of the dataset's batches, those judged among them: `batch`, `unit`, `period` (its first moment), `received`, `row_count`,
`announced` (records that the source says it holds), `rejected` (records that could not be read as rows), `columns`."""


def no_calendar() -> CannotTest | None:
    """Why working days cannot be counted, if they cannot."""
    try:
        working_days()
    except CalendarMissingError:
        return CannotTest(
            "未安装工作日历（pip install chinesecalendar）", "the calendar of working days is not installed (pip install chinesecalendar)"
        )
    return None


def calendar_query() -> exp.Query:
    """The days of the calendar (`__day`), how many working days there were up to each (`__n`), and whether it is one (`__works`)."""
    calendar = working_days()

    def listed(days: tuple[date, ...]) -> str:
        return ", ".join(f"DATE '{d}'" for d in days) or "DATE '1900-01-01'"

    works = f"({part_of('weekday', '__day')} < 6 AND __day NOT IN ({listed(calendar.holidays)})) OR __day IN ({listed(calendar.worked)})"
    return filled(
        f"SELECT __day, __works, sum(CASE WHEN __works THEN 1 ELSE 0 END) OVER (ORDER BY __day) AS __n FROM (SELECT __day, {works} AS __works"
        f" FROM ({days_between(calendar.first, calendar.last)}))"
    )


@dataclass(frozen=True)
class WithinTest(Compared):
    """The day of `later` is at most `most` days after that of `first`; without it the day `until` of the batch counts."""

    first: Column
    later: Column | None
    batches: Other | None
    until: Literal["received", "period"]
    working: bool
    most: int
    listed: ClassVar[tuple[str, ...]] = ("days",)
    too_few: ClassVar[tuple[str, str]] = ("没有可数的日期", "there is no pair of dates to count between")

    def judged(self, write: Writer) -> exp.Query:
        ctes = {"calendar": calendar_query()} if self.working else {}
        if self.later is not None:
            ctes["pairs"] = self.considered(write, __a=self.first, __b=self.later)
        else:
            ctes["here"] = self.considered(write, __a=self.first)
            days = f"SELECT batch, CAST({self.until} AS TIMESTAMP) AS __b FROM batches"
            ctes["until"] = filled(days, {"batches": _select_all(write.other(BATCHES))})
            ctes["pairs"] = filled("SELECT h.*, u.__b FROM here AS h LEFT JOIN until AS u ON u.batch = h._batch")
        counted = f"SELECT _batch, _row, {units_between('day', 'CAST(__a AS DATE)', 'CAST(__b AS DATE)')} AS days FROM pairs"
        if self.working:
            counted = (
                "SELECT p._batch, p._row, b.__n - a.__n AS days FROM pairs AS p"
                " LEFT JOIN calendar AS a ON a.__day = CAST(p.__a AS DATE) LEFT JOIN calendar AS b ON b.__day = CAST(p.__b AS DATE)"
            )
        return filled(
            f"WITH counted AS ({counted})"
            f" SELECT *, days IS NOT NULL AS __comparable, coalesce(days > {self.most}, FALSE) AS __broken FROM counted",
            ctes,
        )


def _select_all(table: exp.Table) -> exp.Query:
    from sqlglot import exp

    return exp.select(exp.Star()).from_(table)


def _within(arguments: Arguments, scope: Scope) -> Test:
    first = scope.column(arguments["column_A"])
    later = scope.column(arguments["column_B"]) if arguments["column_B"] else None
    for argument, column in (("column_A", first), ("column_B", later)):
        if column is not None and column.kind not in ("date", "timestamp"):
            raise ArgumentError(argument, f"{column.name} is a {column.kind}: it has no day.", "Use dates or times.")
    working = arguments["calendar"] == "working_days"
    if working and (cannot := no_calendar()):
        return cannot
    return WithinTest(
        arguments["condition"],
        any_missing(first, *([later] if later else [])),
        shown_names(first, later),
        (),
        first,
        later,
        None if later else Other(BATCHES, ("batch", arguments["until"])),
        arguments["until"],
        working,
        arguments["max_days"],
    )


KINDS = (
    Kind(
        "expect_column_pair_to_be_within_days",
        {
            "column_A": Argument("column", required=True),
            "column_B": Argument("column"),
            "until": Argument("choice", default="received", words=("received", "period")),
            "calendar": Argument("choice", default="every", words=("every", "working_days")),
            "max_days": Argument("count", required=True),
            **ROWS,
        },
        _within,
        (
            "B 不晚于 A 之后 max_days 日（calendar: working_days 只数中国的工作日，含调休）；不写 column_B 则以批次收到之日为准（until: period 则以批次所属期之始为准）。日历之外的日期不评。",
            "B is no later than `max_days` days after A (`calendar: working_days`: working days of China, with days worked instead); without `column_B` the day when the batch was received counts (`until: period`: the first day of its period). Days outside the calendar are not judged.",
        ),
        (
            "{unexpected} 行超过 {column_A} 后 {max_days} 日（{percent}）",
            "{unexpected} rows come later than {max_days} days after {column_A} ({percent})",
        ),
        "{column_A: decided, calendar: working_days, max_days: 7}",
        (
            "GB/T 36344-2018 0502 基于时间点的及时性；双公示7个工作日",
            "GB/T 36344-2018 0502; licences and penalties are published within 7 working days",
        ),
        ours=True,
    ),
)
