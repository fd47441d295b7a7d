"""What rules look at beside the rows they judge: the dataset's own earlier rows and batches, and other datasets.

Belongs here: those relations, as SQL over the lake. Not here: what a rule makes of them (`expectations`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from assets.lake import is_there, literal, quote
from assets.std import period_start
from expectations.compiler.rules.series.scan import EARLIER
from expectations.compiler.rules.series.workdays import BATCHES

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from expectations.compiler.plan import Plan


def relations(con: duckdb.DuckDBPyConnection, contract: Contract, plan: Plan, batches: Collection[str]) -> dict[str, str]:
    """The relations, by name, that a plan's rules need while `batches` are judged; what the lake does not have is left out."""
    wanted: dict[str, set[str]] = {}
    for compiled in plan.compiled:
        for other in compiled.test.others:
            wanted.setdefault(other.name, set()).update(other.columns)
    found = {}
    for name, columns in wanted.items():
        if name == EARLIER:
            if contract.layer == "sources":
                listed = ", ".join(map(literal, batches)) or "NULL"
                found[name] = f"(SELECT * FROM std_batches.{quote(contract.name)} WHERE _batch NOT IN ({listed}))"
        elif name == BATCHES:
            if contract.layer == "sources":
                found[name] = _batches(contract, with_columns="columns" in columns)
        elif name.count(".") == 1 and is_there(con, name):
            found[name] = quote(name)
    return found


def _batches(contract: Contract, *, with_columns: bool) -> str:
    """The batches of a source dataset that were collected, each with the first moment of its period.

    Its columns are those declared that the hand-over has, and those undeclared that any row of it has.
    """
    declared = ", ".join(literal(c.name) for c in contract.columns)
    columns, joined = "NULL::VARCHAR[]", ""
    if with_columns:
        columns = (
            f"list_concat(list_filter([{declared}], lambda c: NOT list_contains(string_split(coalesce(b.absent, ''), ','), c)),"
            " coalesce(x.more, []))"
        )
        joined = (
            " LEFT JOIN (SELECT _batch, list_sort(list_distinct(flatten(list(json_keys(_extra))))) AS more"
            f" FROM raw.{quote(contract.name)} WHERE _extra IS NOT NULL GROUP BY _batch) x ON x._batch = b.batch"
        )
    return (
        f"(SELECT b.batch, coalesce(b.unit, '') AS unit, {period_start('b.period')} AS period, b.received_at AS received,"
        f" b.rows_raw AS row_count, b.announced, b.rows_rejected AS rejected, {columns} AS columns FROM evidence.batches b{joined}"
        f" WHERE b.dataset = {literal(contract.name)} AND b.status IN ('collected', 'standardised'))"
    )
