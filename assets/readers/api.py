"""The reader of JSON APIs that give their records in pages, one hand-over a day.

Belongs here: which days wait, fetching the pages of a day, and what makes a set of pages untrustworthy.
Not here: asking (`answers`), what the records mean. Options: docs/contracts.md.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.contracts import PERIODS, Contract
from assets.lake import is_there
from assets.readers import Extract, Handover, LaterError, RefusedError
from assets.readers.answers import AGAIN, Page, Source
from assets.readers.files import partition_of
from assets.readers.table import TextTable

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project


class ApiReader:
    """Servers of `type: api`."""

    ahead = False

    def pending(self, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> list[Handover]:
        assert contract.delivery is not None
        source = Source(contract, project)
        since = date.fromisoformat(str(source.opts["since"] or contract.delivery.start).ljust(10, "x").replace("xxx", "-01")[:10])
        form = PERIODS[contract.delivery.period]
        done = _collected_periods(con, contract)
        handovers = []
        with source:
            days = source.days(since)
        for day in sorted(days):
            moment = datetime(day.year, day.month, day.day)
            period = moment.strftime(form)
            if day >= since and day <= date.today() and period not in done:
                handovers.append(
                    Handover(contract.name, None, period, partition_of(contract, moment), source.shown, None, datetime.now(), {"day": day})
                )
        return handovers

    def read(self, handover: Handover, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> Extract:  # noqa: ARG002 - the protocol's
        scratch = project.scratch / "collect"
        scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=scratch))
        extract = Extract((), "", "", 0, 0, 0, 0, [], watermark=handover.details["day"].isoformat(), scratch=folder)
        try:
            with Source(contract, project) as source:
                _read_day(source, handover.details["day"], contract, extract, folder)
        except OSError as error:
            extract.discard()
            raise LaterError(f"{handover.source}: working files could not be written ({error.strerror}).") from None
        except BaseException:
            extract.discard()
            raise
        return extract


def _collected_periods(con: duckdb.DuckDBPyConnection, contract: Contract) -> set[str]:
    if not is_there(con, "evidence.batches"):
        return set()
    rows = con.execute(
        "SELECT DISTINCT period FROM evidence.batches WHERE dataset = ? AND status IN ('collected', 'standardised', 'repeated')",
        [contract.name],
    ).fetchall()
    return {period for (period,) in rows}


@dataclass
class _Day:
    """One reading of all pages of a day. `twice`: records that came on more than one page."""

    header: dict[str, int]
    table: TextTable
    bytes: int = 0
    twice: int = 0
    digest: str = ""


def _read_day(source: Source, day: date, contract: Contract, extract: Extract, folder: Path) -> None:
    """Read a day; where records came on two pages, read it again to tell what is there twice from pages that move."""
    read = _pass(source, day, contract, folder)
    if read.twice:
        again = Path(tempfile.mkdtemp(dir=folder))
        if _pass(source, day, contract, again).digest != read.digest:
            raise LaterError(
                f"{source.shown}: {read.twice} records of {day} came on two pages, and others when the day was asked for again: "
                "its pages move while they are read. Nothing was kept; the next run tries again."
            )
        extract.notes.append(f"{read.twice} records came on two pages, and again so when the day was asked for twice: kept as they came")
    extract.digest, extract.bytes = read.digest, read.bytes
    rows = read.table.rows
    extract.records = extract.lines = extract.announced = rows
    extract.header = tuple(read.header) if rows else tuple(c.header for c in contract.columns)
    extract.relation = read.table.relation(range(len(read.header))) if rows else _nothing(len(extract.header))
    if not rows:
        extract.notes.append("the source says that it has no records for this day")


def _pass(source: Source, day: date, contract: Contract, folder: Path) -> _Day:
    read = _Day({}, TextTable(folder))
    sha = hashlib.sha256(f"{contract.name} {day.isoformat()}\n".encode())
    seen: set[int] = set()
    header = read.header
    try:
        for page in _pages(source, day):
            read.bytes += page.bytes
            here: set[int] = set()
            for record in page.records:
                for name in record:
                    header.setdefault(name, len(header))
                values: list[str | None] = [None] * len(header)
                for name, value in record.items():
                    values[header[name]] = _text(value)
                read.table.write(read.table.rows + 1, values)
                line = json.dumps(record, ensure_ascii=False, sort_keys=True).encode()
                sha.update(line + b"\n")
                mark = hash(line)
                read.twice += mark in seen
                here.add(mark)
            seen |= here
    finally:
        read.table.close()
    read.digest = sha.hexdigest()
    return read


def _pages(source: Source, day: date) -> Iterator[Page]:
    """The pages of a day until all announced records have come; each page once and of one size, or `RefusedError`."""
    number = int(source.opts["firstPage"])
    seen: dict[bytes, int] = {}
    first: Page | None = None
    got, cursor = 0, None
    while first is None or got < first.total:
        fault = ""
        for attempt in range(AGAIN + 1):
            if attempt:
                time.sleep(0.2 * attempt)
            page = source.page(day, number, cursor)
            mark = hashlib.sha256(json.dumps(page.records, ensure_ascii=False).encode()).digest()
            fault = _fault(page, number, first, got, seen.get(mark))
            if first is not None and page.total != first.total:
                raise LaterError(
                    f"{source.shown}: the total changed from {first.total} to {page.total} while {day} was read. "
                    f"Nothing was kept; the next run tries again."
                )
            if not fault:
                break
        if fault:
            raise RefusedError(
                f"{fault} ({day})",
                where=source.shown,
                expected="each page once, all of one size",
                remedy="Nothing was kept; the next run fetches the day again. If it stays so, tell the department.",
            )
        first = first or page
        got += len(page.records)
        seen[mark] = number
        number += 1
        if got > first.total:
            raise RefusedError(
                f"{got} records, where {first.total} were announced ({day})",
                where=source.shown,
                expected="as many as announced",
                remedy="Nothing was kept; the next run fetches the day again. If it stays so, tell the department.",
            )
        if source.opts["cursorAt"] and got < first.total and page.cursor in (None, cursor):
            raise RefusedError(
                f"no token for the page after {number - 1}, though {got} of {first.total} records have come ({day})",
                where=source.shown,
                expected=f"a new one at `{source.opts['cursorAt']}`",
                remedy="Nothing was kept; the next run fetches the day again. If it stays so, tell the department.",
            )
        cursor = page.cursor
        yield page


def _fault(page: Page, number: int, first: Page | None, got: int, same_as: int | None) -> str:
    """What is wrong with a page beside those before it; empty where nothing is."""
    count = len(page.records)
    total = first.total if first is not None else page.total
    if page.number is not None and page.number != str(number):
        return f"page {page.number} came where page {number} was asked for"
    if page.records and same_as is not None:
        return f"page {number} is page {same_as} over again"
    if not page.records and total > got:
        return f"page {number} is empty, though {got} of {total} records have come: a page is missing"
    if first is None:
        return ""
    # Another size moves the borders of pages: records between would be lost or come twice.
    if page.size != first.size or count > len(first.records) or (count < len(first.records) and got + count < total):
        return f"page {number} has {count} records where the first had {len(first.records)}: the page size changed"
    return ""


def _nothing(width: int) -> str:
    return f"SELECT NULL::BIGINT AS _row, {', '.join(f'NULL::VARCHAR AS c{i}' for i in range(width))} WHERE false"


def _text(value: Any) -> str | None:
    """A JSON value as text: numbers and texts as they came, true and false, null as None, the rest as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
