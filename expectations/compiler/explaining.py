"""A plan told to people: its scans with what rides in each, and for each rule the query that finds what breaks it.

Belongs here: telling. Not here: planning (`plan.py`), the statements (`scans.py`), the screen. Nothing is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.simplify import simplify_parens

from expectations.compiler.forms import CannotTest, GxTest, RowTest, Scanned
from expectations.compiler.ir import call
from expectations.compiler.scans import Scans
from expectations.compiler.writing import BATCH, ROW, select

if TYPE_CHECKING:
    from expectations.compiler.plan import Compiled, Plan

LONG_TEXT, LONG_LIST = 120, 12


@dataclass(frozen=True)
class ExplainedScan:
    """One statement: what it is in both languages, the rules that ride in it, and its SQL, formatted."""

    zh: str
    en: str
    rules: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class ExplainedRule:
    """One rule: the numbers (from 1) of the scans that it rides in, how, and the SQL that tells what breaks it (empty: none).

    `outside` is set where Great Expectations judges the rule on pandas.
    """

    id: str
    type: str
    title_zh: str
    title_en: str
    meaning_zh: str
    meaning_en: str
    severity: str
    blocking: bool
    indicator: str
    origin: str
    scans: tuple[int, ...]
    zh: str
    en: str
    sql: str
    outside: bool = False


@dataclass(frozen=True)
class Explained:
    scans: tuple[ExplainedScan, ...]
    rules: tuple[ExplainedRule, ...]


def explain(plan: Plan, relation: str, relations: Mapping[str, str] | None = None) -> Explained:
    """The scans and rules of a plan over a relation (SQL), other relations by name (by default under their own)."""
    others = {o.name: o.name for c in plan.scanned for o in c.test.others} | dict(relations or {})
    scans = Scans(plan, relation, others)
    own = scans.own(plan.scanned)
    carried = [c for c in plan.compiled if c.bit is not None or any(m in plan.measures for m in c.test.measures())]
    told = [
        ExplainedScan(
            "通读全部行：每条行规则占掩码一位，计数与合计随行",
            "all rows: a bit of the mask for each row rule; counts and sums ride along",
            _ids(carried),
            pretty(scans.masks([])),
        )
    ]
    for statement, rules in own.items():
        name = type(rules[0].test).__name__
        told.append(ExplainedScan(f"专用扫描（{name}）", f"a scan of its own ({name})", _ids(rules), pretty(statement)))
    if plan.apart:
        rules = tuple(c for c in plan.compiled if any(m in plan.apart for m in c.test.measures()))
        told.append(ExplainedScan("不可合并的数字", "figures that cannot be merged", _ids(rules), pretty(scans.apart())))
    return Explained(tuple(told), tuple(_rule(plan, scans, c, told) for c in plan.compiled))


def _ids(rules: Sequence[Compiled]) -> tuple[str, ...]:
    return tuple(c.rule.id for c in rules)


def _rule(plan: Plan, scans: Scans, compiled: Compiled, told: Sequence[ExplainedScan]) -> ExplainedRule:
    rule, test = compiled.rule, compiled.test
    riding = tuple(n for n, scan in enumerate(told, 1) if rule.id in scan.rules)
    zh, en, sql = "", "", ""
    if isinstance(test, RowTest):
        zh, en = f"掩码第 {compiled.bit} 位", f"bit {compiled.bit} of the mask"
        broken = test.unexpected if test.condition is None else call("and", test.condition, test.unexpected)
        layers = scans.write.layers(broken)
        shown = dict.fromkeys((BATCH, ROW, *test.shown))
        sql = select(*shown).from_(layers.table()).where(layers.tree(broken)).sql("duckdb")
    elif isinstance(test, Scanned):
        zh, en, sql = "专用扫描", "a scan of its own", test.statement(scans.write).sql("duckdb")
    elif isinstance(test, GxTest):
        zh, en = f"由 Great Expectations 在 pandas 上判定：{test.zh}", f"judged by Great Expectations on pandas: {test.en}"
    elif isinstance(test, CannotTest):
        zh, en = f"不可评估：{test.zh}", f"not assessable: {test.en}"
    elif wanted := test.measures():
        zh, en = "整批的数字", "a figure of the batch"
        sql = Scans(replace(plan, apart={m: m.function for m in wanted}), scans.relation).apart()
    else:
        zh, en = "只看行数或列名，不需扫描列", "looks at the count of rows or the names of columns only"
    return ExplainedRule(
        rule.id,
        rule.type,
        rule.title_zh,
        rule.title_en,
        *compiled.kind.meaning,
        rule.severity,
        rule.blocking,
        rule.indicator,
        rule.origin,
        riding,
        zh,
        en,
        pretty(sql) if sql else "",
        isinstance(test, GxTest),
    )


def pretty(sql: str) -> str:
    """A statement as sqlglot formats it, without brackets that say nothing."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for bracket in reversed(list(tree.find_all(exp.Paren))):
        inner = simplify_parens(bracket, "duckdb")
        if inner is not bracket:
            bracket.replace(inner)
    return tree.sql("duckdb", pretty=True)


def shortened(sql: str) -> str:
    """A formatted statement whose long texts and lists (patterns with every division, code tables) are cut, for reading only."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for literal in list(tree.find_all(exp.Literal)):
        if literal.is_string and len(literal.this) > LONG_TEXT:
            literal.replace(exp.Literal.string(f"{literal.this[:LONG_TEXT]}… ({len(literal.this):,} characters)"))
    for array in list(tree.find_all(exp.Array)):
        if (more := len(array.expressions) - LONG_LIST) > 0:
            array.set("expressions", [*array.expressions[:LONG_LIST], exp.Literal.string(f"… {more:,} more")])
    return tree.sql("duckdb", pretty=True)
