"""Collecting: pending hand-overs of one dataset become raw rows, rejects and a batch each, or are refused whole.

Belongs here: the order of things, what is refused for the sake of the dataset (header, collapse, repetition), and grouping.
Not here: reading (`assets.readers`), header names (`assets.headers`), writing (`assets.raw`, `assets.batches`), moving files
(`assets.handovers`).

Whatever is killed whenever: rows, rejects and the batch's row commit together, files move after that, and a file whose
digest the lake knows is only moved.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.batches import batch_id, batch_row, known_batches
from assets.comparing import Comparison
from assets.contracts import Contract
from assets.handovers import already_kept, keep_collected, keep_refused
from assets.headers import map_header
from assets.promises import given_up
from assets.raw import MiscountError, RawWriter, Ready, raw_select
from assets.readers import Extract, Handover, LaterError, Reader, RefusedError, reader_for
from assets.readers.files import digest_of, shown

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

GROUP_BYTES, GROUP_SIZE = 256 << 20, 200  # a commit takes 0.1 to 0.3 s whatever it holds
WAIT = 2.5  # seconds for which collecting waits for files that have only just been put down
log = logging.getLogger(__name__)
__all__ = ["Collected", "collect", "extract_file", "pending", "raw_select", "strays"]


@dataclass
class Collected:
    """`batches`: rows as in `evidence.batches`, refused and repeated ones too; `problems`: sources that could not be read."""

    batches: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def pending(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract) -> list[Handover]:
    """What waits to be collected, refusable hand-overs too, but none that is still being written. Raises `LaterError`.

    A database or an interface whose dataset is given up is not asked: it may be gone.
    """
    if contract.server.type != "local" and given_up(contract, project.now().date()):
        return []
    return [h for h in reader_for(contract).pending(contract, project, con) if "later" not in h.details]


def strays(project: Project) -> list[str]:
    """Names in the landing folder that belong to no dataset: nobody will ever collect them."""
    known = {str(s.properties.get("path", "")).split("/")[0] for c in project.sources() for s in c.servers if s.type == "local"} | {
        "refused"
    }
    entries = sorted(project.landing.iterdir()) if project.landing.is_dir() else []
    return [shown(p) for p in entries if not p.name.startswith(".") and not (p.is_dir() and p.name in known)]


def extract_file(_con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, path: Path) -> Extract:
    """Read one file by the contract, wherever it lies and whatever its name; nothing is stored or moved.

    The caller calls `discard()` on the extract when done. Raises `RefusedError` or `LaterError`.
    """
    from assets.readers.local import read_local

    if contract.server.type != "local":
        raise RefusedError(
            f"{contract.name} does not come in files",
            where=shown(path),
            expected=f"a dataset whose server is local, not {contract.server.type}",
        )
    if not path.is_file():
        raise RefusedError("no such file", where=shown(path))
    return read_local(path, contract, project.scratch / "check")


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
        self.writer = RawWriter(con, contract, run_id)
        self.known = [dict(b) for b in known_batches(con, contract)]
        self.digests = {b["digest"]: b for b in self.known if b["status"] in ("collected", "standardised")}
        self.ready: list[Ready] = []
        self.others: list[tuple[Handover, dict[str, Any], bool]] = []

    def take(self, reader: Reader, handovers: list[Handover]) -> None:
        try:
            for handover, result in _read(reader, handovers, self.contract, self.project, self.con):
                try:
                    self._judge(handover, result)
                except LaterError as error:
                    self.outcome.problems.append(str(error))
                if sum(r.extract.bytes for r in self.ready) >= GROUP_BYTES or len(self.ready) + len(self.others) >= GROUP_SIZE:
                    self.commit()
            self.commit()
        except BaseException as error:
            self.writer.rollback(error)
            raise

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
        mapping = map_header(self.contract, extract.header, f"{handover.source}, header", handover.period)
        notes = [*extract.notes, *mapping.notes]
        notes += Comparison(self.con, self.contract, handover, extract, mapping, self.known, self._waiting).notes()
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
            announced=extract.announced,
            parts=json.dumps(extract.parts, ensure_ascii=False) if extract.parts else None,
        )
        if extract.lines != extract.records + extract.lines_other:
            raise RefusedError(
                f"internal error: {extract.lines} lines, but {extract.records} records and {extract.lines_other} other lines",
                where=handover.source,
                remedy="Please report it; the file is kept.",
            )
        self._remember(row)
        self.ready.append(Ready(handover, extract, mapping, row))
        self.writer.early(self.ready[-1])

    def _waiting(self, batch: str) -> str | None:
        item = next((r for r in self.ready if r.row["batch"] == batch and not r.written), None)
        return raw_select(self.contract, item.extract, item.mapping, batch) if item else None

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
                self.writer.commit(self.ready, [row for _, row, new in self.others if new])
            except MiscountError as error:
                self.ready.remove(error.ready)
                self._forget(error.ready)
                refusal = RefusedError(
                    f"internal error: {error}", where=error.ready.handover.source, remedy="Please report it; the file is kept."
                )
                self._refuse(error.ready.handover, refusal, error.ready.extract)
                error.ready.extract.discard()
                continue
            except (duckdb.Error, OSError) as error:
                full = "No space left" in str(error)
                said = "the disk is full: make room and run again" if full else f"the lake could not be written ({type(error).__name__})"
                log.error("%s: %s", self.contract.name, said)
                names = [r.handover.source for r in self.ready] + [h.source for h, _, _ in self.others]
                self.outcome.problems.extend(f"{name}: {said}. It is left where it is." for name in names)
                for item in self.ready:
                    self._forget(item)
            else:
                self._keep()
            for item in self.ready:
                item.extract.discard()
            self.ready, self.others = [], []

    def _forget(self, item: Ready) -> None:
        self.digests.pop(item.extract.digest, None)
        self.known = [b for b in self.known if b["batch"] != item.row["batch"]]

    def _keep(self) -> None:
        """After the commit: files to where they belong. One that cannot be moved is moved by the next run."""
        kept = [(item.handover, item.row) for item in self.ready] + [(handover, row) for handover, row, _ in self.others]
        for handover, row in kept:
            self.outcome.batches.append(row)
            try:
                if row["status"] == "refused":
                    keep_refused(self.project, handover, row["digest"] or "", row["reason"])
                else:
                    keep_collected(self.project, handover, row["digest"])
            except OSError as error:
                self.outcome.problems.append(f"{handover.source}: {row['status']}, but it could not be moved ({error.strerror}).")


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
