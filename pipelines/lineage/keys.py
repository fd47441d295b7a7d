"""Finding one record by its key, for whoever follows records.

Belongs here: the condition, and what is wrong with a key that was given. Not here: where the record leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assets.lake import is_there, quote
from assets.masking import mask
from pipelines.lineage.asking import LineageError

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract


def same_key(contract: Contract) -> str:
    """SQL that is true of the record of a contract's table whose key is given for its `?`, one a part, as text."""
    return " AND ".join(f"{quote(k)} = TRY_CAST(? AS {contract.column(k).sql_type})" for k in contract.key)


def check_key(con: duckdb.DuckDBPyConnection, contract: Contract, key: Sequence[str]) -> None:
    """Raise `LineageError` where no record of the table can be named by `key`: no key is declared, parts are lacking, no table."""
    if not contract.key:
        raise LineageError(
            f"{contract.table} declares no key, so no single record can be named. Declare primaryKey in {contract.path.name}."
        )
    if len(key) != len(contract.key):
        raise LineageError(f"{len(key)} key parts given; {contract.table} needs {len(contract.key)}: {', '.join(contract.key)}.")
    if not is_there(con, contract.table):
        raise LineageError(f"{contract.table} was not built yet. Run `yuanqing run` first.")


def shown(contract: Contract, column: str, value: Any) -> str | None:
    """A value as text, masked by its column's classification."""
    return mask(None if value is None else str(value), contract.column(column).classification)
