"""Rules against another dataset: what is referred to is there, and says the same."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from expectations.compiler.forms import Other
from expectations.compiler.ir import Column
from expectations.compiler.kinds import Argument, ArgumentError, Arguments, Kind, Scope
from expectations.compiler.rules.series.scan import ROWS, Compared, any_missing, filled, grouped, same_group, shown_names

if TYPE_CHECKING:
    from sqlglot import exp

    from expectations.compiler.writing import Writer


@dataclass(frozen=True)
class _Against(Compared):
    """Rows held against those of another relation with the same key (`group`)."""

    other: Other

    def there(self, write: Writer, value: str | None = None) -> exp.Query:
        """The other relation's keys as `__g0` ..., and its value as `__w`."""
        from expectations.compiler.writing import column, select

        keys = self.other.columns[: len(self.group)]
        trees = {f"__g{i}": column(k) for i, k in enumerate(keys)} | ({"__w": column(value)} if value else {})
        return select(**trees).from_(write.other(self.other.name)).where(*(column(k).is_(None_()).not_() for k in keys))

    def _same(self, a: str, b: str) -> str:
        return same_group(len(self.group), a, b).removeprefix(f"{a}._batch = {b}._batch AND ")


def None_() -> exp.Expression:  # noqa: N802 - SQL's NULL
    from sqlglot import exp

    return exp.Null()


@dataclass(frozen=True)
class ReferenceTest(_Against):
    """A key that the other relation does not have; where that holds no row at all, nothing can be said."""

    too_few: ClassVar[tuple[str, str]] = (
        "没有键可查，或对照的数据集没有行",
        "there is no key to look up, or the other dataset has no rows",
    )

    def judged(self, write: Writer) -> exp.Query:
        keys = ", ".join(f"__g{i}" for i in range(len(self.group)))
        return filled(
            f"WITH known AS (SELECT DISTINCT {keys} FROM there), whole AS (SELECT count(*) > 0 AS __any FROM known)"
            " SELECT h._batch, h._row, w.__any AS __comparable, w.__any AND k.__g0 IS NULL AS __broken"
            f" FROM here AS h CROSS JOIN whole AS w LEFT JOIN known AS k ON {self._same('h', 'k')}",
            {"here": self.considered(write), "there": self.there(write)},
        )


@dataclass(frozen=True)
class AgreementTest(_Against):
    """A value that no row of the other relation with the same key has, where one has a value."""

    value: Column
    listed: ClassVar[tuple[str, ...]] = ("elsewhere",)
    too_few: ClassVar[tuple[str, str]] = ("两个数据集没有共同的键", "the two datasets have no key in common")

    def judged(self, write: Writer) -> exp.Query:
        keys = ", ".join(f"__g{i}" for i in range(len(self.group)))
        return filled(
            f"WITH valued AS (SELECT DISTINCT {keys}, __w FROM there WHERE __w IS NOT NULL),"
            f" met AS (SELECT h._batch, h._row, bool_or(h.__v = v.__w) AS __agrees, min(v.__w) AS elsewhere"
            f" FROM here AS h JOIN valued AS v ON {self._same('h', 'v')} GROUP BY h._batch, h._row)"
            " SELECT _batch, _row, elsewhere, TRUE AS __comparable, NOT __agrees AS __broken FROM met",
            {"here": self.considered(write, __v=self.value), "there": self.there(write, self.other.columns[-1])},
        )


def _reference(arguments: Arguments, scope: Scope) -> ReferenceTest:
    group, other = grouped(arguments, scope, "column_list"), scope.other(arguments["reference"])
    return ReferenceTest(arguments["condition"], any_missing(*group), shown_names(*group), group, other)


def _agreement(arguments: Arguments, scope: Scope) -> AgreementTest:
    group, value, other = grouped(arguments, scope, "keys"), scope.column(arguments["column"]), scope.other(arguments["reference"])
    return AgreementTest(arguments["condition"], any_missing(value, *group), shown_names(*group, value), group, other, value)


def _check_reference(arguments: Arguments) -> None:
    _as_many(arguments["column_list"], arguments["reference"], "column_list", 0)


def _check_agreement(arguments: Arguments) -> None:
    _as_many(arguments["keys"], arguments["reference"], "keys", 1)


def _as_many(names: list[str], reference: dict[str, list[str]], argument: str, more: int) -> None:
    there = len(reference["columns"])
    if not names or there != len(names) + more:
        last = " and then the column that it is compared with" if more else ""
        raise ArgumentError("reference", f"{len(names)} columns under {argument} and {there} in reference.", f"Name as many{last}.")


KINDS = (
    Kind(
        "expect_columns_to_refer_to",
        {"column_list": Argument("columns", required=True), "reference": Argument("reference", required=True), **ROWS},
        _reference,
        (
            "该几列的值在另一数据集（本部门或其他部门）的对应列中存在；缺值的行不看；另一数据集不在手边或没有行，则不可评估。",
            "The values of these columns are in those of another dataset, of the same department or another; rows that lack one are left out. Not assessable where the other dataset is not at hand or has no rows.",
        ),
        (
            "{unexpected} 行在对照数据集中查不到（{percent}）",
            "{unexpected} rows are not found in the dataset referred to ({percent})",
        ),
        "{column_list: [uscc], reference: {dataset: std.market_entity, columns: [uscc]}}",
        ("GB/T 36344-2018 0402 关联数据一致性", "GB/T 36344-2018 0402"),
        ours=True,
        check=_check_reference,
    ),
    Kind(
        "expect_column_to_agree_with",
        {
            "column": Argument("column", required=True),
            "keys": Argument("columns", required=True),
            "reference": Argument("reference", required=True),
            **ROWS,
        },
        _agreement,
        (
            "键相同时，该列与另一部门的数据集说法一致（对方有多行，一行相同即可）；对方没有此键或没有值，则不比较。",
            "Where the keys are equal, this column says what another department's dataset says (of several rows there, one that agrees will do); where that has no such key or no value, the row is not compared.",
        ),
        (
            "{unexpected} 行的 {column} 与另一部门的数据不同（{percent}）",
            "{unexpected} rows have another {column} than the other department's data ({percent})",
        ),
        "{column: name, keys: [id_number], reference: {dataset: std.population_register, columns: [id_number, name]}}",
        ("GB/T 36344-2018 0401 相同数据一致性", "GB/T 36344-2018 0401"),
        ours=True,
        check=_check_agreement,
    ),
)
