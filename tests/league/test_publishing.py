"""Publishing the league: who may, once a quarter, what is in it, what a kill leaves, and what verify says of alterations."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from assets.lake import open_lake
from assets.project import Project
from pipelines import anchors, league
from pipelines.cli import app
from pipelines.errors import JournalError, PublishingError
from pipelines.journal import append, entries, head, journal_path, verify
from pipelines.league import Publication, publications, publish_league, standing
from pipelines.league.checking import check
from pipelines.league.quarters import Quarter
from pipelines.results import publish
from pipelines.sealing import sm3_file

from reports_support import fill, result  # isort: skip


def judged_anew(project: Project) -> None:
    """The pets are in order now, and their department comes first."""
    fill(project, results=[result("pets", "d9", "id_there", 10, 0) | {"run_id": "run-2", "checked_at": datetime(2026, 11, 2)}])
    publish(project)


def evaluated(made: Publication) -> dict[str, dict[str, object]]:
    return {d["department"]: d for d in json.loads((made.folder / "evaluation.json").read_text(encoding="utf-8"))["departments"]}


def kept(project: Project) -> list[tuple[object, ...]]:
    with open_lake(project, read_only=True) as con:
        return con.execute("SELECT seq, seal, quarter, officer, digest, corrects FROM evidence.league_publications ORDER BY seq").fetchall()


@pytest.mark.parametrize(
    ("text", "begin", "end", "zh"),
    [
        ("2026Q1", date(2026, 1, 1), date(2026, 4, 1), "2026 年第一季度"),
        (" 2026q4 ", date(2026, 10, 1), date(2027, 1, 1), "2026 年第四季度"),
    ],
)
def test_a_quarter(text: str, begin: date, end: date, zh: str) -> None:
    quarter = Quarter.read(text)
    assert (quarter.begin, quarter.end, quarter.zh) == (begin, end, zh)


@pytest.mark.parametrize(("day", "name"), [(date(2026, 1, 1), "2025Q4"), (date(2026, 9, 30), "2026Q2"), (date(2026, 10, 1), "2026Q3")])
def test_the_last_quarter_that_has_ended(day: date, name: str) -> None:
    assert Quarter.last_ended(day).name == name


@pytest.mark.parametrize("text", ["2026Q5", "2026-Q3", "26Q3", "Q3", "", "２０２６Q3"])
def test_what_is_no_quarter_is_refused(text: str) -> None:
    with pytest.raises(PublishingError, match="2026Q3"):
        Quarter.read(text)


@pytest.mark.parametrize(
    ("officer", "why", "quarter", "said"),
    [
        ("", "例行", "2026Q3", "--officer"),
        (" \t", "例行", "2026Q3", "--officer"),
        ("王芳", "", "2026Q3", "--why"),
        ("王芳", "例行", "2099Q1", "has not begun"),
    ],
)
def test_what_is_refused_writes_nothing(project: Project, officer: str, why: str, quarter: str, said: str) -> None:
    with pytest.raises(PublishingError, match=said):
        publish_league(project, officer, why, quarter)
    assert list(entries(project)) == []
    assert not (project.data / "publications").exists()


def test_only_officers_who_are_named_publish_where_some_are(project: Project) -> None:
    (project.root / "yuanqing.toml").write_text('[publication]\nofficers = ["王芳", "赵处长"]\n', encoding="utf-8")
    with pytest.raises(PublishingError, match=r"李四.*王芳、赵处长"):
        publish_league(Project(project.root, project.data), "李四", "例行", "2026Q3")
    assert publish_league(Project(project.root, project.data), "王芳", "例行", "2026Q3").officer == "王芳"


def test_before_there_are_results_nothing_is_published(tmp_path: Path) -> None:
    (tmp_path / "assets" / "sources").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="yuanqing run"):
        publish_league(Project(tmp_path, tmp_path / "data"), "王芳", "例行", "2026Q3")


def test_what_a_publication_is_made_of(project: Project) -> None:
    append(project, "note", "王芳")
    anchor = head(project)
    made = publish_league(project, "王芳", "三季度例行发布", "2026Q3")
    assert (made.seq, made.corrects, made.folder) == (2, None, project.data / "publications" / "2")
    assert sorted(p.name for p in made.folder.iterdir()) == [
        "evaluation.html",
        "evaluation.json",
        "evaluation.xlsx",
        "league.html",
        "seal.json",
    ]
    seal = json.loads((made.folder / "seal.json").read_text(encoding="utf-8"))
    assert seal["files"] == {p.name: sm3_file(p) for p in made.folder.iterdir() if p.name != "seal.json"}
    assert (seal["officer"], seal["why"], seal["quarter"], seal["anchor"]) == (
        "王芳",
        "三季度例行发布",
        "2026Q3",
        f"{anchor[0]}:{anchor[1]}",
    )
    (entry,) = entries(project, "publish")
    assert (entry.who, entry.why, entry.seal) == ("王芳", "三季度例行发布", made.seal)
    assert entry.content["digest"] == sm3_file(made.folder / "seal.json")
    assert entry.content["files"] == seal["files"]
    for known in ("standard", "fingerprint", "snapshot"):
        assert entry.content[known] == seal[known]
    assert kept(project) == [(2, made.seal, "2026Q3", "王芳", made.digest, None)]
    assert [anchors.on_page(made.folder / n) for n in ("league.html", "evaluation.html")] == [anchor, anchor]
    assert check(project) == []
    assert verify(project, anchors.kept(project)) == []
    assert anchors.kept(project)[2, made.seal] == ["evidence.league_publications"]


def test_what_is_evaluated(project: Project) -> None:
    found = evaluated(publish_league(project, "王芳", "例行", "2026Q3"))
    assert [(d, e["rank"], e["before"], e["move"]) for d, e in found.items()] == [("police", 1, None, None), ("civil", 2, None, None)]
    assert found["police"]["score"] == pytest.approx(90)
    # 210100 July in time, August a day late, September in time; 210200 July in time, then August (refused) and September missing
    assert found["police"]["punctuality"] == {"in_time": 3, "late": 1, "missing": 2, "pulled": 0}
    assert found["police"]["punctual"] == pytest.approx(0.5)
    assert found["civil"]["punctuality"] == {"in_time": 1, "late": 0, "missing": 0, "pulled": 0}  # counted from its first hand-over on
    assert found["police"]["issues"] == {"found": 0, "mended": 0, "open": 0, "overdue": 0}


def test_issues_come_from_the_groups_of_the_results(project: Project) -> None:
    import duckdb

    with duckdb.connect(str(project.results)) as con:
        con.execute("INSERT INTO ticket_groups BY NAME SELECT 'police' AS department, 7 AS open, 5 AS closed, 4 AS verified, 2 AS overdue")
        con.execute("INSERT INTO ticket_groups BY NAME SELECT 'police' AS department, 1 AS open, 0 AS closed, 0 AS verified, 0 AS overdue")
    found = evaluated(publish_league(project, "王芳", "例行", "2026Q3"))
    assert found["police"]["issues"] == {"found": 13, "mended": 4, "open": 8, "overdue": 2}


def test_moves_are_counted_from_the_quarter_before_as_it_stands(project: Project) -> None:
    publish_league(project, "王芳", "例行", "2026Q2")
    judged_anew(project)
    third = publish_league(project, "王芳", "例行", "2026Q3")
    assert {d: (e["rank"], e["before"], e["move"]) for d, e in evaluated(third).items()} == {"civil": (1, 2, 1), "police": (2, 1, -1)}
    page = (third.folder / "league.html").read_text(encoding="utf-8")
    assert "↑ 1" in page
    assert "↓ 1" in page
    corrected = publish_league(project, "赵处长", "上季有误", "2026Q2", corrects=1)
    assert {d: e["move"] for d, e in evaluated(corrected).items()} == {"civil": None, "police": None}
    fourth = publish_league(project, "王芳", "例行", "2026Q4")
    assert {d: e["move"] for d, e in evaluated(fourth).items()} == {"civil": 0, "police": 0}


def test_moves_are_not_counted_from_a_file_that_was_altered(project: Project) -> None:
    first = publish_league(project, "王芳", "例行", "2026Q2")
    path = first.folder / "evaluation.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"rank": 1', '"rank": 9'), encoding="utf-8")
    found = evaluated(publish_league(project, "王芳", "例行", "2026Q3"))
    assert {e["before"] for e in found.values()} == {None}


def test_a_quarter_is_published_once_and_again_only_in_the_place_of_what_stands(project: Project) -> None:
    publish_league(project, "王芳", "例行", "2026Q3")
    with pytest.raises(PublishingError, match="--corrects 1"):
        publish_league(project, "王芳", "例行", "2026Q3")
    for wrong in (7, 0):
        with pytest.raises(PublishingError, match="stands"):
            publish_league(project, "王芳", "例行", "2026Q3", corrects=wrong)
    with pytest.raises(PublishingError, match="nothing yet"):
        publish_league(project, "王芳", "例行", "2026Q4", corrects=1)
    with pytest.raises(PublishingError, match="--why"):
        publish_league(project, "王芳", " ", "2026Q3", corrects=1)
    second = publish_league(project, "赵处长", "公安厅重报", "2026Q3", corrects=1)
    with pytest.raises(PublishingError, match="number 2"):
        publish_league(project, "王芳", "例行", "2026Q3", corrects=1)
    assert [(p.seq, p.corrects) for p in publications(project)] == [(1, None), (2, 1)]
    assert standing(publications(project))["2026Q3"].seal == second.seal
    assert check(project) == []


def test_what_begins_like_a_formula_stays_a_text(project: Project) -> None:
    made = publish_league(project, "@王芳", '=HYPERLINK("http://x")', "2026Q3")
    with zipfile.ZipFile(made.folder / "evaluation.xlsx") as book:
        sheets = [book.read(n).decode() for n in book.namelist() if n.startswith("xl/worksheets/")]
        assert not [n for n in book.namelist() if "rels" in n and "sheet" in n]
    assert not [s for s in sheets if "<f>" in s or "hyperlink" in s]
    read = CalamineWorkbook.from_path(made.folder / "evaluation.xlsx")
    rows = read.get_sheet_by_index(0).to_python()
    assert [r[:4] for r in rows[1:]] == [[1, "—", "公安厅", "Department of police"], [2, "—", "=1+1", "Department of civil"]]
    about = dict(read.get_sheet_by_index(2).to_python()[1:])
    assert about["发布人 officer"] == "@王芳"
    assert about["事由 why"] == '=HYPERLINK("http://x")'
    weights = json.loads((made.folder / "evaluation.json").read_text(encoding="utf-8"))["weights"]
    assert [(r[3], r[6]) for r in read.get_sheet_by_index(1).to_python()[1:]] == [(w["indicator"], w["weight"]) for w in weights]


def test_what_people_write_is_escaped_on_pages(project: Project) -> None:
    made = publish_league(project, "<b>王芳</b>", "<script>alert(1)</script>", "2026Q3")
    for name in ("league.html", "evaluation.html"):
        text = (made.folder / name).read_text(encoding="utf-8")
        assert "<script" not in text
        assert "&lt;b&gt;王芳" in text
        assert "http" not in text.replace("http-equiv", "")


# ---- kills


def test_killed_before_the_entry_nothing_was_published(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.journal.append", killed)
    with pytest.raises(KeyboardInterrupt):
        publish_league(project, "王芳", "例行", "2026Q3")
    monkeypatch.undo()
    assert check(project) == []
    assert publish_league(project, "王芳", "例行", "2026Q3").seq == 1
    assert sorted(p.name for p in (project.data / "publications").iterdir()) == ["1"]


@pytest.mark.parametrize("after", ["entry", "rename"])
def test_killed_after_the_entry_the_next_publication_finishes_it(project: Project, monkeypatch: pytest.MonkeyPatch, after: str) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(*((league, "_put_in_place", killed) if after == "entry" else ("assets.evidence.write", killed)))
    with pytest.raises(KeyboardInterrupt):
        publish_league(project, "王芳", "例行", "2026Q2")
    monkeypatch.undo()
    assert kept(project) == []
    second = publish_league(project, "王芳", "例行", "2026Q3")
    assert [row[0] for row in kept(project)] == [1, second.seq]
    assert check(project) == []
    with pytest.raises(PublishingError, match="--corrects 1"):
        publish_league(project, "王芳", "例行", "2026Q2")


def test_a_broken_journal_stops_publishing_and_leaves_nothing(project: Project) -> None:
    append(project, "note", "王芳")
    with journal_path(project).open("ab") as file:
        file.write(b"half")
    with pytest.raises(JournalError, match="audit repair"):
        publish_league(project, "王芳", "例行", "2026Q3")
    assert not list((project.data / "publications").glob("*"))


# ---- alterations


def altered(folder: Path, name: str, was: str, now: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert was in text
    path.write_text(text.replace(was, now), encoding="utf-8")


def two_files(folder: Path) -> None:
    for name in ("league.html", "evaluation.json"):
        (folder / name).write_text("x")


def a_byte_more(folder: Path) -> None:
    with (folder / "evaluation.xlsx").open("ab") as file:
        file.write(b"\0")


def with_its_digest(folder: Path) -> None:
    (folder / "league.html").write_text("x")
    seal = json.loads((folder / "seal.json").read_text(encoding="utf-8"))
    seal["files"]["league.html"] = sm3_file(folder / "league.html")
    (folder / "seal.json").write_text(json.dumps(seal), encoding="utf-8")


def led_elsewhere(folder: Path) -> None:
    away = folder.parents[2] / "away.html"
    (folder / "league.html").rename(away)
    (folder / "league.html").symlink_to(away)


ALTERATIONS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "a file": (lambda f: altered(f, "league.html", "公安厅", "民政厅"), ["1/league.html"]),
    "one byte at its end": (a_byte_more, ["1/evaluation.xlsx"]),
    "two files": (two_files, ["1/evaluation.json", "1/league.html"]),
    "a file gone": (lambda f: (f / "evaluation.json").unlink(), ["1/evaluation.json"]),
    "the seal": (lambda f: altered(f, "seal.json", "王芳", "李四"), ["1/seal.json"]),
    "the seal gone": (lambda f: (f / "seal.json").unlink(), ["1/seal.json"]),
    "a file and its digest in the seal": (with_its_digest, ["1/league.html", "1/seal.json"]),
    "a file more": (lambda f: (f / "note.html").write_text("x"), ["1/note.html"]),
    "a file that leads elsewhere": (led_elsewhere, ["1/league.html"]),
    "the folder gone": (shutil.rmtree, ["1"]),
    "the folder under another number": (lambda f: f.rename(f.with_name("5")), ["1", "5"]),
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_what_was_altered_is_named(published: Project, alteration: str) -> None:
    change, expected = ALTERATIONS[alteration]
    change(published.data / "publications" / "1")
    assert sorted(a.file for a in check(published)) == [f"publications/{name}" for name in expected]


def test_a_journal_that_was_written_anew_is_told_by_the_lake(published: Project) -> None:
    (first,) = entries(published, "publish")
    journal_path(published).unlink()
    assert [(a.seq, a.file) for a in check(published)] == [(1, "journal.jsonl")]
    append(published, "publish", "李四", "例行", **first.content)
    assert [(a.seq, a.file) for a in check(published)] == [(1, "journal.jsonl")]
    assert [f.kind for f in verify(published, anchors.kept(published))] == ["replaced"]


def test_where_the_journal_cannot_be_read_the_lake_says_what_was_sealed(published: Project) -> None:
    journal_path(published).write_bytes(b"{}\n")
    assert check(published) == []
    (published.data / "publications" / "1" / "league.html").write_text("x")
    assert [a.file for a in check(published)] == ["publications/1/league.html"]


def test_a_number_that_is_none(published: Project) -> None:
    with pytest.raises(PublishingError, match="there are: 1"):
        check(published, 9)


def test_the_commands(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANQING_ROOT", str(project.root))
    monkeypatch.setenv("YUANQING_DATA", str(project.data))

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["league", *arguments])
        return done.exit_code, done.output

    assert run("publish", "--why", "例行")[0] == 2
    code, told = run("publish", "--officer", "王芳", "--why", "例行", "--quarter", "2026Q3", "--json")
    assert (code, json.loads(told)["seq"]) == (0, 1)
    assert run("publish", "--officer", "王芳", "--why", "更正", "--quarter", "2026Q3", "--corrects", "1")[0] == 0
    assert [(p["seq"], p["stands"]) for p in json.loads(run("list", "--json")[1])] == [(1, False), (2, True)]
    assert "corrected" in run("list")[1]
    assert run("verify")[0] == 0
    assert json.loads(run("verify", "--json")[1]) == []
    (project.data / "publications" / "2" / "league.html").write_text("x")
    assert run("verify", "1")[0] == 0
    code, told = run("verify")
    assert code == 1
    assert "publications/2/league.html" in told
