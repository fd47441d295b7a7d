"""Who contradicts whom: the rows of `base.disagreement`, brought up to the batches that stand now, in one transaction.

A check is made anew for the subjects that arrived or went, where its declaration tells them (`subjects`); in full where its text
is another, where half of the rows or more moved, or where it tells no subjects. A check none of whose sources moved is left alone.

Belongs here: which checks, for which subjects, and writing. Not here: what is a defect by now (`counting`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from assets import evidence
from assets.crosschecks.counting import cross_results, note_states
from assets.crosschecks.declared import ENDED, CrossCheck, cross_checks, verify
from assets.judging import codes_of, standard_of
from assets.lake import affected, is_there, literal, one_look, quote, transaction
from assets.models.feed import note, state
from assets.models.increment import FULL_FROM, Changed, changed, new_rows
from assets.models.sql import CODES, code_rows
from assets.std import POSITION, current_rows, digest, ensure_all, is_delta
from expectations.calendars import working_days

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.models.building import Built
    from assets.project import Project
    from expectations.codes import CodeTables

KEPT_MOST = 2_000_000
"""More rows than these of a source that is handed over in full are read where they lie, in columns: a copy would be spilled."""


def build_disagreement(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, run_id: str) -> Built:
    """Bring the table up to date. Without a batch that came or went, and a check that changed, nothing is done."""
    from assets.models.building import Built, count, incorporate

    checks = cross_checks(project, contract)
    sources = {name: project.contracts[name] for name in sorted({s for c in checks for s in c.sources})}
    with one_look(con):
        ensure_all(con, sources.values())
        what = changed(con, contract, list(sources.values()), ())
        made_by = dict(con.execute('SELECT "check", definition FROM evidence.crosschecks').fetchall())
        stands = is_there(con, contract.table)
        read = state(con)
    new = {c.id: digest(c.definition) for c in checks}
    if stands and not what and made_by == new:
        return Built(contract.table, count(con, contract.table), 0, (), False)
    other = {c.id for c in checks if made_by.get(c.id) != new[c.id]}
    verify(project, [c for c in checks if c.id in other])
    made = _Making(con, contract, sources, what, codes_of(project))
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
            due = [c for c in checks if c.id in other or any(what.moved[name] for name in c.sources)]
            full = [c for c in due if c.id in other or not c.subjects or made.share(c) >= FULL_FROM]
            made.keep(full)
            # as written: told only `a <> b`, the optimiser may join two registers by that alone
            con.execute("SET disabled_optimizers = 'join_order'")
            for check in due:
                written += made.in_full(check) if check in full else made.touched(check)
            incorporate(con, contract, what, run_id)
            note(con, contract.table, read, run_id, rows=written, anew=not stands)
            note_states(con, project, contract, checks, new)
            standard = standard_of(project)
            evidence.note_standard(con, standard, datetime.now())
            evidence.write(con, "results", cross_results(con, contract, checks, standard, run_id))
    finally:
        con.execute("RESET disabled_optimizers")
        for name in ("touched", "working_days", *(f"standing_{s}" for s in made.kept)):
            con.execute(f"DROP TABLE IF EXISTS temp.{quote(name)}")
    return Built(contract.table, count(con, contract.table), written, tuple(sorted(what.present - what.built)), bool(other))


@dataclass
class _Making:
    """One building: what stands of each source, and what is kept at hand of it."""

    con: duckdb.DuckDBPyConnection
    contract: Contract
    sources: Mapping[str, Contract]
    what: Changed
    codes: CodeTables
    kept: set[str] = field(default_factory=set)

    @cached_property
    def _rows(self) -> dict[tuple[str, str], int]:
        found = self.con.execute(
            "SELECT dataset, batch, coalesce(rows_std, 0) FROM evidence.batches WHERE status = 'standardised'"
        ).fetchall()
        return {(dataset, batch): rows for dataset, batch, rows in found}

    def share(self, check: CrossCheck) -> float:
        """The part of the rows of a check's sources that came or went."""
        moved = sum(self._rows.get((name, batch), 0) for name in check.sources for batch in self.what.moved[name])
        return moved / max(sum(rows for (name, _), rows in self._rows.items() if name in check.sources), 1)

    def keep(self, checks: Collection[CrossCheck]) -> None:
        """Keep what stands of each source that several checks read in full, with the columns that any of them names."""
        for name, source in self.sources.items():
            texts = [c.query.text for c in checks if name in c.sources]
            large = not is_delta(source) and sum(self._rows.get((name, batch), 0) for batch in self.what.standing[name]) > KEPT_MOST
            if len(texts) > 1 and not large:
                words = set(re.findall(r"\w+", " ".join(texts)))
                columns = [c for c in (*(k.name for k in source.columns), *POSITION) if c in words]
                rows = f"SELECT {', '.join(map(quote, columns))} FROM ({self._standing(source)})"
                self.con.execute(f"CREATE OR REPLACE TEMP TABLE {quote(f'standing_{name}')} AS {rows}")
                self.kept.add(name)

    def _standing(self, source: Contract) -> str:
        return current_rows(source, batches=None if is_delta(source) else self.what.standing[source.name])

    def in_full(self, check: CrossCheck) -> int:
        """Make all rows of a check anew."""

        def all_rows(name: str) -> str:
            return f"SELECT * FROM temp.{quote(f'standing_{name}')}" if name in self.kept else self._standing(self.sources[name])

        return self._write(check, all_rows, "")

    def touched(self, check: CrossCheck) -> int:
        """Make the rows of the subjects anew that moved batches bear on."""
        moved = {name: self.what.moved[name] for name in check.sources if self.what.moved[name]}
        parts = [
            f"SELECT CAST({subject} AS VARCHAR) AS subject FROM ({new_rows(self.sources[name], batches)}) AS r"
            for name, batches in moved.items()
            for subject in check.subjects[name]
        ]
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {' UNION '.join(parts)}")

        def bearing(name: str) -> str:
            return _touched_rows(self.sources[name], check.subjects[name], self.what.standing[name])

        return self._write(check, bearing, " AND subject IN (FROM temp.touched)")

    def _write(self, check: CrossCheck, rows_of: Callable[[str], str], where: str) -> int:
        def replaced(relation: str) -> str | None:
            schema, name = relation.split(".")
            return code_rows(self.codes, name) if schema == CODES else rows_of(name)

        table, columns = quote(self.contract.table), ", ".join(quote(c.name) for c in self.contract.columns)
        rows = found_by(check, replaced)
        self.con.execute(f'DELETE FROM {table} WHERE "check" = {literal(check.id)}{where}')
        return affected(self.con, f"INSERT INTO {table} SELECT DISTINCT {columns} FROM ({rows}) WHERE TRUE{where}")


def found_by(check: CrossCheck, replaced: Callable[[str], str | None]) -> str:
    """SQL for what a check finds, as rows of the table; `replaced` gives SQL for a table that it reads. Asks `working_days`."""
    mended = f" AND NOT coalesce(CAST({ENDED} AS DATE) <= due, FALSE)" if ENDED in check.query.outputs else ""
    return (
        f'SELECT {literal(check.id)} AS "check", CAST(subject AS VARCHAR) AS subject, CAST(since AS DATE) AS since,'
        f' {check.grace.last_day("since")} AS due, dataset, batch, "row", CAST(value AS VARCHAR) AS value, other, other_batch,'
        f" other_row, CAST(other_value AS VARCHAR) AS other_value FROM ({check.query.rewritten(replaced)}\n)"
        f" WHERE subject IS NOT NULL AND since IS NOT NULL{mended}"
    )


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
