"""A small sample: a project whose declarations are the real ones and whose data is a new folder, and its hand-overs read back."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from assets.contracts import Contract
from assets.headers import map_header
from assets.project import CODE, Project
from assets.readers import Handover, RefusedError, reader_for
from sample_data.building import build, opened, prepare
from sample_data.declaration import Declaration
from sample_data.declared import declarations
from sample_data.made import make

SCALE = 2000
Row = dict[str, str | None]


@dataclass(frozen=True)
class Delivered:
    """One hand-over as its reader reads it: `rows` by `_row` under the contract's names, None where it is refused."""

    dataset: str
    source: str
    period: str
    unit: str
    rows: dict[int, Row] | None


@dataclass(frozen=True)
class Sample:
    """A made sample, its truth as rows."""

    project: Project
    truth: list[dict[str, Any]]
    _kept: dict[str, list[Delivered]] = field(default_factory=dict)

    @cached_property
    def declared(self) -> dict[str, Declaration]:
        return declarations(self.project)

    def delivered(self, dataset: str) -> list[Delivered]:
        """Every hand-over of a dataset, the ones that came twice once."""
        if dataset not in self._kept:
            contract = self.project.contracts[dataset]
            read = {"local": self._files, "api": self._days}.get(contract.server.type, self._tables)
            again = {f["source"] for f in self.truth if f["dataset"] == dataset and f["effect"] == "repeat"}
            self._kept[dataset] = [d for d in read(contract) if d.source not in again]
        return self._kept[dataset]

    def _files(self, contract: Contract) -> Iterator[Delivered]:
        reader = reader_for(contract)
        with duckdb.connect() as con:
            for handover in reader.pending(contract, self.project, con):
                assert not handover.details.get("refusal"), handover
                yield Delivered(
                    contract.name,
                    handover.source,
                    handover.period,
                    handover.unit or "",
                    _rows(reader, handover, contract, self.project, con),
                )

    def _days(self, contract: Contract) -> Iterator[Delivered]:
        form = "%Y%m%d" if contract.delivery and contract.delivery.period == "daily" else "%Y%m"
        for path in sorted((self.project.data / "sample" / "api" / contract.name).glob("*.parquet")):
            from datetime import date

            yield Delivered(contract.name, path.stem, date.fromisoformat(path.stem).strftime(form), "", _kept(path, contract))

    def _tables(self, contract: Contract) -> Iterator[Delivered]:
        for number, moment in enumerate(self.declared[contract.name].moments, 1):
            path = self.project.data / "sample" / "database" / f"{contract.name}_{number}.parquet"
            yield Delivered(contract.name, contract.name, moment.name, "", _kept(path, contract))

    def spoilt(self, dataset: str) -> set[tuple[str, str, str, int]]:
        """(source, period, unit, row) of rows with any fault but those between departments."""
        return {
            (f["source"], f["period"], f["unit"], f["row"])
            for f in self.truth
            if f["dataset"] == dataset and f["effect"] not in ("cross", "graced")
        }

    def clean(self, dataset: str) -> Iterator[tuple[Delivered, Row]]:
        """Every row in which nothing was planted by chance."""
        spoilt = self.spoilt(dataset)
        for handed in self.delivered(dataset):
            for number, row in (handed.rows or {}).items():
                if (handed.source, handed.period, handed.unit, number) not in spoilt:
                    yield handed, row


def _kept(path: Path, contract: Contract) -> dict[int, Row]:
    """What a server keeps of a hand-over, without what the contract does not name."""
    heads = {c.header: c.name for c in contract.columns}
    return {n: {heads[h]: v for h, v in row.items() if h in heads} for n, row in enumerate(pq.read_table(path).to_pylist(), 1)}


def _rows(reader: Any, handover: Handover, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> dict[int, Row] | None:
    try:
        extract = reader.read(handover, contract, project, con)
        columns = map_header(contract, extract.header, handover.source, handover.period).columns
    except RefusedError:
        return None
    cells = ", ".join(f'c{at} AS "{name}"' for name, at in columns.items())
    found = con.execute(f"SELECT _row, {cells} FROM ({extract.relation})").fetchall()
    extract.discard()
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in found}


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder that the database server's own user can enter too: pytest closes its own to others, at each start."""
    with tempfile.TemporaryDirectory(prefix="yuanqing-sample-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def made(data: Path, seed: int = 7, datasets: list[str] | None = None) -> Sample:
    make(Project.at(CODE, data), scale=SCALE, seed=seed, datasets=datasets)
    return there(data)


def there(data: Path) -> Sample:
    """The sample that was made in a folder, or copied to it."""
    return Sample(Project.at(CODE, data), pq.read_table(data / "sample" / "truth.parquet").to_pylist())


@contextmanager
def world(file: Path, seed: int, people: int, tables: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """These tables of the world (names with blanks between) of a seed and so many people."""
    with opened(file) as con:
        prepare(con, seed, people, CODE / "expectations" / "codes")
        build(con, [f"world.{name}" for name in tables.split()])
        yield con


def impossible(name: str) -> dict[str, str]:
    """The queries of `<name>.sql`, none of which may find a row, by the comment above each."""
    text = Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")
    return dict(re.findall(r"^-- ([^\n]+)\n([^-;][^;]+);", text, re.MULTILINE))
