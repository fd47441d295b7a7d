"""Making the sample: the world, every department's hand-overs, the truth, and a stamp so that it is made once.

Belongs here: what is made and where it goes. Not here: how a department's view looks (its module), the servers (`servers`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sample_data import slices
from sample_data.handing import hand_over
from sample_data.truth import Truth

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project
    from sample_data.declaration import Cross, Declaration

Progress = Callable[[str, float], None]
"""Called with what is being made and the share that is done (0 to 1)."""
VERSION = 7
"""Rises when the same seed gives other bytes."""
AT_ONCE = 2_000_000
"""Up to so many people two views are written at once; of more, two sorts do not fit into the memory that a sample may take."""


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
    wanted = None if datasets is None else set(datasets)
    chosen = {name: view for name, view in views.items() if wanted is None or name in wanted}
    rows, handed, lock = 0, 0, Lock()
    expected = sum(len(view.moments) for view in chosen.values()) + 1

    def step(label: str, more: int, over: int) -> None:
        nonlocal rows, handed
        with lock:
            rows, handed = rows + more, handed + over
            if progress:
                progress(label, min(0.99, 0.1 + 0.9 * handed / expected))

    with building.opened(folder(project) / "sample.duckdb") as con:
        building.prepare(con, seed, scale, project.expectations / "codes")
        truth = Truth(con)
        crosses = furnish(con, chosen, views, lambda table: progress(table, 0.05) if progress else None)

        def write(view: Declaration) -> None:
            with con.cursor() as own:
                hand_over(own, view, _place(project, view), truth, step, crosses)

        with ThreadPoolExecutor(2 if scale <= AT_ONCE else 1) as pool:
            try:
                list(pool.map(write, chosen.values()))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # what is wrong is told now, not after all the others
                raise
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


def furnish(
    con: duckdb.DuckDBPyConnection,
    chosen: Mapping[str, Declaration],
    views: Mapping[str, Declaration],
    say: Callable[[str], None] | None = None,
) -> dict[str, Cross]:
    """The world tables and the planted disagreements that the `chosen` of all `views` look at; every declared disagreement by name.

    Raises `DocumentError` where two views plant one of the same name, or its SELECT does not run.
    """
    from sample_data import building, planting
    from sample_data.views import lags, said

    crosses: dict[str, tuple[Declaration, Cross]] = {}
    for view in views.values():
        for name, cross in view.cross.items():
            if name in crosses:
                raise view.error(("cross", name), f"{crosses[name][0].name} plants {name!r} too.", "Give it another name, or take one out.")
            crosses[name] = view, cross
    planted = _planted([text for view in chosen.values() for text in view.sql], crosses)
    texts = [text for view in chosen.values() for text in view.sql] + [crosses[name][1].of for name in planted]
    building.build(con, texts, say)
    for name in planted:
        view, cross = crosses[name]
        lags(con, view)
        try:
            planting.plant_cross(con, name, cross)
        except Exception as error:
            raise view.error(("cross", name), said(error), "Correct its SELECT of key and able.") from None
        slices.let_go(con)
    return {name: cross for name, (_, cross) in crosses.items()}


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
