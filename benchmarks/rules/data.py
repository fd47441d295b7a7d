"""The rows that every contender reads: the population register of the sample, standardised, as one Parquet file.

Belongs here: making them. Drawn from the sample's own generator, a million people at a time, each million from a seed of its
own (so nobody is repeated; order numbers go on from one million to the next, so that ids stay unique but for planted
faults), faults planted at the sample's rates, columns typed by the SELECT that `yuanqing run` uses. One batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

DATASET = "population_register"
SEED = 20261125
CHUNK = 1_000_000
BATCH = f"{DATASET}-202609"


def _chunks(rows: int) -> Iterator[object]:
    """Arrow tables of the contract's columns as text, that together have `rows` rows."""
    import numpy as np
    import pyarrow as pa

    from sample_data import population, world
    from sample_data.faults import plant

    taken = np.zeros((len(world.UNITS) + 1) * 200_000, dtype=np.int64)  # order numbers given, by unit, birth date and sex
    made, seed = 0, SEED
    while made < rows:
        seed += 1
        # a few more people than rows: those who are registered later fall away
        people = world.drawn(seed, min(CHUNK, int((rows - made) * 1.01) + 100))
        cell = (people.unit.astype(np.int64) * 100_000 + people.born.astype(np.int64) + 50_000) * 2 + people.male
        people = replace(people, order=people.order + 2 * taken[cell])
        np.add.at(taken, cell, 1)
        view = population.view(people)
        here = ~people.new
        view.facts["last"] = np.zeros(view.rows, dtype=bool)
        spoilt = plant(view, population.FAULTS, np.random.default_rng([seed, 4]), here=here)
        table = pa.table(spoilt.view.columns).slice(0, rows - made)
        made += table.num_rows
        yield table


def make(file: Path, rows: int) -> None:
    """Write `rows` standardised rows to a Parquet file: typed columns, `<column>__text`, `_batch` and `_row`."""
    import duckdb

    from assets.judging import Judge
    from assets.project import Project

    project = Project.at()
    contract = next(c for c in project.sources() if c.name == DATASET)
    staged = Judge(project, contract).staged("numbered")
    parts = file.with_suffix(".parts")
    parts.mkdir(parents=True)
    before = 0
    for number, chunk in enumerate(_chunks(rows)):
        with duckdb.connect() as con:
            con.register("chunk", chunk)
            con.execute(f"CREATE TEMP VIEW numbered AS SELECT *, '{BATCH}' AS _batch, {before} + row_number() OVER () AS _row FROM chunk")
            con.execute(f"COPY (SELECT COLUMNS(c -> NOT ends_with(c, '__repair')) FROM ({staged})) TO '{parts / f'{number:03}.parquet'}'")
        before += chunk.num_rows  # type: ignore[attr-defined]
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT * FROM read_parquet('{parts}/*.parquet')) TO '{file}'")
    for part in parts.iterdir():
        part.unlink()
    parts.rmdir()


if __name__ == "__main__":
    import sys

    make(Path(sys.argv[1]), int(sys.argv[2]))
