"""Likely rules on several columns: keys, order in time and size, equal columns, what holds where another column has a value."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

from expectations.profiling.figures import LISTED, ColumnFigures, q
from expectations.profiling.proposals import SUPPORT, Finder, Proposal, percent, short
from expectations.profiling.shapes import class_of

if TYPE_CHECKING:
    import duckdb

PAIRS = 40  # so many pairs of columns are looked at as keys, in one scan
KEYS = 3  # so many are proposed: those with the fewest possible values, which says most
HINT = 0.6  # HyperLogLog is off by more than a tenth: what it says of one column is only a hint
GROUP = 5  # so many rows a code at least: of two that disagree nobody knows which is right
RARER = 0.2  # an exception is a finding where it is at most so frequent as among all rows
ORDERED = ("date", "timestamp")
NUMBERS = ("integer", "number")


def _key_like(finder: Finder, c: ColumnFigures) -> bool:
    """A column of codes or recurring moments without gaps: names, addresses, days and measurements are no part of a key."""
    if c.missing_share > finder.tolerance or c.distinct < 2:
        return False
    if c.kind == "timestamp":
        return c.own < HINT * c.present  # moments that hardly recur make a key of anything
    return c.kind == "integer" or (c.kind == "string" and not _wordy(finder, c))


def _wordy(finder: Finder, c: ColumnFigures) -> bool:
    """Whether most values hold Han characters."""
    texts = finder.profile.values(c.name)[:500]
    return c.kind == "string" and sum(1 for t in texts if any(class_of(ch) == "汉" for ch in t)) >= 0.5 * len(texts)


def keys(finder: Finder, con: duckdb.DuckDBPyConnection) -> tuple[list[Proposal], int]:
    """Columns, or where there is none pairs and triples of columns, that no two rows of a batch share; and the scans that it took."""
    rows = finder.profile.rows
    if rows < SUPPORT:
        return [], 0
    largest = max(n for _, n in finder.profile.batches)
    likely = [c for c in finder.profile.columns if _key_like(finder, c)]
    singles = [(c,) for c in likely if c.own >= HINT * c.present and c.kind in ("string", "integer") and c.distinct > SUPPORT]
    found, scans = _counted(finder, con, singles)
    for size in (2, 3):
        if found:
            break
        sets = [s for s in combinations(likely, size) if 2 * _product(s) >= largest]
        again, more = _counted(finder, con, sorted(sets, key=_product)[:PAIRS])
        found, scans = again[:KEYS], scans + more
    return [_unique(finder, tuple(c.name for c in s)) for s in found], scans


def _counted(
    finder: Finder, con: duckdb.DuckDBPyConnection, sets: Sequence[tuple[ColumnFigures, ...]]
) -> tuple[list[tuple[ColumnFigures, ...]], int]:
    """Those sets of columns that are nearly unique, counted in one scan, in their order; and the scans."""
    if not sets:
        return [], 0
    items = []
    for s in sets:
        there = " AND ".join(f"{q(c.name)} IS NOT NULL" for c in s)
        key = f'hash("_batch", {", ".join(q(c.name) for c in s)})'
        items += [f"count(DISTINCT {key}) FILTER (WHERE {there})", f"count(*) FILTER (WHERE {there})"]
    figures = con.execute(f"SELECT {', '.join(items)} FROM {finder.profile.table.relation}").fetchone() or ()
    shares = [(d / n if n else 0.0) for d, n in zip(figures[::2], figures[1::2], strict=True)]
    return [s for s, share in zip(sets, shares, strict=True) if share >= 1 - finder.tolerance], 1


def _product(columns: Sequence[ColumnFigures]) -> int:
    product = 1
    for c in columns:
        product *= c.distinct
    return product


def _unique(finder: Finder, columns: tuple[str, ...]) -> Proposal:
    zh, en = "、".join(map(finder.zh, columns)), ", ".join(map(finder.en, columns))
    one = len(columns) == 1
    kwargs: dict[str, Any] = {"column": columns[0]} if one else {"column_list": list(columns), "ignore_row_if": "any_value_is_missing"}
    return Proposal(
        short(*columns, "unique"),
        "expect_column_values_to_be_unique" if one else "expect_compound_columns_to_be_unique",
        kwargs,
        "0304",
        (f"{zh}在一批中不重复", f"{en} occur{'s' if one else ''} once in a batch"),
        (
            f"不同值约与行数（{finder.profile.rows:,}）相等" + ("" if one else "，其中任一列单独都不唯一"),
            f"about as many different values as rows ({finder.profile.rows:,})"
            + ("" if one else "; no one of the columns is unique alone"),
        ),
    )


def _both(finder: Finder, a: str, b: str) -> list[tuple[Any, Any]]:
    pairs = zip(finder.profile.sample[a], finder.profile.sample[b], strict=True)
    return [(x, y) for x, y in pairs if x is not None and y is not None and x == x and y == y]


def equal(finder: Finder) -> Iterator[Proposal]:
    """Columns that hold the same value on nearly every row, where values of other rows seldom would."""
    named = [c for c in finder.profile.columns if c.present >= SUPPORT and c.distinct > 1]
    for a, b in combinations(named, 2):
        if a.kind != b.kind or (_wordy(finder, a) and a.distinct > LISTED):
            continue  # two texts in words may differ and both be right
        both = _both(finder, a.name, b.name)
        if len(both) < SUPPORT:
            continue
        same = sum(1 for x, y in both if x == y) / len(both)
        if same < finder.nearly or _shifted(both, lambda x, y: x == y) > 0.5:
            continue
        yield Proposal(
            short(a.name, "equals", b.name),
            "expect_column_pair_values_to_be_equal",
            {"column_A": a.name, "column_B": b.name, "ignore_row_if": "either_value_is_missing"},
            "0401",
            (f"{finder.zh(a.name)}与{finder.zh(b.name)}相同", f"{finder.en(a.name)} equals {finder.en(b.name).lower()}"),
            (f"抽样中 {percent(same)} 的行相同", f"equal on {percent(same)} of sampled rows"),
        )


def _shifted(both: Sequence[tuple[Any, Any]], holds: Any) -> float:
    """The share of rows for which a relation holds with the other column's value of a row half a sample away: what chance gives."""
    half = len(both) // 2
    return sum(1 for i, (x, _) in enumerate(both) if holds(x, both[i - half][1])) / len(both)


def order(finder: Finder) -> Iterator[Proposal]:
    """Columns of which one is never below the other. Numbers must also overlap, or the order says nothing about a row."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    named = [c for c in finder.profile.columns if c.kind in (*ORDERED, *NUMBERS) and c.present >= SUPPORT and c.distinct > 1]
    for a, b in permutations(named, 2):
        if (a.kind in NUMBERS) != (b.kind in NUMBERS):
            continue
        both = _both(finder, a.name, b.name)
        if len(both) < SUPPORT:
            continue
        later = sum(1 for x, y in both if _later(x, y)) / len(both)
        differ = sum(1 for x, y in both if x != y)
        if later < finder.nearly or differ < SUPPORT / 3 or (a.kind in NUMBERS and _shifted(both, _later) > 0.9):
            continue
        found[a.name, b.name] = len(both), later
    for (a_name, b_name), (n, later) in found.items():
        between = [c for c in (x.name for x in named) if (a_name, c) in found and (c, b_name) in found]
        if any(n <= min(found[a_name, c][0], found[c, b_name][0]) for c in between):
            continue  # follows from two rules that look at as many rows
        days = finder.profile.by_name[a_name].kind in ORDERED
        yield Proposal(
            short(a_name, "not_before" if days else "not_below", b_name),
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_A": a_name, "column_B": b_name, "or_equal": True, "ignore_row_if": "either_value_is_missing"},
            "0503" if days else "0401",
            (
                f"{finder.zh(a_name)}不{'早' if days else '小'}于{finder.zh(b_name)}",
                f"{finder.en(a_name)} is not {'before' if days else 'below'} {finder.en(b_name).lower()}",
            ),
            (f"抽样 {n:,} 行中 {percent(later)} 如此", f"so on {percent(later)} of {n:,} sampled rows"),
        )


def _later(x: Any, y: Any) -> bool:
    if type(x) is not type(y):
        x, y = (v.date() if hasattr(v, "date") else v for v in (x, y))
    return bool(x >= y)


def dependencies(finder: Finder) -> Iterator[Proposal]:
    """A code that fixes the value of another column: of each column the one with the fewest codes, over groups of some rows."""
    texts = [c for c in finder.profile.columns if c.kind == "string" and c.present >= SUPPORT and c.distinct > 1]
    codes = [c for c in texts if not _wordy(finder, c) and GROUP * c.own <= c.present]
    for b in texts:
        fixing = []
        for a in codes:
            both = _both(finder, a.name, b.name) if a is not b else []
            if len(both) >= SUPPORT:
                fixed, luck = _fixed(both), _fixed([(x, both[i - len(both) // 2][1]) for i, (x, _) in enumerate(both)])
                if fixed >= finder.nearly and luck <= fixed - 0.1:
                    fixing.append((a.distinct, a.name, fixed, luck))
        if not fixing:
            continue
        _, name, fixed, luck = min(fixing)
        yield Proposal(
            short(b.name, "by", name),
            "expect_columns_to_determine_column",
            {"determinants": [name], "column": b.name},
            "0402",
            (f"同一{finder.zh(name)}只有一个{finder.zh(b.name)}", f"One {finder.en(name).lower()} has one {finder.en(b.name).lower()}"),
            (
                f"抽样中 {percent(fixed)} 的行是该代码最常见的值，换行后只有 {percent(luck)}",
                f"{percent(fixed)} of sampled rows have the code's most frequent value, of values of other rows {percent(luck)}",
            ),
        )


def _fixed(both: Sequence[tuple[Any, Any]]) -> float:
    """The share of rows that bear the most frequent value of their group."""
    groups: dict[Any, Counter[Any]] = defaultdict(Counter)
    for x, y in both:
        groups[x][y] += 1
    return sum(max(found.values()) for found in groups.values()) / len(both)


def conditions(finder: Finder) -> Iterator[Proposal]:
    """A column that is there just where another has certain values, or missing just there: of each column the best such other one.

    It is a finding where the exceptions are far rarer beside these values than among all rows.
    """
    for c in finder.profile.columns:
        if not finder.tolerance < c.missing_share < 1:
            continue
        for wanted in (True, False):
            overall = c.missing_share if wanted else 1 - c.missing_share
            best: tuple[float, int, str, list[str]] | None = None
            for other, groups in finder.profile.within.items():
                if other == c.name:
                    continue
                broken = {v: rows - present[c.name] if wanted else present[c.name] for v, (rows, present) in groups.items()}
                pure = sorted(
                    v
                    for v, (rows, _) in groups.items()
                    if rows >= SUPPORT and broken[v] <= finder.tolerance * rows and finder.quotable(other, v)
                )
                covered = sum(groups[v][0] for v in pure)
                if pure and len(pure) < len(groups):
                    rate = sum(broken[v] for v in pure) / covered / overall
                    if rate <= RARER and (best is None or (-round(rate, 2), covered) > (-round(best[0], 2), best[1])):
                        best = rate, covered, other, pure
            if best is not None:
                yield _conditional(finder, c.name, best[2], best[3], wanted, best[1])


def _conditional(finder: Finder, column: str, other: str, values: list[str], wanted: bool, covered: int) -> Proposal:
    said = "、".join(values), ", ".join(values)
    presence = ("有", "is present") if wanted else ("无", "is absent")
    return Proposal(
        short(column, "present_if" if wanted else "absent_if", other),
        f"expect_column_values_to_{'not_' if wanted else ''}be_null",
        {"column": column, **where(other, values)},
        "0402",
        (
            f"{finder.zh(other)}为 {said[0]} 时{presence[0]}{finder.zh(column)}",
            f"{finder.en(column)} {presence[1]} where {finder.en(other).lower()} is {said[1]}",
        ),
        (f"这样的行有 {covered:,} 行；其他取值时并非如此", f"{covered:,} such rows; not so for the other values"),
    )


def where(column: str, values: Sequence[str]) -> Mapping[str, Any]:
    """A row condition: the column is one of the values."""
    if len(values) == 1 and '"' not in values[0]:
        return {"row_condition": f'col("{column}")=="{values[0]}"', "condition_parser": "great_expectations"}
    return {"row_condition": {"type": "comparison", "column": {"name": column}, "operator": "IN", "parameter": list(values)}}


def exclusions(finder: Finder, expected_at_least: float = 60) -> Iterator[Proposal]:
    """Values that hardly ever stand beside a value of another column, though chance would have many such rows."""
    rows = finder.profile.rows
    for (a, b), cells in finder.profile.crossed.items():
        totals: tuple[dict[str, int], dict[str, int]] = ({}, {})
        for pair, n in cells.items():
            for side in (0, 1):
                totals[side][pair[side]] = totals[side].get(pair[side], 0) + n
        never: dict[str, list[str]] = {}
        for x, n_x in totals[0].items():
            for y, n_y in totals[1].items():
                said = finder.quotable(a, x) and finder.quotable(b, y)
                if said and n_x * n_y / rows >= expected_at_least and cells.get((x, y), 0) <= finder.tolerance * min(n_x, n_y):
                    never.setdefault(x, []).append(y)
        for x, ys in sorted(never.items()):
            if len(ys) == len(totals[1]):
                continue
            yield Proposal(
                short(b, "not_if", a, x.lower() if x.isascii() and x.isalnum() else "value"),
                "expect_column_values_to_not_be_in_set",
                {"column": b, "value_set": sorted(ys), **where(a, [x])},
                "0402",
                (
                    f"{finder.zh(a)}为 {x} 时{finder.zh(b)}不为 {'、'.join(sorted(ys))}",
                    f"Where {finder.en(a).lower()} is {x}, {finder.en(b).lower()} is not {', '.join(sorted(ys))}",
                ),
                (
                    f"按机会应有 {sum(totals[0][x] * totals[1][y] for y in ys) // rows:,} 行，实有 {sum(cells.get((x, y), 0) for y in ys):,} 行",
                    f"chance would give {sum(totals[0][x] * totals[1][y] for y in ys) // rows:,} rows, there are {sum(cells.get((x, y), 0) for y in ys):,}",
                ),
            )
