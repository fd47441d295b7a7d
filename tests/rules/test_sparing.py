"""Conditions put cheaper mean the same, row by row."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from expectations.compiler.ir import Column, call
from expectations.compiler.sparing import LONGEST, spared
from expectations.compiler.writing import Layers

S, T = Column("s"), Column("t")
TEXTS = [None, "", "a", "b", "ab", "c", "a|b", "7", "汉7", "\n"]


@pytest.mark.parametrize(
    "patterns",
    [["a"], ["a", "b"], ["a|b", "[0-9]", r"\A\z"], ["a", "a", "c"], [r"\Ab|c", r"b\z"], ["a", "b" * LONGEST]],
)
def test_patterns_sought_at_once(patterns: list[str], con: duckdb.DuckDBPyConnection) -> None:
    conditions = [
        *(call("match", S, p) for p in patterns),
        call("not", call("match", S, "a")),
        call("match", T, "a"),
        call("and", call("match", S, "b"), call("is_null", T)),
    ]
    cheaper = spared(conditions)
    rows = "(SELECT unnest($texts) AS s, 'a' AS t UNION ALL SELECT unnest($texts), NULL)"
    for condition, spare in zip(conditions, cheaper, strict=True):
        layers = Layers(date(2026, 1, 1), rows, [condition, spare])
        counts = f"SELECT count(*) FILTER (WHERE {{}}), list(s ORDER BY s) FILTER (WHERE {{}}) FROM {layers.source}"
        plain, quick = (counts.format(sql, sql) for sql in (layers.sql(condition), layers.sql(spare)))
        assert con.execute(plain, {"texts": TEXTS}).fetchall() == con.execute(quick, {"texts": TEXTS}).fetchall()


def test_several_patterns_of_one_text_are_asked_of_few_rows() -> None:
    first, second, other = spared([call("match", S, "a"), call("match", S, "b"), call("match", T, "a")])
    assert (first.operator, second.operator) == ("choose", "choose")  # type: ignore[union-attr]
    assert first.arguments[0] == second.arguments[0]  # type: ignore[union-attr]
    assert other == call("match", T, "a")
