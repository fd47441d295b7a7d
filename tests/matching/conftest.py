"""A tiny project: a register of people, a list whose ids are often broken, and the people matched from both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets import evidence
from assets.lake import insert, one_look, open_lake, quote, transaction
from assets.matching import Matched, Matching, match, read_matching
from assets.models import build
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
PERSON = """      - {name: id_number, businessName: 号, logicalType: string, primaryKey: true, classification: '3'}
      - {name: name, businessName: 名, logicalType: string, classification: '3'}
      - {name: birth_date, businessName: 生, logicalType: date, classification: '3'}
      - {name: sex, businessName: 性, logicalType: string}
      - {name: place, businessName: 地, logicalType: string}
"""
REGISTER = (
    HEAD.format(name="register")
    + "servers: [{server: landing, type: local, path: 'register/*.csv', format: csv}]\nschema:\n  - name: register\n    properties:\n"
    + PERSON
    + "      - {name: seen, businessName: 时, logicalType: timestamp}\n"
    + "customProperties:\n  - {property: delivery, value: {mode: full, period: monthly, event: seen}}\n"
)
LISTED = (
    HEAD.format(name="listed")
    + "servers: [{server: landing, type: local, path: 'listed/*.csv', format: csv}]\nschema:\n  - name: listed\n    properties:\n"
    + "      - {name: number, businessName: 编, logicalType: string, primaryKey: true}\n"
    + PERSON.replace("primaryKey: true, ", "").replace("birth_date", "born")
    + "      - {name: seen, businessName: 时, logicalType: timestamp}\n"
    + "customProperties:\n  - {property: delivery, value: {mode: delta, period: monthly, event: seen}}\n"
)
MATCHING = """
      of: 1000000
      certain: 0.999
      review: 0.1
      maxMerged: 0.5
      attributes: {id_number: resident_id, name: person_name, birth_date: date, sex: code, place: division}
      records: {listed: {birth_date: born}}
      block:
        [[id_number], [id_number.begin], [id_number.end], [id_number.outside], [id_number.ends],
        [name, birth_date], [name.first, birth_date], [name.rest, birth_date], [name, place]]
      compare:
        - - {id_number: same, m: 0.45, u: 1.0e-8}
          - {id_number: one_wrong, m: 0.45, u: 2.8e-7}
          - {id_number: beginning, m: 0.03, u: 4.0e-7}
          - {id_number: unknown_character, m: 0.02, u: 2.0e-6}
          - {m: 0.05, u: 0.99}
        - - {id_number: same, m: 0.05, u: 0.05}
          - {id_number: one_wrong, m: 0.05, u: 0.05}
          - {id_number: beginning, m: 0.05, u: 0.05}
          - {birth_date: same, m: 0.75, u: 4.0e-5}
          - {birth_date: one_wrong, m: 0.02, u: 8.0e-4}
          - {birth_date: swapped, m: 0.005, u: 2.0e-5}
          - {m: 0.025, u: 0.79}
        - - {name: same, m: 0.90, u: namesakes}
          - {name: variant, m: 0.02, u: 1.0e-5}
          - {name: unknown_character, m: 0.02, u: 5.0e-5}
          - {name: one_wrong, m: 0.03, u: 0.02}
          - {m: 0.03, u: 0.97}
        - [{sex: same, m: 0.99, u: 0.5}, {m: 0.01, u: 0.5}]
        - [{place: same, m: 0.7, u: 0.02}, {place: prefecture, m: 0.15, u: 0.08}, {m: 0.15, u: 0.90}]
"""
PEOPLE = (
    HEAD.format(name="people")
    + "schema:\n  - name: people\n    properties:\n"
    + PERSON
    + "customProperties:\n  - {property: increment, value: 'SELECT id_number FROM new.register'}\n  - property: matching\n    value:"
    + MATCHING
)
PEOPLE_SQL = """SELECT r.id_number AS "id_number", r.name AS "name", r.birth_date AS "birth_date", r.sex AS "sex", r.place AS "place",
    'register' AS "_source", r.seen AS "_event", r._batch AS "_batch", r._row AS "_row"
FROM std.register AS r
"""
Row = tuple[Any, ...]


def write_project(root: Path, matching: str = MATCHING) -> Project:
    for layer, group, name, text in (
        ("sources", "office", "register", REGISTER),
        ("sources", "bureau", "listed", LISTED),
        ("base", "store", "people", PEOPLE),
    ):
        folder = root / "assets" / layer / group
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.odcs.yaml").write_text(text.replace(MATCHING, matching), encoding="utf-8")
    (root / "assets" / "base" / "store" / "people.sql").write_text(PEOPLE_SQL, encoding="utf-8")
    return Project(root, root / "data")


@dataclass
class World:
    """The tiny project with its lake open. `register` and `listed` stand for collecting and standardising one hand-over."""

    project: Project
    con: Any
    runs: int = field(default=0)

    def register(self, people: Sequence[Row], batch: str = "r1", period: str = "202601") -> None:
        """People as (id, name, birth date, sex, place)."""
        self._deliver("register", batch, period, [(*p, "2026-01-01") for p in people], [])

    def listed(
        self, broken: Sequence[Row], batch: str = "l1", period: str = "202601", whole: Sequence[Row] = (), seen: str = "2026-01-01"
    ) -> None:
        """Rows in quarantine, and `whole` ones in std, as (number, id, name, birth date, sex, place)."""
        self._deliver("listed", batch, period, [(*w, seen) for w in whole], [(*b, seen) for b in broken])

    def _deliver(self, dataset: str, batch: str, period: str, good: list[Row], broken: list[Row]) -> None:
        contract = self.project.contracts[dataset]
        with one_look(self.con):
            ensure_all(self.con, [contract])
        names = ", ".join(quote(c.name) for c in contract.columns)
        with transaction(self.con, "test", f"deliver {batch}"):
            for table, rows in (("std_batches", good), ("quarantine", broken)):
                placed = [[*row, batch, position] for position, row in enumerate(rows, start=2 if table == "std_batches" else 900)]
                insert(self.con, f"{table}.{quote(dataset)} ({names}, _batch, _row)", placed)
            known = {"batch": batch, "dataset": dataset, "unit": "", "period": period, "department": "office", "source": f"{batch}.csv"}
            counts = {"rows_std": len(good), "rows_quarantine": len(broken), "status": "standardised"}
            received = datetime(2026, 1, 1) + timedelta(days=int(period[-2:]), minutes=len(batch))
            evidence.write(self.con, "batches", [{**known, **counts, "received_at": received}])

    def match(self) -> Matched:
        self.runs += 1
        build(self.con, self.project, self.project.contracts["people"], f"build{self.runs}")
        done = match(self.con, self.project, self.project.contracts["people"], f"run{self.runs}")
        assert done is not None
        return done

    @property
    def matching(self) -> Matching:
        found = read_matching(self.project, self.project.contracts["people"])
        assert found is not None
        return found

    def rows(self, sql: str) -> list[Row]:
        return self.con.execute(sql).fetchall()

    def classes(self) -> dict[str, tuple[str | None, str]]:
        """By the list's number: the key and class of its best pair."""
        best = "row_number() OVER (PARTITION BY q.number ORDER BY m.probability DESC NULLS LAST, m.id_number) = 1"
        return {
            number: (key, word)
            for number, key, word in self.rows(
                "SELECT q.number, m.id_number, m.class FROM quarantine.listed q"
                ' JOIN base.people__unkeyed u ON u.batch = q._batch AND u."row" = q._row'
                f" JOIN base.people__matches m ON m.record = u.record QUALIFY {best} ORDER BY 1"
            )
        }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    project = write_project(tmp_path)
    with open_lake(project) as con:
        yield World(project, con)


@pytest.fixture
def fresh_world(tmp_path: Path) -> Callable[..., Any]:
    """Another world beside, for comparing: `with fresh_world('a') as world`."""
    from contextlib import contextmanager

    @contextmanager
    def make(name: str, matching: str = MATCHING) -> Iterator[World]:
        project = write_project(tmp_path / name, matching)
        with open_lake(project) as con:
            yield World(project, con)

    return make
