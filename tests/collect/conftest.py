"""A small project per test: one contract written by the test, a lake of its own, and helpers to hand over and look."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from assets.collect import Collected, collect
from assets.lake import open_lake
from assets.project import Project

Column = tuple[str, str] | str


class Desk:
    """A department's desk and the collector's: `put` a file, `collect`, look at `raw`, `rejects`, `batches`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = Project.at(root, root / "data") if (root / "assets").is_dir() else self._make(root)
        self.runs = 0

    @staticmethod
    def _make(root: Path) -> Project:
        (root / "assets" / "sources" / "office").mkdir(parents=True)
        (root / "expectations").mkdir()
        return Project.at(root, root / "data")

    def contract(
        self, columns: list[dict[str, Any]], *, server: dict[str, Any] | None = None, delivery: dict[str, Any] | None = None, options: dict[str, Any] | None = None
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
                    "value": {"mode": "full", "period": "monthly", "start": "2026-01", "pattern": r"(?P<unit>[a-z]+)_(?P<period>\d{6}).*", **(delivery or {})},
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
        with open_lake(self.project) as con:
            return collect(con, self.project, self.project.contracts["people"], f"run{self.runs}", **options)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with open_lake(self.project, read_only=True) as con:
            return con.execute(query).fetchall()

    def raw(self, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.sql(f"SELECT {columns} FROM raw.people ORDER BY _batch, _row")

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
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.contract([column("id", "BH", key=True, required=True), column("name", "XM"), column("note", "BZ")])
    return made


@pytest.fixture
def make_column() -> Callable[..., dict[str, Any]]:
    return column


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    """Whatever a test does, no working file may stay behind."""
    yield
    left = [p for p in (tmp_path / "data" / "scratch").rglob("*.csv")] if (tmp_path / "data" / "scratch").exists() else []
    assert left == []
