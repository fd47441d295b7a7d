"""For any text: every record and every physical line is accounted for, and `_row` is where the record begins."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.lake import connect
from assets.readers import RefusedError
from assets.readers.delimited import read_delimited

OPTIONS = {"encoding": "utf-8", "delimiter": ",", "lookAhead": 20}
PIECES = st.sampled_from(["a", "中", '"', '""', ",", "\n", "\r\n", " ", "\0", "x,y", "1,2,3\n", '"q",', "\ufeff", "\x85"])
VALUES = st.text(alphabet=st.sampled_from('ab,"\n\r 中\x0b\x85\u2028'), max_size=6)


@pytest.fixture(scope="module")
def con() -> Any:
    made = connect()
    yield made
    made.close()


def read(con: Any, content: bytes) -> tuple[Any, list[tuple[Any, ...]]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        path.write_bytes(content)
        extract = read_delimited(path, OPTIONS, Path(folder))
        return extract, con.execute(f"SELECT * FROM ({extract.relation}) ORDER BY _row").fetchall()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=60))
def test_any_text_is_accounted_for(con, pieces):
    body = "".join(pieces)
    content = ("h1,h2,h3\n" + body).encode()
    try:
        extract, rows = read(con, content)
    except RefusedError:
        return
    lines = content.decode().split("\n")
    if lines[-1] == "":
        lines.pop()
    assert extract.lines == len(lines) == extract.records + extract.lines_other
    assert extract.records == len(rows) + len(extract.rejects)
    # Each physical line belongs to the header, is blank, or belongs to the one record that begins at or before it.
    begins = {row[0]: 1 + sum((v or "").count("\n") for v in row[1:]) for row in rows}
    begins.update({reject.row: reject.lines for reject in extract.rejects})
    assert len(begins) == extract.records
    covered = {1}
    for first, count in begins.items():
        span = set(range(first, first + count))
        assert not span & covered
        covered |= span
    assert all(lines[at - 1].strip() == "" for at in set(range(1, len(lines) + 1)) - covered)
    for reject in extract.rejects:
        assert reject.text.replace("␀", "\0") == lines[reject.row - 1].removesuffix("\r")
    for row in rows:
        begin = lines[row[0] - 1].removesuffix("\r")
        first = (row[1] or "").split("\n")[0].removesuffix("\r")
        assert begin.lstrip('"').startswith(first.split('"')[0])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_what_a_writer_wrote_comes_back_with_its_line(con, records, end, quote_all, last_end):
    def field(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if quote_all or any(c in value for c in ',"\r\n') else value

    text = "h1,h2,h3" + end
    expected = []
    for record in records:
        expected.append((text.count("\n") + 1, *((v if v or quote_all else None) for v in record)))
        text += ",".join(map(field, record)) + end
    text = text if last_end else text.removesuffix(end)
    extract, rows = read(con, text.encode())
    assert extract.rejects == []
    assert rows == expected
    assert extract.lines == text.count("\n") + (not last_end)
