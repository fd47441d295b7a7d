"""Workbooks that departments put back into their folder: each taken once, by its content, and what became of it is told."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assets.project import Project
from pipelines.cli import app
from pipelines.journal import entries
from pipelines.workbooks import returned
from pipelines.workbooks.returned import look, take_returned

from workbook_support import ONE, PASSWORD, THREE, TWO, Acts, Clerk  # isort: skip


def put(project: Project, clerk: Clerk, name: str = "police/police.xlsx", password: str | None = None) -> Path:
    path = project.returned / name
    path.parent.mkdir(parents=True, exist_ok=True)
    clerk.save(path, password)
    return old(path)


def old(path: Path) -> Path:
    os.utime(path, (path.stat().st_mtime - 60,) * 2)
    return path


def states(project: Project) -> dict[str, str]:
    return {f"{f.department}/{f.file}": f.state for f in look(project)}


def claimed(project: Project) -> list[str]:
    return sorted(t for e in entries(project, "claim", "dispute") for t in e.content["tickets"])


def test_each_is_taken_once_by_its_content_and_stays(project: Project, clerk: Clerk, acts: Acts) -> None:
    clerk.answer(0, "已整改")
    path = put(project, clerk)
    content = path.read_bytes()
    assert states(project) == {"police/police.xlsx": "waiting"}
    ((found, reading),) = take_returned(project)
    assert (found.state, found.tickets, found.reason) == ("taken", 2, "")
    assert reading is not None
    old(Path(shutil.copy(path, path.with_name("again.xlsx"))))
    old(path)  # another time of change, the same content
    assert take_returned(project) == []
    assert states(project) == {"police/again.xlsx": "taken", "police/police.xlsx": "taken"}
    assert claimed(project) == [ONE, TWO]
    assert path.read_bytes() == content
    assert {e.who for e in entries(project)} == {"returned/police"}
    said = path.with_name("police.xlsx.receipt.txt").read_text(encoding="utf-8")
    assert "已记 2 条 taken" in said
    assert "号码有效 id_valid holds，1 条" in said


def test_what_is_filled_in_later_comes_as_another_content(project: Project, clerk: Clerk, acts: Acts) -> None:
    """Before anything is published anew: what the first one said is not said again, and is no trouble."""
    clerk.answer(0, "已整改")
    put(project, clerk)
    take_returned(project)
    clerk.answer(1, "有异议")
    clerk.answer(2, "已整改")
    put(project, clerk, "police/二.xlsx")
    ((found, reading),) = take_returned(project)
    assert (found.file, found.state, found.tickets, found.refused) == ("二.xlsx", "partly", 1, 1)
    assert "有异议但没写理由" in found.reason
    assert reading is not None
    assert reading.counts["said"] == 2
    assert "J4" in (project.returned / "police" / "二.xlsx.receipt.txt").read_text(encoding="utf-8")
    assert claimed(project) == sorted([ONE, TWO, "aaaaaaaaaaaaaaa4"])


def test_files_that_are_not_taken_are_told_and_not_tried_again(
    secured: Project, clerk: Clerk, acts: Acts, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk.answer(1, "已整改")
    put(secured, clerk, "police/own password.xlsx", "a password of their own")
    put(secured, clerk, "transport/police.xlsx")
    put(secured, clerk, "police/macros.xlsm")
    put(secured, clerk, "polise/x.xlsx")
    put(secured, clerk, "loose.xlsx")
    put(secured, clerk, "police/good.xlsx", PASSWORD)
    (secured.returned / "police" / "~$good.xlsx").write_bytes(b"")
    (secured.returned / "police" / "link.xlsx").symlink_to(secured.root / "yuanqing.toml")
    found = {f.file: f for f, _ in take_returned(secured)}
    assert {name: f.state for name, f in found.items()} == {
        "good.xlsx": "taken", "macros.xlsm": "refused", "own password.xlsx": "refused", "police.xlsx": "refused",
    }  # fmt: skip
    assert "YQ610 own password.xlsx: 密码不对" in found["own password.xlsx"].reason
    assert "这是 police 的工作簿，不是 transport 的" in found["police.xlsx"].reason
    assert "含宏的格式" in found["macros.xlsm"].reason
    assert {f.file: f.reason[:8] for f in look(secured) if f.state == "stray"} == {
        "x.xlsx": "没有这个部门 n", "loose.xlsx": "请放到部门的文件", "link.xlsx": "是链接或特殊文件",
    }  # fmt: skip
    assert claimed(secured) == [THREE]
    assert PASSWORD not in str(list(entries(secured)))
    with monkeypatch.context() as patch:  # not opened again, nor read through
        patch.setattr("pipelines.workbooks.reading.read_workbook", None)
        patch.setattr("pipelines.sealing.sm3_file", None)
        assert take_returned(secured) == []
    assert len(take_returned(secured, again=True)) == 3
    assert "密码不对" in (secured.returned / "police" / "own password.xlsx.receipt.txt").read_text(encoding="utf-8")
    put(secured, clerk, "police/own password.xlsx", PASSWORD)  # mended, under the same name
    assert [(f.file, f.state, f.tickets) for f, _ in take_returned(secured)] == [("own password.xlsx", "taken", 0)]


def test_what_is_no_fault_of_the_file_is_tried_again(secured: Project, clerk: Clerk, acts: Acts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password that cannot be had, somebody who acts just now, a file that is still being written, a bug: nothing is remembered."""
    from pipelines.issues.acting import BusyError

    clerk.answer(0, "已整改")
    path = put(secured, clerk, password=PASSWORD)
    for broken, said in (
        (lambda p: p.delenv("POLICE_PASSWORD"), "POLICE_PASSWORD"),
        (lambda p: p.setattr(acts, "busy", BusyError("另有人正在操作")), "另有人正在操作"),
        (lambda p: p.setattr("pipelines.workbooks.reading.read_sheets", None), "出错 TypeError"),
    ):
        with monkeypatch.context() as patch:
            broken(patch)
            ((found, _),) = take_returned(secured)
        assert (found.state, said in found.reason) == ("waiting", True), found
    os.utime(path)
    path.with_name("gone.xlsx").symlink_to("nowhere")  # a link that leads nowhere says nothing of the others
    assert take_returned(secured) == []
    assert returned.waiting_for_seconds(secured) > 1
    old(path)
    assert list(entries(secured)) == []
    assert [(f.state, f.tickets) for f, _ in take_returned(secured)] == [("taken", 2)]


def test_the_commands(project: Project, clerk: Clerk, acts: Acts) -> None:
    def call(*words: str) -> Any:
        return CliRunner().invoke(app, ["--root", str(project.root), "--data", str(project.data), *words])

    assert "没有新送回的清单" in call("workbook", "read").stdout
    clerk.answer(0, "已整改")
    put(project, clerk)
    put(project, clerk, "transport/police.xlsx")
    looked = call("workbook", "read", "--dry-run", "--json")
    assert [(f["file"], f["state"], f["tickets"]) for f in json.loads(looked.stdout)] == [
        ("police.xlsx", "waiting", 2),
        ("police.xlsx", "refused", 0),
    ]
    assert list(entries(project)) == []
    done = call("workbook", "read")
    assert (done.exit_code, claimed(project)) == (2, [ONE, TWO])
    assert "已整改 mended" in done.stdout
    told = call("workbook", "status")
    assert all(word in told.stdout for word in ("已采用", "未采用", "YQ610"))
    assert "transport/police.xlsx 未采用" in call("status").stdout
    for command in (("workbook", "status"), ("workbook", "read"), ("issues", "list")):
        asked = call(*command, "--department", "polise")
        assert (asked.exit_code, "Did you mean 'police'?" in asked.stderr) == (2, True), asked.stderr


def test_the_sensor_asks_for_the_job_that_takes_them_in(project: Project, clerk: Clerk, acts: Acts) -> None:
    import dagster as dg

    from pipelines.issues.jobs import officer_jobs
    from pipelines.sensors import _returned

    sensor = _returned(project)

    def asks(cursor: str | None) -> tuple[int, str | None]:
        context = dg.build_sensor_context(cursor=cursor)
        found = sensor.evaluate_tick(context)
        return len(found.run_requests or ()), found.cursor

    put(project, clerk)  # nothing filled in: read, and nothing to publish
    requests, cursor = asks(None)
    assert (requests, asks(cursor)[0]) == (1, 0)
    (job,) = [j for j in officer_jobs(project) if j.name == "read_workbooks"]
    assert job.execute_in_process().success
    assert states(project) == {"police/police.xlsx": "taken"}
    assert asks(None)[0] == 0
