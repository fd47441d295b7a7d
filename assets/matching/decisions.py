"""What reviewers see and decide: pairs of a record without a good key and a row of the base.

Belongs here: the list, both sides of a pair, writing a decision down. Not here: what follows from it (`running`), the screen.

A decision is never deleted: a later one on the same pair takes its place, and both stand in `evidence.decisions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assets import evidence
from assets.lake import is_there, literal, quote, transaction
from assets.masking import mask
from assets.matching.declared import Matching
from assets.matching.running import UNKEYED, Matched, classes_of, match
from assets.matching.scoring import MatchingError
from assets.readers.parts import placed_sql

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

DECISIONS = ("same", "different")
_PAIR = "left(sha256(m.record || chr(31) || m.{key}), 10)"


@dataclass(frozen=True)
class Pair:
    """One pair: its name, the record and where it was handed over (dataset, batch, row; `rows` of them; as people look for it: source
    and line), what both sides say.

    `record` and `base` give the compared attributes as text, masked or not as the caller asked.
    """

    pair: str
    name: str
    state: str
    score: float | None
    probability: float
    evidence: tuple[str, ...]
    dataset: str
    batch: str
    row: int
    rows: int
    source: str
    line: int
    record: Mapping[str, str | None]
    base: Mapping[str, str | None]
    reviewer: str | None
    reason: str | None
    decided_at: datetime | None


def pairs(
    con: duckdb.DuckDBPyConnection,
    matching: Matching,
    *,
    classes: tuple[str, ...] = ("review",),
    limit: int | None = None,
    unmasked: bool = False,
) -> list[Pair]:
    """The pairs of some classes, the likest first. Values are masked by the classification of the base's columns."""
    if not is_there(con, matching.table()):
        return []
    key, names = quote(matching.key), list(matching.attributes)
    mine = ", ".join(f"u.{quote(a)}" for a in names)
    theirs = ", ".join(f"CAST(b.{quote(a)} AS VARCHAR)" for a in names)
    first = (
        f"SELECT *, count(*) OVER (PARTITION BY record) AS rows FROM {quote(matching.table(UNKEYED))}"
        ' QUALIFY row_number() OVER (PARTITION BY record ORDER BY dataset, batch, "row") = 1'
    )
    source, line = placed_sql("e.source", 'u."row"', "e.parts")
    found = con.execute(
        f'SELECT {_PAIR.format(key=key)}, m.record, m.class, m.score, m.probability, m.evidence, u.dataset, u.batch, u."row", u.rows,'
        f" m.reviewer, m.reason, m.decided_at, {source}, {line}, {mine}, {theirs}"
        f" FROM {quote(matching.table())} AS m JOIN ({first}) AS u ON u.record = m.record JOIN evidence.batches AS e ON e.batch = u.batch"
        f" LEFT JOIN {quote(matching.contract.table)} AS b ON b.{key} = m.{key}"
        f" WHERE m.class IN ({', '.join(map(literal, classes))}) AND m.{key} IS NOT NULL"
        f" ORDER BY m.probability DESC, m.score DESC, m.record, m.{key}" + (f" LIMIT {int(limit)}" if limit else "")
    ).fetchall()
    levels = {c.name: c.classification for c in matching.contract.columns}

    def shown(values: tuple[Any, ...]) -> dict[str, str | None]:
        return {a: v if unmasked else mask(v, levels[a]) for a, v in zip(names, values, strict=True)}

    end = 15 + len(names)
    return [
        Pair(
            pair=row[0],
            name=row[1],
            state=row[2],
            score=row[3],
            probability=row[4],
            evidence=tuple(row[5]),
            dataset=row[6],
            batch=row[7],
            row=row[8],
            rows=row[9],
            source=row[13],
            line=row[14],
            record=shown(row[15:end]),
            base=shown(row[end:]),
            reviewer=row[10],
            reason=row[11],
            decided_at=row[12],
        )
        for row in found
    ]


def counts(con: duckdb.DuckDBPyConnection, matching: Matching) -> dict[str, int]:
    """Records that stand, by class, and how many pairs were decided by people."""
    if not is_there(con, matching.table()):
        return {}
    decided = "SELECT count(DISTINCT record || key) FROM evidence.decisions WHERE dataset = ?"
    row = con.execute(decided, [matching.contract.table]).fetchone()
    return {**classes_of(con, matching), "decided": int(row[0]) if row else 0}


def holds(con: duckdb.DuckDBPyConnection, matching: Matching, pair: str) -> bool:
    """Whether the pair is one of this base table's."""
    if not is_there(con, matching.table()):
        return False
    sql = f"SELECT 1 FROM {quote(matching.table())} AS m WHERE {_PAIR.format(key=quote(matching.key))} = ? LIMIT 1"
    return con.execute(sql, [pair]).fetchone() is not None


def decide(
    con: duckdb.DuckDBPyConnection, project: Project, matching: Matching, pair: str, decision: str, reviewer: str, reason: str, run_id: str
) -> Matched:
    """Write down what a reviewer says of a pair, and match anew what that bears on.

    Raises `MatchingError` for a pair that is no candidate now, a word that is no decision, a missing reviewer or reason, and for
    a record that was already found to be somebody else.
    """
    if decision not in DECISIONS:
        raise MatchingError(f"{decision!r} is no decision. Say `same` or `different`.")
    reviewer, reason = reviewer.strip(), reason.strip()
    if not reviewer or not reason:
        raise MatchingError("a decision has somebody who takes it and a reason. Give both; write no personal data into the reason.")
    key = quote(matching.key)
    found = None
    if is_there(con, matching.table()):
        found = con.execute(
            f"SELECT m.record, m.{key}, m.score, m.evidence, (SELECT count(*) FROM {quote(matching.table())} AS o WHERE o.record = m.record"
            f" AND o.{key} <> m.{key} AND o.class = 'certain' AND o.reviewer IS NOT NULL)"
            f" FROM {quote(matching.table())} AS m WHERE {_PAIR.format(key=key)} = ?",
            [pair],
        ).fetchone()
    if found is None:
        raise MatchingError(
            f"no pair {pair!r} among those of {matching.contract.name}. List them again: a later delivery may have settled it."
        )
    if decision == "same" and found[4]:
        raise MatchingError(f"the record of {pair} was found to be somebody else. Decide that pair `different` first.")
    row = {"dataset": matching.contract.table, "record": found[0], "key": found[1], "score": found[2], "evidence": found[3]}
    with transaction(con, run_id, f"review {matching.contract.table}: {pair} {decision}"):
        row |= {"decision": decision, "reviewer": reviewer, "reason": reason, "decided_at": datetime.now(), "run_id": run_id}
        evidence.write(con, "decisions", [row])
    done = match(con, project, matching.contract, run_id)
    assert done is not None
    return done
