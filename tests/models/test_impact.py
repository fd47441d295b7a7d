"""What a change touches, and whether it breaks: tiny projects with one change each."""

# ruff: noqa: E501 - a case a line

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets.project import Project
from pipelines.cli import app
from pipelines.lineage.comparing import WIDER, Change
from pipelines.lineage.impact import Impact, impact, text

REGISTER = "assets/sources/office/register.odcs.yaml"
PEOPLE, PEOPLE_SQL = "assets/base/store/people.odcs.yaml", "assets/base/store/people.sql"
TOWNS, TOWNS_SQL = "assets/thematic/store/towns.odcs.yaml", "assets/thematic/store/towns.sql"
SUITE, PAGE = "expectations/suites/sources/office/register.yaml", "assets/thematic/store/store.page.yaml"
RULE = """name: register
meta: {great_expectations_version: 1.24.1}
expectations:
  - type: expect_column_value_lengths_to_be_between
    kwargs: {column: town, min_value: 1, max_value: 20}
    meta: {id: town_length, indicator: "0301", weight: 1, title: {zh: 镇名长度, en: length of town}}
"""
PICTURES = """title: {zh: 镇, en: Towns}
pictures:
  - {kind: ranking, title: {zh: 人数, en: people}, sql: 'SELECT town AS "x", people AS "y" FROM thematic.towns'}
"""


@pytest.fixture
def before(project: Project) -> Project:
    for name, content in ((SUITE, RULE), (PAGE, PICTURES)):
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        (project.root / name).write_text(content, encoding="utf-8")
    return Project(project.root, project.data)


@pytest.fixture
def change(before: Project, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Project]:
    """Another state of the project: in the file `name` `old` reads `new`; several edits one after the other."""
    root = tmp_path_factory.mktemp("after") / "project"
    shutil.copytree(before.root, root)

    def edited(*edits: tuple[str, str, str]) -> Project:
        for name, old, new in edits:
            path = root / name
            content = path.read_text(encoding="utf-8")
            assert old in content
            path.write_text(content.replace(old, new), encoding="utf-8")
        return Project(root, root / "data")

    return edited


def breaks(found: Impact) -> list[Change]:
    return [c for c in found.changes if c.breaking]


TOWN = "      - {name: town, businessName: 镇, logicalType: string}\n"
NAME = "{name: name, businessName: 名, logicalType: string, classification: '3'}"


@pytest.mark.parametrize(
    ("edits", "kind", "where", "told"),
    [
        ([(TOWNS, TOWN.replace("string}", "string, primaryKey: true}"), "")], "column", "thematic.towns.town", "removed"),
        ([(REGISTER, "{name: town, businessName: 镇", "{name: place, businessName: 地")], "column", "std.register.town", "removed"),
        ([(REGISTER, "logicalType: timestamp", "logicalType: date")], "type", "std.register.seen", "type narrowed TIMESTAMP → DATE"),
        ([(REGISTER, TOWN, TOWN.replace("string", "integer"))], "type", "std.register.town", "type narrowed VARCHAR → BIGINT"),
        ([(REGISTER, NAME, NAME.replace("'3'", "'2'"))], "level", "std.register.name", "level lowered 3 → 2"),
        ([(REGISTER, TOWN, TOWN.replace("string}", "string, primaryKey: true, primaryKeyPosition: 2}"))], "key", "std.register", "(id) → (id, town)"),
        ([(REGISTER, TOWN, TOWN.replace("镇", "乡镇").replace("{name", "{physicalName: 乡镇, name"))], "header", "std.register.town", "no longer known"),
        ([(SUITE, "weight: 1,", "weight: 1, blocking: true,")], "rule", "std.register:town_length", "made blocking"),
        ([(TOWNS_SQL, "p.town IS", "p.twon IS")], "sql", "thematic.towns", "no column 'twon' in base.people. Did you mean 'town'?"),
        ([(TOWNS_SQL, "base.people", "base.persons")], "sql", "thematic.towns", "no table base.persons. Known: people."),
        ([(PAGE, "people AS", "persons AS")], "sql", "page store", "no column 'persons'"),
        ([(PEOPLE, "classification: '3', customProperties", "classification: '1', customProperties")], "classification", "std.insurance.name → base.people.name", "(level 3)"),
    ],
)  # fmt: skip
def test_what_breaks_is_said(
    before: Project, change: Callable[..., Project], edits: list[tuple[str, str, str]], kind: str, where: str, told: str
) -> None:
    found = impact(before, change(*edits), "before")
    assert found.breaking
    one = next(c for c in breaks(found) if (c.kind, c.where) == (kind, where))
    assert told in one.en
    assert one.zh
    assert "⛔ " in text(found)


@pytest.mark.parametrize(
    ("edits", "where"),
    [
        ([(REGISTER, TOWN, TOWN.replace("镇", "乡镇").replace("string}", "string, customProperties: [{property: aliases, value: [镇]}]}"))], None),
        ([(REGISTER, TOWN, TOWN + "      - {name: street, businessName: 街, logicalType: string}\n")], "std.register.street"),
        ([(REGISTER, NAME, NAME.replace("'3'", "'4'")), (PEOPLE, NAME[:-1], NAME[:-1].replace("'3'", "'4'"))], "std.register.name"),
        ([(SUITE, "max_value: 20", "max_value: 30")], "std.register:town_length"),
        ([(TOWNS_SQL, "WHERE p.town IS NOT NULL", "WHERE p.town <> ''")], "thematic.towns"),
        ([(PAGE, "镇", "乡镇")], "store"),
        ([(REGISTER, "name: 部门", "name: 厅")], "std.register"),
    ],
)  # fmt: skip
def test_what_does_not_break_is_said_too(
    before: Project, change: Callable[..., Project], edits: list[tuple[str, str, str]], where: str | None
) -> None:
    found = impact(before, change(*edits), "before")
    assert breaks(found) == []
    assert found.changes
    if where:
        assert where in [c.where for c in found.changes]
    assert "✓ 没有破坏性变更 nothing breaks" in text(found)


def test_without_a_change_there_is_nothing_to_tell(before: Project, change: Callable[..., Project]) -> None:
    found = impact(before, change(), "before")
    assert found == Impact("before", (), (), {}, (), ())
    assert "No contract, suite or SQL has changed" in text(found)


def test_what_follows_is_told_down_to_the_pages_and_no_further(before: Project, change: Callable[..., Project]) -> None:
    found = impact(before, change((REGISTER, TOWN, TOWN.replace("string", "integer"))), "before")
    touched = {t.table: t for t in found.tables}
    assert set(touched) == {"std.register", "base.people", "thematic.towns"}
    assert touched["std.register"].itself
    assert touched["std.register"].columns == ("town",)
    assert touched["base.people"].columns == ("town",)
    assert not touched["base.people"].itself
    assert set(touched["thematic.towns"].columns) == {"town", "people"}
    assert "town_length" in found.rules["std.register"]
    assert {(r.kind, r.name) for r in found.reports} == {("page", "store"), ("theme", "store"), ("department", "office")}
    assert found.departments == ("部门",)


def test_a_page_that_shows_nothing_of_it_is_not_named(before: Project, change: Callable[..., Project]) -> None:
    found = impact(before, change((REGISTER, NAME, NAME.replace("'3'", "'4'"))), "before")
    assert {t.table: t.columns for t in found.tables} == {"base.people": ("name",), "std.register": ("name",)}
    assert {(r.kind, r.name) for r in found.reports} == {("department", "office")}


def test_a_renamed_contract_is_known_again(before: Project, change: Callable[..., Project]) -> None:
    after = change()
    for suffix in (".odcs.yaml", ".sql"):
        path = after.root / f"assets/thematic/store/towns{suffix}"
        path.write_text(path.read_text(encoding="utf-8").replace("towns", "places"), encoding="utf-8")
        path.rename(path.with_name(f"places{suffix}"))
    found = impact(before, Project(after.root, after.data), "before")
    told = {c.where: c for c in found.changes}
    assert told["thematic.towns"].breaking
    assert told["thematic.towns"].en == "renamed to thematic.places without `formerly`: its history stays under the old name"
    assert "no table thematic.towns" in told["page store"].en
    assert not told["thematic.places"].breaking


@pytest.mark.parametrize("also", [None, (TOWN.replace("string}", "string, primaryKey: true}"), "")])
def test_a_renamed_contract_that_says_so_breaks_nothing_by_it(
    before: Project, change: Callable[..., Project], also: tuple[str, str] | None
) -> None:
    after = change((PAGE, "thematic.towns", "thematic.places"))
    for suffix in (".odcs.yaml", ".sql"):
        path = after.root / f"assets/thematic/store/towns{suffix}"
        content = path.read_text(encoding="utf-8").replace("towns", "places")
        if suffix == ".odcs.yaml":
            content = content.replace("customProperties:\n  []", "customProperties:\n  - {property: formerly, value: [towns]}")
            assert "formerly" in content
            content = content.replace(*also) if also else content
        path.write_text(content, encoding="utf-8")
        path.rename(path.with_name(f"places{suffix}"))
    found = impact(before, Project(after.root, after.data), "before")
    told = [(c.kind, c.where, c.breaking) for c in found.changes]
    assert ("table", "thematic.towns", False) in told
    assert "thematic.places, which has it under `formerly`" in next(c.en for c in found.changes if c.kind == "table")
    assert {w for k, w, _ in told if k == "table"} == {"thematic.towns"}  # and not: thematic.places added
    assert [w for k, w, b in told if b and k == "column"] == (["thematic.places.town"] if also else [])
    assert found.breaking == bool(also)


def test_a_table_taken_away_breaks_what_reads_it(before: Project, change: Callable[..., Project]) -> None:
    after = change()
    for suffix in (".odcs.yaml", ".sql"):
        (after.root / f"assets/base/store/people{suffix}").unlink()
    found = impact(before, Project(after.root, after.data), "before")
    told = {c.where: c.en for c in breaks(found)}
    assert told["base.people"] == "removed"
    assert "no table base.people" in told["thematic.towns"]
    assert {t.table for t in found.tables} >= {"base.people", "thematic.towns"}


def test_a_fault_that_was_there_before_is_no_change(before: Project, change: Callable[..., Project]) -> None:
    broken = change((TOWNS_SQL, "p.town IS", "p.twon IS"))
    both = Path(f"{broken.root}-later")
    shutil.copytree(broken.root, both)
    path = both / REGISTER
    path.write_text(path.read_text(encoding="utf-8").replace("name: 部门", "name: 厅"), encoding="utf-8")
    found = impact(broken, Project(both, both / "data"), "before")
    assert [(c.kind, c.breaking) for c in found.changes] == [("contract", False)]


@pytest.mark.parametrize(("one", "other"), [(n, w) for n, wide in WIDER.items() for w in wide])
def test_types_that_hold_more_are_no_harm(one: str, other: str) -> None:
    from pipelines.lineage.comparing import _holds

    assert _holds(other, one)
    assert not _holds(one, other)
    assert _holds("DECIMAL(12,2)", "DECIMAL(10,2)")
    assert not _holds("DECIMAL(12,6)", "DECIMAL(10,2)")


def git(root: Path, *arguments: str) -> None:
    own = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, env={**os.environ, **own})


def run(project: Project, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setenv("YUANQING_ROOT", str(project.root))
    monkeypatch.setenv("YUANQING_DATA", str(project.data))
    result = CliRunner().invoke(app, ["impact", *arguments])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


@pytest.mark.parametrize("below", ["", "part/of/repository"])
def test_the_command_compares_with_git_and_touches_no_file(
    before: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    top = tmp_path / "repository"
    root = top / below
    shutil.copytree(before.root, root, ignore=shutil.ignore_patterns("repository", "data"), dirs_exist_ok=True)
    project = Project(root, tmp_path / "elsewhere")
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "first")
    assert run(project, monkeypatch)[0] == 0
    path = root / REGISTER
    path.write_text(path.read_text(encoding="utf-8").replace(NAME, NAME.replace("'3'", "'2'")), encoding="utf-8")
    code, output = run(project, monkeypatch)
    assert (code, "level lowered 3 → 2" in output) == (1, True)
    git(top, "commit", "-q", "-a", "-m", "second")
    assert run(project, monkeypatch)[0] == 0
    code, output = run(project, monkeypatch, "--against", "HEAD~1", "--json")
    told = json.loads(output)
    assert (code, told["breaking"], told["against"]) == (1, True, "HEAD~1")
    assert told["changes"][0]["where"] == "std.register.name"
    status = subprocess.run(["git", "-C", str(top), "status", "--porcelain"], capture_output=True, text=True, check=True)
    assert status.stdout == ""
    for wrong in ("no-such-branch", "--output=/tmp/x", ""):
        code, output = run(project, monkeypatch, f"--against={wrong}")
        assert code == 2
        assert "neither a folder nor a revision of git" in output.replace("\n", " ")


def test_what_cannot_be_read_is_told_with_2(
    before: Project, change: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = change((REGISTER, "logicalType: timestamp", "logicalType: timstamp"))
    code, output = run(after, monkeypatch, "--against", str(before.root))
    assert (code, "register.odcs.yaml" in output, "Did you mean 'timestamp'?" in output) == (2, True, True)
    (tmp_path / "empty").mkdir()
    code, output = run(before, monkeypatch, "--against", str(tmp_path / "empty"))
    assert (code, "no folder `assets` here" in output) == (2, True)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(before.root.parent))
    code, output = run(before, monkeypatch)
    assert (code, "in no git repository" in output) == (2, True)
