"""What columns that nobody has declared yet most likely are: names, types, which must be there, which make the key, which are personal.

Every guess holds on all rows looked at: a type is one that every value can be read as, a key is unique and complete, a required
column has no gap. Belongs here: the guesses. Not here: reading rows (`dataset`), rules (`expectations.profiling`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from assets.contracts import LOGICAL_TYPES, Column
from assets.headers import fold
from assets.lake import literal, quote
from assets.repair import staged
from expectations.compiler.rules.declared import PERSON
from pipelines.drafting.contracts import unique_name
from pipelines.profiling.sensitive import counted

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract

CODED = re.compile(r"号|码|代码|电话|手机|邮编|区划|(^|_)(id|no|code|number|phone|tel|uscc)$", re.IGNORECASE)
"""Headers of what is written in digits and is no amount."""
PERSONAL = re.compile(
    r"姓名|身份证|证件号|手机|电话|住址|地址|账号|银行卡|病|残疾|民族|宗教|(^|_)(id_number|phone|address)$", re.IGNORECASE
)
NAMED = re.compile(r"姓名|名称|(^|_)name$", re.IGNORECASE)
SURE = 20  # rows; of fewer, that a column has no gap tells nothing
PAIRED = 8  # columns that are tried as two parts of a key
ROWS = 1_000_000  # looked at for personal content
USUAL: Mapping[str, str] = {
    "姓名": "name",
    "性别": "sex",
    "民族": "ethnicity",
    "公民身份号码": "id_number",
    "身份证号": "id_number",
    "身份证号码": "id_number",
    "证件号码": "id_number",
    "出生日期": "birth_date",
    "联系电话": "phone",
    "手机号码": "phone",
    "手机号": "phone",
    "地址": "address",
    "住址": "address",
    "统一社会信用代码": "uscc",
    "企业名称": "org_name",
    "单位名称": "org_name",
    "机构名称": "org_name",
    "行政区划": "division",
    "行政区划代码": "division",
    "区县": "county",
    "备注": "remark",
    "更新时间": "updated_at",
    "金额": "amount",
    "序号": "serial",
}
"""Names for headers that are met everywhere; those of the project's contracts go before."""


@dataclass(frozen=True)
class Guess:
    """One column: what a contract says of it, and why its level is what it is."""

    name: str
    header: str
    logical_type: str = "string"
    required: bool = False
    key: int | None = None
    level: int = 2
    why: str = ""
    title: str = ""

    def as_property(self) -> dict[str, Any]:
        """As ODCS has it."""
        made: dict[str, Any] = {"name": self.name}
        if self.header != self.name:
            made["physicalName"] = self.header
        if self.title or self.header != self.name:
            made["businessName"] = self.title or self.header
        made["logicalType"] = self.logical_type
        if self.required or self.key:
            made["required"] = True
        if self.key:
            made |= {"primaryKey": True, "primaryKeyPosition": self.key}
        return made | {"classification": str(self.level)}


def names_for(headers: Sequence[str], contracts: Iterable[Contract]) -> tuple[list[str], list[str]]:
    """A name for each header, and those that were made up: as other contracts call it, as is usual, else `column_N`."""
    known = {fold(word): name for word, name in USUAL.items()}
    for contract in contracts:
        known |= {fold(label): c.name for c in contract.columns for label in c.headers}
    taken: set[str] = set()
    named: dict[int, str] = {}
    for at, header in enumerate(headers):  # a header that can be a name keeps it
        if (wanted := re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")) and header.isascii():
            named[at] = unique_name(wanted, f"column_{at + 1}", taken)[0]
    made_up = []
    for at, header in enumerate(headers):
        if at not in named:
            usual = known.get(fold(header), "")
            named[at] = unique_name(usual, f"column_{at + 1}", taken)[0]
            if not usual:
                made_up.append(named[at])
    return [named[at] for at in range(len(headers))], made_up


def guesses(
    con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[Column], tolerance: float = 0.0
) -> tuple[list[Guess], list[str]]:
    """What each column is, and the keys besides the one chosen. `relation` has `_batch`, `_row` and the columns as text.

    Of a column's values a share of `tolerance` may be readable as another type only.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE looked AS {staged([replace(c, logical_type='string') for c in columns], {}, relation)}")
    rows = int(_one(con, "SELECT count(*) FROM looked")[0])
    types = _types(con, relation, columns, tolerance * rows)
    complete, distinct = {}, {}
    for column in columns:
        name = quote(column.name)
        values, different = _one(con, f"SELECT count({name}), count(DISTINCT {name}) FROM looked")
        complete[column.name], distinct[column.name] = values == rows, different
    keys = _keys(con, columns, types, complete, distinct, rows)
    personal = _personal(con, columns)
    chosen = keys[0] if keys else ()
    found = [
        Guess(
            c.name,
            c.header,
            types[c.name],
            complete[c.name] and rows >= SURE,
            chosen.index(c.name) + 1 if c.name in chosen else None,
            3 if c.name in personal else 2,
            personal.get(c.name, ""),
            c.title if c.title not in (c.name, c.header) else "",
        )
        for c in columns
    ]
    con.execute("DROP TABLE looked")
    return found, ["+".join(key) for key in keys[1:]]


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None
    return row


def _types(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[Column], most: float) -> dict[str, str]:
    """The narrowest type that every value of a column can be read as, and that it looks like."""
    reads: dict[str, set[str]] = {c.name: set() for c in columns}
    for kind in ("date", "timestamp", "integer", "number"):
        typed = [replace(c, logical_type=kind, sql_type=LOGICAL_TYPES[kind]) for c in columns]
        lost = ", ".join(f"count(*) FILTER ({quote(c.name + '__text')} IS NOT NULL AND {quote(c.name)} IS NULL)" for c in columns)
        for column, n in zip(columns, _one(con, f"SELECT {lost} FROM ({staged(typed, {}, relation)})"), strict=True):
            if n <= most:
                reads[column.name].add(kind)
    return {c.name: _type(c, reads[c.name], _one(con, _LOOKS.format(v=quote(c.name))), most) for c in columns}


_LOOKS = (
    "SELECT count({v}), count({v}) FILTER (regexp_matches({v}, '^[0-9]{{14}}$|[ T][0-9]{{1,2}}:')"
    " AND NOT regexp_matches({v}, '^[0-9]{{8}}0{{6}}$|[ T]00?:00(:00([.]0+)?)?$')), count({v}) FILTER (regexp_matches({v}, '^0[0-9]')),"
    " min(length({v})), max(length({v})), count({v}) FILTER (NOT regexp_matches({v}, '^(1[89]|20)[0-9]{{2}}')) FROM looked"
)
"""Values, those with a time of day, those with a leading zero, the shortest and longest, those that begin with no year of our time."""


def _type(column: Column, reads: set[str], looks: tuple[Any, ...], most: float) -> str:
    values, timed, zeros, shortest, longest, undated = looks
    if values <= most or not values:
        return "string"
    if undated <= most:
        if "timestamp" in reads and timed:
            return "timestamp"
        if "date" in reads and shortest >= 8:
            return "date"
    code = zeros or bool(_called(column, CODED)) or longest > 15 or (shortest == longest and longest >= 6)
    if "integer" in reads and not code:
        return "integer"
    if "number" in reads and "integer" not in reads and not zeros:
        return "number"
    return "string"


def _called(column: Column, pattern: re.Pattern[str]) -> str:
    """The header or the title that the pattern is found in; empty where it is in neither."""
    return next((word for word in (column.header, column.title) if pattern.search(word)), "")


def _keys(
    con: duckdb.DuckDBPyConnection,
    columns: Sequence[Column],
    types: Mapping[str, str],
    complete: Mapping[str, bool],
    distinct: Mapping[str, int],
    rows: int,
) -> list[tuple[str, ...]]:
    """Columns, else pairs of them, that are unique and complete: those whose header speaks of a number first, names of people last."""
    whole = [c for c in columns if complete[c.name] and types[c.name] in ("string", "integer")]
    ranked = sorted(whole, key=lambda c: (bool(_called(c, NAMED)), not _called(c, CODED), columns.index(c)))
    single: list[tuple[str, ...]] = [(c.name,) for c in ranked if distinct[c.name] == rows and not _called(c, NAMED)]
    if single or rows < SURE:
        return single
    dated = [c for c in columns if complete[c.name] and types[c.name] in ("date", "timestamp")]
    found: list[tuple[str, ...]] = []
    for pair in combinations([*ranked, *dated][:PAIRED], 2):
        names = tuple(c.name for c in pair)
        if _one(con, f"SELECT count(DISTINCT ({', '.join(map(quote, names))})) FROM looked")[0] == rows:
            found.append(names)
    return found


def _personal(con: duckdb.DuckDBPyConnection, columns: Sequence[Column]) -> dict[str, str]:
    """Columns that hold or are called what concerns a person, and why so."""
    found = {c.name: f"列名 it is called {word}" for c in columns if (word := _called(c, PERSONAL))}
    ids = ", ".join(f"count(*) FILTER (regexp_matches({quote(c.name)}, {literal(PERSON)}))" for c in columns)
    for column, n in zip(columns, _one(con, f"SELECT {ids} FROM looked"), strict=True):
        if n:  # the rule that open text shows no resident id knows no share
            found[column.name] = f"公民身份号码 resident ids {n:,}"
    for name, forms in counted(con, "looked", [c.name for c in columns], ROWS).items():
        for form, n, of in forms:
            if n and n >= form.share * of:
                found[name] = f"{form.zh} {form.en} {n:,}/{of:,}"
    return found
