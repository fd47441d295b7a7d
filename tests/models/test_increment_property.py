"""Late, repeated and out-of-order hand-overs end in the same tables, whatever was built in between.

The tables are compared with what the rules of fusion say, written down once more here in plain Python.
"""

from __future__ import annotations

from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

IDS = [f"21990118990101001{n}" for n in range(4)] + [None]
DAYS = [datetime(2026, month, 1) for month in (1, 2, 3)] + [None]
id_, day = st.sampled_from(IDS), st.sampled_from(DAYS)
name, town = st.sampled_from(["安", "本", None]), st.sampled_from(["东", "西", None])
register = st.tuples(
    st.just("register"), st.sampled_from("ab"), st.sampled_from(["202601", "202602"]), st.lists(st.tuples(id_, name, town, day), max_size=4)
)
person, employer = st.sampled_from(["1", "2", "3"]), st.sampled_from(["厂", None])
register = st.tuples(register, st.lists(st.sampled_from(IDS[:2]), max_size=1)).map(lambda both: (*both[0], both[1]))
insurance = st.tuples(
    st.just("insurance"), st.just(""), st.just("202601"), st.lists(st.tuples(person, id_, name, employer, day), max_size=4), st.just([])
)
NEVER = datetime(1, 1, 1)


def newest(rows, key, order):
    best = {}
    for row in sorted(rows, key=order):
        best[key(row)] = row
    return best


def expected(handovers):
    """People (id: name, town, employer, batches) by the rules; `handovers` in the order of their receipt."""
    registers, insured = {}, []
    for number, (dataset, unit, period, rows, broken) in enumerate(handovers):
        placed = [(*row, number, position) for position, row in enumerate(rows)]
        if dataset == "insurance":
            insured += placed
        else:
            registers.setdefault(unit, []).append((period, number, placed, broken))
    ranked = {unit: sorted(batches, key=lambda b: b[:2]) for unit, batches in registers.items()}
    now = [batches[-1] for batches in ranked.values()]
    before = sorted((b for batches in ranked.values() for b in batches[-4:-1]), key=lambda b: b[:2])
    stands = newest(insured, lambda r: r[0], lambda r: (r[4] or NEVER, r[5], r[6])).values()
    batch = {n: f"{h[0]}{n}" for n, h in enumerate(handovers)}
    standing = [r for *_, rows, _ in now for r in rows]
    lost = {i for *_, broken in now for i in broken} - {r[0] for r in standing}
    carried = newest([r for *_, rows, _ in before for r in rows if r[0] in lost], lambda r: r[0], lambda r: 0)
    first = newest([*standing, *carried.values()], lambda r: r[0], lambda r: (r[3] or NEVER, batch[r[4]], r[5]))
    second = newest(stands, lambda r: r[1], lambda r: (r[4] or NEVER, batch[r[5]], r[6]))
    people = []
    for key in sorted({*first, *second} - {None}):
        a, b = first.get(key), second.get(key)
        called = (a and a[1]) or (b and b[2]) or None
        people.append((key, called, a[2] if a else None, b[3] if b else None, batch[a[4]] if a else None, batch[b[5]] if b else None))
    return people


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_order_and_grouping_gives_the_same_tables(fresh_world, tmp_path, data):
    handovers = data.draw(st.lists(st.one_of(register, insurance), min_size=2, max_size=4))
    order = data.draw(st.permutations(range(len(handovers))))
    built_after = data.draw(st.sets(st.integers(0, len(handovers) - 2), max_size=2))
    with fresh_world(f"world{len(list(tmp_path.iterdir()))}") as world:
        for position, number in enumerate(order):
            dataset, unit, period, rows, broken = handovers[number]
            world.deliver(dataset, f"{dataset}{number}", rows, unit=unit, period=period, received=number, broken=broken)
            if position in built_after:
                world.build()
        world.build()
        people = expected(handovers)
        assert (
            world.rows("SELECT id, name, town, employer, _from.register.batch, _from.insurance.batch FROM base.people ORDER BY id")
            == people
        )
        towns = [p[2] for p in people if p[2]]
        assert world.rows("FROM thematic.towns ORDER BY town") == [(t, towns.count(t)) for t in sorted(set(towns))]
