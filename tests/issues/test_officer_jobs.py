"""The officer's jobs: opened filled in by a link from the failed check, run by Dagster, refused with the reason."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import pytest
import yaml
from tiny_support import hand_over, make_tiny

from assets.lake import open_lake
from assets.project import Project
from pipelines.checks import rule_result
from pipelines.definitions import build_definitions
from pipelines.issues.waiving import holding
from pipelines.results import connect_results
from pipelines.rulebook import read_rules
from pipelines.run import run
from pipelines.standing import rule_states, stopped


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, quick: None) -> Project:
    """Half of the dogs have no tag, which stops what lies above; one has no birth date."""
    made = make_tiny(tmp_path_factory.mktemp("officer"))
    hand_over(made, "202601", "tag,born\n" + "".join(f"A{n},2020-01-01\n" for n in range(14)) + ",2020-01-01\n" * 15 + "B1,\n")
    run(made)
    return made


def do(project: Project, job: str, **config: Any) -> tuple[bool, str]:
    """Run a job as the launchpad does; whether it succeeded, and the words of the failure."""
    found = build_definitions(project).resolve_job_def(job)
    result = found.execute_in_process(run_config={"ops": {job: {"config": config}}}, raise_on_error=False)
    words = [e.step_failure_data.user_failure_data.description for e in result.all_events if e.is_step_failure]
    return result.success, str(words[0]) if words else ""


def checked(project: Project, rule: str) -> tuple[dg.AssetCheckResult, bool]:
    contract = project.contracts["pet"]
    (one,) = [r for r in read_rules(project, [contract]) if r.id == rule]
    with open_lake(project, read_only=True) as con:
        return rule_result(project, contract, "x", [one], rule_states(con, contract, waivers=holding(project)))


def test_the_link_of_a_failed_check_opens_the_job_filled_in(project: Project) -> None:
    result, _ = checked(project, "born_present")
    for name, job in (("7 派发 dispatch", "dispatch"), ("8 豁免 waive", "waive")):
        address = urlsplit(str(result.metadata[name].value))
        assert address.path == f"/locations/yuanqing/jobs/{job}/playground/setup"
        config = yaml.safe_load(parse_qs(address.query)["config"][0])["ops"][job]["config"]
        assert (config["dataset"], config["rule"], config["who"]) == ("pet", "born_present", "")
        assert do(project, job, **config)[0] is False  # nobody's name


def test_dispatching_shows_in_the_results(project: Project) -> None:
    assert do(project, "dispatch", who="李质管", dataset="pet", rule="born_present") == (True, "")
    with connect_results(project) as con:
        assert con.execute("SELECT dispatched, found FROM ticket_groups WHERE rule = 'born_present'").fetchall() == [(1, 0)]
    again, words = do(project, "dispatch", who="王质管", dataset="pet", rule="born_present")
    assert not again
    assert "李质管: dispatch" in words


def test_a_waived_blocking_rule_stops_nothing_and_goes_on_failing(project: Project) -> None:
    with open_lake(project, read_only=True) as con:
        assert stopped(con, project) == {"pet": ["tag_present"]}
    result, stops = checked(project, "tag_present")
    assert (result.severity, stops) == (dg.AssetCheckSeverity.ERROR, True)
    until = date.today() + timedelta(days=3)
    given = {"who": "李质管", "dataset": "pet", "rule": "tag_present", "why": "换证", "legal_basis": "第十条", "until": str(until)}
    assert "name the second" in do(project, "waive", **given)[1]
    assert "no date" in do(project, "waive", **given | {"second": "王处长", "until": "明年"})[1]
    assert do(project, "waive", **given, second="王处长") == (True, "")
    with open_lake(project, read_only=True) as con:
        assert stopped(con, project) == {}
    result, stops = checked(project, "tag_present")
    assert (result.passed, result.severity, stops) == (False, dg.AssetCheckSeverity.WARN, False)
    assert f"豁免中 waived: W0001 李质管 → {until}" in str(result.description)
    assert do(project, "revoke", who="李质管", waiver="W0001", why="提前办结") == (True, "")
    with open_lake(project, read_only=True) as con:
        assert stopped(con, project) == {"pet": ["tag_present"]}
