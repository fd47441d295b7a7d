"""Lineage judged by execution: a true one holds, and one that is spoilt on purpose is caught."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assets.models.dependence import Dependence, Lineage
from assets.models.lineage import model_lineage
from pipelines.lineage.proof import ROWS, Proof, differences, prove, tell

TEXT = "      - {{name: {0}, businessName: {0}, logicalType: string{1}}}\n"
KEY = ", primaryKey: true"
ONE = "".join(TEXT.format(n, KEY if n == "id" else "") for n in ("id", "x"))
MODELS = {
    "plain": 'SELECT r.id AS "id", r.name AS "x" FROM std.register AS r',
    "chosen": "SELECT r.id AS \"id\", CASE WHEN r.town = '东' THEN r.name ELSE '?' END AS \"x\" FROM std.register AS r",
    "filtered": 'SELECT r.id AS "id", r.name AS "x" FROM std.register AS r WHERE r.town = \'东\'',
    "joined": 'SELECT r.id AS "id", i.employer AS "x" FROM std.register AS r LEFT JOIN std.insurance AS i ON i.id = r.id',
    "newest": 'SELECT r.id AS "id", arg_max(r.name, r.seen) AS "x" FROM std.register AS r GROUP BY r.id',
    "ranked": 'SELECT r.id AS "id", CAST(rank() OVER (ORDER BY r.seen) AS VARCHAR) AS "x" FROM std.register AS r',
    "windowed": 'SELECT r.id AS "id", max(r.name) OVER (PARTITION BY r.town) AS "x" FROM std.register AS r',
    "listed": 'SELECT r.id AS "id",'
    " array_to_string(list_transform([r.name, r.town], lambda n: n || '!'), ',') AS \"x\" FROM std.register AS r",
    "with_cte": 'WITH t AS (SELECT i.id AS "id", count(*) AS "n" FROM std.insurance AS i GROUP BY i.id)'
    ' SELECT r.id AS "id", CAST(t.n AS VARCHAR) AS "x" FROM std.register AS r LEFT JOIN t ON t.id = r.id',
    "both": 'SELECT r.id AS "id", r.name AS "x" FROM std.register AS r'
    ' UNION ALL SELECT i.id AS "id", i.name AS "x" FROM std.insurance AS i',
    "without": 'SELECT r.id AS "id", r.name AS "x" FROM std.register AS r'
    " WHERE NOT EXISTS (SELECT 1 FROM std.insurance AS i WHERE i.id = r.id)",
}


@pytest.fixture
def model(add_models):
    """A thematic model of the name, with the project that it is in."""

    def made(name: str):
        project = add_models((name, ONE, MODELS[name] + "\n", "  []"))
        return project, project.contracts[name]

    return made


def wrong(proof: Proof) -> set[str]:
    return {f"{i.table.split('.')[1]}.{i.column} -> {n or '(rows)'}" for i in proof.inputs for n in i.unclaimed}


def without(lineage: Lineage, column: str) -> Lineage:
    """The lineage as it would be had it missed an input column."""

    def kept(found: frozenset[Dependence]) -> frozenset[Dependence]:
        return frozenset(d for d in found if d.column != column)

    return replace(lineage, columns={n: kept(d) for n, d in lineage.columns.items()}, rows=kept(lineage.rows))


@pytest.mark.parametrize("name", MODELS)
def test_a_true_lineage_holds_and_all_of_it_is_seen(model, name):
    proof = prove(*model(name))
    assert (proof.holds, wrong(proof)) == (True, set())
    unseen = {f"{i.column} -> {n}" for i in proof.inputs for n in i.unseen if n != ROWS}
    assert unseen == set()


@pytest.mark.parametrize(
    ("name", "missed", "found"),
    [
        ("plain", "name", {"register.name -> x"}),
        ("plain", "id", {"register.id -> (rows)"}),
        ("chosen", "town", {"register.town -> x"}),
        ("filtered", "town", {"register.town -> (rows)"}),
        ("newest", "seen", {"register.seen -> x"}),
        ("ranked", "seen", {"register.seen -> x"}),
        ("windowed", "town", {"register.town -> x"}),
        ("listed", "town", {"register.town -> x"}),
        ("joined", "employer", {"insurance.employer -> x"}),
    ],
)
def test_a_lineage_that_misses_a_column_is_caught(model, name, missed, found):
    project, contract = model(name)
    proof = prove(project, contract, without(model_lineage(project, contract), missed))
    assert not proof.holds
    assert wrong(proof) >= found
    assert any("NOT CLAIMED" in line for line in tell(proof))


def test_rows_that_a_lineage_misses_are_caught_though_the_values_are_claimed(model):
    project, contract = model("joined")
    true = model_lineage(project, contract)
    assert "insurance.id -> (rows)" in wrong(prove(project, contract, replace(true, rows=frozenset())))


def test_a_fusion_is_run_as_it_is_built(world):
    contract = world.project.contracts["people"]
    proof = prove(world.project, contract)
    assert (proof.holds, wrong(proof)) == (True, set())
    seen = {(i.table, i.column): i.seen for i in proof.inputs}
    assert "name" in seen["std.insurance", "name"]
    assert "town" in seen["std.register", "seen"]  # of two rows of a person the newer counts
    spoilt = prove(world.project, contract, without(model_lineage(world.project, contract), "_row"))
    assert "register._row -> town" in wrong(spoilt)


def test_what_is_claimed_and_never_seen_is_told_and_no_error(model):
    project, contract = model("plain")
    true = model_lineage(project, contract)
    more = {**true.columns, "x": true.columns["x"] | {Dependence("std.register", "town", "CONDITIONAL")}}
    proof = prove(project, contract, replace(true, columns=more))
    assert proof.holds
    assert [i.unseen for i in proof.inputs if i.column == "town"] == [{"x"}]
    assert any("never seen" in line for line in tell(proof))


def test_a_model_that_cannot_be_run_does_not_hold(add_models):
    sql = 'SELECT r.id AS "id", error(\'no\') AS "x" FROM std.register AS r\n'
    project = add_models(("broken", ONE, sql, "  []"))
    proof = prove(project, project.contracts["broken"])
    assert not proof.holds
    assert "thematic.broken" in proof.failed[0]


def test_the_same_seed_gives_the_same_proof(model):
    asked = model("windowed")
    assert prove(*asked) == prove(*asked)


@pytest.mark.parametrize(
    ("before", "after", "key", "found"),
    [
        ([(1, "a"), (2, "b")], [(1, "a"), (2, "b")], [0], set()),
        ([(1, "a"), (2, "b")], [(2, "b"), (1, "a")], [0], set()),
        ([(1, "a"), (2, "b")], [(1, "b"), (2, "a")], [0], {"x"}),
        ([(1, "a"), (2, "b")], [(1, "b"), (2, "a")], [], set()),
        ([(1, "a"), (2, "b")], [(1, "a")], [0], {ROWS}),
        ([(1, "a"), (2, "b")], [(1, "c")], [0], {ROWS, "x"}),
        ([(1, "a"), (2, "b")], [(1, "a"), (3, "b")], [], {"id"}),
        ([(1, "a"), (1, "b")], [(1, "a"), (1, "c")], [0], {"x"}),
    ],
)
def test_what_differs(before, after, key, found):
    assert differences(before, after, ("id", "x"), key) == found
