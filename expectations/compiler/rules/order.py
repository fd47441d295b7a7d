"""Rules on the order of rows: each value against the one before it that is not missing, by `_row` within the batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from expectations.compiler.forms import ListingTest
from expectations.compiler.ir import Expression, call
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope
from expectations.compiler.writing import BATCH, ROW, Writer, column, function, named, select, window

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True)
class OrderTest(ListingTest):
    """A row breaks the rule where its `value` does not stand in the wanted order to that of the row before it."""

    value: Expression
    rising: bool
    strictly: bool
    ignored: Expression | None
    condition: Expression | None
    shown: tuple[str, ...]
    shape: Literal["value", "pair", "record"] = "value"

    def statement(self, write: Writer) -> exp.Query:
        layers, where = write.considered(self, self.value)
        value = layers.tree(self.value)
        before = window(function("lag", value.copy()), by=[column(BATCH)], order=[column(ROW)])
        rows = select(BATCH, ROW, value=value, before=before).from_(layers.table()).where(*where)
        a, b = (column("value"), column("before")) if self.rising else (column("before"), column("value"))
        return select(BATCH, ROW).from_(named(rows, "r")).where(a <= b if self.strictly else a < b)


def _order(rising: bool) -> Callable[[Arguments, Scope], OrderTest]:
    def compile_(arguments: Arguments, scope: Scope) -> OrderTest:
        value = scope.column(arguments["column"])
        if value.kind in ("string", "boolean"):
            raise ArgumentError("column", f"{value.name} is a {value.kind}, of which there is no difference.", "Use numbers or dates.")
        return OrderTest(value, rising, arguments["strictly"], call("is_null", value), arguments["condition"], (value.name,))

    return compile_


_ARGUMENTS = {"column": Argument("column", required=True), "strictly": Argument("flag", default=False), **MAP}
_CAUSE = ("{unexpected} 行的 {column} 不合次序（{percent}）", "{unexpected} rows have a {column} out of order ({percent})")

KINDS = (
    Kind(
        "expect_column_values_to_be_increasing",
        _ARGUMENTS,
        _order(rising=True),
        ("按行号，值不小于前一个（strictly：大于）。", "By row, no value is less than the one before it (strictly: each is greater)."),
        _CAUSE,
        "{column: serial_no, strictly: true}",
    ),
    Kind(
        "expect_column_values_to_be_decreasing",
        _ARGUMENTS,
        _order(rising=False),
        ("按行号，值不大于前一个（strictly：小于）。", "By row, no value is greater than the one before it (strictly: each is less)."),
        _CAUSE,
        "{column: balance}",
    ),
)
