"""Compiled SQL as pairs in `sql/*.txt`: a rule above the line, its condition below. A changed spelling shows as a changed pair."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from expectations.codes import CodeTables
from expectations.compiler.forms import RowTest
from expectations.compiler.plan import Field, compile_suite
from expectations.compiler.scans import Scans
from expectations.compiler.writing import Writer
from expectations.suite import Suite

PAIRS = Path(__file__).parent / "sql"
FIELDS = (
    Field("s", "string", "VARCHAR", None),
    Field("i", "integer", "BIGINT", "i__text"),
    Field("x", "number", "DOUBLE", "x__text"),
    Field("d", "date", "DATE", "d__text"),
    Field("e", "date", "DATE", "e__text"),
)


def cases(name: str) -> list[tuple[str, str]]:
    blocks = (PAIRS / name).read_text(encoding="utf-8").strip().split("\n\n")
    return [(above, below) for above, below in (b.split("\n", 1) for b in blocks)]


def plan_of(suite_of: Callable[..., Suite], codes: CodeTables, *rules: str):  # type: ignore[no-untyped-def]
    return compile_suite(suite_of(*[tuple(r.split(" ", 1)) for r in rules]), FIELDS, codes=codes, as_of=date(2026, 11, 25))


@pytest.mark.parametrize(("rule", "sql"), cases("row_rules.txt"))
def test_row_rules(rule: str, sql: str, suite_of: Callable[..., Suite], codes: CodeTables) -> None:
    plan = plan_of(suite_of, codes, rule)
    test = plan.compiled[0].test
    assert isinstance(test, RowTest)
    assert Writer("data", plan.as_of).layers(test.unexpected).sql(test.unexpected) == sql


@pytest.mark.parametrize(("rules", "sql"), cases("scans.txt"))
def test_scans(rules: str, sql: str, suite_of: Callable[..., Suite], codes: CodeTables) -> None:
    assert Scans(plan_of(suite_of, codes, *rules.split(" + ")), "data").statements() == sql.split("\n")
