"""Masking by classification: the one place that decides how much of a value may be seen, for values and as SQL.

Levels are those of GB/T 43697-2024 for general data, as the contract declares them (1 open to 4 most sensitive). Levels 1
and 2 show whole. Level 3 keeps enough to find the record in the department's own system, level 4 nothing.

Kinds of masking: `full` shows nothing, `partial` some characters, `hash` a digest with a key (HMAC-SHA256, RFC 2104) that stays in
the data folder, `generalise` a coarser value: of a date the year, of a number the band of its leading digit, of a code of digits the
first four (a city). What each withstands stands in `docs/masking.md`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from assets.project import Project

SHOWN_UP_TO = 2
KINDS = ("full", "partial", "hash", "generalise")
"""Ways to hide a value: nothing of it, a part of it, a digest with a key, a coarser value."""
FOR_ALL = ("full", "hash", "generalise")
"""Those fit for what everybody may take away and join: a part of an id and a birth date beside it give the whole."""
HIDDEN = "***"
SMALLEST = 5
"""Rows of at least so many different records share a generalised value, else it is not published."""
_CODE = re.compile(r"[0-9A-Za-z]{8,}")
_DIGITS = re.compile(r"[0-9]{6,}[0-9Xx]?")
_BLOCK, _LENGTH = 64, 32  # bytes of a block of SHA-256; characters of a digest that are kept


class MaskingError(Exception):
    """The key cannot be used."""


def mask(value: str | None, level: int) -> str | None:
    """`value` as it may be shown to anyone, for a column of classification `level`.

    Codes of 8 and more letters and digits keep the first four and the last two; other text of level 3 keeps its first
    character. None stays None.
    """
    if value is None or level <= SHOWN_UP_TO or value == "":
        return value
    return HIDDEN if level >= 4 else _partial(value)


def mask_sql(value: str, level: int) -> str:
    """`mask` as SQL over the SQL `value`, of any type."""
    text = f"CAST({value} AS VARCHAR)"
    if level <= SHOWN_UP_TO:
        return text
    return f"CASE WHEN {text} = '' THEN '' ELSE {hide_sql(value, 'full' if level >= 4 else 'partial')} END"


def hide(value: Any, kind: str, *, key: bytes = b"", scope: str = "") -> str | None:
    """`value` hidden by one of `KINDS`; None stays None.

    A hash needs `key` (`masking_key`), and takes in `scope` (such as the table and column): digests of two scopes cannot be joined.
    """
    if value is None:
        return None
    if kind == "full":
        return HIDDEN
    if kind == "partial":
        return _partial(str(value)) if str(value) else ""
    if kind == "generalise":
        return _coarse(value)
    if kind != "hash":
        raise ValueError(f"{kind!r}: not one of {', '.join(KINDS)}")
    if not key:
        raise MaskingError("a hash without a key can be undone by trying values. Give the key of the data folder (`masking_key`).")
    return hmac.new(key, f"{scope}|{value}".encode(), hashlib.sha256).hexdigest()[:_LENGTH]


def hide_sql(value: str, kind: str, *, scope: str = "", sql_type: str = "VARCHAR") -> str:
    """`hide` as SQL over the SQL `value` of type `sql_type`. A hash is for a connection that is `keyed`."""
    text = f"CAST({value} AS VARCHAR)"
    if kind == "full":
        return f"CASE WHEN {value} IS NOT NULL THEN '{HIDDEN}' END"
    if kind == "partial":
        return (
            f"CASE WHEN {text} = '' THEN '' WHEN regexp_full_match({text}, '{_CODE.pattern}')"
            f" THEN left({text}, 4) || repeat('*', length({text}) - 6) || right({text}, 2)"
            f" WHEN length({text}) = 1 THEN '*' ELSE left({text}, 1) || repeat('*', least(length({text}) - 1, 8)) END"
        )
    if kind == "generalise":
        return _coarse_sql(value, text, sql_type.upper())
    if kind != "hash":
        raise ValueError(f"{kind!r}: not one of {', '.join(KINDS)}")
    said = "'" + scope.replace("'", "''") + "'"
    inner = f"sha256(getvariable('masking_inner') || encode({said} || '|' || {text}))"
    return f"CASE WHEN {value} IS NOT NULL THEN left(sha256(getvariable('masking_outer') || unhex({inner})), {_LENGTH}) END"


def _partial(value: str) -> str:
    if _CODE.fullmatch(value):
        return value[:4] + "*" * (len(value) - 6) + value[-2:]
    return value[0] + "*" * min(len(value) - 1, 8) if len(value) > 1 else "*"


def _coarse(value: Any) -> str:
    if isinstance(value, date):  # a time too
        return f"{value.year:04}"
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and -(10**18) < value < 10**18:
        whole = abs(int(value))
        step = 10 ** (len(str(whole)) - 1) if whole >= 10 else 10
        first = whole // step * step
        return f"{'-' if value < 0 else ''}{first}~{first + step - 1}"
    return value[:4] if isinstance(value, str) and _DIGITS.fullmatch(value) else HIDDEN


def _coarse_sql(value: str, text: str, sql_type: str) -> str:
    if sql_type in ("DATE", "TIMESTAMP"):
        coarse = f"lpad(CAST(year({value}) AS VARCHAR), 4, '0')"
    elif sql_type in ("BIGINT", "INTEGER", "DOUBLE") or sql_type.startswith("DECIMAL"):
        whole = f"TRY_CAST(trunc(abs({value})) AS HUGEINT)"
        step = f"CAST(rpad('1', CAST(greatest(length(CAST({whole} AS VARCHAR)), 2) AS INTEGER), '0') AS HUGEINT)"
        step = f"CASE WHEN {whole} >= 10 THEN {step} ELSE 10 END"
        first = f"({whole} // ({step}) * ({step}))"
        coarse = (
            f"CASE WHEN isfinite(CAST({value} AS DOUBLE)) AND abs({value}) < 1e18 THEN CASE WHEN {value} < 0 THEN '-' ELSE '' END"
            f" || {first} || '~' || ({first} + {step} - 1) ELSE '{HIDDEN}' END"
        )
    elif sql_type == "VARCHAR":
        coarse = f"CASE WHEN regexp_full_match({text}, '{_DIGITS.pattern}') THEN left({text}, 4) ELSE '{HIDDEN}' END"
    else:
        coarse = f"'{HIDDEN}'"
    return f"CASE WHEN {value} IS NOT NULL THEN {coarse} END"


def masking_key(project: Project) -> bytes:
    """The key of the data folder: 32 random bytes, made once, for its owner's eyes only. Raises `MaskingError`.

    Whoever has it can try values; it goes into no log, no table and no report. With another key all digests are others.
    """
    path = project.home / "masking.key"
    if not path.exists():
        _make(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise MaskingError(f"{path}: others can read the key of masked values. Run `chmod 600 {path}`; make it anew if it was read.")
    key = path.read_bytes()
    if len(key) != _LENGTH:
        raise MaskingError(f"{path}: {len(key)} bytes, expected {_LENGTH}. Put the key back from its copy; without it a new one is made.")
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(secrets.token_bytes(_LENGTH))
    try:
        os.link(fresh, path)  # whole or not at all, and of two that make one at the same time the first stands
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


@contextmanager
def keyed(con: duckdb.DuckDBPyConnection, key: bytes) -> Iterator[None]:
    """Within, `hide_sql` can hash on this connection. The key is in no statement's text."""
    block = key.ljust(_BLOCK, b"\0")
    for name, pad in (("masking_inner", 0x36), ("masking_outer", 0x5C)):
        con.execute(f"SET VARIABLE {name} = ?::BLOB", [bytes(b ^ pad for b in block)])
    try:
        yield
    finally:
        for name in ("masking_inner", "masking_outer"):
            con.execute(f"RESET VARIABLE {name}")
