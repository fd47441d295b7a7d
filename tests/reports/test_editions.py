"""A report keeps the standard of its day, and what is waived stays in sight."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.evidence import note_standard
from assets.judging import standard_of
from assets.lake import open_lake, transaction
from assets.project import Past, Project
from expectations.standard import PATH
from pipelines.rebuilding import look_back
from pipelines.results import connect_results, publish

from reports_support import batch, contract, fill, result, suite  # isort: skip

LATER = """\
  - version: "2.0"
    valid_from: 2026-12-01
    weights: {conformity: 20, completeness: 20, accuracy: 25, consistency: 15, timeliness: 15, accessibility: 5}
    indicators: {}
    grades: [{name: A, zh: 优, en: Excellent, at_least: 80}, {name: D, zh: 差, en: Poor, at_least: 0}]
    targets: {total: 60}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    contract(tmp_path, "people", [("id", "GMSFHM", "身份号码", "string", 3), ("name", "XM", "姓名", "string", 3)])
    suite(tmp_path, "people", [{"id": "id_there", "column": "id", "indicator": "0201"}])
    return Project(tmp_path, tmp_path / "data")


def write(project: Project, text: str) -> None:
    (project.expectations / "standard.yaml").write_text(text, encoding="utf-8")


def judged(project: Project, batch_: str, on: date) -> int:
    """A batch of ten rows, two of them without an id, judged on a day; gives the lake's snapshot."""
    edition = standard_of(project, on)
    at = datetime(on.year, on.month, on.day, 12)
    row = result("people", batch_, "id_there", 10, 2, checked_at=at, standard=edition.fingerprint)
    fill(project, batches=[batch("people", batch_, period=f"{on:%Y%m}")], results=[row])
    with open_lake(project) as con:
        with transaction(con, "run-1", "test"):
            note_standard(con, edition, at)
            note_standard(con, edition, at)
        (snapshot,) = con.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone() or (0,)
    return int(snapshot)


def said(project: Project) -> tuple[Any, ...]:
    """Edition, score, grade and target of the dataset as published."""
    publish(project)
    with connect_results(project) as con:
        found = con.execute(
            "SELECT p.standard, round(s.score, 6), s.grade, s.target, (SELECT count(*) FROM standards) FROM published p, scores s"
            " WHERE s.scope = 'dataset' AND s.level = 'dimension' AND s.dimension = '02'"
        ).fetchone()
        whole = con.execute("SELECT target FROM scores WHERE scope = 'dataset' AND level = 'total'").fetchone()
    assert found is not None
    assert whole is not None
    return (*found[:3], whole[0], found[4])


def test_a_past_report_keeps_its_standard(project: Project, tmp_path: Path) -> None:
    text = PATH.read_text(encoding="utf-8") + LATER
    write(project, text)
    before = judged(project, "november", date(2026, 11, 30))
    assert said(project) == ("1.0", 80, "C", 85, 1)
    # edited in place, against the rule: what was judged keeps what the edition said then
    write(project, text.replace("at_least: 70", "at_least: 81"))
    assert said(project) == ("1.0", 80, "C", 85, 1)
    write(project, text)
    judged(project, "december", date(2026, 12, 1))
    assert said(project) == ("2.0", 80, "A", 60, 2)
    past = Project(project.root, tmp_path / "past", past=Past(project.data, before, datetime(2026, 11, 30, 12)))
    assert said(past) == ("1.0", 80, "C", 85, 1)
    assert said(project) == ("2.0", 80, "A", 60, 2)


def test_what_is_waived_stays_in_sight_until_the_waiver_ends(project: Project) -> None:
    judged(project, "november", date(2026, 11, 30))
    waivers = project.expectations / "waivers.yaml"
    text = "waivers:\n  - {dataset: people, rule: id_there, reason: 系统改造, officer: 王处长, valid_from: 2026-01-01, until: 2999-12-31}\n"
    waivers.write_text(text, encoding="utf-8")
    publish(project)
    with connect_results(project) as con:
        assert con.execute("SELECT * FROM failing_rules").fetchall() == []
        assert con.execute('SELECT rule, "rows", reason, officer FROM waived').fetchall() == [("id_there", 2, "系统改造", "王处长")]
        assert con.execute("SELECT outcome, unexpected, waived FROM standing_results").fetchall() == [("failed", 2, True)]
    waivers.write_text(text.replace("2999-12-31", "2026-01-02"), encoding="utf-8")
    publish(project)
    with connect_results(project) as con:
        assert con.execute('SELECT rule, "rows" FROM failing_rules').fetchall() == [("id_there", 2)]
        assert con.execute("SELECT * FROM waived").fetchall() == []
        assert con.execute("SELECT holds FROM waivers").fetchall() == [(False,)]


def test_the_reports_of_a_past_state_are_made_by_the_standard_of_then(project: Project) -> None:
    write(project, PATH.read_text(encoding="utf-8") + LATER)
    before = judged(project, "november", date(2026, 11, 30))
    judged(project, "december", date(2026, 12, 1))
    publish(project)
    index = look_back(project, before)
    assert index == project.data / "past" / str(before) / "reports" / "index.html"
    assert "第 1.0 版自定标准" in index.read_text(encoding="utf-8")
    assert {"police/index.html", "police/police.xlsx", "overview.html", "catalogue/index.html"} <= {
        p.relative_to(index.parent).as_posix() for p in index.parent.rglob("*")
    }
    with connect_results(project) as con:
        assert con.execute("SELECT standard FROM published").fetchone() == ("2.0",)
    with pytest.raises(LookupError, match="no snapshot"):
        look_back(project, 9999)


def test_a_past_state_has_the_local_time_of_its_snapshot(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the hour of the test, the day of its zone is not that of UTC; a waiver of that day alone holds."""
    monkeypatch.setenv("TZ", "Etc/GMT-14" if datetime.now(UTC).hour >= 12 else "Etc/GMT+12")
    time.tzset()
    try:
        snapshot = judged(project, "november", date.today())
        path = project.expectations / "waivers.yaml"
        span = f"valid_from: {date.today()}, until: {date.today()}"
        path.write_text(f"waivers:\n  - {{dataset: people, rule: id_there, reason: 试, officer: 王某, {span}}}\n", encoding="utf-8")
        monkeypatch.setattr("pipelines.reports.build_reports", lambda p, base_url=None: [])
        look_back(project, snapshot)
        with connect_results(Project(project.root, project.data / "past" / str(snapshot))) as con:
            ((at, holds),) = con.execute("SELECT published_at, (SELECT holds FROM waivers) FROM published").fetchall()
        assert abs(at - datetime.now()) < timedelta(minutes=5)
        assert holds
    finally:
        monkeypatch.undo()
        time.tzset()
