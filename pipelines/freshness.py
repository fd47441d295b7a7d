"""Which hand-over should be there by now: what the contract promises (how often, how soon) against the newest period that stands.

Belongs here: that reckoning. Not here: judging rows by their age, which is a rule (`assets.called`).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from assets.deliveries import PERIODS
from assets.promises import due_days, last_day, promised_days

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract

FRESHNESS: list[tuple[str, str, str]] = [
    ("dataset", "VARCHAR", "the dataset"),
    ("newest", "VARCHAR", "the newest period that stands; NULL: nothing was handed over yet"),
    ("expected", "VARCHAR", "the newest period that should have come by the day of the publication, by the contract"),
    ("due", "DATE", "by when the first period after the newest is to come; NULL: none is, the dataset is given up"),
    ("late_days", "INTEGER", "days since then; 0 where it is not due yet"),
    ("units", "INTEGER", "units that have handed something over"),
    ("behind", "INTEGER", "of these, units whose newest period is older than the dataset's"),
    ("ended", "DATE", "of a dataset that is given up: the last day of which hand-overs speak"),
]

_LENGTHS = {"daily": timedelta(days=1), "hourly": timedelta(hours=1)}


def freshness(con: duckdb.DuckDBPyConnection, contracts: Iterable[Contract], today: date) -> list[tuple[Any, ...]]:
    """Rows of `FRESHNESS`. Needs the temporary table `standing`."""
    stands = {
        dataset: told
        for dataset, *told in con.execute(
            """SELECT dataset, max(newest), count(*), count(*) FILTER (newest < most)
            FROM (SELECT *, max(newest) OVER (PARTITION BY dataset) AS most FROM (
                SELECT dataset, unit, max(period) AS newest FROM standing WHERE period <> '' GROUP BY dataset, unit))
            GROUP BY dataset"""
        ).fetchall()
    }
    found = []
    for contract in contracts:
        if contract.delivery is not None:
            newest, units, behind = stands.get(contract.name, (None, 0, 0))
            expected, due = awaited(contract, newest, today)
            found.append((contract.name, newest, expected, due, days_late(due, today), units, behind, last_day(contract)))
    return found


def awaited(contract: Contract, newest: str | None, today: date) -> tuple[str, date | None]:
    """The newest period that should be there on `today`, and the day by which the one after `newest` is due; None: there is none.

    A period is due when it is over and the promised latency has passed; the next one begins the promised frequency later (of
    months and years by the calendar). Where nothing came yet, the first one is that of the contract's `start`. Of a dataset that is
    given up, none begins after its last day.
    """
    assert contract.delivery is not None
    form = contract.delivery.period
    latency = timedelta(days=due_days(contract) or 0)
    begun = _begin(newest, form) if newest else None
    following = _later(begun, contract) if begun else _begin(contract.delivery.start.replace("-", ""), form)
    if following is None:
        raise contract.document.error((), f"delivery start {contract.delivery.start!r} is no day or month.", "Write it as 2026-01.")
    end = last_day(contract) or date.max
    due = _last_day(_end(following, form) + latency) if following.date() <= end else None
    expected, at = newest or following.strftime(PERIODS[form]), following
    while at.date() <= end and _last_day(_end(at, form) + latency) < today:
        expected = at.strftime(PERIODS[form])
        at = _later(at, contract)
    return expected, due


def days_late(due: date | None, today: date) -> int:
    """The days since a hand-over was due; 0 where it is not, or none is."""
    return max((today - due).days, 0) if due else 0


def _last_day(moment: datetime) -> date:
    """The last day that is in time; of a midnight the day that ends."""
    return (moment - timedelta(seconds=1)).date()


def _begin(period: str, form: str) -> datetime | None:
    digits = {"monthly": 6, "daily": 8, "hourly": 10}[form]
    padded = (period + "0000010100"[len(period) :])[:digits]
    try:
        return datetime.strptime(padded, PERIODS[form])
    except ValueError:
        return None


def _end(begun: datetime, form: str) -> datetime:
    return _months_on(begun, 1) if form == "monthly" else begun + _LENGTHS[form]


def _later(begun: datetime, contract: Contract) -> datetime:
    """When the hand-over after the one for the period that began then begins: at least one period on."""
    assert contract.delivery is not None
    form = contract.delivery.period
    promise = contract.sla.get("frequency") or {}
    unit, value = str(promise.get("unit", "")).lower(), promise.get("value")
    if isinstance(value, int) and unit in ("mo", "m", "month", "months", "y", "yr", "year", "years"):
        return _months_on(begun, max(value, 1) * (12 if unit.startswith("y") else 1))
    if form == "monthly":
        return _months_on(begun, max(1, round((promised_days(contract, "frequency") or 31) / 31)))
    return begun + max(_LENGTHS[form], timedelta(days=promised_days(contract, "frequency") or 0))


def _months_on(begun: datetime, months: int) -> datetime:
    number = begun.year * 12 + begun.month - 1 + months
    year, month = divmod(number, 12)
    return begun.replace(year=year, month=month + 1, day=min(begun.day, monthrange(year, month + 1)[1]))


def expected_periods(contract: Contract, first: str, begin: date, end: date) -> list[tuple[str, datetime]]:
    """The periods that begin in [begin, end), of a dataset whose first hand-over was for `first`; each with the moment it is due by.

    Empty where the contract promises no latency, or `first` is no period.
    """
    assert contract.delivery is not None
    form, days = contract.delivery.period, due_days(contract)
    at, last = _begin(first, form), last_day(contract) or date.max
    found = []
    while days is not None and at is not None and at.date() < end and at.date() <= last:
        if at.date() >= begin:
            found.append((at.strftime(PERIODS[form]), _end(at, form) + timedelta(days=days)))
        at = _later(at, contract)
    return found
