"""What rules over several rows mean, row by row in plain Python: by this Great Expectations judges what the scans find.

Each function takes records (values by column, None where missing) and tells for each whether it breaks the rule. Belongs here:
that reading. Not here: how a scan finds the same (`compiler/rules/series`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from expectations.calendars import WorkingDays

Record = Mapping[str, Any]
Key = tuple[Any, ...]

_SECONDS = {"min": 60, "h": 3600, "d": 86400}


def key_of(record: Record, columns: Sequence[str]) -> Key | None:
    """The record's values of some columns; None where one is missing."""
    key = tuple(record[c] for c in columns)
    return None if any(v is None for v in key) else key


def read_step(step: str | int | None) -> tuple[int, str]:
    """A step (`15min`, `1h`, `1d`, `1mo`, `1y`, or a whole number) as count and unit; no step is one of nothing."""
    if step is None or isinstance(step, int):
        return step or 1, ""
    digits = step.rstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits), step[len(digits) :]


def slot(time: Any, unit: str) -> int:
    """A time as a number of units since 1970."""
    if not unit:
        return int(time) if isinstance(time, int | float) else int((_moment(time) - datetime(1970, 1, 1)) / timedelta(microseconds=1))
    moment = _moment(time)
    if unit in _SECONDS:
        return (moment - datetime(1970, 1, 1)) // timedelta(seconds=_SECONDS[unit])
    return moment.year * 12 + moment.month if unit == "mo" else moment.year


def _moment(time: Any) -> datetime:
    return time if isinstance(time, datetime) else datetime(time.year, time.month, time.day)


def ordered(rows: Sequence[Record], group_by: Sequence[str], order_by: str, *needed: str) -> Iterator[list[int]]:
    """The series of the rows, each as positions in order; of several rows at one time the first, rows that lack something left out."""
    found: dict[Key, dict[Any, int]] = defaultdict(dict)
    for position, row in enumerate(rows):
        key = key_of(row, group_by)
        if key is not None and row[order_by] is not None and all(row[n] is not None for n in needed):
            found[key].setdefault(row[order_by], position)
    for times in found.values():
        yield [times[t] for t in sorted(times)]


def frozen(
    rows: Sequence[Record],
    column: str,
    order_by: str,
    most: int,
    group_by: Sequence[str] = (),
    step: str | int | None = None,
    tolerance: float = 0,
    allow: Sequence[float] = (),
) -> list[bool]:
    """Members of a run of `most` or more equal readings."""
    broken = [False] * len(rows)
    count, unit = read_step(step)
    for series in ordered(rows, group_by, order_by, column):
        run: list[int] = []
        for position in series:
            if run:
                last = rows[run[-1]]
                apart = slot(rows[position][order_by], unit) - slot(last[order_by], unit)
                if abs(rows[position][column] - last[column]) > tolerance or (step is not None and apart > count):
                    run = []
            run.append(position)
            if len(run) >= most:
                for member in run:
                    broken[member] = rows[member][column] not in allow
    return broken


def spikes(
    rows: Sequence[Record],
    column: str,
    order_by: str,
    floor: float,
    group_by: Sequence[str] = (),
    before: int = 12,
    after: int = 12,
    times: float = 8,
    least: int = 5,
) -> list[bool]:
    """Readings far from the median of the readings around them, by a robust scale."""
    broken = [False] * len(rows)
    for series in ordered(rows, group_by, order_by, column):
        values = [float(rows[p][column]) for p in series]
        for at, position in enumerate(series):
            window = values[max(0, at - before) : at + after + 1 if after else at]
            if len(window) >= least:
                middle = median(window)
                scale = max(1.4826 * median(abs(v - middle) for v in window), floor)
                broken[position] = abs(values[at] - middle) > times * scale
    return broken


def apart(rows: Sequence[Record], column_A: str, column_B: str, max_difference: float) -> list[bool]:  # noqa: N803
    """Rows whose two values are too far apart."""
    pairs = [key_of(row, (column_A, column_B)) for row in rows]
    return [pair is not None and abs(pair[0] - pair[1]) > max_difference for pair in pairs]


def gaps(
    rows: Sequence[Record],
    order_by: str,
    step: str | int,
    group_by: Sequence[str] = (),
    max_missing: int = 0,
    calendar: WorkingDays | None = None,
) -> list[bool]:
    """Rows that come after more than `max_missing` missing steps."""
    broken = [False] * len(rows)
    count, unit = read_step(step)

    def place(position: int) -> int | None:
        time = rows[position][order_by]
        return slot(time, unit) if calendar is None else calendar.index(_moment(time).date())

    for series in ordered(rows, group_by, order_by):
        for last, position in pairwise(series):
            past, here = place(last), place(position)
            broken[position] = past is not None and here is not None and here - past > count * (max_missing + 1)
    return broken


def period(time: Any, reset: str) -> Any:
    """What a total is of: nothing, or the year, month or day."""
    parts = {"never": 0, "year": 1, "month": 2, "day": 3}[reset]
    return (time.year, time.month, time.day)[:parts] if parts else ()


def falls(
    rows: Sequence[Record], column: str, order_by: str, group_by: Sequence[str] = (), reset: str = "never", tolerance: float = 0
) -> list[bool]:
    """Cumulative figures below the one before them, of the same period."""
    broken = [False] * len(rows)
    for series in ordered(rows, group_by, order_by, column):
        for last, position in pairwise(series):
            past, here = rows[last], rows[position]
            same = period(past[order_by], reset) == period(here[order_by], reset)
            broken[position] = same and here[column] < past[column] - tolerance
    return broken


def wrong_totals(
    rows: Sequence[Record],
    part: str,
    total: str,
    order_by: str,
    step: str | int,
    group_by: Sequence[str] = (),
    reset: str = "never",
    tolerance: float = 0,
) -> list[bool]:
    """Running totals that are not the one before them plus their own part."""
    broken = [False] * len(rows)
    count, unit = read_step(step)
    for series in ordered(rows, group_by, order_by, part, total):
        before: int | None = None
        for position in series:
            row, expected = rows[position], None
            if reset != "never" and _first(row[order_by], reset, unit, count):
                expected = row[part]
            elif before is not None and _next(rows[before][order_by], row[order_by], count, unit, reset):
                expected = rows[before][total] + row[part]
            broken[position] = expected is not None and abs(row[total] - expected) > tolerance
            before = position
    return broken


def _next(past: Any, time: Any, count: int, unit: str, reset: str) -> bool:
    """Whether a time is one step after another, in the same period."""
    return slot(time, unit) - slot(past, unit) == count and period(past, reset) == period(time, reset)


def _first(time: Any, reset: str, unit: str, count: int) -> bool:
    """Whether a time is the first step of its period."""
    moment = _moment(time)
    begin = {"year": datetime(moment.year, 1, 1), "month": datetime(moment.year, moment.month, 1)}.get(
        reset, datetime(moment.year, moment.month, moment.day)
    )
    return slot(moment, unit) - slot(begin, unit) < count


def wrong_wholes(
    rows: Sequence[Record],
    column: str,
    part_by: str,
    whole: Sequence[str | None],
    group_by: Sequence[str],
    tolerance: float = 0,
    relative_tolerance: float = 0,
    least_parts: int = 1,
) -> list[bool]:
    """Wholes that are not the sum of the parts of their group."""
    parts: dict[Key, list[Any]] = defaultdict(list)
    for row in rows:
        key = key_of(row, group_by)
        if key is not None and row[part_by] not in whole:
            parts[key].append(row[column])
    broken = [False] * len(rows)
    for position, row in enumerate(rows):
        key = key_of(row, group_by)
        if key is None or row[part_by] not in whole or row[column] is None:
            continue
        values = parts.get(key, [])
        if len(values) >= least_parts and values and None not in values:
            apart = abs(row[column] - sum(values))
            broken[position] = apart > max(tolerance, relative_tolerance * abs(sum(values)))
    return broken


def wrong_groups(
    rows: Sequence[Record],
    group_by: Sequence[str],
    column: str | None = None,
    value_set: Sequence[Any] = (),
    different: str | None = None,
    min_value: int | None = None,
    max_value: int | None = None,
) -> list[bool]:
    """Rows of groups with too few, and of those with too many the rows that were counted."""
    counted: dict[Key, list[Any]] = {}
    for number, row in enumerate(rows):
        if (key := key_of(row, group_by)) is not None:
            members = counted.setdefault(key, [])
            if column is None or row[column] in value_set:
                value = row[different] if different else None
                members.append(("row", number) if value is None else ("value", value))
    broken = [False] * len(rows)
    for position, row in enumerate(rows):
        key = key_of(row, group_by)
        if key is None:
            continue
        found = len(set(counted[key]))
        few, many = min_value is not None and found < min_value, max_value is not None and found > max_value
        broken[position] = few or (many and (column is None or row[column] in value_set))
    return broken


def wrong_counts(rows: Sequence[Record], column: str, group_by: Sequence[str], different: str | None = None) -> list[bool]:
    """Rows whose number is not that of the rows of their group (each value of `different` once)."""
    members: dict[Key, set[tuple[str, Any]]] = {}
    for number, row in enumerate(rows):
        if (key := key_of(row, group_by)) is not None and row[column] is not None:
            value = row[different] if different else None
            members.setdefault(key, set()).add(("row", number) if value is None else ("value", value))
    keys = [key_of(row, group_by) for row in rows]
    return [k is not None and row[column] is not None and row[column] != len(members[k]) for k, row in zip(keys, rows, strict=True)]


def independent(rows: Sequence[Record], determinants: Sequence[str], column: str) -> list[bool]:
    """Rows whose value is not the most frequent of their group; all where none is."""
    counts: dict[Key, Counter[Any]] = defaultdict(Counter)
    for row in rows:
        if (key := key_of(row, (*determinants, column))) is not None:
            counts[key[:-1]][key[-1]] += 1
    broken = [False] * len(rows)
    for position, row in enumerate(rows):
        key = key_of(row, (*determinants, column))
        if key is not None and len(counts[key[:-1]]) > 1:
            (_, most), (_, second) = counts[key[:-1]].most_common(2)
            broken[position] = most == second or counts[key[:-1]][key[-1]] < most
    return broken


def one_character_apart(a: str, b: str) -> bool:
    """Whether two texts differ in one character: one wrong, too many, too few, or two neighbours that changed places."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    at = next(i for i in range(max(len(a), len(b))) if a[i : i + 1] != b[i : i + 1])
    swapped = a[at : at + 1] == b[at + 1 : at + 2] and a[at + 1 : at + 2] == b[at : at + 1] and a[at + 2 :] == b[at + 2 :]
    return swapped or a[at + 1 :] == b[at + 1 :] or a[at + 1 :] == b[at:] or a[at:] == b[at + 1 :]


def near_doubles(rows: Sequence[Record], column: str, same: Sequence[str], largest_group: int = 50) -> list[bool]:
    """Rows that another of their group resembles but for one character."""
    groups: dict[Key, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        if key_of(row, (column, *same)) is not None:
            groups[tuple(row[c] for c in same)].append(position)
    broken = [False] * len(rows)
    for members in groups.values():
        if len(members) <= largest_group:
            for a in members:
                broken[a] = any(one_character_apart(rows[a][column], rows[b][column]) for b in members)
    return broken


def not_found(rows: Sequence[Record], column_list: Sequence[str], known: Sequence[Sequence[Any]]) -> list[bool]:
    """Rows whose key is not among those `known`; with none known, nothing is said."""
    keys = {tuple(k) for k in known}
    return [bool(keys) and (key := key_of(row, column_list)) is not None and key not in keys for row in rows]


def disagreeing(rows: Sequence[Record], column: str, keys: Sequence[str], known: Sequence[Sequence[Any]]) -> list[bool]:
    """Rows whose value is none of those `known` (key and then value) for their key."""
    values: dict[Key, set[Any]] = defaultdict(set)
    for *known_key, value in known:
        if value is not None:
            values[tuple(known_key)].add(value)
    found = []
    for row in rows:
        key = key_of(row, keys)
        there = values.get(key, set()) if key is not None else set()
        found.append(bool(there) and row[column] is not None and row[column] not in there)
    return found


def too_late(rows: Sequence[Record], first: str, later: str | date, max_days: int, calendar: WorkingDays | None = None) -> list[bool]:
    """Rows whose second day (a column, or one day for all) comes more than so many (working) days after the first."""

    def number(day: Any) -> int | None:
        if day is None:
            return None
        plain = _moment(day).date()
        return plain.toordinal() if calendar is None else calendar.index(plain)

    found = []
    for row in rows:
        a, b = number(row[first]), number(row[later] if isinstance(later, str) else later)
        found.append(a is not None and b is not None and b - a > max_days)
    return found


Reading = Callable[..., list[bool]]
