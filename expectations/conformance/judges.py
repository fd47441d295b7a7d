"""The two judges of a case: Great Expectations itself, and the compiled suite on DuckDB, over one and the same table.

The table is made by Great Expectations' own helper for its cases (a pandas frame with the types that the case declares for
pandas); DuckDB gets the values of that frame, so neither judge sees data that the other does not.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.codes import CodeTables
from expectations.compiler.plan import Field, compile_suite
from expectations.conformance.cases import Case, Table
from expectations.documents import DocumentError
from expectations.standard import load_standard
from expectations.suite import load_suite

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

#: JSON of `ExpectationValidationResult`, or {"error": text} where a judge refuses to judge.
Verdict = dict[str, Any]
_IGNORED = ("catch_exceptions", "result_format")  # how to report, not what is meant
_SQL = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMP", "string": "VARCHAR"}


class Judge:
    """Great Expectations, imported once; `engine` is pandas, or sqlite for what it does not do on pandas."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import great_expectations as gx
            from great_expectations.self_check import util

            self._util = util
            self._context = gx.get_context(mode="ephemeral")
        logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
        self._frames: dict[str, pd.DataFrame] = {}

    def frame(self, table: Table) -> pd.DataFrame:
        """The table as the frame that Great Expectations makes of it. Raises `ValueError`."""
        if table.name not in self._frames:
            self._frames[table.name] = self._validator(table, "pandas").active_batch.data
        return self._frames[table.name].copy()

    def _validator(self, table: Table, engine: str, database: Path | None = None) -> Any:
        name = table.name if engine != "pandas" else None
        schemas = deepcopy({k: dict(v) for k, v in table.schemas.items()})
        data = deepcopy(dict(table.data))
        place = None if database is None else str(database)
        return self._util.get_test_validator_with_data(
            engine, data, schemas=schemas, table_name=name, sqlite_db_path=place, context=self._context
        )

    def judge(self, case: Case) -> tuple[str, Verdict] | None:
        """The engine that judged and what it said; None where no engine at hand is meant to run the case."""
        for engine in ("pandas", "sqlite"):
            if case.meant_for(engine):
                return engine, self._run(case, engine)
        return None

    def _run(self, case: Case, engine: str) -> Verdict:
        arguments = {"result_format": {"result_format": "COMPLETE"}}
        arguments |= {k: deepcopy(v) for k, v in case.kwargs.items() if k not in _IGNORED}
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("ignore")
            database = Path(folder) / "case.db" if engine != "pandas" else None
            validator, *_ = [self._validator(table, engine, database) for table in case.tables]
            validator.metrics_calculator.show_progress_bars = False
            try:
                with redirect_stderr(StringIO()):  # some of its classes draw progress bars whatever they are told
                    result = getattr(validator, case.type)(**arguments).to_json_dict()
            except Exception as error:  # whatever it raises is its verdict
                return {"error": f"{type(error).__name__}: {error}"}
        about = result["exception_info"]
        raised = [about] if "raised_exception" in about else list(about.values())
        if any(r["raised_exception"] for r in raised):
            return {"error": "\n".join(str(r["exception_traceback"]) for r in raised)}
        return result


#: Words in the type names of any engine, for columns without a value.
_WORDS = {"int": "integer", "num": "number", "float": "number", "double": "number", "real": "number", "bool": "boolean", "bit": "boolean"}
#: Narrower types of SQL that a case may declare for the engines that it is for.
_NARROWER = {"INTEGER": "INTEGER", "IntegerType": "INTEGER", "FLOAT": "FLOAT", "FloatType": "FLOAT", "REAL": "FLOAT"}


def fields_of(frame: pd.DataFrame, table: Table, engines: Sequence[str], untyped: str) -> tuple[Field, ...]:
    """The columns with the SQL types of a frame's; columns of several types, which no SQL type fits, are left out.

    A case for certain engines has the types that it declares for the first of them; a column that has neither values nor a
    declared type is `untyped`.
    """
    declared: Mapping[str, str] = next((table.schemas[e] for e in engines if e in table.schemas), {})
    found = []
    for name in map(str, frame.columns):
        kind = _kind(table, name, frame[name], untyped)
        if kind is not None:
            narrower = _NARROWER.get(declared.get(name, "")) if kind in ("integer", "number") else None
            found.append(Field(name, kind, narrower or _SQL[kind], None))
    return tuple(found)


def _kind(table: Table, name: str, column: pd.Series, untyped: str) -> str | None:
    import datetime

    import pandas as pd

    dtype = str(column.dtype).lower()
    present = [v for v in column.tolist() if not pd.isna(v)]
    raw = {type(v) for v in table.data[name] if v is not None}
    if dtype.startswith("datetime64"):
        return "timestamp"
    if not present:
        declared = " ".join(schema.get(name, "") for schema in table.schemas.values()).lower()
        return next((kind for word, kind in _WORDS.items() if word in declared), untyped)
    if dtype == "bool" or dtype.startswith("int"):
        return "boolean" if dtype == "bool" else "integer"
    if dtype.startswith("float"):
        return "integer" if raw == {int} else "number"  # pandas has no whole numbers with nulls, SQL has
    types = {type(v) for v in present}
    simple = {str: "string", bool: "boolean", datetime.date: "date", int: "integer", float: "number"}
    return "number" if types == {int, float} else simple.get(types.pop()) if len(types) == 1 else None


class Ours:
    """Our verdict on a case: its suite loaded, compiled and run on a DuckDB table."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con, self.codes, self.standard = con, CodeTables(), load_standard()

    def judge(self, case: Case, frames: Mapping[str, pd.DataFrame]) -> Verdict | None:
        """What we say; an error says why the suite was refused, None that no table of SQL holds a column that the case names."""
        refused = ""
        for untyped in ("string", "number"):  # a column without values takes the type that the rule needs
            try:
                return self._judge(case, frames, untyped)
            except DocumentError as error:
                refused = refused or f"{error.found} {error.remedy}".strip()
        return {"error": refused}

    def _judge(self, case: Case, frames: Mapping[str, pd.DataFrame], untyped: str) -> Verdict | None:
        fields = [self._make(table, frames[table.name], case.only_for, untyped) for table in case.tables]
        main, kept = case.tables[0], {f.name for f in fields[0]}
        texts = json.dumps(case.kwargs, ensure_ascii=False)
        if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", texts) for name in main.data if name not in kept):
            return None
        others = {t.name: f'"{t.name}"' for t in case.tables}
        plan = compile_suite(self._suite(case), fields[0], codes=self.codes)
        return plan.run(self.con, f'"{main.name}"', batches=["b"], relations=others).results[0].to_gx()

    def _make(self, table: Table, frame: pd.DataFrame, engines: Sequence[str], untyped: str) -> tuple[Field, ...]:
        fields = fields_of(frame, table, engines, untyped)
        columns = ", ".join(f'"{f.name}" {f.sql_type}' for f in fields)
        self.con.execute(f'CREATE OR REPLACE TEMP TABLE "{table.name}" (_batch VARCHAR, _row BIGINT, {columns})')
        values = [[_cell(v, f) for v in frame[f.name].tolist()] for f in fields]
        rows = [["b", number, *cells] for number, cells in enumerate(zip(*values, strict=True))]
        if rows:
            self.con.executemany(f'INSERT INTO "{table.name}" VALUES ({", ".join("?" * (len(fields) + 2))})', rows)
        return fields

    def _suite(self, case: Case) -> Any:
        kwargs = {k: v for k, v in case.kwargs.items() if k not in _IGNORED}
        rule = {"type": case.type, "kwargs": kwargs, "meta": {"id": "r", "indicator": "0301"}}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "case.json"
            path.write_text(json.dumps({"name": "case", "expectations": [rule]}), encoding="utf-8")
            return load_suite(path, self.codes, self.standard)


def _cell(value: Any, field: Field) -> Any:
    import pandas as pd

    if pd.isna(value):
        return None
    if field.logical_type == "timestamp":
        return value.to_pydatetime()
    return int(value) if field.logical_type == "integer" else value
