"""The questions of the README are asked as they stand there, of a lake where one dead person, one shop and one child are amiss."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from standing_support import put

from assets.lake import open_lake
from assets.models import build, create_views
from assets.project import Project
from pipelines.querying import query
from pipelines.results import publish

ROOT = Path(__file__).resolve().parents[2]
ASKED = re.compile(r'```\nyuanqing sql "(.*?)"\n```', re.DOTALL)
MOTHER, DEAD = "219901199001010021", "219901194001010018"
ROWS: dict[str, list[dict[str, Any]]] = {
    "population_register": [{"id_number": MOTHER, "name": "王示例", "household_no": "H1", "birth_date": "1990-01-01", "dead": "0"}],
    "death_certificate": [{"cert_no": "D1", "id_number": DEAD, "id_type": "111", "name": "李示例", "died_at": "2026-05-03 08:00:00"}],
    "cremation": [],
    "subsistence_allowance": [{"card_no": "C1", "member_id": DEAD, "member_name": "李示例", "kind": "01"}],
    "birth_certificate": [
        {"cert_no": "P210000001", "child_name": "王小例", "mother_id": MOTHER, "born_at": "2026-06-07 09:00:00", "hospital": "示例医院"}
    ],
    "market_entity": [{"entity_key": "1", "uscc": "91210100MA0000001A", "name": "示例饭店", "state": "4", "end_date": "2026-02-01"}],
    "food_licence": [{"licence_no": "JY1", "uscc_or_id": "91210100MA0000001A", "state": "1", "valid_to": "2030-01-01"}],
}
"""Rows that stand, by dataset. Everything was handed over at the end of October 2026."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(ROOT, tmp_path_factory.mktemp("saved"))
    with open_lake(made) as con:
        create_views(con, made)
        for dataset, rows in ROWS.items():
            put(con, made.contracts[dataset], rows, batch=f"{dataset}-202610", received=datetime(2026, 11, 2))
        for name in ("legal_entity", "disagreement"):
            build(con, made, made.contracts[name], "run")
    publish(made)
    return made


def questions(readme: str) -> list[str]:
    return [sql for sql in ASKED.findall((ROOT / readme).read_text(encoding="utf-8")) if "d.check" in sql]


def test_both_languages_ask_the_same() -> None:
    assert len(questions("README.md")) == 3
    assert questions("README.zh-CN.md") == questions("README.md")


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (0, ("辽宁省民政厅", "2026-05-01", 1, 1)),
        (1, ("91210100MA0000001A", "示例饭店", "2026-02-01", "食品经营许可", 1, "2026-03-03")),
        (2, ("示例医院", "2026-06-01", "P210****01", "王**", "2199************21", True)),
    ],
)
def test_each_question_has_its_answer(project: Project, number: int, answer: tuple[Any, ...]) -> None:
    found = query(project, questions("README.md")[number])[1]

    assert [tuple(str(v) if hasattr(v, "isoformat") else v for v in row) for row in found] == [answer]
