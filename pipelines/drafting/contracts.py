"""What every drafted contract has, wherever it is drafted from: its frame, names that can be, and how it is written.

Belongs here: the shared parts. Not here: what a catalogue says (`pipelines.catalogue.drafts`), what a file holds (`files`, `columns`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.contracts import IDENTIFIER


@dataclass
class Draft:
    """`place` is relative to the folder of drafts, as a contract stands under `assets/`; `notes`: what must be filled in."""

    place: Path
    title: str
    contract: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The contract as YAML, with what must be filled in above it."""
        return "".join(f"# 待填 to fill in: {note}\n" for note in self.notes) + dumped(self.contract)


def frame(
    name: str,
    title: str,
    *,
    purpose: str,
    team: Mapping[str, str],
    server: Mapping[str, Any],
    properties: Sequence[Mapping[str, Any]],
    sla: Sequence[Mapping[str, Any]],
    delivery: Mapping[str, Any],
    catalogue: Mapping[str, Any],
) -> dict[str, Any]:
    """A source dataset's contract as ODCS v3.1 has it, a draft."""
    kind = "table" if server["type"] in ("mysql", "postgresql") else "file"
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "name": name,
        "version": "0.1.0",
        "status": "draft",
        "description": {"purpose": purpose},
        "team": dict(team),
        "servers": [dict(server)],
        "schema": [{"name": name, "businessName": title, "physicalType": kind, "properties": [dict(p) for p in properties]}],
        "slaProperties": [dict(p) for p in sla],
        "customProperties": [
            {"property": "delivery", "value": dict(delivery)},
            *([{"property": "catalogue", "value": dict(catalogue)}] if catalogue else []),
        ],
    }


def unique_name(wanted: str, otherwise: str, taken: set[str]) -> tuple[str, bool]:
    """A name of lower-case letters, digits and underscores that is not taken, and whether it is the one wanted. It is taken then."""
    made = ""
    for text in (wanted, otherwise):
        made = re.sub(r"[^a-z0-9]+", "_", unicodedata.normalize("NFKC", text).lower()).strip("_")[:50]
        if IDENTIFIER.fullmatch(made):
            break
        made = f"n_{made}" if made else "unnamed"
    unique, number = made, 1
    while unique in taken:
        number += 1
        unique = f"{made}_{number}"
    taken.add(unique)
    return unique, unique == wanted


def dumped(contract: Mapping[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(dict(contract), allow_unicode=True, sort_keys=False, width=140)


def one_line(text: str) -> str:
    """On one line, so that it stays within its comment."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", text).split())[:80]
