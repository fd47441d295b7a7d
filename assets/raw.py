"""Writing extracts into `raw`: the table, the columns, and the one transaction of a group of hand-overs.

Belongs here: SQL that puts rows, rejects and the evidence of a batch into the lake together. Not here: which hand-overs
these are (`assets.collect`), reading them (`assets.readers`).
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.batches import write_batches, write_rejects
from assets.contracts import Contract
from assets.headers import HeaderMap
from assets.lake import literal, quote, transaction
from assets.readers import Extract, Handover
from assets.std import ensure_raw, raw_columns

if TYPE_CHECKING:
    import duckdb

SMALL = 4 << 20  # bytes; smaller hand-overs are gathered in memory first: every INSERT makes a Parquet file of its own


@dataclass
class Ready:
    """A hand-over that will be a batch: what was read, what its header means, and its row of evidence."""

    handover: Handover
    extract: Extract
    mapping: HeaderMap
    row: dict[str, Any]
    written: bool = False


class MiscountError(Exception):
    """Another number of rows came out of an extract than went in."""

    def __init__(self, ready: Ready, found: int) -> None:
        super().__init__(f"{found} rows came out of {ready.extract.rows}")
        self.ready = ready


def raw_select(contract: Contract, extract: Extract, mapping: HeaderMap, batch: str) -> str:
    """SQL that gives the rows of an extract in the columns of `raw`: the contract's, `_extra`, `_batch`, `_row`."""
    columns = [
        f"{f'c{mapping.columns[c.name]}' if c.name in mapping.columns else 'NULL::VARCHAR'} AS {quote(c.name)}" for c in contract.columns
    ]
    pairs = ", ".join(f"{literal(name)}, c{position}" for name, position in mapping.extra.items())
    extra = f"CAST(json_object({pairs}) AS VARCHAR)" if pairs else "NULL::VARCHAR"
    return f"SELECT {', '.join(columns)}, {extra} AS _extra, {literal(batch)} AS _batch, _row FROM ({extract.relation})"


class RawWriter:
    """One transaction into `raw` and the evidence; large hand-overs go in as they come, so that the next is read meanwhile.

    After `rollback` every hand-over counts as not written; `commit` then writes what is left from the beginning.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, contract: Contract, run_id: str) -> None:
        self.con, self.contract, self.run_id = con, contract, run_id
        self._open: ExitStack | None = None
        self._begun: list[Ready] = []

    def early(self, item: Ready) -> None:
        """Write a large hand-over now. A failure is left to `commit`, which meets it again and can say so."""
        import duckdb

        if item.extract.bytes < SMALL:
            return
        try:
            self._begin()
            self._insert(item, self._into(f"raw.{self.contract.name}"))
        except (MiscountError, duckdb.Error, OSError) as error:
            self.rollback(error)

    def commit(self, ready: list[Ready], rows: list[dict[str, Any]]) -> None:
        """Write what is not yet written, the batches' rows and the further `rows`, and commit.

        Raises `MiscountError`, `duckdb.Error` or `OSError`; nothing has been written then.
        """
        if not ready and not rows:
            return
        raw = f"raw.{self.contract.name}"
        try:
            self._begin(table=bool(ready))
            small = [item for item in ready if not item.written and item.extract.bytes < SMALL]
            target = raw
            if len(small) > 1:
                target = "temp.main._collecting"
                self.con.execute(f"CREATE OR REPLACE TEMP TABLE _collecting AS SELECT * FROM {quote(raw)} LIMIT 0")
            for item in ready:
                if not item.written:
                    self._insert(item, self._into(target if item in small else raw))
            if len(small) > 1:
                names = ", ".join(map(quote, raw_columns(self.contract)))
                self.con.execute(f"{self._into(raw)} SELECT {names} FROM temp.main._collecting")
                self.con.execute("DROP TABLE temp.main._collecting")
            write_batches(self.con, [item.row for item in ready] + rows, fetched=self.contract.server.type != "local")
            stack, self._open = self._open, None
            if stack is not None:
                stack.close()
            self._begun = []
        except BaseException as error:
            self.rollback(error)
            raise

    def rollback(self, error: BaseException) -> None:
        stack, self._open = self._open, None
        for item in self._begun:
            item.written = False
        self._begun = []
        if stack is not None:
            stack.__exit__(type(error), error, error.__traceback__)

    def _begin(self, *, table: bool = True) -> None:
        if self._open is None:
            self._open = ExitStack()
            self._open.enter_context(transaction(self.con, self.run_id, f"collect {self.contract.name}"))
            if table:
                ensure_raw(self.con, self.contract)

    def _into(self, table: str) -> str:
        return f"INSERT INTO {quote(table)} ({', '.join(map(quote, raw_columns(self.contract)))})"

    def _insert(self, item: Ready, into: str) -> None:
        found = self.con.execute(f"{into} {raw_select(self.contract, item.extract, item.mapping, item.row['batch'])}").fetchone()
        if found is None or found[0] != item.extract.rows:
            raise MiscountError(item, found[0] if found else 0)
        write_rejects(self.con, self.contract, item.row["batch"], item.extract.rejects)
        item.written = True
        self._begun.append(item)
