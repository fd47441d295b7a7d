"""Rows let out of quarantine stand, flagged, in every later judgement; what cannot stand stays; a replay says what it changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_support import RULES, hand_over, make_tiny
from typer.testing import CliRunner

from assets.lake import open_lake
from assets.project import Project
from pipelines.cli import app
from pipelines.errors import ReleaseError
from pipelines.journal import entries
from pipelines.quarantine import listed, release
from pipelines.querying import query
from pipelines.replaying import replay
from pipelines.run import run

FORM = """\
  - type: expect_column_values_to_match_regex
    kwargs: {column: tag, regex: "^[A-Z][0-9]$"}
    severity: critical
    meta:
      {id: tag_form, indicator: "0302", blocking: true, title: {zh: 犬牌格式, en: Form of the tag}, remedy: {zh: 更正, en: Correct it}}
"""
NEVER_BORN = FORM.replace('column: tag, regex: "^[A-Z][0-9]$"', 'column: tag, regex: "^[^x]"').replace("tag_form", "tag_no_x")
ROWS = "tag,born\nA1,2020-01-01\nb2,2020-02-02\nxx,2020-03-03\n,2020-04-04\nb2,2020-05-05\nA3,2020-06-06\n"
GOOD = "".join(f"B{n},2021-01-0{n}\n" for n in range(1, 7))  # enough that what is broken does not stop what is built


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two rows stand (2, 7); in quarantine are two with one bad key (3, 6), one with a bad form (4), one without a key (5)."""
    made = make_tiny(tmp_path_factory.mktemp("judged"), rules=RULES + FORM)
    hand_over(made, "202601", ROWS + GOOD)
    run(made)
    assert standing(made) == [(2, None), (7, None)]
    return made


@pytest.fixture
def project(judged: Project, tmp_path: Path) -> Project:
    """A copy of `judged`, to be changed."""
    shutil.copytree(judged.root, tmp_path / "copy")
    return Project(tmp_path / "copy", tmp_path / "copy" / "data")


def standing(project: Project) -> list[tuple[int, list[str] | None]]:
    return [(row, failed) for row, failed in query(project, "SELECT _row, _failed FROM std.pet WHERE _row < 8 ORDER BY _row")[1]]


def waiting(project: Project) -> list[int]:
    return [row for (row,) in query(project, "SELECT _row FROM quarantine.pet ORDER BY _row")[1]]


def batch(project: Project) -> str:
    return str(query(project, "SELECT batch FROM evidence.batches")[1][0][0])


def test_a_released_row_stands_flagged_and_in_what_is_built_and_later_replays_respect_it(project: Project) -> None:
    done = release(project, batch(project), [4], "张三", "旧牌证，已核实")
    assert done.rules == {4: ("tag_form",)}
    made = replay(project, batch(project))
    assert (made.standard, made.quarantined, made.moved_in, made.moved_out, made.values, made.rules) == ((8, 9), (4, 3), 1, 0, 0, [])
    for _ in range(2):
        assert standing(project) == [(2, None), (4, ["tag_form"]), (7, None)]
        assert waiting(project) == [3, 5, 6]
        assert query(project, "SELECT tag FROM base.animal WHERE tag NOT LIKE 'B%' ORDER BY tag")[1] == [("A1",), ("A3",), ("xx",)]
        assert query(project, "SELECT unexpected FROM evidence.results WHERE rule = 'tag_form'")[1] == [(3,)]  # no score is flattered
        assert not replay(project, batch(project)).changed


def test_a_release_is_kept_in_journal_and_evidence(project: Project) -> None:
    done = release(project, batch(project), [4], " 张三 ", "旧牌证")
    (entry,) = entries(project, "release")
    assert (entry.seq, entry.who, entry.why) == (done.entry, "张三", "旧牌证")
    assert entry.content == {"dataset": "pet", "batch": batch(project), "rows": [4], "rules": ["tag_form"]}
    kept = query(project, "SELECT row, rules, officer, reason, entry FROM evidence.releases")[1]
    assert kept == [(4, ["tag_form"], "张三", "旧牌证", entry.seq)]
    run(project)  # the release alone makes the batch due
    assert standing(project) == [(2, None), (4, ["tag_form"]), (7, None)]
    assert query(project, "SELECT count(*) FROM results.releases")[1] == [(1,)]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([5], "第 5 行 row: 主键 key tag|犬牌 tag: 没有值 is empty"),
        ([4, 5], "None is released"),
        ([3, 6], "第 3 行.*与第 6 行相同.*第 6 行.*与第 3 行相同"),
    ],
)
def test_what_cannot_stand_is_refused_with_its_reason_and_nothing_is_released(project: Project, rows: list[int], words: str) -> None:
    with pytest.raises(ReleaseError, match=words):
        release(project, batch(project), rows, "张三", "试")
    assert list(entries(project, "release")) == []
    assert waiting(project) == [3, 4, 5, 6]
    with open_lake(project, read_only=True) as con:
        assert con.execute("SELECT count(*) FROM evidence.releases").fetchall() == [(0,)]


def test_of_two_rows_with_one_key_one_may_be_released(project: Project) -> None:
    release(project, batch(project), [6], "张三", "新的一行为准")
    replay(project, batch(project))
    assert [row for row, _ in standing(project)] == [2, 6, 7]
    with pytest.raises(ReleaseError, match="与第 6 行相同"):
        release(project, batch(project), [3], "张三", "试")


def test_a_row_that_breaks_another_blocking_rule_waits_again(project: Project) -> None:
    release(project, batch(project), [4], "张三", "旧牌证")
    replay(project, batch(project))
    suite = project.expectations / "suites/sources/city/pet.yaml"
    suite.write_text(RULES + FORM + NEVER_BORN, encoding="utf-8")
    again = Project(project.root, project.data)
    made = replay(again, batch(again))
    assert (made.moved_in, made.moved_out) == (0, 1)
    assert [(c.rule, c.before, c.after) for c in made.rules] == [("tag_no_x", None, 1)]
    assert [row for row, _ in standing(again)] == [2, 7]
    suite.write_text(RULES, encoding="utf-8")
    after = replay(Project(project.root, project.data), batch(project))
    assert {(c.rule, c.before, c.after) for c in after.rules} == {("tag_form", 3, None), ("tag_no_x", 1, None)}
    assert [(row, failed) for row, failed in standing(project)][:3] == [(2, None), (4, None), (7, None)]


@pytest.mark.parametrize(("who", "why"), [("", "x"), ("x", " ")])
def test_nobody_releases_without_a_name_and_a_reason(project: Project, who: str, why: str) -> None:
    with pytest.raises(ReleaseError, match="--who NAME --why REASON"):
        release(project, batch(project), [4], who, why)


def test_rows_and_batches_that_are_not_there(project: Project) -> None:
    with pytest.raises(LookupError, match=r"第 2, 99 行.*rows that are: 3, 4, 5, 6"):
        release(project, batch(project), [99, 2, 4], "a", "b")
    with pytest.raises(LookupError, match="Did you mean 'pet-202601"):
        release(project, "pet-202601", [4], "a", "b")
    with pytest.raises(LookupError, match="Did you mean 'pet-202601"):
        replay(project, "pet-202601")


def test_what_waits_is_listed_masked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = project.assets / "sources/city/pet.odcs.yaml"
    before = contract.read_text(encoding="utf-8")
    contract.write_text(before.replace("required: true, primaryKey", 'classification: "3", required: true, primaryKey'), encoding="utf-8")
    found = listed(Project(project.root, project.data), "pet", "tag_form")
    assert (found.total, found.counts) == (3, {"pet": {"tag_form": 3, "key_unique": 2}})
    assert [(w.row, w.values) for w in found.rows] == [(3, {"犬牌": "b*"}), (4, {"犬牌": "x*"}), (6, {"犬牌": "b*"})]
    with pytest.raises(LookupError, match="Did you mean 'tag_form'"):
        listed(project, "pet", "tag_frm")
    monkeypatch.setenv("YUANQING_ROOT", str(project.root))
    monkeypatch.setenv("YUANQING_DATA", str(project.data))
    told = json.loads(CliRunner().invoke(app, ["quarantine", "list", "--json"]).output)
    assert told["total"] == 4
    assert "xx" not in json.dumps(told["rows"])
    contract.write_text(before, encoding="utf-8")
    done = CliRunner().invoke(app, ["quarantine", "release", batch(project), "4", "--who", "张三", "--why", "旧牌证"])
    assert done.exit_code == 0, done.output
    assert [row for row, _ in standing(project)] == [2, 4, 7]
