"""What was delivered, from the journal: where each channel of a department stands, and when a failure is tried again.

Belongs here: reading and writing the entries `deliver`. Not here: sending. Who of several recipients has had a mail is kept as a
digest of the address, so that nobody gets it twice and no address stands in the journal.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipelines.sealing import sm3

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assets.project import Project
    from pipelines.delivery.parcels import Parcel
    from pipelines.journal import Entry

STATES = {
    "new": ("待送", "to be sent"),
    "delivered": ("已送达", "delivered"),
    "held": ("今日已送过，明日再送", "today's was sent; the next one tomorrow"),
    "failed": ("失败，待重试", "failed, is tried again"),
    "given_up": ("多次失败，已放弃", "given up after all tries"),
}
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
LONGEST = 200


@dataclass(frozen=True)
class Sent:
    """What came of one try: the addresses that took it (mail), those that were refused, and why where not all was well."""

    ok: bool
    got: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Tried:
    """One try, as it stands in the journal. `result`: delivered, partial, failed."""

    at: datetime
    publication: str
    result: str
    got: frozenset[str] = frozenset()
    reason: str = ""


@dataclass(frozen=True)
class Standing:
    """Where one channel of a department stands with a publication. `to`: the addresses that a mail is still to go to."""

    department: str
    channel: str
    publication: str
    state: str  # a key of `STATES`
    tries: int = 0  # that failed, wholly or in part
    at: datetime | None = None  # of the last try
    again: datetime | None = None  # when a failure is tried again
    reason: str = ""
    recipients: int = 0
    to: tuple[str, ...] = field(default=(), repr=False)
    is_due: bool = False

    @property
    def can_be_tried(self) -> bool:
        return self.state in ("new", "failed", "given_up")


def mark(address: str) -> str:
    """What stands for an address in the journal."""
    return sm3(address.lower().encode())[:16]


def remembered(project: Project) -> dict[tuple[str, str], list[Tried]]:
    """By department and channel, all tries, oldest first; those of a channel that was never tried are none. Raises `JournalError`."""
    from pipelines.retold import retold

    found: dict[tuple[str, str], list[Tried]] = defaultdict(list)
    for entry in retold(project, "deliver"):
        found[str(entry.content.get("department")), str(entry.content.get("channel"))].append(_tried(entry))
    return found


def _tried(entry: Entry) -> Tried:
    said = entry.content
    return Tried(entry.moment, str(said.get("publication")), str(said.get("result")), frozenset(said.get("got", ())), entry.why)


def standing(
    project: Project, department: str, channel: str, publication: str, known: Sequence[Tried], now: datetime | None = None
) -> Standing:
    """Where the channel stands with the publication, by what is `known` of it, at local time `now`."""
    now = now or datetime.now()
    section, rules = project.departments.section(project.settings, department), project.settings.deliver
    mine = [t for t in known if t.publication == publication]
    bad = [t for t in mine if t.result != "delivered"]
    last = mine[-1] if mine else None
    to: tuple[str, ...] = ()
    if channel == "mail":
        every = tuple(dict.fromkeys(section.mail_to))
        had = frozenset().union(*(t.got for t in mine))
        today = frozenset().union(*(t.got for t in known if t.at.date() == now.date()))
        open_ = [a for a in every if mark(a) not in had]
        to = tuple(a for a in open_ if mark(a) not in today)
        done, held, recipients = not open_, bool(open_) and not to, len(every)
    else:
        done, held, recipients = last is not None and last.result == "delivered", False, 1
    again = bad[-1].at + timedelta(minutes=rules.wait_minutes * 2 ** (len(bad) - 1)) if bad else None
    state = "delivered" if done else "held" if held else "given_up" if len(bad) >= rules.tries else "failed" if bad else "new"
    return Standing(
        department,
        channel,
        publication,
        state,
        len(bad),
        last.at if last else None,
        again if state == "failed" else None,
        bad[-1].reason if bad and state in ("failed", "given_up") else "",
        recipients,
        to,
        state == "new" or (state == "failed" and again is not None and again <= now),
    )


def note(project: Project, parcel: Parcel, before: Standing, sent: Sent, who: str) -> Tried:
    """Write a try down; gives it as it will be remembered."""
    from pipelines.journal import append

    result = "delivered" if sent.ok and not sent.refused else "partial" if sent.got else "failed"
    content = {
        "department": parcel.department,
        "channel": before.channel,
        "publication": parcel.publication,
        "snapshot": parcel.facts["snapshot"],
        "result": result,
        "attempt": before.tries + 1,
        "recipients": len(sent.got) if before.channel == "mail" else int(sent.ok),
        "refused": len(sent.refused),
        "got": sorted(map(mark, sent.got)),
    }
    return _tried(append(project, "deliver", who, plain(sent.reason), **content))


def plain(reason: str, *secrets: str) -> str:
    """A server's words as one short line without addresses and without any of `secrets`."""
    for secret in filter(None, secrets):
        reason = reason.replace(secret, "***")
    return "".join(c if c.isprintable() else " " for c in _ADDRESS.sub("***", reason))[:LONGEST].strip()
