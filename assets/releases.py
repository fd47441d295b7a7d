"""Rows that an officer has let out of quarantine although they break a blocking rule: they stand, flagged, in every later judgement.

A release speaks of one row and of the blocking rules that it broke then: a row that breaks another one besides waits again. It never
makes a table that cannot be: a row without a whole key, or with the key of another row of its batch that stands, stays in quarantine.
Belongs here: releases as evidence, what they change about a batch that is judged. Not here: who may release, and the journal
(`pipelines.quarantine`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from assets.lake import is_there, literal, quote
from assets.std import raw_rows

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.judging import Judge

TABLE = "evidence.releases"


def let_out(con: duckdb.DuckDBPyConnection, judge: Judge) -> None:
    """Of the temporary tables `staged` and `failing`: rows that were released, and can stand, are no longer kept back."""
    contract, blocking = judge.contract, [r.id for r in judge.plan.suite.rules if r.blocking]
    if not blocking or not _any(con, contract):
        return
    rules = f"[{', '.join(map(literal, blocking))}]"
    key = ", ".join(f"s.{quote(c)}" for c in contract.key)
    whole = " AND ".join(f"s.{quote(c)} IS NOT NULL" for c in contract.key) or "TRUE"
    # Of rows with one key only one may stand: those that nothing keeps back, then the first that was released.
    rank = f"row_number() OVER (PARTITION BY s._batch, {key} ORDER BY f._blocked IS TRUE, s._row)" if key else "1"
    con.execute(
        f"""
        UPDATE temp.main.failing f SET _blocked = FALSE FROM (
            WITH released AS (
                SELECT batch, "row", list_distinct(flatten(list(rules))) AS rules FROM {TABLE} WHERE dataset = ? GROUP BY ALL),
            free AS (
                SELECT s._batch, s._row, f._blocked, {rank} AS rank
                FROM temp.main.staged s LEFT JOIN temp.main.failing f ON s._batch = f._batch AND s._row = f._row
                LEFT JOIN released r ON r.batch = s._batch AND r."row" = s._row
                WHERE {whole} AND (f._blocked IS NOT TRUE
                    OR list_has_all(r.rules, list_filter(f._failed, lambda x: list_contains({rules}, x)))))
            SELECT _batch, _row FROM free WHERE _blocked AND rank = 1) l
        WHERE f._batch = l._batch AND f._row = l._row""",
        [contract.name],
    )


def _any(con: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    return con.execute(f"SELECT 1 FROM {TABLE} WHERE dataset = ? LIMIT 1", [contract.name]).fetchone() is not None


def released_since(con: duckdb.DuckDBPyConnection) -> str:
    """SQL that is true of a batch `b` with a release that it was not judged with yet."""
    if not is_there(con, TABLE):  # a lake that nobody has written into since there are releases
        return "FALSE"
    return f"EXISTS (FROM {TABLE} l WHERE l.batch = b.batch AND l.released_at > b.standardised_at)"


def cannot_stand(con: duckdb.DuckDBPyConnection, judge: Judge, batch: str, rows: Collection[int]) -> Mapping[int, str]:
    """Of these rows those that cannot be in the standard table, each with the reason, in both languages; no value is shown."""
    contract = judge.contract
    if not contract.key or not rows:
        return {}
    con.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {judge.staged(raw_rows(contract, [batch]))}")
    wanted = ", ".join(map(str, sorted(rows)))
    reasons: dict[int, str] = {}
    for name in contract.key:
        column = contract.column(name)
        text = quote(name if column.logical_type == "string" else f"{name}__text")
        sql = f"SELECT _row, {text} IS NULL FROM temp.main.asked WHERE _row IN ({wanted}) AND {quote(name)} IS NULL"
        for row, empty in con.execute(sql).fetchall():
            what = "没有值 is empty" if empty else f"不是 {column.logical_type} cannot be read as {column.logical_type}"
            reasons.setdefault(row, f"主键 key {column.title} {name}: {what}")
    key = ", ".join(map(quote, contract.key))
    equal = " AND ".join(f"a.{quote(c)} = o.{quote(c)}" for c in contract.key)
    others = con.execute(
        f"""
        SELECT a._row, min(o._row) FROM temp.main.asked a JOIN temp.main.asked o ON {equal} AND o._row <> a._row
        WHERE a._row IN ({wanted}) AND (o._row IN ({wanted}) OR NOT EXISTS (
            FROM quarantine.{quote(contract.name)} q WHERE q._batch = o._batch AND q._row = o._row)) GROUP BY ALL"""
    ).fetchall()
    for row, other in others:
        reasons.setdefault(row, f"主键 key {key}: 与第 {other} 行相同 is that of row {other}, which stands or is released too")
    con.execute("DROP TABLE temp.main.asked")
    return reasons
