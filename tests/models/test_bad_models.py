"""Models that cannot be: each fault is told with its file, its line and what to do, wherever the model is met."""

from __future__ import annotations

import pytest

from assets.models import columns_known, dependencies, order
from assets.models.lineage import model_lineage
from assets.project import Project
from expectations.documents import DocumentError
from pipelines.commands.doctor import findings
from pipelines.definitions import build_definitions
from pipelines.lineage.graph import read_graph

ONE = "      - {name: id, businessName: 号, logicalType: string, primaryKey: true, classification: '3'}"
TWO = f"{ONE}\n      - {{name: name, businessName: 名, logicalType: string, classification: '3'}}"


def told(project: Project, name: str) -> DocumentError:
    """The same error whoever reads the model: dependencies, lineage, the graph of all columns, the doctor."""
    contract = project.contracts[name]
    with pytest.raises(DocumentError) as caught:
        dependencies(contract, columns_known(project))
    for read in (lambda: model_lineage(project, contract), lambda: read_graph(project)):
        with pytest.raises(DocumentError):
            read()
    row = next(f for f in findings(project) if f[0] == f"model {contract.table}")
    assert not row[1]
    assert row[2] == str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("sql", "line", "words"),
    [
        ("SELECT\n  idd AS id\nFROM std.register", 2, "no column 'idd' in std.register. Did you mean 'id'?"),
        ("SELECT r.id,\n  r.nmae AS name\nFROM std.register AS r", 2, "no column 'nmae' in std.register. Did you mean 'name'?"),
        (
            "SELECT r.id,\n  name\nFROM std.register AS r\nJOIN std.insurance AS i ON i.id = r.id",
            2,
            "'name' is in std.insurance and in std.register. Qualify it with the right table's alias.",
        ),
        ("WITH c AS (SELECT id FROM std.register)\nSELECT c.id,\n c.name\nFROM c", 3, "name"),
        ("SELECT id, name\nFROM std.registr", 2, "no table std.registr. Did you mean 'register'?"),
        ("SELECT id, name\nFROM base.listed", 2, "no table base.listed."),
    ],
)
def test_unknown_and_ambiguous_names(add_models, sql: str, line: int, words: str) -> None:
    project = add_models(("listed", TWO, sql, "  []"))
    error = told(project, "listed")
    assert error.line == line
    assert words in str(error)
    assert "listed.sql" in str(error)


def test_a_circle_is_told_by_name(add_models) -> None:
    project = add_models(
        ("first", ONE, "SELECT s.id FROM thematic.second AS s", "  []"),
        ("second", ONE, "SELECT f.id FROM thematic.first AS f", "  []"),
    )
    for read in (lambda: order(project), lambda: build_definitions(project)):
        with pytest.raises(DocumentError, match=r"read each other in a circle: thematic\.\w+ < thematic\.\w+ < thematic\.\w+"):
            read()
    row = next(f for f in findings(project) if f[0] == "order of models")
    assert not row[1]
    assert "in a circle" in row[2]


def test_a_model_that_reads_itself(add_models) -> None:
    project = add_models(("first", ONE, "SELECT f.id FROM thematic.first AS f", "  []"))
    with pytest.raises(DocumentError, match=r"in a circle: thematic\.first < thematic\.first"):
        order(project)


def test_a_star_over_a_table_that_grew(add_models) -> None:
    """The new column is not declared: it neither slips in nor is dropped in silence."""
    project = add_models(("starred", TWO, "SELECT r.* EXCLUDE (town, seen, _failed)\nFROM std.register AS r", "  []"))
    assert dependencies(project.contracts["starred"], columns_known(project)) == ("std.register",)
    path = project.contracts["register"].path
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("customProperties:", "      - {name: street, businessName: 街, logicalType: string}\ncustomProperties:"),
        encoding="utf-8",
    )
    grown = Project(project.root, project.data)
    with pytest.raises(DocumentError, match=r"starred\.sql:1: the SELECT gives 'street', which starred\.odcs\.yaml does not declare"):
        dependencies(grown.contracts["starred"], columns_known(grown))
    row = next(f for f in findings(grown) if f[0] == "model thematic.starred")
    assert (row[1], "'street'" in row[2]) == (False, True)


def test_a_view_removed_under_a_model_is_made_again(world) -> None:
    world.deliver("register", "a", [("1", "王", "甲", "2026-01-01")])
    world.deliver("insurance", "b", [("p", "2", "李", "厂", "2026-01-01")])
    world.build()
    before = world.rows("SELECT * FROM thematic.towns")
    world.con.execute("DROP VIEW std.register")
    world.deliver("register", "c", [("1", "王", "乙", "2026-02-01")], period="202602")
    world.build()
    assert before == [("甲", 1)]
    assert world.rows("SELECT * FROM thematic.towns") == [("乙", 1)]


def test_a_table_removed_under_a_model_is_told_and_made_again_by_its_own(world) -> None:
    world.deliver("register", "a", [("1", "王", "甲", "2026-01-01")])
    world.build()
    world.con.execute("DROP TABLE base.people")
    world.deliver("register", "c", [("1", "王", "乙", "2026-02-01")], period="202602")
    world.build()
    assert world.rows("SELECT * FROM thematic.towns") == [("乙", 1)]


@pytest.mark.parametrize("keep", ["name: register", "name: registry"])
def test_a_contract_taken_away_or_renamed_under_a_model(project: Project, keep: str) -> None:
    path = project.contracts["register"].path
    if keep == "name: registry":
        path.with_name("registry.odcs.yaml").write_text(path.read_text(encoding="utf-8").replace("register", "registry"), encoding="utf-8")
    path.unlink()
    renamed = Project(project.root, project.data)
    with pytest.raises(DocumentError) as caught:
        dependencies(renamed.contracts["people"], columns_known(renamed))
    assert caught.value.path.name == "people.sql"
    assert "no table std.register" in str(caught.value)
    if keep == "name: registry":
        assert "Did you mean 'registry'?" in str(caught.value)
