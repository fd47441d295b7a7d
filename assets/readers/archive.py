"""The reader of archives (.zip): members of one form, with a manifest that says how many rows each must have.

Belongs here: which members an archive may have, unpacking them within limits, and rows against the manifest.
Not here: reading a member (the form's own module), laying members one below another (`parts`).

An archive comes from outside: nothing of it is written under a name or to a place that it chooses. Members are unpacked one
by one into the working folder and removed as soon as they are read.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from assets.contracts import Contract
from assets.readers import Extract, RefusedError
from assets.readers.files import Watched, shown, working_folder
from assets.readers.local import function_of
from assets.readers.manifest import Manifest, read_manifest
from assets.readers.parts import combine

SUFFIX = {"fixed": "txt"}  # where a form's files do not bear its name
NESTED = (".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz")
IGNORED = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini")
SMALL = 1 << 20  # bytes; below, a high ratio is no bomb but blanks
REMEDY = "Pack the files anew and hand the archive over again."


def read_file(path: Path, contract: Contract, opts: dict[str, Any], scratch: Path, period: str | None = None) -> Extract:
    """Read one archive of `format: zip`. Raises `RefusedError` or `LaterError`."""
    name = shown(path)
    if opts["onMismatch"] not in ("refuse", "flag"):
        raise RefusedError(f"onMismatch {opts['onMismatch']!r}", where=str(contract.path), remedy="Say refuse or flag.")
    with Watched(path) as watched, working_folder(name, scratch) as folder:
        while watched.read(1 << 20):
            pass
        try:
            with readable():
                extract = _read(path, name, contract, opts, folder, period)
        except zipfile.BadZipFile as error:
            raise RefusedError(f"an archive that cannot be read ({error})", where=name, expected="a whole archive", remedy=REMEDY) from None
        extract.digest, extract.bytes, extract.scratch = watched.finish(), watched.bytes, folder
    return extract


@contextmanager
def readable() -> Iterator[None]:
    """Raises `zipfile.BadZipFile` for all that `zipfile` and its decompressors raise, each in its own way, for what they cannot read."""
    try:
        yield
    except (zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:  # the last: a method that it lacks
        raise zipfile.BadZipFile(str(error)) from error
    except OSError as error:
        if error.errno is not None:  # the disk's; bzip2's damage has no number
            raise
        raise zipfile.BadZipFile(str(error)) from error


def open_archive(path: Path) -> zipfile.ZipFile:
    """Names that are not said to be UTF-8 are taken to be GB18030 where they can be. Raises as `readable` tells."""
    try:
        return zipfile.ZipFile(path, metadata_encoding="gb18030")
    except UnicodeDecodeError:
        return zipfile.ZipFile(path)


def entries_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Its files, without those that operating systems leave."""
    return [e for e in archive.infolist() if not e.is_dir() and not {p.lower() for p in PurePosixPath(e.filename).parts} & set(IGNORED)]


def _read(path: Path, name: str, contract: Contract, opts: dict[str, Any], folder: Path, period: str | None) -> Extract:
    if not path.stat().st_size:
        raise RefusedError("an empty file", where=name, expected="a .zip archive", remedy=REMEDY)
    if not zipfile.is_zipfile(path):
        raise RefusedError("no ZIP archive, by its content", where=name, expected="a .zip archive", remedy=REMEDY)
    with open_archive(path) as archive:
        members, lists = _members(archive, name, path.stat().st_size, opts)
        manifest = read_manifest(archive.read(lists[0]), lists[0].filename, name, opts) if lists else None
        read = function_of(str(opts["memberFormat"]))
        parts: list[tuple[str, Extract]] = []
        for number, member in enumerate(members, 1):
            inside = folder / f"{number:06}"
            inside.mkdir()
            unpacked = inside / PurePosixPath(member.filename).name
            with archive.open(member) as packed, unpacked.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
            try:
                parts.append((member.filename, read(unpacked, contract, opts, inside, period)))
            except RefusedError as refusal:
                raise RefusedError(
                    refusal.found, where=f"{name}, {refusal.where or member.filename}", expected=refusal.expected, remedy=refusal.remedy
                ) from None
            unpacked.unlink()
    extract = combine(parts, contract, name, period)
    if manifest is not None:
        _against(manifest, parts, extract, name, flag=opts["onMismatch"] == "flag")
    return extract


def _members(archive: zipfile.ZipFile, name: str, size: int, opts: dict[str, Any]) -> tuple[list[zipfile.ZipInfo], list[zipfile.ZipInfo]]:
    """The members to read and the manifest, by name. Raises `RefusedError` for an archive that is not to be unpacked."""
    form = str(opts["memberFormat"])
    wanted = str(opts["members"] or f"*.{SUFFIX.get(form, form)}").lower()
    entries = entries_of(archive)
    if len(entries) > int(opts["maxMembers"]):
        raise RefusedError(f"{len(entries)} members", where=name, expected=f"at most {opts['maxMembers']} (`maxMembers`)", remedy=REMEDY)
    unpacked = sum(e.file_size for e in entries)
    if unpacked > int(opts["maxBytes"]):
        raise RefusedError(f"{unpacked} bytes unpacked", where=name, expected=f"at most {opts['maxBytes']} (`maxBytes`)", remedy=REMEDY)
    if unpacked > SMALL and unpacked > size * float(opts["maxRatio"]):
        raise RefusedError(
            f"{unpacked} bytes packed into {size}: an archive made to overflow",
            where=name,
            expected=f"at most {opts['maxRatio']} times as much (`maxRatio`)",
            remedy=REMEDY,
        )
    members, lists, strays = [], [], []
    for entry in sorted(entries, key=lambda e: e.filename):
        _safe(entry, name)
        base = PurePosixPath(entry.filename).name.lower()
        if opts["manifest"] and fnmatchcase(base, str(opts["manifest"]).lower()):
            lists.append(entry)
        elif fnmatchcase(base, wanted) or fnmatchcase(entry.filename.lower(), wanted):
            members.append(entry)
        elif not any(fnmatchcase(base, str(i).lower()) for i in opts["ignoreMembers"]):
            strays.append(shown(entry.filename))
    if strays:
        raise RefusedError(
            f"members of another name: {', '.join(strays[:5])}",
            where=name,
            expected=f"members like {wanted}",
            remedy="Take them out, or name them under `members` or `ignoreMembers` in the contract.",
        )
    if not members:
        raise RefusedError("no member to read", where=name, expected=f"members like {wanted}", remedy=REMEDY)
    if opts["manifest"] and len(lists) != 1:
        raise RefusedError(f"{len(lists)} manifests", where=name, expected=f"one, named {opts['manifest']}", remedy=REMEDY)
    return members, lists


def _safe(entry: zipfile.ZipInfo, name: str) -> None:
    raw, kind = entry.filename, entry.external_attr >> 16
    where = f"{name}, {shown(raw)}"
    outside = raw.startswith(("/", "\\")) or "\\" in raw or ":" in raw or ".." in PurePosixPath(raw).parts
    if outside or not PurePosixPath(raw).name or not raw.isprintable():
        raise RefusedError("a path that leads out of the archive", where=where, expected="a plain name", remedy=REMEDY)
    if stat.S_IFMT(kind) and not stat.S_ISREG(kind):
        raise RefusedError("a link or a device", where=where, expected="files only", remedy=REMEDY)
    if entry.flag_bits & 0x1:
        raise RefusedError("a member with a password", where=where, expected="one that opens without", remedy="Pack it without a password.")
    if raw.lower().endswith(NESTED):
        raise RefusedError("an archive within the archive", where=where, expected="the files themselves", remedy=REMEDY)


def _against(manifest: Manifest, parts: list[tuple[str, Extract]], extract: Extract, name: str, *, flag: bool) -> None:
    """Rows against manifest (GB/T 36344-2018, 0202): each member and the total. Raises `RefusedError`, or notes where `flag`."""
    said = []
    found = {PurePosixPath(member).name: part.records for member, part in parts}
    for member, rows in manifest.rows.items():
        if member not in found:
            said.append(f"{member} is not there, the manifest says {rows} rows")
        elif found[member] != rows:
            said.append(f"{member} has {found[member]} rows, the manifest says {rows}")
    said += [f"{member} ({rows} rows) is not in the manifest" for member, rows in found.items() if member not in manifest.rows]
    if manifest.total is not None and manifest.total != extract.records:
        said.append(f"{extract.records} rows in all, the manifest says {manifest.total}")
    added = sum(manifest.rows.values())
    # Of a manifest that contradicts itself the figure counts that the archive does not bear out.
    extract.announced = manifest.total if manifest.total not in (None, extract.records) else added
    if said and not flag:
        raise RefusedError(
            f"rows against manifest: {'; '.join(said)}",
            where=name,
            expected="the numbers of the manifest",
            remedy="Ask the department which is right, and have archive and manifest made anew.",
        )
    extract.notes += [f"rows against manifest: {s}" for s in said]
