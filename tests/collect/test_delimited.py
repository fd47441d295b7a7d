"""Delimited text of other kinds than CSV with commas: pipes, byte order marks, quotes that are none, titles above the header."""

from __future__ import annotations

import pytest

SERVER = {"server": "landing", "type": "local", "path": "people/*.txt", "format": "csv"}


@pytest.fixture
def pipes(desk, make_column):
    def declare(encoding: str = "utf-8", **options):
        desk.contract(
            [make_column("id", "BH", key=True, required=True), make_column("name", "XM"), make_column("note", "BZ")],
            server={**SERVER, "encoding": encoding},
            options={"delimiter": "|", **options},
        )

    declare()
    desk.declare = declare
    return desk


@pytest.mark.parametrize(("encoding", "declared"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030")])
def test_pipe_text(pipes, encoding, declared):
    pipes.declare(declared)
    # The second byte of 亅 and 丂 in GB18030 is that of a vertical bar or a backslash: bytes are no characters.
    pipes.put("sy_202610.txt", 'BH|XM|BZ\n1|张,三|亅\n2|"a|b"|\n3||丂\n'.encode(encoding))
    pipes.collect()
    assert pipes.raw("id, name, note, _row") == [("1", "张,三", "亅", 2), ("2", "a|b", None, 3), ("3", None, "丂", 4)]


def test_quotes_that_are_ordinary_characters(pipes):
    content = 'BH|XM|BZ\n1|5" 管|a\n2|"x|y"\n3|"半|"\n4|多|了|"一"\n5|e|f\n'
    pipes.put("sy_202609.txt", content)
    pipes.collect()
    assert [r[0] for r in pipes.rejects()] == [2, 3, 4, 5]
    pipes.declare(quotes=False)
    pipes.put("sy_202610.txt", content + "\n")
    pipes.collect()
    rows = pipes.sql("SELECT id, name, note, _row FROM raw.people WHERE _batch LIKE '%202610%' ORDER BY _row")
    assert rows == [("1", '5" 管', "a", 2), ("2", '"x', 'y"', 3), ("3", '"半', '"', 4), ("5", "e", "f", 6)]
    assert "found 4 fields, expected 3" in pipes.sql("SELECT reason FROM evidence.rejects WHERE batch LIKE '%202610%'")[0][0]


def test_a_row_of_descriptions_above_the_header(pipes):
    content = "唯一编号|本人姓名|其他\nBH|XM|BZ\n1|a|b\n"
    pipes.put("sy_202610.txt", content)
    [batch] = pipes.collect().batches
    assert batch["status"] == "refused"
    assert "line 1: a title or a row of descriptions ('唯一编号, 本人姓名, 其他')" in batch["reason"]
    assert "the names of the columns in line 2" in batch["reason"]
    assert "`titleLines: 1`" in batch["reason"]
    pipes.declare(titleLines=1)
    pipes.put("dl_202610.txt", content)
    [batch] = pipes.collect().batches
    assert pipes.raw("id, _row") == [("1", 3)]
    assert (batch["lines"], batch["lines_other"], batch["records"]) == (3, 2, 1)


def test_two_tables_side_by_side(pipes):
    pipes.put("sy_202610.txt", "BH|XM|BZ||BH|XM|BZ\n1|a|b||2|c|d\n")
    [batch] = pipes.collect().batches
    assert "two tables side by side: 3 columns from 'BH' (column 5) on" in batch["reason"]
