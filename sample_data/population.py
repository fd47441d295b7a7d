"""The resident register as each city's public security bureau hands it over: GB18030 text, monthly, in full.

Belongs here: that view of the world, its faults, its files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sample_data import vocabulary as words
from sample_data.faults import Cell, Change, Fault, Mark, Memory, Spoilt, View, memory, plant
from sample_data.numbers import digits, padded, resident_check, resident_ids
from sample_data.threads import over
from sample_data.truth import Truth
from sample_data.world import OCTOBER, UNITS, World, compact, join, pick
from sample_data.writing import delimited, put

DATASET = "population_register"
HEADERS = {
    "id_number": "GMSFHM", "name": "XM", "sex": "XBDM", "ethnicity": "MZDM", "birth_date": "CSRQ", "household_no": "HH",
    "relation": "YHZGXDM", "hukou_div": "HJDZ_SSXQDM", "hukou_address": "HJDZ_QHNXXDZ", "living_address": "SJJZDZ",
    "marital": "HYZKDM", "education": "WHCD", "dead": "SWBS", "death_date": "SWRQ", "cancel_date": "ZXRQ",
    "police_station": "PCSJGDM", "updated_at": "SJXGXSJ",
}  # fmt: skip
FREE = ("hukou_address", "living_address")


def view(world: World) -> View:
    """The clean register of September, with everybody who is in it in any month."""
    rng = np.random.default_rng([world.seed, 3])
    n = world.people
    dead = world.dead
    age = world.age
    single = (age < 22) | ((world.role > 1) & (rng.random(n) < 0.8))
    marital = np.select([single, world.role < 2], [0, 1], rng.integers(2, 6, n))
    grade = np.where(age < 7, 9, np.where(age < 16, 8, rng.integers(0, 8, n)))
    relation = np.select(
        [world.role == 0, world.role == 1, world.role < 4],
        [0, np.where(world.male, 1, 2), np.where(world.male, 3, 4)],
        np.where(world.male, 5, 6),
    )
    updated = np.maximum(np.datetime64("2026-09-25") - rng.integers(0, 2000, n).astype("timedelta64[D]"), world.born)
    updated = np.where(dead, np.maximum(updated, np.maximum(world.died, np.datetime64("2026-09-20"))), updated)
    seconds = rng.integers(8 * 3600, 17 * 3600, n)
    times = compact(updated) * 1_000_000 + seconds // 3600 * 10000 + seconds // 60 % 60 * 100 + seconds % 60
    county = pc.cast(pa.array(world.county), pa.string())
    doors = rng.random(n)
    living = pc.if_else(pa.array(doors < 0.0006), join(world.address, "\n", "（与户籍地一致）"), world.address)
    living = pc.if_else(pa.array((doors > 0.0006) & (doors < 0.002)), join(world.address, ", 后门"), living)
    living = pc.if_else(pa.array(doors > 0.6), pa.scalar(None, pa.string()), living)
    gone = pa.array(dead)
    columns = {
        "id_number": world.ids,
        "name": world.name,
        "sex": pick(("2", "1"), world.male.astype(np.int64)),
        "ethnicity": world.ethnicity,
        "birth_date": pc.cast(pa.array(compact(world.born)), pa.string()),
        "household_no": join(county, padded(world.home, 8)),
        "relation": pick(("02", "11", "12", "20", "30", "51", "52"), relation),
        "hukou_div": county,
        "hukou_address": world.address,
        "living_address": living,
        "marital": pick(("10", "20", "21", "22", "30", "40"), marital),
        "education": pick(("11", "14", "21", "31", "41", "61", "71", "73", "81", "90"), grade),
        "dead": pick(("0", "1"), dead.astype(np.int64)),
        "death_date": pc.if_else(gone, pc.cast(pa.array(compact(world.died)), pa.string()), pa.scalar(None, pa.string())),
        "cancel_date": pc.if_else(
            gone, pc.cast(pa.array(compact(world.died + np.timedelta64(3, "D"))), pa.string()), pa.scalar(None, pa.string())
        ),
        "police_station": join(county, padded(rng.integers(10, 60, len(world.head_of_home))[world.home] * 10000, 6)),
        "updated_at": pc.cast(pa.array(times), pa.string()),
    }
    facts = {
        "ends_in_x": pc.ends_with(world.ids, "X").to_numpy(zero_copy_only=False),
        "adult": (age >= 18) & (age < 95),
        "member": (world.role > 1) & (age > 8),
        "child": (age < 15) & ~dead,
        "alive": ~dead,
        "plain": doors >= 0.002,
        "damage_shows": _damage_shows(world),
    }
    return View(columns, np.arange(n), world.unit, facts)


def october(world: World, view: View) -> View:
    """The same a month later: some have moved, some were divorced, newcomers are registered."""
    moved = pa.array(world.moved)
    columns = dict(view.columns)
    columns["marital"] = pc.if_else(pc.and_(moved, pc.equal(columns["marital"], "20")), "40", columns["marital"])
    columns["living_address"] = pc.if_else(moved, world.address, columns["living_address"])
    columns["updated_at"] = pc.if_else(pa.array(world.moved | world.new), "20261012093000", columns["updated_at"])
    return View(columns, view.key, view.group, {**view.facts, "plain": view.facts["plain"] | world.moved})


def _last(group: np.ndarray, here: np.ndarray, unit: int) -> np.ndarray:
    """A mask of the last row of a unit."""
    rows = np.flatnonzero(here & (group == unit))
    return np.isin(np.arange(len(group)), rows[-1:])


def _damage_shows(world: World) -> np.ndarray:
    """Where an id that a spreadsheet has rounded to 15 digits and 000 has a wrong check character."""
    kept = (world.prefix * 10**8 + compact(world.born)) * 1000 + world.order // 100 * 100
    return resident_check(digits(kept, 17)) != ord("0")


def _other_order(cell: Cell) -> Change:
    order = 999 - (cell["sex"] == "2")  # numbers from 900 on are nobody's
    prefix, born = int(cell.text[:6]), int(cell.text[6:14])
    return {"id_number": resident_ids(np.array([prefix]), np.array([born]), np.array([order]))[0].as_py()}


def _wrong_check(cell: Cell) -> str:
    right = "0123456789X".index(cell.text[17])
    return cell.text[:17] + "0123456789X"[(right + int(cell.rng.integers(1, 11))) % 11]


def _shifted(cell: Cell) -> Change:
    """A running number before the first field, and every field under its neighbour's name."""
    row = cell.row()
    return {name: value or None for name, value in zip(row, (str(cell.rng.integers(1, 99999)), *row.values()), strict=False)}


def _other_person(cell: Cell) -> Change:
    return {"name": "周示例", "household_no": cell["hukou_div"] + "99999999", "hukou_address": cell["hukou_address"] + "之一"}


def _surplus_comma(record: str) -> str:
    return record.replace("号", "号,", 1)


def _stray_quote(record: str) -> str:
    fields = record.split(",")
    return ",".join([*fields[:8], '"' + fields[8], *fields[9:]])


def _next_day(cell: Cell) -> str:
    return cell.text[:6] + f"{int(cell.text[6:]) % 27 + 1:02d}"


def _elsewhere(cell: Cell) -> str:
    """An address in another city than the division's."""
    place = "沈阳市和平区" if cell["hukou_div"].startswith("2102") else "大连市中山区"
    return f"辽宁省{place}示例路1号"


def _date(style: str) -> Callable[[Cell], str]:
    return lambda c: style.format(y=c.text[:4], m=int(c.text[4:6]), d=int(c.text[6:]))


def adult(view: View) -> np.ndarray:
    return view.facts["adult"]


def alive(view: View) -> np.ndarray:
    return view.facts["alive"]


def fifties(view: View) -> np.ndarray:
    decade = pc.starts_with(view.columns["birth_date"], "195")
    return view.facts["alive"] & decade.to_numpy(zero_copy_only=False)


def last(view: View) -> np.ndarray:
    return view.facts["last"] & view.facts["plain"]


def no_living_address(view: View) -> np.ndarray:
    return ~view.holds("living_address")


def plain(view: View) -> np.ndarray:
    return view.facts["plain"] & ~view.facts["last"]


_FULL = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
_MARITAL = {"10": "未婚", "20": "已婚", "30": "丧偶", "40": "离婚"}
_PEOPLES = {"01": "汉族", "11": "满"}
_NOTHING = ("暂无", "无", "—", "不详")
_OTHER_SEX = {"1": "2", "2": "1"}

FAULTS = (
    Fault("truncated_line", None, "0202", "reject", 0, lambda t: t[: len(t) // 3], last, line=True, least=1),
    Fault("stray_quote", None, "0305", "reject", 2e-5, _stray_quote, plain, line=True, least=1),
    Fault("surplus_comma", None, "0305", "reject", 5e-5, _surplus_comma, plain, line=True),
    # repaired on the way
    Fault("id_lower_x", "id_number", "0302", "repair", 2e-4, lambda c: c.text.lower(), lambda v: v.facts["ends_in_x"]),
    Fault("id_blank", "id_number", "0302", "repair", 3e-4, lambda c: c.text + c.one_of("\t", " ", "\u3000")),
    Fault("id_full_width", "id_number", "0302", "repair", 1e-4, lambda c: c.text.translate(_FULL)),
    Fault("sex_word", "sex", "0105", "repair", 1e-3, lambda c: "男" if c.text == "1" else "女"),
    Fault("ethnicity_word", "ethnicity", "0105", "repair", 1e-3, lambda c: _PEOPLES[c.text], lambda v: v.is_in("ethnicity", *_PEOPLES)),
    Fault("marital_word", "marital", "0105", "repair", 1e-3, lambda c: _MARITAL[c.text], lambda v: v.is_in("marital", *_MARITAL)),
    Fault("date_dashes", "birth_date", "0302", "repair", 1e-3, _date("{y}-{m}-{d}")),
    Fault("date_slashes", "birth_date", "0302", "repair", 5e-4, _date("{y}/{m:02d}/{d:02d}")),
    Fault("date_words", "birth_date", "0302", "repair", 5e-4, _date("{y}年{m}月{d}日")),
    Fault("address_placeholder", "living_address", "0305", "repair", 2e-3, _NOTHING, no_living_address),
    # identity broken
    Fault("id_missing", "id_number", "0201", "quarantine", 2e-4, None),
    Fault("id_check_char", "id_number", "0301", "quarantine", 4e-4, _wrong_check),
    Fault("id_length", "id_number", "0301", "quarantine", 2e-4, lambda c: c.text[:17]),
    Fault("id_15", "id_number", "0302", "quarantine", 3e-4, lambda c: c.text[:6] + c.text[8:17], adult),
    Fault("id_masked", "id_number", "0201", "quarantine", 1e-4, lambda c: c.text[:6] + "********" + c.text[14:]),
    Fault("id_excel", "id_number", "0301", "quarantine", 3e-4, lambda c: c.text[:15] + "000", lambda v: v.facts["damage_shows"]),
    Fault("columns_shifted", "id_number", "0305", "quarantine", 2e-4, _shifted, lambda v: alive(v) & plain(v)),
    Fault("row_twice", None, "0303", "quarantine", 2e-4, {}, double=True),
    Fault("id_shared", "id_number", "0304", "quarantine", 2e-4, _other_person, double=True),
    # flagged
    Fault("two_ids", "id_number", "0304", "flag", 2e-4, _other_order, double=True),
    Fault("name_missing", "name", "0201", "flag", 3e-4, None),
    Fault("name_placeholder", "name", "0201", "flag", 3e-4, ("暂无", "无", "未知")),
    Fault("name_is_phone", "name", "0305", "flag", 2e-4, lambda c: f"100{c.rng.integers(10_000_000, 99_999_999)}"),
    Fault("name_lost_character", "name", "0302", "flag", 3e-4, lambda c: c.text[0] + c.one_of("?", "□", "\ufffd", "\ue81d")),
    Fault("name_masked", "name", "0201", "flag", 2e-4, lambda c: c.text[0] + "**"),
    Fault("name_blank_inside", "name", "0302", "flag", 4e-4, lambda c: c.text[0] + " " + c.text[1:]),
    Fault("test_row", "name", "0305", "flag", 1e-4, ("测试", "张三", "测试用户")),
    Fault("sex_missing", "sex", "0201", "flag", 3e-4, None),
    Fault("sex_unknown", "sex", "0105", "flag", 2e-4, "3"),
    Fault("sex_not_id", "sex", "0402", "flag", 5e-4, lambda c: _OTHER_SEX[c.text]),
    Fault("ethnicity_missing", "ethnicity", "0201", "flag", 3e-4, None),
    Fault("ethnicity_unknown", "ethnicity", "0105", "flag", 2e-4, ("00", "88", "O1")),
    Fault("birth_missing", "birth_date", "0201", "flag", 2e-4, None),
    Fault("birth_impossible", "birth_date", "0302", "flag", 2e-4, lambda c: c.text[:4] + c.one_of("0230", "1301", "0431"), alive),
    Fault("birth_not_id", "birth_date", "0402", "flag", 5e-4, _next_day, lambda v: adult(v) & alive(v)),
    Fault("birth_future", "birth_date", "0503", "flag", 2e-4, lambda c: "20" + c.text[2:], fifties),
    Fault("household_missing", "household_no", "0201", "flag", 2e-4, None),
    Fault("relation_unknown", "relation", "0105", "flag", 3e-4, ("0", "其它", "HZ")),
    Fault("division_missing", "hukou_div", "0201", "flag", 2e-4, None),
    Fault("division_unknown", "hukou_div", "0105", "flag", 2e-4, lambda c: c.text[:4] + "99"),
    Fault("division_abolished", "hukou_div", "0105", "flag", 4e-4, words.ABOLISHED),
    Fault("division_city", "hukou_div", "0105", "flag", 3e-4, lambda c: c.text[:4] + "00"),
    Fault("address_missing", "hukou_address", "0201", "flag", 2e-4, None),
    Fault("marital_unknown", "marital", "0105", "flag", 3e-4, ("25", "50", "99")),
    Fault("education_float", "education", "0302", "flag", 4e-4, lambda c: c.text + ".0"),
    Fault("death_date_missing", "death_date", "0402", "flag", 1e-4, None),
    Fault("death_date_alive", "death_date", "0402", "flag", 2e-4, "20260801", lambda v: ~v.holds("death_date") & adult(v)),
    Fault("death_impossible", "death_date", "0302", "flag", 1e-4, lambda c: c.text[:4] + "0231"),
    Fault("death_before_birth", "death_date", "0503", "flag", 1e-4, "18991231"),
    Fault("cancel_before_death", "cancel_date", "0503", "flag", 1e-4, "20200101", lambda v: v.holds("death_date")),
    Fault("station_missing", "police_station", "0201", "flag", 1e-4, None),
    Fault("station_short", "police_station", "0302", "flag", 3e-4, lambda c: c.text[:10]),
    Fault("updated_missing", "updated_at", "0201", "flag", 1e-4, None),
    Fault("updated_impossible", "updated_at", "0302", "flag", 1e-4, lambda c: c.text[:4] + "1332" + c.text[8:]),
    Fault("updated_far", "updated_at", "0501", "flag", 1e-4, lambda c: "2106" + c.text[4:]),
    Fault("child_married", "marital", "0104", "flag", 2e-4, "21", lambda v: v.facts["child"]),
    Fault("address_elsewhere", "hukou_address", "0402", "flag", 3e-4, _elsewhere),
    # told of all rows that they touch: see `_households`
    Fault("head_missing", "relation", "0402", "flag", 3e-4, "80", lambda v: v.is_in("relation", "02")),
    Fault("head_twice", "relation", "0402", "flag", 3e-4, "02", lambda v: v.facts["member"]),
)  # fmt: skip


def _households(spoilt: Spoilt) -> list[Mark]:
    """The marks, with every row of a household in which no head stands, or several: also where another fault made it so.

    A head is a row with relation 02, one person once; rows that cannot be read are in no household.
    """
    view, rows = spoilt.view, np.arange(spoilt.view.rows)
    unread = [mark.row for mark in spoilt.marks if mark.fault.effect == "reject"]
    placed = np.flatnonzero(view.holds("household_no") & ~np.isin(rows, unread))
    number = pc.fill_null(view.columns["household_no"].dictionary_encode().indices, -1).to_numpy().astype(np.int64)
    person = pc.fill_null(view.columns["id_number"].dictionary_encode().indices, -1).to_numpy().astype(np.int64)
    person = np.where(person < 0, -1 - rows, person)  # without an id nobody is the same
    _, home = np.unique(view.group[placed] * (number.max() + 1) + number[placed], return_inverse=True)
    heads = view.is_in("relation", "02")[placed]
    different = np.unique(np.stack([home[heads], person[placed][heads]]), axis=1)[0]
    found = np.bincount(different, minlength=home.max(initial=0) + 1)[home]
    kinds = {fault.kind: fault for fault in FAULTS if fault.kind in ("head_missing", "head_twice")}
    told = [mark for mark in spoilt.marks if mark.fault.kind not in kinds]
    for kind, broken in (("head_missing", found == 0), ("head_twice", (found > 1) & heads)):
        told += [Mark(kinds[kind], int(row), view.columns["relation"][row].as_py(), None) for row in placed[broken]]
    return told


def write(world: World, folder: Path, truth: Truth, say: Callable[[int], None]) -> None:
    """The files of both months, and the hand-overs that are wrong as a whole."""
    before: Memory | None = None
    seen = view(world)
    for number, month in enumerate(MONTHS):
        here = ~world.gone if number == OCTOBER else ~world.new
        seen = october(world, seen) if number == OCTOBER else seen
        seen.facts["last"] = _last(seen.group, here, UNITS.index("211100"))  # where a transmission breaks off
        spoilt = plant(seen, FAULTS, np.random.default_rng([world.seed, 4, number]), here=here, before=before)
        before = memory(spoilt)
        _files(replace(spoilt, marks=_households(spoilt)), folder, truth, month, say)


@dataclass(frozen=True)
class _Month:
    """`day` stands in the files' names."""

    period: str
    day: str
    received: datetime

    @property
    def first(self) -> bool:
        return self.period == MONTHS[0].period


MONTHS = (_Month("202609", "20260930", datetime(2026, 10, 3, 9)), _Month("202610", "20261031", datetime(2026, 11, 3, 9)))


def _files(spoilt: Spoilt, folder: Path, truth: Truth, month: _Month, say: Callable[[int], None]) -> None:
    places = spoilt.places
    numbers = np.zeros(spoilt.view.rows, dtype=np.int64)
    names: dict[int, str] = {}
    made = over(lambda group: _city(spoilt, group, places[group], folder, month, truth), places)
    for (group, place), (name, lines) in zip(places.items(), made, strict=True):
        names[group], numbers[place] = name, lines
        say(place.stop - place.start)

    def position(row: int) -> tuple[str, str, str, int]:
        group = int(spoilt.view.group[row])
        return names[group], month.period, UNITS[group], int(numbers[row])

    truth.add_marks(DATASET, spoilt.marks, position)


def _city(spoilt: Spoilt, group: int, place: slice, folder: Path, month: _Month, truth: Truth) -> tuple[str, np.ndarray]:
    """Write a city's file (and what went wrong with it as a whole): its name, the physical line of each row."""
    unit = UNITS[group]
    headers = list(HEADERS.values())
    name = f"GA_CZRK_{unit}_{month.day}_F_01.csv"
    wrong = partial(truth.add, DATASET, period=month.period, unit=unit)
    if month.first and unit == "210500":
        headers[headers.index("HJDZ_SSXQDM")] = "HJDZ_ SSXQDM"
        wrong(name, kind="header_blank", indicator="0102", effect="repair", spoilt="HJDZ_ SSXQDM", clean="HJDZ_SSXQDM")
    edits = {row - place.start: change for row, change in spoilt.lines.items() if place.start <= row < place.stop}
    columns = {n: c.slice(place.start, place.stop - place.start) for n, c in spoilt.view.columns.items()}
    body, lines = delimited(columns, headers, edits, free=FREE, end="\r\n" if unit in ("210200", "210600") else "\n")
    if month.first and unit == "210200":
        renamed = body.replace("GMSFHM,XM,", "GMSFHM,XINGMING,", 1)
        put(folder / name, renamed.encode("gb18030"), month.received)
        wrong(name, kind="header_renamed", indicator="0102", effect="refuse", column="name", spoilt="XINGMING", clean="XM")
        name = name.replace("_01.csv", "_02.csv")
    data = body.encode("gb18030")
    put(folder / name, data, month.received)
    if month.first and unit == "210300":
        again = name.replace("_01.csv", "_02.csv")
        put(folder / again, data, month.received, later=3600)
        wrong(again, kind="same_file", indicator="0303", effect="repeat", spoilt=again, clean=name)
    return name, lines
