"""A dataset that is given up: its last hand-over is awaited, and no more; nothing is overdue for ever."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assets.project import Project
from assets.promises import given_up
from expectations.documents import DocumentError
from pipelines.cli import app
from pipelines.freshness import awaited, expected_periods
from pipelines.reports.overview import write_overview
from pipelines.results import connect_results, publish, query

from reports_support import batch, contract, fill  # isort: skip

COLUMNS = [("id", "BH", "编号", "string", 1)]
MONTHLY = [{"property": "frequency", "value": 1, "unit": "mo"}, {"property": "latency", "value": 10, "unit": "d"}]


def until(end: Any) -> list[dict[str, Any]]:
    return [*MONTHLY, {"property": "endOfLife", "value": end}]


def made(root: Path, end: Any) -> Any:
    contract(root, "people", COLUMNS, sla=until(end))
    (only,) = Project(root, root / "data").sources()
    return only


@pytest.mark.parametrize("end", ["2026-10-31", "2026-10-01", "2026-10-15T09:10:00+08:00"])
def test_the_period_of_the_last_day_is_the_last_that_is_due(tmp_path: Path, end: str) -> None:
    people = made(tmp_path, end)
    due = date(2026, 11, 10)
    assert awaited(people, "202609", date(2026, 11, 10)) == ("202609", due)
    assert awaited(people, "202609", date(2027, 6, 1)) == ("202610", due)
    assert awaited(people, "202610", date(2027, 6, 1)) == ("202610", None)
    assert awaited(people, None, date(2027, 6, 1)) == ("202610", date(2026, 2, 10))
    year = expected_periods(people, "202608", date(2026, 7, 1), date(2027, 7, 1))
    assert [period for period, _ in year] == ["202608", "202609", "202610"]


def test_it_is_given_up_when_the_last_hand_over_should_have_come(tmp_path: Path) -> None:
    people = made(tmp_path, "2026-10-31")
    assert [given_up(people, date(2026, 11, day)) for day in (10, 11)] == [False, True]


def test_an_end_that_is_no_date_is_told_with_its_line(tmp_path: Path) -> None:
    people = made(tmp_path, "soon")
    with pytest.raises(DocumentError, match=r"people\.odcs\.yaml:\d+.*endOfLife 'soon' is no date.*2026-03-31"):
        given_up(people, date(2026, 1, 1))


def test_pages_and_commands_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`gone` has all that it ever hands over, `short` lacks its last month, `last` is about to end."""
    contract(tmp_path, "gone", COLUMNS, sla=until("2026-02-28"), title="已停")
    contract(tmp_path, "short", COLUMNS, sla=until("2026-03-31"), title="缺末期")
    contract(tmp_path, "last", COLUMNS, sla=until("2099-12-31"), title="将停")
    project = Project(tmp_path, tmp_path / "data")
    fill(
        project,
        batches=[batch(name, name, period=period) for name, period in (("gone", "202602"), ("short", "202602"), ("last", "209911"))],
    )
    publish(project)
    _, rows = query(project, "SELECT dataset, due, late_days > 0, ended FROM results.freshness ORDER BY dataset")
    assert rows == [
        ("gone", None, False, date(2026, 2, 28)),
        ("last", date(2100, 1, 10), False, date(2099, 12, 31)),
        ("short", date(2026, 4, 10), True, date(2026, 3, 31)),
    ]
    with connect_results(project) as con:
        text = re.sub(r"<[^>]+>", " ", write_overview(con, tmp_path / "overview.html").read_text(encoding="utf-8"))
    states = re.findall(r"(已停|缺末期|将停)\s+公安厅.*?((?:✕ 逾期|将停止|已停止|按时)[^\n]*)", text, re.DOTALL)
    assert [(name, re.sub(r"\d+ 天 days", "n 天 days", said).strip()) for name, said in states] == [
        ("缺末期", "✕ 逾期 n 天 days late"),
        ("已停", "已停止 ended 2026-02-28"),
        ("将停", "将停止 to end 2099-12-31"),
    ]
    monkeypatch.setenv("COLUMNS", "200")
    shown = CliRunner().invoke(app, ["--root", str(tmp_path), "--data", str(tmp_path / "data"), "status"]).output
    assert "止于 ended 2026-02-28" in shown
    assert "2026-04-10" in shown
