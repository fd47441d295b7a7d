"""What engines spell each in their own way, in scans over several rows: DuckDB's spelling, as SQL over names of ours.

Belongs here: one function a construct. Not here: what a rule asks for. All else in these scans is SQL that engines share:
windows over ROWS, QUALIFY, FILTER, joins, CASE, `IS NOT DISTINCT FROM`.
"""

from __future__ import annotations

from datetime import date

PARTS = {"min": "minute", "h": "hour", "d": "day", "mo": "month", "y": "year"}
"""The units of a step, as parts of a time."""


def units_between(part: str, start: str, end: str) -> str:
    """How many times a part of time (`minute` ... `year`) begins after `start` and up to `end`."""
    return f"date_diff('{part}', {start}, {end})"


def begin_of(part: str, time: str) -> str:
    """The beginning of the year, month or day that a time is in."""
    return f"date_trunc('{part}', {time})"


def part_of(part: str, time: str) -> str:
    """A part of a time as a number; `weekday` is 1 on Monday."""
    called = "isodow" if part == "weekday" else part
    return f"{called}({time})"


def median_over(value: str, window: str) -> str:
    """The median over a window or, where that is empty, over the group: the middle, or the mean of the two in the middle."""
    return f"median(CAST({value} AS DOUBLE)){window and f' OVER {window}'}"


def deviation_over(value: str, window: str) -> str:
    """The median of the distances from the median (MAD)."""
    return f"mad(CAST({value} AS DOUBLE)){window and f' OVER {window}'}"


def value_at_largest(value: str, by: str) -> str:
    """Of a group, the value of the row where `by` is largest."""
    return f"arg_max({value}, {by})"


def first_difference(a: str, b: str) -> str:
    """The first place, from 1, where two different texts differ, in characters: edit distances of engines count bytes."""
    places = f"range(1, CAST(greatest(length({a}), length({b})) + 1 AS BIGINT))"
    return f"list_min(list_filter({places}, lambda i: substr({a}, i, 1) <> substr({b}, i, 1)))"


def days_between(first: date, last: date) -> str:
    """A query of all days from one to another, as `__day`."""
    return f"SELECT CAST(unnest(generate_series(DATE '{first}', DATE '{last}', INTERVAL 1 DAY)) AS DATE) AS __day"


def read_list(texts: str) -> str:
    """A list of texts, also where it was written as one."""
    return f"CAST({texts} AS VARCHAR[])"
