"""Checks by delivery period: what the partitions of a check say in Dagster.

Belongs here: which periods a run's checks speak of, and how each is told. Not here: how a check reads (`pipelines.checks`).

Dagster 1.13 records a check's one result under the partition of its run. A run over a range, or of checks alone, has none:
there every period is told by an evaluation of its own, for else its partitions would stay open. See docs/handovers.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.standing import standing_batches

if TYPE_CHECKING:
    import duckdb
    from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

    from assets.contracts import Contract
    from pipelines.standing import RuleState

Said = dg.AssetCheckResult | dg.AssetCheckEvaluation
Judge = Callable[[Mapping[str, "RuleState"]], tuple[dg.AssetCheckResult, bool]]
SUPERSEDED = "此期没有现行批次 nothing of this period stands any more"


@contextmanager
def preview() -> Iterator[None]:
    """Partitions of checks are a preview in Dagster 1.13, which warns wherever one is declared."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield


@dataclass(frozen=True)
class Periods:
    """The partitions that one step's checks speak of.

    `only` is the partition of a run for a single one; `alone`: the run names none, it is of checks without their asset.
    `standing` are the batches of each partition that stand, `handed` the run's partitions of which anything was ever
    standardised, `failed` by check those that Dagster shows as failed.
    """

    only: str | None
    alone: bool
    standing: Mapping[str, frozenset[str]]
    handed: frozenset[str] = frozenset()
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    targets: Mapping[str, AssetCheckEvaluationTargetMaterializationData] = field(default_factory=dict)

    def told(self, judge: Judge, states: Mapping[str, RuleState]) -> Iterator[Said]:
        """A check's result for each period; after a run over several, where one fails, for all of them together too.

        A period of which nothing stands any more is told as well: else it would be shown as skipped, or as failed for ever.
        """
        whole, _ = judge(states)
        found = {key: judge(_of(states, batches))[0] for key, batches in self.standing.items()}
        over = self.failed.get(str(whole.check_name), frozenset()) | self.handed
        found |= {key: _over(whole) for key in over - found.keys()}
        if self.only is not None and self.only not in found:
            found[self.only] = judge({})[0]
        for key in sorted(found):
            if key != self.only:
                yield self._evaluation(found[key], key)
        if self.only is not None:
            yield found[self.only]
        elif self.alone or not whole.passed:
            yield self.once(whole)  # what comes last is shown as the latest; and only a result stops what lies downstream

    def once(self, result: dg.AssetCheckResult) -> Said:
        """A check without periods beside those with: Dagster takes no result of it in a run without a partition."""
        return self._evaluation(result, None) if self.alone else result

    def _evaluation(self, result: dg.AssetCheckResult, key: str | None) -> dg.AssetCheckEvaluation:
        assert result.asset_key is not None
        assert result.check_name is not None
        return dg.AssetCheckEvaluation(
            asset_key=result.asset_key,
            check_name=result.check_name,
            passed=result.passed,
            metadata=result.metadata,
            target_materialization_data=self.targets.get(key) if key else None,
            severity=result.severity,
            description=result.description,
            partition=key,
        )


def _of(states: Mapping[str, RuleState], batches: frozenset[str]) -> dict[str, RuleState]:
    return {rule: replace(state, batches=tuple(b for b in state.batches if b.batch in batches)) for rule, state in states.items()}


def _over(result: dg.AssetCheckResult) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=result.asset_key, check_name=result.check_name, passed=True, severity=result.severity, description=SUPERSEDED
    )


def periods_of(context: Any, con: duckdb.DuckDBPyConnection, contract: Contract, asked: set[str] | None) -> Periods:
    """The partitions that the checks of this run speak of: those `asked` for (None: all) of which anything stands."""
    rows = con.execute(
        """SELECT partition_key, list(batch) FILTER (list_contains(?, batch)) FROM evidence.batches
        WHERE dataset = ? AND status = 'standardised' AND partition_key IS NOT NULL GROUP BY partition_key""",
        [standing_batches(con, contract), contract.name],
    ).fetchall()
    standing = {key: frozenset(batches) for key, batches in rows if batches}
    told = {key: batches for key, batches in standing.items() if asked is None or key in asked}
    handed = frozenset(key for key, _ in rows if key in (asked or ()))
    failed = _failed(context)
    return Periods(
        only=context.run.tags.get("dagster/partition"),
        alone=asked is None,
        standing=told,
        handed=handed,
        failed={check: keys - standing.keys() for check, keys in failed.items()},
        targets=_targets(
            context, dg.AssetKey([contract.schema, contract.name]), {*told, *handed, *(k for keys in failed.values() for k in keys)}
        ),
    )


def _failed(context: Any) -> dict[str, frozenset[str]]:
    """By the name of each selected check, the partitions that Dagster shows as failed."""
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

    shown = context.instance.event_log_storage.get_asset_check_partition_info(list(context.selected_asset_check_keys))
    failed: dict[str, set[str]] = {}
    for info in shown:
        if info.partition_key is not None and info.latest_execution_status == AssetCheckExecutionRecordStatus.FAILED:
            failed.setdefault(info.check_key.name, set()).add(info.partition_key)
    return {check: frozenset(keys) for check, keys in failed.items()}


def _targets(context: Any, asset: dg.AssetKey, keys: set[str]) -> dict[str, AssetCheckEvaluationTargetMaterializationData]:
    """The newest materialisation of each partition: Dagster forgets the result of any other."""
    from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

    found = {}
    for key in keys:
        records = context.instance.fetch_materializations(dg.AssetRecordsFilter(asset, asset_partitions=[key]), limit=1).records
        if records:
            record = records[0]
            found[key] = AssetCheckEvaluationTargetMaterializationData(
                storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
            )
    return found
