"""Rows are named as people find them: by sheet, and across departments by file too."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from pipelines.reports.places import locate


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("CREATE TABLE batches AS SELECT 'b1' AS batch, 'a.xls' AS source, '[\"沈河区\", \"和平区\"]' AS parts")
    return made


def place(rows: list[Any], parts: str | None = None) -> dict[str, Any]:
    return {"parts": parts, "result": json.dumps({"result": {"partial_unexpected_index_list": rows}})}


@pytest.mark.parametrize(
    ("rows", "parts", "positions", "crossed"),
    [
        ([5, 9], None, [("", [5, 9])], False),
        ([1_000_000_003, 2_000_000_004, 2_000_000_007], '["沈河区", "和平区"]', [("沈河区", [3]), ("和平区", [4, 7])], False),
        ([{"_batch": "b1", "_row": 2_000_000_003}], None, [("a.xls · 和平区", [3])], True),
        ([{"_batch": "gone", "_row": 3}], None, [("gone", [3])], True),
        ([], None, [], False),
    ],
)
def test_rows_are_named_as_people_find_them(
    con: duckdb.DuckDBPyConnection, rows: list[Any], parts: str | None, positions: list[Any], crossed: bool
) -> None:
    found = place(rows, parts)
    locate(con, [found])
    assert (found["positions"], found["listed"], found["crossed"]) == (positions, len(rows), crossed)
