"""A scratch table for readers that come by their rows in Python: written once, read back by the connection as text.

Belongs here: the file between the two. Not here: where the rows come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from assets.lake import literal


class TextTable:
    """Rows of text with their number. None stays apart from an empty text."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "table.csv"
        self.rows = self.width = self.longest = 0
        self._file = self.path.open("w", encoding="utf-8", newline="")

    def write(self, number: int, values: Sequence[str | None]) -> None:
        text = ",".join(["" if v is None else '"' + v.replace('"', '""') + '"' for v in values])
        self._file.write(f"{number},{text}\n")
        self.rows += 1
        self.width = max(self.width, len(values))
        self.longest = max(self.longest, len(text))

    def close(self) -> None:
        self._file.close()

    def relation(self, positions: Iterable[int]) -> str:
        """SQL that gives `_row` and the columns at `positions` as `c0`, `c1`, ...; rows may be shorter than the widest."""
        return read_back(self.path, self.width, positions, self.longest)


def read_back(path: Path, width: int, positions: Iterable[int], longest: int = 0) -> str:
    """SQL over a file of numbered, quoted rows in UTF-8."""
    columns = ", ".join(["'_row': 'BIGINT'", *(f"'v{i}': 'VARCHAR'" for i in range(width))])
    chosen = ", ".join(["_row", *(f"v{p} AS c{i}" for i, p in enumerate(positions))])
    size = max(longest * 4 + 64, 2 << 20)
    return (
        f"SELECT {chosen} FROM read_csv({literal(str(path))}, header = false, auto_detect = false, delim = ',', "
        f"quote = '\"', escape = '\"', "
        f"new_line = '\\n', nullstr = '', allow_quoted_nulls = false, null_padding = true, parallel = false, "
        f"max_line_size = {size}, buffer_size = {size * 2}, columns = {{{columns}}})"
    )
