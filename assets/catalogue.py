"""The `catalogue` custom property: what a catalogue asks for and a contract does not say elsewhere.

政务信息资源目录编制指南（试行）(发改高技〔2017〕1272号) for the core metadata; 公共数据资源登记管理暂行办法 (发改数据规〔2025〕26号) for
registration. What is the same for all datasets of a department stands once, in `sources/<department>/department.yaml`. Belongs here: the
keys, their meaning and their checks. Not here: the entry that is made of them (`pipelines.catalogue`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from expectations.documents import near, read_document

if TYPE_CHECKING:
    from pathlib import Path

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
DEPARTMENT = "department.yaml"
"""Beside the contracts of a department: what the entries of all its datasets say alike."""
OF_DEPARTMENT = ("providerCode", "published", "responsibilities", "registration")
"""What a department may say for its datasets; how one is shared and opened, its contract alone says."""


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
    return _checked(document, _place(document), custom.get("catalogue") or {}, KNOWN)


def complete(contracts: Mapping[str, Contract], assets: Path) -> dict[str, Contract]:
    """The contracts with what their departments say for all of theirs (`sources/<department>/department.yaml`), by name.

    A base or thematic dataset is its department's by the name that the department's own contracts bear. What a contract says goes
    before; of a registration, each item does. Raises `DocumentError` with the line for what is wrong in such a file, and for a
    registration of which neither says the state.
    """
    shared: dict[str, Mapping[str, Any]] = {}
    folders = {c.group: c.department for c in contracts.values() if c.layer == "sources"}
    for group, department in folders.items():
        path = assets / "sources" / group / DEPARTMENT
        if path.is_file():
            shared.setdefault(department, read_department(path))
    made = {name: _with(contract, shared.get(contract.department, {})) for name, contract in contracts.items()}
    for contract in made.values():
        if (said := contract.catalogue.get("registration")) and "state" not in said:
            where = (*_place(contract.document), "registration")
            raise contract.document.error(where, "registration state None.", f"Say one of {', '.join(STATES)}, here or in {DEPARTMENT}.")
    return made


def read_department(path: Path) -> Mapping[str, Any]:
    """What a department says for the entries of all its datasets. Raises `DocumentError` with the line."""
    document = read_document(path)
    _known(document, (), document.data, ("catalogue", "formerly", "merged"), "item of a department")
    said = _checked(document, ("catalogue",), document.data.get("catalogue") or {}, OF_DEPARTMENT)
    _known(document, ("catalogue", "registration"), said.get("registration") or {}, ("state", "date", "authority"), "item for all datasets")
    return said


def _with(contract: Contract, shared: Mapping[str, Any]) -> Contract:
    if not shared:
        return contract
    own = contract.catalogue
    nested = {key: {**shared[key], **(own.get(key) or {})} for key in ("registration", "responsibilities") if shared.get(key)}
    return replace(contract, catalogue={**shared, **own, **nested})


def _place(document: Document) -> tuple[str | int, ...]:
    """Where the `catalogue` property stands in a contract."""
    position = next((i for i, p in enumerate(document.data.get("customProperties") or []) if p["property"] == "catalogue"), 0)
    return ("customProperties", position, "value")


def _checked(document: Document, at: tuple[str | int, ...], entry: Any, known: Iterable[str]) -> Mapping[str, Any]:
    _known(document, at, entry, known, "catalogue item")
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
    if (provider := entry.get("providerCode")) is not None and not is_credit_code(provider):
        remedy = "Give the department's unified social credit code: 18 characters, of which the last is reckoned from the others."
        raise document.error((*at, "providerCode"), f"providerCode {provider!r} is no credit code (GB 32100-2015).", remedy)
    for key in _LISTS:
        if not isinstance(entry.get(key, []), list):
            raise document.error((*at, key), f"{key} {entry[key]!r} is no list.", "Write it as [one, another].")
    _day(document, (*at, "published"), entry.get("published"))
    _known(document, (*at, "responsibilities"), entry.get("responsibilities") or {}, DUTIES, "responsibility")
    registration = entry.get("registration") or {}
    _known(document, (*at, "registration"), registration, _REGISTRATION, "item of the registration record")
    if (state := registration.get("state")) is not None and state not in STATES:
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
            raise contract.document.error(
                (*_place(contract.document), "resourceCode"),
                f"resource code {code!r} is that of {first.name} too ({first.path}).",
                "Give each dataset an order number of its own.",
            )


def is_credit_code(code: str) -> bool:
    from expectations.identity import classify_credit_code

    return classify_credit_code(code) in ("valid", "real_but_bad_check")


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
