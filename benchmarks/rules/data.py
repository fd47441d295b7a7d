"""The rows that every contender reads: the population register of the sample, standardised, as one Parquet file.

Belongs here: making them. Drawn from the sample's own world and declaration (so many people that the first hand-over has the
rows), faults planted at the sample's rates, columns typed by the SELECT that `yuanqing run` uses. One batch.
"""

from __future__ import annotations

from pathlib import Path

DATASET = "population_register"
SEED = 20261125
SHARE = 0.9
"""Less than the share of all people who stand in the register: the rest are registered elsewhere, or not yet."""
BATCH = f"{DATASET}-202609"


def make(file: Path, rows: int) -> None:
    """Write `rows` standardised rows to a Parquet file: typed columns, `<column>__text`, `_batch` and `_row`."""
    from assets.judging import Judge
    from assets.project import Project
    from sample_data import building, planting, views
    from sample_data.declared import declarations
    from sample_data.made import furnish

    project = Project.at()
    declared = declarations(project)
    contract = project.contracts[DATASET]
    staged = Judge(project, contract).staged("numbered")
    with building.opened(file.with_suffix(".duckdb")) as con:
        building.prepare(con, SEED, int(rows / SHARE) + 1000, project.expectations / "codes")
        furnish(con, {DATASET: declared[DATASET]}, declared)
        views.lags(con, declared[DATASET])
        view = views.view(con, declared[DATASET], declared[DATASET].moments[0])
        planted = planting.plant(con, view)
        columns = ", ".join(f'"{name}"' for name in view.columns)
        con.execute(f"CREATE TEMP TABLE planted_rows AS SELECT {columns} FROM ({planted.sql}) ORDER BY _key, _copy LIMIT {rows}")
        con.execute(f"CREATE TEMP VIEW numbered AS SELECT *, '{BATCH}' AS _batch, rowid + 1 AS _row FROM planted_rows")
        con.execute(f"COPY (SELECT COLUMNS(c -> NOT ends_with(c, '__repair')) FROM ({staged})) TO '{file}'")


if __name__ == "__main__":
    import sys

    make(Path(sys.argv[1]), int(sys.argv[2]))
