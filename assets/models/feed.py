"""What was written into base and thematic tables, and when: how a model above them learns which rows came or went.

Every build notes the state of the lake that it read (`evidence.builds`); the lake's change feed tells what was written since.
A table that was made anew has no feed, and a model that reads it is built in full.

Belongs here: those notes and the feed. Not here: which keys follow from it (`increment`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from assets import evidence
from assets.lake import literal

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract


@dataclass(frozen=True)
class Below:
    """What was written into a table since some state: `rows` written or taken away, `anew` where it was made from nothing.

    `feed` is SQL for these rows, the old ones and the new ones.
    """

    rows: int
    anew: bool
    feed: str = ""


def state(con: duckdb.DuckDBPyConnection) -> int:
    """The number of the lake's present state."""
    row = con.execute("SELECT id FROM lake.current_snapshot()").fetchone()
    assert row is not None
    return int(row[0])


@dataclass(frozen=True)
class Last:
    """The last build of a table: the state that it was built from, by which definition, and the day at which ages were counted."""

    snapshot: int
    definition: str | None
    as_of: date | None


def last(con: duckdb.DuckDBPyConnection, name: str) -> Last | None:
    """The last build of a table, or of something else that is made of one; None where there was none."""
    newest = "SELECT snapshot, definition, as_of FROM evidence.builds WHERE dataset = ? ORDER BY snapshot DESC, built_at DESC LIMIT 1"
    row = con.execute(newest, [name]).fetchone()
    return Last(*row) if row else None


def note(
    con: duckdb.DuckDBPyConnection,
    name: str,
    read: int,
    run_id: str,
    *,
    definition: str | None = None,
    rows: int = 0,
    anew: bool = False,
    as_of: date | None = None,
) -> None:
    """Write a build down; within its transaction. `read` is the state of the lake that it was built from."""
    row = {"dataset": name, "snapshot": read, "rows": rows, "anew": anew, "definition": definition, "as_of": as_of, "run_id": run_id}
    evidence.write(con, "builds", [row | {"built_at": datetime.now()}])


def written(con: duckdb.DuckDBPyConnection, contract: Contract, since: int) -> Below | None:
    """What was written into a table since a state; None where nothing was."""
    return _written(con, [contract.table], since).get(contract.table)


def below(con: duckdb.DuckDBPyConnection, contract: Contract, models: Collection[Contract]) -> dict[str, Below]:
    """What was written into the models that a model reads since it was built, by table.

    Where a state is gone (expired), or was never noted, a table counts as made anew as soon as anything was built.
    """
    if not models:
        return {}
    built = last(con, contract.table)
    if built is None:
        return {m.table: Below(0, anew=True) for m in models}
    return _written(con, [m.table for m in models], built.snapshot)


def _written(con: duckdb.DuckDBPyConnection, tables: Collection[str], since: int) -> dict[str, Below]:
    found = con.execute(
        "SELECT dataset, coalesce(sum(rows), 0)::BIGINT, coalesce(bool_or(anew), FALSE) FROM evidence.builds"
        f" WHERE dataset IN ({', '.join(map(literal, tables))}) AND snapshot >= ? AND (rows > 0 OR anew) GROUP BY dataset",
        [since],
    ).fetchall()
    if not found:
        return {}
    kept = con.execute("SELECT 1 FROM ducklake_snapshots('lake') WHERE snapshot_id = ?", [since + 1]).fetchone() is not None
    now = state(con)
    return {table: Below(rows, anew or not kept, _feed(table, since + 1, now)) for table, rows, anew in found}


def _feed(table: str, first: int, last: int) -> str:
    schema, name = map(literal, table.split("."))
    return f"ducklake_table_changes('lake', {schema}, {name}, {first}, {last})"
