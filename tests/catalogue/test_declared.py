"""What stands wrong in the `catalogue` property is refused with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from assets.catalogue import STATES, check_catalogue
from assets.project import Project
from expectations.documents import DocumentError
from expectations.identity import classify_credit_code
from pipelines.catalogue import read_catalogue
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
        ("{providerCode: '112199019900000178'}", ["providerCode '112199019900000178' is no credit code", "18 characters"]),
        ("{providerCode: 112199009900000683}", ["112199009900000683 is no text", "in quotes"]),
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


def department(root: Path, said: str, group: str = "trade") -> None:
    (root / "assets" / "sources" / group / "department.yaml").write_text(f"catalogue:\n  {said}\n", encoding="utf-8")


def test_what_a_department_says_for_all_of_its_datasets(tmp_path: Path) -> None:
    """Of sources by their folder, of a base table by the department's name; what a contract says goes before, item by item."""
    write_contract(tmp_path, "shop", "{registration: {number: R1}}")
    write_contract(tmp_path, "stall", "{published: 2026-05-01, registration: {state: changed, date: 2026-06-01}}")
    write_contract(tmp_path, "dog", "{}", "police", department="公安局")
    base = write_contract(tmp_path, "trader", "{responsibilities: {storage: 档案馆}}")
    (tmp_path / "assets" / "base" / "trade").mkdir(parents=True)
    base = base.rename(tmp_path / "assets" / "base" / "trade" / base.name)
    department(
        tmp_path,
        "{providerCode: '112199019900000179', published: 2026-03-01, responsibilities: {storage: 数据局, security: 网信办},"
        " registration: {state: first, date: 2026-04-01, authority: 登记处}}",
    )
    said = {name: c.catalogue for name, c in Project(tmp_path, tmp_path / "data").contracts.items()}
    day = date.fromisoformat
    first = {"state": "first", "date": day("2026-04-01"), "authority": "登记处"}
    assert said["dog"] == {}
    assert said["shop"]["registration"] == first | {"number": "R1"}
    assert said["stall"]["registration"] == first | {"state": "changed", "date": day("2026-06-01")}
    assert (said["shop"]["published"], said["stall"]["published"]) == (day("2026-03-01"), day("2026-05-01"))
    assert {n for n, s in said.items() if s.get("providerCode") == "112199019900000179"} == {"shop", "stall", "trader"}
    assert said["trader"]["responsibilities"] == {"storage": "档案馆", "security": "网信办"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("sharing: 1", ["unknown catalogue item 'sharing'", "Known: providerCode, published"]),
        ("registration: {state: first, number: R1}", ["unknown item for all datasets 'number'"]),
        ("registration: {state: frist}", ["registration state 'frist'"]),
        ("providerCode: '1'", ["providerCode '1' is no credit code"]),
    ],
)
def test_what_a_department_says_wrongly(tmp_path: Path, said: str, words: list[str]) -> None:
    write_contract(tmp_path, "shop", "{}")
    department(tmp_path, said)
    with pytest.raises(DocumentError) as caught:
        _ = Project(tmp_path, tmp_path / "data").contracts
    assert (caught.value.path.name, caught.value.line) == ("department.yaml", 2)
    assert all(word in str(caught.value) for word in words), str(caught.value)


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


def test_the_samples_catalogue_lacks_nothing_and_its_codes_are_nobodys() -> None:
    project = Project.at()
    check_catalogue(project.contracts.values())
    entries = read_catalogue(project)
    assert {e.name: e.lacking for e in entries if e.lacking} == {}
    assert {e.registration.state for e in entries if e.registration} == set(STATES)
    assert {e.provider_code[2:6] for e in entries} == {"2199"}  # no such place: of the sample alone
    assert len({e.provider_code for e in entries}) == len({e.provider for e in entries}) == 12
    assert all(classify_credit_code(e.provider_code) == "valid" for e in entries)
