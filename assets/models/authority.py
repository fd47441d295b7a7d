"""Whose word counts for an attribute of a fused record: the order of authority that a base contract declares, as SQL.

Column property `authority`, a list; the first entry with a value wins:

| entry                                              | its word counts                                                      |
|----------------------------------------------------|----------------------------------------------------------------------|
| `register`                                         | where it has a value                                                 |
| `{source: register, when: "uscc[1:1] = '9'"}`      | where the condition holds, over the source's own row                 |
| `{source: permit, within: 24 months}`              | as long as its event is not older; see below                         |
| `{newest: [a, b, c], within: 12 months}`           | of these, equal in rank: the later event, then the value that more   |
|                                                    | sources say, then the fuller one, then the order here                |

A word beyond its age counts only where nobody else's does: then the newest of them stands, and is marked old. Age is counted at
the last day that the hand-overs speak of, never at today: the same hand-overs give the same table. A source that is named a
second time further down fills what is left without the condition of the first.

Column property `agreement`, another column's name: how many sources say a value there.

Belongs here: that grammar and its SQL. Not here: which rows are candidates, how they are joined (`fusion`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from assets.lake import literal
from expectations.documents import near, read_document

if TYPE_CHECKING:
    from assets.contracts import Column, Contract
    from expectations.documents import DocumentError

EVENT = "_event"
_LIMIT = re.compile(r"([1-9][0-9]{0,3}) (day|month|year)s?")


@dataclass(frozen=True)
class Candidate:
    """One source in an order: `when` is SQL over its own row, `within` the age up to which its word counts (`24 month`)."""

    source: str
    when: str | None = None
    within: str | None = None


@dataclass(frozen=True)
class Order:
    """Who may fill an attribute: ranks, the first one with a word wins; sources of one rank are equal."""

    attribute: str
    ranks: tuple[tuple[Candidate, ...], ...]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return tuple(c for rank in self.ranks for c in rank)

    @property
    def sources(self) -> tuple[str, ...]:
        """Its sources, each once, in the order of their first mention."""
        return tuple(dict.fromkeys(c.source for c in self.candidates))

    @property
    def plain(self) -> bool:
        """Whether the first source with a value wins, whatever it says."""
        return all(len(rank) == 1 and rank[0].when is None and rank[0].within is None for rank in self.ranks)

    @property
    def limited(self) -> bool:
        return any(c.within for c in self.candidates)


def read_order(contract: Contract, column: Column, given: Mapping[str, set[str]]) -> Order:
    """The order that a column declares, or every source that gives it; `given` are the columns that each source gives.

    Raises `DocumentError` with the line of the column for what is no order, a source that gives no such value, a condition that
    is no SQL over the source's columns.
    """
    fit = tuple(source for source, columns in given.items() if column.name in columns)
    entries = column.authority or fit
    ranks = tuple(tuple(_rank(contract, column, entry)) for entry in entries)
    order = Order(column.name, ranks)
    for candidate in order.candidates:
        if candidate.source not in fit:
            found = f"{candidate.source!r} has authority over {column.name}, and the SELECT takes no {column.name} from it."
            raise wrong(contract, column, found, near(candidate.source, fit))
        if candidate.when is not None:
            known = {*given[candidate.source], *contract.key, EVENT}
            expression(contract, column, candidate.when, known, str)
    return order


def _rank(contract: Contract, column: Column, entry: Any) -> Iterator[Candidate]:
    if isinstance(entry, str):
        yield Candidate(entry)
        return
    if not isinstance(entry, dict) or ("source" in entry) == ("newest" in entry):
        raise wrong(contract, column, f"authority entry {entry!r}.", "Write a dataset's name, {source: ..., when: ...} or {newest: [...]}.")
    known = ("source", "when", "within") if "source" in entry else ("newest", "within")
    for key in entry:
        if key not in known:
            raise wrong(contract, column, f"unknown key {key!r} in an authority entry.", near(str(key), known))
    within = _limit(contract, column, entry.get("within"))
    if "source" in entry:
        yield Candidate(str(entry["source"]), entry.get("when"), within)
        return
    for one in entry["newest"]:
        for candidate in _rank(contract, column, one):
            yield Candidate(candidate.source, candidate.when, candidate.within or within)


def _limit(contract: Contract, column: Column, text: Any) -> str | None:
    if text is None:
        return None
    found = _LIMIT.fullmatch(str(text))
    if found is None:
        raise wrong(contract, column, f"within: {text!r}.", "Write a number and days, months or years: 12 months.")
    return f"{found[1]} {found[2]}"


def wrong(contract: Contract, column: Column, found: str, remedy: str) -> DocumentError:
    """The error that stands at a column's custom properties."""
    position = [c.name for c in contract.columns].index(column.name)
    return read_document(contract.path).error(("schema", 0, "properties", position, "customProperties"), found, remedy)


def expression(contract: Contract, column: Column, text: str, known: set[str], place: Callable[[str], str]) -> str:
    """A SQL expression of the contract with each column as `place` gives it. Raises `DocumentError` for other than that."""
    try:
        tree = sqlglot.parse_one(text, read="duckdb")
    except (ParseError, TokenError) as error:
        said = error.errors[0].get("description", error) if isinstance(error, ParseError) and error.errors else error
        raise wrong(contract, column, f"not SQL: {text!r}: {said}.", "Write one expression.") from None
    if tree.find(exp.Query, exp.AggFunc, exp.Window, exp.Command, exp.Star):
        raise wrong(contract, column, f"{text!r} is more than one row tells.", "Write an expression over the columns of one row.")
    for found in list(tree.find_all(exp.Column)):
        if found.name not in known or found.table:
            raise wrong(contract, column, f"no column {found.sql('duckdb')!r} for {text!r}.", near(found.name, known))

    def placed(node: exp.Expr) -> exp.Expr:
        return sqlglot.parse_one(place(node.name), read="duckdb") if isinstance(node, exp.Column) else node

    return f"({tree.transform(placed).sql('duckdb')})"


def columns_asked(contract: Contract, order: Order, source: str) -> set[str]:
    """What an order looks at of a source besides its value: the columns of its conditions."""
    trees = [sqlglot.parse_one(c.when, read="duckdb") for c in order.candidates if c.when and c.source == source]
    return {found.name for tree in trees for found in tree.find_all(exp.Column)} - {EVENT, *contract.key}


@dataclass(frozen=True)
class Ranked:
    """The SQL of one order that is not plain, over the joined sources: `of(source, column)` names a source's column there.

    `as_of` is SQL for the day at which ages are counted.
    """

    contract: Contract
    order: Order
    of: Callable[[str, str], str]
    as_of: str

    @property
    def number(self) -> str:
        """SQL for the number of the candidate that wins (from 1); beyond `len(candidates)` for one that is too old."""
        many = self.order.candidates
        cases, start = [], 1
        for rank in self.order.ranks:
            numbers = range(start, start + len(rank))
            start += len(rank)
            fresh = [self._fresh(many[n - 1]) for n in numbers]
            best = str(numbers[0]) if len(rank) == 1 else self._best(numbers, fresh)
            cases.append(f"WHEN {' OR '.join(fresh)} THEN {best}")
        if self.order.limited:
            late = [n for n, c in enumerate(many, start=1) if c.within]
            stale = [self._usable(many[n - 1]) for n in late]
            cases.append(f"WHEN {' OR '.join(stale)} THEN {len(many)} + {self._best(late, stale)}")
        return f"CASE {' '.join(cases)} END"

    def value(self, number: str) -> str:
        """SQL for the winner's value, by its number."""
        return f"CASE {number} {' '.join(f'WHEN {n} THEN {self._said(c)}' for n, c in self._numbered())} END"

    def winner(self, number: str) -> str:
        """SQL for the winner's name, by its number."""
        return f"CASE {number} {' '.join(f'WHEN {n} THEN {literal(c.source)}' for n, c in self._numbered())} END"

    def old(self, number: str) -> str:
        return f"{number} > {len(self.order.candidates)}"

    @property
    def until(self) -> list[str]:
        """SQL for the first day of each limited candidate on which it is too old; NULL where it is already, or says nothing."""
        return [
            f"CASE WHEN {self._fresh(c)} THEN CAST({self.of(c.source, EVENT)} + INTERVAL {c.within} AS DATE) + 1 END"
            for c in self.order.candidates
            if c.within
        ]

    def _numbered(self) -> Iterator[tuple[int, Candidate]]:
        many = self.order.candidates
        for n, candidate in enumerate(many, start=1):
            yield n, candidate
            if candidate.within:
                yield n + len(many), candidate

    def _said(self, candidate: Candidate) -> str:
        return self.of(candidate.source, self.order.attribute)

    def _usable(self, candidate: Candidate) -> str:
        said = f"{self._said(candidate)} IS NOT NULL"
        if candidate.when is None:
            return said
        column = self.contract.column(self.order.attribute)
        known = {found.name for found in sqlglot.parse_one(candidate.when, read="duckdb").find_all(exp.Column)}
        return f"({said} AND {expression(self.contract, column, candidate.when, known, lambda name: self.of(candidate.source, name))})"

    def _fresh(self, candidate: Candidate) -> str:
        usable = self._usable(candidate)
        if candidate.within is None:
            return usable
        until = f"CAST({self.of(candidate.source, EVENT)} + INTERVAL {candidate.within} AS DATE)"
        return f"({usable} AND coalesce({until} >= {self.as_of}, FALSE))"

    def _best(self, numbers: Sequence[int], may: Sequence[str]) -> str:
        """SQL for the number of the best of several equals: later event, more sources of one mind, fuller, earlier in the list."""
        others = [self.of(source, self.order.attribute) for source in self.order.sources]
        listed = []
        for n, condition in zip(numbers, may, strict=True):
            candidate = self.order.candidates[n - 1]
            said = self._said(candidate)
            minds = " + ".join(f"CASE WHEN {other} = {said} THEN 1 ELSE 0 END" for other in others)
            event = f"coalesce({self.of(candidate.source, EVENT)}, '-infinity'::TIMESTAMP)"
            full = f"coalesce(length(CAST({said} AS VARCHAR)), 0)"
            listed.append(f"CASE WHEN {condition} THEN {{'event': {event}, 'minds': {minds}, 'full': {full}, 'order': -{n}}} END")
        return f"-(list_sort(list_filter([{', '.join(listed)}], lambda c: c IS NOT NULL), 'DESC')[1]).\"order\""


def agreement(order: Order, of: Callable[[str, str], str]) -> str:
    """SQL for the number of sources that say a value for an attribute."""
    return " + ".join(f"CASE WHEN {of(s, order.attribute)} IS NOT NULL THEN 1 ELSE 0 END" for s in order.sources)
