"""Numbers with check characters, a column at a time: resident ids (GB 11643), credit codes (GB 32100, GB 11714).

Belongs here: making right numbers from their parts. Not here: judging them (the rules do), and drawing the parts.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

RESIDENT_WEIGHTS = np.array([pow(2, 17 - i, 11) for i in range(17)], dtype=np.int16)
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])


def texts(characters: np.ndarray) -> pa.Array:
    """Rows of ASCII codes, shape (n, width), as n texts."""
    packed = np.ascontiguousarray(characters, dtype=np.uint8)
    return pa.Array.from_buffers(pa.binary(packed.shape[1]), len(packed), [None, pa.py_buffer(packed)]).cast(pa.binary()).cast(pa.string())


def digits(numbers: np.ndarray, width: int) -> np.ndarray:
    """Decimal digits of whole numbers, shape (n, width), as bytes."""
    out = np.empty((len(numbers), width), dtype=np.uint8)
    rest = numbers.astype(np.int64 if width > 9 else np.int32)
    for place in range(width - 1, -1, -1):
        rest, out[:, place] = np.divmod(rest, 10)
    return out


def padded(numbers: np.ndarray, width: int) -> pa.Array:
    """Whole numbers as texts of `width` digits."""
    return texts(digits(numbers, width) + 48)


def resident_check(body: np.ndarray) -> np.ndarray:
    """The check characters, as ASCII codes, of rows of 17 digits."""
    return np.frombuffer(b"10X98765432", dtype=np.uint8)[(body @ RESIDENT_WEIGHTS) % 11]


def resident_ids(prefix: np.ndarray, born: np.ndarray, order: np.ndarray) -> pa.Array:
    """Resident ids from six-digit prefixes, birth dates as YYYYMMDD and order numbers (0 to 999), all whole numbers."""
    body = np.hstack([digits(prefix, 6), digits(born, 8), digits(order, 3)])
    return texts(np.hstack([body + 48, resident_check(body)[:, None]]))


def credit_codes(heads: list[str], division: np.ndarray, serial: np.ndarray) -> pa.Array:
    """Credit codes: two leading characters each (`heads`), six-digit divisions, serial numbers from 0 (up to 31^6) after MA."""
    n = len(serial)
    alphabet = np.frombuffer(CREDIT_ALPHABET.encode(), dtype=np.uint8)
    code = np.zeros((n, 18), dtype=np.uint8)
    code[:, :2] = np.frombuffer("".join(heads).encode(), dtype=np.uint8).reshape(n, 2)
    code[:, 2:8] = digits(division, 6) + 48
    code[:, 8:10] = np.frombuffer(b"MA", dtype=np.uint8)
    code[:, 10:16] = alphabet[(serial[:, None] // 31 ** np.arange(5, -1, -1, dtype=np.int64)) % 31]
    # GB 11714 counts letters on from 10 without gaps; GB 32100 counts only the 31 it uses.
    plain = np.zeros(256, dtype=np.int64)
    plain[48:58], plain[65:91] = np.arange(10), np.arange(10, 36)
    inner = 11 - (plain[code[:, 8:16]] @ ORGANISATION_WEIGHTS) % 11
    code[:, 16] = np.frombuffer(b"0123456789X0", dtype=np.uint8)[inner]
    ranks = np.zeros(256, dtype=np.int64)
    ranks[alphabet] = np.arange(31)
    outer = ranks[code[:, :17]] @ np.array([pow(3, i, 31) for i in range(17)])
    code[:, 17] = alphabet[-outer % 31]
    return texts(code)
