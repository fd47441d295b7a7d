"""The rows of a dataset that a profile looks at: standardised as a suite sees them, those in quarantine included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.lake import columns_of, is_there, literal, open_lake, quote
from assets.std import columns_judged, current_batches, raw_rows
from expectations.compiler.plan import Field
from expectations.documents import near
from expectations.profiling.figures import Table

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Column, Contract
    from assets.project import Project

ROWS = 1_000_000


@dataclass(frozen=True)
class Found:
    """The rows looked at: `table` to profile, `batches` in it, `rows` of them, `of` how many there are in all."""

    contract: Contract
    table: Table
    batches: tuple[str, ...]
    rows: int
    of: int

    @property
    def whole(self) -> bool:
        return self.rows == self.of


def contract_of(project: Project, name: str) -> Contract:
    """The contract of a dataset, named with or without its layer. Raises `LookupError` with a near name."""
    contract = project.contracts.get(name.rpartition(".")[2])
    if contract is None:
        raise LookupError(f"没有名为 {name!r} 的数据集。 No dataset is named {name!r}. {near(name, project.contracts)}")
    return contract


@contextmanager
def open_rows(project: Project, name: str, *, most: int = ROWS) -> Iterator[tuple[duckdb.DuckDBPyConnection, Found]]:
    """The dataset's rows as the temporary table `profiled`, on a connection to the lake that is read only.

    A source dataset: the raw rows of the batches that stand (of those collected where none was checked yet), standardised; the
    newest batches up to `most` rows, at least one. A base or thematic table: its rows. Raises `LookupError` for an unknown dataset
    and for one without a row.
    """
    contract = contract_of(project, name)
    with open_lake(project, read_only=True) as con:
        found = _source(con, project, contract, most) if contract.layer == "sources" else _model(con, contract, most)
        if not found.rows:
            where = f"{contract.name}: 还没有数据。 There is no row of it yet."
            raise LookupError(f"{where} Put a hand-over into {project.landing / contract.name} and run `yuanqing run`.")
        yield con, found


def _source(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, most: int) -> Found:
    from assets.judging import Judge

    table = table_of(contract)
    if not is_there(con, f"raw.{contract.name}"):
        return Found(contract, table, (), 0, 0)
    standing = [b for (b,) in con.execute(current_batches(contract)).fetchall()]
    known = con.execute(
        "SELECT batch, rows_raw FROM evidence.batches WHERE dataset = ? AND status IN ('collected', 'standardised') AND rows_raw > 0"
        " ORDER BY period DESC, received_at DESC, batch DESC",
        [contract.name],
    ).fetchall()
    offered = [(b, n) for b, n in known if not standing or b in standing]
    chosen: list[str] = []
    rows = 0
    for batch, n in offered:
        if chosen and rows + n > most:
            break
        chosen.append(batch)
        rows += n
    if chosen:
        staged = Judge(project, contract).staged(raw_rows(contract, chosen))
        con.execute(f"CREATE OR REPLACE TEMP TABLE profiled AS {staged}")
    return Found(contract, table, tuple(sorted(chosen)), rows, sum(n for _, n in offered))


def _model(con: duckdb.DuckDBPyConnection, contract: Contract, most: int) -> Found:
    there = columns_of(con, contract.table)
    table = table_of(contract)
    if there is None:
        return Found(contract, table, (), 0, 0)
    seen = columns_judged(contract)
    order = ", ".join(map(quote, contract.key or [c.name for c in contract.columns]))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE profiled AS SELECT {', '.join(seen)}, {literal(contract.table)} AS _batch,"
        f" row_number() OVER (ORDER BY {order}) AS _row FROM {quote(contract.table)} ORDER BY {order} LIMIT {most}"
    )
    (rows,) = con.execute("SELECT count(*) FROM temp.main.profiled").fetchone() or (0,)
    (of,) = con.execute(f"SELECT count(*) FROM {quote(contract.table)}").fetchone() or (0,)
    return Found(contract, table, (contract.table,), rows, of)


def table_of(contract: Contract) -> Table:
    """A dataset as the profile knows it."""
    return Table(
        contract.name,
        "temp.main.profiled",
        tuple(Field(c.name, c.logical_type, c.sql_type, _text(c)) for c in contract.columns),
        {c.name: (c.title, c.title_en) for c in contract.columns},
        {c.name: c.classification for c in contract.columns},
        {c.name: c.codes for c in contract.columns if c.codes},
    )


def _text(column: Column) -> str | None:
    return None if column.logical_type == "string" else f"{column.name}__text"
