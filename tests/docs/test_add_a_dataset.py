"""The ten-minute page does what it says: its own blocks, copied as they stand, make a dataset and a table."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from assets.project import Project
from pipelines.commands.doctor import findings
from pipelines.querying import query
from pipelines.run import run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-dataset.md"
FILES = re.compile(r"`((?:assets|expectations)/[\w/.]+\.(?:yaml|sql))`.*?```\w+\n(.*?)```", re.DOTALL)


def test_the_page_works_to_the_letter(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = FILES.findall(text)
    assert len(blocks) == 4
    for name, content in blocks:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    shell = [line for line in text.splitlines() if line.startswith(("mkdir ", "printf "))]
    subprocess.run(["bash", "-ec", "\n".join(shell)], cwd=tmp_path, check=True)
    landed = next((tmp_path / "data" / "landing" / "school").iterdir())
    os.utime(landed, (1_790_000_000, 1_790_000_000))
    project = Project.at(tmp_path, tmp_path / "data")

    summary = run(project, ["school"])

    assert (summary.undone, summary.exit_code, summary.batches["school"]["rows"]) == ([], 0, 4)
    flagged = query(project, "SELECT school_code, _failed FROM std.school ORDER BY _row")[1]
    assert [tuple(row) for row in flagged] == [
        ("2121000001", None),
        ("21210002", ["code_form"]),
        ("2121000004", ["county_known", "pupils_plausible"]),
    ]
    assert query(project, "SELECT name, _failed FROM quarantine.school")[1] == [("示例三小", ["code_present"])]
    assert query(project, "SELECT schools, pupils FROM thematic.school_by_county ORDER BY county")[1] == [(2, 1760), (1, -5)]
    assert (project.reports / "education" / "index.html").exists()

    remove = [line for line in text.splitlines() if line.startswith("rm ")]
    subprocess.run(["bash", "-ec", "\n".join(remove)], cwd=tmp_path, check=True)
    assert not [name for name, _ in blocks if (tmp_path / name).exists()]
    assert not landed.exists()
    found = {what: (well, text) for what, well, text, _ in findings(Project.at(tmp_path, tmp_path / "data"))}
    assert found["lake"] == (True, "1 batches, 4 rows")
    assert not found["names"][0]
    assert found["names"][1].startswith("school: 4 rows stand in the lake, and no contract has this name.")
