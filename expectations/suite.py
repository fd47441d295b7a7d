"""Suites: Great Expectations' own format in YAML, read and checked so that an error names its line.

Belongs here: reading suites. Not here: what a rule means (`compiler/rules/`), running (`compiler/`), the way to and from
Great Expectations (`interchange.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from expectations.codes import CodeTables
from expectations.compiler.arguments import checked
from expectations.compiler.foreign import custom_folder, foreign_kind, foreign_types
from expectations.compiler.kinds import PANDAS, REPORTING, Argument, ArgumentError, Kind
from expectations.compiler.rules import kinds
from expectations.documents import Document, DocumentError, near, read_document
from expectations.interchange import adopted
from expectations.standard import Standard

Severity = Literal["critical", "warning", "info"]
SEVERITIES = ("critical", "warning", "info")
GX_VERSION = "1.24"
_ID = re.compile("[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Rule:
    """One expectation. `kwargs` are as written, code tables resolved; `claims` the planted faults that it answers for.

    `origin` tells whether a suite has it or a contract yields it.
    """

    id: str
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    blocking: bool
    indicator: str
    weight: float
    title_zh: str
    title_en: str
    remedy_zh: str
    remedy_en: str
    claims: tuple[str, ...]
    line: int | None
    path: Path | None = None  # the file of `line`, where it is not the suite's
    origin: Literal["suite", "contract"] = "suite"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its arguments name, row condition left out."""
        found: list[str] = []
        for name in kind_of(self.type).columns:
            value = self.kwargs.get(name)
            found += [value] if isinstance(value, str) else list(value or ())
        return tuple(dict.fromkeys(found))


def kind_of(type_: str) -> Kind:
    """The kind of an expectation type; of one that does not compile, the kind that Great Expectations judges."""
    return kinds().get(type_) or foreign_kind(type_)


@dataclass(frozen=True)
class Suite:
    """The rules of one dataset, in the file's order."""

    name: str
    path: Path
    rules: tuple[Rule, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)

    def rule(self, rule_id: str) -> Rule:
        return next(r for r in self.rules if r.id == rule_id)

    def error(self, rule: Rule, found: str, remedy: str = "") -> DocumentError:
        return DocumentError(rule.path or self.path, rule.line, f"rule {rule.id}: {found}", remedy)


Entry = tuple[Document, tuple[str | int, ...], Mapping[str, Any]]
"""An expectation as a suite has it, with the document and the place where it is declared."""


def load_suite(path: Path, codes: CodeTables, standard: Standard) -> Suite:
    """Read and check one suite as it is written. Raises `DocumentError` as `read_suite` and `make_suite` do."""
    document = read_suite(path)
    return make_suite(document.data["name"], path, entries_of(document), codes, standard, document.data.get("meta") or {})


def read_suite(path: Path) -> Document:
    """The document of a suite, its head checked: raises `DocumentError` for unknown keys and another version."""
    document = read_document(path)
    data = document.data
    for key in data:
        if key not in ("name", "meta", "expectations", "id", "notes", "suite_parameters"):
            raise document.error((key,), f"unknown key {key!r}.", near(str(key), ("name", "meta", "expectations", "notes")))
    if not isinstance(data.get("name"), str) or not isinstance(data.get("expectations"), list):
        raise document.error((), "a suite has a `name` and a list of `expectations`.", "Copy the head of a suite that stands.")
    version = str((data.get("meta") or {}).get("great_expectations_version", GX_VERSION))
    if not version.startswith(GX_VERSION):
        raise document.error(
            ("meta", "great_expectations_version"),
            f"written for Great Expectations {version}, this is {GX_VERSION}.",
            f"Check it against {GX_VERSION} and write that here.",
        )
    return document


def entries_of(document: Document) -> list[Entry]:
    """The expectations of a suite's document, each with its place."""
    nodes = document.data["expectations"]
    if document.path.suffix == ".json":  # as Great Expectations keeps suites
        nodes = [adopted(node) if isinstance(node, dict) else node for node in nodes]
    return [(document, ("expectations", i), node) for i, node in enumerate(nodes)]


def make_suite(
    name: str, path: Path, entries: Iterable[Entry], codes: CodeTables, standard: Standard, meta: Mapping[str, Any] | None = None
) -> Suite:
    """A suite from expectations, which may stand in several documents (`path` is that of the suite's own).

    Raises `DocumentError` with the line for an unknown type, argument, indicator, severity or code table, a doubled id, a
    value out of range, a pattern that engines read differently, a rule that can never fail or always fails.
    """
    rules: list[Rule] = []
    places: dict[str, str] = {}
    for document, at, node in entries:
        rule = _rule(document, at, node, codes, standard)
        own = document.path == path
        if rule.id in places:
            found = f"the rule id {rule.id!r} stands at {places[rule.id]} too."
            raise document.error((*at, "meta", "id"), found, "Give each rule an id of its own.")
        line = document.line(*at, "meta", "id")
        places[rule.id] = f"line {line}" if own else f"{document.path.name}:{line}"
        rules.append(rule if own else replace(rule, path=document.path, origin="contract"))
    return Suite(name, path, tuple(rules), meta or {})


_KEYS = ("type", "kwargs", "severity", "meta", "description", "notes", "id")
_META = ("id", "indicator", "weight", "blocking", "blockAbove", "title", "remedy", "claims", "notes")


def _rule(document: Document, at: tuple[str | int, ...], node: Any, codes: CodeTables, standard: Standard) -> Rule:
    if not isinstance(node, dict):
        raise document.error(at, "an expectation is a mapping.", "Give it type, kwargs, severity and meta.")
    _known(document, at, node, _KEYS)
    name = str(node.get("type"))
    if name not in kinds() and name not in (others := foreign_types(custom_folder(document.path))):
        raise document.error((*at, "type"), f"unknown expectation type {name!r}.", near(name, {*kinds(), *others}))
    severity = node.get("severity", "critical")
    if severity not in SEVERITIES:
        raise document.error((*at, "severity"), f"severity {severity!r}.", near(str(severity), SEVERITIES))
    meta = node.get("meta") or {}
    _known(document, (*at, "meta"), meta, _META)
    rule_id = meta.get("id")
    if not isinstance(rule_id, str) or not _ID.fullmatch(rule_id):
        raise document.error(
            (*at, "meta", "id"), f"rule id {rule_id!r}.", "Give meta an id of lower-case letters, digits and underscores, at most 40."
        )
    indicator = meta.get("indicator")
    if not isinstance(indicator, str) or indicator not in standard.indicators:
        remedy = f"Quote its four digits. {near(str(indicator), standard.indicators)}"
        raise document.error((*at, "meta", "indicator"), f"unknown indicator {indicator!r}.", remedy)
    weight, blocking, claims = meta.get("weight", 1), meta.get("blocking", False), meta.get("claims") or []
    if isinstance(weight, bool) or not isinstance(weight, int | float) or weight <= 0:
        raise document.error((*at, "meta", "weight"), f"weight {weight!r}.", "Give a number above 0.")
    if not isinstance(blocking, bool):
        raise document.error((*at, "meta", "blocking"), f"blocking {blocking!r}.", "Say true or false.")
    if not isinstance(claims, list) or not all(isinstance(c, str) for c in claims):
        raise document.error((*at, "meta", "claims"), f"claims {claims!r}.", "List the fault kinds: [id_missing].")
    kwargs = _kwargs(document, (*at, "kwargs"), kind_of(name), node.get("kwargs") or {}, codes)
    titles = [_both(document, at, meta, key, fallback) for key, fallback in (("title", rule_id), ("remedy", ""))]
    line = document.line(*at)
    return Rule(rule_id, name, kwargs, severity, blocking, indicator, float(weight), *titles[0], *titles[1], tuple(claims), line)


def _known(document: Document, at: tuple[str | int, ...], node: Mapping[str, Any], known: Iterable[str]) -> None:
    for key in node:
        if key not in known:
            raise document.error((*at, key), f"unknown key {key!r}.", near(str(key), known))


def _both(document: Document, at: tuple[str | int, ...], meta: Mapping[str, Any], key: str, fallback: str) -> tuple[str, str]:
    value = meta.get(key)
    if value is None:
        return fallback, fallback
    if not isinstance(value, dict) or set(value) != {"zh", "en"}:
        raise document.error((*at, "meta", key), f"{key} {value!r}.", "Give it in both languages: {zh: ..., en: ...}.")
    return str(value["zh"]), str(value["en"])


def _kwargs(document: Document, at: tuple[str | int, ...], kind: Kind, node: Mapping[str, Any], codes: CodeTables) -> dict[str, Any]:
    known = {**kind.arguments, **REPORTING}
    for key in node:
        if key not in known and not kind.further:
            raise document.error((*at, key), f"unknown argument {key!r} of {kind.type}.", near(str(key), known))
        known.setdefault(key, Argument("any"))
    condition = node.get("row_condition")
    if isinstance(condition, dict) and condition.get("type") == "pass_through":  # how Great Expectations writes a query of pandas
        node = {**node, "row_condition": condition.get("pass_through_filter"), "condition_parser": PANDAS}
    if node.get("condition_parser") == PANDAS:
        known["row_condition"] = Argument("text")
    kwargs: dict[str, Any] = {}
    for name, argument in known.items():
        if name not in node:
            if argument.required:
                raise document.error(at, f"{kind.type} lacks its argument {name!r}.", f"As in {kind.example}.")
            continue
        try:
            kwargs[name] = checked(name, argument, node[name], codes, document.data.get("suite_parameters") or {})
        except ArgumentError as error:
            if argument.shape in ("pattern", "patterns") and document.path.suffix == ".json":
                kwargs[name] = node[name]  # Great Expectations, which wrote it, can read it
                continue
            raise document.error((*at, error.argument), error.found, error.remedy) from None
    try:
        kind.check({n: kwargs.get(n, a.default) for n, a in kind.arguments.items()})
    except ArgumentError as error:
        raise document.error((*at, error.argument), error.found, error.remedy) from None
    return kwargs
