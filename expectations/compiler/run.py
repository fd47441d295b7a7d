"""Running a plan: its scans, the table of failing rows, and the verdicts that its groups add up to.

Belongs here: what is asked of the connection, and judging. Not here: SQL texts (`scans.py`), what a rule means (`rules/`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from expectations.compiler.forms import CannotTest, ColumnsTest, KeyTest, MeasureTest, RowTest
from expectations.compiler.ir import Column, Today
from expectations.compiler.plan import WORD, Compiled, Measure, Plan, counted
from expectations.compiler.scans import Scans, how_to_merge, quoted, text_of
from expectations.compiler.verdicts import LISTED, RuleResult, Verdicts

if TYPE_CHECKING:
    import duckdb

_NOTHING = 'SELECT NULL::VARCHAR AS "_batch", NULL::BIGINT AS "_row", NULL::VARCHAR[] AS "_failed", NULL::BOOLEAN AS "_blocked" WHERE FALSE'
_MERGE = {"count": "sum", "present": "sum", "sum": "sum", "min": "min", "max": "max"}


def _merge(how: str, a: Any, b: Any) -> Any:
    if a is None or b is None:
        return a if b is None else b
    if how == "add":
        return {key: a.get(key, 0) + b.get(key, 0) for key in a | b}
    return a + b if how == "sum" else min(a, b) if how == "min" else max(a, b)


@dataclass
class _Figures:
    """What the scans found of one batch."""

    rows: int = 0
    broken: list[int] = field(default_factory=list)
    measures: dict[Measure, Any] = field(default_factory=dict)
    also: dict[str, Any] = field(default_factory=dict)
    doubled: dict[KeyTest, tuple[int, int]] = field(default_factory=dict)  # rows that share a key; of them beyond each key's first


def run(
    plan: Plan,
    con: duckdb.DuckDBPyConnection,
    relation: str,
    absent: Mapping[str, Collection[str]],
    failing: str,
    also: Sequence[tuple[str, str]],
    batches: Collection[str],
) -> Verdicts:
    """See `Plan.run`."""
    scans = Scans(plan, relation)
    figures: dict[str, _Figures] = defaultdict(lambda: _Figures(broken=[0] * len(plan.row_rules)))
    for batch in (*batches, *absent):
        figures[batch]
    groups = quoted(f"{failing}__groups")
    con.execute(f"CREATE OR REPLACE TEMP TABLE {groups} AS {scans.masks(also)}")
    _read_groups(plan, scans, con, groups, also, figures)
    _make_failing(plan, scans, con, groups, quoted(failing), absent, figures)
    con.execute(f"DROP TABLE {groups}")
    if plan.apart:
        cursor = con.execute(scans.apart())
        for batch, *values in cursor.fetchall():
            figures[batch].measures.update(zip(plan.apart, values, strict=True))
    listed = _listed(plan, scans, con, quoted(failing))
    results = []
    for batch in sorted(figures):
        lacks = frozenset(absent.get(batch, ()))
        results += [_judge(plan, c, batch, lacks, figures[batch], listed.get((batch, c.rule.id), [])) for c in plan.compiled]
    return Verdicts(
        plan.fingerprint,
        results,
        {b: f.rows for b, f in sorted(figures.items())},
        {b: {x.name: _missing(plan, f, x.name) for x in plan.fields} for b, f in figures.items()},
        {b: f.also for b, f in figures.items()},
    )


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
                here.measures[measure] = _merge(_MERGE[measure.function], here.measures.get(measure), value)
            for (name, _), merge, value in zip(also, how, rest[len(plan.measures) :], strict=True):
                here.also[name] = _merge(merge, here.also.get(name), value)


def _make_failing(
    plan: Plan,
    scans: Scans,
    con: duckdb.DuckDBPyConnection,
    groups: str,
    failing: str,
    absent: Mapping[str, Collection[str]],
    figures: Mapping[str, _Figures],
) -> None:
    base = scans.failing(groups, absent) if plan.row_rules else None
    doubles = []
    for number, (test, rules) in enumerate(plan.keys.items()):
        doubled = quoted(f"__doubled_{number}")
        con.execute(f"CREATE OR REPLACE TEMP TABLE {doubled} AS {scans.keys(test)}")
        most = 0
        counts = f'SELECT "_batch", sum("__n"), count(*), max("__n") FROM {doubled} GROUP BY 1'
        for batch, rows, keys, most_here in con.execute(counts).fetchall():
            figures[batch].doubled[test] = int(rows), int(rows) - keys
            most = max(most, most_here)
        if most:
            lacking = [batch for batch, columns in absent.items() if rules[0].uses & set(columns)]
            left_out = f' AND "_batch" NOT IN ({", ".join(map(text_of, lacking))})' if lacking else ""
            two = " UNION ALL ".join(f'SELECT "_batch", "{end}" AS "_row" FROM {doubled} WHERE "__n" = 2' for end in ("__first", "__last"))
            members = f"{two} UNION ALL {scans.members(test, doubled)}" if most > 2 else two
            ids = ", ".join(text_of(r.rule.id) for r in rules)
            blocked = any(r.rule.blocking for r in rules)
            doubles.append(f'SELECT "_batch", "_row", [{ids}] AS "_failed", {blocked} AS "_blocked" FROM ({members}) WHERE TRUE{left_out}')
    if doubles:
        merged = " UNION ALL ".join(doubles)
        if len(doubles) > 1:
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
    else:
        select = base or _NOTHING
    con.execute(f"CREATE OR REPLACE TEMP TABLE {failing} AS {select}")
    for number in range(len(plan.keys)):
        con.execute(f"DROP TABLE {quoted(f'__doubled_{number}')}")


def _listed(plan: Plan, scans: Scans, con: duckdb.DuckDBPyConnection, failing: str) -> dict[tuple[str, str], list[tuple[int, Any]]]:
    """The first breaches of each batch and rule: position and value."""
    exploded = f'(SELECT "_batch", "_row", unnest("_failed") AS "rule" FROM {failing})'
    found = con.execute(f'SELECT "_batch", "rule", min("_row", {LISTED}) FROM {exploded} GROUP BY ALL').fetchall()
    if not found:
        return {}
    by_id = {c.rule.id: c.test for c in plan.compiled}
    shown = sorted({name for _, rule, _ in found for name in by_id[rule].shown})  # type: ignore[union-attr]
    rows = sorted({row for _, _, rows in found for row in rows})
    values: dict[tuple[str, int], dict[str, Any]] = {}
    for batch, row, *cells in con.execute(scans.listing(shown, sorted({b for b, _, _ in found}), rows)).fetchall():
        values[batch, row] = dict(zip(shown, cells, strict=True))
    listed: dict[tuple[str, str], list[tuple[int, Any]]] = {}
    for batch, rule, rows_here in found:
        test = by_id[rule]
        assert isinstance(test, RowTest | KeyTest)
        listed[batch, rule] = [(row, _shape(test, values[batch, row])) for row in rows_here]
    return listed


def _shape(test: RowTest | KeyTest, cells: Mapping[str, Any]) -> Any:
    if test.shape == "value":
        return cells[test.shown[0]]
    return tuple(cells[n] for n in test.shown) if test.shape == "pair" else {n: cells[n] for n in test.shown}


def _missing(plan: Plan, figures: _Figures, column: str) -> int:
    rule = plan.nulls_of(column)
    if rule is not None:
        return figures.broken[rule.bit or 0]
    for measure, value in figures.measures.items():
        if (
            measure.function == "present"
            and measure.condition is None
            and isinstance(measure.value, Column)
            and measure.value.name == column
        ):
            return figures.rows - (value or 0)
    return figures.rows


def _judge(
    plan: Plan, compiled: Compiled, batch: str, lacks: frozenset[str], figures: _Figures, listed: list[tuple[int, Any]]
) -> RuleResult:
    test, rule = compiled.test, compiled.rule
    if isinstance(test, CannotTest):
        return RuleResult(rule, batch, "not_assessable", note_zh=f"不可评估：{test.zh}", note_en=f"not assessable: {test.en}")
    if isinstance(test, ColumnsTest):
        return _columns(plan, compiled, test, batch, lacks)
    if missing := sorted(compiled.uses & lacks):
        names = ", ".join(missing)
        return RuleResult(
            rule, batch, "not_assessable", note_zh=f"不可评估：本批次缺列 {names}", note_en=f"not assessable: the batch lacks {names}"
        )
    if isinstance(test, MeasureTest):
        return _figure(plan, compiled, test, batch, figures)
    if figures.rows == 0:
        return RuleResult(rule, batch, "not_assessable", note_zh="不可评估：批次没有行", note_en="not assessable: the batch has no rows")
    whole, left_out = counted(test)
    elements = figures.rows if whole is None else figures.measures.get(whole, 0)
    if left_out is None:
        missing_rows = 0
    elif left_out.function == "present":
        missing_rows = _missing(plan, figures, left_out.value.name)  # type: ignore[union-attr]
    else:
        missing_rows = figures.measures.get(left_out, 0)
    extra: int | None = None
    if isinstance(test, KeyTest):
        unexpected, extra = figures.doubled.get(test, (0, 0))
    else:
        unexpected = figures.broken[compiled.bit or 0]
    considered = elements - missing_rows
    passed = considered == 0 or (considered - unexpected) / considered >= compiled.mostly
    ignores = not (test.ignored is None and test.shape == "value")
    result = RuleResult(
        rule,
        batch,
        "passed" if passed else "failed",
        elements,
        missing_rows,
        unexpected,
        tuple(value for _, value in listed),
        tuple(row for row, _ in listed),
        ignores=ignores,
        extra_copies=extra,
    )
    return _noted(compiled, result)


def _columns(plan: Plan, compiled: Compiled, test: ColumnsTest, batch: str, lacks: frozenset[str]) -> RuleResult:
    there = [f.name for f in plan.fields if f.name not in lacks]
    if test.kind == "exist":
        found = test.wanted[0] in there if not test.position else there[test.position : test.position + 1] == list(test.wanted)
        return _noted(compiled, RuleResult(compiled.rule, batch, "passed" if found else "failed"))
    if test.kind == "list":
        return _noted(
            compiled, RuleResult(compiled.rule, batch, "passed" if there == list(test.wanted) else "failed", observed_value=there)
        )
    more, fewer = sorted(set(there) - set(test.wanted)), sorted(set(test.wanted) - set(there))
    mismatched = ({"unexpected": more} if more else {}) | ({"missing": fewer} if fewer else {})
    passed = not fewer and (not more or not test.exact)
    details = {"mismatched": mismatched} if mismatched else {}
    return _noted(
        compiled, RuleResult(compiled.rule, batch, "passed" if passed else "failed", observed_value=sorted(there), details=details)
    )


def _figure(plan: Plan, compiled: Compiled, test: MeasureTest, batch: str, figures: _Figures) -> RuleResult:
    def measured(function: str) -> Any:
        return figures.measures.get(Measure(function, test.value if function != "count" else None, test.condition))

    observed: Any
    if test.function == "count":
        observed = figures.rows if test.condition is None else measured("count") or 0
    elif test.function in ("mean", "distinct_share"):
        present = (figures.rows - _missing(plan, figures, test.value.name) if test.condition is None else measured("present")) or 0  # type: ignore[union-attr]
        observed = float(measured("sum" if test.function == "mean" else "distinct")) / present if present else None
    else:
        observed = measured(test.function)
    if observed is None or (figures.rows == 0 and test.function != "count"):
        return RuleResult(
            compiled.rule,
            batch,
            "not_assessable",
            note_zh="不可评估：没有值可计算",
            note_en="not assessable: there is no value to work with",
        )
    low, high = (_bound(plan, b, observed) for b in (test.low, test.high))
    passed = (low is None or (observed > low if test.strict_low else observed >= low)) and (
        high is None or (observed < high if test.strict_high else observed <= high)
    )
    return _noted(compiled, RuleResult(compiled.rule, batch, "passed" if passed else "failed", observed_value=observed))


def _bound(plan: Plan, bound: Any, observed: Any) -> Any:
    if isinstance(bound, Today):
        bound = plan.as_of + timedelta(days=bound.days)
    if isinstance(observed, datetime) and bound is not None and not isinstance(bound, datetime):
        return datetime(bound.year, bound.month, bound.day)
    return bound


def _noted(compiled: Compiled, result: RuleResult) -> RuleResult:
    """The result with its one-line cause in both languages."""
    from dataclasses import replace

    if result.outcome == "passed" and not result.unexpected:
        return result
    percent = result.unexpected_percent
    words = {
        **compiled.rule.kwargs,
        "unexpected": f"{result.unexpected:,}" if result.unexpected is not None else "",
        "percent": "" if percent is None else "<0.01%" if 0 < percent < 0.01 else f"{percent:.2f}%",
        "observed": result.details.get("mismatched", result.observed_value),
    }
    zh, en = (text.format(**words) for text in compiled.kind.cause)
    if result.outcome == "passed":
        zh, en = f"{zh}，在允许范围内", f"{en}, within what is allowed"
    return replace(result, note_zh=zh, note_en=en)
