"""Social insurance enrolments as the human resources department's database holds them: two waves of changes to one table.

Belongs here: that view of the world, its faults, the files from which the table is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from sample_data.entities import dashed
from sample_data.faults import Cell, Change, Fault, View, memory, plant
from sample_data.numbers import padded
from sample_data.truth import Truth
from sample_data.world import World, compact, join, pick

DATASET = "social_insurance"
COLUMNS = {
    "person_no": "aac001", "id_number": "aac002", "name": "aac003", "sex": "aac004", "ethnicity": "aac005", "birth_date": "aac006",
    "org_no": "aab001", "org_name": "aab004", "uscc": "aab003", "insurance": "aae140", "enrol_state": "aac008", "pay_state": "aac031",
    "joined": "aac030", "first_joined": "aac049", "retired": "aac084", "base": "aac040", "period": "aae002", "pool_div": "aab301",
    "changed_at": "aae036",
}  # fmt: skip
TYPES = {"aac030": "date", "aac040": "numeric(12,2)", "aae036": "timestamp(6)"}
"""Types of the table's columns; the others are varchar."""
PERIODS = ("202609", "202610")
WAVES = ("2026-09-15T08:00:00", "2026-10-20T08:00:00")


def view(world: World) -> View:
    """The clean table: one row a person and kind of insurance."""
    rng = np.random.default_rng([world.seed, 7])
    age = world.age
    chosen = np.flatnonzero((age >= 17) & (rng.random(world.people) < 0.42))
    worker = (age[chosen] < 60) & (rng.random(len(chosen)) < 0.6)
    more = chosen[worker & (rng.random(len(chosen)) < 0.3)]
    person = np.concatenate([chosen, more, more])
    kind = np.concatenate(
        [np.where(worker, 110, np.where(rng.random(len(chosen)) < 0.1, 120, 170)), np.full(len(more), 210), np.full(len(more), 410)]
    )
    order = rng.permutation(len(person))
    person, kind = person[order], kind[order]
    n = len(person)
    employed = np.isin(kind, (110, 210, 410))
    retired = (age[person] >= 62) & (rng.random(n) < 0.9)
    paying = ~retired & (rng.random(n) < 0.85)
    entity = rng.integers(0, len(world.entities.person), n)
    at, none = pa.array(person), pa.scalar(None, pa.string())
    joined = np.maximum(
        world.born[person] + np.timedelta64(16 * 366, "D"), np.datetime64("2026-08-01") - rng.integers(0, 9000, n).astype("timedelta64[D]")
    )
    joined = np.minimum(joined, np.datetime64("2026-09-01"))
    employer = pa.array(entity)
    month = pc.utf8_slice_codeunits(pc.cast(pa.array(compact(joined)), pa.string()), 0, 6)
    columns = {
        "person_no": join("21", padded(person, 10)),
        "id_number": world.ids.take(at),
        "name": world.name.take(at),
        "sex": pick(("2", "1"), world.male[person].astype(np.int64)),
        "ethnicity": world.ethnicity.take(at),
        "birth_date": pc.cast(pa.array(compact(world.born[person])), pa.string()),
        "org_no": pc.if_else(pa.array(employed), join("21D", padded(entity, 9)), none),
        "org_name": pc.if_else(pa.array(employed), world.entities.name.take(employer), none),
        "uscc": pc.if_else(pa.array(employed), world.entities.uscc.take(employer), none),
        "insurance": pc.cast(pa.array(kind), pa.string()),
        "enrol_state": pick(("2", "1"), (paying | retired).astype(np.int64)),
        "pay_state": pick(("3", "2", "1"), np.where(retired, 0, np.where(paying, 2, 1))),
        "joined": dashed(joined),
        "first_joined": month,
        "retired": pick(("0", "1"), retired.astype(np.int64)),
        "base": pc.if_else(pa.array(paying), join(pc.cast(pa.array(rng.integers(4000, 21000, n)), pa.string()), ".00"), none),
        "period": pc.if_else(pa.array(paying), "202608", none),
        "pool_div": pc.cast(pa.array(world.county[person]), pa.string()),
        "changed_at": _times(WAVES[0], n),
    }
    facts = {"pension": kind == 110, "retired": retired, "paying": paying, "employed": employed, "adult": age[person] >= 27}
    return View(columns, np.arange(n), np.zeros(n, dtype=np.int64), facts)


def _times(start: str, n: int) -> pa.Array:
    """Times of change, rising, no two alike: the order of the extract."""
    step = np.arange(n) * max(1, 10 * 86_400_000_000 // max(1, n))
    return pc.cast(pa.array(np.datetime64(start, "us") + step.astype("timedelta64[us]")), pa.string())


def _later(view: View, rng: np.random.Generator) -> View:
    """The rows that changed a month later: new bases, the period after."""
    rows = np.sort(rng.choice(view.rows, size=max(20, view.rows // 50), replace=False))
    facts = {name: mask[rows] for name, mask in view.facts.items()}
    changed = view.take(rows)
    paying = pa.array(facts["paying"])
    n, none = len(rows), pa.scalar(None, pa.string())
    columns = {
        **changed.columns,
        "base": pc.if_else(paying, join(pc.cast(pa.array(rng.integers(4200, 22000, n)), pa.string()), ".00"), none),
        "period": pc.if_else(paying, "202609", none),
        "changed_at": _times(WAVES[1], n),
    }
    return View(columns, changed.key, changed.group, facts)


def _soon(cell: Cell) -> str:
    """The next microsecond: a double is the next row of the extract."""
    return str(np.datetime64(cell["changed_at"]) + np.timedelta64(1, "us")).replace("T", " ")


def _second_number(cell: Cell) -> Change:
    return {"person_no": "29" + cell.text[2:], "changed_at": _soon(cell)}


def _next_day(cell: Cell) -> str:
    return cell.text[:6] + f"{int(cell.text[6:]) % 27 + 1:02d}"


FAULTS = (
    Fault("id_blank", "id_number", "0302", "repair", 1e-3, lambda c: c.text + " "),
    Fault("sex_word", "sex", "0105", "repair", 2e-3, lambda c: "男" if c.text == "1" else "女"),
    Fault("uscc_lower", "uscc", "0302", "repair", 2e-3, lambda c: c.text.lower()),
    Fault("insurance_short", "insurance", "0302", "repair", 1e-3, lambda c: c.text[:2]),
    Fault("enrol_state_old", "enrol_state", "0105", "repair", 2e-3, "正常参保", lambda v: v.is_in("enrol_state", "1")),
    Fault("person_no_missing", "person_no", "0201", "quarantine", 2e-4, None),
    Fault("id_missing", "id_number", "0201", "quarantine", 5e-4, None),
    Fault("id_check_char", "id_number", "0301", "quarantine", 1e-3, lambda c: c.text[:17] + ("1" if c.text[17] != "1" else "2")),
    Fault("id_15", "id_number", "0302", "quarantine", 1e-3, lambda c: c.text[:6] + c.text[8:17], lambda v: v.facts["adult"]),
    Fault("enrolment_twice", None, "0303", "quarantine", 3e-4, lambda c: {"changed_at": _soon(c)}, double=True),
    Fault("two_person_numbers", "person_no", "0304", "flag", 5e-4, _second_number, double=True),
    Fault("name_missing", "name", "0201", "flag", 3e-4, None),
    Fault("name_placeholder", "name", "0201", "flag", 3e-4, "暂无"),
    Fault("name_blank_inside", "name", "0302", "flag", 1e-3, lambda c: c.text[0] + " " + c.text[1:]),
    Fault("sex_unknown", "sex", "0105", "flag", 5e-4, "3"),
    Fault("sex_not_id", "sex", "0402", "flag", 1e-3, lambda c: "2" if c.text == "1" else "1"),
    Fault("birth_impossible", "birth_date", "0302", "flag", 3e-4, lambda c: c.text[:4] + "0230"),
    Fault("birth_not_id", "birth_date", "0402", "flag", 1e-3, _next_day),
    Fault("insurance_unknown", "insurance", "0105", "flag", 5e-4, "999"),
    Fault("enrol_state_unknown", "enrol_state", "0105", "flag", 5e-4, "9"),
    Fault("pay_state_unknown", "pay_state", "0105", "flag", 3e-4, "8"),
    Fault("joined_before_birth", "joined", "0503", "flag", 3e-4, "1899-01-01"),
    Fault("first_joined_no_month", "first_joined", "0302", "flag", 5e-4, lambda c: c.text[:4] + "13"),
    Fault("period_no_month", "period", "0302", "flag", 5e-4, "201413"),
    Fault("base_negative", "base", "0301", "flag", 3e-4, lambda c: "-" + c.text),
    Fault("base_in_cents", "base", "0301", "flag", 5e-4, lambda c: c.text.replace(".00", "00.00")),
    Fault("base_missing", "base", "0402", "flag", 1e-3, None),
    Fault("retired_unknown", "retired", "0105", "flag", 3e-4, "2"),
    Fault("retired_paying", "pay_state", "0402", "flag", 1e-3, {"pay_state": "1", "base": "5000.00"}, lambda v: v.facts["retired"]),
    Fault("uscc_missing", "uscc", "0201", "flag", 3e-3, None, lambda v: v.facts["pension"]),
    Fault("uscc_check_char", "uscc", "0301", "flag", 1e-3, lambda c: c.text[:17] + ("1" if c.text[17] != "1" else "2")),
    Fault("uscc_old_tax_number", "uscc", "0105", "flag", 2e-3, lambda c: "210" + c["org_no"][3:] + "0"),
    Fault("division_unknown", "pool_div", "0105", "flag", 3e-4, "219988"),
    Fault("division_abolished", "pool_div", "0105", "flag", 5e-4, "210122"),
)  # fmt: skip


def write(world: World, folder: Path, truth: Truth, say: Callable[[int], None]) -> None:
    """One CSV file a wave, in the order of change. A wave is the extract that is collected after it, in its period."""
    folder.mkdir(parents=True, exist_ok=True)
    clean = view(world)
    first = plant(clean, FAULTS, np.random.default_rng([world.seed, 8, 0]))
    rng = np.random.default_rng([world.seed, 8, 1])
    second = plant(_later(clean, rng), FAULTS, rng, before=memory(first))
    for wave, spoilt in enumerate((first, second), 1):
        table = pa.table({COLUMNS[name]: values for name, values in spoilt.view.columns.items()})
        pyarrow.csv.write_csv(table, folder / f"{DATASET}_{wave}.csv")
        truth.add_marks(DATASET, spoilt.marks, partial(_position, PERIODS[wave - 1]))
        say(spoilt.view.rows)


def _position(period: str, row: int) -> tuple[str, str, str, int]:
    return DATASET, period, "", row + 1
