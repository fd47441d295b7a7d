"""What the base said about a date, and what it knew then: intervals of business time and of knowledge."""

from __future__ import annotations

from datetime import datetime

import pytest

from assets.models import build
from assets.project import Project
from assets.renames import carry_on
from expectations.documents import DocumentError

JAN, FEB, MAR = datetime(2026, 1, 5), datetime(2026, 2, 5), datetime(2026, 3, 5)
ANN, BEN = "219901189901010011", "219901189901010022"
NOW = "SELECT name, town, employer, _valid_from, _valid_to FROM history.people WHERE _known_to IS NULL AND id = '{}' ORDER BY _valid_from"


@pytest.fixture
def told(world):
    """The tiny world, whose people have a history."""
    path = world.project.contracts["people"].path
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace(
            "customProperties:\n  - {property: increment",
            "customProperties:\n  - {property: history, value: true}\n  - {property: increment",
        ),
        encoding="utf-8",
    )
    world.project = Project(world.project.root, world.project.data)
    return world


def test_each_change_of_a_record_is_an_interval_of_business_time(told):
    told.deliver("register", "r1", [(ANN, "安", "东", JAN)], period="202601")
    told.build("people")
    told.deliver("insurance", "i1", [("1", ANN, "安", "厂", FEB)])
    told.deliver("register", "r3", [(ANN, "安", "西", MAR)], period="202603")
    told.build("people")
    assert told.rows(NOW.format(ANN)) == [
        ("安", "东", None, JAN, FEB),
        ("安", "东", "厂", FEB, MAR),
        ("安", "西", "厂", MAR, None),
    ]
    assert told.rows("SELECT town, employer FROM history.people_as_of(TIMESTAMP '2026-02-20', now()::TIMESTAMP)") == [("东", "厂")]


def test_unchanged_records_of_a_new_month_are_not_written_again(told):
    people = [(ANN, "安", "东", JAN), (BEN, "本", "西", JAN)]
    told.deliver("register", "r1", people, period="202601")
    told.build("people")
    before = told.rows("FROM history.people ORDER BY ALL")
    told.deliver("register", "r2", [people[0], (BEN, "本", "北", FEB)], period="202602")
    told.build("people")
    after = told.rows("FROM history.people ORDER BY ALL")
    assert [row for row in before if row[0] == ANN] == [row for row in after if row[0] == ANN]
    assert told.rows(NOW.format(BEN)) == [("本", "西", None, JAN, FEB), ("本", "北", None, FEB, None)]
    known = told.rows(f"SELECT town, _valid_to, _known_to IS NULL FROM history.people WHERE id = '{BEN}' ORDER BY _known_from, _valid_from")
    assert known == [("西", None, False), ("西", FEB, True), ("北", None, True)]


def test_a_late_correction_of_an_old_period_changes_what_was_valid_then_and_what_was_known_stays(told):
    told.deliver("register", "r1", [(ANN, "按", "东", JAN)], period="202601")
    told.deliver("register", "r2", [(ANN, "安", "西", FEB)], period="202602", received=1)
    told.build("people")
    first = told.rows("SELECT max(_known_from) FROM history.people")[0][0]
    base = told.rows("FROM base.people")
    told.deliver("register", "r1b", [(ANN, "安", "东", JAN)], period="202601", received=2)
    told.build("people")
    assert told.rows("FROM base.people") == base
    assert told.rows(NOW.format(ANN)) == [("安", "东", None, JAN, FEB), ("安", "西", None, FEB, None)]
    then = "SELECT name FROM history.people_as_of(TIMESTAMP '2026-01-20', {})"
    assert told.rows(then.format("now()::TIMESTAMP")) == [("安",)]
    assert told.rows(then.format(f"TIMESTAMP '{first}'")) == [("按",)]
    before = told.snapshot
    told.build("people")
    assert told.snapshot == before


def test_who_is_gone_from_a_full_hand_over_is_gone_from_its_first_day_unless_it_was_an_oversight(told):
    told.deliver("register", "r1", [(ANN, "安", "东", JAN), (BEN, "本", "西", JAN)], period="202601")
    told.deliver("register", "r2", [(BEN, "本", "西", JAN)], period="202602")
    told.build("people")
    assert told.rows(NOW.format(ANN)) == [("安", "东", None, JAN, datetime(2026, 2, 1))]
    told.deliver("register", "r3", [(ANN, "安", "东", JAN), (BEN, "本", "西", JAN)], period="202603")
    told.build("people")
    assert told.rows(NOW.format(ANN)) == [("安", "东", None, JAN, None)]  # the register says: since January


def test_who_is_in_quarantine_goes_on_for_three_hand_overs(told):
    told.deliver("register", "r1", [(ANN, "安", "东", JAN)], period="202601")
    for month in range(2, 6):
        told.deliver("register", f"r{month}", [(BEN, "本", "西", JAN)], period=f"20260{month}", broken=[ANN])
        told.build("people")
        until = None if month < 5 else datetime(2026, 5, 1)
        assert told.rows(NOW.format(ANN)) == [("安", "东", None, JAN, until)]
        assert told.rows(f"SELECT count(*) FROM base.people WHERE id = '{ANN}'") == [(1 if month < 5 else 0,)]


def test_another_definition_closes_what_it_does_not_say(told):
    told.deliver("register", "r1", [(ANN, "安", "东", JAN)])
    told.build("people")
    path = told.project.contracts["people"].sql_path
    path.write_text(path.read_text(encoding="utf-8").replace('r.town AS "town"', "'镇' || r.town AS \"town\""), encoding="utf-8")
    told.build("people")
    assert told.rows("SELECT town, _known_to IS NULL FROM history.people ORDER BY _known_from") == [("东", False), ("镇东", True)]


def test_a_select_that_is_not_row_by_row_has_no_history(told):
    path = told.project.contracts["people"].sql_path
    path.write_text(path.read_text(encoding="utf-8").replace("SELECT r.id", "SELECT DISTINCT r.id"), encoding="utf-8")
    with pytest.raises(DocumentError, match="row by row"):
        build(told.con, told.project, told.project.contracts["people"], "run")


def test_another_name_keeps_the_history_and_what_stands_beside(told):
    """Nothing is written again: intervals, the macro, the view of what sources say; the next hand-over goes on by keys."""
    told.deliver("register", "r1", [(ANN, "安", "东", JAN)], period="202601")
    told.deliver("insurance", "i1", [("1", ANN, "安娜", "厂", FEB)])
    told.build("people")
    was = told.rows("FROM history.people ORDER BY ALL")
    said = told.rows("SELECT attribute, source FROM base.people__values ORDER BY ALL")
    path = told.project.contracts["people"].path
    text = path.read_text(encoding="utf-8").replace("id: people", "id: persons").replace("name: people", "name: persons")
    text = text.replace(
        "customProperties:\n  - {property: h", "customProperties:\n  - {property: formerly, value: [people]}\n  - {property: h"
    )
    path.with_name("persons.odcs.yaml").write_text(text, encoding="utf-8")
    path.with_name("people.sql").rename(path.with_name("persons.sql"))
    path.unlink()
    told.project = Project(told.project.root, told.project.data)
    assert carry_on(told.con, told.project) == ["people → persons"]
    before = told.snapshot
    told.build("persons")
    assert told.snapshot == before
    assert told.rows("FROM history.persons ORDER BY ALL") == was
    assert said
    assert told.rows("SELECT attribute, source FROM base.persons__values ORDER BY ALL") == said
    told.deliver("register", "r3", [(ANN, "安", "西", MAR)], period="202603")
    told.build("persons")
    assert told.rows("SELECT town FROM history.persons_as_of(TIMESTAMP '2026-04-01', now()::TIMESTAMP)") == [("西",)]
    assert told.rows("SELECT count(*) FILTER (_known_to IS NULL) > 2 FROM history.persons") == [(True,)]
    names = "SELECT DISTINCT table_name FROM duckdb_columns() WHERE database_name = 'lake' AND starts_with(table_name, 'people')"
    assert told.rows(names) == told.rows("SELECT DISTINCT dataset FROM evidence.builds WHERE dataset LIKE '%people'") == []
