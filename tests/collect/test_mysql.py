"""Tables over the MySQL protocol: values as the text that came, hand-overs by change time, batch number and period, and whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from assets.collect import collect
from assets.project import Project
from sample_data.mysql_server import MySQLServer

SERVER = {"server": "insurance", "type": "mysql", "host": "nowhere.invalid", "port": 3306, "database": "sample"}


@pytest.fixture(scope="module")
def mysql() -> Iterator[MySQLServer]:
    with MySQLServer() as server:
        yield server


@pytest.fixture
def table(desk, make_column, mysql, monkeypatch) -> Any:
    def declare(mode: str = "delta", **options: Any) -> None:
        desk.contract(
            [make_column("id", "grbh", key=True, required=True), make_column("name", "xm"), make_column("op", "cd_operation")],
            server=SERVER,
            delivery={"mode": mode, "pattern": None},
            options={"table": "cbry", **options},
        )

    desk.declare = declare
    desk.mysql = mysql
    monkeypatch.setenv("YUANQING_CONNECTION_INSURANCE", mysql.dsn)
    return desk


def test_values_are_the_text_that_the_protocol_carries(table):
    table.declare(changedBy="xgsj")
    table.mysql.load(
        "cbry",
        """SELECT * FROM (VALUES
        ('007', '𠮷田"雷', 18446744073709551615::UBIGINT, 12.50::DECIMAL(20, 2), '0000-00-00',
            TIMESTAMP '2026-10-02 08:00:00', '\\xAB'::BLOB),
        ('008', '', NULL, 123456789012345678.10, '2026-02-30', TIMESTAMP '2026-10-01 08:00:00', NULL),
        ('009', 'a\\b''c', 0, NULL, NULL, TIMESTAMP '2026-10-02 08:00:00', NULL)) t(grbh, xm, bh, je, csrq, xgsj, bz)""",
        {"csrq": "DATE"},
    )
    [batch] = table.collect().batches
    assert table.raw("id, name, _extra, _row") == [
        ("008", "", '{"bh":null,"je":"123456789012345678.10","csrq":"2026-02-30","xgsj":"2026-10-01 08:00:00","bz":null}', 1),
        ("007", '𠮷田"雷', '{"bh":"18446744073709551615","je":"12.50","csrq":"0000-00-00","xgsj":"2026-10-02 08:00:00","bz":"0xab"}', 2),
        ("009", "a\\b'c", '{"bh":"0","je":null,"csrq":null,"xgsj":"2026-10-02 08:00:00","bz":null}', 3),
    ]
    assert (batch["watermark"], batch["period"], batch["source"]) == ("2026-10-02 08:00:00", "202610", "insurance: sample.cbry")
    assert table.collect().batches == []
    table.mysql.run("UPDATE cbry SET xm = '新', xgsj = TIMESTAMP '2026-11-01 00:00:01' WHERE grbh = '009'")
    [batch] = table.collect().batches
    assert (batch["rows_raw"], batch["period"]) == (1, "202611")


def test_changes_to_come_wait_and_are_counted(table):
    table.declare(changedBy="xgsj")
    table.mysql.load(
        "cbry",
        "SELECT * FROM (VALUES ('1', TIMESTAMP '2026-10-02'), ('2', TIMESTAMP '2999-01-01'), ('3', NULL)) t(grbh, xgsj)",
    )
    [batch] = table.collect().batches
    assert table.raw("id") == [("1",)]
    assert "1 rows of the source have no xgsj" in batch["reason"]
    assert "1 rows of the source have a xgsj in the future" in batch["reason"]


FLAGGED = """SELECT * FROM (VALUES
('1', '张', 'I', 9, TIMESTAMP '2026-09-30 23:00:00'), ('2', '李', 'I', 9, TIMESTAMP '2026-09-30 22:00:00'),
('1', '张三', 'U', 10, TIMESTAMP '2026-10-01 01:00:00'), ('1', NULL, 'D', 10, TIMESTAMP '2026-10-01 02:00:00'))
t(grbh, xm, cd_operation, cd_batch, cd_time)"""


def test_each_batch_number_of_flagged_rows_is_a_hand_over(table):
    table.declare(batchBy="cd_batch", timeBy="cd_time")
    table.mysql.load("cbry", FLAGGED)
    first, second = table.collect().batches
    assert [(b["watermark"], b["period"], b["rows_raw"]) for b in (first, second)] == [("9", "202609", 2), ("10", "202610", 2)]
    assert table.sql("SELECT id, name, op, _row FROM raw.people ORDER BY json_extract_string(_extra, '$.cd_time')") == [
        ("2", "李", "I", 1),
        ("1", "张", "I", 2),
        ("1", "张三", "U", 1),
        ("1", None, "D", 2),
    ]
    assert table.collect().batches == []
    # A number that comes late, and one whose last row is too fresh to be the last.
    table.mysql.run("INSERT INTO cbry VALUES ('5', '王', 'I', 8, '2026-09-29'), ('6', '赵', 'I', 11, now()::TIMESTAMP)")
    [late] = table.collect().batches
    assert (late["watermark"], late["rows_raw"]) == ("8", 1)


def test_each_period_of_a_history_table_is_a_full_hand_over(table):
    table.declare(mode="full", periodBy="zq")
    table.mysql.load("cbry", "SELECT * FROM (VALUES ('1', 202609), ('2', 202609), ('1', 202610), ('9', 202512), ('9', 299901)) t(grbh, zq)")
    outcome = table.collect()
    done = {b["period"]: (b["status"], b["records"]) for b in outcome.batches}
    assert done == {"202609": ("collected", 2), "202610": ("collected", 1), "299901": ("refused", None)}
    assert "has not begun yet" in next(b["reason"] for b in outcome.batches if b["status"] == "refused")
    assert [b["status"] for b in table.collect().batches] == ["refused"]


def test_a_full_table_is_read_whole_once_a_period(table):
    table.declare(mode="full")
    table.mysql.load("cbry", "SELECT i::VARCHAR AS grbh, '名' || i AS xm FROM range(12345) t(i)")
    [batch] = table.collect().batches
    assert (batch["rows_raw"], batch["lines"]) == (12_345, 12_345)
    assert table.sql("SELECT count(DISTINCT id), max(_row) FROM raw.people") == [(12_345, 12_345)]
    assert table.collect().batches == []


@pytest.mark.parametrize(
    ("dsn", "options", "words"),
    [
        ("mysql://reader:geheim@127.0.0.1:1/sample", {}, "cannot be reached"),
        ("mysql://reader:geheim@127.0.0.1:{port}/sample", {}, "refuses the user or the password"),
        ("mysql://reader:geheim@127.0.0.1:{port}/sample?ssl_ca=/gone.pem", {}, "`ssl_ca`, `ssl_cert`, `ssl_key`) cannot be read"),
        ("mysql://reader:geheim:x/y@z@127.0.0.1:{port}/sample", {}, "are written %2F %3A"),
        ("host=127.0.0.1 password=geheim", {}, "no address such as mysql://"),
        (None, {"table": "nowhere"}, "insurance: sample.nowhere: the database has no such database, table or column"),
        (None, {"changedBy": "xgsi"}, "no column 'xgsi' (`changedBy`)"),
    ],
)
def test_what_goes_wrong_is_said_without_secrets(table, monkeypatch, dsn, options, words):
    table.declare(**{"changedBy": "xgsj", **options})
    table.mysql.load("cbry", "SELECT '1' AS grbh, TIMESTAMP '2026-10-02' AS xgsj")
    if dsn:
        monkeypatch.setenv("YUANQING_CONNECTION_INSURANCE", dsn.format(port=table.mysql.port))
    outcome = table.collect()
    [problem] = outcome.problems
    assert outcome.batches == []
    assert words in problem
    assert "geheim" not in problem
    assert table.mysql.password not in problem


def test_a_server_that_goes_away_while_it_is_read(table, monkeypatch):
    from assets.readers import table as scratch

    table.declare(changedBy="xgsj")
    with MySQLServer() as other:
        monkeypatch.setenv("YUANQING_CONNECTION_INSURANCE", other.dsn)
        other.load("cbry", "SELECT i::VARCHAR AS grbh, repeat('x', 1000) AS xm, TIMESTAMP '2026-10-02' AS xgsj FROM range(200000) t(i)")
        written = scratch.TextTable.write

        def cut(self: Any, number: int, values: Any) -> None:
            if number == 3:
                other._wait(other._stop())
            written(self, number, values)

        with monkeypatch.context() as patch:
            patch.setattr(scratch.TextTable, "write", cut)
            outcome = table.collect()
    assert outcome.batches == []
    assert "was lost while it was read. Nothing was kept" in outcome.problems[0]


def test_a_delta_that_does_not_say_how_changes_are_known_is_the_contracts_fault(table):
    table.declare()
    [problem] = table.collect().problems
    assert "none of changedBy, batchBy, periodBy in a delta delivery" in problem


def test_a_contract_drafted_from_the_table_takes_it_in(table):
    from pipelines.drafting.dataset import Asked, draft, write

    table.mysql.load("cbry", "SELECT '00' || i AS grbh, '名' || i AS xm, DATE '2026-01-01' + i::INTEGER AS csrq FROM range(10, 60) t(i)")
    write(table.project, draft(table.project, Asked("insurance:cbry", "insured", "office")))
    contract = Project(table.project.root, table.project.data).contracts["insured"]
    assert [(c.header, c.logical_type, c.key_position) for c in contract.columns] == [
        ("grbh", "string", 1),
        ("xm", "string", None),
        ("csrq", "date", None),
    ]
    [batch] = collect(table.con, table.project, contract, "run").batches
    assert (batch["status"], batch["rows_raw"]) == ("collected", 50)
