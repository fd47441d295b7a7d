"""What does not compile runs in Great Expectations on pandas, and is marked as such in its result.

Belongs here: reading rows for it, calling it, bringing its result into our form. Not here: which rules these are (`plan.py`).
Great Expectations and pandas are imported only here, and only where a suite has such a rule.

A batch of at most `AT_ONCE` rows is judged whole. A longer one is judged in chunks where Great Expectations' own class looks
at one row at a time (or a class of one's own says `row_by_row = True`): exact. Any other rule sees every k-th row, so many as
fit, and its result says so.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from expectations.compiler.duckdb import LISTED
from expectations.compiler.foreign import custom_folder
from expectations.compiler.forms import GxTest, Judgement
from expectations.compiler.listing import Breaches
from expectations.compiler.scans import quoted, text_of
from expectations.interchange import gx_configuration

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from expectations.compiler.plan import Compiled, Plan

#: Rows in memory at a time: pandas takes about 1 GB for a million rows of twenty columns, a tenth of that for a rule's own.
AT_ONCE = 500_000
#: Great Expectations' classes over rows whose verdict on a row needs other rows.
_NEIGHBOURS = ("unique", "increasing", "decreasing", "z_scores", "outliers")


@dataclass
class Outside:
    """What Great Expectations said: judgements by batch and rule, the first breaches with their values, and all failing rows."""

    judgements: dict[tuple[str, str], Judgement] = field(default_factory=dict)
    listed: dict[tuple[str, str], Breaches] = field(default_factory=dict)
    failing: list[tuple[str, int, str, bool]] = field(default_factory=list)

    def keep(self, con: duckdb.DuckDBPyConnection, table: str) -> str | None:
        """The failing rows as a temporary table, and the SELECT that gives them as parts of `failing` do; None without rows."""
        if not self.failing:
            return None
        import pyarrow as pa

        columns = list(zip(*self.failing, strict=True))
        names = ("_batch", "_row", "rule", "blocked")
        con.register(f"{table}__rows", pa.table(dict(zip(names, columns, strict=True))))
        con.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(table)} AS SELECT * FROM {quoted(f'{table}__rows')}")
        con.unregister(f"{table}__rows")
        return (
            'SELECT "_batch", "_row", list("rule" ORDER BY "rule") AS "_failed", bool_or("blocked") AS "_blocked" '
            f"FROM {quoted(table)} GROUP BY ALL"
        )


def judge(
    plan: Plan, con: duckdb.DuckDBPyConnection, relation: str, rows: Mapping[str, int], absent: Mapping[str, Collection[str]]
) -> Outside:
    """Judge the rules that do not compile; `rows` counts the rows of each batch, batches without rows are left out."""
    outside = Outside()
    rules = [c for c in plan.compiled if isinstance(c.test, GxTest)]
    if not rules:
        return outside
    for compiled in rules:
        for batch, count in rows.items():
            if count and not compiled.uses & set(absent.get(batch, ())):
                _judge(plan, con, relation, compiled, batch, count, outside)
    return outside


def _judge(plan: Plan, con: duckdb.DuckDBPyConnection, relation: str, compiled: Compiled, batch: str, count: int, outside: Outside) -> None:
    key = (batch, compiled.rule.id)
    results: list[dict[str, Any]] = []
    problem, step = "", 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expectation = _expectation(plan, compiled)
            if count > AT_ONCE and not _row_by_row(type(expectation)):
                step = -(-count // AT_ONCE)
            for frame in _frames(plan, con, relation, compiled, batch, step):
                results.append(_validate(expectation, frame))
                problem = problem or _raised(results[-1])
        except Exception as error:  # whatever its class makes of arguments and rows
            problem = repr(error)
    if problem:
        outside.judgements[key] = Judgement.cannot(*_refusal(problem))
        return
    judged = count if step == 1 else -(-count // step)
    outside.judgements[key] = _merged(expectation, results, judged, count, step)
    found = [pair for result in results for pair in _breaches(result["result"])]
    listed = [(row, value) for row, value in found if value is not _UNLISTED]
    outside.listed[key] = Breaches(tuple(value for _, value in listed), tuple(row for row, _ in listed))
    outside.failing += [(batch, row, compiled.rule.id, compiled.rule.blocking) for row, _ in found]


def _refusal(problem: str) -> tuple[str, str]:
    """What is said of a rule that raised: the names of the errors alone, for their messages may hold values."""
    names = ", ".join(dict.fromkeys(re.findall(r"\b\w+(?:Error|Exception)\b", problem))) or "error"
    return f"Great Expectations 不能评判（{names}）", f"Great Expectations could not judge it ({names})"


def _expectation(plan: Plan, compiled: Compiled) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    from expectations.custom import register

    register(custom_folder(plan.suite.path))
    configuration = gx_configuration(compiled.rule, plan.as_of)
    return get_expectation_impl(compiled.rule.type)(**configuration["kwargs"])


def _row_by_row(kind: type) -> bool:
    from great_expectations.expectations import core, expectation

    own = getattr(kind, "row_by_row", None)
    if own is not None:
        return bool(own)
    over_rows = (expectation.ColumnMapExpectation, expectation.ColumnPairMapExpectation, expectation.MulticolumnMapExpectation)
    named = str(getattr(kind, "expectation_type", ""))
    return issubclass(kind, over_rows) and kind.__module__.startswith(core.__name__) and not any(n in named for n in _NEIGHBOURS)


def _frames(plan: Plan, con: duckdb.DuckDBPyConnection, relation: str, compiled: Compiled, batch: str, step: int) -> Iterator[pd.DataFrame]:
    """The rows of a batch in order, the index their `_row`, with the columns that the rule uses (all, where it names none)."""
    names = [f.name for f in plan.fields if not compiled.uses or f.name in compiled.uses]
    names += [f.text for f in plan.fields if f.text and f.text in compiled.uses]
    every = f' QUALIFY (row_number() OVER (ORDER BY "_row") - 1) % {step} = 0' if step > 1 else ""
    columns = ", ".join(['"_row"', *map(quoted, names)])
    query = f'SELECT {columns} FROM {relation} WHERE "_batch" = {text_of(batch)}{every} ORDER BY "_row"'
    for part in con.execute(query).to_arrow_reader(AT_ONCE):
        yield _frame(part)


def _frame(part: pa.RecordBatch) -> pd.DataFrame:
    """Rows as pandas' own readers give them: whole numbers beside NULL are floats as long as these hold them exactly."""
    import pandas as pd
    import pyarrow as pa

    made = {}
    for name, column in zip(part.schema.names[1:], part.columns[1:], strict=True):
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        series = column.to_pandas()
        if pa.types.is_integer(column.type) and _beyond_floats(column):
            series = pd.Series(column.to_pylist(), dtype="Int64" if column.null_count else None)
        elif pa.types.is_temporal(column.type):
            series = pd.Series(pd.to_datetime(column.to_pandas(date_as_object=False)))
            low, high = pd.Timestamp.min, pd.Timestamp.max
            bare = series.dt.tz_localize(None)
            fits = ((bare > low) & (bare < high) | bare.isna()).all()
            series = series.dt.as_unit("ns" if fits else "us")
        elif column.null_count == len(column):
            series = pd.Series([None] * len(column), dtype=object)
        made[name] = pd.Series(series).set_axis(part.column(0).to_pylist())
    return pd.DataFrame(made, index=part.column(0).to_pylist())


def _beyond_floats(column: pa.Array) -> bool:
    """Whether a column has whole numbers that a float does not hold exactly."""
    import pyarrow.compute as pc

    ends = pc.min_max(column).as_py().values()
    return any(end is not None and abs(end) > 1 << 53 for end in ends)


@cache
def _data_asset() -> Any:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}  # type: ignore[assignment]
    return context.data_sources.add_pandas("rows").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")


def _validate(expectation: Any, frame: pd.DataFrame) -> dict[str, Any]:
    batch = _data_asset().get_batch(batch_parameters={"dataframe": frame})
    result: dict[str, Any] = batch.validate(expectation, result_format={"result_format": "COMPLETE"}).to_json_dict()
    return result


def _raised(result: Mapping[str, Any]) -> str:
    """What Great Expectations raised instead of judging; empty where it judged."""
    about = result["exception_info"]
    raised = [about] if "raised_exception" in about else list(about.values())
    return next((str(r["exception_traceback"] or "Exception") for r in raised if r["raised_exception"]), "")


_UNLISTED = object()


def _breaches(result: Mapping[str, Any]) -> list[tuple[int, Any]]:
    """The rows that break a rule over rows, the first of them with their values (it lists no more than 200)."""
    rows = result.get("unexpected_index_list") or ()
    values = list(result.get("unexpected_list") or ())[:LISTED]
    return [(row, values[n] if n < len(values) else _UNLISTED) for n, row in enumerate(rows)]


def _merged(expectation: Any, results: Sequence[Mapping[str, Any]], judged: int, count: int, step: int) -> Judgement:
    """One judgement of the results of a batch's chunks."""
    figures = [r["result"] for r in results]
    if "unexpected_count" not in figures[0] or "element_count" not in figures[0]:
        further = {k: v for k, v in figures[0].items() if k not in ("observed_value", "details")}
        inner = figures[0].get("details")
        judgement = Judgement.of(
            bool(results[0]["success"]),
            observed_value=figures[0].get("observed_value"),
            further=further,
            details=inner if isinstance(inner, dict) else {},
        )
        observed = judgement.observed_value
        plain = isinstance(observed, int | float)  # texts may be values that are masked elsewhere
        cause = (f"结果为 {observed}", f"it found {observed}") if plain else ("不符", "it does not hold")
    else:
        elements, unexpected = (sum(f[key] for f in figures) for key in ("element_count", "unexpected_count"))
        missing = sum(f.get("missing_count") or 0 for f in figures)
        considered = elements - missing
        enough = considered == 0 or (considered - unexpected) / considered >= float(getattr(expectation, "mostly", 1))
        judgement = Judgement.of(
            bool(results[0]["success"]) if len(results) == 1 else enough,
            elements=elements,
            missing=missing,
            unexpected=unexpected,
            ignores="missing_count" in figures[0],
        )
        cause = (f"{unexpected:,} 行不符", f"{unexpected:,} rows break it")
    zh, en = ("由 Great Expectations 在 pandas 上判定", "judged by Great Expectations on pandas")
    if step > 1:
        zh, en = f"{zh}，抽样 {judged:,} 行（共 {count:,} 行）", f"{en}, a sample of {judged:,} rows of {count:,}"
    if judgement.outcome == "failed" or judgement.unexpected:
        zh, en = f"{cause[0]}；{zh}", f"{cause[1]}, {en}"
    return replace(judgement, in_gx=(judged, count), note_zh=zh, note_en=en)
