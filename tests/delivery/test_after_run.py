"""A run delivers where its settings say so, and what did not arrive is on the officer's list."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tiny_support import hand_over, make_tiny

from assets.project import Project
from pipelines.issues.todo import todo
from pipelines.results import connect_results
from pipelines.run import run


def test_a_run_delivers_only_where_it_is_told_to(tmp_path: Path) -> None:
    project = make_tiny(tmp_path / "site")
    share = tmp_path / "share"
    settings = f'[departments.city]\ndeliver_to_folder = "{share}"\n'
    assert not project.settings.deliver.after_run
    (project.root / "yuanqing.toml").write_text(settings + "[deliver]\nafter_run = true\n", encoding="utf-8")
    project = Project(project.root, project.data)  # settings are read once
    hand_over(project, "202610", "tag,born\nA1,2020-01-01\nA2,2021-02-02\n")
    (failed,) = run(project).undone
    assert "city, folder" in failed
    assert "no such folder" in failed
    with connect_results(project) as results:
        assert [(t.kind, t.department) for t in todo(results, project, date(2026, 11, 2)) if t.kind == "delivery"] == [("delivery", "city")]

    share.mkdir()
    hand_over(project, "202611", "tag,born\nA1,2020-01-01\nA2,2021-02-02\n")
    assert run(project).undone == []
    (folder,) = share.iterdir()
    assert {"index.html", "city.xlsx", "digest.txt"} <= {p.name for p in folder.iterdir()}
    with connect_results(project) as results:
        assert "delivery" not in {t.kind for t in todo(results, project, date(2026, 11, 2))}
