"""Where a record came from: followed back to batch, line and text, masked."""

from __future__ import annotations

import io
import json
from datetime import datetime

import pytest
from rich.console import Console

from pipelines.lineage.asking import LineageError
from pipelines.lineage.origin import origin

JAN, FEB = datetime(2026, 1, 5), datetime(2026, 2, 5)
ANN, BEN = "219901189901010011", "219901189901010022"


@pytest.fixture
def told(world):
    """The origin of a record in a world with two hand-overs that disagree on a name."""
    world.deliver("register", "r1", [(BEN, None, "西", JAN), (ANN, "安", "东", JAN)], unit="a")
    world.deliver("insurance", "i1", [("1", ANN, "安安", "厂", FEB), ("2", BEN, "本", None, FEB)])
    world.build()
    world.con.execute("INSERT INTO evidence.issues VALUES ('r1', 'register', 3, 'town_known')")
    world.con.execute(f"UPDATE raw.register SET town = '　东 ' WHERE id = '{ANN}'")
    world.con.close()
    return lambda table, *key, **options: origin(world.project, table, key, **options)


def test_each_attribute_names_its_line_and_the_text_that_came(told):
    found = told("base.people", ANN, unmasked=True)
    by_name = {a.name: a for a in found.attributes}
    assert [(n, a.value, a.said.row.batch, a.said.row.row) for n, a in by_name.items()] == [
        ("id", ANN, "r1", 3),
        ("name", "安", "r1", 3),
        ("town", "东", "r1", 3),
        ("employer", "厂", "i1", 2),
    ]
    assert (by_name["town"].said.text, by_name["town"].said.repair) == ("　东 ", "trimmed")
    assert [(o.row.batch, o.column, o.text) for o in by_name["name"].others] == [("i1", "name", "安安")]
    row = by_name["name"].said.row
    assert (row.department, row.dataset, row.unit, row.period, row.file) == ("部门", "register", "a", "202601", "r1.csv")
    assert [f.rule for f in row.failed] == ["town_known"]


def test_the_second_source_speaks_where_the_first_is_silent(told):
    by_name = {a.name: a for a in told("people", BEN, unmasked=True).attributes}
    assert (by_name["name"].value, by_name["name"].said.row.batch) == ("本", "i1")
    assert by_name["employer"].said is None


def test_nothing_personal_is_shown_unless_asked_for(told):
    found = told("base.people", ANN)
    screen = io.StringIO()
    found.render(Console(file=screen, width=200))
    for shown in (screen.getvalue(), json.dumps(found.as_json(), ensure_ascii=False)):
        assert ANN not in shown
        assert "安安" not in shown
        assert "2199" in shown
        assert "r1.csv" in shown
    assert "town_known" in screen.getvalue()
    assert "去空白" in screen.getvalue()


def test_a_standard_row_names_its_own_line(told):
    found = told("std.register", ANN)
    assert {(a.said.row.batch, a.said.row.row) for a in found.attributes} == {("r1", 3)}


def test_what_cannot_be_told_row_by_row_says_so(told):
    found = told("thematic.towns", "东")
    assert "increment" in found.note
    assert {a.name: a.made_from for a in found.attributes} == {"town": ("base.people.town",), "people": ()}


@pytest.mark.parametrize(
    ("table", "key", "message"),
    [
        ("base.peple", (ANN,), "Did you mean 'people'?"),
        ("std.people", (ANN,), "Did you mean 'base.people'?"),
        ("base.people", (ANN, "1"), "needs 1: id"),
        ("base.people", ("219901189901019999",), "no record of base.people has id = 2199************99"),
        ("std.register", ("219901189901019999",), "Check the key"),
    ],
)
def test_what_is_not_there_is_said(told, table, key, message):
    with pytest.raises(LineageError) as caught:
        told(table, *key)
    assert message in str(caught.value)


def test_a_quarantined_record_is_found_there(world):
    world.deliver("register", "r1", [(ANN, "安", "东", JAN)])
    world.con.execute("INSERT INTO quarantine.register (id, _batch, _row, _failed) VALUES ('219901', 'r1', 9, ['id_valid'])")
    with pytest.raises(LineageError, match="in quarantine: batch r1, row 9, rules id_valid"):
        origin(world.project, "std.register", ("219901",))


CARDS = "\n".join(
    f"      - {{name: {name}, businessName: {title}, logicalType: string{extra}}}"
    for name, title, extra in (
        ("person_no", "编", ", primaryKey: true"),
        ("id", "号", ", classification: '3'"),
        ("name", "名", ", classification: '3'"),
        ("employer", "单位", ""),
    )
)
CARDS_SQL = """SELECT i.person_no AS "person_no", i.id AS "id", p.name AS "name", i.employer AS "employer"
FROM std.insurance AS i JOIN base.people AS p ON p.id = i.id
"""
DAYS = "\n".join(
    [
        "      - {name: day, businessName: 日, logicalType: date, primaryKey: true}",
        "      - {name: rows, businessName: 行数, logicalType: integer}",
    ]
)
DAYS_SQL = 'SELECT CAST(r.seen AS DATE) AS "day", count(*) AS "rows" FROM std.register AS r GROUP BY CAST(r.seen AS DATE)\n'


def test_a_joined_record_is_followed_through_the_records_it_joins(world, add_models):
    project = add_models(("cards", CARDS, CARDS_SQL, "  - {property: materialisation, value: view}"))
    world.deliver("register", "r1", [(ANN, "安", "东", JAN)])
    world.deliver("insurance", "i1", [("1", ANN, "安安", "厂", FEB)])
    world.build()
    by_name = {a.name: a for a in origin(project, "thematic.cards", ("1",), unmasked=True).attributes}
    assert {n: (a.value, a.said.row.batch) for n, a in by_name.items()} == {
        "person_no": ("1", "i1"),
        "id": (ANN, "i1"),
        "name": ("安", "r1"),
        "employer": ("厂", "i1"),
    }
    assert [o.text for o in by_name["name"].others] == ["安安"]


def test_a_calculated_record_names_the_batches_and_rows_it_was_made_from(world, add_models):
    project = add_models(("days", DAYS, DAYS_SQL, "  - {property: increment, value: SELECT CAST(seen AS DATE) FROM new.register}"))
    world.deliver("register", "r1", [(ANN, "安", "东", JAN), (BEN, "本", "西", FEB), (BEN, "本", "西", JAN)], unit="a")
    world.deliver("register", "r2", [(ANN, "安", "东", JAN)], unit="b")
    world.build()
    found = origin(project, "thematic.days", ("2026-01-05",))
    assert [(i.batch, i.file, i.rows, i.first_row, i.last_row) for i in found.inputs] == [
        ("r1", "r1.csv", 2, 2, 4),
        ("r2", "r2.csv", 1, 2, 2),
    ]
    assert found.note is None


def test_a_table_that_is_built_in_full_stands_in_the_order_of_its_key(world):
    """So a record is found in one part of its file."""
    world.deliver("register", "r1", [(f"2199{i * 7919 % 1000:014d}", "安", "东", JAN) for i in range(1000)], unit="a")
    world.build()
    ids = [i for (i,) in world.con.execute("SELECT id FROM base.people ORDER BY rowid").fetchall()]
    assert len(ids) == 1000
    assert ids == sorted(ids)
