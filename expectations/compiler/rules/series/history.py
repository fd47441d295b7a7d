"""Rules on the shape of a dataset against its own history: its columns, and how the values of a column are spread."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from expectations.compiler.forms import FigureTest, Found, Judgement, Other
from expectations.compiler.ir import Column, Expression, columns
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope
from expectations.compiler.rules.series.arrivals import COLUMNS, batches_of, earlier_batches, too_short
from expectations.compiler.rules.series.scan import EARLIER, count_of, filled
from expectations.compiler.rules.series.spelling import value_at_largest
from expectations.compiler.rules.series.workdays import BATCHES

if TYPE_CHECKING:
    from expectations.compiler.writing import Writer

NAMED = 0.05
"""The share from which on a value is named in a cause: a rarer one could tell of a person."""


@dataclass(frozen=True)
class SchemaTest(FigureTest):
    """The columns of a hand-over against those of the one before it, of the same unit."""

    batches_: Other

    def statement(self, write: Writer) -> exp.Query:
        sql, ctes = earlier_batches(1, "none")
        return filled(
            f"WITH before AS ({sql}) SELECT m.batch AS _batch, m.columns AS now, b.columns AS past FROM listed AS m JOIN before AS b ON b.__of = m.batch",
            ctes | {"listed": batches_of(write, columns=True)},
        )

    def judge(self, found: Found) -> Judgement:
        now, past = found.figures.get("now"), found.figures.get("past")
        if not past:
            return too_short(0, 1)
        came, went = sorted(set(now or ()) - set(past)), sorted(set(past) - set(now or ()))
        details: dict[str, Any] = {"came": ", ".join(came) or "—", "went": ", ".join(went) or "—"}
        return Judgement.of(not came and not went, observed_value=sorted(now or ()), details=details)


def _schema(arguments: Arguments, scope: Scope) -> SchemaTest:  # noqa: ARG001 - every kind compiles by the same signature
    return SchemaTest(Other(BATCHES, (*COLUMNS, "columns")))


@dataclass(frozen=True)
class SpreadTest(FigureTest):
    """How the values of a column are spread over classes, against earlier batches of the same unit taken together.

    The classes are the values (a missing one too), or the intervals between `edges`, each from its lower edge on. The distance
    is half the sum of the differences of shares: the share of rows that would have to change class (total variation).
    """

    value: Column
    condition: Expression | None
    earlier: Other
    batches_: Other
    edges: tuple[float, ...]
    most: float
    batches: int
    least: int
    least_rows: int

    def statement(self, write: Writer) -> exp.Query:
        from expectations.compiler.writing import Writer, count, select

        def classes(writer: Writer) -> exp.Query:
            layers = writer.layers(self.value, *([self.condition] if self.condition is not None else []))
            made = select("_batch", __class=self._class(layers.tree(self.value)), __n=count()).from_(layers.table()).group_by(1, 2)
            return made.where(layers.tree(self.condition)) if self.condition is not None else made

        sql, more = earlier_batches(self.batches, "none")
        apart = "abs(__now - __past)"
        changed = ", ".join(
            f"{value_at_largest(v, apart)} AS {a}"
            for v, a in (("__class", "most_changed"), ("__now", "changed_to"), ("__past", "changed_from"))
        )
        return filled(
            "WITH whole AS (SELECT * FROM now UNION ALL SELECT * FROM older WHERE _batch NOT IN (SELECT _batch FROM now)),"
            f" before AS ({sql}),"
            " past AS (SELECT b.__of, o.__class, sum(o.__n) AS __n FROM before AS b JOIN whole AS o ON o._batch = b.batch GROUP BY 1, 2),"
            " depth AS (SELECT b.__of, count(DISTINCT o._batch) AS batches, sum(o.__n) AS __all FROM before AS b"
            " JOIN whole AS o ON o._batch = b.batch GROUP BY 1),"
            " sizes AS (SELECT _batch, sum(__n) AS __all FROM now GROUP BY 1),"
            " classes AS (SELECT _batch AS __of, __class FROM now UNION SELECT __of, __class FROM past),"
            " shares AS (SELECT c.__of, c.__class, coalesce(n.__n, 0) / s.__all AS __now, coalesce(p.__n, 0) / d.__all AS __past,"
            " s.__all AS __rows, d.__all AS __earlier, d.batches"
            " FROM classes AS c JOIN sizes AS s ON s._batch = c.__of JOIN depth AS d ON d.__of = c.__of"
            " LEFT JOIN now AS n ON n._batch = c.__of AND n.__class = c.__class LEFT JOIN past AS p ON p.__of = c.__of AND p.__class = c.__class)"
            f" SELECT __of AS _batch, sum({apart}) / 2 AS distance, max(batches) AS batches, max(__rows) AS n_rows,"
            f" max(__earlier) AS n_earlier, {changed} FROM shares GROUP BY 1",
            {
                "now": classes(write),
                "older": classes(Writer(write.relations[EARLIER], write.as_of, write.relations)),
                "listed": batches_of(write),
                **more,
            },
        )

    def _class(self, value: exp.Expr) -> exp.Expr:
        if not self.edges:
            return exp.func("coalesce", exp.Cast(this=value, to=exp.DataType.build("VARCHAR")), exp.Literal.string("∅"))
        case = exp.Case(ifs=[exp.If(this=exp.Is(this=value, expression=exp.Null()), true=exp.Literal.string("∅"))])
        for edge in self.edges:
            case.append("ifs", exp.If(this=exp.LT(this=value.copy(), expression=count_of(edge)), true=exp.Literal.string(f"< {edge:g}")))
        case.set("default", exp.Literal.string(f">= {self.edges[-1]:g}"))
        return case

    def judge(self, found: Found) -> Judgement:
        batches, figures = int(found.figures.get("batches") or 0), found.figures
        if batches < self.least:
            return too_short(batches, self.least)
        if min(figures["n_rows"], figures["n_earlier"]) < self.least_rows:
            zh, en = f"可比的行少于 {self.least_rows}", f"fewer than {self.least_rows} rows to compare"
            return Judgement.cannot(zh, en)
        distance = round(float(figures["distance"]), 4)
        common = max(figures["changed_from"], figures["changed_to"]) >= NAMED
        details = {
            "most_changed": figures["most_changed"] if common else "—",
            "changed_from": f"{figures['changed_from']:.1%}",
            "changed_to": f"{figures['changed_to']:.1%}",
            "batches": batches,
        }
        return Judgement.of(distance <= self.most, observed_value=distance, details=details)


def _spread(arguments: Arguments, scope: Scope) -> SpreadTest:
    column, edges = scope.column(arguments["column"]), tuple(arguments["edges"])
    if edges and column.kind not in ("integer", "number"):
        raise ArgumentError("edges", f"edges for {column.name}, which is a {column.kind}.", "Leave them out: each value is a class.")
    if not edges and column.kind == "number":
        raise ArgumentError("edges", f"no edges for {column.name}, which is a number.", "Say where its classes begin: [35, 75, 115].")
    names = tuple(sorted({column.name, *columns(arguments["condition"])}))
    return SpreadTest(
        column,
        arguments["condition"],
        Other(EARLIER, names),
        Other(BATCHES, COLUMNS),
        edges,
        arguments["max_distance"],
        arguments["batches"],
        arguments["least_batches"],
        arguments["least_rows"],
    )


def _check_spread(arguments: Arguments) -> None:
    edges = arguments["edges"]
    if any(isinstance(e, bool) or not isinstance(e, int | float) for e in edges) or list(edges) != sorted(set(edges)):
        raise ArgumentError("edges", f"edges {list(edges)!r}.", "List numbers that rise: [35, 75, 115].")
    if arguments["max_distance"] >= 1:
        raise ArgumentError(
            "max_distance", "max_distance 1: the rule can never fail.", "Give the share of rows that may change class: 0.1."
        )
    if not 1 <= arguments["least_batches"] <= arguments["batches"]:
        found = f"least_batches {arguments['least_batches']} of batches {arguments['batches']}: the rule can never be assessed."
        raise ArgumentError("least_batches", found, "Give at least 1, and no more than batches.")


KINDS = (
    Kind(
        "expect_table_columns_to_fit_history",
        {},
        _schema,
        (
            "交付的列与同单位上一批相同（含未声明的列）；没有上一批则不可评估。",
            "The hand-over has the columns of the one before it of the same unit, undeclared ones too; without one before it, not assessable.",
        ),
        ("与上一批相比，增列：{came}；减列：{went}", "against the batch before, columns that came: {came}; that went: {went}"),
        "{}",
        ("GB/T 36344-2018 0102 数据模型", "GB/T 36344-2018 0102"),
        ours=True,
    ),
    Kind(
        "expect_column_distribution_to_fit_history",
        {
            "column": Argument("column", required=True),
            "edges": Argument("values", default=()),
            "max_distance": Argument("share", default=0.1),
            "batches": Argument("count", default=12),
            "least_batches": Argument("count", default=3),
            "least_rows": Argument("count", default=100),
            **{k: MAP[k] for k in ("row_condition", "condition_parser")},
        },
        _spread,
        (
            "该列各值（数值列为 edges 分出的各段）的占比与同单位以前各批相近：需要改归别类的行不超过 max_distance。历史或行数不足则不可评估。",
            "The values of the column (of numbers: the classes that begin at `edges`) have about the shares that they had in earlier batches of the same unit: no more than `max_distance` of the rows would have to change class. Too short a history, or too few rows, is not assessable.",
        ),
        (
            "{column} 的分布变了 {observed}：{most_changed} 由 {changed_from} 变为 {changed_to}",
            "the spread of {column} has changed by {observed}: {most_changed} went from {changed_from} to {changed_to}",
        ),
        "{column: state, max_distance: 0.1}",
        ("GB/T 36344-2018 0301 数据内容正确性", "GB/T 36344-2018 0301"),
        ours=True,
        check=_check_spread,
    ),
)
