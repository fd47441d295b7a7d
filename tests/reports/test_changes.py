"""What a department's page says has changed since last month, on hand-overs of three months beside what is expected of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assets.project import Project
from pipelines.reports.changes import changes
from pipelines.reports.department import write_department
from pipelines.results import connect_results, publish

from reports_support import batch, contract, fill, result, suite  # isort: skip

RULES = ("a", "b", "c", "d", "e")
Told = Callable[..., Any]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """Publishes `people` (one dataset of the police) with such hand-overs, and gives what has changed."""

    def make(*batches: tuple[str, str, dict[str, int]], waive: str = "", refused: tuple[str, ...] = (), **delivery: Any) -> Any:
        contract(tmp_path, "people", [("id", "ID", "身份号码", "string", 3)], title="人口", **delivery)
        suite(tmp_path, "people", [{"id": r, "column": "id", "indicator": "0201", "title": f"规则{r}"} for r in RULES])
        if waive:
            text = f"{{dataset: people, rule: {waive}, reason: 试, officer: 王某, valid_from: 2020-01-01, until: 2999-12-31}}"
            (tmp_path / "expectations" / "waivers.yaml").write_text(f"waivers:\n  - {text}\n", encoding="utf-8")
        project = Project(tmp_path, tmp_path / "data")
        names = [f"{period}-{unit}" for period, unit, _ in batches]
        fill(
            project,
            batches=[
                *(batch("people", n, unit=unit, period=period, rows=100) for n, (period, unit, _) in zip(names, batches, strict=True)),
                *(batch("people", f"no-{period}", period=period, status="refused", rows_raw=None) for period in refused),
            ],
            results=[
                result("people", n, rule, 100, unexpected)
                for n, (*_, found) in zip(names, batches, strict=True)
                for rule, unexpected in found.items()
            ],
        )
        publish(project)
        with connect_results(project) as results:
            write_department(results, "police", tmp_path / "page.html")
            return changes(results, "police")

    return make


def rules(found: Any, kind: str) -> list[tuple[str, int, int]]:
    return [(r["rule"], r["rows_before"], r["rows"]) for r in found[kind]]


def test_each_kind_of_change(told: Told, tmp_path: Path) -> None:
    found = told(
        ("202608", "", {"a": 50, "b": 50}),
        ("202609", "", {"a": 0, "b": 3, "c": 5, "d": 9, "e": 2}),
        ("202610", "", {"a": 4, "b": 0, "c": 8, "d": 1, "e": 2}),
        refused=("202610", "202609"),
    )
    kinds = {kind: rules(found, kind) for kind in ("failing", "mended", "more", "fewer")}
    assert kinds == {"failing": [("a", 0, 4)], "mended": [("b", 3, 0)], "more": [("c", 5, 8)], "fewer": [("d", 9, 1)]}
    assert (found["counts"]["same"], found["rows_before"], found["rows"]) == (1, 19, 15)
    (dataset,) = found["datasets"]
    assert {k: dataset[k] for k in ("month_before", "month", "accepted", "refused")} == {
        "month_before": "202609", "month": "202610", "accepted": 1, "refused": 1,
    }  # fmt: skip
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<section id="changes">' in page
    assert page.index("新不达标") < page.index("规则a</a>") < page.index("已改好 1")


def test_a_unit_that_handed_nothing_over_stands_on_both_sides(told: Told) -> None:
    found = told(("202609", "A", {"a": 3}), ("202609", "B", {"a": 2}), ("202610", "A", {"a": 0}))
    assert rules(found, "fewer") == [("a", 5, 2)]


def test_a_rule_that_was_not_judged_then_is_told_as_such(told: Told) -> None:
    (rule,) = told(("202609", "", {"a": 0}), ("202610", "", {"a": 0, "b": 7}))["failing"]
    assert (rule["rule"], rule["judged_before"], rule["rows"]) == ("b", 0, 7)


def test_days_are_held_against_the_days_up_to_the_end_of_last_month(told: Told) -> None:
    found = told(
        ("20260829", "", {"a": 100}),  # more than 31 days before the last of September
        ("20260901", "", {"a": 1}),
        ("20260930", "", {"a": 2}),
        ("20261001", "", {"a": 4}),
        ("20261015", "", {"a": 8}),
        mode="delta", period="daily", start="2026-01-01",
    )  # fmt: skip
    # Then: September's days. Now: the 31 days up to 15 October, so from 15 September on.
    assert rules(found, "more") == [("a", 3, 14)]


def test_what_is_waived_is_on_neither_side(told: Told) -> None:
    found = told(("202609", "", {"a": 3, "b": 1}), ("202610", "", {"a": 9, "b": 1}), waive="a")
    assert (found["more"], found["counts"]["same"], found["rows_before"], found["rows"]) == ([], 1, 1, 1)


def test_a_first_month_has_nothing_to_be_compared_with(told: Told, tmp_path: Path) -> None:
    assert told(("202610", "", {"a": 3})) is None
    assert 'id="changes"' not in (tmp_path / "page.html").read_text(encoding="utf-8")
