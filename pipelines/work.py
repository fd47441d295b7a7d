"""What there is to do: pending hand-overs and half-done batches, as runs over ranges of partitions.

Belongs here: asking readers and the lake, and cutting the answer into runs. Not here: doing it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import clear_error_types, told

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from assets.readers import Handover


@dataclass(frozen=True)
class Work:
    """One run of one source dataset over neighbouring partitions `first` to `last`.

    `strays` are partition keys of hand-overs for a period that has no partition: collecting refuses them with a reason.
    `sources` are the pending hand-overs and `stamps` what each is like now, `trouble` why the source could not be
    asked (the run then fails with it).
    """

    dataset: str
    first: str
    last: str
    strays: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """The run tags that say so to Dagster."""
        from pipelines.factories import STRAYS_TAG

        tags = {STRAYS_TAG: ",".join(self.strays)} if self.strays else {}
        if self.first == self.last:
            return {**tags, "dagster/partition": self.first}
        return {**tags, "dagster/asset_partition_range_start": self.first, "dagster/asset_partition_range_end": self.last}


def pending_work(con: duckdb.DuckDBPyConnection, project: Project, contracts: Iterable[Contract]) -> list[Work]:
    """What the given source datasets have waiting, in the order of the contracts and of time."""
    asked = list(contracts)
    half_done = _half_done(con, project, asked)
    return [work for contract in asked for work in _of_one(con, project, contract, half_done[contract.name])]


def _half_done(con: duckdb.DuckDBPyConnection, project: Project, contracts: Sequence[Contract]) -> dict[str, list[str]]:
    """By dataset the partitions of batches that are to be standardised."""
    from assets.judging import Judge
    from assets.lake import at_hand, is_there
    from assets.releases import TABLE
    from assets.standardise import due

    releases = [TABLE.split(".")[1]] if is_there(con, TABLE) else []
    with at_hand(con, "batches", *releases, results="DISTINCT batch, fingerprint"):
        return {c.name: [batch.partition_key for batch in due(con, Judge(project, c))] for c in contracts}


def _of_one(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, half_done: Sequence[str]) -> list[Work]:
    from assets.collect import pending
    from pipelines.factories import partitions

    known = list(partitions(contract).get_partition_keys())
    waiting: dict[str, list[Handover]] = {key: [] for key in half_done}
    trouble = ""
    try:
        for handover in pending(con, project, contract):
            if not handover.details.get("later"):
                waiting.setdefault(handover.partition_key, []).append(handover)
    except Exception as error:
        if not isinstance(error, (*clear_error_types(), OSError)):
            raise
        trouble = told(error)
    positions = {key: i for i, key in enumerate(known)}
    strays = tuple(sorted(key for key in waiting if key not in positions))
    keys = sorted((key for key in waiting if key in positions), key=positions.__getitem__)
    if not keys and (strays or trouble):
        keys = known[-1:]
    ranges: list[list[str]] = []
    for key in keys:
        if ranges and positions[key] == positions[ranges[-1][-1]] + 1:
            ranges[-1].append(key)
        else:
            ranges.append([key])
    found = []
    for part in ranges:
        left = strays if part is ranges[-1] else ()
        handovers = [h for key in (*part, *left) for h in waiting.get(key, ())]
        found.append(
            Work(contract.name, part[0], part[-1], left, tuple(h.source for h in handovers), tuple(map(_stamp, handovers)), trouble)
        )
    return found


def _stamp(handover: Handover) -> str:
    """What a hand-over is like now: a file by its size and time, anything else by when it was received."""
    if handover.path is None:
        return f"{handover.source} {handover.partition_key}"
    try:
        stat = handover.path.stat()
    except FileNotFoundError:
        return f"{handover.path} gone"
    return f"{handover.path} {stat.st_size} {stat.st_mtime_ns}"


def landing_files(project: Project, contracts: Iterable[Contract]) -> list[tuple[str, int, int]]:
    """Name below the landing folder, size in bytes and time of change in ns of every file that waits there."""
    found = []
    for contract in contracts:
        for path in sorted((project.landing / contract.name).rglob("*")):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            if path.is_file():
                found.append((path.relative_to(project.landing).as_posix(), stat.st_size, stat.st_mtime_ns))
    return found


def seconds_to_settle(project: Project, quiet: float = 2.5) -> float:
    """How long to wait until the newest file has been left alone for `quiet` seconds; readers pass over one still written."""
    now = time.time()
    ages = (now - changed / 1e9 for _, _, changed in landing_files(project, project.sources()))
    youngest = min((age for age in ages if age >= 0), default=quiet)
    return max(0.0, quiet - youngest)
