"""What a result lists of the rows that break its rule, in Great Expectations' four formats.

By default each rule lists its first 20 values and their rows. `COMPLETE` lists all of them, which takes memory as the failing
rows do; `SUMMARY` counts those that it lists, as Great Expectations on pandas does.

Belongs here: formats, fetching what is listed, and the keys of GX's result. Not here: figures and outcomes (`forms.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from expectations.compiler.duckdb import LISTED
from expectations.compiler.forms import OverRows

if TYPE_CHECKING:
    import duckdb

    from expectations.compiler.forms import ListingTest
    from expectations.compiler.plan import Plan
    from expectations.compiler.scans import Scans

Level = Literal["BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"]
LEVELS = ("BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE")
_KEYS = {
    "result_format",
    "partial_unexpected_count",
    "unexpected_index_column_names",
    "include_unexpected_rows",
    "exclude_unexpected_values",
    "return_unexpected_index_query",
    "map_expectation_unexpected_rows_as_dict",
}
Cells = Mapping[str, Any]


@dataclass(frozen=True)
class ResultFormat:
    """How much a result tells; `level` None is ours: a BASIC result with the first rows' positions.

    `partial` values stand in the partial lists; rows are told by the columns of `index`, by `_row` where there are none.
    """

    level: Level | None = None
    partial: int = LISTED
    index: tuple[str, ...] = ()
    rows: bool = False
    values: bool = True

    @classmethod
    def read(cls, given: str | Mapping[str, Any] | None) -> ResultFormat:
        """From Great Expectations' `result_format`. Raises `ValueError`."""
        if given is None:
            return cls()
        told: Mapping[str, Any] = {"result_format": given} if isinstance(given, str) else given
        if unknown := set(told) - _KEYS:
            raise ValueError(f"result_format knows no {', '.join(sorted(unknown))}: give {', '.join(sorted(_KEYS))}")
        if told.get("result_format") not in LEVELS:
            raise ValueError(f"result_format {told.get('result_format')!r}: give one of {', '.join(LEVELS)}")
        partial = told.get("partial_unexpected_count", LISTED)
        if isinstance(partial, bool) or not isinstance(partial, int) or partial < 0:
            raise ValueError(f"partial_unexpected_count {partial!r}: give a whole number of at least 0")
        index = told.get("unexpected_index_column_names") or ()
        return cls(
            told["result_format"],
            partial,
            (index,) if isinstance(index, str) else tuple(index),
            bool(told.get("include_unexpected_rows")),
            not told.get("exclude_unexpected_values"),
        )

    @property
    def most(self) -> int | None:
        """How many breaches of a rule are fetched; None is all."""
        return None if self.level == "COMPLETE" else 0 if self.level == "BOOLEAN_ONLY" else self.partial


@dataclass(frozen=True)
class Breaches:
    """What is listed of a rule in a batch, by position: values, `_row`s, and for each the index columns and the whole row if asked."""

    values: tuple[Any, ...] = ()
    rows: tuple[int, ...] = ()
    index: tuple[Cells, ...] = ()
    records: tuple[Cells, ...] = ()

    def in_gx(self, form: ResultFormat) -> dict[str, Any]:
        """The keys that tell them in Great Expectations' result."""
        values = [list(v) if isinstance(v, tuple) else v for v in self.values]
        index: list[Any] = list(self.index) if form.index else list(self.rows)
        told: dict[str, Any] = {"partial_unexpected_list": values[: form.partial]} if form.values else {}
        if form.index:
            told["unexpected_index_column_names"] = list(form.index)
        if form.rows:
            told["unexpected_rows"] = list(self.records[: form.partial])
        if form.level == "BASIC":
            return told
        if form.partial:
            told["partial_unexpected_index_list"] = index[: form.partial]
        if form.level is None:
            return told
        if form.values and form.partial:
            told |= _counted(self.values if form.level == "COMPLETE" else self.values[: form.partial], form.partial)
        if form.level == "COMPLETE":
            told |= {"unexpected_list": values} if form.values else {}
            told["unexpected_index_list"] = index
        return told


def _counted(values: Sequence[Any], most: int) -> dict[str, Any]:
    """The most frequent values, the more frequent first; none where they cannot be told apart or put in order."""
    plain = [tuple(v.values()) if isinstance(v, Mapping) else v for v in values]
    try:
        frequent = sorted(Counter(plain).most_common(most), key=lambda pair: (-pair[1], pair[0]))
    except TypeError:
        return {}
    return {"partial_unexpected_counts": [{"value": list(v) if isinstance(v, tuple) else v, "count": n} for v, n in frequent]}


def listed(
    plan: Plan,
    scans: Scans,
    con: duckdb.DuckDBPyConnection,
    failing: str,
    own: Sequence[tuple[str, ListingTest, frozenset[str]]],
    forms: Mapping[str, ResultFormat],
) -> dict[tuple[str, str], Breaches]:
    """The first breaches of each batch and rule, from the table of failing rows, at least as many as the rules' formats ask for.

    `own` tells the kept scans with their rules.
    """
    wanted = [f.most for f in forms.values()]
    if unknown := {name for f in forms.values() for name in f.index} - {f.name for f in plan.fields}:
        raise ValueError(f"unexpected_index_column_names: the dataset has no column {', '.join(sorted(unknown))}")
    most = None if None in wanted else max((m for m in wanted if m is not None), default=0)
    if most == 0:
        return {}
    exploded = f'(SELECT "_batch", "_row", unnest("_failed") AS "rule" FROM {failing})'
    rows = 'list("_row" ORDER BY "_row")' if most is None else f'min("_row", {most})'
    first = f'SELECT "_batch", "rule", {rows} AS "rows" FROM {exploded} GROUP BY ALL'
    tests = {c.rule.id: c.test for c in plan.compiled if isinstance(c.test, OverRows)}
    found = [f for f in con.execute(first).fetchall() if f[1] in tests]  # what was judged outside has its list already
    every = [f.name for f in plan.fields] if any(f.rows for f in forms.values()) else []
    shown = sorted(
        {*every, *(name for f in forms.values() for name in f.index), *(name for _, rule, _ in found for name in tests[rule].shown)}
    )
    cells = _cells(con, scans.listing(scans.relation, shown, first), shown)
    further: dict[str, Mapping[tuple[str, int], Cells]] = {}
    for kept, test, ids in own:
        if test.extra:
            further |= dict.fromkeys(ids, _cells(con, scans.listing(kept, test.extra, first), test.extra))
    told: dict[tuple[str, str], Breaches] = {}
    for batch, rule, positions in found:
        broken, form, extra = tests[rule], forms[rule], further.get(rule, {})
        here = [cells[batch, row] for row in positions]
        told[batch, rule] = Breaches(
            tuple(_shape(broken, {**c, **extra.get((batch, row), {})}) for row, c in zip(positions, here, strict=True)),
            tuple(positions),
            tuple({n: c[n] for n in (*broken.shown, *form.index)} for c in here) if form.index else (),
            tuple({n: c[n] for n in every} for c in here) if form.rows else (),
        )
    return told


def _cells(con: duckdb.DuckDBPyConnection, listing: str, columns: Sequence[str]) -> dict[tuple[str, int], Cells]:
    """The values of a listing, by batch and row."""
    return {(batch, row): dict(zip(columns, cells, strict=True)) for batch, row, *cells in con.execute(listing).fetchall()}


def _shape(test: OverRows, cells: Cells) -> Any:
    if test.extra or test.shape == "record":
        return {n: cells[n] for n in (*test.shown, *test.extra)}
    return cells[test.shown[0]] if test.shape == "value" else tuple(cells[n] for n in test.shown)
