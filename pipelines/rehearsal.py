"""A rehearsal: tampering with a copy of the journal and of a publication in every known way, to see each one found, and where.

Belongs here: the ways, and the scratch folder. Not here: finding (`pipelines.auditing`, `pipelines.league.checking`). The
project's own files are only read; what a way changes is known here, so a place that is named wrongly counts as not found.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.project import Project
from pipelines.journal import Entry, append, entries, head, journal_path, verify
from pipelines.sealing import canonical

if TYPE_CHECKING:
    from pipelines.anchors import Anchor

LEAST = 8
"""Entries that a rehearsal needs; where the journal has fewer, the copy gets more."""
ACTOR = "演练"

Lines = list[bytes]
Way = Callable[[Lines], tuple[Lines, int]]
"""From the lines to what a tamperer leaves, and the line where that must be found (from 1)."""


@dataclass(frozen=True)
class Rehearsed:
    """One way of tampering: where it was done, what was found at which places, and whether that names the place."""

    way: str
    zh: str
    en: str
    done_at: str
    kinds: tuple[str, ...]
    places: tuple[str, ...]
    found: bool


def rehearse(project: Project) -> list[Rehearsed]:
    """Tamper with copies in each of the ways. Raises `JournalError` where the journal itself is not whole enough to be copied."""
    project.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=project.scratch) as folder:
        master = _copied(project, Path(folder))
        return [*_of_journal(master), *_of_publication(master)]


def _copied(project: Project, folder: Path) -> Project:
    """A project with the journal, long enough, and one publication; without a lake."""
    master = Project(project.root, folder / "master")
    path = journal_path(master)
    path.parent.mkdir(parents=True)
    if journal_path(project).exists():
        shutil.copy(journal_path(project), path)
    for n in range(head(master)[0], LEAST):
        append(master, "note", ACTOR, f"演练用 for the rehearsal {n + 1}", n=n)
    _publication(project, master)
    append(master, "note", ACTOR, "末条 the last entry")
    return master


def _publication(project: Project, master: Project) -> None:
    """The newest publication of the project, or one that is made for the rehearsal."""
    from pipelines.league import folder_of, publications, seal_files

    known = [p for p in publications(project) if p.folder.is_dir()]
    if known:
        shutil.copytree(known[-1].folder, folder_of(master, known[-1].seq))
        return
    making = master.data / "publications" / "making"
    making.mkdir(parents=True)
    (making / "league.html").write_text("<!doctype html><title>演练 rehearsal</title>\n", encoding="utf-8")
    digest, files = seal_files(making, {"officer": ACTOR})
    facts: dict[str, Any] = {"quarter": "2026Q1", "standard": "1", "fingerprint": "", "snapshot": None, "corrects": None}
    making.rename(folder_of(master, append(master, "publish", ACTOR, digest=digest, files=files, **facts).seq))


def _of_journal(master: Project) -> Iterator[Rehearsed]:
    """The ways to tamper with the journal, each on a copy; anchors of all entries were kept elsewhere."""
    path = journal_path(master)
    anchors = [(e.seq, e.seal) for e in entries(master)]
    lines = path.read_bytes().splitlines(keepends=True)
    for way, (zh, en, tamper) in WAYS.items():
        left, at = tamper(list(lines))
        path.write_bytes(b"".join(left))
        yield _found(master, way, zh, en, at, anchors)
    path.unlink()
    yield _found(master, "gone", "日志文件被删", "the journal is gone", 1, anchors)
    path.write_bytes(b"".join(lines))


def _found(master: Project, way: str, zh: str, en: str, at: int, anchors: list[Anchor]) -> Rehearsed:
    found = [f for f in verify(master, anchors) if not f.remark]
    right = any(f.line <= at <= f.to and f.to - f.line <= 1 for f in found)
    return Rehearsed(way, zh, en, str(at), tuple(f.kind for f in found), tuple(f.place for f in found), right)


def _of_publication(master: Project) -> Iterator[Rehearsed]:
    from pipelines.league import SEAL, publications
    from pipelines.league.checking import check

    (made,) = (p for p in publications(master) if p.folder.is_dir())
    first = min(made.files)
    ways: dict[str, tuple[str, str, str, Callable[[Path], object]]] = {
        "file altered": ("已发布的文件被改", "a published file was altered", first, lambda p: p.write_bytes(p.read_bytes() + b" ")),
        "file removed": ("已发布的文件被删", "a published file was removed", first, Path.unlink),
        "seal altered": ("封印文件被改", "seal.json was altered", SEAL, lambda p: p.write_bytes(p.read_bytes().replace(b"SM3", b"MD5"))),
    }
    for way, (zh, en, name, tamper) in ways.items():
        kept = (made.folder / name).read_bytes()
        tamper(made.folder / name)
        altered = [a for a in check(master) if a.seq == made.seq]
        (made.folder / name).write_bytes(kept)
        place = f"publications/{made.seq}/{name}"
        places = tuple(a.file for a in altered)
        yield Rehearsed(way, zh, en, place, tuple(a.en for a in altered), places, places == (place,))


# ---- the ways


def _field(at: int, /, **values: object) -> Way:
    """An entry says something else; its seal stays."""

    def way(lines: Lines) -> tuple[Lines, int]:
        lines[at - 1] = canonical(json.loads(lines[at - 1]) | values) + b"\n"
        return lines, at

    return way


def _sealed(line: bytes, **values: object) -> bytes:
    entry = replace(Entry(**json.loads(line)), **values)  # type: ignore[arg-type]
    return replace(entry, seal=entry.computed()).line()


def _resealed(lines: Lines) -> tuple[Lines, int]:
    lines[3] = _sealed(lines[3], who="他人")
    return lines, 4


def _tail(lines: Lines) -> tuple[Lines, int]:
    """From an entry on the chain is another one, whole in itself."""
    lines[3] = _sealed(lines[3], who="他人")
    for at in range(4, len(lines)):
        lines[at] = _sealed(lines[at], prev=json.loads(lines[at - 1])["seal"])
    return lines, 4


def _last_resealed(lines: Lines) -> tuple[Lines, int]:
    lines[-1] = _sealed(lines[-1], who="他人")
    return lines, len(lines)


def _without(*at: int) -> Way:
    """Entries are gone; what is found stands on the line where the first of them stood."""

    def way(lines: Lines) -> tuple[Lines, int]:
        gone = {n % (len(lines) + 1) for n in at}
        return [line for n, line in enumerate(lines, 1) if n not in gone], min(gone)

    return way


def _swapped(lines: Lines) -> tuple[Lines, int]:
    lines[2], lines[3] = lines[3], lines[2]
    return lines, 3


def _doubled(lines: Lines) -> tuple[Lines, int]:
    return [*lines[:4], lines[3], *lines[4:]], 5


def _inserted(lines: Lines) -> tuple[Lines, int]:
    """An entry that names the one before it, well sealed."""
    return [*lines[:3], _sealed(lines[3], what="waive", who="他人"), *lines[3:]], 4


def _foreign(lines: Lines) -> tuple[Lines, int]:
    other = _sealed(lines[3], seq=6, prev="ab" * 32, who="他处")
    return [*lines[:4], other, *lines[4:]], 5


def _put(at: int, what: bytes) -> Way:
    def way(lines: Lines) -> tuple[Lines, int]:
        place = at or len(lines) + 1
        return [*lines[: place - 1], what, *lines[place - 1 :]], place

    return way


def _cut(lines: Lines) -> tuple[Lines, int]:
    return [*lines[:-1], lines[-1][: len(lines[-1]) // 2]], len(lines)


def _flipped(lines: Lines) -> tuple[Lines, int]:
    middle = len(lines[4]) // 2
    lines[4] = lines[4][:middle] + bytes([lines[4][middle] ^ 1]) + lines[4][middle + 1 :]
    return lines, 5


def _marked(lines: Lines) -> tuple[Lines, int]:
    return [b"\xef\xbb\xbf", *lines], 1


def _recoded(lines: Lines) -> tuple[Lines, int]:
    return [b"".join(lines).decode().encode("utf-16")], 1


def _reformed(lines: Lines) -> tuple[Lines, int]:
    lines[4] = json.dumps(json.loads(lines[4]), ensure_ascii=False).encode() + b"\n"
    return lines, 5


WAYS: dict[str, tuple[str, str, Way]] = {
    "who": ("改姓名", "another person", _field(4, who="他人")),
    "why": ("改事由", "another reason", _field(4, why="另有缘由")),
    "content": ("改内容", "other content", _field(4, content={"x": 1})),
    "time": ("改时间", "another time", _field(4, at="2020-01-01T00:00:00+08:00")),
    "seq": ("改序号", "another number", _field(4, seq=40)),
    "prev": ("改上一条封印", "another seal of the one before", _field(4, prev="c" * 64)),
    "seal": ("改封印", "another seal", _field(4, seal="c" * 64)),
    "resealed": ("改一条并重算封印", "one changed, its seal computed anew", _resealed),
    "last resealed": ("改末条并重算封印", "the last one changed, its seal computed anew", _last_resealed),
    "tail": ("自一条起整链重算", "the whole chain computed anew from one on", _tail),
    "first removed": ("删首条", "the first removed", _without(1)),
    "middle removed": ("删中间一条", "one in the middle removed", _without(4)),
    "last removed": ("删末条", "the last removed", _without(-1)),
    "swapped": ("两条互换", "two swapped", _swapped),
    "doubled": ("重复一条", "one doubled", _doubled),
    "inserted": ("插入伪造的一条", "a forged one put in", _inserted),
    "foreign": ("移入别处日志的一条", "one of another journal put in", _foreign),
    "emptied": ("清空", "emptied", lambda _: ([], 1)),
    "cut": ("末行截断", "cut in the middle of the last line", _cut),
    "byte": ("翻转一位", "a bit flipped", _flipped),
    "mark": ("加字节序标记", "a byte order mark", _marked),
    "blank": ("插入空行", "a blank line", _put(5, b"\n")),
    "garbage": ("末尾加杂物", "garbage at the end", _put(0, b"\x00garbage\n")),
    "encoding": ("改编码", "another encoding", _recoded),
    "form": ("改写法", "written in another form", _reformed),
}
