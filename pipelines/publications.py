"""Publications: which files of reports a run published, from which state of the lake, by which declarations and program.

Belongs here: the row of `evidence.publications`, and finding one again. Not here: publishing (`pipelines.results`), making a
publication again (`pipelines.rebuilding`).
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from assets import evidence
from assets.lake import columns_of, is_there, objects, quote
from expectations.documents import near
from pipelines.ledger import version_of

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

PARTS = ("pipelines", "assets", "expectations")
CODE_FILES = (".py", ".html", ".css", ".js")
_LOCKED = b"\xd0\xcf\x11\xe0"
"""How an encrypted workbook begins."""
WRITERS = ("yuanqing", "duckdb", "jinja2", "xlsxwriter")


class PublicationError(LookupError):
    """A publication that is not known, or can no longer be made again: which, and why."""


@dataclass(frozen=True)
class Publication:
    """What was published: `files` holds by path below the reports' folder the SHA-256 of each; None where no reports were made."""

    run_id: str
    at: datetime
    snapshot: int
    declarations: str
    base_url: str | None
    program: dict[str, str | None]
    files: dict[str, str] | None = None
    anchor: str | None = None

    def with_files(self, project: Project, written: Iterable[Path]) -> Publication:
        """The same with the reports that were written for it."""
        return replace(self, files=digests(project, project.reports, written))


def begun(con: duckdb.DuckDBPyConnection, project: Project, run_id: str) -> Publication:
    """The publication whose results stand in `project.results`, made by `run_id`; keeps the declarations of now."""
    from assets.declarations import keep
    from pipelines import anchors
    from pipelines.results import connect_results

    mark = keep(con, project, run_id)
    with connect_results(project) as results:
        at, snapshot = results.execute("SELECT published_at, snapshot FROM published").fetchone() or (None, None)
        anchor = anchors.written(anchors.published(results))
    assert at is not None
    assert snapshot is not None
    return Publication(run_id, at, snapshot, mark, project.reports_url, program() | truth(project), anchor=anchor)


def is_outdated(con: duckdb.DuckDBPyConnection, project: Project) -> bool:
    """Whether what was published last was made by another program, other declarations or settings, or for another address."""
    from assets.declarations import current

    if not {"declarations", "base_url", "program"} <= (columns_of(con, "evidence.publications") or {}).keys():
        return False
    newest = objects(con, "SELECT declarations, base_url, program FROM evidence.publications ORDER BY published_at DESC LIMIT 1")
    if not newest:
        return False
    (made,) = newest
    by_this_program = program().items() <= json.loads(made["program"]).items()
    return not by_this_program or (made["declarations"], made["base_url"]) != (current(project), project.reports_url)


def of_past(project: Project, column: str) -> str | None:
    """What a column of `evidence.publications` says of the publication that a project of the past is looked at from; None where nothing
    was published then, or the lake does not know the column yet."""
    from assets.lake import open_lake
    from assets.project import Project

    assert project.past is not None
    with open_lake(Project(project.root, project.past.home), read_only=True) as con:  # as it is now: the row came after the snapshot
        if column not in (columns_of(con, "evidence.publications") or {}):
            return None
        row = con.execute(f"SELECT {quote(column)} FROM evidence.publications WHERE published_at = ?", [project.past.at]).fetchone()
    return row[0] if row else None


def note(con: duckdb.DuckDBPyConnection, made: Publication) -> None:
    """Write the publication down, in place of an earlier row of the same run; within the transaction of the run's row."""
    con.execute("DELETE FROM evidence.publications WHERE run_id = ?", [made.run_id])
    row = {
        "run_id": made.run_id,
        "published_at": made.at,
        "snapshot": made.snapshot,
        "declarations": made.declarations,
        "base_url": made.base_url,
        "program": json.dumps(made.program),
        "files": None if made.files is None else json.dumps(made.files, sort_keys=True),
        "anchor": made.anchor,
    }
    evidence.write(con, "publications", [row])


def find(con: duckdb.DuckDBPyConnection, spoken: str) -> Publication:
    """The publication of a run (its id or the beginning of it), or that of a snapshot, by the number that its pages bear.

    Raises `PublicationError` for none and for several.
    """
    if not is_there(con, "evidence.publications"):
        raise PublicationError("no publication is written down in this lake yet. Run `yuanqing publish`, then it can be made again.")
    is_number = spoken.isdecimal() and len(spoken) < 8
    found = objects(
        con,
        f"FROM evidence.publications WHERE {'snapshot = ?' if is_number else 'starts_with(run_id, ?)'} ORDER BY published_at DESC",
        [int(spoken) if is_number else spoken],
    )
    if is_number:
        found = found[:1]  # several that were made from one state say the same but for the time
    if len(found) == 1:
        row = found[0]
        files = json.loads(row["files"]) if row["files"] else None
        return Publication(
            row["run_id"],
            row["published_at"],
            row["snapshot"],
            row["declarations"],
            row["base_url"],
            json.loads(row["program"]),
            files,
            row.get("anchor"),
        )
    if found:
        runs = ", ".join(row["run_id"] for row in found[:5])
        raise PublicationError(f"{spoken!r} is the beginning of {len(found)} runs that published: {runs}. Give more of it.")
    raise PublicationError(_unknown(con, spoken, is_number=is_number))


def _unknown(con: duckdb.DuckDBPyConnection, spoken: str, *, is_number: bool) -> str:
    """Why there is no such publication."""
    known = con.execute("SELECT run_id, snapshot, published_at FROM evidence.publications ORDER BY published_at DESC LIMIT 200").fetchall()
    newest = "; ".join(f"{run} (snapshot {number}, {at:%Y-%m-%d %H:%M})" for run, number, at in known[:3]) or "none yet"
    if is_number:
        return f"nothing was published from snapshot {spoken}. The newest publications: {newest}."
    run = con.execute(
        "SELECT command, started_at FROM evidence.runs WHERE starts_with(run_id, ?) ORDER BY started_at DESC LIMIT 1", [spoken]
    ).fetchone()
    if run is None:
        return f"no run {spoken!r} has published. {near(spoken, [r for r, *_ in known])}"
    command, started = run
    later = con.execute(
        "SELECT run_id FROM evidence.publications WHERE published_at >= ? ORDER BY published_at LIMIT 1", [started]
    ).fetchone()
    after = f" The next one that did: {later[0]}." if later else f" The newest publications: {newest}."
    if command == "publish":
        return f"the run {spoken} published before publications were written down, so its declarations are not known.{after}"
    return f"the run {spoken} ({command}) has published nothing.{after}"


def digests(project: Project, folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """By path below `folder`, the SHA-256 of each file; of a locked workbook, that of what it holds, as no two locks are alike."""
    return {path.relative_to(folder).as_posix(): hashlib.sha256(_content(project, folder, path)).hexdigest() for path in sorted(files)}


def _content(project: Project, folder: Path, path: Path) -> bytes:
    """The file's bytes; of a workbook that its department's password opens, the bytes within."""
    from assets.secrets import SecretError

    data = path.read_bytes()
    if path.suffix == ".xlsx" and data.startswith(_LOCKED):
        from pipelines.workbooks.errors import WorkbookError
        from pipelines.workbooks.locking import password_of, unlocked

        department = path.relative_to(folder).parts[0]
        try:
            if password := password_of(project, department):
                return unlocked(data, {department: password}, path.name)[0]
        except (SecretError, WorkbookError):
            pass  # it is what it is
    return data


def truth(project: Project) -> dict[str, str | None]:
    """A digest of what a sample says it planted, as `truth`; nothing where there is no sample."""
    from pipelines.truth import truth_file

    path = truth_file(project)
    if not path.exists():
        return {}
    with path.open("rb") as file:  # of a province, hundreds of megabytes
        return {"truth": hashlib.file_digest(file, "sha256").hexdigest()[:16]}


@cache
def program() -> dict[str, str | None]:
    """A digest of the program's own files, templates among them, and the versions of what writes reports."""
    from assets.project import CODE

    whole = hashlib.sha256()
    for part in PARTS:
        for path in sorted(p for p in (CODE / part).rglob("*") if p.suffix in CODE_FILES):
            whole.update(path.relative_to(CODE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return {"files": whole.hexdigest()[:16], "python": platform.python_version(), **{name: version_of(name) for name in WRITERS}}
