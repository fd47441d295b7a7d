"""A run that is killed at any moment, then run again: as if it had not happened."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assets.batches import accounts

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys
from assets.collect import collect
from assets.lake import open_lake
from assets.project import Project
project = Project.at(sys.argv[1], sys.argv[1] + "/data")
with open_lake(project) as con:
    print("open", flush=True)
    collect(con, project, project.contracts["people"], "killed")
"""


def hand_over(desk, files: int = 6, rows: int = 3000) -> None:
    for at in range(files):
        body = "".join(f"{at}-{i},n,\n" for i in range(rows))
        desk.put(f"{'abcdefgh'[at]}_202610.csv", "BH,XM,BZ\n" + body + "short\n")
    desk.put("z_202610.csv", "")


def state(desk) -> tuple[object, ...]:
    return (
        desk.sql("SELECT id, _batch, _row, count(*) FROM raw.people GROUP BY ALL ORDER BY ALL"),
        desk.sql("SELECT batch, source, status, rows_raw, rows_rejected, reason FROM evidence.batches ORDER BY ALL"),
        desk.sql('SELECT batch, "row", text FROM evidence.rejects ORDER BY ALL'),
        desk.collected(),
        desk.refused(),
        desk.waiting(),
    )


def test_kill_at_any_moment(desk, tmp_path):
    hand_over(desk)
    shutil.copytree(desk.project.landing, tmp_path / "kept")
    desk.collect()
    wanted = state(desk)
    for seed in range(2):
        desk.close()
        for part in ("lake", "landing", "collected"):
            shutil.rmtree(desk.project.data / part)
        shutil.copytree(tmp_path / "kept", desk.project.landing)
        desk.con  # noqa: B018 - makes the lake's tables, so that the kills fall into collecting
        desk.close()
        for attempt in range(2):
            process = subprocess.Popen(
                [sys.executable, "-c", RUN, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.Random(f"{seed}{attempt}").uniform(0, 0.5))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
        desk.collect()
        assert state(desk) == wanted
        assert all(a.differences == [] for a in accounts(desk.con, desk.project.contracts["people"]))


@pytest.mark.parametrize("moved", ["keep_collected", "keep_refused"])
def test_killed_between_commit_and_move(desk, monkeypatch, moved):
    hand_over(desk, files=2, rows=2)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"assets.collect.{moved}", killed)
        with pytest.raises(KeyboardInterrupt):
            desk.collect()
    assert desk.sql("SELECT count(*) FROM raw.people") == [(4,)]
    desk.collect()
    assert desk.sql("SELECT status, count(*) FROM evidence.batches GROUP BY 1 ORDER BY 1") == [("collected", 2), ("refused", 1)]
    assert (len(desk.collected()), len(desk.refused()), desk.waiting()) == (2, 2, [])


def test_working_files_of_a_killed_run_are_cleared(desk):
    left = desk.project.scratch / "collect" / "tmpx"
    left.mkdir(parents=True)
    (left / "plain.csv").write_text("x")
    desk.put("a_202610.csv", "BH,XM,BZ\n1,2,3\n")
    desk.collect()
    assert not left.exists()


def test_the_lake_holds_one_snapshot_a_group_and_it_names_the_run(desk):
    hand_over(desk)
    before = desk.sql("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")[0][0]
    desk.collect()
    rows = desk.sql(f"SELECT author, commit_extra_info FROM ducklake_snapshots('lake') WHERE snapshot_id > {before}")
    assert rows == [("yuanqing", '{"run": "run1"}')]


#: Sets the greatest size that a file may grow to, which the system then refuses like a full disk.
LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
"""


@pytest.mark.parametrize(
    ("full", "rows", "said"),
    [
        (1_000_000, 100_000, "working files could not be written"),
        (40_000, 20, "the lake could not be written"),  # the log of the catalogue
        (100_000, 20, None),  # the catalogue, not its log, where all stands
    ],
)
def test_a_disk_that_is_full_then_has_room_again(desk, tmp_path, full, rows, said):
    hand_over(desk, files=2, rows=rows)
    waiting = desk.waiting()
    desk.con  # noqa: B018 - makes the lake's tables
    desk.close()
    assert (desk.project.lake / "catalogue.sqlite").stat().st_size > 200_000
    run = RUN.replace("from assets.collect", LIMITED + "from assets.collect", 1)
    run = run.replace("    collect(", "    print(collect(").replace('"killed")', '"full").problems)')
    ended = subprocess.run([sys.executable, "-c", run, str(tmp_path), str(full)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith(f"open\n['a_202610.csv: {said}" if said else "open\n[]\n")
    assert "Traceback" not in ended.stderr
    if rows == 20:
        assert desk.waiting() == (waiting if said else [])
        assert desk.sql("SELECT count(*) FROM evidence.batches") == [(0 if said else 3,)]
    desk.collect()
    assert desk.sql("SELECT source, status FROM evidence.batches ORDER BY 1") == [
        ("a_202610.csv", "collected"),
        ("b_202610.csv", "collected"),
        ("z_202610.csv", "refused"),
    ]
    assert (len(desk.collected()), desk.waiting()) == (2, [])
    assert all(a.differences == [] for a in accounts(desk.con, desk.project.contracts["people"]))
