"""Old states of the lake go; what a report, an issue, a waiver or the next increment needs stays."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tiny_support import hand_over
from typer.testing import CliRunner

from assets import evidence
from assets.lake import open_lake, transaction
from assets.project import Project
from pipelines import publications
from pipelines.cli import app
from pipelines.expiring import expire, pointers, ranges
from pipelines.rebuilding import rebuild
from pipelines.run import run
from tests.past.conftest import Twice


def asked(project: Project, sql: str) -> set[Any]:
    with open_lake(project, read_only=True) as con:
        return {value for (value,) in con.execute(sql).fetchall()}


def snapshots(project: Project) -> set[int]:
    return asked(project, "SELECT snapshot_id FROM ducklake_snapshots('lake')")


def data_files(project: Project) -> set[str]:
    return {path.relative_to(project.lake).as_posix() for path in (project.lake / "files").rglob("*.parquet")}


@pytest.fixture
def copy(twice: Twice, tmp_path: Path) -> Project:
    return twice.at(tmp_path / "copy")


def test_nothing_goes_before_its_time(copy: Project) -> None:
    before = snapshots(copy), data_files(copy)
    done = expire(copy, "expiring")
    assert (done.snapshots, done.kept, done.files) == ((), {}, 0)
    assert (snapshots(copy), data_files(copy)) == before


def test_past_reports_can_be_made_again_after_all_else_has_gone(copy: Project, twice: Twice, tmp_path: Path) -> None:
    others = data_files(twice.project)
    with open_lake(copy, read_only=True) as con:
        published = {publications.find(con, run_id).snapshot for run_id in (twice.first, twice.second)}
        present = con.execute("SELECT * FROM base.animal ORDER BY ALL").fetchall()
    before = snapshots(copy)
    told = expire(copy, "looking", 0, dry=True)
    assert snapshots(copy) == before
    done = expire(copy, "expiring", 0)
    assert done.snapshots == told.snapshots
    assert len(done.snapshots) > 5
    assert snapshots(copy) == before - set(done.snapshots) | {max(before) + 1}  # its own row in the ledger
    assert published <= snapshots(copy)
    assert done.kept["report"] == 2
    assert data_files(twice.project) == others  # a data folder that was copied is cleaned up where it is
    assert asked(copy, "SELECT command FROM evidence.runs WHERE run_id = 'expiring'") == {"expire --older-than 0"}
    for number, run_id in enumerate((twice.first, twice.second)):
        again = rebuild(copy, run_id, tmp_path / str(number))
        assert (again.differing, again.exit_code) == ((), 0)
        assert again.same > 10
    with open_lake(copy, read_only=True) as con:
        assert con.execute("SELECT * FROM base.animal ORDER BY ALL").fetchall() == present


def test_the_next_run_builds_what_it_would_have_built(copy: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.run.seconds_to_settle", lambda project: 0.0)
    expire(copy, "expiring", 0)
    hand_over(copy, "202610", "犬牌,出生日期\r\nA1,2020-01-02\r\nA9,2021-01-01\r\n")
    assert run(copy).undone == []
    assert asked(copy, "SELECT tag FROM base.animal") == {"A1", "A9"}


def test_a_league_holds_the_state_that_it_was_made_from(copy: Project) -> None:
    free = min(expire(copy, "looking", 0, dry=True).snapshots)
    with open_lake(copy) as con, transaction(con, "run", "league"):
        evidence.write(con, "league_publications", [{"seq": 1, "quarter": "2026Q3", "snapshot": free}])
    told = expire(copy, "looking", 0, dry=True)
    assert free not in told.snapshots
    assert told.kept["report"] == 3


def test_a_waiver_holds_the_state_that_it_was_given_on(copy: Project) -> None:
    """The waiver of the project began long ago, before the first state; one of today was given on the newest."""
    with open_lake(copy, read_only=True) as con:
        assert pointers(con, copy)["waiver"] == set()
        newest = max(snapshots(copy))
        path = copy.expectations / "waivers.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("2020-01-01", f"{date.today()}"), encoding="utf-8")
        assert pointers(con, Project(copy.root, copy.data))["waiver"] == {newest}


def test_an_open_issue_holds_the_state_in_which_it_was_found(copy: Project) -> None:
    judged = (
        "SELECT DISTINCT r.run_id FROM evidence.results r JOIN evidence.issues i USING (batch, dataset, rule) WHERE r.batch LIKE '%202609%'"
    )
    (run_id,) = asked(copy, judged)
    found = asked(copy, f"SELECT max(snapshot_id) FROM ducklake_snapshots('lake') WHERE commit_extra_info LIKE '%{run_id}%'")
    with open_lake(copy, read_only=True) as con:
        assert found <= pointers(con, copy)["issue"]


def test_the_policy_is_a_setting_and_counts_days(copy: Project) -> None:
    (copy.root / "yuanqing.toml").write_text("[snapshots]\nkeep_days = 30\n", encoding="utf-8")
    before = expire(Project(copy.root, copy.data), "looking", dry=True).before
    assert abs(datetime.now() - timedelta(days=30) - before) < timedelta(minutes=1)


def test_the_command(copy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANQING_ROOT", str(copy.root))
    monkeypatch.setenv("YUANQING_DATA", str(copy.data))
    done = CliRunner().invoke(app, ["expire", "--older-than", "0", "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "可清理 would go" in done.output
    assert "已发布的报告 reports that were published from it" in done.output
    monkeypatch.setenv("YUANQING_DATA", str(copy.root / "empty"))
    assert CliRunner().invoke(app, ["expire"]).exit_code == 2


def test_ranges() -> None:
    assert ranges([1, 3, 4, 5, 9, 10]) == ["1", "3-5", "9-10"]
