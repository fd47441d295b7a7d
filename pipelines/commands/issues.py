"""`yuanqing issues`: what is broken and not yet mended, and what is done about it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.screen import clearly, console, fail, print_json, table

if TYPE_CHECKING:
    from pipelines.issues.states import Scope
    from pipelines.journal import Entry

app = typer.Typer(
    help="问题台账：列出、派发、签收、称已整改、异议、豁免。 Issues: list, dispatch, claim, dispute, waive.", no_args_is_help=True
)

Dataset = Annotated[str, typer.Option("--dataset", "-d", help="数据集。 The dataset.")]
Rule = Annotated[str, typer.Option("--rule", "-r", help="规则。 The rule.")]
Unit = Annotated[str, typer.Option("--unit", "-u", help="交付单位，默认全部。 The unit; all by default.")]
Tickets = Annotated[list[str] | None, typer.Option("--ticket", "-t", help="问题编号，可多次。 An issue by name; may be repeated.")]
Who = Annotated[str, typer.Option("--who", help="何人。 Who does it.")]
Why = Annotated[str, typer.Option("--why", help="理由，勿写个人信息。 Why; no personal data.")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")]


def _scope(dataset: str, rule: str, unit: str, tickets: list[str] | None) -> Scope:
    from pipelines.issues.states import Scope

    return Scope(dataset.rpartition(".")[2], rule, unit, tuple(tickets or ()))


def _said(entry: Entry, as_json: bool) -> None:
    if as_json:
        print_json({"seq": entry.seq, "at": entry.at, "who": entry.who, "what": entry.what, "content": entry.content, "seal": entry.seal})
        return
    console().print(f"已记入台账 written down: {entry.seq} {entry.what} · {entry.who} · {entry.at}", markup=False)
    if entry.what == "waive":
        console().print(f"豁免编号 waiver: {entry.content['id']}，至 until {entry.content['until']}", markup=False)


@app.command("list")
@clearly
def list_(
    dataset: Dataset = "",
    rule: Rule = "",
    unit: Unit = "",
    department: Annotated[str, typer.Option("--department", help="整改部门。 The department that mends.")] = "",
    late: Annotated[bool, typer.Option("--late", help="只列超期的。 Only those whose deadline is over.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="最多列出。 At most so many.")] = 40,
    as_json: Json = False,
) -> None:
    """未了结的问题，按数据集、规则、部门归组，最急的在前；指明规则则逐件列出。 Open issues in groups; one by one for a rule.

    例 examples:

      yuanqing issues list

      yuanqing issues list -d population_register -r id_number_valid
    """
    from assets.project import Project
    from pipelines.issues.listing import groups, published_groups, single, standing

    project = Project.at()
    scope, department = _scope(dataset, rule, unit, None), project.departments.asked(department)
    shown: tuple[str, ...] = ("dataset", "rule", "department", "open", "states", "since", "due", "overdue", "returned")
    rows = None if rule or late else published_groups(project, scope, department)
    if rows is None:
        with standing(project, scope) as con:
            rows = single(con, limit) if rule else groups(con, department, late=late)
    if rule:
        shown = ("ticket", "state", "how", "unit", "last_batch", "last_row", "first_period", "times", "reopened", "due")
    if as_json:
        print_json(rows[:limit])
        return
    heads = {
        "ticket": "编号 ticket",
        "open": "未了结 open",
        "states": "状态 states",
        "state": "状态 state",
        "since": "自 since",
        "due": "期限 due",
        "overdue": "超期 late",
        "returned": "重现 came back",
        "dataset": "数据集 dataset",
        "rule": "规则 rule",
        "department": "部门 department",
    }
    made = table(
        f"问题 issues: {len(rows)}", [heads.get(name, name) for name in shown], [[row[name] for name in shown] for row in rows[:limit]]
    )
    console().print(made)
    if len(rows) > limit:
        console().print(f"… 另有 {len(rows) - limit} 组 more: --limit", markup=False)


@app.command()
@clearly
def show(ticket: Annotated[str, typer.Argument(help="问题编号。 The issue.")], as_json: Json = False) -> None:
    """一件问题的经过：发现、派发、整改、核验。 The story of one issue."""
    from assets.project import Project
    from pipelines.issues.listing import standing, story
    from pipelines.issues.states import Scope

    project = Project.at()
    with standing(project, Scope(tickets=(ticket,))) as con:
        if con.execute("SELECT count(*) FROM states").fetchone() == (0,):
            fail(f"没有问题 {ticket}。 No issue bears this name; `yuanqing issues list` shows those there are.")
        told = story(project, con, ticket)
    if as_json:
        print_json([dict(zip(("at", "zh", "en", "who"), row, strict=True)) for row in told])
    else:
        console().print(table(f"问题 issue {ticket}", ("时间 when", "经过", "what", "何人何由 who, why"), told))


def _plain(name: str, help_: str) -> None:
    """A command that needs nothing but a name, a scope, and perhaps a word; `acting` has its function under the same name."""

    @app.command(name, help=help_)
    @clearly
    def act(
        who: Who, dataset: Dataset = "", rule: Rule = "", unit: Unit = "", ticket: Tickets = None, why: Why = "", as_json: Json = False
    ) -> None:
        from assets.project import Project
        from pipelines.issues import acting

        _said(getattr(acting, name)(Project.at(), who, scope=_scope(dataset, rule, unit, ticket), why=why), as_json)


_plain("dispatch", "派发给整改部门，期限自今日起按工作日计。 Send to the department that mends; the deadline counts from today.")
_plain("acknowledge", "部门签收。 The department has received them.")
_plain("claim", "部门称已在源头整改，由下一次交付核验。 The department says they are mended at the source; the next hand-over tells.")


@app.command()
@clearly
def dispute(
    who: Who,
    why: Why,
    dataset: Dataset = "",
    rule: Rule = "",
    unit: Unit = "",
    ticket: Tickets = None,
    against: Annotated[str, typer.Option("--against", help="rule 或 'other department'。 What is wrong.")] = "rule",
    as_json: Json = False,
) -> None:
    """部门提出异议：规则有误，或应由其他部门整改。 The department says that the rule, or another department, is wrong."""
    from assets.project import Project
    from pipelines.issues import acting

    _said(acting.dispute(Project.at(), who, why=why, against=against, scope=_scope(dataset, rule, unit, ticket)), as_json)


@app.command()
@clearly
def resolve(
    answer: Annotated[str, typer.Argument(metavar="upheld|refused", help="成立或不成立。 The answer.")],
    who: Who,
    why: Why,
    dataset: Dataset = "",
    rule: Rule = "",
    unit: Unit = "",
    ticket: Tickets = None,
    as_json: Json = False,
) -> None:
    """答复异议：成立则关闭，不成立则退回整改。 Answer a dispute: upheld closes, refused sends back."""
    from assets.project import Project
    from pipelines.issues import acting

    _said(acting.resolve(Project.at(), who, _scope(dataset, rule, unit, ticket), answer, why), as_json)


@app.command()
@clearly
def reopen(
    who: Who, why: Why, dataset: Dataset = "", rule: Rule = "", unit: Unit = "", ticket: Tickets = None, as_json: Json = False
) -> None:
    """退回已签收、已称整改或已答复的问题，等待再次派发。 Take back what was acknowledged, claimed or answered."""
    from assets.project import Project
    from pipelines.issues import acting

    _said(acting.reopen(Project.at(), who, _scope(dataset, rule, unit, ticket), why), as_json)


@app.command()
@clearly
def waive(
    who: Who,
    why: Why,
    dataset: Dataset,
    rule: Rule,
    legal_basis: Annotated[str, typer.Option("--legal-basis", help="依据的条款。 The provision that allows it.")],
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="截止日。 Its last day.")],
    valid_from: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="开始日，默认今日。 Its first day.")] = None,
    second: Annotated[str, typer.Option("--second", help="第二人，阻断规则必填。 Who agrees; needed for a blocking rule.")] = "",
    unit: Unit = "",
    ticket: Tickets = None,
    as_json: Json = False,
) -> None:
    """在期限内豁免一条规则（某数据集、某单位或某些问题），到期自动恢复。 Set a rule aside for a time; it ends by itself."""
    from assets.project import Project
    from pipelines.issues import acting

    made = acting.waive(
        Project.at(),
        who,
        _scope(dataset, rule, unit, ticket),
        why,
        until=until.date(),
        legal_basis=legal_basis,
        valid_from=valid_from.date() if valid_from else None,
        second=second,
    )
    _said(made, as_json)


@app.command()
@clearly
def revoke(waiver: Annotated[str, typer.Argument(help="豁免编号。 The waiver.")], who: Who, why: Why, as_json: Json = False) -> None:
    """即日撤销一项豁免。 End a waiver today."""
    from assets.project import Project
    from pipelines.issues import acting

    _said(acting.revoke(Project.at(), who, waiver, why), as_json)


@app.command()
@clearly
def rebuild(as_json: Json = False) -> None:
    """由证据重新跟踪全部问题，结果应与现状一致。 Follow every issue again from the evidence; the outcome is the same."""
    from assets.lake import open_lake
    from assets.project import Project
    from pipelines.issues.asset import take_up

    project = Project.at()
    with open_lake(project) as con:
        before = set(con.execute("FROM evidence.tickets").fetchall())
        followed = take_up(con, project, "issues rebuild", anew=True)
        after = set(con.execute("FROM evidence.tickets").fetchall())
    differ = len(before ^ after)
    if as_json:
        print_json({"batches": followed.batches, "issues": len(after), "different": differ})
    else:
        console().print(f"{followed.batches} 批次 hand-overs，{len(after)} 件 issues，与原来不同 different: {differ}", markup=False)
    raise typer.Exit(1 if differ else 0)
