"""What an entry says that its contract leaves to what the dataset is made of: how often it is updated, and related resources.

Belongs here: reading these from models. Not here: the entry (`entries`), what a contract says itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.promises import given_up, promised_days
from expectations.documents import DocumentError

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

_PERIODS = {"hourly": 1 / 24, "daily": 1, "monthly": 31}


@dataclass(frozen=True)
class Derived:
    """`days` between updates, None where nobody says; `related`: the resource codes of what the dataset is made of."""

    days: float | None = None
    related: tuple[str, ...] = ()


def derive(project: Project, contract: Contract) -> Derived:
    """A base or thematic dataset is updated as often as its most frequent source that is not given up, and related to what it reads."""
    below = _read(project, contract)
    codes = (str(c.catalogue.get("resourceCode", "")) for c in below)
    return Derived(_days(project, contract), tuple(sorted(filter(None, codes))))


def own_days(contract: Contract) -> float | None:
    """How often a contract promises hand-overs, else the period of its delivery."""
    return promised_days(contract, "frequency") or (_PERIODS.get(contract.delivery.period) if contract.delivery else None)


def _days(project: Project, contract: Contract) -> float | None:
    today = project.now().date()
    going_on = (c for c in _read(project, contract) if not given_up(c, today))
    return own_days(contract) or min((days for c in going_on if (days := _days(project, c))), default=None)


def _read(project: Project, contract: Contract) -> list[Contract]:
    """The datasets that a model reads, none of a source."""
    from assets.models import dependencies

    try:
        tables = () if contract.layer == "sources" else dependencies(contract)
    except DocumentError:  # a model that cannot be read is told where it is built; the catalogue is that of the contracts
        return []
    return [c for table in tables if (c := project.contracts.get(table.split(".")[1]))]
