"""The form of a file that others stand in: the members of an archive and its manifest, the records of an XML document.

Belongs here: finding them. Not here: the form of a member (`files`), reading it whole and within limits (`assets.readers`).
"""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from assets.readers.archive import NESTED, SUFFIX, entries_of, open_archive, readable
from assets.readers.files import shown
from assets.readers.options import OPTIONS
from pipelines.errors import StartError

if TYPE_CHECKING:
    from pipelines.drafting.files import Form

MANIFEST = re.compile(r"manifest|清单|目录|count|rows", re.IGNORECASE)
LISTS = (".csv", ".json", ".txt")
SMALL, MOST = 1 << 20, 256 << 20  # bytes of a manifest, of a member, that are looked at


def archive_form(path: Path, sheet: str | None) -> Form:
    """Members of one form, and the manifest where one says how many rows each must have. Raises `StartError`."""
    name = shown(path)
    try:
        with readable(), open_archive(path) as archive:
            return _form(archive, name, sheet)
    except zipfile.BadZipFile:
        raise StartError(f"{name}: 压缩包读不出。 A ZIP archive that cannot be read, or is cut: pack it anew.") from None


def _form(archive: zipfile.ZipFile, name: str, sheet: str | None) -> Form:
    from pipelines.drafting.files import Form, form_of

    plain = entries_of(archive)
    if locked := [shown(e.filename) for e in plain if e.flag_bits & 0x1]:
        raise StartError(f"{name}: 压缩包有密码。 {locked[0]} has a password: pack it without one.")
    if nested := [shown(e.filename) for e in plain if e.filename.lower().endswith(NESTED)]:
        raise StartError(f"{name}: 包中有包。 {nested[0]} is an archive within the archive: pack the files themselves.")
    ignored = OPTIONS["zip"]["ignoreMembers"]
    entries = [e for e in plain if not any(fnmatchcase(_base(e).lower(), pattern) for pattern in ignored)]
    lists = [e for e in entries if MANIFEST.search(_base(e)) and _base(e).lower().endswith(LISTS) and e.file_size <= SMALL]
    files = sorted(e.filename for e in entries if len(entries) == 1 or e not in lists)
    found = next((said for e in lists if (said := _manifest(e, archive.read(e), {PurePosixPath(f).name for f in files}))), {})
    if not found:  # what is called a list and counts no member is a member
        files = sorted(e.filename for e in entries)
    suffixes = sorted({PurePosixPath(f).suffix.lower() for f in files})
    if len(suffixes) != 1:
        told = ", ".join(shown(f) for f in files[:5]) or "nothing"
        raise StartError(f"{name}: 包中须是同一格式的文件。 Expected members of one kind (and a manifest), found {told}.")
    with tempfile.TemporaryDirectory() as folder, archive.open(files[0]) as packed:
        size = archive.getinfo(files[0]).file_size
        if size > MOST and suffixes[0] not in (".csv", ".txt"):
            raise StartError(f"{name}: 成员过大。 {shown(files[0])} is too large to look at; write the contract by hand.")
        member = Path(folder, f"member{suffixes[0]}")
        member.write_bytes(packed.read(min(size, MOST)))
        form = form_of(member, sheet)
    options: dict[str, Any] = {"memberFormat": form.format} if form.format != "csv" else {}
    if suffixes[0] != f".{SUFFIX.get(form.format, form.format)}":
        options["members"] = f"*{suffixes[0]}"
    return Form("zip", form.header, options | form.options | found)


def _base(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(entry.filename).name


def _manifest(entry: zipfile.ZipInfo, data: bytes, members: set[str]) -> dict[str, Any]:
    """The options that name a manifest and its columns, if it counts the rows of these members; else nothing."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    if entry.filename.lower().endswith(".json"):
        try:
            said = json.loads(text)
        except ValueError:
            return {}
        listed = next((v for v in said.values() if isinstance(v, list)), []) if isinstance(said, dict) else said
        lines = [line for line in listed if isinstance(line, dict)] if isinstance(listed, list) else []
    else:
        lines = list(csv.DictReader(io.StringIO(text)))
    columns = [str(c) for c in lines[0]] if lines else []
    file = next((c for c in columns if any(PurePosixPath(str(line.get(c))).name in members for line in lines)), None)
    rows = [c for c in columns if c != file and all(re.fullmatch(r"\s*\d+\s*", str(line.get(c))) for line in lines)]
    if file is None or not rows:
        return {}
    count = next((c for c in rows if re.search(r"row|record|count|行|条|数", c, re.IGNORECASE)), rows[0])
    options: dict[str, Any] = {"manifest": re.sub(r"\d{4,}", "*", _base(entry))}
    return options | {k: v for k, v in {"manifestFile": file, "manifestRows": count}.items() if v != OPTIONS["zip"][k]}


def document_form(path: Path) -> Form:
    """The element that repeats, as the record. Raises `StartError`."""
    from assets.readers import LaterError, RefusedError
    from assets.readers.xml import elements, read_at
    from pipelines.drafting.files import Form

    name = shown(path)
    with tempfile.TemporaryDirectory() as folder:
        try:
            counts = elements(path)
            at = max(
                (p for p, n in counts.items() if n > 1 and counts[p.rpartition("/")[0]] == 1),
                key=lambda p: counts[p],
                default=None,
            )
            if at is None:
                raise StartError(
                    f"{name}: 没有重复的元素。 No element that stands several times in one other: which is a record cannot be told."
                )
            extract = read_at(path, {"recordsAt": at, "totalAt": None}, Path(folder))
        except (RefusedError, LaterError) as error:
            raise StartError(str(error)) from None
    return Form("xml", extract.header, {"recordsAt": at})
