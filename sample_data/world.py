"""The sample world: people in households, and entities that some of them run. What is true, before any department writes it.

Belongs here: drawing the world, one array an attribute, from a seed and a size. Not here: forms, codes' dialects, faults.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sample_data import vocabulary as words
from sample_data.numbers import credit_codes, resident_ids

UNITS = tuple(words.CITIES)
TODAY = np.datetime64("2026-10-31")
SEPTEMBER, OCTOBER = 0, 1
"""The two months that the world is seen in."""


def pick(options: tuple[str, ...] | list[str], which: np.ndarray) -> pa.Array:
    """The option at each position."""
    return pa.array(options, pa.string()).take(pa.array(which))


def join(*parts: pa.Array | str) -> pa.Array:
    """Texts put together, a missing part counting as empty."""
    return pc.binary_join_element_wise(*parts, "", null_handling="replace")


def compact(days: np.ndarray) -> np.ndarray:
    """Days as the whole numbers YYYYMMDD."""
    months = days.astype("datetime64[M]")
    years = days.astype("datetime64[Y]")
    year = years.astype(np.int64) + 1970
    month = (months - years).astype(np.int64) + 1
    return year * 10000 + month * 100 + (days - months.astype("datetime64[D]")).astype(np.int64) + 1


@dataclass(frozen=True)
class World:
    """`people` persons and what goes with them; arrays run over persons, households or entities, as their names say.

    `gone` and `new`: persons who are in the September register only, in the October register only; `moved`: persons whose
    record changed in October. Likewise for entities.
    """

    seed: int
    people: int
    home: np.ndarray
    unit: np.ndarray
    county: np.ndarray
    role: np.ndarray
    male: np.ndarray
    born: np.ndarray
    order: np.ndarray
    dead: np.ndarray
    died: np.ndarray
    name: pa.Array
    gone: np.ndarray
    new: np.ndarray
    moved: np.ndarray
    head_of_home: np.ndarray

    @cached_property
    def ethnicity(self) -> pa.Array:
        """Codes of GB/T 3304, by their shares in the province."""
        codes, shares = zip(*words.ETHNICITIES, strict=True)
        which = np.random.default_rng([self.seed, 15]).choice(len(codes), size=self.people, p=np.array(shares) / sum(shares))
        return pick(codes, which)

    @cached_property
    def prefix(self) -> np.ndarray:
        return np.array([int(words.id_prefix(i)) for i in range(len(UNITS))])[self.unit]

    @cached_property
    def ids(self) -> pa.Array:
        return resident_ids(self.prefix, compact(self.born), self.order)

    @cached_property
    def age(self) -> np.ndarray:
        """Years on the last day of October 2026."""
        return (TODAY - self.born).astype(np.int64) // 365.2425

    @cached_property
    def address(self) -> pa.Array:
        """Per person, the address of the household."""
        rng = np.random.default_rng([self.seed, 11])
        homes = len(self.head_of_home)
        counties = np.array(sorted(words.COUNTIES))
        at = np.searchsorted(counties, self.county[self.head_of_home].astype(str))
        city = pick([words.CITIES[code[:4] + "00"][0] for code in counties], at)
        county = pick([words.COUNTIES[code] for code in counties], at)
        numbers = [pc.cast(pa.array(rng.integers(1, high, homes)), pa.string()) for high in (300, 40, 8, 19)]
        door = pick(("1", "2", "3"), rng.integers(0, 3, homes))
        road = pick(words.ROADS, rng.integers(0, len(words.ROADS), homes))
        texts = join("辽宁省", city, county, road, numbers[0], "号", numbers[1], "栋", numbers[2], "单元", numbers[3], "0", door, "室")
        return texts.take(pa.array(self.home))

    @cached_property
    def entities(self) -> Entities:
        return Entities.drawn(self)


def drawn(seed: int, people: int) -> World:
    """The world of this seed with this many people."""
    rng = np.random.default_rng([seed, 1])
    sizes = rng.choice([1, 2, 3, 4, 5], size=people, p=[0.22, 0.30, 0.30, 0.12, 0.06])
    ends = np.cumsum(sizes)
    homes = int(np.searchsorted(ends, people)) + 1
    starts = np.concatenate([[0], ends[: homes - 1]])
    home = np.repeat(np.arange(homes), sizes[:homes])[:people]
    role = np.arange(people) - starts[home]  # 0 head, 1 spouse, 2 and 3 children, 4 a parent
    shares = np.array([share for _, share in words.CITIES.values()])
    home_unit = np.sort(rng.choice(len(UNITS), size=homes, p=shares / shares.sum()))
    home_county = np.zeros(homes, dtype=np.int64)
    for position, code in enumerate(UNITS):
        here = np.flatnonzero(home_unit == position)
        home_county[here] = rng.choice([int(c) for c in words.counties_of(code)], size=len(here))
    head_male = rng.random(homes) < 0.72
    head_age = rng.triangular(24, 48, 88, homes)
    male = np.where(role == 0, head_male[home], np.where(role == 1, ~head_male[home], rng.random(people) < 0.51))
    from_head = [np.zeros(people), rng.normal(0, 3, people), rng.uniform(22, 32, people)]
    apart = np.select([role == 0, role == 1, role == 4], from_head, -rng.uniform(21, 34, people))
    age = head_age[home] + apart
    age = np.where(age < 0.3, rng.uniform(0.3, 18, people), np.where(age > 102, rng.uniform(70, 102, people), age))
    age = np.where((role == 1) & (age < 22), rng.uniform(22.5, 30, people), age)
    born = TODAY - (age * 365.2425).astype("timedelta64[D]") - np.timedelta64(30, "D")
    dead = rng.random(people) < np.where(age > 70, 0.02, 0.001)
    died = np.maximum(TODAY - rng.integers(40, 400, people).astype("timedelta64[D]"), born)
    # the head of a household goes with all of it or not at all
    fate = np.where((role == 0) & (sizes[home] > 1), 1.0, rng.random(people))
    unit = home_unit[home]
    return World(
        seed=seed, people=people, home=home, unit=unit, county=home_county[home], role=role, male=male, born=born,
        order=_orders(unit, born, male), dead=dead, died=died, name=_names(rng, people, home, role),
        gone=fate < 0.002, new=(fate > 0.002) & (fate < 0.006), moved=(fate > 0.006) & (fate < 0.011), head_of_home=starts[:homes],
    )  # fmt: skip


def _orders(unit: np.ndarray, born: np.ndarray, male: np.ndarray) -> np.ndarray:
    """Order numbers, odd for men, such that no two people of a unit born on one day share one (900 and above stay free)."""
    place = np.lexsort((male, born, unit))
    key = (unit.astype(np.int64) * 100_000 + born.astype(np.int64) + 50_000) * 2 + male
    sorted_key = key[place]
    first = np.concatenate([[True], sorted_key[1:] != sorted_key[:-1]])
    starts = np.flatnonzero(first)
    rank = np.arange(len(key)) - np.repeat(starts, np.diff(np.concatenate([starts, [len(key)]])))
    if rank.max(initial=0) >= 450:
        raise ValueError(f"a scale of {len(key)} puts over 450 people of one sex on one birth date of a unit. Take a smaller scale.")
    orders = np.empty(len(key), dtype=np.int64)
    orders[place] = rank * 2 + male[place]
    return orders


def _names(rng: np.random.Generator, people: int, home: np.ndarray, role: np.ndarray) -> pa.Array:
    common = len(words.SURNAMES)
    surnames = (*words.SURNAMES, *words.RARE_SURNAMES)
    own = rng.integers(0, common, people)
    rare = rng.random(people) < 0.002
    own[rare] = common + rng.integers(0, len(words.RARE_SURNAMES), int(rare.sum()))
    heads = own[np.flatnonzero(role == 0)]
    own = np.where((role == 2) | (role == 3), heads[home], own)
    given = (*words.GIVEN, *words.RARE_GIVEN)
    first = rng.integers(0, len(words.GIVEN), people)
    second = rng.integers(0, len(words.GIVEN), people)
    rare = rng.random(people) < 0.004
    second[rare] = len(words.GIVEN) + rng.integers(0, len(words.RARE_GIVEN), int(rare.sum()))
    two = (rng.random(people) < 0.8) | rare
    return join(pick(surnames, own), pick(given, first), pc.if_else(pa.array(two), pick(given, second), ""))


@dataclass(frozen=True)
class Entities:
    """What the register of market entities knows: one tenth as many as people. `person` is the representative."""

    person: np.ndarray
    county: np.ndarray
    trade: np.ndarray
    kind: np.ndarray
    state: np.ndarray
    founded: np.ndarray
    ended: np.ndarray
    name: pa.Array
    uscc: pa.Array
    new: np.ndarray
    closed: np.ndarray
    renewed: np.ndarray

    @staticmethod
    def drawn(world: World) -> Entities:
        rng = np.random.default_rng([world.seed, 2])
        n = max(20, world.people // 10)
        adults = np.flatnonzero((world.age >= 20) & (world.age < 76) & ~world.dead)
        person = rng.choice(adults, size=n)
        county = world.county[person]
        trade = rng.integers(0, len(words.TRADES), n)
        kind = rng.choice([1130, 1151, 9100, 9500], size=n, p=[0.24, 0.08, 0.03, 0.65])
        founded = TODAY - rng.integers(60, 9000, n).astype("timedelta64[D]")
        founded = np.maximum(founded, world.born[person] + np.timedelta64(18 * 366, "D"))
        fate = rng.random(n)
        closed, new = fate < 0.005, (fate > 0.005) & (fate < 0.01)
        state = rng.choice([1, 4, 2], size=n, p=[0.83, 0.13, 0.04])
        state = np.where(closed, 4, np.where(new, 1, state))
        ended = founded + ((np.datetime64("2026-09-20") - founded).astype(np.int64) * rng.uniform(0.2, 1.0, n)).astype("timedelta64[D]")
        ended = np.where(closed, np.datetime64("2026-10-15"), ended)
        founded = np.where(new, np.datetime64("2026-10-08"), founded)
        heads = {1130: "91", 1151: "91", 9100: "93", 9500: "92"}
        return Entities(
            person, county, trade, kind, state, founded, ended, _entity_names(rng, county, trade, kind),
            credit_codes([heads[int(k)] for k in kind], county, rng.permutation(n) + 31**5), new, closed, (fate > 0.01) & (fate < 0.02),
        )  # fmt: skip


def _entity_names(rng: np.random.Generator, county: np.ndarray, trade: np.ndarray, kind: np.ndarray) -> pa.Array:
    n = len(county)
    codes = np.array(sorted(words.COUNTIES))
    at = np.searchsorted(codes, county.astype(str))
    shop, coop = kind == 9500, kind == 9100
    city = pick([words.CITIES[c[:4] + "00"][0].removesuffix("市") for c in codes], at)
    place = pc.if_else(pa.array(shop), pick([words.COUNTIES[c] for c in codes], at), city)
    word = pick(words.FIRM_WORDS, rng.integers(0, len(words.FIRM_WORDS), n))
    bracket = pa.array(~shop & ~coop & (rng.random(n) < 0.1))
    number = pc.cast(pa.array(rng.integers(1, 999, n)), pa.string())
    what = pc.if_else(pa.array(shop), pick([t[3] for t in words.TRADES], trade), pick([t[2] for t in words.TRADES], trade))
    firm = pc.if_else(bracket, "（集团）有限公司", "有限公司")
    form = pc.if_else(pa.array(shop), "", pc.if_else(pa.array(coop), "专业合作社", firm))
    return join(place, "示例", word, number, what, form)
