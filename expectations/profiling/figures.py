"""The figures of a table, in three scans: one of aggregates over every column, one of groups, one that takes a bounded sample.

Belongs here: what is counted, and counting it. Not here: what follows from the figures (`values.py`, `texts.py`, `pairs.py`).
The same rows give the same figures, in whatever order they are read: counts of different values are those of HyperLogLog, the
sample is the rows with the least hash of their position.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

from expectations.compiler.duckdb import column as identifier
from expectations.compiler.plan import Field

if TYPE_CHECKING:
    import duckdb

SAMPLE = 20_000
LISTED = 200  # columns of at most so many different values are counted value by value
FEW = 40  # so many may be what other columns depend on
CROSSED = 12  # so many are counted against each other


@dataclass(frozen=True)
class Table:
    """What to profile: `relation` is a table's name or a subquery in brackets with `_batch`, `_row`, the fields and their texts.

    By column: `titles` (zh, en), `levels` of classification (from 3 on no value is quoted that is not in a code table), `codes`
    the code table that is declared.
    """

    name: str
    relation: str
    fields: tuple[Field, ...]
    titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    levels: Mapping[str, int] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)

    def title(self, column: str) -> tuple[str, str]:
        return self.titles.get(column, (column, column.replace("_", " ")))

    def level(self, column: str) -> int:
        return self.levels.get(column, 1)


@dataclass(frozen=True)
class ColumnFigures:
    """Counts of one column.

    `present` values that could be read, `texts` that stood there; `low`, `high` the ends (of a string its length); `distinct`
    different values, `own` the sum of those of each batch; `beyond` negatives (of numbers) or days after the day of the look;
    `values` each value's rows, most frequent first, where there are few.
    """

    field: Field
    rows: int
    present: int
    texts: int
    distinct: int
    own: int
    low: Any
    high: Any
    beyond: int
    values: tuple[tuple[Any, int], ...] = ()

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def kind(self) -> str:
        return self.field.logical_type

    @property
    def missing_share(self) -> float:
        return 1 - self.present / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Profile:
    """Everything that was counted. `sample` holds aligned lists of values by column; `within` the rows of each value of a column
    of few values, with how many of them have each other column; `crossed` the rows of each pair of values of two such columns."""

    table: Table
    as_of: date
    rows: int
    batches: tuple[tuple[str, int], ...]
    columns: tuple[ColumnFigures, ...]
    sample: Mapping[str, Sequence[Any]]
    within: Mapping[str, Mapping[str, tuple[int, Mapping[str, int]]]]
    crossed: Mapping[tuple[str, str], Mapping[tuple[str, str], int]]
    scans: int

    @cached_property
    def by_name(self) -> Mapping[str, ColumnFigures]:
        return {c.name: c for c in self.columns}

    def values(self, column: str) -> list[Any]:
        """The values of a column in the sample, missing and infinite ones left out."""
        return [v for v in self.sample[column] if v is not None and not (isinstance(v, float) and not math.isfinite(v))]

    @property
    def sampled(self) -> int:
        return len(next(iter(self.sample.values()), ()))


def look(con: duckdb.DuckDBPyConnection, table: Table, *, as_of: date | None = None, sample: int = SAMPLE) -> Profile:
    """The figures of a table; `scans` says how often its rows were read."""
    day = as_of or date.today()
    batches = tuple(con.execute(f'SELECT "_batch", count(*) FROM {table.relation} GROUP BY 1 ORDER BY 1').fetchall())
    columns = _aggregates(con, table, day)
    listed = [c for c in columns if 0 < c.distinct <= LISTED and c.kind in ("string", "boolean", "integer")]
    values, within, crossed = _groups(con, table, columns, listed)
    columns = [ColumnFigures(**{**vars(c), "values": values.get(c.name, ())}) for c in columns]
    rows = sum(n for _, n in batches)
    return Profile(table, day, rows, batches, tuple(columns), _sample(con, table, sample), within, crossed, 4 if listed else 3)


def q(name: str) -> str:
    return identifier(name).sql("duckdb")


def _value(f: Field) -> str:
    """The column, NaN read as missing."""
    floating = f.sql_type.upper() in ("DOUBLE", "FLOAT", "REAL")
    return f"CASE WHEN isfinite({q(f.name)}) THEN {q(f.name)} END" if floating else q(f.name)


def _aggregates(con: duckdb.DuckDBPyConnection, table: Table, day: date) -> list[ColumnFigures]:
    items = ["count(*)"]
    for f in table.fields:
        value = _value(f)
        measured = f"length({value})" if f.logical_type == "string" else value
        beyond = {
            "integer": f"{value} < 0",
            "number": f"{value} < 0",
            "date": f"{value} > DATE '{day}'",
            "timestamp": f"{value} >= TIMESTAMP '{day + timedelta(days=1)}'",
        }.get(f.logical_type, "FALSE")
        items += [
            f"count({value})",
            f"count({q(f.text) if f.text else value})",
            f"approx_count_distinct({value})",
            f'approx_count_distinct(CASE WHEN {value} IS NOT NULL THEN hash("_batch", {value}) END)',
            f"min({measured})",
            f"max({measured})",
            f"count(*) FILTER (WHERE {beyond})",
        ]
    row = con.execute(f"SELECT {', '.join(items)} FROM {table.relation}").fetchone()
    assert row is not None
    rows, figures = row[0], iter(row[1:])
    return [ColumnFigures(f, rows, *(next(figures) for _ in range(7))) for f in table.fields]


def _groups(
    con: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[ColumnFigures], listed: Sequence[ColumnFigures]
) -> tuple[dict[str, tuple[tuple[Any, int], ...]], dict[str, Any], dict[tuple[str, str], Any]]:
    """The rows of each value, and of each pair of values, of columns that have few."""
    if not listed:
        return {}, {}, {}
    pairs = list(combinations([c.name for c in listed if 1 < c.distinct <= CROSSED], 2))
    sets = [f"({q(c.name)})" for c in listed] + [f"({q(a)}, {q(b)})" for a, b in pairs]
    names = [c.name for c in listed]
    # Bit i from the right tells that the i-th column from the right is not of the set.
    mark = f"grouping_id({', '.join(map(q, names))})"
    counts = [f"count({_value(c.field)})" for c in columns]
    items = ", ".join([mark, *map(q, names), "count(*)", *counts])
    sql = f"SELECT {items} FROM {table.relation} GROUP BY GROUPING SETS ({', '.join(sets)})"
    values: dict[str, list[tuple[Any, int]]] = {n: [] for n in names}
    within: dict[str, dict[str, Any]] = {n: {} for n in names}
    crossed: dict[tuple[str, str], dict[tuple[str, str], int]] = {p: {} for p in pairs}
    few = {c.name for c in listed if c.kind == "string" and 1 < c.distinct <= FEW}
    for found in con.execute(sql).fetchall():
        of = [n for i, n in enumerate(reversed(names)) if not found[0] >> i & 1][::-1]
        cells = dict(zip(names, found[1 : 1 + len(names)], strict=True))
        rows, present = found[1 + len(names)], found[2 + len(names) :]
        if any(cells[n] is None for n in of):
            continue
        if len(of) == 2:
            crossed[of[0], of[1]][cells[of[0]], cells[of[1]]] = rows
            continue
        values[of[0]].append((cells[of[0]], rows))
        if of[0] in few:
            within[of[0]][cells[of[0]]] = rows, dict(zip((c.name for c in columns), present, strict=True))
    ordered = {n: tuple(sorted(found, key=lambda v: (-v[1], str(v[0])))) for n, found in values.items()}
    return ordered, {n: w for n, w in within.items() if n in few}, crossed


def _sample(con: duckdb.DuckDBPyConnection, table: Table, most: int) -> dict[str, list[Any]]:
    names = [f.name for f in table.fields]
    sql = f'SELECT {", ".join(map(q, names))} FROM {table.relation} ORDER BY hash("_batch", "_row"), "_batch", "_row" LIMIT {most}'
    found = con.execute(sql).fetchall()
    return {name: [row[i] for row in found] for i, name in enumerate(names)}
