"""Contracts made into Dagster assets and their checks.

Belongs here: one factory a kind of asset. Not here: the work itself (`assets`), what an asset tells of itself
(`pipelines.describing`), how a check reads (`pipelines.checks`), when things run (`jobs`, `schedules`, `sensors`).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg

from assets.contracts import Contract
from assets.lake import objects
from assets.project import Project
from pipelines import checks
from pipelines.anomalies import judged
from pipelines.describing import common, described, freshness, kinds_of
from pipelines.errors import clear_errors
from pipelines.inbox import inbox_asset
from pipelines.issues.asset import issues_asset
from pipelines.issues.waiving import holding
from pipelines.lineage.asking import batches_in
from pipelines.lineage.shown import NEWEST, Shown, newest_of, tell_hand_overs
from pipelines.periods import Periods, Said, periods_of
from pipelines.resource import Lake, tag_verdict
from pipelines.rulebook import Rule, read_rules
from pipelines.standing import RuleState, accounted, balanced, refusals, rule_states, standing_batches, stopped

STRAYS_TAG = "yuanqing/strays"  # partition keys of hand-overs for a period that has no partition; collecting refuses them
REPLAY_TAG = "yuanqing/replay"  # batches to be standardised and judged again, and no others
PROBLEMS_TAG = "yuanqing/problems"  # what could not be collected beside what was
RETRIES, DELAY = 1, 2.0  # further tries, and seconds before the first of them; readers have tried several times by then


def partitions(contract: Contract) -> dg.TimeWindowPartitionsDefinition:
    """Delivery periods, up to and with the present one."""
    assert contract.delivery is not None
    start = contract.delivery.start
    start = start + "-01" * (2 - start.count("-"))
    if contract.delivery.partition == "monthly":
        return dg.MonthlyPartitionsDefinition(start_date=start, end_offset=1)
    return dg.DailyPartitionsDefinition(start_date=start, end_offset=1)


def keys_of(run: dg.DagsterRun, contract: Contract) -> set[str] | None:
    """The partitions that a run is for, or None where it names none (then all of them)."""
    if one := run.tags.get("dagster/partition"):
        keys = {one}
    elif first := run.tags.get("dagster/asset_partition_range_start"):
        keys = set(
            partitions(contract).get_partition_keys_in_range(dg.PartitionKeyRange(first, run.tags["dagster/asset_partition_range_end"]))
        )
    else:
        return None
    return keys | set(filter(None, run.tags.get(STRAYS_TAG, "").split(",")))


def raw_asset(project: Project, contract: Contract, lineage: Shown) -> dg.AssetsDefinition:
    """Collect the hand-overs of a source dataset."""

    @dg.asset(
        key=["raw", contract.name],
        description=f"收集：{described(contract)}\n\n原样文本，含批次与行号。 As handed over: every value as text, with its batch and row.",
        kinds=kinds_of(contract),
        partitions_def=partitions(contract),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=dg.RetryPolicy(max_retries=RETRIES, delay=DELAY, backoff=dg.Backoff.EXPONENTIAL),
        freshness_policy=freshness(contract),
        required_resource_keys={"lake"},
        **common(contract, lineage, raw=True),
    )
    def collected(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from assets.collect import collect
        from assets.readers import LaterError

        lake: Lake = context.resources.lake
        with clear_errors():
            outcome = collect(lake.con, project, contract, context.run.run_id, partition_keys=keys_of(context.run, contract))
            if outcome.problems and not outcome.batches:
                raise LaterError(" ".join(outcome.problems))
        if outcome.problems:
            context.instance.add_run_tags(context.run.run_id, {PROBLEMS_TAG: " ".join(outcome.problems)[:2000]})
        lake.done.append(f"raw.{contract.name}")
        batches = objects(lake.con, "SELECT * FROM evidence.batches WHERE dataset = ?", [contract.name])
        tell_hand_overs(context, contract, newest_of(batches))
        return dg.MaterializeResult(metadata=_collected([b for b in batches if b["run_id"] == context.run.run_id]))

    return collected


def _collected(batches: list[dict[str, Any]]) -> dict[str, Any]:
    def total(column: str) -> int:
        return sum(b[column] or 0 for b in batches)

    states = [b["status"] for b in batches]
    return {
        "1 批次 batches": states.count("collected") + states.count("standardised"),
        "2 拒收 refused": states.count("refused"),
        "3 重复 repeated": states.count("repeated"),
        "dagster/row_count": total("rows_raw"),
        "4 弃读 rejects": total("rows_rejected"),
        "5 字节 bytes": total("bytes"),
    }


def std_asset(project: Project, contract: Contract, lineage: Shown) -> dg.AssetsDefinition:
    """Standardise and check what was collected."""

    @dg.asset(
        key=["std", contract.name],
        deps=[dg.AssetKey(["raw", contract.name])],
        description=f"标准化：{described(contract)}\n\n清洗、转换类型、逐行检查；身份或结构损坏的行进入隔离区。 "
        "Trimmed, typed, checked; rows whose identity or shape is broken go to quarantine.",
        kinds={"duckdb"},
        partitions_def=partitions(contract),
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"lake"},
        **common(contract, lineage),
    )
    def standardised(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from assets.standardise import standardise
        from pipelines.links import report_url

        lake: Lake = context.resources.lake
        with clear_errors():
            replayed = tuple(filter(None, context.run.tags.get(REPLAY_TAG, "").split(",")))
            keys = keys_of(context.run, contract)
            done = standardise(lake.con, project, contract, context.run.run_id, partition_keys=keys, replayed=replayed)
        lake.done.append(contract.table)
        tell_hand_overs(context, contract, batches_in(lake.con, contract, newest=NEWEST))
        repairs = lake.con.execute(
            "SELECT coalesce(sum(rows), 0)::BIGINT FROM evidence.repairs WHERE list_contains(?, batch)", [list(done.batches)]
        ).fetchone()
        return dg.MaterializeResult(
            metadata={
                "1 批次 batches": len(done.batches),
                "2 隔离 quarantined": done.rows_quarantine,
                "3 修复 repairs": repairs[0] if repairs else 0,
                "4 报告 report": dg.MetadataValue.url(report_url(project, contract)),
                "dagster/row_count": done.rows_std,
            }
        )

    return standardised


def source_checks(project: Project, contract: Contract) -> dg.AssetChecksDefinition:
    """Nothing refused, everything accounted for, nothing unusual."""

    @dg.multi_asset_check(
        specs=checks.source_specs(contract), name=f"check_raw_{contract.name}", can_subset=True, required_resource_keys={"lake"}
    )
    @checks.checked
    def check_collection(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        lake: Lake = context.resources.lake
        selected = {k.name for k in context.selected_asset_check_keys}
        if checks.ACCEPTED in selected:
            result = checks.accepted_result(project, contract, refusals(lake.con, contract))
            lake.tally.add(f"raw/{contract.name}:{checks.ACCEPTED}", passed=result.passed, stops=False)
            yield result
        if checks.ACCOUNTED in selected:
            result = checks.count_result(contract, "raw", checks.ACCOUNTED, accounted(lake.con, contract, keys_of(context.run, contract)))
            lake.tally.add(f"raw/{contract.name}:{checks.ACCOUNTED}", passed=result.passed, stops=not result.passed)
            yield result
        if checks.USUAL in selected:
            found = judged(lake.con, [contract], project.now().date(), failures=False)
            result = checks.usual_result(contract, found)
            lake.tally.add(f"raw/{contract.name}:{checks.USUAL}", passed=result.passed, stops=False)
            yield result
        tag_verdict(context, lake)

    return check_collection


def std_checks(project: Project, contract: Contract) -> dg.AssetChecksDefinition:
    """The suite and the balance of a source dataset.

    The standardise step has judged and committed; here the results are reported. Where this step runs without it, the
    batches that stand are judged anew.
    """
    rules = read_rules(project, [contract])

    @dg.multi_asset_check(
        specs=[checks.balanced_spec(contract), *checks.rule_specs(contract, rules, partitions(contract))],
        name=f"check_std_{contract.name}",
        can_subset=True,
        required_resource_keys={"lake"},
    )
    @checks.checked
    def check_rows(context: dg.AssetCheckExecutionContext) -> Iterator[Said]:
        lake: Lake = context.resources.lake
        selected = {k.name for k in context.selected_asset_check_keys}
        fresh = None
        if contract.table not in lake.done and (standing := standing_batches(lake.con, contract)):
            from assets.standardise import recheck

            with clear_errors():
                fresh = recheck(lake.con, project, contract, standing).results
        asked = keys_of(context.run, contract)
        periods = periods_of(context, lake.con, contract, asked)
        if checks.BALANCED in selected:
            result = checks.count_result(contract, "std", checks.BALANCED, balanced(lake.con, contract, asked))
            lake.tally.add(f"std/{contract.name}:{checks.BALANCED}", passed=result.passed, stops=not result.passed)
            yield periods.once(result)
        yield from _rule_results(context, lake, project, contract, rules, rule_states(lake.con, contract, fresh, holding(project)), periods)
        tag_verdict(context, lake)

    return check_rows


def model_asset(project: Project, contract: Contract, lineage: Shown) -> dg.AssetsDefinition:
    """Build a base or thematic table; what it depends on is read from its SQL."""
    from assets.models import dependencies

    @dg.asset(
        key=[contract.schema, contract.name],
        deps=[dg.AssetKey(name.split(".")) for name in dependencies(contract)],
        description=described(contract),
        kinds={"duckdb", "sql"},
        automation_condition=follow(),
        required_resource_keys={"lake"},
        **common(contract, lineage),
    )
    def built(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from assets.models import build, check_built
        from pipelines.lineage.stored import check_classified

        lake: Lake = context.resources.lake
        bad = [f"{name} ({', '.join(rules)})" for name, rules in stopped(lake.con, project, below(project, contract)).items()]
        if bad:
            raise dg.Failure(
                f"{contract.table} is left as it was: stopped by {'; '.join(bad)}. It is built again when that is mended.",
                allow_retries=False,
            )
        with clear_errors():
            check_classified(project, [contract])
            made = build(lake.con, project, contract, context.run.run_id)
            check_built(lake.con, project, contract, context.run.run_id)
        lake.done.append(contract.table)
        tell_hand_overs(context, contract, batches_in(lake.con, contract, newest=NEWEST))
        return dg.MaterializeResult(
            metadata={
                "1 变更行 changed": made.changed,
                "2 批次 batches": len(made.batches),
                "3 方式 way": "全量 full" if made.full else "增量 increment",
                **({"4 沿用行 carried on": made.carried, "5 最长沿用天数 oldest, days": made.days} if made.carried else {}),
                "dagster/row_count": made.rows,
            }
        )

    return built


def model_checks(project: Project, contract: Contract) -> dg.AssetChecksDefinition | None:
    """The suite of a base or thematic table; None where it has none.

    The build step has judged and committed; here the results are reported. Where this step runs without it, the table is
    judged anew.
    """
    rules = read_rules(project, [contract])
    if not rules:
        return None

    @dg.multi_asset_check(
        specs=checks.rule_specs(contract, rules),
        name=f"check_{contract.schema}_{contract.name}",
        can_subset=True,
        required_resource_keys={"lake"},
    )
    @checks.checked
    def check_table(context: dg.AssetCheckExecutionContext) -> Iterator[Said]:
        from assets.lake import is_there
        from assets.models import check_results

        lake: Lake = context.resources.lake
        fresh = None
        if contract.table not in lake.done and is_there(lake.con, contract.table):
            with clear_errors():
                fresh = check_results(lake.con, project, contract)
        yield from _rule_results(context, lake, project, contract, rules, rule_states(lake.con, contract, fresh, holding(project)))
        tag_verdict(context, lake)

    return check_table


def _rule_results(
    context: dg.AssetCheckExecutionContext,
    lake: Lake,
    project: Project,
    contract: Contract,
    rules: list[Rule],
    states: dict[str, RuleState],
    periods: Periods | None = None,
) -> Iterator[Said]:
    """The results of the selected checks of a suite, by period where it has some; what stands is told to the run's tally."""
    selected = {k.name for k in context.selected_asset_check_keys}
    for name, group in checks.rule_groups(rules).items():
        if name in selected:
            judge = partial(checks.rule_result, project, contract, name, group)
            result, stops = judge(states)
            lake.tally.add(f"{contract.schema}/{contract.name}:{name}", passed=result.passed, stops=stops)
            yield from [result] if periods is None else periods.told(judge, states)


def below(project: Project, contract: Contract) -> list[Contract]:
    """The sources and models that a model stands on, directly or through others."""
    from assets.models import dependencies

    by_table = {c.table: c for c in project.contracts.values()}
    found: dict[str, Contract] = {}
    waiting = list(dependencies(contract))
    while waiting:
        one = by_table.get(waiting.pop())
        if one is not None and one.name not in found:
            found[one.name] = one
            waiting += dependencies(one) if one.layer != "sources" else ()
    return list(found.values())


def follow() -> dg.AutomationCondition:
    """Build when something upstream changed. Unlike `eager`, does not wait for every partition of the past to exist."""
    return dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing()).with_label("follow")


def published_assets(project: Project, upstream: list[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """Results, reports and the inbox: made at the end, from the lake alone."""

    @dg.asset(
        key=["results"],
        deps=[*upstream, dg.AssetKey(["issues"])],
        group_name="quality",
        kinds={"duckdb"},
        automation_condition=follow(),
        required_resource_keys={"lake"},
        description="结果库：质量、批次、血缘、目录，任何 DuckDB 客户端可读。 "
        "results.duckdb: quality, batches, lineage and catalogue, readable by any DuckDB client.",
    )
    def results(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from pipelines.publications import begun
        from pipelines.results import publish

        lake: Lake = context.resources.lake
        for f in lake.failing(project):
            lake.tally.add(f"{f.dataset}:{f.check}", passed=False, stops=f.state == "stopped")
        # The row goes in before publishing, so that the results speak of the run that published them; what it has done
        # is added as the lake closes, so that a publication that failed is tried again.
        lake.record(project, context.run)
        with clear_errors():
            publish(project)
            lake.published = begun(lake.con, project, context.run.run_id)
        lake.done.append("results")
        tag_verdict(context, lake)
        return dg.MaterializeResult(
            metadata={"1 大小 bytes": project.results.stat().st_size, "2 文件 file": dg.MetadataValue.path(str(project.results))}
        )

    @dg.asset(
        key=["reports"],
        deps=[dg.AssetKey(["results"])],
        group_name="quality",
        kinds={"excel"},
        automation_condition=follow(),
        required_resource_keys={"lake"},
        description="各部门质量报告与工作簿、总览、排行。 A report and a workbook for each department, an index, the league.",
    )
    def reports(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from pipelines.publications import begun
        from pipelines.reports import build_reports

        lake: Lake = context.resources.lake
        with clear_errors():
            written = build_reports(project, base_url=project.reports_url)
            made = lake.published or begun(lake.con, project, context.run.run_id)
            lake.published = made.with_files(project, written)
        lake.done.append("reports")
        return dg.MaterializeResult(
            metadata={"1 文件 files": len(written), "2 总览 index": dg.MetadataValue.url(f"{project.reports_url}/index.html")}
        )

    return [issues_asset(project, upstream, follow()), results, reports, inbox_asset(project, upstream, follow())]
