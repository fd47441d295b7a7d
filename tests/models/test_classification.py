"""A level never falls from what is read to what is made of it, and a sharing type never widens; where one does, the way is told."""

from __future__ import annotations

import pytest

from assets.models.classification import check_levels, falls, shown, widenings
from assets.project import Project
from expectations.documents import DocumentError
from pipelines.lineage.stored import check_classified

LIST = """      - {name: id, businessName: 号, logicalType: string, primaryKey: true, classification: '3'}
      - {name: name, businessName: 名, logicalType: string, classification: 'LEVEL'FURTHER}"""
NAMES = 'SELECT p.id AS "id", EXPRESSION AS "name" FROM base.people AS p'
REASON = ", customProperties: [{property: declassified, value: 依法公示 published by law}]"
MASKED = ", customProperties: [{property: masking, value: partial}]"


def listed(add_models, level: str = "1", further: str = "", expression: str = "p.name", custom: str = "  []") -> Project:
    columns = LIST.replace("LEVEL", level).replace("FURTHER", further)
    return add_models(("listed", columns, NAMES.replace("EXPRESSION", expression), custom))


def sharing(project: Project, dataset: str, value: str) -> Project:
    path = project.contracts[dataset].path
    text = path.read_text(encoding="utf-8").replace("customProperties:\n  []", "customProperties:")
    path.write_text(f"{text.rstrip()}\n  - {{property: catalogue, value: {{{value}}}}}\n", encoding="utf-8")
    return Project(project.root, project.data)


def test_the_whole_way_of_a_fall_is_told_with_the_line(add_models) -> None:
    project = listed(add_models)
    (fall,) = falls(project, project.contracts["listed"])
    assert str(fall).startswith("in.")
    assert str(fall).endswith("base.people.name (level 3) → thematic.listed.name (level 1)")
    for check in (lambda: check_levels(project, project.models()), lambda: check_classified(project, project.models())):
        with pytest.raises(DocumentError) as caught:
            check()
        told = str(caught.value)
        dataset = told.split("in.")[1].split(".")[0]
        assert f"in.{dataset}.name → raw.{dataset}.name → std.{dataset}.name → base.people.name (level 3)" in told
        assert "Classify it 3" in told
        lines = project.contracts["listed"].path.read_text(encoding="utf-8").splitlines()
        assert "name: name" in lines[caught.value.line - 1]


@pytest.mark.parametrize(
    ("level", "further", "expression"),
    [("3", "", "p.name"), ("1", REASON, "p.name"), ("1", MASKED, "left(p.name, 1)"), ("1", "", "sha256(p.name)"), ("1", "", "p.town")],
)
def test_what_keeps_the_level_hides_the_value_or_says_why_is_well(add_models, level: str, further: str, expression: str) -> None:
    project = listed(add_models, level, further, expression)
    check_classified(project, project.models())
    assert falls(project, project.contracts["listed"]) == []


@pytest.mark.parametrize(
    "expression", ["left(p.name, 1)", "max(p.name) OVER ()", "CASE WHEN p.town = 'a' THEN p.name END", "p.town || p.name"]
)
def test_a_part_of_a_value_shows_it(add_models, expression: str) -> None:
    project = listed(add_models, expression=expression)
    assert [f.target for f in falls(project, project.contracts["listed"])] == ["thematic.listed.name"]


def test_a_condition_does_not_come_out_as_a_value(add_models) -> None:
    project = listed(add_models, expression="CASE WHEN p.name = '王' THEN p.town END")
    assert falls(project, project.contracts["listed"]) == []


def test_another_model_that_is_broken_hides_no_fall(add_models) -> None:
    project = listed(add_models)
    towns = project.contracts["towns"].sql_path
    towns.write_text(towns.read_text(encoding="utf-8").replace("p.town", "p.twon"), encoding="utf-8")
    project = Project(project.root, project.data)
    with pytest.raises(DocumentError, match=r"a level falls along .*base\.people\.name \(level 3\) → thematic\.listed\.name"):
        check_classified(project, [project.contracts["listed"]])


def test_a_sharing_type_widens_where_a_column_above_level_1_comes_out(add_models) -> None:
    project = sharing(listed(add_models, "3"), "listed", "sharing: 1")
    found = widenings(project, project.contracts["listed"], shown(project))
    assert {w.way[-1] for w in found} == {("thematic.listed", "id"), ("thematic.listed", "name")}
    with pytest.raises(DocumentError, match=r"a sharing type widens along in\..*\(level 3, sharing 2\) → .*\(sharing 1\)\. Share it 2"):
        check_classified(project, project.models())


def test_a_sharing_type_may_widen_where_only_open_columns_come_out_or_the_contract_says_why(add_models) -> None:
    project = sharing(listed(add_models, "3"), "towns", "sharing: 1")
    check_classified(project, project.models())
    project = sharing(project, "listed", "sharing: 1, widened: 依法公示 published by law")
    check_classified(project, project.models())


def test_the_project_itself_is_well() -> None:
    project = Project.at()
    shows = shown(project)
    check_levels(project, project.models(), shows)
