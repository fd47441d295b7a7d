"""How scores moved, month by month; and which hand-over should be there by now."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assets.lake import open_lake
from assets.project import Project
from expectations.standard import load_standard
from pipelines.freshness import awaited
from pipelines.results import publish, query
from pipelines.rulebook import read_rules
from pipelines.scores import fetch_evidence
from pipelines.trend import make_history

from reports_support import batch, contract, fill, result, suite  # isort: skip

COLUMNS = [("id", "GMSFHM", "身份号码", "string", 3)]
RULES = [{"id": "id_there", "column": "id", "indicator": "0201"}]


def project_of(root: Path, **datasets: tuple[str, str]) -> Project:
    """Datasets by name, each with its mode and department, and one rule."""
    for name, (mode, group) in datasets.items():
        contract(root, name, COLUMNS, required=["id"], group=group, mode=mode)
        suite(root, name, RULES, group=group)
    return Project(root, root / "data")


def handed(dataset: str, period: str, broken: int, *, unit: str = "", suffix: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """A hand-over of ten rows and its one result."""
    name = f"{dataset}-{period}-{unit}{suffix}"
    return batch(dataset, name, period=period, unit=unit), result(dataset, name, "id_there", 10, broken, missing=broken)


def history(project: Project, *told: tuple[dict[str, Any], dict[str, Any]]) -> list[tuple[Any, ...]]:
    fill(project, batches=[b for b, _ in told], results=[r for _, r in told])
    with open_lake(project, read_only=True) as con:
        contracts = list(project.contracts.values())
        fetch_evidence(con)
        make_history(con, contracts, read_rules(project), load_standard(None, date(2026, 11, 1)), (), project.departments)
        return con.execute(
            """SELECT scope, coalesce(department, dataset, unit), month, datasets, round(score, 6) FROM score_history
            WHERE scope <> 'dataset' ORDER BY ALL"""
        ).fetchall()


def test_a_month_is_what_stood_without_later_hand_overs(tmp_path: Path) -> None:
    """Full: the newest file of each unit up to the month; a correction counts in its own month. Delta: the month's own rows."""
    project = project_of(tmp_path, people=("full", "police"), moves=("delta", "roads"))
    told = history(
        project,
        handed("people", "202608", 5, unit="210100"),
        handed("people", "202608", 1, unit="210200"),
        handed("people", "202610", 1, unit="210100"),  # nothing came for September: August's file still stands there
        handed("moves", "202608", 0),
        handed("moves", "202609", 4),
        handed("moves", "202610", 2),
    )
    assert told == [
        ("city", "210100", "202608", 2, 50),
        ("city", "210100", "202609", 2, 50),
        ("city", "210100", "202610", 2, 90),
        ("city", "210200", "202608", 2, 90),
        ("city", "210200", "202609", 2, 90),
        ("city", "210200", "202610", 2, 90),
        ("department", "police", "202608", 2, 70),
        ("department", "police", "202609", 2, 70),
        ("department", "police", "202610", 2, 90),
        ("department", "roads", "202608", 2, 100),
        ("department", "roads", "202609", 2, 60),
        ("department", "roads", "202610", 2, 80),
        ("province", None, "202608", 2, 85),
        ("province", None, "202609", 2, 65),
        ("province", None, "202610", 2, 85),
    ]


def test_a_dataset_counts_from_its_first_hand_over(tmp_path: Path) -> None:
    """Three of four came by August, one in October; a fifth never came and counts as nothing in all months."""
    project = project_of(tmp_path, a=("full", "p"), b=("full", "p"), c=("full", "q"), d=("full", "r"), never=("full", "s"))
    told = history(
        project,
        handed("a", "202512", 0),  # by December one of four had come: the months begin later
        handed("b", "202608", 0),
        handed("c", "202608", 0),
        handed("d", "202610", 0),
    )
    assert [(month, datasets) for scope, _, month, datasets, _ in told if scope == "province"] == [
        ("202608", 4), ("202609", 4), ("202610", 5)
    ]  # fmt: skip
    assert {month for scope, name, month, *_ in told if (scope, name) == ("department", "r")} == {"202610"}
    assert len([1 for scope, name, *_ in told if (scope, name) == ("department", "s")]) == 3


def test_the_newest_month_is_what_is_published(tmp_path: Path) -> None:
    project = project_of(tmp_path, people=("full", "police"), dogs=("full", "city"))
    told = [handed("people", "202608", 3), handed("people", "202609", 1), handed("dogs", "202608", 2)]
    fill(project, batches=[b for b, _ in told], results=[r for _, r in told])
    publish(project)
    _, rows = query(
        project,
        """SELECT count(*), count(*) FILTER (h.ranked = s.ranked AND h.coverage = s.coverage) FROM score_history h
        JOIN scores s ON s.scope = h.scope AND s.level = 'total' AND s.department IS NOT DISTINCT FROM h.department
            AND s.dataset IS NOT DISTINCT FROM h.dataset AND s.unit IS NOT DISTINCT FROM h.unit
        WHERE h.month = '202609'""",
    )
    assert rows == [(5, 5)]


def test_nothing_handed_over_is_no_history(tmp_path: Path) -> None:
    assert history(project_of(tmp_path, people=("full", "police"))) == []


MONTHLY = [{"property": "frequency", "value": 1, "unit": "mo"}, {"property": "latency", "value": 10, "unit": "d"}]


@pytest.mark.parametrize(
    ("sla", "period", "newest", "today", "expected", "due"),
    [
        # October is over on the 31st; ten days later it is due, and late from the day after
        (MONTHLY, "monthly", "202609", date(2026, 11, 10), "202609", date(2026, 11, 10)),
        (MONTHLY, "monthly", "202609", date(2026, 11, 11), "202610", date(2026, 11, 10)),
        (MONTHLY, "monthly", "202609", date(2027, 2, 1), "202612", date(2026, 11, 10)),
        (MONTHLY, "monthly", "202612", date(2026, 11, 11), "202612", date(2027, 2, 10)),
        # records are looked at again within a year: the monthly hand-over does not wait for that
        (
            [MONTHLY[0], {"property": "latency", "value": 12, "unit": "mo"}],
            "monthly",
            "202609",
            date(2026, 12, 2),
            "202610",
            date(2026, 12, 1),
        ),
        # once a year, named by month
        ([{"property": "frequency", "value": 1, "unit": "y"}], "monthly", "202604", date(2027, 4, 30), "202604", date(2027, 4, 30)),
        ([{"property": "frequency", "value": 1, "unit": "y"}], "monthly", "202604", date(2027, 5, 1), "202704", date(2027, 4, 30)),
        # nothing came yet: the contract's first period is awaited
        (MONTHLY, "monthly", None, date(2026, 2, 11), "202601", date(2026, 2, 10)),
        # a day is over at midnight; without a promise the next period is due when it is over
        ([], "daily", "20261031", date(2026, 11, 1), "20261031", date(2026, 11, 1)),
        ([], "daily", "20261031", date(2026, 11, 2), "20261101", date(2026, 11, 1)),
        ([{"property": "latency", "value": 2, "unit": "h"}], "hourly", "2026102423", date(2026, 10, 25), "2026102423", date(2026, 10, 25)),
        ([{"property": "latency", "value": 2, "unit": "h"}], "hourly", "2026102423", date(2026, 10, 26), "2026102521", date(2026, 10, 25)),
    ],
)
def test_what_is_awaited(tmp_path: Path, sla: Any, period: str, newest: str | None, today: date, expected: str, due: date) -> None:
    contract(tmp_path, "people", COLUMNS, sla=sla, period=period)
    (made,) = Project(tmp_path, tmp_path / "data").sources()
    assert awaited(made, newest, today) == (expected, due)
