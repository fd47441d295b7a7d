"""The records of a source that have no good key and stand now.

Belongs here: finding them, their attributes as texts, the name by which a record is known again. Not here: comparing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.judging import Judge
from assets.lake import literal, quote
from assets.std import current_batches, is_delta

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.matching.declared import Matching, Records
    from assets.project import Project

PLACE = ("dataset", "batch", "row")


def standing(project: Project, matching: Matching, records: Records) -> str:
    """SELECT of dataset, batch, row, record and every attribute as text, for the records of one source without a good key.

    `record` names what is known of it: two rows of a dataset that say the same are one record, also over several hand-overs, and when
    the dataset bears another name: what was decided of it holds.
    """
    source = project.contracts[records.dataset]
    texts = ", ".join(f"CAST(({expression}) AS VARCHAR) AS {quote(a)}" for a, expression in records.attributes.items())
    where = f" WHERE {records.where}" if records.where else ""
    key = quote(matching.key)
    sound = matching.attributes[matching.key].sound
    good = sound(key) if sound else f"{key} IS NOT NULL"
    said = ", ".join(f"coalesce({quote(a)}, '')" for a in matching.attributes)
    name = f"'R' || left(sha256(concat_ws(chr(31), {literal(source.first_name)}, {said})), 16)"
    attributes = ", ".join(map(quote, matching.attributes))
    return " UNION ALL ".join(
        f'SELECT {literal(source.name)} AS dataset, _batch AS batch, _row AS "row", {name} AS record, {attributes}'
        f" FROM (SELECT _batch, _row, {texts} FROM {_rows(project, source, place)}{where}) WHERE NOT coalesce({good}, FALSE)"
        for place in records.places
    )


def _rows(project: Project, source: Contract, place: str) -> str:
    return f"std.{quote(source.name)}" if place == "std" else f"({_quarantined(project, source)})"


def _quarantined(project: Project, source: Contract) -> str:
    """The quarantined rows that stand, standardised: of the hand-overs that count, and of a delta those that no later row replaced."""
    table = f"quarantine.{quote(source.name)}"
    columns = ", ".join(quote(c.name) for c in source.columns)
    now = f"(SELECT {columns}, _batch, _row FROM {table} WHERE _batch IN ({current_batches(source)}))"
    rows = Judge(project, source).staged(now)
    if not is_delta(source) or not source.key:
        return rows
    key, event = ", ".join(map(quote, source.key)), source.delivery.event if source.delivery else None
    order = (f"{quote(event)} DESC NULLS LAST, " if event else "") + "received_at DESC, batch DESC, _row DESC"
    happened = quote(event) if event else "NULL"
    said = f"SELECT {key}, {happened} AS event, _batch, _row"
    whole = " AND ".join(f"{quote(k)} IS NOT NULL" for k in source.key)
    later = f"{said} FROM std_batches.{quote(source.name)} SEMI JOIN (SELECT {key} FROM quarantined) USING ({key})"
    newest = f"row_number() OVER (PARTITION BY {key} ORDER BY {order.replace(quote(event), 'event') if event else order})"
    return (
        f"WITH quarantined AS ({rows}) SELECT q.* FROM quarantined AS q ANTI JOIN (SELECT _batch, _row FROM"
        f" (SELECT * FROM ({said} FROM quarantined UNION ALL {later}) WHERE {whole}) AS s JOIN evidence.batches AS b"
        f" ON b.batch = s._batch AND b.dataset = {literal(source.name)} AND b.status = 'standardised'"
        f" QUALIFY {newest} > 1) AS o ON o._batch = q._batch AND o._row = q._row"
    )
