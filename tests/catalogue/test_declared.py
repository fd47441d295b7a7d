"""What stands wrong in the `catalogue` property is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.catalogue import check_catalogue
from assets.project import Project
from expectations.documents import DocumentError
from pipelines.commands.doctor import findings
from pipelines.definitions import build_definitions

from catalogue_support import write_contract  # isort: skip


@pytest.mark.parametrize(
    ("catalogue", "words"),
    [
        ("{sharing: 3}", ["sharing type 3", "without a legal basis", "`basis`"]),
        ("{sharing: 3, basis: ' '}", ["without a legal basis"]),
        ("{sharing: 4}", ["unknown sharing type 4", "1 (unconditional)"]),
        ("{sharing: true}", ["unknown sharing type True"]),
        ("{sharing: 无条件}", ["unknown sharing type '无条件'"]),
        ("{resourceCode: 401001/1}", ["resource code '401001/1'", "301001/1"]),
        ("{resourceCode: 30100/1}", ["resource code '30100/1'"]),
        ("{resourceCode: 301001}", ["resource code 301001"]),
        ("{open: perhaps}", ["open 'perhaps'", "true or false"]),
        ("{shareing: 1}", ["unknown catalogue item 'shareing'", "Did you mean 'sharing'"]),
        ("{published: 2026-13-01x}", ["published '2026-13-01x'", "2026-11-01"]),
        ("{published: 7}", ["published 7"]),
        ("{basis: [a]}", ["basis ['a'] is no text"]),
        ("{related: 301001/1}", ["related '301001/1' is no list"]),
        ("{responsibilities: {colection: a}}", ["unknown responsibility 'colection'", "Did you mean 'collection'"]),
        ("{responsibilities: a}", ["found 'a'"]),
        ("{registration: {state: chnged}}", ["registration state 'chnged'", "Did you mean 'changed'"]),
        ("{registration: {date: 2026-01-01}}", ["registration state None"]),
        ("{registration: {state: first, date: soon}}", ["date 'soon'"]),
        ("{users: [{purpose: a}]}", ["a user without `who`"]),
        ("{users: [a]}", ["found 'a'"]),
    ],
)
def test_wrong_items(tmp_path: Path, catalogue: str, words: list[str]) -> None:
    write_contract(tmp_path, "shop", catalogue)
    with pytest.raises(DocumentError) as caught:
        _ = Project(tmp_path, tmp_path / "data").contracts
    assert caught.value.line == 32
    for word in words:
        assert word in str(caught.value)


def test_two_datasets_with_one_resource_code(tmp_path: Path) -> None:
    write_contract(tmp_path, "shop", "{resourceCode: 301001/1}")
    write_contract(tmp_path, "stall", "{resourceCode: 301001/1}")
    project = Project(tmp_path, tmp_path / "data")
    with pytest.raises(DocumentError, match=r"stall\.odcs\.yaml:32: resource code '301001/1' is that of shop too") as caught:
        check_catalogue(project.contracts.values())
    with pytest.raises(DocumentError, match="is that of shop too"):
        build_definitions(project)
    told = {what: (ok, text) for what, ok, text, _ in findings(project)}
    assert told["contracts"] == (False, str(caught.value))


def test_the_real_contracts_have_codes_of_their_own() -> None:
    contracts = Project.at().contracts.values()
    check_catalogue(contracts)
    assert all(c.catalogue.get("resourceCode") for c in contracts)
