"""XML: records by their path, and documents that are refused for what they could do."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from assets.batches import accounts

SERVER = {"server": "landing", "type": "local", "path": "people/*.xml", "format": "xml"}


@pytest.fixture
def xml(desk, make_column):
    def declare(**options):
        desk.contract(
            [make_column("id", "bh", key=True, required=True), make_column("name", "xm"), make_column("holder", "holder/name")],
            server=SERVER,
            options={"recordsAt": "data/rows/row", **options},
        )

    declare()
    desk.declare = declare
    return desk


def refusal(desk, content: bytes | str) -> str:
    desk.put("sy_202610.xml", content)
    [batch] = desk.collect().batches
    assert batch["status"] == "refused"
    return batch["reason"]


RECORDS = """<g:data xmlns:g="urn:x" total="3"><head><date>20261001</date></head><rows>
<row id="7"><bh>001</bh><xm>张 三</xm><holder><name>李</name><kind/></holder></row>
<row><bh>002</bh><xm/><tel>1</tel><tel>2</tel></row>
<row><g:bh>003</g:bh><xm><![CDATA[a<b&]]>&amp;&#x20BB7;</xm></row>
</rows></g:data>"""


@pytest.mark.parametrize(
    ("prolog", "encoding"), [("", "utf-8"), ("UTF-8", "utf-8-sig"), ("GBK", "gb18030"), ("GB18030", "gb18030"), ("UTF-16", "utf-16")]
)
def test_records_and_fields_by_path(xml, prolog, encoding):
    xml.declare(totalAt="data/@total")
    head = f'<?xml version="1.0" encoding="{prolog}"?>\n' if prolog else ""
    xml.put("sy_202610.xml", (head + RECORDS).encode(encoding))
    [batch] = xml.collect().batches
    assert xml.raw("id, name, holder, _extra, _row") == [
        ("001", "张 三", "李", '{"@id":"7","holder/kind":null,"tel":null}', 1),
        ("002", None, None, '{"@id":null,"holder/kind":null,"tel":"[\\"1\\", \\"2\\"]"}', 2),
        ("003", "a<b&&𠮷", None, '{"@id":null,"holder/kind":null,"tel":null}', 3),
    ]
    assert (batch["announced"], batch["records"], batch["lines"]) == (3, 3, 3)
    assert "1 fields stood several times" in batch["reason"]
    assert [a.differences for a in accounts(xml.con, xml.project.contracts["people"])] == [[]]


EXTERNAL = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><data><rows><row><bh>&x;</bh></row></rows></data>'
LAUGHS = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><data><rows><row><bh>&b;</bh></row></rows></data>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (EXTERNAL, ["a document type (DTD)", "sy_202610.xml"]),
        (LAUGHS, ["a document type (DTD)"]),
        ('<!DOCTYPE data SYSTEM "http://127.0.0.1:1/x.dtd"><data/>', ["a document type (DTD)"]),
        ("<data><rows><row><bh>&x;</bh></row></rows></data>", ["undefined entity", "line 1"]),
        (RECORDS[:150], ["no well-formed XML", "line 2"]),
        ("<data>\n<rows><row></rows>", ["mismatched tag", "line 2, column"]),
        ("<data><list><row><bh>1</bh></row></list></data>", ["no record at data/rows/row", "data/list/row"]),
        ("", ["an empty file"]),
        ("BH,XM\n1,2\n", ["no well-formed XML"]),
        (b'<?xml version="1.0" encoding="gbk"?><data><rows><row><bh>' + b"\xff\xff</bh></row></rows></data>", ["not GB18030"]),
        ("<data><rows><row><xm>1</xm></row></rows></data>", ["needed column bh"]),
        ("<a>" * 40, ["more than 32 elements"]),
    ],
)
def test_refused_with_clear_words(xml, content, words):
    reason = refusal(xml, content)
    for word in words:
        assert word in reason
    assert "root:" not in reason


def test_records_against_the_announced_number(xml):
    xml.declare(totalAt="data/total")
    good = "<data><rows><row><bh>1</bh></row></rows><total> 1 </total></data>"
    assert "1 records, where data/total announces 2" in refusal(xml, good.replace(" 1 ", "2"))
    assert "no number at data/total" in refusal(xml, good.replace(" 1 ", "many"))
    xml.put("dl_202610.xml", good)
    assert xml.collect().batches[-1]["announced"] == 1


def test_memory_does_not_grow_with_the_file(xml, tmp_path: Path):
    from assets.readers.xml import read_file

    contract = xml.project.contracts["people"]
    peaks = []
    for count in (2_000, 40_000):
        path = tmp_path / "big.xml"
        path.write_text("<data><rows>" + "<row><bh>1</bh><xm>张三</xm></row>" * count + "</rows></data>", encoding="utf-8")
        tracemalloc.start()
        extract = read_file(path, contract, {"recordsAt": "data/rows/row", "totalAt": None}, tmp_path / "data" / "scratch")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert extract.records == count
        extract.discard()
    assert peaks[1] < peaks[0] + 3_000_000
