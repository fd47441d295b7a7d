"""The lake: one writer, readers that never wait, all or nothing, and a folder that may be moved."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Timer

import pytest

from assets import lake
from assets.evidence import TABLES
from assets.lake import (
    LakeBusyError,
    at_hand,
    columns_of,
    is_there,
    literal,
    never_filled,
    one_look,
    open_lake,
    quote,
    said_since,
    transaction,
)
from assets.project import Project
from assets.settings import SettingsError


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, tmp_path / "data")


def test_one_writer_and_readers_beside_it(project: Project) -> None:
    with open_lake(project) as con:
        con.execute("CREATE TABLE raw.t AS SELECT 1 AS i")
        with pytest.raises(LakeBusyError, match="another run writes"), open_lake(project):
            pass
        with open_lake(project, read_only=True) as reader:
            assert reader.execute("FROM raw.t").fetchall() == [(1,)]
    with open_lake(project):
        pass


def test_neither_a_reader_nor_a_writer_waits_for_the_other(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake, "WAIT", 50)
    with open_lake(project) as con:
        con.execute("CREATE TABLE raw.t AS SELECT 1 AS i")
        with open_lake(project, read_only=True) as reader, one_look(reader):
            assert reader.execute("FROM raw.t").fetchall() == [(1,)]
            with transaction(con, "r", "two"):
                con.execute("INSERT INTO raw.t VALUES (2)")
                assert reader.execute("FROM raw.t").fetchall() == [(1,)]
            assert reader.execute("FROM raw.t").fetchall() == [(1,)]
        with open_lake(project, read_only=True) as reader:
            assert len(reader.execute("FROM raw.t").fetchall()) == 2


HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("PRAGMA locking_mode = EXCLUSIVE")
held.execute("BEGIN EXCLUSIVE")
print(flush=True)
sys.stdin.read()
"""


def test_whoever_holds_the_whole_catalogue_is_waited_for_and_not_for_ever(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_lake(project):
        pass
    command = [sys.executable, "-S", "-c", HOLD, str(project.lake / "catalogue.sqlite")]
    with Popen(command, stdin=PIPE, stdout=PIPE) as held:
        assert held.stdout is not None
        held.stdout.readline()
        monkeypatch.setattr(lake, "WAIT", 50)
        with pytest.raises(LakeBusyError, match="has been locked for"), open_lake(project, read_only=True):
            pass
        monkeypatch.setattr(lake, "WAIT", 60_000)
        Timer(0.3, held.kill).start()
        with open_lake(project, read_only=True) as con:
            assert con.execute("SELECT count(*) FROM evidence.batches").fetchone() == (0,)


def test_it_is_read_where_nothing_can_be_written(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_lake(project) as con, transaction(con, "r", "one"):
        con.execute("CREATE TABLE raw.t AS SELECT 1 AS i")
    kept = [path.name for path in sorted(project.lake.iterdir())]
    monkeypatch.setattr(lake.os, "access", lambda *_: False)
    with open_lake(project, read_only=True) as con:
        assert con.execute("FROM raw.t").fetchall() == [(1,)]
        assert [path.name for path in sorted(project.lake.iterdir())] == kept
    assert "one" in said_since(project, 0)


def test_a_snapshot_that_never_was_is_told(project: Project) -> None:
    with open_lake(project):
        pass
    with pytest.raises(LookupError, match="no snapshot 9999"), open_lake(project, snapshot=9999):
        pass


def test_a_lake_that_was_never_written_says_so(project: Project) -> None:
    with pytest.raises(FileNotFoundError, match="yuanqing run"), open_lake(project, read_only=True):
        pass


def test_a_failed_transaction_leaves_nothing(project: Project) -> None:
    with open_lake(project) as con:
        con.execute("CREATE TABLE raw.t(i INTEGER)")
        with pytest.raises(Exception, match="no such table"), transaction(con, "run-1", "half"):
            con.execute("INSERT INTO raw.t VALUES (1)").execute("SELECT error('no such table')")
        assert con.execute("FROM raw.t").fetchall() == []


def test_a_data_folder_may_be_moved(project: Project, tmp_path: Path) -> None:
    with open_lake(project) as con:
        con.execute("CREATE TABLE raw.t AS SELECT i FROM range(1000) r(i)")
    shutil.move(project.data, tmp_path / "elsewhere")
    with open_lake(Project(tmp_path, tmp_path / "elsewhere"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM raw.t").fetchall() == [(1000,)]


def test_names_and_words_are_quoted(project: Project) -> None:
    odd = "a\"b'c;--"
    with open_lake(project) as con:
        con.execute(f"CREATE TABLE raw.{quote(odd)} AS SELECT {literal(odd)} AS {quote(odd)}")
        assert con.execute(f"FROM raw.{quote(odd)}").fetchall() == [(odd,)]
        assert columns_of(con, "raw.nothing") is None


def test_a_table_that_held_a_row_once_is_not_taken_for_empty(project: Project) -> None:
    with open_lake(project) as con:
        assert never_filled(con) == set(TABLES)
        with transaction(con, "run", "fill"):
            con.execute("INSERT INTO evidence.rejects (reason) VALUES ('x'); INSERT INTO evidence.repairs (kind) VALUES ('x')")
        con.execute("DELETE FROM evidence.repairs")
        con.execute("ALTER TABLE evidence.rejects ADD COLUMN later INTEGER")
        assert never_filled(con) == set(TABLES) - {"rejects", "repairs"}
        with at_hand(con, "rejects", "builds", "tickets"):
            assert con.execute("SELECT reason FROM evidence.rejects").fetchall() == [("x",)]
            assert con.execute("SELECT count(*) FROM evidence.builds, evidence.tickets").fetchall() == [(0,)]


def test_the_columns_of_a_table_are_told_as_they_are_declared(project: Project) -> None:
    with open_lake(project) as con:
        con.execute("CREATE TABLE raw.t (a VARCHAR[], b DECIMAL(18, 2), c TIMESTAMP WITH TIME ZONE, d STRUCT(x INTEGER))")
        con.execute("CREATE VIEW raw.v AS SELECT a AS seen FROM raw.t")
        kinds = {"a": "VARCHAR[]", "b": "DECIMAL(18,2)", "c": "TIMESTAMP WITH TIME ZONE", "d": "STRUCT(x INTEGER)"}
        assert columns_of(con, "raw.t") == kinds
        assert columns_of(con, "raw.v") == {"seen": "VARCHAR[]"}


def test_memory_is_limited_by_a_setting(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANQING_MEMORY", "512MiB")
    with open_lake(replace(project)) as con:  # settings are read once a project
        assert con.execute("SELECT current_setting('memory_limit')").fetchall() == [("512.0 MiB",)]
    for wrong in ("plenty", "0GB", "2"):
        monkeypatch.setenv("YUANQING_MEMORY", wrong)
        with pytest.raises(SettingsError, match=r"YUANQING_MEMORY.*such as 2GB"), open_lake(replace(project)):
            pass
    monkeypatch.delenv("YUANQING_MEMORY")
    with open_lake(project):  # the lock was not kept
        pass


def test_between_steps_limited_memory_is_let_go_of_and_nothing_else(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANQING_MEMORY", "512MiB")
    in_use = "SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory()"
    with open_lake(replace(project)) as con:
        with transaction(con, "run", "step"):
            con.execute("CREATE TEMP TABLE much AS SELECT i, hash(i) AS h FROM range(25_000_000) t(i)")
            (before,) = con.execute(in_use).fetchone() or (0,)
        (after,) = con.execute(in_use).fetchone() or (0,)
        assert after <= 256_000_000 < before
        assert con.execute("SELECT current_setting('memory_limit')").fetchall() == [("512.0 MiB",)]
        assert con.execute("SELECT count(*), bit_xor(h) = (SELECT bit_xor(hash(i)) FROM range(25_000_000) t(i)) FROM much").fetchall() == [
            (25_000_000, True)
        ]


def test_few_rows_of_a_hand_over_are_in_a_file_and_few_rows_of_evidence_in_the_catalogue(project: Project) -> None:
    with open_lake(project) as con:
        con.execute("CREATE TABLE raw.few (a VARCHAR)")
        con.execute("INSERT INTO raw.few VALUES ('x')")
        con.execute("INSERT INTO evidence.issues VALUES ('b', 'few', 1, 'r')")
        listed = "SELECT count(*) FROM ducklake_list_files('lake', ?, schema => ?)"
        files = [con.execute(listed, [table, schema]).fetchone() for schema, table in (("raw", "few"), ("evidence", "issues"))]
    assert files == [(1,), (0,)]


def test_a_table_that_is_not_there_is_told_and_the_transaction_goes_on(project: Project) -> None:
    with open_lake(project) as con, one_look(con):
        assert [is_there(con, t) for t in ("evidence.batches", "base.nothing", "nowhere.nothing")] == [True, False, False]
        assert con.execute("SELECT count(*) FROM evidence.batches").fetchone() == (0,)
