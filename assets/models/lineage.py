"""Column lineage of a model: what each of its columns depends on in the tables that it reads.

Of a fusion: only the sources that have a word in an attribute bear on it; conditions, events (of one time: batch and row) and keys decide
whose word stands.

Belongs here: one model, from contract and SQL, without a lake. Not here: one query (`dependence`), the graph of all tables
(`pipelines.lineage`), hand-overs before std.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from assets.models.authority import EVENT, columns_asked
from assets.models.dependence import NOTHING, Dependences, Lineage, depend, through
from assets.models.fusion import is_fusion, is_made, read_fusion
from assets.models.sql import Columns, Query, columns_known, read_model
from assets.std import POSITION

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project


def model_lineage(project: Project, contract: Contract, columns: Columns | None = None) -> Lineage:
    """What a model's columns depend on. `columns`: as `columns_known` gives them, where they are at hand.

    A column that its contract says is masked (`masking`) shows nothing of what went into it. Raises `DocumentError` for SQL that
    does not fit the contracts.
    """
    query = read_model(contract)
    known = _known(columns or columns_known(project, {contract.table, *query.tables}))
    found = _depend(query, known)
    if is_fusion(query):
        found = _fused(contract, query, found, known)
    masked = {c.name for c in contract.columns if c.masking}
    declared = {c.name: found.columns.get(c.name, NOTHING) for c in contract.columns}
    hidden = {n: through(d, "TRANSFORMATION", masking=True) if n in masked else d for n, d in declared.items()}
    return Lineage(hidden, found.rows, found.unknown)


@dataclass(frozen=True)
class _Known:
    """Columns that a cache can be asked by: alike where the same tables have the same columns."""

    columns: Columns = field(compare=False)
    shape: tuple[tuple[str, str, tuple[str, ...]], ...]


def _known(columns: Columns) -> _Known:
    return _Known(columns, tuple((s, t, tuple(c)) for s, tables in columns.items() for t, c in tables.items()))


@lru_cache(256)
def _depend(query: Query, known: _Known) -> Lineage:
    return depend(query.qualified(known.columns))


def _fused(contract: Contract, query: Query, whole: Lineage, known: _Known) -> Lineage:
    fusion = read_fusion(contract, query)
    branches: dict[str, list[Lineage]] = {}
    for tree in query.branches:
        own = Query(query.path, tree.sql("duckdb"), query.first_line)
        source = tree.selects[tree.named_selects.index("_source")].unalias().name
        branches.setdefault(source, []).append(_depend(own, known))

    def said(source: str, column: str) -> Dependences:
        return frozenset(d for b in branches[source] for d in b.columns[column])

    found: dict[str, Dependences] = {k: frozenset(d for s in fusion.sources for d in said(s, k)) for k in contract.key}
    for name, order in fusion.orders.items():
        values = frozenset(d for s in order.sources for d in said(s, name))
        asked = frozenset(d for s in order.sources for c in columns_asked(contract, order, s) for d in said(s, c))
        newest = frozenset(d for s in order.sources for c in (EVENT, *POSITION) for d in said(s, c))
        found[name] = values | through(asked, "CONDITIONAL") | through(newest, "SORT")
    for column in (c for c in contract.columns if c.agreement is not None):
        found[column.name] = through(found[str(column.agreement)], "AGGREGATION", masking=True)
    for column in filter(is_made, contract.columns):
        if column.derived is not None:
            read = {f.name for f in sqlglot.parse_one(column.derived, read="duckdb").find_all(exp.Column)}
            found[column.name] = through((d for name in sorted(read) for d in found[name]), "TRANSFORMATION")
    keys = through((d for k in contract.key for d in found[k]), "JOIN")
    return Lineage(found, whole.rows | keys, whole.unknown)


def made_from(lineage: Lineage) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """For each column, the (table, column) pairs whose values go into its value."""
    return {name: tuple(dict.fromkeys((d.table, d.column) for d in sorted(found) if d.direct)) for name, found in lineage.columns.items()}
