"""Rules on the text of a value against several patterns: regular expressions, LIKE patterns, and forms of dates.

LIKE is what SQL makes of it (`%` any text, `_` one character, capitals matter), as Great Expectations leaves it to the
engine. A form of dates is what Python's `strptime` reads. Belongs here: lists of patterns and forms. Not here: one regular
expression (`values.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Column, Constant, Expression, Operand, Shared, call, choose
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope, UncompiledError, printed
from expectations.compiler.patterns import BLANKS, translate

COLUMN = {"column": Argument("column", required=True)}
_MATCH_ON = {"match_on": Argument("choice", default="any", words=("any", "all"))}


def _over(arguments: Arguments, column: Column, unexpected: Expression) -> RowTest:
    return RowTest(unexpected, call("is_null", column), arguments["condition"], (column.name,))


def _joined(operator: str, parts: list[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else call(operator, *parts)


def _regexes(arguments: Arguments, scope: Scope) -> tuple[Column, list[Expression]]:
    column = scope.column(arguments["column"])
    text = printed(column, "column")
    return column, [call("match", text, translate(r)) for r in dict.fromkeys(arguments["regex_list"])]


def _match_list(arguments: Arguments, scope: Scope) -> RowTest:
    column, matches = _regexes(arguments, scope)
    return _over(arguments, column, call("not", _joined("or" if arguments["match_on"] == "any" else "and", matches)))


def _match_none(arguments: Arguments, scope: Scope) -> RowTest:
    column, matches = _regexes(arguments, scope)
    return _over(arguments, column, _joined("or", matches))


def _likes(arguments: Arguments, scope: Scope) -> tuple[Column, list[Expression]]:
    column = scope.column(arguments["column"])
    text, escape = printed(column, "column"), arguments["escape"]
    patterns = arguments["like_pattern_list"] if "like_pattern_list" in arguments else [arguments["like_pattern"]]
    return column, [call("like", text, p, Constant(escape)) for p in dict.fromkeys(patterns)]


def _like(arguments: Arguments, scope: Scope) -> RowTest:
    column, matches = _likes(arguments, scope)
    all_of = arguments.get("match_on") == "all"
    return _over(arguments, column, call("not", _joined("and" if all_of else "or", matches)))


def _like_none(arguments: Arguments, scope: Scope) -> RowTest:
    column, matches = _likes(arguments, scope)
    return _over(arguments, column, _joined("or", matches))


def _escape(arguments: Arguments) -> None:
    escape = arguments["escape"]
    if escape is not None and len(escape) != 1:
        raise ArgumentError("escape", f"escape {escape!r}.", "Give one character.")
    for pattern in arguments.get("like_pattern_list") or [arguments.get("like_pattern")]:
        if escape and re.search(rf"{re.escape(escape)}(?![%_{re.escape(escape)}])", pattern.replace(escape * 2, "")):
            raise ArgumentError("escape", f"in {pattern!r} {escape!r} stands before neither % nor _ nor itself.", "Double it.")


#: What Python's strptime reads for each directive; its digits are those of every script.
_DIGIT, _DIGITS = r"\p{Nd}", r"[12]\p{Nd}"
_DIRECTIVES = {
    "Y": _DIGIT * 4,
    "y": _DIGIT * 2,
    "m": "1[0-2]|0[1-9]|[1-9]",
    "d": rf"3[01]|{_DIGITS}|0[1-9]|[1-9]| [1-9]",
    "H": rf"2[0-3]|[01]{_DIGIT}|{_DIGIT}",
    "M": rf"[0-5]{_DIGIT}|{_DIGIT}",
    "S": rf"[0-5]{_DIGIT}|{_DIGIT}",
    "f": "[0-9]{1,6}",
}
_BLANKS = f"[{BLANKS}]+"
_UNREAD = "ABCDEFGHIJKLMNOPQRSUVWXYabcdefghijklmnopqrstuvwxyz"


def strptime_pattern(form: str) -> tuple[str, dict[str, int]]:
    """The pattern of the texts that `strptime` reads by a form, dates like 31 February still among them; the group of each directive.

    Raises `ArgumentError` for a form that Python refuses, `UncompiledError` for one that SQL cannot read as Python does.
    """
    parts: list[str] = []
    groups: dict[str, int] = {}
    before = ""
    for piece in re.findall(r"%.?|\s+|.", form, re.DOTALL):
        directive = piece[1:]
        if piece.isspace():
            parts.append(_BLANKS)
        elif not piece.startswith("%") or piece == "%%":
            if piece in _UNREAD or (ord(piece[-1]) > 127 and piece.lower() != piece.upper()):
                raise UncompiledError(f"格式中的字母 {piece}", f"the letter {piece!r} in the form")
            text = piece[-1]
            parts.append(f"[{text}{text.lower()}]" if text in "TZ" else re.escape(text))
        elif directive in groups:
            raise ArgumentError("strftime_format", f"strftime_format {form!r} has %{directive} twice.", "Python reads each once.")
        elif directive in _DIRECTIVES:
            if before in _DIRECTIVES and "Y" not in (before, directive):
                raise UncompiledError(f"%{before}%{directive} 之间没有分隔", f"nothing between %{before} and %{directive}")
            groups[directive] = len(groups) + 1
            parts.append(f"({_DIRECTIVES[directive]})")
        elif directive and directive in "aAbBcIjpUwWxXzZGuV":
            raise UncompiledError(f"格式 %{directive}", f"the directive %{directive}")
        else:
            raise ArgumentError("strftime_format", f"strftime_format {form!r}: Python knows no {piece!r}.", "As in %Y-%m-%d.")
        before = directive if piece.startswith("%") else ""
    return "".join(parts), groups


def _strptime(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    if column.kind != "string":
        found = f"{column.name} is a {column.kind}: the form is one of texts."
        raise ArgumentError("column", found, f"Use {column.name}__text, or expect_column_values_to_parse.")
    pattern, groups = strptime_pattern(arguments["strftime_format"])
    whole = rf"\A(?:{pattern})\z"
    if not set("Yymd") & set(groups):
        return _over(arguments, column, call("not", call("match", column, whole)))
    formed = Shared(call("match", column, whole))
    digits = Shared(choose((formed, call("plain_digits", column)), otherwise=None))

    def part(directive: str) -> Expression:
        return call("whole", call("extract", digits, whole, groups[directive]))

    wrong: list[Expression] = []
    if "Y" in groups:
        wrong.append(call("equal", part("Y"), 0))
    if "d" in groups:
        wrong.append(_no_such_day(part("d"), part("m") if "m" in groups else Constant(1), _year(groups, part)))
    no_such_date: Operand = _joined("or", wrong) if wrong else False
    return _over(arguments, column, choose((formed, no_such_date), otherwise=call("not", formed)))


def _year(groups: dict[str, int], part: Callable[[str], Expression]) -> Expression:
    if "Y" in groups:
        return part("Y")
    if "y" not in groups:
        return Constant(1900)
    short = part("y")
    return choose((call("less", short, 69), call("add", 2000, short)), otherwise=call("add", 1900, short))


def _no_such_day(day: Expression, month: Expression, year: Expression) -> Expression:
    def divisible(by: int) -> Expression:
        return call("equal", call("remainder", year, by), 0)

    leap = call("or", divisible(400), call("and", divisible(4), call("not", divisible(100))))
    short = call("and", call("equal", day, 31), call("in_set", month, (4, 6, 9, 11)))
    february = call(
        "and", call("equal", month, 2), call("or", call("less", 29, day), call("and", call("equal", day, 29), call("not", leap)))
    )
    return call("or", short, february)


REGEXES = {**COLUMN, "regex_list": Argument("patterns", required=True)}
LIKE = {**COLUMN, "like_pattern": Argument("text", required=True), "escape": Argument("text"), **MAP}
LIKES = {**COLUMN, "like_pattern_list": Argument("like_patterns", required=True), "escape": Argument("text")}
_WRONG = ("{unexpected} 行的 {column} 格式不符（{percent}）", "{unexpected} rows have a {column} in the wrong form ({percent})")
_FORBIDDEN = (
    "{unexpected} 行的 {column} 含不允许的内容（{percent}）",
    "{unexpected} rows have a {column} with something forbidden ({percent})",
)

KINDS = (
    Kind(
        "expect_column_values_to_match_regex_list",
        {**REGEXES, **_MATCH_ON, **MAP},
        _match_list,
        (
            "文本符合其中一个正则表达式（match_on: all 时须全部符合）。",
            "The text matches one of the patterns (with match_on: all, every one).",
        ),
        _WRONG,
        "{column: phone, regex_list: ['^1[0-9]{10}$', '^0[0-9]{9,11}$']}",
    ),
    Kind(
        "expect_column_values_to_not_match_regex_list",
        {**REGEXES, **MAP},
        _match_none,
        ("文本不符合其中任何一个正则表达式。", "The text matches none of the patterns."),
        _FORBIDDEN,
        "{column: name, regex_list: ['[0-9]', 测试]}",
    ),
    Kind(
        "expect_column_values_to_match_like_pattern",
        LIKE,
        _like,
        ("文本符合 LIKE 模式：% 任意，_ 一个字符。", "The text matches a LIKE pattern: % is any text, _ one character."),
        _WRONG,
        "{column: address, like_pattern: 辽宁省%}",
        check=_escape,
    ),
    Kind(
        "expect_column_values_to_not_match_like_pattern",
        LIKE,
        _like_none,
        ("文本不符合 LIKE 模式。", "The text does not match a LIKE pattern."),
        _FORBIDDEN,
        "{column: name, like_pattern: '%测试%'}",
        check=_escape,
    ),
    Kind(
        "expect_column_values_to_match_like_pattern_list",
        {**LIKES, **_MATCH_ON, **MAP},
        _like,
        (
            "文本符合其中一个 LIKE 模式（match_on: all 时须全部符合）。",
            "The text matches one of the LIKE patterns (with match_on: all, every one).",
        ),
        _WRONG,
        "{column: address, like_pattern_list: ['辽宁省%', '沈阳市%']}",
        check=_escape,
    ),
    Kind(
        "expect_column_values_to_not_match_like_pattern_list",
        {**LIKES, **MAP},
        _like_none,
        ("文本不符合其中任何一个 LIKE 模式。", "The text matches none of the LIKE patterns."),
        _FORBIDDEN,
        "{column: name, like_pattern_list: ['%测试%', 不详%]}",
        check=_escape,
    ),
    Kind(
        "expect_column_values_to_match_strftime_format",
        {**COLUMN, "strftime_format": Argument("text", required=True), **MAP},
        _strptime,
        (
            "文本能按给定格式读成日期或时间，且该日存在。",
            "The text reads as a date or time by a form of Python's strptime, and there is such a day.",
        ),
        _WRONG,
        "{column: started, strftime_format: '%Y-%m-%d'}",
    ),
)
