"""The runs' own account in the lake: what ran, on which declarations, with which verdict, and what is out of date since.

Belongs here: rows of `evidence.runs` and what can be told from them. Not here: Dagster's event log, results of rules.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from assets import evidence
from assets.declarations import BUILT_BY
from assets.lake import one_look, transaction

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project
    from pipelines.publications import Publication

READ = ("results", "reports")
"""What people read: made from the lake alone, and judges nothing."""


def declarations(project: Project) -> str:
    """A digest of every contract, check, page, suite, code table and model: what a table was built by."""
    digest = hashlib.sha256()
    for name, patterns in BUILT_BY.items():
        folder = project.root / name
        for path in sorted(p for pattern in patterns for p in folder.rglob(pattern)):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def record(
    con: duckdb.DuckDBPyConnection,
    project: Project,
    run_id: str,
    command: str,
    started_at: datetime,
    verdict: str,
    done: list[str],
    published: Publication | None = None,
    loaded: str | None = None,
) -> None:
    """Write the run's row, and what it has published, in place of earlier ones of the same run. `done` names what it made.

    `loaded` is the digest of the `declarations` that the run was defined by. Where they are others now, nothing is up to date by it:
    some of its steps may have read the one, some the other.
    """
    from pipelines.publications import note

    versions = {name: version_of(name) for name in ("yuanqing", "duckdb", "dagster", "sqlglot")}
    with transaction(con, run_id, f"run {command}: {verdict}"):
        con.execute("DELETE FROM evidence.runs WHERE run_id = ?", [run_id])
        row = {
            "run_id": run_id,
            "command": command,
            "started_at": started_at,
            "ended_at": datetime.now(),
            "verdict": verdict,
            "versions": json.dumps({**versions, "declarations": loaded if loaded == declarations(project) else None, "done": done}),
        }
        evidence.write(con, "runs", [row])
        if published is not None:
            note(con, published)


def version_of(name: str) -> str | None:
    """The version of an installed package; None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def stale(con: duckdb.DuckDBPyConnection, project: Project, names: list[str]) -> list[str]:
    """Of `names` (tables, `results`, ...), those that were not made since the last batch was taken in, or last by other declarations."""
    with one_look(con):
        (since,) = con.execute(
            "SELECT greatest(max(standardised_at), max(collected_at)) FROM evidence.batches WHERE status <> 'repeated'"
        ).fetchone() or (None,)
        rows = con.execute("SELECT versions FROM evidence.runs WHERE started_at >= ? ORDER BY ended_at", [since]).fetchall()
    if since is None:
        return []
    made_by: dict[str, str | None] = {}
    for (versions,) in rows:
        said = json.loads(versions or "{}")
        made_by |= dict.fromkeys(said.get("done", ()), said.get("declarations"))
    now = declarations(project)
    return [name for name in names if made_by.get(name) != now]
