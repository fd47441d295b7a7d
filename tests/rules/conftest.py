"""Great Expectations as the judge, and small relations: what every test of rules needs."""

# ruff: noqa: E501 - tables read better in one line
from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.lake import insert
from expectations.codes import CodeTables
from expectations.compiler.plan import Field, compile_suite
from expectations.compiler.verdicts import Verdicts
from expectations.standard import Standard, load_standard
from expectations.suite import Suite, load_suite


@pytest.fixture(scope="session")
def codes() -> CodeTables:
    return CodeTables()


@pytest.fixture(scope="session")
def standard() -> Standard:
    return load_standard()


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def suite_of(tmp_path: Path, codes: CodeTables, standard: Standard) -> Callable[..., Suite]:
    """A suite from (type, kwargs as YAML, extra meta as YAML) triples; rules are named r0, r1, ..."""

    def make(*rules: tuple[str, ...]) -> Suite:
        lines = ["name: tried", "meta: {great_expectations_version: 1.24.1}", "expectations:"]
        for number, (type_, kwargs, *more) in enumerate(rules):
            extra = f", {more[0]}" if more else ""
            lines += [f"  - type: {type_}", f"    kwargs: {kwargs}", f'    meta: {{id: r{number}, indicator: "0301"{extra}}}']
        path = tmp_path / "tried.yaml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return load_suite(path, codes, standard)

    return make


FIELDS = (
    Field("s", "string", "VARCHAR", None),
    Field("t", "string", "VARCHAR", None),
    Field("i", "integer", "BIGINT", "i__text"),
    Field("x", "number", "DOUBLE", "x__text"),
    Field("d", "date", "DATE", "d__text"),
    Field("e", "date", "DATE", "e__text"),
    Field("f", "date", "DATE", None),
    Field("w", "timestamp", "TIMESTAMP", "w__text"),
)
COLUMNS = "_batch VARCHAR, _row BIGINT, s VARCHAR, t VARCHAR, i BIGINT, x DOUBLE, d DATE, e DATE, f DATE, w TIMESTAMP, i__text VARCHAR, x__text VARCHAR, d__text VARCHAR, e__text VARCHAR, w__text VARCHAR"


def fill(con: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    """Make the table `data` with rows of batch b (unless they say otherwise), numbered from 1."""
    kinds = dict(c.split() for c in COLUMNS.split(", "))
    con.execute(f"CREATE OR REPLACE TABLE data ({COLUMNS})")
    whole = [{"_batch": "b", "_row": n, **row} for n, row in enumerate(rows, 1)]
    texts = {name for name, kind in kinds.items() if kind == "VARCHAR"}
    values = [[str(v) if (v := row.get(name)) is not None and name in texts else v for name in kinds] for row in whole]
    insert(con, "data", values)


@pytest.fixture
def judge(con: duckdb.DuckDBPyConnection, codes: CodeTables) -> Callable[..., Verdicts]:
    """Ours: the verdicts of a suite over rows."""

    def run(suite: Suite, rows: list[dict[str, Any]], fields: tuple[Field, ...] = FIELDS, **options: Any) -> Verdicts:
        fill(con, rows)
        return compile_suite(suite, fields, codes=codes).run(con, "data", **options)

    return run


@pytest.fixture(scope="session")
def gx_validate() -> Callable[..., list[dict[str, Any]]]:
    """Great Expectations on pandas: its results for a suite over the table `data` (in the order of `_row`)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx

        from expectations.interchange import suite_to_gx

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("asset")
        whole = asset.add_batch_definition_whole_dataframe("whole")

    def validate(suite: Suite, con: duckdb.DuckDBPyConnection, form: Any = "SUMMARY") -> list[dict[str, Any]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = con.execute("SELECT * FROM data ORDER BY _row").df()
            for name, kind in {"d": "datetime64[ns]", "e": "datetime64[ns]", "w": "datetime64[ns]", "i": "float64", "x": "float64"}.items():
                frame[name] = frame[name].astype(object).where(frame[name].notna(), None).astype(kind)
            frame["f"] = [row[0] for row in con.execute("SELECT f FROM data ORDER BY _row").fetchall()]  # as date objects
            for name in ("s", "t"):
                frame[name] = frame[name].astype("str") if frame[name].notna().any() else frame[name].astype(object)
            batch = whole.get_batch(batch_parameters={"dataframe": frame})
            result = batch.validate(suite_to_gx(suite), result_format={"result_format": form} if isinstance(form, str) else form)
        raised = [r for r in result.results if r.exception_info.get("raised_exception") is not False]
        if raised:
            raise AssertionError(
                "\n".join(f"{r.expectation_config.type} {r.expectation_config.kwargs} {str(r.exception_info)[-90:]}" for r in raised)
            )
        by_rule = {r.expectation_config.meta["id"]: {"success": r.success, **r.result} for r in result.results}  # it changes the order
        return [by_rule[rule.id] for rule in suite.rules]

    return validate
