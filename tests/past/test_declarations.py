"""Declarations in the lake: what did not change costs nothing, what was comes back, a secret never gets in."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from tiny_support import make_tiny

from assets.declarations import DeclarationsError, fingerprint, keep, read, restore
from assets.lake import open_lake
from assets.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_tiny(tmp_path / "project")


def kept(project: Project) -> str:
    with open_lake(project) as con:
        return keep(con, project, "run")


def asked(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with open_lake(project, read_only=True) as con:
        return con.execute(sql).fetchall()


def restored(project: Project, mark: str, folder: Path) -> dict[str, bytes]:
    with open_lake(project, read_only=True) as con:
        restore(con, mark, folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_did_not_change_writes_nothing(project: Project) -> None:
    mark = kept(project)
    rows, snapshots = "SELECT count(*) FROM evidence.declarations", "SELECT count(*) FROM ducklake_snapshots('lake')"
    before = asked(project, rows), asked(project, snapshots)
    assert kept(Project(project.root, project.data)) == mark
    assert (asked(project, rows), asked(project, snapshots)) == before


def test_an_edition_has_what_changed_and_every_state_comes_back(project: Project, tmp_path: Path) -> None:
    sql, waivers = project.assets / "base/animal/animal.sql", project.expectations / "waivers.yaml"
    states = []
    for text, waiver in (("SELECT 1 AS tag\n", None), ("SELECT 2 AS tag\n", b"waivers: []\n"), ("SELECT 1 AS tag\n", None)):
        sql.write_text(text, encoding="utf-8")
        waivers.unlink(missing_ok=True) if waiver is None else waivers.write_bytes(waiver)
        states.append((kept(project), read(project)))
    assert states[0] == states[2] != states[1]
    changed = asked(project, "SELECT edition, path, digest IS NULL, content FROM evidence.declarations WHERE edition > 1 ORDER BY ALL")
    assert changed == [
        (2, "assets/base/animal/animal.sql", False, "SELECT 2 AS tag\n"),
        (2, "expectations/waivers.yaml", False, "waivers: []\n"),
        (3, "assets/base/animal/animal.sql", False, None),  # a content that is known
        (3, "expectations/waivers.yaml", True, None),
    ]
    for number, (mark, contents) in enumerate(states):
        assert restored(project, mark, tmp_path / str(number)) == contents


def test_bytes_that_are_no_text_come_back(project: Project, tmp_path: Path) -> None:
    table = project.expectations / "codes" / "old.csv"
    table.parent.mkdir()
    table.write_bytes("code,name\r\n1,甲\r\n".encode("gb18030"))
    assert restored(project, kept(project), tmp_path / "out")["expectations/codes/old.csv"] == table.read_bytes()


def test_a_secret_is_not_kept(project: Project) -> None:
    """Settings refuse to hold one; what stands there all the same is left out."""
    project.connections.parent.mkdir(parents=True)
    project.connections.write_text('[hr]\npassword = "hunter2"\n', encoding="utf-8")
    settings = 'reports_url = "http://clerk:hunter2@reports.example"\n[mail]\npassword = "hunter2"\npassword_from = "env:MAIL"\n'
    (project.root / "yuanqing.toml").write_text(settings, encoding="utf-8")
    (project.assets / "sources" / "hunter2.env").write_text("hunter2", encoding="utf-8")
    contents = read(project)
    assert not [path for path, content in contents.items() if b"hunter2" in path.encode() + content]
    assert contents["yuanqing.toml"].splitlines()[-1] == b'password_from = "env:MAIL"'


def test_a_path_that_leads_out_is_refused(project: Project, tmp_path: Path) -> None:
    content = "SELECT 1"
    digest = hashlib.sha256(content.encode()).hexdigest()
    mark = fingerprint({"../out.sql": digest})
    with open_lake(project) as con:
        con.execute(
            "INSERT INTO evidence.declarations (edition, fingerprint, path, digest, content, base64)"
            " VALUES (1, ?, '../out.sql', ?, ?, FALSE)",
            [mark, digest, content],
        )
        with pytest.raises(DeclarationsError, match="leads out"):
            restore(con, mark, tmp_path / "inside")
    assert not (tmp_path / "out.sql").exists()
