"""A rule kind: one expectation type, with its arguments, meaning, wording and how it compiles, side by side.

Belongs here: what a kind is made of, and what its arguments may be. Not here: the kinds themselves (`rules/`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, Protocol

from expectations.codes import CodeTables
from expectations.compiler.forms import Other, Test
from expectations.compiler.ir import Column, Expression

Shape = Literal[
    "column", "columns", "text", "texts", "number", "count", "share", "flag", "value", "values", "pairs",
    "pattern", "patterns", "like_patterns", "choice", "choices", "condition", "reference", "mapping", "format", "any",
]  # fmt: skip
Arguments = Mapping[str, Any]


class ArgumentError(Exception):
    """An argument is wrong: which (`argument`), what was found, what to do."""

    def __init__(self, argument: str, found: str, remedy: str = "") -> None:
        super().__init__(found)
        self.argument, self.found, self.remedy = argument, found, remedy


class UncompiledError(Exception):
    """The arguments are right, but do not compile: Great Expectations is to judge the rule on pandas. Says why in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


class AbsentError(Exception):
    """A column that the rule names is not among the dataset's."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


@dataclass(frozen=True)
class Argument:
    """One argument of an expectation: its shape, whether it must be there, its default, and the words it may be."""

    shape: Shape
    required: bool = False
    default: Any = None
    words: tuple[str, ...] = ()


class Scope(Protocol):
    """What a kind may ask while it compiles: the dataset's columns and the code tables."""

    @property
    def codes(self) -> CodeTables: ...

    @property
    def names(self) -> tuple[str, ...]:
        """The dataset's columns, in order."""

    def column(self, name: str) -> Column:
        """The column of this name. Raises `AbsentError`."""

    def sql_type(self, name: str) -> str:
        """The column's type in SQL. Raises `AbsentError`."""

    def text(self, name: str) -> Column:
        """The column that holds the repaired text of this one. Raises `AbsentError`."""

    def other(self, reference: Mapping[str, Any]) -> Other:
        """The relation and columns that an argument of shape `reference` names: `{dataset: ..., columns: [...]}`."""

    def literal(self, value: Any, like: Column, argument: str) -> Expression:
        """A value of a suite as a constant comparable with a column. Raises `ArgumentError`."""


@dataclass(frozen=True)
class Kind:
    """One expectation type.

    `compile` makes the test from the arguments (defaults filled in, row condition already an expression under
    `condition`). `meaning`, `cause` and `clause` are (zh, en); a cause is filled with `unexpected`, `elements`, `percent`,
    `observed` and the arguments. `example` is YAML for the manual. `ours` tells our own expectations from GX's, `further`
    that arguments are taken that it does not name.
    """

    type: str
    arguments: Mapping[str, Argument]
    compile: Callable[[Arguments, Scope], Test]
    meaning: tuple[str, str]
    cause: tuple[str, str]
    example: str
    clause: tuple[str, str] = ("Great Expectations", "Great Expectations")
    ours: bool = False
    further: bool = False
    check: Callable[[Arguments], None] = field(default=lambda _: None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The arguments that name columns."""
        return tuple(n for n, a in self.arguments.items() if a.shape in ("column", "columns"))


#: The condition parser whose text is pandas' own query language: such a rule does not compile.
PANDAS = "pandas"
#: Arguments of any expectation that say how it reports, not what it means.
REPORTING = {"result_format": Argument("format"), "catch_exceptions": Argument("flag")}
#: Arguments of every expectation over rows.
MAP = {
    "mostly": Argument("share", default=1),
    "row_condition": Argument("condition"),
    "condition_parser": Argument("choice", words=("great_expectations", "great_expectations__experimental__", PANDAS)),
}
BOUNDS = {
    "min_value": Argument("value"),
    "max_value": Argument("value"),
    "strict_min": Argument("flag", default=False),
    "strict_max": Argument("flag", default=False),
}
#: Kinds whose text, as Great Expectations prints it, is the text that SQL casts to.
PRINTED_ALIKE = ("string", "integer", "date")


def some_bound(arguments: Arguments) -> None:
    """Refuse a range without an end, or whose ends have changed places."""
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if low is None and high is None:
        raise ArgumentError("min_value", "neither min_value nor max_value: the rule can never fail.", "Give at least one.")
    comparable = type(low) is type(high) or (isinstance(low, int | float) and isinstance(high, int | float))
    if comparable and not isinstance(low, dict) and low > high:  # type: ignore[operator]
        raise ArgumentError("min_value", f"min_value {low!r} is above max_value {high!r}: the rule always fails.", "Change them over.")


TEXTS, NUMBERS, DAYS = ("string",), ("integer", "number"), ("date", "timestamp")


def column_of(name: str, scope: Scope, argument: str, kinds: tuple[str, ...]) -> Column:
    """The column of this name, where it is of one of these kinds. Raises `AbsentError`, `ArgumentError`."""
    column = scope.column(name)
    if column.kind not in kinds:
        found = f"{column.name} is a {column.kind}; this rule is about columns of type {' or '.join(kinds)}."
        raise ArgumentError(argument, found, "Name such a column.")
    return column


def printed(column: Column, argument: str) -> Expression:
    """The column's text, for rules on text. Raises `ArgumentError` where engines print the type differently."""
    from expectations.compiler.ir import call

    if column.kind not in PRINTED_ALIKE:
        raise ArgumentError(
            argument, f"{column.name} is a {column.kind}, which has no one text.", f"Use {column.name}__text, or a rule on values."
        )
    return column if column.kind == "string" else call("text", column)


def plain_value(value: Any) -> Any:
    """A value of a suite as JSON can hold it (dates as ISO text)."""
    if isinstance(value, list | tuple):
        return [plain_value(v) for v in value]
    if isinstance(value, dict):
        return {k: plain_value(v) for k, v in value.items()}
    return value.isoformat() if isinstance(value, date | datetime) else value
