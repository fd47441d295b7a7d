"""Rules on the columns of a batch. They look at names only, so an absent column makes them fail, never unassessable."""

# ruff: noqa: ARG001 - every kind compiles by the same signature
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from expectations.compiler.forms import ColumnsTest, FigureTest, Found, Judgement, Measure, Other, OverRows, RowTest, Test, between
from expectations.compiler.ir import Column, Expression, call
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope, some_bound
from expectations.compiler.queries import QueryError, read_query
from expectations.compiler.rules.declared import Bounds, QueryTest
from expectations.compiler.writing import BATCH, Writer, count, select
from expectations.documents import near

_CAUSE = ("列不符：{observed}", "the columns differ: {observed}")


def _set(arguments: Arguments, scope: Scope) -> ColumnsTest:
    return ColumnsTest(tuple(dict.fromkeys(arguments["column_set"])), arguments["exact_match"], "set")


def _list(arguments: Arguments, scope: Scope) -> ColumnsTest:
    return ColumnsTest(tuple(arguments["column_list"]), True, "list")


def _exists(arguments: Arguments, scope: Scope) -> ColumnsTest:
    return ColumnsTest((arguments["column"],), False, "exist", arguments["column_index"])


@dataclass(frozen=True)
class ColumnCountTest(Test):
    """The batch has between so many and so many columns."""

    low: int | None
    high: int | None

    def judge(self, found: Found) -> Judgement:
        columns = len(found.columns)
        return Judgement.of(between(columns, self.low, self.high), observed_value=columns)


@dataclass(frozen=True)
class SameCountTest(FigureTest):
    """The batch has as many rows (of `condition`) as another relation."""

    other: Other
    condition: Expression | None

    def statement(self, write: Writer) -> exp.Query:
        other = exp.select(count()).from_(write.other(self.other.name))
        return select(BATCH, other=exp.Subquery(this=other)).from_(write.layers().table()).group_by(1)

    def measures(self) -> tuple[Measure, ...]:
        return () if self.condition is None else (Measure("count", None, self.condition),)

    def judge(self, found: Found) -> Judgement:
        if found.rows == 0:
            return Judgement.cannot("批次没有行", "the batch has no rows")
        rows = found.rows if self.condition is None else found.measure(Measure("count", None, self.condition)) or 0
        observed = {"self": rows, "other": found.figures["other"]}
        return Judgement.of(observed["self"] == observed["other"], observed_value=observed)


@dataclass(frozen=True)
class TypeTest(Test):
    """The column's type, which the dataset declares, goes by one of the names wanted (None: any)."""

    column: Column
    sql_type: str
    wanted: tuple[str, ...] | None

    def judge(self, found: Found) -> Judgement:  # noqa: ARG002 - whatever the data
        passed = self.wanted is None or any(w.casefold() in _names(self.sql_type) for w in self.wanted)
        in_pandas = all(w.islower() or w == "O" for w in self.wanted or ("",))
        return Judgement.of(passed, observed_value=_IN_PANDAS.get(self.sql_type, self.sql_type) if in_pandas else self.sql_type)


@dataclass(frozen=True)
class TextsTest(OverRows):
    """Each value of a column of texts is one: no row breaks it."""

    ignored: Expression | None
    condition: Expression | None
    shown: tuple[str, ...]
    shape: Literal["value", "pair", "record"] = "value"

    def unexpected_in(self, found: Found) -> int:  # noqa: ARG002 - whatever the data
        return 0


#: What a type of SQL is called elsewhere: in other SQL, in pandas and numpy, in Spark.
_TYPES = {
    "VARCHAR": "TEXT STRING CHAR str object object_ O StringType",
    "BIGINT": "INT8 LONG int int64 LongType",
    "INTEGER": "INT INT4 int32 IntegerType",
    "SMALLINT": "INT2 int16 ShortType",
    "DOUBLE": "FLOAT8 DOUBLE_PRECISION float float64 DoubleType",
    "FLOAT": "REAL FLOAT4 float32 FloatType",
    "DECIMAL": "NUMERIC DecimalType",
    "BOOLEAN": "BOOL bool_ BIT BooleanType",
    "DATE": "DateType",
    "TIMESTAMP": "DATETIME datetime64 datetime64[ns] TimestampType",
}


_OBJECTS = ("object", "object_")
_IN_PANDAS = {
    "BIGINT": "int64",
    "INTEGER": "int32",
    "DOUBLE": "float64",
    "BOOLEAN": "bool",
    "TIMESTAMP": "datetime64",
    "VARCHAR": "object_",
}


def _names(sql_type: str) -> set[str]:
    plain = sql_type.split("(")[0].upper()
    return {n.casefold() for n in (sql_type, plain, *_TYPES.get(plain, "").split())}


def _values_of_type(arguments: Arguments, scope: Scope) -> TypeTest | TextsTest | RowTest:
    """The test of a column's type; of texts by a name of Python's, value by value, as Great Expectations looks at them."""
    test = _type(arguments, scope)
    by_value = test.sql_type == "VARCHAR" and test.wanted and all(w.islower() and w not in _OBJECTS for w in test.wanted)
    if not by_value:
        return test
    column = test.column
    missing, condition, shown = call("is_null", column), arguments["condition"], (column.name,)
    if any(w.casefold() in _names("VARCHAR") for w in test.wanted or ()):
        return TextsTest(missing, condition, shown)
    return RowTest(call("not", missing), missing, condition, shown)


def _type(arguments: Arguments, scope: Scope) -> TypeTest:
    wanted = arguments["type_list"] if "type_list" in arguments else [arguments["type_"]]
    sql_type = scope.sql_type(arguments["column"])
    known = {n for t in _TYPES for n in _names(t)} | _names(sql_type)
    for name in wanted or ():
        if name.split("(")[0].casefold() not in known and name.casefold() not in known:
            argument = "type_list" if "type_list" in arguments else "type_"
            raise ArgumentError(argument, f"{name!r} is the name of no type.", near(name, [*_TYPES, *" ".join(_TYPES.values()).split()]))
    return TypeTest(scope.column(arguments["column"]), sql_type, None if wanted is None else tuple(wanted))


def _column_count(arguments: Arguments, scope: Scope) -> ColumnCountTest:
    if "value" in arguments:
        return ColumnCountTest(arguments["value"], arguments["value"])
    return ColumnCountTest(arguments["min_value"], arguments["max_value"])


def _same_count(arguments: Arguments, scope: Scope) -> SameCountTest:
    return SameCountTest(Other(arguments["other_table_name"], ()), arguments["condition"])


def _unexpected_rows(arguments: Arguments, scope: Scope) -> QueryTest:
    reading = read_query(_counted(arguments["unexpected_rows_query"]))
    names = tuple(scope.column(n) for n in sorted(reading.names) if n in scope.names)
    return QueryTest(reading.text, names, Bounds(None, 0))


def _counted(query: str) -> str:
    return f"SELECT count(*) FROM ({query.replace('{batch}', '${table}').strip().rstrip(';')}\n) AS unexpected_rows"


def _reads(arguments: Arguments) -> None:
    query = arguments["unexpected_rows_query"]
    if isinstance(query, str):
        try:
            read_query(_counted(query))
        except QueryError as error:
            raise ArgumentError("unexpected_rows_query", f"line {error.line} of the query: {error.found}", error.remedy) from None


def _some(arguments: Arguments) -> None:
    if not arguments.get("column_set", arguments.get("column_list")):
        raise ArgumentError("column_set", "no column is named.", "Name the columns that must be there.")


_CONDITION = {k: MAP[k] for k in ("row_condition", "condition_parser")}
_COUNT_CAUSE = ("共 {observed} 列，超出应有范围", "{observed} columns, out of range")
_TYPE_CAUSE = ("{column} 的类型不是所要求的", "{column} is not of the type wanted")

KINDS = (
    Kind(
        "expect_table_columns_to_match_set",
        {"column_set": Argument("columns", required=True), "exact_match": Argument("flag", default=True)},
        _set,
        ("批次的列正是这些（exact_match: false 时可以更多）。", "The batch has these columns (with exact_match: false, others too)."),
        _CAUSE,
        "{column_set: [id_number, name], exact_match: false}",
        check=_some,
    ),
    Kind(
        "expect_table_columns_to_match_ordered_list",
        {"column_list": Argument("columns", required=True)},
        _list,
        ("批次的列正是这些，次序也同。", "The batch has exactly these columns, in this order."),
        _CAUSE,
        "{column_list: [city, ts, pm25]}",
        check=_some,
    ),
    Kind(
        "expect_column_to_exist",
        {"column": Argument("column", required=True), "column_index": Argument("count")},
        _exists,
        ("批次有这一列。", "The batch has this column."),
        ("缺列 {column}", "the column {column} is missing"),
        "{column: id_number}",
    ),
    Kind(
        "expect_table_column_count_to_be_between",
        {"min_value": Argument("count"), "max_value": Argument("count")},
        _column_count,
        ("批次的列数在两界之间。", "The batch has between so many and so many columns."),
        _COUNT_CAUSE,
        "{min_value: 5, max_value: 40}",
        check=some_bound,
    ),
    Kind(
        "expect_table_column_count_to_equal",
        {"value": Argument("count", required=True)},
        _column_count,
        ("批次的列数等于给定值。", "The batch has exactly so many columns."),
        _COUNT_CAUSE,
        "{value: 12}",
    ),
    Kind(
        "expect_table_row_count_to_equal_other_table",
        {"other_table_name": Argument("text", required=True), **_CONDITION},
        _same_count,
        ("批次的行数等于另一数据集的行数。", "The batch has as many rows as another dataset."),
        ("行数与另一数据集不同：{observed}", "another number of rows than the other dataset: {observed}"),
        "{other_table_name: enterprises}",
    ),
    Kind(
        "unexpected_rows_expectation",
        {"unexpected_rows_query": Argument("text", required=True)},
        _unexpected_rows,
        (
            "给定的查询（{batch} 代表本批次，只读）没有一行结果。",
            "A query of one's own ({batch} is the batch, reading only) gives no row.",
        ),
        ("查询得出 {observed} 行", "the query gives {observed} rows"),
        "{unexpected_rows_query: 'SELECT * FROM {batch} WHERE paid > due'}",
        check=_reads,
    ),
    Kind(
        "expect_column_values_to_be_of_type",
        {"column": Argument("column", required=True), "type_": Argument("text", required=True), **MAP},
        _values_of_type,
        ("该列的类型如所列（SQL、pandas 或 Spark 的名称）。", "The column has the type, by its name in SQL, pandas or Spark."),
        _TYPE_CAUSE,
        "{column: birth_date, type_: DATE}",
    ),
    Kind(
        "expect_column_values_to_be_in_type_list",
        {"column": Argument("column", required=True), "type_list": Argument("texts"), **MAP},
        _values_of_type,
        ("该列的类型是所列之一。", "The column has one of the types."),
        _TYPE_CAUSE,
        "{column: amount, type_list: [BIGINT, DECIMAL, DOUBLE]}",
    ),
    Kind(
        "expect_column_type_to_be",
        {"column": Argument("column", required=True), "type_": Argument("text", required=True)},
        _type,
        ("该列的类型如所列（SQL、pandas 或 Spark 的名称）。", "The column has the type, by its name in SQL, pandas or Spark."),
        _TYPE_CAUSE,
        "{column: birth_date, type_: DATE}",
    ),
)
