"""A model over base tables is brought up to date by the keys that changed rows bear on, never in full, and ends as if it were."""

from __future__ import annotations

from datetime import datetime

import pytest

JAN, FEB, MAR = datetime(2026, 1, 5), datetime(2026, 2, 5), datetime(2026, 3, 5)
ANN, BEN = "219901189901010011", "219901189901010022"
TOWNS = """      - {name: town, businessName: 镇, logicalType: string, primaryKey: true}
      - {name: people, businessName: 人数, logicalType: integer}"""
SQL = 'SELECT p.town AS "town", count(*) AS "people" FROM base.people AS p WHERE p.town IS NOT NULL GROUP BY p.town\n'
BY_KEYS = "  - {property: increment, value: 'SELECT town FROM new.people'}"
OTHERS = [(f"2199011899020{n:05}", "他", f"镇{n % 10}", JAN) for n in range(40)]


@pytest.fixture
def towns(world, add_models):
    add_models(("counted", TOWNS, SQL, BY_KEYS))
    world.deliver("register", "q1", OTHERS, unit="b")
    world.deliver("register", "r1", [(ANN, "安", "东", JAN), (BEN, "本", "西", JAN)], unit="a")
    world.build()
    return world


def same(world):
    """What by keys was made is what in full would be."""
    assert world.rows("FROM thematic.counted ORDER BY ALL") == world.rows("FROM thematic.towns ORDER BY ALL")


def test_only_the_towns_of_changed_people_are_written(towns):
    towns.deliver("register", "r2", [(ANN, "安", "镇3", FEB), (BEN, "本", "西", FEB)], unit="a", period="202602")
    built = towns.build()
    assert (built["people"].full, built["counted"].full) == (False, False)
    assert built["counted"].changed == 2  # 镇3 gained one, 西 was looked at again, 东 went
    same(towns)


def test_what_was_written_while_it_was_not_built_is_not_forgotten(towns):
    towns.deliver("register", "r2", [(ANN, "安", "南", FEB), (BEN, "本", "西", FEB)], unit="a", period="202602")
    towns.build("people")
    towns.deliver("register", "r3", [(ANN, "安", "南", MAR), (BEN, "本", "北", MAR)], unit="a", period="202603")
    towns.build("people")
    built = towns.build("counted", "towns")
    assert not built["counted"].full
    same(towns)
    before = towns.snapshot
    assert towns.build()["counted"].changed == 0
    assert towns.snapshot == before


def test_a_table_made_anew_or_whose_past_is_gone_is_read_in_full(towns):
    path = towns.project.contracts["people"].sql_path
    path.write_text(path.read_text(encoding="utf-8").replace('r.town AS "town"', "r.town || '。' AS \"town\""), encoding="utf-8")
    assert towns.build()["counted"].full
    same(towns)
    towns.deliver("register", "r2", [(ANN, "安", "南", FEB), (BEN, "本", "西", FEB)], unit="a", period="202602")
    towns.build("people")
    towns.con.execute("CALL ducklake_expire_snapshots('lake', older_than => now() + INTERVAL 1 DAY)")
    assert towns.build()["counted"].full
    same(towns)


def test_a_delete_goes_all_the_way_and_a_later_insert_comes_back(flagged):
    flagged.deliver(
        "list", "b1", [("1", "安", "东", "I", JAN), ("2", "本", "东", "I", JAN), *((str(n), "他", "镇", "I", JAN) for n in range(9, 30))]
    )
    flagged.build()
    assert flagged.rows("SELECT people FROM thematic.counted WHERE town = '东'") == [(2,)]
    flagged.deliver("list", "b2", [("1", None, None, "D", FEB)], received=1)
    assert not flagged.build()["people"].full
    assert flagged.rows("SELECT id FROM std.list WHERE town = '东'") == [("2",)]
    assert flagged.rows("SELECT people FROM thematic.counted WHERE town = '东'") == [(1,)]
    flagged.deliver("list", "b3", [("1", "安", "西", "I", MAR)], received=2)
    flagged.build()
    assert flagged.rows("SELECT id, town FROM base.people WHERE id IN ('1', '2') ORDER BY id") == [("1", "西"), ("2", "东")]
    flagged.deliver("list", "b0", [("2", None, None, "D", datetime(2026, 1, 1))], received=3)  # a delete that is older than the row
    flagged.build()
    assert flagged.rows("SELECT count(*) FROM base.people WHERE id = '2'") == [(1,)]
