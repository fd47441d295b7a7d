"""What a contract promises of its hand-overs: how often and how soon they come (`slaProperties`), and the records that they announce.

Belongs here: reading promises. Not here: the rules that they call for (`assets.called`), schedules (`pipelines.schedules`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assets.contracts import Contract

PROMISES = ("latency", "frequency")
_UNITS = {"min": 1 / 1440, "h": 1 / 24, "d": 1, "w": 7, "mo": 31, "m": 31, "y": 366}
_LONG = {"minute": "min", "hour": "h", "day": "d", "week": "w", "month": "mo", "year": "y", "yr": "y"}


def promised_days(contract: Contract, promise: str) -> float | None:
    """The days of a promise (`frequency`, `latency`) of `slaProperties`; None where it is not given as a number."""
    sla = contract.sla.get(promise)
    if not sla or isinstance(sla["value"], bool) or not isinstance(sla["value"], int | float):
        return None
    unit = str(sla.get("unit", "d")).lower()
    unit = unit if unit in _UNITS else unit.removesuffix("s")
    return float(sla["value"]) * _UNITS.get(_LONG.get(unit, unit), 1)


def due_days(contract: Contract) -> float | None:
    """The days after the end of a period by which its hand-over is due; None where no latency is promised.

    That is the latency, and at most the frequency: where records are promised later (a permit looked at again within a year), the
    next hand-over is due all the same.
    """
    latency, frequency = promised_days(contract, "latency"), promised_days(contract, "frequency")
    return latency if latency is None or frequency is None else min(latency, frequency)


def last_day(contract: Contract) -> date | None:
    """The last day of which hand-overs speak, of a dataset that is given up (`endOfLife` of ODCS's service levels); None: it goes on.

    Raises `DocumentError` where that is no date.
    """
    if "endOfLife" not in contract.sla:
        return None
    said = contract.sla["endOfLife"]["value"]
    try:
        return datetime.fromisoformat(str(said)).date()
    except ValueError:
        place = [p["property"] for p in contract.document.data["slaProperties"]].index("endOfLife")
        raise contract.document.error(("slaProperties", place), f"endOfLife {said!r} is no date.", "Write it as 2026-03-31.") from None


def given_up(contract: Contract, today: date) -> bool:
    """Whether even the last hand-over should have come: nothing is asked for or awaited any more, though what comes is taken in."""
    end = last_day(contract)
    return end is not None and end + timedelta(days=due_days(contract) or 0) < today


def age_of(days: float) -> str:
    """An age as rules write it: whole days, else hours, else minutes."""
    for unit, size in (("d", 1), ("h", 24)):
        if days * size == round(days * size):
            return f"{round(days * size)}{unit}"
    return f"{round(days * 1440)}min"


def judged_by(contract: Contract) -> dict[str, int]:
    """The columns by which frequency and latency are judged (what the promise names, else the event of the delivery), and where."""
    known = {c.name for c in contract.columns}
    of_delivery = contract.delivery.event if contract.delivery else None
    named: dict[str, int] = {}
    places = {p["property"]: i for i, p in enumerate(contract.document.data.get("slaProperties") or [])}
    for promised in PROMISES:
        if promised in contract.sla:
            column = str(contract.sla[promised].get("element") or "").rpartition(".")[2]
            column = column if column in known else of_delivery or ""
            if column:
                named.setdefault(column, places[promised])
    return named


def announced_in(contract: Contract) -> tuple[str | int, ...] | None:
    """Where the contract lets in a hand-over that does not hold the records that its manifest says; None where it does not."""
    if not contract.servers or "manifest" not in contract.server.properties or contract.server.properties.get("onMismatch") != "flag":
        return None
    options = contract.document.data["servers"][0]["customProperties"]
    return ("servers", 0, "customProperties", next(i for i, option in enumerate(options) if option["property"] == "onMismatch"))
