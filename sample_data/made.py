"""Making the sample: the world, every department's hand-overs, the truth, and a stamp so that it is made once.

Belongs here: what is made and where it goes. Not here: how a department's view looks (its module), the servers (`servers`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sample_data.handing import hand_over
from sample_data.truth import Truth

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project
    from sample_data.declared import Cross, Declaration

Progress = Callable[[str, float], None]
"""Called with what is being made and the share that is done (0 to 1)."""
VERSION = 3
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
    from sample_data import building, declared

    views = declared.declarations(project)
    crosses = {name: (view, cross) for view in views.values() for name, cross in view.cross.items()}
    wanted = None if datasets is None else set(datasets)
    chosen = {name: view for name, view in views.items() if wanted is None or name in wanted}
    rows, handed, lock = 0, 0, Lock()
    expected = sum(len(view.moments) for view in chosen.values()) + 1

    def step(label: str, more: int, over: int) -> None:
        nonlocal rows, handed
        with lock:
            rows, handed = rows + more, handed + over
            if progress:
                progress(label, min(0.99, 0.2 + 0.8 * handed / expected))

    with building.opened(folder(project) / "sample.duckdb") as con:
        building.prepare(con, seed, scale, project.expectations / "codes")
        truth = Truth(con)
        _world(con, chosen, crosses, progress)
        named = {name: cross for name, (_, cross) in crosses.items()}

        def write(view: Declaration) -> None:
            with con.cursor() as own:
                hand_over(own, view, _place(project, view), truth, lambda label, more, over: step(label, more, over), named)

        with ThreadPoolExecutor(2) as pool:
            # the largest first, so that the two threads end together
            for done in [pool.submit(write, view) for view in sorted(chosen.values(), key=lambda v: v.name)]:
                done.result()
        _undeclared(project, seed, scale, wanted, set(views), truth, lambda label: lambda more: step(label, more, 0))
        truth.write(folder(project) / "truth.parquet")
        faults = truth.count
    made = Made(scale, seed, rows, faults, fresh=True)
    text = json.dumps({**asdict(made), "version": VERSION})
    # last, and at once: a run that was cut short leaves no stamp and is made again
    unfinished = stamp.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, stamp)
    if progress:
        progress("done", 1.0)
    return made


def _place(project: Project, view: Declaration) -> Path:
    """Where a view's hand-overs go: what a department puts down, what a database or an interface serves."""
    match view.contract.server.type:
        case "local":
            return project.landing / view.name
        case "api":
            return folder(project) / "api"
        case _:
            return folder(project) / "database"


def _world(
    con: duckdb.DuckDBPyConnection,
    chosen: dict[str, Declaration],
    crosses: dict[str, tuple[Declaration, Cross]],
    progress: Progress | None,
) -> None:
    """The world tables and the planted disagreements that the chosen views look at."""
    from sample_data import building, planting, views

    planted = _planted([text for view in chosen.values() for text in view.sql], crosses)
    texts = [text for view in chosen.values() for text in view.sql] + [crosses[name][1].of for name in planted]
    building.build(con, texts, lambda table: progress(table, 0.1) if progress else None)
    for name in planted:
        view, cross = crosses[name]
        views.lags(con, view)
        try:
            planting.plant_cross(con, name, cross)
        except Exception as error:
            raise view.error(("cross", name), views.said(error), "Correct its SELECT of key and able.") from None


def _planted(texts: Iterable[str], crosses: dict[str, tuple[Declaration, Cross]]) -> list[str]:
    """The disagreements that SQL texts name, each behind those that it looks at itself."""
    found: list[str] = []

    def take(text: str, above: tuple[str, ...]) -> None:
        for name in re.findall(r"\bplanted\.(\w+)", text):
            if name in crosses and name not in found and name not in above:
                take(crosses[name][1].of, (*above, name))
                found.append(name)

    for text in texts:
        take(text, ())
    return found


def _undeclared(
    project: Project,
    seed: int,
    scale: int,
    wanted: set[str] | None,
    declared: set[str],
    truth: Truth,
    step: Callable[[str], Callable[[int], None]],
) -> None:
    """Datasets whose views are not declared yet."""
    from sample_data import air, entities, insurance, licences, population, world

    places = {
        population: project.landing,
        entities: project.landing,
        insurance: folder(project) / "database",
        licences: folder(project) / "api",
    }
    people = None
    for module, place in places.items():
        name = module.DATASET
        if name in project.contracts and name not in declared and (wanted is None or name in wanted):
            people = people or world.drawn(seed, scale)
            module.write(people, place / name if place == project.landing else place, truth, step(name))
    if air.DATASET in project.contracts and air.DATASET not in declared and (wanted is None or air.DATASET in wanted):
        air.write(seed, project.landing / air.DATASET, truth, step(air.DATASET))
