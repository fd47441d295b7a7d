"""A record's page: what it tells of both ways, and what it must not show."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from pipelines.lineage.asking import LineageError
from pipelines.lineage.origin_story import tell, write_story

JAN, FEB = datetime(2026, 1, 5), datetime(2026, 2, 5)
ANN, BEN = "219901189901010011", "219901189901010022"


@pytest.fixture
def project(world):
    """Two hand-overs that disagree on Ann's name and agree on Ben's; her town came with blanks, and breaks a rule."""
    world.deliver("register", "r1", [(BEN, "本", "西", JAN), (ANN, "<安>", "东", JAN)], unit="a")
    world.deliver("insurance", "i1", [("1", ANN, "安安", "厂", FEB), ("2", BEN, "本", None, FEB)])
    world.build()
    world.con.execute("INSERT INTO evidence.issues VALUES ('r1', 'register', 3, 'town_known')")
    world.con.execute(f"UPDATE raw.register SET town = '　东 ' WHERE id = '{ANN}'")
    world.con.close()
    return world.project


def test_only_what_differs_in_full_is_overruled(project):
    ann, ben = (tell(project, "base.people", [key]) for key in (ANN, BEN))
    assert [(a.name, [o.row.batch for o in a.overruled]) for a in ann.disputed] == [("name", ["i1"])]
    assert ben.disputed == ()
    name = next(a for a in ben.origin.attributes if a.name == "name")
    assert ([o.row.batch for o in name.others], ben.is_plain(name)) == (["i1"], True)


def test_a_row_is_told_where_another_word_stands(project):
    story = tell(project, "std.insurance", ["1"])
    assert {column: [(w.table, w.said.row.batch, w.said.row.row) for w in told] for column, told in story.overruled.items()} == {
        "name": [("base.people", "r1", 3)]
    }
    assert {f.table for f in story.feeding.fed} >= {"base.people", "thematic.towns"}
    assert tell(project, "std.register", [ANN]).overruled == {}


def test_the_standard_value_stands_beside_the_text(project):
    town = next(a for a in tell(project, "base.people", [ANN]).origin.attributes if a.name == "town")
    assert (town.said.text, town.said.repair, town.said.value) == ("　东 ", "trimmed", "东")


def test_the_page_tells_it_in_both_languages_and_shows_nothing_personal(project, tmp_path):
    page = write_story(project, "base.people", [ANN], tmp_path / "ann.html").read_text(encoding="utf-8")
    for shown in ("r1.csv", "第 3 行", "line 3 of r1.csv", "去首尾空白", "trimmed", "未采用", "Overruled", "town_known", "thematic.towns"):
        assert shown in page, shown
    assert ANN not in page
    assert "安安" not in page
    assert "<安" not in page  # neither in full nor as an element
    assert re.findall(r"""(?:src|href)=["'](?!#|data:)""", page) == []
    assert set(re.findall(r'href="#(row-\d+)"', page)) <= set(re.findall(r'id="(row-\d+)"', page))


def test_what_cannot_be_told_row_by_row_says_so(project, tmp_path):
    page = write_story(project, "thematic.towns", ["东"], tmp_path / "town.html").read_text(encoding="utf-8")
    assert "declares no increment" in page
    assert "没有表读取它" in page


def test_an_unknown_record_leaves_no_page(project, tmp_path):
    with pytest.raises(LineageError, match="no record"):
        write_story(project, "base.people", ["219901189901010099"], tmp_path / "none.html")
    assert list(tmp_path.glob("*.html")) == []


def test_the_command_writes_the_page_and_refuses_another_file(project, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from pipelines.cli import app

    monkeypatch.setenv("YUANQING_ROOT", str(project.root))
    monkeypatch.setenv("YUANQING_DATA", str(project.data))
    asked = ["origin", "base.people", ANN, "--page"]
    assert CliRunner().invoke(app, [*asked, str(tmp_path / "a.html")]).exit_code == 0
    assert (tmp_path / "a.html").stat().st_size > 5000
    assert CliRunner().invoke(app, [*asked, str(tmp_path / "a.txt")]).exit_code == 2
    assert CliRunner().invoke(app, [*asked, str(tmp_path / "b.html"), "--unmasked"]).exit_code == 2
