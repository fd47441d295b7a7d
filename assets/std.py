"""The tables of a source dataset in the lake, and the view of what stands now.

Belongs here: making `raw`, `std_batches` and `quarantine` from the contract, and the view `std`, which is a function of the
set of batches alone. Not here: filling them (`assets.collect`, `assets.standardise`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from assets.deliveries import PERIODS
from assets.lake import columns_of, literal, quote

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract

POSITION = {"_batch": "VARCHAR", "_row": "BIGINT"}
FAILED = {"_failed": "VARCHAR[]"}


class StoredTypeError(Exception):
    """A column is stored with another type than its contract declares now."""


def ensure_std(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Make the tables and the view of a source dataset, or bring them up to its contract.

    A column that the contract gained is added; one that it lost stays in the tables and leaves the view. Where all is as
    declared, nothing is done and no snapshot made. Raises `StoredTypeError` for a column whose type changed.
    """
    for table, columns in _tables(contract).items():
        _ensure(con, table, columns)
    ensure_view(con, f"std.{contract.name}", contract.title, current_rows(contract))


def ensure_all(con: duckdb.DuckDBPyConnection, contracts: Iterable[Contract]) -> None:
    """`ensure_std` of several datasets; where all is as declared, the catalogue is asked twice in all, not four times a dataset."""
    there: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE database_name = 'lake' AND schema_name IN ('raw', 'quarantine', 'std_batches')"
    ).fetchall():
        there.setdefault(table, {})[column] = kind.replace(" ", "")
    views = dict(
        con.execute("SELECT view_name, comment FROM duckdb_views() WHERE database_name = 'lake' AND schema_name = 'std'").fetchall()
    )
    for contract in contracts:
        as_declared = all(
            {name: kind.replace(" ", "") for name, kind in columns.items()}.items() <= there.get(table, {}).items()
            for table, columns in _tables(contract).items()
        )
        if not as_declared or views.get(contract.name) != _comment(contract.title, current_rows(contract)):
            ensure_std(con, contract)


def _tables(contract: Contract) -> dict[str, dict[str, str]]:
    """The tables of a source dataset, with the names and types of their columns."""
    return {
        f"raw.{contract.name}": raw_columns(contract),
        f"quarantine.{contract.name}": _text(contract) | POSITION | FAILED,
        f"std_batches.{contract.name}": {c.name: c.sql_type for c in contract.columns} | POSITION | FAILED,
    }


def ensure_raw(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Make the raw table of a source dataset, or add the columns that its contract has gained."""
    _ensure(con, f"raw.{contract.name}", raw_columns(contract))


def raw_columns(contract: Contract) -> dict[str, str]:
    """Names and types of the columns of `raw.<dataset>`, in their order."""
    return _text(contract) | {"_extra": "VARCHAR"} | POSITION


def raw_rows(contract: Contract, batches: Collection[str]) -> str:
    """SQL in brackets for the raw rows of some batches."""
    listed = ", ".join(map(literal, batches)) or "NULL"
    # The range lets the lake skip the files of other batches; it does not see through the list.
    ends = f"_batch BETWEEN {literal(min(batches))} AND {literal(max(batches))}" if batches else "FALSE"
    return f"(SELECT * FROM raw.{quote(contract.name)} WHERE {ends} AND _batch IN ({listed}))"


def columns_judged(contract: Contract) -> list[str]:
    """SQL items that give a typed table as a suite sees it: its columns, and the text of those that are no text."""
    typed = [c for c in contract.columns if c.logical_type != "string"]
    return [quote(c.name) for c in contract.columns] + [f"CAST({quote(c.name)} AS VARCHAR) AS {quote(c.name + '__text')}" for c in typed]


def _text(contract: Contract) -> dict[str, str]:
    return {c.name: "VARCHAR" for c in contract.columns}


def ensure_view(con: duckdb.DuckDBPyConnection, name: str, title: str, select: str) -> bool:
    """Make or replace a view unless it stands with this very definition (its comment bears the digest). True if made."""
    schema, view = name.split(".")
    comment = _comment(title, select)
    stands = con.execute(
        "SELECT 1 FROM duckdb_views() WHERE database_name = 'lake' AND schema_name = ? AND view_name = ? AND comment = ?",
        [schema, view, comment],
    ).fetchone()
    if stands:
        return False
    con.execute(f"CREATE OR REPLACE VIEW {quote(name)} AS {select}")
    con.execute(f"COMMENT ON VIEW {quote(name)} IS {literal(comment)}")
    return True


def _comment(title: str, select: str) -> str:
    return f"{title} [{digest(select)}]"


def digest(text: str) -> str:
    """A short name for a definition, by which a changed one is noticed."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def columns_shown(contract: Contract) -> list[str]:
    return [c.name for c in contract.columns] + [*POSITION, *FAILED]


def current_batches(contract: Contract) -> str:
    """SQL that gives the batches (`batch`) whose rows count now.

    Full deliveries: the newest standardised batch of each unit, by period, then by receipt. Deltas: all of them.
    """
    standing = f"FROM evidence.batches WHERE dataset = {literal(contract.name)} AND status = 'standardised'"
    if is_delta(contract):
        return f"SELECT batch {standing}"
    return f"SELECT batch {standing} QUALIFY {_newest('unit')}"


def batches_of(contracts: Collection[Contract], table: str) -> str:
    """SQL that gives every batch of some datasets (`dataset`, `batch`) and what it is to a table that is made of them.

    `now`: its rows count now (as `current_batches` has it); `built`: the table is made of it; `stood`: its rows would count, were
    there no batches but those that the table is made of; `broken`: rows of it may be in quarantine. One statement for all of them:
    each costs the lake about the same, however little it asks.
    """
    names = ", ".join(literal(c.name) for c in contracts) or "NULL"
    deltas = ", ".join(literal(c.name) for c in contracts if is_delta(c)) or "NULL"
    counts = f"status = 'standardised' AND (coalesce(dataset IN ({deltas}), FALSE) OR {{}})"
    return (
        f"SELECT dataset, batch, built, {counts.format(_newest('dataset', 'status', 'unit'))} AS now,"
        f" built AND {counts.format(_newest('dataset', 'status', 'built', 'unit'))} AS stood, coalesce(rows_quarantine, 1) > 0 AS broken"
        f" FROM (SELECT *, batch IN (SELECT batch FROM evidence.lineage WHERE dataset = {literal(table)}) AS built"
        f" FROM evidence.batches WHERE dataset IN ({names}))"
    )


def _newest(*of: str) -> str:
    """SQL that is true of the newest batch, by period, then by receipt, of each of these; the unit may be missing."""
    each = ", ".join("coalesce(unit, '')" if column == "unit" else column for column in of)
    return f"row_number() OVER (PARTITION BY {each} ORDER BY period DESC, received_at DESC, batch DESC) = 1"


def current_rows(contract: Contract, source: str | None = None, batches: Collection[str] | None = None) -> str:
    """SQL that gives the rows of a source dataset that stand now: the declared columns, `_batch`, `_row`, `_failed`.

    `source` stands in for the table of all batches: SQL for some of its rows, with all rows of each key that it holds.
    `batches`, where they are known already, lets files of older batches be skipped.
    Deltas: the newest row of each key, by the event column, then by receipt of the batch, then by position; rows whose event
    is missing come last. A key whose newest row is a delete has none. A delta without a key keeps every row.
    """
    source = source or f"std_batches.{quote(contract.name)}"
    columns = columns_shown(contract)
    if not is_delta(contract) or not contract.key:
        chosen = current_batches(contract) if batches is None else ", ".join(map(literal, sorted(batches))) or "NULL"
        return f"SELECT {', '.join(map(quote, columns))} FROM {source} WHERE _batch IN ({chosen})"
    rows = ", ".join(f"s.{quote(c)}" for c in columns)
    deletes = is_delete(contract, "s.")
    return f"SELECT {rows} FROM {_placed(contract, source, '= 1')}" + (f" AND NOT {deletes}" if deletes else "")


@contextmanager
def settled(con: duckdb.DuckDBPyConnection, contracts: Iterable[Contract]) -> Iterator[dict[str, str]]:
    """By table (`std.<name>`) what `current_rows` gives of deltas with a key, for those who read them many times: which rows are
    displaced is looked up once, and kept in `temp.displaced_<n>` meanwhile."""
    rows = {}
    for n, contract in enumerate(contracts):
        table, deletes = f"std_batches.{quote(contract.name)}", is_delete(contract, "s.")
        con.execute(f"CREATE OR REPLACE TEMP TABLE displaced_{n} AS SELECT s._batch, s._row FROM {_placed(contract, table, '> 1')}")
        rows[contract.table] = (
            f"SELECT {', '.join(f's.{quote(c)}' for c in columns_shown(contract))}"
            f" FROM {table} s ANTI JOIN temp.displaced_{n} USING (_batch, _row) WHERE s._batch IN ({current_batches(contract)})"
            + (f" AND NOT {deletes}" if deletes else "")
        )
    yield rows
    for n in range(len(rows)):  # on an error they go with the transaction
        con.execute(f"DROP TABLE temp.displaced_{n}")


def _placed(contract: Contract, source: str, which: str) -> str:
    """SQL of those rows of a delta (`s`) whose number among those of their key, the newest first, is `which` (`= 1`)."""
    key = ", ".join(f"s.{quote(c)}" for c in contract.key)
    event = contract.delivery.event if contract.delivery else None
    order = ([f"s.{quote(event)} DESC NULLS LAST"] if event else []) + ["b.received_at DESC", "b.batch DESC", "s._row DESC"]
    return (
        f"{source} s JOIN evidence.batches b ON b.batch = s._batch AND b.dataset = {literal(contract.name)}"
        f" AND b.status = 'standardised' QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {', '.join(order)}) {which}"
    )


def is_delete(contract: Contract, prefix: str = "") -> str | None:
    """SQL that is true of a row which takes its key away (an operation flag says so), never NULL; None where no row does."""
    operation = contract.delivery.operation if contract.delivery else None
    if operation is None:
        return None
    return f"coalesce({prefix}{quote(operation.column)} IN ({', '.join(map(literal, operation.delete))}), FALSE)"


_FORMS = {len(datetime(2000, 1, 1).strftime(form)): form for form in PERIODS.values()}


def period_start(period: str) -> str:
    """SQL for the first moment of a period, as hand-overs name it (SQL for 202610, 20261024, 2026102408); NULL for other text."""
    cases = " ".join(f"WHEN {n} THEN try_strptime({period}, {literal(form)})" for n, form in _FORMS.items())
    return f"CASE length({period}) {cases} END"


def period_end(period: str) -> str:
    """SQL for the last day of a period."""
    return f"CASE length({period}) WHEN 6 THEN last_day({period_start(period)}) ELSE CAST({period_start(period)} AS DATE) END"


def is_delta(contract: Contract) -> bool:
    """Whether a hand-over holds what changed, and not everything."""
    return contract.delivery is not None and contract.delivery.mode == "delta"


def _ensure(con: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str]) -> None:
    there = columns_of(con, table)
    if there is None:
        declared = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
        con.execute(f"CREATE TABLE {quote(table)} ({declared})")
        return
    for name, kind in columns.items():
        if name not in there:
            con.execute(f"ALTER TABLE {quote(table)} ADD COLUMN {quote(name)} {kind}")
        elif there[name].replace(" ", "") != kind.replace(" ", ""):
            raise StoredTypeError(
                f"{table}.{name} is stored as {there[name]}, and the contract now says {kind}."
                " Give the column a new name, or collect the dataset afresh into an empty lake."
            )
