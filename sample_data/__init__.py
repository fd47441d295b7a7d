"""The sample: an invented province, its departments' hand-overs with planted faults, and the truth about them.

`make` writes the hand-overs, `serving` runs the database and the interface from which two of them are collected, `advance`
lets the database move on to its second wave of changes. Nothing is imported before it is used. No person here exists: resident
ids begin with 2199, which no place has; telephone numbers begin with 100; names are put together at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sample_data.made import Made, make
    from sample_data.servers import advance, serving

__all__ = ["Made", "advance", "make", "serving"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"sample_data.{'servers' if name in ('advance', 'serving') else 'made'}"), name)
