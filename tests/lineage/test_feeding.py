"""From a line of a hand-over down to every record that it bears on."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from assets.lake import open_lake
from assets.project import Project
from pipelines.lineage.asking import LineageError
from pipelines.lineage.feeding import Feeding, feeding
from tests.models.conftest import World, write_model, write_project

JAN, FEB = datetime(2026, 1, 5), datetime(2026, 2, 5)
ANN, BEN = "219901189901010011", "219901189901010022"
COLUMN = "      - {{name: {0}, businessName: {0}, logicalType: string{1}}}\n"
KEYED = ", primaryKey: true, primaryKeyPosition: 1, classification: '3'"
CARDS = COLUMN.format("id", KEYED) + COLUMN.format("employer", "")
CARDS_SQL = 'SELECT p.id AS "id", p.employer AS "employer" FROM base.people AS p WHERE p.employer IS NOT NULL\n'
TOWN = COLUMN.format("town", ", primaryKey: true") + "      - {name: people, businessName: 人数, logicalType: integer}\n"
TOWN_SQL = 'SELECT p.town AS "town", count(*) AS "people" FROM base.people AS p WHERE p.town IS NOT NULL GROUP BY p.town\n'
BY_TOWN = "  - {property: increment, value: 'SELECT town FROM new.people'}"
HALVES_SQL = 'SELECT upper(p.town) AS "town", count(*) AS "people" FROM base.people AS p GROUP BY upper(p.town)\n'


@pytest.fixture(scope="module")
def handed(tmp_path_factory, empty_lake) -> Project:
    """Two people, one of whom moved; cards by key, towns by increment, halves by nothing."""
    project = write_project(tmp_path_factory.mktemp("handed"))
    for name, columns, sql, custom in (
        ("cards", CARDS, CARDS_SQL, "  []"),
        ("counted", TOWN, TOWN_SQL, BY_TOWN),
        ("halves", TOWN, HALVES_SQL, "  []"),
    ):
        write_model(project.root, name, columns, sql, custom, layer="thematic")
    empty_lake(project)
    with open_lake(project) as con:
        world = World(project, con)
        world.deliver("register", "r0", [(ANN, "旧", "西", JAN)], unit="a", period="202512")
        world.deliver(
            "register", "r1", [(BEN, "本", "西", JAN), (ANN, None, "东", JAN)], unit="a", received=1, broken=["219901189901010099"]
        )
        world.deliver("insurance", "i1", [("1", ANN, "安安", "厂", JAN), ("2", ANN, "安", "店", FEB)])
        world.build()
    return project


@pytest.fixture
def fed(handed: Project):
    return lambda table, **which: feeding(handed, table, **which)


def told(found: Feeding) -> dict[str, tuple[str, int, list[str | None]]]:
    return {f.table: (f.how, f.total, [next(iter(r.key.values())) for r in f.records]) for f in found.fed}


def test_a_line_feeds_the_fused_record_and_what_is_made_of_it(fed):
    found = fed("std.register", batch="r1", row=3)
    assert told(found) == {
        "base.people": ("increment", 1, ["2199************11"]),
        "thematic.cards": ("key", 1, ["2199************11"]),
        "thematic.counted": ("increment", 1, ["东"]),
        "thematic.towns": ("key", 1, ["东"]),
    }
    assert (found.state, list(found.untold)) == ("stands", ["thematic.halves"])
    assert "increment" in found.untold["thematic.halves"]


def test_a_fused_record_says_in_which_attributes_the_word_of_the_line_stands(fed):
    register = fed("std.register", batch="r1", row=3).fed[0].records[0]
    assert (register.counts, register.wins) == (True, ("town",))
    newer, older = (fed("std.insurance", batch="i1", row=n).fed[0].records[0] for n in (3, 2))
    assert (newer.counts, newer.wins) == (True, ("name", "employer"))
    assert (older.counts, older.wins) == (False, ())


def test_a_record_of_base_goes_down_by_its_key(fed):
    found = fed("base.people", key=(BEN,))
    assert told(found) == {"thematic.counted": ("increment", 1, ["西"]), "thematic.towns": ("key", 1, ["西"])}


def test_a_line_that_was_replaced_or_is_in_quarantine_feeds_nothing_and_says_why(fed):
    assert [(f.state, f.rules, f.fed) for f in (fed("std.register", batch="r0", row=2), fed("std.register", batch="r1", row=90))] == [
        ("replaced", (), ()),
        ("quarantined", ("broken",), ()),
    ]


@pytest.mark.parametrize(
    ("table", "which", "message"),
    [
        ("std.registr", {"batch": "r1", "row": 3}, "Did you mean 'std.register'?"),
        ("std.register", {"batch": "r9", "row": 3}, "Known: r0, r1"),
        ("std.register", {"batch": "r1", "row": 77}, "no line 77"),
        ("std.register", {"batch": "r1"}, "--row"),
        ("base.people", {"batch": "r1", "row": 3}, "by its key, id"),
        ("base.people", {"key": ("219901189901010088",)}, "no record of base.people has id = 2199"),
        ("base.people", {"key": ("a'b",)}, "no record"),
        ("base.people", {"key": ("a", "b")}, "2 key parts given"),
    ],
)
def test_what_is_not_there_is_told_with_a_remedy(fed, table, which, message):
    with pytest.raises(LineageError) as error:
        fed(table, **which)
    assert message in str(error.value)


def test_nothing_personal_is_shown(fed):
    found = fed("std.insurance", batch="i1", row=3)
    assert ANN not in json.dumps(found.as_json(), ensure_ascii=False)
    by_key = fed("base.people", key=(ANN,))
    assert ANN not in json.dumps(by_key.as_json(), ensure_ascii=False)


def test_it_is_shown_as_a_tree(fed):
    import io

    from rich.console import Console

    screen = io.StringIO()
    Console(file=screen, width=240).print(fed("std.register", batch="r1", row=3).tree())
    shown = screen.getvalue()
    assert "base.people" in shown
    assert "its word stands: town" in shown
    assert ANN not in shown


def test_the_command_tells_it_as_json(handed, monkeypatch):
    from typer.testing import CliRunner

    from pipelines.cli import app

    monkeypatch.setenv("YUANQING_ROOT", str(handed.root))
    monkeypatch.setenv("YUANQING_DATA", str(handed.data))
    asked = ["lineage", "std.register", "--down", "--level", "record", "--batch", "r1", "--row", "3", "--json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert next(f["table"] for f in json.loads(done.output)["fed"]) == "base.people"
