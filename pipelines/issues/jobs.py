"""The officer's jobs in the Dagster UI: dispatch, waive, revoke, reopen, publish, which open filled in by a link from a failed check;
and reading the workbooks that departments put back, for which a sensor asks.

Belongs here: their typed configuration, and running what they ask for. Not here: what may be done (`pipelines.issues.acting`).
After each, results, reports and inbox are published anew, so that what was done shows.
"""

from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dagster as dg
from pydantic import Field

from assets.project import Project
from pipelines.errors import clear_errors
from pipelines.issues.states import Scope

if TYPE_CHECKING:
    from pipelines.journal import Entry

_DATASET = Field(description="数据集。 The dataset, such as population_register.")
_RULE = Field(description="规则编号。 The rule's id, as the check and the report name it.")
_UNIT = Field(default="", description="交付单位，空为全部。 The unit; empty: all of them.")
_TICKETS: list[str] = Field(default=[], description="问题编号，空为整组。 Issues by name; empty: all of the group.")
_WHO = Field(description="办理人姓名。 Your name: it goes into the journal.")


class Dispatch(dg.Config):
    """派发 What to dispatch."""

    who: str = _WHO
    dataset: str = _DATASET
    rule: str = _RULE
    unit: str = _UNIT
    tickets: list[str] = _TICKETS
    why: str = Field(default="", description="附言。 A word to the department.")


class Waive(dg.Config):
    """豁免 What to set aside, why, by which provision, until when."""

    who: str = _WHO
    second: str = Field(default="", description="第二人，阻断规则必填。 Who else agrees; needed for a blocking rule.")
    dataset: str = _DATASET
    rule: str = _RULE
    unit: str = _UNIT
    tickets: list[str] = _TICKETS
    why: str = Field(description="理由。 Why.")
    legal_basis: str = Field(description="依据的条款。 The provision that allows it.")
    until: str = Field(description="截止日，如 2026-12-31。 Its last day.")


class Revoke(dg.Config):
    """撤销豁免 Which waiver to end today."""

    who: str = _WHO
    waiver: str = Field(description="豁免编号，如 W0001。 The waiver's name.")
    why: str = Field(description="理由。 Why.")


class Reopen(dg.Config):
    """重新打开 What to take back."""

    who: str = _WHO
    dataset: str = _DATASET
    rule: str = _RULE
    unit: str = _UNIT
    tickets: list[str] = _TICKETS
    why: str = Field(description="理由。 Why.")


class Publish(dg.Config):
    """发布排行与季度评价 Publish the league and the quarterly evaluation under your name."""

    who: str = _WHO
    why: str = Field(description="事由。 What for.")
    quarter: str = Field(default="", description="季度，如 2026Q3；空为当前。 The quarter; empty: the present one.")
    corrects: int = Field(default=0, description="更正哪一次发布，0 为不更正。 The publication that this corrects; 0: none.")


def officer_jobs(project: Project) -> list[dg.JobDefinition]:
    """The jobs. Each refuses, by its op's failure, what `acting` refuses, with the same words."""

    @dg.op(name="do_dispatch", description="派发给整改部门。 Send issues to the department that mends them.")
    def dispatching(context: dg.OpExecutionContext, config: Dispatch) -> None:
        from pipelines.issues import acting

        _done(context, project, lambda: acting.dispatch(project, config.who, _scope(config), config.why))

    @dg.op(name="do_waive", description="在期限内豁免一条规则，到期自动恢复。 Set a rule aside for a time; it ends by itself.")
    def waiving(context: dg.OpExecutionContext, config: Waive) -> None:
        from pipelines.issues import acting

        def act() -> "Entry":
            until = _day(config.until)
            return acting.waive(
                project, config.who, _scope(config), config.why, until=until, legal_basis=config.legal_basis, second=config.second
            )

        _done(context, project, act)

    @dg.op(name="do_revoke", description="即日撤销一项豁免。 End a waiver today.")
    def revoking(context: dg.OpExecutionContext, config: Revoke) -> None:
        from pipelines.issues import acting

        _done(context, project, lambda: acting.revoke(project, config.who, config.waiver, config.why))

    @dg.op(name="do_reopen", description="退回已签收、已称整改或已答复的问题。 Take back what was acknowledged, claimed or answered.")
    def reopening(context: dg.OpExecutionContext, config: Reopen) -> None:
        from pipelines.issues import acting

        _done(context, project, lambda: acting.reopen(project, config.who, _scope(config), config.why))

    @dg.op(
        name="do_publish_league",
        description="以本人名义发布排行与季度评价，并加封。 Publish league and evaluation, sealed, under your name.",
    )
    def publishing(context: dg.OpExecutionContext, config: Publish) -> None:
        from pipelines.league import publish_league

        with clear_errors():
            made = publish_league(project, config.who, config.why, config.quarter or None, corrects=config.corrects or None)
        context.log.info(f"已发布 published: {made}")

    @dg.op(
        name=f"do_{READ_WORKBOOKS}",
        description="读取部门放回 data/returned/ 的更正清单。 Read the workbooks that departments put back into data/returned/.",
    )
    def reading(context: dg.OpExecutionContext) -> None:
        from pipelines.workbooks.returned import STATES, take_returned

        with clear_errors():
            done = [found for found, _ in take_returned(project)]
        told = [f"{f.department}/{f.file}: {' '.join(STATES[f.state])}，{f.tickets:,} 条 tickets {f.reason}".rstrip() for f in done]
        for line in told:
            context.log.info(line)
        context.add_output_metadata({"1 清单 workbooks": len(done), "2 下落 what became of them": "\n".join(told)})
        if any(f.tickets for f in done):
            _publish(context, project, "送回的更正清单 workbooks")

    return [_job(op) for op in (dispatching, waiving, revoking, reopening, publishing, reading)]


def _job(op: dg.OpDefinition) -> dg.JobDefinition:
    """A job of this op, both known by one name; a definition of one name for both makes Dagster refuse the whole code location."""
    name = op.name.removeprefix("do_")
    graph = dg.GraphDefinition(
        name=name, node_defs=[op], dependencies={dg.NodeInvocation(op.name, alias=name): {}}, description=op.description
    )
    return graph.to_job(executor_def=dg.in_process_executor)


def _scope(config: Any) -> Scope:
    return Scope(config.dataset.strip(), config.rule.strip(), config.unit.strip(), tuple(config.tickets))


def _day(text: str) -> date:
    from pipelines.issues.acting import ActingError

    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ActingError(f"截止日期 {text!r} 不是日期。 It is no date: write it as 2026-12-31.") from None


def _done(context: dg.OpExecutionContext, project: Project, act: Any) -> None:
    """Act, say so, and publish anew; what was refused fails the run with the reason, and is not tried again."""
    with clear_errors():
        entry = act()
    context.log.info(f"已记入台账 written down as {entry.seq}: {entry.what} · {entry.who}")
    _publish(context, project, str(entry.seq))
    context.add_output_metadata({"1 台账 journal": entry.seq, "2 何人 who": entry.who, "3 办理 what": entry.what})


def _publish(context: dg.OpExecutionContext, project: Project, what: str) -> None:
    """Publish anew by the job that publishes."""
    from pipelines.definitions import build_definitions
    from pipelines.jobs import PUBLISH
    from pipelines.run import execute_job

    published = execute_job(build_definitions(project), context.instance, PUBLISH, {}, None)
    if not published.ok:
        raise dg.Failure(
            f"已记入台账（{what}），但未能重新发布：{published.failure}。"
            " It stands in the journal; publishing failed. Run `yuanqing publish`.",
            allow_retries=False,
        )


def launchpad(project: Project, job: str, **config: Any) -> str:
    """The address at which the UI opens a job with its configuration filled in; what is left to fill in is empty there."""
    import yaml

    text = yaml.safe_dump({"ops": {job: {"config": config}}}, allow_unicode=True, sort_keys=False, default_flow_style=False)
    return f"{project.ui_url}/locations/{quote(LOCATION, safe='')}/jobs/{job}/playground/setup?config={quote(text, safe='')}"


READ_WORKBOOKS = "read_workbooks"
LOCATION = "yuanqing"
"""The code location of `workspace.yaml`, as addresses of the UI name it."""
