"""The rehearsal: every way of tampering is found, nothing of the project is touched, and what is not found is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets.project import Project
from pipelines.cli import app
from pipelines.journal import Finding, journal_path
from pipelines.rehearsal import rehearse


def contents(project: Project) -> dict[str, bytes]:
    return {str(p.relative_to(project.data)): p.read_bytes() for p in project.data.rglob("*") if p.is_file()}


def test_every_way_is_found_at_its_place_on_a_copy(ten: Project) -> None:
    before = contents(ten)
    done = rehearse(ten)
    assert [r.way for r in done if not r.found] == []
    assert len({r.way for r in done}) == len(done) >= 25
    assert contents(ten) == before


def test_a_project_without_a_journal_rehearses_too(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "data")
    assert all(r.found for r in rehearse(project))
    assert not journal_path(project).exists()


@pytest.mark.parametrize(
    "found", [[], [Finding(9, 9, "changed", "", "")], [Finding(1, 12, "replaced", "", "")], [Finding(4, 4, "clock", "", "", remark=True)]]
)
def test_what_is_not_found_or_at_another_place_is_said(ten: Project, monkeypatch: pytest.MonkeyPatch, found: list[Finding]) -> None:
    (ten.root / "assets").mkdir()
    monkeypatch.setenv("YUANQING_ROOT", str(ten.root))
    monkeypatch.setenv("YUANQING_DATA", str(ten.data))
    assert CliRunner().invoke(app, ["audit", "rehearse"]).exit_code == 0
    monkeypatch.setattr("pipelines.rehearsal.verify", lambda *_: found)
    assert not {r.way: r.found for r in rehearse(ten)}["who"]
    done = CliRunner().invoke(app, ["audit", "rehearse"])
    assert done.exit_code == 1
    assert "✗" in done.output
