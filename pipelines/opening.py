"""Open data: what may be opened of a table, as files for everybody.

A dataset is opened where its contract says so (`open`) and shares it unconditionally. Columns of level 1 come out as they are, but
for texts in which a resident id stands; others only hidden in the way that their contract says (`opened`), else not at
all. A generalised value that fewer than five records have is left out. Rows are sorted by what is published, so that their order
tells nothing.

Belongs here: choosing and writing. Not here: how values are hidden (`assets.masking`), the catalogue of what is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.catalogue import OPEN_LEVEL, opens, opens_column
from assets.lake import affected, is_there, literal, open_lake, quote
from assets.masking import HIDDEN, SMALLEST, hide_sql, keyed, masking_key
from expectations.compiler.rules.declared import PERSON
from pipelines.swapping import swapped

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Column, Contract
    from assets.project import Project


@dataclass(frozen=True)
class Opened:
    """One dataset as it was opened: `hidden` columns bear another value, `left_out` ones none.

    In `suppressed` rows a generalised value is left out, because too few share it.
    """

    dataset: str
    path: Path
    rows: int
    columns: tuple[str, ...]
    hidden: tuple[str, ...]
    left_out: tuple[str, ...]
    suppressed: int


def _published(contract: Contract) -> list[Column]:
    return [c for c in contract.columns if opens_column(c)]


def open_select(contract: Contract, table: str | None = None) -> str:
    """What is published of a dataset as SQL over its table, for a connection that is `keyed`."""
    hidden = {c.name: c.opened for c in contract.columns if c.classification > OPEN_LEVEL and c.opened}
    published, named = _published(contract), f"{contract.schema}.{contract.first_name}"
    made = [
        f"{hide_sql(quote(c.name), hidden[c.name] or 'full', scope=f'{named}.{c.name}', sql_type=c.sql_type)} AS {quote(c.name)}"
        if c.name in hidden
        else f"{_without_ids(c)} AS {quote(c.name)}"
        for c in published
    ]
    coarse = [quote(n) for n, kind in hidden.items() if kind == "generalise"]
    persons = [quote(n) for n, kind in hidden.items() if kind == "hash"]
    if not coarse:
        return f"SELECT {', '.join(made)} FROM {table or quote(contract.table)} ORDER BY ALL"
    over = f"OVER (PARTITION BY {', '.join(coarse)})"
    sizes = [f"count(*) {over}", *(f"count(DISTINCT {p}) {over}" for p in persons)]  # many rows of one person are one
    small = f"least({', '.join(sizes)})" if persons else sizes[0]
    names = [f"CASE WHEN _group >= {SMALLEST} THEN {q} END AS {q}" if (q := quote(c.name)) in coarse else q for c in published]
    return (
        f"WITH made AS (SELECT {', '.join(made)} FROM {table or quote(contract.table)}), grouped AS (SELECT *, {small} AS _group FROM made)"
        f" SELECT {', '.join(names)} FROM grouped ORDER BY ALL"
    )


def _without_ids(column: Column) -> str:
    """A column of level 1; a text in which somebody's resident id stands all the same is hidden whole."""
    name = quote(column.name)
    if column.sql_type != "VARCHAR" or column.codes:
        return name
    return f"CASE WHEN regexp_matches({name}, {literal(PERSON)}) THEN {literal(HIDDEN)} ELSE {name} END"


def write_open_data(project: Project, target: Path, datasets: Sequence[str] = ()) -> list[Opened]:
    """Write one CSV file a dataset into `target`. Raises `LookupError` for a dataset that may not be opened."""
    chosen = [c for c in project.contracts.values() if opens(c)]
    if refused := [d for d in datasets if d not in {c.name for c in chosen}]:
        raise LookupError(f"{refused[0]} is not opened. These are: {', '.join(c.name for c in chosen) or 'none'}.")
    key = masking_key(project)
    with open_lake(project, read_only=True) as con, keyed(con, key):
        there = [c for c in chosen if (not datasets or c.name in datasets) and is_there(con, c.table)]
        return [_write(con, contract, target) for contract in there]


def _write(con: duckdb.DuckDBPyConnection, contract: Contract, target: Path) -> Opened:
    path = target / f"{contract.name}.csv"
    select = open_select(contract)
    with swapped(path) as fresh:
        rows = affected(con, f"COPY ({select}) TO {literal(str(fresh))} (FORMAT csv, HEADER)")
    published = _published(contract)
    hidden = [c for c in published if c.classification > OPEN_LEVEL]
    coarse = [c.name for c in hidden if c.opened == "generalise"]
    emptied = 0
    if coarse:
        missing = " OR ".join(f"({quote(n)} IS NULL)" for n in coarse)
        empty, were = (affected(con, f"SELECT count(*) FROM {of} WHERE {missing}") for of in (f"({select})", quote(contract.table)))
        emptied = empty - were
    names = {c.name for c in published}
    left = tuple(c.name for c in contract.columns if c.name not in names)
    return Opened(contract.name, path, rows, tuple(c.name for c in published), tuple(c.name for c in hidden), left, emptied)
