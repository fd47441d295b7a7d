"""In which state an issue is, by what was done about it and when."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_support import hand_over, make_tiny

from assets.collect import collect
from assets.following import follow
from assets.lake import open_lake
from assets.standardise import standardise
from pipelines.issues.listing import standing
from pipelines.journal import append


@pytest.mark.parametrize(
    ("seen", "state", "failed"),
    [
        ("2026-03-02T09:00:04", "found", 0),  # what was seen before it was found was another one
        ("2026-03-02T09:00:05", "mended", 0),
        ("2026-03-02T09:00:06", "mended", 0),
    ],
)
def test_a_claim_of_the_second_in_which_the_row_failed_counts(tmp_path: Path, seen: str, state: str, failed: int) -> None:
    """Evidence has times to the microsecond, the journal and what people answer whole seconds: those of one second are one moment."""
    project = make_tiny(tmp_path)
    with open_lake(project) as con:
        hand_over(project, "202601", "tag,born\nA1,\nB2,2020-01-01\n")
        collect(con, project, project.contracts["pet"], "run")
        standardise(con, project, project.contracts["pet"], "run")
        follow(con, project, "run")
        con.execute("UPDATE evidence.tickets SET first_at = '2026-03-02 09:00:05.9' WHERE rule = 'born_present'")
        con.execute("UPDATE evidence.tickets SET last_at = first_at")
        ((ticket,),) = con.execute("SELECT ticket FROM evidence.tickets WHERE rule = 'born_present'").fetchall()
    append(project, "claim", "somebody", tickets=[ticket], seen=seen)
    with standing(project) as con:
        asked = con.execute("SELECT state, claims_failed FROM states WHERE ticket = ?", [ticket])
        assert asked.fetchall() == [(state, failed)]
