"""What stands at a glance, what a run did in plain words, and a failed run done again."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from tiny_support import hand_over, make_tiny
from typer.testing import CliRunner

from assets.project import Project
from pipelines.cli import app
from pipelines.commands import completing
from pipelines.instance import open_instance
from pipelines.logs import find_run, lines, plain
from pipelines.replaying import retry
from pipelines.run import run
from pipelines.status import status

SECRET = "hush-hush"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = make_tiny(tmp_path)
    monkeypatch.setenv("YUANQING_ROOT", str(made.root))
    monkeypatch.setenv("YUANQING_DATA", str(made.data))
    return made


def shown(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result.output


def test_a_run_that_failed_is_told_and_done_again_where_it_failed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over(project, "202601", "tag,born\nA1,2020-01-01\nA2,\n")
    with monkeypatch.context() as broken:

        def fails(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device", f"{project.data}/reports/index.html?token={SECRET}")

        broken.setattr("pipelines.reports.build_reports", fails)
        assert run(project).exit_code == 2

    found = status(project, date(2026, 4, 20))
    assert found.failed is not None
    assert (found.failed.job, found.failed.status) == ("publish", "failure")
    (pet,) = found.datasets
    assert (pet.newest, pet.rows, pet.quarantined, pet.failing, pet.waiting, pet.refused) == ("202601", 2, 0, 1, 0, 0)
    assert (pet.expected, pet.due, pet.late) == ("202603", "2026-03-10", 41)
    assert pet.score is not None
    assert 0 < pet.score < 100

    said = json.loads(shown("logs", found.failed.run_id[:8], "--errors", "--json"))
    assert said["job"] == "publish"
    (step,) = [line for line in said["lines"] if line["of"] == "reports"]
    assert "YQ115" in step["what"]
    assert "No space left" in step["what"]
    assert str(project.data) not in json.dumps(said)
    assert SECRET not in json.dumps(said)
    assert "yuanqing retry" in shown("status")

    made = retry(project)
    assert (made.of, made.exit_code, [r.job for r in made.runs]) == (found.failed.run_id, 0, ["publish"])
    with open_instance(project) as instance:
        again = find_run(instance, made.runs[0].run_id)
        assert again.tags["dagster/parent_run_id"] == found.failed.run_id
        materialised = {line.of for line in lines(instance, again) if line.what.startswith("已生成")}
        assert "reports" in materialised
        assert "results" not in materialised  # it was made by the run that failed
    assert (project.reports / "index.html").exists()
    assert status(project).failed is None
    assert "No run has failed" in shown("retry")
    assert "It has not failed" in shown("retry", made.runs[0].run_id, code=2)
    assert completing.runs("")[0] == made.runs[0].run_id or made.runs[0].run_id in completing.runs("")
    assert completing.batches("pet-")[0].startswith("pet-202601-")


def test_checks_are_told_in_a_line_each(project: Project) -> None:
    hand_over(project, "202601", "tag,born\nA1,2020-01-01\nA2,\n")
    run(project)
    hand_over(project, "202602", "tag,born\nA1,2020-01-01\nA2,\n")
    (project.landing / "nobody.txt").write_text("x")
    before = status(project)
    assert (before.datasets[0].waiting, before.strays) == (1, ["nobody.txt"])
    listed = json.loads(shown("logs", "--list", "--json"))
    assert [r["job"] for r in listed] == ["publish", "build", "collect_pet"]
    told = shown("logs", listed[-1]["run_id"])
    assert "raw/pet  已生成 made 2026-01-01，2 行 rows" in told
    assert "std/pet completeness__born_present" in told
    wrong = shown("logs", listed[-1]["run_id"][:10], "--errors")
    assert "born_present" in wrong
    assert "tag_present" not in wrong
    assert "No run has this id" in shown("logs", "nothing", code=2)


def test_before_anything_ran(project: Project) -> None:
    found = json.loads(shown("status", "--json"))
    assert (found["run"], found["lake"], [d["dataset"] for d in found["datasets"]]) == (None, 0, ["pet"])
    assert "nothing has run yet" in shown("status")
    assert "Nothing has run yet" in shown("logs", code=2)
    assert not project.data.exists()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("cannot read /srv/data/landing/pet/a.csv: gone", "cannot read …/a.csv: gone"),
        ("/srv/p/assets/x.yaml:12: a typing error", "…/x.yaml:12: a typing error"),
        ("std/pet is stopped", "std/pet is stopped"),
        ("dsn=host=db password=hush now", "dsn=*** password=*** now"),
        ("mysql://me:hush@db/x", "mysql://***@db/x"),
        ("see http://127.0.0.1:3001/city/index.html", "see http://127.0.0.1:3001/city/index.html"),
        ("two\n  lines", "two lines"),
    ],
)
def test_paths_and_secrets_are_left_out(text: str, left: str) -> None:
    assert plain(text) == left
