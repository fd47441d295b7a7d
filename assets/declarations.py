"""The project's declarations, kept in the lake: what a report was made by can be had back when the files say otherwise.

Kept is what decides a report besides the lake: contracts, SQL, checks, pages, suites, waivers, the standard, code tables (those that
come with Yuanqing too), settings. `evidence.declarations` is a journal: an edition has the files that changed, a content stands once, so
a file that did not change costs nothing. Belongs here: which files, keeping, restoring. Not here: the program's own code and
templates, which publications name by a digest (`pipelines.publications`). Never kept: `connections.toml`, or a secret in settings.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from assets import evidence
from assets.lake import is_there, objects, transaction
from assets.project import CODE
from assets.settings import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from assets.project import Project

BUILT_BY = {"assets": ("*.odcs.yaml", "department.yaml", "*.check.yaml", "*.page.yaml", "*.sql"), "expectations": ("*.yaml", "*.csv")}
"""By folder of a project, the files that its tables and pages are made by."""
FOLDERS = BUILT_BY | {"assets": (*BUILT_BY["assets"], "*.sample.yaml")}
ALSO = ("expectations/standard.yaml", "expectations/codes/*.csv", "expectations/codes/tables.yaml")
"""Of the program's own, where the project has none."""
_SECRET = re.compile(rb"""(?im)^(\s*"?[\w.-]*(?:password|passwd|secret|token|credential)"?\s*=\s*).*$""")
_USER = re.compile(rb"://[^/\s\"'@]+@")


class DeclarationsError(LookupError):
    """Declarations that were not kept, or are not what they were."""


def read(project: Project) -> dict[str, bytes]:
    """Every file that is kept, by its path from the project's folder. A secret that stands in settings against the rules is left out."""
    found = {path.relative_to(CODE).as_posix(): path for pattern in ALSO for path in CODE.glob(pattern)}
    for folder, patterns in FOLDERS.items():
        inside = project.root / folder
        found |= {path.relative_to(project.root).as_posix(): path for pattern in patterns for path in inside.rglob(pattern)}
    contents = {name: path.read_bytes() for name, path in sorted(found.items()) if path.is_file()}
    settings = project.root / FILE
    if settings.is_file():
        contents[FILE] = _USER.sub(b"://***@", _SECRET.sub(rb'\1"***"', settings.read_bytes()))
    return contents


def current(project: Project) -> str:
    """The fingerprint of the declarations as they are now."""
    return fingerprint(_digests(read(project)))


def _digests(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}


def fingerprint(digests: Mapping[str, str]) -> str:
    """Of a set of files: by path the SHA-256 of the content."""
    whole = hashlib.sha256()
    for path, digest in sorted(digests.items()):
        whole.update(f"{path}\0{digest}\n".encode())
    return whole.hexdigest()


def keep(con: duckdb.DuckDBPyConnection, project: Project, run_id: str) -> str:
    """Keep what has changed since the last edition, in one transaction; nothing is written where nothing has. Gives the fingerprint."""
    contents = read(project)
    digests = _digests(contents)
    mark = fingerprint(digests)
    edition, standing = _standing(con)
    if standing == digests and edition:
        return mark
    known = {d for (d,) in con.execute("SELECT DISTINCT digest FROM evidence.declarations WHERE content IS NOT NULL").fetchall()}
    rows = []
    for path in sorted(digests.keys() | standing.keys()):
        digest = digests.get(path)
        if digest == standing.get(path):
            continue
        row = {"edition": edition + 1, "fingerprint": mark, "path": path, "digest": digest, "run_id": run_id, "noted_at": project.now()}
        if digest is not None and digest not in known:
            known.add(digest)
            row |= _written(contents[path])
        rows.append(row)
    with transaction(con, run_id, f"declarations: {len(rows)} files of edition {edition + 1}"):
        evidence.write(con, "declarations", rows)
    return mark


def restore(con: duckdb.DuckDBPyConnection, mark: str, folder: Path) -> int:
    """Write the files of the set with this fingerprint into `folder`; gives how many. Raises `DeclarationsError`."""
    edition = None
    if is_there(con, "evidence.declarations"):
        (edition,) = con.execute("SELECT max(edition) FROM evidence.declarations WHERE fingerprint = ?", [mark]).fetchone() or (None,)
    if edition is None:
        raise DeclarationsError(f"the declarations {mark[:16]} were not kept in the lake.")
    _, digests = _standing(con, edition)
    if fingerprint(digests) != mark:
        raise DeclarationsError(f"edition {edition} of the declarations is not what it was: evidence.declarations was changed.")
    stored = objects(
        con,
        "SELECT digest, any_value(content) AS content, any_value(base64) AS base64 FROM evidence.declarations"
        " WHERE content IS NOT NULL GROUP BY digest",
    )
    contents = {row["digest"]: base64.b64decode(row["content"]) if row["base64"] else row["content"].encode() for row in stored}
    for path, digest in digests.items():
        content = contents.get(digest)
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            raise DeclarationsError(f"{path} of edition {edition} is not what it was: evidence.declarations was changed.")
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts:
            raise DeclarationsError(f"{path!r} leads out of the project: evidence.declarations was changed.")
        target = folder / parts
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return len(digests)


def _standing(con: duckdb.DuckDBPyConnection, edition: int | None = None) -> tuple[int, dict[str, str]]:
    """The number of the newest edition (0: none), up to `edition`, and by path the digests of its files."""
    rows = con.execute(
        """SELECT path, digest, edition FROM evidence.declarations WHERE ?::BIGINT IS NULL OR edition <= ?
        QUALIFY row_number() OVER (PARTITION BY path ORDER BY edition DESC) = 1""",
        [edition, edition],
    ).fetchall()
    return max((number for *_, number in rows), default=0), {path: digest for path, digest, _ in rows if digest is not None}


def _written(content: bytes) -> dict[str, str | bool]:
    try:
        return {"content": content.decode(), "base64": False}
    except UnicodeDecodeError:
        return {"content": base64.b64encode(content).decode(), "base64": True}
