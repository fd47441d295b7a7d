"""The world of people keeps to what can be: ages at births and weddings, lives that end once, ids that are whole and unique."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sample_support import impossible, world

if TYPE_CHECKING:
    import duckdb

PEOPLE = 6000
TABLES = "home life person marriage spouse birth death livelihood job career insurance medical allowance allowance_member"


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with world(tmp_path_factory.mktemp("people") / "people.duckdb", 11, PEOPLE, TABLES) as con:
        yield con


def value(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    (found,) = con.execute(sql).fetchone() or (None,)
    assert isinstance(found, int)
    return found


IMPOSSIBLE = impossible("world_people")


@pytest.mark.parametrize(("what", "query"), IMPOSSIBLE.items(), ids=IMPOSSIBLE)
def test_what_cannot_be_is_not(con: duckdb.DuckDBPyConnection, what: str, query: str) -> None:
    assert con.execute(f"{query} LIMIT 3").fetchall() == [], what


def test_every_query_is_asked() -> None:
    assert len(IMPOSSIBLE) >= 30


def test_lives_happen_about_as_often_as_they_do(con: duckdb.DuckDBPyConnection) -> None:
    def share(sql: str) -> float:
        return value(con, sql) / PEOPLE

    assert 0.01 < share("SELECT count(died) FROM world.person") < 0.03
    assert 0.004 < share("SELECT count(*) FROM world.birth") < 0.015
    assert 0.015 < share("SELECT count(*) FROM world.allowance_member") < 0.035
    assert 0.4 < share("SELECT count(*) FROM world.person WHERE steady") < 0.6
    assert 0.03 < share("SELECT count(*) FROM world.person WHERE NOT local") < 0.08
    assert value(con, "SELECT count(*) FROM world.marriage WHERE married_on >= first_day()") >= 20
    assert value(con, "SELECT count(*) FROM world.marriage WHERE divorced_on IS NOT NULL") >= 20


def test_one_seed_one_world_and_another_seed_another(tmp_path_factory: pytest.TempPathFactory) -> None:
    def digest(seed: int) -> int:
        with world(tmp_path_factory.mktemp("seeds") / "seeds.duckdb", seed, 1000, "person marriage birth death") as con:
            return value(con, "SELECT bit_xor(hash(p)) FROM world.person AS p") ^ value(
                con, "SELECT bit_xor(hash(m)) FROM world.marriage AS m"
            )

    assert digest(3) == digest(3) != digest(4)
