"""The sample: made again it is the same, no person in it can exist, and every fault stands where the truth says."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sample_support import SCALE, Sample, made

from assets.project import CODE, Project
from expectations.identity import classify_credit_code, classify_resident_id
from sample_data.faults import Fault, View, plant
from sample_data.made import make

DATASETS = ("population_register", "social_insurance", "market_entity", "admin_licence", "air_quality_hourly")


def digests(data: Path) -> dict[str, str]:
    """Of everything that `make` writes (other tests start servers in the same folder)."""
    made_here = [
        *(data / "landing").rglob("*"),
        *(data / "sample" / "api").iterdir(),
        *(data / "sample" / "database").iterdir(),
        *(data / "sample").glob("*"),
    ]
    files = [p for p in made_here if p.is_file() and p.name not in ("loaded.json", "wave.json")]
    return {str(p.relative_to(data)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(files)}


def digests_of(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_the_same_seed_gives_the_same_bytes(sample: Sample, tmp_path: Path) -> None:
    first, second = digests(sample.project.data), digests(made(tmp_path / "again").project.data)
    assert first == second
    assert len([name for name in first if name.startswith("landing")]) == 32 + 3 + 72


def test_another_seed_gives_other_people(sample: Sample, tmp_path: Path) -> None:
    first, other = digests(sample.project.data), digests(made(tmp_path / "other", seed=8).project.data)
    register = [name for name in first if "GA_CZRK" in name]
    assert len(register) == 32
    assert not {first[name] for name in register} & {other[name] for name in register}


def test_made_once_it_is_left_alone_even_when_the_files_have_been_taken_away(tmp_path: Path) -> None:
    sample = made(tmp_path / "data")
    before = digests(sample.project.data)
    assert make(sample.project, scale=SCALE, seed=7).fresh is False
    assert digests(sample.project.data) == before
    shutil.rmtree(sample.project.landing)
    make(sample.project, scale=SCALE, seed=7)
    assert not sample.project.landing.exists()
    with pytest.raises(FileExistsError, match="scale 3000, seed 7; asked for scale 10"):
        make(sample.project, scale=10, seed=7)


def all_rows(sample: Sample, dataset: str) -> list[tuple[str, str, int, dict[str, str | None]]]:
    return [(source, period, n, row) for source, period in sample.sources(dataset) for n, row in _tolerant(sample, dataset, source, period)]


def _tolerant(sample: Sample, dataset: str, source: str, period: str) -> list[tuple[int, dict[str, str | None]]]:
    try:
        return list(sample.hand_over(dataset, source, period).items())
    except KeyError:  # the hand-over whose header was renamed
        assert any(f["kind"] == "header_renamed" and f["source"] == source for f in sample.truth)
        return []


def again(sample: Sample) -> set[str]:
    """Files that came a second time; the truth speaks of their rows under the first name."""
    return {f["source"] for f in sample.truth if f["kind"] == "same_file"}


def clean_rows(sample: Sample, dataset: str) -> list[dict[str, str | None]]:
    spoilt = {(f["source"], f["period"], f["row"]) for f in sample.truth if f["dataset"] == dataset}
    return [
        row for source, period, n, row in all_rows(sample, dataset) if (source, period, n) not in spoilt and source not in again(sample)
    ]


def test_counts_follow_the_scale(sample: Sample) -> None:
    rows = {dataset: Counter(period for _, period, _, _ in all_rows(sample, dataset)) for dataset in DATASETS}
    register = rows["population_register"]
    twice = sum(source in again(sample) for source, *_ in all_rows(sample, "population_register"))
    assert 0.98 * SCALE < register["202609"] - twice < 1.02 * SCALE
    assert 0.98 * SCALE < register["202610"] < 1.02 * SCALE
    assert set(rows["admin_licence"]) == {"20261027", "20261028", "20261029", "20261030", "20261031"}
    assert sum(rows["admin_licence"].values()) == pytest.approx(0.03 * SCALE, abs=12)
    assert 290 < rows["market_entity"]["202609"] < 320
    assert len(rows["air_quality_hourly"]) == 72
    assert all(84 <= n <= 88 for period, n in rows["air_quality_hourly"].items() if period != "2026102517")
    assert rows["air_quality_hourly"]["2026102517"] == 42
    assert rows["social_insurance"]["202610"] < rows["social_insurance"]["202609"] / 20


def test_no_person_of_the_sample_can_exist(sample: Sample) -> None:
    ids = [(row["id_number"], row) for row in clean_rows(sample, "population_register")]
    ids += [(row["id_number"], row) for row in clean_rows(sample, "social_insurance")]
    ids += [(row["rep_id"], row) for row in clean_rows(sample, "market_entity")]
    ids += [(row["person_id"], row) for row in clean_rows(sample, "admin_licence") if row["person_id"]]
    places = {f"2199{n:02d}" for n in (*range(1, 15), 21)}
    assert len(ids) > 2 * SCALE
    assert {number[:6] for number, _ in ids if number} == places
    assert {classify_resident_id(number or "") for number, _ in ids} == {"valid"}
    phones = {row["phone"] for row in clean_rows(sample, "market_entity")}
    assert all(phone and phone.startswith("100") and len(phone) == 11 for phone in phones)


def test_credit_codes_are_right(sample: Sample) -> None:
    codes = [row["uscc"] for row in clean_rows(sample, "market_entity")]
    codes += [row[c] for row in clean_rows(sample, "admin_licence") for c in ("uscc", "organ_uscc", "source_uscc") if row[c]]
    codes += [row["uscc"] for row in clean_rows(sample, "social_insurance") if row["uscc"]]
    assert len(codes) > 1000
    assert {classify_credit_code(code or "") for code in codes} == {"valid"}
    assert {code[:2] for code in codes if code} == {"91", "92", "93", "11"}


def test_clean_people_are_consistent(sample: Sample) -> None:
    rows = clean_rows(sample, "population_register")
    seen = Counter((row["name"], row["birth_date"], row["hukou_address"], row["updated_at"]) for row in rows)
    for row in rows:
        number = row["id_number"] or ""
        assert row["birth_date"] == number[6:14]
        assert row["sex"] == ("1" if int(number[16]) % 2 else "2")
        assert (row["dead"] == "1") == (row["death_date"] is not None) == (row["cancel_date"] is not None)
        assert (row["updated_at"] or "")[:8] >= (row["birth_date"] or "")
        assert (row["cancel_date"] or "") >= (row["death_date"] or "") >= ""
        assert (row["police_station"] or "")[:6] == row["hukou_div"]
    assert max(seen.values()) <= 2  # September and October
    rare = [row["name"] for row in rows if any(ord(c) > 0xFFFF or c == "·" for c in row["name"] or "")]
    assert rare


def test_clean_readings_are_consistent(sample: Sample) -> None:
    for row in clean_rows(sample, "air_quality_hourly"):
        assert 0 < int(row["pm2_5"] or 0) <= int(row["pm10"] or 0) < 600
        assert 0 < float(row["co"] or 0) < 10
        assert (row["primary_pollutant"] is None) == (int(row["aqi"] or 0) <= 50)
        assert int(row["o3_day_max"] or 0) >= int(row["o3_hourly"] or 0)


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_truth_points_at_the_place(sample: Sample, dataset: str) -> None:
    looked = 0
    handed: dict[tuple[str, str], dict[int, dict[str, str | None]]] = {}
    for f in sample.truth:
        if f["dataset"] != dataset or f["row"] is None:
            continue
        at = f["source"], f["period"]
        if at not in handed:
            handed[at] = dict(_tolerant(sample, dataset, *at))
        rows = handed[at]
        if f["effect"] == "reject":
            assert f["row"] not in rows, f
        elif f["column"]:
            assert rows[f["row"]][f["column"]] == f["spoilt"], f
            looked += f["spoilt"] != f["clean"]
        else:
            assert f["row"] in rows
    assert looked > 25


def test_rejects_stand_at_their_lines(sample: Sample) -> None:
    for f in [f for f in sample.truth if f["effect"] == "reject"]:
        lines = (sample.project.landing / f["dataset"] / f["source"]).read_bytes().decode("gb18030").replace("\r\n", "\n").split("\n")
        line = lines[f["row"] - 1]
        if f["kind"] == "truncated_line":
            assert f["row"] == len(lines)
            assert line.count(",") < 16
        else:
            assert (line.count(","), line.count('"')) == {"surplus_comma": (17, 0), "stray_quote": (16, 1)}[f["kind"]]


def test_the_truth_knows_every_kind_once_a_row(sample: Sample) -> None:
    declared: dict[str, set[str]] = {}
    from sample_data import air, entities, insurance, licences, population

    for module in (air, entities, insurance, licences, population):
        declared[module.DATASET] = {f.kind for f in module.FAULTS}
        assert len(declared[module.DATASET]) == len(module.FAULTS)
    planted: dict[str, set[str]] = {}
    for f in sample.truth:
        planted.setdefault(f["dataset"], set()).add(f["kind"])
    for dataset, kinds in declared.items():
        assert kinds <= planted[dataset] | {"name_half_brackets"}, dataset  # which needs a firm with brackets: rare at this scale
    touched = ("head_missing", "head_twice", "readings_frozen")  # told of every row that they touch
    planted_in = [f for f in sample.truth if f["row"] is not None and f["kind"] not in touched]
    places = Counter((f["dataset"], f["source"], f["period"], f["row"]) for f in planted_in)
    assert max(places.values()) == 1


def test_some_faults_are_mended_in_october_and_some_stay(sample: Sample) -> None:
    spoilt: dict[str, set[tuple[str, Any]]] = {"202609": set(), "202610": set()}
    for f in sample.truth:
        if f["dataset"] == "population_register" and f["kind"] == "sex_not_id":
            spoilt[f["period"]].add(
                (sample.hand_over("population_register", f["source"], f["period"])[f["row"]]["id_number"] or "", f["kind"])
            )
    stay = spoilt["202609"] & spoilt["202610"]
    assert len(stay) <= len(spoilt["202609"])
    assert spoilt["202610"] - spoilt["202609"]


def test_a_row_has_one_fault_and_a_double_stands_behind_its_original() -> None:
    view = View({"a": pa.array([str(n) for n in range(20)])}, np.arange(20), np.repeat([0, 1], 10))
    faults = [
        Fault("twice", None, "0303", "quarantine", 0.2, {}, double=True),
        Fault("gone", "a", "0201", "flag", 0.2, None),
        Fault("named", "a", "0301", "flag", 0.2, lambda c: f"x{c.text}", lambda v: v.group == 1),
    ]
    spoilt = plant(view, faults, np.random.default_rng(3), here=np.arange(20) != 5)
    cells = spoilt.view.columns["a"].to_pylist()
    assert len(cells) == 19 + 4
    assert spoilt.view.key.tolist() == sorted(spoilt.view.key.tolist())
    assert 5 not in spoilt.view.key
    assert Counter(m.fault.kind for m in spoilt.marks) == {"twice": 8, "gone": 4, "named": 4}
    for mark in spoilt.marks:
        key = int(spoilt.view.key[mark.row])
        assert cells[mark.row] == {"twice": str(key), "gone": None, "named": f"x{key}"}[mark.fault.kind]
    assert {int(spoilt.view.group[m.row]) for m in spoilt.marks if m.fault.kind == "named"} == {1}
    assert spoilt.places == {0: slice(0, spoilt.places[0].stop), 1: slice(spoilt.places[0].stop, 23)}


def test_some_datasets_alone_come_from_the_same_world(sample: Sample, tmp_path: Path) -> None:
    project = Project.at(CODE, tmp_path)
    make(project, scale=SCALE, seed=7, datasets=["population_register"])
    alone, all_of_them = digests_of(project.landing), digests_of(sample.project.landing)
    assert {name: all_of_them[name] for name in alone} == alone
    assert len(alone) == 32
