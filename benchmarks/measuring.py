"""Running a process to its end, or a step in a process, and saying what it took, as the operating system accounts for it.

Belongs here: what every benchmark measures by. Not here: what is measured.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Measured:
    """Wall and processor time in seconds, the largest resident memory in MB, and what was printed."""

    wall: float
    cpu: float
    memory: float
    output: str


@dataclass
class Step:
    """Wall and processor time in seconds, the largest resident memory and the largest working files in MB."""

    wall: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0
    scratch: float = 0.0

    def __add__(self, other: Step) -> Step:
        return Step(self.wall + other.wall, self.cpu + other.cpu, max(self.memory, other.memory), max(self.scratch, other.scratch))


@contextmanager
def step(scratch: Path, every: float = 0.2) -> Iterator[Step]:
    """Measure a block in this process; `scratch` is where it keeps working files, looked at `every` so many seconds."""
    took, ended = Step(), threading.Event()

    def watch() -> None:
        while not ended.wait(every):
            took.scratch = max(took.scratch, size(scratch) / 1e6)

    _forget_peak()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield took
    finally:
        took.wall, took.cpu, took.memory = time.perf_counter() - wall, time.process_time() - cpu, _peak()
        ended.set()
        watcher.join()


def _forget_peak() -> None:
    """Let the kernel count the largest resident memory anew (proc(5), clear_refs)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """The largest resident memory in MB since it was last forgotten; 0 where the system does not tell."""
    with suppress(OSError):
        line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return 0.0


def size(folder: Path) -> int:
    """Bytes of the files below a folder, or of a file."""
    if folder.is_file():
        return folder.stat().st_size
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total


class EndedError(Exception):
    """A process ended with a code that is not fine; says which, and its last words."""


def measured(
    command: list[str], data: Path | None = None, fine: tuple[int, ...] = (0,), memory: str = "", *, aloud: bool = False
) -> Measured:
    """Run a command to its end. Raises `EndedError` with its words where it ends with a code that is not `fine`.

    `data` and `memory` become YUANQING_DATA and YUANQING_MEMORY; `aloud`: what it says to stderr is heard at once.
    A child's peak memory is never less than its parent's was when it was born: measure from a small process.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {name: str(value) for name, value in (("YUANQING_DATA", data), ("YUANQING_MEMORY", memory)) if value}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=HERE, env=environment, stdout=out, stderr=None if aloud else said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said.seek(0)
        output, words = out.read().decode(), said.read().decode(errors="replace")
    if process.returncode not in fine:
        raise EndedError(f"{' '.join(command)} ended with {process.returncode}: {(output + words)[-2000:]}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)
