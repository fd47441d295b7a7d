"""Declarations of views, read and checked: `<dataset>.sample.yaml` beside its contract.

Belongs here: finding and reading them, common defects (`faults.yaml`) put in, errors with file and line. Not here: what may stand
in them (`declaration`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from expectations.documents import Document, DocumentError, near, read_document
from sample_data.declaration import Cross, Declaration, Drift, Fault, Form, Handovers, Shown, Told

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

COMMON = Path(__file__).parent / "faults.yaml"
SUFFIX = ".sample.yaml"
_KIND = re.compile(r"[a-z][a-z0-9_]*")


def path_of(contract: Contract) -> Path:
    """Where the declaration of a dataset's view stands."""
    return contract.path.with_name(f"{contract.name}{SUFFIX}")


def declarations(project: Project) -> dict[str, Declaration]:
    """Every declared view of the project, by dataset. Raises `DocumentError`, also for one without a contract."""
    found = {}
    for contract in sorted(project.sources(), key=lambda c: c.name):
        if path_of(contract).exists():
            found[contract.name] = read(contract)
    known = {path_of(c) for c in project.sources()}
    for path in sorted(project.assets.rglob(f"*{SUFFIX}")):
        if path not in known:
            raise DocumentError(
                path, None, "no contract stands beside it.", f"Name it like one: {near(path.name, (p.name for p in known))}"
            )
    return found


def read(contract: Contract) -> Declaration:
    """The declaration beside a contract. Raises `DocumentError` with the line of what is wrong."""
    document = read_document(path_of(contract))
    data = dict(document.data)
    if data.get("lag") and isinstance(data["lag"], dict):
        data["lag"] = {str(k): v for k, v in data["lag"].items()}
    data["faults"] = [_like(document, n, node) for n, node in enumerate(_list(document, data, "faults"))]
    data["faults"] += _dialect(document, data.get("dialect") or {})
    try:
        made = Declaration(**data, contract=contract, document=document)
    except ValidationError as error:
        raise _told(document, error) from None
    _check(made)
    return made


def _list(document: Document, data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key) or []
    if not isinstance(value, list):
        raise document.error((key,), f"`{key}` is no list.", "Write one entry a line, each beginning with `- `.")
    return value


@cache
def common() -> dict[str, dict[str, Any]]:
    """The common defects by name."""
    return dict(read_document(COMMON).data)


def _like(document: Document, position: int, node: Any) -> Any:
    """A fault with the common defect that it is `like` put in; `{column}` in its texts is the column, quoted in SQL."""
    if not isinstance(node, dict):
        raise document.error(
            ("faults", position), "a fault is a mapping.", "Write {kind: ..., column: ..., indicator: ..., effect: ..., rate: ...}."
        )
    node = dict(node)
    if "like" not in node:
        return node
    name = node.pop("like")
    if name not in common():
        raise document.error(("faults", position, "like"), f"unknown common defect {name!r}.", near(str(name), common()))
    base = {"kind": name, **common()[name]}
    column = node.get("column", base.get("column"))
    if column is None and any("{column}" in str(v) for v in base.values()):
        raise document.error(("faults", position), f"{name!r} wants a `column`.", "Say which.")
    filled = {}
    for key, value in base.items():
        if isinstance(value, str):
            value = value.replace("{column}", str(column) if key == "kind" else f'"{column}"')
        filled[key] = value
    return {**filled, **node}


def _dialect(document: Document, dialect: Any) -> list[dict[str, Any]]:
    """Codes that stand as other words in a share of the rows, as faults that standardising mends."""
    made = []
    if not isinstance(dialect, dict):
        raise document.error(("dialect",), "`dialect` is no mapping.", 'Write sex: {"1": 男, "2": 女, rate: 0.001}.')
    for column, node in dialect.items():
        words = {str(k): v for k, v in node.items() if k not in ("rate", "kind", "least", "where")}
        lists = {code: ", ".join(map(_literal, word if isinstance(word, list) else [word])) for code, word in words.items()}
        cases = " ".join(f"WHEN {_literal(code)} THEN one_of([{those}], 'dialect', _key)" for code, those in lists.items())
        known = ", ".join(map(_literal, words))
        also = f" AND ({node['where']})" if "where" in node else ""
        made.append(
            {
                "kind": node.get("kind", f"{column}_word"),
                "column": column,
                "indicator": "0105",
                "effect": "repair",
                "rate": node.get("rate", 0.001),
                "least": node.get("least", 2),
                "where": f'"{column}" IN ({known}){also}',
                "spoilt": f'CASE "{column}" {cases} END',
            }
        )
    return made


def _literal(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _told(document: Document, error: ValidationError) -> DocumentError:
    first = error.errors()[0]
    keys = tuple(first["loc"])
    if keys[:1] == ("faults",) and len(keys) > 1 and isinstance(keys[1], int):
        written = len(document.data.get("faults") or [])
        keys = keys if keys[1] < written else ("dialect",)
    if first["type"] == "extra_forbidden":
        return document.error(keys, f"unknown key {keys[-1]!r}.", near(str(keys[-1]), _known(keys)))
    if first["type"] == "missing":
        return document.error(keys[:-1], f"no `{keys[-1]}`.", "Add it.")
    return document.error(keys, f"{first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}.", "Correct it.")


def _known(keys: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand where an unknown one was found."""
    parts: dict[str, type[BaseModel]] = {
        "handovers": Handovers,
        "form": Form,
        "cross": Cross,
        "faults": Fault,
        "told": Told,
        "shows": Shown,
        "drift": Drift,
    }
    model = parts.get(str(keys[0]), Declaration) if len(keys) > 1 else Declaration
    hidden = {"contract", "document"}
    return [*(f.alias or name for name, f in model.model_fields.items() if name not in hidden), *(["like"] if model is Fault else [])]


def _check(made: Declaration) -> None:
    """What a model of single parts cannot see."""
    columns, seen = set(made.columns), set()
    for n, fault in enumerate(made.faults):
        at: tuple[str | int, ...] = ("faults", n) if n < len(made.document.data.get("faults") or []) else ("dialect", fault.column or "")
        if not _KIND.fullmatch(fault.kind):
            raise made.error(at, f"kind {fault.kind!r}.", "Use lower-case letters, digits and underscores.")
        if fault.kind in seen:
            raise made.error(at, f"the kind {fault.kind!r} stands twice.", "Give each fault a kind of its own: kind: ...")
        seen.add(fault.kind)
        for name in (fault.column, *fault.set):
            if name and name not in columns:
                raise made.error(at, f"the contract has no column {name!r}.", near(name, columns))
    kinds = {f.kind for f in made.faults}
    for n, drift in enumerate(made.drift):
        if drift.of and drift.of not in kinds:
            raise made.error(("drift", n), f"no fault {drift.of!r} is declared.", near(drift.of, kinds))
        if drift.column and drift.column not in columns:
            raise made.error(("drift", n), f"the contract has no column {drift.column!r}.", near(drift.column, columns))
    for group in ("numbers", "merge", "once"):
        for name in getattr(made.form, group):
            if name not in columns:
                raise made.error(("form", group), f"the contract has no column {name!r}.", near(name, columns))
    if made.contract.server.type == "local" and not made.form.name:
        raise made.error(("form",), "no `name`: how is a file called?", 'Write form: {name: "..._{period}.csv"}.')
