"""The world of credit and services keeps to what can be: nobody acts after death, nothing goes back in time, what ends is ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sample_support import impossible, world

if TYPE_CHECKING:
    import duckdb

PEOPLE = 6000
TABLES = "sanction permit grant tax_grade listing certificate hotline service_case rating"


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with world(tmp_path_factory.mktemp("services") / "services.duckdb", 11, PEOPLE, TABLES) as con:
        yield con


IMPOSSIBLE = impossible("world_services")


@pytest.mark.parametrize(("what", "query"), IMPOSSIBLE.items(), ids=IMPOSSIBLE)
def test_what_cannot_be_is_not(con: duckdb.DuckDBPyConnection, what: str, query: str) -> None:
    assert con.execute(f"{query} LIMIT 3").fetchall() == [], what


def test_every_query_is_asked() -> None:
    assert len(IMPOSSIBLE) >= 20


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [("certificate", 0.4, 0.9), ("hotline", 0.07, 0.14), ("service_case", 0.25, 0.45), ("rating", 0.1, 0.25), ("grant", 0.01, 0.05)],
)
def test_there_is_about_as_much_for_each_person_as_asked(con: duckdb.DuckDBPyConnection, table: str, low: float, high: float) -> None:
    (rows,) = con.execute(f"SELECT count(*) FROM world.{table}").fetchone() or (0,)
    assert low < rows / PEOPLE < high


def test_the_hotline_is_as_content_as_the_bulletins_say(con: duckdb.DuckDBPyConnection) -> None:
    shares = "avg((closed_at IS NOT NULL)::INTEGER), avg((satisfaction >= 4)::INTEGER), avg((closed_at <= due_at)::INTEGER)"
    closed, satisfied, in_time = con.execute(f"SELECT {shares} FROM world.hotline").fetchone() or (0, 0, 0)
    assert 0.96 < closed < 1
    assert 0.9 < satisfied < 0.99
    assert 0.93 < in_time < 1
