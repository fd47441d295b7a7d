"""Secrets by reference: `env:NAME` is the variable of this name, `file:/path` the file at this place; the secret itself stands in
no setting, contract or message.

Belongs here: what a reference is, and reading what it names. Not here: which settings hold one (`assets.settings`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

FORMS = "env:NAME or file:/path"
LONGEST = 64 << 10  # bytes; a larger file holds no password
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00-\x1f\x7f]+")


class SecretError(Exception):
    """A secret cannot be had; tells the reference, never the secret."""


def is_reference(text: str) -> bool:
    """Whether `text` names where a secret stands, and is none itself."""
    return _REFERENCE.fullmatch(text) is not None


def secret(reference: str) -> str:
    """The secret that `reference` names, without blanks and line ends around it.

    Raises `SecretError`: for what is no reference (it may be the secret, so it is not repeated), and where nothing can be read.
    """
    if not is_reference(reference):
        raise SecretError(f"没有写明密钥在何处。 No reference to a secret stands here. Write {FORMS}, not the secret itself.")
    kind, _, place = reference.partition(":")
    found = os.environ.get(place) if kind == "env" else _read(Path(place), reference)
    if found is None:
        raise SecretError(f"{reference}: 没有这个环境变量。 No such variable is set. Set it for the process that runs Yuanqing.")
    if not found.strip():
        raise SecretError(f"{reference}: 是空的。 It is empty. Put the secret there.")
    return found.strip()


def _read(path: Path, reference: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise SecretError(f"{reference}: 读不到。 It cannot be read ({error.strerror}). Put the secret there, readable for us.") from None
    if len(content) > LONGEST:
        raise SecretError(f"{reference}: 太大。 More than {LONGEST >> 10} KB; expected one line with the secret.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SecretError(f"{reference}: 不是文本。 It is no UTF-8 text; expected one line with the secret.") from None
