"""A few nodes of RDF, written as JSON-LD and as Turtle without a library: a hundred lines instead of a dependency of every run.

Tests read both with rdflib and find the same graph. Belongs here: the two syntaxes. Not here: which nodes there are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ref:
    """Another node, by a prefixed name or a full IRI."""

    to: str


@dataclass(frozen=True)
class Text:
    text: str
    language: str = ""


@dataclass(frozen=True)
class Typed:
    text: str
    datatype: str


@dataclass(frozen=True)
class Node:
    """`properties` by prefixed name; a tuple of `Ref` among the values is an ordered list."""

    iri: str
    types: tuple[str, ...]
    properties: Mapping[str, Sequence[Value]]


Value = Ref | Text | Typed | tuple[Ref, ...]
_FORBIDDEN = re.compile(r'[\x00-\x20<>"{}|^`\\]')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def safe_iri(iri: str) -> str:
    """`iri` with what may not stand in one written as %XX."""
    return _FORBIDDEN.sub(lambda m: f"%{ord(m[0]):02X}", iri)


def to_jsonld(prefixes: Mapping[str, str], nodes: Iterable[Node]) -> str:
    """The nodes as one JSON-LD document with a flat graph."""
    return json.dumps({"@context": dict(prefixes), "@graph": [_as_json(n) for n in nodes]}, ensure_ascii=False, indent=1) + "\n"


def _as_json(node: Node) -> dict[str, Any]:
    made: dict[str, Any] = {"@id": safe_iri(node.iri), "@type": list(node.types)}
    for name, values in node.properties.items():
        if values:
            made[name] = [_json_value(v) for v in values]
    return made


def _json_value(value: Value) -> dict[str, Any]:
    match value:
        case Ref(to):
            return {"@id": safe_iri(to)}
        case Text(text, language):
            return {"@value": text, "@language": language} if language else {"@value": text}
        case Typed(text, datatype):
            return {"@value": text, "@type": datatype}
        case _:
            return {"@list": [_json_value(v) for v in value]}


def to_turtle(prefixes: Mapping[str, str], nodes: Iterable[Node]) -> str:
    """The nodes as Turtle."""
    lines = [f"@prefix {name}: <{iri}> ." for name, iri in prefixes.items()]
    for node in nodes:
        lines += ["", f"{_turtle_iri(prefixes, node.iri)} a {', '.join(node.types)}"]
        for name, values in node.properties.items():
            if values:
                lines[-1] += " ;"
                lines.append(f"    {name} " + ", ".join(_turtle_value(prefixes, v) for v in values))
        lines[-1] += " ."
    return "\n".join(lines) + "\n"


def _turtle_iri(prefixes: Mapping[str, str], iri: str) -> str:
    prefix, colon, local = iri.partition(":")
    if colon and prefix in prefixes:
        return f"<{safe_iri(prefixes[prefix] + local)}>"
    return f"<{safe_iri(iri)}>"


def _turtle_value(prefixes: Mapping[str, str], value: Value) -> str:
    match value:
        case Ref(to):
            return _turtle_iri(prefixes, to)
        case Text(text, language):
            return _quoted(text) + (f"@{language}" if language else "")
        case Typed(text, datatype):
            return f"{_quoted(text)}^^{datatype}"
        case _:
            return f"( {' '.join(_turtle_value(prefixes, v) for v in value)} )"


def _quoted(text: str) -> str:
    return '"' + re.sub(r'[\\"\n\r\t]', lambda m: _ESCAPES[m[0]], text) + '"'
