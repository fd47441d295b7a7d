"""What may be asked, and how much of the answer is shown."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from assets.lake import open_lake
from assets.project import Project
from pipelines.results import QueryError, as_objects, publish, query

from reports_support import batch, contract, fill, raw, result, suite  # isort: skip

ID, NAME = "21990119900307123X", "王小明"
HIDDEN = "2199************3X"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    columns = [
        ("id", "GMSFHM", "身份号码", "string", 3),
        ("name", "XM", "姓名", "string", 3),
        ("sex", "XB", "性别", "string", 2),
        ("dead", "SW", "死亡", "string", 4),
    ]
    contract(root, "people", columns)
    suite(root, "people", [{"id": "id_there", "column": "id", "indicator": "0201"}])
    contract(root, "air", [("station", "Z", "站点", "string", 1), ("value", "V", "值", "number", 1)], title="空气")
    made = Project(root, root / "data")
    fill(
        made,
        batches=[batch("people", "b", rows=2)],
        results=[result("people", "b", "id_there", 2, 0)],
        rejects=[{"batch": "b", "dataset": "people", "row": 9, "text": f"{ID},{NAME}"}],
    )
    raw(made, "people", ["id", "name", "sex", "dead"], [("b", 2, ID, NAME, "1", "0"), ("b", 3, None, "李四", "2", "0")])
    raw(made, "air", ["station", "value"], [("a", 1, "沈阳01", "57")])
    with open_lake(made) as con:
        con.execute("CREATE VIEW std.people AS SELECT id, name, sex, dead, _batch, _row FROM raw.people")
    publish(made)
    return made


REFUSED = [
    ("INSERT INTO raw.people SELECT * FROM raw.people", "INSERT is refused"),
    ("DELETE FROM raw.people", "DELETE is refused"),
    ("UPDATE raw.people SET sex = '1'", "UPDATE is refused"),
    ("DROP TABLE raw.people", "DROP is refused"),
    ("CREATE TABLE memory.main.x AS SELECT 1", "CREATE is refused"),
    ("COPY raw.people TO '/tmp/x.csv'", "COPY is refused"),
    ("COPY (SELECT 1) TO '/tmp/x.csv'", "COPY is refused"),
    ("ATTACH '/tmp/x.duckdb'", "ATTACH is refused"),
    ("SET memory_limit = '1GB'", "SET is refused"),
    ("PRAGMA version", "PRAGMA is refused"),
    ("CALL ducklake_snapshots('lake')", "refused"),
    ("INSTALL httpfs", "refused"),
    ("LOAD httpfs", "refused"),
    ("EXPORT DATABASE '/tmp/x'", "not SQL"),
    ("SUMMARIZE raw.people", "SUMMARIZE is refused"),
    ("SELECT 1; SELECT 2", "2 statements"),
    ("SELECT 1; DROP TABLE raw.people", "2 statements"),
    ("", "0 statements"),
    ("SELECT * FROM read_csv('/etc/passwd')", "refused"),
    ("SELECT * FROM read_text('/etc/passwd')", "refused"),
    ("SELECT * FROM '/etc/passwd'", "no table"),
    ("SELECT * FROM 'x.parquet'", "no table"),
    ("SELECT * FROM glob('/*')", "refused"),
    ("SELECT * FROM query('DROP TABLE raw.people')", "refused"),
    ("SELECT * FROM query_table('raw.people')", "refused"),
    ("SELECT * FROM sqlite_scan('x', 'y')", "refused"),
    ("WITH a AS (SELECT * FROM read_parquet('x')) SELECT * FROM a", "refused"),
    ("SELECT (SELECT count(*) FROM read_csv('/etc/passwd'))", "refused"),
    ("SELECT * FROM __ducklake_metadata_lake.main.ducklake_snapshot", "no table"),
    ("SELEC 1", "not SQL at line 1, column 7"),
    ("SELECT * FROM raw.", "not SQL at line 1"),
    ("SELECT * FROM raw.poeple", "Did you mean 'raw.people'"),
    ("SELECT nmae FROM raw.people", "name"),
]


@pytest.mark.parametrize(("sql", "says"), REFUSED, ids=[sql for sql, _ in REFUSED])
def test_refused(project: Project, sql: str, says: str) -> None:
    with pytest.raises(QueryError) as error:
        query(project, sql)
    assert says in str(error.value)


def test_the_engine_holds_where_the_guard_would_not(project: Project) -> None:
    import duckdb

    from pipelines.querying import connect

    with connect(project) as con:
        for sql in ("SELECT * FROM read_csv('/etc/passwd')", "COPY (SELECT 1) TO '/tmp/yuanqing-x.csv'", "ATTACH '/tmp/yuanqing-x.duckdb'"):
            with pytest.raises(duckdb.PermissionException):
                con.execute(sql)
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            con.execute("DELETE FROM raw.people")
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            con.execute("SET enable_external_access = true")


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT id, sex FROM raw.people ORDER BY _row", [(HIDDEN, "1"), (None, "2")]),
        ("SELECT * FROM std.people WHERE _row = 2", [(HIDDEN, "王**", "1", "***", "b", 2)]),
        ("FROM std.people SELECT id WHERE _row = 2", [(HIDDEN,)]),
        ("SELECT upper(id) || sex AS x FROM raw.people WHERE _row = 2", [("2199*************X1",)]),
        ("SELECT min(name) AS n, count(DISTINCT id) AS c, count(*) AS k FROM raw.people", [("李*", 1, 2)]),
        ("WITH p AS (SELECT id AS x, sex FROM raw.people) SELECT x, q.sex FROM p JOIN p AS q USING (x)", [(HIDDEN, "1")]),
        ("SELECT sex AS s FROM raw.people WHERE _row = 2 UNION ALL SELECT id FROM raw.people WHERE _row = 2", [("*",), (HIDDEN,)]),
        ("SELECT CASE WHEN id IS NULL THEN 'none' ELSE 'some' END AS s FROM raw.people ORDER BY _row", [("some",), ("none",)]),
        ("SELECT (SELECT max(name) FROM raw.people) AS n, sex FROM raw.people WHERE _row = 3", [("王**", "2")]),
        ("SELECT sex, list(id) AS ids FROM raw.people WHERE _row = 2 GROUP BY ALL", [("1", "***")]),
        ("SELECT id = '21990119900307123X' AS is_it FROM raw.people WHERE _row = 2", [(True,)]),
        ("SELECT p FROM raw.people AS p WHERE _row = 2", [("***",)]),
        ("SELECT COLUMNS('id|sex') FROM raw.people WHERE _row = 2", [("***", "***")]),
        ("SELECT text FROM evidence.rejects", [("***",)]),
        ("SELECT text FROM results.rejects", [("******************,***",)]),
        ("SELECT station, value FROM raw.air", [("沈阳01", "57")]),
        ("SELECT a.station, p.name FROM raw.air AS a CROSS JOIN raw.people AS p WHERE p._row = 2", [("沈阳01", "王**")]),
        ("SELECT r.rule, s.department FROM results.results AS r JOIN evidence.batches AS s USING (batch)", [("id_there", "police")]),
        ("SELECT s.unit, p.name FROM standing AS s JOIN raw.people AS p ON p._batch = s.batch WHERE p._row = 2", [("", "王**")]),
        ("SELECT i FROM range(2) AS t(i)", [(0,), (1,)]),
        ("VALUES (1, 'a')", [(1, "a")]),
    ],
)
def test_answers_are_masked_as_the_contract_says(project: Project, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert query(project, sql)[1] == rows


def test_the_owner_may_ask_for_the_whole(project: Project) -> None:
    assert query(project, "SELECT id, name FROM std.people WHERE _row = 2", unmasked=True) == (["id", "name"], [(ID, NAME)])


def test_describe_and_show(project: Project) -> None:
    assert [r[0] for r in query(project, "DESCRIBE std.people")[1]] == ["id", "name", "sex", "dead", "_batch", "_row"]
    assert ("raw.people", "登记 people") in query(project, "SHOW TABLES")[1]


def test_nothing_collected_yet(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    with pytest.raises(FileNotFoundError, match="yuanqing run"):
        query(Project(tmp_path, tmp_path / "data"), "SELECT 1")


def test_objects_for_json() -> None:
    rows = [(date(2026, 10, 1), datetime(2026, 10, 1, 8), Decimal("1.50"), float("nan"), [date(2026, 1, 1)])]
    assert as_objects(["a", "b", "c", "c", "d"], rows) == [
        {"a": "2026-10-01", "b": "2026-10-01T08:00:00", "c": 1.5, "c_1": None, "d": ["2026-01-01"]}
    ]
