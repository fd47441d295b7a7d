"""The world of entities keeps to what can be: codes and names are their own, nothing is granted after the end, one story is whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest
from sample_support import impossible, world

from expectations.identity import classify_credit_code

if TYPE_CHECKING:
    import duckdb

PEOPLE = 6000
TABLES = "entity entity_name entity_move entity_rep entity_act licence inspection abnormal penalty"


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with world(tmp_path_factory.mktemp("entities") / "entities.duckdb", 13, PEOPLE, TABLES) as con:
        yield con


IMPOSSIBLE = impossible("world_entities")


@pytest.mark.parametrize(("what", "query"), IMPOSSIBLE.items(), ids=IMPOSSIBLE)
def test_what_cannot_be_is_not(con: duckdb.DuckDBPyConnection, what: str, query: str) -> None:
    assert con.execute(f"{query} LIMIT 3").fetchall() == [], what


def test_every_query_is_asked() -> None:
    assert len(IMPOSSIBLE) >= 20


def test_codes_are_well_made(con: duckdb.DuckDBPyConnection) -> None:
    codes = [code for (code,) in con.execute("SELECT uscc FROM world.entity WHERE uscc IS NOT NULL USING SAMPLE 300 ROWS").fetchall()]
    assert {classify_credit_code(code) for code in codes} == {"valid"}


def test_one_entity_is_renamed_moves_is_revoked_and_then_cancelled(con: duckdb.DuckDBPyConnection) -> None:
    names = con.execute("SELECT since FROM world.entity_name WHERE entity = 3 ORDER BY since").fetchall()
    seats = con.execute("SELECT county, since FROM world.entity_move WHERE entity = 3 ORDER BY since").fetchall()
    end = con.execute("SELECT state, revoked_on, ended_on FROM world.entity WHERE entity = 3").fetchone()
    assert names == [(date(2016, 5, 18),), (date(2025, 3, 12),)]
    assert seats == [("210102", date(2016, 5, 18)), ("210105", date(2025, 9, 8))]
    assert end == ("3", date(2026, 3, 20), date(2026, 9, 15))


@pytest.mark.parametrize(
    "query",
    [
        "FROM world.entity WHERE type = '2130' AND parent IS NOT NULL",
        "FROM world.entity WHERE register = 'social' AND parent IS NOT NULL",
        "FROM world.entity WHERE unit = '21SF00' AND register = 'market'",
        "FROM world.entity WHERE name LIKE '%（%'",
        "FROM world.entity WHERE regexp_matches(name, '[䶮𬭎㛃𠅤]')",
        "FROM world.entity_rep AS r JOIN world.person AS p USING (person) WHERE p.died < r.until",
        "FROM world.licence WHERE round > 0 AND decided >= first_day()",
        "FROM world.penalty WHERE entity IS NULL",
    ],
)
def test_what_departments_must_cope_with_is_there(con: duckdb.DuckDBPyConnection, query: str) -> None:
    (rows,) = con.execute(f"SELECT count(*) {query}").fetchone() or (0,)
    assert rows >= 1
