"""The quality inbox: every failing check of every dataset in one place, with links.

Belongs here: the list and its asset. Not here: how a check is judged.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.project import Project
from pipelines import checks
from pipelines.errors import clear_errors
from pipelines.issues.waiving import holding
from pipelines.links import check_path, report_url
from pipelines.rulebook import read_rules
from pipelines.standing import refusals, rule_states

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from pipelines.issues.todo import Todo
    from pipelines.rulebook import Rule
    from pipelines.standing import Refusal, RuleState


@dataclass(frozen=True)
class Failing:
    """One check that does not pass now. `state`: stopped, failed, quarantined, not_assessable, refused, waived.

    `rule` is the id of the rule that does not hold; empty where a hand-over was refused.
    """

    dataset: str
    check: str
    rule: str
    state: str
    unexpected: int
    since: str
    cause: str
    department: str
    remedy: str
    page: str
    report: str


WORST = 5
RANK = {"stopped": 0, "refused": 1, "failed": 2, "quarantined": 3, "not_assessable": 4, "waived": 5}
STATES = {
    "stopped": "已停止",
    "refused": "已拒收",
    "failed": "不合格",
    "quarantined": "已隔离",
    "not_assessable": "不可评估",
    "waived": "豁免中",
}


def failing_checks(con: "duckdb.DuckDBPyConnection", project: Project) -> list[Failing]:
    """All checks that do not pass now, what stops downstream first, then by rows. What was never checked is left out."""
    found: list[Failing] = []
    waivers = holding(project)
    for contract in project.contracts.values():
        if contract.layer == "sources" and (refused := refusals(con, contract)):
            found.append(_refused(project, contract, refused))
        states = rule_states(con, contract, waivers=waivers)
        rules = read_rules(project, [contract]) if states else []
        for check, sharing in checks.rule_groups(rules).items():
            for rule in sharing:
                state = states.get(rule.id)
                if state is not None and state.outcome != "passed":
                    found.append(_failing(project, contract, rule, state, check))
    return sorted(found, key=lambda f: (RANK[f.state], -f.unexpected, f.dataset, f.check))


def _refused(project: Project, contract: "Contract", refused: "list[Refusal]") -> Failing:
    return Failing(
        dataset=contract.name,
        check=checks.ACCEPTED,
        rule="",
        state="refused",
        unexpected=len(refused),
        since=min(r.period for r in refused),
        cause=checks.accepted_result(project, contract, refused).description or "",
        department=f"{contract.department} {contract.department_en}",
        remedy="改正后重新交付 mend and hand over again",
        page=check_path("raw", contract.name, checks.ACCEPTED),
        report=report_url(project, contract),
    )


def _failing(project: Project, contract: "Contract", rule: "Rule", state: "RuleState", check: str) -> Failing:
    """What `rule` says; its link leads to `check`, which may speak for several rules."""
    stops = state.stops(rule.block_above)
    word = "stopped" if stops else "quarantined" if rule.blocking and contract.layer == "sources" else "failed"
    return Failing(
        dataset=contract.name,
        check=checks.check_name(rule),
        rule=rule.id,
        state="not_assessable" if state.outcome == "not_assessable" else "waived" if state.waived else word,
        unexpected=state.unexpected,
        since=state.since,
        cause=checks.cause(rule, state, stops),
        department=f"{contract.department} {contract.department_en}",
        remedy=checks.remedy(rule),
        page=check_path(contract.schema, contract.name, check),
        report=report_url(project, contract),
    )


def inbox_metadata(project: Project, found: list[Failing], today: "list[Todo] | None" = None) -> dict[str, Any]:
    """The list as a table that renders inline and as Markdown with links, and the worst as links of their own; above all, what
    needs the officer `today`."""
    lines = ["| 检查 check | 状态 state | 行 rows | 自 since | 原因 cause | 整改单位 who mends |", "|---|---|---|---|---|---|"]
    for f in found:
        cells = (
            f"[{f.dataset} · {f.check}]({f.page})",
            f"{STATES[f.state]} {f.state}",
            f"{f.unexpected:,}",
            f.since,
            f.cause,
            f"[{f.department}]({f.report})",
        )
        lines.append("| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |")
    # In the order in which the page shows them. Cells of a table are no links in this UI, addresses of their own are: the
    # worst stand where one click opens them.
    metadata: dict[str, Any] = {}
    if today:
        metadata["0 今日待办 today"] = dg.MetadataValue.table([dg.TableRecord(one.record()) for one in today])
    metadata |= {
        f"{n} {f.dataset} {f.check.rpartition('__')[2]}": dg.MetadataValue.url(f"{project.ui_url}{f.page}")
        for n, f in enumerate(found[:WORST], 1)
    }
    metadata |= {"6 全部链接 all links": dg.MetadataValue.md("\n".join(lines)), "7 件数 checks": len(found)}
    if found:
        metadata["8 收件箱 inbox"] = dg.MetadataValue.table(
            [
                dg.TableRecord({"rows": f.unexpected, "state": f.state, "dataset": f.dataset, "check": f.check, "since": f.since})
                for f in found
            ]
        )
    return metadata


def inbox_asset(project: Project, upstream: list[dg.AssetKey], condition: dg.AutomationCondition) -> dg.AssetsDefinition:
    """The asset whose page the quality officer opens first."""

    @dg.asset(
        key=["quality_inbox"],
        deps=[*upstream, dg.AssetKey(["results"])],
        group_name="quality",
        kinds={"duckdb"},
        automation_condition=condition,
        required_resource_keys={"lake"},
        description="质量收件箱：当前所有未通过的检查，附链接。 The quality inbox: every check that does not pass now, with links.",
    )
    def quality_inbox(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from pipelines.issues.todo import todo
        from pipelines.results import connect_results

        failing = context.resources.lake.failing(project)
        with clear_errors(), connect_results(project) as results:
            return dg.MaterializeResult(metadata=inbox_metadata(project, failing, todo(results, project)))

    return quality_inbox
