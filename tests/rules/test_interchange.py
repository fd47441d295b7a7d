"""To Great Expectations and from it: suites in both directions with no rule lost, results that it reads and renders."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.codes import CodeTables
from expectations.compiler.plan import Field, compile_suite
from expectations.compiler.rules import kinds
from expectations.compiler.verdicts import Verdicts
from expectations.interchange import suite_to_gx
from expectations.standard import Standard
from expectations.suite import Suite, load_suite

ROOT = Path(__file__).parents[2]
SUITES = sorted((ROOT / "expectations" / "suites").rglob("*.yaml"))
NOT_NULL = "expect_column_values_to_not_be_null"
FIELDS = (Field("s", "string", "VARCHAR", None), Field("i", "integer", "BIGINT", None))


@pytest.fixture
def data(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute("CREATE TABLE data AS SELECT 'b' AS _batch, i AS _row, nullif('x' || i % 3, 'x2') AS s, i % 5 AS i FROM range(20) r(i)")
    return con


@pytest.fixture
def fluent(gx_validate: Callable[..., Any], tmp_path: Path) -> Path:
    """A suite made with the fluent Python of Great Expectations and saved by its own store."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
        import great_expectations.expectations as gxe
        from great_expectations.expectations.row_conditions import Column

        suite = gx.ExpectationSuite(
            "fluent",
            expectations=[
                gxe.ExpectColumnValuesToNotBeNull(column="s", mostly=0.9, severity="warning", notes="a note", meta={"who": "a user"}),
                gxe.ExpectColumnValuesToBeBetween(column="i", min_value=1, max_value={"$PARAMETER": "top"}),  # type: ignore[arg-type]
                gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["x0"], row_condition=(Column("i") > 3) & Column("s").is_not_null()),
                gxe.ExpectColumnValuesToBeUnique(column="i", row_condition='col("s")=="x1"', condition_parser="great_expectations"),
                gxe.ExpectTableRowCountToBeBetween(min_value=30, description="at least thirty rows"),
                gxe.ExpectColumnValuesToMatchRegex(column="s", regex="x(?=[0-9])"),
                gxe.ExpectColumnMeanToBeBetween(column="i", min_value=1, max_value=3, strict_max=True),
                gxe.ExpectColumnKLDivergenceToBeLessThan(
                    column="s", partition_object={"values": ["x0", "x1"], "weights": [0.5, 0.5]}, threshold=0.1
                ),
            ],
        )
        suite.suite_parameters = {"top": 3}
        gx.get_context(mode="file", project_root_dir=str(tmp_path)).suites.add(suite)
    return next(tmp_path.rglob("fluent.json"))


def test_a_suite_of_great_expectations_is_taken_as_it_is(
    fluent: Path, codes: CodeTables, standard: Standard, data: duckdb.DuckDBPyConnection, gx_validate: Callable[..., Any]
) -> None:
    suite = load_suite(fluent, codes, standard)
    assert [r.type for r in suite.rules] == [e["type"] for e in json.loads(fluent.read_text(encoding="utf-8"))["expectations"]]
    assert suite.rules[0].severity == "warning"
    assert suite.rules[1].kwargs["max_value"] == 3
    assert suite.rules[4].title_en == "at least thirty rows"
    assert [r.indicator for r in suite.rules] == ["0201", "0301", "0105", "0304", "0202", "0302", "0301", "0301"]
    verdicts = compile_suite(suite, FIELDS, codes=codes).run(data, "data")
    assert [r.rule.type for r in verdicts.results if r.in_gx] == ["expect_column_values_to_match_regex"]  # RE2 has no look-ahead
    import great_expectations as gx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        frame = data.execute("SELECT s, i FROM data ORDER BY _row").df()
        batch = context.data_sources.pandas_default.read_dataframe(frame)
        theirs = batch.validate(suite_to_gx(suite))
    by_id = {r.expectation_config.meta["id"]: r for r in theirs.results}
    for result in verdicts.results:
        gx_result = by_id[result.rule.id]
        assert (result.outcome == "passed") is gx_result.success, result
        assert result.unexpected == gx_result.result.get("unexpected_count"), result


@pytest.mark.parametrize("path", SUITES, ids=lambda p: p.stem)
def test_our_suites_are_taken_whole(path: Path, codes: CodeTables, standard: Standard, gx_validate: Callable[..., Any]) -> None:
    """Through the object, and through the JSON that its store would keep: Great Expectations drops in silence what it does not know."""
    import great_expectations as gx

    ours = load_suite(path, codes, standard)
    made = suite_to_gx(ours)
    kept = gx.ExpectationSuite(**json.loads(json.dumps(made.to_json_dict())))
    assert [e.meta["id"] for e in kept.expectations if e.meta] == [r.id for r in ours.rules]


def test_what_great_expectations_would_drop_is_an_error(
    suite_of: Callable[..., Suite], gx_validate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = suite_of(("expect_column_values_to_be_resident_id", "{column: s}"), (NOT_NULL, "{column: s}"))
    monkeypatch.setattr("great_expectations.expectations.registry._registered_expectations", {NOT_NULL: _registered(NOT_NULL)})
    with pytest.raises(AssertionError, match="dropped r0"):
        suite_to_gx(suite)


def _registered(name: str) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    return get_expectation_impl(name)


def test_its_pages_take_our_results(
    suite_of: Callable[..., Suite], gx_validate: Callable[..., Any], judge: Callable[..., Verdicts]
) -> None:
    """Its renderer makes a page of rules of every form: passed, failed, not assessable, judged by itself."""
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema
    from great_expectations.render import RenderedDocumentContent
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    suite = suite_of(
        ("expect_column_values_to_not_be_null", "{column: s}"),
        ("expect_column_values_to_be_in_set", "{column: s, value_set: [a]}"),
        ("expect_column_values_to_be_in_set", "{column: s, value_set: [a], row_condition: 'i > 0', condition_parser: pandas}"),
        ("expect_compound_columns_to_be_unique", "{column_list: [s, t]}"),
        ("expect_column_pair_values_to_be_equal", "{column_A: s, column_B: t}"),
        ("expect_column_mean_to_be_between", "{column: i, max_value: 1}"),
        ("expect_table_columns_to_match_set", "{column_set: [s, nowhere]}"),
        ("expect_column_values_to_be_unique", "{column: nowhere}"),
        ("expect_column_values_to_be_resident_id", "{column: s}"),
    )
    verdicts = judge(suite, [{"s": "<b>", "t": "a", "i": 1}, {"s": "a", "t": "b", "i": 2}, {"s": None, "t": "b", "i": 3}])
    ours = verdicts.to_gx("b", suite.name)
    result = expectationSuiteValidationResultSchema.load(ours)
    for mine, theirs in zip(ours["results"], result.to_json_dict()["results"], strict=True):
        assert {k: theirs[k] for k in mine if k != "expectation_config"} == {k: mine[k] for k in mine if k != "expectation_config"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        page = ValidationResultsPageRenderer().render(result)
    assert isinstance(page, RenderedDocumentContent)
    text = json.dumps(page.to_json_dict(), ensure_ascii=False)
    assert all(f'"{r.rule.kwargs["column"]}"' in text for r in verdicts.results if "column" in r.rule.kwargs)
    assert {r.rule.type for r in verdicts.results} <= set(kinds())
