"""A dataset that bears a new name: what stands in the lake under a name that its contract says it had before is moved to the new one.

`formerly: [old_name]` among a contract's custom properties. Moved are its tables, with every row, batch and what evidence says of them,
in one transaction, and the folders of its collected and refused files. Ids of batches keep the name that they were given; the journal,
which nothing changes, and pages that were published keep it too.

Belongs here: the move, and names that no contract knows any more. Not here: a column's former names (`aliases`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from assets.evidence import TABLES
from assets.lake import affected, is_there, literal, quote, transaction
from expectations.documents import near

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project

SOURCES = ("raw", "std_batches", "quarantine")
MODELS = ("history", "flagged")
MATCHED = ("unkeyed", "matches")
"""Beside a base table that declares `matching`."""


class RenameError(Exception):
    """Rows stand under the old name and under the new one, so neither can take the other's place."""


def former(contracts: Mapping[str, Contract]) -> dict[str, str]:
    """By former name the dataset's name now. Raises `DocumentError` for one that is a dataset's name now, or was that of two."""
    found: dict[str, str] = {}
    for contract in contracts.values():
        for old in contract.former_names:
            if old in contracts or found.setdefault(old, contract.name) != contract.name:
                position = next(i for i, p in enumerate(contract.document.data["customProperties"]) if p["property"] == "formerly")
                raise contract.document.error(
                    ("customProperties", position),
                    f"`formerly` names {old!r}, which is a name of {found.get(old, old)}.",
                    "Name what only this one was.",
                )
    return found


def named_then(con: duckdb.DuckDBPyConnection, contract: Contract) -> Contract | None:
    """The contract by the name that its table has in the lake as it is looked at, which may be a past state; None where there is none."""
    if is_there(con, contract.table):
        return contract
    before = (replace(contract, name=old) for old in reversed(contract.former_names))
    return next((c for c in before if is_there(con, c.table)), None)


def refuse_older(con: duckdb.DuckDBPyConnection, contracts: Iterable[Contract], snapshot: int | None) -> None:
    """Raise `LookupError` where a dataset bears an older name in the lake as it is looked at: by today's nothing of it would be found."""
    then = [(c, named_then(con, c)) for c in contracts if snapshot is not None and c.former_names]
    if older := [f"{old.name} ({c.name})" for c, old in then if old and old.name != c.name]:
        raise LookupError(
            f"快照 {snapshot} 中还是旧名：{', '.join(older)}。用 `yuanqing rebuild` 按当时的声明重做当时的报告。 "
            "These bear their older names there: the report of that time is made by the declarations of that time, `yuanqing rebuild`."
        )


def is_due(con: duckdb.DuckDBPyConnection, project: Project) -> bool:
    """Whether something stands under a former name; the lake is asked only where a contract had one."""
    had = set(project.contracts.former)
    if not had:
        return False
    return any((project.collected / old).is_dir() for old in had) or not had.isdisjoint(t.split(".")[1] for t in _tables(con))


def carry_on(con: duckdb.DuckDBPyConnection, project: Project, run_id: str = "rename") -> list[str]:
    """Move whatever stands under a former name; gives `old → new` for each dataset moved. Raises `RenameError`, then nothing is moved.

    What is done already is not done again, so it may be asked at every run.
    """
    there = _tables(con)
    moved = []
    for contract in project.contracts.values():
        for old in contract.former_names:
            pairs = [(before, after) for before, after in _pairs(contract, old) if before in there]
            if pairs:
                _move(con, project, contract, old, pairs, there, run_id)
                there = _tables(con)
                moved.append(f"{old} → {contract.name}")
            for folder in (project.collected, project.landing / "refused"):
                if (folder / old).is_dir() and not (folder / contract.name).exists():
                    (folder / old).rename(folder / contract.name)
    return moved


def orphans(con: duckdb.DuckDBPyConnection, project: Project) -> list[str]:
    """Datasets with rows in the lake that no contract knows, each in a line with the nearest name."""
    known = {*project.contracts, *project.contracts.former}
    stray = sorted({t.split(".")[1] for t in _tables(con) if t.startswith("raw.")} - known)
    counted = {name: affected(con, f"SELECT count(*) FROM raw.{quote(name)}") for name in stray}
    return [
        f"{name}: {rows:,} rows stand in the lake, and no contract has this name. {near(name, project.contracts)}"
        for name, rows in counted.items()
        if rows
    ]


def _pairs(contract: Contract, old: str) -> list[tuple[str, str]]:
    """Every table that bears the dataset's name: as it was called, and as it is called now."""
    new = contract.name
    if contract.layer == "sources":
        return [(f"{schema}.{old}", f"{schema}.{new}") for schema in SOURCES]
    beside = [(f"{contract.schema}.{old}__{what}", f"{contract.schema}.{new}__{what}") for what in MATCHED]
    return [(f"{schema}.{old}", f"{schema}.{new}") for schema in (contract.schema, *MODELS)] + beside


def _tables(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Tables of the lake by `schema.name`; views are none."""
    rows = con.execute(
        "SELECT DISTINCT c.schema_name || '.' || c.table_name FROM duckdb_columns() AS c WHERE c.database_name = 'lake' AND"
        " (c.schema_name, c.table_name) NOT IN (SELECT (schema_name, view_name) FROM duckdb_views() WHERE database_name = 'lake')"
    ).fetchall()
    return {name for (name,) in rows}


def _move(
    con: duckdb.DuckDBPyConnection,
    project: Project,
    contract: Contract,
    old: str,
    pairs: list[tuple[str, str]],
    there: set[str],
    run_id: str,
) -> None:
    for before, after in pairs:
        if after in there and (rows := affected(con, f"SELECT count(*) FROM {quote(after)}")):
            raise RenameError(
                f"{contract.path}: `formerly` names {old}, whose rows stand in {before}, but {after} holds {rows:,} rows of its own."
                f" Take `formerly` away, and hand the rows of {old} over again under the new name."
            )
    with transaction(con, run_id, f"rename {old} → {contract.name}"):
        views = con.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'lake'").fetchall()
        for schema, view in views:  # made anew under the new name
            if schema == contract.schema and (view == old or view.startswith(f"{old}__")):
                con.execute(f"DROP VIEW {quote(f'{schema}.{view}')}")
        con.execute(f"DROP MACRO TABLE IF EXISTS {quote(f'history.{old}_as_of')}")
        for before, after in pairs:
            if after in there:
                con.execute(f"DROP TABLE {quote(after)}")
            con.execute(f"ALTER TABLE {quote(before)} RENAME TO {quote(after.split('.')[1])}")
        spoken = [(old, contract.name), (f"{contract.schema}.{old}", contract.table), *_pairs(contract, old)]
        for table, columns in TABLES.items():
            named = [n for n, _, _ in columns if n == "dataset" or (n == "batch" and contract.layer != "sources")]
            for name, (was, now) in ((name, pair) for name in named for pair in dict.fromkeys(spoken)):
                con.execute(f"UPDATE evidence.{quote(table)} SET {name} = {literal(now)} WHERE {name} = {literal(was)}")
        if contract.layer != "sources":
            from assets.models.building import ensure_beside

            ensure_beside(con, project, contract)
