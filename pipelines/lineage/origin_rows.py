"""What handed-over rows say: each value's text as it came, its repair, the hand-over, the rules that the row breaks.

However many rows are asked for, each dataset's are opened once, and hand-overs and broken rules are read once for all of them:
a statement over the lake costs 10 to 40 ms, whatever it asks.

Belongs here: reading rows at known positions. Not here: which rows a record came from (`pipelines.lineage.origin`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assets.lake import objects, quote
from assets.masking import mask
from assets.readers.parts import placed
from pipelines.lineage.origin_records import Failed, HandedOver, Said

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Column, Contract
    from assets.project import Project
    from expectations.codes import CodeTables

Place = tuple[str, str, int]
"""Dataset, batch and row."""
_LACKING = dict.fromkeys(("unit", "period", "source", "received_at", "parts"))


@dataclass
class HandedRows:
    """Rows of hand-overs, by their places; what was read once is not read again."""

    con: duckdb.DuckDBPyConnection
    project: Project
    unmasked: bool = False
    _batches: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _issues: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    _said: dict[Place, dict[str, Said]] = field(default_factory=dict)
    _titles: dict[str, Mapping[str, Failed]] = field(default_factory=dict)

    def read(self, places: Iterable[Place]) -> None:
        """Read what is not known yet of the rows at these places."""
        new = list(dict.fromkeys(p for p in places if p not in self._said))
        self.note(new)
        for dataset in dict.fromkeys(d for d, _, _ in new):
            source = self.project.contracts[dataset]
            rows = self._rows(source, {(b, r) for d, b, r in new if d == dataset})
            for place in (p for p in new if p[0] == dataset):
                handed, row = self.handed_over(place), rows.get(place[1:], {})
                self._said[place] = {
                    c.name: Said(
                        handed,
                        c.name,
                        self.shown(c, row.get(c.name)),
                        row.get(f"{c.name}__repair"),
                        self.shown(c, row.get(f"{c.name}__value")),
                    )
                    for c in source.columns
                }

    def says(self, place: Place) -> dict[str, Said]:
        """What the row at a place says, by column."""
        self.read([place])
        return self._said[place]

    def note(self, places: Collection[Place]) -> None:
        """Read the hand-overs of these places, and the rules that their rows break."""
        batches = sorted({b for _, b, _ in places} - self._batches.keys())
        if batches:
            found = objects(
                self.con,
                "SELECT batch, unit, period, source, received_at, parts FROM evidence.batches"
                f" WHERE status = 'standardised' AND batch IN ({_marks(batches)})",
                batches,
            )
            self._batches |= dict.fromkeys(batches, _LACKING) | {one["batch"]: one for one in found}
        rows = [p for p in places if p not in self._issues]
        if rows:
            of, at = sorted({b for _, b, _ in rows}), sorted({r for _, _, r in rows})
            broken: dict[Place, list[str]] = {p: [] for p in rows}
            for one in objects(
                self.con,
                f"SELECT dataset, batch, row, rule FROM evidence.issues WHERE batch IN ({_marks(of)}) AND row IN ({_marks(at)})",
                [*of, *at],
            ):
                broken.get((one["dataset"], one["batch"], one["row"]), []).append(one["rule"])
            self._issues |= {place: tuple(sorted(rules)) for place, rules in broken.items()}

    def handed_over(self, place: Place) -> HandedOver:
        """The hand-over that a row stands in, and its place there as people find it."""
        self.note([place])
        dataset, batch, position = place
        source, about = self.project.contracts[dataset], self._batches[batch]
        file, row = placed(about["source"] or "", position, about["parts"])
        return HandedOver(
            dataset=source.name,
            title=source.title,
            department=source.department,
            department_en=source.department_en,
            batch=batch,
            unit=about["unit"] or "",
            period=about["period"] or "",
            file=file,
            row=row,
            received_at=about["received_at"].isoformat(sep=" ", timespec="seconds") if about["received_at"] else None,
            failed=tuple(self._failed(source).get(rule) or Failed(rule, rule, rule, ()) for rule in self._issues[place]),
        )

    def shown(self, column: Column, value: Any) -> str | None:
        text = None if value is None else str(value)
        return text if self.unmasked else mask(text, column.classification)

    def _rows(self, source: Contract, at: Collection[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
        """The raw rows at some positions, each with its repairs; standardised anew from the text, as the lake keeps no kind a cell."""
        from assets.repair import staged

        batches, rows = sorted({b for b, _ in at}), sorted({r for _, r in at})
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE handed_rows AS SELECT * FROM raw.{quote(source.name)}"
            f" WHERE _batch IN ({_marks(batches)}) AND _row IN ({_marks(rows)})",
            [*batches, *rows],
        )
        found = {(r["_batch"], r["_row"]): r for r in objects(self.con, "SELECT * FROM temp.main.handed_rows")}
        found = {place: row for place, row in found.items() if place in at}
        tables = {c.name: self._codes.get(c.codes) for c in source.columns if c.codes}
        told = ", ".join(f"{quote(c.name)} AS {quote(f'{c.name}__value')}, {quote(f'{c.name}__repair')}" for c in source.columns)
        for one in objects(self.con, f"SELECT _batch, _row, {told} FROM ({staged(source.columns, tables, 'temp.main.handed_rows')})"):
            found.get((one["_batch"], one["_row"]), {}).update(one)
        return found

    @cached_property
    def _codes(self) -> CodeTables:
        from assets.judging import codes_of

        return codes_of(self.project)

    def _failed(self, source: Contract) -> Mapping[str, Failed]:
        """The rules of a source, as a row that breaks them shows them; its suite is read once, where a row breaks any."""
        if source.name not in self._titles:
            from assets.judging import suite_of

            suite = suite_of(self.project, source)
            self._titles[source.name] = {r.id: Failed(r.id, r.title_zh, r.title_en, r.columns) for r in suite.rules} if suite else {}
        return self._titles[source.name]


def _marks(values: Collection[Any]) -> str:
    return ", ".join("?" * len(values))
