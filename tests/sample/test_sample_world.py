"""The sample: made again it is the same, no person in it can exist, and every fault stands where the truth says."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from sample_support import SCALE, Sample, made

import sample_data
from assets.project import CODE, Project
from expectations.identity import classify_credit_code, classify_resident_id
from sample_data import planting, slices
from sample_data.building import opened, prepare
from sample_data.declared import declarations
from sample_data.made import furnish, make
from sample_data.slices import within
from sample_data.views import lags, view

DATASETS = tuple(declarations(Project.at(CODE, "data")))
PLACES = {f"2199{n:02d}" for n in (*range(1, 15), 21)}
REGISTER = "population_register"


def digests(data: Path) -> dict[str, str]:
    """Of everything that `make` writes (other tests start servers in the same folder)."""
    kept = ("loaded.json", "wave.json")
    parts = [*(data / "landing").rglob("*"), *(data / "sample" / "api").rglob("*"), *(data / "sample" / "database").glob("*")]
    files = [p for p in (*parts, *(data / "sample").glob("*.parquet"), *(data / "sample").glob("made.json")) if p.is_file()]
    return {str(p.relative_to(data)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(files) if p.name not in kept}


def test_every_source_has_a_declared_view() -> None:
    assert set(DATASETS) == {contract.name for contract in Project.at(CODE, "data").sources()}


def test_no_dataset_is_named_in_the_generator() -> None:
    """What a dataset looks like is declared beside its contract, never coded."""
    folder = Path(sample_data.__file__).parent
    for path in folder.rglob("*.py"):
        found = [name for name in DATASETS if re.search(rf"\b{name}\b", path.read_text(encoding="utf-8"))]
        assert not found, path
    for path in (folder / "faults.yaml", folder / "world" / "macros.sql"):
        assert not [name for name in DATASETS if name in path.read_text(encoding="utf-8")]


def test_the_same_seed_gives_the_same_bytes(
    sample: Sample, tmp_path: Path, many_threads: Callable[[], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where rows come in another order: by more threads than the one that made the first, and slice by slice, as those of more
    people than are kept at once; the last slice is not full."""
    monkeypatch.setattr(planting, "WHOLE", 0)
    monkeypatch.setattr(slices, "SLICE", 750)
    with many_threads():
        again = made(tmp_path / "again")
    first, second = digests(sample.project.data), digests(again.project.data)
    assert first == second
    assert len(first) > 100


def test_another_seed_gives_other_people(sample: Sample, tmp_path: Path) -> None:
    first = digests(sample.project.data)
    other = digests(made(tmp_path / "other", seed=8, datasets=[REGISTER]).project.data)
    register = [name for name in other if "CZRK" in name]
    assert len(register) > 25
    assert not {first[name] for name in register if name in first} & {other[name] for name in register}


def test_some_datasets_alone_come_from_the_same_world(sample: Sample, tmp_path: Path) -> None:
    alone = made(tmp_path, datasets=[REGISTER, "social_insurance"])
    first = digests(sample.project.data)
    here = {name: digest for name, digest in digests(alone.project.data).items() if not name.endswith(("truth.parquet", "made.json"))}
    assert {name: first[name] for name in here} == here
    assert len(here) > 25
    wanted = [f for f in sample.truth if f["dataset"] in (REGISTER, "social_insurance")]
    assert alone.truth == wanted


def test_made_once_it_is_left_alone_even_when_the_files_have_been_taken_away(tmp_path: Path) -> None:
    one = made(tmp_path / "data", datasets=["tax_credit"])
    before = digests(one.project.data)
    assert make(one.project, scale=SCALE, seed=7).fresh is False
    assert digests(one.project.data) == before
    shutil.rmtree(one.project.landing)
    make(one.project, scale=SCALE, seed=7)
    assert not one.project.landing.exists()
    with pytest.raises(FileExistsError, match=f"scale {SCALE}, seed 7; asked for scale 10"):
        make(one.project, scale=10, seed=7)


def test_the_register_follows_the_scale(sample: Sample) -> None:
    rows = Counter[str]()
    for handed in sample.delivered(REGISTER):
        rows[handed.period] += len(handed.rows or {})
    assert set(rows) == {"202609", "202610"}
    assert all(0.88 * SCALE < count < 1.02 * SCALE for count in rows.values())  # some live here and are registered elsewhere


@pytest.mark.parametrize("dataset", DATASETS)
def test_no_person_of_the_sample_can_exist(sample: Sample, dataset: str) -> None:
    """In every column of every clean row: ids are right and of no place, phones begin with 100, credit codes are right."""
    ids: set[str] = set()
    codes: set[str] = set()
    phones: set[str] = set()
    for _, row in sample.clean(dataset):
        for name, value in row.items():
            if value is None:
                continue
            if re.fullmatch(r"\d{6}(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])\d{3}[\dX]", value) and name != "uscc":
                ids.add(value)
            elif "uscc" in name and "id" not in name and re.fullmatch("[0-9A-Z]{18}", value):
                codes.add(value)
            elif re.fullmatch(r"1\d{10}", value) and "phone" in name:
                phones.add(value)
    assert {number[:6] for number in ids} <= PLACES
    assert {classify_resident_id(number) for number in ids} <= {"valid"}
    assert {classify_credit_code(code) for code in codes} <= {"valid"}
    assert {phone[:3] for phone in phones} <= {"100"}


def test_clean_people_are_consistent(sample: Sample) -> None:
    rows = 0
    for _, row in sample.clean(REGISTER):
        number = row["id_number"] or ""
        assert row["birth_date"] == number[6:14]
        assert row["sex"] == ("1" if int(number[16]) % 2 else "2")
        assert (row["dead"] == "1") == (row["death_date"] is not None)
        assert (row["updated_at"] or "")[:8] >= (row["birth_date"] or "")
        assert (row["police_station"] or "")[:6] == row["hukou_div"]
        rows += 1
    assert rows > SCALE
    names = {row["name"] for _, row in sample.clean(REGISTER)}
    assert [name for name in names if any(ord(c) > 0xFFFF or c == "·" for c in name or "")]


def test_who_died_died_on_one_day_in_every_view(sample: Sample) -> None:
    """The world is one: where two departments give somebody's death, they give the same day, unless a disagreement is planted."""
    planted = {(f["dataset"], f["source"], f["period"], f["unit"], f["row"]) for f in sample.truth if f["effect"] == "cross"}
    days: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for dataset, column in ((REGISTER, "death_date"), ("death_certificate", "died_at"), ("cremation", "died_on")):
        spoilt = sample.spoilt(dataset)
        for handed in sample.delivered(dataset):
            for number, row in (handed.rows or {}).items():
                place = handed.source, handed.period, handed.unit, number
                if row[column] and row["id_number"] and place not in spoilt and (dataset, *place) not in planted:
                    days[row["id_number"] or ""][dataset].add(re.sub(r"\D", "", row[column] or "")[:8])
    both = [by for by in days.values() if len(by) > 1]
    assert len(both) > 10
    for by in both:
        assert len(set.union(*by.values())) == 1, by


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_truth_points_at_the_place(sample: Sample, dataset: str) -> None:
    handed = {(d.source, d.period, d.unit): d for d in sample.delivered(dataset)}
    looked = 0
    declared = sample.declared[dataset]
    told = {kind for part in declared.told for kind in part.marks} | set(declared.shows)
    for f in sample.truth:
        if f["dataset"] != dataset or f["row"] is None:
            continue
        rows = handed[f["source"], f["period"], f["unit"]].rows
        assert rows is not None
        if f["effect"] == "reject":
            assert f["row"] not in rows, f
        else:
            assert f["row"] in rows, f
            if f["effect"] not in ("cross", "graced") and f["column"] and f["kind"] not in told:
                found = rows[f["row"]].get(f["column"])
                assert found == f["spoilt"] or float(found or "nan") == float(f["spoilt"] or 0), f  # a numeric cell: 12 for 12.00
                looked += f["spoilt"] != f["clean"]
    assert looked > 5


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_row_has_one_fault_by_chance_and_none_where_a_disagreement_stands(sample: Sample, dataset: str) -> None:
    declared = sample.declared[dataset]
    elsewhere = {kind for part in declared.told for kind in part.marks} | set(declared.shows)
    places: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for f in sample.truth:
        if f["dataset"] == dataset and f["row"] is not None and f["kind"] not in elsewhere and f["effect"] != "graced":
            places[f["source"], f["period"], f["unit"], f["row"]].append(f["effect"])
    for effects in places.values():
        by_chance = [e for e in effects if e != "cross"]
        assert len(by_chance) <= 1
        assert not by_chance or len(effects) == 1


def test_some_faults_are_mended_next_month_and_some_stay(sample: Sample) -> None:
    spoilt: dict[str, set[str]] = {"202609": set(), "202610": set()}
    handed = {(d.source, d.period): d for d in sample.delivered(REGISTER)}
    for f in sample.truth:
        if f["dataset"] == REGISTER and f["effect"] == "repair" and f["row"] is not None and f["column"] != "id_number":
            rows = handed[f["source"], f["period"]].rows or {}
            spoilt[f["period"]].add(rows[f["row"]]["id_number"] or "")
    assert spoilt["202609"] & spoilt["202610"]
    assert spoilt["202610"] - spoilt["202609"]


def test_no_view_holds_every_row_against_every_other(tmp_path: Path) -> None:
    """An OR, or a condition on the left side alone, in the ON of a LEFT JOIN makes it grow with the square of the people; so does a
    join by what two tables say together, unless one of them is a figure or a list of words."""
    views = declarations(Project.at(CODE, tmp_path))
    squared = []
    with opened(tmp_path / "sample.duckdb") as con:
        prepare(con, 7, 300, CODE / "expectations" / "codes")
        furnish(con, views, views)
        within(con)
        con.execute("SET asof_loop_join_threshold = 0")  # few rows are held against each other all the same
        for name, declared in views.items():
            lags(con, declared)
            plan = con.execute(f"EXPLAIN (FORMAT json) {view(con, declared, declared.moments[0]).sql}").fetchall()[0][1]
            squared += [f"{name}: {step['name']}" for step in steps(json.loads(plan)[0]) if squares(step)]
    assert not squared


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A step of a plan and all below it."""
    yield plan
    for below in plan["children"]:
        yield from steps(below)


def squares(step: dict[str, Any]) -> bool:
    product = step["name"].strip() == "CROSS_PRODUCT" and all(map(grows, step["children"]))
    return product or step["name"].strip() in ("BLOCKWISE_NL_JOIN", "NESTED_LOOP_JOIN")


def grows(step: dict[str, Any]) -> bool:
    """Whether what a step gives grows with the people."""
    table = str(step["extra_info"].get("Table"))
    match step["name"].strip():
        case "UNGROUPED_AGGREGATE":
            return False
        case "CTE_SCAN":
            return True
        case "SEQ_SCAN":
            return "world." in table and "world.word_" not in table
        case _:
            return any(map(grows, step["children"]))
