"""The sample through the real path: the truth and the evidence agree, and what is taken from the evidence or put in shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from io import StringIO
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from sample_support import Sample, folder, made

import sample_data
from assets.collect import collect
from assets.lake import open_lake
from assets.project import Project
from assets.readers.options import connection
from assets.standardise import standardise
from pipelines import truth

# one of each form
CARRIED = [
    "population_register", "market_entity", "social_insurance", "medical_insurance", "birth_certificate", "cremation", "employment",
    "penalty_publicity", "public_body", "air_quality_hourly",
]  # fmt: skip


def carry(project: Project) -> None:
    with sample_data.serving(project), open_lake(project) as con:
        for name in CARRIED:
            contract = project.contracts[name]
            outcome = collect(con, project, contract, "test")
            assert not outcome.problems
            standardise(con, project, contract, "test")


@pytest.fixture(scope="module")
def carried(many_threads: Callable[[], AbstractContextManager[None]]) -> Iterator[Sample]:
    with folder() as data:
        with many_threads():
            sample = _carried(made(data, datasets=CARRIED))
        yield sample


def _carried(sample: Sample) -> Sample:
    carry(sample.project)
    before = truth.compare(sample.project)
    # the one table that keeps the present state alone has gone through its first wave
    assert before.pending == len([f for f in of_rows(sample) if f["dataset"] == "social_insurance" and f["period"] == "202610"]) > 0
    assert sample_data.advance(sample.project)
    assert not sample_data.advance(sample.project)
    carry(sample.project)
    return sample


def of_rows(sample: Sample) -> list[dict[str, Any]]:
    """The truth but for what one dataset alone cannot show."""
    return [f for f in sample.truth if f["effect"] not in ("cross", "graced")]


def test_truth_and_evidence_agree(carried: Sample) -> None:
    report = truth.compare(carried.project)
    told = report.as_json()
    assert not told["false_alarms"], told
    assert not told["missed_claimed"], told
    assert told["pending"] == 0
    kinds = [k for k in told["kinds"] if k["effect"] not in ("cross", "graced")]
    assert [k["kind"] for k in kinds if k["missed"]] == []
    assert sum(k["caught"] for k in kinds) == len(of_rows(carried))
    assert {k["effect"] for k in kinds} == {"flag", "quarantine", "repair", "reject", "refuse", "repeat"}


def test_collecting_again_changes_nothing(carried: Sample) -> None:
    def rows() -> list[tuple[object, ...]]:
        with open_lake(carried.project, read_only=True) as con:
            return con.execute("SELECT batch, rows_raw, rows_std, status FROM evidence.batches ORDER BY ALL").fetchall()

    before = rows()
    carry(carried.project)
    assert rows() == before


@pytest.mark.parametrize(
    ("change", "shows"),
    [
        ("DELETE FROM evidence.issues WHERE dataset = 'population_register' AND rule = 'sex_agrees_with_id'", "sex_not_id"),
        ("DELETE FROM evidence.rejects", "surplus_comma"),
        ("UPDATE std_batches.population_register SET sex = '9' WHERE sex = '1'", "sex_word"),
        ("DELETE FROM quarantine.market_entity", "key_missing"),
        ("UPDATE evidence.batches SET status = 'collected' WHERE status = 'refused'", "header_renamed"),
        ("DELETE FROM evidence.results WHERE rule IN ('all_stations', 'hours_alike')", "stations_missing"),
    ],
)
def test_what_is_missing_from_the_evidence_is_a_miss(carried: Sample, change: str, shows: str) -> None:
    report = _after(carried, change)
    assert not report.ok
    assert not report.false_alarms
    assert shows in {k.kind for k in report.kinds if k.missed and k.claimed}


@pytest.mark.parametrize(
    ("change", "alarm"),
    [
        # a row without any fault
        (
            (
                "INSERT INTO evidence.issues SELECT batch, dataset, max(row) + 1, 'sex_code' FROM evidence.issues"
                " WHERE dataset = 'population_register' GROUP BY ALL LIMIT 1"
            ),
            "sex_code",
        ),
        # a row whose fault is another rule's
        (
            (
                "INSERT INTO evidence.issues SELECT batch, dataset, row, 'marital_code' FROM evidence.issues"
                " WHERE rule = 'sex_agrees_with_id' LIMIT 1"
            ),
            "marital_code",
        ),
        ("UPDATE evidence.results SET outcome = 'failed' WHERE rule = 'all_stations' AND batch LIKE '%2026102501-%'", "all_stations"),
    ],
)
def test_an_issue_without_a_fault_is_a_false_alarm(carried: Sample, change: str, alarm: str) -> None:
    report = _after(carried, change)
    assert not report.ok
    assert [(rule, n) for (_, rule), n in report.false_alarms.items()] == [(alarm, 1)]


def _after(sample: Sample, change: str) -> truth.TruthReport:
    """The comparison as it would be after a change to the evidence, which is taken back."""
    with open_lake(sample.project) as con:
        before = con.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()
        con.execute("BEGIN")
        con.execute(change)
        try:
            return truth.compare_in(con, sample.project)
        finally:
            con.execute("ROLLBACK")
            assert con.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone() == before


def test_the_report_prints_every_kind(carried: Sample) -> None:
    from rich.console import Console

    out = StringIO()
    report = truth.compare(carried.project)
    truth.render(report, Console(file=out, width=140))
    assert all(k.kind in out.getvalue() for k in report.kinds)
    assert "0 missed that are claimed, 0 false alarms" in out.getvalue()


def test_without_a_sample_there_is_no_truth_and_nothing_is_served(tmp_path_factory: pytest.TempPathFactory) -> None:
    project = Project.at(None, tmp_path_factory.mktemp("none"))
    with pytest.raises(FileNotFoundError, match="no sample was made here"):
        truth.compare(project)
    with sample_data.serving(project):
        assert not project.connections.exists()
    assert not sample_data.advance(project)


def test_an_interface_pages_and_asks_for_its_token(sample: Sample) -> None:
    import json

    def ask(path: str, token: str) -> dict[str, Any]:
        request = Request(f"{reach['location']}{path}", headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=5) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    *_, last = sample.delivered("hotline_order")
    assert last.rows is not None
    with sample_data.serving(sample.project):
        reach = connection(sample.project, "data_bureau_api")
        assert last.source in ask("/api/hotline/days", reach["token"])["days"]
        first, second, past = (ask(f"/api/hotline?date={last.source}&page={n}&size=10", reach["token"])["data"] for n in (1, 2, 999))
        expected = [row["order_no"] for row in list(last.rows.values())[:20]]
        assert [r["order_no"] for r in (*first["records"], *second["records"])] == expected
        assert (first["total"], past["records"]) == (len(last.rows), [])
        assert ask("/api/certificates/days", reach["token"])["days"]  # another dataset of the same server
        with pytest.raises(HTTPError, match="401"):
            ask("/api/hotline/days", "wrong")
        with pytest.raises(HTTPError, match="401"):
            ask("/api/hotline/days", connection(sample.project, "health_commission_api")["token"])
        with pytest.raises(HTTPError, match="404"):
            ask("/api/nothing", reach["token"])


def test_one_process_serves_at_a_time_and_the_database_stands_still_meanwhile(sample: Sample) -> None:
    with sample_data.serving(sample.project):
        reached = sample.project.connections.read_bytes()
        with sample_data.serving(sample.project):
            assert sample.project.connections.read_bytes() == reached
        assert not sample_data.advance(sample.project)
