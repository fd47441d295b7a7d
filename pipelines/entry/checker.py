"""One dataset at the point of entry: its rules compiled once, and records held to them row by row.

The SQL is that of a file's scan (`assets.judging`, `expectations.compiler.scans`), the words those of `yuanqing check`. A rule that
speaks of several rows, of earlier hand-overs or of other datasets cannot be judged by one record, and says so. Belongs here:
compiling, asking, and what one record is told. Not here: JSON of a request (`records`), HTTP (`app`), the base (`base`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from assets.headers import names
from assets.judging import Judge
from assets.lake import quote
from expectations.compiler.forms import CannotTest, GxTest, KeyTest
from expectations.compiler.plan import WORD, Compiled
from expectations.compiler.rules.series.workdays import WithinTest
from expectations.compiler.scans import Scans
from pipelines.entry.flowing import FEED, OpenQuery
from pipelines.entry.records import Rows, nearest
from pipelines.rulebook import Rule, read_rules

if TYPE_CHECKING:
    from assets.contracts import Column, Contract
    from assets.project import Project


@dataclass(frozen=True)
class Found:
    """One record: the ids of the rules that it breaks, and by column the text that would be stored (None: no value)."""

    broken: tuple[str, ...]
    stored: Mapping[str, str | None]


class Checker:
    """Holds records of one source dataset to its rules. For several threads at once; each takes an open query of its own.

    What it is made of is that of one day: rules say "today". Raises as `Judge.plan` does where the declarations are wrong.
    """

    def __init__(self, project: Project, contract: Contract) -> None:
        self.contract, self.day = contract, date.today()
        self.columns: Mapping[str, Column] = names(contract)
        judge = Judge(project, contract)
        self.plan = judge.plan
        self.rules: Mapping[str, Rule] = {r.id: r for r in read_rules(project, [contract])}
        scans = Scans(self.plan, f"({judge.staged(FEED)})")
        words = [quote(f"__w{n}") for n in range(scans.words)]
        self._select = f"SELECT {', '.join([*words, *(_stored(c) for c in contract.columns)])} FROM ({scans.marked()})"
        self._words = scans.words
        self._free: deque[OpenQuery] = deque()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def cannot(self) -> list[Compiled]:
        """The rules that one record cannot be held to."""
        return [c for c in self.plan.compiled if c.bit is None]

    def check(self, rows: Rows, left_out: Collection[str] = ()) -> list[Found]:
        """What each record breaks; rules that look at a column of `left_out` are not judged. Raises `duckdb.Error`."""
        here = [c for c in self.plan.row_rules if not c.uses & set(left_out)]
        bits: list[dict[int, str]] = [{} for _ in range(self._words)]
        for compiled in here:
            word, place = divmod(compiled.bit or 0, WORD)
            bits[word][1 << place] = compiled.rule.id
        nothing: list[str | None] = [None] * rows.count
        asked: list[list[Any]] = [["entry"] * rows.count, list(range(rows.count))]
        asked += [rows.cells.get(c.name, nothing) for c in self.contract.columns]
        with self._query() as query:
            answers = query.ask(asked)
        columns = [c.name for c in self.contract.columns]
        return [
            Found(
                tuple(_broken(answer[: self._words], bits)),
                dict(zip(columns, answer[self._words :], strict=True)),
            )
            for answer in answers
        ]

    def warm(self) -> None:
        """Open a query now, so that the first who asks need not wait for it."""
        with self._query():
            pass

    @contextmanager
    def _query(self) -> Iterator[OpenQuery]:
        """An open query that nobody else uses meanwhile; one that failed is not used again."""
        import pyarrow as pa

        with self._lock:
            query = self._free.pop() if self._free else None
        if query is None:
            texts = [(c.name, pa.string()) for c in self.contract.columns]
            query = OpenQuery(self._select, [("_batch", pa.string()), ("_row", pa.int64()), *texts])
        try:
            yield query
        except BaseException:
            query.close()
            raise
        with self._lock:
            if not self._closed:
                self._free.append(query)
                return
        query.close()

    def close(self) -> None:
        """Let go of the queries; one that is in use is closed by its user."""
        with self._lock:
            self._closed = True
            queries, self._free = list(self._free), deque()
        for query in queries:
            query.close()


def _broken(words: tuple[int, ...], bits: list[dict[int, str]]) -> Iterator[str]:
    for word, known in zip(words, bits, strict=True):
        while word:
            low = word & -word
            if low in known:
                yield known[low]
            word ^= low


def _stored(column: Column) -> str:
    """SQL of the text that stands for what would be stored: of dates, times and whole numbers the value, of others the repaired text.

    What cannot be read as the column's type keeps its text, and breaks the rule that says so.
    """
    name, text = quote(column.name), quote(f"{column.name}__text")
    if column.logical_type == "string":
        return name
    return f"coalesce(CAST({name} AS VARCHAR), {text})" if column.logical_type in ("date", "timestamp", "integer") else text


def why_not(compiled: Compiled) -> tuple[str, str]:
    """Why one record cannot be held to a rule, in both languages."""
    test = compiled.test
    if isinstance(test, CannotTest):
        return test.zh, test.en
    if isinstance(test, GxTest):
        return f"{test.zh}，交付后由 Great Expectations 评", f"{test.en}: Great Expectations judges it once it is handed over"
    if test.others:
        return "要看以前的批次或其他数据集，交付后再评", "it looks at earlier batches or other datasets: judged once it is handed over"
    if isinstance(test, KeyTest):
        return "要与全部记录比对，交付后再评", "it compares with all other records: judged once it is handed over"
    if isinstance(test, WithinTest):
        return "两个日期相隔的天数另算，交付后再评", "days between two dates are counted by themselves: judged once it is handed over"
    return "要看整张表，交付后再评", "it looks at the whole table: judged once it is handed over"


class Telling:
    """What a checker found, as JSON of an answer. Texts of rules are made once, whoever breaks them."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.contract = checker.contract
        self._by_name = {c.name: c for c in self.contract.columns}
        self._wrong = {c.rule.id: self._rule(c) for c in checker.plan.row_rules}
        self._fields = {id_: self._columns_of(id_) for id_ in self._wrong}

    def _columns_of(self, rule: str) -> tuple[str, ...]:
        return tuple(c for c in self.checker.rules[rule].columns if c in self._by_name) or ("",)

    def _rule(self, compiled: Compiled) -> dict[str, Any]:
        rule = self.checker.rules[compiled.rule.id]
        told: dict[str, Any] = {
            "rule": rule.id,
            "severity": rule.severity,
            "blocking": rule.blocking,
            "wants": {"zh": rule.title_zh, "en": rule.title_en},
            "mend": {"zh": rule.remedy_zh, "en": rule.remedy_en},
        }
        return told | ({"tolerated_share": round(1 - compiled.mostly, 6)} if compiled.mostly < 1 else {})

    def answer(self, rows: Rows, found: list[Found], left_out: Collection[str]) -> dict[str, Any]:
        """The whole answer; `not_assessable` is left to the caller to add to."""
        records = [self._record(rows, n, f) for n, f in enumerate(found)]
        cannot = [self._cannot(c) for c in self.checker.cannot]
        if left_out:
            cannot += [self._lacks(c, left_out) for c in self.checker.plan.row_rules if c.uses & set(left_out)]
        return {
            "dataset": self.contract.name,
            "title": {"zh": self.contract.title, "en": self.contract.title_en},
            "ok": all(r["ok"] for r in records),
            "blocked": any(r["blocked"] for r in records),
            "records": records,
            "unknown_fields": [
                {"field": n, "en": f"not declared. {nearest(n, self.contract)}", "zh": "契约没有此字段"} for n in rows.unknown
            ],
            "not_assessable": cannot,
        }

    def _record(self, rows: Rows, number: int, found: Found) -> dict[str, Any]:
        told: dict[str, Any] = {"record": number, "ok": not found.broken, "blocked": False}
        fields: dict[str, dict[str, Any]] = {}
        for rule in found.broken:
            wrong = self._wrong[rule]
            told["blocked"] |= wrong["blocking"]
            for column in self._fields[rule]:
                if column not in fields:
                    fields[column] = self._field(rows, number, column) | {"wrong": []}
                fields[column]["wrong"].append(wrong)
        stored = [self._stored(rows, number, c, text) for c, text in found.stored.items() if _changed(_given(rows, number, c), text)]
        return told | ({"fields": list(fields.values())} if fields else {}) | ({"stored": stored} if stored else {})

    def _field(self, rows: Rows, number: int, column: str) -> dict[str, Any]:
        """Which field: by the name that the caller gives it, else by the contract's."""
        if not column:
            return {"field": "", "column": "", "pointer": rows.pointer(number, ""), "title": {"zh": "整条记录", "en": "the whole record"}}
        declared = self._by_name[column]
        name = rows.named.get(column, {}).get(number, declared.header)
        title = {"zh": declared.title, "en": declared.title_en}
        return {"field": name, "column": column, "pointer": rows.pointer(number, name), "title": title}

    def _stored(self, rows: Rows, number: int, column: str, text: str | None) -> dict[str, Any]:
        field = self._field(rows, number, column)
        zh = "将视为没有值" if text is None else f"将存为“{text}”"
        en = "will be taken as no value" if text is None else f"will be stored as “{text}”"
        return {"field": field["field"], "column": column, "pointer": field["pointer"], "value": text, "zh": zh, "en": en}

    def _cannot(self, compiled: Compiled) -> dict[str, Any]:
        zh, en = why_not(compiled)
        return self._not_assessed(compiled, zh, en)

    def _lacks(self, compiled: Compiled, left_out: Collection[str]) -> dict[str, Any]:
        columns = ", ".join(sorted(compiled.uses & set(left_out)))
        return self._not_assessed(compiled, f"没有给出 {columns}", f"{columns} is not given")

    def _not_assessed(self, compiled: Compiled, zh: str, en: str) -> dict[str, Any]:
        rule = self.checker.rules[compiled.rule.id]
        wants = {"zh": rule.title_zh, "en": rule.title_en}
        return {"rule": rule.id, "columns": list(rule.columns), "wants": wants, "why": {"zh": zh, "en": en}}


def _given(rows: Rows, number: int, column: str) -> str | None:
    cells = rows.cells.get(column)
    return cells[number] if cells else None


def _changed(given: str | None, stored: str | None) -> bool:
    """Whether what is stored is another text than what was given; an empty text is no value."""
    return (given or None) != stored


def unnamed(contract: Contract, rows: Rows) -> list[str]:
    """The columns that no record of a request names."""
    return [c.name for c in contract.columns if c.name not in rows.cells]
