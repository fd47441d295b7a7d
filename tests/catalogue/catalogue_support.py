"""A small contract with its `catalogue` property as given. For the tests of this folder only."""

from __future__ import annotations

from pathlib import Path

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
description: {{purpose: "{purpose}", limitations: 只到街道}}
team: {{name: "{department}", description: Department of {group}}}
servers: [{{server: landing, type: local, path: '{name}/*.csv', format: csv}}]
schema:
  - name: {name}
    businessName: "{title}"
    properties:
      - name: code
        physicalName: DM
        businessName: 代码
        logicalType: string
        required: true
        primaryKey: true
        classification: "1"
        logicalTypeOptions: {{maxLength: 18}}
      - {{name: opened, physicalName: KYRQ, businessName: "{column}", logicalType: date, classification: "1"}}
      - {{name: owner, physicalName: FR, businessName: 负责人, logicalType: string, classification: "3"}}
      - {{name: income, physicalName: SR, businessName: 收入, logicalType: number, physicalType: "DECIMAL(12, 2)", classification: "2"}}
slaProperties:
  - {{property: frequency, value: 1, unit: mo}}
  - {{property: latency, value: 10, unit: d}}
{ends}customProperties:
  - property: delivery
    value: {{mode: full, period: monthly, event: opened}}
  - property: catalogue
    value: {catalogue}
"""


def write_contract(
    root: Path,
    name: str,
    catalogue: str,
    group: str = "trade",
    *,
    title: str = "店铺",
    department: str = "商务厅",
    purpose: str = "店铺登记。 Shops.",
    column: str = "开业日期",
    ends: str = "",
) -> Path:
    path = root / "assets" / "sources" / group / f"{name}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"title": title, "department": department, "purpose": purpose, "column": column, "group": group}
    said["ends"] = f"  - {{property: endOfLife, value: {ends}}}\n" if ends else ""
    path.write_text(CONTRACT.format(name=name, catalogue=catalogue, **said), encoding="utf-8")
    return path
