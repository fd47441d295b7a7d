"""Reading a model's SQL: which tables and columns it uses, from where each of its columns comes, and what it may not contain.

Belongs here: everything that is read from the text with sqlglot, without a lake. Not here: running it, provenance of rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, TokenError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from assets.judging import codes_of
from assets.lake import literal, quote
from assets.std import FAILED, POSITION
from expectations.documents import DocumentError, Named, near

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project
    from expectations.codes import CodeTables

READABLE = ("std", "base", "thematic")
CODES = "codes"
Columns = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Schema, table, column: its SQL type."""


@dataclass(frozen=True)
class Relation:
    """One place where a query names a table: `table` is `schema.name`, `start` and `end` its span in the text."""

    table: str
    start: int
    end: int
    line: int
    aliased: bool


@dataclass(frozen=True)
class Query:
    """One SELECT and where it is written (`first_line`: the line of `path` on which its text begins)."""

    path: Path
    text: str
    first_line: int = 1

    @cached_property
    def tree(self) -> exp.Query:
        """The syntax tree. Raises `DocumentError` for what is no SELECT, or holds what column lineage cannot follow."""
        try:
            trees = [t for t in sqlglot.parse(self.text, read="duckdb") if t is not None and not isinstance(t, exp.Semicolon)]
        except (ParseError, TokenError) as error:
            first = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
            raise self.error(
                first.get("line", 1), f"not SQL: {first.get('description', error)}.", "Mend it; try it in a DuckDB shell."
            ) from None
        tree = trees[0] if len(trees) == 1 else None
        if tree is not None and (tree.find(exp.Pivot) or tree.args.get("pivots")):
            raise self._refused("PIVOT")
        if not isinstance(tree, exp.Query):
            raise self.error(1, "expected one SELECT.", "A model is one SELECT over std, base and thematic tables, and nothing else.")
        self._refuse(tree)
        return tree

    def error(self, line: int, found: str, remedy: str) -> DocumentError:
        return DocumentError(self.path, self.first_line + line - 1, found, remedy)

    def _refuse(self, tree: exp.Query) -> None:
        tables = {f"{t.db}.{t.name}" for t in tree.find_all(exp.Table)}
        for node in tree.walk():
            if isinstance(node, exp.SetOperation) and node.args.get("by_name"):
                raise self._refused("BY NAME")
            if isinstance(node, exp.Columns):
                raise self._refused("COLUMNS")
            if isinstance(node, exp.Join) and str(node.args.get("method", "")).upper() == "POSITIONAL":
                raise self._refused("POSITIONAL")
            if isinstance(node, exp.Column) and f"{node.args.get('db')}.{node.table}" in tables:
                raise self.error(
                    line_of(node),
                    f"{node.sql('duckdb')}: a column named with its schema.",
                    "Give the table an alias, and write alias.column.",
                )

    def _refused(self, what: str) -> DocumentError:
        first = what.split()[0]
        token = next((t for t in sqlglot.tokenize(self.text, read="duckdb") if first in t.text.upper()), None)
        remedies = {
            "BY NAME": "Write UNION ALL with the columns in the same order on both sides.",
            "COLUMNS": "Write the columns out.",
            "PIVOT": "Write one aggregate with FILTER a column.",
            "POSITIONAL": "Join by a key.",
        }
        found = f"{'UNION ' if what == 'BY NAME' else ''}{what} hides where a column comes from, so a model may not use it."
        return self.error(token.line if token else 1, found, remedies[what])

    @cached_property
    def relations(self) -> tuple[Relation, ...]:
        """The tables that it names, in the order of the text; common table expressions left out."""
        return tuple(sorted(self._relations(), key=lambda r: r.start))

    def _relations(self) -> Iterator[Relation]:
        ctes = {cte.alias_or_name for cte in self.tree.find_all(exp.CTE)}
        for table in self.tree.find_all(exp.Table):
            if not isinstance(table.this, exp.Identifier):
                if isinstance(table.this, (exp.GenerateSeries, exp.Unnest)):
                    continue
                raise self.error(
                    line_of(table),
                    f"{table.sql('duckdb')}: a model reads no files.",
                    "Declare the data as a dataset, and read its std table.",
                )
            db = table.args.get("db")
            if db is None:
                if table.name in ctes:
                    continue
                raise self.error(line_of(table), f"{table.name!r} names no schema.", "Write std., base., thematic. or codes. before it.")
            yield Relation(f"{db.name}.{table.name}", db.meta["start"], table.this.meta["end"] + 1, line_of(table), bool(table.alias))

    @property
    def tables(self) -> tuple[str, ...]:
        """Each table that it reads, once, sorted; code tables included."""
        return tuple(sorted({r.table for r in self.relations}))

    def rewritten(self, replacement: Callable[[str], str | None]) -> str:
        """The text with each table for which `replacement` gives SQL replaced by that, and not a letter changed else."""
        text = self.text
        for relation in reversed(self.relations):
            if (sql := replacement(relation.table)) is not None:
                alias = "" if relation.aliased else f" AS {quote(relation.table.split('.')[1])}"
                text = f"{text[: relation.start]}({sql}){alias}{text[relation.end :]}"
        return text.rstrip().rstrip(";")

    def check(self, columns: Columns) -> None:
        """Raise `DocumentError` with line and near name for the first table or column that is not known."""
        self.qualified(columns)

    def _check_tables(self, columns: Columns) -> None:
        for relation in self.relations:
            schema, name = relation.table.split(".")
            if schema not in columns:
                raise self.error(relation.line, f"no schema {schema!r} to read from.", near(schema, columns))
            if name not in columns[schema]:
                raise self.error(relation.line, f"no table {relation.table}.", near(name, columns[schema]))

    def qualified(self, columns: Columns) -> exp.Query:
        """The tree with every column resolved. Raises `DocumentError` for a table or column that cannot be."""
        self._check_tables(columns)
        try:
            resolved = qualify(self.tree.copy(), schema=_schema(columns), dialect="duckdb", sql=self.text)
        except OptimizeError as error:
            raise self._unresolved(str(error), columns) from None
        assert isinstance(resolved, exp.Query)
        return resolved

    def _unresolved(self, message: str, columns: Columns) -> DocumentError:
        of = {t: columns[t.split(".")[0]][t.split(".")[1]] for t in self.tables}
        known = {c for names in of.values() for c in names}
        named = re.match(r"Column '\"?(?:\w+\"?\.\"?)?(\w+)\"?'", message)
        mentioned = [c for c in self.tree.find_all(exp.Column) if c.name and (c.name == named[1] if named else c.name in message)]
        culprit = next((c for c in mentioned if c.name not in known), mentioned[0] if mentioned else None)
        if culprit is None:
            return self.error(1, message.splitlines()[0], "Qualify the column with its table's alias.")
        both = [t for t, names in of.items() if culprit.name in names]
        if len(both) > 1 and (bare := next((c for c in mentioned if not c.table), None)):
            return self.error(line_of(bare), f"{bare.name!r} is in {' and in '.join(both)}.", "Qualify it with the right table's alias.")
        if culprit.name in known:
            return self.error(
                line_of(culprit),
                f"{culprit.sql('duckdb')}: {message.splitlines()[0].split(' Line:')[0]}.",
                "Qualify it with the right table's alias.",
            )
        return self.error(line_of(culprit), f"no column {culprit.name!r} in {', '.join(self.tables)}.", near(culprit.name, known))

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return tuple(self.tree.named_selects)

    @cached_property
    def branches(self) -> tuple[exp.Select, ...]:
        """The SELECTs that UNION ALL joins at its top; one where there is no union."""
        return tuple(_branches(self.tree))

    def equalities(self, columns: Columns) -> tuple[tuple[tuple[str, str], tuple[str, str]], ...]:
        """Pairs of (table, column) that its outermost joins hold equal."""
        resolved = self.qualified(columns)
        if not isinstance(resolved, exp.Select):
            return ()
        named = {t.alias_or_name: f"{t.db}.{t.name}" for t in resolved.find_all(exp.Table) if t.db}
        pairs = []
        for join in resolved.args.get("joins") or []:
            for equal in join.args["on"].find_all(exp.EQ) if join.args.get("on") else ():
                if isinstance(equal.this, exp.Column) and isinstance(equal.expression, exp.Column):
                    one, other = ((named.get(c.table, ""), c.name) for c in (equal.this, equal.expression))
                    pairs.append((one, other))
        return tuple(pairs)


def _branches(tree: exp.Expr) -> Iterator[exp.Select]:
    if isinstance(tree, exp.Union):
        yield from _branches(tree.left)
        yield from _branches(tree.right)
    elif isinstance(tree, exp.Subquery):
        yield from _branches(tree.this)
    elif isinstance(tree, exp.Select):
        yield tree


def line_of(node: exp.Expr) -> int:
    """The line of the text on which a node, or the first of its parts that knows it, stands."""
    return next((n.meta["line"] for n in node.walk() if "line" in n.meta), 1)


def is_view(contract: Contract) -> bool:
    """Whether a model is kept as a view rather than as a table."""
    return bool(contract.custom.get("materialisation") == "view")


def is_disagreement(contract: Contract) -> bool:
    """Whether a base table is filled by the cross-department checks that stand beside its contract (`assets.crosschecks`)."""
    return bool(contract.custom.get("materialisation") == "crossChecks")


def read_model(contract: Contract) -> Query:
    """The SQL beside a base or thematic contract. Raises `DocumentError` where there is none."""
    if is_disagreement(contract):
        from assets.crosschecks.declared import joined

        return query_of(contract.path, joined(contract))
    path = contract.sql_path
    try:
        return query_of(path, path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DocumentError(path, None, f"no model for {contract.table}.", "Write its SELECT into this file.") from None
    except UnicodeDecodeError:
        raise DocumentError(path, None, "not UTF-8 text.", "Save the file as UTF-8.") from None


@lru_cache(512)
def query_of(path: Path, text: str, first_line: int = 1) -> Query:
    """The same query for the same text: it keeps its tree, and one run asks each model's and check's a dozen times."""
    return Query(path, text, first_line)


def dependencies(contract: Contract, columns: Columns | None = None) -> tuple[str, ...]:
    """The tables that a model reads ('std.population_register', ...), sorted; code tables left out.

    With `columns` (see `columns_known`) every table and column is checked: raises `DocumentError` with line and near name.
    """
    query = read_model(contract)
    if columns is not None:
        query.check(columns)
        _check_outputs(contract, query, columns)
    return tuple(t for t in query.tables if not t.startswith(f"{CODES}."))


def _check_outputs(contract: Contract, query: Query, columns: Columns) -> None:
    outputs = tuple(query.qualified(columns).named_selects)
    missing = [c.name for c in contract.columns if c.name not in outputs and c.agreement is None and c.derived is None]
    if missing:
        raise query.error(1, f"{contract.path.name} declares {missing[0]!r}, which the SELECT does not give.", near(missing[0], outputs))
    stray = [
        name for name in outputs if name not in columns[contract.schema][contract.name] and name not in ("_source", "_event", *POSITION)
    ]
    if stray:
        raise query.error(
            1,
            f"the SELECT gives {stray[0]!r}, which {contract.path.name} does not declare.",
            near(stray[0], [c.name for c in contract.columns]),
        )


def columns_known(project: Project, tables: Collection[str] | None = None) -> Columns:
    """Every table that models may read, with its columns and their types: what contracts and code tables declare.

    With `tables`, these alone; where one of them is not known, all of them, so that a near name can be told.
    """
    from assets.models.fusion import is_fusion, provenance_columns

    known: dict[str, Named[dict[str, str]]] = {schema: Named({}, project.contracts.former) for schema in (*READABLE, CODES)}
    codes = codes_of(project)
    every = {c.table for c in project.contracts.values()} | {f"{CODES}.{name}" for name in codes.names}
    wanted = every if tables is None or set(tables) - every else set(tables)
    for contract in project.contracts.values():
        if contract.table not in wanted:
            continue
        declared = {c.name: c.sql_type for c in contract.columns}
        if contract.layer == "sources":
            declared |= POSITION | FAILED
        elif not is_disagreement(contract) and is_fusion(query := read_model(contract)):
            declared |= provenance_columns(contract, query)
        known[contract.schema][contract.name] = declared
    known[CODES] = Named((n, dict.fromkeys(codes.get(n).rows[0], "VARCHAR")) for n in codes.names if f"{CODES}.{n}" in wanted)
    return known


def code_rows(tables: CodeTables, name: str) -> str:
    """A code table as SQL: all columns are text, an empty cell is NULL."""
    rows = tables.get(name).rows
    values = ", ".join("(" + ", ".join(literal(v) if v else "NULL" for v in row.values()) + ")" for row in rows)
    return f"SELECT * FROM (VALUES {values}) AS {quote(name)}({', '.join(map(quote, rows[0]))})"


def _schema(columns: Columns) -> MappingSchema:
    plain: dict[str, Any] = {s: {t: dict(c) for t, c in tables.items()} for s, tables in columns.items() if tables}
    return MappingSchema(plain, dialect="duckdb")
