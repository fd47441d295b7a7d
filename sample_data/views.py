"""A department's rows of one period, clean: the declared SELECT with its parameters, checked against the contract.

Belongs here: parameters, lags, the columns that must come out. Not here: faults (`planting`), files (`forms`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expectations.documents import near

if TYPE_CHECKING:
    import duckdb

    from sample_data.declaration import Declaration, Moment

MARKS = ("_plants_", "_graced_", "_shows_")
"""Prefixes of helper columns (true or false) that say which fault a row bears in the view itself."""
_PARAMETER = re.compile(r"\$(day|from|period|moment)\b")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(value: object) -> str:
    """A text as SQL."""
    return "'" + str(value).replace("'", "''") + "'"


@dataclass(frozen=True)
class View:
    """`sql` gives the contract's columns as text, `helpers`, and `_key`, `_steady`, `_unit`,
    `_period`; `marks` are the helpers that are marks."""

    declaration: Declaration
    moment: Moment
    sql: str
    columns: tuple[str, ...]
    helpers: tuple[str, ...]

    @property
    def marks(self) -> tuple[str, ...]:
        return tuple(h for h in self.helpers if h.startswith(MARKS))

    @property
    def free(self) -> str:
        """SQL: whether a row may be spoilt by chance."""
        return " AND ".join(["NOT _steady", *(f"NOT {quoted(m)}" for m in self.marks)])


def filled(sql: str, moment: Moment) -> str:
    """SQL with the period's parameters put in: `$day` its last day, `$from` the last day of the one before, `$moment` its end."""
    values = {
        "day": f"DATE '{moment.ends:%Y-%m-%d}'",
        "from": f"DATE '{moment.begins:%Y-%m-%d}'",
        "moment": f"TIMESTAMP '{moment.ends:%Y-%m-%d %H:%M:%S}'",
        "period": text(moment.name),
    }
    return _PARAMETER.sub(lambda m: values[m[1]], sql.strip().rstrip(";"))


def lags(con: duckdb.DuckDBPyConnection, declaration: Declaration) -> None:
    """The macro `learnt` of this connection: the day on which the department learns of something."""
    days = {name: span for name, span in declaration.lag.items() if name != "days"}
    low, high = declaration.lag.get("days", (0, 0))
    salt = f"lag {declaration.name}"
    plain = f"(day + draw_int({text(salt)}, key, {low}, {high})::INTEGER)::DATE"
    cases = " ".join(f"WHEN {text(n)} THEN draw_int({text(f'{salt} {n}')}, key, {a}, {b})" for n, (a, b) in days.items())
    other = f"(day + (CASE what {cases} END)::INTEGER)::DATE" if days else plain
    con.execute(f"CREATE OR REPLACE TEMP MACRO learnt(day, key) AS {plain}, (what, day, key) AS {other}")


def view(con: duckdb.DuckDBPyConnection, declaration: Declaration, moment: Moment) -> View:
    """The view of a period. Raises `DocumentError` where the SELECT does not run or its columns are not the contract's."""
    import duckdb

    rows = filled(declaration.rows, moment)
    try:
        described = con.execute(f"DESCRIBE SELECT * FROM (\n{rows}\n)").fetchall()
    except duckdb.Error as error:
        raise declaration.error(("rows",), said(error), "Correct the SELECT.") from None
    given = {name: kind for name, kind, *_ in described}
    columns = declaration.columns
    helpers = tuple(name for name in given if name.startswith("_") and name not in ("_key", "_steady", "_unit", "_period"))
    lacking = [name for name in columns if name not in given]
    if lacking:
        raise declaration.error(("rows",), f"the SELECT gives no column {', '.join(map(repr, lacking))}.", near(lacking[0], given))
    extra = [name for name in given if not name.startswith("_") and name not in columns]
    if extra:
        raise declaration.error(("rows",), f"the contract has no column {extra[0]!r}.", f"{near(extra[0], columns)} Helpers begin with _.")
    if "_key" not in given:
        raise declaration.error(("rows",), "the SELECT gives no `_key`.", "Add the number or text that tells its rows apart AS _key.")
    for key in ("units", "periods"):
        column = getattr(declaration, key)
        if column and column not in given:
            raise declaration.error((key,), f"the SELECT gives no column {column!r}.", near(column, given))
    cells = [f"{quoted(c)}{'' if given[c] == 'VARCHAR' else '::VARCHAR'} AS {quoted(c)}" for c in columns]
    cells += [f"coalesce({quoted(h)}, false) AS {quoted(h)}" if h.startswith(MARKS) else quoted(h) for h in helpers]
    cells += ["_key", f"{'coalesce(_steady, false)' if '_steady' in given else 'false'} AS _steady"]
    unit, period = declaration.units, declaration.periods
    cells += [f"coalesce({quoted(unit)}::VARCHAR, ' ') AS _unit" if unit else "'' AS _unit"]
    cells += [f"coalesce({quoted(period)}::VARCHAR, '') AS _period" if period else f"{text(moment.name)} AS _period"]
    return View(declaration, moment, f"SELECT {', '.join(cells)} FROM (\n{rows}\n)", columns, helpers)


def said(error: Exception) -> str:
    """DuckDB's words, on one line up to the place that they point at."""
    lines = str(error).splitlines()
    return " ".join(line.strip() for line in lines[:6] if line.strip() and line.strip() != "^")[:600]
