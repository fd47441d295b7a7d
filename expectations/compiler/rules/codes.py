"""Rules on codes of dated national tables."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Expression, call
from expectations.compiler.kinds import MAP, Argument, Arguments, Kind, Scope
from expectations.compiler.rules.identity import whole_match
from expectations.identity import HOME, PROVINCES

STATUSES = ("current", "historical", "private", "sample")
LEVELS = ("province", "city", "county")


def division_codes(rows: object, status: tuple[str, ...], level: tuple[str, ...]) -> tuple[str, ...]:
    """The codes of the division table with one of these states and levels."""
    return tuple(r["code"] for r in rows if r["status"] in status and r["level"] in level)  # type: ignore[attr-defined]


def elsewhere_pattern(level: tuple[str, ...]) -> str:
    """Codes of other provinces, known by form alone."""
    forms = {"province": "0000", "city": "(?:0[1-9]|[1-9][0-9])00", "county": "[0-9]{2}(?:0[1-9]|[1-9][0-9])"}
    return f"(?:{'|'.join(p for p in PROVINCES if p != HOME)})(?:{'|'.join(forms[name] for name in level)})"


def _division(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    status, level = tuple(arguments["status"]), tuple(arguments["level"])
    known: Expression = call("in_set", column, division_codes(scope.codes.get("division").rows, status, level))
    if arguments["elsewhere"]:
        known = call("or", known, whole_match(column, elsewhere_pattern(level)))
    return RowTest(call("not", known), call("is_null", column), arguments["condition"], (column.name,))


KINDS = (
    Kind(
        "expect_column_values_to_be_division",
        {
            "column": Argument("column", required=True),
            "status": Argument("choices", default=("current", "private"), words=STATUSES),
            "level": Argument("choices", default=LEVELS, words=LEVELS),
            "elsewhere": Argument("flag", default=False),
            **MAP,
        },
        _division,
        (
            "是行政区划代码：现行的，或沈抚的自编代码；status 可加 historical（曾用）。elsewhere 接受外省代码（只看形式）。",
            "A division code: one in force, or the private one of 沈抚; `status` may add historical ones. `elsewhere` takes other provinces' codes (by form).",
        ),
        (
            "{unexpected} 行的 {column} 不是认可的行政区划代码（{percent}）",
            "{unexpected} rows have a {column} that is no accepted division code ({percent})",
        ),
        "{column: hukou_div, level: [county], status: [current, private, historical]}",
        ("GB/T 2260", "GB/T 2260"),
        ours=True,
    ),
)
