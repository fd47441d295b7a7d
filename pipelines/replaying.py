"""A batch standardised and judged again from raw, and runs done again: what came of it, and what follows.

Both are Dagster runs like any other, so that the UI, the logs and the lineage know them; what is built of the data, and what people
read, is brought up to date afterwards. Belongs here: those runs, and what a replay changed. Not here: judging
(`assets.standardise`), what a run says of itself (`pipelines.logs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from assets.lake import is_there, literal, open_lake, quote
from expectations.documents import near
from pipelines.run import Ran, RunSummary, execute_job, only_stopped, run
from pipelines.writer import sole_run

if TYPE_CHECKING:
    import dagster as dg
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project

Progress = Callable[[str, int, int], None]
PARENT, ROOT = "dagster/parent_run_id", "dagster/root_run_id"


@dataclass(frozen=True)
class RuleChange:
    """A rule on the batch: rows that broke it before and now; None where it was not judged, or could not be."""

    rule: str
    before: int | None
    after: int | None


@dataclass(kw_only=True)
class Again:
    """The runs that did something again, and what followed."""

    runs: list[Ran] = field(default_factory=list)
    followed: RunSummary | None = None

    @property
    def exit_code(self) -> int:
        """2: something could not be done; else what followed says."""
        failed = any(r.failure and not only_stopped(r) for r in self.runs)
        return 2 if failed else self.followed.exit_code if self.followed else 0

    def as_json(self) -> dict[str, Any]:
        followed = self.followed.as_json() if self.followed else None
        return {**asdict(self), "followed": followed, "exit_code": self.exit_code}


@dataclass
class Replayed(Again):
    """What judging a batch again changed. `moved_in`: rows that went from quarantine to the standard table, `moved_out` the other way;
    `values`: rows there before and after whose values differ."""

    dataset: str
    batch: str
    rows: int
    standard: tuple[int, int] = (0, 0)
    quarantined: tuple[int, int] = (0, 0)
    moved_in: int = 0
    moved_out: int = 0
    values: int = 0
    rules: list[RuleChange] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.moved_in or self.moved_out or self.values or self.rules)

    def as_json(self) -> dict[str, Any]:
        return {**super().as_json(), "changed": self.changed}


def replay(project: Project, batch: str, *, follow: bool = True, progress: Progress = lambda *_: None) -> Replayed:
    """Standardise and judge a batch again by today's declarations; `follow`: what is built of it too.

    Raises `LookupError` for a batch that the lake does not hold, `LakeBusyError`.
    """
    from pipelines.factories import REPLAY_TAG, STRAYS_TAG, partitions

    with sole_run(project):
        with open_lake(project, read_only=True) as con:
            contract, key, rows = _batch(con, project, batch)
            before = _state(con, contract, batch)
        known = partitions(contract).get_partition_keys()
        tags = {REPLAY_TAG: batch, "dagster/partition": key if key in known else known[-1]}
        tags |= {} if key in known else {STRAYS_TAG: key}
        progress(f"重判 judging {batch} again", 0, 1)
        with _executing(project) as execute:
            ran = execute(f"collect_{contract.name}", tags, [["std", contract.name]])
        with open_lake(project, read_only=True) as con:
            made = _compared(con, contract, batch, before, _state(con, contract, batch), rows)
        made.runs.append(ran)
    if follow and not (ran.failure and not only_stopped(ran)):
        made.followed = run(project, [contract.name], progress=progress, rounds=())
    return made


@dataclass
class Retried(Again):
    """The run that was done again (`of`); `nothing`: no run failed without having been done again."""

    nothing: bool = False
    of: str = ""


def retry(project: Project, run_id: str | None = None, *, progress: Progress = lambda *_: None) -> Retried:
    """Do again what failed of a run: its failed and skipped steps, on its partitions; then what follows.

    By default the newest failed run that nothing has made good since. Raises `LookupError` for an unknown run and for one that did
    not fail, `LakeBusyError`.
    """
    from pipelines.instance import open_instance
    from pipelines.logs import find_run, not_made_good, undone_assets

    with sole_run(project), open_instance(project) as instance:
        record = find_run(instance, run_id) if run_id else not_made_good(instance)
        if record is None:
            return Retried(nothing=True)
        assets = undone_assets(instance, record)
        kept = ("dagster/partition", "dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
        tags = {k: v for k, v in record.tags.items() if k in kept or (k.startswith("yuanqing/") and k not in SAID)}
        tags |= {PARENT: record.run_id, ROOT: record.tags.get(ROOT, record.run_id)}
        progress(f"重做 doing again {record.job_name}", 0, 1)
        with _executing(project, instance) as execute:
            ran = execute(record.job_name, tags, assets)
    made = Retried(of=record.run_id, runs=[ran])
    if not (ran.failure and not only_stopped(ran)):
        made.followed = run(project, progress=progress, rounds=())
    return made


SAID = ("yuanqing/verdict", "yuanqing/problems")
"""Tags that a run puts on itself: what it said, not what it was told."""
Execute = Callable[[str, dict[str, str], "list[list[str]] | None"], Ran]


@contextmanager
def _executing(project: Project, instance: dg.DagsterInstance | None = None) -> Iterator[Execute]:
    from contextlib import nullcontext

    from pipelines.definitions import build_definitions
    from pipelines.instance import open_instance

    definitions = build_definitions(project)
    with open_instance(project) if instance is None else nullcontext(instance) as opened:
        yield lambda job, tags, assets: execute_job(definitions, opened, job, tags, assets)


def _batch(con: duckdb.DuckDBPyConnection, project: Project, batch: str) -> tuple[Contract, str, int]:
    held = "evidence.batches WHERE status IN ('collected', 'standardised')"
    found = con.execute(f"SELECT dataset, partition_key, coalesce(rows_raw, 0) FROM {held} AND batch = ?", [batch]).fetchone()
    if found is None:
        known = [b for (b,) in con.execute(f"SELECT batch FROM {held}").fetchall()]
        raise LookupError(f"没有批次 {batch!r}。 The lake holds no batch of this name. {near(batch, known)}")
    contract = project.contracts.get(found[0])
    if contract is None:
        raise LookupError(f"{batch}: 数据集 {found[0]} 已无契约。 Its dataset {found[0]} has no contract any more.")
    return contract, found[1], found[2]


@dataclass(frozen=True)
class _State:
    """The lake's snapshot, and what stands of the batch in it."""

    snapshot: int
    rules: dict[str, int | None]
    standard: int
    quarantined: int


def _state(con: duckdb.DuckDBPyConnection, contract: Contract, batch: str) -> _State:
    (snapshot,) = con.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone() or (0,)
    rules = dict(
        con.execute(
            "SELECT rule, CASE WHEN outcome <> 'not_assessable' THEN coalesce(unexpected, (outcome = 'failed')::BIGINT) END"
            " FROM evidence.results WHERE batch = ?",
            [batch],
        ).fetchall()
    )
    counts = []
    for table in (f"std_batches.{contract.name}", f"quarantine.{contract.name}"):
        there = is_there(con, table)
        found = con.execute(f"SELECT count(*) FROM {quote(table)} WHERE _batch = ?", [batch]).fetchone() if there else None
        counts.append(found[0] if found else 0)
    return _State(snapshot, rules, *counts)


def _compared(con: duckdb.DuckDBPyConnection, contract: Contract, batch: str, before: _State, after: _State, rows: int) -> Replayed:
    made = Replayed(contract.name, batch, rows, (before.standard, after.standard), (before.quarantined, after.quarantined))
    made.rules = [
        RuleChange(rule, before.rules.get(rule), after.rules.get(rule))
        for rule in sorted({*before.rules, *after.rules})
        if (rule in before.rules) != (rule in after.rules) or before.rules.get(rule) != after.rules.get(rule)
    ]
    table, quarantine = f"std_batches.{quote(contract.name)}", f"quarantine.{quote(contract.name)}"
    then, of = f"AT (VERSION => {before.snapshot})", f"WHERE _batch = {literal(batch)}"
    if not (before.standard or before.quarantined):
        return made

    def count(sql: str) -> int:
        return int((con.execute(sql).fetchone() or (0,))[0])

    in_both = f"(SELECT _row FROM {quarantine} {then} {of} INTERSECT SELECT _row FROM {table} {of})"
    made.moved_in = count(f"SELECT count(*) FROM {in_both}")
    made.moved_out = count(f"SELECT count(*) FROM (SELECT _row FROM {table} {then} {of} INTERSECT SELECT _row FROM {quarantine} {of})")
    old = {d[0] for d in con.execute(f"FROM {table} {then} LIMIT 0").description or ()}
    names = ", ".join(quote(c.name) for c in contract.columns if c.name in old)
    stayed = f"_row IN (SELECT _row FROM {table} {then} {of})"
    made.values = count(
        f"SELECT count(*) FROM (SELECT _row, {names} FROM {table} {of} AND {stayed} EXCEPT SELECT _row, {names} FROM {table} {then} {of})"
    )
    return made
