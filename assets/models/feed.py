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


def note(
    con: duckdb.DuckDBPyConnection, contract: Contract, read: int, run_id: str, *, rows: int, anew: bool, as_of: date | None = None
) -> None:
    """Write a build down; within its transaction. `read` is the state of the lake that it was built from."""
    row = {"dataset": contract.table, "snapshot": read, "rows": rows, "anew": anew, "as_of": as_of, "run_id": run_id}
    evidence.write(con, "builds", [row | {"built_at": datetime.now()}])


def note_as(con: duckdb.DuckDBPyConnection, name: str, read: int, run_id: str) -> None:
    """Write down from which state something else than a table was made of a table, by a name of its own."""
    evidence.write(con, "builds", [{"dataset": name, "snapshot": read, "rows": 0, "run_id": run_id, "built_at": datetime.now()}])


def since_of(con: duckdb.DuckDBPyConnection, name: str) -> int | None:
    """The state that something was made from when it was made last."""
    row = con.execute("SELECT max(snapshot) FROM evidence.builds WHERE dataset = ?", [name]).fetchone()
    return row[0] if row else None


def written(con: duckdb.DuckDBPyConnection, contract: Contract, since: int) -> Below | None:
    """What was written into a table since a state; None where nothing was."""
    return _written(con, [contract.table], since).get(contract.table)


def built_as_of(con: duckdb.DuckDBPyConnection, contract: Contract) -> date | None:
    """The day at which ages were counted when a model was built last."""
    row = con.execute(
        "SELECT as_of FROM evidence.builds WHERE dataset = ? ORDER BY snapshot DESC, built_at DESC LIMIT 1", [contract.table]
    ).fetchone()
    return row[0] if row else None


def below(con: duckdb.DuckDBPyConnection, contract: Contract, models: Collection[Contract]) -> tuple[int | None, dict[str, Below]]:
    """The state that a model was built from, and what was written since into the models that it reads, by table.

    Where a state is gone (expired), or was never noted, a table counts as made anew as soon as anything was built.
    """
    if not models:
        return None, {}
    since = since_of(con, contract.table)
    if since is None:
        return None, {m.table: Below(0, anew=True) for m in models}
    return since, _written(con, [m.table for m in models], since)


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
