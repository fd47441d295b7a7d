"""Reading a catalogue in the guide's Excel form: resources with their information items, as texts.

Columns are found by their names, wherever they stand and with one line of names or two; what concerns a whole resource may be merged
over its lines, written in the first of them only, or repeated. Belongs here: finding and cutting. Not here: contracts (`drafts`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from expectations.documents import DocumentError

NAMES = {
    "类": "class",
    "项": "part",
    "目": "section",
    "细目": "detail",
    "名称": "title",
    "资源名称": "title",
    "代码": "code",
    "资源代码": "code",
    "提供方": "provider",
    "资源提供方": "provider",
    "提供方代码": "provider_code",
    "摘要": "summary",
    "资源摘要": "summary",
    "格式": "format",
    "资源格式": "format",
    "格式分类": "format",
    "信息项名称": "item",
    "信息项": "item",
    "数据项名称": "item",
    "数据类型": "type",
    "信息项数据类型": "type",
    "数据长度": "length",
    "共享类型": "sharing",
    "共享条件": "condition",
    "共享方式": "ways",
    "是否向社会开放": "open",
    "开放条件": "open_condition",
    "更新周期": "cycle",
    "发布日期": "published",
    "关联资源代码": "related",
    "关联信息资源代码": "related",
    "数据集标识": "dataset",
    "停止归集": "ends",
    "字段名": "name",
    "数据分级": "level",
    "主键": "key",
}
"""Names of columns, without 政务 and 信息资源 before them, and what they hold."""
ITEM = ("item", "type", "length", "name", "level", "key")
NEEDED = {"title": "信息资源名称", "item": "信息项名称"}
HEAD_WITHIN = 20  # lines in which the names must stand


@dataclass
class Resource:
    """One resource as it stands; `line` is its first, from 1. `items` hold the keys `ITEM`, `values` the others."""

    line: int
    values: dict[str, str]
    items: list[dict[str, str]] = field(default_factory=list)


def read_form(path: Path) -> list[Resource]:
    """The resources in the first sheet that holds the names of the guide. Raises `DocumentError` for what is no such workbook."""
    from python_calamine import CalamineError, CalamineWorkbook

    if not path.is_file():
        raise DocumentError(path, None, "file not found.", "Correct the path.")
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            sheets = [(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in book.sheet_names]
    except (CalamineError, ValueError) as error:
        raise DocumentError(path, None, f"no workbook that can be read: {error}.", "Save it as .xlsx.") from None
    for _, rows in sheets:
        lines = [[_text(cell) for cell in row] for row in rows]
        if (found := _head(lines)) is not None:
            columns, first = found
            return _resources(lines, columns, first)
    wanted = "、".join(NEEDED.values())
    raise DocumentError(path, None, f"no sheet with the columns {wanted} in its first {HEAD_WITHIN} lines.", "Use the guide's form.")


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime) and not (value.hour or value.minute or value.second):
        value = value.date()
    return value.isoformat() if isinstance(value, date) else str(value).strip()


def named(text: str) -> str:
    """The key of a column of this name; empty for one that is not known."""
    plain = re.sub(r"\(.*?\)|[\s:*、/]", "", unicodedata.normalize("NFKC", text))
    return NAMES.get(plain) or NAMES.get(plain.removeprefix("政务").removeprefix("信息资源"), "")


def _head(lines: Sequence[Sequence[str]]) -> tuple[dict[str, int], int] | None:
    """By key, its column; and the line (from 0) after the names."""
    for at, line in enumerate(lines[:HEAD_WITHIN]):
        upper = [named(cell) for cell in line]
        if "title" not in upper:
            continue
        below = [named(cell) for cell in lines[at + 1]] if at + 1 < len(lines) else []
        two = len({k for k in below if k}) > 1 and below[upper.index("title")] in ("", "title")
        keys = [(below[i] if two and i < len(below) else "") or upper[i] for i in range(len(upper))]
        columns: dict[str, int] = {}
        for position, key in enumerate(keys):
            if key:
                columns.setdefault(key, position)
        if all(key in columns for key in NEEDED):
            return columns, at + (2 if two else 1)
    return None


def _resources(lines: Sequence[Sequence[str]], columns: dict[str, int], first: int) -> list[Resource]:
    found: list[Resource] = []
    for at in range(first, len(lines)):
        said = {key: lines[at][position] if position < len(lines[at]) else "" for key, position in columns.items()}
        values = {key: value for key, value in said.items() if key not in ITEM and value}
        title, code = values.get("title", ""), values.get("code", "")
        same = bool(found) and title in ("", found[-1].values["title"]) and code in ("", found[-1].values.get("code", ""))
        if title and not same:
            found.append(Resource(at + 1, values))
        elif found:
            found[-1].values = values | found[-1].values
        if found and said["item"]:
            found[-1].items.append({key: value for key, value in said.items() if key in ITEM})
    return found
