"""One record of several departments': who wins, what is remembered, what an increment may not change."""

from __future__ import annotations

from datetime import datetime

import duckdb
import pytest

from assets.models import building, history

JAN, FEB, MAR = datetime(2026, 1, 5), datetime(2026, 2, 5), datetime(2026, 3, 5)
ANN, BEN, COY = "219901189901010011", "219901189901010022", "219901189901010033"


def test_the_first_source_with_a_value_wins_attribute_by_attribute(world):
    world.deliver("register", "r1", [(ANN, "安", "东", JAN), (BEN, None, "西", JAN)])
    world.deliver("insurance", "i1", [("1", ANN, "安安", "厂", FEB), ("2", BEN, "本", None, FEB), ("3", COY, "柯", "店", FEB)])
    world.build("people")
    assert world.rows("SELECT id, name, town, employer, _winner.name, _differs FROM base.people ORDER BY id") == [
        (ANN, "安", "东", "厂", "register", ["name"]),
        (BEN, "本", "西", None, "insurance", None),
        (COY, "柯", None, "店", "insurance", None),
    ]
    assert world.rows('SELECT id, _from.register.batch, _from.register."row", _from.insurance.batch FROM base.people ORDER BY id') == [
        (ANN, "r1", 2, "i1"),
        (BEN, "r1", 3, "i1"),
        (COY, None, None, "i1"),
    ]
    assert world.rows("SELECT _from.register IS NULL FROM base.people WHERE id = ?".replace("?", f"'{COY}'")) == [(True,)]


@pytest.mark.parametrize("extra", [0, 30])
def test_of_doubled_keys_the_newest_event_counts(world, extra):
    """With many single keys beside it (one way of finding the newest) and without (the other)."""
    others = [(f"2199011899010{n:05}", "他", "北", JAN) for n in range(extra)]
    world.deliver("register", "r1", [(ANN, "旧", "东", JAN), (ANN, "新", None, MAR), (ANN, "中", "西", FEB), *others])
    built = world.build("people")["people"]
    assert built.rows == 1 + extra
    assert world.rows(f"SELECT name, town, _from.register.\"row\" FROM base.people WHERE id = '{ANN}'") == [("新", None, 3)]


def test_fused_part_by_part_it_is_the_same_table_in_the_order_of_its_key(fresh_world, monkeypatch):
    told = []
    for rows in (1000, 7):
        monkeypatch.setattr(building, "at_once", lambda con, each, rows=rows: rows)
        with fresh_world(f"parts{rows}") as world:
            people = [f"2199011899010{n * 37 % 100:05}" for n in range(60)]
            world.deliver("register", "r1", [(p, "甲", "东", JAN) for p in people] + [(p, "乙", None, FEB) for p in people[::9]])
            world.deliver("insurance", "i1", [(str(n), p, "丙", "厂", FEB) for n, p in enumerate([None, *people[::2], BEN])])
            parts = []
            made = building.cut
            monkeypatch.setattr(building, "cut", lambda *given, made=made, parts=parts: (parts.append(p) or p for p in made(*given)))
            built = world.build("people")["people"]
            monkeypatch.setattr(building, "cut", made)
            found = world.rows('SELECT * EXCLUDE (_from), _from.register."row", _from.insurance."row" FROM base.people')
            assert [row[0] for row in found] == sorted(row[0] for row in found)
            assert (built.rows, built.changed) == (61, 61)
            told.append((len(parts), found))
    assert (told[0][0], told[1][0]) == (1, 15)
    assert told[0][1] == told[1][1]


@pytest.mark.parametrize("where", [building, history])
def test_parts_that_do_not_fit_into_the_memory_are_made_anew_half_as_large(mixed, monkeypatch, caplog, where):
    """Also where the database has given the transaction up."""
    told, asked, made = [], [], where.cut

    def full(con, contract, keyed, parts):
        asked.append(parts)
        if parts < 4:
            with pytest.raises(duckdb.Error):
                con.execute("SELECT error('no more memory')")
            raise duckdb.OutOfMemoryException("failed to pin block")
        return made(con, contract, keyed, parts)

    for cut in (made, full):
        monkeypatch.setattr(where, "cut", cut)
        with mixed(cut.__name__) as world:
            world.deliver("register", "r1", [(ANN, "甲", "东", JAN), (BEN, "乙", None, FEB)])
            world.deliver("insurance", "i1", [("1", ANN, "丙", "厂", FEB)])
            built = world.build("people")["people"]
            kept = world.rows("SELECT * EXCLUDE (_known_from) FROM history.people ORDER BY ALL")
            assert kept
            told.append((built.rows, built.changed, world.rows("FROM base.people ORDER BY id"), kept))
    assert asked == [1, 2, 4]
    assert told[0] == told[1]
    assert caplog.text.count("base.people does not fit") == 2


def test_what_is_built_by_keys_has_no_parts_and_is_tried_once(world, monkeypatch):
    world.deliver("register", "r1", [(f"2199011899010{n:05}", "甲", "东", JAN) for n in range(20)], unit="a")
    world.build()
    world.deliver("register", "r2", [(ANN, "安", "东", FEB)], unit="b")
    tried = []

    def full(con, build):
        tried.append(build.model.contract.name)
        raise duckdb.OutOfMemoryException("failed to pin block")

    monkeypatch.setattr(building, "_by_keys", full)
    with pytest.raises(duckdb.OutOfMemoryException):
        world.build()
    assert tried == ["people"]


def test_rows_without_a_key_are_left_out(world):
    world.deliver("insurance", "i1", [("1", None, "无", "厂", JAN), ("2", ANN, "安", "厂", JAN)])
    assert world.build("people")["people"].rows == 1


def test_a_newer_full_delivery_takes_back_what_only_the_older_one_said(world):
    world.deliver("register", "r1", [(ANN, "安", "东", JAN), (BEN, "本", "西", JAN)], unit="a")
    world.deliver("register", "q1", [(f"2199011899020{n:05}", "他", "北", JAN) for n in range(9)], unit="b")
    world.build()
    world.deliver("register", "r2", [(ANN, "安", "南", FEB)], unit="a", period="202602")
    built = world.build()
    assert not built["people"].full
    assert world.rows("SELECT town, people FROM thematic.towns ORDER BY 1") == [("北", 9), ("南", 1)]
    assert world.rows("SELECT batch FROM evidence.lineage WHERE dataset = 'base.people' ORDER BY 1") == [("q1",), ("r2",)]
    assert world.rows("SELECT batch FROM evidence.lineage WHERE dataset = 'thematic.towns' ORDER BY 1") == [("q1",), ("r2",)]


def test_a_corrected_id_in_a_delta_takes_the_wrong_one_away(world):
    world.deliver(
        "insurance", "i1", [("1", ANN, "安", "厂", JAN), *((str(n), f"2199011899020{n:05}", "他", "店", JAN) for n in range(10, 20))]
    )
    world.build()
    world.deliver("insurance", "i2", [("1", BEN, "安", "厂", FEB)], received=1)
    built = world.build("people")["people"]
    assert (built.full, built.changed) == (False, 1)
    assert world.rows("SELECT id FROM base.people WHERE name = '安'") == [(BEN,)]


def test_nothing_new_makes_no_snapshot(world):
    world.deliver("register", "r1", [(ANN, "安", "东", JAN)])
    assert world.build()["people"].changed == 1
    before = world.snapshot
    built = world.build()
    assert [b.changed for b in built.values()] == [0, 0]
    assert world.snapshot == before


def test_an_older_period_that_comes_late_changes_nothing(world):
    world.deliver("register", "r2", [(ANN, "安", "东", FEB)], period="202602")
    world.build()
    world.deliver("register", "r1", [(ANN, "旧", "西", JAN)], period="202601", received=5)
    before = world.snapshot
    world.build()
    assert world.snapshot == before
    assert world.rows("SELECT name FROM base.people") == [("安",)]


def test_changed_sql_makes_the_table_anew(world):
    world.deliver("register", "r1", [(ANN, "安", "东", JAN)])
    world.build("people")
    path = world.project.contracts["people"].sql_path
    path.write_text(path.read_text(encoding="utf-8").replace('r.town AS "town"', "'镇' || r.town AS \"town\""), encoding="utf-8")
    assert world.build("people")["people"].full
    assert world.rows("SELECT town FROM base.people") == [("镇东",)]


def test_a_failed_build_leaves_everything_as_it_was(world):
    world.deliver("register", "r1", [(ANN, "安", "东", JAN)])
    world.build()
    before = world.rows("FROM base.people"), world.rows("FROM evidence.lineage ORDER BY ALL")
    world.deliver("insurance", "i1", [("1", ANN, "安", "厂", FEB)])
    path = world.project.contracts["people"].sql_path
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace('r.town AS "town"', "CAST(error('stop') AS VARCHAR) AS \"town\""), encoding="utf-8")
    with pytest.raises(Exception, match="stop"):
        world.build("people")
    assert (world.rows("FROM base.people"), world.rows("FROM evidence.lineage ORDER BY ALL")) == before
    path.write_text(good, encoding="utf-8")
    assert world.build("people")["people"].batches == ("i1",)


def test_unchanged_rows_of_a_thematic_table_stay(world):
    world.deliver("register", "r1", [(ANN, "安", "东", JAN), (BEN, "本", "西", JAN)])
    world.build()
    world.deliver("insurance", "i1", [("1", COY, "柯", "厂", FEB)])
    world.deliver("register", "r2", [(ANN, "安", "东", JAN), (BEN, "本", "南", JAN)], period="202602")
    assert world.build()["towns"].changed == 1


@pytest.mark.parametrize("between", [True, False])
def test_who_is_only_in_quarantine_now_stays_as_last_known(world, between):
    others = [(f"2199011899020{n:05}", "他", "北", JAN) for n in range(12)]
    world.deliver("register", "q1", others, unit="b")
    for month, rows, broken in (("1", [(ANN, "安", "东", JAN), (BEN, "本", "西", JAN)], ()), ("2", [(COY, "柯", "南", FEB)], (ANN + " ",))):
        world.deliver("register", f"r{month}", rows, unit="a", period=f"20260{month}", broken=broken)
        if between:
            world.build()
    world.build()
    people = "SELECT id, name, _from.register.batch FROM base.people WHERE town <> '北' ORDER BY id"
    assert world.rows(people) == [(ANN, "安", "r1"), (COY, "柯", "r2")]
    assert world.rows("SELECT batch FROM evidence.lineage WHERE dataset = 'base.people' ORDER BY 1") == [("q1",), ("r1",), ("r2",)]
    before = world.snapshot
    world.build()
    assert world.snapshot == before
    # Mended in the next hand-over, or gone from it: then the older word no longer stands.
    world.deliver("register", "r3", [(COY, "柯", "南", MAR)], unit="a", period="202603")
    assert world.build("people")["people"].full is False
    assert world.rows(people) == [(COY, "柯", "r3")]


def test_what_each_source_says_where_they_disagree_is_a_view(world):
    world.deliver("register", "r1", [(ANN, "安", "东", JAN), (BEN, "本", "西", JAN)])
    world.deliver("insurance", "i1", [("1", ANN, "安安", "厂", FEB), ("2", BEN, "本", None, FEB)])
    world.build("people")
    assert world.rows("FROM base.people__values ORDER BY source") == [
        (ANN, "name", "insurance", "部门", "安安", False, FEB, "i1", 2),
        (ANN, "name", "register", "部门", "安", True, JAN, "r1", 2),
    ]


def test_the_later_event_counts_whatever_came_later(world):
    """Delivered in the reverse order of what happened: load time decides nothing."""
    world.deliver("insurance", "i2", [("2", ANN, "新", "新厂", MAR)], received=1)
    world.build("people")
    world.deliver("insurance", "i1", [("1", ANN, "旧", "旧厂", JAN)], received=9)
    world.build("people")
    assert world.rows("SELECT name, employer FROM base.people") == [("新", "新厂")]


def test_a_value_from_quarantine_never_wins(world):
    world.deliver("register", "r1", [(BEN, "本", "西", JAN)], broken=[ANN])
    world.deliver("insurance", "i1", [("1", ANN, "安", "厂", JAN)])
    world.build("people")
    assert world.rows(f"SELECT name, _from.register IS NULL FROM base.people WHERE id = '{ANN}'") == [("安", True)]


def test_the_age_of_what_is_carried_on_is_told(world):
    world.deliver("register", "r1", [(ANN, "安", "东", JAN)], period="202601")
    world.deliver("register", "r2", [(BEN, "本", "西", FEB)], period="202602", broken=[ANN])
    world.deliver("register", "r4", [(BEN, "本", "西", FEB)], period="202604", broken=[ANN])
    built = world.build("people")["people"]
    assert (built.carried, built.days) == (1, 90)
    ann = {"source": "register", "handovers": 2, "days": 90}
    assert world.rows("SELECT id, _carried FROM base.people ORDER BY id") == [(ANN, [ann]), (BEN, None)]
    for month in ("05", "06"):
        world.deliver("register", f"r{month}", [(BEN, "本", "西", FEB)], period=f"2026{month}", broken=[ANN])
        world.build("people")
    assert world.rows("SELECT id FROM base.people") == [(BEN,)]  # three hand-overs are the limit


def test_what_sources_say_is_masked_like_the_columns_they_speak_of(world):
    from pipelines.querying import query

    world.deliver("register", "r1", [(ANN, "王安安", "东", JAN)])
    world.deliver("insurance", "i1", [("1", ANN, "李安安", "厂", FEB)])
    world.build("people")
    _, rows = query(world.project, 'SELECT id, attribute, source, "value", batch FROM base.people__values ORDER BY source')
    assert [(row[1], row[2], row[4]) for row in rows] == [("name", "insurance", "i1"), ("name", "register", "r1")]
    assert not {ANN, "王安安", "李安安"} & {cell for row in rows for cell in row}
    assert query(world.project, "SELECT _said FROM base.people")[1] == [("***",)]
