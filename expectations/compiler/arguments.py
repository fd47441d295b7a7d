"""What an argument of a rule may be, shape by shape, and what it is made into: code tables resolved, conditions as objects.

Belongs here: checks that need the value alone. Not here: which arguments a kind has (`rules/`), what fits a column (`plan.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from expectations.codes import CodeTables
from expectations.compiler.conditions import condition_object
from expectations.compiler.kinds import Argument, ArgumentError, Shape
from expectations.compiler.parameters import ParameterError, evaluate, is_parameter
from expectations.compiler.patterns import PatternError, translate
from expectations.documents import near

_Check = Callable[[str, Argument, Any, CodeTables], Any]
_TODAY = "Give a value, or {$today: 0} for the day of the check, plus so many days."


def checked(name: str, argument: Argument, value: Any, codes: CodeTables, parameters: Mapping[str, Any]) -> Any:
    """The argument's value as a kind compiles it. Raises `ArgumentError`."""
    if is_parameter(value):
        try:
            value = evaluate(value, parameters)
        except ParameterError as error:
            raise ArgumentError(name, f"{name}: {error}.", "Give the suite the parameter under `suite_parameters`.") from None
    if value is None and not argument.required:
        return argument.default if argument.shape in ("flag", "share", "choice", "choices") else None
    return _CHECKS[argument.shape](name, argument, value, codes)


def _text(name: str, _: Argument, value: Any, __: CodeTables) -> Any:
    if not (isinstance(value, str) and value):
        raise ArgumentError(name, f"{name} {value!r}.", "Give a text.")
    return value


def _texts(name: str, _: Argument, value: Any, __: CodeTables) -> Any:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise ArgumentError(name, f"{name} {value!r}.", "Give a list of texts.")
    return list(value)


def _pattern(name: str, argument: Argument, value: Any, codes: CodeTables) -> Any:
    try:
        translate(_text(name, argument, value, codes))
    except PatternError as error:
        raise ArgumentError(name, f"the pattern {value!r}: {error}") from None
    return value


def _some(check: _Check) -> _Check:
    def some(name: str, argument: Argument, value: Any, codes: CodeTables) -> Any:
        if not isinstance(value, list | tuple) or not value:
            raise ArgumentError(name, f"{name} {value!r}.", "Give a list with at least one member.")
        return [check(name, argument, v, codes) for v in value]

    return some


def _columns(name: str, _: Argument, value: Any, __: CodeTables) -> Any:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise ArgumentError(name, f"{name} {value!r}.", "Give a list of column names.")
    return list(value)


def _flag(name: str, _: Argument, value: Any, __: CodeTables) -> Any:
    if not isinstance(value, bool):
        raise ArgumentError(name, f"{name} {value!r}.", "Say true or false.")
    return value


def _number(name: str, _: Argument, value: Any, __: CodeTables) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ArgumentError(name, f"{name} {value!r}.", "Give a number.")
    return value


def _count(name: str, _: Argument, value: Any, __: CodeTables) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
        raise ArgumentError(name, f"{name} {value!r}.", "Give a whole number.")
    if value < 0:
        raise ArgumentError(name, f"{name} {value!r}.", "Give a number of at least 0.")
    return int(value)


def _share(name: str, argument: Argument, value: Any, codes: CodeTables) -> Any:
    if not 0 <= _number(name, argument, value, codes) <= 1:
        raise ArgumentError(name, f"{name} {value!r} is not between 0 and 1.", "0.95 means 95 %.")
    if name == "mostly" and value == 0:
        raise ArgumentError(name, "mostly 0: the rule can never fail.", "Give the share that must hold.")
    return value


def _value(name: str, _: Argument, value: Any, __: CodeTables) -> Any:
    if isinstance(value, dict) and (set(value) != {"$today"} or not isinstance(value["$today"], int)):
        raise ArgumentError(name, f"{name} {value!r}.", _TODAY)
    if not isinstance(value, str | int | float | date | datetime | dict) or value != value:
        raise ArgumentError(name, f"{name} {value!r}.", "Give a number, a date or a text.")
    return value


def _choice(name: str, argument: Argument, value: Any, _: CodeTables) -> Any:
    if value not in argument.words:
        raise ArgumentError(name, f"{name} {value!r}.", near(str(value), argument.words))
    return value


def _choices(name: str, argument: Argument, value: Any, _: CodeTables) -> Any:
    wrong = [v for v in value if v not in argument.words] if isinstance(value, list) and value else [value]
    if wrong:
        raise ArgumentError(name, f"{name} {wrong[0]!r}.", f"Give a list. {near(str(wrong[0]), argument.words)}")
    return value


def _condition(_: str, __: Argument, value: Any, ___: CodeTables) -> Any:
    return condition_object(value)


def _reference(name: str, _: Argument, value: Any, __: CodeTables) -> Any:
    texts = isinstance(value, dict) and set(value) == {"dataset", "columns"} and [value["dataset"], *(value["columns"] or [])]
    if not texts or len(texts) < 2 or not all(isinstance(t, str) and t for t in texts):
        raise ArgumentError(name, f"{name} {value!r}.", "Name a dataset and its columns: {dataset: enterprises, columns: [uscc]}.")
    return value


def _pairs(name: str, _: Argument, value: Any, __: CodeTables) -> Any:
    if not isinstance(value, list) or not value or not all(isinstance(p, list | tuple) and len(p) == 2 for p in value):
        raise ArgumentError(name, f"{name} {value!r}.", "Give a list of pairs: [[a, 1], [b, 2]].")
    return [list(p) for p in value]


def _values(name: str, _: Argument, value: Any, codes: CodeTables) -> Any:
    if isinstance(value, list | tuple):
        return list(value)
    if not isinstance(value, dict) or "$code" not in value:
        raise ArgumentError(name, f"{name} {value!r}.", "Give a list of values, or refer to a code table: {$code: sex}.")
    if not isinstance(value["$code"], str):
        raise ArgumentError(name, f"{name} {value!r}.", "Name one code table: {$code: sex}.")
    try:
        table = codes.get(value["$code"])
    except KeyError as error:
        raise ArgumentError(name, str(error.args[0])) from None
    rows = table.rows
    for key, wanted in value.items():
        if key == "$code":
            continue
        if key not in rows[0]:
            raise ArgumentError(name, f"the table {table.name} has no column {key!r}.", near(str(key), rows[0]))
        texts = [str(w) for w in (wanted if isinstance(wanted, list) else [wanted])]
        rows = tuple(r for r in rows if r[key] in texts)
    return [r["code"] for r in rows]


def _mapping(name: str, argument: Argument, value: Any, _: CodeTables) -> Any:
    wanted = set(argument.words)
    if not isinstance(value, dict) or not wanted <= set(value):
        raise ArgumentError(name, f"{name} {value!r}.", f"Give a mapping with {', '.join(argument.words)}.")
    return value


def _any(name: str, argument: Argument, value: Any, codes: CodeTables) -> Any:
    return _values(name, argument, value, codes) if isinstance(value, dict) and "$code" in value else value


def _format(name: str, _: Argument, value: Any, __: CodeTables) -> Any:
    from expectations.compiler.listing import ResultFormat

    try:
        ResultFormat.read(value)
    except ValueError as error:
        raise ArgumentError(name, f"{name}: {error}.") from None
    return value


_CHECKS: Mapping[Shape, _Check] = {
    "column": _text,
    "columns": _columns,
    "text": _text,
    "texts": _texts,
    "pattern": _pattern,
    "patterns": _some(_pattern),
    "like_patterns": _some(_text),
    "flag": _flag,
    "number": _number,
    "count": _count,
    "share": _share,
    "value": _value,
    "values": _values,
    "pairs": _pairs,
    "choice": _choice,
    "choices": _choices,
    "condition": _condition,
    "reference": _reference,
    "mapping": _mapping,
    "format": _format,
    "any": _any,
}
