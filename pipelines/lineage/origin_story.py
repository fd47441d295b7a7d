"""A record's page: its way as a story, from the lines of hand-overs through repairs and other words to the tables that it feeds.

Everything on it is masked by classification: a page travels. Belongs here: putting together what the page tells. Not here: finding
out (`origin`, `feeding`), the look (`pipelines/reports/templates/origin.html`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.lake import objects, one_look, open_lake, quote
from pipelines.lineage.feeding import Feeder, Feeding
from pipelines.lineage.origin import Tracer, contract_of
from pipelines.lineage.origin_records import Attribute, HandedOver, Inputs, Origin, Said
from pipelines.lineage.origin_rows import HandedRows

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project

FOLLOWED = 3
"""In so many fused records that a line feeds it is told whose word stands instead of its own."""


@dataclass(frozen=True)
class Overruled:
    """A word of a handed-over row that does not stand in `table`: there the value is another's, `said`."""

    table: str
    title: str
    value: str | None
    said: Said


@dataclass(frozen=True)
class Story:
    """`overruled`: of a handed-over row, by column."""

    origin: Origin
    feeding: Feeding
    overruled: Mapping[str, tuple[Overruled, ...]]

    @property
    def departments(self) -> tuple[tuple[str, str], ...]:
        """Whose rows the record comes from, in both languages, once each."""
        rows: tuple[HandedOver | Inputs, ...] = (*self.origin.rows, *self.origin.inputs)
        return tuple(dict.fromkeys((r.department, r.department_en) for r in rows))

    @property
    def disputed(self) -> tuple[Attribute, ...]:
        """The attributes of which somebody says something else than what stands."""
        return tuple(a for a in self.origin.attributes if a.overruled)

    def is_plain(self, attribute: Attribute) -> bool:
        """Whether nothing happened to an attribute: its text was taken as it came, breaks no rule, and nobody says otherwise."""
        said = attribute.said
        changed = said is not None and (said.repair or said.failed or (said.text and said.value is None))
        return not (changed or attribute.overruled or attribute.name in self.overruled)


def write_story(project: Project, table: str, key: Sequence[str], target: Path) -> Path:
    """Write the page of the record of `table` that bears `key`; the file is swapped in whole.

    Raises `LineageError` for an unknown table or record, `FileNotFoundError` where nothing was collected yet.
    """
    from pipelines.reports.pages import write_page

    story = tell(project, table, key)
    numbers = {row: n for n, row in enumerate(story.origin.rows, start=1)}
    contract = project.contracts[story.origin.table.split(".")[1]]
    return write_page(
        "origin.html",
        target,
        story=story,
        origin=story.origin,
        feeding=story.feeding,
        contract=contract,
        numbers=numbers,
        headers={(d, c.name): c.header for d in {r.dataset for r in numbers} for c in project.contracts[d].columns},
        day=_day,
        made_at=project.now(),
    )


def tell(project: Project, table: str, key: Sequence[str]) -> Story:
    """Both ways of a record, read from one state of the lake. Raises as `write_story` does."""
    contract = contract_of(project, table)
    with open_lake(project, read_only=True) as con, one_look(con):
        tracer = Tracer(con, project, HandedRows(con, project))
        found = tracer.trace(contract, tuple(key))
        feeder = Feeder(con, project, contract)
        fed = feeder.feed(None, None, tuple(key))
        overruled = _overruled(con, project, tracer, feeder, found.rows[0]) if contract.layer == "sources" else {}
    return Story(found, fed, overruled)


def _overruled(
    con: duckdb.DuckDBPyConnection, project: Project, tracer: Tracer, feeder: Feeder, ours: HandedOver
) -> dict[str, tuple[Overruled, ...]]:
    """Where a row feeds a fused record, and another's word stands there instead of its own."""
    told: dict[str, list[Overruled]] = {}
    for table, kept in feeder.reached.items():
        contract = project.contracts[table.split(".")[1]]
        if not _is_fused(contract):
            continue
        keys = objects(con, f"SELECT {', '.join(map(quote, contract.key))} FROM {kept} LIMIT {FOLLOWED}")
        for key in keys:
            for attribute in tracer.trace(contract, tuple(str(v) for v in key.values())).attributes:
                mine = next((o for o in attribute.overruled if o.row == ours), None)
                if mine is not None and attribute.said is not None:
                    instead = Overruled(table, attribute.title, attribute.value, attribute.said)
                    told.setdefault(mine.column, []).append(instead)
    return {column: tuple(found) for column, found in told.items()}


def _is_fused(contract: Contract) -> bool:
    from assets.models import read_model
    from assets.models.fusion import is_fusion

    return contract.layer == "base" and is_fusion(read_model(contract))


def _day(row: HandedOver) -> str:
    """When a row was handed over, as a day; its period where that is not known."""
    from pipelines.reports.pages import period

    return row.received_at[:10] if row.received_at else period(row.period)
