"""Hand-overs that are files in the landing folder.

Belongs here: which files wait, what their names say, whether they are ready, and reading bytes that must not change
meanwhile. Not here: what is in them, and where they go afterwards (`assets.handovers`).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from assets.contracts import PERIODS, Contract
from assets.readers import Handover, LaterError, RefusedError
from expectations.documents import near

if TYPE_CHECKING:
    from assets.project import Project

UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart", ".swp")
IGNORED = ("thumbs.db", "desktop.ini")
_UNIT = re.compile(r"[\w\u3400-\u9fff.()（）-]{1,64}")


def shown(path: Path | str) -> str:
    """A file's name that can be shown and stored: control characters and bytes that are no UTF-8 are escaped."""
    name = os.fsencode(path if isinstance(path, str) else path.name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def partition_of(contract: Contract, moment: datetime) -> str:
    """The Dagster partition that holds `moment`."""
    assert contract.delivery is not None
    return moment.strftime("%Y-%m-01" if contract.delivery.partition == "monthly" else "%Y-%m-%d")


def moment_of(contract: Contract, period: str) -> datetime:
    """When `period` begins. Raises `ValueError` where it is none, lies before the first, or has not begun."""
    assert contract.delivery is not None
    form = PERIODS[contract.delivery.period]
    hour24 = contract.delivery.period == "hourly" and period.endswith("24") and len(period) == 10
    begins = datetime.strptime(period[:8] + "23" if hour24 else period, form)
    if not hour24 and begins.strftime(form) != period:
        raise ValueError(f"period {period!r} is not written as {form}")
    start = contract.delivery.start.ljust(10, "x").replace("xxx", "-01")[:10]
    if begins < datetime.fromisoformat(start):
        raise ValueError(f"period {period!r} lies before the first one, {contract.delivery.start}")
    if begins > datetime.now() + timedelta(days=1):
        raise ValueError(f"period {period!r} has not begun yet")
    return begins


def pending_files(contract: Contract, project: Project, opts: dict[str, Any]) -> list[Handover]:
    """Every file in the dataset's landing folder as a hand-over, oldest period first."""
    pattern = PurePosixPath(str(opts["path"]))
    if pattern.is_absolute() or ".." in pattern.parts or len(pattern.parts) < 2 or "*" in pattern.parts[0] or pattern.parts[0] == "refused":
        raise RefusedError(f"path {str(pattern)!r}", where=str(contract.path), expected="a glob below landing/, such as `my_data/*.csv`")
    folder = project.landing / pattern.parts[0]
    found = [_handover(contract, project, opts, path, status) for path, status in sorted(_walk(folder), key=lambda x: x[0])]
    return sorted(found, key=lambda h: (h.period, h.unit or "", h.received_at, h.source))


def _walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith((".", "~$")) or entry.name.lower() in IGNORED:
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            else:
                yield Path(entry.path), entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue


def _handover(contract: Contract, project: Project, opts: dict[str, Any], path: Path, status: os.stat_result) -> Handover:
    received = datetime.fromtimestamp(status.st_mtime)
    details: dict[str, Any] = {}
    unit, period, moment = None, "", received
    if path.suffix.lower() in UNFINISHED:
        details["later"] = f"its name ends in {path.suffix}: still being written"
    else:
        remaining = float(opts["settle"]) - (datetime.now().timestamp() - status.st_mtime)
        if remaining > 0:
            details["later"] = f"changed less than {opts['settle']} s ago: still being written"
            details["remaining"] = remaining
        try:
            if not stat.S_ISREG(status.st_mode):
                raise RefusedError("no ordinary file", where=shown(path), expected="the file itself, not a link or a device")
            inside = path.relative_to(project.landing).as_posix()
            if not _matches(inside, str(opts["path"])):
                raise RefusedError(
                    f"the name {shown(path)!r}", where="landing", expected=f"a name like {opts['path']}", remedy=_name_remedy(contract)
                )
            unit, period, moment = name_of(contract, path, received)
        except RefusedError as refusal:
            details["refusal"] = refusal
    return Handover(contract.name, unit, period, partition_of(contract, moment), shown(path), path, received, details)


def _matches(inside: str, pattern: str) -> bool:
    """`fnmatch`, the suffix in any case: departments write .CSV and .XLSX."""
    stem, dot, suffix = pattern.rpartition(".")
    name, dot_, ending = inside.rpartition(".")
    if dot and dot_ and "*" not in suffix and suffix.lower() == ending.lower():
        return fnmatchcase(name, stem)
    return fnmatchcase(inside, pattern)


def name_of(contract: Contract, path: Path, received: datetime) -> tuple[str | None, str, datetime]:
    """Unit, period and its beginning, from the file's name by the contract's pattern. Raises `RefusedError`."""
    delivery = contract.delivery
    assert delivery is not None
    if delivery.pattern is None:
        return None, received.strftime(PERIODS[delivery.period]), received
    name = shown(path)
    match = re.fullmatch(delivery.pattern, name, re.IGNORECASE)
    if match is None:
        raise RefusedError(
            f"the name {name!r}", where="landing", expected=f"a name of the form {delivery.pattern}", remedy=_name_remedy(contract)
        )
    try:
        moment = moment_of(contract, match["period"])
    except ValueError as error:
        raise RefusedError(
            str(error).replace("unconverted data remains", "not a period"),
            where=name,
            expected=f"a {delivery.period} period",
            remedy="Correct the file's name.",
        ) from None
    unit = match.groupdict().get("unit")
    if unit is not None and not _UNIT.fullmatch(unit):
        raise RefusedError(f"the unit {unit!r}", where=name, expected="letters, digits, - and _", remedy="Correct the file's name.")
    if delivery.units and unit not in delivery.units:
        raise RefusedError(
            f"the unit {unit!r}, which does not hand over this dataset",
            where=name,
            expected=f"one of {', '.join(delivery.units)}",
            remedy=near(str(unit), delivery.units) or "If it does now, let the contract name it under `units`.",
        )
    return unit, match["period"], moment


def _name_remedy(contract: Contract) -> str:
    return "Rename the file and put it into the folder again." if contract.delivery and contract.delivery.pattern else ""


class Watched:
    """A file read as bytes that must be the same file from beginning to end; counts and digests what went through."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = 0
        self._sha = hashlib.sha256()
        try:
            self._file = path.open("rb")
        except FileNotFoundError:
            raise LaterError(f"{shown(path)}: the file vanished before it was read.") from None
        except OSError as error:
            raise LaterError(f"{shown(path)}: cannot be opened ({error.strerror}). Check its permissions.") from None
        self._before = os.fstat(self._file.fileno())

    def read(self, size: int) -> bytes:
        try:
            data = self._file.read(size)
        except OSError as error:
            raise LaterError(f"{shown(self.path)}: cannot be read on ({error.strerror}).") from None
        self._sha.update(data)
        self.bytes += len(data)
        return data

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def finish(self) -> str:
        """The digest. Raises `LaterError` where the file grew, changed or vanished meanwhile."""
        self.close()
        try:
            after = os.stat(self.path)
        except FileNotFoundError:
            raise LaterError(f"{shown(self.path)}: the file vanished while it was read.") from None
        seen = (self._before.st_ino, self._before.st_size, self._before.st_mtime_ns)
        if (after.st_ino, after.st_size, after.st_mtime_ns) != seen or after.st_size != self.bytes:
            raise LaterError(f"{shown(self.path)}: the file changed while it was read: still being written.")
        return self._sha.hexdigest()


@contextmanager
def unchanged(path: Path) -> Iterator[tuple[str, int]]:
    """Digest and size of a file that a library reads by its path. Raises `LaterError` where it changed meanwhile, whatever was read."""
    digest, size = digest_of(path)
    before = os.stat(path)
    try:
        yield digest, size
    finally:
        try:
            after = os.stat(path)
        except FileNotFoundError:
            raise LaterError(f"{shown(path)}: the file vanished while it was read.") from None
        if (after.st_ino, after.st_size, after.st_mtime_ns) != (before.st_ino, size, before.st_mtime_ns):
            raise LaterError(f"{shown(path)}: the file changed while it was read: still being written.")


@contextmanager
def working_folder(name: str, scratch: Path) -> Iterator[Path]:
    """A new folder in `scratch` for what reading the hand-over `name` writes down; where reading ends early it is removed.

    Raises `LaterError` in place of an `OSError`: the disk is full.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    try:
        yield folder
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise LaterError(f"{name}: working files could not be written ({error.strerror}). Make room in {scratch}.") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file that is not read otherwise. Raises `LaterError`."""
    watched = Watched(path)
    while watched.read(1 << 20):
        pass
    return watched.finish(), watched.bytes
