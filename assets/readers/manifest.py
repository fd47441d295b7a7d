"""Manifests: how many rows the members of an archive must have.

Belongs here: reading one, as CSV or JSON. Not here: holding rows to it (`archive`).
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from assets.headers import fold
from assets.readers import RefusedError
from assets.readers.files import shown
from expectations.documents import near


@dataclass(frozen=True)
class Manifest:
    """Rows by the member's name, and in all where the manifest says so."""

    rows: dict[str, int]
    total: int | None


def read_manifest(data: bytes, member: str, name: str, opts: dict[str, Any]) -> Manifest:
    """The manifest in `data`. Raises `RefusedError` where it is not as the contract says."""
    where = f"{name}, {shown(member)}"
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise RefusedError("a manifest that is no text", where=where, expected="UTF-8 or GB18030")
    pairs, total = (_json if member.lower().endswith(".json") else _csv)(text, where, opts)
    rows: dict[str, int] = {}
    for file, count in pairs:
        base = PurePosixPath(str(file).strip()).name
        if base in rows:
            raise RefusedError(f"{base} stands twice", where=where, expected="each member once")
        rows[base] = _number(count, base, where)
    return Manifest(rows, None if total is None else _number(total, str(opts["manifestTotal"]), where))


def _json(text: str, where: str, opts: dict[str, Any]) -> tuple[list[tuple[Any, Any]], Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise RefusedError(f"no JSON ({error})", where=where, expected="a manifest in JSON") from None
    total = document.get(opts["manifestTotal"]) if isinstance(document, dict) else None
    if isinstance(document, dict):
        document = next((v for v in document.values() if isinstance(v, list)), [])
    try:
        return [(one[opts["manifestFile"]], one[opts["manifestRows"]]) for one in document], total
    except (LookupError, TypeError):
        raise _shape(where, opts) from None


def _csv(text: str, where: str, opts: dict[str, Any]) -> tuple[list[tuple[Any, Any]], Any]:
    lines = [line for line in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in line)]
    header = [fold(cell) for cell in lines[0]] if lines else []
    try:
        file, rows = header.index(fold(str(opts["manifestFile"]))), header.index(fold(str(opts["manifestRows"])))
        pairs = [(line[file], line[rows]) for line in lines[1:]]
    except (ValueError, IndexError):
        raise _shape(where, opts, near(str(opts["manifestFile"]), lines[0]) if lines else "") from None
    totals = [count for name, count in pairs if fold(name) == fold(str(opts["manifestTotal"]))]
    return [p for p in pairs if fold(p[0]) != fold(str(opts["manifestTotal"]))], totals[0] if totals else None


def _shape(where: str, opts: dict[str, Any], remedy: str = "") -> RefusedError:
    expected = f"`{opts['manifestFile']}` and `{opts['manifestRows']}` for every member"
    return RefusedError("a manifest of another form", where=where, expected=expected, remedy=remedy or "Correct it, or the contract.")


def _number(value: Any, of: str, where: str) -> int:
    text = str(value).strip()
    if not text.isdigit():
        raise RefusedError(f"{text!r} rows of {of}", where=where, expected="a whole number")
    return int(text)
