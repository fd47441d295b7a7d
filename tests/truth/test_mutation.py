"""Spoiling clean rows: every rule kind can be broken by what its own test says, and what cannot is told apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml

from expectations.codes import CodeTables
from expectations.compiler.plan import Field, compile_suite
from expectations.compiler.rules import kinds
from expectations.documents import read_document
from expectations.standard import load_standard
from expectations.suite import load_suite
from pipelines.truth.copies import cast_rows, choose
from pipelines.truth.mutation import Finding, MutationReport, try_rules
from pipelines.truth.values import text_of

EDGES = Path(__file__).parents[1] / "rules" / "edges"
FIELDS = {"s": "string", "t": "string", "i": "integer", "x": "number", "d": "date", "e": "date", "f": "date", "w": "timestamp"}
SQL = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "timestamp": "TIMESTAMP", "boolean": "BOOLEAN"}
Try = Callable[..., list[Finding]]


@pytest.fixture
def mutated(tmp_path: Path) -> Try:
    """What comes of rules ((type, kwargs) pairs, named r0, r1, ...) on clean rows."""

    def run(
        rules: list[tuple[str, str]],
        rows: list[dict[str, Any]],
        columns: dict[str, str] | None = None,
        relations: dict[str, dict[str, list[Any]]] | None = None,
    ) -> list[Finding]:
        lines = ["name: tried", "expectations:"]
        for number, (type_, kwargs) in enumerate(rules):
            lines += [f"  - type: {type_}", f"    kwargs: {kwargs}", f'    meta: {{id: r{number}, indicator: "0301"}}']
        path = tmp_path / "tried.yaml"
        path.write_text("\n".join(lines), encoding="utf-8")
        codes = CodeTables()
        kinds_of = FIELDS | (columns or {})
        fields = [Field(name, kind, SQL[kind], None if kind == "string" else f"{name}__text") for name, kind in kinds_of.items()]
        plan = compile_suite(load_suite(path, codes, load_standard()), fields, codes=codes, as_of=date(2026, 11, 25))
        held = {name: [None if row.get(name) is None else text_of(row[name], kind) for row in rows] for name, kind in kinds_of.items()}
        texts = pa.table(
            {"_batch": ["good 0"] * len(rows), "_row": list(range(1, len(rows) + 1))}
            | {n: pa.array(v, pa.string()) for n, v in held.items()}
        )
        report = MutationReport()
        with duckdb.connect() as con:
            for name, listed in (relations or {}).items():
                held = {c: pa.array([None if v is None else str(v) for v in values], pa.string()) for c, values in listed.items()}
                con.register(name, pa.table(held))
            others = {name: name for name in relations or {}}
            copy = choose(con, "tried", plan, codes, lambda sql: cast_rows(plan, sql), texts, lambda _: others)
            assert copy is not None
            try_rules(copy, report)
        return report.findings

    return run


def clean_rows(cases: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]], dict[str, str], dict[str, Any]]:
    """Of the edges of a kind the case with the most good rows in one batch (rows that are a batch each count together)."""
    found: list[tuple[int, dict[str, Any], list[dict[str, Any]]]] = []
    for case in cases:
        alone = [entry for entry in case["good"] if "rows" not in entry and "lacks" not in entry]
        whole = [entry["rows"] for entry in case["good"] if "rows" in entry and "lacks" not in entry]
        batches = [[dict(zip(held, row, strict=True)) for row in zip_longest(*held.values())] for held in whole]
        if "history_batches" in case.get("relations", {}):  # which tells of the batch named "good 0"
            alone, batches = ([], batches[:1]) if "rows" in case["good"][0] else (alone[:1], [])
        found += [(len(rows), case, rows) for rows in [alone, *batches] if rows]
    _, case, rows = max(found, key=lambda f: f[0])
    kwargs = yaml.safe_dump(case["kwargs"], default_flow_style=True, allow_unicode=True, width=10_000).strip()
    held = [{k: v for k, v in row.items() if not k.endswith("__text")} for row in rows]
    return kwargs, held, case.get("columns", {}), case.get("relations", {})


CASES = {t: c for path in sorted(EDGES.glob("*.yaml")) for t, c in read_document(path).data.items()}


#: Whether these hold is decided by the contract's types, whatever the rows.
BY_DECLARATION = {"expect_column_type_to_be", "expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list"}


@pytest.mark.parametrize("type_", sorted((set(CASES) & set(kinds())) - BY_DECLARATION))
def test_every_kind_can_be_spoilt(mutated: Try, type_: str) -> None:
    kwargs, *held = clean_rows(CASES[type_])
    (finding,) = mutated([(type_, kwargs)], *held)
    assert finding.outcome == "alone", finding


def test_a_rule_that_implies_another_is_told_with_the_reason(mutated: Try) -> None:
    rules = [
        ("expect_column_values_to_parse", "{column: d}"),
        ("expect_column_values_to_not_be_null", "{column: d}"),
        ("expect_column_values_to_be_in_set", "{column: s, value_set: [a, b]}"),
    ]
    parses, present, listed = mutated(rules, [{"d": date(2024, 1, n), "s": "a"} for n in range(1, 5)])
    assert (parses.outcome, parses.others) == ("with_others", ("r1",))
    assert "implies r1" in parses.reason_en
    assert (present.outcome, listed.outcome) == ("alone", "alone")


def test_a_rule_that_cannot_fire_is_told(mutated: Try) -> None:
    absent, contrary, sound = mutated(
        [
            ("expect_column_values_to_not_be_null", "{column: nowhere}"),
            ("expect_table_row_count_to_equal", "{value: 7}"),
            ("expect_column_values_to_not_be_null", "{column: s}"),
        ],
        [{"s": "a"}, {"s": "b"}],
    )
    assert absent.outcome == contrary.outcome == "never"
    assert "no column nowhere" in absent.reason_en
    assert "does not pass on clean rows" in contrary.reason_en
    assert sound.outcome == "alone"
    assert not MutationReport([absent, sound]).ok


def test_what_other_rules_say_is_appeased(mutated: Try) -> None:
    """A second row with the key of another must differ in the other key, and its id must still agree with sex and birth."""
    rules = [
        ("expect_column_values_to_be_unique", "{column: s}"),
        ("expect_compound_columns_to_be_unique", "{column_list: [t, d], ignore_row_if: any_value_is_missing}"),
        ("expect_column_values_to_be_resident_id", "{column: s}"),
        ("expect_column_pair_resident_id_and_birth_date_to_agree", "{column_A: s, column_B: d}"),
    ]
    ids = ["219901199001010010", "219901200002290013", "219901189912310015"]
    rows = [{"s": s, "t": f"n{i}", "d": date(int(s[6:10]), int(s[10:12]), int(s[12:14]))} for i, s in enumerate(ids)]
    assert [f.outcome for f in mutated(rules, rows)] == ["alone"] * 4


def test_a_rule_that_allows_some_needs_as_many_spoilt_rows(mutated: Try) -> None:
    (finding,) = mutated([("expect_column_values_to_not_be_null", "{column: s, mostly: 0.75}")], [{"s": str(n)} for n in range(8)])
    assert (finding.outcome, finding.how) == ("alone", "s of 3 rows changed")


def test_the_same_is_found_each_time(mutated: Try) -> None:
    rules = [("expect_column_values_to_be_credit_code", "{column: s}"), ("expect_column_values_to_be_unique", "{column: s}")]
    rows = [{"s": "912199010000001660"}, {"s": "91219901000000043Y"}]
    assert mutated(rules, rows) == mutated(rules, rows)
