"""Rules on air quality: the compiled twin of `expectations.national.air`."""

# ruff: noqa: E501, ISC004 - prose for people
from __future__ import annotations

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Constant, Expression, Shared, call, choose
from expectations.compiler.kinds import MAP, NUMBERS, Argument, ArgumentError, Arguments, Kind, Scope, column_of
from expectations.compiler.rules.identity import BOTH_PRESENT, one_missing
from expectations.compiler.rules.pairs import pair
from expectations.national import air
from expectations.national.numbers import setting


def sub_index(thousandths: Expression, steps: air.Steps) -> Expression:
    """The sub-index as `air.index` gives it, NULL where it gives none."""
    cases: list[tuple[Expression, Expression]] = [(call("not", call("surely", call("less_equal", 0, thousandths))), Constant(None))]
    for low, high, value_low, value_high in steps:
        width = value_high - value_low
        above = call("multiply", high - low, call("subtract", thousandths, value_low))
        rounded_up = call("quotient", call("add", above, width - 1), width)
        cases.append((call("less_equal", thousandths, value_high), call("add", low, rounded_up)))
    return choose(*cases, otherwise=air.GREATEST if steps[-1][1] == air.GREATEST else None)


def _aqi(arguments: Arguments, scope: Scope) -> RowTest:
    aqi = column_of(arguments["aqi"], scope, "aqi", NUMBERS)
    table, report = scope.codes.get("aqi_breakpoint").rows, air.REPORTS[arguments["report"]]
    columns = {p: column_of(arguments[p], scope, p, NUMBERS) for p in air.POLLUTANTS if arguments[p] is not None}
    indices = [Shared(sub_index(Shared(call("thousandths", c)), air.steps(table, report[p]))) for p, c in columns.items()]
    given, leeway = Shared(call("thousandths", aqi)), 1000 * arguments["tolerance"]
    scaled = [call("multiply", 1000, i) for i in indices]
    below = call("or", *(call("surely", call("less", given, call("subtract", i, leeway))) for i in scaled))
    # above all of them, none of which is unknown
    beyond = call("surely", call("and", *(call("less", call("add", i, leeway), given) for i in scaled)))
    every = (aqi, *columns.values())
    ignored = call("and", *(call("is_null", c) for c in every))
    return RowTest(call("or", below, beyond), ignored, arguments["condition"], tuple(c.name for c in every), "record")


def _far_above(arguments: Arguments, scope: Scope) -> RowTest:
    a, b = (column_of(arguments[name], scope, name, NUMBERS) for name in ("column_A", "column_B"))
    factor, margin = (setting(arguments[name]) for name in ("factor", "margin"))
    whole = call("add", call("multiply", factor, call("thousandths", b)), 1000 * margin)
    far = call("less", whole, call("multiply", 1000, call("thousandths", a)))
    return pair(arguments, a, b, call("or", one_missing(a, b), call("not", call("surely", far))))


def _some_pollutant(arguments: Arguments) -> None:
    if not any(arguments[p] is not None for p in air.POLLUTANTS):
        raise ArgumentError("aqi", "no pollutant is named: the rule can never fail.", f"Name the columns of {', '.join(air.POLLUTANTS)}.")


def _sizes(arguments: Arguments) -> None:
    for name, least in (("factor", 1), ("margin", 0)):
        if not least <= arguments[name] <= 1000:
            raise ArgumentError(name, f"{name} {arguments[name]!r}.", f"Give a number from {least} to 1000.")


KINDS = (
    Kind(
        "expect_aqi_to_follow_from_pollutants",
        {
            "aqi": Argument("column", required=True),
            **{p: Argument("column") for p in air.POLLUTANTS},
            "report": Argument("choice", default="hour", words=tuple(air.REPORTS)),
            "tolerance": Argument("count", default=1),
            **MAP,
        },
        _aqi,
        (
            "AQI 等于各污染物分指数的最大值（HJ 633 线性插值、向上取整，整数计算），误差 tolerance 以内；缺某一项时只要求 AQI 不小于已知的各项。report: hour 用小时限值（颗粒物用 24 小时限值、臭氧 1 小时），"
            "day 用 24 小时限值（臭氧 8 小时）。CO 以 mg/m³、其余以 µg/m³ 计。",
            "The AQI is the greatest of the pollutants' sub-indices (interpolated by HJ 633 and rounded up, in whole numbers), give or take `tolerance`; where a pollutant lacks, it may be greater but "
            "never less than one that is known. `hour`: hourly limits (particles by those of 24 hours, O3 of one hour); `day`: limits of 24 hours (O3 of eight). CO in mg/m³, the others in µg/m³.",
        ),
        (
            "{unexpected} 行的 {aqi} 与各项浓度算出的 AQI 不符：算错、列对错，或浓度单位不对（{percent}）",
            "{unexpected} rows have an {aqi} that does not follow from the concentrations: miscalculated, columns mixed up, or another unit ({percent})",
        ),
        "{aqi: aqi, pm2_5: pm2_5, pm10: pm10, so2: so2, no2: no2, co: co, o3: o3_hourly}",
        ("HJ 633-2012 表 1、4.3（1,475 个站点实测相符）", "HJ 633-2012 table 1, 4.3 (1,475 of 1,475 published stations agree)"),
        ours=True,
        check=_some_pollutant,
    ),
    Kind(
        "expect_column_pair_part_to_not_be_far_above_whole",
        {**BOTH_PRESENT, "factor": Argument("number", default=1.5), "margin": Argument("number", default=5)},
        _far_above,
        (
            "部分（A，如 PM2.5）不远大于整体（B，如 PM10）：A 大于 factor×B + margin（默认 1.5 倍加 5）的算不符。两台仪器的误差可使 PM2.5 略大于 PM10，故只作提示。",
            "A part (A, as PM2.5) is not far above the whole (B, as PM10): a row breaks the rule where A is more than factor × B + margin (1.5 times and 5). "
            "Two instruments can differ a little, so this is a warning.",
        ),
        (
            "{unexpected} 行的 {column_A} 远大于 {column_B}，检查两台仪器或是否错列（{percent}）",
            "{unexpected} rows have a {column_A} far above {column_B}: check both instruments, or whether columns were mixed up ({percent})",
        ),
        "{column_A: pm2_5, column_B: pm10}",
        (
            "HJ 633-2012（实测：2018 年 1,495 站 0 例，2022 年 44 行 9 例，差至 13）",
            "HJ 633-2012 (seen: 0 of 1,495 stations in 2018, 9 of 44 rows in 2022, by up to 13)",
        ),
        ours=True,
        check=_sizes,
    ),
)
