"""What a workbook claims is written into the journal, once."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assets.project import Project
from pipelines.cli import app
from pipelines.results import connect_results, publish
from pipelines.workbooks import opening
from pipelines.workbooks.reading import read_workbook
from pipelines.workbooks.taking import take

from reports_support import fill  # isort: skip
from workbook_support import FIVE, ONE, THREE, TWO, Acts, Clerk, sent  # isort: skip


def written(project: Project) -> list[tuple[str, str, tuple[str, ...], str]]:
    from pipelines.journal import entries

    said = entries(project, "claim", "dispute")
    return [(e.what, e.content["rule"], tuple(e.content["tickets"]), e.why.partition("（")[0][:3]) for e in said]


def test_claims_go_into_the_journal_once(project: Project, clerk: Clerk, tmp_path: Path, acts: Acts) -> None:
    clerk.answer(0, "已整改")
    clerk.answer(3, "有异议", "可空")
    path = clerk.save(tmp_path / "police.xlsx")
    assert take(project, read_workbook(project, path), "张三") == 3
    once = [("claim", "id_valid", (ONE,), "工作簿"), ("claim", "note_plain", (TWO,), "工作簿"), ("dispute", "note_plain", (FIVE,), "可空")]
    assert written(project) == once
    again = read_workbook(project, path)
    assert take(project, again, "张三") == 0
    assert written(project) == once
    assert again.counts["said"] == 3


def test_what_died_half_way_is_finished_at_the_next_reading(project: Project, clerk: Clerk, tmp_path: Path, acts: Acts) -> None:
    clerk.answer(0, "已整改")
    path = clerk.save(tmp_path / "police.xlsx")
    acts.refused = {TWO}
    reading = read_workbook(project, path)
    assert take(project, reading, "张三") == 1
    assert (reading.counts["not_now"], reading.refused) == (1, 1)
    acts.refused = set()
    assert take(project, read_workbook(project, path), "张三") == 1
    assert [tickets for _, _, tickets, _ in written(project)] == [(ONE,), (TWO,)]


def test_a_claim_moves_the_issue(made: Project, tmp_path: Path) -> None:
    """The whole way: evidence, results, workbook, journal, and the results again."""
    root = tmp_path / "project"
    shutil.copytree(made.root, root)
    project = Project(root, root / "data")
    at = datetime(2026, 11, 1, 10)
    known = {"dataset": "people", "unit": "", "department": "police", "found_by": "key", "first_batch": "a", "first_period": "202610",
        "first_at": at, "last_batch": "a", "last_period": "202610", "last_at": at, "times": 1, "reopened": 0,
        "outcome": "open"}  # fmt: skip
    fill(project, tickets=[known | {"ticket": t, "rule": r, "last_row": n} for t, r, n in ((ONE, "id_valid", 2), (THREE, "id_valid", 5))])
    publish(project)
    clerk = Clerk(sent(project, tmp_path / "out"))
    clerk.answer(0, "已整改")
    clerk.answer(1, "有异议", "没有错")
    assert take(project, read_workbook(project, clerk.save(tmp_path / "police.xlsx")), "张三") == 2
    publish(project)
    with connect_results(project) as results:
        found = results.execute("SELECT ticket, state FROM tickets ORDER BY ticket").fetchall()
    assert found == [(ONE, "mended"), (THREE, "disputed")]


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["workbook", "read", *words])


def test_the_command(project: Project, clerk: Clerk, tmp_path: Path, acts: Acts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANQING_ROOT", str(project.root))
    monkeypatch.setenv("YUANQING_DATA", str(project.data))
    clerk.answer(0, "已整改")
    clerk.answer(1, "有异议")
    path = str(clerk.save(tmp_path / "police.xlsx"))
    looked = run(path, "--dry-run", "--json")
    assert looked.exit_code == 1  # a dispute without reason was not taken
    assert {k: json.loads(looked.stdout)[k] for k in ("taken", "department", "counts")} == {
        "taken": 0, "department": "police", "counts": {"no_reason": 1},
    }  # fmt: skip
    assert written(project) == []
    assert "--who" in run(path).stderr
    done = run(path, "--who", "张三")
    for words in ("已整改 mended", "号码有效 id_valid holds", "有异议但没写理由", "J4", "已记 2 条 taken"):
        assert words in done.stdout
    assert len(written(project)) == 2


def test_a_workbook_of_many_rows(tmp_path: Path) -> None:
    """What the scan says of a sheet is the same however it is cut into chunks."""
    whole = b"".join(
        b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>x</t></is></c><c r="C%d"><f>1+1</f><v>2</v></c><c r="Z%d" s="3"/></row>'
        % (n, n, n, n)
        for n in range(1, 300)
    )
    for size in (7, 64, 1000, 1 << 20):
        scan = opening._Scan("x")
        for at in range(0, len(whole), size):
            scan.feed(whole[at : at + size])
        assert scan.end() == [f"C{n}" for n in range(1, 300)]
        assert (scan.rows, sorted(scan.columns)) == (299, [b"A", b"C"])
