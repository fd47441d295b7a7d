"""Readers: one a form of hand-over, each turning what a department delivers into rows of text with their position.

Belongs here: what a pending hand-over and a read one are, the two ways in which reading ends early, and the choice of a
reader. Not here: the contract's columns, the lake, what becomes of a file afterwards (`assets.collect`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assets.contracts import Contract
from expectations.documents import near

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project


class RefusedError(Exception):
    """The hand-over is refused whole; says what was found, where, what was expected and what to do."""

    def __init__(self, found: str, *, where: str = "", expected: str = "", remedy: str = "") -> None:
        self.found, self.where, self.expected, self.remedy = found, where, expected, remedy
        said = found + (f"; expected {expected}" if expected else "")
        super().__init__((f"{where}: " if where else "") + said.rstrip(".") + "." + (f" {remedy}" if remedy else ""))


class LaterError(Exception):
    """Not now: still being written, vanished, source out of reach. Nothing was kept; the next run tries again."""


@dataclass(frozen=True)
class Handover:
    """One pending delivery.

    `period` is as the delivery names it (202610, 20261024, 2026102408), empty where it names none; `source` the name to
    show, free of credentials; `received_at` local time. `details` is the reader's own, with two keys that every reader
    uses: `refusal` (a `RefusedError` found before reading) and `later` (why it is not ready).
    """

    dataset: str
    unit: str | None
    period: str
    partition_key: str
    source: str
    path: Path | None
    received_at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reject:
    """A record that could not be read as a row: where it begins, the physical lines it takes, its text, and why."""

    row: int
    lines: int
    text: str
    reason: str


@dataclass
class Extract:
    """One hand-over, read.

    `relation` is SQL over the connection that gives `_row BIGINT` and `c0`..`cN VARCHAR` in the order of `header`.
    Always: `records` = its rows + `rejects`, `lines` = `records` + `lines_other`. `scratch` is the folder of its working
    files; `discard()` removes it. `parts` names the parts of a hand-over that has several (`assets.readers.parts`),
    `announced` is the number of records that the source itself says it holds.
    """

    header: tuple[str, ...]
    relation: str
    digest: str
    bytes: int
    lines: int
    lines_other: int
    records: int
    rejects: list[Reject]
    watermark: str | None = None
    notes: list[str] = field(default_factory=list)
    scratch: Path | None = None
    parts: list[str] = field(default_factory=list)
    announced: int | None = None

    @property
    def rows(self) -> int:
        return self.records - len(self.rejects)

    def discard(self) -> None:
        import shutil

        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)


class Reader(Protocol):
    """Lists what is pending and reads one of it. `ahead`: reading needs no connection and may run in a thread."""

    ahead: bool

    def pending(self, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> list[Handover]:
        """Every hand-over that waits, also those that are not ready or not acceptable. Raises `LaterError`."""

    def read(self, handover: Handover, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> Extract:
        """Read it whole, or raise `RefusedError` or `LaterError` and leave nothing behind."""


def reader_for(contract: Contract) -> Reader:
    """The reader of the form that the contract's first server declares. Raises `RefusedError` for any other form."""
    server = contract.server
    if server.type == "local":
        from assets.readers.local import LocalReader, form_of

        form_of(contract)
        return LocalReader()
    if server.type == "api":
        from assets.readers.api import ApiReader

        return ApiReader()
    if server.type in ("postgresql", "postgres", "mysql"):
        from assets.readers.database import DatabaseReader

        return DatabaseReader("mysql" if server.type == "mysql" else "postgresql")
    raise RefusedError(
        f"server type {server.type!r}", where=str(contract.path), remedy=near(server.type, ("local", "api", "postgresql", "mysql"))
    )
