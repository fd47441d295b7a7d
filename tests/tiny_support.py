"""A project of one source and one model, and hand-overs for it. For the tests of several folders."""

from __future__ import annotations

import os
import time
from pathlib import Path

from assets.project import Project

SOURCE = """\
apiVersion: v3.1.0
kind: DataContract
id: pet
version: 1.0.0
status: active
description: {purpose: "犬只登记。 Dogs that are registered."}
team: {name: 城管局, description: City Management}
servers:
  - {server: landing, type: local, path: pet/*.csv, format: csv}
schema:
  - name: pet
    businessName: 犬只登记
    properties:
      - {name: tag, businessName: 犬牌, logicalType: string, required: true, primaryKey: true}
      - {name: born, businessName: 出生日期, logicalType: date, classification: "2"}
slaProperties:
  - {property: frequency, value: 1, unit: mo}
  - {property: latency, value: 10, unit: d}
customProperties:
  - property: delivery
    value: {mode: full, period: monthly, start: 2026-01, pattern: 'pet_(?P<period>[0-9]{6})\\.csv'}
"""
MODEL = """\
apiVersion: v3.1.0
kind: DataContract
id: animal
version: 1.0.0
status: active
description: {purpose: "动物。 Animals."}
team: {name: 数据局, description: Data Bureau}
schema:
  - name: animal
    businessName: 动物
    properties:
      - {name: tag, businessName: 犬牌, logicalType: string, required: true, primaryKey: true}
"""
SQL = "SELECT p.tag AS tag FROM std.pet AS p\n"
RULES = """\
name: pet
meta: {great_expectations_version: 1.24.1}
expectations:
  - type: expect_column_values_to_not_be_null
    kwargs: {column: tag}
    severity: critical
    meta:
      {id: tag_present, indicator: "0201", blocking: true, title: {zh: 犬牌必填, en: Tag is present}, remedy: {zh: 补录, en: Enter it}}
  - type: expect_column_values_to_not_be_null
    kwargs: {column: born}
    severity: warning
    meta: {id: born_present, indicator: "0201", title: {zh: 出生日期必填, en: The birth date is present}}
"""


MODEL_RULES = """\
name: animal
expectations:
  - type: expect_column_values_to_match_regex
    kwargs: {column: tag, regex: "^[A-Z]"}
    severity: critical
    meta: {id: tag_form, indicator: "0302", blocking: true, title: {zh: 犬牌格式, en: Form of the tag}, remedy: {zh: 更正, en: Correct it}}
"""
ABOVE = MODEL.replace("id: animal", "id: dogs").replace("name: animal", "name: dogs").replace("动物", "犬只专题")


def make_tiny(root: Path, rules: str = RULES, server: str = "", suited: bool = False, column: str = "", sql: str = SQL) -> Project:
    """A project of one source and one model that reads it; `suited`: the model has a suite, and a thematic table above it.

    `column` is a further column of the model, as its contract has it; `sql` the model's SELECT.
    """
    contract = SOURCE.replace("  - {server: landing, type: local, path: pet/*.csv, format: csv}", server) if server else SOURCE
    suite_and_above = {
        "expectations/suites/base/animal/animal.yaml": MODEL_RULES,
        "assets/thematic/city/dogs.odcs.yaml": ABOVE,
        "assets/thematic/city/dogs.sql": "SELECT a.tag AS tag FROM base.animal AS a\n",
    }
    for path, text in {
        **(suite_and_above if suited else {}),
        "assets/sources/city/pet.odcs.yaml": contract,
        "assets/base/animal/animal.odcs.yaml": MODEL + column,
        "assets/base/animal/animal.sql": sql,
        "expectations/suites/sources/city/pet.yaml": rules,
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return Project(root, root / "data")


def hand_over(project: Project, period: str, text: str) -> Path:
    """Put a hand-over of `pet` into the landing folder, long enough ago to be taken in."""
    path = project.landing / "pet" / f"pet_{period}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    past = time.time() - 60
    os.utime(path, (past, past))
    return path
