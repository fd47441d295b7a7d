"""A new hand-over beside those before it: what it must not have lost, what it must not be, and what it changes.

Belongs here: a fall of rows, groups that vanish, a full one sent as a delta, deletes that do not come, two versions of one
period. Not here: the hand-over by itself (`assets.readers`, `assets.headers`), the order of collecting (`assets.collect`).

Rows of earlier hand-overs are looked at only where their counts alone do not settle it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assets.contracts import Contract
from assets.headers import HeaderMap
from assets.lake import columns_of, literal, quote
from assets.readers import Extract, Handover, RefusedError
from assets.std import raw_rows

if TYPE_CHECKING:
    import duckdb

LEAST = 100  # keys below which a share of them says nothing
Rows = Callable[[str], str | None]
"""SQL for the raw rows of a batch that is not in the lake yet; None for one that is."""


class Comparison:
    """One hand-over against the earlier ones of its dataset (`known`: rows of evidence, oldest period first).

    `waiting` gives the rows of batches that this run has read and not yet written.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        contract: Contract,
        handover: Handover,
        extract: Extract,
        mapping: HeaderMap,
        known: Sequence[Mapping[str, Any]],
        waiting: Rows,
    ) -> None:
        assert contract.delivery is not None
        self.con, self.contract, self.delivery = con, contract, contract.delivery
        self.handover, self.extract, self.mapping, self.waiting = handover, extract, mapping, waiting
        standing = [b for b in known if b["status"] not in ("refused", "repeated")]
        self.unit = [b for b in standing if b["unit"] == (handover.unit or "")]
        self.before = [b for b in self.unit if b["period"] <= handover.period]

    def notes(self) -> list[str]:
        """What people should know of it. Raises `RefusedError` where it must not stand."""
        if self.delivery.mode == "delta":
            self._not_full()
            return self._deletes()
        if not self.before:
            return []
        last = self.before[-1]
        self._fall(last)
        for coverage in self.delivery.coverage:
            self._covered(last, coverage.column, coverage.digits, coverage.least, coverage.gone)
        return self._again(last) if last["period"] == self.handover.period else []

    def _fall(self, last: Mapping[str, Any]) -> None:
        if self.extract.rows < last["rows_raw"] * (1 - self.delivery.max_fall):
            raise RefusedError(
                f"{self.extract.rows} rows, where batch {last['batch']} had {last['rows_raw']}: the dataset would collapse",
                where=self.handover.source,
                expected=f"a fall of at most {self.delivery.max_fall:.0%}",
                remedy="Hand over the full file (a delta is none). If the fall is true, raise `maxFall` in the contract for this once.",
            )

    def _covered(self, last: Mapping[str, Any], column: str, digits: int | None, least: int, gone: Sequence[str]) -> None:
        """Groups of the hand-over before must still be there: a city that is missing is no city without people."""
        if column not in self.mapping.columns:
            raise RefusedError(
                f"no column {self.contract.column(column).header}, by which coverage is held",
                where=f"{self.handover.source}, header",
                expected=self.contract.column(column).header,
                remedy="Hand over the column, or take `coverage` out of the contract.",
            )
        cell = quote(column)
        group = f"left({cell}, {int(digits)})" if digits else cell
        vanished = self.con.execute(
            f"SELECT g, count(*) AS n FROM (SELECT {group} AS g FROM ({self._rows([last['batch']])})) WHERE g IS NOT NULL "
            f"AND NOT list_contains(?::VARCHAR[], g) AND g NOT IN (SELECT {group} FROM ({self._new()}) WHERE {cell} IS NOT NULL) "
            f"GROUP BY g HAVING n >= {least} ORDER BY n DESC, g",
            [list(gone)],
        ).fetchall()
        if vanished:
            title = self.contract.column(column).title
            said = ", ".join(f"{name} ({count} rows before)" for name, count in vanished[:10])
            raise RefusedError(
                f"{len(vanished)} groups by {title} that batch {last['batch']} had are gone: {said}",
                where=self.handover.source,
                expected="every group of the hand-over before",
                remedy="Hand over all of it. If one truly went, let the contract name it under `coverage`: `gone`.",
            )

    def _again(self, last: Mapping[str, Any]) -> list[str]:
        """A period handed over twice: which one counts, and how much differs."""
        columns = [c.name for c in self.contract.columns if c.name in self._columns()]
        row = f"hash({', '.join(map(quote, columns))})" if len(columns) > 1 else f"hash({quote(columns[0])}, 0)"
        new, old = f"SELECT {row} FROM ({self._new()})", f"SELECT {row} FROM ({self._rows([last['batch']])})"
        found = self.con.execute(
            f"SELECT (SELECT count(*) FROM ({new} EXCEPT ALL {old})), (SELECT count(*) FROM ({old} EXCEPT ALL {new}))"
        ).fetchone()
        more, less = found or (0, 0)
        beside = "stands in place of" if last["received_at"] <= self.handover.received_at else "is older than"
        said = f"a further hand-over for {self.handover.period}: it {beside} {last['batch']}"
        return [f"{said}; {more} of its {self.extract.rows} rows are not in the other, {less} of the other's {last['rows_raw']} not in it"]

    def _not_full(self) -> None:
        """A delta that holds nearly all keys known from other periods looks like a full hand-over: what it lacks was meant to go."""
        share = self.delivery.max_share
        others = [b for b in self.unit if b["period"] != self.handover.period]
        largest = max((b["rows_raw"] or 0 for b in others), default=0)
        if share >= 1 or not others or not self.contract.key or self.extract.rows < max(LEAST, largest * share):
            return
        key = ", ".join(f"coalesce({quote(k)}, '')" for k in self.contract.key)
        found = self.con.execute(
            f"SELECT count(*), count(*) FILTER (WHERE k IN (SELECT hash({key}, 0) FROM ({self._new()}))) "
            f"FROM (SELECT DISTINCT hash({key}, 0) AS k FROM ({self._rows([b['batch'] for b in others])}))"
        ).fetchone()
        keys, held = found or (0, 0)
        if keys >= LEAST and held >= keys * share:
            raise RefusedError(
                f"a delta that holds {held} of the {keys} keys known: it looks like a full hand-over",
                where=self.handover.source,
                expected=f"changes only, of less than {share:.0%} of the keys",
                remedy="Hand over what changed. If nearly all did, raise `maxShare` in the contract for this once (1: not asked).",
            )

    def _deletes(self) -> list[str]:
        operation, wanted = self.delivery.operation, self.delivery.expects_deletes
        if operation is None or wanted is None or len(self.before) + 1 < wanted:
            return []
        flags = ", ".join(map(literal, operation.delete))
        latest = self.before[len(self.before) + 1 - wanted :]
        either = [self._new(), *([self._rows([b["batch"] for b in latest])] if latest else [])]
        found = " OR ".join(f"EXISTS (FROM ({rows}) WHERE {quote(operation.column)} IN ({flags}))" for rows in either)
        if (self.con.execute(f"SELECT {found}").fetchone() or (True,))[0]:
            return []
        said = f"none of the last {wanted} hand-overs has a row flagged {', '.join(operation.delete)}"
        return [f"{said}: ask whether deletes come at all"]

    def _columns(self) -> dict[str, str]:
        """The contract's columns that raw holds; all of them before the first write."""
        return columns_of(self.con, f"raw.{self.contract.name}") or {c.name: "VARCHAR" for c in self.contract.columns}

    def _new(self) -> str:
        at = self.mapping.columns
        cells = ", ".join(f"{f'c{at[c.name]}' if c.name in at else 'NULL::VARCHAR'} AS {quote(c.name)}" for c in self.contract.columns)
        return f"SELECT {cells} FROM ({self.extract.relation})"

    def _rows(self, batches: Sequence[str]) -> str:
        """Raw rows of earlier batches, in the lake or still waiting to be written."""
        names = [c.name for c in self.contract.columns]
        there = self._columns()
        cells = ", ".join(quote(n) if n in there else f"NULL::VARCHAR AS {quote(n)}" for n in names)
        waiting = {b: rows for b in batches if (rows := self.waiting(b)) is not None}
        parts = [f"SELECT {', '.join(map(quote, names))} FROM ({rows})" for rows in waiting.values()]
        if written := [b for b in batches if b not in waiting]:
            parts.append(f"SELECT {cells} FROM {raw_rows(self.contract, written)}")
        return " UNION ALL ".join(parts)
