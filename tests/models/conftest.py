"""A tiny project: a register delivered in full by unit, an insurance list delivered as a delta, and people fused from both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets import evidence
from assets.lake import one_look, open_lake, quote, transaction
from assets.models import build, order
from assets.project import Project
from assets.std import ensure_all

HEAD = """apiVersion: v3.1.0
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
team: {{name: 部门, description: Department}}
"""
SOURCE = (
    HEAD
    + """servers: [{{server: landing, type: local, path: "{name}/*.csv", format: csv}}]
schema:
  - name: {name}
    properties:
{columns}
customProperties:
  - {{property: delivery, value: {{mode: {mode}, period: monthly, event: seen{further}}}}}
"""
)
MODEL = (
    HEAD
    + """schema:
  - name: {name}
    properties:
{columns}
customProperties:
{custom}
"""
)
KEY = "      - {name: id, businessName: 号, logicalType: string, primaryKey: true, classification: '3'}"
SEEN = "      - {name: seen, businessName: 时, logicalType: timestamp}"
REGISTER = "\n".join(
    [
        KEY,
        "      - {name: name, businessName: 名, logicalType: string, classification: '3'}",
        "      - {name: town, businessName: 镇, logicalType: string}",
        SEEN,
    ]
)
INSURANCE = "\n".join(
    [
        "      - {name: person_no, businessName: 编, logicalType: string, primaryKey: true}",
        "      - {name: id, businessName: 号, logicalType: string, classification: '3'}",
        "      - {name: name, businessName: 名, logicalType: string, classification: '3'}",
        "      - {name: employer, businessName: 单位, logicalType: string}",
        SEEN,
    ]
)
AUTHORITY = "customProperties: [{property: authority, value: [register, insurance]}]"
PEOPLE = "\n".join(
    [
        KEY,
        f"      - {{name: name, businessName: 名, logicalType: string, classification: '3', {AUTHORITY}}}",
        "      - {name: town, businessName: 镇, logicalType: string}",
        "      - {name: employer, businessName: 单位, logicalType: string}",
    ]
)
PEOPLE_SQL = """SELECT r.id AS "id", r.name AS "name", r.town AS "town", NULL AS "employer",
    'register' AS "_source", r.seen AS "_event", r._batch AS "_batch", r._row AS "_row"
FROM std.register AS r
UNION ALL
SELECT i.id AS "id", i.name AS "name", NULL AS "town", i.employer AS "employer",
    'insurance' AS "_source", i.seen AS "_event", i._batch AS "_batch", i._row AS "_row"
FROM std.insurance AS i
"""
INCREMENT = "  - {property: increment, value: 'SELECT id FROM new.register UNION SELECT id FROM new.insurance'}"
TOWNS = "\n".join(
    [
        "      - {name: town, businessName: 镇, logicalType: string, primaryKey: true}",
        "      - {name: people, businessName: 人数, logicalType: integer}",
    ]
)
TOWNS_SQL = 'SELECT p.town AS "town", count(*) AS "people" FROM base.people AS p WHERE p.town IS NOT NULL GROUP BY p.town\n'


def write_source(root: Path, name: str, columns: str, mode: str, further: str = "") -> None:
    """`further` are delivery options besides, such as `, unit: city`."""
    path = root / "assets" / "sources" / "office" / f"{name}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SOURCE.format(name=name, columns=columns, mode=mode, further=further), encoding="utf-8")


def write_model(root: Path, name: str, columns: str, sql: str, custom: str = "  []", layer: str = "base") -> None:
    path = root / "assets" / layer / "store" / f"{name}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MODEL.format(name=name, columns=columns, custom=custom), encoding="utf-8")
    path.with_name(f"{name}.sql").write_text(sql, encoding="utf-8")


def write_project(root: Path) -> Project:
    write_source(root, "register", REGISTER, "full")
    write_source(root, "insurance", INSURANCE, "delta")
    write_model(root, "people", PEOPLE, PEOPLE_SQL, INCREMENT)
    write_model(root, "towns", TOWNS, TOWNS_SQL, layer="thematic")
    return Project(root, root / "data")


@dataclass
class World:
    """The tiny project with its lake open: `deliver` stands for collecting and standardising one hand-over."""

    project: Project
    con: Any
    runs: int = field(default=0)

    def deliver(
        self,
        dataset: str,
        batch: str,
        rows: list[tuple[Any, ...]],
        *,
        unit: str = "",
        period: str = "202601",
        received: int = 0,
        broken: Sequence[str] = (),
    ) -> None:
        """`rows` are in the order of the contract's columns; their raw text is what Python makes of them. `broken`: ids in quarantine."""
        contract = self.project.contracts[dataset]
        with one_look(self.con):
            ensure_all(self.con, [contract])
        names = ", ".join(quote(c.name) for c in contract.columns)
        placed = [(*row, batch, position) for position, row in enumerate(rows, start=2)]
        marks = ", ".join(f"({', '.join('?' * (len(contract.columns) + 2))})" for _ in rows)
        with transaction(self.con, "test", f"deliver {batch}"):
            if placed:
                values = [v for row in placed for v in row]
                text = [None if v is None else v if isinstance(v, int) else str(v) for v in values]
                self.con.execute(f"INSERT INTO std_batches.{quote(dataset)} ({names}, _batch, _row) VALUES {marks}", values)
                self.con.execute(f"INSERT INTO raw.{quote(dataset)} ({names}, _batch, _row) VALUES {marks}", text)
            for position, id_ in enumerate(broken, start=90):
                into = f"INSERT INTO quarantine.{quote(dataset)} (id, _batch, _row, _failed) VALUES (?, ?, ?, ['broken'])"
                self.con.execute(into, [id_, batch, position])
            evidence.write(
                self.con,
                "batches",
                [
                    {
                        "batch": batch,
                        "dataset": dataset,
                        "unit": unit,
                        "period": period,
                        "department": "office",
                        "source": f"{batch}.csv",
                        "status": "standardised",
                        "rows_std": len(rows),
                        "received_at": datetime(2026, 1, 1) + timedelta(minutes=received),
                    }
                ],
            )

    def build(self, *names: str) -> dict[str, Any]:
        self.runs += 1
        return {c.name: build(self.con, self.project, c, f"run{self.runs}") for c in order(self.project) if not names or c.name in names}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.con.execute(sql).fetchall()

    @property
    def snapshot(self) -> int:
        return self.rows("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")[0][0]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return write_project(tmp_path)


@pytest.fixture
def world(project: Project, empty_lake: Callable[[Project], None]) -> Iterator[World]:
    empty_lake(project)
    with open_lake(project) as con:
        yield World(project, con)


@pytest.fixture
def add_models(world: World) -> Callable[..., Project]:
    """Write further thematic models (name, columns, SQL, custom properties) into the tiny project."""

    def add(*models: tuple[str, str, str, str]) -> Project:
        for name, columns, sql, custom in models:
            write_model(world.project.root, name, columns, sql, custom, layer="thematic")
        world.project = Project(world.project.root, world.project.data)
        return world.project

    return add


@pytest.fixture
def fresh_world(tmp_path: Path, empty_lake: Callable[[Project], None]) -> Callable[[str], Any]:
    """Another world beside, for comparing: `with fresh_world('a') as world`."""
    from contextlib import contextmanager

    @contextmanager
    def make(name: str) -> Iterator[World]:
        project = write_project(tmp_path / name)
        empty_lake(project)
        with open_lake(project) as con:
            yield World(project, con)

    return make


FLAGGED = "\n".join(
    [
        "      - {name: id, businessName: 号, logicalType: string, primaryKey: true}",
        "      - {name: name, businessName: 名, logicalType: string}",
        "      - {name: town, businessName: 镇, logicalType: string}",
        "      - {name: flag, businessName: 操作, logicalType: string}",
        SEEN,
    ]
)
OPERATION = ", operation: {column: flag, insert: I, update: U, delete: D}"
LISTED_SQL = """SELECT l.id AS "id", l.name AS "name", l.town AS "town", NULL AS "employer",
    'list' AS "_source", l.seen AS "_event", l._batch AS "_batch", l._row AS "_row"
FROM std.list AS l
"""


@pytest.fixture
def flagged(tmp_path: Path, empty_lake: Callable[[Project], None]) -> Iterator[World]:
    """People from one delta with operation flags, and towns counted over them by keys."""
    root = tmp_path / "flagged"
    write_source(root, "list", FLAGGED, "delta", OPERATION)
    plain = PEOPLE.replace(AUTHORITY, "customProperties: []")
    write_model(root, "people", plain, LISTED_SQL, "  - {property: increment, value: 'SELECT id FROM new.list'}")
    write_model(root, "counted", TOWNS, TOWNS_SQL, "  - {property: increment, value: 'SELECT town FROM new.people'}", layer="thematic")
    project = Project(root, root / "data")
    empty_lake(project)
    with open_lake(project) as con:
        yield World(project, con)


_NEWEST = "{property: authority, value: [register, {newest: [insurance, list]}]}"
_AGED = "{property: authority, value: [{source: list, within: 2 months}, register]}"
MIXED = "\n".join(
    [
        KEY,
        f"      - {{name: name, businessName: 名, logicalType: string, classification: '3', customProperties: [{_NEWEST}]}}",
        f"      - {{name: town, businessName: 镇, logicalType: string, customProperties: [{_AGED}]}}",
        "      - {name: employer, businessName: 单位, logicalType: string}",
    ]
)
MIXED_INCREMENT = "SELECT id FROM new.register UNION SELECT id FROM new.insurance UNION SELECT id FROM new.list"


def write_mixed(root: Path) -> Project:
    """People from a full register, a delta by change time and one by operation flag, with ages, history, and towns by keys."""
    write_source(root, "register", REGISTER, "full")
    write_source(root, "insurance", INSURANCE, "delta")
    write_source(root, "list", FLAGGED, "delta", OPERATION)
    custom = f"  - {{property: history, value: true}}\n  - {{property: increment, value: '{MIXED_INCREMENT}'}}"
    write_model(root, "people", MIXED, f"{PEOPLE_SQL}UNION ALL\n{LISTED_SQL}", custom)
    write_model(root, "counted", TOWNS, TOWNS_SQL, "  - {property: increment, value: 'SELECT town FROM new.people'}", layer="thematic")
    return Project(root, root / "data")


@pytest.fixture
def mixed(tmp_path: Path, empty_lake: Callable[[Project], None]) -> Callable[[str], Any]:
    """Worlds of three sources: `with mixed('a') as world`."""
    from contextlib import contextmanager

    @contextmanager
    def make(name: str) -> Iterator[World]:
        project = write_mixed(tmp_path / name)
        empty_lake(project)
        with open_lake(project) as con:
            yield World(project, con)

    return make
