"""Small made tables for judging lineage by execution: values that make joins match and conditions vary.

Names that the SQL holds equal, or renames into each other, draw from the same few words; what a column is compared with in the SQL
is among its values. Beside each column stand three others of the same type, by which it may be replaced (`WAYS`).

Belongs here: making tables, replacing a column. Not here: what is seen of it (`proof`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from assets.lake import quote

if TYPE_CHECKING:
    import duckdb

Tables = Mapping[str, Mapping[str, str]]
WAYS = ("nothing in some rows", "another value in some rows", "values change places")
DAY = date(2026, 3, 31)
"""The day at which the made hand-overs end."""
_WORDS = ("甲", "乙", "丙", "丁", "1", "2", "202603", "202511", "91219900MA0000001X", "12219900MB0000002X", "219900199001010017", "219900")
_PATTERNS = ("202603", "202511", "9", "91219900MA0000001X", "219900", "219900199001010017", "2199001", "A1", "13900000000", "*", "2026")
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Like, exp.ILike, exp.StartsWith, exp.Contains)
_REGEXES = (exp.RegexpLike, exp.RegexpFullMatch)
_SHAPES = ((12, 12), (30, 5), (16, 8))


@dataclass(frozen=True)
class Hints:
    """What the SQL says of its columns, by name: which are alike, and what they are compared with."""

    parent: dict[str, str] = field(default_factory=dict)
    literals: dict[str, set[str]] = field(default_factory=dict)

    def of(self, name: str) -> str:
        while (above := self.parent.get(name, name)) != name:
            name = above
        return name

    def join(self, one: str, other: str) -> None:
        self.parent[self.of(one)] = self.of(other)

    def values(self, name: str) -> set[str]:
        alike = self.of(name)
        return {v for n, vs in self.literals.items() if self.of(n) == alike for v in vs}


def read_hints(trees: Iterable[exp.Expr]) -> Hints:
    """Read the hints out of queries and conditions."""
    found = Hints()
    for tree in trees:
        for node in tree.walk():
            if isinstance(node, exp.Alias):
                names = {c.name for c in node.this.find_all(exp.Column)}
                if len(names) == 1 and not node.this.find(exp.Case, exp.Select):
                    found.join(node.alias, names.pop())
            elif isinstance(node, exp.Case) and node.this is not None:
                _compared(found, node.this, [e.this for e in node.args["ifs"]])
            elif isinstance(node, _REGEXES):
                _compared(found, node.this, [node.expression], regex=True)
            elif isinstance(node, _COMPARED):
                sides = [e for e in node.iter_expressions() if not isinstance(e, exp.Query | exp.Subquery)]
                columns = [{c.name for c in s.find_all(exp.Column)} for s in sides]
                if isinstance(node, exp.EQ | exp.NEQ) and len(sides) == 2 and all(len(c) == 1 for c in columns):
                    found.join(columns[0].pop(), columns[1].pop())
                _compared(found, node, sides)
    return found


def _compared(found: Hints, of: exp.Expr, sides: Iterable[exp.Expr], *, regex: bool = False) -> None:
    values: set[str] = set()
    for side in sides:
        for text in (str(i.this) for i in side.find_all(exp.Literal)):
            values |= _matching(text) if regex else {text.strip("%")}
    for column in of.find_all(exp.Column):
        found.literals.setdefault(column.name, set()).update(values)


def _matching(pattern: str) -> set[str]:
    try:
        return {p for p in _PATTERNS if re.search(pattern, p)}
    except re.error:  # DuckDB's syntax is RE2's
        return set()


@dataclass
class _Maker:
    rng: Random
    hints: Hints
    rows: int
    words: list[str]
    hourly: bool

    def code(self, values: Sequence[str]) -> list[list[Any]]:
        """A column of a code table: it stays as it is, and others of its values may stand for them."""
        return self._ways(list(values), [self.rng.choice(values) for _ in values])

    def column(self, name: str, kind: str, listed: Collection[str], unique: bool) -> list[list[Any]]:
        """The values of a column, and those that may stand for them."""
        values = [self._value(name, kind, listed, n) for n in range(self.rows)]
        if unique and kind == "VARCHAR" and len(self.words) >= self.rows and self.hints.of(name) != self.hints.of("_batch"):
            values = self.rng.sample(self.words, self.rows)
        return self._ways(values, [self._value(name, kind, listed, self.rng.randrange(self.rows)) for _ in values])

    def _ways(self, values: list[Any], others: list[Any]) -> list[list[Any]]:
        nothing = [None if self.rng.random() < 0.4 else v for v in values]
        some = [o if self.rng.random() < 0.5 else v for o, v in zip(others, values, strict=True)]
        moved = list(values)
        self.rng.shuffle(moved)
        return [values, nothing, some, moved]

    def _value(self, name: str, kind: str, listed: Collection[str], n: int) -> Any:
        rng = self.rng
        alike = self.hints.of(name)
        if alike == self.hints.of("_row") and kind == "BIGINT":
            return n + 1
        if alike == self.hints.of("_batch") and kind == "VARCHAR":
            return rng.choice(("b1", "b2", "b3"))
        if rng.random() < 0.12:
            return None
        told = sorted(self.hints.values(name))
        if kind == "VARCHAR":
            special = [*told, *listed]
            return rng.choice(special) if special and rng.random() < 0.6 else rng.choice(self.words)
        if kind == "DATE":
            return self._day(told)
        if kind.startswith("TIMESTAMP"):
            hour = timedelta(hours=n % 48 if self.hourly else rng.choice((0, 8, 23)))
            return datetime.combine(date(2026, 3, 2) if self.hourly else self._day(told), datetime.min.time()) + hour
        if kind == "BOOLEAN":
            return rng.random() < 0.5
        if kind == "BIGINT" or kind.startswith(("DOUBLE", "DECIMAL", "INTEGER")):
            numbers = [float(t) + step for t in told if re.fullmatch(r"\d{1,6}(\.\d+)?", t) for step in (-1, 0, 1)]
            few = rng.choice([*numbers, 0, 1, 2, 5, 60, 2026]) if rng.random() < 0.7 else rng.randrange(400)
            return int(few) if kind in ("BIGINT", "INTEGER") else round(few + rng.choice((0, 0, 0.5)), 1)
        return None

    def _day(self, told: Iterable[str]) -> date:
        days = [date.fromisoformat(t) for t in told if re.fullmatch(r"\d{4}-\d\d-\d\d", t)]
        days += [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 20), date(2026, 1, 15), date(2025, 4, 1), date(2019, 5, 1)]
        return self.rng.choice([*days, DAY])


@dataclass(frozen=True)
class Made:
    """Made tables in a connection; `replace` puts other values into columns, `restore` the first ones again.

    The tables stay, their rows alone are others: a statement that was planned over them is not planned again.
    """

    con: duckdb.DuckDBPyConnection
    tables: Tables

    def replace(self, table: str, columns: Collection[str], way: int) -> None:
        given = ", ".join(f"{quote(f'{c}#{way + 1}' if c in columns else f'{c}#0')} AS {quote(c)}" for c in self.tables[table])
        self.con.execute(f"TRUNCATE {quote(table)}")
        self.con.execute(f"INSERT INTO {quote(table)} SELECT {given} FROM {quote('made.' + table.replace('.', '_'))}")

    def restore(self, table: str) -> None:
        self.replace(table, (), 0)


def make(
    con: duckdb.DuckDBPyConnection,
    tables: Tables,
    hints: Hints,
    seed: int,
    *,
    keys: Mapping[str, Collection[str]],
    listed: Mapping[tuple[str, str], Sequence[str]],
) -> Made:
    """Fill `tables` for a seed: `keys` are the keys of those that are models, `listed` words for a column from its
    code table, and the columns of code tables as they are."""
    rng = Random(seed)  # noqa: S311 (the same tables for the same seed are what is wanted)
    rows, words = _SHAPES[seed % len(_SHAPES)]
    # one table alone may be asked about its hours; several would be joined into too many rows
    hourly = sum(not t.startswith("codes.") for t in tables) == 1 and seed % 2 == 1
    maker = _Maker(rng, hints, 300 if hourly else rows, rng.sample(_WORDS, 1 if hourly else words), hourly)
    for schema in ("made", *{t.split(".")[0] for t in tables}):
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
    for table, columns in tables.items():
        if table.startswith("codes."):
            by_column = {c: maker.code(listed[table, c]) for c in columns}
        else:
            by_column = {c: maker.column(c, k, listed.get((table, c), ()), list(keys.get(table, ())) == [c]) for c, k in columns.items()}
        names = [f"{c}#{n}" for c in columns for n in range(1 + len(WAYS))]
        kinds = [k for k in columns.values() for _ in range(1 + len(WAYS))]
        lines = zip(*(values for four in by_column.values() for values in four), strict=True)
        text = ", ".join(f"({', '.join(map(_written, line))})" for line in lines)
        typed = ", ".join(f"TRY_CAST(c{n} AS {k}) AS {quote(name)}" for n, (name, k) in enumerate(zip(names, kinds, strict=True)))
        given = ", ".join(f"c{n}" for n in range(len(names)))
        place = quote("made." + table.replace(".", "_"))
        con.execute(f"CREATE OR REPLACE TABLE {place} AS SELECT {typed} FROM (VALUES {text}) AS v({given})")
        declared = ", ".join(f"{quote(c)} {k}" for c, k in columns.items())
        con.execute(f"CREATE OR REPLACE TABLE {quote(table)} ({declared})")
    made = Made(con, tables)
    for table in tables:
        made.restore(table)
    return made


def _written(value: Any) -> str:
    return "NULL" if value in (None, "") else str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
