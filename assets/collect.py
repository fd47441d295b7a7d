"""Collecting: pending hand-overs of one dataset become raw rows, rejects and a batch each, or are refused whole.

Belongs here: the order of things, what is refused for the sake of the dataset (header, collapse, repetition), and the one
transaction. Not here: reading (`assets.readers`), header names (`assets.headers`), evidence rows (`assets.batches`),
moving files (`assets.handovers`).

Whatever is killed whenever: rows, rejects and the batch's row commit together, files move after that, and a file whose
digest the lake knows is only moved.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.batches import batch_id, batch_row, known_batches, write_batches, write_rejects
from assets.contracts import Contract
from assets.handovers import already_kept, keep_collected, keep_refused
from assets.headers import HeaderMap, map_header
from assets.lake import columns_of, literal, quote, transaction
from assets.readers import Extract, Handover, LaterError, Reader, RefusedError, reader_for
from assets.readers.files import digest_of, shown

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

GROUP_BYTES, GROUP_SIZE = 256 << 20, 200  # a commit takes 0.1 to 0.3 s whatever it holds
SMALL = 4 << 20  # bytes; smaller hand-overs are gathered in memory first: every INSERT makes a Parquet file of its own
WAIT = 2.5  # seconds for which collecting waits for files that have only just been put down
log = logging.getLogger(__name__)


@dataclass
class Collected:
    """`batches`: rows as in `evidence.batches`, refused and repeated ones too; `problems`: sources that could not be read."""

    batches: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class _Ready:
    """A hand-over that will be a batch."""

    handover: Handover
    extract: Extract
    mapping: HeaderMap
    row: dict[str, Any]


class _MiscountError(Exception):
    def __init__(self, ready: _Ready, found: int) -> None:
        super().__init__()
        self.ready, self.found = ready, found


def pending(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract) -> list[Handover]:
    """What waits to be collected, refusable hand-overs too, but none that is still being written. Raises `LaterError`."""
    return [h for h in reader_for(contract).pending(contract, project, con) if "later" not in h.details]


def strays(project: Project) -> list[str]:
    """Names in the landing folder that belong to no dataset: nobody will ever collect them."""
    known = {str(s.properties.get("path", "")).split("/")[0] for c in project.sources() for s in c.servers if s.type == "local"} | {
        "refused"
    }
    entries = sorted(project.landing.iterdir()) if project.landing.is_dir() else []
    return [shown(p) for p in entries if not p.name.startswith(".") and not (p.is_dir() and p.name in known)]


def extract_file(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, path: Path) -> Extract:
    """Read one file by the contract, wherever it lies and whatever its name; nothing is stored or moved.

    The caller calls `discard()` on the extract when done. Raises `RefusedError` or `LaterError`.
    """
    from assets.readers.files import pending_files  # noqa: F401
    from assets.readers.options import options

    if contract.server.type != "local":
        raise RefusedError(
            f"{contract.name} does not come in files",
            where=shown(path),
            expected=f"a dataset whose server is local, not {contract.server.type}",
        )
    if not path.is_file():
        raise RefusedError("no such file", where=shown(path))
    scratch = project.scratch / "check"
    if str(contract.server.properties.get("format")).lower() == "csv":
        from assets.readers.delimited import read_delimited

        return read_delimited(path, options(contract, "csv"), scratch)
    from assets.readers.workbook import read_workbook

    return read_workbook(path, contract, options(contract, "xlsx"), scratch)


def raw_select(contract: Contract, extract: Extract, mapping: HeaderMap, batch: str) -> str:
    """SQL that gives the rows of an extract in the columns of `raw`: the contract's, `_extra`, `_batch`, `_row`."""
    columns = [
        f"{f'c{mapping.columns[c.name]}' if c.name in mapping.columns else 'NULL::VARCHAR'} AS {quote(c.name)}" for c in contract.columns
    ]
    pairs = ", ".join(f"{literal(name)}, c{position}" for name, position in mapping.extra.items())
    extra = f"CAST(json_object({pairs}) AS VARCHAR)" if pairs else "NULL::VARCHAR"
    return f"SELECT {', '.join(columns)}, {extra} AS _extra, {literal(batch)} AS _batch, _row FROM ({extract.relation})"


def collect(
    con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, run_id: str, *, partition_keys: set[str] | None = None
) -> Collected:
    """Collect what is pending for one dataset (of the given Dagster partitions).

    A refused hand-over never stops the others, a source that cannot be read is named in `problems`.
    """
    outcome = Collected()
    try:
        reader = reader_for(contract)
        waiting = _wait(reader, contract, project, con)
    except (LaterError, RefusedError) as error:
        outcome.problems.append(str(error))
        return outcome
    chosen = []
    for handover in waiting:
        if partition_keys is None or handover.partition_key in partition_keys:
            if "later" in handover.details:
                outcome.problems.append(f"{handover.source}: {handover.details['later']}. It is left where it is.")
            else:
                chosen.append(handover)
    scratch = project.scratch / "collect"
    shutil.rmtree(scratch, ignore_errors=True)
    _Run(con, project, contract, run_id, outcome).take(reader, chosen)
    shutil.rmtree(scratch, ignore_errors=True)
    return outcome


def _wait(reader: Reader, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> list[Handover]:
    """Pending hand-overs, after a short wait for files that were put down a moment ago."""
    found = reader.pending(contract, project, con)
    remaining = max((h.details.get("remaining", 0.0) for h in found), default=0.0)
    if 0 < remaining <= WAIT:
        time.sleep(remaining + 0.05)
        found = reader.pending(contract, project, con)
    return found


class _Run:
    """One pass over the hand-overs of a dataset: they are read, judged, grouped and committed."""

    def __init__(self, con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, run_id: str, outcome: Collected) -> None:
        self.con, self.project, self.contract, self.run_id, self.outcome = con, project, contract, run_id, outcome
        self.known = [dict(b) for b in known_batches(con, contract)]
        self.digests = {b["digest"]: b for b in self.known if b["status"] in ("collected", "standardised")}
        self.ready: list[_Ready] = []
        self.others: list[tuple[Handover, dict[str, Any], bool]] = []

    def take(self, reader: Reader, handovers: list[Handover]) -> None:
        for handover, result in _read(reader, handovers, self.contract, self.project, self.con):
            try:
                self._judge(handover, result)
            except LaterError as error:
                self.outcome.problems.append(str(error))
            if sum(r.extract.bytes for r in self.ready) >= GROUP_BYTES or len(self.ready) + len(self.others) >= GROUP_SIZE:
                self.commit()
        self.commit()

    def _judge(self, handover: Handover, result: Extract | Exception) -> None:
        if isinstance(result, RefusedError):
            self._refuse(handover, result)
        elif isinstance(result, LaterError):
            raise result
        elif isinstance(result, Exception):
            # Its words may hold values of the hand-over: they go to nobody.
            log.error("%s: %s while reading", handover.source, type(result).__name__)
            raise LaterError(
                f"{handover.source}: internal error ({type(result).__name__}) while reading. It is left where it is; please report it."
            )
        elif result.digest in self.digests:
            result.discard()
            self._repeat(handover, result.digest)
        else:
            try:
                self._accept(handover, result)
            except RefusedError as refusal:
                result.discard()
                self._refuse(handover, refusal, result)

    def _accept(self, handover: Handover, extract: Extract) -> None:
        mapping = map_header(self.contract, extract.header, f"{handover.source}, header")
        notes = [*extract.notes, *mapping.notes]
        before = [
            b
            for b in self.known
            if b["status"] != "refused"
            and b["status"] != "repeated"
            and b["unit"] == (handover.unit or "")
            and b["period"] <= handover.period
        ]
        if before and self.contract.delivery and self.contract.delivery.mode == "full":
            last = before[-1]
            if extract.rows < last["rows_raw"] * (1 - self.contract.delivery.max_fall):
                raise RefusedError(
                    f"{extract.rows} rows, where batch {last['batch']} had {last['rows_raw']}: the dataset would collapse",
                    where=handover.source,
                    expected=f"a fall of at most {self.contract.delivery.max_fall:.0%}",
                    remedy="Hand over the full file. If the fall is true, raise `maxFall` in the contract for this once.",
                )
            if last["period"] == handover.period:
                newer = last["received_at"] <= handover.received_at
                notes.append(
                    f"a further hand-over for {handover.period}: it {'stands in place of' if newer else 'is older than'} {last['batch']}"
                )
        batch = batch_id(handover, extract.digest)
        row = batch_row(
            self.contract,
            handover,
            self.run_id,
            batch=batch,
            digest=extract.digest,
            bytes=extract.bytes,
            lines=extract.lines,
            lines_other=extract.lines_other,
            records=extract.records,
            rows_raw=extract.rows,
            rows_rejected=len(extract.rejects),
            status="collected",
            reason="; ".join(notes) or None,
            absent=",".join(mapping.absent) or None,
            watermark=extract.watermark,
        )
        if extract.lines != extract.records + extract.lines_other:
            raise RefusedError(
                f"internal error: {extract.lines} lines, but {extract.records} records and {extract.lines_other} other lines",
                where=handover.source,
                remedy="Please report it; the file is kept.",
            )
        self._remember(row)
        self.ready.append(_Ready(handover, extract, mapping, row))

    def _remember(self, row: dict[str, Any]) -> None:
        self.known.append(
            {k: row[k] for k in ("batch", "unit", "period", "source", "digest", "rows_raw", "received_at", "status", "reason", "watermark")}
        )
        self.known.sort(key=lambda b: (b["period"], b["received_at"], b["batch"]))
        self.digests[row["digest"]] = row

    def _repeat(self, handover: Handover, digest: str) -> None:
        """A digest seen before: a repetition, or a file whose move a killed run left undone."""
        first = self.digests[digest]
        if (
            handover.path is not None
            and first["source"] == handover.source
            and not already_kept(self.project, handover, digest)
            and first not in [r.row for r in self.ready]
        ):
            keep_collected(self.project, handover, digest)
            return
        times = sum(b["status"] == "repeated" and b["digest"] == digest for b in self.known) + 1
        row = batch_row(
            self.contract,
            handover,
            self.run_id,
            batch=f"{batch_id(handover, digest)}-repeated{times}",
            digest=digest,
            status="repeated",
            reason=f"its content is that of batch {first['batch']} ({first['source']}); it was not collected again",
        )
        self.known.append(row)
        self.others.append((handover, row, True))

    def _refuse(self, handover: Handover, refusal: RefusedError, extract: Extract | None = None) -> None:
        if extract is not None:
            digest, size = extract.digest, extract.bytes
        elif handover.path is not None:
            digest, size = digest_of(handover.path)
        else:
            digest, size = "", 0
        row = batch_row(
            self.contract,
            handover,
            self.run_id,
            batch=batch_id(handover, digest or "refused"),
            digest=digest or None,
            bytes=size,
            status="refused",
            reason=str(refusal),
        )
        told = any(b["status"] == "refused" and b["batch"] == row["batch"] and b["reason"] == row["reason"] for b in self.known)
        if not told:
            self.known.append(row)
        self.others.append((handover, row, not told))

    def commit(self) -> None:
        """One transaction for the group; a hand-over whose rows do not add up is refused and the rest done again."""
        import duckdb

        while self.ready or self.others:
            try:
                self._write()
            except _MiscountError as error:
                self.ready.remove(error.ready)
                self.digests.pop(error.ready.extract.digest, None)
                refusal = RefusedError(
                    f"internal error: {error.found} rows came out of {error.ready.extract.rows}",
                    where=error.ready.handover.source,
                    remedy="Please report it; the file is kept.",
                )
                self._refuse(error.ready.handover, refusal, error.ready.extract)
                continue
            except (duckdb.Error, OSError) as error:
                full = "No space left" in str(error)
                said = "the disk is full: make room and run again" if full else f"the lake could not be written ({type(error).__name__})"
                log.error("%s: %s", self.contract.name, said)
                names = [r.handover.source for r in self.ready] + [h.source for h, _, _ in self.others]
                self.outcome.problems.extend(f"{name}: {said}. It is left where it is." for name in names)
                self._clear()
                return
            for item in self.ready:
                keep_collected(self.project, item.handover, item.extract.digest)
                self.outcome.batches.append(item.row)
            for handover, row, _ in self.others:
                if row["status"] == "repeated":
                    keep_collected(self.project, handover, row["digest"])
                else:
                    keep_refused(self.project, handover, row["digest"] or "", row["reason"])
                self.outcome.batches.append(row)
            self._clear()

    def _clear(self) -> None:
        for item in self.ready:
            item.extract.discard()
        self.ready, self.others = [], []

    def _write(self) -> None:
        written = [row for _, row, new in self.others if new]
        if not self.ready and not written:
            return
        raw, raw_columns = f"raw.{self.contract.name}", [*(c.name for c in self.contract.columns), "_extra", "_batch", "_row"]
        into = f"INSERT INTO {quote(raw)} ({', '.join(quote(c) for c in raw_columns)})"
        with ExitStack() as stack:
            stack.enter_context(transaction(self.con, self.run_id, f"collect {self.contract.name}: {len(self.ready)} batches"))
            if self.ready:
                self._create(raw, raw_columns)
            small = [item for item in self.ready if item.extract.bytes < SMALL]
            if len(small) > 1:
                self.con.execute(f"CREATE OR REPLACE TEMP TABLE _collecting AS SELECT * FROM {quote(raw)} LIMIT 0")
                stack.callback(self.con.execute, "DROP TABLE IF EXISTS temp.main._collecting")
            for item in self.ready:
                gathered = item in small and len(small) > 1
                target = f"INSERT INTO temp.main._collecting ({', '.join(quote(c) for c in raw_columns)})" if gathered else into
                found = self.con.execute(f"{target} {raw_select(self.contract, item.extract, item.mapping, item.row['batch'])}").fetchone()
                if found is None or found[0] != item.extract.rows:
                    raise _MiscountError(item, found[0] if found else 0)
                write_rejects(self.con, self.contract, item.row["batch"], item.extract.rejects)
            if len(small) > 1:
                self.con.execute(f"{into} SELECT {', '.join(quote(c) for c in raw_columns)} FROM temp.main._collecting")
            write_batches(self.con, [item.row for item in self.ready] + written, fetched=self.contract.server.type != "local")

    def _create(self, raw: str, raw_columns: list[str]) -> None:
        there = columns_of(self.con, raw)
        kinds = {name: "BIGINT" if name == "_row" else "VARCHAR" for name in raw_columns}
        if there is None:
            self.con.execute(f"CREATE TABLE {quote(raw)} ({', '.join(f'{quote(n)} {k}' for n, k in kinds.items())})")
            return
        for name, kind in kinds.items():
            if name not in there:
                self.con.execute(f"ALTER TABLE {quote(raw)} ADD COLUMN {quote(name)} {kind}")


def _read(
    reader: Reader, handovers: list[Handover], contract: Contract, project: Project, con: duckdb.DuckDBPyConnection
) -> Iterator[tuple[Handover, Extract | Exception]]:
    """Each hand-over and what reading it came to; where the reader allows it, the next is read while the last is written."""

    def one(handover: Handover) -> Extract | Exception:
        try:
            if isinstance(refusal := handover.details.get("refusal"), RefusedError):
                return refusal
            return reader.read(handover, contract, project, con)
        except Exception as error:
            return error

    if not reader.ahead:
        for handover in handovers:
            yield handover, one(handover)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as pool:
        queue: list[tuple[Handover, Future[Extract | Exception]]] = []
        rest = iter(handovers)
        for handover in rest:
            queue.append((handover, pool.submit(one, handover)))
            if len(queue) > 2:
                first, future = queue.pop(0)
                yield first, future.result()
        for first, future in queue:
            yield first, future.result()
