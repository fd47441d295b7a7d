"""Open data: what is published, and what somebody who has all of it and tries cannot find out."""

from __future__ import annotations

import csv
import hashlib
import json
import zlib
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from assets.catalogue import opens
from assets.contracts import Column
from assets.lake import insert, open_lake, quote
from assets.masking import HIDDEN, keyed
from assets.project import Project
from assets.std import ensure_all
from expectations.documents import DocumentError
from pipelines.cli import app
from pipelines.opening import open_select, write_open_data

HIDE = "classification: '3', customProperties: [{{property: opened, value: {}}}]"
CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
team: {{name: 部门, description: Department}}
servers: [{{server: landing, type: local, path: "{name}/*.csv", format: csv}}]
schema:
  - name: {name}
    properties:
      - {{name: visit, businessName: 号, logicalType: string, primaryKey: true}}
      - {{name: person, businessName: 人, logicalType: string, {kind}}}
      - {{name: born, businessName: 生日, logicalType: date, {coarse}}}
      - {{name: phone, businessName: 电话, logicalType: string, classification: '3'}}
      - {{name: remark, businessName: 注, logicalType: string, classification: '4', customProperties: [{{property: opened, value: full}}]}}
      - {{name: city, businessName: 市, logicalType: string}}
customProperties:
  - {{property: delivery, value: {{mode: full, period: monthly}}}}
  - {{property: catalogue, value: {{{catalogue}}}}}
"""
PEOPLE = [f"2199011990{1 + n % 12:02}{1 + n % 28:02}{n:03}X" for n in range(40)]
LONELY = "21990119010101001X"


def declare(root: Path, name: str, catalogue: str = "sharing: 1, open: true", kind: str = "hash") -> None:
    path = root / "assets" / "sources" / "office" / f"{name}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        CONTRACT.format(name=name, catalogue=catalogue, kind=HIDE.format(kind), coarse=HIDE.format("generalise")), encoding="utf-8"
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two open tables of the same people, who are alone of their year or many; and one that is not open."""
    for name in ("visits", "loans"):
        declare(tmp_path, name)
    declare(tmp_path, "closed", "sharing: 2, open: true")
    made = Project(tmp_path, tmp_path / "data")
    people = (
        [(p, "1990-05-01") for p in PEOPLE] + [(LONELY, "1901-01-01")] * 9 + [(f"21990119730301{n:03}X", "1973-03-01") for n in range(4)]
    )
    with open_lake(made) as con:
        ensure_all(con, made.sources())
        for contract in made.sources():
            rows = [(f"{i}", p, born, "13900001234", "病情", "219900", contract.name, i) for i, (p, born) in enumerate(people)]
            insert(con, f"std_batches.{contract.name} (visit, person, born, phone, remark, city, _batch, _row)", rows)
            con.execute(
                "INSERT INTO evidence.batches (batch, dataset, unit, period, source, status, received_at)"
                " VALUES (?, ?, '', '202601', 'x.csv', 'standardised', TIMESTAMP '2026-02-01')",
                [contract.name, contract.name],
            )
    return made


def published(project: Project, target: Path) -> dict[str, list[dict[str, str]]]:
    done = write_open_data(project, target)
    return {o.dataset: list(csv.DictReader(o.path.read_text(encoding="utf-8").splitlines())) for o in done}


def test_only_what_may_be_opened_comes_out(project: Project, tmp_path: Path) -> None:
    tables = published(project, tmp_path / "open")
    assert set(tables) == {"visits", "loans"}
    assert sorted(p.name for p in (tmp_path / "open").iterdir()) == ["loans.csv", "visits.csv"]
    rows = tables["visits"]
    assert len(rows) == 53
    assert list(rows[0]) == ["visit", "person", "born", "remark", "city"]
    assert {r["remark"] for r in rows} == {HIDDEN}
    whole = (tmp_path / "open" / "visits.csv").read_text(encoding="utf-8")
    assert not any(secret in whole for secret in (*PEOPLE, LONELY, "13900001234", "病情", "1990-05-01"))


def test_an_id_in_the_text_of_an_open_column_does_not_come_out(project: Project, tmp_path: Path) -> None:
    with open_lake(project) as con:
        con.execute("UPDATE std_batches.visits SET city = '经办人' || person || '。' WHERE visit < '2'")
    rows = published(project, tmp_path / "open")["visits"]
    assert {r["city"] for r in rows} == {HIDDEN, "219900"}
    assert "经办人" not in (tmp_path / "open" / "visits.csv").read_text(encoding="utf-8")


def test_what_is_published_cannot_be_joined_by_the_hidden_person(project: Project, tmp_path: Path) -> None:
    tables = published(project, tmp_path / "open")
    mine, theirs = ({r["person"] for r in tables[t]} for t in ("visits", "loans"))
    assert len(mine) == len(theirs) == 45
    assert not mine & theirs


def test_trying_every_possible_person_without_the_key_finds_nobody(project: Project, tmp_path: Path) -> None:
    """All ids are known to the one who tries, and how digests are made; the key is not."""
    rows = published(project, tmp_path / "open")["visits"]
    digests = {r["person"] for r in rows}
    tried: set[str] = set()
    for person in (*PEOPLE, LONELY):
        for text in (person, f"std.visits.person|{person}", f"|{person}"):
            for name in ("sha256", "md5", "sha1"):
                tried.add(hashlib.new(name, text.encode()).hexdigest()[:32])
            for key in (b"", b"\0" * 32, b"std.visits.person", b"masking.key"):
                padded = key.ljust(64, b"\0")
                inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + text.encode()).digest()
                tried.add(hashlib.sha256(bytes(b ^ 0x5C for b in padded) + inner).hexdigest()[:32])
    assert not tried & digests


def test_a_group_too_small_is_left_out_also_where_one_person_has_many_rows(project: Project, tmp_path: Path) -> None:
    rows = published(project, tmp_path / "open")["visits"]
    assert {r["born"] for r in rows} == {"1990", ""}
    assert sum(r["born"] == "" for r in rows) == 13  # nine rows of one person, and four people
    (opened, _) = write_open_data(project, tmp_path / "open")
    assert {o.suppressed for o in write_open_data(project, tmp_path / "open")} == {13}
    assert opened.left_out == ("phone",)


def test_the_order_of_rows_tells_nothing_of_what_is_hidden(project: Project, tmp_path: Path) -> None:
    rows = published(project, tmp_path / "open")["visits"]
    assert [tuple(r.values()) for r in rows] == sorted(tuple(r.values()) for r in rows)


def test_with_another_key_every_digest_is_another(project: Project, tmp_path: Path) -> None:
    before = {r["person"] for r in published(project, tmp_path / "open")["visits"]}
    assert before == {r["person"] for r in published(project, tmp_path / "open")["visits"]}
    (project.data / "masking.key").unlink()
    assert not before & {r["person"] for r in published(project, tmp_path / "open")["visits"]}


def made_up(column: Column, n: int) -> Any:
    """What the n-th thing or person has in a column of this name, the same in every table; the last four are of a band of their own."""
    if column.sql_type in ("DATE", "TIMESTAMP"):
        return datetime(1990 if n < 36 else 1901, 1 + n % 12, 1 + n % 28)
    own = zlib.crc32(column.name.encode())
    if column.sql_type == "VARCHAR":
        return f"{own % 4000 + (1000 if n < 36 else 5000)}{n:014}"
    return n % 2 == 0 if column.sql_type == "BOOLEAN" else (own % 8 + 1 if n < 36 else 9) * 10**6 + own % 10**5 + n


def test_what_the_project_opens_gives_no_hidden_value_back() -> None:
    """All that may be opened is published, of the same forty things in every table; whoever has all of it can join any two."""
    many = 40
    opened = [c for c in Project.at().contracts.values() if opens(c)]
    hidden = {k.name: k for c in opened for k in c.columns if k.classification > 1 and k.opened}
    assert sorted(hidden) == ["employees", "person_id"]
    secret = {str(made_up(k, n)) for k in hidden.values() for n in range(many)}
    with duckdb.connect() as con, keyed(con, b"k" * 32):
        for contract in opened:
            columns = ", ".join(f"{quote(k.name)} {k.sql_type}" for k in contract.columns)
            con.execute(f"CREATE OR REPLACE TABLE made ({columns})")
            line = f"({', '.join('?' * len(contract.columns))})"
            values = [made_up(k, n) for n in range(many) for k in contract.columns]
            con.execute(f"INSERT INTO made VALUES {', '.join([line] * many)}", values)
            found = con.execute(open_select(contract, "made"))
            names = [d[0] for d in found.description or []]
            cells = [dict(zip(names, map(str, row), strict=True)) for row in found.fetchall()]
            assert len(cells) == many
            assert not secret & {value for row in cells for value in row.values()}, contract.name
            for name in hidden.keys() & set(names):
                shared = Counter(row[name] for row in cells)
                assert sorted(shared.values()) == [4, 36], (contract.name, name)
                assert shared["None"] == 4


def test_a_part_of_a_value_is_no_way_to_open_it(tmp_path: Path) -> None:
    declare(tmp_path, "visits", kind="partial")
    with pytest.raises(DocumentError, match=r"visits\.odcs\.yaml:13: opened 'partial' of person\. Known: full, generalise, hash"):
        _ = Project(tmp_path, tmp_path / "data").contracts


def test_the_command(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANQING_ROOT", str(project.root))
    monkeypatch.setenv("YUANQING_DATA", str(project.data))
    result = CliRunner().invoke(app, ["open-data", "visits", "--to", str(tmp_path / "o"), "--json"])
    assert result.exit_code == 0, result.output
    (told,) = json.loads(result.output)
    assert (told["dataset"], told["rows"], told["suppressed"]) == ("visits", 53, 13)
    refused = CliRunner().invoke(app, ["open-data", "closed", "--to", str(tmp_path / "o")])
    assert refused.exit_code == 2
    assert "closed is not opened. These are: loans, visits" in refused.output
    assert (project.data / "masking.key").read_bytes().hex() not in result.output + refused.output
