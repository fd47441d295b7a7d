"""What can be done to a journal, and what is found of it: which kind, on which line, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.project import Project
from pipelines.errors import JournalError
from pipelines.journal import Entry, append, entries, head, journal_path, repair, verify
from pipelines.sealing import ZEROS

Lines = list[bytes]
HALF = ("half", "11")


def field(at: int, name: str, value: Any) -> Callable[[Lines], Lines]:
    """A field of an entry is another; its seal stays."""

    def change(lines: Lines) -> Lines:
        fields = json.loads(lines[at])
        fields[name] = value
        lines[at] = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        return lines

    return change


def sealed(line: bytes, **changed: Any) -> bytes:
    """An entry with other fields and the seal that they call for."""
    entry = replace(Entry(**json.loads(line)), **changed)
    return replace(entry, seal=entry.computed()).line()


def resealed(*at: int) -> Callable[[Lines], Lines]:
    def change(lines: Lines) -> Lines:
        for position in at:
            lines[position] = sealed(lines[position], who="赵六")
        return lines

    return change


def chain_from(at: int, time: str = "", **changed: Any) -> Callable[[Lines], Lines]:
    """An entry is another, and all that follow are chained anew."""

    def change(lines: Lines) -> Lines:
        lines[at] = sealed(lines[at], **(changed | ({"at": time} if time else {})))
        for position in range(at + 1, len(lines)):
            before = json.loads(lines[position - 1])
            lines[position] = sealed(lines[position], seq=before["seq"] + 1, prev=before["seal"])
        return lines

    return change


def foreign(seq: int) -> bytes:
    """An entry of another journal, whole and well sealed."""
    return (
        Entry(seq, "2026-11-26T08:00:00+08:00", "孙七", "waive", "", {}, "ab" * 32, "")
        .line()
        .replace(
            b'"seal":""',
            b'"seal":"' + Entry(seq, "2026-11-26T08:00:00+08:00", "孙七", "waive", "", {}, "ab" * 32, "").computed().encode() + b'"',
        )
    )


def put(at: int, *what: bytes) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines[:at], *what, *lines[at:]]


def forged(at: int) -> Callable[[Lines], Lines]:
    """An entry that names the one before it, well sealed, put in where the next one stood."""
    return lambda lines: put(at, sealed(lines[at], what="waive", content={}))(lines)


def pick(*order: int) -> Callable[[Lines], Lines]:
    return lambda lines: [lines[n] for n in order]


def flipped(lines: Lines) -> Lines:
    at = lines[4].index("王芳".encode()) + 1
    lines[4] = lines[4][:at] + bytes([lines[4][at] ^ 0x40]) + lines[4][at + 1 :]
    return lines


def recoded(encoding: str) -> Callable[[Lines], Lines]:
    return lambda lines: [b"".join(lines).decode().encode(encoding)]


def each(change: Callable[[bytes], bytes]) -> Callable[[Lines], Lines]:
    return lambda lines: [change(line) for line in lines]


def chained_without(at: int) -> Callable[[Lines], Lines]:
    """An entry is taken out, and all that follow are chained anew."""

    def change(lines: Lines) -> Lines:
        before, after = lines[at - 1], sealed(lines[at + 1], seq=at + 1, prev=json.loads(lines[at - 1])["seal"])
        assert json.loads(before)["seq"] == at
        return chain_from(at)([*lines[:at], after, *lines[at + 2 :]])

    return change


def backwards(lines: Lines) -> Lines:
    fields = dict(reversed(json.loads(lines[3]).items()))
    lines[3] = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return lines


CASES: dict[str, tuple[Callable[[Lines], Lines], dict[int, int], list[tuple[str, str]]]] = {
    # what was done (lines count from 0): anchors kept elsewhere, by number: kept after so many entries; what must be found, lines from 1
    "who": (field(3, "who", "赵六"), {}, [("changed", "4")]),
    "why": (field(3, "why", ""), {}, [("changed", "4")]),
    "content": (field(3, "content", {"dataset": "cat"}), {}, [("changed", "4")]),
    "time": (field(3, "at", "2020-01-01T00:00:00+08:00"), {}, [("changed", "4")]),
    "what": (field(9, "what", "waive"), {}, [("changed", "10")]),
    "seq": (field(3, "seq", 7), {}, [("changed", "4")]),
    "prev": (field(3, "prev", "c" * 64), {}, [("changed", "4")]),
    "seal": (field(3, "seal", "c" * 64), {}, [("changed", "4")]),
    "seal of the last": (field(9, "seal", "c" * 64), {}, [("changed", "10")]),
    "first entry's who": (field(0, "who", "赵六"), {}, [("changed", "1")]),
    "a field more": (field(3, "note", "x"), {}, [("unreadable", "4")]),
    "a field of another kind": (field(3, "seq", "4"), {}, [("unreadable", "4")]),
    "two entries changed": (lambda x: field(7, "who", "a")(field(3, "who", "b")(x)), {}, [("changed", "4"), ("changed", "8")]),
    "changed and sealed anew": (resealed(3), {}, [("resealed", "4")]),
    "the first sealed anew": (resealed(0), {}, [("resealed", "1")]),
    "the first with another beginning": (chain_from(0, prev="c" * 64), {}, [("resealed", "1")]),
    "the last sealed anew": (resealed(9), {10: 10}, [("replaced", "1-10")]),
    "the last sealed anew, anchors near": (resealed(9), {9: 9, 10: 10}, [("replaced", "10")]),
    "the last but one sealed anew": (resealed(8), {}, [("resealed", "9-10")]),
    "the last but one sealed anew, anchor": (resealed(8), {10: 10}, [("resealed", "9")]),
    "two sealed anew": (resealed(2, 6), {}, [("resealed", "3"), ("resealed", "7")]),
    "replaced tail": (chain_from(3, who="赵六"), {2: 2, 8: 8, 10: 10}, [("replaced", "3-8")]),
    "replaced tail, shorter": (lambda x: chain_from(3, who="赵六")(x[:6]), {2: 2, 5: 5, 10: 10}, [("replaced", "3-5"), ("truncated", "7")]),
    "removed at the start": (pick(*range(1, 10)), {}, [("removed", "1")]),
    "removed in the middle": (pick(0, 1, 2, 4, 5, 6, 7, 8, 9), {}, [("removed", "4")]),
    "three removed": (pick(0, 1, 5, 6, 7, 8, 9), {}, [("removed", "3")]),
    "removed at two places": (pick(0, 2, 3, 4, 5, 6, 8, 9), {}, [("removed", "2"), ("removed", "7")]),
    "removed at the end": (pick(*range(9)), {10: 10}, [("truncated", "10")]),
    "removed and chained anew": (chained_without(3), {9: 9, 10: 10}, [("replaced", "1-9"), ("truncated", "10")]),
    "two swapped": (pick(0, 1, 3, 2, 4, 5, 6, 7, 8, 9), {}, [("reordered", "3-4")]),
    "one moved to the end": (pick(0, 1, 3, 4, 5, 6, 7, 8, 9, 2), {}, [("reordered", "3-10")]),
    "first and last swapped": (pick(9, 1, 2, 3, 4, 5, 6, 7, 8, 0), {}, [("reordered", "1-10"), ("reordered", "1-10")]),
    "one duplicated": (pick(0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), {}, [("repeated", "4")]),
    "one repeated at the end": (pick(*range(10), 4), {}, [("repeated", "11")]),
    "all twice": (pick(*range(10), *range(10)), {}, [("repeated", str(n)) for n in range(11, 21)]),
    "one forged and put in": (forged(3), {}, [("inserted", "4")]),
    "one forged before the last": (forged(9), {10: 10}, [("inserted", "10")]),
    "one forged before the last, no anchor": (forged(9), {}, [("inserted", "10-11")]),
    "of another journal, put in": (put(5, foreign(3)), {}, [("inserted", "6")]),
    "of another journal, a high number": (put(5, foreign(40)), {}, [("inserted", "6")]),
    "of another journal, in place of one": (lambda x: put(5, foreign(6))([*x[:5], *x[6:]]), {}, [("resealed", "6")]),
    "of another journal, the next number at the end": (put(10, foreign(11)), {10: 10}, [("resealed", "11")]),
    "of another journal, at the end": (put(10, foreign(3)), {}, [("inserted", "11")]),
    "emptied": (lambda _: [], {10: 10}, [("emptied", "1")]),
    "cut in the middle of a line": (lambda x: [*x[:9], x[9][:50]], {10: 10}, [("half", "10")]),
    "cut three entries before the end": (lambda x: [*x[:6], x[6][:50]], {10: 10}, [("half", "7"), ("truncated", "8")]),
    "line end of the last gone": (lambda x: [*x[:9], x[9][:-1]], {}, [("half", "10")]),
    "line end in the middle gone": (lambda x: [*x[:3], x[3][:-1] + x[4], *x[5:]], {}, [("unreadable", "4"), ("removed", "5")]),
    "a byte flipped": (flipped, {}, [("bytes", "5")]),
    "byte order mark": (lambda x: [b"\xef\xbb\xbf", *x], {10: 10}, [("encoding", "1")]),
    "blank line": (put(4, b"\n"), {}, [("blank", "5")]),
    "blank line at the end": (put(10, b" \n"), {}, [("blank", "11")]),
    "garbage at the end": (put(10, b"\x00\xff garbage\n"), {}, [("bytes", "11")]),
    "garbage without an end": (put(10, b"garbage"), {}, [HALF]),
    "a number in place of an entry": (put(10, b"17\n"), {}, [("unreadable", "11")]),
    "GBK": (recoded("gbk"), {10: 10}, [("bytes", "1-10")]),
    "UTF-16": (recoded("utf-16"), {10: 10}, [("encoding", "1")]),
    "CRLF": (each(lambda line: line[:-1] + b"\r\n"), {10: 10}, [("form", "1-10")]),
    "escaped": (each(lambda line: json.dumps(json.loads(line)).encode() + b"\n"), {10: 10}, [("form", "1-10")]),
    "keys in another order": (backwards, {}, [("form", "4")]),
    "a key twice": (lambda x: [*x[:3], x[3].replace(b'{"at"', '{"who":"赵六","at"'.encode()), *x[4:]], {}, [("form", "4")]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_is_found_where_it_is_and_nothing_else(ten: Project, case: str) -> None:
    change, anchors, expected = CASES[case]
    kept = {e.seq: e.seal for e in entries(ten)}
    path = journal_path(ten)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    found = verify(ten, [(seq, kept[of]) for seq, of in anchors.items()])
    assert [(f.kind, f.place) for f in found if not f.remark] == expected


def test_the_journal_as_it_was_written_has_no_findings(ten: Project) -> None:
    anchors = [(e.seq, e.seal) for e in entries(ten)]
    assert verify(ten) == []
    assert verify(ten, [(0, ZEROS), *anchors, *((n, s[:16]) for n, s in anchors)]) == []


def test_a_file_that_is_gone(ten: Project) -> None:
    anchor = head(ten)
    journal_path(ten).unlink()
    assert [(f.kind, f.place, f.expected) for f in verify(ten, [anchor])] == [("gone", "1", f"10:{anchor[1]}")]
    assert verify(ten) == []


def test_an_anchor_that_was_altered_is_told_as_such(ten: Project) -> None:
    assert [(f.kind, f.place) for f in verify(ten, [(4, "d" * 64), head(ten)])] == [("anchor", "4")]


@pytest.mark.parametrize("anchor", [(3, "abc"), (3, "x" * 64), (-1, "a" * 64), (0, "a" * 64), (3, "a" * 65)])
def test_an_anchor_that_is_none_is_refused(ten: Project, anchor: tuple[int, str]) -> None:
    with pytest.raises(JournalError, match="SEQ:SEAL"):
        verify(ten, [anchor])


def test_a_clock_that_goes_back_is_remarked_only(ten: Project) -> None:
    path = journal_path(ten)
    path.write_bytes(b"".join(chain_from(8, time="2020-01-01T00:00:00+08:00")(path.read_bytes().splitlines(keepends=True))))
    assert [(f.kind, f.place, f.remark) for f in verify(ten)] == [("clock", "9", True)]


def test_after_a_repair_the_chain_is_whole(ten: Project) -> None:
    path = journal_path(ten)
    path.write_bytes(path.read_bytes()[:-40])
    assert [(f.kind, f.place) for f in verify(ten)] == [("half", "10")]
    repair(ten, "王芳")
    append(ten, "note", "王芳")
    assert verify(ten) == []


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_of_any_bytes_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever is cut out of the file and put in its place; with the anchor of the end nothing goes unseen."""
    root = tmp_path_factory.mktemp("any")
    project = Project(root, root)
    for n in range(6):
        append(project, "note", "王芳", "为何", n=n)
    anchor, path = head(project), journal_path(project)
    before = path.read_bytes()
    start = data.draw(st.integers(0, len(before)))
    end = data.draw(st.integers(start, len(before)))
    after = before[:start] + data.draw(st.binary(max_size=30) | st.just(b"") | st.just(before[start:end] * 2)) + before[end:]
    path.write_bytes(after)
    assert bool([f for f in verify(project, [anchor]) if not f.remark]) == (after != before)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_rearrangement_of_lines_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    root = tmp_path_factory.mktemp("any")
    project = Project(root, root)
    for n in range(6):
        append(project, "note", "王芳", n=n)
    anchor, path = head(project), journal_path(project)
    lines = path.read_bytes().splitlines(keepends=True)
    order = data.draw(st.lists(st.integers(0, 5), max_size=9))
    path.write_bytes(b"".join(lines[n] for n in order))
    assert bool(verify(project, [anchor])) == (order != list(range(6)))


def test_a_long_journal_is_verified_in_seconds(ten: Project, tmp_path: Path) -> None:
    import time

    path, last = journal_path(ten), list(entries(ten))[-1]
    with path.open("ab") as file:
        for seq in range(11, 30_001):
            entry = Entry(seq, last.at, "王芳", "note", "", {}, last.seal, "")
            last = replace(entry, seal=entry.computed())
            file.write(last.line())
    began = time.process_time()
    assert verify(ten, [(last.seq, last.seal)]) == []
    assert time.process_time() - began < 6
