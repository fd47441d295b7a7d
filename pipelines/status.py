"""What stands now, at a glance: the last run, each source dataset's newest hand-over, rows, score and failing rules, what waits, what
was refused, and which hand-over is due.

Belongs here: gathering. Not here: scores and failing rules themselves (the published results), the screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.lake import at_hand, open_lake

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from pipelines.logs import RunLine
    from pipelines.workbooks.returned import Returned


@dataclass(frozen=True)
class DatasetStatus:
    """One source dataset. `rows` stand now; `score` is score × coverage (0 to 100), None where nothing was published; `late` days.
    `due` is empty where nothing more is to come: the dataset is given up, and hand-overs speak of days until `ended`."""

    dataset: str
    title: str
    department: str
    newest: str
    received: str
    rows: int
    quarantined: int
    score: float | None
    grade: str | None
    failing: int
    waiting: int
    refused: int
    expected: str
    due: str
    late: int
    ended: str


@dataclass
class Status:
    """`lake` in bytes; `returned` the workbooks that came back and were not taken whole; `run` the newest run, `failed` the newest
    that failed and was not made good since."""

    project: str
    run: RunLine | None = None
    failed: RunLine | None = None
    datasets: list[DatasetStatus] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    returned: list[Returned] = field(default_factory=list)
    lake: int = 0
    batches: int = 0
    published: str = ""


def status(project: Project, today: date | None = None) -> Status:
    """Look; nothing is changed. A project in which nothing was ever run has datasets and nothing else."""
    from assets.collect import strays

    found = Status(str(project.root), strays=strays(project), lake=_size(project.lake))
    if project.returned.is_dir():
        from pipelines.workbooks.returned import look

        found.returned = [one for one in look(project) if one.state != "taken"]
    found.run, found.failed = _runs(project)
    scores, failing, found.published = _published(project)
    stands: dict[str, tuple[Any, ...]] = {}
    refused: Counter[str] = Counter()
    if (project.lake / "catalogue.sqlite").exists():
        with open_lake(project, read_only=True) as con, at_hand(con, "batches"):
            stands, refused, found.batches = _batches(con, project)
    waiting = _waiting(project)
    for contract in project.sources():
        made = _dataset(contract, stands.get(contract.name), today or date.today())
        score, grade = scores.get(contract.name, (None, None))
        made |= {"failing": failing.get(contract.name, 0), "waiting": waiting[contract.name], "refused": refused[contract.name]}
        found.datasets.append(DatasetStatus(**made, score=score, grade=grade))
    return found


def _dataset(contract: Contract, stands: tuple[Any, ...] | None, today: date) -> dict[str, Any]:
    from assets.promises import last_day
    from pipelines.freshness import awaited, days_late

    newest, received, rows, quarantined = stands or (None, None, 0, 0)
    expected, due = awaited(contract, newest or None, today)
    end = last_day(contract)
    return {
        "dataset": contract.name,
        "title": contract.title,
        "department": contract.department,
        "newest": newest or "",
        "received": received.strftime("%Y-%m-%d %H:%M") if received else "",
        "rows": rows,
        "quarantined": quarantined,
        "expected": expected,
        "due": due.isoformat() if due else "",
        "late": days_late(due, today),
        "ended": end.isoformat() if end else "",
    }


def _batches(con: duckdb.DuckDBPyConnection, project: Project) -> tuple[dict[str, tuple[Any, ...]], Counter[str], int]:
    """By dataset: newest period, when it was received, rows that stand and wait in quarantine; refusals that stand; batches in all."""
    from assets.std import current_batches
    from pipelines.standing import refusals

    stands, refused = {}, Counter[str]()
    for contract in project.sources():
        row = con.execute(
            "SELECT max(period), max(received_at), coalesce(sum(rows_std), 0)::BIGINT, coalesce(sum(rows_quarantine), 0)::BIGINT, count(*)"
            f" FROM evidence.batches WHERE batch IN ({current_batches(contract)})"
        ).fetchone()
        if row and row[-1]:
            stands[contract.name] = row[:-1]
        refused[contract.name] = len(refusals(con, contract))
    (batches,) = con.execute("SELECT count(*) FROM evidence.batches WHERE status IN ('collected', 'standardised')").fetchone() or (0,)
    return stands, refused, batches


def _published(project: Project) -> tuple[Mapping[str, tuple[float | None, str | None]], Mapping[str, int], str]:
    """By dataset its score and grade, and how many rules fail; and when that was published."""
    from pipelines.results import connect_results

    if not project.results.exists():
        return {}, {}, ""
    with closing(connect_results(project)) as con:
        rows = con.execute(
            "SELECT dataset, ranked, grade FROM scores WHERE scope = 'dataset' AND level = 'total' AND unit IS NULL"
        ).fetchall()
        failing = con.execute("SELECT dataset, count(DISTINCT rule) FROM failing_rules GROUP BY dataset").fetchall()
        (at,) = con.execute("SELECT published_at FROM published").fetchone() or (None,)
    return {d: (score, grade) for d, score, grade in rows}, dict(failing), at.strftime("%Y-%m-%d %H:%M") if at else ""


def _runs(project: Project) -> tuple[RunLine | None, RunLine | None]:
    if not (project.dagster_home / "history").exists():
        return None, None
    from pipelines.instance import open_instance
    from pipelines.logs import not_made_good, recent, run_line

    with open_instance(project) as instance:
        newest = recent(instance, 1)
        failed = not_made_good(instance)
        record = instance.get_run_record_by_id(failed.run_id) if failed else None
    return (newest[0] if newest else None), (run_line(record) if record else None)


def _waiting(project: Project) -> Counter[str]:
    """Files in each dataset's landing folder."""
    from pipelines.work import landing_files

    return Counter(name.split("/")[0] for name, _, _ in landing_files(project, project.sources()))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
