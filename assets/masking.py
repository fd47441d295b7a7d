"""Masking by classification: the one place that decides how much of a value may be seen.

Levels are those of GB/T 43697-2024 for general data, as the contract declares them (1 open to 4 most sensitive). Levels 1
and 2 show whole. Level 3 keeps enough to find the record in the department's own system, level 4 nothing but a length.
"""

from __future__ import annotations

import re

SHOWN_UP_TO = 2
KINDS = ("full", "partial", "hash", "generalise")
"""Ways to hide a value: nothing of it, a part of it, a digest with a key, a coarser value."""
_CODE = re.compile(r"[0-9A-Za-z]{8,}")


def mask(value: str | None, level: int) -> str | None:
    """`value` as it may be shown to anyone, for a column of classification `level`.

    Codes of 8 and more letters and digits keep the first four and the last two; other text of level 3 keeps its first
    character. None stays None.
    """
    if value is None or level <= SHOWN_UP_TO or value == "":
        return value
    if level >= 4:
        return "***"
    if _CODE.fullmatch(value):
        return value[:4] + "*" * (len(value) - 6) + value[-2:]
    return value[0] + "*" * min(len(value) - 1, 8) if len(value) > 1 else "*"
