"""Checking base and thematic tables: their suites run over the table as it stands, in one scan, and nothing is stored.

Belongs here: what of a table a suite sees. Not here: rules (`expectations`), what follows from a verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.lake import columns_of, literal, quote

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from expectations.compiler.verdicts import Verdicts


def check_model(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract) -> Verdicts | None:
    """The verdicts of a model's suite over its table, or None where there is no suite.

    The table counts as one batch named like itself. Besides the declared columns a suite may look at `_differs`: the attributes
    on which the sources of a record disagree, joined by commas.
    """
    from assets.standardise import codes_of, suite_of
    from expectations.compiler.plan import Field, compile_suite

    suite = suite_of(project, contract)
    if suite is None:
        return None
    fields = [
        Field(c.name, c.logical_type, c.sql_type, None if c.logical_type == "string" else f"{c.name}__text") for c in contract.columns
    ]
    seen = [quote(c.name) for c in contract.columns]
    seen += [f"CAST({quote(f.name)} AS VARCHAR) AS {quote(f.text)}" for f in fields if f.text]
    if "_differs" in (columns_of(con, contract.table) or {}):
        fields.append(Field("_differs", "string", "VARCHAR", None))
        seen.append("array_to_string(_differs, ',') AS _differs")
    rows = f"SELECT {', '.join(seen)}, {literal(contract.table)} AS _batch, row_number() OVER () AS _row FROM {quote(contract.table)}"
    plan = compile_suite(suite, fields, codes=codes_of(project))
    try:
        return plan.run(con, f"({rows})", absent={contract.table: ()})
    finally:
        con.execute("DROP TABLE IF EXISTS temp.failing")
