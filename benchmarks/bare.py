"""The least that any loader must do with the files of a hand-over: every value as text, nothing looked at, nothing kept about it.

Belongs here: what the path is compared with, one way a form. Not here: the path (`children`), what is measured (`pipeline`).

A  into a plain DuckDB file, B  into a DuckLake. GB18030 text is transcoded to UTF-8 and read by DuckDB, lines of fixed width are
cut by `struct` first, sheets are taken row by row from python-calamine, title rows and all. What a loader that must not stop
loses of broken lines, nobody counts.
"""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assets.contracts import Contract

BLOCK = 8 << 20


def load(landing: Path, into: Path, *, lake: bool) -> int:
    """Load every dataset's files from `landing/<dataset>/`, a table each, into `into`; the number of rows."""
    from assets.lake import connect, literal, quote
    from assets.project import Project

    project = Project.at()
    into.mkdir(parents=True)
    con = connect(extensions=("sqlite_scanner", "ducklake") if lake else (), memory_limit=project.memory)
    con.execute(f"SET temp_directory = {literal(str(into / 'spill'))}")
    target = f"ducklake:sqlite:{into / 'catalogue.sqlite'}" if lake else str(into / "bare.duckdb")
    options = f" (DATA_PATH {literal(str(into / 'files'))})" if lake else ""
    con.execute(f"ATTACH {literal(target)} AS bare{options}")
    con.execute("USE bare")
    plain, rows = into / "one.csv", 0
    for dataset in sorted(landing.iterdir()):
        contract = project.contracts[dataset.name]
        for number, file in enumerate(sorted(dataset.iterdir())):
            width, skip = _plain(file, contract, plain)
            columns = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(width))
            lenient = f"auto_detect = false, strict_mode = false, ignore_errors = true, columns = {{{columns}}}"
            read = f"SELECT * FROM read_csv({literal(str(plain))}, skip = {skip}, delim = ',', quote = '\"', {lenient})"
            table = quote(dataset.name)
            con.execute(f"INSERT INTO {table} {read}" if number else f"CREATE TABLE {table} AS {read}")
        rows += (con.execute(f"SELECT count(*) FROM {quote(dataset.name)}").fetchone() or (0,))[0]
    plain.unlink()
    con.close()
    return rows


def _plain(file: Path, contract: Contract, target: Path) -> tuple[int, int]:
    """Write a file as plain UTF-8 CSV; its number of columns, and how many lines to skip."""
    match contract.server.properties["format"]:
        case "csv":
            _transcode(file, target)
            with target.open(encoding="utf-8", newline="") as read:
                return len(next(csv.reader(read))), 1
        case "fixed":
            return _write(target, _fixed(file, contract)), 0
        case "xlsx":
            return _write(target, _sheets(file)), 0
        case other:
            raise ValueError(f"{contract.name}: no bare load of {other}")


def _transcode(source: Path, target: Path) -> None:
    """GB18030 to UTF-8, streamed."""
    with source.open(encoding="gb18030", newline="") as read, target.open("w", encoding="utf-8", newline="") as write:
        while text := read.read(BLOCK):
            write.write(text)


def _write(target: Path, rows: Iterable[Iterable[Any]]) -> int:
    width = 0
    with target.open("w", encoding="utf-8", newline="") as write:
        put = csv.writer(write).writerow
        for row in rows:
            cells = list(row)
            width = width or len(cells)
            put(cells)
    return width


def _fixed(file: Path, contract: Contract) -> Iterator[list[str]]:
    from assets.readers.fixed import layout_of

    cut = struct.Struct(layout_of(contract).format(0))
    with file.open("rb") as lines:
        for line in lines:
            if len(text := line.rstrip(b"\r\n")) == cut.size:
                try:
                    yield [field.decode("gb18030").strip() for field in cut.unpack(text)]
                except UnicodeDecodeError:
                    continue


def _sheets(file: Path) -> Iterator[list[Any]]:
    from python_calamine import CalamineWorkbook

    with CalamineWorkbook.from_path(str(file)) as book:
        for name in book.sheet_names:
            yield from book.get_sheet_by_name(name).iter_rows()
