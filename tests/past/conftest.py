"""A project that has published twice, and was changed between: another suite, waiver, standard, code table, contract and model."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_support import hand_over, make_tiny

from assets.project import CODE, Project
from pipelines.run import run

WAIVER = "waivers:\n  - {dataset: pet, rule: born_present, reason: 试, officer: 王某, valid_from: 2020-01-01, until: 2999-12-31}\n"


@dataclass(frozen=True)
class Twice:
    """`saved` is a copy of the reports as the first run left them."""

    project: Project
    first: str
    second: str
    collected: str
    saved: Path

    def at(self, root: Path) -> Project:
        """A copy to be changed."""
        shutil.copytree(self.project.root, root)
        return Project(root, root / "data")


@pytest.fixture(scope="session")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Twice:
    root = tmp_path_factory.mktemp("past") / "project"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.run.seconds_to_settle", lambda project: 0.0)
        patch.setenv("YUANQING_REPORTS_URL", "http://reports.example")
        project = make_tiny(root, suited=True)
        hand_over(project, "202608", "犬牌,出生日期\r\nA1,2020-01-02\r\n,2021-03-04\r\nA3,\r\nA4,\r\n")
        first = run(project)
        saved = root.parent / "saved"
        shutil.copytree(project.reports, saved)
        _change(root)
        patch.setenv("YUANQING_REPORTS_URL", "http://elsewhere.example")
        project = Project(root, root / "data")
        hand_over(project, "202609", "犬牌,出生日期\r\nA1,2020-01-02\r\nA5,\r\n")
        second = run(project)
    assert first.undone == second.undone == []
    return Twice(project, first.runs[-1].run_id, second.runs[-1].run_id, first.runs[0].run_id, saved)


def _change(root: Path) -> None:
    """Everything that a report says of the data besides the data itself."""

    def edit(path: str, old: str, new: str) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new), encoding="utf-8")

    edit("expectations/suites/sources/city/pet.yaml", "犬牌必填", "犬牌不可空")
    edit("assets/sources/city/pet.odcs.yaml", "犬只登记", "犬只登记簿")
    edit("assets/base/animal/animal.sql", "std.pet AS p", "std.pet AS p WHERE p.tag <> 'A3'")
    (root / "expectations" / "waivers.yaml").write_text(WAIVER, encoding="utf-8")
    (root / "expectations" / "codes").mkdir()
    for name, old, new in (("standard.yaml", "zh: 优", "zh: 上等"), ("codes/division.csv", "沈阳市", "盛京市")):
        text = (CODE / "expectations" / name).read_text(encoding="utf-8")
        assert old in text
        (root / "expectations" / name).write_text(text.replace(old, new), encoding="utf-8")
    (root / "assets" / "thematic" / "city" / "dogs.sql").unlink()
    (root / "assets" / "thematic" / "city" / "dogs.odcs.yaml").unlink()
