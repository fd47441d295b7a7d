"""Snapshots of the lake that nobody needs any more: which those are, and letting them go with the files that only they use.

A snapshot goes when it is older than the policy (`keep_days` of `yuanqing.toml`) and nothing points to it. What points is listed in
`pointers`. Belongs here: that choice, and the act. Not here: DuckLake's own bookkeeping of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from assets import evidence
from assets.lake import columns_of, is_there, quote

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

WHY = {
    "present": ("当前状态", "the present state"),
    "report": ("已发布的报告", "reports that were published from it"),
    "issue": ("未了结的问题", "issues that were found in it and stand"),
    "waiver": ("豁免", "waivers that were given on what it showed"),
    "increment": ("下次增量", "the next increment begins after it"),
    "named": ("证据", "evidence that names it"),
}
"""Why a snapshot is kept, in the order in which it is told."""
_OWN = frozenset({"publications", "league_publications", "builds", "matchings"})
"""Evidence whose column `snapshot` is looked at by itself: not each row of it holds a snapshot."""


@dataclass(frozen=True)
class Expired:
    """What went, or would go (`dry`): snapshot numbers with the first and last time, and files taken from the disk.

    `kept` counts by reason the snapshots older than `before` that stay; one with several reasons counts under each.
    """

    before: datetime
    dry: bool
    snapshots: tuple[int, ...]
    kept: Mapping[str, int]
    files: int
    left: int

    def as_json(self) -> dict[str, Any]:
        return {
            "before": self.before,
            "dry_run": self.dry,
            "expired": len(self.snapshots),
            "snapshots": list(self.snapshots),
            "kept": dict(self.kept),
            "files": self.files,
            "left": self.left,
        }


def expire(project: Project, run_id: str, days: int | None = None, *, dry: bool = False) -> Expired:
    """Let snapshots go that are older than `days` (by default the policy) and that nothing points to; `dry` only tells.

    The run is written down before. Raises `LakeBusyError` where a run writes, `FileNotFoundError` where there is no lake.
    """
    from assets.lake import open_lake
    from pipelines.ledger import record

    days = project.settings.snapshots.keep_days if days is None else days
    with open_lake(project, read_only=True):
        pass  # a lake is not made by this
    started = project.now()
    before = started - timedelta(days=days)
    with open_lake(project, read_only=dry) as con:
        found = con.execute(
            "SELECT snapshot_id FROM ducklake_snapshots('lake') WHERE epoch(snapshot_time) < ?", [before.timestamp()]
        ).fetchall()
        old = {number for (number,) in found}
        points = pointers(con, project)
        kept = {why: len(old & points[why]) for why in WHY if old & points[why]}
        going = sorted(old.difference(*points.values()))
        files = 0
        if going and not dry:
            command = f"expire --older-than {days}"
            record(con, project, run_id, command, started, "passed", [f"snapshots {text}" for text in ranges(going)])
            con.execute(f"CALL ducklake_expire_snapshots('lake', versions => [{', '.join(map(str, going))}])")
            files = len(con.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)").fetchall())
        (left,) = con.execute("SELECT count(*) FROM ducklake_snapshots('lake')").fetchone() or (0,)
    return Expired(before, dry, tuple(going), kept, files, left)


def pointers(con: duckdb.DuckDBPyConnection, project: Project) -> dict[str, set[int]]:
    """By reason (`WHY`), the snapshots that must stay."""

    def ask(sql: str, *values: Any) -> set[int]:
        return {number for (number,) in con.execute(sql, list(values)).fetchall() if number is not None}

    def there(table: str) -> bool:
        return is_there(con, f"evidence.{table}")

    found = {why: set[int]() for why in WHY}
    found["present"] = ask("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")
    for table in ("publications", "league_publications"):
        if there(table):
            found["report"] |= ask(f"SELECT snapshot FROM evidence.{quote(table)}")
    if there("results") and there("issues"):
        found["issue"] = ask(_ISSUES.format(batches=_batches(there("tickets"))))
    for day in _granted(project):
        ended = datetime.combine(day + timedelta(days=1), datetime.min.time()).timestamp()  # local, as officers write dates
        found["waiver"] |= ask("SELECT max(snapshot_id) FROM ducklake_snapshots('lake') WHERE epoch(snapshot_time) < ?", ended)
    for table in ("builds", "matchings"):
        if there(table):  # the change feed begins at the snapshot after the one that was read
            newest = ask(f"SELECT max(snapshot) FROM evidence.{quote(table)} GROUP BY dataset")
            found["increment"] |= newest | {number + 1 for number in newest}
    for table in evidence.TABLES:
        if table not in _OWN and "snapshot" in (columns_of(con, f"evidence.{table}") or {}):
            found["named"] |= ask(f"SELECT DISTINCT snapshot FROM evidence.{quote(table)}")
    return found


# The last snapshot of each run that judged a batch whose issues are open.
_ISSUES = """
    WITH judged AS (SELECT DISTINCT run_id FROM evidence.results WHERE outcome = 'failed' AND batch IN ({batches}))
    SELECT max(snapshot_id) FROM ducklake_snapshots('lake')
    WHERE json_extract_string(commit_extra_info, '$.run') IN (SELECT run_id FROM judged)
    GROUP BY json_extract_string(commit_extra_info, '$.run')"""


def _batches(followed: bool) -> str:
    """SQL of the batches that issues point to: the first and last hand-over that shows an open one, and any not followed yet."""
    every = "SELECT batch FROM evidence.issues"
    if not followed:
        return every
    return f"""SELECT unnest([first_batch, last_batch]) FROM evidence.tickets WHERE outcome = 'open'
        UNION {every} WHERE batch NOT IN (SELECT batch FROM evidence.settled)"""


def _granted(project: Project) -> list[date]:
    """The first day of every waiver, of the file and of the journal."""
    from pipelines.issues.waiving import all_waivers
    from pipelines.rulebook import read_rules, ticketed

    rules = {(r.dataset, r.id) for r in [*read_rules(project), *ticketed(project)]}
    return sorted({w.valid_from for w in all_waivers(project, rules, project.now())})


def ranges(numbers: Iterable[int]) -> list[str]:
    """Numbers in order as `3-7`, `9`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(a) if a == b else f"{a}-{b}" for a, b in found]
