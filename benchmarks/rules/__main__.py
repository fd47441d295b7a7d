"""`make bench-rules`: 25 rules over the population register, by Yuanqing, by hand and by others; what each took, found and held.

Every contender runs in a process of its own. `start` is until it could read rows (libraries, declarations), `judge` from the
first row read to the last count known, `peak` the process's largest resident memory. Quote ratios of one run, not seconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import HERE, EndedError, measured
from benchmarks.rules.peers import OTHERWISE, PEERS

OWN = {
    "bare": "bare scan",
    "mask": "mask by hand",
    "ours": "Yuanqing",
    "pattern": "GX's DuckDB queries by hand",
    "gx_pandas": "GX on pandas",
}
SLOW = {"gx_pandas": 1_000_000, "pattern": 10_000_000}
"""Contenders that are asked only up to so many rows unless `--all`."""


@dataclass(frozen=True)
class Taken:
    """Of one contender: seconds until it could read, wall and processor seconds of judging, MB, rows by rule that break it."""

    start: float
    judge: float
    cpu: float
    memory: float
    counts: dict[str, int]


def python_of(name: str) -> str | None:
    """The Python that has a contender's libraries: this one, or that of .venv/peers; None where neither has."""
    if name not in PEERS:
        return sys.executable
    for python in (sys.executable, str(HERE / ".venv" / "peers" / "bin" / "python")):
        if (
            Path(python).exists()
            and not subprocess.run(
                [python, "-c", f"import {', '.join(PEERS[name])}"], cwd=HERE, check=False, capture_output=True
            ).returncode
        ):
            return python
    return None


def taken(python: str, name: str, file: Path, rules: Path, repeat: int) -> Taken:
    """The best of some runs. Raises `EndedError`."""
    best: Taken | None = None
    for _ in range(repeat):
        m = measured([python, "-m", "benchmarks.rules.contenders", name, str(file), str(rules)])
        said = json.loads(m.output.strip().splitlines()[-1])
        now = Taken(said["start"], said["judge"], said["cpu"], m.memory, said["counts"])
        best = now if best is None or now.judge < best.judge else best
    assert best is not None
    return best


def shown(screen: Console, rows: int, found: dict[str, Taken], rules: list[str]) -> None:
    table = Table(title=f"25 rules, {rows:,} rows", title_justify="left")
    for heading in ("", "start s", "judge s", "cpu s", "/ bare", "/ by hand", "cpu / bare", "cpu / by hand", "peak MB", "counts"):
        table.add_column(heading, justify="left" if heading in ("", "counts") else "right")
    bare, hand = found["bare"], found["mask"]
    for name, t in found.items():
        ratios = (t.judge / bare.judge, t.judge / hand.judge, t.cpu / bare.cpu, t.cpu / hand.cpu)
        same = [r for r in rules if t.counts.get(r) == hand.counts[r]]
        said = "" if not t.counts else f"all {len(rules)} equal" if len(same) == len(rules) else f"{len(same)} of {len(rules)} equal"
        figures = (f"{t.start:.2f}", f"{t.judge:.2f}", f"{t.cpu:.2f}", *(f"{r:.2f}" for r in ratios), f"{t.memory:,.0f}")
        table.add_row(OWN.get(name, name.replace("_", " on ")), *figures, said)
    screen.print(table)
    for name, t in found.items():
        for rule in rules:
            if t.counts and t.counts.get(rule) != hand.counts[rule]:
                why = OTHERWISE.get(name, {}).get(rule, "NOT EXPLAINED")
                screen.print(f"  {name} {rule}: {t.counts.get(rule)} where others have {hand.counts[rule]} ({why})")


def unexplained(found: dict[str, Taken], rules: list[str]) -> list[str]:
    """Counts that differ where the meaning is the same."""
    hand = found["mask"].counts
    return [
        f"{name} {rule}"
        for name, t in found.items()
        for rule in rules
        if t.counts and t.counts.get(rule) != hand[rule] and rule not in OTHERWISE.get(name, {})
    ]


def goals(screen: Console, rows: int, found: dict[str, Taken]) -> None:
    """How the goals of the design stand, by this run."""
    ours = found["ours"]
    said = [
        f"by hand {ours.judge / found['mask'].judge:.2f} (at most 1.00)",
        f"bare scans {ours.judge / found['bare'].judge:.2f} (at most 2.50)",
    ]
    if "gx_pandas" in found:
        said.append(f"{found['gx_pandas'].judge / ours.judge:.0f} times as fast as GX on pandas (at least 40)")
    there = [found[p] for p in PEERS if p in found]
    if there:
        said.append(f"the fastest peer takes {min(t.judge for t in there) / ours.judge:.2f} times as long (above 1)")
        least, most = min(t.memory for t in there), max(t.memory for t in there)
        said.append(f"memory {ours.memory / least:.2f} of the leanest peer's, {ours.memory / most:.2f} of the largest's")
    screen.print(f"Yuanqing, {rows:,} rows: " + "; ".join(said))


def bench(screen: Console, folder: Path, rows: int, asked: argparse.Namespace) -> list[str]:
    """All contenders on so many rows: gives what differs without a reason."""
    file, rules = folder / f"register-{rows}.parquet", folder / "rules.json"
    python = sys.executable
    if not file.exists():
        screen.print(f"making {rows:,} rows (kept in {folder})" if asked.folder else f"making {rows:,} rows")
        measured([python, "-m", "benchmarks.rules.data", str(file), str(rows)])
    measured([python, "-m", "benchmarks.rules.declared", str(rules)])
    names = [r["id"] for r in json.loads(rules.read_text(encoding="utf-8"))["rules"]]
    found: dict[str, Taken] = {}
    for name in (*OWN, *PEERS):
        if asked.only and name not in (*asked.only, "bare", "mask", "ours"):
            continue
        if rows > SLOW.get(name, rows) and not asked.all:
            screen.print(f"{OWN[name]}: left out above {SLOW[name]:,} rows; --all takes it along")
            continue
        python_here = python_of(name)
        if python_here is None:
            screen.print(f"{name}: {' and '.join(PEERS[name])} not installed, left out")
            continue
        try:
            found[name] = taken(python_here, name, file, rules, asked.repeat)
        except EndedError as error:
            if name not in PEERS:
                raise
            screen.print(f"{name}: it failed, left out. {error}")
    shown(screen, rows, found, names)
    goals(screen, rows, found)
    return unexplained(found, names)


def scale(screen: Console, file: Path) -> None:
    said: dict[str, Any] = json.loads(measured([sys.executable, "-m", "benchmarks.rules.scale", str(file)]).output.strip().splitlines()[-1])
    screen.print(
        f"compiling and planning: 200 rules in {said['compile_200']:.0f} ms (at most 50), 1,000 in {said['compile_1000']:.0f} ms; "
        f"1,000 rules on {said['rows']:,} rows: {said['judged_1000']:,} judged in {said['run_1000']:.1f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.rules", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], help="how many rows, in turn (40000000 at will)")
    parser.add_argument("--folder", type=Path, help="where rows are made and kept for the next time (default: a temporary folder)")
    parser.add_argument("--only", nargs="+", choices=[*OWN, *PEERS], help="these, besides the bare scan, the mask by hand and ours")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each; the best counts")
    parser.add_argument("--all", action="store_true", help="the slow ones too, however many rows")
    asked = parser.parse_args()
    screen = Console(width=140, highlight=False)
    differing: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = asked.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for rows in asked.rows:
            differing += bench(screen, folder, rows, asked)
        scale(screen, folder / f"register-{min(asked.rows)}.parquet")
    if differing:
        sys.exit(f"counts differ without a reason: {', '.join(differing)}")
    screen.print("counts equal by every rule wherever the meaning is the same")


if __name__ == "__main__":
    try:
        main()
    except EndedError as error:
        sys.exit(str(error))
