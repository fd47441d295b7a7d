"""`make bench-pipeline`: the whole path against two bare loads of the same files, at growing sizes, under a memory limit.

Five departments' hand-overs, all of them files (`children.JOINED`): the population register (GB18030 CSV by city), and joined to
it employment (fixed width), market entities, death certificates and the rosters of subsistence allowance (workbooks). What others
hand over is empty; every base and thematic table and every cross-department check that reads one of the five is built.

A  the files transcoded and loaded bare into a plain DuckDB file (`bare`)
B  the files transcoded and loaded bare into a lake
C  the path without Dagster: collect, standardise and check, base and its checks, results, reports
D  the path through the command: `yuanqing run`

Figures are whole processes as the operating system accounts for them; quote the ratios, not the seconds. DuckDB may take `--memory`
in each; peak memory is resident memory, with Python's and the allocator's share. `growth` is how a figure grew against the size
before, over how the bytes handed over did; what grew faster than its input bears a mark. With `--figures FILE` they are
kept, and compared with those that the file holds already: sizes may so be measured one at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.children import JOINED
from benchmarks.measuring import EndedError, Measured, measured, size

FASTER = 1.2
"""From here on a figure grew faster than its input."""
LEAST = {"s": 2.0, "MB": 20.0}
"""What is smaller at the larger size bears no mark: it is all beginnings."""
KEPT = {
    "handed over": "landing",
    "lake files": "lake/files",
    "catalogue": "lake/catalogue.sqlite",
    "results": "results.duckdb",
    "reports": "reports",
    "Dagster": "dagster",
}

MADE, A, B, C, D = "making the files", "A bare, plain file", "B bare, lake", "C path without Dagster", "D path, by the command"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--people", type=int, nargs="+", default=[1_000_000, 5_000_000])
    asked.add_argument("--memory", default="2GB", help="DuckDB's limit, in each process (2GB)")
    asked.add_argument("--folder", type=Path, help="where to work (default: a temporary folder); 1 M people take 5 GB")
    asked.add_argument("--figures", type=Path, help="keep the figures in this file, and compare with those there")
    asked.add_argument("--few", action="store_true", help="besides, the path with 25 rules for the register")
    asked.add_argument(
        "--files", type=Path, help="hand-overs that stand there already, of the one size that is asked for: a landing folder"
    )
    asked.add_argument("--without", nargs="*", default=[], choices=("B", "D"), help="leave these out, where they would take hours")
    given = asked.parse_args()
    screen = Console(width=120)
    before = json.loads(given.figures.read_text()) if given.figures and given.figures.exists() else {}
    for people in sorted(given.people):
        found = measure(screen, people, given.memory, given.folder, given.files, few=given.few, without=given.without)
        smaller = max((int(n) for n in before if int(n) < people), default=0)
        report(screen, people, found, before.get(str(smaller)), smaller)
        before[str(people)] = found
        if given.figures:
            given.figures.parent.mkdir(parents=True, exist_ok=True)
            given.figures.write_text(json.dumps(before, ensure_ascii=False, indent=1))


@contextmanager
def _folder(screen: Console, within: Path | None) -> Iterator[Path]:
    """A temporary folder; what failed stays, to be looked into and gone on from (`python -m benchmarks.children steps FOLDER/steps`)."""
    folder = Path(tempfile.mkdtemp(dir=within))
    try:
        yield folder
    except BaseException:
        screen.print(f"What was made stands in {folder}.")
        raise
    shutil.rmtree(folder)


def measure(
    screen: Console, people: int, memory: str, within: Path | None, there: Path | None, *, few: bool, without: Sequence[str]
) -> dict[str, Any]:
    """All of it for so many people, in a temporary folder, but for what goes `without`."""
    with _folder(screen, within) as folder:
        me = [sys.executable, "-m", "benchmarks.children"]
        runs: dict[str, Measured] = {}
        files = there or folder / "files"
        if there is None:
            screen.print(f"{people:,} people: making hand-overs")
            runs[MADE] = measured([*me, "make", str(folder / "made"), str(people)], memory=memory)
            (folder / "made" / "landing").rename(files)
            shutil.rmtree(folder / "made")
        loads = [(A, "bare-plain"), *([] if "B" in without else [(B, "bare-lake")])]
        for label, kind in loads:
            screen.print(label)
            runs[label] = measured([*me, kind, str(files), str(folder / kind)], memory=memory)
            shutil.rmtree(folder / kind)
        for label, kind in [(C, "steps"), *([("C path, 25 rules", "steps-25")] if few else [])]:
            screen.print(label)
            data = landed(files, folder / kind)
            runs[label] = measured([*me, kind, str(data)], memory=memory, aloud=True)
            if "D" not in without or kind != "steps":
                shutil.rmtree(data)
        logging = None
        if "D" not in without:
            screen.print(D)
            note = folder / "event_log"
            select = [word for name in JOINED for word in ("--select", name)]
            data = landed(files, folder / "d")
            runs[D] = measured([*me, "command", str(note), "run", *select, "--json"], data, (0, 1), memory)
            logging = float(note.read_text())
        else:
            data = folder / "steps"
        kept = {what: {"MB": size(files if place == "landing" else data / place) / 1e6} for what, place in KEPT.items()}
        return _figures(runs, kept, logging, data)


def _figures(runs: Mapping[str, Measured], kept: Mapping[str, Mapping[str, float]], logging: float | None, data: Path) -> dict[str, Any]:
    told = json.loads(runs[C].output)
    steps = told["steps"]
    whole = runs[C]
    begun = {"cpu": whole.cpu - sum(s["cpu"] for s in steps.values()), "wall": whole.wall - sum(s["wall"] for s in steps.values())}
    steps = {"start of Python, libraries": {**begun, "memory": 0.0, "scratch": 0.0}, **steps}
    processes = {
        label: {"wall": m.wall, "cpu": m.cpu, "memory": max(m.memory, *(s["memory"] for s in steps.values())) if m is whole else m.memory}
        for label, m in runs.items()
    }
    found = {
        "processes": processes,
        "steps": steps,
        "kept": dict(kept),
        "rows": told["rows"],
        "bare": [int(runs[label].output) for label in (A, B) if label in runs],
    }
    if D in runs:
        summary = json.loads(runs[D].output)
        events = [sum(r["events"] for r in summary["runs"]), len(summary["runs"]), logging]
        found |= {"differ": differing(told["rows"], data), "events": events, "undone": summary["undone"], "held": summary["held"]}
    return found


def differing(rows: Mapping[str, int], data: Path) -> dict[str, list[int]]:
    """Tables that have other numbers of rows by the command than without Dagster."""
    from assets.lake import open_lake
    from assets.project import Project
    from benchmarks import children

    with open_lake(Project.at(data=data), read_only=True) as con:
        there = children.rows(con, [t for t in rows if t.split(".")[0] in ("base", "thematic")])
    return {table: [rows.get(table, 0), there.get(table, 0)] for table in sorted({*rows, *there}) if rows.get(table) != there.get(table)}


def landed(files: Path, data: Path) -> Path:
    """The files as they lie in the landing folder of `data`."""
    for file in files.rglob("*"):
        if file.is_file():
            target = data / "landing" / file.relative_to(files)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, target)
    return data


def report(screen: Console, people: int, found: Mapping[str, Any], before: Mapping[str, Any] | None, smaller: int) -> None:
    """Print one size, against the next smaller one where there is one."""
    runs, handed = found["processes"], found["kept"]["handed over"]["MB"]
    input_growth = handed / before["kept"]["handed over"]["MB"] if before else None
    grew = f"; growth: against {smaller:,} people, input x {input_growth:.2f}" if input_growth else ""

    def growth(part: str, of: str, key: str, unit: str) -> str:
        now = found[part][of].get(key)
        then = before[part].get(of, {}).get(key) if before else None
        if not input_growth or not then or not now:
            return ""
        times = now / then / input_growth
        return f"{times:.2f} {'▲' if times >= FASTER and now >= LEAST[unit] else ' '}"

    headings = ("wall s", "cpu s", "growth", "peak MB", "growth")
    table = _table(f"{people:,} people, {handed:,.0f} MB handed over{grew}", "", *headings, "wall / A", "wall / B", "cpu / A")
    a, b = runs[A], runs.get(B)
    for label, m in runs.items():
        ratios = [f"{m['wall'] / a['wall']:.2f}", f"{m['wall'] / b['wall']:.2f}" if b else "", f"{m['cpu'] / a['cpu']:.2f}"]
        cpu, memory = growth("processes", label, "cpu", "s"), growth("processes", label, "memory", "MB")
        told = [f"{m['wall']:.1f}", f"{m['cpu']:.1f}", cpu, f"{m['memory']:,.0f}", memory]
        table.add_row(label, *told, *([] if label == MADE else ratios))
    screen.print(table)
    table = _table("where the time goes (C)", "step", *headings, "working files MB", "growth")
    for step, s in found["steps"].items():
        cpu, memory, files = (growth("steps", step, *k) for k in (("cpu", "s"), ("memory", "MB"), ("scratch", "MB")))
        table.add_row(step, f"{s['wall']:.1f}", f"{s['cpu']:.1f}", cpu, f"{s['memory']:,.0f}", memory, f"{s['scratch']:,.0f}", files)
    screen.print(table)
    table = _table("on disk afterwards", "", "MB", "growth")
    for what, k in found["kept"].items():
        table.add_row(what, f"{k['MB']:,.1f}", growth("kept", what, "MB", "MB"))
    screen.print(table)
    screen.print("rows bare: " + ", ".join(f"{n:,}" for n in found["bare"]))
    screen.print("rows: " + ", ".join(f"{table} {count:,}" for table, count in found["rows"].items()))
    if D not in runs:
        return
    events, number, logging = found["events"]
    d, c = runs[D], runs[C]
    screen.print(f"Dagster's event log: {logging:.1f} s, {100 * logging / d['wall']:.1f} % of D; {events} events in {number} runs")
    screen.print(f"The command besides (D - C): {d['wall'] - c['wall']:.1f} s, {100 * (d['wall'] - c['wall']) / d['wall']:.0f} % of D")
    screen.print("The tables of C and D have equally many rows." if not found["differ"] else f"C and D DIFFER: {found['differ']}")
    for what in ("undone", "held"):
        if found[what]:
            screen.print(f"D {what}: {found[what]}")


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for n, heading in enumerate(headings):
        table.add_column(heading, justify="right" if n else "left")
    return table


if __name__ == "__main__":
    try:
        main()
    except EndedError as error:
        sys.exit(str(error))
