"""A small sample: a project whose declarations are the real ones and whose data is a new folder, and readers for its hand-overs."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from assets.project import CODE, Project
from sample_data.made import make

SCALE = 3000


@dataclass(frozen=True)
class Sample:
    """A made sample: `truth` as rows, `hand_over(dataset, source, period)` the records as they were written, by `_row`."""

    project: Project
    truth: list[dict[str, Any]]

    def hand_over(self, dataset: str, source: str, period: str) -> dict[int, dict[str, str | None]]:
        columns = {c.header: c.name for c in self.project.contracts[dataset].columns}
        rows = _READERS[dataset](self, source, period)
        return {number: {columns[h.replace(" ", "")]: v for h, v in row.items()} for number, row in rows}

    def sources(self, dataset: str) -> list[tuple[str, str]]:
        """(source, period) of every hand-over of a dataset, read from where it was put."""
        contract = self.project.contracts[dataset]
        if dataset == "social_insurance":
            return [(dataset, "202609"), (dataset, "202610")]
        if dataset == "admin_licence":
            return [(p.stem, p.stem.replace("-", "")) for p in sorted((self.project.data / "sample" / "api").glob("*.json"))]
        assert contract.delivery is not None
        assert contract.delivery.pattern is not None
        found = []
        for path in sorted((self.project.landing / dataset).iterdir()):
            match = re.fullmatch(contract.delivery.pattern, path.name)
            assert match, path.name
            found.append((path.name, match["period"]))
        return found


def records(text: str, width: int) -> Iterator[tuple[int, list[str]]]:
    """(physical line, fields) of each record that has `width` fields; lines that do not fit are left out."""
    lines = text.replace("\r\n", "\n").split("\n")
    at = 1
    while at < len(lines):
        for taken in (1, 2):
            piece = "\n".join(lines[at : at + taken])
            if piece.count('"') % 2 == 0:
                fields = next(csv.reader(io.StringIO(piece, newline="")), [])
                if len(fields) == width:
                    yield at + 1, fields
                at += taken
                break
        else:
            at += 1


def _delimited(encoding: str) -> Any:
    def read(sample: Sample, source: str, period: str, dataset: str) -> Iterator[tuple[int, dict[str, str | None]]]:
        text = (sample.project.landing / dataset / source).read_bytes().decode(encoding)
        header = text.splitlines()[0].split(",")
        for number, fields in records(text, len(header)):
            yield number, {h: v or None for h, v in zip(header, fields, strict=True)}

    return read


def _register(sample: Sample, source: str, period: str) -> Iterator[tuple[int, dict[str, str | None]]]:
    return _delimited("gb18030")(sample, source, period, "population_register")  # type: ignore[no-any-return]


def _air(sample: Sample, source: str, period: str) -> Iterator[tuple[int, dict[str, str | None]]]:
    return _delimited("utf-8-sig")(sample, source, period, "air_quality_hourly")  # type: ignore[no-any-return]


def _book(sample: Sample, source: str, period: str) -> Iterator[tuple[int, dict[str, str | None]]]:
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(sample.project.landing / "market_entity" / source).get_sheet_by_index(0).to_python()
    for number, cells in enumerate(rows[4:-3], 5):
        texts = [str(int(c)) if isinstance(c, float) and c == int(c) else str(c) for c in cells]
        yield number, {h: v or None for h, v in zip(rows[3], texts, strict=True)}


def _table(sample: Sample, source: str, period: str) -> Iterator[tuple[int, dict[str, str | None]]]:
    wave = {"202609": 1, "202610": 2}[period]
    with (sample.project.data / "sample" / "database" / f"{source}_{wave}.csv").open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 1):
            yield number, {k: v or None for k, v in row.items()}


def _pages(sample: Sample, source: str, period: str) -> Iterator[tuple[int, dict[str, str | None]]]:
    return enumerate(json.loads((sample.project.data / "sample" / "api" / f"{source}.json").read_text(encoding="utf-8")), 1)


_READERS = {
    "population_register": _register,
    "air_quality_hourly": _air,
    "market_entity": _book,
    "social_insurance": _table,
    "admin_licence": _pages,
}


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder that the database server's own user can enter too: pytest closes its own to others, at each start."""
    with tempfile.TemporaryDirectory(prefix="yuanqing-sample-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def made(data: Path, seed: int = 7) -> Sample:
    project = Project.at(CODE, data)
    make(project, scale=SCALE, seed=seed)
    return Sample(project, pq.read_table(data / "sample" / "truth.parquet").to_pylist())
