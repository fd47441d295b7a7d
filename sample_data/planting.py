"""Planting faults in a period's rows: which rows, what becomes of them, and the rows as they are written.

Belongs here: the choice (by draws, so that it is the same for the same seed, and mostly the same next month), the spoilt rows,
rows that break because of others. Not here: which faults there are (declarations), the truth's columns (`truth`).

Spoilt rows are computed apart: a scan of all rows looks at the draw alone, and only the few that it picks are spelt out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sample_data import slices
from sample_data.views import View, quoted, text

if TYPE_CHECKING:
    import duckdb

    from sample_data.declaration import Cross, Declaration, Fault, Told

LAST = "_last"
SPARE = 12
"""So many more rows than needed are looked up where a kind is rare, since two kinds may want the same row."""
WHOLE = 1_000_000
"""Up to so many people a view's rows are kept as they come out. Of more, they are written into the sample's database, which packs
them: computed anew each time they are looked at, they would have to share the memory with the sort."""
ENOUGH = 400_000
"""Rows among which rare kinds look for the rows they still need."""


@dataclass(frozen=True)
class Rows:
    """A period's rows as written: `sql` gives the view's columns and `_fault` (position in `faults`, NULL for most), `_copy` (1 for
    the second of a double), `_clean`, `_new` (the fault's cell before and after), and a true or false column for each of `told`."""

    view: View
    faults: tuple[Fault, ...]
    sql: str
    told: tuple[str, ...]


def plant_cross(con: duckdb.DuckDBPyConnection, name: str, cross: Cross) -> int:
    """The table `planted.<name>` of the keys that carry a disagreement; how many."""
    of = cross.of.strip().rstrip(";")
    chance = f"draw({text('cross ' + name)}, key)"
    con.execute(f"CREATE OR REPLACE TEMP TABLE able AS SELECT key, {chance} AS chance FROM (\n{of}\n) WHERE able")
    con.execute(
        f"CREATE OR REPLACE TABLE planted.{name} AS SELECT key FROM able WHERE chance < {cross.rate!r} OR chance <= "
        f"(SELECT max(chance) FROM (SELECT chance FROM able ORDER BY chance LIMIT {cross.least})) ORDER BY key"
    )
    con.execute("DROP TABLE able")
    (count,) = con.execute(f"SELECT count(*) FROM planted.{name}").fetchone() or (0,)
    return int(count)


def plant(con: duckdb.DuckDBPyConnection, view: View) -> Rows:
    """Choose rows, spoil them (temporary tables `chosen` and `spoilt` of this connection), and say how all rows read then."""
    declaration, moment = view.declaration, view.moment
    (people,) = con.execute("SELECT people()").fetchone() or (0,)
    kept = _keep(con, view, people)
    view = replace(view, sql=f"SELECT * FROM {kept}")
    if people <= WHOLE:
        twice = con.execute(f"SELECT _key, count(*) FROM {kept} GROUP BY _key HAVING count(*) > 1 ORDER BY _key LIMIT 1").fetchone()
        if twice:
            raise declaration.error(
                ("rows",),
                f"{twice[1]} rows of {moment.name} bear the `_key` {twice[0]!r}.",
                "Give each row of a period a number of its own.",
            )
    faults = tuple(f for f in declaration.faults if f.period in (None, moment.name))
    _choose(con, view, faults)
    _spoil(con, view, faults)
    names = [*view.columns, *view.helpers]
    listed = ", ".join(quoted(n) for n in names)
    sql = (
        f"SELECT {listed}, _key, _unit, _period, NULL::INTEGER AS _fault, 0 AS _copy, NULL::VARCHAR AS _clean, NULL::VARCHAR AS _new "
        f"FROM ({view.sql}) AS clean ANTI JOIN spoilt USING (_key)\n"
        f"UNION ALL SELECT {listed}, _key, _unit, _period, _fault, _copy, _clean, _new FROM spoilt"
    )
    for position, part in enumerate(declaration.told):
        _tell(con, f"told_{position}", part, sql, [n for n, f in enumerate(faults) if f.effect == "reject"])
    for position, part in enumerate(declaration.told):
        shown = ", ".join(f"coalesce(t.{quoted(kind)}, false) AS {quoted('_told_' + kind)}" for kind in part.marks)
        sql = f"SELECT w.*, {shown} FROM ({sql}) AS w LEFT JOIN told_{position} AS t ON w._key = t._key AND w._copy = t._copy"
    return Rows(view, faults, sql, tuple(f"_told_{kind}" for part in declaration.told for kind in part.marks))


def _keep(con: duckdb.DuckDBPyConnection, view: View, people: int) -> str:
    """The table of the view's rows, clean."""
    if people <= WHOLE:
        con.execute(f"CREATE OR REPLACE TEMP TABLE clean AS {view.sql}")
        return "clean"
    kept = kept_in(view.declaration)
    slices.write(con, kept, view.sql, view.declaration.rows)
    return kept


def kept_in(declaration: Declaration) -> str:
    """The table in which the rows of a view of many people are kept while its hand-overs are written."""
    return f"seen.{quoted(declaration.name)}"


def _tell(con: duckdb.DuckDBPyConnection, table: str, part: Told, written: str, unread: Sequence[int]) -> None:
    """`table`: for the rows of every group in which one is spoilt, which marks they bear; rows with `unread` faults are in none."""
    over = quoted(part.over)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT _unit, _period, {over} AS over FROM "
        f"(SELECT _unit, _period, {over} FROM chosen UNION ALL SELECT _unit, _period, {over} FROM spoilt) WHERE {over} IS NOT NULL"
    )
    conditions = ", ".join(f"coalesce({condition}, false) AS {quoted(kind)}" for kind, condition in part.marks.items())
    facts = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in part.facts.items())
    read = f"AND NOT coalesce(_fault IN ({', '.join(map(str, unread))}), false)" if unread else ""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS WITH written AS (SELECT w.* FROM ({written}) AS w SEMI JOIN touched AS t "
        f"ON w._unit = t._unit AND w._period = t._period AND w.{over} = t.over WHERE w.{over} IS NOT NULL {read}), "
        f"facts AS (SELECT _unit AS at_unit, _period AS at_period, {over} AS at_value, {facts} FROM written GROUP BY ALL) "
        f"SELECT _key, _copy, {conditions} FROM written JOIN facts ON _unit = at_unit AND _period = at_period AND {over} = at_value"
    )


def _choose(con: duckdb.DuckDBPyConnection, view: View, faults: Sequence[Fault]) -> None:
    """`chosen`: the clean rows that are spoilt, with `_fault`."""
    by_chance = [(n, f) for n, f in enumerate(faults) if LAST not in (f.where or "")]
    total, cases = 0.0, []
    for n, fault in by_chance:
        total += fault.rate
        if fault.rate:
            cases.append(f"WHEN _chance < {total!r} THEN CASE WHEN {_condition(fault)} THEN {n} END")
    chance = f"draw({_salt(view, 'fault')}, _key)"
    picked = f"CASE {' '.join(cases)} END" if cases else "NULL"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE chosen AS SELECT * EXCLUDE (_chance) FROM (SELECT *, ({picked})::INTEGER AS _fault FROM "
        f"(SELECT *, {chance} AS _chance FROM ({view.sql}) WHERE {view.free} AND {chance} < {total!r})) WHERE _fault IS NOT NULL"
    )
    counts = dict(con.execute("SELECT _fault, count(*) FROM chosen GROUP BY ALL").fetchall())
    short = {n: (f, f.least - counts.get(n, 0)) for n, f in by_chance if counts.get(n, 0) < f.least}
    if short:
        _add(con, view, _rare(con, view, short))
    for n, fault in enumerate(faults):
        if LAST in (fault.where or ""):
            _last(con, view, n, fault)


def _salt(view: View, what: str) -> str:
    """A salt that is the same every period for two rows of three."""
    name = view.declaration.name
    return (
        f"({text(f'{what} {name} ')} || CASE WHEN draw({text(f'again {name}')}, _key) < 0.3333 THEN {text(view.moment.name)} ELSE '' END)"
    )


def _condition(fault: Fault) -> str:
    return f"({fault.condition})" + (f" AND _unit = {text(fault.unit)}" if fault.unit else "")


def _rare(con: duckdb.DuckDBPyConnection, view: View, short: dict[int, tuple[Fault, int]]) -> list[tuple[Any, int]]:
    """(key, fault) of rows for the kinds that chance gave too few: one scan, for each kind the rows with the lowest draws.

    Of few rows no kind sends half to quarantine, as one of three that came twice would, and so stop what is built from them.
    """
    free, rows = con.execute(f"SELECT count(*) FILTER ({view.free}), count(*) FROM ({view.sql})").fetchone() or (0, 0)
    some = f"AND draw('some', _key) < {ENOUGH / free!r}" if free > ENOUGH else ""
    lists = [
        f"arg_min(_key, draw({_salt(view, fault.kind)}, _key), {need + SPARE}) FILTER (WHERE {_condition(fault)})"
        for fault, need in short.values()
    ]
    found = con.execute(
        f"SELECT {', '.join(lists)} FROM (SELECT * FROM ({view.sql}) WHERE {view.free} {some}) AS rare ANTI JOIN chosen USING (_key)"
    ).fetchone()
    taken: set[Any] = set()
    more: list[tuple[Any, int]] = []
    for (n, (fault, need)), keys in sorted(zip(short.items(), found or (), strict=True), key=lambda pair: len(pair[1] or ())):
        some_left = (rows - 1) // (2 + fault.double) if fault.effect == "quarantine" else need
        here = [key for key in keys or () if key not in taken][: min(need, some_left)]
        taken |= set(here)
        more += [(key, n) for key in here]
    return more


def _add(con: duckdb.DuckDBPyConnection, view: View, more: Sequence[tuple[Any, int]]) -> None:
    """These rows are chosen too."""
    if not more:
        return
    kind = "BIGINT" if isinstance(more[0][0], int) else "VARCHAR"
    keys = {key: f"{key if isinstance(key, int) else text(key)}::{kind}" for key, _ in more}
    values = ", ".join(f"({keys[key]}, {n})" for key, n in more)
    # by a list of values, which is looked for where the rows are read, before their texts are made
    wanted = f"SELECT * FROM ({view.sql}) WHERE _key IN ({', '.join(keys.values())})"
    con.execute(
        f"INSERT INTO chosen BY NAME SELECT v.*, m._fault FROM ({wanted}) AS v JOIN (VALUES {values}) AS m(_wanted, _fault) "
        f"ON v._key = m._wanted"
    )


def _last(con: duckdb.DuckDBPyConnection, view: View, number: int, fault: Fault) -> None:
    """The last row of a hand-over, one that is free: of the fault's unit, or of the first unit by chance where there is one."""
    units = (
        [fault.unit]
        if fault.unit
        else [u for (u,) in con.execute(f"SELECT DISTINCT _unit FROM ({view.sql}) ORDER BY hash(_unit, {text(fault.kind)})").fetchall()]
    )
    other = (fault.where or "").replace(LAST, "true")
    for unit in units[:8]:
        found = con.execute(
            f"SELECT _key, {view.free} AND ({other}) FROM ({view.sql}) WHERE _unit = {text(unit)} "
            f"ORDER BY {descending(view.declaration)} LIMIT 1"
        ).fetchone()
        if found and found[1]:
            con.execute(f"DELETE FROM chosen WHERE _key = {found[0] if isinstance(found[0], int) else text(found[0])}")
            _add(con, view, [(found[0], number)])
            return


def ordered(declaration: Declaration) -> list[str]:
    """What the rows of a hand-over are ordered by."""
    import re

    return [part.strip() for part in re.split(r",(?![^(]*\))", declaration.order)]


def descending(declaration: Declaration) -> str:
    """The same the other way round."""
    parts = [*([declaration.form.sheets] if declaration.form.sheets else []), *ordered(declaration)]
    return ", ".join(p[:-5] if p.upper().endswith(" DESC") else f"{p} DESC" for p in parts)


def _spoil(con: duckdb.DuckDBPyConnection, view: View, faults: Sequence[Fault]) -> None:
    """`spoilt`: the chosen rows as they are written."""
    changed: dict[str, list[str]] = {}
    clean = []
    for n, fault in enumerate(faults):
        for name, expression in fault.changes(view.columns).items():
            changed.setdefault(name, []).append(f"WHEN {n} THEN ({expression})::VARCHAR")
        if fault.column:
            clean.append(f"WHEN {n} THEN {quoted(fault.column)}")
    doubles = [str(n) for n, f in enumerate(faults) if f.double]
    cells = ", ".join(
        f"CASE _fault {' '.join(changed[c])} ELSE {quoted(c)} END AS {quoted(c)}" if c in changed else quoted(c) for c in view.columns
    )
    kept = "".join(f", {quoted(h)}" for h in view.helpers)
    before = f"CASE _fault {' '.join(clean)} END" if clean else "NULL::VARCHAR"
    copy = f"CASE WHEN _fault IN ({', '.join(doubles)}) THEN 1 ELSE 0 END" if doubles else "0"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE spoilt AS SELECT *, {before} AS _new FROM "
        f"(SELECT {cells}{kept}, _key, _unit, _period, _fault, {copy} AS _copy, {before} AS _clean FROM chosen)"
    )
    if doubles:
        listed = ", ".join(map(quoted, (*view.columns, *view.helpers)))
        con.execute(
            f"INSERT INTO spoilt BY NAME SELECT {listed}, _key, _unit, _period, _fault, 0 AS _copy, {before} AS _clean, {before} AS _new "
            f"FROM chosen WHERE _fault IN ({', '.join(doubles)})"
        )
