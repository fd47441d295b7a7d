"""Waivers that officers grant: a rule set aside for a scope and a time, in the journal, beside those that `waivers.yaml` declares.

Belongs here: reading them from the journal, and all waivers together. Not here: granting and revoking (`pipelines.issues.acting`),
what scores make of them (`pipelines.scores`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from assets.waivers import Waiver, load_waivers
from pipelines.journal import entries, journal_path
from pipelines.retold import renamed

if TYPE_CHECKING:
    from assets.project import Project
    from pipelines.journal import Entry


def all_waivers(project: Project, rules: Iterable[tuple[str, str]], until: datetime | None = None) -> tuple[Waiver, ...]:
    """The declared waivers, then those of the journal (up to `until`), ended ones too; `rules` are the known (dataset, rule) pairs.

    A waiver of the journal for a rule that is no more stays in the list and touches nothing. Raises `DocumentError`, `JournalError`.
    """
    return (*load_waivers(project, rules), *granted(project, until).values())


def holding(project: Project, on: date | None = None) -> tuple[Waiver, ...]:
    """The waivers that hold on a day (today), for what asks about many datasets: that their rules are known was seen elsewhere."""
    day = on or date.today()
    return tuple(w for w in (*load_waivers(project), *granted(project).values()) if w.holds(day))


def _state(project: Project) -> tuple[int, int]:
    """Size and time of change of the journal, by which a read one is known to be the newest."""
    path = journal_path(project)
    told = path.stat() if path.exists() else None
    return (told.st_size, told.st_mtime_ns) if told else (0, 0)


@lru_cache(maxsize=4)
def _said(project: Project, size: int, changed: int) -> tuple[Entry, ...]:  # noqa: ARG001 - what the journal was when it was read
    """The entries about waivers: every check of every dataset asks for them, so the journal is read once while it stays as it is."""
    return tuple(entries(project, "waive", "revoke"))


def granted(project: Project, until: datetime | None = None) -> dict[str, Waiver]:
    """By id, the waivers of the journal; a revoked one ends on the day before it was revoked."""
    found: dict[str, Waiver] = {}
    for entry in renamed(project, _said(project, *_state(project))):
        if until is not None and entry.moment > until:
            break
        said = entry.content
        if entry.what == "waive":
            found[said["id"]] = Waiver(
                dataset=said["dataset"],
                rule=said["rule"],
                unit=said.get("unit", ""),
                reason=entry.why,
                officer=entry.who,
                valid_from=date.fromisoformat(said["valid_from"]),
                until=date.fromisoformat(said["until"]),
                id=said["id"],
                legal_basis=said.get("legal_basis", ""),
                second=said.get("second", ""),
                tickets=tuple(said.get("tickets", ())),
            )
        elif said.get("waiver") in found:
            waiver = found[said["waiver"]]
            found[waiver.id] = replace(waiver, until=min(waiver.until, entry.moment.date() - timedelta(days=1)))
    return found
