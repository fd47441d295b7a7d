"""Known differences, read from `known.yaml`: a reason in both languages, the judge that we differ from, and the cases one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from expectations.documents import read_document

FILE = Path(__file__).parent / "known.yaml"
FROM = ("record", "gx")


@dataclass(frozen=True)
class Known:
    """Why a case may differ, and from whom: the record, Great Expectations today, or both."""

    reason: str
    differs_from: frozenset[str]


def read_known(path: Path = FILE) -> Mapping[str, Known]:
    """The known differences by case id. Raises `DocumentError` with the line."""
    document = read_document(path)
    found: dict[str, Known] = {}
    for name, group in document.data.items():
        if not isinstance(group, dict) or set(group) != {"reason", "from", "cases"}:
            raise document.error((name,), f"{name} needs `reason`, `from` and `cases`.", "Copy the form of one that stands.")
        wrong: Iterable[str] = [f for f in group["from"] if f not in FROM]
        if wrong or not group["cases"]:
            raise document.error((name,), f"{name}: from {group['from']!r}, {len(group['cases'])} cases.", f"Known: {', '.join(FROM)}.")
        for position, case in enumerate(group["cases"]):
            if case in found:
                raise document.error((name, "cases", position), f"{case} stands twice.", "Give one reason for each case.")
            found[case] = Known(" ".join(str(group["reason"]).split()), frozenset(group["from"]))
    return found
