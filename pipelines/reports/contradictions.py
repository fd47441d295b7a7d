"""Where departments contradict each other, as reports tell it: by check, on the side of the ticket and on the side of the evidence.

Belongs here: those figures and the workbook's rows. Not here: finding contradictions (`assets.crosschecks`), their look (`templates/`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from assets.crosschecks.counting import overdue
from assets.crosschecks.declared import TABLE
from assets.lake import is_there, quote
from assets.readers.parts import placed_sql
from pipelines.reports.figures import Row, rows

if TYPE_CHECKING:
    import duckdb

_BY_CHECK = """
    SELECT d."check", coalesce(c.number, '') AS number, r.title_zh, r.title_en, r.severity, d.dataset, o.title, o.department,
        o.department_zh, o.department_en, d.other, t.title AS other_title, t.department AS other_department,
        t.department_zh AS other_zh, t.department_en AS other_en, count(*) FILTER (d.overdue) AS overdue,
        count(*) FILTER (NOT d.overdue) AS graced, min(d.since_month) FILTER (d.overdue) AS since
    FROM disagreements d JOIN datasets o ON o.dataset = d.dataset JOIN datasets t ON t.dataset = d.other
        LEFT JOIN crosschecks c ON c."check" = d."check" LEFT JOIN rules r ON r.dataset = d.dataset AND r.rule = d."check"
    WHERE {where} GROUP BY ALL ORDER BY overdue DESC, d."check", d.dataset, d.other"""


def tickets(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    """By check and datasets, what this department has to verify because another contradicts it."""
    return rows(con, _BY_CHECK.format(where="o.department = ?"), [department])


def evidence(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    """By check and datasets, where this department's records contradict another, which has the ticket."""
    return rows(con, _BY_CHECK.format(where="t.department = ? AND o.department <> t.department"), [department])


def by_check(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Every check: how far it can be judged (`as_of`), what was compared and found, and the departments that have the tickets."""
    return rows(
        con,
        """
        SELECT c."check", c.number, any_value(r.title_zh) AS title_zh, any_value(r.title_en) AS title_en, c.as_of, c.compared, c.overdue,
            c.found - c.overdue AS graced, c.silent, list(DISTINCT d.department_zh ORDER BY d.department_zh) AS departments
        FROM crosschecks c JOIN rules r ON r.rule = c."check" JOIN datasets d ON d.dataset = r.dataset
        GROUP BY ALL ORDER BY c.number, c."check\"""",
    )


def listed(lake: duckdb.DuckDBPyConnection, department: str, cap: int, *, named: str = "") -> Iterator[tuple[Any, ...]]:
    """Rows of the workbook: ticket, batch and row of the record, then check, title, since, dataset, file, row, the department's own
    value, and whose record says otherwise. `named` is the table that knows their tickets; without it the ticket is NULL.

    The other department's values stay with it: its dataset, file and row say whom to ask. `lake` sees the results as `results`.
    """
    if not is_there(lake, TABLE):
        return
    ticket = "(SELECT k.ticket FROM results.tickets k WHERE k.ticket = d.ticket AND k.state <> 'closed')" if named else "NULL"
    cursor = lake.execute(
        f"""
        SELECT {ticket}, d.batch, d."row", c.number, r.title_zh, strftime(d.since, '%Y-%m-%d'), strftime(d.due, '%Y-%m-%d'), o.title,
            {", ".join(placed_sql("b.source", 'd."row"', "b.parts"))},
            CASE WHEN d.batch IS NULL THEN '（缺这条记录 no such record）' ELSE d.value END, t.department_zh || ' ' || t.title,
            {", ".join(placed_sql("e.source", "d.other_row", "e.parts"))}, r.remedy_zh
        FROM {quote(named or TABLE)} d JOIN evidence.crosschecks c ON c."check" = d."check"
            JOIN results.datasets o ON o.dataset = d.dataset JOIN results.datasets t ON t.dataset = d.other
            LEFT JOIN results.rules r ON r.dataset = d.dataset AND r.rule = d."check"
            LEFT JOIN evidence.batches b ON b.batch = d.batch LEFT JOIN evidence.batches e ON e.batch = d.other_batch
        WHERE o.department = ? AND {overdue()} AND c.silent IS NULL
        ORDER BY c.number, d."check", d.since, d.batch, d."row", d.other_batch, d.other_row LIMIT {int(cap)}""",
        [department],
    )
    while chunk := cursor.fetchmany(10_000):
        yield from chunk
