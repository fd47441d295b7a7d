"""Values to try in a cell: those around what a test says and around what stands there.

Belongs here: making texts. Not here: which cells get them (`spoilers`). Everything is a text, as it would be handed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from expectations import identity
from expectations.compiler.ir import Call, Column, Constant, Today, walk
from expectations.compiler.matching import matching

if TYPE_CHECKING:
    from pipelines.truth.copies import Copy

Day = date | datetime
_JUNK = ("测试", "x", "0", "-1", "9999999999", "1899-12-30", "2999-12-31")
_INSIDE = (" ", "?", "*", "0", "X", "(", "□")
_STEPS = (timedelta(days=1), timedelta(days=40), timedelta(days=400), timedelta(days=40_000))


@dataclass(frozen=True)
class Said:
    """The constants of a test: texts (with examples of its patterns), numbers, and days (from today where they move)."""

    texts: tuple[str, ...]
    numbers: tuple[int | float | Decimal, ...]
    days: tuple[Day, ...]


def constants_in(test: Any) -> Said:
    """What a compiled test says, of whatever form it is."""
    found = list(dict.fromkeys(_constants(test)))
    texts = [v for v in found if isinstance(v, str)]
    numbers = [v for v in found if isinstance(v, int | float | Decimal) and not isinstance(v, bool)]
    days = [v for v in found if isinstance(v, date)]
    return Said(tuple(texts), tuple(numbers), tuple(days))


def _constants(node: Any) -> Iterator[Any]:
    if isinstance(node, Constant | Call | Today | Column) or hasattr(node, "expression"):
        for part in walk(node):
            if isinstance(part, Call) and part.operator == "match":
                pattern = part.arguments[1]
                if isinstance(pattern, Constant) and (text := matching(str(pattern.value))) is not None:
                    yield text
            elif isinstance(part, Constant):
                yield from part.value if isinstance(part.value, tuple) else (part.value,)
            elif isinstance(part, Today):
                yield date.today() + timedelta(days=part.days)
    elif is_dataclass(node) and not isinstance(node, type):
        for f in fields(node):
            yield from _constants(getattr(node, f.name))
    elif isinstance(node, tuple | list):
        for part in node:
            yield from _constants(part)
    elif isinstance(node, str | int | float | date | Decimal):
        yield node


def around(copy: Copy, n: int, column: str, said: Said) -> list[str | None]:
    """Values for one cell, those that break least first: none, around the test's constants, around its own, of other cells, junk."""
    kind, held = copy.kinds[column], copy.typed[n].get(column)
    values: list[str | None] = [None]
    if kind in ("date", "timestamp"):
        days = [d for d in (held, *said.days, *_days(copy.typed[n].values())) if isinstance(d, date)]
        values += [text_of(moved, kind) for day in days for moved in _moved(day)]
    elif kind in ("integer", "number"):
        own = [held] if held is not None else []
        for number in (*said.numbers[:40], *own, 0):
            values += [text_of(v, kind) for v in _beside(number)]
    else:
        values += said.texts[:40]
        values += [text_of(v, kind) for v in said.numbers[:10]]
        if isinstance(held, str) and held:
            values += _altered(held, said)
    values += neighbours(copy, n, column, said)
    values = [v for v in values if v not in copy.kinds]  # names of columns are no values
    values += _JUNK
    return list(dict.fromkeys(v for v in values if v is None or v != copy.texts[n][column]))


def neighbours(copy: Copy, n: int, column: str, said: Said) -> list[str | None]:
    """Few values for one cell: good variants of its own, the same column in other rows, other cells of the row, none."""
    held = copy.typed[n].get(column)
    size = len(copy.texts)
    values: list[str | None] = [*(_variants(held) if isinstance(held, str) else ())]
    if isinstance(held, date):
        values += [text_of(v, copy.kinds[column]) for v in _moved(held)[:4]]
    elif isinstance(held, int | float | Decimal) and not isinstance(held, bool):
        values += [text_of(v, copy.kinds[column]) for v in _beside(held)]
    values += list(dict.fromkeys(copy.texts[(n + 1 + i * size // 9) % size][column] for i in range(9)))
    values += [text for name, text in copy.texts[n].items() if name != column and copy.kinds[name] == copy.kinds[column]][:6]
    values += [*said.texts[:6], None]
    return list(dict.fromkeys(v for v in values if v is None or v != copy.texts[n][column]))


def text_of(value: Any, kind: str) -> str:
    """A value as a hand-over would write it."""
    if isinstance(value, date):
        if kind == "timestamp":
            return (value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)).isoformat(" ", "seconds")
        return (value.date() if isinstance(value, datetime) else value).isoformat()
    if isinstance(value, float | Decimal):
        number = Decimal(str(value))
        return f"{number.normalize():f}" if number.is_finite() else str(value)
    return str(value)


def _days(values: Iterable[Any]) -> list[Day]:
    return [v for v in values if isinstance(v, date)][:6]


def _moved(day: Day) -> list[Day]:
    """The day, and before and after it by a day, a month, a year, a century."""
    found = [day]
    for step in _STEPS:
        for sign in (-1, 1):
            try:
                moved = day + sign * step
            except OverflowError:
                continue
            if 1000 <= moved.year <= 9000:
                found.append(moved)
    return found


def _beside(number: int | float | Decimal) -> list[int | float | Decimal]:
    if isinstance(number, float) and not abs(number) < 1e15:
        return []
    return [number, number - 1, number + 1, -number, number * 10, number * 1000, number // 2 if isinstance(number, int) else number / 2]


def _altered(text: str, said: Said) -> list[str]:
    """A text with a character lost, doubled, changed or put in; overlong; and numbers with check characters that are right or wrong."""
    middle = len(text) // 2
    marks = dict.fromkeys((*(t for t in said.texts if len(t) == 1), *_INSIDE))
    return [
        *_variants(text),
        *(text[:-1] + c for c in "01X"),
        *(c + text[1:] for c in "09Z"),
        text[:-1],
        text + text[-1],
        *(text[:middle] + m + text[middle:] for m in marks),
        text[::-1],
        text[0],
        text * 12,
        "9" * len(text),
    ]


def _variants(text: str) -> list[str]:
    """Other numbers of the same form whose check characters are right: of a resident id, a credit code, an organisation code."""
    found: list[str] = []
    if len(text) == 18 and text[:17].isdigit():
        heads = [text[:14] + f"{(int(text[14:17]) + step) % 1000:03d}" for step in (2, 4, 6, 1)]
        heads += ["999999" + text[6:17], text[:6] + "29990101" + text[14:17], text[:6] + "19990230" + text[14:17]]
        found += [head + identity.resident_check(head) for head in heads]
    elif len(text) == 18 and set(text) <= set(identity.CREDIT_ALPHABET):
        bodies = [body for c in "0123456789A" if (body := text[8:15] + c) != text[8:16]]
        heads = [text[:8] + body + identity.organisation_check(body) for body in bodies]
        heads += [text[:2] + "999999" + text[8:17], "00" + text[2:17], text[:16] + ("0" if text[16] != "0" else "1")]
        found += [head + identity.credit_check(head) for head in heads]
    elif len(text) == 15 and text.isdigit():
        found += [text[:-1] + str((int(text[-1]) + step) % 10) for step in (2, 1)]
    return found
