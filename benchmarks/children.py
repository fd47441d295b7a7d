"""What the benchmark runs as processes of their own, so that each one's time and memory are its own.

python -m benchmarks.children make DATA PEOPLE       hand-overs of the departments that are joined, in DATA/landing
python -m benchmarks.children bare-plain LANDING TO  load the files bare into a plain DuckDB file
python -m benchmarks.children bare-lake LANDING TO   the same into a DuckLake
python -m benchmarks.children steps DATA             collect, standardise, base, results, reports without Dagster; prints JSON
python -m benchmarks.children steps-25 DATA          the same with the 25 rules of bench-rules for the register
python -m benchmarks.children command NOTE ARG ...   `yuanqing ARG ...`; seconds spent in Dagster's event log go to the file NOTE

YUANQING_MEMORY limits each of them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import Step, step

if TYPE_CHECKING:
    import duckdb

JOINED = ("population_register", "employment", "market_entity", "death_certificate", "subsistence_allowance")
"""Five departments whose hand-overs are files: GB18030 CSV, fixed width, three workbooks; the register, and four that are joined to it."""


def make(data: Path, people: int) -> None:
    """The newest hand-over of what comes in full, every one of what comes as changes; none that is to be refused, or comes twice."""
    import sample_data
    from assets.project import Project
    from assets.std import is_delta
    from sample_data import declared

    every = declared.declarations

    def newest(project: Project) -> dict[str, Any]:
        views = every(project)
        for name in JOINED:
            view = views[name]
            periods = {} if is_delta(view.contract) else {"last": 1}
            changed = {"handovers": view.handovers.model_copy(update=periods), "drift": tuple(d for d in view.drift if d.kind is None)}
            views[name] = view.model_copy(update=changed)
        return views

    declared.declarations = newest
    sample_data.make(Project.at(data=data), people, datasets=JOINED)


def narrowed() -> None:
    """Hold the register to the 25 rules that bench-rules compares, and to no others."""
    from assets import judging
    from benchmarks.rules.declared import DATASET, suite

    whole, few = judging.suite_of, suite()
    judging.suite_of = lambda project, contract: few if contract.name == DATASET else whole(project, contract)


def steps(data: Path) -> None:
    """The same functions that the command runs, one after the other, each measured; prints them and how many rows there are."""
    from assets.collect import collect
    from assets.lake import open_lake
    from assets.matching import match
    from assets.models import build, check_built, create_views
    from assets.project import Project
    from assets.standardise import standardise
    from pipelines.reports import build_reports
    from pipelines.results import publish
    from pipelines.run import selected

    project = Project.at(data=data)
    spent: dict[str, Step] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        with step(project.scratch) as took:
            yield
        spent[name] = spent[name] + took if name in spent else took
        print(f"  {name}: {took.wall:.1f} s, {took.cpu:.1f} s cpu, {took.memory:,.0f} MB", file=sys.stderr, flush=True)

    sources, models = selected(project, JOINED)
    with open_lake(project) as con:
        with timed("views"):
            create_views(con, project)
        for contract in sources:
            with timed(f"collect {contract.name}"):
                collect(con, project, contract, "benchmark")
            with timed(f"standardise and check {contract.name}"):
                standardise(con, project, contract, "benchmark")
        for model in models:
            with timed(f"build {model.table}"):
                build(con, project, model, "benchmark")
            with timed("check base and thematic tables"):
                check_built(con, project, model, "benchmark")
            if "matching" in model.custom:
                with timed(f"match {model.table}"):
                    match(con, project, model, "benchmark")
        counts = rows(con, [m.table for m in models])
    with timed("results"):
        publish(project)
    with timed("reports"):
        build_reports(project)
    print(json.dumps({"steps": {name: took.__dict__ for name, took in spent.items()}, "rows": counts}))


def rows(con: duckdb.DuckDBPyConnection, models: list[str]) -> dict[str, int]:
    """Rows in standard tables and quarantine by dataset, and in each model's table."""
    found: dict[str, int] = {}
    for name, std, kept in con.execute(
        "SELECT dataset, sum(rows_std)::BIGINT, sum(rows_quarantine)::BIGINT FROM evidence.batches"
        " WHERE status = 'standardised' GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        found |= {f"std.{name}": std, f"quarantine.{name}": kept}
    for table in models:
        found[table] = (con.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,))[0]
    return found


def command(note: Path, arguments: list[str]) -> None:
    """The command line, with what Dagster's event log takes of it written down: every event, its storing and its following up."""
    import atexit

    from dagster._core.instance import DagsterInstance

    from pipelines.cli import app

    spent, handle = 0.0, DagsterInstance.handle_new_event

    def timed(self: DagsterInstance, *args: Any, **kwargs: Any) -> None:
        nonlocal spent
        began = time.perf_counter()
        try:
            handle(self, *args, **kwargs)
        finally:
            spent += time.perf_counter() - began

    DagsterInstance.handle_new_event = timed  # type: ignore[method-assign, assignment]
    atexit.register(lambda: note.write_text(str(spent)))
    app(arguments)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["make", data, people]:
            make(Path(data), int(people))
        case ["bare-plain" | "bare-lake" as kind, landing, into]:
            from benchmarks.bare import load

            print(load(Path(landing), Path(into), lake=kind == "bare-lake"))
        case ["steps" | "steps-25" as which, data]:
            if which == "steps-25":
                narrowed()
            steps(Path(data))
        case ["command", note, *rest]:
            command(Path(note), rest)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
