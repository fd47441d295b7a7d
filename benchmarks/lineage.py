"""`make bench-lineage`: what lineage costs: everything below a column, the origin of a record, what capture adds to a run.

The graph is made: tables in layers, each column of a table made of a few columns of tables below. The record is asked of a lake in a
scratch folder, filled by SQL: a register and an insurance list that are fused into people.

Belongs here: figures, printed. Not here: a judgement of them; the machine may be crowded.
"""

from __future__ import annotations

import argparse
import io
import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from assets.project import Project
    from pipelines.lineage.graph import Graph

EDGES, WIDTH, LAYERS, INTO = 200_000, 20, 5, 5
BROKEN = 1_000
"""One row in so many breaks a rule."""


def made_graph(edges: int = EDGES) -> Graph:
    """A graph of so many edges: tables of `WIDTH` columns in `LAYERS` layers, each column made of `INTO` columns of the layer below."""
    from pipelines.lineage.graph import Edge, Graph

    chance = random.Random(20261126)
    tables = edges // (WIDTH * INTO) * LAYERS // (LAYERS - 1) // LAYERS
    names = [[f"layer{layer}.t{n}" for n in range(tables)] for layer in range(LAYERS)]
    columns = {t: tuple(f"c{i}" for i in range(WIDTH)) for layer in names for t in layer}
    made = []
    for below, layer in itertools.pairwise(names):
        for table in layer:
            of = chance.sample(below, 3)
            for column in columns[table]:
                sources = {(chance.choice(of), f"c{chance.randrange(WIDTH)}") for _ in range(INTO)}
                while len(sources) < INTO:
                    sources.add((chance.choice(of), f"c{chance.randrange(WIDTH)}"))
                made += [Edge(s, (table, column), "TRANSFORMATION") for s in sorted(sources)]
    return Graph(columns, tuple(made))


def timed(ask: Callable[[], Any], rounds: int) -> list[float]:
    """Milliseconds of each round."""
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        ask()
        took.append((time.perf_counter() - begun) * 1000)
    return took


def closures(told: Table) -> None:
    graph = made_graph()
    tables = list(graph.columns)
    begun = time.perf_counter()
    graph.down((tables[0], "c0"))
    graph.up((tables[-1], "c0"))
    first = (time.perf_counter() - begun) * 1000
    chance = random.Random(1)
    for name, walk, of in (("down", graph.down, tables[: len(tables) // LAYERS]), ("up", graph.up, tables[-len(tables) // LAYERS :])):
        sizes, took = [], []
        for _ in range(50):
            node = (chance.choice(of), f"c{chance.randrange(WIDTH)}")
            begun = time.perf_counter()
            sizes.append(len(walk(node)))
            took.append((time.perf_counter() - begun) * 1000)
        _row(told, f"closure {name}, {len(graph.edges):,} edges, {max(sizes):,} nodes reached at most", took, "50 ms")
    everything = timed(lambda: graph.down(*((t, "c0") for t in tables[: len(tables) // LAYERS])), 5)
    _row(told, f"closure down of {len(tables) // LAYERS:,} columns at once", everything, "")
    told.add_row("first question: making the index", f"{first:,.0f} ms", "", "")


def fill(project: Project, rows: int) -> float:
    """Fill a lake with `rows` people in each of a register and an insurance list, and fuse them; seconds of the building."""
    from assets.lake import open_lake
    from assets.models import build, order
    from assets.std import ensure_all
    from benchmarks.increment import deliver

    with open_lake(project) as con:
        ensure_all(con, project.sources())
        people = "SELECT '2199' || lpad(CAST(i AS VARCHAR), 14, '0') AS id, 'n' || i AS name, {}, TIMESTAMP '2026-01-05' AS seen"
        each = f"{people} FROM range({rows}) AS t(i)"
        deliver(con, "register", "r1", each.format("'t' || i % 1000 AS town"), rows, 1)
        deliver(con, "insurance", "i1", each.format("'e' || i % 5000 AS employer"), rows, 1)
        for name, batch in (("register", "r1"), ("insurance", "i1")):
            columns = ", ".join(f"CAST({c.name} AS VARCHAR) AS {c.name}" for c in project.contracts[name].columns)
            con.execute(f"INSERT INTO raw.{name} BY NAME SELECT {columns}, _batch, _row FROM std_batches.{name} WHERE _batch = '{batch}'")
            broken = f"SELECT _batch AS batch, '{name}' AS dataset, _row AS row, 'NAME_SHORT' AS rule FROM std_batches.{name}"
            con.execute(f"INSERT INTO evidence.issues BY NAME {broken} WHERE _row % {BROKEN} = 0")
        begun = time.perf_counter()
        for contract in order(project):
            build(con, project, contract, f"build {contract.name} {datetime.now():%f}")
        return time.perf_counter() - begun


def records(told: Table, project: Project, rows: int) -> None:
    from pipelines.lineage.feeding import feeding
    from pipelines.lineage.origin import origin

    chance = random.Random(2)

    def key() -> str:
        return f"2199{chance.randrange(rows):014d}"

    from assets.lake import one_look, open_lake
    from pipelines.lineage.origin import Tracer, contract_of
    from pipelines.lineage.origin_rows import HandedRows

    origin(project, "base.people", [key()])  # contracts and extensions are read once a process
    whole = timed(lambda: origin(project, "base.people", [key()]), 10)
    people = contract_of(project, "base.people")
    with open_lake(project, read_only=True, threads=1) as con:

        def asked() -> None:
            with one_look(con):
                Tracer(con, project, HandedRows(con, project)).trace(people, (key(),))

        asked()
        _row(told, f"origin of a record of base.people, {rows:,} rows", timed(asked, 10), "100 ms")
    _row(told, "the same, with opening the lake", whole, "")

    def down() -> Any:
        return feeding(project, "std.register", batch="r1", row=1 + chance.randrange(rows))

    down()
    _row(told, f"what a line of std.register feeds, {rows:,} rows", timed(down, 10), "")


class Watch:
    """Seconds that were spent in the functions it is put around, those within others counted once."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.within = 0

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*given: Any, **named: Any) -> Any:
            begun, self.within = time.perf_counter(), self.within + 1
            try:
                return function(*given, **named)
            finally:
                self.within -= 1
                if not self.within:
                    self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun

        return watched


def capture(told: Table, people: int) -> None:
    """A run on a sample of so many people in a folder of its own, and how much of it was spent on lineage.

    What stands in the rows themselves (batch and row, sources and winners of fused records) is no part of it: a table without
    them would be another table.
    """
    from pipelines import factories, results
    from pipelines.cli import app
    from pipelines.commands import run
    from pipelines.lineage import shown, stored

    capturing, making = Watch(), Watch()
    fill_table = results._fill
    fill_lineage = capturing.around("its rows into the results", fill_table)
    results._fill = lambda con, name, *rest: (fill_lineage if name.endswith("_lineage") else fill_table)(con, name, *rest)
    results.graph_of = capturing.around("reading the graph for the results", results.graph_of)
    stored.graph_of = capturing.around("reading the graph", stored.graph_of)
    shown.shown = capturing.around("what Dagster's assets show", shown.shown)
    factories.batches_in = capturing.around("hand-overs of Dagster's assets", factories.batches_in)
    factories.tell_hand_overs = capturing.around("hand-overs of Dagster's assets", factories.tell_hand_overs)
    run._make = making.around("sample", run._make)
    with tempfile.TemporaryDirectory() as scratch, redirect_stdout(io.StringIO()):
        os.environ["YUANQING_DATA"] = scratch
        begun = time.perf_counter()
        app(["run", "--scale", str(people), "--json"], standalone_mode=False)
        whole = time.perf_counter() - begun - sum(making.seconds.values())
    told.add_row(f"a run on the sample, {people:,} people", f"{whole:,.1f} s", "", "")
    for name, seconds in capturing.seconds.items():
        told.add_row(f"of it capture: {name}", f"{seconds * 1000:,.0f} ms", "", "")
    share = 100 * sum(capturing.seconds.values()) / whole
    told.add_row("of it capture, in all", f"{share:.1f} %", "", "3 %")


def _row(told: Table, what: str, took: list[float], goal: str) -> None:
    told.add_row(what, f"{statistics.median(took):,.1f} ms", f"{max(took):,.1f} ms", goal)


def main() -> None:
    from benchmarks.increment import declare

    parser = argparse.ArgumentParser(description="What lineage costs.")
    parser.add_argument("--rows", type=int, default=10_000_000, help="people in the lake of which records are asked; 0: none")
    parser.add_argument("--people", type=int, default=20_000, help="people of the sample on which capture is measured; 0: not at all")
    given = parser.parse_args()
    told = Table("what", "median", "worst", "goal", title=f"Lineage, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    closures(told)
    if given.rows:
        with tempfile.TemporaryDirectory() as scratch:
            project = declare(Path(scratch))
            built = fill(project, given.rows)
            told.add_row(f"building from {2 * given.rows:,} standardised rows", f"{built:,.1f} s", "", "")
            records(told, project, given.rows)
    if given.people:
        capture(told, given.people)
    Console(width=160).print(told)


if __name__ == "__main__":
    main()
