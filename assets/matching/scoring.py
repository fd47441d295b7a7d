"""Scores of pairs: blocking, levels of likeness, weights and probabilities, as DuckDB SQL made from the declaration.

Belongs here: two relations in, scored pairs out. Not here: which records and which rows of the base (`running`).

The weights of the levels that a pair reaches add up to its score in bits, on top of the odds of 1 in `of` that a row of the
base is the right one (Fellegi and Sunter). A record has one right row at most: the probability of each candidate is its odds
against those of all others and of none.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from assets.lake import literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from assets.matching.declared import Comparison, Matching
    from assets.matching.kinds import Kind

SEEN, NEAR, PAIRS, NAMES, SCORED = (f"temp.main.match_{name}" for name in ("seen", "near", "pairs", "names", "scored"))
DIGITS = 4
"""Decimals of a score in bits: sums of a few numbers do not depend on their order then."""


class MatchingError(Exception):
    """Matching was refused: says what it would have done, the limit, and what to do."""


def column(attribute: str, form: str = "") -> str:
    return quote(f"{attribute}__{form}" if form else attribute)


def formed(matching: Matching, relation: str, identity: str) -> str:
    """SELECT of `identity`, the forms of all attributes, and `block_<n>` for each blocking rule, over `relation` (texts)."""
    main = ", ".join(f"{k.forms['']('v.' + quote(a))} AS {column(a)}" for a, k in matching.attributes.items())
    more = [f"{f(column(a))} AS {column(a, name)}" for a, k in matching.attributes.items() for name, f in k.forms.items() if name]
    blocks = [f"{_block(matching, n)} AS block_{n}" for n in range(len(matching.blocks))]
    forms = f"SELECT * FROM (SELECT {identity} AS _identity, {main} FROM {relation} AS v)"
    if more:
        forms = f"SELECT *, {', '.join(more)} FROM ({forms})"
    return f"SELECT *, {', '.join(blocks)} FROM ({forms})"


def _block(matching: Matching, n: int) -> str:
    """NULL where any part is missing: what is not known is not the same."""
    parts = [matching.attributes[a].parts[p](partial(column, a)) for a, p in matching.blocks[n]]
    return " || '|' || ".join(parts)


def score(con: duckdb.DuckDBPyConnection, matching: Matching, records: str, base: str) -> None:
    """Compare `records` (SQL: `record`, attributes as text) with `base` (SQL: the key and attributes as text).

    Leaves `temp.main.match_scored`: record, key, score (bits), levels (for each comparison the number of the level reached, 0
    where a value is missing). Reads the base twice at most. Raises `MatchingError` where blocking gives more pairs than
    `maxPairs`.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE match_seen AS {formed(matching, f'({records})', 'v.record')}")
    hit = " OR ".join(f"block_{n} IN (SELECT block_{n} FROM {SEEN})" for n in range(len(matching.blocks)))
    whole = formed(matching, f"({base})", f"v.{quote(matching.key)}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE match_near AS SELECT * FROM ({whole}) WHERE {hit}")
    _within_limits(con, matching)
    con.execute("CREATE OR REPLACE TEMP TABLE match_pairs (record VARCHAR, key VARCHAR)")
    for n in range(len(matching.blocks)):
        # Rule by rule, each without the pairs of those before it: nothing is grouped, and one join at a time stands in memory.
        new = "".join(f" AND (s.block_{m} = n.block_{m}) IS NOT TRUE" for m in range(n))
        same = f"s.block_{n} = n.block_{n}{new}"
        con.execute(f"INSERT INTO {PAIRS} SELECT s._identity, n._identity FROM {SEEN} s JOIN {NEAR} n ON {same}")
    con.execute("CREATE OR REPLACE TEMP TABLE match_names (attribute VARCHAR, value VARCHAR, n BIGINT)")
    for attribute in matching.counted:
        main = matching.attributes[attribute].forms[""](f"v.{quote(attribute)}")
        con.execute(
            f"INSERT INTO match_names SELECT ?, value, count(*) FROM (SELECT {main} AS value FROM ({base}) AS v)"
            f" WHERE value IN (SELECT {column(attribute)} FROM {SEEN}) GROUP BY value",
            [attribute],
        )
    found = ", ".join(f"{reached(matching, c)} AS level_{n}" for n, c in enumerate(matching.comparisons))
    counted = "".join(
        f" LEFT JOIN {NAMES} k{n} ON k{n}.attribute = '{a}' AND k{n}.value = l.{column(a)}" for n, a in enumerate(matching.counted)
    )
    kept = "".join(f", coalesce(k{n}.n, 1) AS namesakes_{n}" for n in range(len(matching.counted)))
    levels = ", ".join(f"level_{n}" for n in range(len(matching.comparisons)))
    weights = " + ".join(_weight(matching, n) for n in range(len(matching.comparisons)))
    con.execute(
        "CREATE OR REPLACE TEMP TABLE match_scored AS SELECT record, key,"
        f" round({-math.log2(matching.of)!r} + {weights}, {DIGITS}) AS score, [{levels}] AS levels"
        f" FROM (SELECT p.record, p.key{kept}, {found} FROM {PAIRS} p"
        f" JOIN {SEEN} l ON l._identity = p.record JOIN {NEAR} r ON r._identity = p.key{counted})"
    )


def _within_limits(con: duckdb.DuckDBPyConnection, matching: Matching) -> None:
    counts = " UNION ALL ".join(
        f"SELECT {n} AS block, coalesce(sum(s.n * r.n), 0)::BIGINT AS pairs"
        f" FROM (SELECT block_{n} AS b, count(*) AS n FROM {SEEN} GROUP BY b) s"
        f" JOIN (SELECT block_{n} AS b, count(*) AS n FROM {NEAR} GROUP BY b) r USING (b)"
        for n in range(len(matching.blocks))
    )
    block, pairs = con.execute(f"SELECT block, pairs FROM ({counts}) ORDER BY pairs DESC, block LIMIT 1").fetchone() or (0, 0)
    if pairs > matching.max_pairs:
        named = ", ".join(a + (f".{p}" if p else "") for a, p in matching.blocks[block])
        raise MatchingError(
            f"{matching.contract.name}: the blocking rule [{named}] gives {pairs:,} pairs, and `maxPairs` is {matching.max_pairs:,}."
            " Nothing was compared. Add an attribute to the rule, or take it away."
        )


def reached(matching: Matching, comparison: Comparison) -> str:
    """The number, from 1, of the first level that a pair reaches; 0 where nothing can be compared."""

    def side(alias: str, attribute: str, form: str) -> str:
        return f"{alias}.{column(attribute, form)}"

    def condition(attribute: str, likeness: str) -> str:
        kind: Kind = matching.attributes[attribute]
        return kind.levels[likeness](lambda f: side("l", attribute, f), lambda f: side("r", attribute, f))

    arms = [
        f"WHEN {' AND '.join(f'({condition(a, likeness)})' for a, likeness in level.when)} THEN {n}"
        for n, level in enumerate(comparison.levels, start=1)
        if level.when
    ]
    missing = " AND ".join(f"(l.{column(a)} IS NULL OR r.{column(a)} IS NULL)" for a in comparison.attributes)
    return f"CASE WHEN {missing} THEN 0 {' '.join(arms)} ELSE {len(comparison.levels)} END"


def _weight(matching: Matching, n: int) -> str:
    arms = []
    for number, level in enumerate(matching.comparisons[n].levels, start=1):
        weight = repr(level.weight)
        if level.u is None:
            at = matching.counted.index(level.when[0][0])
            weight = f"({weight} + log2({matching.of}.0 / greatest(namesakes_{at}, 1)))"
        arms.append(f"WHEN {number} THEN {weight}")
    return f"CASE level_{n} {' '.join(arms)} ELSE 0.0 END"


def evidence(matching: Matching) -> Iterator[str]:
    """For each comparison SQL that tells the level reached, from `levels`; NULL where it says nothing (m = u, or a value is missing)."""
    for n, comparison in enumerate(matching.comparisons, start=1):
        says = [(number, level) for number, level in enumerate(comparison.levels, start=1) if level.m != level.u]
        last = ", ".join(f"{a} unlike" for a in comparison.attributes)
        arms = " ".join(f"WHEN {number} THEN {literal(level.told or last)}" for number, level in says)
        yield f"CASE levels[{n}] {arms} END"


def drop_temporary(con: duckdb.DuckDBPyConnection) -> None:
    for table in (SEEN, NEAR, PAIRS, NAMES, SCORED):
        con.execute(f"DROP TABLE IF EXISTS {table}")
