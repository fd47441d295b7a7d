"""The open query gives a row out for a row in, whatever was asked before; what it stands on in DuckDB holds."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.entry.flowing import OpenQuery

COLUMNS = [("n", pa.int64()), ("t", pa.string())]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 3, 2047, 2048, 2049, 5000]), min_size=1, max_size=6))
def test_each_question_has_its_own_answer(sizes: list[int]) -> None:
    query = OpenQuery("SELECT n * 2, upper(t) FROM feed", COLUMNS)
    first = 0
    for size in sizes:
        numbers = list(range(first, first + size))
        answers = query.ask([numbers, [f"x{n}" if n % 3 else None for n in numbers]])
        assert answers == [(n * 2, f"X{n}" if n % 3 else None) for n in numbers]
        first += size
    query.close()


def test_a_row_that_cannot_be_judged_is_an_error_and_nothing_hangs() -> None:
    query = OpenQuery("SELECT CASE WHEN n = 7 THEN error('seven') ELSE n END FROM feed", COLUMNS)
    assert query.ask([[1, 2], ["a", "b"]]) == [(1,), (2,)]
    for _ in range(2):
        with pytest.raises((duckdb.Error, RuntimeError)):
            query.ask([[7], ["c"]])
    query.close()
