"""A department that bears a new name goes on; of two that have become one, each one's past stays its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from assets.departments import Body
from assets.project import Project
from expectations.documents import DocumentError
from pipelines.commands.doctor import findings
from pipelines.delivery import channels, deliver
from pipelines.delivery.remembered import remembered
from pipelines.entry.access import Access
from pipelines.errors import DeliveryError
from pipelines.journal import append, entries
from pipelines.league import publish_league
from pipelines.league.checking import check
from pipelines.reports import build_reports, head, leave
from pipelines.reports.department import write_department
from pipelines.results import connect_results, publish
from pipelines.workbooks.locking import password_of, passwords_of

from reports_support import batch, fill, result  # isort: skip

POLICE = {"department": "police", "name": "公安厅", "name_en": "Police"}
CIVIL = {"department": "civil", "name": "民政厅"}
MERGED = {"merged": {"since": "2026-09", "of": [POLICE, CIVIL]}}
TOKEN = "token-of-police-2199-2199"
SETTINGS = (
    '[departments.police]\ndeliver_to_folder = "/mnt/police"\nworkbook_password_from = "env:P"\n'
    '[departments.civil]\nworkbook_password_from = "env:C"\n[serve.departments.police]\ntoken_from = "env:T"\n'
)


def reformed(project: Project, said: dict[str, Any], *folders: str, into: str = "safety", settings: str = SETTINGS) -> Project:
    """What stands in `folders` moves to `into`, whose `department.yaml` says this."""
    for beside in (project.assets, project.expectations / "suites"):
        (beside / "sources" / into).mkdir(exist_ok=True)
        for path in [p for folder in folders for p in (beside / "sources" / folder).iterdir()]:
            path.rename(beside / "sources" / into / path.name)
    (project.assets / "sources" / into / "department.yaml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    (project.root / "yuanqing.toml").write_text(settings, encoding="utf-8")
    return Project(project.root, project.data)


@pytest.fixture
def before(published: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The third quarter is published; the departments' figures of August and September, and what was delivered to them."""
    fill(
        published,
        batches=[batch("pets", "d8", period="202608", department="civil")],
        results=[result("pets", "d8", "id_there", 10, 5), result("people", "p8", "id_there", 10, 2)],
    )
    for name, channel in (("police", "mail"), ("civil", "mail"), ("police", "folder")):
        append(published, "deliver", "yuanqing deliver", department=name, channel=channel, publication="p", result="delivered")
    for variable, secret in (("P", "police 2199"), ("C", "civil 2199"), ("T", TOKEN)):
        monkeypatch.setenv(variable, secret)
    return published


def scores(project: Project) -> set[tuple[str, str]]:
    with connect_results(project) as con:
        return set(con.execute("SELECT department, month FROM score_history WHERE scope = 'department'").fetchall())


def evaluated(project: Project) -> dict[str, dict[str, Any]]:
    made = publish_league(project, "王芳", "例行", "2026Q4")
    return {d["department"]: d for d in json.loads((made.folder / "evaluation.json").read_text(encoding="utf-8"))["departments"]}


def test_another_name(before: Project) -> None:
    """History, place, deliveries, settings, password and token are those of the same body."""
    written = list(entries(before))
    project = reformed(before, {"formerly": ["police"]}, "police")
    publish(project)
    assert {d for d, _ in scores(project)} == {"safety", "civil"}
    with connect_results(project) as con:
        assert head.moves(con)["safety"]["before_month"] == "202608"
        assert head.parts(con, "safety") == []
    assert (evaluated(project)["safety"]["before"], check(project)) == (1, [])
    assert {of: len(tries) for of, tries in remembered(project).items()} == {
        ("safety", "mail"): 1, ("safety", "folder"): 1, ("civil", "mail"): 1
    }  # fmt: skip
    assert list(entries(project))[: len(written)] == written
    assert (channels(project, "safety"), password_of(project, "safety")) == (["folder"], "police 2199")
    asks = Access(project).department(f"Bearer {TOKEN}")
    assert (asks.name, set(asks.datasets)) == ("safety", {"people"})


def test_what_lay_in_the_old_folder_is_taken_away(before: Project) -> None:
    """A page and workbooks with people's names in them, of which nobody says any more whether they hold."""
    written = ("police/index.html", "police/police.xlsx", "police/police.2.xlsx", "civil/index.html", "civil/civil.xlsx", "civil/notes.txt")
    for name in written:
        (before.reports / name).parent.mkdir(parents=True, exist_ok=True)
        (before.reports / name).write_text("x", encoding="utf-8")
    leave(before, before.departments.former)
    assert all((before.reports / name).exists() for name in written)
    leave(before, reformed(before, MERGED, "police", "civil").departments.former)
    assert not (before.reports / "police").exists()
    assert [p.name for p in (before.reports / "civil").iterdir()] == ["notes.txt"]


def test_of_a_department_and_a_theme_without_a_declaration_nothing_stays(before: Project) -> None:
    """As of one whose contracts are gone: the league names it no more, and its page could still be found by its address."""
    publish(before)
    build_reports(before)
    theme = before.reports / "themes" / "gone.html"
    theme.parent.mkdir(exist_ok=True)
    theme.write_text("x", encoding="utf-8")
    assert (before.reports / "civil" / "index.html").exists()
    shutil.rmtree(before.assets / "sources" / "civil")
    project = Project(before.root, before.data)
    publish(project)
    build_reports(project)
    assert not (project.reports / "civil").exists()
    assert not theme.exists()
    assert (project.reports / "police" / "index.html").exists()


def test_two_become_one(before: Project, tmp_path: Path) -> None:
    """The months before are each one's own; nothing has moved; what was delivered, and passwords of what was sent, go on."""
    publish(before)
    was = {key for key in scores(before) if key[1] < "202609"}
    project = reformed(before, MERGED, "police", "civil")
    publish(project)
    assert scores(project) == was | {("safety", "202609")}
    with connect_results(project) as con:
        assert [(m["month"], m["move"]) for m in head.history(con, "department", "safety")] == [("202609", None)]
        assert (head.moves(con), [(p["part"], p["month"], p["zh"]) for p in head.parts(con, "safety")]) == (
            {},
            [("civil", "202608", "民政厅"), ("police", "202608", "公安厅")],
        )
        page = write_department(con, "safety", tmp_path / "page.html").read_text(encoding="utf-8")
        assert "自 2026-09 由民政厅、公安厅合并而成" in page
        assert "Until 2026-09 as civil and Police" in page
    evaluation = evaluated(project)["safety"]
    assert (evaluation["before"], evaluation["move"], evaluation["was"]) == (None, None, [["公安厅", 1], ["=1+1", 2]])
    assert check(project) == []
    assert len(remembered(project)["safety", "mail"]) == 2
    assert set(passwords_of(project, "safety").values()) == {"police 2199", "civil 2199"}
    with pytest.raises(DeliveryError, match=r"civil and police have become safety: write \[departments.safety\]"):
        deliver(project)


def test_one_takes_another_in(before: Project) -> None:
    """It keeps its folder, and is another body all the same."""
    project = reformed(before, MERGED, "civil", into="police")
    publish(project)
    with connect_results(project) as con:
        assert (head.moves(con), [m["month"] for m in head.history(con, "department", "police")]) == ({}, ["202609"])
        assert all(p["ranked"] is not None for p in head.parts(con, "police"))
    assert evaluated(project)["police"]["was"] == [["公安厅", 1], ["=1+1", 2]]


def test_a_department_that_nobody_was(before: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.commands.doctor._packages", str)
    project = reformed(before, {}, "police")
    found = {what: (well, text) for what, well, text, _ in findings(project)}
    assert not found["departments"][0]
    assert all(f"{where}: police." in found["departments"][1] for where in ("yuanqing.toml", "journal", "lake"))
    known = {what: well for what, well, _, _ in findings(reformed(before, {"formerly": ["police"]}))}
    assert known["departments"]


def test_who_it_was_when() -> None:
    """c was a, then a2, and b; d took c in."""
    c = Body("c", "", "", since="202603", of=(Body("a2", "", "", ("a",)), Body("b", "", "")))
    d = Body("d", "", "", since="202607", of=(c, Body("d", "", "")))
    then: Callable[[str, str], str | None] = lambda folder, month: (found := d.then(folder, month)) and found.name  # noqa: E731
    assert [then(*asked) for asked in (("a", "202602"), ("b", "202602"), ("a", "202603"), ("d", "202602"), ("a", "202607"))] == [
        "a2", "b", "c", "d", "d"
    ]  # fmt: skip
    assert then("x", "202602") is None
    assert d.names == ("d", "c", "a2", "a", "b")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"formerly": ["civil"]}, "'civil' is a name of the department civil too"),
        ({"formerly": "old"}, "the oldest first"),
        ({"formerly": ["../x"]}, "no folder"),
        ({"merged": {"since": "2026-09", "of": [CIVIL]}}, "of which two or more"),
        ({"merged": {"since": "2026-13", "of": [POLICE, CIVIL]}}, "since: 2026-03"),
        ({"merged": {"since": "2026-09", "of": [POLICE, POLICE]}}, "stands twice"),
        ({"merged": {"since": "2026-09", "of": [POLICE, {"department": "x"}]}}, r"yaml:\d+: .*is no department"),
        ({"merged": {"since": "2026-09", "of": [POLICE, CIVIL | {"zh": "x"}]}}, "unknown key 'zh'"),
    ],
)
def test_what_cannot_be(project: Project, said: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        _ = reformed(project, said, into="police", settings="").departments
