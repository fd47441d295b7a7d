"""Fusion (一数一源): several departments' records of one thing become one row, attribute by attribute.

A model is a fusion where its SELECT gives `_source`. It is then a list of candidates: one SELECT a source, joined by UNION ALL
with the same columns in the same order, besides `_source` (the dataset's name as text), `_event` (when the record says that
it was true), `_batch` and `_row`. Per source the newest record of a key counts; per attribute the first source, in the
attribute's declared order of authority, that has a value.

Belongs here: the meaning of a fusion and its SQL. Not here: when which keys are fused (`increment`), writing (`building`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from assets.lake import literal, quote
from assets.models.sql import Query, line_of
from assets.std import POSITION
from expectations.documents import DocumentError, near, read_document

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Column, Contract

TRACE = ("_source", "_event", *POSITION)
NEWEST = "_event DESC NULLS LAST, _batch DESC, _row DESC"


def is_fusion(query: Query) -> bool:
    return "_source" in query.outputs


@dataclass(frozen=True)
class Fusion:
    """`sources` in the order of the SELECTs; `orders`: per attribute outside the key, the sources that may fill it."""

    contract: Contract
    sources: tuple[str, ...]
    orders: Mapping[str, tuple[str, ...]]

    @property
    def contested(self) -> tuple[str, ...]:
        """The attributes that more than one source may fill: only for these is a winner kept."""
        return tuple(name for name, order in self.orders.items() if len(order) > 1)

    @property
    def provenance(self) -> dict[str, str]:
        """The columns that a fused table has besides the declared ones, and their types.

        `_from`: each source's batch and row, NULL where it knows nothing of the key; `_winner`: per contested attribute the
        source whose value stands; `_differs`: the contested attributes on which sources disagree, NULL where none.
        """
        each = ", ".join(f'{quote(s)} STRUCT(batch VARCHAR, "row" BIGINT)' for s in self.sources)
        types = {"_from": f"STRUCT({each})"}
        if self.contested:
            types["_winner"] = f"STRUCT({', '.join(f'{quote(a)} VARCHAR' for a in self.contested)})"
            types["_differs"] = "VARCHAR[]"
        return types

    def needed(self, source: str) -> tuple[str, ...]:
        """What is read of a source: the key, the attributes that it may fill, batch and row."""
        return (*self.contract.key, *(a for a, order in self.orders.items() if source in order), *POSITION)


def read_fusion(contract: Contract, query: Query) -> Fusion:
    """The fusion that a contract and its SELECT declare. Raises `DocumentError` where they do not fit each other."""
    first = query.branches[0]
    names = first.named_selects
    if not contract.key:
        raise DocumentError(
            contract.path, None, "a fusion without a key.", "Declare primaryKey on the columns by which sources are matched."
        )
    for wanted in (*(c.name for c in contract.columns), *TRACE):
        if wanted not in names:
            raise query.error(line_of(first), f"the SELECT gives no {wanted!r}.", near(wanted, names))
    given: dict[str, set[str]] = {}
    for branch in query.branches:
        _same_order(query, names, branch)
        source = branch.selects[names.index("_source")].unalias()
        if not isinstance(source, exp.Literal) or not source.is_string:
            raise query.error(
                line_of(branch),
                f"_source is {source.sql('duckdb')}.",
                "Write the dataset's name as text, such as 'population_register' AS \"_source\".",
            )
        read = {t.name for t in query.tree.find_all(exp.Table)}
        if source.name not in read:
            raise query.error(line_of(branch), f"_source {source.name!r} is no table that it reads.", near(source.name, read))
        filled = {n for n, e in zip(names, branch.selects, strict=True) if not _is_null(e.unalias())}
        given.setdefault(source.name, set()).update(filled)
    orders = {c.name: _order(contract, c, given) for c in contract.columns if c.name not in contract.key}
    return Fusion(contract, tuple(given), orders)


def _same_order(query: Query, names: list[str], branch: exp.Select) -> None:
    for position, (wanted, found) in enumerate(zip(names, branch.named_selects, strict=False), start=1):
        if wanted != found:
            expression = branch.selects[position - 1]
            raise query.error(
                line_of(expression),
                f"column {position} is {found!r} here and {wanted!r} in the first SELECT.",
                "UNION ALL goes by position: give all SELECTs the same order.",
            )
    if len(names) != len(branch.selects):
        raise query.error(
            line_of(branch),
            f"{len(branch.selects)} columns here and {len(names)} in the first SELECT.",
            "Give all SELECTs the same columns; NULL where a source has none.",
        )


def _is_null(expression: exp.Expr) -> bool:
    return isinstance(expression, exp.Null) or (isinstance(expression, exp.Cast) and isinstance(expression.this, exp.Null))


def _order(contract: Contract, column: Column, given: Mapping[str, set[str]]) -> tuple[str, ...]:
    fit = tuple(source for source, columns in given.items() if column.name in columns)
    for source in column.authority:
        if source not in fit:
            document = read_document(contract.path)
            position = [c.name for c in contract.columns].index(column.name)
            found = f"{source!r} has authority over {column.name}, and the SELECT takes no {column.name} from it."
            raise document.error(("schema", 0, "properties", position, "customProperties"), found, near(source, fit))
    return column.authority or fit


def provenance_columns(contract: Contract, query: Query) -> dict[str, str]:
    return read_fusion(contract, query).provenance


def fuse(con: duckdb.DuckDBPyConnection, fusion: Fusion, candidates: str) -> str:
    """SQL for the fused rows (declared columns, then provenance) of `candidates`, the model's SELECT.

    Looks first which keys a source gives more than once; only these are sorted. Leaves temporary tables `older_<n>` that the
    SQL reads.
    """
    parts = []
    for n, source in enumerate(fusion.sources):
        rows = f"({candidates}\n) AS c WHERE _source = {literal(source)} AND {_present(fusion)}"
        parts.append(f"s{n} AS ({_newest(con, fusion, n, rows, fusion.needed(source))})")
    return f"WITH {', '.join(parts)} SELECT {', '.join(_columns(fusion))} FROM {_joined(fusion)}"


def drop_temporary(con: duckdb.DuckDBPyConnection, fusion: Fusion) -> None:
    for n in range(len(fusion.sources)):
        con.execute(f"DROP TABLE IF EXISTS temp.older_{n}")


def _present(fusion: Fusion) -> str:
    return " AND ".join(f"{quote(k)} IS NOT NULL" for k in fusion.contract.key)


def _newest(con: duckdb.DuckDBPyConnection, fusion: Fusion, n: int, rows: str, needed: tuple[str, ...]) -> str:
    """SELECT of a source's newest row a key.

    Most sources give most keys once: finding the few doubled ones by a count, and leaving out their older rows, is much
    cheaper than sorting every row. Where doubled keys are the rule, one sort is cheaper.
    """
    key = ", ".join(map(quote, fusion.contract.key))
    wanted = ", ".join(map(quote, needed))
    newest = f"row_number() OVER (PARTITION BY {key} ORDER BY {NEWEST})"
    total, keys = con.execute(
        f"SELECT coalesce(sum(n), 0), count(*) FROM (SELECT count(*) AS n FROM {rows} GROUP BY {key})"
    ).fetchone() or (0, 0)
    if total == keys:
        return f"SELECT {wanted} FROM {rows}"
    if keys < 0.9 * total:
        return f"SELECT {wanted} FROM {rows} QUALIFY {newest} = 1"
    doubled = f"SELECT {key} FROM {rows} GROUP BY {key} HAVING count(*) > 1"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE older_{n} AS SELECT {key}, _batch, _row"
        f" FROM (SELECT * FROM {rows}) SEMI JOIN ({doubled}) USING ({key}) QUALIFY {newest} > 1"
    )
    return f"SELECT {wanted} FROM (SELECT * FROM {rows}) ANTI JOIN temp.older_{n} USING ({key}, _batch, _row)"


def _joined(fusion: Fusion) -> str:
    text = "s0"
    for n in range(1, len(fusion.sources)):
        on = " AND ".join(f"{_any(range(n), k)} = s{n}.{quote(k)}" for k in fusion.contract.key)
        text += f" FULL JOIN s{n} ON {on}"
    return text


def _any(numbers: range, column: str) -> str:
    columns = [f"s{n}.{quote(column)}" for n in numbers]
    return columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})"


def _columns(fusion: Fusion) -> Iterator[str]:
    number = {source: n for n, source in enumerate(fusion.sources)}
    for column in fusion.contract.columns:
        name = quote(column.name)
        order = fusion.orders.get(column.name, fusion.sources)
        values = [f"s{number[s]}.{name}" for s in order]
        value = "NULL" if not values else values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"
        yield f"CAST({value} AS {column.sql_type}) AS {name}"
    each = [
        f"{literal(s)}: CASE WHEN s{n}._batch IS NOT NULL THEN {{'batch': s{n}._batch, 'row': s{n}._row}} END" for s, n in number.items()
    ]
    yield f"{{{', '.join(each)}}} AS _from"
    if not fusion.contested:
        return
    winners, differing = [], []
    for attribute in fusion.contested:
        said = {s: f"s{number[s]}.{quote(attribute)}" for s in fusion.orders[attribute]}
        cases = " ".join(f"WHEN {v} IS NOT NULL THEN {literal(s)}" for s, v in said.items())
        winners.append(f"{literal(attribute)}: CASE {cases} END")
        listed = ", ".join(said.values())
        differing.append((attribute, f"least({listed}) <> greatest({listed})"))
    yield f"{{{', '.join(winners)}}} AS _winner"
    names = ", ".join(f"CASE WHEN {test} THEN {literal(a)} END" for a, test in differing)
    yield f"CASE WHEN {' OR '.join(test for _, test in differing)} THEN list_filter([{names}], lambda a: a IS NOT NULL) END AS _differs"
