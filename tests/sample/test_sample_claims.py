"""What the sample plants and what rules and cross-department checks claim to find are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.crosschecks.declared import cross_checks
from assets.project import CODE, Project
from pipelines.truth.planted import claims_of
from sample_data.declaration import Declaration
from sample_data.declared import declarations

PROJECT = Project.at(CODE, Path("data"))
DECLARED = declarations(PROJECT)


def told(view: Declaration) -> set[str]:
    """The kinds that rules of the dataset are to find."""
    faults = {f.kind for f in view.faults if f.effect in ("flag", "quarantine")}
    whole = {d.kind for d in view.drift if d.kind and d.effect == "flag"}
    return faults | whole | set(view.shows) | {kind for part in view.told for kind in part.marks}


@pytest.mark.parametrize("name", DECLARED)
def test_every_planted_fault_is_claimed_and_every_claim_is_planted(name: str) -> None:
    view = DECLARED[name]
    claimed = frozenset[str]().union(*(c.kinds for c in claims_of(PROJECT, view.contract).values()))
    repaired = {f.kind for f in view.faults if f.effect not in ("flag", "quarantine")}
    assert told(view) - claimed == set()
    assert claimed - told(view) - repaired == set()


def test_every_planted_disagreement_is_claimed_and_every_claim_is_planted() -> None:
    planted = {kind for view in DECLARED.values() for kind in view.cross}
    planted |= {f.kind for view in DECLARED.values() for f in view.faults if f.effect == "cross"}
    assert {kind for check in cross_checks(PROJECT) for kind in check.claims} == planted


def test_every_disagreement_marks_rows() -> None:
    marked = "\n".join(view.rows for view in DECLARED.values())
    assert [kind for view in DECLARED.values() for kind in view.cross if f"_plants_{kind}" not in marked] == []


def test_every_number_has_a_check() -> None:
    assert {check.number for check in cross_checks(PROJECT)} == {f"X{n:02d}" for n in range(1, 36)}
