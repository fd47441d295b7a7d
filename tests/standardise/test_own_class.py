"""A class that a user puts into `expectations/custom/` judges the next hand-over, without another line of Python."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from assets.project import Project
from pipelines.querying import query
from pipelines.run import run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-dataset.md"
FILES = re.compile(r"`((?:assets|expectations)/[\w/.]+\.(?:yaml|sql))`.*?```\w+\n(.*?)```", re.DOTALL)
CLASS = """
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics import ColumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import column_condition_partial


class EvenEnd(ColumnMapMetricProvider):
    condition_metric_name = "column_values.even_end"

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column, **kwargs):
        return column.map(lambda v: v[-1] in "02468").astype(bool)


class ExpectColumnValuesToEndEven(ColumnMapExpectation):
    map_metric = "column_values.even_end"
"""
RULE = """
  - type: expect_column_values_to_end_even
    kwargs: {column: school_code}
    severity: warning
    meta: {id: even_end, indicator: "0104", title: {zh: 末位为偶数, en: The last digit is even}, remedy: {zh: 改, en: mend}}
"""


def test_a_class_of_ones_own_judges_the_next_hand_over(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, content in FILES.findall(text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + (RULE if name.startswith("expectations/suites/sources") else ""), encoding="utf-8")
    custom = tmp_path / "expectations" / "custom" / "mine.py"
    custom.parent.mkdir(parents=True)
    custom.write_text(CLASS, encoding="utf-8")
    shell = [line for line in text.splitlines() if line.startswith(("mkdir ", "printf "))]
    subprocess.run(["bash", "-ec", "\n".join(shell)], cwd=tmp_path, check=True)
    os.utime(next((tmp_path / "data" / "landing" / "school").iterdir()), (1_790_000_000, 1_790_000_000))
    project = Project.at(tmp_path, tmp_path / "data")

    summary = run(project, ["school"])

    assert summary.undone == []
    flagged = query(project, "SELECT school_code FROM std.school WHERE list_contains(_failed, 'even_end') ORDER BY 1")[1]
    assert [tuple(row) for row in flagged] == [("2121000001",)]
    [(outcome, note)] = query(project, "SELECT outcome, note FROM evidence.results WHERE rule = 'even_end'")[1]
    assert (outcome, "judged by Great Expectations on pandas" in note) == ("failed", True)
    page = (project.reports / "education" / "index.html").read_text(encoding="utf-8")
    assert "由 Great Expectations 在 pandas 上判定" in page
