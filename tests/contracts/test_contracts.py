"""A contract that is wrong is refused with its line, what was found, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.contracts import read_contract, read_contracts
from expectations.documents import DocumentError

GOOD = """\
apiVersion: v3.1.0
kind: DataContract
id: shop
name: shop
version: 1.0.0
status: active
servers:
  - {server: landing, type: local, path: shop/*.csv, format: csv}
schema:
  - name: shop
    businessName: 店铺
    properties:
      - {name: code, physicalName: DM, businessName: 代码, logicalType: string, required: true, primaryKey: true}
      - {name: opened, physicalName: KYRQ, logicalType: date, classification: "3"}
customProperties:
  - property: delivery
    value: {mode: full, period: monthly, pattern: 'D_(?P<period>[0-9]{6})\\.csv', event: opened}
"""


def write(tmp_path: Path, text: str, name: str = "shop") -> Path:
    path = tmp_path / "assets" / "sources" / "trade" / f"{name}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_derived(tmp_path: Path) -> None:
    contract = read_contract(write(tmp_path, GOOD), tmp_path / "assets")
    assert (contract.group, contract.table, contract.key, contract.title) == ("trade", "std.shop", ("code",), "店铺")
    assert contract.column("opened").headers == ("KYRQ", "opened")
    assert contract.delivery is not None
    assert (contract.delivery.partition, contract.delivery.max_fall) == ("monthly", 0.5)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("primaryKey: true", "primaryKye: true", 13, ["'primaryKye'", "Did you mean 'primaryKey'"]),
        ("logicalType: date", "logicalType: dete", 14, ["'dete'", "Did you mean 'date'"]),
        ("version: 1.0.0\n", "", 1, ['"version" is a required property']),
        ("mode: full", "mode: total", 17, ["delivery mode 'total'", "`full` or `delta`"]),
        ("period: monthly", "period: montly", 17, ["'montly'", "Did you mean 'monthly'"]),
        ("event: opened", "event: openned", 17, ["'openned'", "Did you mean 'opened'"]),
        ("(?P<period>[0-9]{6})", "[0-9]{6}", 17, ["no group `period`"]),
        ('classification: "3"', 'classification: "7"', 14, ["classification '7'", "1 (open) to 4"]),
        ("physicalName: KYRQ", "physicalName: DM", 14, ["'DM' names both code and opened"]),
        ("name: opened", "name: Opened", 14, ["column name 'Opened'", "lower-case"]),
        ("property: delivery", "property: delivry", 16, ["'delivry'", "Did you mean 'delivery'"]),
        ("status: active", "status: active\nstatus: draft", 7, ["'status' stands twice"]),
        ("status: active", "status: [active]", 6, ['is not of type "string"']),
        ("kind: DataContract", "kind: [", None, ["not YAML"]),
        ("id: shop", "id: store", 3, ["id 'store' in a file named shop.odcs.yaml"]),
    ],
)
def test_a_typing_error_is_named_by_its_line(tmp_path: Path, old: str, new: str, line: int | None, words: list[str]) -> None:
    assert old in GOOD
    with pytest.raises(DocumentError) as caught:
        read_contract(write(tmp_path, GOOD.replace(old, new, 1)), tmp_path / "assets")
    message = str(caught.value)
    for word in words:
        assert word in message
    if line is not None:
        assert f"shop.odcs.yaml:{line}:" in message


def test_two_contracts_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    other = tmp_path / "assets" / "sources" / "tax" / "shop.odcs.yaml"
    other.parent.mkdir(parents=True)
    other.write_text(GOOD, encoding="utf-8")
    with pytest.raises(DocumentError, match=r"is declared in .* too"):
        read_contracts(tmp_path / "assets")


def test_a_contract_in_the_wrong_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "assets" / "shop.odcs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(GOOD, encoding="utf-8")
    with pytest.raises(DocumentError, match="sources/<department>/"):
        read_contract(path, tmp_path / "assets")
