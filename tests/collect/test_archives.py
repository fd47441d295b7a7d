"""Archives: members in one batch, rows against the manifest, and archives that are not to be unpacked."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from typing import Any

import pytest

from assets.batches import accounts
from assets.lake import connect
from assets.readers.parts import place, placed, placed_sql
from assets.standardise import standardise

SERVER = {"server": "landing", "type": "local", "path": "people/*.zip", "format": "zip", "encoding": "utf-8"}
A, B = "BH,XM,BZ\n1,张,a\n2,李,b\n", "XM,BH\n王,3\n坏\n"


def packed(*members: tuple[str | zipfile.ZipInfo, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def zips(desk, make_column):
    def declare(**options: Any) -> None:
        options.setdefault("manifest", "manifest.csv")
        desk.contract(
            [make_column("id", "BH", key=True, required=True), make_column("name", "XM"), make_column("note", "BZ")],
            server={**SERVER, "encoding": options.pop("encoding", "utf-8")},
            options={k: v for k, v in options.items() if v is not None},
        )

    declare()
    desk.declare = declare
    return desk


def refusal(desk, content: bytes) -> str:
    desk.put("sy_202610.zip", content)
    [batch] = desk.collect().batches
    assert batch["status"] == "refused"
    assert "sy_202610.zip" in desk.refused()
    assert not list((desk.root / "data").rglob("evil*"))
    return batch["reason"]


def test_members_become_one_batch_whose_rows_say_where_they_stand(zips):
    zips.put("sy_202610.zip", packed(("in/a.csv", A), ("b.csv", B), ("manifest.csv", "file,rows\na.csv,2\nb.csv,2\ntotal,4\n")))
    [batch] = zips.collect().batches
    assert zips.raw("id, name, note, _row") == [
        ("3", "王", None, 1_000_000_002),
        ("1", "张", "a", 2_000_000_002),
        ("2", "李", "b", 2_000_000_003),
    ]
    assert json.loads(batch["parts"]) == ["b.csv", "in/a.csv"]
    assert place(2_000_000_003, batch["parts"]) == "in/a.csv, row 3"
    [(row, text, reason)] = zips.rejects()
    assert (row, text) == (1_000_000_003, "坏")
    assert reason.startswith("b.csv, row 3: found 1 fields")
    assert (batch["announced"], batch["records"], batch["rows_raw"], batch["lines"], batch["lines_other"]) == (4, 4, 3, 6, 2)
    assert [a.differences for a in accounts(zips.con, zips.project.contracts["people"])] == [[]]
    assert zips.collected() == ["sy_202610.zip"]


@pytest.mark.parametrize(
    ("row", "parts", "source", "within"),
    [(17, None, "a.zip", 17), (2_000_000_003, '["x","沈河区"]', "a.zip · 沈河区", 3), (3_000_000_001, '["x"]', "a.zip · part 3", 1)],
)
def test_a_row_is_shown_where_people_look_for_it(row, parts, source, within):
    assert placed("a.zip", row, parts) == (source, within)
    con = connect()
    shown, at = placed_sql("s", "r", "p")
    found = con.execute(f"SELECT {shown}, {at} FROM (SELECT 'a.zip' AS s, ?::BIGINT AS r, ?::VARCHAR AS p)", [row, parts]).fetchone()
    con.close()
    assert found == (source, within)


def test_chinese_names_in_gbk_and_a_manifest_in_json(zips):
    zips.declare(manifest="清单.json", encoding="gb18030", manifestFile="文件", manifestRows="行数", manifestTotal="合计")
    manifest = {"清单": [{"文件": "甲.csv", "行数": 2}], "合计": 2}
    content = packed(("XX.csv", A.encode("gb18030")), ("YYYY.json", json.dumps(manifest, ensure_ascii=False)))
    # What Windows makes: names in GBK without the flag that says UTF-8.
    content = content.replace(b"XX.csv", "甲".encode("gbk") + b".csv").replace(b"YYYY.json", "清单".encode("gbk") + b".json")
    zips.put("sy_202610.zip", content)
    [batch] = zips.collect().batches
    assert batch["status"] == "collected"
    assert json.loads(batch["parts"]) == ["甲.csv"]


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("file,rows\na.csv,3\ntotal,3\n", ["a.csv has 2 rows, the manifest says 3", "2 rows in all, the manifest says 3"]),
        ("file,rows\na.csv,2\nc.csv,9\n", ["c.csv is not there, the manifest says 9 rows"]),
        ("file,rows\n", ["a.csv (2 rows) is not in the manifest"]),
        ("file,rows\na.csv,2\na.csv,2\n", ["a.csv stands twice"]),
        ("file,rows\na.csv,两\n", ["'两' rows of a.csv", "a whole number"]),
        ("name,count\na.csv,2\n", ["a manifest of another form", "`file` and `rows`"]),
    ],
)
def test_rows_against_the_manifest(zips, manifest, words):
    reason = refusal(zips, packed(("a.csv", A), ("manifest.csv", manifest)))
    for word in words:
        assert word in reason


def test_a_mismatch_is_kept_and_flagged_where_declared(zips):
    zips.declare(onMismatch="flag")
    zips.put("sy_202610.zip", packed(("a.csv", A), ("manifest.csv", "file,rows\na.csv,3\ntotal,3\n")))
    [batch] = zips.collect().batches
    assert (batch["status"], batch["announced"], batch["records"]) == ("collected", 3, 2)
    assert "rows against manifest: a.csv has 2 rows, the manifest says 3" in batch["reason"]


@pytest.mark.parametrize(
    ("manifest", "announced", "outcome"),
    [
        ("file,rows\na.csv,2\ntotal,2\n", 2, "passed"),
        ("file,rows\na.csv,3\ntotal,3\n", 3, "failed"),
        ("file,rows\na.csv,3\ntotal,2\n", 3, "failed"),  # it contradicts itself
        ("file,rows\na.csv,2\ntotal,3\n", 3, "failed"),
    ],
)
def test_a_flagged_mismatch_counts(zips, manifest, announced, outcome):
    zips.declare(onMismatch="flag")
    zips.put("sy_202610.zip", packed(("a.csv", A), ("manifest.csv", manifest)))
    [batch] = zips.collect().batches
    assert batch["announced"] == announced
    contract = zips.project.contracts["people"]
    results = {r["rule"]: r for r in standardise(zips.con, zips.project, contract, "run").results}
    told = results["announced_records"]
    assert (told["outcome"], told["indicator"], told["unexpected"]) == (outcome, "0202", None)
    if outcome == "failed":
        assert f"2 records, where the source announces {announced}" in told["note"]


def test_what_is_refused_is_not_judged_once_more(zips):
    zips.declare(onMismatch="refuse")
    zips.put("sy_202610.zip", packed(("a.csv", A), ("manifest.csv", "file,rows\na.csv,2\n")))
    zips.collect()
    results = standardise(zips.con, zips.project, zips.project.contracts["people"], "run").results
    assert results
    assert "announced_records" not in {r["rule"] for r in results}


def link() -> zipfile.ZipInfo:
    made = zipfile.ZipInfo("evil.csv")
    made.external_attr = (stat.S_IFLNK | 0o777) << 16
    return made


def locked() -> bytes:
    content = bytearray(packed(("a.csv", A), method=zipfile.ZIP_STORED))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(mark) + at] |= 1
    return bytes(content)


def damaged(method: int) -> bytes:
    """An archive whose member does not unpack: its packed bytes are overwritten."""
    content = bytearray(packed(("a.csv", A * 50), method=method))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = archive.infolist()[0]
    begin = entry.header_offset + 30 + len(entry.filename)
    content[begin + 10 : begin + entry.compress_size] = b"\xff" * (entry.compress_size - 10)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: packed(("../evil.csv", A)), ["../evil.csv", "leads out of the archive"]),
        (lambda: packed(("/tmp/evil.csv", A)), ["leads out of the archive"]),
        (lambda: packed(("C:\\evil.csv", A)), ["leads out of the archive"]),
        (lambda: packed(("a\\..\\..\\evil.csv", A)), ["leads out of the archive"]),
        (lambda: packed((link(), "/etc/passwd")), ["a link or a device"]),
        (locked, ["a member with a password"]),
        (lambda: packed(("a.csv", A), ("b.zip", packed(("c.csv", A)))), ["an archive within the archive"]),
        (lambda: packed(("a.csv", A), ("manual.pdf", "x")), ["members of another name: manual.pdf"]),
        (lambda: packed(("readme.txt", "x")), ["no member to read"]),
        (lambda: packed(*((f"{i}.csv", A) for i in range(4))), ["4 members", "at most 3 (`maxMembers`)"]),
        (lambda: packed(("a.csv", A + "3,x,y\n" * 400_000)), ["an archive made to overflow", "at most 200 times"]),
        (lambda: packed(("a.csv", "x" * 9_000_000)), ["9000000 bytes unpacked", "`maxBytes`"]),
        (lambda: packed(("a.csv", A))[:-30], ["no ZIP archive"]),
        (lambda: packed(("a.csv", A), method=zipfile.ZIP_STORED).replace(b"\n1,", b"\n7,"), ["cannot be read", "CRC"]),
        (lambda: damaged(zipfile.ZIP_DEFLATED), ["an archive that cannot be read"]),
        (lambda: damaged(zipfile.ZIP_BZIP2), ["an archive that cannot be read"]),
        (lambda: damaged(zipfile.ZIP_LZMA), ["an archive that cannot be read"]),
        (lambda: b"", ["an empty file"]),
        (lambda: b"Rar!\x1a\x07\x00", ["no ZIP archive"]),
        (lambda: packed(("a.csv", "XM,BZ\n1,2\n")), ["a.csv", "needed column BH"]),
        (lambda: packed(("a.csv", A), ("b.csv", "BH,XM\n")), ["sy_202610.zip, b.csv", "a header and no record"]),
    ],
)
def test_archives_that_are_refused(zips, content, words):
    zips.declare(manifest=None, maxMembers=3, maxBytes=8_000_000)
    reason = refusal(zips, content())
    for word in words:
        assert word in reason


def test_a_refused_archive_stops_no_other(zips):
    zips.declare(manifest=None)
    zips.put("bj_202610.zip", packed(("../evil.csv", A)))
    zips.put("sy_202610.zip", packed(("a.csv", A)))
    assert sorted(b["status"] for b in zips.collect().batches) == ["collected", "refused"]
