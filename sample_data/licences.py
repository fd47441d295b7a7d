"""Administrative licences as the credit platform serves them: JSON records by day, in pages.

Belongs here: that view of the world, its faults, the files that the local server serves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sample_data import vocabulary as words
from sample_data.entities import dashed
from sample_data.faults import Fault, View, plant
from sample_data.numbers import credit_codes, padded
from sample_data.truth import Truth
from sample_data.world import World, join, pick

DATASET = "admin_licence"
NAMES = {
    "party_name": "XK_XDR_MC", "party_kind": "XK_XDR_LB", "uscc": "XK_XDR_SHXYM",
    "rep_name": "XK_FRDB", "person_id_type": "XK_XDR_ZJLX",
    "person_id": "XK_XDR_ZJHM", "doc_name": "XK_XKWS", "doc_no": "XK_WSH", "kind": "XK_XKLB", "cert_name": "XK_XKZS",
    "licence_no": "XK_XKBH",
    "content": "XK_NR", "decided": "XK_JDRQ", "valid_from": "XK_YXQZ", "valid_to": "XK_YXQZI",
    "organ": "XK_XKJG", "organ_uscc": "XK_XKJGDM",
    "state": "XK_ZT", "source": "XK_LYDW", "source_uscc": "XK_LYDWDM", "remark": "BZ",
}  # fmt: skip
DAYS = tuple(str(day) for day in np.arange("2026-10-27", "2026-11-01", dtype="datetime64[D]"))


def view(world: World) -> View:
    """The clean records of all days."""
    rng = np.random.default_rng([world.seed, 9])
    e = world.entities
    n = max(40, world.people * 3 // 100)
    entity = rng.choice(np.flatnonzero(e.state == 1), size=n)
    person = rng.random(n) < 0.08
    shop = (e.kind[entity] == 9500) & ~person
    who = pa.array(e.person[entity])
    bureau = rng.integers(0, len(words.BUREAUS), n)
    cities = [unit for unit in words.CITIES if unit != "21SF00"]
    city = rng.integers(0, len(cities), n)
    organs = [(words.CITIES[u][0] + b, u) for u in cities for b in words.BUREAUS]
    codes = credit_codes(["11"] * len(organs), np.array([int(u) for _, u in organs]), np.arange(len(organs)) + 31**4)
    organ = city * len(words.BUREAUS) + bureau
    day = np.sort(rng.integers(0, len(DAYS), n))
    decided = np.array(DAYS, dtype="datetime64[D]")[day] - rng.integers(0, 7, n).astype("timedelta64[D]")
    none = pa.scalar(None, pa.string())
    number = pc.cast(pa.array(rng.permutation(n) + 1), pa.string())
    short = pick([words.CITIES[u][0][0] for u in cities], city)
    columns = {
        "party_name": pc.if_else(pa.array(person), world.name.take(who), e.name.take(pa.array(entity))),
        "party_kind": pick(("1", "2", "3"), np.where(person, 2, np.where(shop, 1, 0))),
        "uscc": pc.if_else(pa.array(person), none, e.uscc.take(pa.array(entity))),
        "rep_name": pc.if_else(pa.array(person), none, world.name.take(who)),
        "person_id_type": pc.if_else(pa.array(person), "111", none),
        "person_id": pc.if_else(pa.array(person), world.ids.take(who), none),
        "doc_name": pick([w[0] for w in words.LICENCES], bureau),
        "doc_no": join(short, "示许〔2026〕", number, "号"),
        "kind": pick(("01", "03", "04", "05"), rng.integers(0, 4, n)),
        "cert_name": pick([w[1] for w in words.LICENCES], bureau),
        "licence_no": join("XK", pick(cities, city), padded(rng.permutation(n), 8)),
        "content": pick([w[2] for w in words.LICENCES], bureau),
        "decided": dashed(decided),
        "valid_from": dashed(decided + rng.integers(0, 5, n).astype("timedelta64[D]")),
        "valid_to": pc.if_else(pa.array(rng.random(n) < 0.1), "2099-12-31", dashed(decided + np.timedelta64(5 * 365, "D"))),
        "organ": pick([name for name, _ in organs], organ),
        "organ_uscc": codes.take(pa.array(organ)),
        "state": pa.array(["1"] * n),
        "source": pick([name for name, _ in organs], organ),
        "source_uscc": codes.take(pa.array(organ)),
        "remark": pc.if_else(pa.array(rng.random(n) < 0.05), "示例", none),
    }
    return View(columns, np.arange(n), day, {"person": person, "firm": ~person & ~shop})


_KINDS = {"01": "普通", "03": "认可", "04": "核准", "05": "登记"}
_PARTIES = {"1": "法人及非法人组织", "2": "个体工商户", "3": "自然人"}


def _other_last(code: str) -> str:
    return code[:17] + ("1" if code[17] != "1" else "2")


FAULTS = (
    Fault("uscc_lower", "uscc", "0302", "repair", 1e-2, lambda c: c.text.lower()),
    Fault("kind_word", "kind", "0105", "repair", 3e-2, lambda c: _KINDS[c.text]),
    Fault("party_kind_word", "party_kind", "0105", "repair", 3e-2, lambda c: _PARTIES[c.text]),
    Fault("date_slashes", "valid_to", "0302", "repair", 2e-2, lambda c: c.text.replace("-", "/")),
    Fault("doc_no_missing", "doc_no", "0201", "quarantine", 2e-3, None),
    Fault("doc_no_placeholder", "doc_no", "0201", "quarantine", 2e-3, "无"),
    Fault("licence_no_missing", "licence_no", "0201", "quarantine", 2e-3, None),
    Fault("organ_uscc_check_char", "organ_uscc", "0301", "quarantine", 2e-3, lambda c: _other_last(c.text)),
    Fault("licence_twice", None, "0303", "quarantine", 3e-3, {}, double=True),
    Fault("uscc_check_char", "uscc", "0301", "quarantine", 5e-3, lambda c: _other_last(c.text)),
    Fault("doc_no_bare", "doc_no", "0302", "flag", 5e-3, lambda c: str(c.rng.integers(1, 999))),
    Fault("party_name_missing", "party_name", "0201", "flag", 2e-3, None),
    Fault("party_name_placeholder", "party_name", "0201", "flag", 2e-3, "暂无"),
    Fault("party_kind_unknown", "party_kind", "0105", "flag", 3e-3, "其它", lambda v: v.facts["firm"]),
    Fault("uscc_missing", "uscc", "0201", "flag", 5e-3, None, lambda v: v.facts["firm"]),
    Fault("person_with_uscc", "uscc", "0402", "flag", 3e-3, lambda c: c["organ_uscc"], lambda v: v.facts["person"]),
    Fault("person_id_check_char", "person_id", "0301", "flag", 3e-3, lambda c: _other_last(c.text)),
    Fault("kind_unknown", "kind", "0105", "flag", 3e-3, "行政许可"),
    Fault("content_missing", "content", "0201", "flag", 3e-3, None),
    Fault("decided_impossible", "decided", "0302", "flag", 2e-3, "2026-10-32"),
    Fault("decided_missing", "decided", "0201", "flag", 2e-3, None),
    Fault("valid_before_decided", "valid_from", "0503", "flag", 3e-3, "2026-01-01"),
    Fault("valid_backwards", "valid_to", "0503", "flag", 5e-3, "2021-10-01"),
    Fault("organ_not_public", "organ_uscc", "0402", "flag", 2e-3, lambda c: c["uscc"], lambda v: v.facts["firm"]),
    Fault("state_unknown", "state", "0105", "flag", 3e-3, "9"),
    Fault("source_uscc_check_char", "source_uscc", "0301", "flag", 3e-3, lambda c: _other_last(c.text)),
    Fault("reported_late", "decided", "0502", "flag", 5e-3, {"decided": "2026-08-03", "valid_from": "2026-08-03"}),
    Fault("party_unknown", "party_name", "0402", "none", 5e-3, "查无此企业示例有限公司", lambda v: v.facts["firm"]),
)  # fmt: skip


def write(world: World, folder: Path, truth: Truth, say: Callable[[int], None]) -> None:
    """One file a day with all its records, as the server pages through them; positions count from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    spoilt = plant(view(world), FAULTS, np.random.default_rng([world.seed, 10]))
    places = spoilt.places
    table = pa.table({NAMES[name]: values for name, values in spoilt.view.columns.items()})
    for group, place in places.items():
        records = table.slice(place.start, place.stop - place.start).to_pylist()
        (folder / f"{DAYS[group]}.json").write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")

    def position(row: int) -> tuple[str, str, str, int]:
        group = int(spoilt.view.group[row])
        return DAYS[group], DAYS[group].replace("-", ""), "", row - places[group].start + 1

    truth.add_marks(DATASET, spoilt.marks, position)
    say(spoilt.view.rows)
