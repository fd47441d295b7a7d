"""The command from hand-over to report, with the real lake, suite, Dagster and model, on a project of a few rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tiny_support import hand_over

from assets.lake import LakeBusyError, open_lake
from assets.project import Project
from pipelines.definitions import build_definitions
from pipelines.instance import open_instance
from pipelines.run import RunSummary, SelectionError, run
from pipelines.writer import sole_run

GOOD = "犬牌,出生日期\r\nA1,2020-01-02\r\nA2,2021-03-04\r\n"


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def project(tmp_path: Path, tiny: Callable[..., Project]) -> Project:
    return tiny(tmp_path)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[..., Project]) -> tuple[Project, RunSummary]:
    """A project that has taken in two months, and what was said of it. Tests that change it take a copy (`settled`)."""
    made = tiny(tmp_path_factory.mktemp("settled"))
    hand_over(made, "202608", GOOD)
    hand_over(made, "202609", GOOD + "A3,2022-05-06\r\n")
    return made, run(made)


@pytest.fixture
def settled(first: tuple[Project, RunSummary], tmp_path: Path) -> Project:
    shutil.copytree(first[0].root, tmp_path / "copy")
    return Project(tmp_path / "copy", tmp_path / "copy" / "data")


def rows(project: Project, sql: str) -> list[tuple[object, ...]]:
    with open_lake(project, read_only=True) as con:
        return con.execute(sql).fetchall()


def snapshots(project: Project) -> int:
    return len(rows(project, "SELECT 1 FROM lake.snapshots()"))


def test_from_file_to_base(first: tuple[Project, RunSummary]) -> None:
    project, done = first
    assert done.undone == []
    assert (done.exit_code, done.verdict) == (0, "passed")
    assert [(r.job, r.partitions) for r in done.runs] == [("collect_pet", "2026-08-01 … 2026-09-01"), ("build", ""), ("publish", "")]
    assert done.batches == {"pet": {"batches": 2, "rows": 5, "standard": 5, "quarantined": 0, "rejects": 0, "refused": 0, "repeated": 0}}
    assert rows(project, "SELECT tag FROM base.animal ORDER BY tag") == [("A1",), ("A2",), ("A3",)]
    assert project.results.exists()
    with open_instance(project) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey(["std", "pet"])) == {"2026-08-01", "2026-09-01"}
        verdicts = {r.job_name: r.tags.get("yuanqing/verdict") for r in instance.get_runs()}
    assert verdicts == {"collect_pet": "passed", "build": "passed", "publish": "passed"}


def test_an_asset_shows_the_hand_overs_that_are_in_it_now_once_a_run(first: tuple[Project, RunSummary]) -> None:
    told: dict[str, list[list[object] | None]] = {}
    with open_instance(first[0]) as instance:
        for key in ("raw/pet", "std/pet", "base/animal"):
            events = instance.fetch_materializations(dg.AssetKey(key.split("/")), limit=10).records
            tables = [e.asset_materialization.metadata.get("9 现有批次 hand-overs now in it") for e in events if e.asset_materialization]
            told[key] = [[(r.data["期 period"], r.data["行 rows"]) for r in t.records] if t else None for t in tables]
    both, newest = [("202609", 3), ("202608", 2)], [("202609", 3)]
    assert told == {"raw/pet": [both, None], "std/pet": [newest, None], "base/animal": [newest]}


def test_a_second_run_changes_nothing(settled: Project) -> None:
    before = snapshots(settled), settled.results.stat().st_mtime_ns
    second = run(settled)
    assert second.nothing
    assert second.runs == []
    assert second.exit_code == 0
    assert (snapshots(settled), settled.results.stat().st_mtime_ns) == before


def test_a_few_broken_rows_are_quarantined_and_base_is_built(settled: Project) -> None:
    many = "".join(f"B{i},2020-01-02\r\n" for i in range(40))
    hand_over(settled, "202610", GOOD + many + ",2020-02-02\r\nA3,\r\n")
    done = run(settled)
    assert (done.exit_code, done.verdict) == (0, "warned")
    assert [(f.check, f.state, f.unexpected, f.since) for f in done.failing] == [
        ("completeness__born_present", "failed", 1, "202610"),
        ("completeness__tag_present", "quarantined", 1, "202610"),
    ]
    assert rows(settled, "SELECT count(*) FROM base.animal") == [(43,)]
    assert alone(settled) == {
        "batch__balanced": True,
        "completeness__born_present": False,
        "completeness__tag_present": False,
        # what the contract yields by itself
        "accuracy__form_born": True,
        "accuracy__key_unique": True,
        "conformity__open_columns": True,
    }


def alone(project: Project) -> dict[str | None, bool]:
    """What the checks say when they are run without the step that standardises; they judge anew, and store nothing."""
    before = snapshots(project)
    job = dg.define_asset_job("alone", selection=dg.AssetSelection.checks_for_assets(dg.AssetKey(["std", "pet"])))
    definitions = dg.Definitions.merge(build_definitions(project), dg.Definitions(jobs=[job]))
    with open_instance(project) as instance:
        result = definitions.resolve_job_def("alone").execute_in_process(instance=instance)
    assert snapshots(project) - before <= 1  # the run's own row
    return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}


def test_many_broken_rows_stop_base_until_they_are_mended(settled: Project) -> None:
    project = settled
    hand_over(project, "202610", GOOD + ",2020-02-02\r\n,2020-02-03\r\n")
    done = run(project)
    assert (done.exit_code, done.verdict, done.stopped, done.held) == (1, "failed", {"pet": ["tag_present"]}, ["base.animal"])
    assert [(r.job, r.ok) for r in done.runs] == [("collect_pet", False), ("publish", True)]
    again = run(project)
    assert again.exit_code == 1
    hand_over(project, "202610", GOOD + "A3,2020-02-02\r\nA4,2020-02-03\r\n")
    mended = run(project)
    assert (mended.exit_code, mended.held) == (0, [])
    assert rows(project, "SELECT count(*) FROM base.animal") == [(4,)]


def test_a_broken_base_table_stops_what_lies_above_until_it_is_mended(tmp_path: Path, tiny: Callable[..., Project]) -> None:
    project = tiny(tmp_path, suited=True)
    verdicts = (
        "SELECT outcome, elements, unexpected FROM evidence.results WHERE batch = 'base.animal' AND rule = 'tag_form' ORDER BY checked_at"
    )
    hand_over(project, "202608", GOOD)
    assert run(project).exit_code == 0
    assert rows(project, verdicts) == [("passed", 2, 0)]

    hand_over(project, "202609", GOOD + "a3,2022-05-06\r\na4,2022-05-06\r\n")
    done = run(project)
    assert (done.exit_code, done.stopped, done.held, done.undone) == (1, {"animal": ["tag_form"]}, ["thematic.dogs"], [])
    assert [(f.dataset, f.check, f.state, f.page.partition("?")[0]) for f in done.failing] == [
        ("animal", "accuracy__tag_form", "stopped", "/assets/base/animal")
    ]
    assert rows(project, "SELECT count(*) FROM base.animal UNION ALL SELECT count(*) FROM thematic.dogs") == [(4,), (2,)]

    hand_over(project, "202610", GOOD + "A3,2022-05-06\r\n")
    mended = run(project)
    assert (mended.exit_code, mended.held, mended.failing) == (0, [], [])
    assert rows(project, "SELECT count(*) FROM thematic.dogs") == [(3,)]
    assert rows(project, verdicts) == [("passed", 2, 0), ("failed", 4, 2), ("passed", 3, 0)]


def test_a_refused_hand_over_is_a_failed_check_until_a_better_one_comes(settled: Project) -> None:
    project = settled
    hand_over(project, "202610", "what,else\r\n1,2\r\n")
    done = run(project)
    assert done.exit_code == 0
    assert [(r.period, "header" in r.reason) for r in done.refused] == [("202610", True)]
    assert [(f.check, f.state) for f in done.failing] == [("handover__accepted", "refused")]
    with open_instance(project) as instance:
        key = dg.AssetCheckKey(dg.AssetKey(["raw", "pet"]), "handover__accepted")
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        evaluation = record.evaluation
        assert evaluation is not None
        assert not evaluation.passed
        assert "拒收 1 件" in (evaluation.description or "")
    hand_over(project, "202610", GOOD + "A4,2022-05-06\r\n")
    assert run(project).failing == []


def test_a_hand_over_for_a_time_without_partition_is_refused_with_a_reason(project: Project) -> None:
    hand_over(project, "202010", GOOD)
    done = run(project)
    assert [r.source for r in done.refused] == ["pet_202010.csv"]
    assert run(project).nothing


def test_a_source_out_of_reach_fails_its_own_run_and_no_other(settled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from assets import collect
    from assets.readers import LaterError

    def unreachable(*args: object, **kwargs: object) -> None:
        raise LaterError("the registry at registry.example does not answer. Try again later.")

    monkeypatch.setattr(collect, "pending", unreachable)
    monkeypatch.setattr(collect, "collect", unreachable)
    monkeypatch.setattr("pipelines.factories.DELAY", 0.01)
    done = run(settled)
    assert (done.exit_code, done.verdict) == (2, "unfinished")
    assert [(r.job, r.ok) for r in done.runs] == [("collect_pet", False), ("publish", True)]
    assert "does not answer" in done.undone[0]


def test_what_a_killed_run_left_half_done_is_finished(project: Project) -> None:
    from assets.collect import collect

    hand_over(project, "202610", GOOD)
    with open_lake(project) as con:
        collect(con, project, project.contracts["pet"], "killed-before-standardising")
    done = run(project)
    assert done.exit_code == 0
    assert rows(project, "SELECT count(*) FROM base.animal") == [(2,)]
    assert run(project).nothing


def test_a_changed_model_is_built_again_and_so_is_one_that_is_changed_back(settled: Project) -> None:
    sql = settled.contracts["animal"].sql_path
    before = sql.read_text(encoding="utf-8")
    shown = []
    for text in ("SELECT p.tag AS tag FROM std.pet AS p WHERE p.tag <> 'A1'\n", before):
        sql.write_text(text, encoding="utf-8")
        assert [r.job for r in run(settled).runs] == ["build", "publish"]
        shown.append(rows(settled, "SELECT string_agg(tag, ' ' ORDER BY tag) FROM base.animal"))
    assert shown == [[("A2 A3",)], [("A1 A2 A3",)]]
    assert run(settled).nothing


def test_what_is_changed_while_a_run_is_at_work_is_taken_up_by_the_next(settled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from assets import models

    path, check_built = settled.contracts["animal"].path, models.check_built

    def edited_meanwhile(*built: Any) -> object:
        path.write_text(path.read_text(encoding="utf-8") + "# looked at\n", encoding="utf-8")
        return check_built(*built)

    hand_over(settled, "202610", GOOD + "A4,2022-05-06\r\n")
    with monkeypatch.context() as patched:
        patched.setattr(models, "check_built", edited_meanwhile)
        assert [r.job for r in run(settled).runs] == ["collect_pet", "build", "publish"]
    assert [r.job for r in run(settled).runs] == ["build", "publish"]
    assert run(settled).nothing


def test_reports_that_could_not_be_written_are_written_by_the_next_run(settled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import reports

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    hand_over(settled, "202610", GOOD + "A4,2022-05-06\r\n")
    with monkeypatch.context() as patched:
        patched.setattr(reports, "build_reports", full)
        assert run(settled).exit_code == 2
    assert [(r.job, r.ok) for r in run(settled).runs] == [("publish", True)]
    assert run(settled).nothing


@pytest.mark.parametrize("what", ["settings", "address", "program"])
def test_what_another_program_or_other_settings_made_is_published_again(
    settled: Project, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    from pipelines import publications

    if what == "settings":
        (settled.root / "yuanqing.toml").write_text("[issues]\ncritical_days = 3\n", encoding="utf-8")
    elif what == "address":
        monkeypatch.setenv("YUANQING_REPORTS_URL", "http://reports.example")
    else:
        upgraded = publications.program() | {"files": "another"}
        monkeypatch.setattr(publications, "program", lambda: upgraded)
    assert [r.job for r in run(settled).runs] == ["publish"]
    assert run(settled).nothing


def test_only_what_is_selected_is_run(project: Project) -> None:
    hand_over(project, "202610", GOOD)
    done = run(project, ["base.animal"])
    assert "collect_pet" not in [r.job for r in done.runs]
    with pytest.raises(SelectionError, match="Did you mean 'pet'"):
        run(project, ["pets"])


def test_it_is_collected_in_every_round_and_built_once(project: Project) -> None:
    open_rounds: list[str] = []

    @contextmanager
    def month(period: str) -> Iterator[None]:
        hand_over(project, period, GOOD + f"{period},2022-05-06\r\n")
        open_rounds.append(period)
        yield
        open_rounds.append("over")

    done = run(project, rounds=(month(p) for p in ("202608", "202609")))
    assert [r.job for r in done.runs] == ["collect_pet", "collect_pet", "build", "publish"]
    assert open_rounds == ["202608", "over", "202609", "over"]
    assert done.batches["pet"]["batches"] == 2


def test_nothing_is_asked_further_after_what_could_not_be_done(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> object:
        raise RuntimeError("out of order")

    monkeypatch.setattr("assets.readers.delimited.read_file", fails)
    hand_over(project, "202608", GOOD)
    rounds = iter([nullcontext(), nullcontext()])
    done = run(project, rounds=rounds)
    assert (done.exit_code, len(list(rounds))) == (2, 1)


def test_one_run_at_a_time(project: Project) -> None:
    with sole_run(project), pytest.raises(LakeBusyError, match="another"):
        run(project)


def test_a_check_that_was_selected_and_says_nothing_fails_the_run() -> None:
    from pipelines.checks import checked

    key = dg.AssetKey("thing")
    specs = [dg.AssetCheckSpec(name, asset=key, blocking=True) for name in ("said", "silent")]

    @dg.asset
    def thing() -> None: ...

    @dg.asset(deps=[thing])
    def after() -> None: ...

    @dg.multi_asset_check(specs=specs, can_subset=True)
    @checked
    def judge(context):  # type: ignore[no-untyped-def]
        yield dg.AssetCheckResult(asset_key=key, check_name="said", passed=True)

    result = dg.materialize([thing, after, judge], raise_on_error=False)
    assert not result.success
    assert [e.asset_key for e in result.get_asset_materialization_events()] == [key]
    failure = result.failure_data_for_node("judge")
    assert failure is not None
    assert "silent" in (failure.user_failure_data.description or "")


def test_every_failing_rule_leads_to_a_check_that_stands(tmp_path: Path, tiny: Callable[..., Project]) -> None:
    rule = "  - type: expect_column_values_to_not_be_null\n    kwargs: {{column: born}}\n    meta: {{id: r{0}, indicator: '0201'}}\n"
    project = tiny(tmp_path, rules="name: pet\nexpectations:\n" + "".join(map(rule.format, range(60))))
    hand_over(project, "202609", GOOD + "A3,\r\n")
    done = run(project)
    keys = build_definitions(project).resolve_asset_graph().asset_check_keys
    stand = {f"/assets/{'/'.join(k.asset_key.path)}?view=checks&checkDetail={k.name}" for k in keys}
    assert len(done.failing) == 60
    assert {f.page for f in done.failing} <= stand
