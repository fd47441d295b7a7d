"""The rule kinds, one module a family; `kinds()` is the registry.

A new kind is one `Kind` in a family's `KINDS`: its meaning, arguments, test and wording stand together there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from expectations.compiler.kinds import Kind


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind that compiles, by its expectation type."""
    from expectations.compiler.rules import (
        codes,
        declared,
        divergence,
        figures,
        identity,
        keys,
        national,
        order,
        outliers,
        pairs,
        quantiles,
        records,
        series,
        sets,
        table,
        texts,
        values,
    )

    families = (
        values.KINDS,
        texts.KINDS,
        keys.KINDS,
        order.KINDS,
        outliers.KINDS,
        pairs.KINDS,
        records.KINDS,
        figures.KINDS,
        quantiles.KINDS,
        sets.KINDS,
        divergence.KINDS,
        table.KINDS,
        identity.KINDS,
        codes.KINDS,
        national.KINDS,
        declared.KINDS,
        series.KINDS,
    )
    return {kind.type: kind for family in families for kind in family}
