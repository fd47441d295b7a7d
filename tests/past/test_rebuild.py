"""Reports of an old run made again: the same bytes after everything was changed, and what differs is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assets.lake import open_lake, transaction
from assets.project import Project
from pipelines import publications
from pipelines.cli import app
from pipelines.journal import append
from pipelines.publications import PublicationError
from pipelines.rebuilding import rebuild
from pipelines.reports import build_reports
from pipelines.results import publish
from tests.past.conftest import Twice


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def change_lake(project: Project, sql: str, *values: Any) -> None:
    with open_lake(project) as con, transaction(con, "tamper", "test"):
        con.execute(sql, list(values))


@pytest.fixture
def tampered(twice: Twice, tmp_path: Path) -> Project:
    return twice.at(tmp_path / "copy")


def test_after_everything_was_changed_the_first_reports_come_back_byte_for_byte(twice: Twice, tmp_path: Path) -> None:
    done = rebuild(twice.project, twice.first, tmp_path / "out")
    assert (done.differing, dict(done.program), done.exit_code) == ((), {}, 0)
    assert files(tmp_path / "out" / "reports") == files(twice.saved)
    assert done.same == len(files(twice.saved)) > 10
    assert "city/city.xlsx" in files(twice.saved)
    # and they are not what is published now
    page = (twice.project.reports / "city" / "index.html").read_text(encoding="utf-8")
    was = (tmp_path / "out" / "reports" / "city" / "index.html").read_text(encoding="utf-8")
    for text, now in (("犬牌必填", False), ("犬只登记簿", True), ("犬牌不可空", True), ("王某", True)):
        assert (text in page, text in was) == (now, not now)


def test_a_run_is_named_by_its_beginning_or_by_the_snapshot_on_its_pages(twice: Twice, tmp_path: Path) -> None:
    with open_lake(twice.project, read_only=True) as con:
        made = publications.find(con, twice.first)
        for spoken in (twice.first[:13], str(made.snapshot)):
            assert publications.find(con, spoken) == made
    assert made.base_url == "http://reports.example"
    assert f"数据快照 {made.snapshot}，" in (twice.saved / "index.html").read_text(encoding="utf-8")


def test_what_people_did_afterwards_does_not_count(tampered: Project, twice: Twice, tmp_path: Path) -> None:
    scope = {"dataset": "pet", "rule": "tag_present", "unit": "", "valid_from": "2020-01-01", "until": "2999-12-31"}
    append(tampered, "waive", "王某", "试", id="w1", **scope)
    assert rebuild(tampered, twice.second, tmp_path / "out").differing == ()


def test_a_file_that_was_changed_afterwards_is_shown_with_its_line(twice: Twice, tmp_path: Path) -> None:
    copy = twice.at(tmp_path / "copy")
    page = copy.reports / "index.html"
    lines = page.read_text(encoding="utf-8").split("\n")
    number = next(n for n, line in enumerate(lines) if "<h1>" in line)
    lines[number] = lines[number].replace("<h1>", "<h1>假")
    page.write_text("\n".join(lines), encoding="utf-8")
    done = rebuild(copy, twice.second)
    assert done.folder == copy.data / "past" / twice.second
    (found,) = done.differing
    assert (found.file, found.what, done.exit_code) == ("index.html", "at_hand", 1)
    ((at, was, now),) = found.lines
    assert at == number + 1
    assert "<h1>假" in now
    assert now.replace("<h1>假", "<h1>") == was


def test_reports_that_somebody_brings_are_compared(twice: Twice, tmp_path: Path) -> None:
    assert rebuild(twice.project, twice.first, tmp_path / "out", against=twice.saved).exit_code == 0
    done = rebuild(twice.project, twice.first, tmp_path / "out", against=twice.project.reports)
    assert {d.what for d in done.differing} == {"at_hand"}
    assert {"index.html", "city/index.html", "city/city.xlsx"} <= {d.file for d in done.differing}


def test_what_another_program_makes_is_told_with_lines(twice: Twice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.reports import pages

    now = publications.program() | {"files": "0" * 16}
    monkeypatch.setattr("pipelines.rebuilding.program", lambda: now)
    monkeypatch.setitem(pages.environment().filters, "score", lambda value: "!")
    pages.environment().cache.clear()  # type: ignore[union-attr]
    try:
        done = rebuild(twice.project, twice.first, tmp_path / "out", against=twice.saved)
    finally:
        monkeypatch.undo()
        pages.environment().cache.clear()  # type: ignore[union-attr]
    assert list(done.program) == ["files"]
    assert {d.what for d in done.differing} == {"rebuilt"}
    page = next(d for d in done.differing if d.file == "city/index.html")
    assert page.lines[0][1] != page.lines[0][2]


def test_what_cannot_be_made_again_is_told(twice: Twice, tmp_path: Path) -> None:
    for spoken, said in (
        ("no-such-run", "no run 'no-such-run' has published"),
        (twice.collected, "(collect_pet) has published nothing. The next one that did: " + twice.first),
        ("999", "nothing was published from snapshot 999"),
    ):
        with pytest.raises(PublicationError) as error:
            rebuild(twice.project, spoken, tmp_path / "out")
        assert said in str(error.value)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"mine\.txt"):
        rebuild(twice.project, twice.first, tmp_path / "used")
    assert (tmp_path / "used" / "mine.txt").exists()


def test_a_snapshot_that_is_gone_and_a_file_that_is_gone(tampered: Project, twice: Twice, tmp_path: Path) -> None:
    with open_lake(tampered) as con:
        snapshot = publications.find(con, twice.first).snapshot
        con.execute(f"CALL ducklake_expire_snapshots('lake', versions => [{snapshot}])")
    with pytest.raises(PublicationError, match=f"snapshot {snapshot}, which is no longer in the lake"):
        rebuild(tampered, twice.first, tmp_path / "out")
    for file in (tampered.lake / "files" / "evidence" / "declarations").glob("*.parquet"):
        file.unlink()
    with pytest.raises(PublicationError, match=r"cannot be made again: .*from a backup"):
        rebuild(tampered, twice.second, tmp_path / "out")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE evidence.declarations SET content = replace(content, '必填', '可空') WHERE edition = 1", "is not what it was"),
        ("UPDATE evidence.declarations SET path = '../../out.sql' WHERE path LIKE '%animal.sql' AND edition = 1", "is not what it was"),
        ("DELETE FROM evidence.declarations", "were not kept"),
    ],
)
def test_declarations_that_were_tampered_with(tampered: Project, twice: Twice, tmp_path: Path, sql: str, said: str) -> None:
    change_lake(tampered, sql)
    with pytest.raises(LookupError, match=said):
        rebuild(tampered, twice.first, tmp_path / "out")


def test_a_publication_without_a_list_of_files_is_made_and_not_compared(tampered: Project, twice: Twice, tmp_path: Path) -> None:
    change_lake(tampered, "UPDATE evidence.publications SET files = NULL WHERE run_id = ?", twice.first)
    done = rebuild(tampered, twice.first, tmp_path / "out")
    assert (done.compared, done.exit_code) == (False, 0)
    assert files(tmp_path / "out" / "reports") == files(twice.saved)


def test_a_locked_workbook_is_compared_by_what_it_holds(tampered: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tampered.root / "yuanqing.toml").write_text('[departments.city]\nworkbook_password_from = "env:CITY"\n', encoding="utf-8")
    monkeypatch.setenv("CITY", "first")
    project = Project(tampered.root, tampered.data)
    publish(project)
    with open_lake(project) as con:
        made = publications.begun(con, project, "locked").with_files(project, build_reports(project, project.reports_url))
        with transaction(con, "locked", "test"):
            publications.note(con, made)
    assert (project.reports / "city" / "city.xlsx").read_bytes().startswith(b"\xd0\xcf\x11\xe0")
    assert rebuild(project, "locked", tmp_path / "out").differing == ()
    monkeypatch.delenv("CITY")
    done = rebuild(project, "locked", tmp_path / "out")
    assert "env:CITY" in done.lacking
    assert {(d.file, d.what) for d in done.differing} == {("city/city.xlsx", "missing"), ("city/city.xlsx", "at_hand")}


def test_the_command_says_so_and_exits_by_it(twice: Twice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANQING_ROOT", str(twice.project.root))
    monkeypatch.setenv("YUANQING_DATA", str(twice.project.data))
    run = CliRunner().invoke(app, ["rebuild", twice.first, "--to", str(tmp_path / "out")])
    assert run.exit_code == 0, run.output
    assert f"{len(files(twice.saved))} 个文件逐字节相同" in run.output
    wrong = CliRunner().invoke(
        app, ["rebuild", twice.first, "--to", str(tmp_path / "out"), "--against", str(twice.project.reports), "--json"]
    )
    assert wrong.exit_code == 1
    assert json.loads(wrong.stdout)["differing"]
    assert CliRunner().invoke(app, ["rebuild", "nothing"]).exit_code == 2
