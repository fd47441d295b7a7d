"""The truth against the evidence: which planted faults the pipeline caught, missed, and where it cried without cause.

Belongs here: that comparison. Not here: planting (the sample does), showing it (`showing`), rules.

A fault is caught when what the truth expects of it stands in the evidence at its row: an issue by a rule that claims its kind
(`meta.claims` of the suite), a reject, a repaired value, a refused or repeated hand-over. A miss counts where some rule claims
the kind, or where the reader or standardising is bound to catch it. An issue at a row without a fault of a kind that its rule
claims is a false alarm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.lake import is_there, literal, objects, quote
from pipelines.truth.crossing import EFFECTS, compare_crossed
from pipelines.truth.matching import compare_matched
from pipelines.truth.report import EXAMPLES, Example, KindLine, RuleRate, TruthReport, batch_of

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from assets.contracts import Column, Contract
    from assets.project import Project

CLAIMED_BY_THE_PATH = ("reject", "refuse", "repeat", "repair")


@dataclass(frozen=True)
class Claim:
    """What a rule says of itself: its expectation type and the fault kinds that it claims to catch."""

    type: str
    kinds: frozenset[str]


def compare(project: Project) -> TruthReport:
    """Compare the sample's truth with the evidence in the lake.

    Raises `FileNotFoundError` where there is no truth (no sample was made) or nothing has been collected yet.
    """
    from assets.lake import one_look, open_lake

    if not truth_file(project).exists():
        raise FileNotFoundError(f"{truth_file(project)}: no sample was made here, so no truth is known. Run `make run` first.")
    with open_lake(project, read_only=True) as con, one_look(con):
        return compare_in(con, project)


def compare_in(con: duckdb.DuckDBPyConnection, project: Project) -> TruthReport:
    """The same on a connection whose default database is the project's lake."""

    report = TruthReport()
    faults = objects(con, f"SELECT * FROM read_parquet({literal(str(truth_file(project)))}) ORDER BY dataset, source, row, kind")
    for dataset in dict.fromkeys(f["dataset"] for f in faults):
        contract = project.contracts.get(dataset)
        if contract is not None:
            own = [f for f in faults if f["dataset"] == dataset and f["effect"] not in EFFECTS]
            _compare_dataset(con, project, contract, own, report)
    compare_crossed(con, project, faults, report)
    compare_matched(con, project, faults, report)
    return report


def truth_file(project: Project) -> Path:
    """Where the sample says what it planted; there is none where no sample was made."""
    return project.home / "sample" / "truth.parquet"


def claims_of(project: Project, contract: Contract) -> dict[str, Claim]:
    """By rule id, what a dataset's rules claim to catch."""
    from assets.called import entries
    from assets.project import CODE
    from expectations.documents import read_document

    paths = [folder / "suites" / contract.suite_path for folder in (project.expectations, CODE / "expectations")]
    suite = next((read_document(path) for path in paths if path.exists()), None)
    rules = [node for _, _, node in entries(contract, suite)]
    return {r["meta"]["id"]: Claim(r["type"], frozenset(r["meta"].get("claims") or ())) for r in rules}


@dataclass
class _Evidence:
    """What the lake says of one dataset."""

    issues: Mapping[tuple[str, int], set[str]]
    rejects: set[tuple[str, int]]
    failed: set[tuple[str, str]]
    """(batch, rule) of failed rules that speak of the whole batch and of no row."""
    quarantined: set[tuple[str, int]]


def _compare_dataset(
    con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, faults: list[dict[str, Any]], report: TruthReport
) -> None:
    claims = claims_of(project, contract)
    claimed_kinds = frozenset[str]().union(*(c.kinds for c in claims.values()))
    for claim in claims.values():
        report.rules.setdefault(claim.type, RuleRate(claim.type)).rules += 1
    batches = objects(
        con, "SELECT batch, source, period, coalesce(unit, '') AS unit, status FROM evidence.batches WHERE dataset = ?", [contract.name]
    )
    located = [(fault, batch_of(fault, batches)) for fault in faults]
    evidence = _evidence(con, contract)
    values = _std_values(con, contract, [(f, b["batch"]) for f, b in located if b and f["effect"] == "repair" and f["row"] is not None])
    lines: dict[tuple[str, str], KindLine] = {}
    excused: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for fault, batch in located:
        if batch is None and fault["effect"] not in ("refuse", "repeat"):
            report.pending += 1
            continue
        claimed = fault["effect"] != "none" and (fault["effect"] in CLAIMED_BY_THE_PATH or fault["kind"] in claimed_kinds)
        key = fault["kind"], fault["effect"]
        line = lines.setdefault(key, KindLine(contract.name, fault["kind"], fault["indicator"], fault["effect"], claimed))
        line.planted += 1
        if batch is not None:
            excused[batch["batch"], fault["row"]].add(fault["kind"])
        caught = batch is not None and _caught(fault, batch, contract, claims, evidence, values)
        if batch is not None and claimed and fault["effect"] not in CLAIMED_BY_THE_PATH:
            _rate(fault, batch, claims, evidence, caught, report)
        if caught:
            line.caught += 1
        elif claimed and len(report.misses) < EXAMPLES:
            report.misses.append(Example(contract.name, fault["kind"], batch["batch"] if batch else fault["source"], fault["row"]))
    report.kinds += sorted(lines.values(), key=lambda k: (k.effect, k.kind))
    found = [(batch, row, rule) for (batch, row), rules in evidence.issues.items() for rule in rules]
    for batch_id, row, rule in sorted([*found, *((b, None, r) for b, r in evidence.failed)], key=str):
        claim = claims.get(rule, Claim("", frozenset()))
        if not claim.kinds & excused.get((batch_id, row), set()):
            report.rules.setdefault(claim.type, RuleRate(claim.type)).false_alarms += 1
            report.false_alarms[contract.name, rule] = report.false_alarms.get((contract.name, rule), 0) + 1
            if len(report.alarms) < EXAMPLES:
                report.alarms.append(Example(contract.name, rule, batch_id, row))


def _caught(
    fault: Mapping[str, Any],
    batch: Mapping[str, Any],
    contract: Contract,
    claims: Mapping[str, Claim],
    evidence: _Evidence,
    values: Mapping[tuple[str, str, int], Any],
) -> bool:
    effect, at = fault["effect"], (batch["batch"], fault["row"])
    if effect in ("refuse", "repeat"):
        return True
    if effect == "reject":
        return at in evidence.rejects
    if effect == "repair":
        if fault["row"] is None:
            return True
        found = values.get((fault["column"], *at), ...)
        return found is not ... and same_value(contract.column(fault["column"]), fault["clean"], found)
    if fault["row"] is None:
        return bool(_catchers(fault, batch, claims, evidence))
    return bool(_catchers(fault, batch, claims, evidence)) and (effect != "quarantine" or at in evidence.quarantined)


def _catchers(fault: Mapping[str, Any], batch: Mapping[str, Any], claims: Mapping[str, Claim], evidence: _Evidence) -> set[str]:
    """The types of the rules that claim the fault's kind and fired at its row (or for its batch)."""
    if fault["row"] is None:
        fired: Iterable[str] = (rule for b, rule in evidence.failed if b == batch["batch"])
    else:
        fired = evidence.issues.get((batch["batch"], fault["row"]), ())
    return {claims[rule].type for rule in fired if rule in claims and fault["kind"] in claims[rule].kinds}


def _rate(
    fault: Mapping[str, Any],
    batch: Mapping[str, Any],
    claims: Mapping[str, Claim],
    evidence: _Evidence,
    caught: bool,
    report: TruthReport,
) -> None:
    catchers = _catchers(fault, batch, claims, evidence)
    for type_ in {c.type for c in claims.values() if fault["kind"] in c.kinds}:
        rate = report.rules[type_]
        rate.planted += 1
        if not caught:
            rate.missed += 1
        elif type_ in catchers:
            rate.caught += 1
        else:
            rate.by_others += 1


def same_value(column: Column, clean: str | None, found: Any) -> bool:
    """Whether a typed value is the one that a department's clean text means."""
    if clean is None or found is None:
        return not clean and found is None
    match column.logical_type:
        case "date":
            return "".join(c for c in clean if c.isdigit())[:8] == f"{found:%Y%m%d}"
        case "timestamp":
            return "".join(c for c in clean if c.isdigit())[:14] == f"{found:%Y%m%d%H%M%S}"
        case "integer" | "number":
            return float(clean) == float(found)
        case _:
            return clean == str(found)


def _evidence(con: duckdb.DuckDBPyConnection, contract: Contract) -> _Evidence:
    issues: dict[tuple[str, int], set[str]] = defaultdict(set)
    for batch, row, rule in con.execute("SELECT batch, row, rule FROM evidence.issues WHERE dataset = ?", [contract.name]).fetchall():
        issues[batch, row].add(rule)
    rejects = con.execute("SELECT batch, row FROM evidence.rejects WHERE dataset = ?", [contract.name]).fetchall()
    failed = con.execute(
        "SELECT DISTINCT batch, rule FROM evidence.results WHERE dataset = ? AND outcome = 'failed' AND unexpected IS NULL", [contract.name]
    ).fetchall()
    table = f"quarantine.{contract.name}"
    kept = con.execute(f"SELECT _batch, _row FROM {quote(table)}").fetchall() if is_there(con, table) else []
    return _Evidence(issues, set(rejects), set(failed), set(kept))


def _std_values(
    con: duckdb.DuckDBPyConnection, contract: Contract, wanted: list[tuple[dict[str, Any], str]]
) -> dict[tuple[str, str, int], Any]:
    """The standard values at (column, batch, row)."""
    table = f"std_batches.{contract.name}"
    found: dict[tuple[str, str, int], Any] = {}
    if not wanted or not is_there(con, table):
        return found
    places = defaultdict(list)
    for fault, batch in wanted:
        places[fault["column"]].append((batch, fault["row"]))
    for column, at in places.items():
        con.execute(
            "CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS batch, unnest(?::BIGINT[]) AS row",
            [[b for b, _ in at], [r for _, r in at]],
        )
        sql = f"SELECT w.batch, w.row, s.{quote(column)} FROM wanted w JOIN {quote(table)} s ON s._batch = w.batch AND s._row = w.row"
        found |= {(column, batch, row): value for batch, row, value in con.execute(sql).fetchall()}
    return found
