"""Publishing the league and the quarterly evaluation, by an officer who stands for it: pages, workbook, seal, entry, row.

Belongs here: the order of a publication, and going on where one was killed. Not here: what is evaluated (`evaluation`), how it looks
(`showing`, `workbook`), finding what was altered afterwards (`checking`).

The seal of a publication is its entry in the journal: it holds the SM3 of every file and of `seal.json`, which says by which standard
and from which snapshot. The folder is named by the entry's number, and the lake keeps both.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pipelines.errors import PublishingError
from pipelines.league.quarters import Quarter

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project
    from pipelines.journal import Entry

__all__ = ["Publication", "PublishingError", "publications", "publish_league", "seal_files"]

KIND = "publish"
SEAL = "seal.json"
DATA = "evaluation.json"


@dataclass(frozen=True)
class Publication:
    """What was published: `seq` and `seal` are those of its entry in the journal."""

    seq: int
    seal: str
    at: str
    officer: str
    why: str
    quarter: str
    standard: str
    fingerprint: str
    snapshot: int | None
    digest: str
    files: dict[str, str]
    folder: Path
    corrects: int | None = None

    @classmethod
    def of(cls, project: Project, entry: Entry) -> Publication:
        """The publication of an entry. Raises `PublishingError` where the entry lacks something."""
        said = entry.content
        try:
            return cls(
                entry.seq,
                entry.seal,
                entry.at,
                entry.who,
                entry.why,
                said["quarter"],
                said["standard"],
                said["fingerprint"],
                said["snapshot"],
                said["digest"],
                dict(said["files"]),
                folder_of(project, entry.seq),
                said["corrects"],
            )
        except (KeyError, TypeError, ValueError):
            raise PublishingError(
                f"日志第 {entry.seq} 条不是完整的发布记录。 Entry {entry.seq} of the journal is no whole publication. "
                "See `yuanqing audit verify`."
            ) from None


def folder_of(project: Project, seq: int) -> Path:
    """Where a publication's files lie."""
    return project.data / "publications" / str(seq)


def publications(project: Project) -> list[Publication]:
    """All publications by number, those that were corrected too. Raises `JournalError`."""
    from pipelines.journal import entries

    return [Publication.of(project, e) for e in entries(project, KIND) if "digest" in e.content]


def standing(known: Iterable[Publication]) -> dict[str, Publication]:
    """By quarter, the publication that stands: the last one, which corrects those before."""
    return {p.quarter: p for p in known}


def publish_league(project: Project, officer: str, why: str, quarter: str | None = None, corrects: int | None = None) -> Publication:
    """Publish the league and the evaluation of a quarter (2026Q3; by default the last one that has ended), as the results show them.

    A quarter that was published already is published again only as a correction of the publication that stands. Raises
    `PublishingError` for an officer who is not named, no reason, a quarter that has not begun, a second publication; `JournalError`,
    `LakeBusyError`; `FileNotFoundError` before there are results.
    """
    from assets.lake import open_lake
    from pipelines.results import connect_results

    _may_publish(project, officer, why)
    asked = Quarter.read(quarter) if quarter else Quarter.last_ended(date.today())
    if asked.begin > date.today():
        raise PublishingError(f"{asked.name}: 该季度尚未开始。 The quarter has not begun. Name one up to {Quarter.of(date.today()).name}.")
    connect_results(project).close()
    with open_lake(project) as con:
        _go_on(con, project)
        known = publications(project)
        _again(known, asked, corrects)
        place = project.data / "publications"
        place.mkdir(parents=True, exist_ok=True)
        for left in place.glob(".making-*"):
            shutil.rmtree(left, ignore_errors=True)
        making = place / f".making-{uuid4().hex}"
        making.mkdir()
        try:
            facts = _make(project, making, officer, why, asked, corrects, known)
            entry = _seal(project, making, officer, why, facts)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        published = Publication.of(project, entry)
        _put_in_place(con, published)
    return published


def _may_publish(project: Project, officer: str, why: str) -> None:
    named = project.settings.publication.officers
    if not officer.strip():
        raise PublishingError("未写明发布人。用 --officer 写出姓名。 Who publishes? Name the officer with --officer.")
    if named and officer not in named:
        raise PublishingError(
            f"{officer}：不在可发布的人员之列（{'、'.join(named)}，见 yuanqing.toml [publication] officers）。 "
            f"{officer} is not among the officers who may publish. Let one of them publish, or name the officer there."
        )
    if not why.strip():
        raise PublishingError("未写明事由。用 --why 写出。 Why is it published? Say it with --why.")


def _again(known: list[Publication], quarter: Quarter, corrects: int | None) -> None:
    """A quarter is published once, and again only in the place of what stands."""
    stands = standing(known).get(quarter.name)
    if corrects is None and stands:
        raise PublishingError(
            f"{quarter.name} 已由 {stands.officer} 发布（第 {stands.seq} 号）。要更正，加 --corrects {stands.seq} 并写明事由。 "
            f"{quarter.name} was published already, as number {stands.seq}. To correct it, add --corrects {stands.seq} and say why."
        )
    if corrects is not None and (stands is None or stands.seq != corrects):
        stand = f"第 {stands.seq} 号 number {stands.seq}" if stands else "尚未发布 nothing yet"
        raise PublishingError(
            f"--corrects {corrects}：{quarter.name} 现行的发布是：{stand}。 What stands of {quarter.name} is another; correct that."
        )


def _make(
    project: Project, folder: Path, officer: str, why: str, quarter: Quarter, corrects: int | None, known: list[Publication]
) -> dict[str, Any]:
    """Write the files; gives what the seal says of them."""
    from assets.lake import one_look
    from pipelines.journal import head
    from pipelines.league.evaluation import evaluate
    from pipelines.league.showing import write_pages
    from pipelines.league.workbook import write_workbook
    from pipelines.results import connect_results

    now = datetime.now().replace(microsecond=0)
    anchor = head(project)
    earlier = [p for name, p in sorted(standing(known).items()) if name < quarter.name]
    with connect_results(project) as results, one_look(results):
        made = evaluate(results, list(project.contracts.values()), quarter, now, earlier[-1] if earlier else None, project.departments)
        about = {"officer": officer, "why": why, "at": now, "corrects": corrects, "anchor": anchor}
        write_pages(results, folder, made, about)
    write_workbook(folder / "evaluation.xlsx", made, about)
    (folder / DATA).write_text(json.dumps(made.as_json(), ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")
    return {
        "quarter": quarter.name,
        "officer": officer,
        "why": why,
        "at": now.astimezone().isoformat(timespec="seconds"),
        "standard": made.published["standard"],
        "fingerprint": made.published["standard_fingerprint"],
        "snapshot": made.published["snapshot"],
        "results_of": made.published["published_at"].isoformat(timespec="seconds"),
        "anchor": f"{anchor[0]}:{anchor[1]}",
        "corrects": corrects,
    }


def seal_files(folder: Path, facts: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Write `seal.json`: the facts and the SM3 of every file; gives its digest, and the digests of all files."""
    from pipelines.sealing import canonical, sm3_file

    files = {p.relative_to(folder).as_posix(): sm3_file(p) for p in sorted(folder.rglob("*")) if p.is_file() and p.name != SEAL}
    text = json.dumps(json.loads(canonical({**facts, "algorithm": "SM3", "files": files})), ensure_ascii=False, indent=1)
    (folder / SEAL).write_text(text + "\n", encoding="utf-8")
    return sm3_file(folder / SEAL), files


def _seal(project: Project, making: Path, officer: str, why: str, facts: dict[str, Any]) -> Entry:
    """Seal the files and write the entry. Killed in between, the folder waits under its digest for the next publication."""
    from pipelines.journal import append

    digest, files = seal_files(making, facts)
    making.rename(_waiting(making.parent, digest))
    said = {k: v for k, v in facts.items() if k not in ("officer", "why", "at")}
    return append(project, KIND, officer, why, digest=digest, files=files, **said)


def _waiting(place: Path, digest: str) -> Path:
    return place / f".sealed-{digest[:32]}"


def _put_in_place(con: duckdb.DuckDBPyConnection, published: Publication) -> None:
    """Give the folder its number, unless that is done, and the lake its row."""
    from assets import evidence
    from assets.lake import transaction

    waiting = _waiting(published.folder.parent, published.digest)
    if waiting.is_dir() and not published.folder.exists():
        waiting.rename(published.folder)
    row = {
        "seq": published.seq,
        "seal": published.seal,
        "quarter": published.quarter,
        "officer": published.officer,
        "why": published.why,
        "published_at": datetime.fromisoformat(published.at).astimezone().replace(tzinfo=None),
        "standard": published.standard,
        "fingerprint": published.fingerprint,
        "snapshot": published.snapshot,
        "digest": published.digest,
        "corrects": published.corrects,
    }
    with transaction(con, str(uuid4()), f"league {published.quarter}"):
        evidence.write(con, "league_publications", [row])


def _go_on(con: duckdb.DuckDBPyConnection, project: Project) -> None:
    """Finish a publication that was killed after its entry was written; take away what never got one."""
    place = project.data / "publications"
    there = {seq for (seq,) in con.execute("SELECT seq FROM evidence.league_publications").fetchall()}
    for published in publications(project):
        if published.seq not in there and (_waiting(place, published.digest).is_dir() or published.folder.is_dir()):
            _put_in_place(con, published)
    for left in place.glob(".sealed-*"):
        shutil.rmtree(left, ignore_errors=True)
