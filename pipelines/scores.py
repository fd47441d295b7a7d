"""Scores per rule, indicator, dimension, dataset, unit, city, department and the province, from the results of the batches that stand.

Belongs here: which batches count, the arithmetic, and its definition. Not here: reading suites, publishing, wording in reports.

**Elements.** Per rule and batch, B is what was evaluated and A what meets the rule (GB/T 36344-2018: X = A/B). B is the rows
looked at less the empty ones; for completeness (dimension 02) the empty ones are expected to be assigned and stay in B. A rule
on a whole batch (no row count in its result) has the batch as its one element. Of rows that are copies of each other the extra
ones count, where the result says how many they are (`extra_copies`), else all of them, as Great Expectations counts. A failed
rule that names no rows has A = 0. For the indicators that count what should not be (0303, 0305), A is what breaks the rule,
X = A/B, and the score is 1 - X.

**Score** (0 to 100) and **coverage** (0 to 1). A rule's own coverage is the share of the standing rows on which it was assessed
(passed or failed), and nothing where it had no element to evaluate at all. *What was not assessed, or has no result, never counts
as passed.* With the weights w of rules (suite), indicators and dimensions (standard) and
1 for each dataset of a department, a city or the province:

    score = sum(w * v * x) / sum(w * v)     over the parts that have a score; v is the assessed share of their rules
    coverage = sum(w * s) / sum(w)          of a dimension or indicator: over what the contract calls for there
                                            (`assets.called`); s is the share of the rows on which the best rule that meets
                                            the call was assessed, 0 where there is no such rule
    coverage = sum(w * c) / sum(w)          above dimensions

A rule beyond the calls counts in the score, not in coverage. Where nothing is called for but rules exist, coverage is the share
of the rows on which they were assessed. A rule that ran and found only empty values covers, but has no score. Where nothing is
called for and no rule exists, both are NULL and the indicator or dimension is left out of what lies above. A dimension of which
nothing has a score is not covered. By score x coverage is ranked and graded: what is called for and was not assessed counts as
nothing. An indicator that the bureau does not ask for (weight 0) is neither called for nor scored.

**Waived failures** (`assets.waivers`) stand apart: where a waiver holds for a failed rule, dataset and unit, its elements are in
neither A nor B, those that break it are counted in `waived`, and the rule still covers, for it was assessed. Of a waiver that names
issues, only the rows of these are taken out so. Everything else of the rule counts as ever, and from the day after the waiver's end
so does this.

**Standing batches.** Full delivery: the newest batch of each unit (by period, then receipt). Delta: the batches of the newest
partition, and of the 31 days up to it where partitions are days. A model: its newest check.

**Cross-department checks** count under the dataset whose department gets the ticket, of no unit: B is what was compared, A what
no other department contradicts beyond the grace (`assets.crosschecks.counting`). A check that only tells (info) weighs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from assets.called import Call, calls
from assets.crosschecks.declared import TABLE
from assets.lake import insert, is_there
from pipelines.rulebook import CROSS, holder
from pipelines.views import newest

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.waivers import Waiver
    from expectations.standard import Standard
    from pipelines.rulebook import Rule

WINDOW_DAYS = 31

COLUMNS: list[tuple[str, str, str]] = [
    (
        "scope",
        "VARCHAR",
        "what is scored: unit (of a dataset), dataset, department, city (a unit over all datasets), province (all datasets)",
    ),
    ("level", "VARCHAR", "how finely: rule, indicator, dimension, total"),
    ("department", "VARCHAR", "the department's folder name; for a model <layer>/<database>; NULL for a city and the province"),
    ("dataset", "VARCHAR", "the dataset; NULL above datasets"),
    ("unit", "VARCHAR", "the unit, or the city that it is; NULL for a dataset, department or the province"),
    ("dimension", "VARCHAR", "dimension of GB/T 36344-2018; NULL for the total"),
    ("indicator", "VARCHAR", "indicator of GB/T 36344-2018; NULL above indicators"),
    ("rule", "VARCHAR", "the rule's id; NULL above rules"),
    ("a", "BIGINT", "rule only: elements meeting the rule; for 0303 and 0305 elements breaking it"),
    ("b", "BIGINT", "rule only: elements evaluated"),
    ("measure", "DOUBLE", "rule and indicator: X as the standard has it (A/B); high is bad for 0303 and 0305"),
    ("weight", "DOUBLE", "its weight one level up"),
    ("score", "DOUBLE", "0 to 100, higher is better; NULL where nothing could be assessed"),
    ("coverage", "DOUBLE", "0 to 1: the share of what the contract calls for that exists and was assessed; NULL: nothing called for"),
    ("ranked", "DOUBLE", "score x coverage (0 to 100): what was not assessed counts as nothing; NULL where nothing is called for"),
    ("waived", "BIGINT", "elements that break rules under a waiver that holds; they are in no score"),
    ("grade", "VARCHAR", "dimension and total: grade of `ranked` by the standard"),
    ("target", "DOUBLE", "dimension and total: what the bureau wants `ranked` to be; NULL: no target"),
]


CALLED: list[tuple[str, str, str]] = [
    ("dataset", "VARCHAR", "the dataset"),
    ("call", "VARCHAR", "what is called for: kind and columns"),
    ("position", "INTEGER", "its place among the dataset's calls"),
    ("kind", "VARCHAR", "what the contract declares: presence, reference, form, pattern, identity, quality, ..."),
    ("columns", "VARCHAR[]", "of which columns"),
    ("indicator", "VARCHAR", "indicator of GB/T 36344-2018 that it counts in"),
    ("wanted", "VARCHAR", "the expectation that most simply meets it; empty where none is known"),
    ("asks_zh", "VARCHAR", "what it asks for, in Chinese"),
    ("asks_en", "VARCHAR", "what it asks for, in English"),
    ("met_by", "VARCHAR[]", "the rules that meet it, of the suite or yielded by the contract; none: the rule is lacking"),
    ("coverage", "DOUBLE", "0 to 1: share of the standing rows on which one of them was assessed"),
]


def fetch_evidence(con: duckdb.DuckDBPyConnection) -> None:
    """Bring what is counted from the lake to hand, once for however many months are counted: `handed_over`, `judged`, `newest_results`.

    `handed_over`: the batches that were taken in; `judged`: how many rows each run judged; `newest_results`: the newest of each rule.
    """
    con.execute("""
        CREATE OR REPLACE TEMP TABLE handed_over AS
        SELECT batch, dataset, coalesce(unit, '') AS unit, period, received_at, coalesce(rows_raw, 0) AS rows, partition_key
        FROM evidence.batches WHERE status = 'standardised'""")
    con.execute("""
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT dataset, batch, run_id, max(checked_at) AS checked_at, max(coalesce(elements, 0)) AS elements
        FROM evidence.results GROUP BY ALL""")
    con.execute(f"CREATE OR REPLACE TEMP TABLE newest_results AS {_NEWEST}")


def make_standing(con: duckdb.DuckDBPyConnection, contracts: Collection[Contract], until: str | None = None) -> None:
    """Make the temporary table `standing(batch, dataset, department, unit, period, rows)`, of evidence at hand (`fetch_evidence`).

    With `until` (a month as 202610) it is what stood if nothing had been handed over for a later month.
    """
    modes = [(c, c.delivery.mode if c.delivery else "model") for c in contracts]
    back = {c.name: WINDOW_DAYS - 1 for c in contracts if c.delivery and c.delivery.partition == "daily"}
    _insert(
        con,
        "delivered (dataset VARCHAR, department VARCHAR, mode VARCHAR, days INTEGER)",
        [(c.name, holder(c), mode, back.get(c.name, 0)) for c, mode in modes],
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE standing AS
        WITH accepted AS (
            SELECT b.*, d.department, d.mode, d.days, max(b.partition_key) OVER (PARTITION BY b.dataset) AS newest
            FROM handed_over b JOIN delivered d USING (dataset)
            WHERE d.mode <> 'model' AND coalesce(left(b.period, 6) <= ?, TRUE))
        SELECT batch, dataset, department, unit, period, rows FROM accepted WHERE mode = 'full'
        QUALIFY row_number() OVER (PARTITION BY dataset, unit ORDER BY period DESC, received_at DESC, batch DESC) = 1
        UNION ALL
        SELECT batch, dataset, department, unit, period, rows FROM accepted
        WHERE mode = 'delta' AND (partition_key IS NOT DISTINCT FROM newest
            OR TRY_CAST(partition_key AS DATE) >= TRY_CAST(newest AS DATE) - to_days(days))
        UNION ALL
        SELECT batch, dataset, department, '' AS unit, '' AS period, max(elements) AS rows FROM (
            SELECT r.batch, r.dataset, d.department, r.elements
            FROM judged r JOIN delivered d USING (dataset) WHERE d.mode = 'model'
            QUALIFY r.run_id IS NOT DISTINCT FROM first_value(r.run_id) OVER (PARTITION BY r.dataset ORDER BY r.checked_at DESC))
        GROUP BY ALL
        UNION ALL
        SELECT r.batch, r.dataset, d.department, '' AS unit, '' AS period, max(r.elements) AS rows
        FROM judged r JOIN delivered d USING (dataset) WHERE d.mode <> 'model' AND r.batch = ?
        GROUP BY ALL""",
        [until, TABLE],
    )


def declare(
    con: duckdb.DuckDBPyConnection,
    contracts: Iterable[Contract],
    rules: Iterable[Rule],
    standard: Standard,
    waivers: Iterable[Waiver] = (),
) -> None:
    """Put what results are counted by on the connection: it is the same, whatever stands."""
    counting = {i.code for i in standard.indicators.values() if i.weight > 0}
    rules = list(rules)
    _insert(
        con,
        "asked (indicator VARCHAR, dimension VARCHAR, lower BOOLEAN, weight DOUBLE, dimension_weight DOUBLE)",
        [(i.code, i.dimension, i.inverted, i.weight, standard.dimensions[i.dimension].weight) for i in standard.indicators.values()],
    )
    known = [(r.dataset, r.id, r.indicator, r.weight, r.origin == CROSS) for r in rules if r.indicator in standard.indicators]
    _insert(con, "ruled (dataset VARCHAR, rule VARCHAR, indicator VARCHAR, weight DOUBLE, crossed BOOLEAN)", known)
    wanted = [(position, c) for contract in contracts for position, c in enumerate(calls(contract), 1) if c.indicator in counting]
    declared = (
        "calls (dataset VARCHAR, call VARCHAR, position INTEGER, kind VARCHAR, columns VARCHAR[], indicator VARCHAR, wanted VARCHAR,"
        " asks_zh VARCHAR, asks_en VARCHAR)"
    )
    _insert(con, declared, [(c.dataset, c.id, at, c.kind, list(c.columns), c.indicator, c.wanted, *c.title) for at, c in wanted])
    _insert(con, "met (dataset VARCHAR, call VARCHAR, rule VARCHAR)", _met((c for _, c in wanted), rules, counting))
    _insert(con, "graded (grade VARCHAR, at_least DOUBLE)", [(g.name, g.at_least) for g in standard.grades])
    codes = {d.name: d.code for d in standard.dimensions.values()}
    targets = [(codes.get(name), target) for name, target in standard.targets.items()]
    _insert(con, "aimed (dimension VARCHAR, target DOUBLE)", targets)
    waivers = list(waivers)
    whole = [(w.dataset, w.rule, w.unit) for w in waivers if not w.tickets]
    _insert(con, "set_aside (dataset VARCHAR, rule VARCHAR, unit VARCHAR)", whole)
    aside = sorted({(ticket,) for w in waivers for ticket in w.tickets})
    _insert(con, "waived_issues (ticket VARCHAR)", aside)
    con.execute(f"CREATE OR REPLACE TEMP TABLE aside_rows AS {_ASIDE_ROWS if aside and is_there(con, 'evidence.tickets') else _NO_ROWS}")


def count(con: duckdb.DuckDBPyConnection) -> None:
    """Count what stands now (`make_standing`) by what was declared: makes `scores` and `called`, and `rolled`, of which they are made.

    `rolled`: by level, dataset and unit, score x (0 to 1), weight w, assessed share v of the rules and coverage c of each part.
    """
    con.execute("""
        CREATE OR REPLACE TEMP TABLE scored AS SELECT dataset, department, mode FROM delivered
        WHERE mode <> 'model' OR dataset IN (SELECT dataset FROM standing)""")
    con.execute(f"CREATE OR REPLACE TEMP TABLE by_rule AS {_BY_RULE}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE by_call AS {_BY_CALL}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE rolled AS {_PLACED}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE scores AS {_SCORES}")
    con.execute("""
        CREATE OR REPLACE TEMP TABLE called AS
        SELECT k.*, coalesce(m.rules, []) AS met_by, coalesce(c.s, 0) AS coverage
        FROM calls k LEFT JOIN (SELECT dataset, call, list(rule ORDER BY rule) AS rules FROM met GROUP BY ALL) m USING (dataset, call)
            LEFT JOIN (FROM by_call WHERE unit IS NULL) c USING (dataset, call)
        ORDER BY k.dataset, k.position""")


def _met(wanted: Iterable[Call], rules: Iterable[Rule], counting: Collection[str]) -> list[tuple[str, str, str]]:
    by_dataset: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.indicator in counting:
            by_dataset.setdefault(rule.dataset, []).append(rule)
    return [(c.dataset, c.id, r.id) for c in wanted for r in by_dataset.get(c.dataset, ()) if c.met_by(r)]


def _insert(con: duckdb.DuckDBPyConnection, declared: str, rows: Sequence[tuple[Any, ...]]) -> None:
    con.execute(f"CREATE OR REPLACE TEMP TABLE {declared}")
    insert(con, declared.partition(" ")[0], rows)


def added(part: str) -> str:
    """SQL for a sum in the order of size: in that of threads its last digits would be others each time."""
    return f"sum({part} ORDER BY {part})"


# One step up, from the parts to the whole: score x, assessed share v of the rules, coverage c (NULL: not called for).
_ROLLED = f"""{added("w * v * x")} / nullif({added("w * v")} FILTER (x IS NOT NULL), 0) AS x,
        {added("w * v")} / nullif({added("w")} FILTER (v IS NOT NULL), 0) AS v,
        {added("w * c")} / nullif({added("w")} FILTER (c IS NOT NULL), 0) AS c, sum(waived) AS waived"""

# Results of cross-department checks: under the datasets whose departments get the tickets, and of no unit.
_CROSSED = f"(batch = '{TABLE}' AND dataset <> '{TABLE.split('.')[1]}')"

# Of waivers that name issues: the rows that they are about, in the results of the batches that show them.
_ASIDE_ROWS = f"""
    SELECT CASE found_by WHEN 'subject' THEN '{TABLE}' ELSE last_batch END AS batch, dataset, rule, count(*) AS rows
    FROM evidence.tickets SEMI JOIN waived_issues USING (ticket) WHERE outcome = 'open' GROUP BY ALL"""
_NO_ROWS = "SELECT '' AS batch, '' AS dataset, '' AS rule, 0 AS rows LIMIT 0"

_NEWEST = f"""
    SELECT batch, dataset, rule, outcome, elements, missing,
        coalesce(TRY_CAST(json_extract_string(result, '$.result.extra_copies') AS BIGINT), unexpected) AS unexpected
    FROM {newest("evidence.results")}"""

_BY_RULE = f"""
WITH latest AS (FROM newest_results WHERE batch IN (SELECT batch FROM standing)),
seen AS (
    SELECT s.dataset, s.unit, r.crossed, r.rule, r.indicator, r.weight, greatest(s.rows, 1) AS rows,
        l.outcome, coalesce(l.unexpected, 0) AS unexpected, coalesce(n.rows, 0) AS named,
        l.outcome = 'failed' AND exists(
            FROM set_aside w WHERE w.dataset = s.dataset AND w.rule = r.rule AND (w.unit = '' OR w.unit = s.unit)) AS aside,
        CASE WHEN l.outcome IS NULL OR l.outcome NOT IN ('passed', 'failed') THEN 0
            WHEN l.elements IS NULL THEN 1
            WHEN a.dimension = '02' THEN l.elements
            ELSE greatest(l.elements - coalesce(l.missing, 0), coalesce(l.unexpected, 0)) END AS b
    FROM (SELECT *, {_CROSSED} AS crossed FROM standing) s
        JOIN ruled r USING (dataset, crossed) JOIN asked a USING (indicator)
        LEFT JOIN latest l ON l.batch = s.batch AND l.dataset = s.dataset AND l.rule = r.rule
        LEFT JOIN aside_rows n ON n.batch = s.batch AND n.dataset = s.dataset AND n.rule = r.rule),
counted AS (
    SELECT *, CASE WHEN outcome = 'failed' AND unexpected = 0 THEN b ELSE least(unexpected, b) END AS breaking FROM seen),
kept AS (
    SELECT * REPLACE (CASE WHEN aside THEN 0 ELSE b - least(named, breaking) END AS b,
            CASE WHEN aside THEN 0 ELSE breaking - least(named, breaking) END AS breaking),
        CASE WHEN aside THEN breaking ELSE least(named, breaking) END AS waived FROM counted),
summed AS (
    SELECT dataset, unit, crossed, rule, indicator, weight AS w, sum(b) AS b, sum(breaking) AS breaking, sum(waived) AS waived,
        sum(b - breaking) / nullif(sum(b), 0) AS x,
        coalesce(sum(rows) FILTER (outcome IN ('passed', 'failed')) / sum(rows), 0) AS s,
        coalesce(sum(rows) FILTER (outcome IN ('passed', 'failed') AND NOT aside) / sum(rows), 0) AS counting
    FROM kept GROUP BY GROUPING SETS ((dataset, unit, crossed, rule, indicator, weight), (dataset, crossed, rule, indicator, weight)))
SELECT * EXCLUDE (counting, crossed), CASE WHEN b > 0 THEN counting ELSE 0 END AS v FROM summed
WHERE unit IS NULL OR NOT crossed
UNION ALL BY NAME
SELECT dataset, rule, indicator, weight AS w, 0 AS b, 0 AS breaking, 0 AS waived, 0 AS s, 0 AS v FROM ruled
WHERE dataset IN (SELECT dataset FROM scored) AND dataset NOT IN (SELECT dataset FROM standing)
"""

_THINGS = f"(SELECT DISTINCT dataset, unit FROM standing WHERE NOT {_CROSSED} UNION ALL SELECT dataset, NULL FROM scored)"

_BY_CALL = f"""
SELECT t.dataset, t.unit, k.call, k.indicator, a.dimension, a.weight AS w, coalesce(max(r.s), 0) AS s
FROM {_THINGS} t JOIN calls k USING (dataset) JOIN asked a USING (indicator)
    LEFT JOIN met m ON m.dataset = k.dataset AND m.call = k.call
    LEFT JOIN by_rule r ON r.dataset = t.dataset AND r.unit IS NOT DISTINCT FROM t.unit AND r.rule = m.rule
GROUP BY ALL
"""

# `k` is the covered share of what is called for.
_PLACED = f"""
WITH things AS {_THINGS},
by_indicator AS (
    SELECT t.dataset, t.unit, a.indicator, a.dimension, a.weight AS w, g.x, g.v, coalesce(q.k, g.c) AS c, g.waived
    FROM things t CROSS JOIN asked a
        LEFT JOIN (SELECT dataset, unit, indicator, {_ROLLED} FROM (SELECT *, s AS c FROM by_rule) GROUP BY ALL) g
        ON g.dataset = t.dataset AND g.unit IS NOT DISTINCT FROM t.unit AND g.indicator = a.indicator
        LEFT JOIN (SELECT dataset, unit, indicator, avg(s ORDER BY s) AS k FROM by_call GROUP BY ALL) q
        ON q.dataset = t.dataset AND q.unit IS NOT DISTINCT FROM t.unit AND q.indicator = a.indicator),
by_dimension AS (
    SELECT g.dataset, g.unit, g.dimension, d.w, g.x, g.v, g.waived,
        coalesce(q.k, g.c) * (g.x IS NOT NULL OR g.waived > 0)::INTEGER AS c
    FROM (SELECT dataset, unit, dimension, {_ROLLED} FROM by_indicator GROUP BY ALL) g
        JOIN (SELECT DISTINCT dimension, dimension_weight AS w FROM asked) d ON d.dimension = g.dimension
        LEFT JOIN (SELECT dataset, unit, dimension, {added("w * s")} / {added("w")} AS k FROM by_call GROUP BY ALL) q
        ON q.dataset = g.dataset AND q.unit IS NOT DISTINCT FROM g.unit AND q.dimension = g.dimension),
total AS (
    SELECT * REPLACE (coalesce(c, 0) AS c) FROM (SELECT dataset, unit, 1 AS w, {_ROLLED} FROM by_dimension GROUP BY ALL)),
every AS (
    SELECT 'rule' AS level, dataset, unit, a.dimension, indicator, rule, b, breaking, waived, w, x, v,
        CASE WHEN b > 0 OR waived > 0 THEN s ELSE 0 END AS c
    FROM by_rule JOIN asked a USING (indicator)
    UNION ALL BY NAME SELECT 'indicator' AS level, * FROM by_indicator
    UNION ALL BY NAME SELECT 'dimension' AS level, * FROM by_dimension
    UNION ALL BY NAME SELECT 'total' AS level, * FROM total)
SELECT e.*, s.department, s.mode FROM every e JOIN scored s USING (dataset)
"""

_SCORES = f"""
WITH handed AS (SELECT * REPLACE (1 AS w), w AS own FROM rolled WHERE mode <> 'model' AND level <> 'rule'),
departments AS (
    SELECT level, department, dimension, indicator, any_value(own) AS w, {_ROLLED} FROM handed WHERE unit IS NULL GROUP BY ALL),
cities AS (
    SELECT level, unit, dimension, indicator, any_value(own) AS w, {_ROLLED} FROM handed WHERE unit <> '' GROUP BY ALL),
province AS (
    SELECT level, dimension, indicator, any_value(own) AS w, {_ROLLED} FROM handed WHERE unit IS NULL GROUP BY ALL),
scopes AS (
    SELECT CASE WHEN unit IS NULL THEN 'dataset' ELSE 'unit' END AS scope, * EXCLUDE (mode) FROM rolled
    UNION ALL BY NAME SELECT 'department' AS scope, * FROM departments
    UNION ALL BY NAME SELECT 'city' AS scope, * FROM cities
    UNION ALL BY NAME SELECT 'province' AS scope, * FROM province),
ranked AS (
    SELECT *, CASE WHEN c IS NOT NULL AND (x IS NOT NULL OR waived IS NULL OR waived = 0) THEN coalesce(100 * x * c, 0) END AS ranked
    FROM scopes)
SELECT scope, level, department, dataset, unit, s.dimension, s.indicator, rule,
    CASE WHEN level = 'rule' THEN CASE WHEN a.lower THEN breaking ELSE b - breaking END END::BIGINT AS a, b::BIGINT AS b,
    CASE WHEN level IN ('rule', 'indicator') THEN CASE WHEN a.lower THEN 1 - x ELSE x END END AS measure,
    w AS weight, 100 * x AS score, c AS coverage, ranked, coalesce(waived, 0)::BIGINT AS waived,
    CASE WHEN level IN ('dimension', 'total') AND ranked IS NOT NULL THEN (
        SELECT arg_max(grade, at_least) FROM graded WHERE at_least <= ranked) END AS grade,
    CASE WHEN level IN ('dimension', 'total') THEN t.target END AS target
FROM ranked s LEFT JOIN (SELECT indicator, lower FROM asked) a ON a.indicator = s.indicator
    LEFT JOIN aimed t ON t.dimension IS NOT DISTINCT FROM s.dimension
ORDER BY scope = 'city', scope = 'province', department, dataset NULLS FIRST, unit NULLS FIRST, s.dimension NULLS FIRST,
    s.indicator NULLS FIRST, rule NULLS FIRST
"""
