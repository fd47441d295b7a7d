"""What a rule compiles to: a test over rows, keys, measures or columns, in the intermediate form.

Belongs here: the shapes of tests. Not here: how scans are planned from them (`plan.py`), what a rule means (`rules/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from expectations.compiler.ir import Expression, columns

Scalar = float | int | str | None
Function = Literal["count", "min", "max", "sum", "mean", "stdev", "distinct", "distinct_share"]


@dataclass(frozen=True)
class RowTest:
    """Each row of `condition` (all rows where None) breaks the rule where `unexpected` is true (NULL is no breach).

    `ignored` tells the rows that count as missing; None where the rule looks at every row. `shown` are the columns whose
    values are listed, `shape` how Great Expectations lists them.
    """

    unexpected: Expression
    ignored: Expression | None
    condition: Expression | None
    shown: tuple[str, ...]
    shape: Literal["value", "pair", "record"] = "value"


@dataclass(frozen=True)
class KeyTest:
    """Rows of `condition` that are not `ignored` break the rule where another such row of the batch has equal `keys`."""

    keys: tuple[Expression, ...]
    ignored: Expression | None
    condition: Expression | None
    shown: tuple[str, ...]
    shape: Literal["value", "record"] = "value"


@dataclass(frozen=True)
class MeasureTest:
    """A figure of the batch (`function` of `value` over the rows of `condition`) lies between `low` and `high`."""

    function: Function
    value: Expression | None
    condition: Expression | None
    low: Scalar
    high: Scalar
    strict_low: bool = False
    strict_high: bool = False


@dataclass(frozen=True)
class ColumnsTest:
    """The columns of the batch are those `wanted`; with `exact`, no others; with `ordered`, in their order."""

    wanted: tuple[str, ...]
    exact: bool
    kind: Literal["exist", "set", "list"]
    position: int | None = None


@dataclass(frozen=True)
class CannotTest:
    """The rule cannot be assessed on this dataset, whatever the data; says why."""

    zh: str
    en: str


Test = RowTest | KeyTest | MeasureTest | ColumnsTest | CannotTest


def uses(test: Test) -> frozenset[str]:
    """The columns that a test needs; it cannot be assessed in a batch that lacks one of them."""
    if isinstance(test, RowTest):
        return frozenset(columns(test.unexpected, test.ignored, test.condition)) | frozenset(test.shown)
    if isinstance(test, KeyTest):
        return frozenset(columns(*test.keys, test.ignored, test.condition)) | frozenset(test.shown)
    if isinstance(test, MeasureTest):
        return frozenset(columns(test.value, test.condition))
    return frozenset()
