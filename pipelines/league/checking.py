"""Whether publications are as they were sealed: every file computed again, against `seal.json`, the journal and the lake.

Belongs here: what was altered, and where. Not here: the journal's own chain (`pipelines.auditing`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import JournalError, PublishingError

if TYPE_CHECKING:
    from assets.project import Project

LAKE = "evidence.league_publications"


@dataclass(frozen=True)
class Altered:
    """A deviation of publication `seq`: in which file (or in the journal, the lake), what was found, what was sealed."""

    seq: int
    file: str
    zh: str
    en: str
    found: str = ""
    expected: str = ""


@dataclass(frozen=True)
class _Sealed:
    seal: str
    digest: str
    files: dict[str, str] | None  # None: only the lake knows of it


def check(project: Project, seq: int | None = None) -> list[Altered]:
    """What is not as it was sealed, of all publications or of one. Raises `PublishingError` for a number that is none."""
    found: list[Altered] = []
    known = _known(project, found)
    place = project.data / "publications"
    folders = {int(p.name): p for p in place.iterdir() if p.is_dir() and p.name.isdecimal()} if place.is_dir() else {}
    if seq is not None and seq not in known and seq not in folders:
        numbers = ", ".join(map(str, sorted(known))) or "—"
        raise PublishingError(f"没有第 {seq} 号发布；有：{numbers}。 There is no publication {seq}; there are: {numbers}.")
    for number in sorted({*known, *folders}):
        if number not in known:
            found.append(Altered(number, f"publications/{number}", "日志和湖中没有这次发布", "neither the journal nor the lake has it"))
        elif number not in folders:
            found.append(Altered(number, f"publications/{number}", "文件夹不在了", "the folder is gone", "", known[number].digest))
        else:
            found += _folder(number, folders[number], known[number])
    return [a for a in found if seq is None or a.seq == seq]


def count(project: Project) -> int:
    """How many publications are known."""
    return len(_known(project, []))


def _known(project: Project, found: list[Altered]) -> dict[int, _Sealed]:
    """The publications by number, of the journal, and where it cannot be read of the lake; where the two differ is told."""
    from pipelines.league import publications

    rows = _rows(project)
    try:
        known = {p.seq: _Sealed(p.seal, p.digest, p.files) for p in publications(project)}
    except (JournalError, PublishingError):
        return {seq: _Sealed(seal, digest, None) for seq, (seal, digest) in rows.items()}
    for seq, (seal, digest) in rows.items():
        if seq not in known:
            found.append(Altered(seq, "journal.jsonl", "日志中没有湖中的这次发布", "the lake has it, the journal does not", "", seal))
            known[seq] = _Sealed(seal, digest, None)
        elif (known[seq].seal, known[seq].digest) != (seal, digest):
            zh, en = "日志与湖中的记录不同", "the journal and the lake differ"
            found.append(Altered(seq, "journal.jsonl", zh, en, f"{known[seq].seal} {known[seq].digest}", f"{seal} {digest}"))
    return known


def _rows(project: Project) -> dict[int, tuple[str, str]]:
    from assets.lake import is_there, open_lake

    if not (project.lake / "catalogue.sqlite").exists():
        return {}
    with open_lake(project, read_only=True) as con:
        if not is_there(con, LAKE):
            return {}
        return {int(seq): (str(seal), str(digest)) for seq, seal, digest in con.execute(f"SELECT seq, seal, digest FROM {LAKE}").fetchall()}


def _folder(seq: int, folder: Path, sealed: _Sealed) -> list[Altered]:
    from pipelines.league import SEAL
    from pipelines.sealing import sm3_file

    found: list[Altered] = []
    at = f"publications/{seq}"
    seal = folder / SEAL
    digest = sm3_file(seal) if seal.is_file() else ""
    if digest != sealed.digest:
        zh, en = ("封印文件被改", "the seal was altered") if digest else ("封印文件不在了", "the seal is gone")
        found.append(Altered(seq, f"{at}/{SEAL}", zh, en, digest, sealed.digest))
    files = sealed.files if sealed.files is not None else _listed(seal)
    for name, expected in sorted(files.items()):
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            found.append(Altered(seq, f"{at}/{name}", "文件不在了", "the file is gone", "", expected))
        elif (now := sm3_file(path)) != expected:
            found.append(Altered(seq, f"{at}/{name}", "文件被改", "the file was altered", now, expected))
    for path in sorted(p for p in folder.rglob("*") if not p.is_dir()):
        name = path.relative_to(folder).as_posix()
        if name not in files and name != SEAL:
            found.append(
                Altered(seq, f"{at}/{name}", "不是发布时的文件", "a file that was not published", sm3_file(path) if path.is_file() else "")
            )
    return found


def _listed(seal: Path) -> dict[str, str]:
    """What a seal lists, where nothing else knows the files."""
    try:
        files = json.loads(seal.read_text(encoding="utf-8"))["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
