"""The quarantine: what waits in it, and rows that an officer lets out although they break a blocking rule.

A release is an entry of the journal and a row of evidence a row let out; judging respects it from then on (`assets.releases`). The
entry is written within the lake's transaction, so that neither stands without the other but where the machine dies between the two:
then the entry stands alone, and the release is done again by the same command. Belongs here: looking, releasing. Not here: judging
again (`pipelines.replaying`), the screen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assets.lake import is_there, literal, objects, open_lake, quote
from assets.readers.parts import placed
from expectations.documents import near
from pipelines.errors import ReleaseError

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Column, Contract
    from assets.project import Project

SHOWN = 6  # columns of a row that are shown: its key, then what the rules look at


@dataclass(frozen=True)
class Waiting:
    """One row in quarantine: where it came from (`line` within its sheet or member), the rules it breaks, and its key and what they
    look at, masked. `row` is its number in the batch, by which it is released."""

    dataset: str
    batch: str
    row: int
    period: str
    source: str
    line: int
    rules: tuple[str, ...]
    values: dict[str, str | None]


@dataclass(frozen=True)
class Listed:
    """The rows shown, how many there are, and by dataset and rule how many rows break it."""

    rows: list[Waiting]
    total: int
    counts: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Released:
    """What was let out: by row the blocking rules that it breaks, and the number of the journal's entry."""

    dataset: str
    batch: str
    rules: dict[int, tuple[str, ...]] = field(default_factory=dict)
    entry: int = 0


def listed(project: Project, dataset: str | None = None, rule: str | None = None, limit: int = 20) -> Listed:
    """What waits now, of the batches that stand, the newest first. Raises `LookupError` for an unknown dataset or rule."""
    from pipelines.rulebook import read_rules

    contracts = [_source(project, dataset)] if dataset else project.sources()
    if rule and rule not in (known := {r.id for r in read_rules(project, contracts)}):
        raise LookupError(f"没有规则 {rule!r}。 No rule has this id. {near(rule, known)}")
    rows: list[Waiting] = []
    counts: dict[str, dict[str, int]] = {}
    total = 0
    with open_lake(project, read_only=True) as con:
        for contract in contracts:
            if not is_there(con, f"quarantine.{contract.name}"):
                continue
            where = _waiting(contract, rule)
            sql = f"SELECT r, count(*) FROM (SELECT unnest(_failed) AS r {where}) GROUP BY r ORDER BY 2 DESC, 1"
            if found := dict(con.execute(sql).fetchall()):
                counts[contract.name] = found
                total += con.execute(f"SELECT count(*) {where}").fetchall()[0][0]
                rows += _rows(con, project, contract, where, limit - len(rows)) if len(rows) < limit else []
    return Listed(rows, total, counts)


def _source(project: Project, dataset: str) -> Contract:
    contract = project.contracts.get(dataset.rpartition(".")[2])
    if contract is None or contract.layer != "sources":
        raise LookupError(f"没有数据集 {dataset!r}。 No source dataset has this name. {near(dataset, (c.name for c in project.sources()))}")
    return contract


def _waiting(contract: Contract, rule: str | None) -> str:
    from assets.std import current_batches

    named = f" AND list_contains(_failed, {literal(rule)})" if rule else ""
    return f"FROM quarantine.{quote(contract.name)} q WHERE _batch IN ({current_batches(contract)}){named}"


def _rows(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, where: str, most: int) -> Iterator[Waiting]:
    from pipelines.rulebook import read_rules

    looked = {r.id: r.columns for r in read_rules(project, [contract])}
    sql = (
        f"SELECT q.*, b.source AS _source, b.period AS _period, b.parts AS _parts FROM (SELECT * {where}) q"
        f" JOIN evidence.batches b ON b.batch = q._batch ORDER BY b.period DESC, q._batch, q._row LIMIT {most}"
    )
    for row in objects(con, sql):
        names = [*contract.key, *(c for rule in row["_failed"] or () for c in looked.get(rule, ()))]
        shown = [contract.column(n) for n in dict.fromkeys(names) if n in row][:SHOWN]
        values = {c.title: _masked(c, row[c.name]) for c in shown}
        rules = tuple(row["_failed"] or ())
        source, line = placed(row["_source"] or "", row["_row"], row["_parts"])
        yield Waiting(contract.name, row["_batch"], row["_row"], row["_period"] or "", source, line, rules, values)


def _masked(column: Column, value: Any) -> str | None:
    from assets.masking import mask

    return None if value is None else mask(str(value), column.classification)


def release(project: Project, batch: str, rows: Collection[int], who: str, why: str) -> Released:
    """Let rows of a batch out, all or none; the batch is due to be judged again then, and they stand, flagged.

    Raises `ReleaseError` where a name or reason lacks and for rows that cannot stand, with the reason of each; `LookupError` for a
    batch or rows that are not in quarantine; `LakeBusyError`.
    """
    if not who.strip() or not why.strip():
        raise ReleaseError("须写明何人何故。 Who releases, and why? Say --who NAME --why REASON, without personal data in the reason.")
    with open_lake(project) as con:
        contract = _contract_of(con, project, batch)
        broken = _broken(con, contract, batch, rows)
        return _released(con, project, contract, batch, broken, who.strip(), why.strip())


def _contract_of(con: duckdb.DuckDBPyConnection, project: Project, batch: str) -> Contract:
    found = con.execute("SELECT dataset FROM evidence.batches WHERE batch = ? AND status = 'standardised'", [batch]).fetchone()
    if found is None:
        known = [b for (b,) in con.execute("SELECT batch FROM evidence.batches WHERE status = 'standardised'").fetchall()]
        raise LookupError(f"没有批次 {batch!r}。 No batch that was judged has this name. {near(batch, known)}")
    return _source(project, found[0])


def _broken(con: duckdb.DuckDBPyConnection, contract: Contract, batch: str, rows: Collection[int]) -> dict[int, tuple[str, ...]]:
    """By row the rules that it breaks. Raises `LookupError` for rows that are not there."""
    sql = f"SELECT _row, _failed FROM quarantine.{quote(contract.name)} WHERE _batch = ? ORDER BY _row"
    there = {row: tuple(failed or ()) for row, failed in con.execute(sql, [batch]).fetchall()}
    if lacking := sorted(set(rows) - set(there)):
        some = ", ".join(map(str, list(there)[:10])) or "无 none"
        raise LookupError(f"{batch}: 隔离区没有第 {', '.join(map(str, lacking))} 行。 Not in quarantine; rows that are: {some}")
    return {row: there[row] for row in sorted(set(rows))}


def _released(
    con: duckdb.DuckDBPyConnection,
    project: Project,
    contract: Contract,
    batch: str,
    broken: dict[int, tuple[str, ...]],
    who: str,
    why: str,
) -> Released:
    from assets import evidence
    from assets.judging import Judge
    from assets.lake import transaction
    from assets.releases import cannot_stand
    from pipelines.journal import append

    judge = Judge(project, contract)
    if reasons := cannot_stand(con, judge, batch, broken):
        said = "; ".join(f"第 {row} 行 row: {reason}" for row, reason in sorted(reasons.items()))
        raise ReleaseError(f"{batch}: 不能放行，未放行任何一行。 None is released: {said}. Let the department mend it.")
    blocking = {r.id for r in judge.plan.suite.rules if r.blocking}
    rules = {row: tuple(r for r in failed if r in blocking) for row, failed in broken.items()}
    with transaction(con, f"release {batch}", f"release {len(rules)} rows of {batch}"):
        named = sorted({rule for broke in rules.values() for rule in broke})
        entry = append(project, "release", who, why, dataset=contract.name, batch=batch, rows=sorted(rules), rules=named)
        evidence.write(
            con,
            "releases",
            [
                {
                    "batch": batch,
                    "dataset": contract.name,
                    "row": row,
                    "rules": list(broke),
                    "officer": who,
                    "reason": why,
                    "entry": entry.seq,
                    "released_at": datetime.now(),
                }
                for row, broke in rules.items()
            ],
        )
    return Released(contract.name, batch, rules, entry.seq)
