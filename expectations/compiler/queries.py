"""SQL that a contract gives for a check: one reading statement over the table that is judged, and nothing else.

Belongs here: reading and guarding such a query, and putting a relation in its table's place. Not here: what it is compared with
(`rules/declared.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp

TABLE = "this_table"
_PLACES = re.compile(r"\$?\{\s*(table|object|model|schema|column|property|field)\s*\}")
#: Functions that reach beyond the rows, whatever they are called with.
_REFUSED = re.compile(
    r"read_|write_|copy|query|getenv|current_setting|getvariable|nextval|currval|glob|sniff_csv|parquet_|.*_scan$|duckdb_|pragma_|txid_|ducklake_"
)


class QueryError(Exception):
    """The query is wrong: `line` of its text (from 1), what was found, what to do."""

    def __init__(self, line: int, found: str, remedy: str) -> None:
        super().__init__(found)
        self.line, self.found, self.remedy = line, found, remedy


@dataclass(frozen=True)
class Reading:
    """A guarded query: its text with `this_table` for the table, and the names of columns that it uses."""

    text: str
    names: frozenset[str]


def read_query(text: str, column: str | None = None) -> Reading:
    """Read a query in DuckDB's SQL with the places `${table}` (or `${object}`) and `${column}` (or `${property}`).

    Raises `QueryError` for what is no SQL, more than one statement, anything that writes, sets or attaches, another table, a
    table function or file, and a place that nothing fills.
    """
    tree = _tree(_filled(text, column))
    from sqlglot import exp

    ctes = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    for node in tree.walk():
        if isinstance(node, exp.DML | exp.DDL | exp.Command | exp.Into) and not isinstance(node, exp.Query):
            raise QueryError(_line(node), f"{node.key.upper()}: a check only reads.", "Write one SELECT.")
        if isinstance(node, exp.Table):
            named = isinstance(node.this, exp.Identifier)
            if not named or node.db or (node.name.lower() != TABLE and node.name.lower() not in ctes):
                found = f"{node.sql('duckdb')} is not the table that is checked."
                raise QueryError(_line(node), found, "Read ${table} alone; put what joins tables into a model.")
        if isinstance(node, exp.Func):
            called = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
            if _REFUSED.match(called):
                raise QueryError(_line(node), f"{called}(): a check looks at rows alone.", "Leave it out.")
    if len(tree.selects) != 1:
        raise QueryError(1, f"the query gives {len(tree.selects)} columns.", "Give one figure: SELECT count(*) FROM ${table} WHERE ...")
    return Reading(tree.sql("duckdb"), frozenset(c.name for c in tree.find_all(exp.Column)))


def _filled(text: str, column: str | None) -> str:
    def fill(place: re.Match[str]) -> str:
        if place[1] in ("table", "object", "model"):
            return TABLE
        if place[1] in ("column", "property", "field") and column:
            return '"' + column.replace('"', '""') + '"'
        raise QueryError(text[: place.start()].count("\n") + 1, f"nothing fills {place[0]}.", "Name it, or put the clause at a column.")

    return _PLACES.sub(fill, text)


def _tree(text: str) -> exp.Query:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ParseError, TokenError

    try:
        trees = [t for t in sqlglot.parse(text, read="duckdb") if t is not None and not isinstance(t, exp.Semicolon)]
    except (ParseError, TokenError) as error:
        first = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
        found = f"not SQL: {first.get('description', error)}."
        raise QueryError(first.get("line", 1), found, "Mend it; try it in a DuckDB shell.") from None
    if len(trees) != 1:
        raise QueryError(1, f"{len(trees)} statements.", "Write one SELECT, and no semicolon within.")
    if not isinstance(trees[0], exp.Query):
        raise QueryError(1, f"{trees[0].key.upper()}: a check only reads.", "Write one SELECT.")
    return trees[0]


def _line(node: Any) -> int:
    found = (n.meta.get("line") for n in node.walk())
    return next((line for line in found if line), 1)
