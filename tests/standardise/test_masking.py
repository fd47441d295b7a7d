"""What may be seen of a value, by its classification."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from assets.masking import mask
from assets.standardise import _masked


@pytest.mark.parametrize(
    ("value", "level", "shown"),
    [
        ("21990119491231002X", 1, "21990119491231002X"),
        ("21990119491231002X", 3, "2199************2X"),
        ("21990119491231002X", 4, "***"),
        ("王小明", 3, "王**"),
        ("𬱖某", 3, "𬱖*"),
        ("王", 3, "*"),
        ("", 3, ""),
        (None, 4, None),
    ],
)
def test_mask(value: str | None, level: int, shown: str | None) -> None:
    assert mask(value, level) == shown


def test_what_a_class_of_ones_own_says_is_masked_everywhere() -> None:
    """It may put values anywhere in its result, and name its columns as it likes."""
    contract = SimpleNamespace(columns=[SimpleNamespace(name="id_number", classification=3), SimpleNamespace(name="x", classification=1)])
    result = {"element_count": 2, "partial_unexpected_index_list": [7], "observed_value": "21990119491231002X"}
    result |= {"details": {"worst": ["21990119491231002X"]}, "partial_unexpected_list": [{"id_number": "21990119491231002X"}]}
    shown = {"result": result, "meta": {"in_gx": {"rows": 2, "of": 2}}}
    for columns in (["id_number"], []):
        found = _masked(contract, columns, shown, 1)["result"]  # type: ignore[arg-type]
        assert "21990119491231002X" not in str(found)
        assert (found["element_count"], found["partial_unexpected_index_list"]) == (2, [7])
    assert _masked(contract, ["x"], shown, 1)["result"]["details"] == {"worst": ["21990119491231002X"]}  # type: ignore[arg-type]
