"""Rules that declarations of a contract come to, where Great Expectations has none: counts with any bound, SQL, and open columns.

The figures of the first two are of the whole batch, so the batch is their one element.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from expectations.compiler.forms import FigureTest, Found, Judgement, KeyTest, Measure, RowTest, Scalar, Test, between
from expectations.compiler.ir import Expression, call
from expectations.compiler.kinds import BOUNDS, MAP, TEXTS, Argument, ArgumentError, Arguments, Kind, Scope, column_of, printed, some_bound
from expectations.compiler.patterns import translate
from expectations.compiler.queries import TABLE, QueryError, read_query
from expectations.compiler.rules.values import value_set
from expectations.compiler.writing import BATCH, column, count, function, named, select, table

if TYPE_CHECKING:
    from sqlglot import exp

    from expectations.compiler.writing import Writer

METRICS = ("null_values", "missing_values", "invalid_values", "duplicate_values", "row_count")


@dataclass(frozen=True)
class Bounds:
    """Bounds of a figure; `outside`: it must not lie between them."""

    low: Scalar
    high: Scalar
    strict_low: bool = False
    strict_high: bool = False
    outside: bool = False

    @classmethod
    def of(cls, arguments: Arguments) -> Bounds:
        a = arguments
        return cls(a["min_value"], a["max_value"], a["strict_min"], a["strict_max"], a["outside"])

    def judge(self, observed: Any) -> Judgement:
        inside = between(observed, self.low, self.high, self.strict_low, self.strict_high)
        return Judgement.of(inside is not self.outside, observed_value=observed)


def _of_rows(found: Found, figure: int, percent: bool) -> float | int | None:
    if not percent:
        return figure
    return 100 * figure / found.rows if found.rows else None


@dataclass(frozen=True)
class CountTest(Test):
    """So many rows (`percent`: of a hundred) are as `condition` says; None counts every row."""

    condition: Expression | None
    percent: bool
    bounds: Bounds

    def measures(self) -> tuple[Measure, ...]:
        return () if self.condition is None else (Measure("count", None, self.condition),)

    def judge(self, found: Found) -> Judgement:
        counted = found.rows if self.condition is None else found.measure(Measure("count", None, self.condition)) or 0
        figure = _of_rows(found, counted, self.percent)
        return Judgement.cannot("批次没有行", "the batch has no rows") if figure is None else self.bounds.judge(figure)


@dataclass(frozen=True)
class CopiesTest(FigureTest):
    """So many rows (`percent`: of a hundred) are extra copies of a key: of n equal ones n - 1."""

    key: KeyTest
    percent: bool
    bounds: Bounds

    def statement(self, write: Writer) -> exp.Query:
        extra = function("sum", column("__n")) - count()
        return select(BATCH, extra=extra).from_(named(self.key.statement(write), "k")).group_by(1)

    def judge(self, found: Found) -> Judgement:
        figure = _of_rows(found, int(found.figures.get("extra") or 0), self.percent)
        return Judgement.cannot("批次没有行", "the batch has no rows") if figure is None else self.bounds.judge(figure)


@dataclass(frozen=True)
class QueryTest(FigureTest):
    """The figure that a query gives over the rows of one batch."""

    query: str
    names: tuple[Expression, ...]
    bounds: Bounds = field(default_factory=lambda: Bounds(None, None))

    def statement(self, write: Writer) -> exp.Query:
        import sqlglot
        from sqlglot import exp

        tree = sqlglot.parse_one(self.query, read="duckdb")
        for place in list(tree.find_all(exp.Table)):
            if place.name.lower() == TABLE:
                rows = exp.select("*").from_(table(write.relation, "r")).where(column(BATCH, "r").eq(column(BATCH, "b")))
                place.replace(rows.subquery(place.args.get("alias") or exp.TableAlias(this=exp.to_identifier(TABLE))))
        batches = exp.select(column(BATCH)).distinct().from_(table(write.relation))
        value = exp.TryCast(this=exp.Subquery(this=tree), to=exp.DataType.build("DOUBLE"))
        return select(**{BATCH: column(BATCH, "b"), "figure": value}).from_(batches.subquery("b"))

    def judge(self, found: Found) -> Judgement:
        figure = found.figures.get("figure")
        if figure is None:
            return Judgement.cannot("查询没有给出数", "the query gave no number")
        return self.bounds.judge(int(figure) if float(figure).is_integer() and abs(figure) < 2**53 else figure)


def _metric(arguments: Arguments, scope: Scope) -> Test:
    bounds, percent, metric = Bounds.of(arguments), arguments["unit"] == "percent", arguments["metric"]
    if metric == "row_count":
        return CountTest(arguments["condition"], False, bounds)
    columns = tuple(scope.column(c) for c in arguments["column_list"])
    if metric == "duplicate_values":
        missing = call("and", *(call("is_null", c) for c in columns)) if len(columns) > 1 else call("is_null", columns[0])
        return CopiesTest(KeyTest(columns, missing, arguments["condition"], tuple(c.name for c in columns)), percent, bounds)
    (one,) = columns
    if metric == "invalid_values":
        good: list[Expression] = []
        if arguments["value_set"] is not None:
            good.append(call("in_set", one, value_set(arguments, one, scope)))
        if arguments["regex"] is not None:
            good.append(call("match", printed(one, "column_list"), translate(arguments["regex"])))
        counted: Expression = call("not", good[0] if len(good) == 1 else call("and", *good))
    else:
        counted = call("is_null", one)
        if metric == "missing_values" and arguments["value_set"]:
            words = call("in_set", scope.text(one.name), tuple(str(v) for v in arguments["value_set"] if v is not None))
            counted = call("or", counted, call("surely", words))
    condition = arguments["condition"]
    return CountTest(counted if condition is None else call("and", condition, counted), percent, bounds)


def _meant(arguments: Arguments) -> None:
    some_bound(arguments)
    metric, columns = arguments["metric"], arguments["column_list"]
    wanted = {"row_count": "no columns", "duplicate_values": "at least one column"}.get(metric, "one column")
    if (metric == "row_count") is bool(columns) or (len(columns) > 1 and metric != "duplicate_values"):
        raise ArgumentError("column_list", f"{metric} of {columns!r}.", f"Give it {wanted}.")
    if metric == "invalid_values" and arguments["value_set"] is None and arguments["regex"] is None:
        raise ArgumentError("metric", "invalid_values, and nothing says what is valid.", "Give it value_set or regex.")
    if metric == "row_count" and arguments["unit"] == "percent":
        raise ArgumentError("unit", "row_count in percent.", "Count rows.")


def _query(arguments: Arguments, scope: Scope) -> QueryTest:
    reading = read_query(arguments["query"])
    known = {n.lower(): n for n in scope.names}
    names = tuple(scope.column(known[n.lower()]) for n in sorted(reading.names) if n.lower() in known)
    return QueryTest(reading.text, names, Bounds.of(arguments))


def _guarded(arguments: Arguments) -> None:
    some_bound(arguments)
    try:
        read_query(arguments["query"])
    except QueryError as error:
        raise ArgumentError("query", f"line {error.line} of the query: {error.found}", error.remedy) from None


#: A resident id with a date that may be, not inside a longer run of letters and digits.
PERSON = "(?:^|[^0-9A-Za-z])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?:$|[^0-9A-Za-z])"


def _no_person(arguments: Arguments, scope: Scope) -> RowTest:
    columns = [column_of(c, scope, "column_list", TEXTS) for c in arguments["column_list"]]
    # Few texts are long enough, and to ask for the length costs a tenth of the search.
    shows = [call("choose", call("less", call("length", c), 18), False, call("match", c, translate(PERSON))) for c in columns]
    broken = [call("surely", s) for s in shows]
    return RowTest(call("or", *broken), None, arguments["condition"], tuple(c.name for c in columns), "record")


def _some_columns(arguments: Arguments) -> None:
    if len(arguments["column_list"]) < 2:
        found = f"column_list {arguments['column_list']!r}."
        raise ArgumentError("column_list", found, "Name two columns; for one, use expect_column_values_to_not_match_regex.")


OUTSIDE = {
    **{k: Argument("number", default=a.default) if a.shape == "value" else a for k, a in BOUNDS.items()},
    "outside": Argument("flag", default=False),
}
KINDS = (
    Kind(
        "expect_metric_to_be_between",
        {
            "metric": Argument("choice", required=True, words=METRICS),
            "column_list": Argument("columns", default=[]),
            "unit": Argument("choice", default="rows", words=("rows", "percent")),
            "value_set": Argument("values"),
            "regex": Argument("pattern"),
            **OUTSIDE,
            **{k: MAP[k] for k in ("row_condition", "condition_parser")},
        },
        _metric,
        (
            "计数（空值、缺失值、无效值、重复值、行数，按行数或百分比）在两界之间；outside: true 时不在其间；重复值只计多出的行。",
            "A count (null, missing, invalid or duplicate values, rows; in rows or percent) lies between two bounds; outside: not so.",
        ),
        ("{metric} 为 {observed}，不合要求", "{metric} is {observed}, not as wanted"),
        "{metric: null_values, column_list: [education], unit: percent, max_value: 5}",
        ("ODCS v3.1 quality: library", "ODCS v3.1 quality: library"),
        ours=True,
        check=_meant,
    ),
    Kind(
        "expect_query_to_return",
        {"query": Argument("text", required=True), "column_list": Argument("columns", default=[]), **OUTSIDE},
        _query,
        (
            "一条只读查询（${table} 是被查的批次）给出的数在两界之间。",
            "The figure of one reading query (${table}: the batch that is checked) lies between two bounds.",
        ),
        ("查询得 {observed}，不合要求", "the query gives {observed}, not as wanted"),
        '{query: "SELECT count(*) FROM ${table} WHERE death_date < birth_date", max_value: 0}',
        ("ODCS v3.1 quality: sql", "ODCS v3.1 quality: sql"),
        ours=True,
        check=_guarded,
    ),
    Kind(
        "expect_columns_to_show_no_resident_id",
        {"column_list": Argument("columns", required=True), **MAP},
        _no_person,
        (
            "这些文本列中没有一处写着公民身份号码（出生日期可能的18位）；契约为分级1、2的自由文本列要求它。",
            "Nowhere in these text columns stands a resident id; a contract calls for it where free text is of class 1 or 2.",
        ),
        (
            "{unexpected} 行在公开级的列中写有公民身份号码（{percent}）",
            "{unexpected} rows show a resident id in a column that is open ({percent})",
        ),
        "{column_list: [remark, address]}",
        ("GB/T 36344-2018 0106；GB/T 43697-2024", "GB/T 36344-2018 0106; GB/T 43697-2024"),
        ours=True,
        check=_some_columns,
    ),
)
