"""A dataset that bears a new name keeps what it was: rows, hand-overs, results, issues, what people did, what was built of it."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tiny_support import hand_over, make_tiny

from assets.lake import open_lake
from assets.project import Project
from assets.renames import RenameError, carry_on, is_due, orphans
from expectations.documents import DocumentError
from pipelines.issues import acting
from pipelines.issues.states import Scope
from pipelines.lineage.differences import differences
from pipelines.rebuilding import look_back
from pipelines.results import connect_results
from pipelines.run import run

GOOD = "犬牌,出生日期\r\nA1,2020-01-02\r\nA2,\r\nA4,\r\n"
FORMERLY = "customProperties:\n  - {property: formerly, value: [pet]}\n"


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, quick: None) -> Project:
    """Two hand-overs of `pet`; of two issues one is dispatched, the other waived."""
    made = make_tiny(tmp_path_factory.mktemp("before"), suited=True)
    hand_over(made, "202608", GOOD)
    hand_over(made, "202609", GOOD + "A3,2022-05-06\r\n")
    run(made)
    acting.dispatch(made, "李质管", Scope("pet", "born_present"))
    first, _ = (t for (t,) in rows(made, "SELECT ticket FROM evidence.tickets ORDER BY ticket"))
    until = date.today() + timedelta(days=9)
    acting.waive(made, "李质管", Scope("pet", "born_present", tickets=(first,)), "补录中", until=until, legal_basis="第十条")
    return made


@pytest.fixture
def before(done: Project, tmp_path: Path) -> Project:
    """A copy of `done`, to be renamed."""
    root = Path(shutil.copytree(done.root, tmp_path / "before"))
    return Project(root, root / "data")


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


def published(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with connect_results(project) as con:
        return con.execute(sql).fetchall()


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
        ("202608", 3),
        ("202609", 4),
    ]
    assert rows(project, "SELECT tag FROM std.dog ORDER BY tag") == rows(project, "SELECT tag FROM base.animal ORDER BY tag")
    left = "SELECT table_name FROM duckdb_columns() WHERE database_name = 'lake' AND table_name = 'pet'"
    assert rows(project, left) == []
    assert sorted(p.name for p in project.collected.iterdir()) == ["dog"]
    with open_lake(project) as con:
        assert (is_due(con, project), carry_on(con, project), orphans(con, project)) == (False, [], [])


def test_issues_and_what_people_did_go_on(before: Project) -> None:
    """Dataset and department are renamed at once; the next hand-over shows the same records broken still."""
    (snapshot,) = rows(before, "SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")[0]
    was = rows(before, "SELECT ticket FROM evidence.tickets ORDER BY ticket")
    project = rename(before)
    (project.assets / "sources" / "city").rename(project.assets / "sources" / "town")
    (project.assets / "sources" / "town" / "department.yaml").write_text("formerly: [city]\n", encoding="utf-8")
    suites = project.expectations / "suites" / "sources"
    (suites / "city").rename(suites / "town")
    hand_over(project, "202610", GOOD + "A3,2022-05-06\r\nA5,2022-05-06\r\n")
    project = Project(project.root, project.data)
    assert run(project).undone == []
    assert published(project, "SELECT ticket, dataset, department, state, times FROM tickets ORDER BY ticket") == [
        (was[0][0], "dog", "town", "waived", 3),
        (was[1][0], "dog", "town", "dispatched", 3),
    ]
    assert published(project, "SELECT what, dataset FROM ticket_events ORDER BY seq") == [("dispatch", "dog"), ("waive", "dog")]
    assert published(project, "SELECT DISTINCT dataset FROM waivers WHERE holds") == [("dog",)]
    told = "SELECT month FROM score_history WHERE scope = '{}' AND {} ORDER BY 1"
    months = [("202608",), ("202609",), ("202610",)]
    assert published(project, told.format("dataset", "dataset = 'dog'")) == months
    assert published(project, told.format("department", "department = 'town'")) == months
    (now,) = rows(project, "SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")[0]
    changed = differences(project, "std.dog", str(snapshot), str(now))
    assert (changed.before, changed.after, changed.went) == (4, 5, 0)
    with pytest.raises(LookupError, match=r"pet \(dog\).*yuanqing rebuild"):
        look_back(project, snapshot)
    with pytest.raises(acting.ActingError, match="It is called 'dog' now"):
        acting.dispatch(project, "李质管", Scope("pet", "born_present"))


def test_a_model_that_reads_the_old_name_is_told_the_new_one(before: Project) -> None:
    project = rename(before)
    (project.assets / "base" / "animal" / "animal.sql").write_text("SELECT p.tag AS tag\nFROM std.pet AS p\n", encoding="utf-8")
    assert "animal.sql:2: no table std.pet. 现在叫 dog，请写新名。 It is called 'dog' now" in str(run(project).undone)


def test_a_model_that_is_renamed_is_not_built_again(before: Project) -> None:
    """Its table, results and builds are the same under the new name; what reads it is built anew, by its new text."""
    by = "SELECT batch, rule, outcome, checked_at FROM evidence.results WHERE dataset = '{}' ORDER BY ALL"
    was = rows(before, by.format("animal"))
    built = rows(before, "SELECT run_id, snapshot FROM evidence.builds WHERE dataset = 'base.animal'")
    base, suites = before.assets / "base", before.expectations / "suites" / "base"
    for folder, suffix in ((base, ".odcs.yaml"), (base, ".sql"), (suites, ".yaml")):
        path = folder / "animal" / f"animal{suffix}"
        text = path.read_text("utf-8").replace("id: animal", "id: creature").replace("name: animal", "name: creature")
        text += "customProperties: [{property: formerly, value: [animal]}]\n" if suffix == ".odcs.yaml" else ""
        path.with_name(f"creature{suffix}").write_text(text, encoding="utf-8")
        path.unlink()
    project = Project(before.root, before.data)
    assert "dogs.sql:1: no table base.animal. 现在叫 creature，请写新名。 It is called 'creature' now" in str(run(project).undone)
    (project.assets / "thematic" / "city" / "dogs.sql").write_text("SELECT a.tag AS tag FROM base.creature AS a\n", encoding="utf-8")
    assert run(project).undone == []
    assert rows(project, by.format("creature")) == [("base.creature", *of) for _, *of in was]
    assert rows(project, "SELECT run_id, snapshot FROM evidence.builds WHERE dataset = 'base.creature'") == built
    assert rows(project, "SELECT tag FROM thematic.dogs ORDER BY 1") == rows(project, "SELECT tag FROM base.creature ORDER BY 1")
    left = "SELECT DISTINCT schema_name FROM duckdb_columns() WHERE database_name = 'lake' AND table_name = 'animal'"
    assert rows(project, left) == []
    assert published(project, "SELECT DISTINCT dataset FROM results WHERE dataset IN ('animal', 'creature')") == [("creature",)]


def test_a_name_that_vanished_is_told_with_the_nearest_and_what_to_do(before: Project) -> None:
    from pipelines.commands.doctor import findings

    project = rename(before, "customProperties:\n")
    (told,) = [f for f in findings(project) if f[0] == "names"]
    assert not told[1]
    assert told[2].startswith("pet: 7 rows stand in the lake, and no contract has this name.")
    assert "`formerly: [old_name]`" in told[3]


def test_rows_under_both_names_are_not_mixed(before: Project) -> None:
    project = rename(before)
    with open_lake(project) as con:
        con.execute("CREATE TABLE raw.dog AS FROM raw.pet")
        with pytest.raises(RenameError, match="holds 7 rows of its own"):
            carry_on(con, project)
        assert con.execute("SELECT count(*) FROM std_batches.pet").fetchone() == (7,)
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
