"""Asking the base about a caller's own values: does a record with this key stand already, is what it refers to there.

Answered yes or no, never with a row. The lake is opened read-only, for the one request. Belongs here: which rules can be asked so,
and asking. Not here: who may (`access`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.lake import columns_of, open_lake, quote
from expectations.compiler.forms import KeyTest
from expectations.compiler.ir import Column
from expectations.compiler.plan import Compiled
from expectations.compiler.rules.series.references import ReferenceTest

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from pipelines.entry.checker import Found


@dataclass(frozen=True)
class Question:
    """Whether `table` has a row whose columns `there` are the record's `here`; `unique`: it should have none."""

    rule: str
    here: tuple[str, ...]
    table: str
    there: tuple[str, ...]
    unique: bool


@dataclass(frozen=True)
class Reply:
    """The answers to one question, by record; None where the record has no value to ask about. `why` where it could not be asked."""

    question: Question
    there: tuple[bool | None, ...] = ()
    why: tuple[str, str] | None = None


def question_of(contract: Contract, compiled: Compiled) -> Question | None:
    """What a rule asks of the base; None for a rule of another kind, or on some of the rows only."""
    test = compiled.test
    if isinstance(test, KeyTest) and test.condition is None and all(isinstance(k, Column) for k in test.keys):
        keys = tuple(k.name for k in test.keys if isinstance(k, Column))
        return Question(compiled.rule.id, keys, f"std.{contract.name}", keys, unique=True)
    if isinstance(test, ReferenceTest) and test.condition is None:
        there = test.other.columns[: len(test.group)]
        return Question(compiled.rule.id, tuple(c.name for c in test.group), test.other.name, there, unique=False)
    return None


def ask(project: Project, questions: Sequence[Question], found: Found) -> list[Reply]:
    """The lake's answers, in the order of the questions."""
    try:
        with open_lake(project, read_only=True) as con:
            return [_ask(con, question, found) for question in questions]
    except FileNotFoundError:
        why = ("库中还没有数据", "nothing has been collected yet")
        return [Reply(question, why=why) for question in questions]


def _ask(con: duckdb.DuckDBPyConnection, question: Question, found: Found) -> Reply:
    import pyarrow as pa

    types = columns_of(con, question.table) if question.table.count(".") == 1 else None
    if types is None or not set(question.there) <= set(types):
        return Reply(question, why=(f"库中没有 {question.table} 的这些列", f"the base has no such columns of {question.table}"))
    keys = [list(found.stored[column]) for column in question.here]
    asked: dict[str, Any] = {f"k{i}": pa.array(values, pa.string()) for i, values in enumerate(keys)}
    con.register("asked", pa.table({"n": pa.array(range(len(found.broken)), pa.int64()), **asked}))
    same = " AND ".join(f"t.{quote(c)} = TRY_CAST(a.k{i} AS {types[c]})" for i, c in enumerate(question.there))
    known = {n for (n,) in con.execute(f"SELECT DISTINCT a.n FROM asked a JOIN {quote(question.table)} t ON {same}").fetchall()}
    con.unregister("asked")
    return Reply(question, tuple(None if None in values else n in known for n, values in enumerate(zip(*keys, strict=True))))


def told(reply: Reply) -> dict[str, Any]:
    """A reply as JSON: the rule, and by record yes, no or nothing."""
    question = reply.question
    if question.unique:
        zh = "库中已有同一值的记录（若是修改该记录，可不理会）"
        en = "a record with this value is in the base already (fine where that record is being changed)"
    else:
        zh, en = f"所引用的值在 {question.table} 中", f"what it refers to is in {question.table}"
    return {"rule": question.rule, "columns": list(question.here), "asks": {"zh": zh, "en": en}, "there": list(reply.there)}
