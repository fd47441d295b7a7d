"""Rules on ages, and on the years that numbers bear: the compiled twin of `expectations.national.ages`."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Column, Constant, Expression, Shared, call, choose
from expectations.compiler.kinds import DAYS, MAP, TEXTS, Argument, ArgumentError, Arguments, Kind, Scope, column_of, some_bound
from expectations.compiler.rules.identity import BOTH_PRESENT, one_missing, whole_match
from expectations.compiler.rules.pairs import pair
from expectations.national.ages import BORN, YEAR

_DATES = {"born": Argument("column", required=True), "day": Argument("column", required=True)}
_LAW = (
    "民法典第一千零四十七条等；公民身份号码第7至14位为出生日期（GB 11643）",
    "Civil Code art. 1047 and others; digits 7 to 14 of an id are the birth date (GB 11643)",
)


def _years(arguments: Arguments, scope: Scope) -> tuple[Column, Column, Expression]:
    """The columns, and the age between them; NULL where one is missing, or a text is no id."""
    born, on = column_of(arguments["born"], scope, "born", (*DAYS, *TEXTS)), column_of(arguments["day"], scope, "day", DAYS)
    first: Expression
    if born.kind == "string":
        first = choose((whole_match(born, BORN), call("whole", call("slice", born, 7, 8))), otherwise=None)
    else:
        first = call("day_number", born)
    start, end = Shared(first), Shared(call("day_number", on))
    years = choose((call("less", end, start), Constant(-1)), otherwise=call("quotient", call("subtract", end, start), 10000))
    return born, on, Shared(choose((call("not", call("or", call("is_null", start), call("is_null", end))), years), otherwise=None))


def _test(arguments: Arguments, columns: tuple[Column, ...], years: Expression, holds: Expression) -> RowTest:
    missing = call("or", *(call("is_null", c) for c in columns))
    broken = call("and", call("not", missing), call("not", call("is_null", years)), call("not", call("surely", holds)))
    return RowTest(broken, missing, arguments["condition"], tuple(c.name for c in columns), "record")


def _between(arguments: Arguments, scope: Scope) -> RowTest:
    born, on, years = _years(arguments, scope)
    bounds = []
    if arguments["min_value"] is not None:
        bounds.append(call("less_equal", arguments["min_value"], years))
    if arguments["max_value"] is not None:
        bounds.append(call("less_equal", years, arguments["max_value"]))
    holds = bounds[0] if len(bounds) == 1 else call("and", *bounds)
    return _test(arguments, (born, on), years, holds)


def _agrees(arguments: Arguments, scope: Scope) -> RowTest:
    born, on, years = _years(arguments, scope)
    age = column_of(arguments["column"], scope, "column", ("integer",))
    by = arguments["tolerance"]
    holds = call("and", call("less_equal", call("subtract", years, by), age), call("less_equal", age, call("add", years, by)))
    return _test(arguments, (age, born, on), years, holds)


def _year(arguments: Arguments, scope: Scope) -> RowTest:
    number, day = column_of(arguments["column_A"], scope, "column_A", TEXTS), column_of(arguments["column_B"], scope, "column_B", DAYS)
    bears = call("match", number, YEAR)
    written = call("whole", choose((bears, call("extract", number, YEAR, 1)), otherwise=None))
    agrees = call("equal", written, call("quotient", call("day_number", day), 10000))
    return pair(arguments, number, day, call("or", one_missing(number, day), call("not", bears), agrees))


def _whole(arguments: Arguments) -> None:
    some_bound(arguments)
    for name in ("min_value", "max_value"):
        if isinstance(arguments[name], float):
            raise ArgumentError(name, f"{name} {arguments[name]!r}: ages are whole years.", "Give a whole number.")


KINDS = (
    Kind(
        "expect_age_on_date_to_be_between",
        {**_DATES, "min_value": Argument("count"), "max_value": Argument("count"), **MAP},
        _between,
        (
            "在日期 day 那天，born（出生日期，或公民身份号码）满的周岁数在两界之间；day 早于出生也算不符。缺一个、或不是18位号码的不看。",
            "The age in whole years on the day `day` lies between two bounds; a day before birth breaks the rule too. `born` is a birth date or a resident id. Rows that lack one, or whose text is no id of 18 characters, are not judged.",
        ),
        (
            "{unexpected} 行在 {day} 那天的年龄（按 {born}）不在范围内（{percent}）",
            "{unexpected} rows have an age out of bounds on {day}, by {born} ({percent})",
        ),
        "{born: man_id, day: op_date, min_value: 22, max_value: 100}",
        _LAW,
        ours=True,
        check=_whole,
    ),
    Kind(
        "expect_column_age_to_agree_with_dates",
        {"column": Argument("column", required=True), **_DATES, "tolerance": Argument("count", default=0), **MAP},
        _agrees,
        (
            "年龄一列等于从 born（出生日期，或公民身份号码）到 day 满的周岁数，允许差 tolerance 岁（虚岁、未过生日：1）。",
            "A column of ages says the whole years from `born` (a birth date or a resident id) to `day`, give or take `tolerance` (1 where some count by calendar years).",
        ),
        (
            "{unexpected} 行的 {column} 与 {born}、{day} 不符（{percent}）",
            "{unexpected} rows have a {column} that does not follow from {born} and {day} ({percent})",
        ),
        "{column: age, born: birth_date, day: died_at, tolerance: 1}",
        _LAW,
        ours=True,
    ),
    Kind(
        "expect_column_pair_number_year_and_date_to_agree",
        BOTH_PRESENT,
        _year,
        (
            "证书字号、文号（A）中的年份是日期（B）所在的年份；号中没有年份（前后无数字的19xx、20xx）的不看。补录档案时把录入日期填作登记日期，即在此查出。",
            "The year in a number (A), such as that of a certificate or a document, is the year of the date (B); numbers that bear no year (19xx or 20xx with no digit beside it) are not judged. Finds archives whose day of typing stands for the day of the act.",
        ),
        (
            "{unexpected} 行 {column_A} 中的年份与 {column_B} 不符（{percent}）",
            "{unexpected} rows have a {column_A} of another year than {column_B} ({percent})",
        ),
        "{column_A: cert_no, column_B: op_date}",
        ("党政机关公文格式 GB/T 9704（文号含年份，M）", "GB/T 9704 (numbers of documents bear the year, M)"),
        ours=True,
    ),
)
