"""What becomes of a file after the lake has spoken: collected, refused, or repeated.

Belongs here: moving files so that a run that was killed at any moment is healed by the next, under names that fit.
Not here: deciding, reading, the lake.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from assets.readers import Handover
from assets.readers.files import shown

if TYPE_CHECKING:
    from assets.project import Project

NAME_BYTES = 255  # what Linux and macOS take as one name
REASON = ".reason.txt"


def keep_collected(project: Project, handover: Handover, digest: str) -> Path | None:
    """Move a collected or repeated file to `collected/<dataset>/`. None where there is no file, or no longer."""
    return _move(handover.path, project.collected / handover.dataset, digest)


def keep_refused(project: Project, handover: Handover, digest: str, reason: str) -> Path | None:
    """Move a refused file to `landing/refused/<dataset>/`, the reason in a text file beside it.

    The reason is written first: a file is never there without one.
    """
    if handover.path is None:
        return None
    folder = project.landing / "refused" / handover.dataset
    target = _target(folder, handover.path, digest, len(REASON))
    folder.mkdir(parents=True, exist_ok=True)
    target.with_name(target.name + REASON).write_text(f"{shown(handover.path)}\n{reason}\n", encoding="utf-8")
    return _move(handover.path, folder, digest, len(REASON))


def already_kept(project: Project, handover: Handover, digest: str) -> bool:
    """Whether a file of this name lies among the collected ones: one that comes again is then a repetition.

    Otherwise a run was killed between its commit and the move, and only the move is left to do.
    """
    assert handover.path is not None
    folder = project.collected / handover.dataset
    return (folder / fitting(handover.path.name)).exists() or (folder / fitting(handover.path.name, "~" + digest[:8])).exists()


def fitting(name: str, mark: str = "", room: int = 0) -> str:
    """`name` with `mark` before its suffix, cut within its stem to what a file system takes, `room` bytes left free."""
    stem, suffix = os.path.splitext(name)
    most = NAME_BYTES - room - len(os.fsencode(mark + suffix))
    cut = os.fsencode(stem)[:most]
    while cut and len(cut) < len(os.fsencode(stem)):
        try:
            cut.decode("utf-8")
            break
        except UnicodeDecodeError:
            cut = cut[:-1]
    return os.fsdecode(cut) + mark + suffix


def _target(folder: Path, path: Path, digest: str, room: int = 0) -> Path:
    plain = folder / fitting(path.name, room=room)
    if plain.name == path.name and not plain.exists():
        return plain
    return folder / fitting(path.name, "~" + digest[:8], room)


def _move(path: Path | None, folder: Path, digest: str, room: int = 0) -> Path | None:
    if path is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    target = _target(folder, path, digest, room)
    try:
        os.replace(path, target)
    except FileNotFoundError:
        return None
    except OSError:
        # Another file system: copy under a name that is not taken for a kept file, then put it in place.
        part = target.with_name(fitting(target.name, ".part"))
        shutil.copy2(path, part)
        os.replace(part, target)
        path.unlink()
    return target
