"""What a base table said about a date, and what it knew then: valid and known intervals of every fused record.

A base contract with `history: true` has a table `history.<name>`: the declared columns; `_valid_from` and `_valid_to`, the business
time for which they hold (`_valid_to` NULL: still); `_known_from` and `_known_to`, the runs between which that was what the lake
knew (`_known_to` NULL: still); `_batches`, what it was learnt from.

A row of a source is valid from its event (where it has none: from the first day of its period) until something later takes its
place: a later row of the same key that begins before or then, a delete's event, the first period of the unit in which the key is
neither handed over nor in quarantine. What is known now is a function of the hand-overs alone, whatever their order; a correction
of an old period changes what was valid then. Only keys that a hand-over bears on are looked at, and only intervals that are
no longer true are closed.

Belongs here: intervals and writing them. Not here: whose word counts (`authority`), the record of now (`fusion`, `building`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlglot import exp

from assets import evidence
from assets.lake import affected, columns_of, literal, quote
from assets.models.feed import last, note, state
from assets.models.fusion import Fusion, fuse
from assets.models.increment import CARRIED, TOUCHED, Increment, new_rows
from assets.models.parts import at_once, cut
from assets.models.sql import CODES, Query, line_of
from assets.std import is_delete, is_delta, period_start
from expectations.documents import DocumentError

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract

SPANS = {"_valid_from": "TIMESTAMP", "_valid_to": "TIMESTAMP", "_known_from": "TIMESTAMP", "_known_to": "TIMESTAMP"}
KEY = 1500
"""Bytes of memory for a key, of those whose intervals are made at once. More than the memory holds are made part by part, each reading
the sources again."""


def has_history(contract: Contract) -> bool:
    """Whether a contract asks for it."""
    return bool(contract.custom.get("history"))


def check_history(contract: Contract, query: Query, fusion: Fusion | None, increment: Increment | None) -> None:
    """Raise `DocumentError` where a history cannot be told: no fusion, no increment, a SELECT that is not row by row."""
    if fusion is None or increment is None or set(fusion.sources) - set(increment.expressions):
        remedy = "Give the SELECT `_source`, and the contract an `increment` that names every source."
        raise DocumentError(contract.path, None, "history: true of what is no fusion by keys.", remedy)
    for branch in query.branches:
        tables = [t for t in branch.find_all(exp.Table) if t.db != CODES]
        if (
            len(tables) != 1
            or branch.args.get("group")
            or branch.args.get("distinct")
            or branch.find(exp.AggFunc, exp.Window, exp.Subquery)
        ):
            raise query.error(
                line_of(branch),
                f"history: true, and the SELECT over {', '.join(t.name for t in tables)} is not row by row.",
                "Read one table, without GROUP BY, DISTINCT, windows or subqueries; make a second table a source of its own.",
            )


@dataclass(frozen=True)
class History:
    """The history of one fused table. `candidates` gives the model's SELECT with its sources replaced."""

    contract: Contract
    fusion: Fusion
    increment: Increment
    sources: Mapping[str, Contract]
    candidates: Callable[[Mapping[str, str]], str]
    definition: str

    @property
    def table(self) -> str:
        return f"history.{self.contract.name}"

    @property
    def _columns(self) -> str:
        return ", ".join(quote(c.name) for c in self.contract.columns)

    def moved(self, con: duckdb.DuckDBPyConnection) -> dict[str, tuple[set[str], set[str]]]:
        """By source, the batches that came and those that went since the history was written; empty where it is up to date."""
        every = " UNION ALL ".join(f"SELECT {literal(n)}, batch FROM ({_batches(s)})" for n, s in self.sources.items())
        lineage = "SELECT b.dataset, l.batch FROM evidence.lineage l JOIN evidence.batches b ON b.batch = l.batch WHERE l.dataset = ?"
        now, before = set(con.execute(every).fetchall()), set(con.execute(lineage, [self.table]).fetchall())
        found = {}
        for name in self.sources:
            came, went = ({batch for dataset, batch in part if dataset == name} for part in (now - before, before - now))
            if came or went:
                found[name] = (came, went)
        return found

    def stands(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Whether the table was written by this definition."""
        built = last(con, self.table)
        return built is not None and built.definition == self.definition

    def update(self, con: duckdb.DuckDBPyConnection, moved: Mapping[str, tuple[set[str], set[str]]], run_id: str, finer: int = 1) -> int:
        """Bring it up to date, within a transaction, in `finer` times as many parts: intervals written or closed.

        By another definition every key is looked at.
        """
        stood = self.stands(con)
        self.ensure(con)
        now, written = datetime.now(), 0
        parts = list(self._moved_keys(con, moved) if stood else self._all_keys())
        con.execute(f"CREATE OR REPLACE TEMP TABLE bearing AS SELECT DISTINCT * FROM ({' UNION ALL '.join(parts)})")
        count = affected(con, "SELECT count(*) FROM temp.bearing")
        new = not affected(con, f"SELECT count(*) FROM {quote(self.table)}")
        for part in cut(con, self.contract, "FROM temp.bearing", -(-count // at_once(con, KEY)) * finer) if count else ():
            con.execute(f"CREATE OR REPLACE TEMP TABLE touched AS SELECT * FROM temp.bearing WHERE {part}")
            written += self._write(con, now, new=new)
        names = ("bearing", "touched", "candidates", "spans", "points", "intervals", *(f"rows_{n}" for n in range(len(self.sources))))
        for name in names:  # on an error they go with the transaction, in which nothing more can be done
            con.execute(f"DROP TABLE IF EXISTS temp.{name}")
        self._note(con, moved, run_id, now)
        return written

    def ensure(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make the table and its macro, or add the columns that the contract gained; what was known stays."""
        columns = {c.name: c.sql_type for c in self.contract.columns} | SPANS | {"_batches": "VARCHAR[]"}
        there = columns_of(con, self.table)
        if there is None:
            con.execute(f"CREATE TABLE {quote(self.table)} ({', '.join(f'{quote(n)} {k}' for n, k in columns.items())})")
        for name, kind in columns.items():
            if there is not None and name not in there:
                con.execute(f"ALTER TABLE {quote(self.table)} ADD COLUMN {quote(name)} {kind}")
        con.execute(f"COMMENT ON TABLE {quote(self.table)} IS {literal(self.contract.title)}")
        con.execute(
            f"CREATE OR REPLACE MACRO {quote(self.table + '_as_of')}(valid, known) AS TABLE SELECT * FROM {quote(self.table)}"
            " WHERE _valid_from <= valid AND (valid < _valid_to OR _valid_to IS NULL)"
            " AND _known_from <= known AND (known < _known_to OR _known_to IS NULL)"
        )

    def _all_keys(self) -> Iterator[str]:
        yield f"SELECT {self.increment.key} FROM {quote(self.table)}"
        for name, source in self.sources.items():
            yield from self.increment.keys(name, f"(SELECT * FROM std_batches.{quote(source.name)})")

    def _moved_keys(self, con: duckdb.DuckDBPyConnection, moved: Mapping[str, tuple[set[str], set[str]]]) -> Iterator[str]:
        """SELECTs of the keys whose intervals may change: by rows that differ from those of the hand-over before."""
        every = {b for came, went in moved.values() for b in came | went}
        yield f"SELECT {self.increment.key} FROM {quote(self.table)} WHERE list_has_any(_batches, [{_listed(every)}]) AND _known_to IS NULL"
        for name, (came, went) in moved.items():
            source = self.sources[name]
            if is_delta(source):
                yield from self.increment.keys(name, f"({new_rows(source, came | went)})")
                continue
            for one, other in self._pairs(con, source, came, went):
                yield from self.increment.keys(name, f"({_difference(source, one, other)})")
                if source.key:
                    yield from self.increment.keys(name, f"({_quarantined(source, [one, other])})")

    def _pairs(
        self, con: duckdb.DuckDBPyConnection, source: Contract, came: Collection[str], went: Collection[str]
    ) -> Iterator[tuple[str, str]]:
        """Each batch that came with the one whose place it takes: of the same unit and period, else of the period before."""
        all_ = f"SELECT batch, coalesce(unit, '') AS unit, period FROM evidence.batches WHERE batch IN ({_listed(went)}) UNION ALL "
        rows = con.execute(f"{all_} SELECT batch, unit, period FROM ({_batches(source)}) ORDER BY unit, period").fetchall()
        for batch, unit, period in rows:
            if batch in came:
                same = [b for b, u, p in rows if (u, p) == (unit, period) and b != batch]
                before = [b for b, u, p in rows if u == unit and p < period and b not in went]
                yield batch, same[0] if same else before[-1] if before else ""

    def _write(self, con: duckdb.DuckDBPyConnection, now: datetime, *, new: bool) -> int:
        """Make the intervals of the touched keys, close those that are no longer true, and add the new ones."""
        replaced = {}
        for n, (name, source) in enumerate(self.sources.items()):
            con.execute(f"CREATE OR REPLACE TEMP TABLE rows_{n} AS {self._rows(source)}")
            replaced[f"std.{name}"] = f"SELECT *, NULL::VARCHAR[] AS _failed FROM temp.rows_{n}"
        key = self.increment.key
        con.execute(f"CREATE OR REPLACE TEMP TABLE candidates AS SELECT * FROM ({self.candidates(replaced)}\n)")
        spans = " UNION ALL ".join(_spans(s, n) for n, s in enumerate(self.sources.values()))
        con.execute(f"CREATE OR REPLACE TEMP TABLE spans AS {spans}")
        spanned = "SELECT c.*, s.__from, s.__to FROM temp.candidates c JOIN temp.spans s USING (_source, _batch, _row)"
        spanned = f"({spanned} SEMI JOIN {TOUCHED} USING ({key}))"
        con.execute(
            "CREATE OR REPLACE TEMP TABLE points AS"
            f" SELECT {key}, __from AS __at FROM {spanned} UNION SELECT {key}, __to FROM {spanned} WHERE __to IS NOT NULL"
        )
        at_points = f"SELECT c.* EXCLUDE (__from, __to), p.__at FROM {spanned} AS c JOIN temp.points AS p USING ({key})"
        at_points += " WHERE c.__from <= p.__at AND (p.__at < c.__to OR c.__to IS NULL)"
        fused = fuse(con, self.fusion, at_points, as_of="CAST({at} AS DATE)", also=["__at"], few=True)
        con.execute(f"CREATE OR REPLACE TEMP TABLE intervals AS {self._intervals(fused)}")
        return self._replace(con, now, new=new)

    def _rows(self, source: Contract) -> str:
        """All rows, of every hand-over that counts, of the source keys that bear on touched keys, each with its hand-over's place."""
        table, touching = f"std_batches.{quote(source.name)}", self.increment.touching(source.name)
        rows = f"SELECT * FROM {table} AS r WHERE {touching}"
        if source.key:
            key = ", ".join(map(quote, source.key))
            rows = f"SELECT * FROM {table} SEMI JOIN (SELECT {key} FROM {table} AS r WHERE {touching}) USING ({key})"
        return (
            "SELECT r.* EXCLUDE (_failed), b.unit AS __unit, b.received_at AS __received, b.start AS __start, b.n AS __n"
            f" FROM ({rows}) AS r JOIN ({_batches(source)}) AS b ON b.batch = r._batch"
        )

    def _intervals(self, fused: str) -> str:
        """SELECT of the intervals: at each point what is fused there, points that change nothing left out."""
        key, each = self.increment.key, [quote(c.name) for c in self.contract.columns]
        said = ", ".join(f"{c} := {c}" for c in each)
        batches = ", ".join(f"_from.{quote(s)}.batch" for s in self.fusion.sources)
        known = f"SELECT {key}, __at, struct_pack({said}) AS said, list_sort(list_distinct([{batches}])) AS batches FROM ({fused})"
        told = (
            f"SELECT {key}, p.__at AS starts, f.said AS said, f.batches AS batches"
            f" FROM temp.points AS p LEFT JOIN ({known}) AS f USING ({key}, __at)"
        )
        marked = f"SELECT *, CASE WHEN said IS NOT DISTINCT FROM lag(said) OVER w THEN 0 ELSE 1 END AS turn FROM ({told})"
        marked += f" WINDOW w AS (PARTITION BY {key} ORDER BY starts)"
        # not grouped by what is said: an aggregate keeps its texts outside of the memory that DuckDB counts
        whole = (
            f"SELECT said, starts AS _valid_from, lead(starts) OVER (PARTITION BY {key} ORDER BY starts) AS _valid_to, batches AS _batches"
            f" FROM ({marked}) WHERE turn = 1"
        )
        return (
            f"SELECT {', '.join(f'said.{c} AS {c}' for c in each)}, _valid_from, _valid_to, _batches FROM ({whole}) WHERE said IS NOT NULL"
        )

    def _replace(self, con: duckdb.DuckDBPyConnection, now: datetime, *, new: bool) -> int:
        """`new`: nothing was known before; what other parts have written is then not looked through."""
        table, key, columns = quote(self.table), self.increment.key, f"{self._columns}, _valid_from, _valid_to"
        stamp = f"TIMESTAMP {literal(str(now))}"
        known = f"SELECT {columns} FROM {table} SEMI JOIN {TOUCHED} USING ({key}) WHERE _known_to IS NULL{' AND FALSE' if new else ''}"
        con.execute(f"CREATE OR REPLACE TEMP TABLE known AS {known}")
        con.execute(f"CREATE OR REPLACE TEMP TABLE gone AS FROM temp.known EXCEPT SELECT {columns} FROM temp.intervals")
        con.execute(f"CREATE OR REPLACE TEMP TABLE come AS SELECT {columns} FROM temp.intervals EXCEPT FROM temp.known")
        closed = 0
        if affected(con, "SELECT count(*) FROM temp.gone"):
            closed = affected(
                con,
                f"UPDATE {table} SET _known_to = {stamp} WHERE _known_to IS NULL"
                f" AND ({key}, _valid_from) IN (SELECT ({key}, _valid_from) FROM temp.gone)",
            )
        added = affected(
            con,
            f"INSERT INTO {table} ({columns}, _known_from, _batches) SELECT {columns}, {stamp}, _batches"
            f" FROM temp.intervals SEMI JOIN temp.come USING ({key}, _valid_from)",
        )
        for name in ("known", "gone", "come"):
            con.execute(f"DROP TABLE temp.{name}")
        return closed + added

    def _note(self, con: duckdb.DuckDBPyConnection, moved: Mapping[str, tuple[set[str], set[str]]], run_id: str, now: datetime) -> None:
        gone = {b for _, went in moved.values() for b in went}
        if gone:
            con.execute(f"DELETE FROM evidence.lineage WHERE dataset = ? AND batch IN ({_listed(gone)})", [self.table])
        came = sorted({b for came, _ in moved.values() for b in came})
        evidence.write(con, "lineage", [{"dataset": self.table, "batch": b, "run_id": run_id, "written_at": now} for b in came])
        note(con, self.table, state(con), run_id, definition=self.definition)


def _listed(batches: Collection[str]) -> str:
    return ", ".join(map(literal, sorted(b for b in batches if b))) or "NULL"


def _batches(source: Contract) -> str:
    """SELECT of the hand-overs that count in a history: all of a delta; of a full delivery the newest of each unit and period."""
    columns = f"batch, coalesce(unit, '') AS unit, period, received_at, {period_start('period')} AS start"
    standing = f"SELECT {columns} FROM evidence.batches WHERE dataset = {literal(source.name)} AND status = 'standardised'"
    if not is_delta(source):
        standing += " QUALIFY row_number() OVER (PARTITION BY coalesce(unit, ''), period ORDER BY received_at DESC, batch DESC) = 1"
    return f"SELECT *, row_number() OVER (PARTITION BY unit ORDER BY period, received_at, batch) AS n FROM ({standing})"


def _difference(source: Contract, one: str, other: str) -> str:
    """The rows of a batch that the other has not, and the other way round, by their values."""
    columns = ", ".join(quote(c.name) for c in source.columns)
    a, b = (f"SELECT {columns} FROM std_batches.{quote(source.name)} WHERE _batch = {literal(batch)}" for batch in (one, other))
    return f"({a} EXCEPT {b}) UNION ALL ({b} EXCEPT {a})" if other else a


def _quarantined(source: Contract, batches: Collection[str]) -> str:
    """The rows, of any batch, of keys that are in quarantine in some batches."""
    key = ", ".join(map(quote, source.key))
    broken = f"SELECT {_typed(source)} FROM quarantine.{quote(source.name)} WHERE _batch IN ({_listed(batches)})"
    return f"SELECT * FROM std_batches.{quote(source.name)} SEMI JOIN ({broken}) USING ({key})"


def _typed(source: Contract) -> str:
    return ", ".join(f"TRY_CAST(trim({quote(k)}) AS {source.column(k).sql_type}) AS {quote(k)}" for k in source.key)


def _spans(source: Contract, n: int) -> str:
    """SELECT `_source, _batch, _row, __from, __to`: from when to when each row kept in `temp.rows_<n>` holds."""
    event = source.delivery.event if source.delivery else None
    own = f"TRY_CAST(r.{quote(event)} AS TIMESTAMP)" if event else "NULL::TIMESTAMP"
    begun = (
        "(SELECT _batch, _row, min(TRY_CAST(_event AS TIMESTAMP)) AS __event FROM temp.candidates"
        f" WHERE _source = {literal(source.name)} GROUP BY ALL)"
    )
    rows = (
        f"(SELECT r.*, coalesce(e.__event, {own}, r.__start) AS __from FROM temp.rows_{n} AS r LEFT JOIN {begun} AS e USING (_batch, _row))"
    )
    shown = f"{literal(source.name)} AS _source, _batch, _row, __from"
    if not source.key:
        ends = (
            "NULL::TIMESTAMP"
            if is_delta(source)
            else f"(SELECT min(b.start) FROM ({_batches(source)}) b WHERE b.unit = __unit AND b.n > __n)"
        )
        return f"SELECT {shown}, {ends} AS __to FROM {rows}"
    key = ", ".join(map(quote, source.key))
    if is_delta(source):
        order = (f"{quote(event)} NULLS FIRST, " if event else "") + "__received, _batch, _row"
        later = f"min(__from) OVER (PARTITION BY {key} ORDER BY {order} ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)"
        deletes = is_delete(source) or "FALSE"
        spans = f"SELECT {shown}, {later} AS __to, {deletes} AS gone FROM {rows}"
        return f"SELECT _source, _batch, _row, __from, __to FROM ({spans}) WHERE NOT gone AND (__to IS NULL OR __to > __from)"
    later = f"min(__from) OVER (PARTITION BY {key}, __unit ORDER BY __n RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)"
    batches = f"({_batches(source)})"
    broken = f"quarantine.{quote(source.name)} q JOIN {batches} b ON b.batch = q._batch"
    kept = f"(SELECT DISTINCT {_typed(source)}, b.unit AS __unit, b.n AS n FROM {broken})"
    there, stands = f"(SELECT DISTINCT {key}, __unit, __n AS n FROM {rows})", f"(SELECT DISTINCT {key}, __unit, __n FROM {rows})"
    # The hand-overs after a row, up to the last one for which a quarantined key is carried on, in which nothing speaks of its key.
    without = (
        f"SELECT {key}, __unit, __n, min(start) AS __gone FROM (SELECT r.*, b.n AS n, b.start AS start FROM {stands} AS r"
        f" JOIN {batches} AS b ON b.unit = r.__unit AND b.n > r.__n AND b.n <= r.__n + {CARRIED + 1})"
        f" ANTI JOIN {there} AS t USING ({key}, __unit, n)"
        f" ANTI JOIN (SELECT {key}, __unit, n, unnest(range(n - {CARRIED}, n)) AS __n FROM {kept}) AS q USING ({key}, __unit, n, __n)"
        f" GROUP BY ALL"
    )
    spans = f"SELECT {shown}, least({later}, w.__gone) AS __to FROM {rows} LEFT JOIN ({without}) AS w USING ({key}, __unit, __n)"
    return f"SELECT * FROM ({spans}) WHERE __to IS NULL OR __to > __from"
