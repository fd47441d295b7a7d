"""The truth against the evidence: which planted faults the pipeline caught, missed, and where it cried without cause.

Belongs here: that comparison and showing it. Not here: planting (the sample does), rules, the exit code of a command.

A fault is caught when what the truth expects of it stands in the evidence at its row: an issue by a rule that claims its kind
(`meta.claims` of the suite), a reject, a repaired value, a refused or repeated hand-over. A miss counts where some rule claims
the kind, or where the reader or standardising is bound to catch it. An issue at a row without a fault of a kind that its rule
claims is a false alarm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    from rich.console import Console

    from assets.contracts import Column, Contract
    from assets.project import Project

CLAIMED_BY_THE_PATH = ("reject", "refuse", "repeat", "repair")


@dataclass
class KindLine:
    """One planted kind of a dataset. `claimed`: somebody is bound to catch it, so that a miss counts."""

    dataset: str
    kind: str
    indicator: str
    effect: str
    claimed: bool
    planted: int = 0
    caught: int = 0

    @property
    def missed(self) -> int:
        return self.planted - self.caught


@dataclass(frozen=True)
class Example:
    """A miss or a false alarm to look at: `what` is a fault kind (miss) or a rule (false alarm)."""

    dataset: str
    what: str
    batch: str
    row: int | None


@dataclass
class TruthReport:
    """`pending` counts faults of hand-overs that are not collected yet; they are in no other count."""

    kinds: list[KindLine] = field(default_factory=list)
    false_alarms: dict[tuple[str, str], int] = field(default_factory=dict)
    misses: list[Example] = field(default_factory=list)
    alarms: list[Example] = field(default_factory=list)
    pending: int = 0

    @property
    def ok(self) -> bool:
        """No false alarm, and no miss of a kind that is claimed."""
        return not self.false_alarms and not any(k.missed and k.claimed for k in self.kinds)

    def total(self, name: str) -> int:
        return sum(getattr(k, name) for k in self.kinds)

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return {
            "ok": self.ok,
            "planted": self.total("planted"),
            "caught": self.total("caught"),
            "missed": self.total("missed"),
            "missed_claimed": sum(k.missed for k in self.kinds if k.claimed),
            "false_alarms": sum(self.false_alarms.values()),
            "pending": self.pending,
            "kinds": [{**asdict(k), "missed": k.missed} for k in self.kinds],
            "false_alarms_by_rule": [{"dataset": d, "rule": r, "rows": n} for (d, r), n in sorted(self.false_alarms.items())],
            "examples_missed": [asdict(e) for e in self.misses],
            "examples_false": [asdict(e) for e in self.alarms],
        }


EXAMPLES = 20


def compare(project: Project) -> TruthReport:
    """Compare the sample's truth with the evidence in the lake.

    Raises `FileNotFoundError` where there is no truth (no sample was made) or nothing has been collected yet.
    """
    from assets.lake import open_lake

    if not _path(project).exists():
        raise FileNotFoundError(f"{_path(project)}: no sample was made here, so no truth is known. Run `make run` first.")
    with open_lake(project, read_only=True) as con:
        return compare_in(con, project)


def compare_in(con: duckdb.DuckDBPyConnection, project: Project) -> TruthReport:
    """The same on a connection whose default database is the project's lake."""
    from assets.lake import literal

    report = TruthReport()
    faults = _rows(con, f"SELECT * FROM read_parquet({literal(str(_path(project)))}) ORDER BY dataset, source, row, kind")
    for dataset in dict.fromkeys(f["dataset"] for f in faults):
        contract = project.contracts.get(dataset)
        if contract is not None:
            _compare_dataset(con, project, contract, [f for f in faults if f["dataset"] == dataset], report)
    return report


def _path(project: Project) -> Path:
    return project.data / "sample" / "truth.parquet"


def claims_of(project: Project, contract: Contract) -> dict[str, frozenset[str]]:
    """By rule id, the kinds of fault that a dataset's rules claim to catch."""
    from assets.project import CODE
    from expectations.documents import read_document

    path = project.expectations / "suites" / contract.suite_path
    if not path.exists():
        path = CODE / "expectations" / "suites" / contract.suite_path
    if not path.exists():
        return {}
    rules = read_document(path).data.get("expectations") or []
    return {r["meta"]["id"]: frozenset(r["meta"].get("claims") or ()) for r in rules}


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
    claimed_kinds = frozenset[str]().union(*claims.values())
    batches = _rows(
        con, "SELECT batch, source, period, coalesce(unit, '') AS unit, status FROM evidence.batches WHERE dataset = ?", contract.name
    )
    located = [(fault, _batch_of(fault, batches)) for fault in faults]
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
        if batch is not None and _caught(fault, batch, contract, claims, evidence, values):
            line.caught += 1
        elif claimed and len(report.misses) < EXAMPLES:
            report.misses.append(Example(contract.name, fault["kind"], batch["batch"] if batch else fault["source"], fault["row"]))
    report.kinds += sorted(lines.values(), key=lambda k: (k.effect, k.kind))
    found = [(batch, row, rule) for (batch, row), rules in evidence.issues.items() for rule in rules]
    for batch_id, row, rule in sorted([*found, *((b, None, r) for b, r in evidence.failed)], key=str):
        if not claims.get(rule, frozenset()) & excused.get((batch_id, row), set()):
            report.false_alarms[contract.name, rule] = report.false_alarms.get((contract.name, rule), 0) + 1
            if len(report.alarms) < EXAMPLES:
                report.alarms.append(Example(contract.name, rule, batch_id, row))


def _batch_of(fault: Mapping[str, Any], batches: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The batch that a fault's hand-over became: by the file's name, else by period and unit (tables and interfaces)."""
    same = [b for b in batches if b["period"] == fault["period"]]
    by_name = [b for b in same if str(b["source"]).rpartition("/")[2] == fault["source"]]
    if fault["effect"] in ("refuse", "repeat"):
        wanted = {"refuse": "refused", "repeat": "repeated"}[fault["effect"]]
        return next((b for b in by_name if b["status"] == wanted), None)
    good = [b for b in by_name or same if b["status"] in ("collected", "standardised") and b["unit"] == (fault["unit"] or "")]
    # a file's name that no batch bears is a hand-over that was not collected, unless names say nothing here
    return good[0] if good and (by_name or "." not in fault["source"]) else None


def _caught(
    fault: Mapping[str, Any],
    batch: Mapping[str, Any],
    contract: Contract,
    claims: Mapping[str, frozenset[str]],
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
        return any(fault["kind"] in claims.get(rule, ()) for b, rule in evidence.failed if b == batch["batch"])
    named = any(fault["kind"] in claims.get(rule, ()) for rule in evidence.issues.get(at, ()))
    return named and (effect != "quarantine" or at in evidence.quarantined)


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
    from assets.lake import columns_of, quote

    issues: dict[tuple[str, int], set[str]] = defaultdict(set)
    for batch, row, rule in con.execute("SELECT batch, row, rule FROM evidence.issues WHERE dataset = ?", [contract.name]).fetchall():
        issues[batch, row].add(rule)
    rejects = con.execute("SELECT batch, row FROM evidence.rejects WHERE dataset = ?", [contract.name]).fetchall()
    failed = con.execute(
        "SELECT DISTINCT batch, rule FROM evidence.results WHERE dataset = ? AND outcome = 'failed' AND unexpected IS NULL", [contract.name]
    ).fetchall()
    table = f"quarantine.{contract.name}"
    kept = con.execute(f"SELECT _batch, _row FROM {quote(table)}").fetchall() if columns_of(con, table) else []
    return _Evidence(issues, set(rejects), set(failed), set(kept))


def _std_values(
    con: duckdb.DuckDBPyConnection, contract: Contract, wanted: list[tuple[dict[str, Any], str]]
) -> dict[tuple[str, str, int], Any]:
    """The standard values at (column, batch, row)."""
    from assets.lake import columns_of, quote

    table = f"std_batches.{contract.name}"
    found: dict[tuple[str, str, int], Any] = {}
    if not wanted or not columns_of(con, table):
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


def _rows(con: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[dict[str, Any]]:
    found = con.execute(sql, list(values))
    names = [c[0] for c in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def render(report: TruthReport, console: Console) -> None:
    """Print a line for each planted kind, the false alarms, and a verdict."""
    from rich.table import Table

    table = Table(title="埋设的错误与发现 · planted faults and findings", header_style="bold")
    for name in ("dataset", "kind", "indicator", "expected"):
        table.add_column(name)
    for name in ("planted", "caught", "missed"):
        table.add_column(name, justify="right")
    before = None
    for k in report.kinds:
        if before not in (None, k.dataset):
            table.add_section()
        style = "red" if k.missed and k.claimed else "dim" if not k.claimed else None
        table.add_row(
            k.dataset if before != k.dataset else "",
            k.kind,
            k.indicator,
            k.effect if k.claimed else "not claimed",
            *map(str, (k.planted, k.caught, k.missed)),
            style=style,
        )
        before = k.dataset
    table.add_section()
    table.add_row("all", "", "", "", *(str(report.total(n)) for n in ("planted", "caught", "missed")), style="bold")
    console.print(table)
    for (dataset, rule), rows in sorted(report.false_alarms.items()):
        console.print(f"[red]false alarm[/red] {dataset}: {rule} at {rows} rows without a fault that it claims")
    for what, examples in (("missed", report.misses), ("false alarm", report.alarms)):
        for e in examples[:5]:
            console.print(f"  {what}: {e.dataset} {e.what} in {e.batch}" + (f", row {e.row}" if e.row is not None else ""), style="dim")
    if report.pending:
        console.print(f"{report.pending} faults are in hand-overs that are not collected yet.")
    claimed = sum(k.missed for k in report.kinds if k.claimed)
    alarms = sum(report.false_alarms.values())
    verdict = "[green]agrees[/green]" if report.ok else "[red]does not agree[/red]"
    counts = f"{report.total('caught')} of {report.total('planted')} caught, {claimed} missed that are claimed, {alarms} false alarms."
    console.print(f"{verdict}: {counts}")
