"""Publishing: one file, swapped whole, commented, and without anything personal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from assets.project import Project
from pipelines.results import connect_results, publish

from reports_support import batch, contract, fill, raw, result, suite  # isort: skip

ID = "21990119900307123X"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    contract(tmp_path, "people", [("id", "GMSFHM", "身份号码", "string", 3), ("name", "XM", "姓名", "string", 3)])
    suite(
        tmp_path,
        "people",
        [{"id": "id_there", "column": "id", "indicator": "0201", "weight": 2}, {"id": "name_there", "column": "name", "indicator": "0201"}],
    )
    made = Project(tmp_path, tmp_path / "data")
    raw(made, "people", ["id", "name"], [("b", 2, ID, "王小明")])
    fill(
        made,
        batches=[batch("people", "b")],
        results=[result("people", "b", "id_there", 10, 2), result("people", "b", "name_there", 10, 3)],
        rejects=[
            {"batch": "b", "dataset": "people", "row": 9, "lines": 1, "text": f'{ID},"王小明', "reason": "found a quote that never closes"}
        ],
        issues=[{"batch": "b", "dataset": "people", "row": 2, "rule": "id_there"}],
    )
    return made


def test_nothing_published_yet(project: Project) -> None:
    with pytest.raises(FileNotFoundError, match="yuanqing run"):
        connect_results(project)


def test_a_reader_keeps_the_old_file_while_the_new_one_takes_its_place(project: Project) -> None:
    path = publish(project)
    with connect_results(project) as before:
        assert before.execute("SELECT count(*) FROM batches").fetchone() == (1,)
        fill(project, batches=[batch("people", "c", period="202611")])
        assert publish(project) == path
        assert before.execute("SELECT count(*) FROM batches").fetchone() == (1,)
        with connect_results(project) as after:
            assert after.execute("SELECT count(*) FROM batches").fetchone() == (2,)


def test_a_publication_that_fails_leaves_the_old_file(project: Project) -> None:
    path = publish(project)
    old = path.read_bytes()
    (project.expectations / "suites" / "sources" / "police" / "people.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(Exception, match=r"people\.yaml"):
        publish(project)
    assert path.read_bytes() == old
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".results")] == []


def test_every_table_view_and_column_has_a_comment(project: Project) -> None:
    publish(project)
    with connect_results(project) as con:
        assert con.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL").fetchall() == []
        assert con.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal AND comment IS NULL").fetchall() == []
        assert con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL").fetchall() == []


def test_no_full_id_and_no_text_of_a_record_is_published(project: Project) -> None:
    publish(project)
    with connect_results(project) as con:
        names = [n for (n,) in con.execute("SELECT table_name FROM information_schema.tables").fetchall()]
        everything = "\n".join(str(con.execute(f'FROM "{n}"').fetchall()) for n in names)
        assert con.execute("SELECT text, reason FROM rejects").fetchall() == [
            ('******************,"***', "found a quote that never closes")
        ]
    assert ID not in everything
    assert "王小明" not in everything
    assert ID.encode() not in project.results.read_bytes()


def test_the_most_urgent_failing_rule_comes_first(project: Project) -> None:
    """Weight 2 x 2 rows before weight 1 x 3 rows."""
    publish(project)
    with connect_results(project) as con:
        assert con.execute('SELECT rule, "rows", evaluated, urgency FROM failing_rules').fetchall() == [
            ("id_there", 2, 10, 4),
            ("name_there", 3, 10, 3),
        ]


def test_since_when_a_rule_fails(project: Project) -> None:
    """Failed in July, good in August, failing again from September to October: since September."""
    outcomes = {"202607": 1, "202608": 0, "202609": 1}
    fill(
        project,
        batches=[batch("people", p, period=p) for p in outcomes],
        results=[result("people", p, "id_there", 10, n) for p, n in outcomes.items()],
    )
    publish(project)
    with connect_results(project) as con:
        assert con.execute("SELECT since FROM failing_rules WHERE rule = 'id_there'").fetchone() == ("202609",)


def test_what_a_later_check_put_right_is_listed_no_more(project: Project) -> None:
    later = datetime(2026, 11, 2)
    fill(
        project,
        results=[
            result("people", "b", "id_there", 10, 0, checked_at=later),
            result("people", "b", "name_there", 10, 0, outcome="not_assessable", checked_at=datetime(2026, 11, 1, 12)),
            result("people", "b", "name_there", 10, 1, checked_at=later),
        ],
    )
    publish(project)
    with connect_results(project) as con:
        assert con.execute("SELECT rule, outcome, unexpected FROM standing_results ORDER BY rule").fetchall() == [
            ("id_there", "passed", 0),
            ("name_there", "failed", 1),
        ]
        assert con.execute("SELECT count(*) FROM not_assessable").fetchone() == (0,)
        assert con.execute('SELECT rule, "rows" FROM failing_rules').fetchall() == [("name_there", 1)]
