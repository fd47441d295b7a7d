"""Asset checks: what each dataset's suite and the sums of every batch look like in Dagster.

Belongs here: specs, results and their metadata. Not here: how rules are judged (`expectations`), what stands
(`pipelines.standing`), which asset does the work (`pipelines.factories`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.models.sql import is_disagreement
from pipelines.anomalies import ROWS, Judged
from pipelines.issues.jobs import launchpad
from pipelines.links import report_url
from pipelines.periods import Said, preview
from pipelines.rulebook import CROSS, Rule
from pipelines.standing import BatchResult, Count, Refusal, RuleState, dimension

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

MOST = 40
ACCEPTED, ACCOUNTED, BALANCED = "handover__accepted", "handover__accounted", "batch__balanced"
USUAL = "handover__usual"
ROWS_SHOWN = 10
PASSED = "通过 passed"
UNCHECKED = "尚未检查 nothing has been checked yet"


def checked(function: Callable[[Any], Iterable[Said]]) -> Callable[[Any], Iterator[dg.AssetCheckResult]]:
    """Fail the step where a check was selected and no result came; log the evaluations of single periods.

    Without this, a blocking check that says nothing leaves the run green and lets downstream run.
    """

    @wraps(function)
    def wrapper(context: Any) -> Iterator[dg.AssetCheckResult]:
        missing = {(k.asset_key, k.name) for k in context.selected_asset_check_keys}
        for result in function(context):
            missing.discard((result.asset_key, result.check_name))
            if isinstance(result, dg.AssetCheckEvaluation):
                context.op_execution_context.log_event(result)
            else:
                yield result
        if missing:
            names = ", ".join(sorted(name for _, name in missing))
            raise dg.Failure(f"selected, but no result came: {names}. A check without a result counts as failed.", allow_retries=False)

    return wrapper


def check_name(rule: Rule) -> str:
    """The name of a rule's check in Dagster, such as `completeness__id_present`."""
    return f"{dimension(rule.indicator)}__{rule.id}"


def guidance(contract: Contract, rule: Rule) -> str:
    """Plain prose: what the rule wants, what to do where it fails, and what follows."""
    follows = ""
    if rule.blocking and contract.layer == "sources":
        follows = " 不合格的行进入隔离区。 Rows that fail go to quarantine."
    elif rule.blocking:
        follows = " 不合格的行过多时，由其构成的库暂不重建。 Where too many rows fail, what is built from this table is left as it was."
    return f"{rule.title_zh}。 {rule.title_en}. 整改 remedy: {remedy(rule)}。{follows}"


def remedy(rule: Rule) -> str:
    return " ".join(filter(None, (rule.remedy_zh, rule.remedy_en))) or "-"


def rule_groups(rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    """Rules by the name of the check that speaks for them: one each, or one for several of an indicator where there are too many.

    The UI holds up to 40 checks an asset; blocking and other rules never share a check. Where there are too many, first those
    that the contract yields go together, for they are routine; then indicator by indicator, those of most rules first, and no
    more than need be. Cross-department checks of one number share one.
    """
    crossed = _numbered([r for r in rules if r.origin == CROSS])
    rules = [r for r in rules if r.origin != CROSS]
    room = MOST - len(crossed)
    groups = {check_name(rule): [rule] for rule in rules}
    if len(groups) < room:
        return groups | crossed
    together = _grouped([r for r in rules if r.origin == "contract"], "contract_")
    groups = {name: of for name, of in groups.items() if of[0].origin != "contract"} | together
    shared = _grouped([r for r in rules if r.origin != "contract"])
    for name in sorted(shared, key=lambda n: -len(shared[n])):
        if len(groups) < room:
            break
        groups = {n: of for n, of in groups.items() if of[0] not in shared[name]} | {name: shared[name]}
    return groups | crossed


def _numbered(rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    """Cross-department checks by their numbers: X05 may be several rules, and is one matter."""
    numbers: dict[str, list[Rule]] = {}
    for rule in rules:
        numbers.setdefault(rule.id[:3], []).append(rule)
    return {check_name(of[0]) if len(of) == 1 else f"{dimension(of[0].indicator)}__{number}": of for number, of in numbers.items()}


def _grouped(rules: Sequence[Rule], prefix: str = "") -> dict[str, list[Rule]]:
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(f"{dimension(rule.indicator)}__{prefix}{rule.indicator}{'_blocking' if rule.blocking else ''}", []).append(rule)
    return groups


def source_specs(contract: Contract) -> list[dg.AssetCheckSpec]:
    """The three checks of a collection."""
    asset = dg.AssetKey(["raw", contract.name])
    return [
        dg.AssetCheckSpec(
            ACCEPTED,
            asset=asset,
            description="没有被整体拒收的交付。拒收的文件保留在 landing/refused/，改正后重新交付即可。 "
            "No hand-over stands refused. Refused files are kept in landing/refused/; mend and hand over again.",
        ),
        dg.AssetCheckSpec(
            ACCOUNTED,
            asset=asset,
            blocking=True,
            description="来源的每条记录都在 raw 或 rejects，每个物理行都有去处。 "
            "Every record of the source is in raw or in rejects; every physical line is accounted for.",
        ),
        dg.AssetCheckSpec(
            USUAL,
            asset=asset,
            description="行数与送达时间在历史预期范围之内；只提示，不拦截。 "
            "Rows and time of arrival are what the dataset's own history lets expect. It tells, and stops nothing.",
        ),
    ]


def balanced_spec(contract: Contract) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        BALANCED,
        asset=dg.AssetKey(["std", contract.name]),
        blocking=True,
        description="每个批次：raw 行数 = std 行数 + 隔离区行数。 Of every batch, rows in raw = rows in std + rows in quarantine.",
    )


def rule_specs(contract: Contract, rules: Sequence[Rule], by: dg.PartitionsDefinition | None = None) -> list[dg.AssetCheckSpec]:
    """One spec a rule (or group of rules); the guidance is its description, in plain prose first. `by`: told by period."""
    asset = dg.AssetKey([contract.schema, contract.name])
    with preview():
        return [
            dg.AssetCheckSpec(
                name,
                asset=asset,
                blocking=group[0].blocking,
                description=" / ".join(guidance(contract, rule) for rule in group[:6]),
                metadata={"rules": [r.id for r in group], "indicator": group[0].indicator, "severity": group[0].severity},
                partitions_def=by,
            )
            for name, group in rule_groups(rules).items()
        ]


def _table(records: Sequence[dict[str, Any]]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table([dg.TableRecord(r) for r in records])


def accepted_result(project: Project, contract: Contract, refused: Sequence[Refusal]) -> dg.AssetCheckResult:
    """Failed as long as a refused hand-over stands that nothing better replaced."""
    metadata: dict[str, Any] = {
        "4 整改单位 who mends": f"{contract.department} {contract.department_en}",
        "5 报告 report": dg.MetadataValue.url(report_url(project, contract)),
    }
    if refused:
        metadata |= {
            "1 拒收 refused": _table(
                [{"unit": r.unit, "period": r.period, "source": r.source, "reason": r.reason, "at": r.at} for r in refused[:ROWS_SHOWN]]
            ),
            "2 件数 hand-overs": len(refused),
        }
    periods = ", ".join(dict.fromkeys(r.period or "?" for r in refused[:6]))
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(["raw", contract.name]),
        check_name=ACCEPTED,
        passed=not refused,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{periods} · 拒收 {len(refused)} 件 refused: {told_once(refused[0])}" if refused else PASSED,
        metadata=metadata,
    )


def usual_result(contract: Contract, found: Sequence[Judged]) -> dg.AssetCheckResult:
    """Whether the newest hand-overs are as their history lets expect; in words the worst, as numbers (which the UI plots) all rows.

    `found` is what is unusual first. Never more than a warning.
    """
    unusual = [one for one in found if one.unusual]
    ranged = [one for one in found if one.kind == ROWS and one.low is not None]
    metadata: dict[str, Any] = {}
    if ranged:
        metadata = {
            "1 行数 value": sum(one.value for one in ranged),
            "2 预期下限 low": sum(one.low or 0.0 for one in ranged),
            "3 预期上限 high": sum(one.high or 0.0 for one in ranged),
        }
    if unusual:
        names = ("unit", "period", "kind", "value", "low", "high", "history", "verdict")
        metadata["4 异常 unusual"] = _table([{name: getattr(one, name) for name in names} for one in unusual[:ROWS_SHOWN]])
    told = f"{found[0].zh}。 {found[0].en}" if found else UNCHECKED
    more = f" · 共 {len(unusual)} 项 in all" if len(unusual) > 1 else ""
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(["raw", contract.name]),
        check_name=USUAL,
        passed=not unusual,
        severity=dg.AssetCheckSeverity.WARN,
        description=told + more,
        metadata=metadata,
    )


def told_once(refusal: Refusal) -> str:
    """Why, with the source named once."""
    return refusal.reason if refusal.reason.startswith(refusal.source) else f"{refusal.source}: {refusal.reason}"


def count_result(contract: Contract, schema: str, name: str, counts: Sequence[Count]) -> dg.AssetCheckResult:
    """Sums that must come out, one row a batch where they do not."""
    wrong = [c for c in counts if not c.right]
    batches = len({c.batch for c in counts})
    shown = wrong or counts
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey([schema, contract.name]),
        check_name=name,
        passed=not wrong,
        severity=dg.AssetCheckSeverity.ERROR,
        description=" · ".join(filter(None, (wrong[0].period, wrong[0].unit, f"{wrong[0].batch}: {wrong[0].wrong}")))
        if wrong
        else f"{PASSED} · {batches} 批次 batches",
        metadata={
            "1 批次 batches": batches,
            **({"2 行数 rows": _table([_count_record(c) for c in shown[:ROWS_SHOWN]])} if shown else {}),
        },
    )


def _count_record(count: Count) -> dict[str, Any]:
    return {"unit": count.unit, "period": count.period, "sums": count.what, "wrong": count.wrong}


def rule_result(
    project: Project, contract: Contract, name: str, rules: Sequence[Rule], states: dict[str, RuleState]
) -> tuple[dg.AssetCheckResult, bool]:
    """The check's result over the batches that stand, and whether it stops what lies downstream.

    Severity is ERROR only where it stops: then the run fails and downstream is skipped. A rule without any result counts
    as not assessable, never as passed.
    """
    known = {rule.id: states.get(rule.id) or RuleState(contract.name, rule.id, rule.blocking, ()) for rule in rules}
    order = {"failed": 0, "not_assessable": 1, "passed": 2}
    worst = min(rules, key=lambda r: (order[known[r.id].outcome], -known[r.id].unexpected))
    state = known[worst.id]
    stops = any(known[r.id].stops(r.block_above) for r in rules)
    critical = any(r.severity == "critical" for r in rules)
    metadata: dict[str, Any] = {
        "5 整改单位 who mends": f"{contract.department} {contract.department_en}: {remedy(worst)}",
        "6 报告 report": dg.MetadataValue.url(report_url(project, contract)),
    }
    if state.outcome == "failed":
        metadata |= _actions(project, contract, worst, state)
    if state.outcome != "passed":
        failing = [(r, b) for r in rules for b in known[r.id].failing]
        metadata |= {
            "1 何处 where": _table(
                [
                    ({"rule": r.id} if len(rules) > 1 else {})
                    | _place(contract, b)
                    | {
                        "rows": b.elements,
                        "unexpected": b.unexpected,
                        "percent": round(100 * b.share, 3),
                        "cause": b.note or b.outcome,
                    }
                    for r, b in failing[:ROWS_SHOWN]
                ]
                or [{"rows": 0, "unexpected": 0, "percent": 0.0, "cause": UNCHECKED}]
            ),
            "3 自 since": state.since or "-",
        }
        if state.examples:
            metadata["4 示例 examples"] = _table([_place(contract, b) | {"value (masked)": value} for b, value in state.examples])
    metadata["2 不合格行 unexpected"] = sum(s.unexpected for s in known.values())
    return (
        dg.AssetCheckResult(
            asset_key=dg.AssetKey([contract.schema, contract.name]),
            check_name=name,
            passed=state.outcome == "passed",
            severity=dg.AssetCheckSeverity.ERROR
            if stops or (critical and not worst.blocking and state.outcome == "failed" and not state.waived)
            else dg.AssetCheckSeverity.WARN,
            description=cause(worst, state, stops),
            metadata=metadata,
        ),
        stops,
    )


def _actions(project: Project, contract: Contract, rule: Rule, state: RuleState) -> dict[str, Any]:
    """Links that open the officer's jobs filled in: only the name, and of a waiver reason, provision and end, are left to write."""
    if contract.layer != "sources" and not is_disagreement(contract):
        return {}  # a base or thematic table is mended where its rows come from
    of = contract.name if contract.layer == "sources" else state.batches[0].unit
    scope = {"dataset": of, "rule": rule.id, "unit": ""}
    waiver = {"who": "", "second": "", **scope, "why": "", "legal_basis": "", "until": ""}
    return {
        "7 派发 dispatch": dg.MetadataValue.url(launchpad(project, "dispatch", who="", **scope, why="")),
        "8 豁免 waive": dg.MetadataValue.url(launchpad(project, "waive", **waiver)),
    }


def _place(contract: Contract, batch: BatchResult) -> dict[str, Any]:
    """Where a batch belongs, as cells; a base or thematic table has no unit and no period, a ticket its dataset."""
    if is_disagreement(contract):
        return {"dataset": batch.unit}
    return {"unit": batch.unit, "period": batch.period} if contract.layer == "sources" else {}


def cause(rule: Rule, state: RuleState, stops: bool = False) -> str:
    """The state in one line: in which periods, what, how many."""
    if state.outcome == "passed":
        batches = f" · {len(state.batches)} 批次 batches" if any(b.period for b in state.batches) else ""
        return f"{PASSED} · {state.elements:,} 行 rows{batches}"
    failing = state.failing
    if state.outcome == "not_assessable":
        where = ", ".join(dict.fromkeys(b.period for b in failing[:3] if b.period))
        return (f"{where} · " if where else "") + f"不可评估 not assessable: {state.note or UNCHECKED}"
    bad = [b for b in failing if b.outcome == "failed"]
    periods = list(dict.fromkeys(b.period for b in bad if b.period))
    units = {b.unit for b in bad if b.unit}
    what = "数据集 datasets" if rule.origin == CROSS else "单位 units"
    at = [", ".join(periods[:3]) + (" …" if len(periods) > 3 else ""), f"{len(units)} {what}" if len(units) > 1 else "".join(units)]
    quarantined = rule.blocking and bool(periods)
    done = "；已停止下游 downstream stopped" if stops else "；已隔离 quarantined" if quarantined else ""
    done += f"；豁免中 waived: {state.waived}" if state.waived else ""
    counted = f"{rule.title_zh}：{state.unexpected:,} / {state.elements:,} 行不合格 rows fail ({100 * state.share:.2g}%)"
    first, last = (at, []) if periods else ([], at)
    return " · ".join(filter(None, (*first, counted + done, *last)))
