"""The intermediate form: what a rule asks of a row, in a closed set of operators that no engine owns.

Expressions are frozen and hashable, so that equal ones are computed once, and have a digest of what they mean, of which
fingerprints are made. Comparisons and functions of NULL give NULL, as in SQL. Belongs here: the form. Not here: what a rule
means (`rules/`), how an engine spells an operator (`duckdb.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Scalar = str | int | float | bool | date | datetime | Decimal | None

OPERATORS = frozenset(
    # truth
    "and or not is_null surely choose "  # noqa: SIM905 - a list of 22 texts reads worse
    # comparison
    "equal less less_equal in_set "
    # text: match and extract (a group of it) take a constant pattern of `patterns.py`; like a pattern and its escape character or
    # NULL; slice a start from 1 and a length; fold_code see `duckdb.py`; plain_digits has 0 to 9 for the digits of any script
    "match extract like length slice position ends_with text fold_code plain_digits day_text concat "
    # the value that stands for a key: look_up takes the keys and the values as two tuples; NULL for any other key
    "look_up "
    # `real` is the floating number; whole numbers: `whole` reads a text of at most 9 digits, `long` one of at most 18; `day_number`
    # is YYYYMMDD; `thousandths` is floor(1000 x + 1/2), NULL beyond 10^12; shift_right and bit_and are of numbers from 0 on
    "real add subtract multiply quotient remainder shift_right bit_and whole long day_number thousandths".split()
)


class Node:
    """An expression's part. Parts are equal where their digests are, which are worked out once however often a part is shared."""

    @property
    def digest(self) -> str:
        """A mark of what it means; whether it is shared is no part of that."""
        held = self.__dict__.get("_digest")
        if held is None:
            held = self.__dict__["_digest"] = self._mark()
        return held

    def _mark(self) -> str:
        return _hashed([type(self).__name__, *(canonical(getattr(self, f.name)) for f in fields(self))])  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and isinstance(other, Node) and self.digest == other.digest)


@dataclass(frozen=True, eq=False)
class Column(Node):
    """A column of the relation; `kind` is the contract's logical type, `floating` whether it can hold NaN (which is missing)."""

    name: str
    kind: str = "string"
    floating: bool = False


@dataclass(frozen=True, eq=False)
class Constant(Node):
    """A value, or a tuple of values (the set of `in_set`)."""

    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, eq=False)
class Today(Node):
    """The day of the check plus some days, as a date, a timestamp (its midnight) or a text YYYYMMDD: no part of the fingerprint's day."""

    days: int = 0
    kind: Literal["date", "timestamp", "text"] = "date"


@dataclass(frozen=True, eq=False)
class Call(Node):
    """An operator of the closed set over its arguments."""

    operator: str
    arguments: tuple[Expression, ...]

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(f"{self.operator!r} is no operator of the intermediate form")

    def _mark(self) -> str:
        return hashlib.sha256(f"{self.operator}({','.join([a.digest for a in self.arguments])})".encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Shared(Node):
    """An expression to be computed once a row, wherever and however often it is used."""

    expression: Expression

    def _mark(self) -> str:
        return self.expression.digest


Expression = Column | Constant | Today | Call | Shared
Operand = Column | Constant | Today | Call | Shared | str | int | float | bool | date | tuple[Any, ...]


def call(operator: str, *arguments: Operand) -> Call:
    """`Call` with plain values taken as constants."""
    return Call(operator, tuple(a if isinstance(a, Column | Constant | Today | Call | Shared) else Constant(a) for a in arguments))


def choose(*pairs: tuple[Expression, Operand], otherwise: Operand | None) -> Call:
    """The value of the first pair whose condition is true; later conditions are looked at only for the rows that are left."""
    flat: list[Operand] = [part for pair in pairs for part in pair]
    return call("choose", *flat, Constant(None) if otherwise is None else otherwise)


def total(terms: list[Expression]) -> Expression:
    result = terms[0]
    for term in terms[1:]:
        result = call("add", result, term)
    return result


def children(expression: Expression) -> tuple[Expression, ...]:
    if isinstance(expression, Call):
        return expression.arguments
    return (expression.expression,) if isinstance(expression, Shared) else ()


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and everything in it, each part once."""
    seen: set[int] = set()
    stack = [expression]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            stack.extend(children(node))


def columns(*expressions: Expression | None) -> tuple[str, ...]:
    """The names of the columns that some expressions use, in the order of their names."""
    return tuple(sorted({n.name for e in expressions if e is not None for n in walk(e) if isinstance(n, Column)}))


def fingerprint(value: Any) -> str:
    """SHA-256 (hexadecimal) of the canonical JSON of a value, a test of `forms.py`, or lists of such; expressions stand by their digest."""
    return _hashed(canonical(value))


def _hashed(canonical: Any) -> str:
    text = json.dumps(canonical, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> Any:
    """The JSON value that stands for a value, whatever the day."""
    if isinstance(value, Node):
        return value.digest
    if isinstance(value, tuple | list):
        return [canonical(v) for v in value]
    if isinstance(value, date | Decimal):
        return [type(value).__name__, str(value)]
    if hasattr(value, "__dataclass_fields__"):
        return {"is": type(value).__name__, **{k: canonical(getattr(value, k)) for k in value.__dataclass_fields__}}
    return value
