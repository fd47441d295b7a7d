"""What changed in a table between two runs, on a table of few rows that two commits wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.lake import open_lake, transaction
from assets.project import Project
from pipelines.lineage.differences import StateError, differences

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: pet
name: pet
version: 1.0.0
status: active
schema:
  - name: pet
    properties:
      - {name: tag, logicalType: string, primaryKey: true, classification: "1"}
      - {name: owner, logicalType: string, classification: "3"}
      - {name: weight, logicalType: integer, classification: "1"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "assets" / "base" / "animals"
    folder.mkdir(parents=True)
    (folder / "pet.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    made = Project(tmp_path, tmp_path / "data")
    with open_lake(made) as con:
        with transaction(con, "run-one", "first"):
            con.execute("CREATE TABLE base.pet (tag VARCHAR, owner VARCHAR, weight BIGINT)")
            con.execute("INSERT INTO base.pet VALUES ('A', '王小明', 3), ('B', '李四', 5), ('C', NULL, 7)")
        with transaction(con, "run-two", "second"):
            con.execute("DELETE FROM base.pet WHERE tag = 'C'")
            con.execute("UPDATE base.pet SET owner = '赵大壮', weight = 4 WHERE tag = 'A'")
            con.execute("INSERT INTO base.pet VALUES ('D', '孙七', 1)")
    return made


def test_rows_that_came_went_and_changed(project: Project) -> None:
    found = differences(project, "base.pet", "run-one", "run-two")
    assert (found.before, found.after, found.came, found.went, found.changed) == (3, 3, 1, 1, 1)
    assert found.columns == {"owner": (1, (("A", "王**", "赵**"),)), "weight": (1, (("A", "3", "4"),))}


def test_a_run_against_itself(project: Project) -> None:
    found = differences(project, "pet", "run-two", "run-two")
    assert (found.came, found.went, found.changed, found.columns) == (0, 0, 0, {})


@pytest.mark.parametrize(
    ("name", "earlier", "said"),
    [
        ("pest", "run-one", "Did you mean 'pet'"),
        ("pet", "run-three", "no run 'run-three'"),
        ("pet", "run-", "beginning of 2 runs"),
        ("pet", "99", "no snapshot 99"),
        ("pet", "0", "was not there"),
    ],
)
def test_what_is_not_there_is_told(project: Project, name: str, earlier: str, said: str) -> None:
    with pytest.raises(StateError, match=said):
        differences(project, name, earlier, "run-two")
