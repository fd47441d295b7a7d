"""A dataset that bears a new name keeps what it was: rows, hand-overs, results, what was built of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_support import hand_over

from assets.lake import open_lake
from assets.project import Project
from assets.renames import RenameError, carry_on, is_due, orphans
from expectations.documents import DocumentError
from pipelines.run import run

GOOD = "犬牌,出生日期\r\nA1,2020-01-02\r\nA2,\r\n"
FORMERLY = "customProperties:\n  - {property: formerly, value: [pet]}\n"


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def before(tmp_path: Path, tiny: Callable[..., Project]) -> Project:
    made = tiny(tmp_path)
    hand_over(made, "202608", GOOD)
    hand_over(made, "202609", GOOD + "A3,2022-05-06\r\n")
    run(made)
    return made


def rename(project: Project, formerly: str = FORMERLY) -> Project:
    """`pet` becomes `dog` in the declarations, and `animal` is made of it."""
    assets, suites = project.assets, project.expectations / "suites" / "sources" / "city"
    old = assets / "sources" / "city" / "pet.odcs.yaml"
    text = old.read_text("utf-8").replace("id: pet", "id: dog").replace("- name: pet", "- name: dog")
    (old.with_name("dog.odcs.yaml")).write_text(text.replace("customProperties:\n", formerly, 1), encoding="utf-8")
    old.unlink()
    (suites / "pet.yaml").rename(suites / "dog.yaml")
    (assets / "base" / "animal" / "animal.sql").write_text("SELECT d.tag AS tag FROM std.dog AS d\n", encoding="utf-8")
    return Project(project.root, project.data)


def rows(project: Project, sql: str) -> list[tuple[object, ...]]:
    with open_lake(project, read_only=True) as con:
        return con.execute(sql).fetchall()


def test_all_that_stood_under_the_old_name_stands_under_the_new_one(before: Project) -> None:
    by = "SELECT batch, rule, outcome, unexpected FROM evidence.results WHERE dataset = '{}' ORDER BY ALL"
    was = rows(before, by.format("pet"))
    assert was
    project = rename(before)
    done = run(project)
    assert (done.undone, done.batches) == ([], {})  # nothing is collected again
    assert set(was) <= set(rows(project, by.format("dog")))
    assert rows(
        project, "SELECT period, count(*) FROM raw.dog JOIN evidence.batches ON batch = _batch AND dataset = 'dog' GROUP BY 1 ORDER BY 1"
    ) == [
        ("202608", 2),
        ("202609", 3),
    ]
    assert rows(project, "SELECT tag FROM std.dog ORDER BY tag") == rows(project, "SELECT tag FROM base.animal ORDER BY tag")
    left = "SELECT table_name FROM duckdb_columns() WHERE database_name = 'lake' AND table_name = 'pet'"
    assert rows(project, left) == []
    assert sorted(p.name for p in project.collected.iterdir()) == ["dog"]
    with open_lake(project) as con:
        assert (is_due(con, project), carry_on(con, project), orphans(con, project)) == (False, [], [])


def test_a_name_that_vanished_is_told_with_the_nearest_and_what_to_do(before: Project) -> None:
    from pipelines.commands.doctor import _lake

    project = rename(before, "customProperties:\n")
    with pytest.raises(RuntimeError, match=r"pet: 5 rows stand in the lake, .* `formerly: \[pet\]`"):
        _lake(project)


def test_rows_under_both_names_are_not_mixed(before: Project) -> None:
    project = rename(before)
    with open_lake(project) as con:
        con.execute("CREATE TABLE raw.dog AS FROM raw.pet")
        with pytest.raises(RenameError, match="holds 5 rows of its own"):
            carry_on(con, project)
        assert con.execute("SELECT count(*) FROM std_batches.pet").fetchone() == (5,)
        assert con.execute("SELECT DISTINCT dataset FROM evidence.batches").fetchall() == [("pet",)]


@pytest.mark.parametrize(
    ("formerly", "message"),
    [
        ("[dog]", "'dog', which is a name of dog"),
        ("pet", "Write the names it had"),
        ("[animal]", "a name of animal"),
        ("['x; DROP']", "Write"),
    ],
)
def test_a_former_name_is_nobodys_name_now(before: Project, formerly: str, message: str) -> None:
    project = rename(before, f"customProperties:\n  - {{property: formerly, value: {formerly}}}\n")
    with pytest.raises(DocumentError, match=message):
        _ = project.contracts
