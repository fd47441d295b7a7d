"""Workbooks that departments put back into their folder, `data/returned/<department>/`: each is taken once, by its content.

The folder is theirs: nothing in it is moved or changed, a receipt is put beside each file. What became of a file is an entry `workbook`
of the journal, so one that was refused is not read again and again; another content, or who asks for it, has it read anew. What stands
in the way of reading and is no fault of the file (no password to be had, nothing published, somebody at work) is told and tried again.

Belongs here: finding files, the order of things, remembering. Not here: reading one (`reading`), writing claims down (`taking`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.workbooks.errors import WorkbookError
from pipelines.workbooks.receipts import KINDS, RECEIPT, REMARKS, Reading, receipt

if TYPE_CHECKING:
    from assets.project import Project
    from pipelines.journal import Entry

WHAT = "workbook"
STATES = {
    "waiting": ("待读", "to be read"),
    "taken": ("已采用", "taken"),
    "partly": ("部分采用", "taken in part"),
    "refused": ("未采用", "not taken"),
    "stray": ("无人读取", "read by nobody"),
}
QUIET = 2.0
"""Seconds that a file must have been left alone: younger ones are still being written."""
WAIT = 600
"""Seconds that a process waits for another one that reads them."""
_OURS = (".", "~$")
"""How names begin that are no workbooks: hidden ones, and what Excel and WPS put beside an open file."""


@dataclass(frozen=True)
class Returned:
    """A file in a department's folder and what became of it: a key of `STATES`, when, how many tickets were taken, how many answers
    were not, and why."""

    department: str
    file: str
    state: str
    at: str = ""
    tickets: int = 0
    refused: int = 0
    reason: str = ""


@dataclass(frozen=True)
class _Content:
    """A file's content as it was found: where, its digest, and size and time of change from before it was read."""

    path: Path
    digest: str
    bytes: int
    changed: int


def look(project: Project, department: str = "") -> list[Returned]:
    """Every file that lies there (in one department's folder), and what became of it; reads no workbook and changes nothing."""
    known = _remembered(project)
    return [_standing(project, known, of, path)[0] for of, path in _files(project) if department in ("", of)]


def take_returned(
    project: Project, who: str = "", *, department: str = "", again: bool = False, dry_run: bool = False
) -> list[tuple[Returned, Reading | None]]:
    """Read every file that waits (`again`: also those that were refused), take what it claims, and remember what became of it.

    Gives the files that were read, with what they say. `who` sends them back, by default the department. `dry_run`: nothing is
    written. One process at a time. Raises `WorkbookError` where another is at it for long, `JournalError`.
    """
    done: list[tuple[Returned, Reading | None]] = []
    if not any(_files(project)):
        return done
    with _alone(project):
        known = _remembered(project)
        for of, path in _files(project):
            if department in ("", of):
                found, content = _standing(project, known, of, path)
                if content and (found.state == "waiting" or (again and found.state == "refused")):
                    done.append(_take(project, known, found, content, who, dry_run=dry_run))
    return done


def note(project: Project, reading: Reading, taken: int, who: str, file: str, *, seen: Mapping[str, int] | None = None) -> Entry:
    """Write down that a workbook was read, wherever it lay (`seen`: its size and time of change); gives the entry."""
    from pipelines.journal import append

    counts = {kind: n for kind, n in sorted(reading.counts.items()) if kind in KINDS}
    lost = "；".join(f"{KINDS[kind][0]} {KINDS[kind][1]} {n:,}" for kind, n in counts.items() if kind not in REMARKS)
    result = "partly" if reading.refused else "taken"
    said = {"result": result, "tickets_taken": taken, "not_taken": reading.refused, "odd": counts, **(seen or {})}
    return append(project, WHAT, who, lost, department=reading.department, file=file, digest=reading.digest, **said)


def waiting_for_seconds(project: Project) -> float:
    """How long until the newest file has been left alone for long enough."""
    ages = (time.time() - changed / 1e9 for *_, changed in folder_state(project))
    return max(0.0, QUIET - min((age for age in ages if age >= 0), default=QUIET))


def folder_state(project: Project) -> list[tuple[str, str, int, int]]:
    """Department, name, size and time of change of each file: when that is as it was, nothing has come."""
    found = []
    for of, path in _files(project):
        with suppress(FileNotFoundError):
            stat = path.stat()
            found.append((of, _name(project, of, path), stat.st_size, stat.st_mtime_ns))
    return found


def _files(project: Project) -> Iterator[tuple[str, Path]]:
    """(department, file), in the order of their names; what stands beside the folders is of no department."""
    base = project.returned
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        if folder.name.startswith(_OURS):
            continue
        if not folder.is_dir():
            yield "", folder
            continue
        for path in sorted(folder.rglob("*")):
            within = path.relative_to(folder).parts
            if not path.is_dir() and not any(p.startswith(_OURS) for p in within) and not path.name.endswith(RECEIPT):
                yield project.departments.now(folder.name), path


def _name(project: Project, department: str, path: Path) -> str:
    """The file's name below the department's folder (with the folder, where that bears a former name), in one line."""
    folder, *within = path.relative_to(project.returned).parts
    said = "/".join(within if folder == department else (folder, *within))
    return "".join(c if c.isprintable() else "?" for c in said)[:200]


def _remembered(project: Project) -> dict[tuple[Any, ...], Entry]:
    """The entries by department and digest, and by department, name, size and time of change (of a file that need not be read again)."""
    from pipelines.retold import retold

    known: dict[tuple[Any, ...], Entry] = {}
    for entry in retold(project, WHAT):
        _remember(known, entry)
    return known


def _remember(known: dict[tuple[Any, ...], Entry], entry: Entry) -> None:
    said = entry.content
    known[said.get("department"), said.get("digest")] = entry
    if said.get("changed"):
        known[said.get("department"), said.get("file"), said.get("bytes"), said.get("changed")] = entry


def _standing(project: Project, known: Mapping[tuple[Any, ...], Entry], department: str, path: Path) -> tuple[Returned, _Content | None]:
    """What became of a file, and its content where it could be read now."""
    from pipelines.sealing import sm3_file

    name = _name(project, department, path)
    stray = ""
    if not department:
        stray = "请放到部门的文件夹里 put it into the folder of its department"
    elif department not in project.departments.bodies:
        stray = f"没有这个部门 no such department. {project.departments.told(department)}".rstrip()
    elif path.is_symlink() or not path.is_file():
        stray = "是链接或特殊文件，不读；请放文件本身 a link or no file: put the file itself there"
    if stray:
        return Returned(department, name, "stray", reason=stray), None
    try:
        stat = path.stat()
        if (entry := known.get((department, name, stat.st_size, stat.st_mtime_ns))) is not None:
            return _told(entry, department, name), _Content(path, entry.content["digest"], stat.st_size, stat.st_mtime_ns)
        if 0 <= time.time() - stat.st_mtime < QUIET:
            return Returned(department, name, "waiting", reason="刚放入，可能还在写 it may still be written"), None
        digest = sm3_file(path)[:16]
    except OSError as error:
        return Returned(department, name, "waiting", reason=f"读不了 cannot be read: {error.strerror or type(error).__name__}"), None
    entry = known.get((department, digest))
    found = _told(entry, department, name) if entry else Returned(department, name, "waiting")
    return found, _Content(path, digest, stat.st_size, stat.st_mtime_ns)


def _told(entry: Entry, department: str, name: str) -> Returned:
    said = entry.content
    counts = (int(said.get("tickets_taken", 0)), int(said.get("not_taken", 0)))
    return Returned(department, name, str(said.get("result")), f"{entry.moment:%Y-%m-%d %H:%M}", *counts, entry.why)


def _take(
    project: Project, known: dict[tuple[Any, ...], Entry], found: Returned, content: _Content, who: str, *, dry_run: bool
) -> tuple[Returned, Reading | None]:
    """Read one file and take it, whole or not at all."""
    from pipelines.errors import JournalError, code_of, told
    from pipelines.journal import append
    from pipelines.workbooks.reading import read_workbook
    from pipelines.workbooks.taking import take

    department, file = found.department, found.file
    by = who.strip() or f"returned/{department}"
    seen = {"bytes": content.bytes, "changed": content.changed}
    try:
        reading = read_workbook(project, content.path, department)
        if reading.digest != content.digest:
            return Returned(department, file, "waiting", reason="读时变了，再读 it changed while it was read"), None
        if dry_run:
            return Returned(department, file, "waiting", tickets=reading.tickets, refused=reading.refused), reading
        entry = note(project, reading, taken := take(project, reading, by), by, file, seen=seen)
    except WorkbookError as error:
        if dry_run:
            return Returned(department, file, "refused", reason=told(error)), None
        entry = append(project, WHAT, by, told(error), department=department, file=file, digest=content.digest, result="refused", **seen)
        _beside(content.path, f"{file}（SM3 {content.digest}）\n没有采用任何内容 nothing was taken：\n{told(error)}\n")
        _remember(known, entry)
        return _told(entry, department, file), None
    except JournalError:
        raise
    except Exception as error:  # no fault of the file: others are read all the same, and this one by the next reading
        command = f"yuanqing workbook read data/{content.path.relative_to(project.data)}"
        said = told(error) if code_of(error) else f"出错 {type(error).__name__}: {command}"
        return Returned(department, file, "waiting", reason=said), None
    _beside(content.path, receipt(reading, taken))
    _remember(known, entry)
    return _told(entry, department, file), reading


def _beside(path: Path, text: str) -> None:
    """A receipt beside the file, as the reason lies beside a refused hand-over; where none may be written, `workbook status` tells."""
    from pipelines.swapping import swapped

    with suppress(OSError), swapped(path.with_name(path.name + RECEIPT)) as fresh:
        fresh.write_text(text, encoding="utf-8")


def _alone(project: Project) -> AbstractContextManager[None]:
    from pipelines.journal import alone

    said = f"另一进程读取送回的清单已超过 {WAIT} 秒。稍后再试。 Another process has been reading workbooks for {WAIT} s. Try later."
    return alone(project, "returned.lock", WAIT, WorkbookError(said))
