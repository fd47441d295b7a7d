"""Seals: SM3 (GB/T 32905-2016) over bytes, files and the canonical form of JSON.

Belongs here: how a digest comes about. Not here: what is sealed, and why.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

ZEROS = "0" * 64


def canonical(value: Any) -> bytes:
    """`value` as JSON in the one form that is sealed: keys sorted, no blanks, characters as themselves, UTF-8.

    Dates become ISO 8601. Raises `ValueError` for what is no JSON: numbers that are none, halves of a character, other objects.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)
        return text.encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")


def sm3(data: bytes) -> str:
    """64 hexadecimal digits. Raises `ModuleNotFoundError` where neither the interpreter nor `cryptography` has SM3."""
    digest = _hasher()
    digest.update(data)
    return str(digest.hexdigest())


def sm3_file(path: Path) -> str:
    """The digest of a file's bytes, read piece by piece."""
    digest = _hasher()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return str(digest.hexdigest())


def _hasher() -> Any:
    try:
        return hashlib.new("sm3")
    except ValueError:
        return _Other()


class _Other:
    """SM3 of the package `cryptography`, with hashlib's manners."""

    def __init__(self) -> None:
        try:
            from cryptography.hazmat.primitives.hashes import SM3, Hash
        except ImportError:
            raise ModuleNotFoundError(
                "本机 Python 无 SM3，也未装 cryptography。 This Python's OpenSSL has no SM3, and the package cryptography "
                "is not installed. Run `make run` again, or use a Python built with OpenSSL 1.1.1 or later."
            ) from None
        self._hash = Hash(SM3())
        self.update = self._hash.update

    def hexdigest(self) -> str:
        return self._hash.finalize().hex()
