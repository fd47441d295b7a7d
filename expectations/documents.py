"""YAML files that people write, read so that an error can name the line.

Belongs here: reading, positions, near names. Not here: what a suite, a standard or a contract means.
"""

from __future__ import annotations

import difflib
import json
import pickle
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

_PAIR = re.compile(r"""((?<!\\)(?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})""")


class DocumentError(Exception):
    """A file that people write is wrong: says where, what was found, what was expected and what to do."""

    def __init__(self, path: Path, line: int | None, found: str, remedy: str = "") -> None:
        self.path, self.line, self.found, self.remedy = path, line, found, remedy
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {found}" + (f" {remedy}" if remedy else ""))


@dataclass(frozen=True)
class Document:
    """The content of one YAML file (`data`) and the line of each node, by its path of keys and positions."""

    path: Path
    data: dict[str, Any]
    lines: dict[tuple[str | int, ...], int] = field(repr=False)

    def line(self, *keys: str | int) -> int | None:
        """The line (from 1) of the node at `keys`, or of the nearest node above it that exists."""
        for end in range(len(keys), -1, -1):
            if (line := self.lines.get(keys[:end])) is not None:
                return line
        return None

    def error(self, keys: Iterable[str | int], found: str, remedy: str = "") -> DocumentError:
        return DocumentError(self.path, self.line(*keys), found, remedy)


def read_document(path: Path) -> Document:
    """Read the mapping in a YAML file.

    Raises `DocumentError` for a file that is missing, is not UTF-8, is not YAML, holds a key twice, or is no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DocumentError(path, None, "file not found.", "Create it, or correct the path.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise DocumentError(path, line, "not UTF-8 text.", "Save the file as UTF-8.") from None
    if path.suffix == ".json":  # YAML holds JSON but for its pairs of escapes
        text = _PAIR.sub(lambda m: m[1] + json.loads(f'"{m[2]}"'), text)
    data, lines = pickle.loads(_parsed(path, text))  # noqa: S301 - bytes of our own making
    return Document(path, data, lines)


@lru_cache(1024)
def _parsed(path: Path, text: str) -> bytes:
    """Data and lines, pickled: one process reads the same hundred files many times, and whoever reads may change what was given."""
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        loader = (yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader)(text)
        node = loader.get_single_node()
        _walk(node, (), lines, path)  # before the data are made: that writes `<<` out in the nodes
        data = loader.construct_document(node) if node else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        found = f"not YAML: {getattr(error, 'problem', None) or error}."
        raise DocumentError(path, mark.line + 1 if mark else None, found, "Check indentation, colons and quotes.") from None
    except ValueError as error:  # a date or number that YAML reads by its form and that does not exist
        raise DocumentError(path, _unread(node), f"{error}.", "Correct the date, or quote it where it is a text.") from None
    if not isinstance(data, dict):
        raise DocumentError(path, 1, "expected a mapping of keys to values.", "Begin the file with `key: value`.")
    return pickle.dumps((data, lines))


def _unread(node: yaml.Node | None) -> int | None:
    """The line of the first scalar below a node that does not read as what it looks like."""
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.SafeLoader("").construct_object(node)
        except ValueError:
            return int(node.start_mark.line) + 1
        return None
    below = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else getattr(node, "value", [])
    return next((line for part in below if (line := _unread(part)) is not None), None)


def _walk(node: yaml.Node | None, keys: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], path: Path) -> None:
    if node is None:
        return
    lines.setdefault(keys, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key_node, value in node.value:
            here = (*keys, key_node.value)
            if here in lines:
                raise DocumentError(path, key_node.start_mark.line + 1, f"the key {key_node.value!r} stands twice.", "Remove one.")
            lines[here] = key_node.start_mark.line + 1
            _walk(value, here, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _walk(value, (*keys, position), lines, path)


T = TypeVar("T")


class Named(dict[str, T]):
    """Things by the name that they bear now; `former`: by each name that one of them had before, its name now."""

    def __init__(self, things: Mapping[str, T] | Iterable[tuple[str, T]] = (), former: Mapping[str, str] | None = None) -> None:
        super().__init__(things)
        self.former = dict(former or {})

    def now(self, name: str) -> str:
        """The name that it bears now: what nothing is known of keeps its own."""
        return self.former.get(name, name)


def near(name: str, known: Iterable[str]) -> str:
    """`Did you mean 'x'?` for the known name nearest to `name`, or the known names where none is near.

    Of things that bear another name now (`Named`), what to write instead of the one they had.
    """
    if isinstance(known, Named) and name in known.former:
        return f"现在叫 {known.former[name]}，请写新名。 It is called {known.former[name]!r} now: write that."
    known = sorted(known)
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {match[0]!r}?" if match else f"Known: {', '.join(known[:12])}{' ...' if len(known) > 12 else ''}."
