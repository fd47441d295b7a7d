"""What a workbook claims, written down: a journal entry for the tickets of each rule and reason.

Belongs here: that, and doing nothing twice. Not here: reading the workbook (`reading`), what a claim does (`pipelines.issues`).
A file that was read before, or of which only a part was written down when the process died, adds what is not there yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipelines.workbooks.errors import WorkbookError

if TYPE_CHECKING:
    from assets.project import Project
    from pipelines.issues.acting import Answer
    from pipelines.workbooks.receipts import Claim, Reading

AT_ONCE, LOOKED_AT = 10_000, 50_000
"""Tickets of one entry, and those that are looked at together: each look costs a second, whatever the reasons are."""


def take(project: Project, reading: Reading, who: str) -> int:
    """Write down the claims and disputes of `reading`; gives the number of tickets. Raises `WorkbookError` without a name.

    `BusyError` where somebody else acts for long: what is lacking then is written down by the next reading.
    """
    from pipelines.issues.acting import ActingError, Answer, answer
    from pipelines.issues.states import Scope

    if not who.strip():
        raise WorkbookError("--who：请写明是谁送回的。 Who sends it back? Give a name: --who NAME.")
    before = _before(project, reading.digest)
    taken = again = 0
    answers: list[Answer] = []
    for said in (*reading.mended, *reading.disputed):
        against = "" if said in reading.mended else said.against
        new = [t for t in said.tickets if ("dispute" if against else "claim", t) not in before]
        again += len(said.tickets) - len(new)
        parts = (tuple(new[first : first + AT_ONCE]) for first in range(0, len(new), AT_ONCE))
        answers += [Answer(Scope(said.dataset, said.rule, tickets=part), _why(reading, said), against) for part in parts]
    for some in _parts(answers):
        for one, written in zip(some, answer(project, who, some, known_at=reading.published_at), strict=True):
            if isinstance(written, ActingError):  # what happened since the publication; the others are taken all the same
                reading.note("not_now", str(written), "", one.scope.dataset, one.scope.rule, times=len(one.scope.tickets))
            else:
                taken += len(one.scope.tickets)
    if again:
        told = (f"{again:,} 条此前已从这个文件记过，不再记。", f"{again:,} were written down from this very file before: not again.")
        reading.note("said", *told, times=again)
    return taken


def _parts(answers: Sequence[Answer]) -> Iterator[list[Answer]]:
    """The answers in parts of some `LOOKED_AT` tickets."""
    part: list[Answer] = []
    tickets = 0
    for one in answers:
        part.append(one)
        tickets += len(one.scope.tickets)
        if tickets >= LOOKED_AT:
            yield part
            part, tickets = [], 0
    if part:
        yield part


def _why(reading: Reading, said: Claim) -> str:
    return f"{said.why}（{_mark(reading.digest)}）" if said.why else _mark(reading.digest)


def _mark(digest: str) -> str:
    return f"工作簿 workbook {digest}"


def _before(project: Project, digest: str) -> set[tuple[str, str]]:
    """What entries say of tickets on the word of this very file."""
    from pipelines.journal import entries

    return {
        (entry.what, ticket)
        for entry in entries(project, "claim", "dispute")
        if _mark(digest) in entry.why
        for ticket in entry.content.get("tickets") or ()
    }
