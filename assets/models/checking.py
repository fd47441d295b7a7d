"""Checking base and thematic tables: their suites run over the table as it stands, in one scan.

Belongs here: what of a table a suite sees, and writing down what it says. Not here: rules (`expectations`), what follows from a
verdict (`pipelines`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from assets import evidence
from assets.history import relations
from assets.judging import plan_of, standard_of
from assets.lake import literal, one_look, quote, transaction
from assets.models.fusion import is_fusion, provenance_columns
from assets.models.rejudging import judge
from assets.models.sql import is_disagreement, is_view, read_model
from assets.standardise import result_row
from assets.std import columns_judged, digest
from expectations.compiler.plan import Field

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from expectations.compiler.plan import Plan
    from expectations.compiler.verdicts import RuleResult, Verdicts
    from expectations.standard import Standard


VIEWED = "viewed"
"""The temporary table of a view's rows while its suite runs."""


def model_plan(project: Project, contract: Contract) -> Plan | None:
    """The compiled suite of a model, or None where there is no suite. Raises `DocumentError`.

    Besides the declared columns it may look at `_differs`, `_outvoted` and `_old`: the attributes on which the sources of a
    record disagree, on which two others are of one mind against the winner, and whose value is too old, joined by commas.
    """
    return plan_of(project, contract, [Field(name, "string", "VARCHAR", None) for name in _told(contract)])


def _told(contract: Contract) -> list[str]:
    query = read_model(contract)
    kept = provenance_columns(contract, query) if not is_disagreement(contract) and is_fusion(query) else {}
    return [name for name in ("_differs", "_outvoted", "_old") if name in kept]


def check_model(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract) -> Verdicts | None:
    """The verdicts of a model's suite over its table, or None where there is no suite; nothing is stored.

    The table counts as one batch named like itself.
    """
    plan = model_plan(project, contract)
    if plan is None:
        return None
    try:
        return scan(con, contract, plan)
    finally:
        con.execute("DROP TABLE IF EXISTS temp.failing")


def scan(con: duckdb.DuckDBPyConnection, contract: Contract, plan: Plan, rows: str | None = None) -> Verdicts:
    """Judge a table, or `rows` (SQL with its columns, `_batch` and `_row`) instead; leaves the temporary table `failing`."""
    columns, table = f"{seen(contract)}, {literal(contract.table)} AS _batch", quote(contract.table)
    if rows is None and is_view(contract):
        # The plan reads its rows several times: a view would be worked out as often, and in another order each time.
        con.execute(f"CREATE OR REPLACE TEMP TABLE {VIEWED} AS SELECT {columns} FROM {table}")
        try:
            return scan(con, contract, plan, f"SELECT *, rowid AS _row FROM temp.{VIEWED}")
        finally:
            con.execute(f"DROP TABLE temp.{VIEWED}")
    rows = rows or f"SELECT {columns}, rowid AS _row FROM {table}"
    return plan.run(con, f"({rows})", absent={contract.table: ()}, relations=relations(con, contract, plan, ()))


def seen(contract: Contract) -> str:
    """SQL items that give a table as its suite sees it."""
    items = columns_judged(contract)
    items += [f"array_to_string({name}, ',') AS {name}" for name in _told(contract)]
    return ", ".join(items)


def check_results(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract) -> list[dict[str, Any]]:
    """The same as rows of `evidence.results` without their run; none where there is no suite. Nothing is stored."""
    plan = model_plan(project, contract)
    if plan is None:
        return []
    try:
        return _rows(contract, _mark(con, contract, plan), standard_of(project), scan(con, contract, plan).results)
    finally:
        con.execute("DROP TABLE IF EXISTS temp.failing")


def _rows(contract: Contract, mark: str, standard: Standard, results: Sequence[RuleResult]) -> list[dict[str, Any]]:
    now = datetime.now()
    return [result_row(contract, mark, standard, result, now) for result in results]


def check_built(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, run_id: str) -> bool:
    """Check a model's table and write down what was found, in one transaction; True where it was due.

    It is due where the newest results speak of another state of the table or of another suite, also where a run was killed
    between building and checking. Earlier results stay: by them is told since when a rule fails. Of rules over rows only the
    rows that came or went since are judged (`rejudging`).
    """
    plan = model_plan(project, contract)
    if plan is None:
        return False
    standard = standard_of(project)
    with one_look(con):
        newest = con.execute(
            "SELECT fingerprint FROM evidence.results WHERE dataset = ? AND batch = ? ORDER BY checked_at DESC LIMIT 1",
            [contract.name, contract.table],
        ).fetchone()
        mark = _mark(con, contract, plan)
    if newest == (mark,):
        return False
    with transaction(con, run_id, f"check {contract.table}"):
        results = _rows(contract, mark, standard, judge(con, contract, plan, scan, seen(contract), run_id))
        evidence.note_standard(con, standard, datetime.now())
        evidence.write(con, "results", [{**row, "run_id": run_id} for row in results])
    return True


def _mark(con: duckdb.DuckDBPyConnection, contract: Contract, plan: Plan) -> str:
    """What results were judged by: the compiled suite, and the table's state (its definition and the batches in it)."""
    made_of = con.execute(
        "SELECT string_agg(batch || ' ' || run_id, ',' ORDER BY batch, run_id) FROM evidence.lineage WHERE dataset = ?", [contract.table]
    ).fetchone()
    built = con.execute(
        "SELECT definition, built_at FROM evidence.builds WHERE dataset = ? AND (rows > 0 OR anew) ORDER BY snapshot DESC LIMIT 1",
        [contract.table],
    ).fetchone()
    return digest(f"{plan.fingerprint} {made_of} {built}")
