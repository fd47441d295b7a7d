"""Rules on codes of national tables, industries by edition, and dates: the compiled twin of `national.industry` and `national.dates`."""

# ruff: noqa: E501, ISC004 - prose for people
from __future__ import annotations

from datetime import date, datetime
from typing import Any

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Constant, Expression, Today, call, choose
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope, printed
from expectations.compiler.rules.identity import BOTH_PRESENT, one_missing, whole_match
from expectations.compiler.rules.pairs import pair
from expectations.compiler.rules.values import over
from expectations.national import dates, industry

COLUMN = {"column": Argument("column", required=True)}
#: The code tables of national standards that a rule may name.
TABLES = ("sex", "marital", "ethnicity", "education", "relation", "currency", "industry_section", "credit_code_category")


def _code(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    table = scope.codes.get(arguments["code_table"])
    known = (*table.codes, *(table.dialect if arguments["dialect"] else ()))
    return over(arguments, column, call("not", call("in_set", printed(column, "column"), known)))


def _industry(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    pattern = industry.code_pattern(arguments["edition"], tuple(arguments["level"]))
    return over(arguments, column, call("not", whole_match(printed(column, "column"), pattern)))


def _section(arguments: Arguments, scope: Scope) -> RowTest:
    a, b = scope.column(arguments["column_A"]), scope.column(arguments["column_B"])
    code, of = printed(b, "column_B"), industry.sections(arguments["edition"])
    behind_letter = whole_match(call("slice", code, 1, 1), "[A-Z]")
    division = call("slice", code, choose((behind_letter, 2), otherwise=1), 2)
    section = call("look_up", division, tuple(of), tuple(of.values()))
    given = printed(a, "column_A")
    is_section = call("in_set", given, tuple(industry.SECTIONS))
    agrees = call("or", call("is_null", section), call("equal", section, given), call("not", is_section))
    return pair(arguments, a, b, call("or", one_missing(a, b), agrees))


def _plausible(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    if column.kind not in ("date", "timestamp"):
        raise ArgumentError("column", f"{column.name} is a {column.kind}, no date.", "Use it on a column of dates or times.")
    timed = column.kind == "timestamp"
    day: Expression = call("day_text", column) if timed else column

    def bound(name: str) -> Expression:
        value = arguments[name]
        if isinstance(value, dict):
            return Today(value["$today"], "text" if timed else "date")
        return Constant(plain(as_day(value, name)))

    def plain(value: date) -> Any:
        return dates.compact(value) if timed else value

    sentinels = tuple(plain(as_day(v, "sentinels")) for v in arguments["sentinels"])
    holds: Expression = call("and", call("less_equal", bound("min_value"), day), call("less_equal", day, bound("max_value")))
    if sentinels:
        holds = call("and", holds, call("not", call("in_set", day, sentinels)))
    if arguments["open_end"] is not None:
        holds = call("or", call("equal", day, bound("open_end")), holds)
    return over(arguments, column, call("not", holds))


def as_day(value: Any, argument: str) -> date:
    """A day of a suite. Raises `ArgumentError`."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ArgumentError(argument, f"{argument} {value!r}.", "Write a date: 2026-01-31.") from None


def _days(arguments: Arguments) -> None:
    values = [(name, arguments[name]) for name in ("min_value", "max_value", "open_end")] + [
        ("sentinels", v) for v in arguments["sentinels"]
    ]
    for name, value in values:
        if value is not None and not isinstance(value, dict):
            as_day(value, name)
    low, high = arguments["min_value"], arguments["max_value"]
    if not isinstance(low, dict) and not isinstance(high, dict) and as_day(low, "min_value") > as_day(high, "max_value"):
        raise ArgumentError("min_value", f"min_value {low} is after max_value {high}: the rule always fails.", "Change them over.")


KINDS = (
    Kind(
        "expect_column_values_to_be_national_code",
        {
            **COLUMN,
            "code_table": Argument("choice", required=True, words=TABLES),
            "dialect": Argument("flag", default=False),
            **MAP,
        },
        _code,
        (
            "是国家标准代码表中的代码：性别、婚姻、民族、学历、家庭关系等；dialect: true 时也接受部门常用写法（方言列，如“男”“汉”“未婚”）。民族 97、98 是行业扩展。",
            "A code of a national table: sex, marital state, ethnicity, education, relation and the like; with `dialect: true` also what departments write instead "
            "(男, 汉, 未婚). Ethnicity 97 and 98 are extensions of a trade standard.",
        ),
        (
            "{unexpected} 行的 {column} 不是国标代码：填了名称、旧代码，或被存成小数（{percent}）",
            "{unexpected} rows have a {column} that is no code of the standard: a name, an old code, or a code stored as a decimal ({percent})",
        ),
        "{column: education, code_table: education}",
        (
            "GB/T 2261.1-2003、GB/T 2261.2-2003、GB/T 3304-1991、GB/T 4658-2006、GB/T 4761、GB/T 12406、GB/T 4754、GB 32100-2015",
            "GB/T 2261.1-2003, GB/T 2261.2-2003, GB/T 3304-1991, GB/T 4658-2006, GB/T 4761, GB/T 12406, GB/T 4754, GB 32100-2015",
        ),
        ours=True,
    ),
    Kind(
        "expect_column_values_to_be_industry_code",
        {
            **COLUMN,
            "edition": Argument("choice", default="2017", words=industry.EDITIONS),
            "level": Argument("choices", default=("class",), words=industry.LEVELS),
            **MAP,
        },
        _industry,
        (
            "是某一版国民经济行业代码：门类为字母 A 至 T，大类 01 至 97（2011 版 96），中类三位，小类四位（大类须存在，后一两位只看形式）；数字前可有门类字母。",
            "A code of an edition of GB/T 4754: section A to T, division 01 to 97 (96 in 2011), group of three digits, class of four (the division must exist; of the rest only the form). "
            "The letter of the section may stand before the digits.",
        ),
        (
            "{unexpected} 行的 {column} 不是该版行业代码：少位（丢了前导零）、被存成小数，或大类不存在（{percent}）",
            "{unexpected} rows have a {column} that is no code of the edition: a leading zero lost, stored as a decimal, or no such division ({percent})",
        ),
        '{column: industry_class, edition: "2017", level: [class]}',
        (
            "GB/T 4754-2017；GB/T 4754-2011（大类数 H，中小类只看形式）",
            "GB/T 4754-2017; GB/T 4754-2011 (divisions H, groups and classes by form only)",
        ),
        ours=True,
    ),
    Kind(
        "expect_column_pair_industry_section_and_code_to_agree",
        {**BOTH_PRESENT, "edition": Argument("choice", default="2017", words=industry.EDITIONS)},
        _section,
        (
            "行业代码（B）的大类属于门类（A）；不是门类字母、大类不存在的不在此判。",
            "The division of the industry code (B) belongs to the section (A); what is no section, and a code without a known division, is not judged here.",
        ),
        (
            "{unexpected} 行的 {column_B} 不属于门类 {column_A}，或用了另一版的代码（{percent}）",
            "{unexpected} rows have a {column_B} of another section than {column_A}, or of another edition ({percent})",
        ),
        "{column_A: industry, column_B: industry_class}",
        ("GB/T 4754-2017；GB/T 4754-2011（门类与大类对应，M）", "GB/T 4754-2017; GB/T 4754-2011 (sections of divisions, M)"),
        ours=True,
    ),
    Kind(
        "expect_column_values_to_be_plausible_date",
        {
            **COLUMN,
            "min_value": Argument("value", default=dates.EARLIEST),
            "max_value": Argument("value", default={"$today": 0}),
            "sentinels": Argument("values", default=dates.SENTINELS),
            "open_end": Argument("value"),
            **MAP,
        },
        _plausible,
        (
            "日期可信：在 min_value（默认 1900-01-01）与 max_value（默认检查当日）之间，且不是占位日期（sentinels，默认 0001-01-01、1899-12-30、1899-12-31、1900-01-01、2099-12-31、9999-09-09、9999-12-31）。"
            "open_end 是“长期”的唯一写法，照样接受。",
            "A date that can be: between `min_value` (1900-01-01) and `max_value` (the day of the check), and no sentinel "
            "(0001-01-01, 1899-12-30, 1899-12-31, 1900-01-01, 2099-12-31, 9999-09-09, 9999-12-31 unless `sentinels` says otherwise). `open_end` is the one way to write “no end”, and is right.",
        ),
        (
            "{unexpected} 行的 {column} 过早、在将来，或是 1900-01-01、9999-9-9 之类的占位日期（{percent}）",
            "{unexpected} rows have a {column} too early, in the future, or one that stands for something else, as 1900-01-01 or 9999-9-9 ({percent})",
        ),
        "{column: term_to, max_value: 2090-12-31, open_end: 9999-12-31}",
        ("GB/T 7408.1-2023；GB/T 36344-2018 0501", "GB/T 7408.1-2023; GB/T 36344-2018 0501"),
        ours=True,
        check=_days,
    ),
)
