"""Column lineage of one query: each construct, with what its columns and its rows depend on, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.models.dependence import Dependence, Lineage, depend
from assets.models.sql import Query

COLUMNS = {
    "std": {
        "person": {
            "id": "VARCHAR",
            "name": "VARCHAR",
            "born": "DATE",
            "town": "VARCHAR",
            "tags": "VARCHAR[]",
            "home": "STRUCT(street VARCHAR)",
        },
        "paid": {"id": "VARCHAR", "amount": "DECIMAL(18,2)", "day": "DATE"},
    },
    "base": {"town": {"town": "VARCHAR", "title": "VARCHAR"}},
}


def lineage(sql: str) -> Lineage:
    return depend(Query(Path("model.sql"), sql).qualified(COLUMNS))


def told(found: frozenset[Dependence]) -> set[str]:
    """`person.id IDENTITY`, with `masked` where nothing shows."""
    return {f"{d.table.split('.')[1]}.{d.column} {d.subtype}{' masked' if d.masking else ''}" for d in found}


@pytest.mark.parametrize(
    ("sql", "of_x", "of_rows"),
    [
        ("SELECT id AS x FROM std.person", {"person.id IDENTITY"}, set()),
        ("SELECT upper(name) AS x FROM std.person", {"person.name TRANSFORMATION"}, set()),
        ("SELECT 1 AS x FROM std.person WHERE town = 'a'", set(), {"person.town FILTER"}),
        (
            "SELECT CASE WHEN town = 'a' THEN name ELSE id END AS x FROM std.person",
            {"person.town CONDITIONAL", "person.name TRANSFORMATION", "person.id TRANSFORMATION"},
            set(),
        ),
        ("SELECT nullif(name, town) AS x FROM std.person", {"person.name TRANSFORMATION", "person.town CONDITIONAL"}, set()),
        ("SELECT coalesce(name, id) AS x FROM std.person", {"person.name TRANSFORMATION", "person.id TRANSFORMATION"}, set()),
        ("SELECT if(town = 'a', name, NULL) AS x FROM std.person", {"person.town CONDITIONAL", "person.name TRANSFORMATION"}, set()),
        (
            "SELECT p.name AS x FROM std.person AS p JOIN std.paid AS g ON g.id = p.id",
            {"person.name IDENTITY"},
            {"person.id JOIN", "paid.id JOIN"},
        ),
        (
            "SELECT p.name AS x FROM std.person AS p LEFT JOIN std.paid AS g USING (id)",
            {"person.name IDENTITY"},
            {"person.id JOIN", "paid.id JOIN"},
        ),
        (
            "SELECT p.name AS x FROM std.person AS p ASOF JOIN std.paid AS g ON g.id = p.id AND g.day >= p.born",
            {"person.name IDENTITY"},
            {"person.id JOIN", "paid.id JOIN", "paid.day JOIN", "person.born JOIN"},
        ),
        (
            "SELECT sum(amount) AS x FROM std.paid GROUP BY day HAVING count(id) > 1",
            {"paid.amount AGGREGATION"},
            {"paid.day GROUP_BY", "paid.id FILTER masked"},
        ),
        ("SELECT count(*) AS x FROM std.paid", set(), set()),
        ("SELECT count(DISTINCT id) AS x FROM std.paid", {"paid.id AGGREGATION masked"}, set()),
        ("SELECT sum(amount) FILTER (day > DATE '2026-01-01') AS x FROM std.paid", {"paid.amount AGGREGATION", "paid.day FILTER"}, set()),
        ("SELECT arg_max(amount, day) AS x FROM std.paid", {"paid.amount AGGREGATION", "paid.day SORT"}, set()),
        ("SELECT list(amount ORDER BY day) AS x FROM std.paid", {"paid.amount AGGREGATION", "paid.day SORT"}, set()),
        ("SELECT sha256(id) AS x FROM std.paid", {"paid.id TRANSFORMATION masked"}, set()),
        ("SELECT upper(md5(id)) AS x FROM std.paid", {"paid.id TRANSFORMATION masked"}, set()),
        (
            "SELECT lag(amount) OVER (PARTITION BY id ORDER BY day) AS x FROM std.paid",
            {"paid.amount TRANSFORMATION", "paid.id WINDOW", "paid.day WINDOW"},
            set(),
        ),
        (
            "SELECT amount AS x FROM std.paid QUALIFY row_number() OVER (PARTITION BY id ORDER BY day DESC) = 1",
            {"paid.amount IDENTITY"},
            {"paid.id WINDOW", "paid.day WINDOW"},
        ),
        ("SELECT amount AS x FROM std.paid ORDER BY day LIMIT 3", {"paid.amount IDENTITY"}, {"paid.day SORT"}),
        ("SELECT amount AS x FROM std.paid ORDER BY day", {"paid.amount IDENTITY"}, set()),
        ("SELECT home.street AS x FROM std.person", {"person.home TRANSFORMATION"}, set()),
        (
            "SELECT list_transform(tags, lambda t: t || town) AS x FROM std.person",
            {"person.tags TRANSFORMATION", "person.town TRANSFORMATION"},
            set(),
        ),
        ("SELECT t.tag AS x FROM std.person AS p, unnest(p.tags) AS t(tag)", {"person.tags TRANSFORMATION"}, {"person.tags FILTER"}),
        ("SELECT * EXCLUDE (id, name, born, tags, home) RENAME (town AS x) FROM std.person", {"person.town IDENTITY"}, set()),
        ("SELECT name AS x FROM std.person UNION ALL SELECT title FROM base.town", {"person.name IDENTITY", "town.title IDENTITY"}, set()),
        (
            "SELECT name AS x FROM std.person EXCEPT SELECT title FROM base.town",
            {"person.name IDENTITY"},
            {"person.name FILTER", "town.title FILTER"},
        ),
        (
            "WITH few AS (SELECT id, upper(name) AS n FROM std.person WHERE born > DATE '2000-01-01') SELECT n AS x FROM few",
            {"person.name TRANSFORMATION"},
            {"person.born FILTER"},
        ),
        (
            ("WITH RECURSIVE up(x, step) AS (SELECT town, 1 FROM std.person UNION ALL"
            " SELECT t.title, step + 1 FROM up JOIN base.town AS t ON t.town = up.x) SELECT x FROM up"),
            {"person.town IDENTITY", "town.title IDENTITY"},
            {"town.town JOIN", "person.town JOIN", "town.title JOIN"},
        ),
        (
            "SELECT (SELECT max(amount) FROM std.paid AS g WHERE g.id = p.id) AS x FROM std.person AS p",
            {"paid.amount AGGREGATION", "paid.id FILTER", "person.id FILTER"},
            set(),
        ),
        (
            "SELECT name AS x FROM std.person AS p WHERE EXISTS (SELECT 1 FROM std.paid AS g WHERE g.id = p.id)",
            {"person.name IDENTITY"},
            {"paid.id FILTER", "person.id FILTER"},
        ),
        (
            "SELECT id IN (SELECT id FROM std.paid) AS x FROM std.person",
            {"person.id TRANSFORMATION", "paid.id CONDITIONAL"},
            set(),
        ),
        ("SELECT DISTINCT ON (town) name AS x FROM std.person", {"person.name IDENTITY"}, {"person.town GROUP_BY"}),
        ("SELECT v.x FROM (VALUES (1)) AS v(x)", set(), set()),
    ],
)  # fmt: skip
def test_each_construct(sql: str, of_x: set[str], of_rows: set[str]) -> None:
    found = lineage(sql)
    assert not found.unknown
    assert told(found.columns["x"]) == of_x
    assert told(found.rows) == of_rows


def test_a_direct_step_after_an_aggregate_stays_one() -> None:
    found = lineage("SELECT s + 1 AS x FROM (SELECT sum(amount) AS s FROM std.paid) AS t")
    assert told(found.columns["x"]) == {"paid.amount AGGREGATION"}


def test_what_cannot_be_resolved_is_told_and_not_guessed() -> None:
    from sqlglot import parse_one

    tree = parse_one("SELECT nowhere.x AS x FROM std.person AS p", read="duckdb")
    found = depend(tree)  # type: ignore[arg-type]
    assert found.columns["x"] == frozenset()
    assert found.unknown == {"x": ("nowhere.x",)}
