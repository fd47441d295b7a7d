"""A real MariaDB as source, where the machine has one: what the protocol server of the other tests cannot say of types and charsets."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SERVER = {"server": "insurance", "type": "mysql", "host": "nowhere.invalid", "port": 3306, "database": "sample"}
BINARY = shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin")
pytestmark = pytest.mark.skipif(BINARY is None, reason="no mariadbd on this machine (Debian: apt install mariadb-server)")


class MariaDB:
    """A server in a folder of its own, without users and InnoDB, so that it starts at once."""

    def __init__(self, folder: Path) -> None:
        import pymysql

        (folder / "mysql").mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        told = f"--datadir={folder} --socket={folder}/s --pid-file={folder}/pid --port={self.port} --bind-address=127.0.0.1 --user=root"
        without = "--skip-grant-tables --innodb=OFF --default-storage-engine=Aria --sql-mode="
        command = [str(BINARY), "--no-defaults", *told.split(), *without.split()]
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        while b"ready for connections" not in (folder / "log").read_bytes():
            assert self.process.poll() is None, (folder / "log").read_text()
            time.sleep(0.02)
        self._link = pymysql.connect(unix_socket=f"{folder}/s", charset="utf8mb4", autocommit=True)
        self.run("CREATE DATABASE sample CHARACTER SET utf8mb4; USE sample")

    def run(self, sql: str) -> None:
        with self._link.cursor() as cursor:
            for statement in sql.split(";"):
                cursor.execute(statement)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._link.close()
        self._log.close()


@pytest.fixture
def maria(desk, monkeypatch) -> Iterator[Any]:
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="yq-my-"))  # a socket's path may not be long
    server = MariaDB(folder)
    monkeypatch.setenv("YUANQING_CONNECTION_INSURANCE", f"mysql://reader@127.0.0.1:{server.port}/sample")
    yield server
    server.close()
    shutil.rmtree(folder)


def test_types_zero_dates_and_charsets(desk, make_column, maria):
    names = ["zt", "je", "csrq", "xgsj", "lx", "bz"]
    desk.contract(
        [make_column("id", "bh", key=True, required=True), *map(make_column, names)],
        server=SERVER,
        delivery={"mode": "delta", "pattern": None},
        options={"table": "cbry", "changedBy": "xgsj"},
    )
    maria.run(
        """CREATE TABLE cbry (bh BIGINT UNSIGNED, zt TINYINT(1), je DECIMAL(30, 10), csrq DATE, xgsj DATETIME(6), lx BIT(1), bz LONGTEXT)
        CHARACTER SET gbk;
        INSERT INTO cbry VALUES (18446744073709551615, 1, 12345678901234567890.1234567890, '0000-00-00', '2026-10-02 08:00:00.000123', b'1',
            repeat('镕', 300000)),
        (2, 0, -0.0000000001, '2026-00-10', '2026-10-02 08:00:00.000124', NULL, ''), (3, NULL, NULL, NULL, 0, NULL, NULL)"""
    )
    [batch] = desk.collect().batches
    assert desk.raw("id, zt, je, csrq, xgsj, lx, length(bz), left(bz, 2)") == [
        (
            "18446744073709551615",
            "1",
            "12345678901234567890.1234567890",
            "0000-00-00",
            "2026-10-02 08:00:00.000123",
            "0x01",
            300_000,
            "镕镕",
        ),
        ("2", "0", "-0.0000000001", "2026-00-10", "2026-10-02 08:00:00.000124", None, 0, ""),
    ]
    assert batch["reason"].startswith("1 rows of the source have no xgsj")
    assert desk.collect().batches == []
    maria.run("INSERT INTO cbry VALUES (4, 9, 1, '2026-01-01', '2026-10-02 08:00:00.000125', b'0', '尾'), (5, 1, 1, NULL, 0, NULL, NULL)")
    [batch] = desk.collect().batches
    assert (batch["rows_raw"], batch["reason"][:6]) == (1, "2 rows")


def test_a_server_that_is_killed_while_it_is_read(desk, make_column, maria, monkeypatch):
    from assets.readers import table as scratch

    desk.contract([make_column("id", "bh", key=True)], server=SERVER, delivery={"mode": "full", "pattern": None}, options={"table": "cbry"})
    maria.run("CREATE TABLE cbry AS SELECT seq AS bh, repeat('x', 500) AS bz FROM seq_1_to_20000")
    written = scratch.TextTable.write

    def cut(self: Any, number: int, values: Any) -> None:
        if number == 9:
            maria.process.kill()
        written(self, number, values)

    monkeypatch.setattr(scratch.TextTable, "write", cut)
    outcome = desk.collect()
    assert outcome.batches == []
    assert "was lost while it was read. Nothing was kept" in outcome.problems[0]
