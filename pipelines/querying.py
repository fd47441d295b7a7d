"""Questions to lake and results together: one read-only statement, its answer masked as the contracts say.

Belongs here: what may be asked, and how much of the answer is shown. Not here: printing it (the command line).

Two fences. The statement is parsed, and only one SELECT, WITH, VALUES, DESCRIBE or SHOW over known tables is let through, with
few table functions. Then the engine holds both databases read-only, may open no other file, and its settings are locked.

Masking follows values from contract columns to columns of the answer. Counts and conditions carry no value. What cannot be
followed is masked as strictly as the strictest column of the tables that the statement touches. It guards against showing
by accident; whoever may read the lake's files can read them in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from assets.lake import SCHEMAS, literal, open_lake

if TYPE_CHECKING:
    import duckdb
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    from assets.project import Project

FUNCTIONS = frozenset({"range", "generate_series", "unnest", "duckdb_tables", "duckdb_columns", "duckdb_views"})
"""Table functions that read no file and run no statement of their own."""

SHOWN_UP_TO = 2
_ROW_SCHEMAS = ("raw", "std_batches", "std", "quarantine", "base", "thematic", "history", "flagged")
_PLACED = ("dataset", "batch", "row", "record")
_MATCHED = ("score", "probability", "class", "evidence", "reviewer", "reason", "decided_at")
_PLAIN = {
    "values": ("attribute", "source", "department", "won", "event", "batch", "row"),
    "unkeyed": _PLACED,
    "matches": ("record", *_MATCHED),
    "links": (*_PLACED, *_MATCHED),
    "review": ("record", *_MATCHED, "datasets", "rows", "first"),
}
"""What stands beside a base table, by the end of its name: columns that tell nothing of a person; the others are the base's own."""
"""The views of what sources say: their names end so, and these columns of theirs are no one's data."""
_STRICTEST = 4
_EVIDENCE = {("evidence", "rejects"): {"text": _STRICTEST}, ("evidence", "decisions"): {"key": _STRICTEST}}
_PROVENANCE = ("__source", "__batch", "__row", "__repair")

Levels = Mapping[tuple[str, str], Mapping[str, int]]


class QueryError(Exception):
    """The statement is refused, or wrong: says why, and what may be asked."""


def query(project: Project, sql: str, *, unmasked: bool = False) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one read-only statement; the lake is the default database, the results are `results`.

    Values of columns classified 3 and above are masked, unless `unmasked`. Raises `QueryError`, or `FileNotFoundError` where
    nothing was collected yet.
    """
    import duckdb

    tree = read_only(sql)
    with connect(project) as con:
        tables = _tables(con)
        if _lists_tables(tree):
            return ["table", "title"], [(_spoken(p), _titled(project, p)) for p in sorted(tables.values(), key=_spoken)]
        used = _touched(tree, tables)
        try:
            cursor = con.execute(sql)
            columns = [d[0] for d in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise QueryError(_plain(error)) from None
        if unmasked or _only_names(tree):
            return columns, rows
        levels = _levels(project, tables)
        return columns, _masked(rows, output_levels(tree, columns, used, levels))


def as_objects(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows as objects ready for JSON: dates in ISO 8601, decimals as numbers; a column named twice gets a number."""
    names: list[str] = []
    for name in columns:
        again = sum(1 for n in names if n == name or (n.rpartition("_")[0] == name and n.rpartition("_")[2].isdigit()))
        names.append(f"{name}_{again}" if name in names else name)
    return [dict(zip(names, map(_json, row), strict=True)) for row in rows]


def _json(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(k): _json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_json(v) for v in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


@contextmanager
def connect(project: Project, snapshot: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that can read the lake (its default database), at a `snapshot` if one is named, and `results`, and nothing else."""
    with open_lake(project, read_only=True, snapshot=snapshot) as con:
        if project.results.exists():
            con.execute(f"ATTACH {literal(str(project.results))} AS results (READ_ONLY)")
            con.execute("SET search_path = 'lake.main,results.main'")
        con.execute("SET python_enable_replacements = false")
        con.execute(f"SET allowed_directories = [{literal(str(project.lake / 'files'))}, {literal(str(project.scratch / 'spill'))}]")
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        yield con


def read_only(sql: str) -> exp.Expr:
    """The tree of one statement that only reads. Raises `QueryError` for anything else."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees = [t for t in sqlglot.parse(sql, dialect="duckdb") if t is not None and not isinstance(t, exp.Semicolon)]
    except SqlglotError as error:
        first = (getattr(error, "errors", None) or [{}])[0]
        where = f" at line {first['line']}, column {first['col']}" if first.get("line") else ""
        raise QueryError(f"not SQL{where}: {first.get('description') or str(error)[:200]}. Check the spelling.") from None
    if len(trees) != 1:
        raise QueryError(f"{len(trees)} statements: ask one question at a time.")
    tree = trees[0]
    reads = isinstance(tree, exp.Query | exp.Values | exp.Describe | exp.Show)
    if not reads:
        kind = tree.name.upper() if isinstance(tree, exp.Command) else tree.key.upper()
        raise QueryError(f"{kind} is refused: ask with SELECT, WITH, VALUES, DESCRIBE or SHOW.")
    for node in tree.walk():
        if isinstance(node, exp.DDL | exp.DML | exp.Command | exp.Into | exp.Attach | exp.Copy | exp.Pivot) and node is not tree:
            raise QueryError(f"{node.key.upper()} is refused inside a question.")
    return tree


def _only_names(tree: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(tree, exp.Describe)


def _lists_tables(tree: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(tree, exp.Show)


def _titled(project: Project, place: Place) -> str:
    contract = project.contracts.get(place.name) if place.schema in _ROW_SCHEMAS else None
    return f"{contract.title} {contract.title_en}" if contract else SCHEMAS.get(place.schema, "published, masked")


def _plain(error: Exception) -> str:
    """DuckDB's message without the rows or files it might quote."""
    return str(error).partition("\n\nLINE")[0].strip()


# Tables that a statement touches


@dataclass(frozen=True)
class Place:
    """A table of the lake or of the results, and its columns with their types."""

    catalog: str
    schema: str
    name: str
    columns: Mapping[str, str]


def _tables(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], Place]:
    rows = con.execute(
        "SELECT database_name, schema_name, table_name, list(column_name ORDER BY column_index), list(data_type ORDER BY column_index)"
        " FROM duckdb_columns() WHERE database_name IN ('lake', 'results') AND NOT internal GROUP BY ALL"
    ).fetchall()
    known = {}
    for catalog, schema, name, columns, types in rows:
        if catalog == "results" or schema in SCHEMAS:
            known[(catalog, schema, name.lower())] = Place(catalog, schema, name, dict(zip(columns, types, strict=True)))
    return known


def _touched(tree: exp.Expr, tables: Mapping[tuple[str, str, str], Place]) -> list[Place]:
    """The known tables that the statement names, each name made whole. Raises `QueryError` for any other source."""
    from sqlglot import exp

    from expectations.documents import near

    here = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    used = []
    for node in tree.find_all(exp.Table):
        if isinstance(node.this, exp.Func) or not isinstance(node.this, exp.Identifier):
            name = (node.this.name if isinstance(node.this, exp.Anonymous) else node.this.key).lower()
            if isinstance(node.this, exp.GenerateSeries | exp.Explode | exp.Unnest) or name in FUNCTIONS:
                continue
            allowed = ", ".join(sorted(FUNCTIONS))
            raise QueryError(f"the table function {name} is refused: it could read beyond the lake. Allowed: {allowed}.")
        catalog, schema, name = node.catalog.lower(), node.db.lower(), node.name.lower()
        if not schema and name in here:
            continue
        if schema == "results" and not catalog:
            catalog, schema = "results", "main"
        if not schema and not catalog:  # `SELECT * FROM scores`
            catalog = "results"
        place = tables.get((catalog or "lake", schema or "main", name))
        if place is None:
            given = ".".join(p for p in (node.catalog, node.db, node.name) if p)
            raise QueryError(f"there is no table {given!r}. {near(given, [_spoken(p) for p in tables.values()])}")
        used.append(place)
    return used


def _spoken(place: Place) -> str:
    return f"results.{place.name}" if place.catalog == "results" else f"{place.schema}.{place.name}"


# How much of the answer may be shown


def _levels(project: Project, tables: Mapping[tuple[str, str, str], Place]) -> Levels:
    """The classification of every column that holds rows of data, by (schema, table)."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for place in tables.values():
        if place.catalog != "lake":
            continue
        if place.schema in _ROW_SCHEMAS:
            of, _, beside = place.name.rpartition("__")
            contract = project.contracts.get(of if beside in _PLAIN else place.name)
            declared = {c.name: c.classification for c in contract.columns} if contract else {}
            strictest = max(declared.values(), default=_STRICTEST)
            if contract and beside == "values":
                declared = {k: declared[k] for k in contract.key}
            if contract and place.name != contract.name:
                declared |= dict.fromkeys(_PLAIN[beside], 1)
            found[(place.schema, place.name)] = {c: _level(c, declared, strictest) for c in place.columns}
        elif (place.schema, place.name) in _EVIDENCE:
            found[(place.schema, place.name)] = _EVIDENCE[place.schema, place.name]
    return found


def _level(column: str, declared: Mapping[str, int], strictest: int) -> int:
    if column in declared:
        return declared[column]
    if column == "_said":  # what sources say of any column
        return strictest
    if column == "_extra":  # columns that no contract classified
        return max(3, strictest)
    if column.startswith("_") or column.endswith(_PROVENANCE):
        return 1
    return strictest


def output_levels(tree: exp.Expr, columns: Sequence[str], used: Sequence[Place], levels: Levels) -> list[int]:
    """The level of each column of the answer; where values cannot be followed, the strictest of the tables touched."""
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    strictest = max((level for p in used for level in levels.get((p.schema, p.name), {}).values()), default=1)
    blind = [strictest] * len(columns)
    if strictest <= SHOWN_UP_TO:
        return blind
    schema: dict[str, Any] = {}
    for place in used:
        schema.setdefault(place.catalog, {}).setdefault(place.schema, {})[place.name] = dict(place.columns)
    whole = tree.copy()
    _name_wholly(whole, used)
    try:
        whole = qualify(whole, dialect="duckdb", schema=schema, validate_qualify_columns=False, identify=True)
        scope = build_scope(whole)
        if scope is None:
            return blind
        found = _Follow(levels, strictest).outputs(scope)
    except (SqlglotError, RecursionError, AttributeError, TypeError, ValueError, KeyError):
        return blind  # masked too much rather than too little
    return found if len(found) == len(columns) else blind


def _name_wholly(tree: exp.Expr, used: Sequence[Place]) -> None:
    from sqlglot import exp

    places = {(p.catalog, p.schema, p.name.lower()): p for p in used}
    names = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    for node in tree.find_all(exp.Table):
        catalog, schema = node.catalog.lower(), node.db.lower()
        if (schema == "results" and not catalog) or (not schema and node.name.lower() not in names):
            catalog, schema = "results", "main"
        place = places.get((catalog or "lake", schema, node.name.lower()))
        if place is not None:
            if not node.alias:
                node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name)))
            node.set("catalog", exp.to_identifier(place.catalog))
            node.set("db", exp.to_identifier(place.schema))
            node.set("this", exp.to_identifier(place.name))


class _Follow:
    """Follows values from contract columns to the columns of a qualified statement."""

    def __init__(self, levels: Levels, strictest: int) -> None:
        self.levels, self.strictest = levels, strictest

    def outputs(self, scope: Scope) -> list[int]:
        from sqlglot import exp

        body = scope.expression
        if isinstance(body, exp.SetOperation):
            if body.args.get("by_name"):
                return [self.strictest] * len(body.named_selects)
            first, second = (self.outputs(s) for s in scope.set_operation_scopes)
            if len(first) != len(second):
                raise ValueError("a set operation of unlike widths")
            return [max(pair) for pair in zip(first, second, strict=True)]
        if not isinstance(body, exp.Select):
            raise ValueError("not a SELECT")
        if any(isinstance(e, exp.Star) or (e.find(exp.Star) and not e.find(exp.Count)) for e in body.selects):
            raise ValueError("a star that was not resolved")
        return [self.level(e, scope) for e in body.selects]

    def level(self, node: exp.Expr, scope: Scope) -> int:
        from sqlglot import exp

        if isinstance(node, exp.Count | exp.CountIf | exp.Predicate | exp.Connector | exp.Not | exp.Exists | exp.Literal | exp.RowNumber):
            return 1
        if isinstance(node, exp.Column):
            return self.column(node, scope)
        if isinstance(node, exp.Case):
            shown = [i.args["true"] for i in node.args["ifs"]] + ([node.args["default"]] if node.args.get("default") else [])
            return max(self.level(e, scope) for e in shown)
        if isinstance(node, exp.If):
            return max(self.level(e, scope) for e in (node.args.get("true"), node.args.get("false")) if e)
        if isinstance(node, exp.Filter | exp.Window):
            return self.level(node.this, scope)
        if isinstance(node, exp.Query):
            inner = next((s for s in scope.subquery_scopes if s.expression is node or s.expression is node.unnest()), None)
            return max(self.outputs(inner), default=1) if inner else self.strictest
        parts = [c for c in node.iter_expressions() if not isinstance(c, exp.DataType | exp.Identifier | exp.Var)]
        if not parts and not isinstance(node, exp.Func | exp.Null | exp.Boolean):
            return self.strictest  # a whole row, or something that is not known here
        return max((self.level(c, scope) for c in parts), default=1)

    def column(self, node: exp.Column, scope: Scope) -> int:
        from sqlglot import exp
        from sqlglot.optimizer.scope import Scope

        found: Scope | None = scope
        while found is not None and node.table not in found.sources:
            found = found.parent
        source = found.sources[node.table] if found is not None else None
        if isinstance(source, Scope):
            body = source.expression
            pairs = zip(body.named_selects if isinstance(body, exp.Query) else [], self.outputs(source), strict=True)
            return max((level for name, level in pairs if name.lower() == node.name.lower()), default=self.strictest)
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            if source.catalog == "results":
                return 1
            of_table = self.levels.get((source.db, source.name))
            if of_table is None:
                return 1 if source.db == "evidence" else self.strictest
            named = {k.lower(): v for k, v in of_table.items()}
            return named.get(node.name.lower(), 1 if source.db == "evidence" else self.strictest)
        return self.strictest


def _masked(rows: list[tuple[Any, ...]], levels: Sequence[int]) -> list[tuple[Any, ...]]:
    from assets.masking import mask

    if max(levels, default=1) <= SHOWN_UP_TO:
        return rows

    def shown(value: Any, level: int) -> Any:
        if value is None or level <= SHOWN_UP_TO or isinstance(value, bool):
            return value
        if isinstance(value, list | tuple | dict):
            return "***"
        return mask(str(value), level)

    return [tuple(shown(v, level) for v, level in zip(row, levels, strict=True)) for row in rows]
