"""The register of market entities as the market regulation hands it over: a workbook a month, with titles and notes.

Belongs here: that view of the world, its faults, its files.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sample_data import vocabulary as words
from sample_data.faults import Cell, Change, Fault, Memory, Spoilt, View, memory, plant
from sample_data.numbers import CREDIT_ALPHABET, digits, padded, resident_check
from sample_data.truth import Truth
from sample_data.world import OCTOBER, World, compact, join, pick
from sample_data.writing import put, sheet

DATASET = "market_entity"
HEADERS = {
    "entity_key": "主体身份代码", "uscc": "统一社会信用代码", "reg_no": "注册号", "name": "名称", "type": "主体类型",
    "rep_name": "法定代表人（经营者）", "rep_id_type": "证件类型", "rep_id": "证件号码",
    "founded": "成立日期", "approved": "核准日期",
    "term_from": "经营期限自", "term_to": "经营期限至", "state": "登记状态", "end_date": "注销（吊销）日期",
    "capital": "注册资本", "currency": "币种",
    "industry": "行业门类", "industry_class": "行业代码", "address": "住所", "div": "住所区划",
    "scope": "经营范围", "authority": "登记机关",
    "phone": "联系电话", "employees": "从业人数",
}  # fmt: skip
GROUPS = (("基本信息", 5), ("法定代表人（经营者）", 3), ("登记信息", 8), ("行业", 2), ("住所", 2), ("其他", 4))
MONTHS = (("202609", datetime(2026, 10, 4, 10)), ("202610", datetime(2026, 11, 4, 10)))
FIRST_ROW = 5


def dashed(days: np.ndarray) -> pa.Array:
    """Days as texts YYYY-MM-DD."""
    text = pc.cast(pa.array(compact(days)), pa.string())
    return pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(text, 0, 4), pc.utf8_slice_codeunits(text, 4, 6), pc.utf8_slice_codeunits(text, 6, 8), "-"
    )


def view(world: World, month: int) -> View:
    """The clean register of a month."""
    rng = np.random.default_rng([world.seed, 5])
    e = world.entities
    n = len(e.person)
    live = (e.state == 1) | (e.closed & (month < OCTOBER))
    shop = e.kind == 9500
    approved = np.maximum(e.founded, np.datetime64("2026-08-31") - rng.integers(0, 1500, n).astype("timedelta64[D]"))
    approved = np.where(e.renewed & (month == OCTOBER), np.datetime64("2026-10-12"), approved)
    capital = rng.choice([3, 10, 50, 100, 200, 500, 1000, 2000, 5000], size=n, p=[0.08, 0.16, 0.2, 0.2, 0.14, 0.12, 0.06, 0.03, 0.01])
    person = pa.array(e.person)
    none = pa.scalar(None, pa.string())
    address = world.address.take(person)
    lines = pa.array(rng.random(n) < 0.05)
    scope = pick([t[4] for t in words.TRADES], e.trade)
    columns = {
        "entity_key": join("LN", padded(np.arange(n) * 7 + 1_000_003, 16)),
        "uscc": e.uscc,
        "reg_no": pc.if_else(
            pa.array(rng.random(n) < 0.3), join(pc.cast(pa.array(e.county), pa.string()), padded(rng.integers(0, 10**9, n), 9)), none
        ),
        "name": e.name,
        "type": pc.cast(pa.array(e.kind), pa.string()),
        "rep_name": world.name.take(person),
        "rep_id_type": pa.array(["111"] * n),
        "rep_id": world.ids.take(person),
        "founded": dashed(e.founded),
        "approved": dashed(approved),
        "term_from": dashed(e.founded),
        "term_to": pc.if_else(pa.array(shop | (rng.random(n) < 0.6)), "9999-12-31", dashed(e.founded + np.timedelta64(30 * 365, "D"))),
        "state": pc.if_else(pa.array(live), "1", pc.cast(pa.array(e.state), pa.string())),
        "end_date": pc.if_else(pa.array(live), none, dashed(e.ended)),
        "capital": pc.if_else(pa.array(shop), none, pc.cast(pa.array(capital), pa.string())),
        "currency": pc.if_else(pa.array(shop), none, "156"),
        "industry": pick([t[0] for t in words.TRADES], e.trade),
        "industry_class": pick([t[1] for t in words.TRADES], e.trade),
        "address": address,
        "div": pc.cast(pa.array(e.county), pa.string()),
        "scope": pc.if_else(lines, join(scope, "\n", "（依法须经批准的项目，经相关部门批准后方可开展经营活动）"), scope),
        "authority": pc.cast(pa.array(e.county), pa.string()),
        "phone": join("100", padded(rng.integers(0, 10**8, n), 8)),
        "employees": pc.cast(pa.array(np.where(shop, rng.integers(1, 6, n), rng.integers(3, 200, n))), pa.string()),
    }
    facts = {
        "firm": ~shop,
        "rich": ~shop & (capital >= 200),
        "cancelled": ~live & (e.state == 4),
        "live": live,
        "damage_shows": _damage_shows(world, e.person),
    }
    return View(columns, np.arange(n), np.zeros(n, dtype=np.int64), facts)


def _damage_shows(world: World, person: np.ndarray) -> np.ndarray:
    """Where an id kept as a number (15 digits, then what a double makes of the rest) has a wrong check character."""
    kept = (world.prefix[person] * 10**8 + compact(world.born[person])) * 10 + world.order[person] // 100
    figures = digits((kept * 1000).astype(np.float64).astype(np.int64), 18)
    return resident_check(figures[:, :17]) != figures[:, 17] + 48


_STATES = {"1": ("存续", "在业", "开业", "存续（在营、开业、在册）"), "2": ("吊销", "吊销，未注销"), "4": ("注销",)}
_HALF = str.maketrans("（）", "()")


def _wrong_check(cell: Cell) -> str:
    right = CREDIT_ALPHABET.index(cell.text[17])
    return cell.text[:17] + CREDIT_ALPHABET[(right + int(cell.rng.integers(1, 31))) % 31]


def _serial(cell: Cell) -> str:
    """A date as a spreadsheet counts it: days since 1899-12-30."""
    return str((date.fromisoformat(cell.text) - date(1899, 12, 30)).days)


def _as_number(cell: Cell) -> str:
    """An id that was typed into a numeric cell: 15 digits are kept, and a double holds the rest as it can."""
    return str(int(float(cell.text[:15] + "000")))


def _other_entity(cell: Cell) -> Change:
    return {"entity_key": "LN9" + cell["entity_key"][3:], "name": "示例" + cell["name"]}


def damage_shows(view: View) -> np.ndarray:
    return view.facts["damage_shows"]


def _with_brackets(view: View) -> np.ndarray:
    found: np.ndarray = pc.match_substring(view.columns["name"], "（").to_numpy(zero_copy_only=False)
    return found


FAULTS = (
    Fault("uscc_lower", "uscc", "0302", "repair", 2e-3, lambda c: c.text.lower()),
    Fault("state_word", "state", "0105", "repair", 5e-3, lambda c: c.one_of(*_STATES[c.text])),
    Fault("currency_word", "currency", "0105", "repair", 2e-3, "人民币"),
    Fault("reg_no_placeholder", "reg_no", "0305", "repair", 4e-3, ("无", "暂无", "-", "null"), lambda v: ~v.holds("reg_no")),
    Fault("name_blank_end", "name", "0302", "repair", 2e-3, lambda c: c.text + c.one_of(" ", "\u3000")),
    Fault("key_missing", "entity_key", "0201", "quarantine", 3e-4, None),
    Fault("uscc_check_char", "uscc", "0301", "quarantine", 1e-3, _wrong_check),
    Fault("uscc_length", "uscc", "0301", "quarantine", 5e-4, lambda c: c.text[:17]),
    Fault("uscc_letter_o", "uscc", "0302", "quarantine", 5e-4, lambda c: c.text[:8] + c.text[8:].replace(c.text[10], "O", 1)),
    Fault("entity_twice", None, "0303", "quarantine", 5e-4, {}, double=True),
    Fault("uscc_shared", "uscc", "0304", "flag", 5e-4, _other_entity, double=True),
    Fault("uscc_missing", "uscc", "0201", "flag", 2e-3, None),
    Fault("name_missing", "name", "0201", "flag", 5e-4, None, lambda v: v.facts["firm"]),
    Fault("name_half_brackets", "name", "0302", "flag", 1e-3, lambda c: c.text.translate(_HALF), _with_brackets),
    Fault("test_row", "name", "0305", "flag", 3e-4, ("测试企业", "test123", "示例测试商店")),
    Fault("type_unknown", "type", "0105", "flag", 5e-4, ("0000", "个体", "K")),
    Fault("state_missing", "state", "0201", "flag", 3e-4, None),
    Fault("state_unknown", "state", "0105", "flag", 5e-4, ("7", "8", "歇业")),
    Fault("cancelled_without_date", "end_date", "0402", "flag", 1e-3, None, lambda v: v.facts["cancelled"]),
    Fault("live_with_end_date", "end_date", "0402", "flag", 1e-3, "2026-08-15", lambda v: v.facts["live"]),
    Fault("founded_impossible", "founded", "0302", "flag", 3e-4, lambda c: c.text[:4] + "-02-30"),
    Fault("founded_serial", "founded", "0302", "flag", 1e-3, _serial, typed=True),
    Fault("founded_after_approved", "founded", "0503", "flag", 1e-3, "2026-12-01"),
    Fault("term_backwards", "term_to", "0503", "flag", 5e-4, lambda c: f"{int(c['term_from'][:4]) - 1}{c['term_from'][4:8]}01"),
    Fault("term_1900", "term_to", "0101", "flag", 1e-3, "1900-01-01"),
    Fault("capital_text", "capital", "0302", "flag", 1e-3, lambda c: c.one_of(f"{c.text}万元", "伍佰万元整")),
    Fault("capital_in_yuan", "capital", "0301", "flag", 1e-3, lambda c: c.text + "0000", lambda v: v.facts["rich"]),
    Fault("capital_negative", "capital", "0301", "flag", 2e-4, lambda c: "-" + c.text),
    Fault("currency_unknown", "currency", "0105", "flag", 3e-4, "15"),
    Fault("industry_unknown", "industry", "0105", "flag", 5e-4, ("Z", "批发业")),
    Fault("industry_class_short", "industry_class", "0302", "flag", 1e-3, lambda c: c.text[1:]),
    Fault("rep_name_missing", "rep_name", "0201", "flag", 5e-4, None),
    Fault("rep_id_check_char", "rep_id", "0301", "flag", 1e-3, lambda c: c.text[:17] + ("1" if c.text[17] != "1" else "2")),
    Fault("rep_id_digits_lost", "rep_id", "0301", "flag", 3e-3, _as_number, damage_shows, typed=True),
    Fault("rep_id_15", "rep_id", "0302", "flag", 5e-4, lambda c: c.text[:6] + c.text[8:17]),
    Fault("address_missing", "address", "0201", "flag", 5e-4, None),
    Fault("division_unknown", "div", "0105", "flag", 3e-4, lambda c: c.text[:4] + "99"),
    Fault("division_abolished", "div", "0105", "flag", 1e-3, words.ABOLISHED),
    Fault("division_city", "div", "0105", "flag", 5e-4, lambda c: c.text[:4] + "00"),
    Fault("scope_missing", "scope", "0201", "flag", 3e-4, None),
    Fault("employees_negative", "employees", "0301", "flag", 3e-4, lambda c: "-" + c.text),
    Fault("term_sentinel", "term_to", "0101", "flag", 3e-3, ("2099-12-31", "9999-9-9"), lambda v: v.is_in("term_to", "9999-12-31")),
    Fault("address_crowded", "address", "0104", "none", 2e-3, "辽宁省沈阳市和平区示例路1号创业园"),
    Fault("phone_short", "phone", "0302", "flag", 1e-3, lambda c: c.text[:-2]),
)  # fmt: skip


def write(world: World, folder: Path, truth: Truth, say: Callable[[int], None]) -> None:
    """The workbooks of both months, and one that came twice."""
    before: Memory | None = None
    for month, (period, received) in enumerate(MONTHS):
        e = world.entities
        here = ~e.new if month < OCTOBER else np.ones(len(e.person), dtype=bool)
        spoilt = plant(view(world, month), FAULTS, np.random.default_rng([world.seed, 6, month]), here=here, before=before)
        before = memory(spoilt)
        _file(spoilt, folder, truth, period, received)
        say(spoilt.view.rows)


def _file(spoilt: Spoilt, folder: Path, truth: Truth, period: str, received: datetime) -> None:
    rows, columns = spoilt.view.rows, spoilt.view.columns
    numeric = {}
    for position, (name, values) in enumerate(columns.items()):
        mask = spoilt.typed.get(name, np.zeros(rows, dtype=bool))
        if name in ("capital", "employees"):
            mask = mask | pc.fill_null(pc.match_substring_regex(values, "^-?[0-9]+$"), False).to_numpy(zero_copy_only=False)
        if mask.any():
            numeric[position] = mask
    foot: list[list[str | None]] = [
        ["合计", f"{rows}户"],
        ["注：1. 注册资本以万元为单位，个体工商户不填。2. 长期经营的期限止填9999-12-31。"],
        ["填表人：示例", None, "审核人：示例", None, f"填表日期：{received:%Y-%m-%d}"],
    ]
    title, note = f"辽宁省市场主体登记信息表（{period[:4]}年{int(period[4:])}月）", "填报单位：辽宁省市场监督管理局        单位：万元、人"
    data = sheet(list(columns.values()), list(HEADERS.values()), GROUPS, title, note, foot, numeric, f"市场主体{period}")
    name = f"市场主体登记_{period}.xlsx"
    put(folder / name, data, received)
    if period == MONTHS[1][0]:
        again = f"市场主体登记_{period}（最终版）.xlsx"
        put(folder / again, data, received, later=3600)
        truth.add(DATASET, again, period, "", "same_file", "0303", "repeat", spoilt=again, clean=name)
    truth.add_marks(DATASET, spoilt.marks, lambda row: (name, period, "", FIRST_ROW + row))
