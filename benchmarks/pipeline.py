"""`make bench-pipeline`: the whole path against two bare loads of the same files, in one run.

A  the files transcoded and loaded bare into a plain DuckDB file
B  the files transcoded and loaded bare into a lake
C  the path without Dagster: collect, standardise and check, base and its checks, results, reports
D  the path through the command: `yuanqing run`

Figures are whole processes as the operating system accounts for them; quote the ratios, not the seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import HERE, EndedError, Measured, measured

REGISTER = "population_register"


def hand_overs(folder: Path, people: int, months: tuple[str, ...]) -> Path:
    """Hand-overs of the register for the given months: everybody, once a month."""
    data = folder / "made"
    imports = "from sample_data import make; from assets.project import Project"
    code = f"{imports}; make(Project.at(data={str(data)!r}), {people}, datasets=[{REGISTER!r}])"
    # In a process of its own: a child's peak memory is never less than its parent's was.
    subprocess.run([sys.executable, "-c", code], cwd=HERE, check=True)
    files = folder / "files" / REGISTER
    files.mkdir(parents=True)
    for file in sorted((data / "landing" / REGISTER).glob("*.csv")):
        if any(month in file.name for month in months):
            shutil.move(file, files / file.name)
    shutil.rmtree(data)
    return files


def landed(files: Path, data: Path) -> Path:
    landing = data / "landing" / files.name
    landing.mkdir(parents=True)
    for file in files.iterdir():
        os.link(file, landing / file.name)
    return data


def size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--people", type=int, nargs="+", default=[1_000_000, 5_000_000])
    asked.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    given = asked.parse_args()
    for people in given.people:
        measure(Console(width=110), people, given.folder)


def measure(screen: Console, people: int, within: Path | None) -> None:
    """All of it for so many people, in a temporary folder."""
    with tempfile.TemporaryDirectory(dir=within) as name:
        folder = Path(name)
        screen.print(f"making hand-overs of {people:,} people")
        files = hand_overs(folder, people, ("202610",))
        total = size(files)
        me = [sys.executable, "-m", "benchmarks.children"]
        a = measured([*me, "bare-plain", str(files), str(folder / "a")])
        b = measured([*me, "bare-lake", str(files), str(folder / "b")])
        few = measured([*me, "steps-25", str(landed(files, folder / "few"))])
        shutil.rmtree(folder / "few")
        c = measured([*me, "steps", str(landed(files, folder / "c"))])
        d_data = landed(files, folder / "d")
        note = folder / "event_log"
        d = measured([*me, "command", str(note), "run", "--select", REGISTER, "--json"], d_data, (0, 1))
        report(screen, people, total, a, b, few, c, d, float(note.read_text()), size(folder / "d" / "lake"))


def report(
    screen: Console,
    people: int,
    total: int,
    a: Measured,
    b: Measured,
    few: Measured,
    c: Measured,
    d: Measured,
    logging: float,
    kept: int,
) -> None:
    summary = json.loads(d.output)
    table = Table(title=f"{people:,} people, {total / 1e6:,.0f} MB of GB18030 text", title_justify="left")
    for heading in ("", "wall s", "cpu s", "peak MB", "wall / A", "wall / B", "cpu / A"):
        table.add_column(heading, justify="left" if not heading else "right")
    paths = (("C path without Dagster, 25 rules", few), ("C path without Dagster", c), ("D path, by the command", d))
    for label, m in (("A bare, plain file", a), ("B bare, lake", b), *paths):
        ratios = (m.wall / a.wall, m.wall / b.wall, m.cpu / a.cpu)
        table.add_row(label, f"{m.wall:.1f}", f"{m.cpu:.1f}", f"{m.memory:,.0f}", *(f"{ratio:.2f}" for ratio in ratios))
    screen.print(table)
    where = Table(title="where the time goes (C)", title_justify="left")
    for heading in ("step", "wall s, 25 rules", "up to here / A", "wall s", "up to here / A"):
        where.add_column(heading, justify="left" if heading == "step" else "right")
    spent = [json.loads(m.output) for m in (few, c)]
    so_far = [m.wall - sum(s.values()) for m, s in zip((few, c), spent, strict=True)]
    told = [f"{s:.1f}|{s / a.wall:.2f}" for s in so_far]
    where.add_row("start of Python, libraries", *"|".join(told).split("|"))
    for step in spent[1]:
        so_far = [before + s[step] for before, s in zip(so_far, spent, strict=True)]
        told = [f"{s[step]:.1f}|{all_ / a.wall:.2f}" for s, all_ in zip(spent, so_far, strict=True)]
        where.add_row(step, *"|".join(told).split("|"))
    screen.print(where)
    events = sum(run["events"] for run in summary["runs"])
    screen.print(
        f"Dagster's event log: {logging:.1f} s, {100 * logging / d.wall:.1f} % of D; {events} events in {len(summary['runs'])} runs"
    )
    screen.print(f"The command besides (D - C): {d.wall - c.wall:.1f} s, {100 * (d.wall - c.wall) / d.wall:.0f} % of D")
    screen.print(f"lake on disk {kept / 1e6:,.0f} MB; rows {summary['batches']}")


if __name__ == "__main__":
    try:
        main()
    except EndedError as error:
        sys.exit(str(error))
