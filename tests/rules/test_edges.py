"""Every rule kind at its edges: the last value that passes, the first that does not, and clean rows that raise nothing.

The cases stand in `edges/<module of the kind>.yaml`, by expectation type. A case has `kwargs`, and under `good` and `bad` entries
that each are a batch of their own: one row as `{column: value}`, or `{rows: {column: [values]}}` for several, with `breaks: [positions
from 1]` of the rows that break the rule, `lacks: [columns]` that the batch is without. A case may have `as_of` (the day of
the check), `columns: {name: logical type}` besides those of `conftest.FIELDS`, `relations: {dataset: {column: [values]}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from assets.lake import insert
from expectations.codes import CodeTables
from expectations.compiler.plan import Field, compile_suite
from expectations.compiler.rules import kinds
from expectations.documents import read_document
from expectations.suite import Suite

EDGES = Path(__file__).with_name("edges")
FIELDS = {"s": "string", "t": "string", "i": "integer", "x": "number", "d": "date", "e": "date", "f": "date", "w": "timestamp"}
SQL = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "timestamp": "TIMESTAMP", "boolean": "BOOLEAN"}


def cases() -> dict[str, list[dict[str, Any]]]:
    """All cases by expectation type; a type stands in one file only."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(EDGES.glob("*.yaml")):
        for type_, listed in read_document(path).data.items():
            assert type_ not in found, f"{path.name}: {type_} stands in another file too"
            found[type_] = listed
    return found


CASES = [(type_, case) for type_, listed in cases().items() for case in listed]


def rows_of(entry: dict[str, Any]) -> list[dict[str, Any]]:
    columns = entry.get("rows")
    if columns is None:
        return [{k: v for k, v in entry.items() if k != "lacks"}]
    return [dict(zip(columns, row, strict=True)) for row in zip_longest(*columns.values())]


def make_table(con: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str], rows: list[dict[str, Any]]) -> None:
    con.execute(f"CREATE OR REPLACE TABLE {name} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})")
    unknown = {c for row in rows for c in row} - set(columns)
    assert not unknown, f"no column {unknown}: name it under `columns`"
    texts = {c for c, kind in columns.items() if kind == "VARCHAR"}
    insert(con, name, [[str(v) if (v := r.get(c)) is not None and c in texts else v for c in columns] for r in rows])


def batches(case: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for side in ("good", "bad"):
        for number, entry in enumerate(case[side]):
            yield f"{side} {number}", entry


@pytest.mark.parametrize(("type_", "case"), CASES, ids=[f"{t}-{c['kwargs']}" for t, c in CASES])
def test_the_last_that_passes_and_the_first_that_does_not(
    suite_of: Callable[..., Suite], codes: CodeTables, con: duckdb.DuckDBPyConnection, type_: str, case: dict[str, Any]
) -> None:
    assert not set(case) - {"kwargs", "good", "bad", "as_of", "columns", "relations"}
    kinds_of = FIELDS | case.get("columns", {})
    fields = [Field(name, kind, SQL[kind], None if kind == "string" else f"{name}__text") for name, kind in kinds_of.items()]
    columns = {"_batch": "VARCHAR", "_row": "BIGINT"} | {f.name: f.sql_type for f in fields} | {f.text: "VARCHAR" for f in fields if f.text}
    rows = [{"_batch": b, "_row": n, **row} for b, entry in batches(case) for n, row in enumerate(rows_of(entry), 1)]
    make_table(con, "data", columns, rows)
    relations = case.get("relations", {})
    for name, held in relations.items():
        listed = [dict(zip(held, row, strict=True)) for row in zip(*held.values(), strict=True)]
        make_table(con, name, dict.fromkeys(held, "VARCHAR"), listed)
    kwargs = yaml.safe_dump(case["kwargs"], default_flow_style=True, allow_unicode=True, width=10_000).strip()
    plan = compile_suite(suite_of((type_, kwargs)), fields, codes=codes, as_of=case.get("as_of") or date(2026, 11, 25))
    absent = {b: entry["lacks"] for b, entry in batches(case) if "lacks" in entry}
    here = [b for b, _ in batches(case) if b not in absent]
    verdicts = plan.run(con, "data", absent=absent, batches=here, relations={name: name for name in relations})
    told = {r.batch: (r.outcome, r.unexpected or 0) for r in verdicts.results}
    wrong = {b: (told[b], entry) for b, entry in batches(case) if told[b][0] != ("passed" if b.startswith("good") else "failed")}
    assert not wrong
    if "mostly" not in case["kwargs"]:
        assert not {b: t for b, t in told.items() if b.startswith("good") and t[1]}
    failing: dict[str, list[int]] = {}
    for batch, row in con.execute("SELECT _batch, _row FROM failing ORDER BY ALL").fetchall():
        failing.setdefault(batch, []).append(row)
    for batch, entry in batches(case):
        if batch.startswith("bad") and "breaks" in entry:
            assert failing.get(batch, []) == entry["breaks"], entry


def test_every_kind_has_its_edges() -> None:
    known, found = set(kinds()), cases()
    assert not set(found) - known, "edges of no kind"
    lacking = [t for t in kinds() if not any(case["good"] for case in found.get(t, [])) or not any(c["bad"] for c in found.get(t, []))]
    assert not lacking, f"kinds without edge cases under tests/rules/edges (see the top of {Path(__file__).name}): {', '.join(lacking)}"
