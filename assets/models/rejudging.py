"""Judging a table again after some of its rows changed: of rules over rows only the rows that came or went are looked at.

`flagged.<name>` keeps the rows that break a rule, by the table's key, with the rules that they break. What a rule counts is what it
counted before, less what the rows that went counted, and what those that came count; its failing rows are those kept, the
changed ones judged anew. That the table's key is unique, where it was, is looked for among the changed keys. Other rules over keys,
figures and other relations, and those that look at today, need the whole table and get it, in scans of their columns alone.

Belongs here: that arithmetic. Not here: when a table is due, what is written down of a result (`checking`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from assets.lake import is_there, literal, quote
from assets.models.feed import Below, last, note, state, written
from assets.models.increment import FULL_FROM
from assets.models.sql import is_view
from expectations.compiler.forms import KeyTest, OverRows, RowTest
from expectations.compiler.ir import Column, Today
from expectations.compiler.run import noted
from expectations.compiler.verdicts import RuleResult

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from expectations.compiler.plan import Compiled, Plan
    from expectations.compiler.verdicts import Verdicts

Scan = Callable[..., "Verdicts"]
CAME, WENT, NOW = "came", "went", "now"
"""Batches of changed rows: those written since, those taken away, and those that stand now under the changed keys."""


def row_by_row(plan: Plan) -> list[str]:
    """The ids of the rules that judge each row by itself, whatever the day."""
    return [c.rule.id for c in plan.compiled if isinstance(c.test, RowTest) and not _looks_at_today(c)]


def _on_key(contract: Contract, plan: Plan) -> set[str]:
    """The ids of the rules that say of the whole table that its key is unique."""
    tests = {c.rule.id: c.test for c in plan.compiled if isinstance(c.test, KeyTest) and c.test.condition is None}
    names = {rule: {k.name if isinstance(k, Column) else None for k in test.keys} for rule, test in tests.items()}
    return {rule for rule, columns in names.items() if columns == set(contract.key)}


def _looks_at_today(compiled: Compiled) -> bool:
    return f"{Today.__name__}(" in repr(compiled.test)


def judge(con: duckdb.DuckDBPyConnection, contract: Contract, plan: Plan, scan: Scan, seen: str, run_id: str) -> Sequence[RuleResult]:
    """The results of a suite over its table, within a transaction; `scan` runs a plan over rows, `seen` are the columns it sees."""
    alone = row_by_row(plan)
    try:
        if not contract.key or is_view(contract) or not alone:
            return scan(con, contract, plan).results
        read, kept = state(con), f"flagged.{contract.name}"
        before = _before(con, contract, plan, kept, alone)
        changed = written(con, contract, before[0]) if before else None
        if before is None or changed is None or not _few(con, contract, changed):
            results = scan(con, contract, plan).results
            _keep_all(con, contract, kept, alone)
        else:
            results = _changed(con, contract, plan, scan, seen, kept, alone, before[1], changed)
        note(con, kept, read, run_id, definition=plan.fingerprint)
        return results
    finally:
        con.execute("DROP TABLE IF EXISTS temp.failing")
        for name in ("changed", "present"):
            con.execute(f"DROP TABLE IF EXISTS temp.{name}")


def _before(
    con: duckdb.DuckDBPyConnection, contract: Contract, plan: Plan, kept: str, alone: Sequence[str]
) -> tuple[int, dict[str, tuple[int, int, int]]] | None:
    """The state that was judged last, and the elements, missing and unexpected of each rule then; None where that does not help."""
    judged = last(con, kept)
    if judged is None or judged.definition != plan.fingerprint:
        return None
    rows = con.execute(
        "SELECT rule, elements, missing, unexpected FROM evidence.results WHERE dataset = ? AND batch = ?"
        " QUALIFY checked_at = max(checked_at) OVER ()",
        [contract.name, contract.table],
    ).fetchall()
    counted = {rule: (elements, missing, unexpected) for rule, elements, missing, unexpected in rows if elements is not None}
    return (judged.snapshot, counted) if set(alone) <= set(counted) else None


def _few(con: duckdb.DuckDBPyConnection, contract: Contract, changed: Below) -> bool:
    whole = con.execute(f"SELECT count(*) FROM {quote(contract.table)}").fetchone() or (0,)
    return not changed.anew and changed.rows / 2 < FULL_FROM * whole[0]


def _keep_all(con: duckdb.DuckDBPyConnection, contract: Contract, kept: str, alone: Sequence[str]) -> None:
    """Fill the table of failing rows from a scan of everything."""
    declared = ", ".join(f"{quote(k)} {contract.column(k).sql_type}" for k in contract.key)
    if is_there(con, kept):
        con.execute(f"DROP TABLE {quote(kept)}")
    con.execute(f"CREATE TABLE {quote(kept)} ({declared}, _failed VARCHAR[])")
    con.execute(f"COMMENT ON TABLE {quote(kept)} IS {literal(contract.title)}")
    con.execute(f"INSERT INTO {quote(kept)} {_failing(contract, alone, quote(contract.table), 'rowid', contract.table)}")


def _failing(contract: Contract, alone: Sequence[str], rows: str, number: str, batch: str) -> str:
    """SELECT of the keys of failing rows, as the last scan left them, with the row rules that they break."""
    key = ", ".join(f"t.{quote(k)}" for k in contract.key)
    broken = f"list_filter(f._failed, lambda id: id IN ({', '.join(map(literal, alone))}))"
    of_rows = f"f._row = t.{number} AND f._batch = {literal(batch)}"
    return f"SELECT {key}, {broken} AS _failed FROM {rows} AS t JOIN temp.failing AS f ON {of_rows} WHERE len({broken}) > 0"


def _changed(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    plan: Plan,
    scan: Scan,
    seen: str,
    kept: str,
    alone: Sequence[str],
    counted: dict[str, tuple[int, int, int]],
    changed: Below,
) -> Sequence[RuleResult]:
    key, table = ", ".join(map(quote, contract.key)), quote(contract.table)
    rows, unique = plan.only(alone), {rule for rule in _on_key(contract, plan) if rule in counted and counted[rule][2] == 0}
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE changed AS SELECT * EXCLUDE (snapshot_id, change_type, rowid), rowid AS _row,"
        f" CASE WHEN change_type IN ('insert', 'update_postimage') THEN '{CAME}' ELSE '{WENT}' END AS _batch FROM {changed.feed}"
    )
    present = f"SELECT {seen}, '{NOW}' AS _batch, rowid AS _row FROM {table} SEMI JOIN {{}} USING ({key})"
    con.execute(f"CREATE OR REPLACE TEMP TABLE present AS {present.format(f'(SELECT DISTINCT {key} FROM temp.changed)')}")
    looked_at = f"SELECT {seen}, _batch, _row FROM temp.changed UNION ALL SELECT * FROM temp.present"
    difference = {(r.batch, r.rule.id): r for r in scan(con, contract, plan.only([*alone, *unique]), looked_at).results}
    con.execute(f"DELETE FROM {quote(kept)} WHERE ({key}) IN (SELECT ({key}) FROM temp.changed)")
    con.execute(f"INSERT INTO {quote(kept)} {_failing(contract, alone, 'temp.present', '_row', NOW)}")
    failing = {rule: difference[NOW, rule] for rule in unique if (NOW, rule) in difference}
    if con.execute(f"SELECT 1 FROM {quote(kept)} LIMIT 1").fetchone():
        found_now = scan(con, contract, rows, present.format(quote(kept))).results
        failing |= {r.rule.id: r for r in found_now if r.batch == NOW}
    others = [c.rule.id for c in plan.compiled if c.rule.id not in unique and c.rule.id not in alone]
    found = {r.rule.id: r for r in scan(con, contract, plan.only(others)).results} if others else {}
    for compiled in plan.only([*alone, *unique]).compiled:
        name = compiled.rule.id
        elements, missing = (
            counted[name][n] + sum(sign * (_counts(difference.get((batch, name)))[n]) for batch, sign in ((CAME, 1), (WENT, -1)))
            for n in (0, 1)
        )
        found[name] = _result(compiled, contract.table, elements, missing, failing.get(name))
    return [found[c.rule.id] for c in plan.compiled]


def _counts(result: RuleResult | None) -> tuple[int, int]:
    return (result.elements or 0, result.missing or 0) if result else (0, 0)


def _result(compiled: Compiled, batch: str, elements: int, missing: int, failing: RuleResult | None) -> RuleResult:
    test = compiled.test
    assert isinstance(test, OverRows)
    unexpected = (failing.unexpected or 0) if failing else 0
    considered = elements - missing
    passed = considered == 0 or (considered - unexpected) / considered >= compiled.mostly
    result = RuleResult(
        rule=compiled.rule,
        batch=batch,
        outcome="passed" if passed else "failed",
        elements=elements,
        missing=missing,
        unexpected=unexpected,
        ignores=not (test.ignored is None and test.shape == "value"),
    )
    if failing and failing.unexpected:
        result = replace(result, breaches=failing.breaches, form=failing.form, extra_copies=failing.extra_copies)
    return noted(compiled, result)
