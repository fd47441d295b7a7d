"""A query that stays open: rows go in, their answers come out, and it is neither planned nor set up again.

Fifty rules over one row take DuckDB one millisecond to judge, a hundred to plan, and ten to set up (a thousand expressions, each with
its memory and its regular expressions). So one streamed query is opened over a source that hands over what was asked last.

What it stands on (DuckDB is pinned, and a test holds it): a source that is a stream of Arrow batches is pulled in the thread that
fetches, a batch at a time; the result stops once it is full, and a result of one byte is full with each batch. It stops while it
holds the batch after, so behind each question goes a row that nobody asked about, and is thrown away when the next one comes.

Belongs here: that mechanism. Not here: what is asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

FEED = "feed"
"""The relation that the SELECT reads its rows from."""


class OpenQuery:
    """One SELECT over `feed`, a row out for a row in, in the same order. For one thread at a time.

    Raises `duckdb.Error` for a row that it cannot judge, and is then of no use any more.
    """

    def __init__(self, select: str, columns: Sequence[tuple[str, pa.DataType]]) -> None:
        import pyarrow as pa

        from assets.lake import connect

        self._schema = pa.schema(columns)
        self._filler = pa.record_batch([pa.nulls(1, kind) for _, kind in columns], schema=self._schema)
        self._asked: deque[pa.RecordBatch] = deque([self._filler, self._filler])
        self._con = connect()
        self._con.execute("SET threads = 1")  # those that wait for work would only take turns with the one that fetches
        self._con.execute("SET streaming_buffer_size = '1B'")
        reader = pa.RecordBatchReader.from_batches(self._schema, self._pulled())
        # The capsule: what DuckDB makes of a reader or a table reads ahead in threads of its own.
        self._con.register(FEED, reader.__arrow_c_stream__())
        self._con.execute(select)
        self._con.fetchmany(1)

    def _pulled(self) -> Iterator[pa.RecordBatch]:
        while True:
            if not self._asked:
                raise RuntimeError("the query read on without giving what it has: this DuckDB streams in another way")
            yield self._asked.popleft()

    def ask(self, columns: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The answers to some rows, given column by column."""
        import pyarrow as pa

        arrays = [pa.array(values, kind) for values, kind in zip(columns, self._schema.types, strict=True)]
        rows = pa.record_batch(arrays, schema=self._schema)
        if not rows.num_rows:
            return []
        self._asked += (rows, self._filler)
        found: list[tuple[Any, ...]] = []
        while len(found) < rows.num_rows + 1:
            some = self._con.fetchmany(rows.num_rows + 1 - len(found))
            if not some:
                raise RuntimeError("the query ended although more was asked")
            found += some
        return found[1:]

    def close(self) -> None:
        self._con.close()
