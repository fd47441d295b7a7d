"""Rules on groups of records: how many of a kind, one name a code, the same record but for one character."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from expectations.compiler.ir import Column, Expression, call
from expectations.compiler.kinds import Argument, ArgumentError, Arguments, Kind, Scope, column_of, some_bound
from expectations.compiler.rules.series.scan import (
    ROWS,
    Compared,
    any_missing,
    filled,
    group_names,
    grouped,
    same_group,
    shown_names,
)
from expectations.compiler.rules.series.spelling import first_difference

if TYPE_CHECKING:
    from sqlglot import exp

    from expectations.compiler.writing import Writer


@dataclass(frozen=True)
class GroupTest(Compared):
    """A group in which fewer than `low` or more than `high` rows `counted` stand, each value of `different` once.

    Of a group with too few every row breaks the rule, of one with too many those that were counted.
    """

    counted: Expression
    different: Column | None
    low: int | None
    high: int | None
    listed: ClassVar[tuple[str, ...]] = ("found_in_group",)

    def judged(self, write: Writer) -> exp.Query:
        n = len(self.group)
        few = "FALSE" if self.low is None else f"found_in_group < {self.low}"
        many = "FALSE" if self.high is None else f"found_in_group > {self.high}"
        number = "count(*) FILTER (WHERE __counted)"
        if self.different is not None:  # rows without the column are each counted
            number = "count(DISTINCT __d) FILTER (WHERE __counted) + count(*) FILTER (WHERE __counted AND __d IS NULL)"
        columns: dict[str, Expression] = {"__counted": call("surely", self.counted)}
        if self.different is not None:
            columns["__d"] = self.different
        return filled(
            f"WITH sizes AS (SELECT _batch{group_names(n)}, {number} AS found_in_group FROM here GROUP BY _batch{group_names(n)})"
            f" SELECT h._batch, h._row, s.found_in_group, TRUE AS __comparable, {few} OR ({many} AND h.__counted) AS __broken"
            f" FROM here AS h JOIN sizes AS s ON {same_group(n, 'h', 's')}",
            {"here": self.considered(write, **columns)},
        )


def _group(arguments: Arguments, scope: Scope) -> GroupTest:
    group = grouped(arguments, scope)
    counted: Expression = call("equal", 1, 1)
    shown: list[Column] = []
    if arguments["column"]:
        column = scope.column(arguments["column"])
        literals = [scope.literal(v, column, "value_set") for v in arguments["value_set"]]
        counted = call("in_set", column, tuple(x.value for x in literals))  # type: ignore[union-attr]
        shown.append(column)
    different = scope.column(arguments["different"]) if arguments["different"] else None
    return GroupTest(
        arguments["condition"],
        any_missing(*group),
        shown_names(*group, *shown, different),
        group,
        counted,
        different,
        arguments["min_value"],
        arguments["max_value"],
    )


def _check_group(arguments: Arguments) -> None:
    some_bound(arguments)
    if not arguments["group_by"]:
        raise ArgumentError("group_by", "no group.", "Name the columns that the rows of a group share: [household_no].")
    if bool(arguments["column"]) != bool(arguments["value_set"]):
        raise ArgumentError("value_set", "column and value_set go together.", "Give both to count the rows with these values, or neither.")
    if not arguments["column"] and arguments["max_value"] is None and (arguments["min_value"] or 0) <= 1:
        raise ArgumentError("min_value", "every group has at least one row: the rule can never fail.", "Give a column and value_set.")


@dataclass(frozen=True)
class CountTest(Compared):
    """A row's number is that of the rows of its group, each value of `different` once; rows without a number are not counted."""

    value: Column
    different: Column | None
    listed: ClassVar[tuple[str, ...]] = ("found_in_group",)

    def judged(self, write: Writer) -> exp.Query:
        n = len(self.group)
        columns: dict[str, Expression] = {"__v": self.value, **({} if self.different is None else {"__d": self.different})}
        number = "count(*)" if self.different is None else "count(DISTINCT __d) + count(*) FILTER (WHERE __d IS NULL)"
        return filled(
            f"WITH sizes AS (SELECT _batch{group_names(n)}, {number} AS found_in_group FROM here GROUP BY _batch{group_names(n)})"
            " SELECT h._batch, h._row, s.found_in_group, TRUE AS __comparable, h.__v <> s.found_in_group AS __broken"
            f" FROM here AS h JOIN sizes AS s ON {same_group(n, 'h', 's')}",
            {"here": self.considered(write, **columns)},
        )


def _count(arguments: Arguments, scope: Scope) -> CountTest:
    group = grouped(arguments, scope)
    value = column_of(arguments["column"], scope, "column", ("integer",))
    different = scope.column(arguments["different"]) if arguments["different"] else None
    return CountTest(arguments["condition"], any_missing(value, *group), shown_names(*group, value, different), group, value, different)


def _check_count(arguments: Arguments) -> None:
    if not arguments["group_by"]:
        raise ArgumentError("group_by", "no group.", "Name the columns that the rows of a group share: [card_no].")


@dataclass(frozen=True)
class DependencyTest(Compared):
    """One group, one value: the rows whose value is not the group's most frequent break the rule; all of them where none is."""

    value: Column
    listed: ClassVar[tuple[str, ...]] = ("most_frequent",)

    def judged(self, write: Writer) -> exp.Query:
        n = len(self.group)
        by = f"PARTITION BY _batch{group_names(n)}"
        return filled(
            f"WITH counted AS (SELECT _batch{group_names(n)}, __v, count(*) AS __n FROM here GROUP BY _batch{group_names(n)}, __v),"
            f" ranked AS (SELECT *, count(*) OVER ({by}) AS __values, max(__n) OVER ({by}) AS __most FROM counted),"
            f" leading AS (SELECT *, count(*) FILTER (WHERE __n = __most) OVER ({by}) AS __leaders,"
            f" min(__v) FILTER (WHERE __n = __most) OVER ({by}) AS __leader FROM ranked WHERE __values > 1)"
            " SELECT h._batch, h._row, CASE WHEN l.__leaders = 1 THEN l.__leader END AS most_frequent, TRUE AS __comparable,"
            " coalesce(l.__n < l.__most OR l.__leaders > 1, FALSE) AS __broken"
            f" FROM here AS h LEFT JOIN leading AS l ON {same_group(n, 'h', 'l')} AND h.__v = l.__v",
            {"here": self.considered(write, __v=self.value)},
        )


def _dependency(arguments: Arguments, scope: Scope) -> DependencyTest:
    group, value = grouped(arguments, scope, "determinants"), scope.column(arguments["column"])
    return DependencyTest(arguments["condition"], any_missing(value, *group), shown_names(*group, value), group, value)


def _check_dependency(arguments: Arguments) -> None:
    if not arguments["determinants"] or arguments["column"] in arguments["determinants"]:
        found = f"determinants {list(arguments['determinants'])!r} of {arguments['column']}."
        raise ArgumentError("determinants", found, "Name the columns that fix the value, and not the column itself.")


@dataclass(frozen=True)
class NoiseTest(Compared):
    """Rows of a group whose texts differ in one character: one wrong, too many, too few, or two that changed places.

    Groups of more than `largest` rows are not compared.
    """

    text: Column
    largest: int
    listed: ClassVar[tuple[str, ...]] = ("resembles",)
    too_few: ClassVar[tuple[str, str]] = ("没有可比的组", "there is no group to compare")

    def judged(self, write: Writer) -> exp.Query:
        n = len(self.group)
        one = (
            "substr(__a, __at + 1) = substr(__b, __at + 1) OR substr(__a, __at + 1) = substr(__b, __at) OR substr(__a, __at) = substr(__b, __at + 1)"
            " OR (substr(__a, __at, 1) = substr(__b, __at + 1, 1) AND substr(__a, __at + 1, 1) = substr(__b, __at, 1)"
            " AND substr(__a, __at + 2) = substr(__b, __at + 2))"
        )
        return filled(
            f"WITH sized AS (SELECT *, count(*) OVER (PARTITION BY _batch{group_names(n)}) AS __n FROM here),"
            " pairs AS (SELECT a._batch, a._row, a.__v AS __a, b.__v AS __b FROM sized AS a JOIN sized AS b"
            f" ON {same_group(n, 'a', 'b')} AND a._row <> b._row AND a.__v <> b.__v AND abs(length(a.__v) - length(b.__v)) <= 1"
            f" WHERE a.__n BETWEEN 2 AND {self.largest}),"
            f" placed AS (SELECT *, {first_difference('__a', '__b')} AS __at FROM pairs),"
            f" alike AS (SELECT _batch, _row, min(__b) AS resembles FROM placed WHERE {one} GROUP BY _batch, _row)"
            f" SELECT s._batch, s._row, a.resembles, s.__n <= {self.largest} AS __comparable, a._row IS NOT NULL AS __broken"
            " FROM sized AS s LEFT JOIN alike AS a ON a._batch = s._batch AND a._row = s._row",
            {"here": self.considered(write, __v=self.text)},
        )


def _noise(arguments: Arguments, scope: Scope) -> NoiseTest:
    group, text = grouped(arguments, scope, "same"), scope.column(arguments["column"])
    if text.kind != "string":
        raise ArgumentError("column", f"{text.name} is a {text.kind}, which has no characters.", "Name a text column.")
    return NoiseTest(
        arguments["condition"],
        any_missing(text, *group),
        shown_names(*group, text),
        group,
        text,
        arguments["largest_group"],
    )


def _check_noise(arguments: Arguments) -> None:
    if not arguments["same"] or arguments["column"] in arguments["same"]:
        raise ArgumentError("same", f"same {list(arguments['same'])!r}.", "Name the columns that are equal, and not the one that differs.")
    if arguments["largest_group"] < 2:
        raise ArgumentError("largest_group", f"largest_group {arguments['largest_group']}.", "Give at least 2.")


KINDS = (
    Kind(
        "expect_group_size_to_be_between",
        {
            "group_by": Argument("columns", required=True),
            "column": Argument("column"),
            "value_set": Argument("values", default=()),
            "different": Argument("column"),
            "min_value": Argument("count"),
            "max_value": Argument("count"),
            **ROWS,
        },
        _group,
        (
            "每组中符合条件的行数在两界之间（column、value_set：只数这些值的行；different：该列相同的只数一次）。过少时标出全组，过多时标出被数的行。",
            "Each group has between so many and so many rows (`column` and `value_set`: only rows with these values count; `different`: equal values of that column count once). Of a group with too few every row breaks the rule, of one with too many those that were counted.",
        ),
        (
            "{unexpected} 行所在的组过少或过多（{percent}）",
            "{unexpected} rows are of a group with too few or too many of a kind ({percent})",
        ),
        '{group_by: [household_no], column: relation, value_set: ["02"], different: id_number, min_value: 1, max_value: 1}',
        ("GB/T 36344-2018 0402 关联数据一致性", "GB/T 36344-2018 0402"),
        ours=True,
        check=_check_group,
    ),
    Kind(
        "expect_column_values_to_equal_group_size",
        {
            "column": Argument("column", required=True),
            "group_by": Argument("columns", required=True),
            "different": Argument("column"),
            **ROWS,
        },
        _count,
        (
            "该列的数等于同组的行数（different：该列相同的只数一次），如保障人口等于成员行数；缺数的行不看也不数。",
            "The column says how many rows its group has (`different`: equal values of that column count once), as the persons of a household; rows without the number are neither judged nor counted.",
        ),
        (
            "{unexpected} 行的 {column} 与同组行数不符（{percent}）",
            "{unexpected} rows have a {column} that is not the number of rows of their group ({percent})",
        ),
        "{column: persons, group_by: [card_no], different: member_id}",
        ("GB/T 36344-2018 0402 关联数据一致性", "GB/T 36344-2018 0402"),
        ours=True,
        check=_check_count,
    ),
    Kind(
        "expect_columns_to_determine_column",
        {"determinants": Argument("columns", required=True), "column": Argument("column", required=True), **ROWS},
        _dependency,
        (
            "几列相同，则该列也相同（如一个代码一个名称）；标出与多数不同的行，没有多数时全组标出。",
            "Rows that agree in some columns agree in this one too, such as one name a code; the rows that differ from the most frequent value break the rule, all of them where there is none.",
        ),
        (
            "{unexpected} 行的 {column} 与本应相同的多数行不同（{percent}）",
            "{unexpected} rows have another {column} than most rows that should have the same ({percent})",
        ),
        "{determinants: [station], column: position}",
        ("GB/T 36344-2018 0401 相同数据一致性", "GB/T 36344-2018 0401"),
        ours=True,
        check=_check_dependency,
    ),
    Kind(
        "expect_records_to_differ_by_more_than_noise",
        {
            "column": Argument("column", required=True),
            "same": Argument("columns", required=True),
            "largest_group": Argument("count", default=50),
            **ROWS,
        },
        _noise,
        (
            "其余几列相同的记录，该列不会只差一个字符（错一字、多一字、少一字、两字颠倒）；相差的各行都标出。超过 largest_group 行的组不比较。",
            "Records equal in some columns do not differ in one character of this one (one wrong, one too many or too few, two that changed places); every row of such a pair breaks the rule. Groups of more than `largest_group` rows are not compared.",
        ),
        (
            "{unexpected} 行与另一行只差 {column} 的一个字符，疑为同一对象（{percent}）",
            "{unexpected} rows differ from another in one character of {column}: probably the same record ({percent})",
        ),
        "{column: id_number, same: [name, birth_date, hukou_address]}",
        ("GB/T 36344-2018 0303 数据重复率", "GB/T 36344-2018 0303"),
        ours=True,
        check=_check_noise,
    ),
)
