"""What changed in a table between two runs: rows that came, went and changed, by column, with a few masked examples.

Belongs here: comparing two states of one table. Not here: which batch did it (`asking.by_batch`), past reports (`pipelines.reports`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.lake import columns_of, connect, literal, objects, open_lake, quote
from assets.masking import mask
from assets.renames import named_then
from expectations.documents import near

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project

EXAMPLES = 3


class StateError(LookupError):
    """No such run, snapshot or table."""


@dataclass(frozen=True)
class Difference:
    """`before` and `after`: rows then and now. Without a key nothing changes: a row that is another went, and one came.

    `columns`: by changed column the number of rows and examples (key, old value, new value), masked by classification.
    """

    table: str
    snapshots: tuple[int, int]
    before: int
    after: int
    came: int
    went: int
    changed: int
    columns: Mapping[str, tuple[int, tuple[tuple[str, str | None, str | None], ...]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        told["columns"] = {
            name: {"rows": rows, "examples": [dict(zip(("key", "old", "new"), e, strict=True)) for e in examples]}
            for name, (rows, examples) in self.columns.items()
        }
        return told


def snapshot_of(con: duckdb.DuckDBPyConnection, spoken: str) -> int:
    """The lake's last snapshot of a run (its id or the beginning of it), or the snapshot of that number.

    Raises `StateError` for none and for several.
    """
    if spoken.isdecimal() and len(spoken) < 8:
        found = [(int(spoken), spoken)]
        if con.execute("SELECT 1 FROM ducklake_snapshots('lake') WHERE snapshot_id = ?", [int(spoken)]).fetchone() is None:
            raise StateError(
                f'the lake has no snapshot {spoken}: it never was, or has expired. See `yuanqing sql "FROM lake.snapshots()"`.'
            )
    else:
        found = con.execute(
            """SELECT max(snapshot_id), json_extract_string(commit_extra_info, '$.run') AS run FROM ducklake_snapshots('lake')
            WHERE starts_with(json_extract_string(commit_extra_info, '$.run'), ?) GROUP BY run ORDER BY 1""",
            [spoken],
        ).fetchall()
    if len(found) != 1:
        runs = [r for (r,) in con.execute("SELECT run_id FROM evidence.runs ORDER BY started_at DESC LIMIT 200").fetchall()]
        if found:
            raise StateError(f"{spoken!r} is the beginning of {len(found)} runs: {', '.join(r for _, r in found[:5])}. Give more of it.")
        raise StateError(f"no run {spoken!r} has written into the lake. {near(spoken, runs)}")
    return int(found[0][0])


def differences(project: Project, name: str, earlier: str, later: str) -> Difference:
    """Compare a std, base or thematic table as two runs left it. Raises `StateError`; `FileNotFoundError` where there is no lake."""
    contract = project.contracts.get(name.replace("/", ".").rsplit(".", 1)[-1])
    if contract is None:
        raise StateError(f"no dataset is named {name!r}. {near(name, project.contracts)}")
    with open_lake(project, read_only=True) as con:
        snapshots = snapshot_of(con, earlier), snapshot_of(con, later)
    project.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=project.scratch) as folder:
        states = [_kept(project, contract, n, Path(folder) / f"{side}.parquet") for side, n in zip("ab", snapshots, strict=True)]
        con = connect()
        try:
            for side, path in zip(("a", "b"), states, strict=True):
                con.execute(f"CREATE VIEW {side} AS FROM read_parquet({literal(str(path))})")
            return _compared(con, contract, snapshots)
        finally:
            con.close()


def _kept(project: Project, contract: Contract, snapshot: int, path: Path) -> Path:
    """The table's declared columns at a snapshot, as a file; those that it did not have yet are NULL."""
    with open_lake(project, snapshot=snapshot) as con:
        then = named_then(con, contract)
        there = columns_of(con, then.table) if then else None
        if then is None or there is None:
            raise StateError(f"{contract.table} was not there at snapshot {snapshot}.")
        chosen = ", ".join(
            f"CAST({quote(c.name) if c.name in there else 'NULL'} AS {c.sql_type}) AS {quote(c.name)}" for c in contract.columns
        )
        con.execute(f"COPY (SELECT {chosen} FROM {quote(then.table)}) TO {literal(str(path))} (FORMAT parquet)")
    return path


def _compared(con: duckdb.DuckDBPyConnection, contract: Contract, snapshots: tuple[int, int]) -> Difference:
    before, after = ((con.execute(f"SELECT count(*) FROM {side}").fetchone() or (0,))[0] for side in ("a", "b"))
    if not contract.key:
        went, came = (
            (con.execute(f"SELECT count(*) FROM (FROM {x} EXCEPT ALL FROM {y})").fetchone() or (0,))[0] for x, y in (("a", "b"), ("b", "a"))
        )
        return Difference(contract.table, snapshots, before, after, came, went, 0)
    key = ", ".join(map(quote, contract.key))
    others = [c for c in contract.columns if c.name not in contract.key]
    pairs = [f"a.{quote(c.name)} AS {quote(f'a_{c.name}')}, b.{quote(c.name)} AS {quote(f'b_{c.name}')}" for c in others]
    con.execute(f"CREATE TEMP TABLE both_of AS SELECT {', '.join([key, *pairs])} FROM a JOIN b USING ({key})")
    differ = {c.name: f"{quote(f'a_{c.name}')} IS DISTINCT FROM {quote(f'b_{c.name}')}" for c in others}
    some = " OR ".join(differ.values()) or "false"
    each = "".join(f", count(*) FILTER ({test})" for test in differ.values())
    found = con.execute(f"SELECT count(*), count(*) FILTER ({some}){each} FROM both_of").fetchone() or ()
    columns = {
        c.name: (rows, tuple(_examples(con, contract, c.name, differ[c.name]))) for c, rows in zip(others, found[2:], strict=True) if rows
    }
    return Difference(contract.table, snapshots, before, after, after - found[0], before - found[0], found[1], columns)


def _examples(con: duckdb.DuckDBPyConnection, contract: Contract, column: str, test: str) -> list[tuple[str, str | None, str | None]]:
    level = contract.column(column).classification
    order = ", ".join(map(quote, contract.key))
    rows = objects(con, f"SELECT * FROM both_of WHERE {test} ORDER BY {order} LIMIT {EXAMPLES}")

    def shown(value: object, level: int) -> str | None:
        return mask(None if value is None else str(value), level)

    return [
        (
            " / ".join(str(shown(r[k], contract.column(k).classification)) for k in contract.key),
            shown(r[f"a_{column}"], level),
            shown(r[f"b_{column}"], level),
        )
        for r in rows
    ]
