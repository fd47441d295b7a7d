"""Standardise and check: raw rows of the collected batches become standard rows, quarantine, results and issues.

Belongs here: the one scan and the one transaction. Not here: how a cell is repaired (`assets.repair`), what a rule means
(`expectations`), how raw rows got there (`assets.collect`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assets import evidence
from assets.history import relations
from assets.judging import Judge
from assets.lake import literal, one_look, quote, transaction
from assets.masking import mask
from assets.releases import let_out, released_since
from assets.repair import KINDS
from assets.std import current_batches, ensure_std, raw_rows
from expectations.compiler.verdicts import RuleResult, Verdicts

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from expectations.standard import Standard


SECURITY, PERSONAL = "0106", 3
"""What breaks a rule of this indicator stands in a column of too low a class: it is shown as if the column were of this one."""

GROUP_ROWS = 500_000
"""Rows standardised at once: about 250 MB of memory, and few enough commits."""


@dataclass(frozen=True)
class Standardised:
    """What one call did: the batches, their results (rows of `evidence.results`) and the rows that went each way."""

    batches: tuple[str, ...]
    results: tuple[Mapping[str, Any], ...]
    rows_std: int
    rows_quarantine: int


@dataclass(frozen=True)
class Checked:
    """The scan of one relation: results as `evidence.results` holds them, repairs by (batch, column, kind), rows by batch."""

    verdicts: Verdicts
    results: tuple[dict[str, Any], ...]
    repairs: Mapping[tuple[str, str, str], int]


def check_relation(
    con: duckdb.DuckDBPyConnection,
    judge: Judge,
    relation: str,
    *,
    absent: Mapping[str, Collection[str]] | None = None,
    beside: Mapping[str, str] | None = None,
) -> Checked:
    """Standardise raw rows once and hold them to the suite in one scan, every repair counted.

    `relation` is SQL for rows with `_batch`, `_row` and the contract's columns as text; `absent` names, by batch, columns that
    its hand-over lacks, `beside` the SQL of what rules look at besides (`assets.history`). Leaves the temporary tables `staged`
    (the standardised rows) and `failing`.
    """
    contract = judge.contract
    # Kept once, because the scan, the keys and the insert each read it: to standardise anew takes longer than all three.
    kinds = ", ".join(literal(kind) for kind in KINDS)
    narrow = ", ".join(f"{quote(c.name + '__repair')}::ENUM({kinds}) AS {quote(c.name + '__repair')}" for c in contract.columns)
    con.execute(f"CREATE OR REPLACE TEMP TABLE staged AS SELECT * REPLACE ({narrow}) FROM ({judge.staged(relation)})")
    repaired = [(f"repair__{c.name}", f"histogram({quote(c.name + '__repair')})") for c in contract.columns]
    verdicts = judge.plan.run(con, "temp.main.staged", absent=absent or {}, also=repaired, relations=beside)
    repairs = {
        (batch, name.removeprefix("repair__"), kind): count
        for batch, counted in verdicts.also.items()
        for name, by_kind in counted.items()
        for kind, count in (by_kind or {}).items()
    }
    checked_at = datetime.now()
    results = tuple(result_row(contract, judge.mark, judge.standard, result, checked_at) for result in verdicts.results)
    return Checked(verdicts, results, repairs)


def standardise(
    con: duckdb.DuckDBPyConnection,
    project: Project,
    contract: Contract,
    run_id: str,
    *,
    partition_keys: set[str] | None = None,
    replayed: Collection[str] = (),
) -> Standardised:
    """Standardise and check every batch that is due (of the given partitions): a group of batches, one scan, one transaction.

    A batch that stands as the declarations want it is left as it is, so a second call does nothing. With `replayed`, these batches
    and no others, whatever they were judged by.
    """
    with one_look(con):
        ensure_std(con, contract)
    results: list[Mapping[str, Any]] = []
    counts: list[tuple[str, int, int]] = []
    judge = Judge(project, contract)
    for group in _groups(due(con, judge, partition_keys, replayed)):
        batches = [b.batch for b in group]
        absent, beside = {b.batch: b.absent for b in group}, relations(con, contract, judge.plan, batches)
        checked = check_relation(con, judge, raw_rows(contract, batches), absent=absent, beside=beside)
        with transaction(con, run_id, f"standardise {contract.name}: {len(group)} batches"):
            let_out(con, judge)
            counts += _store(con, contract, run_id, group, checked)
            evidence.note_standard(con, judge.standard, datetime.now())
        results += checked.results
        _forget(con)
    return Standardised(tuple(c[0] for c in counts), tuple(results), sum(c[1] for c in counts), sum(c[2] for c in counts))


@dataclass(frozen=True)
class Due:
    """A batch to standardise: the columns that it lacks, its rows in raw, and whether it was standardised before."""

    batch: str
    partition_key: str
    absent: tuple[str, ...]
    rows: int
    again: bool


def due(
    con: duckdb.DuckDBPyConnection, judge: Judge, partition_keys: Collection[str] | None = None, replayed: Collection[str] = ()
) -> list[Due]:
    """Batches that were collected and not yet standardised, and standing ones that were judged by other declarations than today's
    or have rows that were released since. With `replayed`, of these batches those that the lake holds.
    """
    contract = judge.contract
    values: list[Any]
    if replayed:
        which, values = "status IN ('collected', 'standardised') AND list_contains(?, batch)", [list(replayed)]
    else:
        other = "EXISTS (FROM evidence.results r WHERE r.batch = b.batch AND r.fingerprint <> ?)"
        again = f"batch IN ({current_batches(contract)}) AND ({other} OR {released_since(con)})"
        which, values = f"(status = 'collected' OR ({again}))", [judge.mark]
    found = con.execute(
        f"SELECT batch, partition_key, absent, rows_raw, status FROM evidence.batches b WHERE dataset = ?"
        f" AND {which} ORDER BY period, batch",
        [contract.name, *values],
    ).fetchall()
    return [
        Due(batch, key, tuple(absent.split(",")) if absent else (), rows or 0, status == "standardised")
        for batch, key, absent, rows, status in found
        if partition_keys is None or key in partition_keys
    ]


def _groups(batches: Sequence[Due]) -> Iterator[list[Due]]:
    """The batches in groups of about `GROUP_ROWS` rows; a batch is never cut."""
    group: list[Due] = []
    for batch in batches:
        if group and sum(b.rows for b in group) + batch.rows > GROUP_ROWS:
            yield group
            group = []
        group.append(batch)
    if group:
        yield group


def _store(
    con: duckdb.DuckDBPyConnection, contract: Contract, run_id: str, group: Sequence[Due], checked: Checked
) -> list[tuple[str, int, int]]:
    """Write what `check_relation` left: rows, quarantine, issues, results, repairs, lineage. Gives (batch, standard, quarantined)."""
    name, now = quote(contract.name), datetime.now()
    batches = [b.batch for b in group]
    _withdraw(con, contract, [b.batch for b in group if b.again])
    of_rows = "s._batch = f._batch AND s._row = f._row"
    con.execute(
        f"INSERT INTO std_batches.{name} BY NAME SELECT {_prefixed('s', contract)}, s._batch, s._row, f._failed"
        f" FROM temp.main.staged s LEFT JOIN temp.main.failing f ON {of_rows} WHERE NOT coalesce(f._blocked, FALSE)"
    )
    con.execute(
        f"INSERT INTO quarantine.{name} BY NAME SELECT {_prefixed('s', contract)}, s._batch, s._row, f._failed"
        f" FROM {raw_rows(contract, batches)} s JOIN temp.main.failing f ON {of_rows} WHERE f._blocked"
    )
    con.execute(
        f"INSERT INTO evidence.issues SELECT _batch, {literal(contract.name)}, _row, unnest(_failed)"
        " FROM temp.main.failing ORDER BY _batch, _row"
    )
    evidence.write(con, "results", [{**row, "run_id": run_id} for row in checked.results])
    repairs = [{"batch": b, "dataset": contract.name, "column": c, "kind": k, "rows": n} for (b, c, k), n in checked.repairs.items()]
    evidence.write(con, "repairs", repairs)
    evidence.write(con, "lineage", [{"dataset": contract.table, "batch": b, "run_id": run_id, "written_at": now} for b in batches])
    quarantined = dict(con.execute("SELECT _batch, count(*) FROM temp.main.failing WHERE _blocked GROUP BY ALL").fetchall())
    counts = [(b, checked.verdicts.rows.get(b, 0) - quarantined.get(b, 0), quarantined.get(b, 0)) for b in batches]
    _close(con, counts, now)
    return counts


def _withdraw(con: duckdb.DuckDBPyConnection, contract: Contract, batches: Sequence[str]) -> None:
    """Take back what was stored of batches that are judged anew; what was said then stays in the lake's earlier snapshots.

    The lineage goes for every table, so that models take the batches up again as new.
    """
    if not batches:
        return
    listed = ", ".join(map(literal, batches))
    for table in (f"std_batches.{quote(contract.name)}", f"quarantine.{quote(contract.name)}"):
        con.execute(f"DELETE FROM {table} WHERE _batch IN ({listed})")
    for table in ("results", "issues", "repairs", "lineage"):
        con.execute(f"DELETE FROM evidence.{table} WHERE batch IN ({listed})")


def _forget(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DROP TABLE IF EXISTS temp.main.failing")
    con.execute("DROP TABLE IF EXISTS temp.main.staged")


def recheck(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, batches: Sequence[str]) -> Checked:
    """Scan batches again that are standardised already; stores nothing."""
    listed = ", ".join(map(literal, batches)) or "NULL"
    lacks = con.execute(f"SELECT batch, absent FROM evidence.batches WHERE batch IN ({listed}) AND status = 'standardised'").fetchall()
    absent = {batch: absent.split(",") if absent else () for batch, absent in lacks}
    judge = Judge(project, contract)
    beside = relations(con, contract, judge.plan, batches)
    checked = check_relation(con, judge, raw_rows(contract, batches), absent=absent, beside=beside)
    _forget(con)
    return checked


def balance(con: duckdb.DuckDBPyConnection, contract: Contract, batches: Sequence[str]) -> list[tuple[str, int, int, int]]:
    """Counted afresh, per batch: (batch, rows in raw, rows in std_batches, rows in quarantine)."""
    listed = ", ".join(literal(b) for b in batches) or "NULL"
    name = quote(contract.name)
    counts = " UNION ALL ".join(
        f"SELECT _batch, {n} AS place FROM {schema}.{name} WHERE _batch IN ({listed})"
        for n, schema in enumerate(("raw", "std_batches", "quarantine"))
    )
    filters = ", ".join(f"count(*) FILTER (WHERE place = {n})" for n in range(3))
    return con.execute(f"SELECT _batch, {filters} FROM ({counts}) GROUP BY _batch ORDER BY _batch").fetchall()


def _prefixed(alias: str, contract: Contract) -> str:
    return ", ".join(f"{alias}.{quote(c.name)}" for c in contract.columns)


def _close(con: duckdb.DuckDBPyConnection, counts: Sequence[tuple[str, int, int]], now: datetime) -> None:
    values = ", ".join(f"({literal(b)}, {std}, {quarantined})" for b, std, quarantined in counts)
    con.execute(
        "UPDATE evidence.batches SET status = 'standardised', standardised_at = ?, rows_std = v.std, rows_quarantine = v.quarantined"
        f" FROM (VALUES {values}) v(name, std, quarantined) WHERE batch = v.name AND status IN ('collected', 'standardised')",
        [now],
    )


def result_row(contract: Contract, mark: str, standard: Standard, result: RuleResult, checked_at: datetime) -> dict[str, Any]:
    """A verdict as `evidence.results` holds it, without the run, its values masked; `mark` and `standard` are what it was judged by."""
    rule = result.rule
    columns = [rule.kwargs[k] for k in ("column", "column_A", "column_B") if k in rule.kwargs] + list(rule.kwargs.get("column_list", ()))
    least = PERSONAL if rule.indicator == SECURITY else 1
    return {
        "batch": result.batch,
        "dataset": contract.name,
        "rule": rule.id,
        "expectation": rule.type,
        "column": ",".join(columns),
        "indicator": rule.indicator,
        "weight": rule.weight,
        "severity": rule.severity,
        "blocking": rule.blocking,
        "outcome": result.outcome,
        "elements": result.elements,
        "missing": result.missing,
        "unexpected": result.unexpected,
        "note": result.note,
        "result": json.dumps(_masked(contract, columns, result.to_gx(), least), ensure_ascii=False, default=str),
        "fingerprint": mark,
        "checked_at": checked_at,
        "standard": standard.fingerprint,
    }


def _masked(contract: Contract, columns: Sequence[str], shown: dict[str, Any], least: int) -> dict[str, Any]:
    """The result with every value of its lists masked by the classification of the columns it came from, and `least` this level."""
    levels = [max(c.classification, least) for c in contract.columns if c.name in columns]
    by_name = {c.name: max(c.classification, least) for c in contract.columns}
    strictest = max(levels, default=1)

    def masked(value: Any, level: int) -> Any:
        if isinstance(value, dict):
            return {k: masked(v, by_name.get(k, level)) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            each = levels if len(levels) == len(value) and len(value) > 1 else [level] * len(value)
            return [masked(v, one) for v, one in zip(value, each, strict=True)]
        return value if value is None or level <= 2 else mask(str(value), level)

    detail = dict(shown.get("result") or {})
    for name in ("partial_unexpected_list", "unexpected_list"):
        if name in detail:
            detail[name] = [masked(v, strictest) for v in detail[name]]
    for name in ("partial_unexpected_counts",):
        if name in detail:
            detail[name] = [{**c, "value": masked(c.get("value"), strictest)} for c in detail[name]]
    if "observed_value" in detail and strictest > 2:
        detail["observed_value"] = masked(detail["observed_value"], strictest)
    if shown.get("meta", {}).get("in_gx"):  # a class that we do not know may put values anywhere
        level = strictest if columns else max(by_name.values(), default=1)
        figures = {k for k, v in detail.items() if isinstance(v, int | float) or k.endswith("_index_list")}
        detail = {k: v if k in figures else masked(v, level) for k, v in detail.items()}
    return {**shown, "result": detail}
