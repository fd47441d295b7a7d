"""Every rule kind on columns of every type: it is meant and runs, or it is refused with a reason; the engine never has to say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest
import yaml

from expectations.codes import CodeTables
from expectations.compiler.plan import Field, compile_suite
from expectations.documents import DocumentError
from expectations.suite import Suite
from tests.rules.test_edges import FIELDS, SQL, cases, make_table

FIRST = [(type_, listed[0]) for type_, listed in cases().items()]
#: Rules of the user's own SQL: what it may say of a column is the user's.
OWN_SQL = ("unexpected_rows_expectation", "expect_query_to_return", "expect_metric_to_be_between")


@pytest.mark.parametrize(("type_", "case"), [c for c in FIRST if c[0] not in OWN_SQL], ids=[t for t, _ in FIRST if t not in OWN_SQL])
def test_a_column_of_another_type_is_refused_or_judged(
    suite_of: Callable[..., Suite], codes: CodeTables, con: duckdb.DuckDBPyConnection, type_: str, case: dict[str, Any]
) -> None:
    kinds_of = FIELDS | case.get("columns", {})
    kwargs = yaml.safe_dump(case["kwargs"], default_flow_style=True, allow_unicode=True, width=10_000).strip()
    named = [c for c in kinds_of if c in yaml.safe_dump(case["kwargs"])]
    relations = case.get("relations", {})
    suite = suite_of((type_, kwargs))
    for name in named:
        for kind in SQL:
            fields = [Field(n, k, SQL[k], None if k == "string" else f"{n}__text") for n, k in (kinds_of | {name: kind}).items()]
            try:
                plan = compile_suite(suite, fields, codes=codes)
            except DocumentError:
                continue
            columns = {"_batch": "VARCHAR", "_row": "BIGINT"} | {f.name: f.sql_type for f in fields}
            make_table(con, "data", columns | {f.text: "VARCHAR" for f in fields if f.text}, [{"_batch": "b", "_row": 1}])
            for other, held in relations.items():
                make_table(con, other, dict.fromkeys(held, "VARCHAR"), [])
            plan.run(con, "data", relations={r: r for r in relations})
