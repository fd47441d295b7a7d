"""The journal as it reads today: entries with datasets and departments by the names that they bear now.

Nothing changes the journal, so whoever asks what was done about a dataset or a department reads it through here. Belongs here: that
translation. Not here: the journal as it was written, which its seals speak of (`pipelines.journal`), and the names (`assets.renames`,
`assets.departments`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.journal import entries

if TYPE_CHECKING:
    from assets.project import Project
    from pipelines.journal import Entry


def retold(project: Project, *what: str) -> Iterator[Entry]:
    """The entries in order, of the kinds in `what` where some are named, by the names of today. Raises `JournalError`."""
    return renamed(project, entries(project, *what))


def renamed(project: Project, written: Iterable[Entry]) -> Iterator[Entry]:
    """The same of entries that were read already."""
    datasets, departments = project.contracts.former, project.departments.former
    for entry in written:
        said = entry.content
        now = {
            key: known[said[key]]
            for key, known in (("dataset", datasets), ("department", departments))
            if isinstance(said.get(key), str) and said[key] in known
        }
        yield replace(entry, content=said | now) if now else entry
