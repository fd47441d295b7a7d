"""Cross-department checks: who contradicts whom, what is a defect by now, and that increments end where a full build does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.crosschecks import building
from assets.crosschecks.declared import Grace, cross_checks, verify
from assets.project import CODE, Project
from expectations.documents import DocumentError

CHECK = """
id: x01_name_differs
number: X01
title: {{zh: 姓名不一致, en: Names differ}}
indicator: "0401"
severity: critical
grace: {grace}
to: insurance
of: insurance
subjects: {{register: id, insurance: id}}
sql: |
  SELECT i.id AS "subject", i.seen AS "since", 'insurance' AS "dataset", i._batch AS "batch", i._row AS "row", i.name AS "value",
    'register' AS "other", r._batch AS "other_batch", r._row AS "other_row", r.name AS "other_value"
  FROM std.insurance AS i JOIN std.register AS r ON r.id = i.id
  WHERE i.name <> r.name
"""


def declare(project: Project, text: str = CHECK, *, grace: str = "{days: 10}", name: str = "x01_name_differs") -> Project:
    """The tiny project with the disagreements and one check."""
    folder = project.assets / "base" / "disagreement"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(CODE / "assets" / "base" / "disagreement" / "disagreement.odcs.yaml", folder)
    (folder / f"{name}.check.yaml").write_text(text.format(grace=grace), encoding="utf-8")
    return Project(project.root, project.data)


def seen(day: int, month: int = 1) -> datetime:
    return datetime(2026, month, day)


def state(world: Any) -> tuple[Any, ...]:
    return world.rows("SELECT as_of, compared, found, overdue, silent FROM evidence.crosschecks")[0]


def result(world: Any) -> dict[str, Any]:
    row = world.rows(
        "SELECT outcome, elements, unexpected, result FROM evidence.results WHERE rule = 'x01_name_differs' ORDER BY checked_at"
    )[-1]
    return {"outcome": row[0], "elements": row[1], "unexpected": row[2], "result": json.loads(row[3])["result"]}


def test_a_contradiction_is_a_defect_once_its_grace_is_over_by_the_clock_of_the_data(world: Any) -> None:
    world.project = declare(world.project)
    world.deliver("register", "r1", [("A", "王一", "城", seen(1)), ("B", "李二", "城", seen(1)), ("C", "张三", "城", seen(1))])
    world.deliver(
        "insurance", "i1", [("1", "A", "王壹", "甲", seen(20)), ("2", "B", "李贰", "乙", seen(25)), ("3", "C", "张三", "丙", seen(2))]
    )
    world.build("disagreement")
    columns = 'subject, since, due, dataset, batch, "row", value, other, other_batch, other_row, other_value'
    found = world.rows(f"SELECT {columns} FROM base.disagreement ORDER BY 1")
    assert found == [
        ("A", date(2026, 1, 20), date(2026, 1, 30), "insurance", "i1", 2, "王壹", "register", "r1", 2, "王一"),
        ("B", date(2026, 1, 25), date(2026, 2, 4), "insurance", "i1", 3, "李贰", "register", "r1", 3, "李二"),
    ]
    assert state(world) == (date(2026, 1, 31), 3, 2, 1, None)  # January is all that both have spoken of
    told = result(world)
    assert (told["outcome"], told["elements"], told["unexpected"]) == ("failed", 3, 1)
    assert told["result"]["partial_unexpected_list"] == [{"value": "***", "register": "***", "since": "2026-01-20"}]
    assert told["result"]["partial_unexpected_index_list"] == [{"_batch": "i1", "_row": 2}]
    # the register speaks of February, the insurance does not yet: nobody is blamed for what it may have mended since
    world.deliver("register", "r2", [("A", "王一", "城", seen(1)), ("B", "李二", "城", seen(1))], period="202602", received=9)
    world.build("disagreement")
    assert state(world)[0] == date(2026, 1, 31)
    world.deliver("insurance", "i2", [("1", "A", "王一", "甲", seen(3, 2))], period="202602", received=10)
    world.build("disagreement")
    assert world.rows("SELECT subject FROM base.disagreement") == [("B",)]
    assert state(world) == (date(2026, 2, 28), 3, 1, 1, None)


def test_a_source_that_is_silent_makes_it_not_assessable(world: Any) -> None:
    world.project = declare(world.project)
    world.deliver("insurance", "i1", [("1", "A", "王壹", "甲", seen(20))])
    world.build("disagreement")
    assert result(world)["outcome"] == "not_assessable"
    assert state(world)[-1] == "register"


def test_what_was_mended_too_late_stays_a_defect(world: Any) -> None:
    late = CHECK.replace('r.name AS "other_value"', 'r.name AS "other_value", CAST(r.seen AS DATE) AS "ended"').replace(
        "WHERE i.name <> r.name", ""
    )
    world.project = declare(world.project, late)
    world.deliver("register", "r1", [("A", "王一", "城", seen(11)), ("B", "李二", "城", seen(12))])
    world.deliver("insurance", "i1", [("1", "A", "王一", "甲", seen(1)), ("2", "B", "李二", "乙", seen(1))])
    world.build("disagreement")
    assert world.rows("SELECT subject FROM base.disagreement") == [("B",)]  # the tenth day of grace was the 11th


def test_large_registers_are_read_where_they_lie_and_the_same_is_found(
    fresh_world: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for kept in (building.KEPT_MOST, 0):
        monkeypatch.setattr(building, "KEPT_MOST", kept)
        with fresh_world(f"kept{kept}") as world:
            declare(world.project)
            other = CHECK.replace("x01_name_differs", "x02_seen_before").replace("i.name <> r.name", "i.seen < r.seen")
            world.project = declare(world.project, other, name="x02_seen_before")
            # the hand-over of December stands no longer
            world.deliver("register", "r0", [("A", "旧", "城", seen(9)), ("B", "旧", "城", seen(9))], period="202512")
            world.deliver("register", "r1", [("A", "王一", "城", seen(5)), ("B", "李二", "城", seen(1))])
            world.deliver("insurance", "i1", [("1", "A", "王壹", "甲", seen(2)), ("2", "B", "李二", "乙", seen(3))])
            world.build("disagreement")
            found.append(world.rows('SELECT "check", subject, value, other_batch, other_value FROM base.disagreement ORDER BY ALL'))
    assert found[0] == found[1] == [("x01_name_differs", "A", "王壹", "r1", "王一"), ("x02_seen_before", "A", "王壹", "r1", "王一")]


def test_what_did_not_change_is_left_alone(world: Any) -> None:
    world.project = declare(world.project)
    world.deliver("register", "r1", [("A", "王一", "城", seen(1))])
    world.deliver("insurance", "i1", [("1", "A", "王壹", "甲", seen(2))])
    world.build("disagreement")
    before = world.snapshot
    world.build("disagreement")
    assert world.snapshot == before
    world.project = declare(world.project, grace="{days: 400}")
    world.build("disagreement")
    assert state(world)[2:4] == (1, 0)


ROWS = st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from(["甲", "乙"]), st.integers(1, 28)), max_size=4, unique_by=lambda r: r[0])


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(handovers=st.lists(st.tuples(st.sampled_from(["register", "insurance"]), ROWS), min_size=2, max_size=5))
def test_increments_end_where_a_full_build_ends(
    fresh_world: Callable[[str], Any], handovers: list[tuple[str, list[tuple[str, str, int]]]]
) -> None:
    from uuid import uuid4

    def deliver(world: Any, at: int, dataset: str, rows: list[tuple[str, str, int]]) -> None:
        made = [(i, n, "城", seen(d)) if dataset == "register" else (i, i, n, "厂", seen(d)) for i, n, d in rows]
        # many standing rows that never change: so that what arrives is a small share, and only its subjects are made anew
        world.deliver(dataset, f"{dataset}{at}", made, unit=f"u{at % 2}", received=at, period="202601")

    content = "SELECT * FROM base.disagreement ORDER BY ALL"
    with fresh_world(f"a{uuid4()}") as steps, fresh_world(f"b{uuid4()}") as once:
        for world in (steps, once):
            world.project = declare(world.project)
            still = [(f"Z{i}", "丙", "城", seen(1)) for i in range(20)]
            world.deliver("register", "still", still, unit="still")
        for at, (dataset, rows) in enumerate(handovers):
            deliver(steps, at, dataset, rows)
            steps.build("disagreement")
            deliver(once, at, dataset, rows)
        once.build("disagreement")
        assert steps.rows(content) == once.rows(content)
        assert state(steps) == state(once)


@pytest.mark.parametrize(
    ("grace", "since", "last"),
    [
        (Grace(15), "2026-01-20", "2026-02-04"),
        (Grace(next_month=True), "2026-01-31", "2026-02-28"),
        # Sunday 28 September and Saturday 11 October were worked; 1 to 8 October were not
        (Grace(7, working=True), "2025-09-26", "2025-10-13"),
    ],
)
def test_days_of_grace(world: Any, grace: Grace, since: str, last: str) -> None:
    from assets.crosschecks.building import working_days_table

    world.con.execute(working_days_table())
    assert str(world.rows(f"SELECT {grace.last_day(f'DATE {since!r}')}")[0][0]) == last


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (CHECK.replace("to: insurance", "to: insurence"), "Did you mean 'insurance'?"),
        (CHECK.replace('i.seen AS "since"', 'i.sen AS "since"'), "Did you mean 'seen'?"),
        (CHECK.replace("subjects: {{register: id, insurance: id}}", "subjects: {{register: id}}"), "insurance: no subject"),
        (CHECK.replace("grace: {grace}", "grace: {{weeks: 2}}"), "workdays"),
        (CHECK.replace("severity: critical", "severity: grave"), "severity 'grave'"),
        (CHECK.replace(', r.name AS "other_value"', ""), "in this order"),
        (CHECK.replace("number:", "nummer:"), "Did you mean 'number'?"),
    ],
)
def test_a_mistake_is_told_with_its_line(project: Project, wrong: str, said: str) -> None:
    project = declare(project, wrong)

    def read() -> None:
        verify(project, cross_checks(project))

    with pytest.raises(DocumentError, match=r"x01_name_differs\.check\.yaml:\d+: ") as error:
        read()
    assert said in str(error.value)


def test_every_check_of_the_project_reads(tmp_path: Path) -> None:
    project = Project.at(CODE, tmp_path)
    checks = cross_checks(project)
    verify(project, checks)
    assert {c.number for c in checks} <= {f"X{n:02d}" for n in range(1, 36)}


def test_a_closed_school_keeps_no_valid_food_licence(tmp_path: Path) -> None:
    """X21 asks every register of entities what ended, and lets be what lives, what was struck off only, and branches."""
    (check,) = (c for c in cross_checks(Project.at(CODE, tmp_path)) if c.id == "x21_ended_food_licence_valid")
    day = "DATE '2026-03-15'"
    with duckdb.connect() as con:
        con.execute(f"""
            CREATE SCHEMA std;
            CREATE TABLE std.market_entity AS SELECT 'm' AS _batch, * FROM (VALUES
                (1, 'SHOP', '4', {day}), (2, 'LIVE', '1', NULL), (3, 'STRUCK', '2', {day})) AS t(_row, uscc, state, end_date);
            CREATE TABLE std.public_body AS SELECT 'p' AS _batch, * FROM (VALUES
                (1, 'SCHOOL', '4', {day}), (2, 'MERGED', '2', {day}), (3, 'UNDONE', '3', {day})) AS t(_row, uscc, state, end_date);
            CREATE TABLE std.social_organisation AS SELECT 's' AS _batch, * FROM (VALUES
                (1, 'HOME', '2', '0', {day}), (2, 'BRANCH', '2', '1', {day})) AS t(_row, uscc, status, is_branch, end_date);
            CREATE TABLE std.food_licence AS SELECT 'f' AS _batch, n AS _row, code AS uscc_or_id, code AS licence_no,
                CASE code WHEN 'MERGED' THEN '2' ELSE '1' END AS state FROM (SELECT unnest(range(8)) AS n,
                    unnest(['SHOP', 'LIVE', 'STRUCK', 'SCHOOL', 'MERGED', 'UNDONE', 'HOME', 'BRANCH']) AS code)""")
        found = con.execute(f'SELECT "subject", "other", "other_row" FROM ({check.query.text}) ORDER BY ALL').fetchall()
    assert found == [("HOME", "social_organisation", 1), ("SCHOOL", "public_body", 1), ("SHOP", "market_entity", 1)]


def test_what_was_planted_is_compared_with_what_was_found(world: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.truth import compare_in, truth_file
    from sample_data.truth import SCHEMA

    world.project = declare(world.project)
    names = {"A": "王壹", "B": "李贰", "C": "张三", "D": "赵肆", "E": "钱伍"}
    world.deliver("register", "r1", [(i, "某人" if i != "C" else "张三", "城", seen(1)) for i in "ABCDE"])
    days = {"A": 2, "B": 25, "C": 2, "D": 2, "E": 2}
    world.deliver("insurance", "i1", [(i, i, names[i], "甲", seen(days[i])) for i in "ABCDE"])
    world.build("disagreement")
    kind = "x01_name_differs"
    planted = [  # A is found; B is in its grace; C was not made to differ; D shows a fault of another kind; nobody planted E
        {"row": 2, "kind": kind, "effect": "cross"},
        {"row": 3, "kind": kind, "effect": "graced"},
        {"row": 4, "kind": kind, "effect": "cross"},
        {"row": 5, "kind": "name_is_phone", "effect": "none"},
    ]
    rows = [
        dict.fromkeys(SCHEMA) | {"dataset": "insurance", "source": "i1.csv", "period": "202601", "unit": "", "indicator": "0401"} | p
        for p in planted
    ]
    truth_file(world.project).parent.mkdir(parents=True)
    schema = pa.schema([pa.field(name, pa.type_for_alias(type_)) for name, type_ in SCHEMA.items()])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), truth_file(world.project))
    report = compare_in(world.con, world.project)
    lines = {k.effect: (k.planted, k.caught) for k in report.kinds if k.kind == kind}
    assert lines == {"cross": (2, 1), "graced": (1, 1)}
    assert report.false_alarms == {("insurance", kind): 1}
    assert [(e.batch, e.row) for e in report.alarms] == [("i1", 6)]
    assert report.pending == 0
    # A source of this check, not of another one, is behind: what it found is known, and not to be told yet
    world.con.execute("INSERT INTO evidence.crosschecks BY NAME SELECT * REPLACE ('x02' AS \"check\") FROM evidence.crosschecks")
    world.con.execute("UPDATE evidence.crosschecks SET as_of = DATE '2026-01-05' WHERE \"check\" = 'x01_name_differs'")
    late = compare_in(world.con, world.project)
    assert late.pending == 1
    assert {k.effect: (k.planted, k.caught) for k in late.kinds if k.kind == kind} == {"cross": (1, 0), "graced": (1, 1)}
    assert not late.false_alarms
