"""A small project per test: one contract written by the test, a lake of its own, and helpers to hand over and look."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from assets.collect import Collected, collect
from assets.lake import open_lake
from assets.project import Project

if TYPE_CHECKING:
    import duckdb


class Desk:
    """A department's desk and the collector's: `put` a file, `collect`, look at `raw`, `rejects`, the folders."""

    def __init__(self, root: Path, empty_lake: Callable[[Project], None]) -> None:
        self.root = root
        self._empty_lake = empty_lake
        (root / "assets" / "sources" / "office").mkdir(parents=True, exist_ok=True)
        self.project = Project.at(root, root / "data")
        self.runs = 0
        self._lake: AbstractContextManager[duckdb.DuckDBPyConnection] | None = None

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The lake, opened once for all of a test: opening loads extensions."""
        if self._lake is None:
            if not self.project.lake.exists():
                self._empty_lake(self.project)
            self._lake = open_lake(self.project)
            self._con = self._lake.__enter__()
        return self._con

    def close(self) -> None:
        if self._lake is not None:
            self._lake.__exit__(None, None, None)
            self._lake = None

    def contract(
        self,
        columns: list[dict[str, Any]],
        *,
        server: dict[str, Any] | None = None,
        delivery: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        """Write the contract of the dataset `people`."""
        server = server or {"server": "landing", "type": "local", "path": "people/*.csv", "format": "csv", "encoding": "utf-8"}
        if options:
            server = {**server, "customProperties": [{"property": k, "value": v} for k, v in options.items()]}
        document = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "people",
            "name": "people",
            "version": "1.0.0",
            "status": "active",
            "servers": [server],
            "schema": [{"name": "people", "businessName": "人员", "properties": columns}],
            "customProperties": [
                {
                    "property": "delivery",
                    "value": {
                        "mode": "full",
                        "period": "monthly",
                        "start": "2026-01",
                        "pattern": r"(?P<unit>[a-z]+)_(?P<period>\d{6}).*",
                        **(delivery or {}),
                    },
                }
            ],
        }
        path = self.root / "assets" / "sources" / "office" / "people.odcs.yaml"
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        self.project = Project.at(self.root, self.root / "data")

    def put(self, name: str, content: bytes | str, *, age: float = 60) -> Path:
        path = self.project.landing / "people" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (time.time() - age,) * 2)
        return path

    def collect(self, **options: Any) -> Collected:
        self.runs += 1
        return collect(self.con, self.project, self.project.contracts["people"], f"run{self.runs}", **options)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return self.con.execute(query).fetchall()

    def raw(self, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.sql(f"SELECT {columns} FROM raw.people ORDER BY _batch, _row")

    def rejects(self) -> list[tuple[Any, ...]]:
        return self.sql('SELECT "row", text, reason FROM evidence.rejects ORDER BY batch, "row"')

    def reason(self, name: str) -> str:
        """What the file beside a refused one says."""
        return (self.project.landing / "refused" / "people" / f"{name}.reason.txt").read_text(encoding="utf-8")

    def refused(self) -> list[str]:
        folder = self.project.landing / "refused" / "people"
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

    def collected(self) -> list[str]:
        folder = self.project.collected / "people"
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

    def waiting(self) -> list[str]:
        return sorted(p.name for p in (self.project.landing / "people").iterdir())


def column(name: str, header: str | None = None, *, key: bool = False, required: bool = False, **custom: Any) -> dict[str, Any]:
    node: dict[str, Any] = {"name": name, "physicalName": header or name, "logicalType": "string"}
    if key:
        node.update(primaryKey=True, primaryKeyPosition=1)
    if required:
        node["required"] = True
    if custom:
        node["customProperties"] = [{"property": k, "value": v} for k, v in custom.items()]
    return node


@pytest.fixture
def desk(tmp_path: Path, empty_lake: Callable[[Project], None]) -> Iterator[Desk]:
    made = Desk(tmp_path, empty_lake)
    made.contract([column("id", "BH", key=True, required=True), column("name", "XM"), column("note", "BZ")])
    yield made
    made.close()


@pytest.fixture
def make_column() -> Callable[..., dict[str, Any]]:
    return column


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    """Whatever a test does, no working file may stay behind."""
    yield
    scratch = tmp_path / "data" / "scratch"
    assert [p for p in scratch.rglob("*") if p.is_file()] == []
