"""Rules on places: divisions at a date, addresses, coordinates. The compiled twin of `expectations.national.places`."""

# ruff: noqa: E501, ISC004 - prose for people
from __future__ import annotations

from collections.abc import Callable, Mapping

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Column, Expression, Shared, call, choose
from expectations.compiler.kinds import DAYS, MAP, NUMBERS, TEXTS, Argument, ArgumentError, Arguments, Kind, Scope, column_of, printed
from expectations.compiler.rules.identity import BOTH_PRESENT, one_missing, whole_match
from expectations.compiler.rules.pairs import pair
from expectations.national import places
from expectations.national.numbers import setting
from expectations.national.places import Box


def _in_force(arguments: Arguments, scope: Scope) -> RowTest:
    a, b = (column_of(arguments[name], scope, name, of) for name, of in (("column_A", TEXTS), ("column_B", DAYS)))
    level = tuple(arguments["level"])
    spans = {r["code"]: places.span(r) for r in scope.codes.get("division").rows if r["level"] in level}
    year = Shared(call("whole", call("slice", call("day_text", b), 1, 4)))
    since, until = _both(a, spans)
    holds: Expression = call("surely", call("and", call("less_equal", since, year), call("less_equal", year, until)))
    if arguments["elsewhere"]:
        holds = call("or", holds, whole_match(a, places.elsewhere_pattern(level)))
    return pair(arguments, a, b, call("or", one_missing(a, b), holds))


PACKED = 10**6


def _both(key: Expression, pairs: Mapping[str, tuple[int, int]]) -> tuple[Expression, Expression]:
    """Two whole numbers below a million that stand for a key, by one look-up."""
    packed = Shared(call("look_up", key, tuple(pairs), tuple(PACKED * first + second for first, second in pairs.values())))
    return call("quotient", packed, PACKED), call("remainder", packed, PACKED)


def _address(arguments: Arguments, scope: Scope) -> RowTest:
    a, b = scope.column(arguments["column_A"]), column_of(arguments["column_B"], scope, "column_B", TEXTS)
    text, names = printed(a, "column_A"), places.Names.of(scope.codes.get("division").rows)

    def named(of: dict[str, str]) -> Expression:
        return call("less", 0, call("position", call("look_up", b, tuple(of), tuple(of.values())), text))

    own, accept = named(dict(names.own)), arguments["accept"]
    word = choose(
        (call("surely", own), "own"),
        (call("not", call("surely", call("in_set", b, tuple(names.own)))), "unknown"),
        (named(dict(names.city)), "city"),
        (call("match", text, names.cities), "other"),
        otherwise="silent",
    )
    return pair(arguments, a, b, call("or", one_missing(a, b), call("in_set", word, (*accept, "unknown"))))


def _inside(box: Box, lon: Expression, lat: Expression) -> Expression:
    sides = ((box.west, lon), (box.south, lat)), ((lon, box.east), (lat, box.north))
    return call("and", *(call("less_equal", low, high) for both in sides for low, high in both))


def _thousandths(scope: Scope, arguments: Arguments, *names: str) -> list[tuple[Column, Expression]]:
    found: list[tuple[Column, Expression]] = []
    for name in names:
        column = column_of(arguments[name], scope, name, NUMBERS)
        found.append((column, Shared(call("thousandths", column))))
    return found


def coordinate_word(lon: Expression, lat: Expression, box: Box) -> Expression:
    """The word that `places.coordinate_word` gives; "outside" where a number is beyond all bounds."""
    far = 100_000_000
    metres = call("and", *(call("or", call("less_equal", far, v), call("less_equal", v, -far)) for v in (lon, lat)))
    tenfold = _inside(box, call("multiply", lon, 10), call("multiply", lat, 10))
    return Shared(
        choose(
            (_inside(box, lon, lat), "inside"),
            (call("and", call("equal", lon, 0), call("equal", lat, 0)), "zero"),
            (_inside(box, lat, lon), "swapped"),
            (call("or", tenfold, *(_inside(box.times(k), lon, lat) for k in places.SCALES)), "scaled"),
            (metres, "metres"),
            otherwise="outside",
        )
    )


def _coordinates(*accepted: str) -> Callable[[Arguments, Scope], RowTest]:
    def compiled(arguments: Arguments, scope: Scope) -> RowTest:
        (a, lon), (b, lat) = _thousandths(scope, arguments, "column_A", "column_B")
        divisions = scope.codes.get("division").rows
        box = places.boxes(scope.codes.get("division_box").rows, divisions)[places.PROVINCE].wider(setting(arguments["margin"]))
        word = coordinate_word(lon, lat, box)
        return pair(arguments, a, b, call("or", one_missing(a, b), call("in_set", word, accepted)))

    return compiled


def _division_box(arguments: Arguments, scope: Scope) -> RowTest:
    (a, lon), (b, lat) = _thousandths(scope, arguments, "lon", "lat")
    division = column_of(arguments["division"], scope, "division", TEXTS)
    boxes = places.boxes(scope.codes.get("division_box").rows, scope.codes.get("division").rows)
    by = setting(arguments["margin"])
    wider = {code: box.wider(by) for code, box in boxes.items()}
    west, east = _both(division, {code: (box.west, box.east) for code, box in wider.items()})
    south, north = _both(division, {code: (box.south, box.north) for code, box in wider.items()})
    outside = [call("less", lon, west), call("less", east, lon), call("less", lat, south), call("less", north, lat)]
    nowhere = [call("and", call("is_null", v), call("not", call("is_null", west))) for v in (lon, lat)]  # beyond all bounds
    columns = (a, b, division)
    ignored = call("or", *(call("is_null", c) for c in columns))
    broken = call("and", call("not", ignored), call("surely", call("or", *nowhere, *outside)))
    return RowTest(broken, ignored, arguments["condition"], tuple(c.name for c in columns), "record")


def _margin(arguments: Arguments) -> None:
    if not 0 <= arguments["margin"] <= 10:
        raise ArgumentError("margin", f"margin {arguments['margin']!r}.", "Give degrees, from 0 to 10.")


_LEVEL = Argument("choices", default=places.LEVELS, words=places.LEVELS)
_MARGIN = {"margin": Argument("number", default=0)}
_CGCS = (
    "CGCS2000（EPSG:4490）；省域外框 118.83–125.77°E、38.72–43.48°N（H，外框）",
    "CGCS2000 (EPSG:4490); outer box of the province 118.83–125.77 E, 38.72–43.48 N (H as an outer box)",
)

KINDS = (
    Kind(
        "expect_column_pair_division_to_be_in_force_on_date",
        {**BOTH_PRESENT, "level": _LEVEL, "elsewhere": Argument("flag", default=True)},
        _in_force,
        (
            "区划代码（A）在该日期（B）所在年份有效：变更只记到年，撤并与启用当年新旧代码都算有效；沈抚的自编代码不限年份；elsewhere 接受外省代码（只看形式）。1984 年以前的变更不可靠，不判。",
            "The division code (A) was in force in the year of the date (B): changes are known by year, and in the year of a change both codes count. The private code of 沈抚 counts always; "
            "`elsewhere` takes other provinces' codes by form. Changes before 1984 are not reliable and not judged.",
        ),
        (
            "{unexpected} 行的 {column_A} 在 {column_B} 当年尚未启用、已经撤并，或从未有过（{percent}）",
            "{unexpected} rows have a {column_A} that in the year of {column_B} was not yet, no longer, or never in force ({percent})",
        ),
        "{column_A: hukou_div, column_B: updated_at, level: [county]}",
        ("GB/T 2260 及历年变更（1980—2026，只到年，M）", "GB/T 2260 and its changes of 1980 to 2026 (by year, M)"),
        ours=True,
    ),
    Kind(
        "expect_column_pair_address_to_name_division",
        {**BOTH_PRESENT, "accept": Argument("choices", default=("own",), words=places.ADDRESS_WORDS[:-1])},
        _address,
        (
            "地址（A）写明区划（B）：含县区名（own；自治县可不写民族，市可不写“市”）。accept 可加 city（只写到市）、silent（市县都没写）、other（写的是省内另一个市）。已撤并的与外省的代码不判。",
            "The address (A) names the division (B): the county's name (own; an autonomous county without its peoples, a city without 市). `accept` may add city (only the city is named), "
            "silent (neither), other (another city of the province). Codes no longer in force and other provinces' are not judged.",
        ),
        (
            "{unexpected} 行的 {column_A} 没有写明 {column_B} 所指的区县，或写的是别处（{percent}）",
            "{unexpected} rows have an {column_A} that does not name the place of {column_B}, or names another ({percent})",
        ),
        "{column_A: hukou_address, column_B: hukou_div, accept: [own, city]}",
        ("GB/T 2260（名称）", "GB/T 2260 (names)"),
        ours=True,
    ),
    Kind(
        "expect_column_pair_coordinates_to_be_in_province",
        {**BOTH_PRESENT, **_MARGIN},
        _coordinates("inside"),
        (
            "经度（A）、纬度（B）落在省域外框内（度，CGCS2000）；margin 向外放宽若干度，如海岛与海域。",
            "Longitude (A) and latitude (B) lie in the outer box of the province (degrees, CGCS2000); `margin` widens it by some degrees, as for islands and the sea.",
        ),
        (
            "{unexpected} 行的坐标（{column_A}, {column_B}）不在省内：经纬颠倒、0,0、缺小数点，或是米制投影坐标（{percent}）",
            "{unexpected} rows have coordinates ({column_A}, {column_B}) outside the province: swapped, 0,0, no decimal point, or metres of a projection ({percent})",
        ),
        "{column_A: lon, column_B: lat}",
        _CGCS,
        ours=True,
        check=_margin,
    ),
    Kind(
        "expect_column_pair_coordinates_to_not_be_swapped",
        {**BOTH_PRESENT, **_MARGIN},
        _coordinates(*(w for w in places.COORDINATE_WORDS if w != "swapped")),
        (
            "经度（A）与纬度（B）没有写颠倒：颠倒过来才落在省域外框内的算不符；在别处的不在此判。",
            "Longitude (A) and latitude (B) have not changed places: a row breaks the rule where only their exchange lies in the outer box of the province.",
        ),
        (
            "{unexpected} 行的 {column_A} 与 {column_B} 写颠倒了（{percent}）",
            "{unexpected} rows have {column_A} and {column_B} in each other's place ({percent})",
        ),
        "{column_A: lon, column_B: lat}",
        _CGCS,
        ours=True,
        check=_margin,
    ),
    Kind(
        "expect_column_pair_coordinates_to_not_be_scaled",
        {**BOTH_PRESENT, **_MARGIN},
        _coordinates(*(w for w in places.COORDINATE_WORDS if w != "scaled")),
        (
            "经度（A）、纬度（B）没有错位：一同除以（或乘以）10 的某次方才落在省域外框内的算不符，多为丢了小数点。",
            "Longitude (A) and latitude (B) are not off by a power of ten: a row breaks the rule where only both divided (or multiplied) by it lie in the outer box; mostly a lost decimal point.",
        ),
        (
            "{unexpected} 行的坐标（{column_A}, {column_B}）差了 10 的若干次方，疑似丢了小数点（{percent}）",
            "{unexpected} rows have coordinates ({column_A}, {column_B}) off by a power of ten: a lost decimal point, it seems ({percent})",
        ),
        "{column_A: lon, column_B: lat}",
        _CGCS,
        ours=True,
        check=_margin,
    ),
    Kind(
        "expect_coordinates_to_be_in_division_box",
        {**{name: Argument("column", required=True) for name in ("lon", "lat", "division")}, **_MARGIN, **MAP},
        _division_box,
        (
            "坐标落在所填区划的外框内（代码表 division_box；没有自己的框就用上级的），margin 向外放宽若干度；区划不在表内的不判。市县的框由中心点向外放宽而成（东西 1 度、南北 0.8 度，M），只找得出错到远处的点。",
            "The coordinates lie in the box of the division given (the table `division_box`; a division without one has that of the place it belongs to), widened by `margin` degrees; other codes are not judged. "
            "The boxes of cities and counties are widened from centre points (1 degree east and west, 0.8 north and south, M): they find what is far off only.",
        ),
        (
            "{unexpected} 行的坐标不在 {division} 所指的区划内：填错区划或坐标（{percent}）",
            "{unexpected} rows have coordinates outside the place of {division}: one of the two is wrong ({percent})",
        ),
        "{lon: lon, lat: lat, division: county, margin: 0.05}",
        _CGCS,
        ours=True,
        check=_margin,
    ),
)
