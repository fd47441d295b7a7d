"""One dataset at the point of entry: its rules compiled once, and records held to them row by row.

The SQL is that of a file's scan (`assets.judging`, `expectations.compiler.scans`), the words those of `yuanqing check`. A rule that
speaks of several rows, of earlier hand-overs or of other datasets cannot be judged by one record, and says so.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from assets.headers import names
from assets.judging import Judge
from assets.lake import quote
from expectations.compiler.plan import WORD, Compiled
from expectations.compiler.scans import Scans
from pipelines.entry.flowing import FEED, OpenQuery
from pipelines.entry.records import Rows
from pipelines.rulebook import Rule, read_rules

if TYPE_CHECKING:
    from assets.contracts import Column, Contract
    from assets.project import Project


@dataclass(frozen=True)
class Found:
    """By record the ids of the rules that it breaks; by column, a value a record, the text that would be stored (None: no value)."""

    broken: Sequence[tuple[str, ...]]
    stored: Mapping[str, Sequence[str | None]]


class Checker:
    """Holds records of one source dataset to its rules. For several threads at once; each takes an open query of its own.

    What it is made of is that of one day: rules say "today". Raises as `Judge.plan` does where the declarations are wrong.
    """

    def __init__(self, project: Project, contract: Contract) -> None:
        self.contract, self.day = contract, date.today()
        self.columns: Mapping[str, Column] = names(contract)
        judge = Judge(project, contract)
        self.plan = judge.plan
        self.rules: Mapping[str, Rule] = {r.id: r for r in read_rules(project, [contract])}
        scans = Scans(self.plan, f"({judge.staged(FEED)})")
        words = [quote(f"__w{n}") for n in range(scans.words)]
        self._select = f"SELECT {', '.join([*words, *(_stored(c) for c in contract.columns)])} FROM ({scans.marked()})"
        self._words = scans.words
        self._bits = self._bits_without(())
        self._free: deque[OpenQuery] = deque()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def cannot(self) -> list[Compiled]:
        """The rules that one record cannot be held to."""
        return [c for c in self.plan.compiled if c.bit is None]

    def check(self, rows: Rows, left_out: Collection[str] = ()) -> Found:
        """What the records break; rules that look at a column of `left_out` are not judged. Raises `duckdb.Error`."""
        bits = self._bits_without(left_out) if left_out else self._bits
        nothing: list[str | None] = [None] * rows.count
        asked: list[list[Any]] = [["entry"] * rows.count, list(range(rows.count))]
        asked += [rows.cells.get(c.name, nothing) for c in self.contract.columns]
        with self._query() as query:
            answers = query.ask(asked)
        words, texts = self._words, list(zip(*answers, strict=True))[self._words :]
        return Found(
            [tuple(_broken(answer[:words], bits)) for answer in answers],
            dict(zip((c.name for c in self.contract.columns), texts, strict=True)),
        )

    def _bits_without(self, left_out: Collection[str]) -> list[dict[int, str]]:
        """By word and bit the rules that look at none of these columns."""
        bits: list[dict[int, str]] = [{} for _ in range(self._words)]
        for compiled in self.plan.row_rules:
            if compiled.uses.isdisjoint(left_out):
                word, place = divmod(compiled.bit or 0, WORD)
                bits[word][1 << place] = compiled.rule.id
        return bits

    def warm(self) -> None:
        """Open a query now, so that the first who asks need not wait for it."""
        with self._query():
            pass

    @contextmanager
    def _query(self) -> Iterator[OpenQuery]:
        """An open query that nobody else uses meanwhile; one that failed is not used again."""
        import pyarrow as pa

        with self._lock:
            query = self._free.pop() if self._free else None
        if query is None:
            texts = [(c.name, pa.string()) for c in self.contract.columns]
            query = OpenQuery(self._select, [("_batch", pa.string()), ("_row", pa.int64()), *texts])
        try:
            yield query
        except BaseException:
            query.close()
            raise
        with self._lock:
            if not self._closed:
                self._free.append(query)
                return
        query.close()

    def close(self) -> None:
        """Let go of the queries; one that is in use is closed by its user."""
        with self._lock:
            self._closed = True
            queries, self._free = list(self._free), deque()
        for query in queries:
            query.close()


def _broken(words: tuple[int, ...], bits: list[dict[int, str]]) -> Iterator[str]:
    for word, known in zip(words, bits, strict=True):
        while word:
            low = word & -word
            if low in known:
                yield known[low]
            word ^= low


def _stored(column: Column) -> str:
    """SQL of the text that stands for what would be stored: of dates, times and whole numbers the value, of others the repaired text.

    What cannot be read as the column's type keeps its text, and breaks the rule that says so.
    """
    name, text = quote(column.name), quote(f"{column.name}__text")
    if column.logical_type == "string":
        return name
    return f"coalesce(CAST({name} AS VARCHAR), {text})" if column.logical_type in ("date", "timestamp", "integer") else text
