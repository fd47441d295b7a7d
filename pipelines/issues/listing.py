"""Issues as they stand at this moment, for a screen or a page: groups, single issues, and the story of one.

Belongs here: reading. The states are worked out from lake and journal as they are now; groups are read as they were published while
nothing has happened since, which takes a hundredth of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

from assets.lake import is_there, objects, open_lake, quote, said_since
from pipelines.issues.states import ACTS, OPEN, Scope, make_states
from pipelines.journal import entries
from pipelines.retold import retold

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

FOLLOWED = ("issues", "rename")
"""First words of commits after which issues stand otherwise, or are called otherwise."""


@contextmanager
def standing(project: Project, scope: Scope | None = None, today: date | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reading connection to the lake with the temporary table `states` of the issues in `scope`.

    Raises `ActingError` with a near name for a dataset or rule that is not known.
    """
    from pipelines.issues.acting import check_scope
    from pipelines.issues.waiving import all_waivers
    from pipelines.rulebook import answered_for

    rules = answered_for(project)
    check_scope(scope or Scope(), {(r.dataset, r.id) for r in rules}, project.contracts.former)
    on = today or date.today()
    waivers = [w for w in all_waivers(project, {(r.dataset, r.id) for r in rules}) if w.holds(on)]
    with open_lake(project, read_only=True) as con:
        con.execute("BEGIN")
        make_states(con, project, rules, waivers, on, scope=scope)
        yield con


def groups(con: duckdb.DuckDBPyConnection, department: str = "", *, late: bool = False) -> list[dict[str, Any]]:
    """Open issues by dataset, rule and department, the heaviest first: counts by state, since when, by when, how many late."""
    where = "state <> 'closed' AND (? = '' OR department = ?)" + (" AND overdue" if late else "")
    return objects(
        con,
        f"""SELECT dataset, rule, department, count(*) AS open, any_value(severity) AS severity,
            array_to_string(list_sort(list(DISTINCT state)), ', ') AS states, arg_min(first_period, first_at) AS since, min(due) AS due,
            count(*) FILTER (overdue) AS overdue, count(*) FILTER (reopened > 0) AS returned, count(DISTINCT unit) AS units
        FROM states WHERE {where} GROUP BY dataset, rule, department
        ORDER BY overdue DESC, any_value(weight) * count(*) DESC, dataset, rule""",
        [department, department],
    )


def published_groups(project: Project, scope: Scope | None = None, department: str = "") -> list[dict[str, Any]] | None:
    """What `groups` gives of a scope without a rule, as it was published today.

    None where that is not how issues stand now: nothing was published today, people have done something about issues since, or they
    were followed anew; and of a dataset that is not known.
    """
    from pipelines.results import connect_results

    if not project.results.exists():
        return None
    scope = scope or Scope()
    with connect_results(project) as con:
        if not is_there(con, "ticket_groups"):
            return None
        ((at, snapshot, known, dataset),) = con.execute(
            "SELECT published_at, snapshot, (SELECT max(seq) FROM journal), (SELECT count(*) FROM rules WHERE dataset = ?) FROM published",
            [scope.dataset],
        ).fetchall()
        if at.date() != date.today() or (scope.dataset and not dataset):
            return None
        if any(entry.seq > (known or 0) for entry in entries(project, *ACTS)):
            return None
        if any(said.startswith(FOLLOWED) for said in said_since(project, snapshot)):
            return None
        told = ", ".join(f"CASE WHEN sum({quote(state)}) > 0 THEN '{state}' END" for state in sorted(OPEN))
        return objects(
            con,
            f"""SELECT dataset, rule, department, sum(open)::BIGINT AS open, any_value(severity) AS severity,
                concat_ws(', ', {told}) AS states, arg_min(first_period, oldest_at) AS since, min(due) AS due,
                sum(overdue)::BIGINT AS overdue, round(sum(repeated * open))::BIGINT AS returned, count(DISTINCT unit) AS units
            FROM ticket_groups WHERE open > 0 AND (? = '' OR department = ?) AND {scope.condition()}
            GROUP BY dataset, rule, department
            ORDER BY overdue DESC, any_value(weight) * sum(open) DESC, dataset, rule""",
            [department, department],
        )


def single(con: duckdb.DuckDBPyConnection, limit: int) -> list[dict[str, Any]]:
    """Issues one by one, open ones first, with the place of the record in the newest hand-over that shows it broken."""
    return objects(
        con,
        "SELECT ticket, dataset, rule, unit, state, how, last_batch, last_row, first_period, times, reopened, due, overdue"
        " FROM states ORDER BY state = 'closed', first_at, ticket LIMIT ?",
        [limit],
    )


def story(project: Project, con: duckdb.DuckDBPyConnection, ticket: str) -> list[tuple[str, str, str, str]]:
    """What happened to an issue, in order: (when, what in Chinese, what in English, who and why)."""
    (issue,) = objects(con, "FROM states WHERE ticket = ?", [ticket])
    told = [(issue["first_at"], f"发现于 {issue['first_batch']}", f"found in {issue['first_batch']}", "")]
    if issue["last_batch"] != issue["first_batch"]:
        place = f"{issue['last_batch']} 第 {issue['last_row']} 行"
        told.append((issue["last_at"], f"仍不合格：{place}（共 {issue['times']} 次）", f"still broken, {issue['times']} hand-overs", ""))
    if issue["ended_at"]:
        word = {"verified": ("核验通过，关闭", "verified and closed"), "gone": ("不再交付，关闭", "no longer handed over, closed")}
        zh, en = word.get(issue["outcome"], (issue["outcome"], issue["outcome"]))
        told.append((issue["ended_at"], f"{zh} {issue['ended_batch'] or ''}".strip(), en, ""))
    for entry in retold(project):
        said = entry.content
        named = ticket in said.get("tickets", ())
        grouped = not said.get("tickets") and (said.get("dataset"), said.get("rule")) == (issue["dataset"], issue["rule"])
        if named or (grouped and said.get("unit", "") in ("", issue["unit"])):
            told.append((entry.moment, _DONE.get(entry.what, entry.what), entry.what, f"{entry.who} {entry.why}".strip()))
    return [(f"{at:%Y-%m-%d %H:%M}", zh, en, who) for at, zh, en, who in sorted(told, key=lambda row: row[0])]


_DONE = {
    "dispatch": "派发",
    "acknowledge": "签收",
    "claim": "称已整改",
    "dispute": "提出异议",
    "resolve": "答复异议",
    "reopen": "重新打开",
    "waive": "豁免",
    "revoke": "撤销豁免",
}
