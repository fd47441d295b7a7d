"""A small project in a temporary folder: contracts, suites, and a lake filled by hand. For the tests of this folder only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from assets.lake import insert, open_lake, quote, transaction
from assets.project import Project

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
description: {{purpose: {title}}}
team: {{name: {department}, description: {department_en}}}
servers: [{{server: landing, type: local, path: '{name}/*.csv', format: csv}}]
schema:
  - name: {name}
    businessName: {title}
    properties: {properties}
    quality: {quality}
slaProperties: {sla}
customProperties:
  - property: delivery
    value: {delivery}
  - property: catalogue
    value: {{resourceCode: 101001/{order}, sharing: 2, open: false}}
"""


def contract(
    root: Path,
    name: str,
    columns: Sequence[tuple[str, str, str, str, int]],
    *,
    required: Sequence[str] = (),
    codes: Mapping[str, str] = {},
    sla: Sequence[Mapping[str, Any]] = (),
    quality: Sequence[Mapping[str, Any]] = (),
    group: str = "police",
    title: str = "登记",
    department: str = "公安厅",
    **delivery: Any,
) -> None:
    """Write a source contract; a column is (name, header, title, logical type, classification), the first one the key."""
    properties = [
        {"name": n, "physicalName": header, "businessName": zh or n, "logicalType": kind, "classification": str(level)}
        | ({"primaryKey": True, "primaryKeyPosition": 1} if i == 0 else {})
        | ({"required": True} if n in required else {})
        | ({"customProperties": [{"property": "codes", "value": codes[n]}]} if n in codes else {})
        for i, (n, header, zh, kind, level) in enumerate(columns)
    ]
    path = root / "assets" / "sources" / group / f"{name}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        CONTRACT.format(
            name=name,
            order=int.from_bytes(name.encode()),  # one of its own
            title=title,
            department=department,
            department_en=f"Department of {group}",
            properties=json.dumps(properties, ensure_ascii=False),
            quality=json.dumps(list(quality), ensure_ascii=False),
            sla=json.dumps(list(sla)),
            delivery=json.dumps({"mode": "full", "period": "monthly", "start": "2026-01"} | delivery),
        ),
        encoding="utf-8",
    )


def suite(root: Path, name: str, rules: Sequence[Mapping[str, Any]], *, group: str = "police") -> None:
    """Write a suite; a rule is {id, indicator, ...} with the defaults of a null check on its `column`."""
    nodes = [
        {
            "type": r.get("type", "expect_column_values_to_not_be_null"),
            "kwargs": r.get("kwargs") or ({"column": r["column"]} if "column" in r else {}),
            "severity": r.get("severity", "warning"),
            "meta": {
                "id": r["id"],
                "indicator": r["indicator"],
                "weight": r.get("weight", 1),
                "blocking": r.get("blocking", False),
                "title": {"zh": r.get("title", r["id"]), "en": f"{r['id']} holds"},
                "remedy": {"zh": r.get("remedy", "请更正"), "en": "Correct it"},
            },
        }
        for r in rules
    ]
    path = root / "expectations" / "suites" / "sources" / group / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"name": name, "expectations": nodes}, allow_unicode=True), encoding="utf-8")


def fill(project: Project, **tables: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows into evidence tables; columns that a row does not name are NULL."""
    with open_lake(project) as con, transaction(con, "run-1", "test"):
        for table, rows in tables.items():
            for names, alike in groupby(rows, key=tuple):
                insert(con, f"evidence.{quote(table)} ({', '.join(map(quote, names))})", [list(row.values()) for row in alike])


def raw(project: Project, dataset: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, schema: str = "raw") -> None:
    """Make `<schema>.<dataset>`; a row is (batch, row, *values)."""
    with open_lake(project) as con, transaction(con, "run-1", "test"):
        declared = ", ".join(f"{quote(c)} VARCHAR" for c in columns)
        con.execute(f"CREATE TABLE {quote(f'{schema}.{dataset}')} (_batch VARCHAR, _row BIGINT, {declared}, _extra VARCHAR)")
        insert(con, quote(f"{schema}.{dataset}"), [[*row, None] for row in rows])


def batch(dataset: str, name: str, *, unit: str = "", period: str = "202610", rows: int = 10, **more: Any) -> dict[str, Any]:
    """A standardised batch's row of evidence."""
    return {
        "batch": name,
        "dataset": dataset,
        "department": "police",
        "unit": unit,
        "period": period,
        "partition_key": f"{period[:4]}-{period[4:6]}-{period[6:8] or '01'}",
        "source": f"{name}.csv",
        "records": rows,
        "rows_raw": rows,
        "rows_rejected": 0,
        "rows_std": rows,
        "rows_quarantine": 0,
        "received_at": datetime(2026, 11, 1, 9),
        "collected_at": datetime(2026, 11, 1, 10),
        "status": "standardised",
        "run_id": "run-1",
    } | more


def result(
    dataset: str,
    of: str,
    rule: str,
    elements: int | None,
    unexpected: int | None,
    *,
    missing: int = 0,
    outcome: str = "",
    examples: Sequence[Any] = (),
    **more: Any,
) -> dict[str, Any]:
    """One result; `outcome` follows from `unexpected` unless given."""
    return {
        "run_id": "run-1",
        "batch": of,
        "dataset": dataset,
        "rule": rule,
        "elements": elements,
        "missing": missing,
        "unexpected": unexpected,
        "outcome": outcome or ("failed" if unexpected else "passed"),
        "result": json.dumps({"success": not unexpected, "result": {"partial_unexpected_list": list(examples)}}, ensure_ascii=False),
        "checked_at": datetime(2026, 11, 1, 11),
    } | more
