"""Late, repeated and out-of-order hand-overs end in the same tables, whatever was built in between."""

from __future__ import annotations

from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

IDS = [f"21990118990101001{n}" for n in range(4)] + [None]
DAYS = [datetime(2026, month, 1) for month in (1, 2, 3)] + [None]
id_, day = st.sampled_from(IDS), st.sampled_from(DAYS)
name, town = st.sampled_from(["安", "本", None]), st.sampled_from(["东", "西", None])
register = st.tuples(st.just("register"), st.sampled_from("ab"), st.sampled_from(["202601", "202602"]), st.lists(st.tuples(id_, name, town, day), max_size=4))
person = st.sampled_from(["1", "2", "3"])
insurance = st.tuples(st.just("insurance"), st.just(""), st.just("202601"), st.lists(st.tuples(person, id_, name, st.sampled_from(["厂", None]), day), max_size=4))
EVERYTHING = [
    "FROM base.people ORDER BY id",
    "FROM thematic.towns ORDER BY town",
    "SELECT dataset, batch FROM evidence.lineage ORDER BY ALL",
]


def carry(make, label, handovers, order, built_after):
    """Deliver the hand-overs in this order, building after those positions and at the end."""
    with make(label) as world:
        for position, number in enumerate(order):
            dataset, unit, period, rows = handovers[number]
            world.deliver(dataset, f"{dataset}{number}", rows, unit=unit, period=period, received=number)
            if position in built_after:
                world.build()
        world.build()
        return [world.rows(sql) for sql in EVERYTHING]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_order_and_grouping_gives_the_same_tables(fresh_world, tmp_path, data):
    handovers = data.draw(st.lists(st.one_of(register, insurance), min_size=2, max_size=4))
    order = data.draw(st.permutations(range(len(handovers))))
    built_after = data.draw(st.sets(st.integers(0, len(handovers) - 1)))
    number = len(list(tmp_path.iterdir()))
    at_once = carry(fresh_world, f"at_once{number}", handovers, range(len(handovers)), set())
    assert carry(fresh_world, f"step_by_step{number}", handovers, order, built_after) == at_once
