"""How clean rows are spoilt so that a rule breaks: one function a form of test, fed by what the compiled test itself says.

A spoiler knows no rule kind: it takes the constants, patterns and columns out of the test and tries the values around them.
So a new kind has its spoilers at once, and one that nothing here can break is reported as such. Belongs here: what is tried.
Not here: whether it worked (`mutation`), the clean rows (`copies`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product, zip_longest
from typing import TYPE_CHECKING, TypeVar

from expectations.compiler.forms import CannotTest, ColumnsTest, KeyTest, MeasureTest, RowTest
from expectations.compiler.rules.series.scan import EARLIER
from pipelines.truth.values import around, constants_in, neighbours

if TYPE_CHECKING:
    from expectations.compiler.plan import Compiled
    from pipelines.truth.copies import Copy

T = TypeVar("T")
Cells = Mapping[str, str | None]
BASES = 6
"""Clean rows that each value is tried on."""


@dataclass(frozen=True)
class Spoil:
    """A copy of the clean rows with some of them changed, others added (as changed copies of a row) or dropped, or columns absent.

    `past` sets columns of the dataset's earlier rows to one value.
    """

    change: Mapping[int, Cells] = field(default_factory=dict)
    add: tuple[tuple[int, Cells], ...] = ()
    drop: frozenset[int] = frozenset()
    absent: frozenset[str] = frozenset()
    past: tuple[tuple[str, str], ...] = ()

    def told(self) -> str:
        """What was done, in a few words; no value of a clean row is told."""
        parts = []
        if self.change:
            columns = ", ".join(sorted({c for cells in self.change.values() for c in cells}))
            parts.append(f"{columns} of {len(self.change)} row{'s' if len(self.change) > 1 else ''} changed")
        if self.add:
            parts.append(f"{len(self.add)} row{'s' if len(self.add) > 1 else ''} added")
        if self.drop:
            parts.append(f"{len(self.drop)} row{'s' if len(self.drop) > 1 else ''} dropped")
        if self.absent:
            parts.append(f"without {', '.join(sorted(self.absent))}")
        if self.past:
            parts.append(f"{', '.join(c for c, _ in self.past)} of earlier rows set to one value")
        return "; ".join(parts)


def row_cells(compiled: Compiled, copy: Copy) -> Iterator[tuple[int, Cells]]:
    """Cells to set in one row, for a test of rows: each column that the test reads, at each value around what it says."""
    said = constants_in(compiled.test)
    for n in copy.considered(compiled)[:BASES]:
        for column in _targets(compiled, copy):
            for value in around(copy, n, column, said):
                yield n, {column: value}


def further_cells(compiled: Compiled, copy: Copy, n: int, cells: Cells, columns: Sequence[str]) -> Iterator[tuple[int, Cells]]:
    """The same cells with one more set, among `columns`: to appease the rules that fired too, or to meet a condition."""
    said = constants_in(compiled.test)
    for column in columns:
        if column in copy.texts[n] and column not in cells:
            yield from ((n, {**cells, column: value}) for value in neighbours(copy, n, column, said))


def spoils(compiled: Compiled, copy: Copy) -> Iterator[Spoil]:
    """Spoilt copies for a test that is not about single rows; none for a form that nothing is known about."""
    match compiled.test:
        case RowTest() | CannotTest():
            return
        case KeyTest():
            yield from _doubled(compiled, copy)
        case ColumnsTest(wanted=wanted):
            yield from (Spoil(absent=frozenset({column})) for column in wanted if column in copy.names)
        case MeasureTest():
            yield from _fewer_and_more(copy)
            yield from _cells_of_many(compiled, copy)
        case _:
            yield from _in_turn(
                _cells_of_few(compiled, copy),
                _doubled_but_for_one(compiled, copy),
                _still_past(compiled, copy),
                _runs(compiled, copy),
                _fewer_and_more(copy),
                _cells_of_many(compiled, copy),
                _without_columns(compiled, copy),
            )


def _in_turn(*families: Iterator[T]) -> Iterator[T]:
    for round_ in zip_longest(*families):
        yield from (one for one in round_ if one is not None)


def _targets(compiled: Compiled, copy: Copy) -> list[str]:
    """The columns to spoil: those that the rule names first, then what else its test reads."""
    read = [name.removesuffix("__text") for name in sorted(compiled.uses)]
    return [c for c in dict.fromkeys((*compiled.rule.columns, *read)) if c in copy.names]


def _doubled(compiled: Compiled, copy: Copy) -> Iterator[Spoil]:
    """A row added with the key of another, its other keys made different; then a row that takes over another's key."""
    own = _targets(compiled, copy)
    others = [_targets(c, copy) for c in copy.plan.compiled if isinstance(c.test, KeyTest) and c.test != compiled.test]
    free = [[c for c in names if c not in own] for names in others]
    said = constants_in(compiled.test)
    for n in copy.considered(compiled)[:BASES]:
        choices = [[(c, v) for c in names for v in neighbours(copy, n, c, said) if v] for names in free if names]
        for chosen in list(product(*(c[:12] for c in choices)))[:200]:
            yield Spoil(add=((n, dict(chosen)),))
    for n in copy.considered(compiled)[:BASES]:
        taken = {c: copy.texts[n][c] for c in own}
        yield from (Spoil(change={m: taken}) for m in _spread(copy, 8) if m != n)


def _doubled_but_for_one(compiled: Compiled, copy: Copy) -> Iterator[Spoil]:
    """A row added once more, exactly or with one cell changed."""
    said = constants_in(compiled.test)
    for n in copy.considered(compiled)[:2]:
        yield Spoil(add=((n, {}),))
        for column in _targets(compiled, copy):
            yield from (Spoil(add=((n, {column: value}),)) for value in neighbours(copy, n, column, said))


def _cells_of_few(compiled: Compiled, copy: Copy) -> Iterator[Spoil]:
    said = constants_in(compiled.test)
    for n in copy.considered(compiled)[:3]:
        by_column = (iter([(column, value) for value in around(copy, n, column, said)]) for column in _targets(compiled, copy))
        yield from (Spoil(change={n: {column: value}}) for column, value in _in_turn(*by_column))


def _still_past(compiled: Compiled, copy: Copy) -> Iterator[Spoil]:
    """A column that stood still before: earlier rows have the value of one of these."""
    if not any(other.name == EARLIER for other in compiled.test.others):
        return
    for n in copy.considered(compiled)[:3]:
        for column in _targets(compiled, copy):
            if value := copy.texts[n][column]:
                yield Spoil(past=((column, value),))


def _cells_of_many(compiled: Compiled, copy: Copy) -> Iterator[Spoil]:
    """A column set to one value in half of the rows, or all."""
    said, rows = constants_in(compiled.test), copy.considered(compiled)
    if not rows:
        return
    for column in _targets(compiled, copy):
        for value in around(copy, rows[0], column, said):
            for some in (rows[: len(rows) // 2], rows):
                yield Spoil(change={n: {column: value} for n in some})


def _runs(compiled: Compiled, copy: Copy) -> Iterator[Spoil]:
    """Rows one after another frozen at the first one's value, in the order of the rows and within each value of another column."""
    targets = _targets(compiled, copy)
    groups: list[list[int]] = [list(range(len(copy.texts)))]
    for column in targets:
        by_value: dict[str | None, list[int]] = {}
        for n, row in enumerate(copy.texts):
            by_value.setdefault(row[column], []).append(n)
        largest = max(by_value.values(), key=len)
        if 3 <= len(largest) < len(copy.texts):
            groups.append(largest)
    for column in targets:
        for rows in groups:
            for length in (3, 6, 12, 24, 48):
                run = rows[:length]
                yield Spoil(change={n: {column: copy.texts[run[0]][column]} for n in run})
            yield Spoil(drop=frozenset(rows[1:-1]))


def _fewer_and_more(copy: Copy) -> Iterator[Spoil]:
    """Rows dropped from the middle, the end, all but one; rows added."""
    size = len(copy.texts)
    yield Spoil(drop=frozenset({size // 2}))
    yield Spoil(drop=frozenset(range(size // 3, 2 * size // 3)))
    yield Spoil(drop=frozenset(range(size // 2, size)))
    yield Spoil(drop=frozenset(range(1, size)))
    yield Spoil(drop=frozenset(range(size)))
    yield Spoil(add=tuple((n, {}) for n in range(size)))


def _without_columns(compiled: Compiled, copy: Copy) -> Iterator[Spoil]:
    """One column after another absent, of those that the test does not need to be assessed at all; then more and more of them."""
    free = [c for c in copy.names if c not in compiled.uses]
    for most in (1, len(free) // 2, len(free)):
        yield Spoil(absent=frozenset(free[:most]))
    yield from (Spoil(absent=frozenset({column})) for column in free)


def _spread(copy: Copy, most: int) -> list[int]:
    size = len(copy.texts)
    return sorted({i * size // most for i in range(most)}) if size else []
