"""`yuanqing audit`: exit codes, places, anchors of every place where they are kept."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assets import evidence
from assets.lake import open_lake, transaction
from assets.project import Past, Project
from pipelines import anchors
from pipelines.cli import app
from pipelines.errors import JournalError
from pipelines.journal import append, entries, head, journal_path


@pytest.fixture
def run(ten: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    (ten.root / "assets").mkdir()
    monkeypatch.setenv("YUANQING_ROOT", str(ten.root))
    monkeypatch.setenv("YUANQING_DATA", str(ten.data))

    def asked(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["audit", *arguments])

    return asked


def page(project: Project, anchor: tuple[int, str], at: str = "reports/police/index.html") -> Path:
    path = project.data / at
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<!doctype html>\n<head><meta name="yuanqing-anchor" content="{anchor[0]}:{anchor[1]}"></head>', encoding="utf-8")
    return path


def test_a_whole_journal(ten: Project, run: Callable[..., Result]) -> None:
    page(ten, head(ten))
    done = run("verify")
    assert done.exit_code == 0
    assert "10 条" in done.output
    assert "1 anchors fit" in done.output
    assert head(ten)[1] in done.output


def test_a_tail_that_was_cut_off_is_told_by_the_page_that_knows_better(ten: Project, run: Callable[..., Result]) -> None:
    page(ten, head(ten))
    path = journal_path(ten)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:7]))
    assert run("verify").exit_code == 1
    (finding,) = json.loads(run("verify", "--json").output)["findings"]
    assert (finding["kind"], finding["line"], finding["anchors"]) == ("truncated", 8, ["reports/police/index.html"])


def test_a_given_anchor_tells_where_no_other_was_kept(ten: Project, run: Callable[..., Result]) -> None:
    seq, seal = head(ten)
    journal_path(ten).unlink()
    assert run("verify").exit_code == 0
    assert run("verify", "--anchor", f"{seq}:{seal[:16]}").exit_code == 1
    refused = run("verify", "--anchor", "ten")
    assert refused.exit_code == 2
    assert "SEQ:SEAL" in refused.output


def test_listing_by_kind_and_person_steers_no_screen(ten: Project, run: Callable[..., Result]) -> None:
    append(ten, "waive", "赵处长", "\x1b[2J系统改造", rule="tag_form")
    assert [e["seq"] for e in json.loads(run("list", "--what", "waive", "--json").output)] == [11]
    assert len(json.loads(run("list", "--who", "李四", "--who", "赵处长", "--json").output)) == 6
    shown = run("list", "--limit", "1").output
    assert "系统改造" in shown
    assert "\x1b[2J" not in shown
    assert "只" not in shown


def test_a_half_line_is_set_aside(ten: Project, run: Callable[..., Result]) -> None:
    path = journal_path(ten)
    os.truncate(path, path.stat().st_size - 9)
    assert run("verify").exit_code == 1
    assert "audit repair" in run("list").output
    assert run("repair").exit_code == 2
    assert run("repair", "--who", "王芳").exit_code == 0
    assert run("verify").exit_code == 0
    assert [e.what for e in entries(ten, "repair")] == ["repair"]
    assert "nothing was done" in run("repair", "--who", "王芳").output


@pytest.mark.parametrize(
    "text", ["", "5", "5:", "x:" + "a" * 16, "5:" + "g" * 16, "5:abc", "-1:" + "a" * 64, "5:" + "a" * 65, "9" * 20 + ":" + "a" * 16]
)
def test_what_is_no_anchor_is_refused(text: str) -> None:
    with pytest.raises(JournalError, match="SEQ:SEAL"):
        anchors.read(text)


def test_pages_without_anchors_and_broken_pages_are_passed_over(ten: Project) -> None:
    page(ten, (3, "zz"))
    (ten.reports / "plain.html").write_bytes(b"\xff\xfe<html>")
    assert anchors.kept(ten) == {}
    page(ten, head(ten), "publications/4/league.html")
    assert anchors.kept(ten) == {head(ten): ["publications/4/league.html"]}
    shutil.rmtree(ten.data / "publications")
    assert anchors.current(ten) == head(ten)
    journal_path(ten).write_bytes(b"x")
    assert anchors.current(ten) is None


def test_a_project_of_the_past_bears_the_anchor_that_was_published_then(ten: Project) -> None:
    then, at = head(ten), datetime(2026, 11, 1, 9, 30, 1, 234567)
    with open_lake(ten) as con, transaction(con, "run-1", "test"):
        row = {"run_id": "run-1", "published_at": at, "snapshot": 1, "anchor": anchors.written(then)}
        evidence.write(con, "publications", [row, {"run_id": "run-0", "published_at": datetime(2026, 10, 1), "snapshot": 1}])
    append(ten, "note", "王芳")
    assert anchors.current(ten) == head(ten) != then
    past = Project(ten.root, ten.root / "past", past=Past(ten.data, 1, at))
    assert anchors.current(past) == then
    assert anchors.current(Project(ten.root, ten.root / "past", past=Past(ten.data, 1, datetime(2026, 10, 1)))) is None
    assert anchors.kept(ten) == {then: ["evidence.publications"]}
