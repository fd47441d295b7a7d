"""Each way in which hand-overs come, and what std, base, thematic and history hold afterwards (docs/handovers.md)."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.models import building, history

JAN, FEB, MAR, APR = (datetime(2026, month, 5) for month in (1, 2, 3, 4))
ANN, BEN, COY = "219901189901010011", "219901189901010022", "219901189901010033"
OTHERS = [(f"2199011899020{n:05}", "他", f"镇{n % 3}", JAN) for n in range(30)]
PEOPLE = "SELECT id, name, town, employer FROM base.people WHERE id < '2199011899020' ORDER BY id"
TOWNS = "SELECT town, people FROM thematic.counted WHERE town NOT LIKE '镇%' ORDER BY town"
HISTORY = (
    "SELECT name, town, employer, _valid_from, _valid_to FROM history.people WHERE _known_to IS NULL AND id = '{}' ORDER BY _valid_from"
)


def test_the_way_of_a_year_of_hand_overs(mixed):
    with mixed("world") as world:
        first = datetime(2026, 2, 1)
        world.deliver("register", "q1", OTHERS, unit="b")
        world.deliver("register", "r1", [(ANN, "安", "东", JAN), (BEN, "本", "西", JAN)], unit="a", period="202601", received=1)
        world.build()
        assert world.rows(TOWNS) == [("东", 1), ("西", 1)]

        # delta by change time: adds to what stands
        world.deliver("insurance", "i2", [("1", ANN, "按", "厂", FEB)], period="202602", received=2)
        world.build()
        assert world.rows(PEOPLE) == [(ANN, "安", "东", "厂"), (BEN, "本", "西", None)]

        # a full one that silently lost a city, let in by whoever knows better: gone, and back as if never gone
        world.deliver("register", "r2", [(ANN, "安", "东", JAN)], unit="a", period="202602", received=3)
        world.build()
        assert [row[0] for row in world.rows(PEOPLE)] == [ANN]
        assert world.rows(TOWNS) == [("东", 1)]
        assert world.rows(HISTORY.format(BEN)) == [("本", "西", None, JAN, first)]
        world.deliver("register", "r3", [(ANN, "安", "东", JAN), (BEN, "本", "西", JAN)], unit="a", period="202603", received=4)
        world.build()
        assert world.rows(HISTORY.format(BEN)) == [("本", "西", None, JAN, None)]

        # one period twice with different content: the later receipt counts; both stay in raw
        world.deliver("register", "r3b", [(ANN, "安", "南", MAR), (BEN, "本", "西", JAN)], unit="a", period="202603", received=5)
        world.build()
        assert world.rows(TOWNS) == [("南", 1), ("西", 1)]
        assert world.rows("SELECT count(*) FROM raw.register WHERE _batch IN ('r3', 'r3b')") == [(4,)]
        assert world.rows("SELECT DISTINCT _batch FROM std.register WHERE id < '2199011899020'") == [("r3b",)]

        # out of order: an older period that comes late is in raw and history, and changes nothing that stands
        base = world.rows("FROM base.people ORDER BY id")
        world.deliver("register", "r0", [(ANN, "旧", "北", datetime(2025, 12, 5))], unit="a", period="202512", received=6)
        world.build()
        assert world.rows("FROM base.people ORDER BY id") == base
        assert world.rows(HISTORY.format(ANN))[0] == ("旧", "北", None, datetime(2025, 12, 5), JAN)

        # a full one sent as a delta, let in: what it repeats changes nothing, what it lacks stays
        world.deliver("insurance", "i3", [("1", ANN, "按", "厂", FEB), ("2", COY, "柯", "店", JAN)], period="202603", received=7)
        world.build()
        assert world.rows(PEOPLE) == [(ANN, "安", "南", "厂"), (BEN, "本", "西", None), (COY, "柯", None, "店")]

        # deletes that never came: the key stays, with the event that tells its age
        assert world.rows(f"SELECT _from.insurance.event FROM base.people WHERE id = '{COY}'") == [("2026-01-05 00:00:00",)]

        # delta by flag: a delete, and an insert that brings it back
        for number, (flag, day) in enumerate((("I", JAN), ("D", FEB), ("I", APR))):
            row = (COY, None, None, flag, day) if flag == "D" else (COY, "柯", "港", flag, day)
            world.deliver("list", f"l{number}", [row], period=f"20260{day.month}", received=8 + number)
            world.build()
            assert world.rows("SELECT count(*) FROM std.list") == [(0 if flag == "D" else 1,)]
            assert world.rows(f"SELECT town FROM base.people WHERE id = '{COY}'") == [(None if flag == "D" else "港",)]
        assert [(row[1], row[3], row[4]) for row in world.rows(HISTORY.format(COY))] == [
            ("港", JAN, FEB),
            (None, FEB, APR),
            ("港", APR, None),
        ]
        assert world.rows("SELECT count(*) FROM raw.list") == [(3,)]


IDS = [f"21990118990101001{n}" for n in range(3)] + [None]
id_, day = st.sampled_from(IDS), st.sampled_from([JAN, FEB, MAR, None])
name, town = st.sampled_from(["安", "本本", None]), st.sampled_from(["东", "西", None])
months = st.sampled_from(["202601", "202602", "202604"])
full = st.tuples(
    st.just("register"),
    st.sampled_from("ab"),
    months,
    st.lists(st.tuples(id_, name, town, day), max_size=3),
    st.lists(st.sampled_from(IDS[:2]), max_size=1),
)
delta = st.tuples(
    st.just("insurance"),
    st.just(""),
    months,
    st.lists(st.tuples(st.sampled_from("12"), id_, name, st.just("厂"), day), max_size=3),
    st.just([]),
)
flags = st.tuples(
    st.just("list"),
    st.just(""),
    months,
    st.lists(st.tuples(st.sampled_from(IDS[:3]), name, town, st.sampled_from("IUD"), day), max_size=3),
    st.just([]),
)
TABLES = {
    "base.people": "SELECT * FROM base.people ORDER BY id",
    "thematic.counted": "SELECT * FROM thematic.counted ORDER BY town",
    "history.people": "SELECT * EXCLUDE (_known_from, _known_to, _batches) FROM history.people"
    " WHERE _known_to IS NULL ORDER BY id, _valid_from",
}


def deliver(world, number, handover):
    dataset, unit, period, rows, broken = handover
    # The digest at the end of a batch's name does not know when it came.
    world.deliver(dataset, f"{dataset}{number}", rows, unit=unit, period=period, received=number, broken=broken)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_order_and_any_grouping_into_runs_ends_in_the_same_base_and_the_same_history(mixed, tmp_path, data):
    """As large tables are: the second is made in parts, of as few rows or keys as are drawn."""
    handovers = data.draw(st.lists(st.one_of(full, delta, flags), min_size=2, max_size=5))
    order = data.draw(st.permutations(range(len(handovers))))
    built_after = data.draw(st.sets(st.integers(0, len(handovers) - 1), max_size=3))
    few = data.draw(st.integers(1, 3))
    n = len(list(tmp_path.iterdir()))
    with mixed(f"{n}a") as whole:
        for number, handover in enumerate(handovers):
            deliver(whole, number, handover)
        whole.build()
        expected = {table: whole.rows(sql) for table, sql in TABLES.items()}
    with mixed(f"{n}b") as world, pytest.MonkeyPatch.context() as patch:
        for module in (building, history):
            patch.setattr(module, "at_once", lambda con, each: few)
        for position, number in enumerate(order):
            deliver(world, number, handovers[number])
            if position in built_after:
                world.build()
        world.build()
        assert {table: world.rows(sql) for table, sql in TABLES.items()} == expected
