"""Likely rules on the values of one column: present, readable, in a code table or a short list, in a range, not in the future."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from expectations.profiling.figures import ColumnFigures
from expectations.profiling.proposals import SUPPORT, Finder, Proposal, percent, short
from expectations.profiling.shapes import redrawn

SENTINELS = {
    date(1, 1, 1),
    date(1900, 1, 1),
    date(1970, 1, 1),
    date(2099, 12, 31),
    date(2999, 12, 31),
    date(9999, 12, 31),
    date(9999, 9, 9),
}
"""Days that systems write for `unknown` or `for ever`: no value of the range."""


def presence(finder: Finder) -> Iterator[Proposal]:
    for c in finder.profile.columns:
        if c.missing_share <= finder.tolerance and c.present >= SUPPORT:
            missing = c.rows - c.present
            yield Proposal(
                short(c.name, "present"),
                "expect_column_values_to_not_be_null",
                {"column": c.name},
                "0201",
                (f"{finder.zh(c.name)}必填", f"{finder.en(c.name)} is present"),
                (f"{c.rows:,} 行中 {missing:,} 行缺值", f"{missing:,} of {c.rows:,} rows lack it"),
            )


def reading(finder: Finder) -> Iterator[Proposal]:
    for c in finder.profile.columns:
        unread = c.texts - c.present
        if c.kind != "string" and c.field.text and c.texts >= SUPPORT and unread <= finder.tolerance * c.texts:
            yield Proposal(
                short(c.name, "parses"),
                "expect_column_values_to_parse",
                {"column": c.name},
                "0302",
                (f"{finder.zh(c.name)}能读成声明的类型", f"{finder.en(c.name)} reads as its type"),
                (f"有文本的 {c.texts:,} 行中 {unread:,} 行读不成 {c.kind}", f"{unread:,} of {c.texts:,} texts do not read as a {c.kind}"),
            )


def code_tables(finder: Finder, done: frozenset[str]) -> Iterator[Proposal]:
    """The code table that a column's values fit: the declared one, else one that bears the column's name, else the narrowest.

    A table that would take most texts of the same shape proves nothing. Columns that are `done` have a rule of their own.
    """
    tables = {name: frozenset(finder.codes.get(name).codes) for name in finder.codes.names}
    for c in finder.profile.columns:
        if c.kind != "string" or c.name in done or not c.values or c.present < SUPPORT:
            continue
        chance = redrawn([str(v) for v in finder.profile.values(c.name)[:2000]], c.name)
        fitting = []
        for name, members in tables.items():
            inside = sum(n for v, n in c.values if v in members)
            used = sum(1 for v, _ in c.values if v in members)
            known = finder.profile.table.codes.get(c.name) == name, name in c.name or c.name in name
            luck = sum(1 for v in chance if v in members) / max(len(chance), 1)
            if inside >= (1 - finder.tolerance) * c.present and used > 1 and (luck <= 0.5 or known[0]):
                fitting.append((tuple(not k for k in known), luck, -used / len(members), name, inside, used))
        if not fitting:
            continue
        (unknown, luck, _, name, inside, used), *others = sorted(fitting)
        rivals = [f[3] for f in others if all(unknown) and f[1] <= 2 * luck + 0.1]
        also_zh = f"；也合 {'、'.join(rivals)}，请核定" if rivals else "；契约已声明" if not unknown[0] else ""
        also_en = f"; {', '.join(rivals)} fit too: decide" if rivals else "; declared in the contract" if not unknown[0] else ""
        yield Proposal(
            short(c.name, "code"),
            "expect_column_values_to_be_in_set",
            {"column": c.name, "value_set": {"$code": name}},
            "0105",
            (f"{finder.zh(c.name)}在代码表 {name} 内", f"{finder.en(c.name)} is a code of {name}"),
            (
                f"{percent(inside / c.present)} 的值在表内，用到 {used} 个代码；同形的随机文本只有 {percent(luck)} 在表内{also_zh}",
                f"{percent(inside / c.present)} of values are in the table, {used} codes in use; of chance texts of the same shape {percent(luck)} would be{also_en}",
            ),
        )


def short_lists(finder: Finder, done: frozenset[str]) -> Iterator[Proposal]:
    """The values of a column that has few, where those that are common stand clearly apart from those that are rare."""
    for c in finder.profile.columns:
        if c.kind != "string" or c.name in done or not c.values or c.present < 5 * SUPPORT or finder.hidden(c.name):
            continue
        kept = _common(c, finder.tolerance)
        if not kept:
            continue
        rare = len(c.values) - len(kept)
        least = min(n for _, n in kept)
        yield Proposal(
            short(c.name, "listed"),
            "expect_column_values_to_be_in_set",
            {"column": c.name, "value_set": sorted(str(v) for v, _ in kept)},
            "0104",
            (f"{finder.zh(c.name)}是常见的 {len(kept)} 个值之一", f"{finder.en(c.name)} is one of {len(kept)} usual values"),
            (
                f"{len(kept)} 个值各出现至少 {least:,} 次；另有 {rare} 个罕见值",
                f"{len(kept)} values occur at least {least:,} times each; {rare} others are rare",
            ),
        )


def _common(c: ColumnFigures, tolerance: float, most: int = 50) -> list[tuple[Any, int]]:
    """The values up to the first fall in frequency to a fifth behind which no more than the tolerated share is left."""
    left = c.present
    for position, (_, n) in enumerate(c.values[:most]):
        left -= n
        following = c.values[position + 1][1] if position + 1 < len(c.values) else 0
        if left <= tolerance * c.present:
            return list(c.values[: position + 1]) if 5 * following <= n and n >= 10 else []
    return []


def ranges(finder: Finder) -> Iterator[Proposal]:
    """Bounds far outside the bulk of the numbers or days, on a scale on which the bulk is even; none where values trail off."""
    for c in finder.profile.columns:
        if c.kind in ("integer", "number"):
            yield from _numbers(finder, c)
        elif c.kind in ("date", "timestamp"):
            yield from _days(finder, c)


def _numbers(finder: Finder, c: ColumnFigures) -> Iterator[Proposal]:
    values = sorted(float(v) for v in finder.profile.values(c.name))
    if len(values) < SUPPORT:
        return
    low, high = fence(values)
    positive = quantile(values, 0.02) >= 0 and c.beyond <= finder.tolerance * c.present
    low = 0.0 if positive and (low is None or low < 0) else low
    bounds: dict[str, Any] = {}
    if low is not None:
        bounds["min_value"] = _plain(rounded(low, up=False), c.kind)
    if high is not None:
        bounds["max_value"] = _plain(rounded(high, up=True), c.kind)
    if not bounds:
        return
    q02, q50, q98 = (f"{quantile(values, p):.4g}" for p in (0.02, 0.5, 0.98))
    hidden = finder.hidden(c.name)
    yield Proposal(
        short(c.name, "range"),
        "expect_column_values_to_be_between",
        {"column": c.name, **bounds},
        "0301",
        (f"{finder.zh(c.name)}在合理范围内", f"{finder.en(c.name)} is in a plausible range"),
        (
            f"界远在多数值之外{'' if hidden else f'（2%、50%、98% 分位为 {q02}、{q50}、{q98}）'}；{c.beyond:,} 个负值",
            f"the bounds lie far outside the bulk{'' if hidden else f' (2, 50, 98 % quantiles {q02}, {q50}, {q98})'}; {c.beyond:,} negatives",
        ),
    )


def _plain(value: float, kind: str) -> int | float:
    return int(value) if kind == "integer" or value == int(value) else value


def _days(finder: Finder, c: ColumnFigures) -> Iterator[Proposal]:
    days = sorted(d for v in finder.profile.values(c.name) if (d := v.date() if isinstance(v, datetime) else v) not in SENTINELS)
    if len(days) < SUPPORT:
        return
    ordinals = [float(d.toordinal()) for d in days]
    low, high = fence(ordinals)
    bounds: dict[str, Any] = {}
    if low is not None and low >= 366:
        bounds["min_value"] = f"{date.fromordinal(int(low)).year:04d}-01-01"
    future = c.beyond <= finder.tolerance * c.present
    if future:
        bounds["max_value"] = {"$today": 0 if c.kind == "date" else 1}
    elif high is not None and len(days) == len(finder.profile.values(c.name)) and high < date(9000, 1, 1).toordinal():
        bounds["max_value"] = f"{date.fromordinal(int(high)).year + 1:04d}-01-01"
    if not bounds:
        return
    yield Proposal(
        short(c.name, "plausible"),
        "expect_column_values_to_be_between",
        {"column": c.name, **bounds},
        "0501",
        (f"{finder.zh(c.name)}在合理范围内", f"{finder.en(c.name)} is a plausible day"),
        (
            f"{c.present:,} 个值中 {c.beyond:,} 个晚于今日" + ("" if finder.hidden(c.name) else f"；多数在 {_bulk(ordinals)}"),
            f"{c.beyond:,} of {c.present:,} lie in the future" + ("" if finder.hidden(c.name) else f"; the bulk in {_bulk(ordinals)}"),
        ),
    )


def _bulk(ordinals: Sequence[float]) -> str:
    first, last = (date.fromordinal(int(quantile(ordinals, p))).year for p in (0.02, 0.98))
    return f"{first}–{last}" if first != last else str(first)


def quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def fence(ordered: Sequence[float], reach: float = 1.25) -> tuple[float | None, float | None]:
    """The bounds beyond which a value is no member of the bulk; None for an end where there is no such bound.

    The bulk is what lies between the 2 % and 98 % quantiles; a bound stands `reach` of the way from the median to the quantile beyond
    it, so that 2 % of outliers do not move it. Right-skewed positive values are looked at by their logarithm. A bound moves
    outwards as long as the next value lies close by: what trails off is no outlier.
    """
    q02, q50, q98 = (quantile(ordered, p) for p in (0.02, 0.5, 0.98))
    if q02 == q98:
        return None, None
    skewed = q02 >= 0 and q98 > 3 * max(q50, 1e-9)
    there, back = (math.log1p, _grown) if skewed else (_same, _same)
    scaled = [there(max(v, 0.0) if skewed else v) for v in ordered]
    centre, ends = there(q50), (there(q02), there(q98))
    found: list[float | None] = []
    for sign, end in ((-1, ends[0]), (1, ends[1])):
        width = sign * (end - centre)
        if width <= 0:
            found.append(None)
            continue
        bound = sign * end + reach * width
        for value in scaled if sign == 1 else reversed(scaled):
            distance = sign * value
            if distance > bound:
                if distance - sign * centre > 1.3 * (bound - sign * centre):
                    break
                bound = distance
        limit = back(sign * bound)
        found.append(limit if abs(limit) < 1e15 else None)  # beyond, a double no longer tells whole numbers apart
    return found[0], found[1]


def _grown(value: float) -> float:
    return math.expm1(value) if value < 700 else math.inf


def _same(value: float) -> float:
    return value


def rounded(value: float, *, up: bool) -> float:
    """A bound in two significant digits, moved outwards."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{(math.ceil if up else math.floor)(value / unit) * unit:.12g}")
