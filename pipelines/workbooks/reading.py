"""A workbook that a department sent back, understood: what it claims, what it disputes, and every odd edit.

Belongs here: whose workbook it is, whose the tickets are, and what of the answers is taken. Not here: opening the file (`opening`), the
sheets (`answers`), writing claims down (`taking`). Reading changes nothing, and values of cells are never taken over: data is mended at
the source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assets.lake import is_there
from expectations.documents import near
from pipelines.issues.states import OPEN
from pipelines.workbooks.answers import Answers, read_sheets
from pipelines.workbooks.edits import tell
from pipelines.workbooks.errors import WorkbookError
from pipelines.workbooks.identity import SHEET, TICKET, Manifest
from pipelines.workbooks.receipts import Claim, Reading
from pipelines.workbooks.rows import DISPUTED, MENDED

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from assets.project import Project
    from pipelines.workbooks.opening import Opened

Facts = Mapping[str, tuple[str, str, str, str]]
"""By ticket: dataset, rule, department, state."""


def read_workbook(project: Project, path: Path, department: str | None = None) -> Reading:
    """Read the workbook at `path`, of `department` where one is named. Raises `WorkbookError` for a file that is not taken at all.

    Locked with a password that no department has, not a workbook of ours, another department's, with macros, or too large.
    """
    from pipelines.querying import connect
    from pipelines.results import connect_results
    from pipelines.workbooks.opening import open_returned

    with connect_results(project) as results, connect(project) as lake:
        known = [d for (d,) in results.execute("SELECT DISTINCT department FROM datasets WHERE layer = 'sources'").fetchall()]
        department = department and project.departments.now(department)
        if department is not None and department not in known:
            raise WorkbookError(f"--department {department!r}: 没有这个部门。 No such department. {near(department, known)}")
        passwords = _passwords(project, known, department, path)
        opened = open_returned(path, passwords)
        manifest = _todays(project, _manifest(opened))
        opened_by = opened.unlocked_by and project.departments.now(opened.unlocked_by)
        _is_theirs(manifest, opened.name, department, opened_by, known)
        reading = Reading(opened.name, opened.digest, manifest.department, manifest.published_at, manifest.part, manifest.parts)
        if opened_by is None and manifest.department in map(project.departments.now, passwords):
            reading.note(
                "plain",
                "发出时有密码，送回时没有：内容在途中可能被人看到。下次请保留密码。",
                "It went out with a password and came back without: others may have seen it. Keep the password next time.",
            )
        (at,) = results.execute("SELECT published_at FROM published").fetchone() or (None,)
        _age(reading, at)
        work = read_sheets(opened, manifest, reading)
        facts = _facts(results, {*work.said, *(t for _, _, ids in work.strangers for t in ids)})
        facts = _since(project, facts, at)
        _judge_strangers(work, facts, reading)
        _judge(work, facts, _titles(results), reading)
        for sheet, rows in work.changed.items():
            dataset = next(s.dataset for s in manifest.sheets if s.name == sheet)
            tell(reading, lake, sheet, project.contracts.get(dataset), rows)
    return reading


# The file


def _passwords(project: Project, known: Sequence[str], department: str | None, path: Path) -> dict[str, str]:
    """The passwords to try, those of the department that the file is named after first."""
    from assets.secrets import SecretError
    from pipelines.workbooks.locking import passwords_of

    found: dict[str, str] = {}
    for name in [department] if department else sorted(known, key=lambda d: (not path.name.startswith(d), d)):
        try:
            found |= passwords_of(project, name)
        except SecretError:
            if department:
                raise
            continue  # another one's may open it
    return found


def _manifest(opened: Opened) -> Manifest:
    if SHEET not in opened.sheets:
        raise WorkbookError(
            f"{opened.name}: 不是发出的工作簿（缺隐藏表 {SHEET}）。请在收到的原文件里填写，不要复制到新文件。 "
            "Not a workbook of ours: its hidden sheet is missing. Fill in the file that was sent, not a copy of its rows."
        )
    try:
        return Manifest.read(opened.rows(SHEET))
    except (ValueError, IndexError, TypeError) as error:
        raise WorkbookError(
            f"{opened.name}: 隐藏表 {SHEET} 被改动，读不懂。请在收到的原文件里重新填写。 "
            f"The hidden sheet was changed and cannot be read ({str(error)[:80]}). Fill in the file that was sent anew."
        ) from None


def _todays(project: Project, manifest: Manifest) -> Manifest:
    """What was sent, by the names that department and datasets bear now."""
    manifest.department = project.departments.now(manifest.department)
    for sheet in manifest.sheets:
        sheet.dataset = project.contracts.now(sheet.dataset)
    return manifest


def _is_theirs(manifest: Manifest, name: str, department: str | None, opened_by: str | None, known: Sequence[str]) -> None:
    other = next((d for d in (department, opened_by) if d is not None and d != manifest.department), None)
    if other is not None:
        raise WorkbookError(
            f"{name}: 这是 {manifest.department} 的工作簿，不是 {other} 的；没有采用任何内容。 "
            f"It was sent to {manifest.department}, not to {other}: nothing is taken. Name the right department, or send the right file."
        )
    if manifest.department not in known:
        raise WorkbookError(f"{name}: 部门 {manifest.department} 不存在。 No such department stands in the results.")


def _age(reading: Reading, published_at: datetime | None) -> None:
    now = published_at.isoformat(timespec="seconds") if published_at else ""
    if reading.published_at < now:
        reading.note(
            "older",
            f"工作簿出自 {reading.published_at.replace('T', ' ')} 的发布，最近一次是 {now.replace('T', ' ')}；照样采用，其间已办结的另列。",
            f"It is of the publication of {reading.published_at}; the newest is of {now}. It is taken; what was closed since is told.",
        )


# The tickets


def _facts(results: duckdb.DuckDBPyConnection, tickets: set[str]) -> Facts:
    """Dataset, rule, department and state of those tickets that there are."""
    if not tickets or not is_there(results, "tickets"):
        return {}
    sql = "SELECT ticket, dataset, rule, department, state FROM tickets WHERE ticket IN (SELECT unnest(?))"
    return {t: (dataset, rule, of, state) for t, dataset, rule, of, state in results.execute(sql, [sorted(tickets)]).fetchall()}


def _since(project: Project, facts: Facts, published_at: datetime | None) -> Facts:
    """The facts, with what was said of tickets since the publication: of two workbooks in a row the second says nothing twice."""
    from pipelines.journal import entries

    last: dict[str, str] = {}
    for entry in entries(project, "claim", "dispute"):
        if published_at is None or entry.moment >= published_at.replace(microsecond=0):
            last |= dict.fromkeys(entry.content.get("tickets") or (), "mended" if entry.what == "claim" else "disputed")
    return {t: (*fact[:3], last[t] if t in last and fact[3] in OPEN else fact[3]) for t, fact in facts.items()}


def _judge_strangers(work: Answers, facts: Facts, reading: Reading) -> None:
    """Rows whose identity was not sent on that sheet."""
    for sheet, cell, ids in work.strangers:
        if any(t in facts and facts[t][2] != reading.department for t in ids):
            reading.note("foreign", "这一行是别的部门的，不予采用。", "A row of another department: refused.", sheet, cell)
        elif all(TICKET.fullmatch(t) for t in ids) and not any(t in facts for t in ids):
            reading.note("unknown", "没有这个编号，没有采用。", "There is no such ticket: not taken.", sheet, cell)
        else:
            reading.note(
                "identity",
                "“编号”被改，认不出是哪一行，没有采用。请在收到的原文件里填写。",
                "The hidden tickets were changed; which row it was cannot be told: not taken.",
                sheet,
                cell,
            )


def _titles(results: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[str, str, bool]]:
    """Of every rule its titles, and whether another department contradicts by it."""
    found = results.execute("SELECT dataset, rule, title_zh, title_en, origin FROM rules").fetchall()
    return {(dataset, rule): (zh or rule, en or rule, origin == "cross") for dataset, rule, zh, en, origin in found}


def _judge(work: Answers, facts: Facts, titles: Mapping[tuple[str, str], tuple[str, str, bool]], reading: Reading) -> None:
    """Which of what was said is taken, grouped by rule and reason."""
    taken: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for ticket, said in work.said.items():
        at = said[0]
        whats = {s.what for s in said}
        dataset, rule, department, state = facts.get(ticket, ("", "", "", ""))
        if not dataset:
            reading.note("unknown", "没有这个编号，没有采用。", "There is no such ticket: not taken.", at.sheet, at.cell)
        elif department != reading.department:
            reading.note("foreign", "这一行是别的部门的，不予采用。", "A row of another department: refused.", at.sheet, at.cell)
        elif len(whats) > 1:
            reading.note(
                "conflict",
                f"同一问题既填“{MENDED}”又填“{DISPUTED}”（{'、'.join(s.cell for s in said[:4])}），没有采用。",
                f"One ticket is both mended and disputed ({', '.join(s.cell for s in said[:4])}): not taken.",
                at.sheet,
                at.cell,
            )
        elif state not in OPEN or state == "waived":
            reading.note(
                "closed", "此问题已办结或已豁免，无需再报。", "This ticket is closed or waived: nothing to say.", at.sheet, at.cell
            )
        elif state == at.what:
            reading.note("said", "此前已报过，不再记一次。", "It was said before: not written down again.", at.sheet, at.cell)
        else:
            taken[at.what, dataset, rule, next((s.why for s in said if s.why), "")].append(ticket)
    for (what, dataset, rule, why), tickets in sorted(taken.items()):
        zh, en, cross = titles.get((dataset, rule), (rule, rule, False))
        claim = Claim(dataset, rule, zh, en, tuple(sorted(tickets)), why, "other department" if cross and what == "disputed" else "rule")
        (reading.mended if what == "mended" else reading.disputed).append(claim)
