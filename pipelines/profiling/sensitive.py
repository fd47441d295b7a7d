"""Columns whose content looks more sensitive than their contract says: resident ids, mobile numbers, names of people.

A look at the first rows of each table, bounded in rows and in time; it tells how many values have the form, never a value. A column
whose contract says why its level may be lower (`declassified`) is left alone, and so are coded ones: a code list names nobody.

Belongs here: finding such columns. Not here: levels along lineage (`assets.models.classification`), the rule that free text shows no
id (`assets.called`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.lake import columns_of, literal, open_lake, quote
from assets.models.sql import is_view
from expectations.compiler.rules.declared import PERSON

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Column, Contract
    from assets.project import Project

ROWS = 2_000
SECONDS = 20.0
LEAST = 20  # values; fewer tell nothing of a column
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石"
    "廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严武戴莫孔向汤"
)
"""Common surnames: a word of two to four characters that begins with one is likely a name where most of a column's words do."""


@dataclass(frozen=True)
class Form:
    """What a value may be: how to see it (`test`: SQL over $value), the share of a column's values from which it tells, the level due."""

    zh: str
    en: str
    test: str
    share: float
    level: int
    distinct: bool = False  # of different values: what is written in every row would tell nothing


FORMS = (
    Form("公民身份号码", "resident ids", f"regexp_matches($value, {literal(PERSON)})", 0.1, 3),
    Form("手机号码", "mobile numbers", r"regexp_full_match($value, '(\+?86[- ]?)?1[3-9][0-9]{9}')", 0.3, 3),
    Form("姓名", "names of people", f"regexp_full_match($value, '[{SURNAMES}][㐀-鿿]{{1,3}}')", 0.8, 3, distinct=True),
)


@dataclass(frozen=True)
class Suspect:
    """A column that holds `found` values of a form among `of` looked at."""

    column: str
    level: int
    form: Form
    found: int
    of: int

    def __str__(self) -> str:
        share = f"{self.found:,}/{self.of:,}"
        return f"{self.column} (level {self.level}): {self.form.zh} {self.form.en} {share}, level {self.form.level} is due"


@dataclass(frozen=True)
class Look:
    """What was found in how many columns, and the tables for which no time was left."""

    suspects: tuple[Suspect, ...]
    columns: int
    left: tuple[str, ...]


def look(project: Project, *, rows: int = ROWS, seconds: float = SECONDS) -> Look:
    """Look into the tables of the lake. Raises `LakeBusyError` where it cannot be read now."""
    suspects: list[Suspect] = []
    left: list[str] = []
    columns = 0
    end = time.monotonic() + seconds
    with open_lake(project, read_only=True) as con:
        for contract in (*project.sources(), *project.models()):
            at = f"std_batches.{contract.name}" if contract.layer == "sources" else contract.table
            if contract.layer != "sources" and is_view(contract):
                continue  # made of tables that are looked at
            if (there := columns_of(con, at)) is None:
                continue
            open_ = [c for c in contract.columns if _looked(c) and c.name in there]
            if time.monotonic() > end:
                left.append(contract.table)
            elif open_:
                columns += len(open_)
                suspects += _of_table(con, contract, at, open_, rows)
    return Look(tuple(suspects), columns, tuple(left))


def _looked(column: Column) -> bool:
    due = max(f.level for f in FORMS)
    return column.sql_type == "VARCHAR" and column.classification < due and not column.codes and not column.declassified


def _of_table(con: duckdb.DuckDBPyConnection, contract: Contract, at: str, columns: list[Column], rows: int) -> Iterator[Suspect]:
    seen = counted(con, quote(at), [c.name for c in columns], rows)
    for column in columns:
        for form, n, of in seen[column.name]:
            if of >= LEAST and n >= form.share * of and form.level > column.classification:
                yield Suspect(f"{contract.table}.{column.name}", column.classification, form, n, of)


def counted(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str], rows: int) -> dict[str, list[tuple[Form, int, int]]]:
    """By column, for each form: how many values of the first rows have it, of how many. `relation` is SQL for rows with text columns."""
    asked = []
    for name in columns:
        value = quote(name)
        asked += [f"count({value})", f"count(DISTINCT {value})"]
        asked += [f"count({'DISTINCT ' if f.distinct else ''}{value}) FILTER ({f.test.replace('$value', value)})" for f in FORMS]
    taken = ", ".join(map(quote, columns))
    counts = con.execute(f"SELECT {', '.join(asked)} FROM (SELECT {taken} FROM {relation} LIMIT {rows})").fetchone()
    assert counts is not None
    width = 2 + len(FORMS)
    found: dict[str, list[tuple[Form, int, int]]] = {}
    for position, name in enumerate(columns):
        values, different, *matching = counts[position * width : (position + 1) * width]
        found[name] = [(form, n, different if form.distinct else values) for form, n in zip(FORMS, matching, strict=True)]
    return found
