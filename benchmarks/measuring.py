"""Running a process to its end and saying what it took, as the operating system accounts for it.

Belongs here: what every benchmark measures by. Not here: what is measured.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
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


class EndedError(Exception):
    """A process ended with a code that is not fine; says which, and its last words."""


def measured(command: list[str], data: Path | None = None, fine: tuple[int, ...] = (0,)) -> Measured:
    """Run a command to its end. Raises `EndedError` with its words where it ends with a code that is not `fine`.

    A child's peak memory is never less than its parent's was when it was born: measure from a small process.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | ({"YUANQING_DATA": str(data)} if data else {})
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=HERE, env=environment, stdout=out, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said.seek(0)
        output, words = out.read().decode(), said.read().decode(errors="replace")
    if process.returncode not in fine:
        raise EndedError(f"{' '.join(command)} ended with {process.returncode}: {(output + words)[-2000:]}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)
