"""What a checker found, told by field in both languages: the answer's JSON.

Belongs here: the words of an answer and their places. Not here: judging (`checker`), what the base says (`base`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from expectations.compiler.forms import CannotTest, GxTest, KeyTest
from expectations.compiler.plan import Compiled
from expectations.compiler.rules.series.workdays import WithinTest
from pipelines.entry.checker import Checker, Found
from pipelines.entry.records import Rows, nearest

if TYPE_CHECKING:
    from assets.contracts import Contract


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
    """What a checker found, as JSON of an answer. Texts of rules are made once, whoever breaks them, and what no record can be held to."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.contract = checker.contract
        self._by_name = {c.name: c for c in self.contract.columns}
        self._wrong = {c.rule.id: self._rule(c) for c in checker.plan.row_rules}
        self._fields = {id_: self._columns_of(id_) for id_ in self._wrong}
        self._never = [self._not_assessed(c, *why_not(c)) for c in checker.cannot]

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

    def answer(self, rows: Rows, found: Found, left_out: Collection[str]) -> dict[str, Any]:
        """The whole answer; `not_assessable` is left to the caller to add to."""
        changed = _changed(rows, found)
        records = [self._record(rows, n, broken, changed.get(n, {})) for n, broken in enumerate(found.broken)]
        cannot = self._never
        if left_out:
            cannot = cannot + [self._lacks(c, left_out) for c in self.checker.plan.row_rules if c.uses & set(left_out)]
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

    def _record(self, rows: Rows, number: int, broken: tuple[str, ...], changed: Mapping[str, str | None]) -> dict[str, Any]:
        told: dict[str, Any] = {"record": number, "ok": not broken, "blocked": False}
        fields: dict[str, dict[str, Any]] = {}
        for rule in broken:
            wrong = self._wrong[rule]
            told["blocked"] |= wrong["blocking"]
            for column in self._fields[rule]:
                if column not in fields:
                    fields[column] = self._field(rows, number, column) | {"wrong": []}
                fields[column]["wrong"].append(wrong)
        stored = [self._stored(rows, number, column, text) for column, text in changed.items()]
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

    def _lacks(self, compiled: Compiled, left_out: Collection[str]) -> dict[str, Any]:
        columns = ", ".join(sorted(compiled.uses & set(left_out)))
        return self._not_assessed(compiled, f"没有给出 {columns}", f"{columns} is not given")

    def _not_assessed(self, compiled: Compiled, zh: str, en: str) -> dict[str, Any]:
        rule = self.checker.rules[compiled.rule.id]
        wants = {"zh": rule.title_zh, "en": rule.title_en}
        return {"rule": rule.id, "columns": list(rule.columns), "wants": wants, "why": {"zh": zh, "en": en}}


def _changed(rows: Rows, found: Found) -> Mapping[int, Mapping[str, str | None]]:
    """By record, what would be stored as another text than was given; an empty text is no value."""
    changed: dict[int, dict[str, str | None]] = defaultdict(dict)
    for column, texts in found.stored.items():
        given = rows.cells.get(column)
        if given is not None and given != list(texts):  # whole columns first: most are as they were given
            for number, (before, after) in enumerate(zip(given, texts, strict=True)):
                if (before or None) != after:
                    changed[number][column] = after
    return changed


def unnamed(contract: Contract, rows: Rows) -> list[str]:
    """The columns that no record of a request names."""
    return [c.name for c in contract.columns if c.name not in rows.cells]
