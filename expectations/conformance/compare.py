"""Whether two verdicts on a case say the same.

Compared is what both say: the outcome, every figure, and the lists by content and order. Numbers agree to 1e-9 of their
size, or to the tolerance that the case gives; NaN and NULL are one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from expectations.conformance.cases import Case, partial

#: Of Great Expectations' COMPLETE result, what repeats other figures or is text for its own engine.
_LEFT_OUT = ("unexpected_list", "unexpected_index_list", "unexpected_index_query", "partial_unexpected_counts", "unexpected_rows")


def alike(a: Any, b: Any, tolerance: float | None = None) -> bool:
    """Whether two JSON values are the same value."""
    a, b = (None if isinstance(v, float) and math.isnan(v) else v for v in (a, b))
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b or (a == b and a is not None and b is not None)
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b or math.isclose(a, b, rel_tol=tolerance or 1e-9, abs_tol=1e-12)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(alike(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return set(a) == set(b) and all(alike(a[k], b[k], tolerance) for k in a)
    return bool(a == b) or (isinstance(a, str) and isinstance(b, str) and _time(a) is not None and _time(a) == _time(b))


def _time(text: str) -> datetime | None:
    """The time that a text spells, which SQLite keeps as a text of its own."""
    try:
        return datetime.fromisoformat(text) if len(text) > len("2000-01-01") else None
    except ValueError:
        return None


def against_gx(ours: Mapping[str, Any], gx: Mapping[str, Any], tolerance: float | None) -> list[str]:
    """What differs between our verdict and that of Great Expectations, which reported all it knows."""
    if "error" in gx or "error" in ours:
        return [] if "error" in gx and "error" in ours else [_says("verdict", _short(ours), _short(gx))]
    found = [] if alike(ours["success"], gx["success"]) else [_says("success", ours["success"], gx["success"])]
    for key, value in gx["result"].items():
        if key not in _LEFT_OUT and not alike(ours["result"].get(key), value, tolerance):
            found.append(_says(key, ours["result"].get(key), value))
    return found


def against_record(verdict: Mapping[str, Any], case: Case) -> list[str]:
    """What differs between a verdict and what the case records."""
    wanted = dict(case.out)
    if "traceback_substring" in wanted:
        return [] if "error" in verdict else [_says("verdict", _short(verdict), f"error: {wanted['traceback_substring']}")]
    if "error" in verdict:
        return [_says("verdict", _short(verdict), "a verdict")]
    wanted |= wanted.pop("result", {})
    found = []
    for key, value in wanted.items():
        got, value = _recorded(key, value, verdict, case)
        if not alike(got, value, case.tolerance or 1e-5):
            found.append(_says(key, got, value))
    return found


def _recorded(key: str, value: Any, verdict: Mapping[str, Any], case: Case) -> tuple[Any, Any]:
    """What a verdict has for a key of the record, and the record's value in the same shape."""
    result: Mapping[str, Any] = verdict["result"]
    if key == "success":
        return verdict["success"], value
    if key == "unexpected_list":
        got = result.get("partial_unexpected_list", [])
        return (got, partial(value)) if case.exact else (sorted(got, key=str), sorted(partial(value), key=str))
    if key == "unexpected_index_list":
        rows = [v["pk_index"] if isinstance(v, dict) else v for v in value or ()]
        return result.get("partial_unexpected_index_list", []), partial(rows)
    details = result.get("details") or {}
    if key in ("observed_partition", "expected_partition"):
        return details.get(key), value
    if key == "value_counts":
        got = details.get(key) or []
        return [v for v in value if any(alike(v, g) for g in got)], value
    if key.startswith("observed_cdf"):
        xs = (details.get("observed_cdf") or {}).get("x") or [None]
        x = xs[-1] if "x_-1" in key else xs[0]
        return (x > value if x is not None else None, True) if key.endswith("gt") else (x, value)
    if key == "observed_value_list":
        return next((v for v in value if alike(v, result.get("observed_value"))), None), result.get("observed_value")
    return result.get(key), value


def _says(key: str, ours: Any, theirs: Any) -> str:
    return f"{key}: {ours!r}, should be {theirs!r}"


def _short(verdict: Mapping[str, Any]) -> str:
    if "error" not in verdict:
        return f"success {verdict['success']}"
    lines = verdict["error"].strip().splitlines()
    return f"error: {lines[-1][:200] if lines else ''}"
