"""Anchors: number and seal of the journal's last entry, kept where who changes the journal does not reach at once.

Belongs here: what a publication bears (a table of the results, a `<meta>` and a line of every page), and finding all that were kept:
in the lake, in the results, on pages. Not here: what an anchor proves (`pipelines.auditing`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from assets.lake import is_there
from pipelines.errors import JournalError

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

Anchor = tuple[int, str]

JOURNAL: list[tuple[str, str, str]] = [
    ("seq", "BIGINT", "number of the journal's last entry when this file was made; 0: there was none"),
    ("seal", "VARCHAR", "its seal (SM3)"),
]
_META = re.compile(rb'<meta name="yuanqing-anchor" content="([0-9]{1,18}):([0-9a-f]{16,64})">')
_HEAD = 8192
"""Bytes of a page in which its anchor stands."""


def current(project: Project) -> Anchor | None:
    """The anchor that is published now; None where the journal cannot be read. Of a project of the past, what was published then."""
    from pipelines.journal import head

    if project.past is not None:
        from pipelines.publications import of_past

        said = of_past(project, "anchor")
        return read(said) if said else None
    try:
        return head(project)
    except JournalError:
        return None


def anchor_rows(project: Project) -> list[Anchor]:
    """The row of the results' table `journal`; none where the journal cannot be read."""
    found = current(project)
    return [found] if found else []


def published(results: duckdb.DuckDBPyConnection) -> Anchor | None:
    """The anchor of the published results, as pages print it."""
    row = results.execute("SELECT seq, seal FROM journal").fetchone() if is_there(results, "journal") else None
    return (int(row[0]), str(row[1])) if row else None


def written(anchor: Anchor | None) -> str | None:
    """An anchor as a page and the lake bear it: number, colon, seal."""
    return f"{anchor[0]}:{anchor[1]}" if anchor else None


def read(text: str) -> Anchor:
    """An anchor as people and pages write it. Raises `JournalError`."""
    seq, _, seal = text.strip().partition(":")
    if not seq.isdecimal() or len(seq) > 18 or not re.fullmatch("[0-9a-fA-F]{16,64}", seal.strip()):
        raise JournalError(
            f"锚点 {text!r}：应为“序号:封印”，封印至少 16 位十六进制数，见任一报告页末。 "
            "An anchor is SEQ:SEAL with at least 16 hexadecimal digits, as every report prints it at its end."
        )
    return int(seq), seal.strip().lower()


def kept(project: Project) -> dict[Anchor, list[str]]:
    """All anchors that were kept elsewhere than in the journal, each with the places that have it."""
    found: dict[Anchor, list[str]] = {}
    for anchor, place in (*_in_lake(project), *_in_results(project), *_on_pages(project)):
        if anchor[0] or set(anchor[1]) != {"0"}:
            found.setdefault(anchor, []).append(place)
    return found


def _in_lake(project: Project) -> Iterator[tuple[Anchor, str]]:
    from assets.lake import columns_of, open_lake

    if not (project.lake / "catalogue.sqlite").exists():
        return
    with open_lake(project, read_only=True) as con:
        if "anchor" in (columns_of(con, "evidence.publications") or {}):
            for (text,) in con.execute("SELECT DISTINCT anchor FROM evidence.publications WHERE anchor IS NOT NULL").fetchall():
                yield read(text), "evidence.publications"
        if is_there(con, "evidence.league_publications"):
            for seq, seal in con.execute("SELECT seq, seal FROM evidence.league_publications").fetchall():
                yield (int(seq), str(seal)), "evidence.league_publications"


def _in_results(project: Project) -> Iterator[tuple[Anchor, str]]:
    from pipelines.results import connect_results

    if not project.results.exists():
        return
    with connect_results(project) as results:
        anchor = published(results)
    if anchor:
        yield anchor, project.results.name


def _on_pages(project: Project) -> Iterator[tuple[Anchor, str]]:
    for folder in (project.reports, project.data / "publications"):
        for page in sorted(folder.rglob("*.html")):
            if anchor := on_page(page):
                yield anchor, page.relative_to(project.data).as_posix()


def on_page(page: Path) -> Anchor | None:
    """The anchor that a page bears; None of one that bears none."""
    with page.open("rb") as file:
        found = _META.search(file.read(_HEAD))
    return (int(found[1]), found[2].decode()) if found else None
