"""Who contradicts whom: the rows of `base.disagreement`, brought up to the batches that stand now, in one transaction.

A check is made anew for the subjects that arrived or went, where its declaration tells them (`subjects`); in full where its text
is another, where half of the rows or more moved, or where it tells no subjects. A check none of whose sources moved is left alone.

Belongs here: which checks, for which subjects, and writing. Not here: what is a defect by now (`counting`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from assets import evidence
from assets.crosschecks.counting import cross_results, note_states
from assets.crosschecks.declared import ENDED, CrossCheck, cross_checks, verify
from assets.judging import codes_of, standard_of
from assets.lake import columns_of, literal, one_look, quote, transaction
from assets.models.increment import FULL_FROM, changed, new_rows, share
from assets.models.sql import CODES, code_rows
from assets.std import current_rows, digest, ensure_std, is_delta
from expectations.calendars import working_days

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.models.building import Built
    from assets.project import Project


def build_disagreement(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, run_id: str) -> Built:
    """Bring the table up to date. Without a batch that came or went, and a check that changed, nothing is done."""
    from assets.models.building import Built

    checks = cross_checks(project, contract)
    sources = [project.contracts[name] for name in sorted({s for c in checks for s in c.sources})]
    with one_look(con):
        for source in sources:
            ensure_std(con, source)
        what = changed(con, contract, sources, ())
        made_by = _made_by(con)
        stands = columns_of(con, contract.table) is not None
    new = {c.id: digest(c.definition) for c in checks}
    if stands and not what and made_by == new:
        return Built(contract.table, _count(con, contract), 0, (), False)
    verify(project, [c for c in checks if made_by.get(c.id) != new[c.id]])
    written = 0
    try:
        with transaction(con, run_id, f"build {contract.table}: {len(what.present - what.built)} batches"):
            if not stands:
                declared = ", ".join(f"{quote(c.name)} {c.sql_type}" for c in contract.columns)
                con.execute(f"CREATE TABLE {quote(contract.table)} ({declared})")
            gone = ", ".join(map(literal, set(made_by) - set(new))) or "NULL"
            con.execute(f'DELETE FROM {quote(contract.table)} WHERE "check" IN ({gone})')
            if any(c.grace.working for c in checks):
                con.execute(working_days_table())
            for check in checks:
                moved = {name: what.moved[name] for name in check.sources if what.moved[name]}
                if not moved and made_by.get(check.id) == new[check.id]:
                    continue
                of = [s for s in sources if s.name in check.sources]
                full = not check.subjects or made_by.get(check.id) != new[check.id] or share(con, moved, of) >= FULL_FROM
                written += _make(con, project, contract, check, of, None if full else moved, what.standing)
            _incorporate(con, contract, what.built - what.present, what.present - what.built, run_id)
            note_states(con, project, contract, checks, new)
            standard = standard_of(project)
            evidence.note_standard(con, standard, datetime.now())
            evidence.write(con, "results", cross_results(con, contract, checks, standard, run_id))
    finally:
        for name in ("touched", "working_days"):
            con.execute(f"DROP TABLE IF EXISTS temp.{name}")
    return Built(contract.table, _count(con, contract), written, tuple(sorted(what.present - what.built)), bool(set(new) - set(made_by)))


def _made_by(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute('SELECT "check", definition FROM evidence.crosschecks').fetchall())


def _make(
    con: duckdb.DuckDBPyConnection,
    project: Project,
    contract: Contract,
    check: CrossCheck,
    sources: list[Contract],
    moved: Mapping[str, Collection[str]] | None,
    standing: Mapping[str, Collection[str]],
) -> int:
    """Make the rows of one check anew: those of the subjects that `moved` batches bear on, or all (`moved` None)."""
    table, mine = quote(contract.table), f'"check" = {literal(check.id)}'
    by_name = {s.name: s for s in sources}
    if moved is not None:
        parts = [
            f"SELECT CAST({subject} AS VARCHAR) AS subject FROM ({new_rows(by_name[name], batches)}) AS r"
            for name, batches in moved.items()
            for subject in check.subjects[name]
        ]
        con.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {' UNION '.join(parts)}")
    codes = codes_of(project)

    def replaced(relation: str) -> str | None:
        schema, name = relation.split(".")
        if schema == CODES:
            return code_rows(codes, name)
        source = by_name[name]
        if moved is None:
            return current_rows(source, batches=None if is_delta(source) else standing[name])
        return _touched_rows(source, check.subjects[name], standing[name])

    mended = f" AND NOT coalesce(CAST({ENDED} AS DATE) <= due, FALSE)" if ENDED in check.query.outputs else ""
    rows = (
        f'SELECT {literal(check.id)} AS "check", CAST(subject AS VARCHAR) AS subject, CAST(since AS DATE) AS since,'
        f' {check.grace.last_day("since")} AS due, dataset, batch, "row", CAST(value AS VARCHAR) AS value, other, other_batch,'
        f" other_row, CAST(other_value AS VARCHAR) AS other_value FROM ({check.query.rewritten(replaced)}\n)"
        f" WHERE subject IS NOT NULL AND since IS NOT NULL{mended}"
    )
    columns = ", ".join(quote(c.name) for c in contract.columns)
    if moved is None:
        con.execute(f"DELETE FROM {table} WHERE {mine}")
        return _affected(con, f"INSERT INTO {table} SELECT DISTINCT {columns} FROM ({rows})")
    con.execute(f"DELETE FROM {table} WHERE {mine} AND subject IN (FROM temp.touched)")
    return _affected(con, f"INSERT INTO {table} SELECT DISTINCT {columns} FROM ({rows}) WHERE subject IN (FROM temp.touched)")


def _touched_rows(source: Contract, subjects: Collection[str], standing: Collection[str]) -> str:
    """The standing rows of a source that bear on touched subjects."""
    bears = " OR ".join(f"CAST({s} AS VARCHAR) IN (FROM temp.touched)" for s in subjects)
    if is_delta(source) and source.key:
        table, key = f"std_batches.{quote(source.name)}", ", ".join(map(quote, source.key))
        near_rows = f"(SELECT * FROM {table} SEMI JOIN (SELECT {key} FROM {table} AS r WHERE {bears}) USING ({key}))"
        return f"SELECT * FROM ({current_rows(source, near_rows)}) AS r WHERE {bears}"
    return f"SELECT * FROM ({current_rows(source, batches=standing)}) AS r WHERE {bears}"


def working_days_table() -> str:
    """SQL that makes the temporary table `working_days(day, n)`: how many working days there were up to each day."""
    calendar = working_days()

    def listed(days: tuple[object, ...]) -> str:
        return ", ".join(f"DATE '{d}'" for d in days) or "NULL"

    return (
        "CREATE OR REPLACE TEMP TABLE working_days AS SELECT day, sum(works::INTEGER) OVER (ORDER BY day) AS n FROM ("
        f"SELECT range::DATE AS day, isodow(range) < 6 AND range::DATE NOT IN ({listed(calendar.holidays)})"
        f" OR range::DATE IN ({listed(calendar.worked)}) AS works"
        f" FROM range(DATE '{calendar.first}', DATE '{calendar.last}' + 1, INTERVAL 1 DAY))"
    )


def _incorporate(con: duckdb.DuckDBPyConnection, contract: Contract, gone: Collection[str], new: Collection[str], run_id: str) -> None:
    if gone:
        listed = ", ".join(map(literal, sorted(gone)))
        con.execute(f"DELETE FROM evidence.lineage WHERE dataset = ? AND batch IN ({listed})", [contract.table])
    now = datetime.now()
    evidence.write(con, "lineage", [{"dataset": contract.table, "batch": b, "run_id": run_id, "written_at": now} for b in sorted(new)])


def _affected(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _count(con: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    return _affected(con, f"SELECT count(*) FROM {quote(contract.table)}")
