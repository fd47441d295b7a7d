"""GB/T 4754 by its editions: sections, and the form of the codes below them.

No full table of the 2017 edition was at hand: two digits are held to the edition's divisions (97 in 2017, 96 in 2011, H), three and four
digits to their division and form only. Which divisions a section has is M: from memory, and it adds up to the known counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

EDITIONS = ("2017", "2011")
LEVELS = ("section", "division", "group", "class")
SECTIONS = "ABCDEFGHIJKLMNOPQRST"
_LAST: Mapping[str, Mapping[str, int]] = {
    "2017": dict(zip(SECTIONS, (5, 12, 43, 46, 50, 52, 60, 62, 65, 69, 70, 72, 75, 79, 82, 83, 85, 90, 96, 97), strict=True)),
    "2011": dict(zip(SECTIONS, (5, 12, 43, 46, 50, 52, 60, 62, 65, 69, 70, 72, 75, 78, 81, 82, 84, 89, 95, 96), strict=True)),
}
"""The last division of each section."""


@cache
def sections(edition: str) -> Mapping[str, str]:
    """The section of each division (two digits)."""
    found: dict[str, str] = {}
    for section, last in _LAST[edition].items():
        found.update({f"{number:02d}": section for number in range(len(found) + 1, last + 1)})
    return found


@cache
def code_pattern(edition: str, level: tuple[str, ...]) -> str:
    """The codes of some levels: a section is a letter, the rest digits, which may stand behind their section's letter."""
    last = int(max(sections(edition)))
    division = f"(?:0[1-9]|[1-8][0-9]|9[0-{last % 10}])"
    digits = {"division": "", "group": "[0-9]", "class": "[0-9]{2}"}
    forms = [f"{division}{digits[name]}" for name in digits if name in level]
    below = [f"[A-T]?(?:{'|'.join(forms)})"] if forms else []
    return "|".join([*(["[A-T]"] if "section" in level else []), *below])


def is_industry_code(code: str, edition: str = "2017", level: Sequence[str] = ("class",)) -> bool:
    """Whether a code has the form of a level of an edition."""
    return re.fullmatch(code_pattern(edition, tuple(level)), code) is not None


def of_section(section: str, code: str, edition: str = "2017") -> bool:
    """Whether a code's division belongs to the section; what is no section, and a code without a known division, is not judged."""
    digits = code[1:3] if re.match("[A-Z]", code) else code[:2]
    return section not in tuple(SECTIONS) or sections(edition).get(digits, section) == section
