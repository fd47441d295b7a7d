"""The 25 rules: those of the register's own suite, compiled for us, and told to the others as plain JSON.

Belongs here: which rules, and what they are made of. Not here: how anybody else writes them (`by_hand`, `peers`).
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expectations.codes import CodeTables
    from expectations.compiler.plan import Field, Plan
    from expectations.suite import Suite

DATASET = "population_register"
RULES = (
    "id_present", "id_valid", "id_unique", "name_present", "name_no_digits", "name_no_lost_characters", "name_no_blank", "name_no_test",
    "sex_present", "sex_code", "sex_agrees_with_id", "ethnicity_code", "birth_present", "birth_parses", "birth_agrees_with_id",
    "birth_before_update", "relation_code", "hukou_division", "marital_code", "education_code", "no_death_date_if_alive",
    "death_after_birth", "police_station_form", "updated_plausible", "person_once",
)  # fmt: skip
#: What the rules read: the columns that every contender is given.
COLUMNS = (
    "id_number", "name", "sex", "ethnicity", "birth_date", "birth_date__text", "relation", "hukou_div", "hukou_address", "marital",
    "education", "dead", "death_date", "police_station", "updated_at",
)  # fmt: skip
AS_OF = date(2026, 11, 25)


def suite(rules: Sequence[str] = RULES) -> Suite:
    """The register's suite, narrowed down to some rules."""
    from assets.judging import suite_of
    from assets.project import Project

    project = Project.at()
    whole = suite_of(project, next(c for c in project.sources() if c.name == DATASET))
    assert whole is not None
    kept = tuple(r for r in whole.rules if r.id in rules)
    missing = set(rules) - {r.id for r in kept}
    if missing:
        sys.exit(f"{whole.name}: no rules {', '.join(sorted(missing))}. Bring benchmarks/rules/declared.py up to the suite.")
    return replace(whole, rules=kept)


@cache
def _against() -> tuple[tuple[Field, ...], CodeTables]:
    """The columns of the register, and the code tables."""
    from assets.judging import codes_of
    from assets.project import Project
    from expectations.compiler.plan import Field

    project = Project.at()
    contract = next(c for c in project.sources() if c.name == DATASET)
    fields = tuple(
        Field(c.name, c.logical_type, c.sql_type, None if c.logical_type == "string" else f"{c.name}__text")
        for c in contract.columns
        if c.name in COLUMNS
    )
    return fields, codes_of(project)


def compiled(held: Suite) -> Plan:
    """A suite over the columns of the register."""
    from expectations.compiler.plan import compile_suite

    fields, codes = _against()
    return compile_suite(held, fields, codes=codes, as_of=AS_OF)


def told() -> dict[str, Any]:
    """The rules as JSON: id, type, arguments with code tables resolved, and what only our own kinds know."""
    from assets.judging import codes_of
    from assets.project import Project
    from expectations import identity
    from expectations.compiler.rules.codes import division_codes

    tables = codes_of(Project.at())
    divisions = identity.Divisions.of(tables.get("division"))
    places = f"(?:{divisions.present}|{divisions.historical})"
    counties = division_codes(tables.get("division").rows, ("current", "private"), ("county",))
    rules = [{"id": r.id, "type": r.type, **json.loads(json.dumps(dict(r.kwargs), default=str))} for r in suite().rules]
    return {
        "rules": rules,
        "columns": list(COLUMNS),
        "today": AS_OF.strftime("%Y%m%d"),
        "resident_id": f"^{places}{identity.DATE}[0-9]{{3}}[0-9X]$",
        "check_characters": identity.RESIDENT_CHECK,
        "counties": list(counties),
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(told(), ensure_ascii=False, indent=1), encoding="utf-8")
