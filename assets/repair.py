"""Repairs: how the text of a cell becomes the value of its column, as one SELECT over raw rows.

Belongs here: trimming, folding, placeholders, dialects, casts. Not here: scanning, rules, writing tables. Nothing here drops a
value: what cannot be cast is NULL under its own name and still there as `<column>__text`, where a rule finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assets.contracts import Column
from assets.lake import literal, quote
from expectations.codes import CodeTable

BLANKS = " \t\r\n\v\f\u00a0\u2000\u2001\u2002\u2003\u200b\u3000\ufeff"
_FULL = "".join(map(chr, (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))))
_HALF = "".join(chr(ord(c) - 0xFEE0) for c in _FULL)
_DIRTY = rf"\A[{BLANKS}]|[{BLANKS}]\z|[０-９Ａ-Ｚａ-ｚ]"

MISSING = ("", "-", "--", "—", "——", "/", "无", "暂无", "未知", "不详", "空", "null", "NULL", "Null", "None", "NaN", "N/A")
"""Words that departments type where there is no value (seen in real hand-overs)."""

KINDS = ("trimmed", "folded", "upper", "dialect", "placeholder", "recast")

_DATE = r"[0-9]{4}(-|/|\.)[0-9]{1,2}(-|/|\.)[0-9]{1,2}"
_TIME = r"[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"


def staged(columns: Sequence[Column], tables: Mapping[str, CodeTable], relation: str) -> str:
    """The SELECT that standardises raw rows.

    `relation` has `_batch`, `_row` and every column as text; `tables` gives by column the code table whose dialect words
    become codes. The result has `_batch`, `_row`, each column typed, for each column that is no string its repaired text as
    `<column>__text`, and for each column the kind of its repair (one of `KINDS`, NULL where none) as `<column>__repair`.
    """
    changed, texts, values = [], [], []
    for column in columns:
        raw, now, text = quote(column.name), quote(f"{column.name}__now"), quote(f"{column.name}__text")
        changed.append(f"{raw}, {_changed(column, tables.get(column.name))} AS {now}")
        missing = ", ".join(literal(word) for word in dict.fromkeys((*MISSING, *column.missing)))
        # Not IN: DuckDB turns a long IN into a join, which keeps every column of the relation alive.
        texts.append(f"{raw}, {now}, CASE WHEN list_contains([{missing}], {now}) THEN NULL ELSE {now} END AS {text}")
        kind = quote(f"{column.name}__repair")
        if column.logical_type == "string":
            values.append(f"{text} AS {raw}, {_kind(column)} AS {kind}")
        else:
            values.append(f"{_cast(text, column)} AS {raw}, {text}, {_kind(column)} AS {kind}")
    return (
        f"SELECT _batch, _row, {', '.join(values)} FROM ("
        f"SELECT _batch, _row, {', '.join(texts)} FROM ("
        f"SELECT _batch, _row, {', '.join(changed)} FROM {relation}))"
    )


def _changed(column: Column, table: CodeTable | None) -> str:
    raw = quote(column.name)
    text = f"CASE WHEN {_dirty(raw)} THEN {_folded(raw)} ELSE {raw} END"
    if "upper" in column.repair:
        text = f"upper({text})"
    if table is None:
        return text
    words = {word: code for word, code in table.dialect.items() if word not in MISSING}
    if words:
        # Not a CASE: DuckDB walks all of its 200 arms for every vector, even where no row is left for them.
        known = f"MAP([{', '.join(map(literal, words))}], [{', '.join(map(literal, words.values()))}])"
        text = f"coalesce(map_extract_value({known}, {text}), {text})"
    # Most cells hold a code as it should be. A column of few different values is asked once a value, not once a row.
    good = ", ".join(literal(code) for code in table.codes if code not in table.dialect and code not in MISSING)
    return f"CASE WHEN list_contains([{good}], {raw}) THEN {raw} ELSE {text} END" if good else text


def _dirty(raw: str) -> str:
    """Asked before anything is changed: most cells are clean, and to trim and translate costs ten times as much as to look.

    Text in ASCII, by far the most, can only be dirty at its ends, and that is seen without a regular expression.
    """
    ends = " OR ".join(f"suffix({raw}, chr({ord(blank)}))" for blank in BLANKS if blank.isascii())
    return (
        f"CASE WHEN strlen({raw}) = length({raw}) THEN {raw} <> '' AND ({raw} < '!' OR {ends})"
        f" ELSE regexp_matches({raw}, {literal(_DIRTY)}) END"
    )


def _folded(raw: str) -> str:
    return f"translate(trim({raw}, {literal(BLANKS)}), {literal(_FULL)}, {literal(_HALF)})"


def _kind(column: Column) -> str:
    raw, now, text = quote(column.name), quote(f"{column.name}__now"), quote(f"{column.name}__text")
    recast = "NULL"
    if column.logical_type in ("integer", "number"):
        sign = "." if column.logical_type == "integer" else ","
        recast = f"CASE WHEN instr({text}, '{sign}') > 0 AND {_cast(text, column)} IS NOT NULL THEN 'recast' END"
    upper = f" WHEN upper({_folded(raw)}) = {now} THEN 'upper'" if "upper" in column.repair else ""
    return (
        f"CASE WHEN {raw} IS NOT DISTINCT FROM {text} THEN {recast}"
        f" WHEN {text} IS NULL THEN CASE WHEN {now} <> '' THEN 'placeholder' END"
        f" WHEN trim({raw}, {literal(BLANKS)}) = {text} THEN 'trimmed' WHEN {_folded(raw)} = {text} THEN 'folded'{upper} ELSE 'dialect' END"
    )


def _cast(text: str, column: Column) -> str:
    """Guarded casts: a regular expression decides what is tried, so that every engine takes and refuses the same."""

    def when(shape: str, value: str, length: int | None = None) -> str:
        whole = rf"\A(?:{shape})\z"
        quick = f"strlen({text}) = {length} AND " if length else ""
        return f"WHEN {quick}regexp_matches({text}, {literal(whole)}) THEN TRY_CAST({value} AS {column.sql_type})"

    arms: tuple[str, ...]
    match column.logical_type:
        case "date":
            dashed = f"replace(replace({text}, '/', '-'), '.', '-')"
            han = f"replace(replace(replace({text}, '年', '-'), '月', '-'), '日', '')"
            arms = (
                when("[0-9]{8}", f"try_strptime({text}, '%Y%m%d')", 8),
                when("[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}", dashed, 10),
                when("[0-9]{8}000000", f"try_strptime(substr({text}, 1, 8), '%Y%m%d')", 14),
                when(f"{_DATE}({_TIME})?", f"split_part(split_part({dashed}, ' ', 1), 'T', 1)"),
                when("[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日", han),
            )
        case "timestamp":
            arms = (
                when("[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}", text, 19),
                when("[0-9]{14}", f"try_strptime({text}, '%Y%m%d%H%M%S')", 14),
                when(f"{_DATE}({_TIME})?", f"replace(replace({text}, '/', '-'), 'T', ' ')"),
            )
        case "integer":
            arms = (when(r"[+-]?[0-9]{1,18}(?:\.0+)?", f"split_part({text}, '.', 1)"),)
        case "number":
            plain = r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?"
            arms = (when(plain, f"replace({text}, ',', '')"),)
        case "boolean":
            yes, no = "('1', 'true', 'TRUE', '是', 'Y')", "('0', 'false', 'FALSE', '否', 'N')"
            return f"CASE WHEN {text} IN {yes} THEN TRUE WHEN {text} IN {no} THEN FALSE END"
        case _:
            return text
    return f"CASE {' '.join(arms)} END"
