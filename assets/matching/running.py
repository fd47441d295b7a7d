"""Matching as part of a run: which records must be compared (again), and the one transaction that keeps what was found.

Belongs here: increments, the guard, writing. Not here: scores (`scoring`), what a reviewer decides (`decisions`).

Three things stand beside a base table that declares `matching`, and two views on them. The base itself is only read: a link
is a row that people can read, and no value of an authority changes by it.

| table | rows |
|---|---|
| `base.<name>__unkeyed` | records without a good key: dataset, batch, row, their own name (`record`) and the attributes compared |
| `base.<name>__matches` | candidates of each record: score, probability, class, evidence, who decided; a row without a key: none |
| `evidence.decisions` | what reviewers decided, never deleted |
| `base.<name>__links`, `base.<name>__review` | views: rows that are linked; pairs that wait for a person |

Compared are records that are new, those that a changed row of the base may bear on (by a blocking rule, or by its namesakes),
and those decided since. What is kept is a function of records, base and decisions, whatever came first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import TYPE_CHECKING

from assets import evidence
from assets.lake import is_there, literal, one_look, quote, transaction
from assets.matching import scoring
from assets.matching.declared import LINKS, MATCHES, REVIEW, Matching, read_matching
from assets.matching.records import PLACE, standing
from assets.matching.scoring import SCORED, MatchingError, formed, score
from assets.std import current_batches, digest, ensure_all, ensure_view

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project

UNKEYED = "unkeyed"
CLASSES = ("certain", "review", "different", "none")
KEPT = 3
"""So many candidates that are different are kept of a record, the likest first: they show what was looked at."""
FEW = 10
"""So many links of a source are taken without asking for their share: a handful can be looked through."""
CHANCE = 3
"""A share of few rows strays: what lies so many deviations above it, as independent rows would stray, is more than it still."""
_NEW, _TOUCHED, _FOUND = "temp.main.match_new", "temp.main.match_touched", "temp.main.match_found"


@dataclass(frozen=True)
class Matched:
    """What one call did: `compared` records anew (`full`: all of them), and the records that stand now, by class."""

    table: str
    compared: int
    full: bool
    records: int
    classes: dict[str, int]


def match(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, run_id: str) -> Matched | None:
    """Bring the matches of a base table up to its records, rows and decisions, in one transaction; None where it declares none.

    Where nothing came, went or was decided, nothing is done and no snapshot made. Raises `MatchingError` where the rule would
    link more of a source's rows than it may, or compare too many pairs: nothing is kept then. Raises `DocumentError`.
    """
    matching = read_matching(project, contract)
    if matching is None:
        return None
    sources = {r.dataset: project.contracts[r.dataset] for r in matching.records}
    with one_look(con):
        ensure_all(con, sources.values())
    if not is_there(con, contract.table):
        return Matched(matching.table(), 0, False, 0, dict.fromkeys(CLASSES, 0))
    mark = definition(project, matching)
    try:
        last = _last(con, matching, mark)
        moved = {name: _moved(con, matching, source) for name, source in sources.items()}
        changed = _changed_base(con, matching, last[0]) if last else None
        full = last is None or changed is None
        decided = _decided_since(con, matching, last[1]) if last else 0
        if not full and not decided and not changed and not any(moved.values()):
            _views(con, matching)  # a table that bears a new name has none under it
            return _summary(con, matching, 0, full=False)
        _collect(con, project, matching, [n for n in sources if full or moved[n]], full=full)
        compared = _touch(con, matching, full=full, decided_since=last[1] if last and decided else None, changed=bool(changed))
        columns = ", ".join(map(quote, matching.attributes))
        score(con, matching, f"SELECT DISTINCT record, {columns} FROM {_NEW} SEMI JOIN {_TOUCHED} USING (record)", _base(matching))
        _classify(con, matching)
        snapshot = _snapshot(con)
        _guard(con, matching, sources, full=full)
        with transaction(con, run_id, f"match {contract.table}: {compared} records"):
            _write(con, matching, run_id, mark, snapshot, moved, full=full)
    finally:
        _forget(con)
    return _summary(con, matching, compared, full=full)


def definition(project: Project, matching: Matching) -> str:
    """Names what records are found and scored by: under another declaration all are compared anew."""
    weights = [[(x.when, x.m, x.u) for x in c.levels] for c in matching.comparisons]
    levels = [scoring.reached(matching, c) for c in matching.comparisons]
    records = [standing(project, matching, r) for r in matching.records]
    limits = [matching.of, matching.certain, matching.review]
    return digest(json.dumps([formed(matching, "base", quote(matching.key)), weights, levels, records, limits]))


def _last(con: duckdb.DuckDBPyConnection, matching: Matching, mark: str) -> tuple[int, datetime] | None:
    """Snapshot and time of the last matching, where its tables stand and it was made by this definition."""
    if not is_there(con, matching.table(UNKEYED)) or not is_there(con, matching.table()):
        return None
    row = con.execute(
        "SELECT snapshot, matched_at, definition FROM evidence.matchings WHERE dataset = ? ORDER BY matched_at DESC, snapshot DESC LIMIT 1",
        [matching.table()],
    ).fetchone()
    return (row[0], row[1]) if row and row[2] == mark else None


@dataclass(frozen=True)
class _Batches:
    """The batches of a source that stand, and those that came and went since the last matching."""

    now: frozenset[str]
    came: frozenset[str]
    went: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.came or self.went)


def _moved(con: duckdb.DuckDBPyConnection, matching: Matching, source: Contract) -> _Batches:
    now = frozenset(b for (b,) in con.execute(current_batches(source)).fetchall())
    of_source = "SELECT batch FROM evidence.batches WHERE dataset = ?"
    then = con.execute(
        f"SELECT batch FROM evidence.lineage WHERE dataset = ? AND batch IN ({of_source})", [matching.table(), source.name]
    ).fetchall()
    before = frozenset(b for (b,) in then)
    return _Batches(now, now - before, before - now)


def _snapshot(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()
    assert row is not None
    return int(row[0])


def _changed_base(con: duckdb.DuckDBPyConnection, matching: Matching, since: int) -> int | None:
    """Fill `match_changed` with the attributes that rows of the base had or have which changed since a snapshot; their number.

    None where the lake cannot tell: the table was made anew, or the snapshots between have expired.
    """
    import duckdb as engine

    now = _snapshot(con)
    schema, name = matching.contract.table.split(".")
    columns = ", ".join(f"CAST({quote(a)} AS VARCHAR) AS {quote(a)}" for a in matching.attributes)
    feed = f"ducklake_table_changes('lake', {literal(schema)}, {literal(name)}, {since + 1}, {now})"
    rows = f"SELECT {columns} FROM {feed}" if now > since else f"SELECT {columns} FROM {quote(matching.contract.table)} LIMIT 0"
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE match_changed AS SELECT DISTINCT * FROM ({rows})")
    except engine.Error:
        return None
    row = con.execute("SELECT count(*) FROM temp.main.match_changed").fetchone()
    return int(row[0]) if row else 0


def _decided_since(con: duckdb.DuckDBPyConnection, matching: Matching, since: datetime) -> int:
    row = con.execute(
        "SELECT count(*) FROM evidence.decisions WHERE dataset = ? AND decided_at >= ?", [matching.contract.table, since]
    ).fetchone()
    return int(row[0]) if row else 0


def _base(matching: Matching) -> str:
    columns = ", ".join(f"CAST({quote(a)} AS VARCHAR) AS {quote(a)}" for a in matching.attributes)
    return f"SELECT {columns} FROM {quote(matching.contract.table)}"


def _collect(con: duckdb.DuckDBPyConnection, project: Project, matching: Matching, datasets: list[str], *, full: bool) -> None:
    """`match_new`: all records as they stand now; those of `datasets` are looked for anew, the others are known."""
    found = [standing(project, matching, r) for r in matching.records if r.dataset in datasets]
    if not full:
        listed = ", ".join(map(literal, datasets)) or "NULL"
        kept = ", ".join(quote(c) for c in (*PLACE, "record", *matching.attributes))
        found.append(f"SELECT {kept} FROM {quote(matching.table(UNKEYED))} WHERE NOT coalesce(dataset IN ({listed}), FALSE)")
    con.execute(f"CREATE OR REPLACE TEMP TABLE match_new AS {' UNION ALL '.join(f'({s})' for s in found)}")


def _touch(con: duckdb.DuckDBPyConnection, matching: Matching, *, full: bool, decided_since: datetime | None, changed: bool) -> int:
    """`match_touched`: the records to compare; gives their number."""
    parts = [f"SELECT record FROM {_NEW}"]
    if not full:
        parts[0] += f" EXCEPT SELECT record FROM {quote(matching.table())}"
        if decided_since is not None:
            since = f"dataset = {literal(matching.contract.table)} AND decided_at >= {literal(str(decided_since))}::TIMESTAMP"
            parts.append(f"SELECT record FROM evidence.decisions WHERE {since}")
        if changed:
            columns = ", ".join(map(quote, matching.attributes))
            known = formed(matching, f"(SELECT DISTINCT record, {columns} FROM {_NEW})", "v.record")
            con.execute(f"CREATE OR REPLACE TEMP TABLE match_known AS {known}")
            con.execute(f"CREATE OR REPLACE TEMP TABLE match_moved AS {formed(matching, 'temp.main.match_changed', 'NULL')}")
            by = [f"block_{n}" for n in range(len(matching.blocks))] + [scoring.column(a) for a in matching.counted]
            parts += [f"SELECT _identity FROM match_known WHERE {b} IN (SELECT {b} FROM match_moved)" for b in by]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE match_touched AS SELECT DISTINCT record FROM ({' UNION ALL '.join(parts)})"
        f" SEMI JOIN {_NEW} USING (record)"
    )
    row = con.execute(f"SELECT count(*) FROM {_TOUCHED}").fetchone()
    return int(row[0]) if row else 0


def _classify(con: duckdb.DuckDBPyConnection, matching: Matching) -> None:
    """`match_found`: what is kept of the touched records: candidates with probability and class, decisions above all.

    A candidate that was decided to be different is no rival of the others any more; beside one that was decided to be the same
    all others are different.
    """
    decided = (
        "SELECT record, key, decision, reviewer, reason, decided_at FROM evidence.decisions"
        f" WHERE dataset = {literal(matching.contract.table)}"
        " QUALIFY row_number() OVER (PARTITION BY record, key ORDER BY decided_at DESC, run_id DESC) = 1"
    )
    there = f"d.decision = 'same' AND d.key IN (SELECT {quote(matching.key)} FROM {quote(matching.contract.table)})"
    told = ", ".join(scoring.evidence(matching))
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE match_found AS
        WITH d AS (SELECT * FROM ({decided}) SEMI JOIN {_TOUCHED} USING (record)),
        pairs AS (
            SELECT coalesce(s.record, d.record) AS record, coalesce(s.key, d.key) AS key, s.score, d.decision,
                CASE WHEN d.decision = 'different' OR s.score IS NULL THEN 0 ELSE pow(2, least(s.score, 200)) END AS odds
            FROM {SCORED} AS s FULL JOIN d ON d.record = s.record AND d.key = s.key WHERE s.record IS NOT NULL OR ({there})
        ),
        judged AS (
            SELECT *, round(odds / (1 + sum(odds) OVER (PARTITION BY record)), 6) AS probability,
                bool_or(coalesce(decision = 'same', FALSE)) OVER (PARTITION BY record) AS known
            FROM pairs
        ),
        classed AS (
            SELECT *, CASE WHEN decision = 'same' THEN 'certain' WHEN decision = 'different' OR known THEN 'different'
                WHEN probability >= {matching.certain!r} THEN 'certain' WHEN probability >= {matching.review!r} THEN 'review'
                ELSE 'different' END AS class
            FROM judged
        ),
        kept AS (
            SELECT * FROM classed QUALIFY class <> 'different' OR decision IS NOT NULL
                OR row_number() OVER (PARTITION BY record, class ORDER BY score DESC, key) <= {KEPT}
        )
        SELECT t.record, k.key AS {quote(matching.key)}, k.score, k.probability, coalesce(k.class, 'none') AS class,
            list_filter([{told}], lambda e: e IS NOT NULL) AS evidence, d.reviewer, d.reason, d.decided_at
        FROM {_TOUCHED} AS t LEFT JOIN kept AS k ON k.record = t.record
            LEFT JOIN {SCORED} AS s ON s.record = k.record AND s.key = k.key LEFT JOIN d ON d.record = k.record AND d.key = k.key"""
    )


def _guard(con: duckdb.DuckDBPyConnection, matching: Matching, sources: dict[str, Contract], *, full: bool) -> None:
    """Refuse a rule that would link too much of a source without anybody having looked."""
    by_rule = "SELECT record FROM {} WHERE class = 'certain' AND reviewer IS NULL"
    linked = by_rule.format(_FOUND)
    if not full:
        linked += f" UNION ALL SELECT record FROM ({by_rule.format(quote(matching.table()))}) ANTI JOIN {_TOUCHED} USING (record)"
    counted = f"SELECT dataset, count(*) FROM {_NEW} SEMI JOIN (SELECT DISTINCT record FROM ({linked})) USING (record) GROUP BY dataset"
    counts = dict(con.execute(counted).fetchall())
    for records in matching.records:
        links, source = counts.get(records.dataset, 0), sources[records.dataset]
        row = con.execute(
            "SELECT coalesce(sum(coalesce(rows_std, 0) + coalesce(rows_quarantine, 0)), 0)::BIGINT FROM evidence.batches"
            f" WHERE dataset = {literal(source.name)} AND batch IN ({current_batches(source)})"
        ).fetchone()
        rows = int(row[0]) if row else 0
        if links > most(records.max_merged, rows):
            raise MatchingError(
                f"{matching.contract.name}: the rule would link {links:,} of {rows:,} rows of {records.dataset} by likeness"
                f" ({links / max(rows, 1):.1%}), and `maxMerged` is {records.max_merged:.1%}. Nothing was committed. Look at the keys"
                " that the source sent, ask for more likeness, or raise maxMerged for this source."
            )


def most(share: float, rows: int) -> int:
    """So many links of a source with so many rows say nothing against a rule that may link this share of them."""
    return max(FEW, int(share * rows + CHANCE * sqrt(share * (1 - share) * rows)))


def _write(
    con: duckdb.DuckDBPyConnection,
    matching: Matching,
    run_id: str,
    mark: str,
    snapshot: int,
    moved: dict[str, _Batches],
    *,
    full: bool,
) -> None:
    unkeyed, matches = quote(matching.table(UNKEYED)), quote(matching.table())
    if full:
        for table, rows in ((unkeyed, _NEW), (matches, _FOUND)):
            con.execute(f"DROP TABLE IF EXISTS {table}")
            con.execute(f"CREATE TABLE {table} AS SELECT * FROM {rows} LIMIT 0")
        con.execute("DELETE FROM evidence.lineage WHERE dataset = ?", [matching.table()])
    place = ", ".join(map(quote, (*PLACE, "record")))
    con.execute(f"DELETE FROM {unkeyed} WHERE ({place}) NOT IN (SELECT ({place}) FROM {_NEW})")
    con.execute(f"INSERT INTO {unkeyed} BY NAME SELECT * FROM {_NEW} WHERE ({place}) NOT IN (SELECT ({place}) FROM {unkeyed})")
    con.execute(f"DELETE FROM {matches} WHERE record NOT IN (SELECT record FROM {_NEW}) OR record IN (SELECT record FROM {_TOUCHED})")
    con.execute(f"INSERT INTO {matches} BY NAME SELECT * FROM {_FOUND} ORDER BY record, score DESC")
    _views(con, matching)
    gone = sorted(b for batches in moved.values() for b in batches.went)
    con.execute("DELETE FROM evidence.lineage WHERE dataset = ? AND list_contains(?, batch)", [matching.table(), gone])
    now = datetime.now()
    came = sorted(b for batches in moved.values() for b in (batches.now if full else batches.came))
    evidence.write(con, "lineage", [{"dataset": matching.table(), "batch": b, "run_id": run_id, "written_at": now} for b in came])
    counts = classes_of(con, matching)
    row = {"dataset": matching.table(), "run_id": run_id, "definition": mark, "snapshot": snapshot, "matched_at": now, "full": full}
    evidence.write(con, "matchings", [row | {"records": sum(counts.values()), **counts}])


def _views(con: duckdb.DuckDBPyConnection, matching: Matching) -> None:
    unkeyed, matches, key = quote(matching.table(UNKEYED)), quote(matching.table(MATCHES)), quote(matching.key)
    title = matching.contract.title
    links = (
        f'SELECT u.dataset, u.batch, u."row", u.record, m.{key}, m.score, m.probability, m.evidence, m.reviewer, m.reason, m.decided_at'
        f" FROM {unkeyed} AS u JOIN {matches} AS m ON m.record = u.record WHERE m.class = 'certain'"
    )
    ensure_view(con, matching.table(LINKS), f"{title}：无有效号码记录的关联", links)
    review = (
        f"SELECT m.record, m.{key}, m.score, m.probability, m.evidence, list_sort(list(DISTINCT u.dataset)) AS datasets,"
        f" count(*) AS rows, min({{'batch': u.batch, 'row': u.\"row\"}}) AS \"first\" FROM {matches} AS m JOIN {unkeyed} AS u"
        " ON u.record = m.record WHERE m.class = 'review' GROUP BY ALL"
    )
    ensure_view(con, matching.table(REVIEW), f"{title}：待人工核对的疑似同一人", review)


def classes_of(con: duckdb.DuckDBPyConnection, matching: Matching) -> dict[str, int]:
    """Records by the best class that they have."""
    best = "min(CASE class " + " ".join(f"WHEN '{c}' THEN {n}" for n, c in enumerate(CLASSES)) + " END)"
    of_each = f"SELECT {best} AS best FROM {quote(matching.table())} GROUP BY record"
    found = dict(con.execute(f"SELECT best, count(*) FROM ({of_each}) GROUP BY best").fetchall())
    return {c: found.get(n, 0) for n, c in enumerate(CLASSES)}


def _summary(con: duckdb.DuckDBPyConnection, matching: Matching, compared: int, *, full: bool) -> Matched:
    classes = classes_of(con, matching)
    return Matched(matching.table(), compared, full, sum(classes.values()), classes)


def _forget(con: duckdb.DuckDBPyConnection) -> None:
    scoring.drop_temporary(con)
    for name in ("new", "touched", "found", "changed", "known", "moved"):
        con.execute(f"DROP TABLE IF EXISTS temp.main.match_{name}")
