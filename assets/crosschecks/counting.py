"""What is a defect by now among the disagreements, and the results that follow from it.

A contradiction is a defect once its grace is over: `due` lies before the check's clock. The clock is the last day of which *all*
the datasets that it compares have spoken, never today's date: the same hand-overs always give the same answer, and a department
that has not handed over yet is not blamed for what it may have mended since.

A check counts under each dataset of its `to`: elements (B) are the standing rows of its `of`, unexpected the defects ticketed to
that dataset. Where one of its sources has nothing that stands, it is not assessable.

Belongs here: clocks, counts, rows of `evidence.crosschecks` and `evidence.results`. Not here: finding contradictions (`building`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from assets import evidence
from assets.crosschecks.declared import EXPECTATION, CrossCheck
from assets.lake import affected, literal, objects, quote
from assets.masking import mask
from assets.std import current_batches, is_delta

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from expectations.standard import Standard

SHOWN = 20
"""Defects that a result lists."""
PERIOD_END = """last_day(CASE length(period) WHEN 4 THEN CAST(period || '-12-01' AS DATE)
    WHEN 6 THEN CAST(left(period, 4) || '-' || right(period, 2) || '-01' AS DATE) END)"""
_DAY = "CAST(left(period, 4) || '-' || substr(period, 5, 2) || '-' || substr(period, 7, 2) AS DATE)"


def overdue(found: str = "d", states: str = "c") -> str:
    """SQL condition: a row of the disagreements is a defect by the clock of its check (a row of `evidence.crosschecks`)."""
    return f"{found}.due < {states}.as_of"


def note_states(
    con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, checks: Iterable[CrossCheck], definitions: Mapping[str, str]
) -> None:
    """Write one row a check into `evidence.crosschecks`, in place of those that stand; within the transaction of the table."""
    checks = list(checks)
    clocks = _clocks(con, checks)
    counts = _standing_rows(con, project, {c.of for c in checks})
    days = {c.id: [clocks.get(name) for name in c.clock] for c in checks}
    told = {check: min(d for d in of if d is not None) for check, of in days.items() if of and all(of)}
    listed = ", ".join(f"({literal(check)}, DATE {literal(str(day))})" for check, day in told.items()) or "(NULL, NULL)"
    found = {
        check: (rows, overdue)
        for check, rows, overdue in con.execute(
            f'SELECT d."check", count(*), count(*) FILTER (d.due < t.day) FROM {quote(contract.table)} d'
            f' LEFT JOIN (VALUES {listed}) t("check", day) USING ("check") GROUP BY ALL'
        ).fetchall()
    }
    rows = []
    for check in checks:
        as_of, (every, overdue) = told.get(check.id), found.get(check.id, (0, 0))
        silent = sorted({s for s in check.sources if clocks.get(s) is None})
        rows.append(
            {
                "check": check.id,
                "number": check.number,
                "definition": definitions[check.id],
                "as_of": as_of,
                "compared": counts.get(check.of, 0),
                "found": every,
                "overdue": overdue,
                "silent": ",".join(silent) or None,
                "made_at": datetime.now(),
            }
        )
    con.execute("DELETE FROM evidence.crosschecks")
    evidence.write(con, "crosschecks", rows)


def _clocks(con: duckdb.DuckDBPyConnection, checks: Iterable[CrossCheck]) -> dict[str, date]:
    """By dataset, the last day of the newest period that stands."""
    names = sorted({s for c in checks for s in (*c.sources, *c.clock)})
    listed = ", ".join(map(literal, names)) or "NULL"
    return dict(
        con.execute(
            f"SELECT dataset, max(CASE WHEN length(period) >= 8 THEN {_DAY} ELSE {PERIOD_END} END) FROM evidence.batches"
            f" WHERE status = 'standardised' AND dataset IN ({listed}) GROUP BY dataset"
        ).fetchall()
    )


def _standing_rows(con: duckdb.DuckDBPyConnection, project: Project, names: Iterable[str]) -> dict[str, int]:
    """By dataset, its rows that stand; of a full delivery as its batches count them, so that nothing is scanned."""
    found = {}
    for name in sorted(names):
        source = project.contracts[name]
        if is_delta(source):
            sql = f"SELECT count(*) FROM std.{quote(name)}"
        else:
            sql = f"SELECT coalesce(sum(rows_std), 0) FROM evidence.batches WHERE batch IN ({current_batches(source)})"
        found[name] = affected(con, sql)
    return found


def cross_results(
    con: duckdb.DuckDBPyConnection, contract: Contract, checks: Iterable[CrossCheck], standard: Standard, run_id: str
) -> list[dict[str, Any]]:
    """Rows of `evidence.results`: one a check and dataset of its `to`, under the one batch that is named like the table."""
    states = {row["check"]: row for row in objects(con, "SELECT * FROM evidence.crosschecks")}
    now = datetime.now()
    counted: dict[tuple[str, str], int] = {}
    for check, dataset, rows in con.execute(
        f'SELECT d."check", d.dataset, count(*) FROM {quote(contract.table)} d JOIN evidence.crosschecks c USING ("check")'
        f" WHERE {overdue()} GROUP BY ALL"
    ).fetchall():
        counted[check, dataset] = rows
    shown = _shown(con, contract)
    level = max(contract.column(c).classification for c in ("value", "other_value"))
    results = []
    for check in checks:
        state = states.get(check.id)
        if state is None:
            continue
        for dataset in check.to:
            unexpected = counted.get((check.id, dataset), 0)
            elements = max(state["compared"], unexpected)
            outcome, note = _outcome(check, state, unexpected)
            results.append(
                {
                    "run_id": run_id,
                    "batch": contract.table,
                    "dataset": dataset,
                    "rule": check.id,
                    "expectation": EXPECTATION,
                    "column": "",
                    "indicator": check.indicator,
                    "weight": 0.0 if check.severity == "info" else check.weight,
                    "severity": check.severity,
                    "blocking": False,
                    "outcome": outcome,
                    "elements": elements if outcome != "not_assessable" else 0,
                    "missing": 0,
                    "unexpected": unexpected if outcome != "not_assessable" else None,
                    "note": note,
                    "result": json.dumps(
                        _gx(check, state, elements, unexpected, shown.get((check.id, dataset), ()), level), ensure_ascii=False, default=str
                    ),
                    "fingerprint": state["definition"],
                    "checked_at": now,
                    "standard": standard.fingerprint,
                }
            )
    return results


def _outcome(check: CrossCheck, state: Mapping[str, Any], unexpected: int) -> tuple[str, str]:
    if state["silent"] or state["as_of"] is None:
        silent = state["silent"] or ", ".join(check.clock)
        return "not_assessable", f"尚无交付 nothing has been handed over: {silent}"
    if not unexpected:
        return "passed", ""
    zh, en = f"{unexpected:,} 条不一致（{check.grace.zh}）", f"{unexpected:,} contradictions stand ({check.grace.en})"
    note = f"{zh} {en}; 截至 as of {state['as_of']}"
    return "failed", note


def _gx(
    check: CrossCheck, state: Mapping[str, Any], elements: int, unexpected: int, shown: Iterable[Mapping[str, Any]], level: int
) -> dict[str, Any]:
    """The result in the shape of Great Expectations', its values masked: where the defects are, the first `SHOWN` of them."""
    shown = list(shown)
    return {
        "success": not unexpected,
        "expectation_config": {"type": EXPECTATION, "kwargs": {}, "meta": {"id": check.id, "number": check.number}},
        "result": {
            "element_count": elements,
            "unexpected_count": unexpected,
            "unexpected_percent": 100 * unexpected / elements if elements else 0.0,
            "partial_unexpected_list": [
                {"value": mask(row["value"], level), row["other"]: mask(row["other_value"], level), "since": str(row["since"])}
                for row in shown
            ],
            "partial_unexpected_index_list": [{"_batch": r["batch"], "_row": r["row"]} for r in shown if r["row"] is not None],
        },
        "meta": {"as_of": str(state["as_of"])},
        "exception_info": {"raised_exception": False, "exception_traceback": None, "exception_message": None},
    }


def _shown(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By check and dataset, the first `SHOWN` defects."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in objects(
        con,
        f'SELECT d.* FROM {quote(contract.table)} d JOIN evidence.crosschecks c USING ("check") WHERE {overdue()}'
        ' QUALIFY row_number() OVER (PARTITION BY d."check", d.dataset ORDER BY d.since, d.batch, d."row", d.other_batch, d.other_row)'
        f' <= {SHOWN} ORDER BY d.since, d.batch, d."row", d.other_batch, d.other_row',
    ):
        found.setdefault((row["check"], row["dataset"]), []).append(row)
    return found
