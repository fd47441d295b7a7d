"""Expectation types that do not compile: Great Expectations' own, and classes that a project keeps in `expectations/custom/`.

They are found by reading file names and class names, so that a suite is read without importing Great Expectations. Belongs
here: which types these are. Not here: running them (`fallback.py`).
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from expectations.compiler.forms import GxTest
from expectations.compiler.ir import Column, canonical
from expectations.compiler.kinds import MAP, Argument, Arguments, Kind, Scope, UncompiledError


def custom_folder(suite: Path) -> Path | None:
    """Where a project's own expectation classes stand: the folder `custom` beside the folder `suites` that a suite is in."""
    return next((p.parent / "custom" for p in suite.absolute().parents if p.name == "suites"), None)


def foreign_types(folder: Path | None) -> Mapping[str, str]:
    """The types that Great Expectations exports and those of the classes in a folder, each with a digest of what defines it."""
    found = dict(_exported())
    for path in sorted(folder.glob("[!_]*.py")) if folder is not None and folder.is_dir() else ():
        found |= _classes(path, path.stat().st_mtime_ns)
    return found


@cache
def _exported() -> Mapping[str, str]:
    spec = find_spec("great_expectations")
    home = next(iter((spec and spec.submodule_search_locations) or ()), None)
    text = (Path(home) / "expectations" / "core" / "__init__.py").read_text(encoding="utf-8") if home else ""
    return dict.fromkeys(re.findall(r"^from \.(\w+) import", text, re.MULTILINE), "great_expectations")


@cache
def _classes(path: Path, changed: int) -> Mapping[str, str]:  # noqa: ARG001 - a changed file is read again
    text = path.read_text(encoding="utf-8")
    try:
        nodes = [n for n in ast.parse(text).body if isinstance(n, ast.ClassDef) and n.bases]
    except SyntaxError:
        return {}
    return {_snake(n.name): hashlib.sha256(text.encode()).hexdigest() for n in nodes}


def _snake(name: str) -> str:
    """A class's name as Great Expectations makes a type of it."""
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


def _never(arguments: Arguments, scope: Scope) -> GxTest:  # noqa: ARG001 - every kind compiles by the same signature
    raise UncompiledError("没有编译形式", "it has no compiled form")


def foreign_kind(type_: str) -> Kind:
    """The kind of a type that does not compile. It takes further arguments besides those that name columns."""
    columns = {name: Argument("column") for name in ("column", "column_A", "column_B")} | {"column_list": Argument("columns")}
    wording = ("由 Great Expectations 的类判定。", "Judged by its class in Great Expectations.")
    return Kind(type_, {**columns, **MAP}, _never, wording, wording, "{column: name}", further=True)


def gx_test(type_: str, arguments: Mapping[str, object], digest: str, scope: Scope, why: UncompiledError) -> GxTest:
    """The test of a rule that Great Expectations is to judge. Raises `AbsentError` for a column that the dataset lacks."""
    named: dict[str, Column] = {}
    for key in ("column", "column_A", "column_B", "column_list"):
        value = arguments.get(key)
        for name in [value] if isinstance(value, str) else value if isinstance(value, list) else ():
            named[name] = scope.column(name)
    texts = " ".join(_texts(arguments))
    for name in scope.names:
        if name not in named and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", texts):
            named[name] = scope.column(name)
    return GxTest(type_, _canonical(arguments), digest, tuple(named.values()), why.zh, why.en)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [text for part in inner for text in _texts(part)]


def _canonical(arguments: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(canonical(value))) for name, value in arguments.items()))
