"""A slice of the people at a time: what keeps memory and working files of a large sample within their limits.

Homes and people are numbered alike, 50 homes of 125 people after the other (`world/people.sql`), so a slice of one is a slice of the
other, and what is ordered by either is read in part; entities are numbered too, about one to ten people. SQL says where it may be
cut: `within(home)`, `among(person)`, `amid(entity)`, and `about(entity, person)` where a row is a person's if it is no entity's.

Belongs here: those macros, writing a table slice by slice, the memory that DuckDB may take. Not here: what the SQL makes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

MEMORY = "1100MB"
"""What DuckDB may take of the 2 GB that making a sample is held to. The rest is Python's, that of rows on their way into files, and
what the allocator keeps."""
LEAST = "300MB"
"""What of it is left while nothing runs."""
SLICE = 500_000
"""So many people's rows are made at a time: hash tables of all homes and couples, sorts, and whatever else stands in memory once a
statement, would grow with the people."""

NUMBERED = {"within": ("home", 50), "among": ("person", 125), "amid": ("entity", 15)}
"""By macro, what it cuts, and how many of it go with 125 people."""
_CUT = re.compile(rf"\b({'|'.join(NUMBERED)}|about)\(")


def within(con: duckdb.DuckDBPyConnection, first: int = 0, end: int | None = None) -> None:
    """The macros of this connection that are true of the homes, people and entities that go with the people from number `first` up to
    `end`, or to the last one."""
    for macro, (name, number) in NUMBERED.items():
        above = f"{name} >= {number * (first // 125)}" if first else "true"
        below = f"{name} < {number * (end // 125)}" if end is not None else "true"
        con.execute(f"CREATE OR REPLACE TEMP MACRO {macro}({name}) AS {above} AND {below}")
    con.execute("CREATE OR REPLACE TEMP MACRO about(entity, person) AS CASE WHEN entity IS NULL THEN among(person) ELSE amid(entity) END")


def give_back(con: duckdb.DuckDBPyConnection) -> None:
    """Let the allocator return to the system what earlier statements freed: it does where the limit is set, to whatever."""
    con.execute(f"SET memory_limit = '{MEMORY}'")


def let_go(con: duckdb.DuckDBPyConnection) -> None:
    """Of a large sample, let go of the pages that were read or written too, which the next statement's tables would come on top of, in
    other sizes. For when no statement runs in another thread."""
    (people,) = con.execute("SELECT people()").fetchone() or (0,)
    if people > SLICE:
        con.execute(f"SET memory_limit = '{LEAST}'")
        give_back(con)


def write(con: duckdb.DuckDBPyConnection, table: str, select: str, cut: str | None = None) -> None:
    """Make a table of a SELECT, slice by slice where it (or the text `cut` that it stems from) says how it may be cut."""
    (people,) = con.execute("SELECT people()").fetchone() or (0,)
    if not _CUT.search(cut or select) or people <= SLICE:
        within(con)
        con.execute(f"CREATE OR REPLACE TABLE {table} AS {select}")
        return
    try:
        for first in range(0, people, SLICE):
            within(con, first, first + SLICE if first + SLICE < people else None)
            con.execute(f"{f'INSERT INTO {table}' if first else f'CREATE OR REPLACE TABLE {table} AS'} {select}")
            give_back(con)
    finally:
        within(con)
