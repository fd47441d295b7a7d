"""`yuanqing suggest` and `profile` over a lake: which rows they see, what they show, and what they say where there is nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assets import evidence
from assets.lake import insert, open_lake, transaction
from assets.project import Project
from assets.std import ensure_std
from pipelines.cli import app
from pipelines.profiling.against import hold
from pipelines.profiling.rows import open_rows

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: register
name: register
version: 1.0.0
status: active
team: {name: 部门, description: Department}
servers: [{server: landing, type: local, path: "register/*.csv", format: csv}]
schema:
  - name: register
    businessName: 登记 <b>
    properties:
      - {name: id, businessName: 号, logicalType: string, primaryKey: true, classification: '2'}
      - {name: name, businessName: 姓名, logicalType: string, classification: '3'}
      - {name: sex, businessName: 性别, logicalType: string, classification: '2', customProperties: [{property: codes, value: sex}]}
      - {name: town, businessName: 镇, logicalType: string, classification: '1'}
      - {name: illness, businessName: 病, logicalType: string, classification: '4'}
      - {name: seen, businessName: 时, logicalType: date, classification: '1'}
customProperties:
  - {property: delivery, value: {mode: full, period: monthly, event: seen}}
"""
runner = CliRunner()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    path = tmp_path / "assets" / "sources" / "office" / "register.odcs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(CONTRACT, encoding="utf-8")
    monkeypatch.setenv("YUANQING_ROOT", str(tmp_path))
    monkeypatch.setenv("YUANQING_DATA", str(tmp_path / "data"))
    return Project(tmp_path, tmp_path / "data")


def deliver(project: Project, batch: str, rows: Sequence[tuple[Any, ...]], *, status: str = "collected", period: str = "202601") -> None:
    with open_lake(project) as con:
        contract = project.contracts["register"]
        ensure_std(con, contract)
        names = ", ".join(c.name for c in contract.columns)
        with transaction(con, "test", batch):
            placed = [[*map(str, row), batch, i] for i, row in enumerate(rows, start=2)]
            insert(con, f"raw.register ({names}, _batch, _row)", placed)
            row = {"batch": batch, "dataset": "register", "unit": "", "period": period, "source": f"{batch}.csv", "status": status}
            evidence.write(con, "batches", [{**row, "rows_raw": len(rows), "received_at": datetime(2026, 1, 1)}])


def rows(n: int = 200) -> list[tuple[Any, ...]]:
    towns, ills = ("甲镇", "乙镇<script>alert(1)</script>", "丙镇"), ("感冒", "高血压")
    made = [
        (f"R{i * 791:06d}", f"张{i % 9}三", "12"[i % 2], towns[i % 3], ills[i % 2], date(2025, 1, 1) + timedelta(days=i)) for i in range(n)
    ]
    made[5] = (*made[5][:2], "李四光", *made[5][3:])  # a cell of another column
    return made


def test_a_dataset_without_a_suite_is_seen_as_it_was_collected(project: Project) -> None:
    deliver(project, "register-202601", rows())
    with open_rows(project, "register") as (con, found):
        assert (found.rows, found.of, found.batches) == (200, 200, ("register-202601",))
        assert con.execute("SELECT count(*), count(seen) FROM profiled").fetchone() == (200, 200)


def test_where_batches_stand_the_newest_alone_are_seen_and_no_more_than_asked(project: Project) -> None:
    deliver(project, "register-202601", rows(50), status="standardised")
    deliver(project, "register-202602", rows(80), status="standardised", period="202602")
    with open_rows(project, "register") as (_, found):
        assert (found.rows, found.batches) == (80, ("register-202602",))
    with open_rows(project, "register", most=10) as (_, found):
        assert found.rows == 80, "a batch is never cut"


def told(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def test_the_draft_on_the_screen_in_a_file_and_as_json(project: Project, tmp_path: Path) -> None:
    deliver(project, "register-202601", rows())
    text = runner.invoke(app, ["suggest", "register"]).stdout
    assert "type: expect_column_values_to_be_unique" in text
    assert "notes:" in text
    assert "张" not in text
    assert "感冒" not in text
    file = tmp_path / "draft.yaml"
    assert "id_unique" in told("suggest", "register", "--output", str(file))
    assert file.read_text(encoding="utf-8") == text
    assert "stays as it is" in told("suggest", "register", "--output", str(file), code=2)
    made = json.loads(told("suggest", "std.register", "--json"))
    assert made["rows"] == 200
    assert made["scans"] >= 5
    assert all(r["fails"] <= made["tolerance"] * r["support"] for r in made["rules"])
    assert {r["id"]: r["fails"] for r in made["rules"]}["sex_code"] == 1


def test_the_page_is_whole_escaped_and_masked(project: Project, tmp_path: Path) -> None:
    deliver(project, "register-202601", rows())
    target = tmp_path / "page.html"
    told("profile", "register", "--output", str(target))
    page = target.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "登记 &lt;b&gt;" in page
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", page), "nothing from elsewhere"
    assert "甲镇" in page
    for hidden in ("张1三", "感冒", "李四光"):
        assert hidden not in page, "a guarded value, or one that few rows bear"
    assert page.count('lang="en"') > 20
    again = tmp_path / "again.html"
    told("profile", "register", "--output", str(again))
    assert again.read_text(encoding="utf-8") == page


def test_what_cannot_be_done_is_said(project: Project) -> None:
    assert "Did you mean 'register'?" in told("suggest", "registr", code=2)
    assert "nothing has been collected yet" in told("suggest", "register", code=2)
    deliver(project, "register-202601", [])
    assert "There is no row of it yet" in told("profile", "register", code=2)
    assert "No dataset is named" in told("suggest", code=2)
    assert "no truth is known" in told("suggest", "--against-truth", code=2)
    told("suggest", "register", "--tolerance", "2", code=2)


def test_recall_and_false_alarms_against_a_truth(project: Project) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = rows()
    table[9] = ("R1", *table[9][1:])  # planted
    table[11] = (*table[11][:5], "2025-02-30")  # not planted: a false alarm
    deliver(project, "register-202601", table)
    base = {"dataset": "register", "source": "register-202601.csv", "period": "202601", "unit": "", "indicator": "0302", "clean": "x"}
    faults = [
        {**base, "row": 11, "column": "id", "kind": "id_short", "effect": "flag", "spoilt": "R1"},
        {**base, "row": 7, "column": "sex", "kind": "sex_word", "effect": "flag", "spoilt": "李四光"},
        {**base, "row": 30, "column": "town", "kind": "town_old", "effect": "flag", "spoilt": "甲镇"},
        {**base, "row": 40, "column": "town", "kind": "town_mended", "effect": "repair", "spoilt": "甲镇 "},
    ]
    path = project.data / "sample" / "truth.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(faults), path)
    report = hold(project)
    held = report.held[0]
    assert held.kinds == {"id_short": (1, 1), "sex_word": (1, 1), "town_old": (1, 0)}
    assert (held.flagged, held.false, held.clean) == (3, 1, 197)
    assert "seen_parses" in held.alarms
    assert report.recall == pytest.approx(2 / 3)
    assert report.precision == pytest.approx(2 / 3)
    assert not report.ok
