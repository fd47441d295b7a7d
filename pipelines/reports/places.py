"""Where a rule fails: the batches, and in each the rows, as people look for them in what they handed over.

Belongs here: places and row numbers. Not here: how often, how urgent (`pipelines.reports.figures`), the look (`templates/`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assets.lake import objects as rows
from assets.readers.parts import placed

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]
POSITIONS_SHOWN = 6


def places(con: duckdb.DuckDBPyConnection, department: str) -> dict[tuple[str, str], list[Row]]:
    """By dataset and rule, the batches on which a rule of the department's fails, the worst first."""
    found = rows(
        con,
        """
        SELECT r.dataset, r.rule, r.batch, r.unit, u.zh AS unit_zh, r.period, b.source, b.parts, coalesce(r.unexpected, 0) AS unexpected,
            r.note, r.result
        FROM standing_results r LEFT JOIN batches b ON b.batch = r.batch LEFT JOIN units u ON u.unit = r.unit
        WHERE r.department = ? AND r.outcome = 'failed'
        ORDER BY unexpected DESC, r.period DESC, r.unit, r.batch""",
        [department],
    )
    by: dict[tuple[str, str], list[Row]] = {}
    for place in found:
        by.setdefault((place["dataset"], place["rule"]), []).append(place)
    return by


def locate(con: duckdb.DuckDBPyConnection, shown: list[Row]) -> None:
    """Give each of these places its `positions`: (sheet or file, row numbers), the first few; and `listed`, how many they are.

    A cross-department check speaks of records in several hand-overs: there the file is named too, and `crossed` is true.
    """
    at = [listed(place, "partial_unexpected_index_list")[:POSITIONS_SHOWN] for place in shown]
    named = sorted({found["_batch"] for positions in at for found in positions if isinstance(found, dict)})
    batches = {b["batch"]: b for b in rows(con, "SELECT batch, source, parts FROM batches WHERE list_contains(?, batch)", [named])}
    for place, positions in zip(shown, at, strict=True):
        grouped: dict[str, list[int]] = {}
        for found in positions:
            if isinstance(found, dict):
                batch = batches.get(found["_batch"], {})
                name, row = placed(batch.get("source") or found["_batch"], int(found["_row"]), batch.get("parts"))
            else:
                name, row = placed("", int(found), place["parts"])
            grouped.setdefault(name.removeprefix(" · "), []).append(row)
        place["positions"] = list(grouped.items())
        place["listed"] = len(positions)
        place["crossed"] = any(isinstance(found, dict) for found in positions)


def listed(place: Row, name: str) -> list[Any]:
    """A list of a place's result, empty where it has none."""
    try:
        found = json.loads(place["result"] or "{}").get("result", {}).get(name)
    except (ValueError, AttributeError):
        return []
    return found if isinstance(found, list) else []
