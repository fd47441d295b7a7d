"""The journal: everything that people do, in one append-only log whose entries are chained by SM3.

`data/journal/journal.jsonl` holds one entry a line in canonical JSON; each names the seal of the one before. Belongs here: writing,
reading, mending a line that was cut. Not here: what events mean (`pipelines.issues`), finding what was tampered with
(`pipelines.auditing`), and publications.

An entry says when, but order is its number alone: clocks jump. Whoever may write the file can write a whole new chain; what tells
then is an anchor, the number and seal of an entry, kept where that hand does not reach.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import JournalError
from pipelines.sealing import ZEROS, canonical, sm3

if TYPE_CHECKING:
    from assets.project import Project

__all__ = ["Entry", "Finding", "JournalError", "alone", "append", "entries", "head", "journal_path", "read_entry", "repair", "verify"]

WAIT = 30
"""Seconds that appending waits for another process, which needs some milliseconds."""


@dataclass(frozen=True)
class Entry:
    """One thing that somebody did."""

    seq: int
    at: str  # ISO 8601 with offset, seconds
    who: str
    what: str
    why: str
    content: dict[str, Any] = field(hash=False)
    prev: str  # the seal of the entry before; 64 zeros for the first
    seal: str  # SM3 over the canonical JSON of all other fields

    def computed(self) -> str:
        """The seal that the other fields call for."""
        fields = dict(vars(self))
        del fields["seal"]
        return sm3(canonical(fields))

    @property
    def moment(self) -> datetime:
        """When it was written, in local time without offset, as the lake keeps its times."""
        return datetime.fromisoformat(self.at).astimezone().replace(tzinfo=None)

    def line(self) -> bytes:
        """The entry as it stands in the file."""
        return canonical(vars(self)) + b"\n"


@dataclass(frozen=True)
class Finding:
    """A deviation of the journal: where (lines `line` to `to`), what was found, what was expected."""

    line: int
    to: int
    kind: str
    zh: str
    en: str
    found: str = ""
    expected: str = ""
    remark: bool = False  # worth knowing, no tampering

    @property
    def place(self) -> str:
        return str(self.line) if self.line == self.to else f"{self.line}-{self.to}"


def journal_path(project: Project) -> Path:
    """Where the journal lies."""
    return project.home / "journal" / "journal.jsonl"


def append(project: Project, what: str, who: str, why: str = "", **content: Any) -> Entry:
    """Write down that `who` did `what`, with what it is about; returns the entry once it is on the disk.

    Processes that append at once wait for each other. Raises `JournalError` for an empty name or kind, content that is no JSON,
    and a journal whose last line is broken; on a full disk `OSError`, and the journal is as before.
    """
    with _alone(project) as path:
        last = _last(path)
        return _write(path, last, what, who, why, content)


def entries(project: Project, *what: str) -> Iterator[Entry]:
    """The entries in order, of the kinds in `what` where some are named. Raises `JournalError` with the line of a broken one."""
    path = journal_path(project)
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            whole = raw if raw.endswith(b"\n") else raw + _rest(project, file)
            entry = read_entry(path, number, whole)
            if not what or entry.what in what:
                yield entry


def head(project: Project) -> tuple[int, str]:
    """Number and seal of the last entry: the anchor. (0, zeros) where there is none. Raises `JournalError` where it is broken."""
    path = journal_path(project)
    last = _last(path) if path.exists() else None
    return (last.seq, last.seal) if last else (0, ZEROS)


def verify(project: Project, anchors: Iterable[tuple[int, str]] = ()) -> list[Finding]:
    """Every deviation of the journal, in order of lines; `anchors` are numbers and seals (or their first 16 digits) kept elsewhere."""
    from pipelines.auditing import deviations

    return deviations(journal_path(project), anchors)


def repair(project: Project, who: str) -> Entry | None:
    """Set a half last line aside and write down that this was done; None where the last line is whole.

    The half goes to a file beside the journal, byte by byte. A line that lacks nothing but its end is ended and stays.
    """
    _named(who)
    with _alone(project) as path:
        half = _half(path)
        if not half:
            return None
        number = _lines(path)
        kept = ""
        if _sound(path, number, half):
            _add(path, b"\n")
        else:
            kept = _set_aside(path, number, half)
        told = {"line": number, "bytes": len(half), "digest": sm3(half), "kept": kept}
        return _write(path, _last(path), "repair", who, "补全行尾 line ended" if not kept else "半行移出 half a line set aside", told)


def read_entry(path: Path, number: int, raw: bytes) -> Entry:
    """The entry on a line. Raises `JournalError` with the line and what is wrong with it."""
    if not raw.endswith(b"\n"):
        raise JournalError(
            f"{path}:{number}: 末行只写了一半（{len(raw)} 字节）。先运行 `yuanqing audit repair --who 姓名`。 "
            f"The last line was cut after {len(raw)} bytes. Run `yuanqing audit repair --who NAME` first."
        )
    try:
        fields = json.loads(raw.decode())
        entry = Entry(**fields)
    except (ValueError, TypeError, RecursionError) as error:
        raise _broken(path, number, str(error)) from None
    texts = (entry.at, entry.who, entry.what, entry.why, entry.prev, entry.seal)
    if type(entry.seq) is not int or not isinstance(entry.content, dict) or not all(isinstance(t, str) for t in texts):
        raise _broken(path, number, "a field is of another kind")
    return entry


def _broken(path: Path, number: int, why: str) -> JournalError:
    return JournalError(
        f"{path}:{number}: 不是日志条目（{why}）。运行 `yuanqing audit verify` 查看被改之处，从备份恢复该行。 "
        "This line is no entry. Run `yuanqing audit verify` to see what was changed, and bring the line back from a backup."
    )


@contextmanager
def alone(project: Project, lock: str, seconds: float, busy: Exception) -> Iterator[None]:
    """One process at a time holds this lock beside the journal; raises `busy` where another has held it for so many seconds."""
    from filelock import FileLock, Timeout

    path = journal_path(project).with_name(lock)
    path.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(path, timeout=seconds)
    try:
        held.acquire()
    except Timeout:
        raise busy from None
    try:
        yield
    finally:
        held.release()


@contextmanager
def _alone(project: Project) -> Iterator[Path]:
    path = journal_path(project)
    said = f"{path}: 另一进程占用日志超过 {WAIT} 秒。稍后再试。 Another process has held the journal for {WAIT} seconds. Try again."
    with alone(project, "append.lock", WAIT, JournalError(said)):
        yield path


def _write(path: Path, last: Entry | None, what: str, who: str, why: str, content: dict[str, Any]) -> Entry:
    _named(who)
    if not what.strip():
        raise JournalError("事项为空。 The journal needs the kind of what was done: what=... is empty.")
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    seq, prev = (last.seq + 1, last.seal) if last else (1, ZEROS)
    try:
        plain = json.loads(canonical(content))  # what is returned is what will be read
        entry = Entry(seq, at, who, what, why, plain, prev, "")
        entry = Entry(seq, at, who, what, why, plain, prev, entry.computed())
    except ValueError as error:
        raise JournalError(
            f"{what}：内容无法写入日志（{error}）。只能是文字、数字、列表、映射。 "
            f"What is to be written down is no JSON: {error}. Give texts, numbers, lists and mappings."
        ) from None
    _add(path, entry.line())
    return entry


def _named(who: str) -> None:
    if not who.strip():
        raise JournalError("未写明何人。日志每条都要有姓名。 Who does this? The journal takes nothing without a name.")


def _add(path: Path, data: bytes) -> None:
    """All of `data` at the end of the file and on the disk, or none of it."""
    new = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        before = os.fstat(handle).st_size
        try:
            if os.write(handle, data) != len(data):
                raise OSError(28, f"{path}: 磁盘已满。 The disk is full; nothing was written down.")
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
    if new:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _last(path: Path) -> Entry | None:
    """The last entry, whole and with a seal that fits; None in an empty or missing file."""
    raw = _tail(path)
    if not raw:
        return None
    try:
        entry = read_entry(path, 0, raw)
        fits = entry.computed() == entry.seal and entry.line() == raw
    except (JournalError, ValueError):
        fits = False
    if fits:
        return entry
    number = _lines(path)
    read_entry(path, number, raw)
    raise _broken(path, number, "its seal does not fit")


def _tail(path: Path) -> bytes:
    """The last line with its end, or without where it was cut."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        start = end = file.seek(0, os.SEEK_END)
        tail = b""
        while start > 0:
            step = min(start, 1 << 14)
            start -= step
            file.seek(start)
            tail = file.read(step) + tail
            cut = tail.rfind(b"\n", 0, len(tail) - 1)
            if cut >= 0:
                return tail[cut + 1 :]
        assert len(tail) == end
        return tail


def _half(path: Path) -> bytes:
    tail = _tail(path)
    return b"" if tail.endswith(b"\n") else tail


def _lines(path: Path) -> int:
    """How many lines the file has, a half one counted."""
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _rest(project: Project, file: Any) -> bytes:
    """What a writer that is just at work adds to the line that was read half."""
    with _alone(project):
        return bytes(file.readline())


def _sound(path: Path, number: int, half: bytes) -> bool:
    try:
        entry = read_entry(path, number, half + b"\n")
        return entry.line() == half + b"\n" and entry.computed() == entry.seal
    except (JournalError, ValueError):
        return False


def _set_aside(path: Path, number: int, half: bytes) -> str:
    from pipelines.swapping import swapped

    kept = path.with_name(f"half-line-{number}-{sm3(half)[:8]}.part")
    with swapped(kept) as fresh:
        fresh.write_bytes(half)
    handle = os.open(path, os.O_WRONLY)
    try:
        os.ftruncate(handle, os.fstat(handle).st_size - len(half))
        os.fsync(handle)
    finally:
        os.close(handle)
    return kept.name
