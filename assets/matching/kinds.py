"""Kinds of attributes by which records are compared: how a value is brought to one form, and how alike two forms are.

Belongs here: forms, levels of likeness and parts for blocking, as DuckDB SQL. Not here: how much a level says for or against
(the declaration), which records are compared (`records`).

A level is symmetrical: it holds for (a, b) exactly where it holds for (b, a). NULL means that a value is missing, or that
what stands there cannot be read as one; it is like nothing and unlike nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from assets.lake import literal
from expectations import identity
from expectations.codes import CodeTables

Form = Callable[[str], str]
"""SQL of something made from the SQL of a text."""
Side = Callable[[str], str]
"""SQL of one of the forms of a side's value, by its name; the main form is ''."""


@dataclass(frozen=True)
class Kind:
    """`forms`: each made of the value as text (the main one, '') or of the main form (any other).

    `levels`: conditions on the forms of two sides. `parts`: what blocking rules may ask to be equal ('' is the whole value).
    `sound`: whether a value as text is a good key; where a kind has none, any value is.
    """

    forms: Mapping[str, Form]
    levels: Mapping[str, Callable[[Side, Side], str]]
    parts: Mapping[str, Callable[[Side], str]] = field(default_factory=lambda: {"": lambda v: v("")})
    sound: Form | None = None


def _same(a: Side, b: Side) -> str:
    return f"{a('')} = {b('')}"


def _one_wrong(a: Side, b: Side) -> str:
    """One character put in, left out or replaced; among plain letters and digits also two neighbours changed over."""
    return _one_character(a(""), b(""))


def _one_character(x: str, y: str) -> str:
    # DuckDB's distances count bytes, of which a Chinese character has three.
    replaced = f"len(list_filter(range(1, length({x}) + 1), lambda i: substr({x}, i, 1) <> substr({y}, i, 1))) = 1"

    def left_out(long: str, short: str) -> str:
        shorter = f"list_transform(range(1, length({long}) + 1), lambda i: left({long}, i - 1) || substr({long}, i + 1))"
        return f"WHEN length({long}) = length({short}) + 1 THEN list_contains({shorter}, {short})"

    return (
        f"CASE WHEN {_plain(x)} AND {_plain(y)} THEN damerau_levenshtein({x}, {y}) = 1"
        f" WHEN length({x}) = length({y}) THEN {replaced} {left_out(x, y)} {left_out(y, x)} ELSE FALSE END"
    )


def _plain(text: str) -> str:
    return f"strlen({text}) = length({text})"


def _let(name: str, value: str, body: str) -> str:
    """`body` over a value that is worked out once, under a name."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


# Numbers that carry their own check


def _folded(value: str) -> str:
    return f"translate({value}, {literal(identity.FOLD_FROM)}, {literal(identity.FOLD_TO)})"


def _weighted(text: str, alphabet: str, weights: tuple[int, ...], start: int = 1) -> str:
    """The weighted sum of the values that the characters from `start` have in an alphabet."""
    terms = (f"{w} * (instr({literal(alphabet)}, substr({text}, {start + i}, 1)) - 1)" for i, w in enumerate(weights))
    return f"({' + '.join(terms)})"


def _resident_check(digits: str) -> str:
    """The check character of 17 digits (GB 11643-1999 4.4)."""
    weights = tuple(2 ** (17 - i) % 11 for i in range(17))
    return f"substr({literal(identity.RESIDENT_CHECK)}, {_weighted(digits, '0123456789', weights)} % 11 + 1, 1)"


def _resident(value: str) -> str:
    """18 characters; the 15-digit form with its century (19) and check character put in; 17 to 19 characters as they are."""
    completed = _let("d", "left(t, 6) || '19' || right(t, 9)", f"d || {_resident_check('d')}")
    other = (
        rf"CASE WHEN regexp_matches(t, '\A[0-9]{{15}}\z') THEN {completed}"
        rf" WHEN regexp_matches(t, '\A[0-9A-Z?*]{{17,19}}\z') THEN replace(t, '*', '?') END"
    )
    whole = literal(rf"\A{identity.RESIDENT_FORM}\z")
    return f"CASE WHEN regexp_matches({value}, {whole}) THEN {value} ELSE {_let('t', _folded(value), other)} END"


def _resident_sound(value: str) -> str:
    form = literal(rf"\A{identity.RESIDENT_FORM}\z")
    return _let("t", _folded(value), f"regexp_matches(t, {form}) AND substr(t, 18, 1) = {_resident_check('t')}")


RESIDENT_ID = Kind(
    forms={"": _resident},
    levels={
        "same": _same,
        "one_wrong": _one_wrong,
        # What a spreadsheet leaves of 18 digits are 15, and zeros.
        "beginning": lambda a, b: f"left({a('')}, 14) = left({b('')}, 14)",
        # A masked id, 219901********0017.
        "unknown_character": lambda a, b: f"length({a('')}) = length({b('')}) AND ({_like(a(''), b(''))} OR {_like(b(''), a(''))})",
        "other": lambda a, b: f"{a('')} <> {b('')}",
    },
    # Whichever character is wrong, one of the first three parts is whole; of a masked id the ends are.
    parts={
        "": lambda v: v(""),
        "begin": lambda v: f"left({v('')}, 14)",
        "end": lambda v: f"right({v('')}, 8)",
        "outside": lambda v: f"left({v('')}, 10) || right({v('')}, 4)",
        "ends": lambda v: f"left({v('')}, 6) || right({v('')}, 4)",
    },
    sound=_resident_sound,
)


def _credit_sound(value: str) -> str:
    outer = _weighted("t", identity.CREDIT_ALPHABET, identity.CREDIT_WEIGHTS)
    inner = _weighted("t", identity.ORGANISATION_ALPHABET, identity.ORGANISATION_WEIGHTS, 9)
    last = f"substr({literal(identity.CREDIT_ALPHABET)}, (31 - {outer} % 31) % 31 + 1, 1)"
    body = f"substr('0123456789X0', 12 - {inner} % 11, 1)"
    form = literal(rf"\A{identity.CREDIT_FORM}\z")
    return _let("t", _folded(value), f"regexp_matches(t, {form}) AND substr(t, 18, 1) = {last} AND substr(t, 17, 1) = {body}")


def _credit(value: str) -> str:
    whole = literal(rf"\A{identity.CREDIT_FORM}\z")
    other = r"CASE WHEN regexp_matches(t, '\A[0-9A-Z?*]{17,19}\z') THEN t END"
    return f"CASE WHEN regexp_matches({value}, {whole}) THEN {value} ELSE {_let('t', _folded(value), other)} END"


CREDIT_CODE = Kind(
    forms={"": _credit},
    levels={
        "same": _same,
        "one_wrong": _one_wrong,
        "same_body": lambda a, b: f"substr({a('')}, 9, 9) = substr({b('')}, 9, 9)",  # the organisation code inside
        "other": lambda a, b: f"{a('')} <> {b('')}",
    },
    parts={
        "": lambda v: v(""),
        "begin": lambda v: f"left({v('')}, 12)",
        "end": lambda v: f"right({v('')}, 10)",
        "body": lambda v: f"substr({v('')}, 9, 9)",
    },
    sound=_credit_sound,
)


# Names

DOTS = "·•・．.‧∙⋅﹒-"
BLANKS = " \t\r\n\v\f\u00a0\u2002\u2003\u200b\u3000\ufeff"
UNKNOWN = "?？□■*＊〓\ufffd"
"""What stands where a character could not be written; those of the private use areas besides."""
_PRIVATE = r"\x{E000}-\x{F8FF}\x{F0000}-\x{FFFFD}\x{100000}-\x{10FFFD}"
_HAN = r"\A[\x{4E00}-\x{9FFF}]+\z"


def _name(value: str) -> str:
    """Without blanks and dots, capitals, half width; `?` for every character that could not be written."""
    plain = f"translate(upper(nfc_normalize({value})), {literal(identity.FOLD_FROM + DOTS + BLANKS)}, {literal(identity.FOLD_TO)})"
    known = f"regexp_replace({plain}, {literal(f'[{UNKNOWN}{_PRIVATE}]')}, '?', 'g')"
    return f"CASE WHEN regexp_matches({value}, {literal(_HAN)}) THEN {value} ELSE nullif({known}, '') END"


def _simplified(tables: CodeTables) -> Form:
    """Every traditional character by the simplified one that stands for it (several old ones may become one)."""
    pairs = {old: new for old, new in tables.get("han_variant").codes.items() if old != new}
    old, new = literal("".join(pairs)), literal("".join(pairs.values()))
    some = literal(f"[{''.join(pairs)}]")

    def form(name: str) -> str:
        # Measured a name: to look for any of 3,000 characters 0.1 µs, so to replace them 10 µs; by translate 200 µs, by a MAP 1 ms.
        each = f"list_transform(string_split({name}, ''), lambda c: CASE WHEN contains({old}, c) THEN {new}[instr({old}, c)] ELSE c END)"
        return f"CASE WHEN regexp_matches({name}, {some}) THEN array_to_string({each}, '') ELSE {name} END"

    return form


def _like(a: str, b: str) -> str:
    pattern = f"replace(replace(replace({a}, '%', ''), '_', ''), '?', '_')"
    return f"(contains({a}, '?') AND {b} LIKE {pattern})"


def _unknown_character(a: Side, b: Side) -> str:
    """The same, but for characters that one of them could not write; at least one character was written by both."""
    x, y = a("simple"), b("simple")
    return f"length({x}) = length({y}) AND length({x}) > 1 AND ({_like(x, y)} OR {_like(y, x)}) AND {x} <> {y}"


def _person_name(tables: CodeTables) -> Kind:
    return Kind(
        forms={"": _name, "simple": _simplified(tables)},
        levels={
            "same": lambda a, b: f"{a('')} = {b('')} AND NOT contains({a('')}, '?')",
            "variant": lambda a, b: f"{a('simple')} = {b('simple')} AND NOT contains({a('simple')}, '?')",
            "unknown_character": _unknown_character,
            "one_wrong": lambda a, b: (
                f"least(length({a('simple')}), length({b('simple')})) > 1 AND {_one_character(a('simple'), b('simple'))}"
            ),
            # Of foreign names: among Chinese ones of two or three characters nothing between this and `one_wrong` means much.
            "close": lambda a, b: (
                f"{_plain(a('simple'))} AND {_plain(b('simple'))} AND jaro_winkler_similarity({a('simple')}, {b('simple')}) >= 0.88"
            ),
        },
        parts={
            "": lambda v: v("simple"),
            "first": lambda v: f"left({v('simple')}, 1)",
            "rest": lambda v: f"nullif(substr({v('simple')}, 2), '')",
        },
    )


def _organisation(value: str) -> str:
    """Without blanks and brackets of any kind, capitals, half width."""
    brackets = "()（）[]［］【】〔〕<>《》"
    plain = (
        f"translate(upper(nfc_normalize({value})), {literal(identity.FOLD_FROM + brackets + DOTS + BLANKS)}, {literal(identity.FOLD_TO)})"
    )
    return f"nullif(translate({plain}, '()[]<>', ''), '')"


# Everything else


def _text(value: str) -> str:
    return f"nullif(translate(upper({value}), {literal(BLANKS)}, ''), '')"


_ALIKE: Mapping[str, Callable[[Side, Side], str]] = {
    "same": _same,
    "one_wrong": _one_wrong,
    "close": lambda a, b: f"jaro_winkler_similarity({a('')}, {b('')}) >= 0.92",
    "like": lambda a, b: f"jaro_winkler_similarity({a('')}, {b('')}) >= 0.8",
}


def _date(value: str) -> str:
    """Eight digits, from a date as the lake writes it or eight digits as they came."""
    return rf"CASE WHEN regexp_matches({value}, '\A[0-9]{{4}}-?[0-9]{{2}}-?[0-9]{{2}}') THEN replace(left({value}, 10), '-', '') END"


DATE = Kind(
    forms={"": _date},
    levels={
        "same": _same,
        "one_wrong": _one_wrong,
        "swapped": lambda a, b: f"{a('')} = left({b('')}, 4) || right({b('')}, 2) || substr({b('')}, 5, 2)",
        "same_year": lambda a, b: f"left({a('')}, 4) = left({b('')}, 4)",
    },
    parts={"": lambda v: v(""), "year": lambda v: f"left({v('')}, 4)"},
)
CODE = Kind(forms={"": lambda v: f"nullif(trim({v}), '')"}, levels={"same": _same, "other": lambda a, b: f"{a('')} <> {b('')}"})
DIVISION = Kind(
    forms={"": lambda v: rf"CASE WHEN regexp_matches({v}, '\A[0-9]{{6}}') THEN left({v}, 6) END"},
    levels={"same": _same, "prefecture": lambda a, b: f"left({a('')}, 4) = left({b('')}, 4)"},
    parts={"": lambda v: v(""), "prefecture": lambda v: f"left({v('')}, 4)"},
)


def kinds(tables: CodeTables) -> dict[str, Kind]:
    """Every kind, by the name that a declaration gives it."""
    return {
        "resident_id": RESIDENT_ID,
        "credit_code": CREDIT_CODE,
        "person_name": _person_name(tables),
        "organisation_name": Kind(
            forms={"": _organisation}, levels=_ALIKE, parts={"": lambda v: v(""), "begin": lambda v: f"left({v('')}, 6)"}
        ),
        "date": DATE,
        "division": DIVISION,
        "code": CODE,
        "text": Kind(forms={"": _text}, levels=_ALIKE, parts={"": lambda v: v(""), "begin": lambda v: f"left({v('')}, 4)"}),
    }
