"""Building the sample world: DuckDB tables from the SQL files in `world/`, as many of them as the views need.

Belongs here: the database, its limits, and the order in which statements run (a table before those that read it). Not here:
what is true (the SQL files), how a department sees it (the declarations beside the contracts).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from sample_data import slices

if TYPE_CHECKING:
    import duckdb

WORLD = Path(__file__).parent / "world"
FIRST_DAY, TODAY = "2024-11-01", "2026-10-31"
"""The days between which the world runs."""
SERIES = {"air_hour": "sample_data.air"}
"""World tables that no SQL makes: a physical series has a module of its own, with `write(con)`."""
SCHEMAS = ("world", "planted", "codes", "seen")

_TARGET = re.compile(
    r"\s*(?:CREATE\s+(?:OR\s+REPLACE\s+)?(?:TABLE|VIEW|MACRO)\s+(?:IF\s+NOT\s+EXISTS\s+)?|INSERT\s+INTO\s+|UPDATE\s+|ALTER\s+TABLE\s+|DELETE\s+FROM\s+)"
    r"world\.(\w+)",
    re.IGNORECASE,
)
_MADE = re.compile(r"\bCREATE\s+(?:OR\s+REPLACE\s+)?TABLE\s+world\.\w+\s+AS\b", re.IGNORECASE)
_NAMED = re.compile(r"\bworld\.(\w+)", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


class WorldError(Exception):
    """A statement of the world does not run: names the file, the table and what the database said."""


@dataclass
class _Table:
    """The statements that make a world table, in order, and the world tables that they read."""

    statements: list[tuple[Path, str]] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)


@contextmanager
def opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new database in `path`, within the memory that a sample may take. It is taken away afterwards."""
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    for old in (path, path.with_name(path.name + ".wal")):
        old.unlink(missing_ok=True)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": slices.MEMORY,
        "temp_directory": str(path.with_suffix(".tmp")),
        "threads": str(min(4, os.cpu_count() or 1)),
        "checkpoint_threshold": "256MB",
    }
    try:
        with duckdb.connect(str(path), config=settings) as con:
            yield con
    finally:
        for old in (path, path.with_name(path.name + ".wal")):
            old.unlink(missing_ok=True)


def prepare(con: duckdb.DuckDBPyConnection, seed: int, people: int, codes: Path) -> None:
    """Schemas, macros, words, and the code tables (all text) as `codes.<name>`."""
    for schema in SCHEMAS:
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    con.execute("SET enable_progress_bar = false")
    con.execute(f"CREATE OR REPLACE MACRO seed() AS {int(seed)}; CREATE OR REPLACE MACRO people() AS {int(people)}")
    con.execute(f"CREATE OR REPLACE MACRO first_day() AS DATE '{FIRST_DAY}'; CREATE OR REPLACE MACRO today() AS DATE '{TODAY}'")
    con.execute((WORLD / "macros.sql").read_text(encoding="utf-8"))
    for path in sorted(codes.glob("*.csv")):
        if "." not in path.stem:
            quoted = str(path).replace("'", "''")
            con.execute(f"CREATE VIEW codes.\"{path.stem}\" AS FROM read_csv('{quoted}', all_varchar = true, header = true)")
    from sample_data import vocabulary

    vocabulary.write(con)


def build(
    con: duckdb.DuckDBPyConnection, texts: Iterable[str], say: Callable[[str], None] | None = None, folder: Path = WORLD
) -> list[str]:
    """Build every world table that the SQL `texts` name, and those that these read; gives their names in the order made.

    Raises `WorldError` where a statement fails or tables need each other.
    """
    tables = _tables(folder)
    made: list[str] = []
    under_way: list[str] = []

    def make(name: str) -> None:
        if name in SERIES and name not in made:
            import_module(SERIES[name]).write(con)
            made.append(name)
        if name in made or name not in tables:
            return  # words are there already; what nobody makes the database itself will miss, by name
        if name in under_way:
            raise WorldError(f"world tables need each other: {' -> '.join([*under_way, name])}. Take one of these readings out.")
        under_way.append(name)
        for other in sorted(tables[name].reads):
            make(other)
        if say:
            say(f"world.{name}")
        for path, statement in tables[name].statements:
            run(con, name, statement, path)
        slices.let_go(con)
        made.append(under_way.pop())

    for name in sorted(named(texts)):
        make(name)
    return made


def named(texts: Iterable[str]) -> set[str]:
    """The world tables that SQL texts name."""
    return {name.lower() for text in texts for name in _NAMED.findall(_COMMENT.sub("", text))}


def run(con: duckdb.DuckDBPyConnection, name: str, statement: str, path: Path) -> None:
    """Run a statement that makes a world table. Raises `WorldError` where it fails."""
    import duckdb

    made = _MADE.search(statement)
    try:
        if made:
            slices.write(con, f"world.{name}", statement[made.end() :])
        else:
            con.execute(statement)
    except duckdb.Error as error:
        raise WorldError(f"{path.name}: world.{name}: {str(error)[:1200]}") from None


def _tables(folder: Path) -> dict[str, _Table]:
    import duckdb

    tables: dict[str, _Table] = {}
    for path in sorted(folder.glob("*.sql")):
        if path.name == "macros.sql":
            continue
        try:
            statements = duckdb.extract_statements(path.read_text(encoding="utf-8"))
        except duckdb.Error as error:
            raise WorldError(f"{path}: {error}") from None
        for statement in statements:
            text = _COMMENT.sub("", statement.query)
            target = _TARGET.match(text)
            if target is None:
                raise WorldError(
                    f"{path.name}: a statement makes no world table: {text.strip()[:120]}. Begin it with CREATE TABLE world.<name>."
                )
            name = target[1].lower()
            table = tables.setdefault(name, _Table())
            table.statements.append((path, statement.query))
            table.reads |= named([text]) - {name}
    return tables


def _main() -> None:
    """Build the named world tables of a small province, for those who write them: how many rows each has, or what a query says."""
    import argparse
    import tempfile

    parser = argparse.ArgumentParser(description=_main.__doc__)
    parser.add_argument("tables", nargs="*", help="world.person ...; all by default")
    parser.add_argument("--people", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sql", action="append", default=[], help="a query whose rows are printed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "sample.duckdb") as con:
        prepare(con, asked.seed, asked.people, WORLD.parent.parent / "expectations" / "codes")
        wanted = [*asked.tables, *asked.sql] or [f"world.{name}" for name in _tables(WORLD)]
        for name in build(con, wanted):
            (rows,) = con.execute(f"SELECT count(*) FROM world.{name}").fetchone() or (0,)
            print(f"world.{name}: {rows} rows")
        for query in asked.sql:
            print(con.sql(query))


if __name__ == "__main__":
    _main()
