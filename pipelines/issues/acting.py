"""What people may do with issues, checked and written into the journal: dispatch, acknowledge, claim, dispute, resolve, reopen, waive,
revoke.

Nothing is written unless it changes something: of two officers who act at once on one group, the second is told what the first did.
Belongs here: what may be done when, and by whom. Not here: where issues stand by it (`states`), the commands and jobs that call this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from assets.lake import objects, open_lake
from expectations.documents import Named, near
from pipelines.issues.states import OPEN, Scope, make_states
from pipelines.issues.waiving import all_waivers, granted
from pipelines.journal import alone, append, entries
from pipelines.retold import retold

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project
    from pipelines.journal import Entry
    from pipelines.rulebook import Rule

LONGEST_WAIVER = 366
"""Days that a waiver may hold at most."""
WAIT = 60
"""Seconds that one waits for another who acts."""
ANSWERS = {"upheld": "异议成立", "refused": "异议不成立"}
AGAINST = ("rule", "other department")
"""What a department disputes: the rule, or that the row is its own to mend."""
_SAYS = {
    "claim": (("found", "reopened", "dispatched", "acknowledged", "disputed"), "称已整改"),
    "dispute": (("found", "reopened", "dispatched", "acknowledged", "mended"), "提出异议"),
}
"""What a department says of issues: the states in which it can be said, and what it is called."""


class ActingError(Exception):
    """Something cannot be done with issues: what stands against it, and what to do instead."""


class BusyError(ActingError):
    """Somebody else acts just now: the same works a minute later."""


@dataclass(frozen=True)
class _View:
    """What an officer acts upon: the lake as read now, with the states of the issues of a scope."""

    con: duckdb.DuckDBPyConnection
    rules: dict[tuple[str, str], Rule]
    seen: str

    def count(self, *states: str) -> int:
        listed = ", ".join(f"'{s}'" for s in states)
        row = self.con.execute(f"SELECT count(*) FROM states WHERE state IN ({listed})").fetchone()
        return int(row[0]) if row else 0


def dispatch(project: Project, who: str, scope: Scope, why: str = "") -> Entry:
    """Send the issues of a scope to the department that answers for the rows; their deadline counts from today."""
    return _act(project, "dispatch", who, scope, why, ("found", "reopened"), "派发")


def acknowledge(project: Project, who: str, scope: Scope, why: str = "") -> Entry:
    """The department has received what was dispatched."""
    return _act(project, "acknowledge", who, scope, why, ("dispatched",), "签收")


def claim(
    project: Project, who: str, tickets: Sequence[str] = (), why: str = "", *, scope: Scope | None = None, known_at: str = ""
) -> Entry:
    """The department says that these are mended at the source; the next hand-over tells.

    `known_at`: when the list was made that it answers (ISO, local time): a hand-over since then has the last word already.
    """
    scope = scope or Scope(tickets=tuple(tickets))
    return _act(project, "claim", who, scope, why, *_SAYS["claim"], known_at=known_at)


def dispute(
    project: Project, who: str, tickets: Sequence[str] = (), why: str = "", against: str = "rule", *, scope: Scope | None = None
) -> Entry:
    """The department says that the rule, or another department, is wrong; it needs a reason, and an officer's answer."""
    if against not in AGAINST:
        raise ActingError(f"异议对象 {against!r}。 A dispute is against one of: {', '.join(AGAINST)}. {near(against, AGAINST)}")
    _needed(why, "异议须写明理由。 A dispute needs a reason (why).")
    scope = scope or Scope(tickets=tuple(tickets))
    return _act(project, "dispute", who, scope, why, *_SAYS["dispute"], against=against)


@dataclass(frozen=True)
class Answer:
    """What a department says of issues: mended, or, where it is `against` something (one of `AGAINST`), disputed, and why."""

    scope: Scope
    why: str
    against: str = ""


def answer(project: Project, who: str, answers: Sequence[Answer], *, known_at: str = "") -> Iterator[Entry | ActingError]:
    """Claims and disputes of issues that are named, an entry each as `claim` and `dispute` write it, after one look at all of them.

    What cannot be written down is given as its error, and the others are. Raises `BusyError` before the first.
    """
    _needed(who, "须写明何人。 Say who does this (who).")
    with _alone(project):
        named = Scope(tickets=tuple(sorted({t for one in answers for t in one.scope.tickets})))
        try:
            with _view(project, named) as view:
                states = dict(view.con.execute("SELECT ticket, state FROM states").fetchall())
                rules, seen = set(view.rules), view.seen
        except ActingError:  # some are unknown: which, is told of each
            states, rules, seen = {}, set(), ""
        for one in answers:
            scope, what = one.scope, "dispute" if one.against else "claim"
            more: dict[str, Any] = {"against": one.against} if one.against else {"known_at": known_at}
            allowed, zh = _SAYS[what]
            if (scope.dataset, scope.rule) in rules and any(states.get(t) in allowed for t in scope.tickets):
                yield append(project, what, who, one.why, **_about(scope, seen, **more))
                continue
            try:
                yield _act(project, what, who, scope, one.why, allowed, zh, locked=True, **more)
            except ActingError as error:
                yield error


def resolve(project: Project, who: str, scope: Scope, answer: str, why: str) -> Entry:
    """The officer's answer to a dispute: upheld closes the issues, refused sends them back."""
    if answer not in ANSWERS:
        raise ActingError(f"答复 {answer!r}。 The answer to a dispute is one of: {', '.join(ANSWERS)}. {near(answer, ANSWERS)}")
    _needed(why, "答复须写明理由。 An answer needs a reason (why).")
    return _act(project, "resolve", who, scope, why, ("disputed",), "答复异议", answer=answer)


def reopen(project: Project, who: str, scope: Scope, why: str) -> Entry:
    """The officer takes claims, acknowledgements and answers back: the issues wait to be dispatched again."""
    _needed(why, "重新打开须写明理由。 Say why they are opened again (why).")

    def ended(view: _View) -> str:
        row = view.con.execute("SELECT count(*), min(ended_batch) FROM states WHERE how IN ('verified', 'gone')").fetchone()
        if row and row[0]:
            return (
                f"其中 {row[0]} 件已由交付 {row[1] or ''} 了结，再次出错时会自动重开。"
                f" {row[0]} of them ended by a hand-over: where they come back, they open by themselves."
            )
        return ""

    return _act(project, "reopen", who, scope, why, ("dispatched", "acknowledged", "mended", "disputed", "closed"), "重新打开", also=ended)


def waive(
    project: Project,
    who: str,
    scope: Scope,
    why: str,
    *,
    until: date | None,
    legal_basis: str,
    valid_from: date | None = None,
    second: str = "",
    today: date | None = None,
) -> Entry:
    """Set a rule aside for a dataset, one of its units or some issues, up to and with a day; for a blocking rule with a second person.

    What breaks the rule stays evidence and is counted apart in scores; from the day after `until` it counts again, by itself.
    """
    today = today or date.today()
    begins = valid_from or today
    _needed(why, "豁免须写明理由。 A waiver needs a reason (why).")
    _needed(legal_basis, "豁免须写明依据。 A waiver needs its legal basis (legal_basis): the provision that lets the rule be set aside.")
    if until is None:
        raise ActingError("豁免须有截止日期。 A waiver needs an end (until): it ends by itself, never by being forgotten.")
    if until < today:
        raise ActingError(f"截止日期 {until} 已过。 The end {until} lies in the past. Choose a day from {today} on.")
    if until < begins:
        raise ActingError(f"截止日期 {until} 早于开始日期 {begins}。 The waiver would end before it begins. Change the days over.")
    if until > begins + timedelta(days=LONGEST_WAIVER):
        raise ActingError(
            f"豁免最长 {LONGEST_WAIVER} 天；更久的应改规则。 A waiver holds for {LONGEST_WAIVER} days at most: change the suite instead."
        )
    if not (scope.dataset and scope.rule):
        raise ActingError("豁免须指明数据集和规则。 A waiver names its dataset and its rule.")

    def agreed(view: _View) -> str:
        rule = view.rules[scope.dataset, scope.rule]
        if rule.blocking and not second.strip():
            return f"{scope.rule} 是阻断规则，须有第二人同意（second）。 A blocking rule is set aside by two people: name the second."
        if second and _same(second, who):
            return f"{second} 不能与申请人为同一人。 The second person is the first: somebody else has to agree."
        for waiver in all_waivers(project, view.rules):
            same = (waiver.dataset, waiver.rule, waiver.unit, waiver.tickets) == (scope.dataset, scope.rule, scope.unit, scope.tickets)
            if same and waiver.valid_from <= until and begins <= waiver.until:
                return (
                    f"同一范围已有豁免 {waiver.id}（{waiver.officer}，至 {waiver.until}）。"
                    f" The scope is waived already, by {waiver.officer}. Revoke that first."
                )
        return ""

    content: dict[str, Any] = {"valid_from": str(begins), "until": str(until), "legal_basis": legal_basis.strip(), "second": second.strip()}
    with _alone(project):
        number = sum(1 for _ in entries(project, "waive")) + 1
        return _act(project, "waive", who, scope, why, None, "豁免", also=agreed, locked=True, id=f"W{number:04}", **content)


def revoke(project: Project, who: str, waiver: str, why: str, today: date | None = None) -> Entry:
    """End a waiver of the journal today."""
    _needed(who, "须写明何人。 Say who does this (who).")
    _needed(why, "撤销须写明理由。 Say why the waiver is revoked (why).")
    with _alone(project):
        known = granted(project)
        if waiver not in known:
            said = f"没有豁免 {waiver}。 No waiver {waiver!r} in the journal; one of waivers.yaml is ended there. {near(waiver, known)}"
            raise ActingError(said.rstrip())
        if known[waiver].until < (today or date.today()):
            raise ActingError(f"豁免 {waiver} 已于 {known[waiver].until} 结束。 It has ended already.")
        return append(project, "revoke", who, why, waiver=waiver, dataset=known[waiver].dataset, rule=known[waiver].rule)


def _act(
    project: Project,
    what: str,
    who: str,
    scope: Scope,
    why: str,
    allowed: tuple[str, ...] | None,
    zh: str,
    *,
    also: Callable[[_View], str] | None = None,
    locked: bool = False,
    known_at: str = "",
    **content: Any,
) -> Entry:
    """Write an event where the scope holds an issue in one of the `allowed` states (None: any rule that there is)."""
    _needed(who, "须写明何人。 Say who does this (who).")
    if not (scope.tickets or (scope.dataset and scope.rule)):
        raise ActingError("须指明数据集和规则，或问题编号。 Name a dataset and a rule, or issues.")
    with nullcontext() if locked else _alone(project), _view(project, scope) as view:
        if also and (refused := also(view)):
            raise ActingError(refused)
        if allowed is not None and not view.count(*allowed):
            raise ActingError(_why_not(project, view, what, zh, scope))
        return append(project, what, who, why, **_about(scope, view.seen, known_at=known_at, **content))


def _about(scope: Scope, seen: str, *, known_at: str = "", **content: Any) -> dict[str, Any]:
    """The content of an event: its scope, the newest hand-over that its author could see, and what else there is."""
    about: dict[str, Any] = {"dataset": scope.dataset, "rule": scope.rule, "unit": scope.unit}
    about["seen"] = min(seen, known_at) if known_at else seen
    if scope.tickets:
        about["tickets"] = sorted(set(scope.tickets))
    return about | content


@contextmanager
def _view(project: Project, scope: Scope) -> Iterator[_View]:
    from pipelines.rulebook import answered_for

    rules = answered_for(project)
    known = {(r.dataset, r.id): r for r in rules}
    check_scope(scope, known, project.contracts.former)
    today = date.today()
    waivers = [w for w in all_waivers(project, known) if w.holds(today)]
    with open_lake(project, read_only=True) as con:
        con.execute("BEGIN")
        make_states(con, project, rules, waivers, today, scope=scope)
        if scope.tickets:
            there = {t for (t,) in con.execute("SELECT ticket FROM states").fetchall()}
            if stray := sorted(set(scope.tickets) - there):
                raise ActingError(
                    f"没有这些问题：{', '.join(stray[:5])}{' …' if len(stray) > 5 else ''}。 {len(stray)} of the issues are unknown here."
                    " `yuanqing issues list` shows those there are."
                )
        (seen,) = con.execute(
            "SELECT max(greatest(last_at, coalesce(reopened_at, last_at), coalesce(ended_at, last_at))) FROM lake.evidence.tickets"
        ).fetchone() or (None,)
        yield _View(con, known, seen.isoformat() if seen else "")


def check_scope(scope: Scope, known: Collection[tuple[str, str]], former: Mapping[str, str]) -> None:
    """Raise `ActingError` with a near name, or the name it bears now, where a scope names a dataset or a rule that is not among the
    `known` pairs; `former`: former names of datasets."""
    datasets = Named(dict.fromkeys(dataset for dataset, _ in known), former)
    if scope.dataset and scope.dataset not in datasets:
        raise ActingError(f"没有数据集 {scope.dataset}。 No dataset {scope.dataset!r}. {near(scope.dataset, datasets)}".rstrip())
    rules = {rule for dataset, rule in known if scope.dataset in ("", dataset)}
    if scope.rule and scope.rule not in rules:
        of = scope.dataset or "各数据集 the datasets"
        raise ActingError(f"{of} 没有规则 {scope.rule}。 There is no rule {scope.rule!r}. {near(scope.rule, rules)}".rstrip())


def _why_not(project: Project, view: _View, what: str, zh: str, scope: Scope) -> str:
    """Why there is nothing to do: the states that the issues are in, and what was done last."""
    found = objects(view.con, "SELECT state, count(*) AS n FROM states GROUP BY state ORDER BY n DESC")
    if not found:
        return f"没有可{zh}的问题。 There is no issue of {scope.rule or 'these'} in {scope.dataset or 'the lake'} {scope.unit}.".rstrip()
    told = ", ".join(f"{row['n']} {OPEN.get(row['state'], '已关闭')} {row['state']}" for row in found)
    last = [
        e
        for e in retold(project)
        if e.content.get("dataset") == scope.dataset
        and e.content.get("rule") == scope.rule
        and e.content.get("unit", "") in ("", scope.unit)
    ]
    by = f" {last[-1].at[:16].replace('T', ' ')} {last[-1].who}: {last[-1].what}." if last else ""
    return f"没有可{zh}的问题：{told}。{by} Nothing to {what}: look again, somebody may have been faster."


def _needed(text: str, otherwise: str) -> None:
    if not text.strip():
        raise ActingError(otherwise)


def _same(one: str, other: str) -> bool:
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()


def _alone(project: Project) -> AbstractContextManager[None]:
    """One person acts at a time: between looking and writing nobody else does."""
    busy = BusyError("另有人正在操作，请稍后再试。 Somebody else is acting just now. Try again in a minute.")
    return alone(project, "acting.lock", WAIT, busy)
