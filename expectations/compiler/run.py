"""Running a plan: its scans, the table of failing rows, and the verdicts that its groups add up to.

Belongs here: what is asked of the connection, and judging. Not here: SQL texts (`scans.py`), what a rule means (`rules/`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from expectations.compiler import fallback
from expectations.compiler.duckdb import MERGED
from expectations.compiler.forms import Found, Judgement, ListingTest, Measure
from expectations.compiler.listing import Breaches, ResultFormat, listed
from expectations.compiler.plan import WORD, Compiled, Plan
from expectations.compiler.scans import Scans, how_to_merge, quoted, text_of
from expectations.compiler.verdicts import RuleResult, Verdicts
from expectations.compiler.writing import table

if TYPE_CHECKING:
    import duckdb

_NOTHING = 'SELECT NULL::VARCHAR AS "_batch", NULL::BIGINT AS "_row", NULL::VARCHAR[] AS "_failed", NULL::BOOLEAN AS "_blocked" WHERE FALSE'


def _merge(how: str, a: Any, b: Any) -> Any:
    if a is None or b is None:
        return a if b is None else b
    if how == "add":
        return {key: a.get(key, 0) + b.get(key, 0) for key in a | b}
    return a + b if how == "sum" else min(a, b) if how == "min" else max(a, b)


@dataclass
class _Figures:
    """What the scans found of one batch; `own` is what rules with their own scan found there, by rule."""

    rows: int = 0
    broken: list[int] = field(default_factory=list)
    measures: dict[Measure, Any] = field(default_factory=dict)
    also: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Listing:
    """A kept scan that lists failing rows, and the rules that share it."""

    table: str
    rules: tuple[Compiled, ...]

    @property
    def test(self) -> ListingTest:
        assert isinstance(self.rules[0].test, ListingTest)
        return self.rules[0].test


def run(
    plan: Plan,
    con: duckdb.DuckDBPyConnection,
    relation: str,
    absent: Mapping[str, Collection[str]],
    failing: str,
    also: Sequence[tuple[str, str]],
    batches: Collection[str],
    relations: Mapping[str, str],
    form: ResultFormat,
) -> Verdicts:
    """See `Plan.run`."""
    scans = Scans(plan, relation, relations)
    figures: dict[str, _Figures] = defaultdict(lambda: _Figures(broken=[0] * len(plan.row_rules)))
    for batch in (*batches, *absent):
        figures[batch]
    groups = quoted(f"{failing}__groups")
    con.execute(f"CREATE OR REPLACE TEMP TABLE {groups} AS {scans.masks(also)}")
    _read_groups(plan, scans, con, groups, also, figures)
    out_of_reach = _out_of_reach(plan, con, relations)
    listings = _own_scans(plan, scans, con, failing, out_of_reach, figures)
    outside = fallback.judge(plan, con, relation, {b: f.rows for b, f in figures.items()}, absent)
    for (batch, rule), judgement in outside.judgements.items():
        figures[batch].own[rule] = {"judgement": judgement}
    _make_failing(plan, scans, con, groups, quoted(failing), absent, listings, outside.keep(con, f"{failing}__outside"))
    con.execute(f"DROP TABLE {groups}")
    con.execute(f"DROP TABLE IF EXISTS {quoted(f'{failing}__outside')}")
    if plan.apart:
        cursor = con.execute(scans.apart())
        for batch, *values in cursor.fetchall():
            figures[batch].measures.update(zip(plan.apart, values, strict=True))
    own = [(k.table, k.test, frozenset(c.rule.id for c in k.rules)) for k in listings]
    forms = {c.rule.id: c.form or form for c in plan.compiled}
    breaches = listed(plan, scans, con, quoted(failing), own, forms) | outside.listed
    for listing in listings:
        con.execute(f"DROP TABLE {listing.table}")
    results = []
    for batch in sorted(figures):
        lacks = frozenset(absent.get(batch, ()))
        for compiled in plan.compiled:
            cannot = out_of_reach.get(compiled.rule.id)
            here = breaches.get((batch, compiled.rule.id), Breaches())
            results.append(_judge(plan, compiled, batch, lacks, figures[batch], here, cannot, forms[compiled.rule.id]))
    return Verdicts(
        plan.fingerprint,
        results,
        {b: f.rows for b, f in sorted(figures.items())},
        {b: f.also for b, f in figures.items()},
    )


def _out_of_reach(plan: Plan, con: duckdb.DuckDBPyConnection, relations: Mapping[str, str]) -> dict[str, Judgement]:
    """The rules that need another relation, or columns of it, that are not there: what is said of them in every batch."""
    there: dict[str, set[str]] = {}
    found = {}
    for compiled in plan.compiled:
        for other in compiled.test.others:
            if other.name not in relations:
                zh, en = f"没有可对照的数据集 {other.name}", f"the dataset {other.name} is not at hand"
                found[compiled.rule.id] = Judgement.cannot(zh, en)
                continue
            if other.name not in there:
                described = con.execute(f"DESCRIBE SELECT * FROM {relations[other.name]}").fetchall()
                there[other.name] = {column for column, *_ in described}
            if lacking := ", ".join(sorted(set(other.columns) - there[other.name])):
                zh, en = f"数据集 {other.name} 没有 {lacking} 列", f"the dataset {other.name} has no column {lacking}"
                found[compiled.rule.id] = Judgement.cannot(zh, en)
    return found


def _own_scans(
    plan: Plan,
    scans: Scans,
    con: duckdb.DuckDBPyConnection,
    failing: str,
    out_of_reach: Collection[str],
    figures: Mapping[str, _Figures],
) -> list[_Listing]:
    """Run the scans that tests have of their own; those that list rows are kept as temporary tables."""
    listings = []
    reached = [c for c in plan.scanned if c.rule.id not in out_of_reach]
    for number, (statement, rules) in enumerate(scans.own(reached).items()):
        test = rules[0].test
        if isinstance(test, ListingTest):
            kept = _Listing(quoted(f"{failing}__own_{number}"), rules)
            con.execute(f"CREATE OR REPLACE TEMP TABLE {kept.table} AS {statement}")
            statement = test.counts(table(kept.table)).sql("duckdb")
            listings.append(kept)
        cursor = con.execute(statement)
        names = [d[0] for d in cursor.description or ()]
        for row in cursor.fetchall():
            here = dict(zip(names, row, strict=True))
            batch = here.pop("_batch")
            if batch in figures:  # a scan over a dataset's history may speak of batches that are not judged now
                for compiled in rules:
                    figures[batch].own[compiled.rule.id] = here
    return listings


def _read_groups(
    plan: Plan, scans: Scans, con: duckdb.DuckDBPyConnection, groups: str, also: Sequence[tuple[str, str]], figures: Mapping[str, _Figures]
) -> None:
    how = [how_to_merge(sql) for _, sql in also]
    cursor = con.execute(f'SELECT * EXCLUDE ("__rows") FROM {groups}')
    while chunk := cursor.fetchmany(10_000):
        for batch, *values in chunk:
            here = figures[batch]
            words, (n, *rest) = values[: scans.words], values[scans.words :]
            here.rows += n
            for index, word in enumerate(words):
                while word:
                    low = word & -word
                    here.broken[index * WORD + low.bit_length() - 1] += n
                    word ^= low
            for measure, value in zip(plan.measures, rest, strict=False):
                here.measures[measure] = _merge(MERGED[measure.function], here.measures.get(measure), value)
            for (name, _), merge, value in zip(also, how, rest[len(plan.measures) :], strict=True):
                here.also[name] = _merge(merge, here.also.get(name), value)


def _make_failing(
    plan: Plan,
    scans: Scans,
    con: duckdb.DuckDBPyConnection,
    groups: str,
    failing: str,
    absent: Mapping[str, Collection[str]],
    listings: Sequence[_Listing],
    outside: str | None,
) -> None:
    base = scans.failing(groups, absent) if plan.row_rules else None
    parts = [part for listing in listings for part in _failing_of(listing, scans, absent)]
    parts += [outside] if outside else []
    select = base or _NOTHING
    if parts:
        merged = " UNION ALL ".join(parts)
        if len(parts) > 1:
            merged = (
                'SELECT "_batch", "_row", flatten(list("_failed")) AS "_failed", bool_or("_blocked") AS "_blocked" '
                f'FROM ({merged}) GROUP BY "_batch", "_row"'
            )
        select = merged
        if base:
            select = (
                'SELECT "_batch", "_row", list_concat(a."_failed", b."_failed") AS "_failed", '
                'coalesce(a."_blocked", FALSE) OR coalesce(b."_blocked", FALSE) AS "_blocked" '
                f'FROM ({base}) AS a FULL JOIN ({merged}) AS b USING ("_batch", "_row")'
            )
    con.execute(f"CREATE OR REPLACE TEMP TABLE {failing} AS {select}")


def _failing_of(listing: _Listing, scans: Scans, absent: Mapping[str, Collection[str]]) -> Iterator[str]:
    """The failing rows of a listing with its rules, those that batches cannot be held to left out."""
    rows = listing.test.rows(scans.write, table(listing.table)).sql("duckdb")
    alike: dict[tuple[str, ...], list[Compiled]] = defaultdict(list)
    for compiled in listing.rules:
        alike[tuple(sorted(b for b, columns in absent.items() if compiled.uses & set(columns)))].append(compiled)
    for lacking, rules in alike.items():
        left_out = f' WHERE "_batch" NOT IN ({", ".join(map(text_of, lacking))})' if lacking else ""
        ids = ", ".join(text_of(c.rule.id) for c in rules)
        blocked = any(c.rule.blocking for c in rules)
        yield f'SELECT "_batch", "_row", [{ids}] AS "_failed", {blocked} AS "_blocked" FROM ({rows}){left_out}'


def _measured(plan: Plan, figures: _Figures, measure: Measure) -> Any:
    """A measure of a batch, from the scan or from the bit that counts it."""
    counter = plan.counted_by(measure)
    return figures.measures.get(measure) if counter is None else figures.rows - figures.broken[counter.bit or 0]


def _judge(
    plan: Plan,
    compiled: Compiled,
    batch: str,
    lacks: frozenset[str],
    figures: _Figures,
    breaches: Breaches,
    cannot: Judgement | None,
    form: ResultFormat,
) -> RuleResult:
    if missing := ", ".join(sorted(compiled.uses & lacks)):
        cannot = Judgement.cannot(f"本批次缺列 {missing}", f"the batch lacks {missing}")
    found = Found(
        figures.rows,
        tuple(f.name for f in plan.fields if f.name not in lacks),
        partial(_measured, plan, figures),
        0 if compiled.bit is None else figures.broken[compiled.bit],
        figures.own.get(compiled.rule.id, {}),
        compiled.mostly,
        plan.as_of,
    )
    judgement = cannot or compiled.test.judge(found)
    told = Breaches() if judgement.unexpected is None else breaches
    result = RuleResult(rule=compiled.rule, batch=batch, **vars(judgement), breaches=told, form=form)
    return result if result.outcome == "not_assessable" else noted(compiled, result)


def noted(compiled: Compiled, result: RuleResult) -> RuleResult:
    """The result with its one-line cause in both languages."""
    if result.in_gx or (result.outcome == "passed" and not result.unexpected):
        return result
    percent = result.unexpected_percent
    words = {
        **{name: compiled.rule.kwargs.get(name, argument.default) for name, argument in compiled.kind.arguments.items()},
        **result.details,
        **result.further,
        "unexpected": f"{result.unexpected:,}" if result.unexpected is not None else "",
        "percent": "" if percent is None else "<0.01%" if 0 < percent < 0.01 else f"{percent:.2f}%",
        "observed": result.details.get("mismatched", result.observed_value),
        "listed": [*result.further.get("partial_unexpected_list", ()), *result.further.get("partial_missing_list", ())],
    }
    zh, en = (text.format(**words) for text in compiled.kind.cause)
    if result.outcome == "passed":
        zh, en = f"{zh}，在允许范围内", f"{en}, within what is allowed"
    return replace(result, note_zh=zh, note_en=en)
