"""Dagster's own storage: its files are opened once and closed with the instance."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from assets.project import Project
from pipelines import instance
from pipelines.instance import open_instance


@dg.op
def nothing() -> None:
    pass


@dg.job
def idle() -> None:
    nothing()


def logs(project: Project) -> set[str]:
    """The files of Dagster that somebody holds open: the last to close one writes its log back and removes it."""
    return {path.name for path in project.dagster_home.rglob("*-wal")}


@pytest.mark.parametrize("engines", [instance.ENGINES, 1])
def test_files_are_held_while_the_instance_is_open_and_closed_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engines: int
) -> None:
    monkeypatch.setattr(instance, "ENGINES", engines)
    project = Project(tmp_path, tmp_path)
    with open_instance(project) as opened:
        done = [idle.execute_in_process(instance=opened).run_id for _ in range(3)]
        held = logs(project)
        assert {f"{run}.db-wal" for run in done} <= held if engines > 1 else len(held) == 1
        with open_instance(project) as beside:  # another look at the same files, closed before
            assert {run.run_id for run in beside.get_runs()} == set(done)
        done.append(idle.execute_in_process(instance=opened).run_id)
    assert logs(project) == set()
    with open_instance(project) as again:
        assert {run.run_id: run.status for run in again.get_runs()} == dict.fromkeys(done, dg.DagsterRunStatus.SUCCESS)
        assert all(again.all_logs(run, dg.DagsterEventType.STEP_SUCCESS) for run in done)
