"""A project begun by the command is a project: it is well, it runs, its faults are found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from assets.project import Project
from assets.settings import load_settings
from pipelines.cli import app
from pipelines.errors import StartError
from pipelines.querying import query
from pipelines.run import run
from pipelines.starting import Start, begin
from pipelines.starting.sample import hand_over


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project begun under names of its own, its sample carried to a report."""
    root = tmp_path_factory.mktemp("begun") / "市馆 (1)"
    begin(root, Start("archives", "示例市档案馆", "City Archives", "reader"))
    for file in root.glob("data/landing/*/*"):
        os.utime(file, (1_790_000_000, 1_790_000_000))
    project = Project.at(root, root / "data")
    summary = run(project)
    assert (summary.exit_code, summary.undone, summary.verdict) == (0, [], "warned")
    return project


def test_the_first_run_ends_in_a_report_and_finds_the_planted_faults(begun: Project) -> None:
    assert query(begun, "SELECT card_no, _failed FROM std.reader WHERE _failed IS NOT NULL ORDER BY 1")[1] == [
        ("JY000007", ["code_kind"]),
        ("JY000010", ["form_issued"]),
    ]
    assert query(begun, "SELECT _row, _failed FROM quarantine.reader")[1] == [(5, ["required_card_no"])]
    assert query(begun, "SELECT count(*) FROM std.reader")[1] == [(11,)]
    assert "City Archives" in (begun.reports / "archives" / "index.html").read_text(encoding="utf-8")


def test_the_doctor_finds_it_well(begun: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(begun.root)
    for name in ("YUANQING_ROOT", "YUANQING_DATA"):
        monkeypatch.delenv(name, raising=False)
    found = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).output)
    assert [f for f in found if not f["ok"]] == []


def test_dagster_finds_the_code(begun: Project) -> None:
    (location,) = yaml.safe_load((begun.root / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    declared = tomllib.loads((begun.root / "pyproject.toml").read_text(encoding="utf-8"))
    told = declared["tool"]["dg"]["project"]
    module = told["code_location_target_module"]
    assert location["python_module"]["module_name"] == module
    # `dg` looks for these below the project's folder; an installed package it does not find.
    assert module == f"{told['root_module']}.definitions"
    for name in (module, told["defs_module"]):
        at = begun.root.joinpath(*name.split("."))
        assert at.with_suffix(".py").is_file() or (at / "__init__.py").is_file()


def test_dagster_started_in_the_folder_loads_it(begun: Project) -> None:
    """Python looks into that folder first, and `assets` and `expectations` stand there; what `dg scaffold defs` writes is loaded too."""
    (begun.root / "own" / "defs" / "mine.py").write_text("import dagster as dg\n\n\n@dg.asset\ndef mine() -> None: ...\n")
    code = (
        "import dagster as dg\nfrom own.definitions import defs\nmade = defs()\ndg.Definitions.validate_loadable(made)\n"
        "print(*(k.to_user_string() for k in made.resolve_all_asset_keys()))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("YUANQING_")}
    ran = subprocess.run([sys.executable, "-c", code], cwd=begun.root, env=environment, capture_output=True, text=True, check=True)
    assert {"std/reader", "mine"} <= set(ran.stdout.split())


def test_every_setting_stands_in_the_file_and_none_is_set(begun: Project) -> None:
    text = (begun.root / "yuanqing.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {}
    told = "\n".join(line.removeprefix("# ") for line in text.splitlines() if " = " in line or line.startswith("# ["))
    set_all = tomllib.loads(told.replace('memory = "..."', 'memory = "2GB"'))
    assert set_all["issues"]["critical_days"] == 5
    (begun.root / "yuanqing.toml").write_text("[issues]\ncritical_days = 4\n", encoding="utf-8")
    try:
        assert load_settings(begun.root).issues.critical_days == 4
    finally:
        (begun.root / "yuanqing.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("last", [date(2026, 2, 28), date(2024, 2, 29), date(2025, 12, 31)])
def test_the_sample_is_of_people_who_cannot_exist_in_any_month(last: date) -> None:
    rows = [line.split(",") for line in hand_over(last).splitlines()[1:]]
    assert len(rows) == 12
    assert all(row[1].startswith("2199") for row in rows)
    wrong = []
    for n, row in enumerate(rows, 1):
        try:
            assert date.fromisoformat(row[4]) <= last
        except ValueError:
            wrong.append(n)
    assert wrong == [10]


def test_a_folder_that_holds_something_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StartError, match="stays as it is"):
        begin(tmp_path, Start())
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(StartError, match="stays as it is"):
        begin(tmp_path / "mine.txt", Start())
    begin(tmp_path / "new" / "deeper", Start())
    (tmp_path / "empty").mkdir()
    begin(tmp_path / "empty", Start())
    assert {p.name for p in tmp_path.iterdir()} == {"mine.txt", "new", "empty"}


@pytest.mark.parametrize(
    "start", [Start(dataset="../evil"), Start(department="Big"), Start(department_name='a"\nb: c'), Start(department_name_en="x: y")]
)
def test_names_that_cannot_be(tmp_path: Path, start: Start) -> None:
    with pytest.raises(StartError, match="expected"):
        begin(tmp_path / "p", start)
    assert list(tmp_path.iterdir()) == []
