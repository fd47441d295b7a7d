"""Any past report again: the reports of an old run made anew, and held against what was published then, file by file.

The declarations of that time come from the lake (`assets.declarations`), the rows from its snapshot, the clock stands at the time of
the publication. A state that nothing was published from can be looked at too (`look_back`), by the declarations of now. Belongs here:
making and comparing. Not here: what a publication is (`pipelines.publications`), which snapshots stay (`pipelines.expiring`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.project import Past, Project
from pipelines.publications import Publication, PublicationError, digests, find, program, truth

if TYPE_CHECKING:
    import duckdb

DECLARATIONS, REPORTS = "declarations", "reports"
_OURS = {DECLARATIONS, REPORTS, "results.duckdb", "scratch", "journal"}
TEXTS = (".html", ".yaml", ".jsonld", ".ttl")
LINES = 3
AROUND = 60
"""Characters of a line that are shown before its first difference, and twice as many after."""

Line = tuple[int, str, str]
"""Number of a line, what was published, and what there is instead."""


@dataclass(frozen=True)
class Differing:
    """A file that is not what was published. `what`: rebuilt (made anew it is another), missing (not made any more), new (not
    published then), at_hand (the file where reports lie is not what was published). `lines` are empty where no text can tell."""

    file: str
    what: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Rebuilt:
    """`same`: files that are the same, byte for byte; `at_hand`: files of that publication that lay at hand, and where they lay.

    `program` tells what of the program is another than then; `compared` is false where no list of files was kept;
    `lacking` says which workbooks lack their password.
    """

    publication: Publication
    folder: Path
    declarations: int
    same: int
    at_hand: int
    place: Path | None
    differing: tuple[Differing, ...]
    program: Mapping[str, tuple[str | None, str | None]]
    compared: bool
    lacking: str = ""

    @property
    def index(self) -> Path:
        return self.folder / REPORTS / "index.html"

    @property
    def exit_code(self) -> int:
        return 1 if self.differing else 0

    def as_json(self) -> dict[str, Any]:
        made = self.publication
        return {
            "run": made.run_id,
            "published_at": made.at,
            "snapshot": made.snapshot,
            "folder": str(self.folder),
            "declarations": self.declarations,
            "compared": self.compared,
            "same": self.same,
            "at_hand": self.at_hand,
            "differing": [asdict(d) for d in self.differing],
            "lacking": self.lacking,
            "program": {name: {"then": then, "now": now} for name, (then, now) in self.program.items()},
        }


def rebuild(project: Project, spoken: str, to: Path | None = None, against: Path | None = None) -> Rebuilt:
    """Make the reports of a run again in `to` (default `data/past/<run>`) and compare them with what was published.

    `spoken` is a run's id, the beginning of it, or the snapshot number that its pages bear. `against` is a folder with reports that
    claim to be of that run, by default the present reports where they are. Raises `PublicationError` for a run that published nothing
    or whose snapshot is gone, `DeclarationsError`, `FileNotFoundError` where there is no lake, `FileExistsError` for a folder in use.
    """
    from assets.declarations import restore
    from assets.lake import open_lake

    with _told(spoken):
        with open_lake(project, read_only=True) as con:
            made = find(con, spoken)
            _still_there(con, made)
            folder = _emptied(to or project.data / "past" / made.run_id)
            kept = restore(con, made.declarations, folder / DECLARATIONS)
        past = Project(folder / DECLARATIONS, folder, past=Past(project.data, made.snapshot, made.at))
        anew, lacking = _made(past, made)
    place = against or (project.reports if _present(project) == made.at else None)
    differing, same, at_hand = _compared(past, made, anew, place)
    now = program() | truth(project)
    changed = {name: (then, now.get(name)) for name, then in made.program.items() if then != now.get(name)}
    return Rebuilt(made, folder, kept, same, at_hand, place, tuple(differing), changed, made.files is not None, lacking)


def look_back(project: Project, snapshot: int) -> Path:
    """The reports as they would have been made when the lake stood at a snapshot, with the standard of that time and the declarations of
    now, in `data/past/<snapshot>`; gives their index. The clock stands at the time of the snapshot.

    Raises `LookupError` for a snapshot that is not there, `FileNotFoundError` where there is no lake, `FileExistsError` for a folder in
    use.
    """
    from assets.lake import is_there, open_lake
    from pipelines.reports import build_reports
    from pipelines.results import publish

    with open_lake(project, snapshot=snapshot) as con:
        if not is_there(con, "evidence.batches"):
            raise LookupError(
                f"at snapshot {snapshot} nothing had been collected yet. `yuanqing sql \"FROM ducklake_snapshots('lake')\"` lists all."
            )
        (seconds,) = con.execute(
            "SELECT epoch(snapshot_time) FROM ducklake_snapshots('lake') WHERE snapshot_id = ?", [snapshot]
        ).fetchone() or (0,)
    folder = _emptied(project.data / "past" / str(snapshot))
    past = Project(project.root, folder, past=Past(project.data, snapshot, datetime.fromtimestamp(seconds)))
    publish(past)
    build_reports(past, past.reports_url)
    return past.reports / "index.html"


def _still_there(con: duckdb.DuckDBPyConnection, made: Publication) -> None:
    """Raise `PublicationError` where the snapshot is gone."""
    if con.execute("SELECT 1 FROM ducklake_snapshots('lake') WHERE snapshot_id = ?", [made.snapshot]).fetchone() is None:
        raise PublicationError(
            f"run {made.run_id} published from snapshot {made.snapshot}, which is no longer in the lake. `yuanqing expire` keeps what was"
            " published, so it was let go by other means. Restore the data folder from a backup of that time to make its reports again."
        )


def _emptied(folder: Path) -> Path:
    """The folder, with nothing in it. Only what an earlier rebuild left is taken away: raises `FileExistsError` for anything else."""
    if folder.exists():
        strange = [p.name for p in folder.iterdir() if p.name not in _OURS] if folder.is_dir() else [folder.name]
        if strange:
            raise FileExistsError(
                f"{folder}: holds {', '.join(sorted(strange)[:3])}, which no rebuild made. Empty it; `rebuild --to` takes another."
            )
        for name in _OURS:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _made(past: Project, made: Publication) -> tuple[dict[str, str], str]:
    """Publish again; gives the digests of the reports, and which could not be made for want of a department's password."""
    from assets.secrets import SecretError
    from pipelines.reports import build_reports
    from pipelines.results import publish

    publish(past)
    lacking = ""
    try:
        build_reports(past, base_url=made.base_url)
    except SecretError as error:
        lacking = str(error)
    return digests(past, past.reports, (path for path in past.reports.rglob("*") if path.is_file())), lacking


@contextmanager
def _told(spoken: str) -> Iterator[None]:
    """A file of the lake that is gone from the disk is told as such."""
    import duckdb

    try:
        yield
    except duckdb.IOException as error:
        told = str(error).partition("\n")[0]
        raise PublicationError(f"{spoken} cannot be made again: {told}. Restore the lake's files from a backup.") from None


def _present(project: Project) -> datetime | None:
    """When the reports that lie in `project.reports` were published."""
    from pipelines.results import connect_results

    if not project.results.exists():
        return None
    with connect_results(project) as results:
        (at,) = results.execute("SELECT published_at FROM published").fetchone() or (None,)
    return at if isinstance(at, datetime) else None


def _compared(past: Project, made: Publication, anew: Mapping[str, str], place: Path | None) -> tuple[list[Differing], int, int]:
    """What differs, how many files are the same, and how many lay at hand."""
    folder = past.reports
    then = made.files if made.files is not None else {}
    lying = {file: place / file for file in then if (place / file).is_file()} if place else {}
    found = digests(past, place, lying.values()) if place else {}
    differing = []
    for file in sorted(then.keys() | (anew.keys() if made.files is not None else set())):
        if file not in anew:
            differing.append(Differing(file, "missing"))
        elif file not in then:
            differing.append(Differing(file, "new"))
        elif anew[file] != then[file]:
            old = lying[file] if found.get(file) == then[file] else None
            differing.append(Differing(file, "rebuilt", _lines(old, folder / file) if old else ()))
        if file in found and found[file] != then[file]:
            right = folder / file if anew.get(file) == then[file] else None
            differing.append(Differing(file, "at_hand", _lines(right, lying[file]) if right else ()))
    same = sum(anew.get(file) == digest for file, digest in then.items())
    return differing, same, len(lying)


def _lines(old: Path, new: Path) -> tuple[Line, ...]:
    """The first lines in which two text files differ, around the first difference in each."""
    if old.suffix not in TEXTS:
        return ()
    sides = [path.read_text(encoding="utf-8", errors="replace").splitlines() for path in (old, new)]
    found: list[Line] = []
    for number, (was, now) in enumerate(zip_longest(*sides, fillvalue=""), 1):
        if was != now:
            at = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
            first = max(0, at - AROUND)
            found.append((number, was[first : at + 2 * AROUND], now[first : at + 2 * AROUND]))
            if len(found) == LINES:
                break
    return tuple(found)
