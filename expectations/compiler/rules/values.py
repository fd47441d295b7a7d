"""Rules on the values of one column: presence, sets, ranges, patterns, lengths, and whether the text could be read.

Null handling is Great Expectations': a missing value breaks no rule but the one on presence.
"""

from __future__ import annotations

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Column, Constant, Expression, call
from expectations.compiler.kinds import BOUNDS, MAP, Argument, ArgumentError, Arguments, Kind, Scope, printed, some_bound
from expectations.compiler.patterns import translate

COLUMN = {"column": Argument("column", required=True)}


def over(arguments: Arguments, column: Column, unexpected: Expression) -> RowTest:
    """The test over one column whose missing values are left out."""
    return RowTest(unexpected, call("is_null", column), arguments["condition"], (column.name,))


def _present(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    return RowTest(call("is_null", column), None, arguments["condition"], (column.name,))


def _absent(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    return RowTest(call("not", call("is_null", column)), None, arguments["condition"], (column.name,))


def value_set(arguments: Arguments, column: Column, scope: Scope) -> tuple[object, ...]:
    """The members of `value_set` as values of the column's type, NULL left out."""
    values = [scope.literal(v, column, "value_set") for v in arguments["value_set"] if v is not None]
    return tuple(dict.fromkeys(v.value for v in values if isinstance(v, Constant)))


def _in_set(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    return over(arguments, column, call("not", call("in_set", column, value_set(arguments, column, scope))))


def _not_in_set(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    return over(arguments, column, call("in_set", column, value_set(arguments, column, scope)))


def within(value: Expression, low: Expression | None, high: Expression | None, strict_low: bool, strict_high: bool) -> Expression:
    """Whether a value lies between two bounds, either of which may lack."""
    parts: list[Expression] = []
    if low is not None:
        parts.append(call("less" if strict_low else "less_equal", low, value))
    if high is not None:
        parts.append(call("less" if strict_high else "less_equal", value, high))
    return parts[0] if len(parts) == 1 else call("and", *parts)


def _between(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    if column.kind in ("boolean", "string"):
        found = f"{column.name} is a {column.kind}, for which Great Expectations takes no bounds."
        raise ArgumentError("column", found, "Use expect_column_values_to_be_in_set or expect_column_values_to_match_regex.")
    low, high = (None if arguments[a] is None else scope.literal(arguments[a], column, a) for a in ("min_value", "max_value"))
    return over(arguments, column, call("not", within(column, low, high, arguments["strict_min"], arguments["strict_max"])))


def _match(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    return over(arguments, column, call("not", call("match", printed(column, "column"), translate(arguments["regex"]))))


def _no_match(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    return over(arguments, column, call("match", printed(column, "column"), translate(arguments["regex"])))


def _length_is(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    return over(arguments, column, call("not", call("equal", call("length", printed(column, "column")), arguments["value"])))


def _length_between(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    low, high = (None if arguments[a] is None else Constant(arguments[a]) for a in ("min_value", "max_value"))
    inside = within(call("length", printed(column, "column")), low, high, arguments["strict_min"], arguments["strict_max"])
    return over(arguments, column, call("not", inside))


def _parses(arguments: Arguments, scope: Scope) -> RowTest:
    column, text = scope.column(arguments["column"]), scope.text(arguments["column"])
    if column.kind == "string":
        raise ArgumentError(
            "column", f"{column.name} is text, which always reads: the rule can never fail.", "Use it on dates, times and numbers."
        )
    unread = call("and", call("not", call("is_null", text)), call("is_null", column))
    return RowTest(unread, call("is_null", text), arguments["condition"], (text.name,))


def _some_values(arguments: Arguments) -> None:
    if not [v for v in arguments["value_set"] if v is not None]:
        raise ArgumentError("value_set", "an empty value set.", "List at least one value, or refer to a code table: {$code: sex}.")


SET = {**COLUMN, "value_set": Argument("values", required=True), **MAP}
REGEX = {**COLUMN, "regex": Argument("pattern", required=True), **MAP}
LENGTHS = {
    "min_value": Argument("count"),
    "max_value": Argument("count"),
    "strict_min": Argument("flag", default=False),
    "strict_max": Argument("flag", default=False),
}

KINDS = (
    Kind(
        "expect_column_values_to_not_be_null",
        {**COLUMN, **MAP},
        _present,
        ("每行都有值。", "Every row has a value."),
        ("{unexpected} 行缺 {column}（{percent}）", "{unexpected} rows lack {column} ({percent})"),
        "{column: id_number}",
    ),
    Kind(
        "expect_column_values_to_be_null",
        {**COLUMN, **MAP},
        _absent,
        ("每行都没有值；常与 row_condition 同用。", "No row has a value; mostly used with row_condition."),
        ("{unexpected} 行不应有 {column}（{percent}）", "{unexpected} rows should have no {column} ({percent})"),
        '{column: death_date, row_condition: \'col("dead")=="0"\'}',
    ),
    Kind(
        "expect_column_values_to_be_in_set",
        SET,
        _in_set,
        ("值在列出的集合或代码表中。", "The value is in the set, or in the code table."),
        ("{unexpected} 行的 {column} 不在取值范围内（{percent}）", "{unexpected} rows have a {column} outside the value set ({percent})"),
        "{column: sex, value_set: {$code: sex}}",
        check=_some_values,
    ),
    Kind(
        "expect_column_values_to_not_be_in_set",
        SET,
        _not_in_set,
        ("值不在列出的集合中，如占位词。", "The value is not in the set, for example of placeholder words."),
        ("{unexpected} 行的 {column} 是不允许的值（{percent}）", "{unexpected} rows have a forbidden {column} ({percent})"),
        "{column: name, value_set: [测试, 不详]}",
        check=_some_values,
    ),
    Kind(
        "expect_column_values_to_be_between",
        {**COLUMN, **BOUNDS, **MAP},
        _between,
        ("值在两界之间；{$today: 天数} 是检查当日。", "The value lies between two bounds; {$today: days} is the day of the check."),
        ("{unexpected} 行的 {column} 超出范围（{percent}）", "{unexpected} rows have a {column} out of range ({percent})"),
        "{column: birth_date, min_value: 1900-01-01, max_value: {$today: 0}}",
        check=some_bound,
    ),
    Kind(
        "expect_column_values_to_match_regex",
        REGEX,
        _match,
        ("文本中有一处符合正则表达式；要整体符合，写 ^ 与 $。", "Somewhere in the text the pattern matches; write ^ and $ for the whole."),
        ("{unexpected} 行的 {column} 格式不符（{percent}）", "{unexpected} rows have a {column} in the wrong form ({percent})"),
        "{column: police_station, regex: '^[0-9]{12}$'}",
    ),
    Kind(
        "expect_column_values_to_not_match_regex",
        REGEX,
        _no_match,
        ("文本中没有一处符合正则表达式。", "Nowhere in the text does the pattern match."),
        (
            "{unexpected} 行的 {column} 含不允许的内容（{percent}）",
            "{unexpected} rows have a {column} with something forbidden ({percent})",
        ),
        "{column: name, regex: '[0-9*?□]'}",
    ),
    Kind(
        "expect_column_value_lengths_to_equal",
        {**COLUMN, "value": Argument("count", required=True), **MAP},
        _length_is,
        ("文本的字符数等于给定值。", "The text has this many characters."),
        (
            "{unexpected} 行的 {column} 长度不是 {value}（{percent}）",
            "{unexpected} rows have a {column} not {value} characters long ({percent})",
        ),
        "{column: id_number, value: 18}",
    ),
    Kind(
        "expect_column_value_lengths_to_be_between",
        {**COLUMN, **LENGTHS, **MAP},
        _length_between,
        ("文本的字符数在两界之间。", "The text has between so many and so many characters."),
        ("{unexpected} 行的 {column} 过短或过长（{percent}）", "{unexpected} rows have a {column} too short or too long ({percent})"),
        "{column: name, min_value: 2, max_value: 50}",
        check=some_bound,
    ),
    Kind(
        "expect_column_values_to_parse",
        {**COLUMN, **MAP},
        _parses,
        ("有文本的都能读成声明的类型（日期、时间、数）。", "Where there is text, it reads as the declared type (date, time, number)."),
        (
            "{unexpected} 行的 {column} 读不成声明的类型（{percent}）",
            "{unexpected} rows have a {column} that does not read as its type ({percent})",
        ),
        "{column: birth_date}",
        ("GB/T 36344-2018 0302；GB/T 7408.1-2023", "GB/T 36344-2018 0302; GB/T 7408.1-2023"),
        ours=True,
    ),
)
