"""What is read from a model's SQL, and what is refused, with the line."""

from __future__ import annotations

import re

import pytest

from assets.models import columns_known, dependencies, order
from assets.models.fusion import read_fusion
from assets.models.increment import read_increment
from assets.models.sql import Query, read_model
from assets.project import Project
from expectations.documents import DocumentError


def rewrite(project: Project, name: str, old: str, new: str) -> None:
    path = project.contracts[name].sql_path
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_dependencies_and_order_are_read_from_the_sql(project):
    assert dependencies(project.contracts["people"]) == ("std.insurance", "std.register")
    assert dependencies(project.contracts["towns"], columns_known(project)) == ("base.people",)
    assert [c.name for c in order(project)] == ["people", "towns"]


@pytest.mark.parametrize(
    ("sql", "line", "found", "remedy"),
    [
        ("SELECT id FROM std.regster", 1, "no table std.regster", "Did you mean 'register'?"),
        ("SELECT id\nFROM stt.register", 2, "no schema 'stt'", "Did you mean 'std'?"),
        ("SELECT id,\n  twon AS town\nFROM std.register", 2, "no column 'twon'", "Did you mean 'town'?"),
        ("SELECT r.id,\n  r.twon AS town\nFROM std.register AS r", 2, "no column 'twon'", "Did you mean 'town'?"),
        ("SELECT r.id\nFROM std.register AS r\nJOIN std.insurance AS i ON r.idd = i.id", 3, "no column 'idd'", "Did you mean 'id'?"),
        ("SELECT id FROM register", 1, "'register' names no schema", "std."),
        ("SELECT id FROM std.register\nUNION ALL BY NAME\nSELECT id FROM std.insurance", 2, "UNION BY NAME", "same order"),
        ("SELECT\n COLUMNS('i.*')\nFROM std.register", 2, "COLUMNS", "Write the columns out"),
        ("PIVOT std.register ON town", 1, "PIVOT", "FILTER"),
        ("SELECT *\nFROM (FROM std.register\nPIVOT (count(*) FOR town IN ('a')))", 3, "PIVOT", "FILTER"),
        ("SELECT 1\nFROM std.register\nPOSITIONAL JOIN std.insurance", 3, "POSITIONAL", "Join by a key"),
        ("SELECT id\nFROM read_csv('x.csv')", 2, "reads no files", "Declare the data"),
        ("SELECT std.register.id\nFROM std.register", 1, "named with its schema", "alias"),
        ("DELETE FROM std.register", 1, "expected one SELECT", ""),
        ("SELECT 1;\nSELECT 2", 1, "expected one SELECT", ""),
        ("SELECT (1\nFROM std.register", 2, "not SQL", ""),
        ("SELECT c.code FROM codes.sexx AS c", 1, "no table codes.sexx", "Did you mean 'sex'?"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_near_name(project, sql, line, found, remedy):
    with pytest.raises(DocumentError) as caught:
        Query(project.root / "x.sql", sql).check(columns_known(project))
    assert caught.value.line == line
    assert found in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("WITH c AS (SELECT * FROM std.register) SELECT c.id FROM c", ("std.register",)),
        ("SELECT i.x FROM std.register AS r, unnest([1, 2]) AS i(x)", ("std.register",)),
        (
            "SELECT r.id FROM std.register AS r SEMI JOIN std.insurance AS i ON i.id = r.id QUALIFY row_number() OVER (ORDER BY r.id) = 1",
            ("std.insurance", "std.register"),
        ),
        ("SELECT p._from.register.batch AS b, p._winner.name AS w FROM base.people AS p", ("base.people",)),
        ("SELECT r.* EXCLUDE (town) FROM std.register AS r", ("std.register",)),
    ],
)
def test_what_is_taken(project, sql, tables):
    query = Query(project.root / "x.sql", sql)
    query.check(columns_known(project))
    assert query.tables == tables


def test_only_tables_are_rewritten(tmp_path):
    text = '-- std.a stays\nSELECT b.id, \'std.a\' AS t FROM std.a AS r JOIN "std"."b" ON b.id = r.id;\n'
    rewritten = Query(tmp_path / "x.sql", text).rewritten({"std.a": "SELECT 1", "std.b": "SELECT 2"}.get)
    assert rewritten == "-- std.a stays\nSELECT b.id, 'std.a' AS t FROM (SELECT 1) AS r JOIN (SELECT 2) AS \"b\" ON b.id = r.id"


@pytest.mark.parametrize(
    ("old", "new", "line", "found"),
    [
        ('i.name AS "name", NULL AS "town"', 'NULL AS "town", i.name AS "name"', 5, "column 2 is 'town' here and 'name'"),
        ("'insurance' AS", "'insurence' AS", 5, "Did you mean 'insurance'?"),
        ("'insurance' AS", "i.employer AS", 5, "_source is i.employer"),
        ('r.name AS "name"', 'NULL AS "name"', 12, "'register' has authority over name"),
        ('r.seen AS "_event"', 'r.seen AS "event"', 1, "gives no '_event'"),
    ],
)
def test_a_fusion_must_fit_its_contract(project, old, new, line, found):
    rewrite(project, "people", old, new)
    contract = project.contracts["people"]
    with pytest.raises(DocumentError, match=re.escape(found)) as caught:
        read_fusion(contract, read_model(contract))
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("increment", "found"),
    [
        ("SELECT id FROM new.registr", "Did you mean 'register'?"),
        ("SELECT id, town FROM new.register", "2 columns for the key (id)"),
        ("SELECT id FROM std.register", "reads one table of `new`"),
    ],
)
def test_an_increment_must_fit_its_model(project, increment, found):
    path = project.contracts["people"].path
    path.write_text(re.sub(r"value: 'SELECT.*'", f"value: '{increment}'", path.read_text(encoding="utf-8")), encoding="utf-8")
    again = Project(project.root, project.data)
    with pytest.raises(DocumentError, match=re.escape(found)) as caught:
        read_increment(again.contracts["people"])
    assert (caught.value.path, caught.value.line) == (path, 16)


def test_models_in_a_circle_are_named(project):
    rewrite(project, "people", "FROM std.insurance AS i", "FROM thematic.towns AS i")
    with pytest.raises(DocumentError, match=r"in a circle: .*base\.people.*thematic\.towns"):
        order(project)


def test_a_column_that_the_contract_lacks_is_named(project):
    rewrite(project, "towns", 'count(*) AS "people"', 'count(*) AS "poeple"')
    with pytest.raises(DocumentError, match=r"declares 'people', which the SELECT does not give\. Did you mean 'poeple'"):
        dependencies(project.contracts["towns"], columns_known(project))
