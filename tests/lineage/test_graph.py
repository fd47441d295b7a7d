"""The graph of columns from the hand-over on, walking it, asking it, and keeping it."""

from __future__ import annotations

import json

import pytest

from expectations.documents import DocumentError
from pipelines.lineage import stored
from pipelines.lineage.asking import LineageError, by_batch, by_column, by_table, find, tree
from pipelines.lineage.graph import Edge, Graph, read_graph
from pipelines.lineage.stored import COLUMN_LINEAGE, UNKNOWN_LINEAGE, edge_rows, graph_of, unknown_rows


def edge(source: str, target: str, subtype: str = "IDENTITY", masking: bool = False) -> Edge:
    """`a.t.c` is column c of table a.t; `a.t` its rows."""
    one, other = ((".".join(x.split(".")[:2]), ".".join(x.split(".")[2:])) for x in (source, target))
    return Edge(one, other, subtype, masking)


@pytest.fixture
def small() -> Graph:
    """Two steps: a value, a condition and a filter."""
    columns = {"std.a": ("x", "y", "z"), "base.b": ("p", "q"), "thematic.c": ("v", "w")}
    return Graph(
        columns,
        (
            edge("std.a.x", "base.b.p"),
            edge("std.a.y", "base.b.p", "CONDITIONAL"),
            edge("std.a.z", "base.b", "FILTER"),
            edge("base.b.p", "thematic.c.v", "AGGREGATION", masking=True),
            edge("base.b.q", "thematic.c.w"),
        ),
    )


def test_up_follows_values_conditions_and_what_decides_the_rows(small):
    assert set(small.up(("thematic.c", "v"))) == {("thematic.c", "v"), ("base.b", "p"), ("std.a", "x"), ("std.a", "y"), ("std.a", "z")}
    assert set(small.up(("thematic.c", "v"), direct=True)) == {("thematic.c", "v"), ("base.b", "p"), ("std.a", "x")}


def test_down_from_what_decides_rows_reaches_every_column_of_them(small):
    assert set(small.down(("std.a", "z"))) - {("std.a", "z")} == {
        ("base.b", ""),
        ("base.b", "p"),
        ("base.b", "q"),
        ("thematic.c", "v"),
        ("thematic.c", "w"),
    }
    assert set(small.down(("std.a", "z"), direct=True)) == {("std.a", "z")}
    assert set(small.down(("std.a", "y"))) == {("std.a", "y"), ("base.b", "p"), ("thematic.c", "v")}


def test_what_is_above_one_has_it_below(small):
    nodes = [n for t in small.columns for n in small.nodes(t) if n[1]]
    ups = {(above, n) for n in nodes for above in small.up(n) if above[1]}
    downs = {(n, below) for n in nodes for below in small.down(n) if below[1]}
    assert ups == downs


def test_a_circle_ends(small):
    around = Graph(small.columns, (*small.edges, edge("thematic.c.v", "std.a.x")))
    assert ("thematic.c", "v") in around.down(("std.a", "x"))
    assert ("std.a", "x") in around.up(("thematic.c", "v"))


def test_the_graph_of_a_project_begins_at_the_header(world):
    graph = read_graph(world.project)
    assert graph.columns["in.register"] == ("id", "name", "town", "seen")
    above = graph.up(("thematic.towns", "town"), direct=True)
    tables = {t for t, _ in above}
    assert {"in.register", "raw.register", "std.register", "base.people"} <= tables
    assert "std.insurance" not in tables
    subtypes = {e.subtype for e in graph.edges if e.target == ("base.people", "name")}
    assert {"IDENTITY", "SORT"} <= subtypes
    assert not graph.unknown


def test_repair_and_type_are_told_on_the_way_to_std(world):
    by = {e.target[1]: e.by for e in read_graph(world.project).edges if e.target[0] == "std.register" and e.target[1]}
    assert by["seen"].split()[0] == "trim"
    assert "TIMESTAMP" in by["seen"]


def test_a_table_that_is_not_there_stops_the_graph_with_its_line(add_models):
    column = "      - {name: id, businessName: 号, logicalType: string, primaryKey: true}\n"
    project = add_models(("odd", column, 'SELECT r.id AS "id"\nFROM std.registr AS r\n', "  []"))
    with pytest.raises(DocumentError) as error:
        read_graph(project)
    assert "odd.sql:2" in str(error.value)
    assert "register" in str(error.value).split("std.registr.")[1]


@pytest.mark.parametrize(
    ("spoken", "node"),
    [
        ("base.people", ("base.people", "")),
        ("people", ("base.people", "")),
        ("people.name", ("base.people", "name")),
        ("base/people/name", ("base.people", "name")),
        ("std.register.town", ("std.register", "town")),
        ("raw.register.town", ("raw.register", "town")),
        (" register ", ("std.register", "")),
    ],
)
def test_a_table_or_column_is_found_by_what_people_say(world, spoken, node):
    assert find(read_graph(world.project), spoken) == node


@pytest.mark.parametrize(
    ("spoken", "message"), [("base.peple", "base.people"), ("people.nam", "name"), ("", "no table"), ("a'b", "no table")]
)
def test_what_is_not_there_is_told_with_a_near_name(world, spoken, message):
    with pytest.raises(LineageError) as error:
        find(read_graph(world.project), spoken)
    assert message in str(error.value)


def test_steps_come_nearest_first_with_how_they_depend(small):
    steps = by_column(small, ("thematic.c", "v"), up=True)
    assert [(s.node, s.distance, s.subtype, s.masking) for s in steps][:2] == [
        (("base.b", "p"), 1, "AGGREGATION", True),
        (("std.a", "x"), 2, "IDENTITY", False),
    ]
    assert steps[1].as_json() == {
        "table": "std.a",
        "column": "x",
        "distance": 2,
        "through": "base.b.p",
        "subtype": "IDENTITY",
        "masking": False,
    }
    assert [s.distance for s in steps] == sorted(s.distance for s in steps)


def test_tables_come_by_distance_both_ways(small):
    assert [(s.node[0], s.distance) for s in by_table(small, "thematic.c", up=True)] == [("base.b", 1), ("std.a", 2)]
    assert [(s.node[0], s.distance) for s in by_table(small, "std.a", up=False)] == [("base.b", 1), ("thematic.c", 2)]
    assert by_table(small, "std.a", up=True) == []


def test_the_tree_hangs_each_step_below_the_one_it_came_by(small):
    made = tree("of v", by_column(small, ("thematic.c", "v"), up=True), {})
    assert [str(c.label).split()[0] for c in made.children] == ["base.b.p"]
    assert {str(c.label).split()[0] for c in made.children[0].children} == {"std.a.x", "std.a.y", "std.a.z"}
    assert [str(c.label) for c in tree("nothing", [], {}).children] == ["—"]


def test_the_hand_overs_of_a_table_now_and_as_it_was(world):
    from datetime import datetime

    row = ("219901189901010011", "安", "东", datetime(2026, 1, 5))
    world.deliver("register", "r1", [row], unit="a")
    world.build()
    before = world.snapshot
    world.deliver("register", "r2", [row], unit="a", period="202602", received=1)
    world.build()
    world.con.close()
    assert [b["batch"] for b in by_batch(world.project, "std.register")] == ["r2"]
    assert [b["batch"] for b in by_batch(world.project, "base.people")] == ["r2"]
    assert [b["batch"] for b in by_batch(world.project, "base.people", snapshot=before)] == ["r1"]
    assert [b["batch"] for b in by_batch(world.project, "thematic.towns")] == ["r2"]


def test_the_graph_is_kept_until_a_declaration_changes(world, monkeypatch):
    asked = []
    monkeypatch.setattr(stored, "read_graph", lambda project: asked.append(1) or read_graph(project))
    first = graph_of(world.project)
    assert graph_of(world.project) == first
    assert len(asked) == 1
    sql = world.project.contracts["towns"].sql_path
    sql.write_text(sql.read_text(encoding="utf-8").replace("IS NOT NULL", "<> ''"), encoding="utf-8")
    graph_of(type(world.project)(world.project.root, world.project.data))
    assert len(asked) == 2


@pytest.mark.parametrize("spoilt", ["", "{", "[]", '{"declarations": null}'])
def test_a_kept_graph_that_cannot_be_read_is_made_anew(world, spoilt):
    first = graph_of(world.project)
    kept = world.project.scratch / "lineage.json"
    kept.write_text(spoilt, encoding="utf-8")
    stored._of.cache_clear()  # as another process finds it
    assert graph_of(world.project) == first
    assert json.loads(kept.read_text(encoding="utf-8"))["edges"]


def test_rows_for_the_results_say_type_and_subtype(small):
    rows = edge_rows(small)
    assert all(len(r) == len(COLUMN_LINEAGE) for r in rows)
    assert {(r[4], r[5]) for r in rows} == {
        ("DIRECT", "IDENTITY"),
        ("DIRECT", "AGGREGATION"),
        ("INDIRECT", "CONDITIONAL"),
        ("INDIRECT", "FILTER"),
    }
    unknown = unknown_rows(Graph(small.columns, (), {"base.b": (("p", "foo(*)"),)}))
    assert unknown == [("base.b", "p", "foo(*)")]
    assert len(unknown[0]) == len(UNKNOWN_LINEAGE)
