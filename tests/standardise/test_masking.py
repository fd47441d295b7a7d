"""What may be seen of a value, by its classification."""

from __future__ import annotations

import pytest

from assets.masking import mask


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
