"""Delivering a department's report to where its settings say: a folder, mail, a webhook; each publication once.

Belongs here: the order of things, one process at a time. Not here: what goes out (`parcels`), how (`folder`, `mail`, `webhook`),
what was delivered before (`remembered`). What happened is an entry `deliver` of the journal, which is also the queue: what is not
written down there as delivered is tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from pipelines.errors import DeliveryError

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project
    from pipelines.delivery.parcels import Parcel
    from pipelines.delivery.remembered import Standing, Tried

WHO = "yuanqing deliver"
WAIT = 600
"""Seconds that a process waits for another one that delivers."""


def deliver(project: Project, departments: Sequence[str] = (), *, who: str = WHO, now: bool = False) -> list[Standing]:
    """Send what is published now to all channels of `departments` (by default of all that have some) that have not had it.

    `now`: what failed is tried at once, also what was given up. Returns where each channel stands afterwards. Raises
    `DeliveryError` for an unknown department, and, after the others were served, for one without a report and
    for a channel that is not fully set up; `JournalError`.
    """
    from pipelines.delivery.remembered import remembered, standing
    from pipelines.results import connect_results

    wrong: list[str] = []
    found: list[Standing] = []
    with _alone(project), connect_results(project) as results:
        tries = remembered(project)
        for department in _chosen(project, departments):
            try:
                parcel = _parcel(project, results, department)
            except DeliveryError as error:
                wrong.append(str(error))
                continue
            for channel in channels(project, department):
                if trouble := problem(project, department, channel):
                    wrong.append(trouble)
                    continue
                known = tries[department, channel]
                before = standing(project, department, channel, parcel.publication, known)
                if before.is_due or (now and before.can_be_tried):
                    known.append(_send(project, parcel, before, who))
                found.append(standing(project, department, channel, parcel.publication, known))
    if wrong:
        raise DeliveryError("；".join(wrong))
    return found


def planned(project: Project, departments: Sequence[str] = ()) -> list[tuple[Parcel, list[Standing]]]:
    """What `deliver` would send: each department's parcel, and where its channels stand; sends and writes nothing."""
    from pipelines.delivery.remembered import remembered, standing
    from pipelines.results import connect_results

    tries = remembered(project)
    with connect_results(project) as results:
        return [
            (
                parcel := _parcel(project, results, name),
                [standing(project, name, c, parcel.publication, tries[name, c]) for c in channels(project, name)],
            )
            for name in _chosen(project, departments)
        ]


def undelivered(project: Project) -> list[Standing]:
    """Channels whose newest delivery failed or was refused in part, from the journal alone."""
    from pipelines.delivery.remembered import remembered, standing

    found, tries = [], remembered(project)
    for department in project.departments.bodies:
        for channel in channels(project, department):
            known = tries[department, channel]
            if known and known[-1].result != "delivered":
                found.append(standing(project, department, channel, known[-1].publication, known))
    return [one for one in found if one.tries]


def channels(project: Project, department: str) -> list[str]:
    """The channels that are set for a department."""
    section = project.departments.section(project.settings, department)
    set_ = {"folder": section.deliver_to_folder, "mail": section.mail_to, "webhook": section.webhook}
    return [channel for channel, to in set_.items() if to]


def problem(project: Project, department: str, channel: str) -> str:
    """What the settings lack for a channel, with the remedy; empty where nothing."""
    from pipelines.delivery import folder, mail, webhook

    said = {"folder": folder.lacks, "mail": mail.lacks, "webhook": webhook.lacks}[channel](project, department)
    return f"{department}, {channel}: {said}" if said else ""


def _send(project: Project, parcel: Parcel, before: Standing, who: str) -> Tried:
    from pipelines.delivery import folder, mail, remembered, webhook

    if before.channel == "mail":
        sent = mail.send(project, parcel, before.to)
    else:
        sent = (folder if before.channel == "folder" else webhook).send(project, parcel)
    return remembered.note(project, parcel, before, sent, who)


def _chosen(project: Project, departments: Sequence[str]) -> list[str]:
    of_today = project.departments
    for name in of_today.unknown((*departments, *project.settings.departments)):
        raise DeliveryError(f"{name}: 没有这个部门。 No such department. {of_today.told(name)}")
    for name, left in of_today.unwritten(project.settings.departments).items():
        raise DeliveryError(
            f"{', '.join(left)} 已并入 {name}。 {' and '.join(left)} have become {name}: write [departments.{name}] in yuanqing.toml."
        )
    departments = [of_today.now(name) for name in departments]
    for name in departments:
        if not channels(project, name):
            raise DeliveryError(
                f"{name}: 没有写明送往何处。 It is not said where its report goes. Set deliver_to_folder, mail_to or webhook"
                f" in [departments.{name}] of yuanqing.toml."
            )
    return [name for name in sorted(of_today.bodies) if channels(project, name) and (not departments or name in departments)]


def _parcel(project: Project, results: duckdb.DuckDBPyConnection, department: str) -> Parcel:
    import duckdb

    from pipelines.delivery.parcels import pack

    try:
        return pack(project, results, department)
    except duckdb.CatalogException:
        raise DeliveryError(
            f"{project.results}: 是旧版程序发布的。运行 `yuanqing publish`。 It was published by an older program. Run `yuanqing publish`."
        ) from None


def _alone(project: Project) -> AbstractContextManager[None]:
    """One process delivers at a time: the second finds what the first has delivered."""
    from pipelines.journal import alone

    said = f"另一进程送达已超过 {WAIT} 秒。稍后再试。 Another process has been delivering for {WAIT} s. Try later."
    return alone(project, "deliver.lock", WAIT, DeliveryError(said))
