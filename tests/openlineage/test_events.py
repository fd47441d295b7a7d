"""Events of real runs: from the command, from the UI's job, of runs that fail, are killed, or never get the lake."""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assets.lake import open_lake
from assets.project import Project
from pipelines.definitions import build_definitions
from pipelines.instance import open_instance
from pipelines.openlineage.events import Step, Told
from pipelines.openlineage.facets import SCHEMAS, SPECIFICATION, _address
from pipelines.openlineage.outbox import Outbox
from pipelines.openlineage.resource import Running, read_told
from pipelines.run import RunSummary, run

GOOD = "犬牌,出生日期\r\nA1,2020-01-02\r\nA2,2021-03-04\r\nA3,\r\n"
JOB = "__ASSET_JOB"
Event = dict[str, Any]


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def first(
    tmp_path_factory: pytest.TempPathFactory,
    quick: None,
    listening: Any,
    made_at: Callable[[Path], Project],
    connect: Callable[..., None],
    deliver: Callable[..., None],
) -> tuple[Project, RunSummary]:
    """A project that was run once, its events sent to `listening`. Tests that change it take a copy (`settled`)."""
    project = made_at(tmp_path_factory.mktemp("told"))
    connect(project, listening.url)
    deliver(project, "202609", GOOD)
    return project, run(project)


@pytest.fixture
def settled(first: tuple[Project, RunSummary], tmp_path: Path) -> Project:
    shutil.copytree(first[0].root, tmp_path / "copy")
    project = Project(tmp_path / "copy", tmp_path / "copy" / "data")
    project.connections.unlink()
    shutil.rmtree(Outbox.of(project).folder)
    return project


def written(project: Project) -> list[Event]:
    return [json.loads(line) for path in Outbox.of(project).files for line in path.read_text(encoding="utf-8").splitlines()]


def one(events: list[Event], job: str, kind: str = "COMPLETE") -> Event:
    [found] = [e for e in events if (e["job"]["name"], e["eventType"]) == (job, kind)]
    return found


def materialise(project: Project, *keys: list[str]) -> Any:
    """What the UI does: a run of assets by the job that Dagster makes for all of them."""
    import dagster as dg

    definitions = build_definitions(project)
    made = definitions.resolve_implicit_global_asset_job_def()
    with open_instance(project) as instance:
        return made.execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(k) for k in keys],
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )


def told_of(project: Project, run_id: str) -> list[str]:
    """What a run's log says of the events."""
    with open_instance(project) as instance:
        return [e.user_message for e in instance.all_logs(run_id) if e.user_message.startswith("OpenLineage")]


def test_every_run_and_step_is_told_and_valid(first: tuple[Project, RunSummary], listening: Any, valid: Callable[[Event], None]) -> None:
    project, done = first
    assert done.undone == []
    events = written(project)
    for event in events:
        valid(event)
    assert listening.wrong == []
    assert listening.events == events
    told = [(e["job"]["name"], e["eventType"]) for e in events]
    jobs = {
        "collect_pet": ["raw.pet", "check_raw_pet", "std.pet", "check_std_pet"],
        "build": ["base.animal", "check_base_animal"],
        "publish": ["issues", "results", "reports", "quality_inbox"],
    }
    assert sorted(told) == sorted((name, kind) for job, steps in jobs.items() for name in (job, *steps) for kind in ("START", "COMPLETE"))
    runs = {r.job: r.run_id for r in done.runs}
    for job, steps in jobs.items():
        assert one(events, job)["run"]["runId"] == runs[job]
        assert "parent" not in one(events, job)["run"]["facets"]
        for name in steps:
            event, start = one(events, name), one(events, name, "START")
            above = event["run"]["facets"]["parent"]
            assert (above["run"]["runId"], above["job"]["name"]) == (runs[job], job)
            assert event["run"]["runId"] == start["run"]["runId"]
            assert one(events, job, "START")["eventTime"] <= start["eventTime"] <= event["eventTime"] <= one(events, job)["eventTime"]
    assert not list((Outbox.of(project).folder / "running").iterdir())


def test_what_is_said_of_collecting_and_standardising(first: tuple[Project, RunSummary]) -> None:
    events = written(first[0])
    [came], [raw] = one(events, "raw.pet")["inputs"], one(events, "raw.pet")["outputs"]
    assert (came["name"], raw["name"]) == ("in.pet", "raw.pet")
    assert came["facets"]["dataSource"]["uri"] == "file:landing/pet/%2A.csv"
    assert came["inputFacets"]["inputStatistics"]["rowCount"] == 3
    assert came["inputFacets"]["inputStatistics"]["fileCount"] == 1
    assert raw["outputFacets"]["outputStatistics"]["rowCount"] == 3
    [made] = one(events, "std.pet")["outputs"]
    facets = made["facets"]
    assert [(f["name"], f["type"]) for f in facets["schema"]["fields"]] == [("tag", "VARCHAR"), ("born", "DATE")]
    assert facets["ownership"]["owners"] == [{"name": "team:city", "type": "MAINTAINER"}]
    assert "犬只登记" in facets["documentation"]["description"]
    assert [(t["field"], t["value"]) for t in facets["tags"]["tags"]] == [("tag", "1"), ("born", "2")]
    assert facets["dataQualityMetrics"]["rowCount"] == 3
    assert facets["dataQualityMetrics"]["columnMetrics"]["born"] == {"nullCount": 1, "count": 2}
    assert made["outputFacets"]["outputStatistics"]["rowCount"] == 3
    [checked] = one(events, "check_std_pet")["inputs"]
    said = {a["name"]: a for a in checked["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert (said["tag_present"]["success"], said["tag_present"]["severity"], said["tag_present"]["column"]) == (True, "error", "tag")
    assert (said["born_present"]["success"], said["born_present"]["severity"]) == (False, "warn")
    assert (said["born_present"]["actual"], said["born_present"]["description"]) == ("1 of 3", "出生日期必填 The birth date is present")


def test_columns_of_a_model_and_the_versions_it_read_and_made(first: tuple[Project, RunSummary]) -> None:
    project, _ = first
    event = one(written(project), "base.animal")
    [made], [read] = event["outputs"], event["inputs"]
    lineage = made["facets"]["columnLineage"]
    found = {
        column: [(i["name"], i["field"], t["type"], t["subtype"]) for i in said["inputFields"] for t in i["transformations"]]
        for column, said in lineage["fields"].items()
    }
    assert found == {
        "tag": [("std.pet", "tag", "DIRECT", "IDENTITY")],
        "year": [("std.pet", "born", "DIRECT", "TRANSFORMATION")],
    }
    assert [(i["field"], i["transformations"][0]["subtype"]) for i in lineage["dataset"]] == [("tag", "FILTER")]
    assert "p.tag <> 'A9'" in event["job"]["facets"]["sql"]["query"]
    assert made["outputFacets"]["outputStatistics"]["rowCount"] == 3
    with open_lake(project, read_only=True) as con:
        [(built_from,)] = con.execute("SELECT snapshot FROM evidence.builds WHERE dataset = 'base.animal'").fetchall()
    assert read["facets"]["version"]["datasetVersion"] == str(built_from)
    now = int(made["facets"]["version"]["datasetVersion"])
    assert now > built_from
    with open_lake(project, snapshot=now) as con:
        assert con.execute("SELECT count(*) FROM base.animal").fetchone() == (3,)


def test_no_value_of_a_row_is_in_an_event(project: Project, deliver: Callable[..., None]) -> None:
    deliver(project, "202609", "犬牌,出生日期\r\nZZTOP77,2020-01-02\r\n,2021-03-04\r\nQQTAG88,not a date\r\n")
    run(project)
    text = "".join(p.read_text(encoding="utf-8") for p in Outbox.of(project).files)
    for value in ("ZZTOP", "QQTAG", "not a date", "2021-03-04"):
        assert value not in text


def test_a_run_that_fails(settled: Project, valid: Callable[[Event], None]) -> None:
    sql = settled.root / "assets" / "base" / "animal" / "animal.sql"
    sql.write_text('SELECT p.tag AS tag, CAST(p.tag AS BIGINT) AS "year" FROM std.pet AS p\n', encoding="utf-8")
    done = materialise(settled, ["base", "animal"])
    assert not done.success
    events = written(settled)
    assert [(e["job"]["name"], e["eventType"]) for e in events] == [
        (JOB, "START"),
        ("base.animal", "START"),
        ("base.animal", "FAIL"),
        (JOB, "FAIL"),
    ]
    for event in events:
        valid(event)
    for event in events[2:]:
        said = event["run"]["facets"]["errorMessage"]
        assert said["programmingLanguage"] == "PYTHON"
        assert said["message"]
        assert "A1" not in said["message"]
    [out] = events[2]["outputs"]
    assert "version" not in out["facets"]
    assert "outputFacets" not in out


def test_a_blocking_check_that_fails_is_named(settled: Project, deliver: Callable[..., None]) -> None:
    deliver(settled, "202610", "犬牌,出生日期\r\n" + ",2020-01-02\r\n" * 30 + "A1,2020-01-02\r\n")
    assert run(settled).stopped
    events = written(settled)
    assert "tag" in one(events, "check_std_pet", "FAIL")["run"]["facets"]["errorMessage"]["message"]
    assert one(events, "std.pet")["outputs"]
    [checked] = one(events, "check_std_pet", "FAIL")["inputs"]
    said = {a["name"]: a["success"] for a in checked["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert said["tag_present"] is False


def test_a_run_that_is_stopped_by_hand_is_aborted(settled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*given: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.reports.build_reports", stopped)
    with contextlib.suppress(KeyboardInterrupt):
        materialise(settled, ["reports"])
    assert [(e["job"]["name"], e["eventType"]) for e in written(settled)] == [
        (JOB, "START"),
        ("reports", "START"),
        ("reports", "ABORT"),
        (JOB, "ABORT"),
    ]


def test_an_endpoint_that_is_down_fails_nothing_and_the_next_run_sends_all(settled: Project, gone: Any, connect: Any) -> None:
    connect(settled, gone.url)
    assert materialise(settled, ["reports"]).success
    before = written(settled)
    with gone.up():
        assert materialise(settled, ["reports"]).success
    assert gone.wrong == []
    assert (len(before), len(gone.events)) == (4, 8)
    assert gone.events == written(settled)
    assert gone.events[:4] == before


@pytest.mark.parametrize("mode", ["500", "hang"])
def test_an_endpoint_that_fails_or_hangs_fails_nothing(settled: Project, endpoint: Any, connect: Any, mode: str) -> None:
    connect(settled, endpoint.url, timeout=0.3)
    endpoint.mode = mode
    done = materialise(settled, ["reports"])
    assert done.success
    assert endpoint.bodies == []
    [said] = told_of(settled, done.run_id)
    assert "next run" in said


def test_settings_that_cannot_be_followed_fail_nothing(settled: Project, connect: Any) -> None:
    connect(settled, "http://host/x", token="hush-hush")
    done = materialise(settled, ["reports"])
    assert done.success
    assert len(written(settled)) == 4
    [said] = told_of(settled, done.run_id)
    assert "env:NAME or file:/path" in said
    assert "hush-hush" not in said


def test_a_disk_that_takes_no_event_fails_nothing(settled: Project) -> None:
    Outbox.of(settled).folder.write_text("no folder")
    done = materialise(settled, ["reports"])
    assert done.success
    assert any("not complete" in said for said in told_of(settled, done.run_id))


def test_a_run_that_was_launched_from_the_ui(settled: Project, valid: Callable[[Event], None]) -> None:
    done = materialise(settled, ["base", "animal"])
    assert done.success
    events = written(settled)
    for event in events:
        valid(event)
    above = one(events, "base.animal")["run"]["facets"]["parent"]
    assert (above["run"]["runId"], above["job"]["name"]) == (done.run_id, JOB)


def test_reports_alone_are_told_without_the_lake(settled: Project) -> None:
    assert materialise(settled, ["reports"]).success
    event = one(written(settled), "reports")
    assert [d["name"] for d in event["inputs"]] == ["results"]


def test_a_run_that_never_got_the_lake(settled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.writer.waiting_lake.__wrapped__.__defaults__", (None, 0.0))
    with open_lake(settled):
        assert not materialise(settled, ["base", "animal"]).success
    events = written(settled)
    assert [e["eventType"] for e in events] == ["START", "FAIL"]
    assert events[1]["run"]["facets"]["errorMessage"]["message"].startswith("another run writes into")


def test_a_run_that_was_killed_is_ended_by_the_next(settled: Project, valid: Callable[[Event], None]) -> None:
    dead, alive = str(uuid.uuid4()), str(uuid.uuid4())
    at_work, killed = Running(settled), Running(settled)
    killed.begin(dead, "build", 1_790_000_000.0)
    killed._held.release()  # as the system does for a process that is no more
    at_work.begin(alive, "build", 1_790_000_000.0)
    assert materialise(settled, ["reports"]).success
    events = written(settled)
    assert [e["eventType"] for e in events if e["run"]["runId"] == dead] == ["START", "ABORT"]
    assert [e["eventType"] for e in events if e["run"]["runId"] == alive] == ["START"]
    for event in events:
        valid(event)
    at_work.close()


def test_told_twice_it_is_the_same_event(first: tuple[Project, RunSummary]) -> None:
    project, done = first
    run_id = next(r.run_id for r in done.runs if r.job == "build")
    with open_instance(project) as instance:
        told = read_told(instance, run_id, "build", 0.0)
    again = [(e["run"]["runId"], e["eventType"], e["eventTime"]) for e in Running(project).teller().end(told)]
    kept = {(e["run"]["runId"], e["eventType"], e["eventTime"]) for e in written(project)}
    assert len(again) == 5
    assert set(again) <= kept


def test_a_wrong_model_elsewhere_keeps_no_event(settled: Project) -> None:
    (settled.root / "assets" / "base" / "animal" / "animal.sql").write_text("SELECT nothing FROM std.pet AS p\n", encoding="utf-8")
    running = Running(settled)
    assert running.teller().graph is None
    step = Step("std__pet", 1.0, 2.0, "COMPLETE")
    events = list(running.teller().end(Told(str(uuid.uuid4()), "collect_pet", 1.0, 2.0, [step])))
    assert [e["eventType"] for e in events] == ["START", "COMPLETE", "COMPLETE"]
    assert [d["name"] for d in events[1]["inputs"]] == ["raw.pet"]


def test_long_numbers_are_hidden_in_the_words_of_an_error(project: Project) -> None:
    step = Step("std__pet", 1.0, 2.0, "FAIL", "210199199001010012 and 91210199MA0000001X of batch pet-202609--0123456789ab")
    told = Told(str(uuid.uuid4()), "collect_pet", 1.0, 2.0, [step])
    said = [e["run"]["facets"]["errorMessage"]["message"] for e in Running(project).teller().end(told) if e["eventType"] == "FAIL"]
    assert said == ["2101************12 and 9121************1X of batch pet-202609--0123456789ab"] * 2


def test_facets_are_of_the_releases_that_the_specification_has(valid: Callable[[Event], None]) -> None:
    from assets.project import CODE

    folder = CODE.parent / "shared" / "conformance" / "openlineage" / "facets"
    for said in SCHEMAS.values():
        kind = said.split("/")[1]
        schema = json.loads((folder / f"{kind}.json").read_text(encoding="utf-8"))
        assert schema["$id"] == f"{SPECIFICATION}/facets/{said}.json"
        assert kind in schema["$defs"]


def test_an_address_holds_no_secret() -> None:
    from assets.contracts import Server

    api = Server("a", "api", {"location": "http://me:hush@host:8/路/x?key=hush"})
    assert _address(api) == "http://host:8/%E8%B7%AF/x"
    database = Server("d", "postgresql", {"host": "db", "database": "hr", "table": "people", "password": "hush"})
    assert _address(database) == "postgresql://db/hr/people"
