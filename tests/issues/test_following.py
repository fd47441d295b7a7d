"""An issue is followed by its record from hand-over to hand-over; the same evidence always gives the same issues."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from tiny_support import hand_over, make_tiny

from assets.collect import collect
from assets.following import follow
from assets.lake import open_lake
from assets.project import Project
from assets.standardise import standardise

HEADER = "tag,born\n"


def take_in(project: Project, *handovers: tuple[str, str], one_by_one: bool = True) -> list[dict[str, object]]:
    """Collect and judge hand-overs of pets (period, rows), following issues after each or once at the end; gives the issues."""
    with open_lake(project) as con:
        for period, rows in handovers:
            hand_over(project, period, HEADER + rows)
            collect(con, project, project.contracts["pet"], "run")
            standardise(con, project, project.contracts["pet"], "run")
            if one_by_one:
                follow(con, project, "run")
        follow(con, project, "run")
        return issues(con)


def issues(con: object) -> list[dict[str, object]]:
    from assets.lake import objects

    return objects(con, "SELECT * FROM evidence.tickets ORDER BY rule, first_period, ticket")  # type: ignore[arg-type]


def told(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [(r["rule"], r["found_by"], r["first_period"], r["last_period"], r["times"], r["reopened"], r["outcome"]) for r in rows]


GOOD = "B2,2020-01-01\nC3,2020-01-01\n"


@pytest.mark.parametrize(
    ("handovers", "expected"),
    [
        pytest.param(
            [("202601", "A1,\n" + GOOD)],
            [("born_present", "key", "202601", "202601", 1, 0, "open")],
            id="found",
        ),
        pytest.param(
            [("202601", "A1,\n" + GOOD), ("202602", GOOD + "A1,2021-05-05\n")],
            [("born_present", "key", "202601", "202601", 1, 0, "verified")],
            id="mended, at another line",
        ),
        pytest.param(
            [("202601", "A1,\n" + GOOD), ("202602", GOOD + "A1,\n")],
            [("born_present", "key", "202601", "202602", 2, 0, "open")],
            id="still broken",
        ),
        pytest.param(
            [("202601", "A1,\n" + GOOD), ("202602", GOOD)],
            [("born_present", "key", "202601", "202601", 1, 0, "gone")],
            id="no longer handed over is not mended",
        ),
        pytest.param(
            [("202601", "A1,\n" + GOOD), ("202602", GOOD + "A1,2021-05-05\n"), ("202603", GOOD + "A1,\n")],
            [("born_present", "key", "202601", "202603", 2, 1, "open")],
            id="back again",
        ),
        pytest.param(
            [("202601", ",2019-09-09\n" + GOOD), ("202602", GOOD + "A1,2019-09-09\n")],
            [("tag_present", "content", "202601", "202601", 1, 0, "verified")],
            id="a record without its key is known by the rest of it",
        ),
        pytest.param(
            [("202601", GOOD + "A1,2019-09-09\n"), ("202602", GOOD + "A1,\n")],
            [("born_present", "key", "202602", "202602", 1, 0, "open")],
            id="what was in order before it failed is no part of its story",
        ),
    ],
)
def test_an_issue_lives_with_its_record(tmp_path: Path, handovers: list[tuple[str, str]], expected: list[tuple[object, ...]]) -> None:
    own = [row for row in told(take_in(make_tiny(tmp_path), *handovers)) if str(row[0]) in ("born_present", "tag_present")]
    assert own == expected


def test_a_late_hand_over_is_put_into_its_place(tmp_path: Path) -> None:
    """January comes after February: the issue began in January, and February has already verified it."""
    found = take_in(make_tiny(tmp_path), ("202602", GOOD + "A1,2021-05-05\n"), ("202601", "A1,\n" + GOOD))
    assert told(found) == [("born_present", "key", "202601", "202601", 1, 0, "verified")]


def test_the_name_of_an_issue_depends_on_the_key_of_the_data_folder(tmp_path: Path) -> None:
    one, other = (take_in(make_tiny(tmp_path / name), ("202601", "A1,\n" + GOOD)) for name in ("one", "other"))
    assert one[0]["ticket"] != other[0]["ticket"]
    assert len(str(one[0]["ticket"])) == 16


def test_taking_up_twice_changes_nothing(tmp_path: Path) -> None:
    project = make_tiny(tmp_path)
    before = take_in(project, ("202601", "A1,\n" + GOOD))
    with open_lake(project) as con:
        snapshots = con.execute("SELECT count(*) FROM ducklake_snapshots('lake')").fetchone()
        assert follow(con, project, "run").batches == 0
        assert con.execute("SELECT count(*) FROM ducklake_snapshots('lake')").fetchone() == snapshots
        assert issues(con) == before


TAGS = ("A1", "B2", "C3", "")
ROW = st.tuples(st.sampled_from(TAGS), st.sampled_from(("", "2020-01-01")))
MONTH = st.lists(ROW, min_size=1, max_size=4, unique_by=lambda row: row[0])
MANY = "".join(f"M{n},2020-01-01\n" for n in range(40))  # so many that no month is refused for having lost half of its rows


@settings(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(months=st.lists(MONTH, min_size=2, max_size=3), order=st.randoms(use_true_random=False))
@example([[("", ""), ("B2", "2020-01-01"), ("A1", "")], [("C3", "")], [("C3", "")]], Random(2))
@example([[("A1", "")], [("A1", "2020-01-01"), ("", "")], [("A1", ""), ("B2", "")]], Random(1))
def test_any_order_and_grouping_ends_in_the_same_issues(
    tmp_path_factory: pytest.TempPathFactory, months: list[list[tuple[str, str]]], order: Random
) -> None:
    # A row of its own for each month: the same bytes again are a repeated hand-over, which is not taken in.
    handovers = [(f"2026{n:02}", "".join(f"{t},{b}\n" for t, b in rows) + MANY + f"Y{n},2020-01-01\n") for n, rows in enumerate(months, 1)]
    shuffled = list(handovers)
    order.shuffle(shuffled)
    plain = take_in(make_tiny(tmp_path_factory.mktemp("plain")), *handovers, one_by_one=False)
    mixed = take_in(make_tiny(tmp_path_factory.mktemp("mixed")), *shuffled)
    assert sorted(told(plain)) == sorted(told(mixed))
