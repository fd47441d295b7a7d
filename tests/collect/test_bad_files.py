"""Every way in which a delimited file can be bad: what is said, what is kept, and that the account holds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from assets.batches import accounts
from assets.collect import extract_file, pending, strays
from assets.readers import LaterError, RefusedError

HEAD = "BH,XM,BZ\n"


def check_accounts(desk):
    for account in accounts(desk.con, desk.project.contracts["people"]):
        assert account.differences == []


def refusal(desk, content: bytes | str, name: str = "sy_202610.csv") -> str:
    """Collect one bad file: it must be refused, kept, explained beside itself and in the evidence, and leave no row."""
    desk.put(name, content)
    outcome = desk.collect()
    [batch] = outcome.batches
    assert batch["status"] == "refused"
    assert outcome.problems == []
    assert desk.refused() == [name, f"{name}.reason.txt"]
    assert desk.waiting() == []
    kept = (desk.project.landing / "refused" / "people" / name).read_bytes()
    assert kept == (content.encode() if isinstance(content, str) else content)
    assert batch["reason"] in desk.reason(name)
    assert desk.sql("SELECT status, reason FROM evidence.batches") == [("refused", batch["reason"])]
    assert desk.sql("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'raw'") == [(0,)]
    return batch["reason"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty file", "Export it again"]),
        (b"\n \n", ["blank lines only"]),
        (b"BH,XM,BZ\n", ["header and no record"]),
        (b"BH,XM,BZ\r\n\r\n", ["header and no record"]),
        (b"XM,BZ\na,b\n", ["needed column BH missing", "aliases"]),
        (b"BHH,XM,BZ\n1,a,b\n", ["needed column BH", "'BHH' looks like it"]),
        (b"BH,XM,BZ,bh\n1,a,b,2\n", ["BH stands twice", "(column 1)", "(column 4)"]),
        (b"1,2,3\n4,5,6\n", ["none of the 3 declared columns", "BH, XM, BZ"]),
        (b"BH;XM;BZ\n1;2;3\n", ["none of the 3", "semicolons"]),
        (b"PK\x03\x04" + b"x" * 90, ["a ZIP archive or an .xlsx workbook"]),
        ("BH,XM\n1,a\n".encode("utf-16"), ["UTF-16"]),
        ("BH,XM\n1,a\n".encode("utf-16-le"), ["NUL bytes"]),
        ('"BH,XM,BZ\n1,2,3\n', ["quote that never closes in the header"]),
        ("编号,姓名\n1,张\n".encode("gbk"), ["GB18030", "line 1", "let the contract say `encoding: gb18030`"]),
        ((HEAD + "1,张三,\n2,李四,\n").encode("gbk"), ["GB18030", "in 2 of the first 3 lines", "line 2"]),
        ((HEAD + "1\n2\n").encode(), ["none of 2 records can be read", "line 2", "found 1 fields, expected 3"]),
    ],
)
def test_refused_whole(desk, content, words):
    reason = refusal(desk, content)
    assert "sy_202610.csv" in reason
    for word in words:
        assert word in reason


def test_utf8_in_a_file_said_to_be_gb18030(desk, make_column):
    desk.contract(
        [make_column("id", "BH", key=True, required=True), make_column("name", "XM")],
        server={"server": "landing", "type": "local", "path": "people/*.csv", "format": "csv", "encoding": "gb18030"},
    )
    assert "bytes that are UTF-8" in refusal(desk, "BH,XM\n1,张三丰\n")
    desk.put("dl_202610.csv", "BH,XM\n1,𠮷野·\n2,x\n".encode("gb18030"))
    assert desk.collect().batches[0]["status"] == "collected"
    assert desk.raw("name") == [("𠮷野·",), ("x",)]


def test_one_line_of_another_encoding_is_rejected_alone(desk):
    good = "".join(f"{i},a,b\n" for i in range(30)).encode()
    desk.put("sy_202610.csv", HEAD.encode() + good + "77,张,\n".encode("gbk") + b"78,c,\xe5\xbc\xa0\n")
    [batch] = desk.collect().batches
    assert (batch["rows_raw"], batch["rows_rejected"]) == (31, 1)
    [(row, text, reason)] = desk.rejects()
    assert row == 32
    assert "not UTF-8" in reason
    assert "look like GB18030" in reason
    assert text == "77,\\xd5\\xc5,"
    assert desk.raw("name, note")[-1] == ("c", "张")
    check_accounts(desk)


@pytest.mark.parametrize(
    ("body", "rows", "rejects"),
    [
        # a truncated last line
        ("1,a,b\n2,c", [("1", "a", "b", 2)], [(3, "2,c", "found 2 fields, expected 3")]),
        # a surplus field
        ("1,a,b,c\n2,c,d\n", [("2", "c", "d", 3)], [(2, "1,a,b,c", "found 4 fields, expected 3")]),
        # NUL bytes
        ("1,a\0b,c\n2,\0,\0\n3,x,y\n", [("3", "x", "y", 4)], [(2, "1,a␀b,c", "1 NUL"), (3, "2,␀,␀", "2 NUL")]),
        # a quote that never closes
        ('1,"a,b\n2,c,d\n3,e,f\n', [("2", "c", "d", 3), ("3", "e", "f", 4)], [(2, '1,"a,b', "does not close")]),
        # a quote in the middle of a field, one and two of them
        ('1,a"b,c\n2,d"e"f,g\n3,h,i\n', [("3", "h", "i", 4)], [(2, '1,a"b,c', "does not close"), (3, '2,d"e"f,g', "middle of a field")]),
        # quoted separators, quotes, line feeds; empty beside missing; the line after keeps its number
        ('1,"a,""x""\nb",""\n2,c,\n', [("1", 'a,"x"\nb', "", 2), ("2", "c", None, 4)], []),
        # CRLF, also within quotes, and blank lines
        ('1,a,b\r\n\r\n2,"c\r\nd",e\r\n3,f,g\r\n', [("1", "a", "b", 2), ("2", "c\r\nd", "e", 4), ("3", "f", "g", 6)], []),
        # a lone carriage return
        ("1,a\rb,c\n2,d,e\n", [("2", "d", "e", 3)], [(2, "1,a\rb,c", "carriage return")]),
        # a line of blanks is no record, a line of separators is one
        ("1,a,b\n  \n,,\n", [("1", "a", "b", 2), (None, None, None, 4)], []),
    ],
)
def test_lines_that_do_not_fit(desk, body, rows, rejects):
    desk.put("sy_202610.csv", HEAD + body)
    desk.collect()
    assert desk.raw("id, name, note, _row") == rows
    found = desk.rejects()
    assert [(row, text) for row, text, _ in found] == [(row, text) for row, text, _ in rejects]
    for (_, _, reason), (_, _, words) in zip(found, rejects, strict=True):
        assert words in reason
    check_accounts(desk)


def test_carriage_returns_as_line_ends(desk):
    desk.put("sy_202610.csv", 'BH,XM,BZ\r1,a,b\r\r2,"c\rd",e\r3,f\r')
    desk.collect()
    assert desk.raw("id, name, note, _row") == [("1", "a", "b", 2), ("2", "c\rd", "e", 4)]
    assert desk.rejects()[0][:2] == (6, "3,f")
    check_accounts(desk)


def test_lines_of_ten_megabytes(desk):
    long = "x" * 10_000_000
    desk.put("sy_202610.csv", f'{HEAD}1,{long},b\n2,"{long}\n",c\n3,d,e\n4,{long}\n')
    [batch] = desk.collect().batches
    assert desk.raw("id, length(name), _row") == [("1", 10_000_000, 2), ("2", 10_000_001, 3), ("3", 1, 5)]
    assert batch["rows_rejected"] == 1
    check_accounts(desk)


def test_a_stray_quote_costs_its_line_and_no_other(desk):
    lines = [f"{i},n{i},\n" for i in range(50_000)]
    lines[20_000] = '20000,"n20000,\n'
    desk.put("sy_202610.csv", HEAD + "".join(lines))
    [batch] = desk.collect().batches
    assert (batch["records"], batch["rows_raw"], batch["rows_rejected"]) == (50_000, 49_999, 1)
    assert desk.rejects()[0][:2] == (20_002, '20000,"n20000,')
    assert desk.sql("SELECT count(*) FROM raw.people WHERE id::BIGINT + 2 <> _row") == [(0,)]


def test_two_stray_quotes_do_not_merge_the_lines_between(desk, make_column):
    desk.contract([make_column(f"c{i}", key=i == 0) for i in range(9)])
    head = ",".join(f"c{i}" for i in range(9))
    line = ",".join(str(i) for i in range(9))
    desk.put("sy_202610.csv", f'{head}\n{line}\n0,"1,2,3,4,5,6,7,8\n{line}\n0,1",2,3,4,5,6,7,8\n{line}\n')
    desk.collect()
    assert desk.raw("_row") == [(2,), (4,), (6,)]
    assert [r[0] for r in desk.rejects()] == [3, 5]
    check_accounts(desk)


def test_half_unreadable_is_refused(desk):
    assert "records cannot be read: line 2" in refusal(desk, HEAD + "1,2\n" * 200 + "1,2,3\n" * 100)


def test_headers_reordered_respelt_surplus_and_absent(desk):
    desk.put("sy_202610.csv", "\ufeff X M ,电话,ＢＨ\n张,123,1\n")
    [batch] = desk.collect().batches
    assert desk.raw("id, name, note, _extra") == [("1", "张", None, '{"电话":"123"}')]
    assert batch["absent"] == "note"


def test_a_renamed_optional_column_is_accepted_and_said(desk):
    desk.put("sy_202610.csv", "BH,XM,BZ1\n1,a,b\n")
    [batch] = desk.collect().batches
    assert batch["status"] == "collected"
    assert batch["absent"] == "note"
    assert "'BZ1' looks like it" in batch["reason"]


def test_collapse_is_refused_and_the_limit_is_the_contracts(desk):
    desk.put("sy_202609.csv", HEAD + "".join(f"{i},a,b\n" for i in range(10)))
    desk.put("dl_202610.csv", HEAD + "1,a,b\n")
    desk.put("sy_202610.csv", HEAD + "".join(f"{i},c,d\n" for i in range(4)))
    batches = {b["source"]: b for b in desk.collect().batches}
    assert batches["dl_202610.csv"]["status"] == "collected"
    assert batches["sy_202610.csv"]["status"] == "refused"
    assert "4 rows" in batches["sy_202610.csv"]["reason"]
    assert "had 10" in batches["sy_202610.csv"]["reason"]
    assert "at most 50%" in batches["sy_202610.csv"]["reason"]
    desk.put("sy_202611.csv", HEAD + "".join(f"{i},c,d\n" for i in range(5)))
    assert desk.collect().batches[0]["status"] == "collected"


def test_two_files_for_one_period_are_both_kept_and_the_newer_named(desk):
    desk.put("sy_202610_a.csv", HEAD + "1,a,b\n", age=100)
    desk.put("sy_202610_b.csv", HEAD + "1,a,c\n", age=50)
    first, second = desk.collect().batches
    assert second["status"] == "collected"
    assert f"stands in place of {first['batch']}" in second["reason"]
    assert len(desk.raw()) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("人员 2026.csv", "of the form"),
        ("sy_202613.csv", "202613"),
        ("sy_209901.csv", "has not begun"),
        ("sy_202501.csv", "lies before the first"),
        ("sy_202610.txt", "a name like people/*.csv"),
    ],
)
def test_names_that_say_no_period(desk, name, words):
    assert words in refusal(desk, HEAD + "1,a,b\n", name)


def test_names_of_every_kind(desk, make_column):
    desk.contract([make_column("id", "BH", key=True)], delivery={"pattern": r"(?s)(?P<period>\d{6}).*", "unit": None})
    names = [
        "202610 a b.csv",
        "202610'; DROP TABLE x; --.csv",
        '202610"quoted".csv',
        "202610..%2f..\\x.csv",
        "202610\n\x1b[31m.csv",
        "202610" + "人" * 81 + "aa.csv",
    ]
    assert max(len(os.fsencode(n)) for n in names) == 255
    for at, name in enumerate(names):
        desk.put(name, f"BH\n{at}\n")
    outcome = desk.collect()
    assert [b["status"] for b in outcome.batches] == ["collected"] * 6
    assert outcome.problems == []
    assert all(b["source"].isprintable() for b in outcome.batches)
    assert desk.collected() == sorted(names)
    # the same names again, with rows for refusal: the reason file needs room in 255 bytes
    for name in names:
        desk.put(name, "nothing\n")
    assert {b["status"] for b in desk.collect().batches} == {"refused"}
    kept = desk.refused()
    assert len(kept) == 12
    assert all(len(os.fsencode(n)) <= 255 for n in kept)


def test_links_are_not_followed(desk, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text(HEAD + "1,a,b\n")
    folder = desk.project.landing / "people"
    folder.mkdir(parents=True)
    (folder / "sy_202610.csv").symlink_to(secret)
    os.utime(folder / "sy_202610.csv", (time.time() - 60,) * 2, follow_symlinks=False)
    [batch] = desk.collect().batches
    assert batch["status"] == "refused"
    assert "no ordinary file" in batch["reason"]
    assert secret.exists()


def test_a_file_still_being_written_waits(desk, make_column):
    desk.contract([make_column("id", "BH", key=True)], options={"settle": 30})
    desk.put("sy_202610.csv", "BH\n1\n", age=1)
    desk.put("dl_202610.csv.part", "BH\n2\n")
    desk.put("as_202610.csv", "BH\n3\n")
    outcome = desk.collect()
    assert [b["source"] for b in outcome.batches] == ["as_202610.csv"]
    assert len(outcome.problems) == 2
    assert all("still being written" in p for p in outcome.problems)
    assert desk.waiting() == ["dl_202610.csv.part", "sy_202610.csv"]
    assert pending(desk.con, desk.project, desk.project.contracts["people"]) == []


def test_a_file_just_put_down_is_waited_for(desk, make_column):
    desk.contract([make_column("id", "BH", key=True)], options={"settle": 0.3})
    desk.put("sy_202610.csv", "BH\n1\n", age=0)
    assert len(desk.collect().batches) == 1


@pytest.mark.parametrize("event", ["grows", "vanishes"])
def test_a_file_that_changes_while_it_is_read(desk, monkeypatch, event):
    path = desk.put("sy_202610.csv", HEAD + "1,a,b\n")
    desk.put("dl_202610.csv", HEAD + "2,a,b\n")
    from assets.readers import text

    judge = text._judge

    def meanwhile(sample: bytes, encoding: str, bom: bool, name: str) -> None:
        judge(sample, encoding, bom, name)
        if name.startswith("sy"):
            path.unlink() if event == "vanishes" else path.write_text(HEAD + "1,a,b\n2,c,d\n")

    with monkeypatch.context() as patch:
        patch.setattr(text, "_judge", meanwhile)
        outcome = desk.collect()
    assert [b["source"] for b in outcome.batches] == ["dl_202610.csv"]
    assert ("vanished" if event == "vanishes" else "changed while it was read") in outcome.problems[0]
    assert len(desk.raw()) == 1


def test_a_full_disk_leaves_everything_where_it_is(desk, monkeypatch):
    import errno

    from assets.readers import records

    def full(self: object, lines: object, numbers: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    desk.put("sy_202610.csv", HEAD + "1,a,b\n")
    with monkeypatch.context() as patch:
        patch.setattr(records.RecordWriter, "_write", full)
        outcome = desk.collect()
    assert outcome.batches == []
    assert "No space left" in outcome.problems[0]
    assert "Make room" in outcome.problems[0]
    assert desk.waiting() == ["sy_202610.csv"]
    assert desk.collect().batches[0]["status"] == "collected"


def test_a_refused_one_stops_no_other_and_is_told_once(desk):
    desk.put("as_202610.csv", "")
    desk.put("sy_202610.csv", HEAD + "1,a,b\n")
    assert [b["status"] for b in sorted(desk.collect().batches, key=lambda b: b["source"])] == ["refused", "collected"]
    desk.put("as_202610.csv", "")
    [again] = desk.collect().batches
    assert again["status"] == "refused"
    assert desk.sql("SELECT count(*) FROM evidence.batches WHERE status = 'refused'") == [(1,)]


def test_partition_keys_choose(desk):
    desk.put("sy_202609.csv", HEAD + "1,a,b\n")
    desk.put("sy_202610.csv", HEAD + "2,a,b\n")
    [batch] = desk.collect(partition_keys={"2026-09-01"}).batches
    assert batch["period"] == "202609"
    assert desk.waiting() == ["sy_202610.csv"]


def test_new_columns_of_the_contract_reach_raw(desk, make_column):
    desk.put("sy_202609.csv", HEAD + "1,a,b\n")
    desk.collect()
    desk.contract([make_column("id", "BH", key=True), make_column("name", "XM"), make_column("phone", "DH")])
    desk.put("sy_202610.csv", "BH,XM,DH\n1,a,9\n")
    desk.collect()
    assert desk.raw("id, note, phone") == [("1", "b", None), ("1", None, "9")]


def test_a_look_before_handing_over_stores_nothing(desk, tmp_path):
    path = tmp_path / "any name.csv"
    path.write_text(HEAD + "1,a,b\n2\n")
    contract = desk.project.contracts["people"]
    extract = extract_file(desk.con, desk.project, contract, path)
    assert (extract.rows, len(extract.rejects)) == (1, 1)
    extract.discard()
    with pytest.raises(RefusedError, match="no such file"):
        extract_file(desk.con, desk.project, contract, Path("nowhere.csv"))
    path.write_text("")
    with pytest.raises(RefusedError, match="empty file"):
        extract_file(desk.con, desk.project, contract, path)
    assert path.exists()
    assert not desk.project.collected.exists()


def test_strays_are_named(desk):
    desk.put("sy_202610.csv", HEAD)
    (desk.project.landing / "peple").mkdir()
    (desk.project.landing / "loose.csv").write_text("x")
    assert strays(desk.project) == ["loose.csv", "peple"]


def test_later_error_is_no_refusal():
    assert not issubclass(LaterError, RefusedError)
