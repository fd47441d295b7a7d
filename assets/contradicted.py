"""Issues of cross-department checks: each overdue contradiction, followed from the state that shows it first to the one that does not.

A contradiction is known again by its check, its subject and the key of the record whose department gets it. What was seen is
appended to `evidence.contradictions`, because the table of contradictions holds the present alone; issues follow from that.

Belongs here: that log, and `evidence.tickets` of cross-department checks. Not here: which contradictions there are
(`assets.crosschecks`), issues of a source's own rules (`assets.following`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from assets.crosschecks.counting import overdue
from assets.crosschecks.declared import TABLE
from assets.following import NAME_LENGTH, text_of
from assets.lake import affected, is_there, literal, quote, transaction
from assets.masking import hide_sql, keyed, masking_key

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project


def follow_contradictions(con: duckdb.DuckDBPyConnection, project: Project, run_id: str, *, anew: bool = False) -> int:
    """Take up the present contradictions, unless that was done; gives the number of issues that changed.

    `anew`: their issues are made again from what was seen at any time.
    """
    if not is_there(con, TABLE):
        return 0
    row = con.execute(
        "SELECT (SELECT max(made_at) FROM evidence.crosschecks), (SELECT max(checked_at) FROM evidence.settled WHERE batch = ?)", [TABLE]
    ).fetchone()
    made, taken = row or (None, None)
    if anew:
        with transaction(con, run_id, "issues: contradictions anew"):
            con.execute("DELETE FROM evidence.tickets WHERE found_by = 'subject'")
            con.execute(f"INSERT INTO evidence.tickets BY NAME {_ISSUES.format(which='TRUE')}")
    if made is None or made == taken:
        return 0
    with keyed(con, masking_key(project)), transaction(con, run_id, "issues: contradictions"):
        con.execute(f"CREATE OR REPLACE TEMP TABLE found AS {_present(con, project)}")
        con.execute(_SEEN, [made, made])
        con.execute("INSERT INTO evidence.contradictions BY NAME FROM seen")
        con.execute("DELETE FROM evidence.settled WHERE batch = ?", [TABLE])
        con.execute("INSERT INTO evidence.settled VALUES (?, ?, ?)", [TABLE, TABLE.split(".")[1], made])
        con.execute(f"CREATE OR REPLACE TEMP TABLE changed AS {_ISSUES.format(which='ticket IN (SELECT ticket FROM seen)')}")
        con.execute("DELETE FROM evidence.tickets WHERE ticket IN (SELECT ticket FROM changed)")
        return affected(con, "INSERT INTO evidence.tickets BY NAME FROM changed")


def named_sql(con: duckdb.DuckDBPyConnection, project: Project, datasets: Collection[str] | None = None) -> str:
    """SQL for the contradictions that are overdue and can be judged: all that the table says, and the name of the issue, `ticket`.

    Those to be mended in `datasets`, by default in any. For a connection that is `keyed`.
    """
    parts = []
    for (name,) in con.execute(f"SELECT DISTINCT dataset FROM {quote(TABLE)} ORDER BY dataset").fetchall():
        contract = project.contracts.get(name)
        if contract is None or (datasets is not None and name not in datasets):
            continue
        key = ", ".join(text_of(f"s.{c}") for c in contract.key)
        said = f"{TABLE} {contract.first_name}"
        text = f'concat_ws(chr(31), d."check", d.subject{", " + key if key else ""})'
        record = f"LEFT JOIN std_batches.{quote(name)} s ON s._batch = d.batch AND s._row = d.row" if key else ""
        parts.append(
            f"SELECT left({hide_sql(text, 'hash', scope=said)}, {NAME_LENGTH}) AS ticket, d.*"
            f' FROM {quote(TABLE)} d JOIN evidence.crosschecks c USING ("check") {record}'
            f" WHERE d.dataset = {literal(name)} AND {overdue()} AND c.silent IS NULL"
        )
    return " UNION ALL ".join(parts) or f"SELECT NULL::VARCHAR AS ticket, * FROM {quote(TABLE)} LIMIT 0"


def _present(con: duckdb.DuckDBPyConnection, project: Project) -> str:
    """SQL for the contradictions that are overdue and can be judged, one a name: ticket, check, dataset, batch, row."""
    named = named_sql(con, project)
    return f'SELECT ticket, "check", dataset, min(batch) AS batch, arg_min(row, batch) AS row FROM ({named}) GROUP BY ALL'


_SEEN = """
    CREATE OR REPLACE TEMP TABLE seen AS
    SELECT f.ticket, f."check", f.dataset, f.batch, f.row, 'failing' AS what, ?::TIMESTAMP AS at
    FROM found f LEFT JOIN evidence.tickets t ON t.ticket = f.ticket
    WHERE t.ticket IS NULL OR t.outcome <> 'open' OR t.last_batch IS DISTINCT FROM f.batch
    UNION ALL
    SELECT t.ticket, t.rule, t.dataset, t.last_batch, t.last_row, 'verified', ?::TIMESTAMP
    FROM evidence.tickets t ANTI JOIN found f ON f.ticket = t.ticket
    WHERE t.found_by = 'subject' AND t.outcome = 'open'
        AND t.rule IN (SELECT "check" FROM evidence.crosschecks WHERE silent IS NULL)"""
"""What is new since it was looked at last. A check that cannot be assessed now says nothing."""

_ISSUES = """
    WITH log AS (
        SELECT *, row_number() OVER (PARTITION BY ticket ORDER BY "at", what) AS place,
            what = 'failing' AND lag(what) OVER (PARTITION BY ticket ORDER BY "at", what) = 'verified' AS returns
        FROM evidence.contradictions WHERE {which}),
    told AS (
        SELECT ticket, any_value("check") AS rule, any_value(dataset) AS dataset, arg_max(what, place) AS now,
            arg_min(batch, place) FILTER (what = 'failing') AS first_batch, min("at") AS first_at,
            arg_max(ifnull(batch, ''), place) FILTER (what = 'failing') AS last_batch,
            arg_max(ifnull(row, -1), place) FILTER (what = 'failing') AS last_row, max("at") FILTER (what = 'failing') AS last_at,
            count(*) FILTER (what = 'failing') AS times, count(*) FILTER (returns) AS reopened, max("at") FILTER (returns) AS reopened_at,
            max("at") FILTER (what = 'verified') AS ended_at
        FROM log GROUP BY ticket)
    SELECT t.ticket, t.dataset, t.rule, coalesce(l.unit, '') AS unit, coalesce(l.department, d.department) AS department,
        'subject' AS found_by, t.first_batch, f.period AS first_period, t.first_at, nullif(t.last_batch, '') AS last_batch,
        nullif(t.last_row, -1) AS last_row, l.period AS last_period, t.last_at, t.times, t.reopened, t.reopened_at,
        CASE t.now WHEN 'failing' THEN 'open' ELSE 'verified' END AS outcome, NULL::VARCHAR AS ended_batch,
        CASE t.now WHEN 'failing' THEN NULL ELSE t.ended_at END AS ended_at
    FROM told t LEFT JOIN evidence.batches f ON f.batch = t.first_batch LEFT JOIN evidence.batches l ON l.batch = t.last_batch
        LEFT JOIN (SELECT dataset, any_value(department) AS department FROM evidence.batches GROUP BY dataset) d ON d.dataset = t.dataset"""
