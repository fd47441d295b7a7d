"""Making the sample: the world, every department's hand-overs, the truth, and a stamp so that it is made once.

Belongs here: what is made and where it goes. Not here: how a department's view looks (its module), the servers (`servers`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assets.project import Project

Progress = Callable[[str, float], None]
"""Called with what is being made and the share that is done (0 to 1)."""
VERSION = 2
"""Rises when the same seed gives other bytes."""


@dataclass(frozen=True)
class Made:
    """What stands: scale (people), seed, rows over all hand-overs, faults in the truth; `fresh` where this call made it."""

    scale: int
    seed: int
    rows: int
    faults: int
    fresh: bool


def folder(project: Project) -> Path:
    """Where the truth and what the sample servers serve are kept."""
    return project.data / "sample"


def make(
    project: Project,
    scale: int = 20_000,
    seed: int = 20261125,
    progress: Progress | None = None,
    datasets: Collection[str] | None = None,
) -> Made:
    """Make the sample hand-overs of `scale` people in the project's landing folder, and the truth about their faults.

    `datasets` narrows down whose hand-overs are made (all by default); the world is the same. A sample of the same scale and
    seed that stands already is left alone. Raises `FileExistsError` where another stands:
    hand-overs of two samples must not meet in one lake.
    """
    stamp = folder(project) / "made.json"
    if stamp.exists():
        there = json.loads(stamp.read_text(encoding="utf-8"))
        if (there["scale"], there["seed"], there["version"]) == (scale, seed, VERSION):
            return Made(scale, seed, there["rows"], there["faults"], fresh=False)
        raise FileExistsError(
            f"{project.data} holds a sample of scale {there['scale']}, seed {there['seed']}; asked for scale {scale}, seed {seed}. "
            "Run `make clean` first, or choose another data folder."
        )
    from sample_data import air, entities, insurance, licences, population, world
    from sample_data.truth import Truth

    expected = 2.02 * scale + 0.2 * scale + 0.45 * scale + 0.03 * scale + air.HOURS * air.STATIONS
    rows, lock = 0, Lock()

    def step(label: str) -> Callable[[int], None]:
        def say(more: int) -> None:
            nonlocal rows
            with lock:
                rows += more
                if progress:
                    progress(label, min(0.99, rows / expected))

        return say

    truth = Truth()
    people = world.drawn(seed, scale)
    _ = people.ids, people.address, people.entities  # drawn once, before two threads want them
    wanted = None if datasets is None else set(datasets)

    def write(dataset: str, function: Callable[..., None], place: Path, world: object = people) -> None:
        if wanted is None or dataset in wanted:
            function(world, place, truth, step(dataset))

    with ThreadPoolExecutor(1) as pool:
        register = pool.submit(write, population.DATASET, population.write, project.landing / population.DATASET)
        write(entities.DATASET, entities.write, project.landing / entities.DATASET)
        write(insurance.DATASET, insurance.write, folder(project) / "database")
        write(licences.DATASET, licences.write, folder(project) / "api")
        write(air.DATASET, air.write, project.landing / air.DATASET, seed)
        register.result()
    folder(project).mkdir(parents=True, exist_ok=True)
    truth.write(folder(project) / "truth.parquet")
    made = Made(scale, seed, rows, len(truth.rows), fresh=True)
    text = json.dumps({**asdict(made), "version": VERSION})
    # last, and at once: a run that was cut short leaves no stamp and is made again
    unfinished = stamp.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, stamp)
    if progress:
        progress("done", 1.0)
    return made
