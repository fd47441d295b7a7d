"""A dataset that bears a new name: what stands in the lake under a name that its contract says it had before is moved to the new one.

`formerly: [old_name]` among a contract's custom properties. Moved are its tables, with every row, batch and what evidence says of them,
in one transaction, and the folders of its collected and refused files. Ids of batches keep the name that they were given; the journal,
which nothing changes, and pages that were published keep it too.

Belongs here: the move, and names that no contract knows any more. Not here: a column's former names (`aliases`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from assets.evidence import TABLES
from assets.lake import affected, literal, quote, transaction
from expectations.documents import near

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project

SOURCES = ("raw", "std_batches", "quarantine")
MODELS = ("history", "flagged")


class RenameError(Exception):
    """Rows stand under the old name and under the new one, so neither can take the other's place."""


def former_names(contract: Contract) -> tuple[str, ...]:
    return tuple(map(str, contract.custom.get("formerly") or ()))


def check_names(contracts: Iterable[Contract]) -> None:
    """Raise `DocumentError` for a former name that is a dataset's name now, or was that of two."""
    now = {c.name: c.name for c in contracts}
    had = dict(now)
    for contract in contracts:
        for old in former_names(contract):
            if had.setdefault(old, contract.name) != contract.name or old in now:
                position = next(i for i, p in enumerate(contract.document.data["customProperties"]) if p["property"] == "formerly")
                raise contract.document.error(
                    ("customProperties", position),
                    f"`formerly` names {old!r}, which is a name of {had[old]}.",
                    "Name what only this one was.",
                )


def is_due(con: duckdb.DuckDBPyConnection, project: Project) -> bool:
    """Whether something stands under a former name; the lake is asked only where a contract had one."""
    had = {old for c in project.contracts.values() for old in former_names(c)}
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
        for old in former_names(contract):
            pairs = [(f"{s}.{old}", f"{s}.{contract.name}") for s in _schemas(contract) if f"{s}.{old}" in there]
            if pairs:
                _move(con, contract, old, pairs, there, run_id)
                moved.append(f"{old} → {contract.name}")
            for folder in (project.collected, project.landing / "refused"):
                if (folder / old).is_dir() and not (folder / contract.name).exists():
                    (folder / old).rename(folder / contract.name)
    return moved


def orphans(con: duckdb.DuckDBPyConnection, project: Project) -> list[str]:
    """Datasets with rows in the lake that no contract knows, each in a line with the nearest name and what to do."""
    known = {*project.contracts, *(old for c in project.contracts.values() for old in former_names(c))}
    stray = sorted({t.split(".")[1] for t in _tables(con) if t.startswith("raw.")} - known)
    counted = {name: affected(con, f"SELECT count(*) FROM raw.{quote(name)}") for name in stray}
    return [
        f"{name}: {rows:,} rows stand in the lake, and no contract has this name. {near(name, project.contracts)}"
        f" If it was renamed, write `formerly: [{name}]` in the contract of the new name; if it is given up, keep its contract."
        for name, rows in counted.items()
        if rows
    ]


def _schemas(contract: Contract) -> tuple[str, ...]:
    return SOURCES if contract.layer == "sources" else (contract.schema, *MODELS)


def _tables(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Tables of the lake by `schema.name`; views are none."""
    rows = con.execute(
        "SELECT DISTINCT c.schema_name || '.' || c.table_name FROM duckdb_columns() AS c WHERE c.database_name = 'lake' AND"
        " (c.schema_name, c.table_name) NOT IN (SELECT (schema_name, view_name) FROM duckdb_views() WHERE database_name = 'lake')"
    ).fetchall()
    return {name for (name,) in rows}


def _move(con: duckdb.DuckDBPyConnection, contract: Contract, old: str, pairs: list[tuple[str, str]], there: set[str], run_id: str) -> None:
    for before, after in pairs:
        if after in there and (rows := affected(con, f"SELECT count(*) FROM {quote(after)}")):
            raise RenameError(
                f"{contract.path}: `formerly` names {old}, whose rows stand in {before}, but {after} holds {rows:,} rows of its own."
                f" Take `formerly` away, and hand the rows of {old} over again under the new name."
            )
    with transaction(con, run_id, f"rename {old} → {contract.name}"):
        views = con.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'lake'").fetchall()
        for schema, view in views:  # made anew under the new name, when it is standardised or built
            if schema == contract.schema and (view == old or view.startswith(f"{old}__")):
                con.execute(f"DROP VIEW {quote(f'{schema}.{view}')}")
        for before, after in pairs:
            if after in there:
                con.execute(f"DROP TABLE {quote(after)}")
            con.execute(f"ALTER TABLE {quote(before)} RENAME TO {quote(contract.name)}")
        for table, columns in TABLES.items():
            if any(name == "dataset" for name, _, _ in columns):
                for spoken, now in ((old, contract.name), (f"{contract.schema}.{old}", contract.table)):
                    con.execute(f"UPDATE evidence.{quote(table)} SET dataset = {literal(now)} WHERE dataset = {literal(spoken)}")
