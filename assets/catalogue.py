"""The `catalogue` custom property: what a catalogue asks for and a contract does not say elsewhere.

政务信息资源目录编制指南（试行）(发改高技〔2017〕1272号) for the core metadata; 公共数据资源登记管理暂行办法 (发改数据规〔2025〕26号) for
registration. Belongs here: the keys, their meaning and their checks. Not here: the entry that is made of them (`pipelines.catalogue`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from expectations.documents import near

if TYPE_CHECKING:
    from assets.contracts import Column, Contract
    from expectations.documents import Document

OPEN_LEVEL = 1
SHARING = {1: ("无条件共享", "unconditional"), 2: ("有条件共享", "conditional"), 3: ("不予共享", "not shared")}
STATES = {
    "first": ("首次登记", "first registration"),
    "changed": ("变更登记", "changed"),
    "corrected": ("更正登记", "corrected"),
    "cancelled": ("注销登记", "cancelled"),
}
DUTIES = {
    "collection": ("采集", "collection"),
    "sharing": ("共享", "sharing"),
    "opening": ("开放", "opening"),
    "security": ("安全", "security"),
    "storage": ("存储", "storage"),
    "archiving": ("归档", "archiving"),
}
CODE = re.compile(r"[123]\d{5}\d*/\d+")
"""Class (1), item (2), sub-item (3), detail (any length), a stroke and an order number (the guide's part on codes)."""
_TEXTS = ("basis", "condition", "openCondition", "providerCode", "format", "cycle", "widened")
_LISTS = ("ways", "related", "classification")
_USER = ("who", "purpose", "condition", "until")
_REGISTRATION = ("state", "date", "until", "number", "authority")
KNOWN = ("resourceCode", "sharing", "open", "published", "responsibilities", "registration", "users", *_TEXTS, *_LISTS)


def opens_column(column: Column) -> bool:
    """Whether a column is in the open data of a dataset that is opened: as it is, or hidden as its contract says (`opened`)."""
    return column.classification <= OPEN_LEVEL or column.opened is not None


def opens(contract: Contract) -> bool:
    """Whether a contract opens its dataset to everybody: it says so, shares it without condition, its registration is not
    cancelled, and a column may be opened."""
    said = contract.catalogue
    cancelled = (said.get("registration") or {}).get("state") == "cancelled"
    return said.get("open") is True and str(said.get("sharing")) == "1" and not cancelled and any(map(opens_column, contract.columns))


def check_entry(document: Document, custom: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `catalogue` property among a contract's custom properties, as written; empty where there is none.

    Raises `DocumentError` with the line for an unknown key, state or sharing type, a code of another form, a value of another
    kind, and for sharing type 3 without a legal basis (the guide: 不予共享 names the law).
    """
    position = next((i for i, p in enumerate(document.data.get("customProperties") or []) if p["property"] == "catalogue"), 0)
    at: tuple[str | int, ...] = ("customProperties", position, "value")
    entry = custom.get("catalogue") or {}
    _known(document, at, entry, KNOWN, "catalogue item")
    code, sharing = entry.get("resourceCode"), entry.get("sharing")
    if code is not None and not CODE.fullmatch(str(code)):
        raise document.error(
            (*at, "resourceCode"),
            f"resource code {code!r}.",
            "Write the code of the class (1 base, 2 theme, 3 department; then two and three digits, and any more), a stroke, "
            "and an order number, as in 301001/1.",
        )
    if sharing is not None and (isinstance(sharing, bool) or str(sharing) not in map(str, SHARING)):
        remedy = "Say 1 (unconditional), 2 (conditional) or 3 (not shared)."
        raise document.error((*at, "sharing"), f"unknown sharing type {sharing!r}.", remedy)
    if str(sharing) == "3" and not str(entry.get("basis") or "").strip():
        remedy = "Name in `basis` the law, act or rule that forbids sharing."
        raise document.error((*at, "sharing"), "sharing type 3 (not shared) without a legal basis.", remedy)
    if not isinstance(entry.get("open", False), bool):
        raise document.error((*at, "open"), f"open {entry['open']!r}.", "Say true or false.")
    for key in _TEXTS:
        if not isinstance(entry.get(key, ""), str):
            raise document.error((*at, key), f"{key} {entry[key]!r} is no text.", "Write it in quotes.")
    for key in _LISTS:
        if not isinstance(entry.get(key, []), list):
            raise document.error((*at, key), f"{key} {entry[key]!r} is no list.", "Write it as [one, another].")
    _day(document, (*at, "published"), entry.get("published"))
    _known(document, (*at, "responsibilities"), entry.get("responsibilities") or {}, DUTIES, "responsibility")
    registration = entry.get("registration") or {}
    _known(document, (*at, "registration"), registration, _REGISTRATION, "item of the registration record")
    if registration and registration.get("state") not in STATES:
        state = registration.get("state")
        raise document.error((*at, "registration", "state"), f"registration state {state!r}.", near(str(state), STATES))
    for key in ("date", "until"):
        _day(document, (*at, "registration", key), registration.get(key))
    users = entry.get("users") or []
    if not isinstance(users, list):
        raise document.error((*at, "users"), "`users` is no list.", "Write each as {who: ..., purpose: ..., condition: ...}.")
    for i, user in enumerate(users):
        _known(document, (*at, "users", i), user, _USER, "item of a user")
        if not user.get("who"):
            raise document.error((*at, "users", i), "a user without `who`.", "Name the department.")
    return entry


def check_catalogue(contracts: Iterable[Contract]) -> None:
    """Raise `DocumentError` at the second of two datasets with one resource code: it identifies a resource in the whole catalogue."""
    holders: dict[str, Contract] = {}
    for contract in contracts:
        code = str(contract.catalogue.get("resourceCode", ""))
        if code and (first := holders.setdefault(code, contract)) is not contract:
            properties = contract.document.data["customProperties"]
            position = next(i for i, p in enumerate(properties) if p["property"] == "catalogue")
            raise contract.document.error(
                ("customProperties", position, "value", "resourceCode"),
                f"resource code {code!r} is that of {first.name} too ({first.path}).",
                "Give each dataset an order number of its own.",
            )


def _known(document: Document, at: Sequence[str | int], node: Any, known: Iterable[str], what: str) -> None:
    if not isinstance(node, Mapping):
        raise document.error(at, f"expected keys and values, found {node!r}.", f"Known are {', '.join(known)}.")
    for key in node:
        if key not in known:
            raise document.error((*at, key), f"unknown {what} {key!r}.", near(str(key), known))


def _day(document: Document, at: Sequence[str | int], value: Any) -> None:
    if value is None or type(value) is date:
        return
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        raise document.error(at, f"{at[-1]} {value!r} is no date.", "Write it as 2026-11-01.") from None
