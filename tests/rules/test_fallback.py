"""What does not compile is judged by Great Expectations on pandas, marked; a user's own class works at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.lake import insert
from expectations.codes import CodeTables
from expectations.compiler import fallback
from expectations.compiler.plan import Field, Plan, compile_suite
from expectations.compiler.verdicts import Verdicts
from expectations.documents import DocumentError
from expectations.standard import Standard
from expectations.suite import load_suite

FIELDS = (Field("s", "string", "VARCHAR", None), Field("i", "integer", "BIGINT", None))
TABLE = "CREATE TABLE data (_batch VARCHAR, _row BIGINT, s VARCHAR, i BIGINT)"

PALINDROMES = """
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics import ColumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import column_condition_partial


class Palindromes(ColumnMapMetricProvider):
    condition_metric_name = "column_values.palindromes"

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column, **kwargs):
        return column.map(lambda v: v == v[::-1]).astype(bool)


class ExpectColumnValuesToBePalindromes(ColumnMapExpectation):
    map_metric = "column_values.palindromes"
"""


@pytest.fixture
def plan(tmp_path: Path, codes: CodeTables, standard: Standard) -> Callable[..., Plan]:
    """The plan of a suite of a project, from rules as YAML; they are named r0, r1, ..."""

    def make(*rules: str) -> Plan:
        path = tmp_path / "expectations" / "suites" / "tried.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = [f'  - {{{rule}, meta: {{id: r{n}, indicator: "0301", blocking: true}}}}' for n, rule in enumerate(rules)]
        path.write_text("\n".join(["name: tried", "expectations:", *text]), encoding="utf-8")
        return compile_suite(load_suite(path, codes, standard), FIELDS, codes=codes)

    return make


def run(plan: Plan, con: duckdb.DuckDBPyConnection, values: list[tuple[str | None, int | None]]) -> Verdicts:
    con.execute(TABLE)
    insert(con, "data", [["b", n, *row] for n, row in enumerate(values, 1)])
    return plan.run(con, "data")


def test_a_class_of_ones_own_is_judged_at_once(plan: Callable[..., Plan], tmp_path: Path, con: duckdb.DuckDBPyConnection) -> None:
    folder = tmp_path / "expectations" / "custom"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(PALINDROMES, encoding="utf-8")
    rule = "type: expect_column_values_to_be_palindromes, kwargs: {column: s, mostly: 0.5}"
    first = plan(rule, "type: expect_column_values_to_not_be_null, kwargs: {column: s}")
    verdicts = run(first, con, [("aba", 1), ("ab", 1), (None, 1), ("abc", 1), ("c", 1)])
    result = verdicts.result("r0")
    assert (result.outcome, result.elements, result.missing, result.unexpected) == ("passed", 5, 1, 2)
    assert result.partial_unexpected_list == ("ab", "abc")
    assert result.to_gx()["meta"]["in_gx"] == {"rows": 5, "of": 5}
    assert "由 Great Expectations 在 pandas 上判定" in result.note
    found = con.execute("SELECT _row, _failed, _blocked FROM failing ORDER BY _row").fetchall()
    assert found == [(2, ["r0"], True), (3, ["r1"], True), (4, ["r0"], True)]
    (folder / "mine.py").write_text(PALINDROMES + "\n# changed\n", encoding="utf-8")
    assert plan(rule).fingerprint != first.fingerprint


def test_an_unknown_type_is_refused_without_great_expectations(plan: Callable[..., Plan]) -> None:
    with pytest.raises(DocumentError, match=r"tried.yaml:3: unknown expectation type 'expect_column_values_to_be_palindromes'"):
        plan("type: expect_column_values_to_be_palindromes, kwargs: {column: s}")


def test_chunks_are_the_whole(plan: Callable[..., Plan], con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(
        "type: expect_column_values_to_be_in_set, kwargs: {column: i, value_set: [1], mostly: 0.7, "
        "row_condition: 's == \"a\"', condition_parser: pandas}"
    )
    rows: list[tuple[str | None, int | None]] = [("a", 1), ("a", 2), ("b", 2), ("a", None), ("a", 1), ("a", 1), (None, 3), ("a", 2)]
    whole = run(made, con, rows)
    failing = con.execute("SELECT * FROM failing ORDER BY _row").fetchall()
    monkeypatch.setattr(fallback, "AT_ONCE", 3)
    assert made.run(con, "data").results == whole.results
    assert con.execute("SELECT * FROM failing ORDER BY _row").fetchall() == failing
    assert (whole.results[0].outcome, whole.results[0].unexpected, [f[1] for f in failing]) == ("failed", 2, [2, 8])


def test_a_sample_says_so(plan: Callable[..., Plan], con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "AT_ONCE", 4)
    rule = "type: expect_column_values_to_be_unique, kwargs: {column: i, row_condition: 'i > 0', condition_parser: pandas}"
    result = run(plan(rule), con, [("a", n // 3 + 1) for n in range(9)]).results[0]
    assert (result.elements, result.unexpected, result.in_gx) == (3, 0, (3, 9))
    assert result.note.endswith("judged by Great Expectations on pandas, a sample of 3 rows of 9")


def test_what_great_expectations_cannot_judge_has_not_passed(plan: Callable[..., Plan], con: duckdb.DuckDBPyConnection) -> None:
    rule = "type: expect_column_values_to_not_be_null, kwargs: {column: s, row_condition: 'nowhere > 0', condition_parser: pandas}"
    result = run(plan(rule), con, [("a", 1)]).results[0]
    assert (result.outcome, result.to_gx()["success"]) == ("not_assessable", None)
    assert "Great Expectations could not judge it" in result.note


def test_great_expectations_is_left_alone_without_need() -> None:
    script = (
        "import sys, duckdb\nfrom pathlib import Path\nfrom expectations.codes import CodeTables\n"
        "from expectations.compiler.plan import Field, compile_suite\nfrom expectations.standard import load_standard\n"
        "from expectations.suite import load_suite\n"
        "suite = load_suite(Path('expectations/suites/sources/public_security/population_register.yaml'), CodeTables(), load_standard())\n"
        "con = duckdb.connect()\ncon.execute(\"CREATE TABLE t AS SELECT 'b' AS _batch, 1::BIGINT AS _row, 'x' AS name\")\n"
        "compile_suite(suite, [Field('name', 'string', 'VARCHAR', None)], codes=CodeTables()).run(con, 't')\n"
        "print([m for m in ('great_expectations', 'pandas') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_rows_come_to_pandas_as_they_are(con: duckdb.DuckDBPyConnection) -> None:
    reader = con.execute(
        "SELECT * FROM (VALUES (5, 1::BIGINT, DATE '1600-01-01', 'x', 1.5::DECIMAL(9, 2), NULL::VARCHAR, TRUE), "
        "(7, NULL, NULL, NULL, NULL, NULL, NULL)) v(r, i, d, s, m, nothing, b)"
    ).to_arrow_reader(10)
    frame = fallback._frame(next(iter(reader)))
    found: dict[str, Any] = {name: str(frame[name].dtype) for name in frame.columns}
    assert found == {"i": "float64", "d": "datetime64[us]", "s": "str", "m": "float64", "nothing": "object", "b": "object"}
    assert list(frame.index) == [5, 7]
    zoned = con.execute("SELECT 1 AS r, TIMESTAMPTZ '1600-01-01 00:00:00+08' AS z, TIMESTAMP '2020-01-01' AS w").to_arrow_reader(10)
    times = fallback._frame(next(iter(zoned)))
    assert [str(times[n].dtype).split(",")[0] for n in ("z", "w")] == ["datetime64[us", "datetime64[ns]"]
    large = con.execute("SELECT * FROM (VALUES (1, 9007199254740993, 1), (2, NULL, 2)) v(r, big, i)").to_arrow_reader(10)
    whole = fallback._frame(next(iter(large)))
    assert (str(whole["big"].dtype), whole["big"].iloc[0], str(whole["i"].dtype)) == ("Int64", 9007199254740993, "int32")
