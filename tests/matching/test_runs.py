"""What later runs do: increments, decisions, the guard, and that the order of things does not matter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assets.matching import MatchingError, decide, match, pairs
from assets.matching.decisions import holds
from assets.models import build
from assets.project import Project
from assets.renames import carry_on
from tests.matching.conftest import MATCHING, World
from tests.matching.test_classes import LI, LIU, OUYANG, PEOPLE, WANG, ZHANG

STATE = (
    'SELECT dataset, batch, "row", record, * EXCLUDE (dataset, batch, "row", record) FROM base.people__unkeyed ORDER BY ALL',
    "SELECT * FROM base.people__matches ORDER BY ALL",
    "SELECT batch FROM evidence.lineage WHERE dataset = 'base.people__matches' ORDER BY ALL",
)
BROKEN = ("1", "219901198002030274", "张建国", "1980-02-03", "1", "219901")
DOUBTFUL = ("2", "219902199111300158", "赵六", "1991-11-30", "1", "219902")


def state(world: World) -> list[Any]:
    return [world.rows(sql) for sql in STATE]


def snapshots(world: World) -> Any:
    return world.rows("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")


def test_a_second_run_changes_nothing(world: World) -> None:
    world.register(PEOPLE)
    world.listed([BROKEN, DOUBTFUL])
    first = world.match()
    before = snapshots(world)
    again = world.match()
    assert (first.compared, first.full, again.compared, again.full) == (2, True, 0, False)
    assert snapshots(world) == before


def test_only_what_arrived_is_compared(world: World) -> None:
    world.register(PEOPLE)
    world.listed([BROKEN, DOUBTFUL])
    world.match()
    world.listed([("3", None, "欧阳娜娜", "2001-07-08", "2", "219903")], batch="l2", period="202602")
    done = world.match()
    assert (done.compared, done.full, done.records) == (1, False, 3)
    assert world.classes() == {"1": (ZHANG, "certain"), "2": (LIU, "review"), "3": (OUYANG, "certain")}


def test_a_new_person_is_held_against_older_records(world: World) -> None:
    """The record came first; who it is about is registered a month later. Records that the new ones cannot bear on stay as they are."""
    world.register([p for p in PEOPLE if p[0] != LI])
    world.listed([BROKEN, ("3", None, "李峰", "1965-05-05", "1", "219901")])
    world.match()
    assert world.classes()["3"] == (None, "none")
    world.register(PEOPLE, batch="r2", period="202602")
    done = world.match()
    assert world.classes()["3"] == (LI, "certain")
    assert not done.full


def test_a_namesake_who_appears_takes_the_certainty_away(world: World) -> None:
    world.register(PEOPLE)
    world.listed([("1", None, "张建国", "1980-02-03", "1", "219901")])
    world.match()
    assert world.classes() == {"1": (ZHANG, "certain")}
    world.register([*PEOPLE, ("219901198002030238", "张建国", "1980-02-03", "1", "219901")], batch="r2", period="202602")
    world.match()
    assert world.classes() == {"1": (ZHANG, "review")}


def test_a_record_that_was_mended_goes(world: World) -> None:
    """The list is a delta: the same number with a good id, later, takes the place of the broken row."""
    world.register(PEOPLE)
    world.listed([BROKEN, DOUBTFUL])
    world.match()
    world.listed([], batch="l2", period="202602", whole=[("1", ZHANG, "张建国", "1980-02-03", "1", "219901")], seen="2026-02-01")
    done = world.match()
    assert done.records == 1
    assert world.rows("SELECT count(*) FROM base.people__links") == [(0,)]


def test_an_older_row_mends_nothing(world: World) -> None:
    world.register(PEOPLE)
    world.listed([BROKEN])
    world.match()
    world.listed([], batch="l0", period="202602", whole=[("1", ZHANG, "张建国", "1980-02-03", "1", "219901")], seen="2025-12-01")
    assert world.match().records == 1


def test_any_order_of_hand_overs_ends_the_same(world: World, fresh_world: Callable[..., Any]) -> None:
    late = [("3", None, "李峰", "1965-05-05", "1", "219901"), ("4", "219903200107081929", "欧阳?娜", "2001-07-08", "2", None)]
    steps: list[Callable[[World], None]] = [
        lambda w: w.register(PEOPLE[:2]),
        lambda w: w.listed([BROKEN, DOUBTFUL]),
        lambda w: w.register(PEOPLE, batch="r2", period="202602"),
        lambda w: w.listed(late, batch="l2", period="202602", seen="2026-02-01"),
        lambda w: w.listed([], batch="l3", period="202603", whole=[("2", LIU, "刘晓燕", "1991-11-30", "1", "219902")], seen="2026-03-01"),
    ]
    for step in steps:
        step(world)
        world.match()
    found = state(world)
    assert len(found[1]) >= 3
    for name, order, together in (("back", [4, 3, 2, 1, 0], False), ("mixed", [3, 0, 4, 2, 1], False), ("at once", [1, 0, 2, 4, 3], True)):
        with fresh_world(name) as other:
            for n in order:
                steps[n](other)
                if not together:
                    other.match()
            other.match()
            assert state(other) == found, name


def test_a_decided_pair_never_comes_back(world: World) -> None:
    world.register(PEOPLE)
    world.listed([DOUBTFUL])
    world.match()
    [waiting] = pairs(world.con, world.matching)
    assert holds(world.con, world.matching, waiting.pair)
    assert not holds(world.con, world.matching, "0000000000")
    decide(world.con, world.project, world.matching, waiting.pair, "different", "张核", "电话核实，不是一人", "review1")
    assert pairs(world.con, world.matching) == []
    world.listed([DOUBTFUL], batch="l2", period="202602", seen="2026-02-01")  # handed over again, as it was
    world.register([*PEOPLE, ("219999198002030238", "新人", "1990-01-01", "1", "219999")], batch="r2", period="202602")
    world.match()
    assert pairs(world.con, world.matching) == []
    assert world.rows("SELECT class, reviewer, reason FROM base.people__matches") == [("different", "张核", "电话核实，不是一人")]
    assert world.rows("SELECT decision, reviewer, score IS NOT NULL, len(evidence) FROM evidence.decisions") == [
        ("different", "张核", True, 4)
    ]


def test_what_was_found_the_same_stays_linked_though_the_score_falls(world: World) -> None:
    world.register(PEOPLE)
    world.listed([DOUBTFUL])
    world.match()
    [waiting] = pairs(world.con, world.matching)
    decide(world.con, world.project, world.matching, waiting.pair, "same", "张核", "档案一致", "review1")
    link = [("listed", "l1", 900, LIU, "张核", "档案一致")]
    linked = 'SELECT dataset, batch, "row", id_number, reviewer, reason FROM base.people__links'
    assert world.rows(linked) == link
    changed = [(LIU, "别名", "1955-01-01", "2", "219904") if p[0] == LIU else p for p in PEOPLE]
    world.register(changed, batch="r2", period="202602")
    world.match()
    assert world.rows(linked) == link
    world.register([p for p in PEOPLE if p[0] != LIU], batch="r3", period="202603")  # nobody there to be linked with
    world.match()
    assert world.rows(linked) == []


def test_one_decision_settles_the_rivals(world: World) -> None:
    """Of two namesakes one is ruled out: the other is alone now. Found the same: the other is somebody else."""
    twins = [(ZHANG, "王伟", "1980-02-03", "1", "219901"), (WANG, "王伟", "1980-02-03", "1", "219901")]
    world.register(twins)
    world.listed([("1", None, "王伟", "1980-02-03", "1", "219901")])
    world.match()
    first, second = pairs(world.con, world.matching)
    decide(world.con, world.project, world.matching, first.pair, "different", "张核", "非本人", "review1")
    assert world.rows("SELECT class FROM base.people__matches ORDER BY class") == [("certain",), ("different",)]
    decide(world.con, world.project, world.matching, first.pair, "same", "李核", "前次有误", "review2")
    assert world.rows("SELECT class, reviewer FROM base.people__matches ORDER BY class") == [("certain", "李核"), ("different", None)]
    with pytest.raises(MatchingError, match="somebody else"):
        decide(world.con, world.project, world.matching, second.pair, "same", "李核", "也是", "review3")
    assert world.rows("SELECT count(*) FROM evidence.decisions") == [(2,)]


@pytest.mark.parametrize(
    ("pair", "word", "reviewer", "reason", "said"),
    [
        ("0000000000", "same", "张核", "一致", "no pair"),
        (None, "perhaps", "张核", "一致", "no decision"),
        (None, "same", " ", "一致", "somebody who takes it"),
        (None, "same", "张核", "", "a reason"),
    ],
)
def test_a_decision_is_whole_or_refused(world: World, pair: str | None, word: str, reviewer: str, reason: str, said: str) -> None:
    world.register(PEOPLE)
    world.listed([DOUBTFUL])
    world.match()
    [waiting] = pairs(world.con, world.matching)
    with pytest.raises(MatchingError, match=said):
        decide(world.con, world.project, world.matching, pair or waiting.pair, word, reviewer, reason, "review1")
    assert world.rows("SELECT count(*) FROM evidence.decisions") == [(0,)]


def test_reviewers_see_masked_values(world: World) -> None:
    world.register(PEOPLE)
    world.listed([DOUBTFUL])
    world.match()
    [seen] = pairs(world.con, world.matching)
    assert (seen.record["id_number"], seen.base["id_number"], seen.record["name"], seen.base["name"]) == (
        "2199************58",
        "2199************58",
        "赵*",
        "刘**",
    )
    [whole] = pairs(world.con, world.matching, unmasked=True)
    assert whole.base["id_number"] == LIU


def test_a_rule_that_merges_too_much_is_refused(fresh_world: Callable[..., Any]) -> None:
    """A source whose ids were all lost, and a rule that links by name and day alone: figures are told, nothing is committed."""
    loose = MATCHING.replace("maxMerged: 0.5", "maxMerged: 0.1").replace("of: 1000000", "of: 100")
    crowd = [(f"2199011990010{n:02}0{n:02}0", f"赵{chr(0x5000 + n)}", f"1990-01-{n + 1:02}", "1", "219901") for n in range(20)]
    with fresh_world("loose", loose) as world:
        world.register(crowd)
        world.listed(
            [(str(n), None, p[1], p[2], p[3], p[4]) for n, p in enumerate(crowd)],
            whole=[(f"w{n}", ZHANG, "张", None, None, None) for n in range(20)],
        )
        before = snapshots(world)
        with pytest.raises(MatchingError, match=r"would link 20 of 40 rows of listed by likeness \(50\.0%\), and `maxMerged` is 10\.0%"):
            world.match()
        assert world.rows("SELECT count(*) FROM duckdb_tables() WHERE starts_with(table_name, 'people__')") == [(0,)]
        assert world.rows("SELECT count(*) FROM evidence.matchings") == [(0,)]
        assert snapshots(world)[0][0] - before[0][0] <= 3  # the base was built


def test_a_blocking_rule_that_compares_all_with_all_is_refused(fresh_world: Callable[..., Any]) -> None:
    wide = MATCHING.replace("[[id_number],", "[[sex], [id_number],").replace("maxMerged: 0.5", "maxMerged: 0.5\n      maxPairs: 50")
    with fresh_world("wide", wide) as world:
        world.register([(f"x{n}", f"赵{chr(0x5000 + n)}", "1990-01-01", "1", "219901") for n in range(20)])
        world.listed([(str(n), None, f"周{n}", None, "1", None) for n in range(4)])
        with pytest.raises(MatchingError, match=r"the blocking rule \[sex\] gives 80 pairs, and `maxPairs` is 50"):
            world.match()


def test_another_declaration_compares_all_anew(world: World) -> None:
    world.register(PEOPLE)
    world.listed([BROKEN, DOUBTFUL])
    world.match()
    path = world.project.contracts["people"].path
    path.write_text(path.read_text(encoding="utf-8").replace("review: 0.1", "review: 0.95"), encoding="utf-8")
    world.project = type(world.project)(world.project.root, world.project.data)
    done = world.match()
    assert (done.compared, done.full) == (2, True)
    assert world.classes()["2"] == (LIU, "different")


def test_a_base_without_matching_is_left_alone(world: World) -> None:
    assert match(world.con, world.project, world.project.contracts["register"], "run") is None


def test_other_names_keep_matches_and_decisions(world: World) -> None:
    """Of the base: nothing is compared again. Of a source: all is, and each record is known by the name that it had."""
    world.register(PEOPLE)
    world.listed([DOUBTFUL])
    world.match()
    [waiting] = pairs(world.con, world.matching)
    decide(world.con, world.project, world.matching, waiting.pair, "same", "张核", "档案一致", "review1")
    linked = "SELECT batch, record, id_number, reviewer FROM base.{}__links"
    was = world.rows(linked.format("people"))
    root, people = world.project.assets, world.project.contracts["people"].path

    def named(path: Path, old: str, new: str) -> None:
        text = path.read_text("utf-8").replace(f"id: {old}", f"id: {new}").replace(f"name: {old}", f"name: {new}")
        text = text.replace("\ncustomProperties:\n", f"\ncustomProperties:\n  - {{property: formerly, value: [{old}]}}\n")
        path.with_name(f"{new}.odcs.yaml").write_text(text, "utf-8")
        path.unlink()
        world.project = Project(world.project.root, world.project.data)

    people.with_name("people.sql").rename(people.with_name("persons.sql"))
    named(people, "people", "persons")
    assert carry_on(world.con, world.project) == ["people → persons"]
    build(world.con, world.project, world.project.contracts["persons"], "b")
    done = match(world.con, world.project, world.project.contracts["persons"], "m")
    assert done is not None
    assert (done.table, done.compared, done.classes["certain"]) == ("base.persons__matches", 0, 1)
    assert world.rows(linked.format("persons")) == was
    assert world.rows("SELECT DISTINCT dataset FROM evidence.matchings") == [("base.persons__matches",)]

    path = people.with_name("persons.odcs.yaml")
    path.write_text(path.read_text("utf-8").replace("records: {listed:", "records: {enrolled:"), "utf-8")
    named(root / "sources" / "bureau" / "listed.odcs.yaml", "listed", "enrolled")
    carry_on(world.con, world.project)
    done = match(world.con, world.project, world.project.contracts["persons"], "n")
    assert done is not None
    assert (done.full, done.classes["certain"]) == (True, 1)
    assert world.rows(linked.format("persons")) == was
