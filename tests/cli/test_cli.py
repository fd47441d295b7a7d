"""The command: help, exit codes, and errors told in one message."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets.project import CODE
from pipelines.cli import app

COMMANDS = (
    "run", "sample", "check", "vectors", "explain", "truth", "sql", "origin", "lineage", "diff", "impact", "suggest", "profile", "doctor",
    "ui", "publish", "open-data", "catalogue", "rebuild", "expire",
)  # fmt: skip
runner = CliRunner()


def shown(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that has the population register of this repository, and nothing in its data folder."""
    root = tmp_path / "project"
    for part in ("assets/sources/public_security", "expectations/suites/sources/public_security"):
        (root / part).mkdir(parents=True)
        for file in (CODE / part).glob("population_register.*"):
            (root / part / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("YUANQING_ROOT", str(root))
    monkeypatch.setenv("YUANQING_DATA", str(tmp_path / "data"))
    return root


def test_help_names_every_command() -> None:
    text = shown("--help")
    for command in COMMANDS:
        assert command in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command: str) -> None:
    assert f"yuanqing {command}" in shown(command, "--help").replace("Usage:", "")


def test_help_imports_nothing_heavy() -> None:
    heavy = ("dagster", "duckdb", "pandas", "great_expectations", "sqlglot")
    code = f"import sys, pipelines.cli\nprint([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], cwd=CODE, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_vectors_that_agree_and_one_that_does_not(tmp_path: Path) -> None:
    file = tmp_path / "rid.csv"
    file.write_text("value,expect,note\n11010519491231002X,valid,the standard's own\n110105194912310021,bad_check,\n", encoding="utf-8")
    assert "2 / 2" in shown("vectors", str(file))
    file.write_text("value,expect,note\n11010519491231002X,bad_check,wrong on purpose\n", encoding="utf-8")
    told = json.loads(shown("vectors", str(file), "--json", code=1))
    assert told["wrong"] == [{"value": "11010519491231002X", "expect": "bad_check", "found": "valid", "note": "wrong on purpose"}]


def test_all_shared_vectors_agree() -> None:
    folder = CODE.parent / "shared" / "vectors"
    if not folder.is_dir():
        pytest.skip("../shared/vectors is not beside the project")
    for name in ("vectors_rid.csv", "vectors_uscc.csv"):
        shown("vectors", str(folder / name))


def test_vectors_of_no_known_kind(tmp_path: Path) -> None:
    file = tmp_path / "plates.csv"
    file.write_text("value,expect\nx,valid\n", encoding="utf-8")
    assert "--kind rid" in shown("vectors", str(file), code=2)


def test_no_project_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANQING_ROOT", str(tmp_path))
    assert "no folder `assets`" in shown("run", code=2)


def test_a_wrong_name_is_answered_with_a_near_one(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a\n1\n")
    assert "population_register" in shown("check", str(file), "-d", "population_registr", code=2)
    assert "population_register" in shown("run", "--select", "population_registr", code=2)


HEADER = "GMSFHM,XM,XBDM,MZDM,CSRQ,HH,YHZGXDM,HJDZ_SSXQDM,HJDZ_QHNXXDZ,SJJZDZ,HYZKDM,WHCD,SWBS,SWRQ,ZXRQ,PCSJGDM,SJXGXSJ"


def register(path: Path, ids: list[str]) -> Path:
    line = ["甲乙丙", "1", "01", "19900101", "H1", "01", "219901", "某路1号", "", "10", "", "0", "", "", "219901000001", "20261001120000"]
    lines = [HEADER, *(",".join([id_, *line]) for id_ in ids)]
    path.write_bytes("\r\n".join([*lines, ""]).encode("gb18030"))
    return path


def test_check_before_handing_over(project: Path, tmp_path: Path) -> None:
    file = register(tmp_path / "whatever name.csv", ["", "219901199001010017"])
    before = file.read_bytes()
    told = json.loads(shown("check", str(file), "--dataset", "population_register", "--json", code=1))
    rules = {f["rule"]: f["unexpected"] for f in told["failing"]}
    assert told["records"] == 2
    assert rules["id_present"] == 1
    assert "219901199001010017" not in json.dumps(told)
    assert file.read_bytes() == before
    assert not (tmp_path / "data" / "lake").exists()


def test_check_of_a_file_that_would_be_refused(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("FOO,BAR\n1,2\n", encoding="utf-8")
    told = shown("check", str(file), "--dataset", "population_register", code=1)
    assert "拒收" in told
    assert "GMSFHM" in told or "header" in told


@pytest.mark.parametrize(
    ("arguments", "taken", "expected"),
    [
        (["--scale", "100"], 9, ["make", "run", "serve", "advance", "serve", "advance", "serve", "advance"]),
        (["--scale", "100"], 1, ["make", "run", "serve"]),
        (["--scale", "100", "-s", "population_register"], 9, ["make", "run", "serve"]),
        ([], 9, ["run", "serve"]),
    ],
)
def test_all_waves_of_the_sample_in_one_command(
    project: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], taken: int, expected: list[str]
) -> None:
    """`taken`: in how many rounds the run collects, before it breaks off because something could not be done."""
    from contextlib import nullcontext

    import sample_data
    from pipelines.commands import run as command
    from pipelines.run import RunSummary

    done: list[str] = []

    def noted(what: str, value: object) -> object:
        done.append(what)
        return value

    def run(*_: object, rounds: Iterable[object], **__: object) -> RunSummary:
        done.append("run")
        list(islice(rounds, taken))
        return RunSummary(seconds=1.0)

    monkeypatch.setattr(command, "_make", lambda *a: noted("make", {}))
    monkeypatch.setattr(command, "sample_servers", lambda p: noted("serve", nullcontext()))
    monkeypatch.setattr(sample_data, "advance", lambda p: noted("advance", done.count("advance") < 2), raising=False)
    monkeypatch.setattr("pipelines.run.run", run)
    told = shown("run", *arguments)
    assert done == expected
    assert ("Collected 3 times" in told) == ("advance" in expected)


def test_a_file_that_is_not_there(project: Path, tmp_path: Path) -> None:
    assert "does not exist" in shown("check", str(tmp_path / "none.csv"), "-d", "population_register", code=2)


def test_asking_before_anything_was_collected(project: Path) -> None:
    assert "yuanqing run" in shown("sql", "SELECT 1", code=2)


def test_doctor_finds_what_is_broken_and_says_what_to_do(project: Path) -> None:
    assert "population_register" in shown("doctor")
    (project / "expectations/suites/sources/public_security/population_register.yaml").write_text(
        "name: x\nexpectation: []\n", encoding="utf-8"
    )
    text = shown("doctor", "--json", code=2)
    broken = [f for f in json.loads(text) if not f["ok"]]
    assert [f["what"] for f in broken] == ["suite population_register"]
    assert broken[0]["remedy"]


def test_a_taken_port_is_said(project: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in shown("ui", "--port", str(port), code=2)
