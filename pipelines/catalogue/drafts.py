"""Drafts of contracts from a catalogue in the guide's Excel form, and a list of what must be filled in before they can stand.

A draft is a contract that reads without an error; what the catalogue does not say is left out or taken at its most careful (a level
that is not said is 4), and noted. Belongs here: from texts to contracts. Not here: reading the form (`reading`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from assets.catalogue import CODE, is_credit_code
from expectations.documents import DocumentError
from pipelines.catalogue.reading import Resource, read_form
from pipelines.drafting.contracts import Draft, frame, one_line, unique_name

NOTES = "to_fill_in.txt"
TYPES = {
    "C": "string",
    "M": "string",
    "G": "string",
    "N": "number",
    "Y": "number",
    "B": "number",
    "F": "number",
    "I": "integer",
    "D": "date",
    "T": "timestamp",
    "L": "boolean",
    "字符型": "string",
    "备注型": "string",
    "通用型": "string",
    "数值型": "number",
    "货币型": "number",
    "双精度型": "number",
    "浮点型": "number",
    "整型": "integer",
    "日期型": "date",
    "日期时间型": "timestamp",
    "逻辑型": "boolean",
}
"""The guide's types, by letter and by word."""
SHARING = {"无条件": 1, "有条件": 2, "不予": 3}
CYCLES: dict[str, tuple[str, int, str]] = {
    "每小时": ("hourly", 1, "h"),
    "每日": ("daily", 1, "d"),
    "每周": ("daily", 7, "d"),
    "每月": ("monthly", 1, "mo"),
    "每季度": ("monthly", 3, "mo"),
    "每年": ("monthly", 1, "y"),
}
MOST_SENSITIVE = "4"


def write_drafts(form: Path, out: Path) -> list[Draft]:
    """Write a draft for each resource of the form under `out/sources/<department>/`, and `NOTES`.

    Raises `DocumentError` for a workbook of another form, and where a draft stands already: it may have been worked on.
    """
    drafts = drafts_of(read_form(form))
    if not drafts:
        raise DocumentError(form, None, "no resource under the names of the columns.", "Fill in the form.")
    for draft in drafts:
        if (out / draft.place).exists():
            raise DocumentError(out / draft.place, None, "a draft stands here already.", "Name another folder, or take it away.")
    listed = [f"{form.name}：{len(drafts)} 个契约草稿，须补填后移入 assets/。 Drafts to fill in, then to move into assets/.", ""]
    for draft in drafts:
        path = out / draft.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(draft.text(), encoding="utf-8")
        listed += [f"{draft.place.as_posix()}  {draft.title}", *(f"  - {note}" for note in draft.notes), ""]
    (out / NOTES).write_text("\n".join(listed), encoding="utf-8")
    return drafts


def drafts_of(resources: Iterable[Resource]) -> list[Draft]:
    """A draft for each resource, with names, folders and codes of its own."""
    names: set[str] = set()
    codes: set[str] = set()
    folders: dict[str, str] = {}
    return [_draft(r, names, codes, folders) for r in resources]


def _draft(resource: Resource, names: set[str], codes: set[str], folders: dict[str, str]) -> Draft:
    said, notes = resource.values, [f"第 {resource.line} 行 line {resource.line}: {one_line(resource.values['title'])}"]
    code = said.get("code", "")
    name, given = unique_name(said.get("dataset", ""), f"resource_{code or resource.line}", names)
    if not given:
        notes.append(f"数据集英文名 id: {name} 为暂拟 is made up")
    provider = said.get("provider", "")
    if not provider:
        notes.append("提供方 provider (team)")
    if provider not in folders:
        taken = set(folders.values())
        folders[provider] = unique_name("", f"provider_{said.get('provider_code') or len(folders) + 1}", taken)[0]
    catalogue = _catalogue(said, codes, notes)
    period, value, unit = CYCLES.get(said.get("cycle", ""), ("monthly", 0, ""))
    if not unit:
        notes.append(
            f"更新周期 {one_line(said.get('cycle', '')) or '未写 not said'}: 交付周期暂按每月 delivery taken to be monthly; frequency"
        )
    notes.append("交付 delivery: 全量或增量 mode, 文件名 pattern, 事件列 event; servers: 来源 where hand-overs come from; 时限 latency")
    properties = _columns(resource, notes)
    ends = _date(said, "ends", "停止归集 endOfLife", notes)
    promises: dict[str, dict[str, Any]] = {
        "frequency": {"value": value, "unit": unit} if unit else {},
        "endOfLife": {"value": ends} if ends else {},
    }
    contract = frame(
        name,
        said["title"],
        purpose=said.get("summary") or said["title"],
        team={"name": provider or folders[provider]},
        server={"server": "landing", "type": "local", "path": f"{name}/*.csv", "format": "csv"},
        properties=properties,
        sla=[{"property": key, **of} for key, of in promises.items() if of],
        delivery={"mode": "full", "period": period},
        catalogue=catalogue,
    )
    return Draft(Path("sources", folders[provider], f"{name}.odcs.yaml"), said["title"], contract, notes)


def _catalogue(said: dict[str, str], codes: set[str], notes: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    code = said.get("code", "")
    if not CODE.fullmatch(code):
        notes.append(f"资源代码 resourceCode: {one_line(code) or '未写 not said'}")
    elif code in codes:
        notes.append(f"资源代码 resourceCode: {code} 已属另一资源 is another resource's")
    else:
        codes.add(code)
        made["resourceCode"] = code
    condition, text = said.get("condition", ""), said.get("sharing", "")
    sharing = int(text[0]) if text[:1] in ("1", "2", "3") else next((n for word, n in SHARING.items() if word in text), None)
    if sharing is None or (sharing == 3 and not condition):
        notes.append("共享类型 sharing" if sharing is None else "共享类型 sharing: 3 不予共享须写明法律依据 (basis) needs its legal basis")
    else:
        made["sharing"] = sharing
    if sharing == 2 and not condition:
        notes.append("共享条件 condition")
    if condition:
        made["condition" if sharing == 2 else "basis"] = condition
    opened = said.get("open", "")
    if opened not in ("是", "否"):
        notes.append(f"是否向社会开放 open: {one_line(opened) or '未写 not said'}, 暂按不开放 taken to be false")
    made["open"] = opened == "是"
    provider_code = said.get("provider_code", "")
    if is_credit_code(provider_code):
        made["providerCode"] = provider_code
    elif provider_code:
        notes.append(f"提供方代码 providerCode: {one_line(provider_code)} 不是统一社会信用代码 is no credit code")
    for key, of in (("openCondition", "open_condition"), ("format", "format"), ("cycle", "cycle")):
        if said.get(of):
            made[key] = said[of]
    for key in ("ways", "related"):
        if listed := [t.strip() for t in re.split(r"[;；、]", said.get(key, "")) if t.strip()]:
            made[key] = listed
    parts = [re.sub(r"^\d+\s*", "", said.get(key, "")) for key in ("part", "section", "detail")]
    if any(parts):
        made["classification"] = parts
    if published := _date(said, "published", "发布日期 published", notes):
        made["published"] = published
    return made


def _date(said: dict[str, str], key: str, called: str, notes: list[str]) -> str:
    """The date of that cell as ISO 8601 has it, empty where there is none; a note where it is no date."""
    text = said.get(key, "")
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        notes.append(f"{called}: {one_line(text)} 不是日期 is no date")
        return ""


def _columns(resource: Resource, notes: list[str]) -> list[dict[str, Any]]:
    names: set[str] = set()
    labels: set[str] = set()
    made: list[dict[str, Any]] = []
    invented, unsaid, keys = [], [], 0
    for number, item in enumerate(resource.items, 1):
        name, given = unique_name(item.get("name") or item["item"], f"item_{number}", names)
        if not given:
            invented.append(name)
        title = item["item"]
        while title in labels or (title in names and title != name):
            title += "（重名）"
        labels |= {title, name}
        column: dict[str, Any] = {"name": name, "businessName": title, "logicalType": _type(item, notes)}
        length = re.fullmatch(r"(\d{1,2})[,，.](\d{1,2})", item.get("length", ""))
        if column["logicalType"] == "number" and length:
            column["physicalType"] = f"DECIMAL({length[1]}, {length[2]})"
        elif column["logicalType"] == "string" and item.get("length", "").isdecimal() and int(item["length"]) > 0:
            column["logicalTypeOptions"] = {"maxLength": int(item["length"])}
        if item.get("key") == "是":
            keys += 1
            column |= {"required": True, "primaryKey": True, "primaryKeyPosition": keys}
        level = item.get("level", "")
        if level not in ("1", "2", "3", "4"):
            unsaid.append(name)
        column["classification"] = level if level in ("1", "2", "3", "4") else MOST_SENSITIVE
        made.append(column)
    if invented:
        notes.append(f"字段英文名暂拟 column names are made up: {', '.join(invented)}")
    if unsaid:
        notes.append(f"数据分级未写，暂按 4 级 levels not said, taken to be 4: {', '.join(unsaid)}")
    if not keys:
        notes.append("主键 primaryKey")
    if not made:
        notes.append("信息项 properties")
    notes.append("必填 required, 代码表 codes, 部门列名 physicalName")
    return made


def _type(item: dict[str, str], notes: list[str]) -> str:
    text = unicodedata.normalize("NFKC", item.get("type", "")).strip().upper()
    found = re.fullmatch(r"(\w*?型)?\s*\(?([A-Z])?\)?(?:[(\[].*)?", text)
    known = found and (TYPES.get(found[1] or "") or TYPES.get(found[2] or ""))
    if not known:
        notes.append(f"数据类型 logicalType: {one_line(item['item'])} 的 {one_line(text) or '未写 not said'} 暂按字符型 taken to be string")
    return known or "string"
