"""What a database or an interface holds until the sample's servers are asked for it: a hand-over's rows as texts, in Parquet.

Belongs here: writing such a file, and reading some of its rows. Not here: the servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sample_data.forms import Cells, Scene, columns_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from sample_data.declaration import Declaration

GROUP = 10_000
"""Rows that are kept together, and read at once."""


class Loaded(Cells):
    """What a table is loaded from, in the order of its extract; an empty text is none, as in a file that a table is loaded from."""

    def cells(self, declaration: Declaration) -> list[tuple[str, str]]:
        return [(name, f"nullif({sql}, '')") for name, sql in super().cells(declaration)]

    def writer(self, scene: Scene) -> Rows:
        number = [m.name for m in scene.declaration.moments].index(scene.moment.name) + 1
        return Rows(scene, scene.folder / f"{scene.declaration.name}_{number}.parquet")


class Records(Cells):
    """The records of a day, through which the sample's interface pages."""

    def writer(self, scene: Scene) -> Rows:
        path = scene.folder / scene.declaration.name / f"{scene.moment.ends:%Y-%m-%d}.parquet"
        if scene.announced:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".announced").write_text(str(scene.announced))
        return Rows(scene, path)


class Rows:
    """A file of rows by their headers, `GROUP` of them in each part but the last. `_row` counts from 1."""

    def __init__(self, scene: Scene, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path.parent.mkdir(parents=True, exist_ok=True)
        self._scene, self._path, self._next = scene, path, 1
        self._taken = [n for n, column in enumerate(columns_of(scene.declaration)) if column not in scene.missing]
        schema = pa.schema([(header, pa.string()) for header in scene.headers()])
        self._waiting = schema.empty_table()
        self._file = pq.ParquetWriter(path, schema, compression="zstd")

    def add(self, rows: pa.Table, parts: pa.Array | None) -> np.ndarray:  # noqa: ARG002 - the protocol's
        import numpy as np
        import pyarrow as pa

        schema = self._waiting.schema
        texts = [rows.column(f"c{n}").cast(pa.string()) for n in self._taken]
        self._waiting = pa.concat_tables([self._waiting, pa.table(texts, schema=schema)])
        full = len(self._waiting) // GROUP * GROUP
        if full:
            self._file.write_table(self._waiting.slice(0, full), GROUP)
            self._waiting = self._waiting.slice(full)
        first, self._next = self._next, self._next + len(rows)
        return np.arange(first, self._next, dtype=np.int64)

    def close(self) -> list[Path]:
        if len(self._waiting):
            self._file.write_table(self._waiting, GROUP)
        self._file.close()
        self._scene.keep_time(self._path)
        return [self._path]


def headers(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def count(path: Path) -> int:
    """How many rows there are. Raises `FileNotFoundError`."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def rows(path: Path, first: int, end: int) -> Iterator[dict[str, str | None]]:
    """The rows from position `first` (from 0) up to `end`, or to the last one."""
    for group in range(first // GROUP, -(-min(end, count(path)) // GROUP)):
        at = group * GROUP
        yield from _group(path, group).slice(max(0, first - at), end - max(first, at)).to_pylist()


@lru_cache(4)
def _group(path: Path, group: int) -> pa.Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read_row_group(group)


def forget() -> None:
    """Let go of what was read: the file may be another one when its path is asked for again."""
    _group.cache_clear()


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """All rows, some at a time."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(GROUP)
