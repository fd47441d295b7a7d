"""The journal: what is written is read, chained, whole; a cut line is told, and set aside on demand."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.project import Project
from pipelines import journal
from pipelines.errors import JournalError
from pipelines.journal import append, entries, head, journal_path, repair
from pipelines.sealing import ZEROS, canonical, sm3

CODE = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, tmp_path / "data")


def test_sm3_is_that_of_the_standard() -> None:
    """GB/T 32905-2016, appendix A, both examples."""
    assert sm3(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3(b"abcd" * 16) == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_without_openssl_s_sm3_the_digest_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(name: str) -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr("hashlib.new", lacks)
    assert sm3(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.hashes", None)
    with pytest.raises(ModuleNotFoundError, match="no SM3"):
        sm3(b"abc")


def test_an_empty_journal_has_no_entries_and_the_first_anchor(project: Project) -> None:
    assert list(entries(project)) == []
    assert head(project) == (0, ZEROS)


def test_each_entry_names_the_one_before(project: Project) -> None:
    a = append(project, "dispatch", "王芳", "三件先办", dataset="pet", tickets=["a", "b"], due=date(2026, 11, 30))
    b = append(project, "waive", "赵处长")
    c = append(project, "dispatch", "王芳")
    assert [e.seq for e in (a, b, c)] == [1, 2, 3]
    assert (a.prev, b.prev, c.prev) == (ZEROS, a.seal, b.seal)
    assert a.content == {"dataset": "pet", "due": "2026-11-30", "tickets": ["a", "b"]}
    assert list(entries(project)) == [a, b, c]
    assert list(entries(project, "dispatch")) == [a, c]
    assert list(entries(project, "waive", "publish")) == [b]
    assert head(project) == (3, c.seal)


def test_the_file_is_one_line_an_entry_in_the_form_that_is_sealed(project: Project) -> None:
    append(project, "claim", "农业局\n李四", "已改\r\n第 2 次\x00\u2028完", note={"b": 1, "a": [None, True]})
    (line,) = journal_path(project).read_bytes().split(b"\n")[:-1]
    fields = json.loads(line)
    assert fields["who"] == "农业局\n李四"
    assert fields["why"] == "已改\r\n第 2 次\x00\u2028完"
    seal = fields.pop("seal")
    assert sm3(json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()) == seal
    assert "已改".encode() in line


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ),
)
def test_whatever_is_written_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, who: str, why: str, about: dict[str, object]
) -> None:
    root = tmp_path_factory.mktemp("any")
    project = Project(root, root)
    written = [append(project, "note", who, why, about=about), append(project, "note", who, why)]
    assert list(entries(project)) == written
    assert all(e.computed() == e.seal for e in written)
    assert json.loads(canonical(written[0].content)) == {"about": about}


@pytest.mark.parametrize(
    ("what", "who", "content", "said"),
    [
        ("waive", "", {}, "name"),
        ("waive", " \n\t　", {}, "name"),
        (" ", "王芳", {}, "what="),
        ("waive", "王芳", {"x": float("nan")}, "no JSON"),
        ("waive", "王芳", {"x": object()}, "no JSON"),
        ("waive", "\ud800", {}, "no JSON"),
        ("waive", "王芳", {"x": {1: 2, "a": 3}}, "no JSON"),
    ],
)
def test_what_cannot_be_written_down_is_refused_and_nothing_is_written(
    project: Project, what: str, who: str, content: dict[str, object], said: str
) -> None:
    kept = append(project, "note", "王芳")
    with pytest.raises(JournalError, match=said):
        append(project, what, who, "", **content)
    assert list(entries(project)) == [kept]


def test_a_cut_line_stops_appending_until_it_is_set_aside(project: Project) -> None:
    a = append(project, "dispatch", "王芳")
    append(project, "claim", "李四", "半行会丢吗")
    path = journal_path(project)
    whole = path.read_bytes()
    os.truncate(path, len(whole) - 30)
    half = path.read_bytes().split(b"\n")[1]

    for refused in (lambda: append(project, "note", "王芳"), lambda: head(project), lambda: list(entries(project))):
        with pytest.raises(JournalError, match=r"journal\.jsonl:2: .*audit repair"):
            refused()
    mended = repair(project, "王芳")
    assert mended is not None
    assert (mended.seq, mended.what, mended.prev) == (2, "repair", a.seal)
    assert (path.parent / mended.content["kept"]).read_bytes() == half
    assert (mended.content["line"], mended.content["bytes"], mended.content["digest"]) == (2, len(half), sm3(half))
    assert list(entries(project)) == [a, mended]
    assert repair(project, "王芳") is None


def test_a_line_that_lacks_only_its_end_is_ended_and_stays(project: Project) -> None:
    a = append(project, "dispatch", "王芳")
    path = journal_path(project)
    os.truncate(path, path.stat().st_size - 1)
    mended = repair(project, "王芳")
    assert mended is not None
    assert mended.content["kept"] == ""
    assert list(entries(project)) == [a, mended]


def test_a_disk_that_is_full_leaves_the_journal_as_it_was(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    a = append(project, "dispatch", "王芳")
    real = os.write
    monkeypatch.setattr(journal.os, "write", lambda handle, data: real(handle, data[:20]))
    with pytest.raises(OSError, match="full"):
        append(project, "claim", "李四")
    monkeypatch.undo()
    assert list(entries(project)) == [a]
    assert append(project, "claim", "李四").prev == a.seal


@pytest.mark.parametrize("last", [b"\n", b"{}\n", b"[]\n", b'"x"\n', b"\xff\xfe\n", b"garbage\n"])
def test_appending_refuses_a_last_line_that_is_no_entry(project: Project, last: bytes) -> None:
    append(project, "dispatch", "王芳")
    with journal_path(project).open("ab") as file:
        file.write(last)
    with pytest.raises(JournalError, match=r"journal\.jsonl:2: .*audit verify"):
        append(project, "claim", "李四")


def test_appending_refuses_a_last_line_that_was_changed(project: Project) -> None:
    append(project, "dispatch", "王芳")
    path = journal_path(project)
    path.write_bytes(path.read_bytes().replace("王芳".encode(), "李四".encode()))
    with pytest.raises(JournalError, match=r"journal\.jsonl:1: .*audit verify"):
        append(project, "claim", "李四")


WRITER = """
import sys, time
from pathlib import Path
from assets.project import Project
from pipelines.journal import append
root, name, start = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[1]) / "go"
Path(root, name).touch()
while not start.exists(): time.sleep(0.002)
for n in range(25): append(Project(root, root / "data"), "note", name, n=n)
"""


def test_two_processes_append_at_once(project: Project) -> None:
    names = ["甲", "乙"]
    started = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(project.root), name], env={**os.environ, "PYTHONPATH": str(CODE)})
        for name in names
    ]
    while not all((project.root / name).exists() for name in names):
        assert all(p.poll() is None for p in started)
        time.sleep(0.01)
    (project.root / "go").touch()
    assert [p.wait(60) for p in started] == [0, 0]
    written = list(entries(project))
    assert [e.seq for e in written] == list(range(1, 51))
    assert all(b.prev == a.seal for a, b in itertools.pairwise(written))
    assert [[e.content["n"] for e in written if e.who == name] for name in names] == [list(range(25))] * 2


def test_a_hundred_thousand_entries_are_read_in_seconds(project: Project) -> None:
    path = journal_path(project)
    path.parent.mkdir(parents=True)
    prev = ZEROS
    with path.open("wb") as file:
        for seq in range(1, 100_001):
            entry = journal.Entry(seq, "2026-11-26T08:00:00+08:00", "王芳", "note", "", {"n": seq}, prev, "")
            fields = {**entry.__dict__, "seal": ""}
            del fields["seal"]
            prev = sm3(canonical(fields))
            file.write(canonical({**fields, "seal": prev}) + b"\n")
    began = time.process_time()
    assert sum(1 for _ in entries(project)) == 100_000
    assert append(project, "note", "王芳").seq == 100_001
    assert time.process_time() - began < 10
