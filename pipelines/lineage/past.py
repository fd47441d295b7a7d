"""A project's declarations as they are in another folder or at a revision of git, for comparing.

Belongs here: getting at them, without touching the working tree. Not here: comparing (`comparing`).
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from assets.project import Project

FOLDERS = ("assets", "expectations")
SECONDS = 120


class ImpactError(Exception):
    """There is nothing to compare with."""


@contextmanager
def declarations_at(project: Project, spoken: str) -> Iterator[Project]:
    """The project as it is in the folder `spoken`, else at that revision of the git repository that holds it. Raises `ImpactError`."""
    folder = Path(spoken)
    if spoken and (folder / "assets").is_dir():
        with TemporaryDirectory(prefix="yuanqing-") as data:
            yield Project(folder.resolve(), Path(data))
        return
    if spoken and folder.is_dir():
        raise ImpactError(f"{folder}: no folder `assets` here. Name a project's folder, or a revision of git.")
    with TemporaryDirectory(prefix="yuanqing-") as made:
        root = Path(made, "project")
        _export(project.root, spoken, root)
        yield Project(root, Path(made, "data"))


def _export(root: Path, revision: str, into: Path) -> None:
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    if not commit:
        _git(root, "rev-parse", "--git-dir", told=f"{root} is in no git repository. Name a folder to compare with: --against DIR.")
        raise ImpactError(f"{revision!r} is neither a folder nor a revision of git. See `git log`, or fetch it first.")
    there = _git(root, "ls-tree", "--name-only", commit).decode().splitlines()
    folders = [f for f in FOLDERS if f in there]
    if "assets" not in folders:
        raise ImpactError(f"{revision}: no folder `assets` at this revision. Name one that has it.")
    archive = _git(root, "archive", "--format=tar", commit, *folders, told=f"{revision} cannot be read.")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(into, filter="data")


def _git(root: Path, *arguments: str, told: str = "") -> bytes:
    """What git says; nothing where it fails, or with `told` that as an error."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, timeout=SECONDS, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        raise ImpactError("git is not installed. Install it, or name a folder to compare with: --against DIR.") from None
    except subprocess.TimeoutExpired:
        raise ImpactError(f"git took more than {SECONDS} s. Name a folder to compare with: --against DIR.") from None
    if done.returncode and told:
        raise ImpactError(f"{told} {done.stderr.decode(errors='replace').strip()}".strip())
    return b"" if done.returncode else done.stdout
