"""One entry a dataset, made from its contract alone, in the terms of the guide.

政务信息资源目录编制指南（试行）(发改高技〔2017〕1272号): core metadata, codes, types of information items; 公共数据资源登记管理暂行办法
(发改数据规〔2025〕26号): the registration record, which holds three years. Belongs here: what an entry says. Not here: how it is shown or
written, what results say of the dataset (`pipelines.catalogue.measures`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from assets.catalogue import DUTIES, OPEN_LEVEL, SHARING, STATES, check_catalogue, opens, opens_column
from assets.masking import SMALLEST
from assets.promises import age_of, due_days, last_day
from expectations.codes import CodeTables
from pipelines.catalogue.derived import Derived, derive, own_days

if TYPE_CHECKING:
    from pathlib import Path

    from assets.contracts import Column, Contract
    from assets.project import Project

Words = tuple[str, str]
"""The same in Chinese and in English."""
CLASSES: dict[str, Words] = {
    "1": ("基础信息资源类", "base"),
    "2": ("主题信息资源类", "thematic"),
    "3": ("部门信息资源类", "department"),
}
BASE_ITEMS = {"01": "人口", "02": "法人单位", "03": "自然资源和空间地理", "04": "社会信用", "05": "电子证照"}
"""The items of class 1, in the order of the guide's annex; a default only: `classification` in the contract goes before it."""
TYPES = {
    "string": "字符型C",
    "date": "日期型D",
    "timestamp": "日期时间型T",
    "integer": "整型I",
    "number": "双精度型B",
    "boolean": "逻辑型L",
}
DECIMAL = "数值型N"
CYCLES: tuple[tuple[float, Words], ...] = (
    (1 / 24, ("每小时", "hourly")),
    (1, ("每日", "daily")),
    (7, ("每周", "weekly")),
    (31, ("每月", "monthly")),
    (93, ("每季度", "quarterly")),
    (366, ("每年", "yearly")),
)
_WAYS = {
    "local": "共享平台（文件）",
    "sftp": "共享平台（文件）",
    "api": "共享平台（接口）",
    "postgresql": "共享平台（库表）",
    "postgres": "共享平台（库表）",
    "mysql": "共享平台（库表）",
}
_FORMATS = {"csv": "电子表格", "xlsx": "电子表格", "xls": "电子表格", "xml": "自描述格式", "json": "自描述格式"}
_UNITS = {"d": "天 days", "h": "小时 hours", "min": "分钟 minutes"}
VALID_YEARS = 3
HIDDEN_AS: dict[str, tuple[str, str, str]] = {
    "full": ("隐去", "不公开其值", "the value is not shown"),
    "hash": ("摘要", "代以带密钥的摘要", "a digest with a key in its place"),
    "generalise": (
        "归并",
        f"归并为较粗的值，不足 {SMALLEST} 条的不公开",
        f"a coarser value, none where fewer than {SMALLEST} share it",
    ),
}
"""By kind of masking how open data shows an item: in a word, in Chinese, in English."""


@dataclass(frozen=True)
class Item:
    """One information item; `length` as the guide's form has it, empty where the contract does not limit it; `opened`: it is in the
    open data, where the dataset is opened, and `hidden` says in what way only, where its level is above open; `codes`: what its code
    table is called."""

    name: str
    title: str
    kind: str
    logical_type: str
    length: str
    level: int
    required: bool
    key: bool
    description: str
    opened: bool
    hidden: tuple[str, str, str] | None = None
    codes: Words | None = None

    def as_opened(self) -> Item:
        """The item as open data has it: what stands in place of a hidden value is a text, at the open level, and may be left out."""
        if self.hidden is None:
            return self
        word, *said = self.hidden
        told = "；".join(filter(None, (self.description, " ".join(said))))
        changed = replace(self, title=f"{self.title}（{word}）", description=told, kind=TYPES["string"], logical_type="string", length="")
        return replace(changed, level=OPEN_LEVEL, required=False, hidden=None)


@dataclass(frozen=True)
class Duty:
    """Who answers for one of `DUTIES`; not `declared`: taken to be the provider, as no contract says otherwise."""

    zh: str
    en: str
    who: str
    declared: bool


@dataclass(frozen=True)
class Registration:
    state: str
    zh: str
    en: str
    day: date | None
    until: date | None
    number: str
    authority: str


@dataclass(frozen=True)
class User:
    """Who may use the resource (demand), for what and under which condition."""

    who: str
    purpose: str
    condition: str
    until: str


@dataclass(frozen=True)
class Delivery:
    """What the provider must hand over: how often, in what form, and how long after at most."""

    cycle: str
    mode: str
    within: str
    units: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    name: str
    layer: str
    group: str
    path: Path
    title: str
    title_en: str
    summary: str
    limitations: str
    code: str
    classification: tuple[str, str, str, str]
    provider: str
    provider_en: str
    provider_code: str
    format: str
    items: tuple[Item, ...]
    sharing: int | None
    condition: str
    ways: tuple[str, ...]
    open: bool
    open_condition: str
    cycle: Words | None
    ends: date | None
    published: date | None
    related: tuple[str, ...]
    duties: Mapping[str, Duty]
    registration: Registration | None
    users: tuple[User, ...]
    delivery: Delivery | None
    opened: bool
    lacking: tuple[Words, ...]

    @property
    def sharing_words(self) -> Words:
        return SHARING[self.sharing] if self.sharing else ("未定", "not said")

    @property
    def level(self) -> int:
        """The level of the whole: that of its most sensitive item (GB/T 43697-2024: 就高从严)."""
        return max((i.level for i in self.items), default=1)


def read_catalogue(project: Project) -> list[Entry]:
    """The entries of all datasets by resource code, then name.

    Raises `DocumentError` for a contract that is wrong, and for two datasets with one resource code.
    """
    from assets.judging import codes_of

    check_catalogue(project.contracts.values())
    codes = codes_of(project)
    found = (entry_of(c, derive(project, c), codes) for c in project.contracts.values())
    return sorted(found, key=lambda e: (not e.code, e.code, e.name))


def opened(entries: list[Entry]) -> list[Entry]:
    """The open-data subset: what may be opened, with the items that open data has and nothing of how departments deal with each other."""
    chosen = [e for e in entries if e.opened]
    codes = {e.code for e in chosen}
    return [
        replace(
            e,
            items=tuple(i.as_opened() for i in e.items if i.opened),
            related=tuple(r for r in e.related if r in codes),
            limitations="",
            duties={key: duty for key, duty in e.duties.items() if key == "opening"},
            users=(),
            delivery=None,
            lacking=(),
        )
        for e in chosen
    ]


def entry_of(contract: Contract, derived: Derived | None = None, codes: CodeTables | None = None) -> Entry:
    """The entry of one dataset; `derived` says what its contract leaves open, `codes` names code tables."""
    derived = derived or Derived(own_days(contract))
    said = contract.catalogue
    cycle = _cycle(contract, derived.days)
    sharing = int(said["sharing"]) if "sharing" in said else None
    entry = Entry(
        name=contract.name,
        layer=contract.layer,
        group=contract.group,
        path=contract.path,
        title=contract.title,
        title_en=contract.title_en,
        summary=contract.description,
        limitations=(contract.document.data.get("description") or {}).get("limitations", ""),
        code=str(said.get("resourceCode", "")),
        classification=_classification(str(said.get("resourceCode", "")), said.get("classification") or ()),
        provider=contract.department,
        provider_en=contract.department_en,
        provider_code=said.get("providerCode", ""),
        format=said.get("format") or _format(contract),
        items=tuple(_item(c, codes or CodeTables()) for c in contract.columns),
        sharing=sharing,
        condition="；".join(dict.fromkeys(t for t in (said.get("condition", ""), said.get("basis", "")) if t)),
        ways=tuple(
            map(
                str,
                said.get("ways") or (_WAYS.get(contract.servers[0].type, "共享平台（文件）") if contract.servers else "共享平台（库表）",),
            )
        ),
        open=bool(said.get("open", False)),
        open_condition=said.get("openCondition", ""),
        cycle=cycle,
        ends=last_day(contract),
        published=_day(said.get("published")),
        related=tuple(map(str, said.get("related") or derived.related)),
        duties=_duties(contract),
        registration=_registration(said.get("registration")),
        users=_users(said, sharing),
        delivery=_delivery(contract, cycle),
        opened=opens(contract),
        lacking=(),
    )
    return replace(entry, lacking=_lacking(entry))


def _classification(code: str, names: Any) -> tuple[str, str, str, str]:
    """类, 项, 目, 细目: names where the contract has them, else the digits of the code."""
    head = code.partition("/")[0]
    if not head:
        return ("", "", "", "")
    digits = (head[1:3], head[3:6], head[6:])
    given = [*map(str, names), "", "", ""]
    default = BASE_ITEMS.get(digits[0], "") if head[0] == "1" else ""
    parts = [f"{d} {given[i] or (default if i == 0 else '')}".strip() for i, d in enumerate(digits)]
    return (f"{head[0]} {CLASSES[head[0]][0]}", parts[0], parts[1], parts[2])


def _item(column: Column, codes: CodeTables) -> Item:
    decimal = column.sql_type.startswith("DECIMAL")
    length = (
        column.sql_type[8:-1].replace(" ", "")
        if decimal
        else str(column.options.get("maxLength") or (column.logical_type == "string" and column.width) or "")
    )
    return Item(
        name=column.name,
        title=column.title,
        kind=DECIMAL if decimal else TYPES[column.logical_type],
        logical_type=column.logical_type,
        length=length,
        level=column.classification,
        required=column.required,
        key=column.key_position is not None,
        description=column.description,
        opened=opens_column(column),
        hidden=HIDDEN_AS[column.opened] if column.opened and column.classification > OPEN_LEVEL else None,
        codes=codes.title(column.codes) if column.codes else None,
    )


def _format(contract: Contract) -> str:
    if not contract.servers:
        return "数据库"
    server = contract.server
    if server.type == "api":
        return "服务接口"
    return "数据库" if server.type != "local" else _FORMATS.get(str(server.properties.get("format", "")), "电子文件")


def _cycle(contract: Contract, days: float | None) -> Words | None:
    if said := contract.catalogue.get("cycle"):
        return next((words for _, words in CYCLES if said in words), (said, ""))
    if days is None:
        return None
    return next((words for size, words in CYCLES if abs(size - days) < size / 20), (f"每{age_of(days)}", f"every {age_of(days)}"))


def _duties(contract: Contract) -> dict[str, Duty]:
    said = contract.catalogue.get("responsibilities") or {}
    return {key: Duty(zh, en, str(said.get(key) or contract.department), bool(said.get(key))) for key, (zh, en) in DUTIES.items()}


def _registration(said: Mapping[str, Any] | None) -> Registration | None:
    if not said:
        return None
    day, until = _day(said.get("date")), _day(said.get("until"))
    if until is None and day is not None and said["state"] != "cancelled":
        leap = (day.month, day.day) == (2, 29)
        until = day.replace(year=day.year + VALID_YEARS, day=28 if leap else day.day)
    zh, en = STATES[said["state"]]
    return Registration(said["state"], zh, en, day, until, str(said.get("number", "")), str(said.get("authority", "")))


def _users(said: Mapping[str, Any], sharing: int | None) -> tuple[User, ...]:
    """The users that are named; with none, what the sharing type says of all departments."""
    named = tuple(User(*(str(u.get(k) or "") for k in ("who", "purpose", "condition", "until"))) for u in said.get("users") or ())
    if named or sharing in (None, 3):
        return named
    who = "各政务部门 all departments" if sharing == 1 else "符合条件的政务部门 departments that meet the condition"
    return (User(who, "", "" if sharing == 1 else said.get("condition") or said.get("basis", ""), ""),)


def _delivery(contract: Contract, cycle: Words | None) -> Delivery | None:
    if contract.delivery is None:
        return None
    days = due_days(contract)
    mode = {"full": "全量 full", "delta": "增量 delta"}[contract.delivery.mode]
    return Delivery(" ".join(cycle or ("", "")), mode, _age(days) if days is not None else "", contract.delivery.units)


def _age(days: float) -> str:
    """10 天 days, 3 小时 hours, 90 分钟 minutes."""
    size, unit = re.fullmatch(r"(\d+)(\D+)", age_of(days)).groups()  # type: ignore[union-attr]
    return f"{size} {_UNITS[unit]}"


def _lacking(entry: Entry) -> tuple[Words, ...]:
    """What the guide asks for and neither the contract nor a default says."""
    asked: tuple[tuple[Any, Words], ...] = (
        (entry.code, ("信息资源代码", "resource code")),
        (entry.provider_code, ("提供方代码", "provider's code")),
        (entry.summary, ("摘要", "summary")),
        (entry.sharing, ("共享类型", "sharing type")),
        (entry.sharing != 2 or entry.condition, ("共享条件", "condition of sharing")),
        (entry.cycle, ("更新周期", "update cycle")),
        (entry.published, ("发布日期", "publication date")),
        (entry.registration, ("登记记录", "registration record")),
    )
    return tuple(words for there, words in asked if not there)


def _day(value: Any) -> date | None:
    return None if value is None else value if isinstance(value, date) else date.fromisoformat(value)
