"""How many rules one table can bear: python -m benchmarks.rules.scale ROWS.parquet

Prints JSON: milliseconds to compile and plan 200 rules (with the SQL of every scan), and to compile and run 1,000 of them.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from expectations.suite import Suite

TEXTS = ("name", "sex", "ethnicity", "relation", "hukou_div", "hukou_address", "marital", "education", "dead", "police_station")


def many(count: int) -> Suite:
    """A suite of so many different rules over the register's texts, of the kinds that suites are mostly made of."""
    from benchmarks.rules.declared import suite

    base = suite(["name_present"])
    rules = []
    for n in range(count):
        column = TEXTS[n // 5 % len(TEXTS)]
        types: tuple[tuple[str, dict[str, Any]], ...] = (
            ("expect_column_values_to_not_be_null", {"mostly": 1 - n / 10_000}),
            ("expect_column_values_to_not_be_in_set", {"value_set": [f"~{n}", "test"]}),
            ("expect_column_values_to_not_match_regex", {"regex": f"~{n}|[*]{{2}}"}),
            ("expect_column_value_lengths_to_be_between", {"min_value": 1, "max_value": 60 + n}),
            ("expect_column_values_to_match_regex", {"regex": f"^(?:[^~]+|~{n})$"}),
        )
        kind, kwargs = types[n % 5]
        rules.append(replace(base.rules[0], id=f"r{n}", type=kind, kwargs={"column": column, **kwargs}))
    return replace(base, rules=tuple(rules))


def main() -> None:
    from benchmarks.rules.contenders import connection
    from benchmarks.rules.declared import compiled

    relation = f"read_parquet('{Path(sys.argv[1])}')"
    found: dict[str, float] = {}
    compiled(many(10)).sql(relation)  # what is loaded on first use is not the compiler's work
    for count in (200, 1000):
        held, best = many(count), 1e9
        for _ in range(3):
            began = time.process_time()
            plan = compiled(held)
            plan.sql(relation)
            best = min(best, time.process_time() - began)
        found[f"compile_{count}"] = 1000 * best
    began = time.perf_counter()
    verdicts = plan.run(connection(), relation)
    found["run_1000"] = time.perf_counter() - began
    found["judged_1000"] = sum(r.outcome != "not_assessable" for r in verdicts.results)
    found["rows"] = sum(verdicts.rows.values())
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
