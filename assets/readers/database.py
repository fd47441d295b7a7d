"""The reader of database tables: what of a table is one hand-over, by change time, batch number, period, or whole.

Belongs here: hand-overs that wait, and what both kinds of database have in common. Not here: a database's own words
(`postgresql`, `mysql`), what the rows mean. Options: docs/contracts.md.

A connection string can hold a password and the database's own words can repeat it or show values: messages here are
made from the kind of failure alone.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assets.contracts import PERIODS, Contract
from assets.headers import fold
from assets.lake import is_there
from assets.readers import Extract, Handover, LaterError, RefusedError
from assets.readers.files import moment_of, partition_of
from assets.readers.options import options
from expectations.documents import near

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

Rows = list[tuple[str | None, ...]]


class Source(Protocol):
    """One table of a database, open for reading. Everything comes as text.

    `shown` is its name without credentials, `table` its quoted name, `columns` its columns with their types.
    """

    shown: str
    table: str
    columns: dict[str, str]

    def titles(self) -> dict[str, str]:
        """What the database's own comments call columns, where they call them anything."""

    def ask(self, sql: str) -> Rows:
        """The rows of a SELECT whose columns are texts."""

    def text(self, expression: str) -> str:
        """SQL that gives an expression as the database's own text."""

    def quoted(self, column: str) -> str: ...

    def value(self, column: str, text: str) -> str:
        """A value as SQL that compares with the column."""

    def timed(self, column: str) -> bool:
        """Whether the column holds times."""

    def lacking(self, column: str) -> str:
        """SQL that is true where the column holds nothing, or a zero in place of a time."""

    def now(self, back: float = 0) -> str:
        """SQL of the server's clock, `back` seconds ago."""

    def copy(self, where: str, order: Iterable[str], folder: Path, most: int | None = None) -> str:
        """Bring the rows (at `most` so many, any of them) to a file in `folder`, in this order, and give SQL over it: `_row` and
        `c0`, `c1`, ... as text."""


Opened = Callable[["Contract", "Project", "duckdb.DuckDBPyConnection", dict[str, Any]], AbstractContextManager[Source]]
"""Opens the source of a contract; every failure of it becomes a `LaterError` without its words."""


@dataclass(frozen=True)
class Window:
    """What of the table one hand-over is: rows `where`, in the `order` of these columns, up to `watermark`."""

    where: str
    order: tuple[str, ...]
    watermark: str | None
    moment: datetime
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Known:
    """What the evidence says of earlier hand-overs: the last watermark, all of them, all periods."""

    last: str | None
    marks: frozenset[str]
    periods: frozenset[str]


class DatabaseReader:
    """Servers of `type: postgresql` and `mysql`."""

    ahead = False

    def __init__(self, form: str) -> None:
        self.form = form
        self.opened: Opened = import_module(f"assets.readers.{form}").opened

    def pending(self, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> list[Handover]:
        assert contract.delivery is not None
        opts = options(contract, self.form)
        given = [o for o in ("changedBy", "batchBy", "periodBy") if opts[o]]
        if len(given) > 1 or (not given and contract.delivery.mode != "full") or (opts["batchBy"] and not opts["timeBy"]):
            raise RefusedError(
                f"{', '.join(given) or 'none of changedBy, batchBy, periodBy'} in a {contract.delivery.mode} delivery",
                where=str(contract.path),
                expected="one of changedBy, batchBy with timeBy, periodBy; none for a full table as it stands",
            )
        known = _known(con, contract)
        with self.opened(contract, project, con, opts) as source:
            windows = _windows(source, contract, opts, known)
            found = source.shown
        form = PERIODS[contract.delivery.period]
        handovers = []
        for window in windows:
            period = window.moment.strftime(form)
            details: dict[str, Any] = {"window": window}
            if opts["periodBy"]:
                try:
                    moment_of(contract, period)
                except ValueError as error:
                    if "before the first" in str(error):
                        continue
                    details["refusal"] = RefusedError(str(error), where=found, expected=f"a {contract.delivery.period} period")
            partition = partition_of(contract, window.moment)
            handovers.append(Handover(contract.name, None, period, partition, found, None, datetime.now(), details))
        return handovers

    def read(self, handover: Handover, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> Extract:
        opts = options(contract, self.form)
        window: Window = handover.details["window"]
        scratch = project.scratch / "collect"
        scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=scratch))
        extract = Extract((), "", "", 0, 0, 0, 0, [], watermark=window.watermark, scratch=folder, notes=list(window.notes))
        try:
            with self.opened(contract, project, con, opts) as source:
                extract.header = tuple(source.columns)
                labels = {fold(label) for key in contract.key for label in contract.column(key).headers}
                keys = [c for c in source.columns if fold(c) in labels and c not in window.order]
                extract.relation = source.copy(window.where, [*window.order, *keys], folder)
            _account(con, extract, contract)
        except BaseException:
            extract.discard()
            raise
        return extract


def _known(con: duckdb.DuckDBPyConnection, contract: Contract) -> _Known:
    if not is_there(con, "evidence.batches"):
        return _Known(None, frozenset(), frozenset())
    rows = con.execute(
        "SELECT watermark, period, status FROM evidence.batches WHERE dataset = ? AND status IN ('collected', 'standardised', 'repeated') "
        "ORDER BY collected_at DESC",
        [contract.name],
    ).fetchall()
    last = next((mark for mark, _, status in rows if mark is not None and status != "repeated"), None)
    return _Known(last, frozenset(mark for mark, _, _ in rows if mark is not None), frozenset(period for _, period, _ in rows))


def _windows(source: Source, contract: Contract, opts: dict[str, Any], known: _Known) -> list[Window]:
    if opts["changedBy"]:
        return _changed(source, opts, known)
    if opts["batchBy"]:
        return _batches(source, opts, known)
    if opts["periodBy"]:
        return _periods(source, opts, known)
    assert contract.delivery is not None
    now = datetime.now()
    if now.strftime(PERIODS[contract.delivery.period]) in known.periods:
        return []
    count = source.ask(f"SELECT {source.text('count(*)')} FROM {source.table}")[0][0]
    return [Window("1 = 1", (), None, now)] if int(count or 0) else []


def _changed(source: Source, opts: dict[str, Any], known: _Known) -> list[Window]:
    """One window: changes above the last watermark, up to the highest that is old enough."""
    changed = _column(source, opts, "changedBy")
    mark = source.quoted(changed)
    lacking = source.lacking(changed)
    above = f"{mark} > {source.value(changed, known.last)}" if known.last else f"NOT {lacking}"
    # A change time in the future would put all later changes below the watermark: such rows wait.
    timed = source.timed(changed)
    until = f" AND {mark} <= {source.now(float(opts['holdBack']))}" if timed else ""
    [(upper,)] = source.ask(f"SELECT {source.text(f'max({mark})')} FROM {source.table} WHERE {above}{until}")
    if upper is None:
        return []
    count = source.text("count(*)")
    [(without,)] = source.ask(f"SELECT {count} FROM {source.table} WHERE {lacking}")
    future = source.ask(f"SELECT {count} FROM {source.table} WHERE {mark} > {source.now()}")[0][0] if timed else "0"
    notes = [
        f"{rows} rows of the source {said}"
        for rows, said in (
            (int(without or 0), f"have no {changed} and can never be collected by it"),
            (int(future or 0), f"have a {changed} in the future and wait for it"),
        )
        if rows
    ]
    where = f"{above} AND {mark} <= {source.value(changed, upper)}"
    return [Window(where, (changed,), upper, _moment(upper, source, "changedBy"), tuple(notes))]


def _batches(source: Source, opts: dict[str, Any], known: _Known) -> list[Window]:
    """One window for each batch number that is not known and whose rows are old enough."""
    number, time = _column(source, opts, "batchBy"), _column(source, opts, "timeBy")
    mark, at = source.quoted(number), source.quoted(time)
    until = source.now(float(opts["holdBack"])) if source.timed(time) else None
    ready = f"CASE WHEN max({at}) <= {until} THEN 1 ELSE 0 END" if until else "1"
    listed = source.ask(
        f"SELECT {source.text(mark)}, {source.text(f'max({at})')}, {source.text(ready)} FROM {source.table} GROUP BY {mark}"
    )
    lost = [row for row in listed if row[0] is None]
    notes = (f"rows of the source have no {number} and can never be collected by it",) if lost else ()
    windows = []
    for batch, newest, old in sorted(listed, key=lambda r: (len(r[0] or ""), r[0] or "")):
        if batch is None or batch in known.marks or old != "1":
            continue
        if newest is None:
            raise LaterError(f"{source.shown}: batch {batch} has no {time} (`timeBy`): ask the department to fill it.")
        windows.append(Window(f"{mark} = {source.value(number, batch)}", (time,), batch, _moment(newest, source, "timeBy"), notes))
    return windows


def _periods(source: Source, opts: dict[str, Any], known: _Known) -> list[Window]:
    """One window for each period that is not known."""
    column = _column(source, opts, "periodBy")
    mark = source.quoted(column)
    listed = [row[0] for row in source.ask(f"SELECT DISTINCT {source.text(mark)} FROM {source.table} WHERE {mark} IS NOT NULL")]
    return [
        Window(f"{mark} = {source.value(column, period)}", (), period, _moment(period, source, "periodBy"))
        for period in sorted(p for p in listed if p)
        if period not in known.marks
    ]


def _column(source: Source, opts: dict[str, Any], option: str) -> str:
    """The column that an option names, in the source's spelling."""
    wanted, columns = str(opts[option]), source.columns
    found = wanted if wanted in columns else next((c for c in columns if fold(c) == fold(wanted)), None)
    if found is None:
        raise RefusedError(f"no column {wanted!r} (`{option}`)", where=source.shown, expected="such a column", remedy=near(wanted, columns))
    return found


def _account(con: duckdb.DuckDBPyConnection, extract: Extract, contract: Contract) -> None:
    """Rows, bytes and digest of what was read: SHA-256 over the number of rows and the sum of their hashes."""
    width = len(extract.header)
    cells = ", ".join(f"coalesce(c{at}, chr(0))" for at in range(width))
    size = " + ".join(f"coalesce(strlen(c{at}), 0)" for at in range(width))
    row = con.execute(
        f"SELECT count(*), coalesce(sum({size}), 0), "
        f"bit_xor(md5_number(concat_ws(chr(31), _row, {cells})))::VARCHAR FROM ({extract.relation})"
    ).fetchone()
    assert row is not None
    extract.records = extract.lines = int(row[0])
    extract.bytes = int(row[1])
    extract.digest = hashlib.sha256(f"{contract.name} {row[0]} {row[2]}".encode()).hexdigest()


def _moment(watermark: str, source: Source, option: str) -> datetime:
    """The time in a text of any form that begins with year and month."""
    digits = re.sub(r"\D", "", watermark)
    try:
        return datetime(int(digits[:4]), int(digits[4:6]), int(digits[6:8] or 1), int(digits[8:10] or 0))
    except ValueError:
        raise LaterError(
            f"{source.shown}: the column that `{option}` names holds no times: it must begin with year, month and day."
        ) from None
