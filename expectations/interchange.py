"""Suites to Great Expectations and from it.

A suite that Great Expectations has written (JSON, from its store or its fluent Python) is taken as it is: what our suites
have besides is filled in. Belongs here: both ways. Not here: what a suite may hold (`suite.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from expectations.compiler.foreign import custom_folder
from expectations.compiler.kinds import PANDAS, plain_value

if TYPE_CHECKING:
    import great_expectations as gx

    from expectations.suite import Rule, Suite

#: The indicator of a rule that names none, by its type: the first pattern that fits.
_INDICATORS = (
    ("*_not_be_null", "0201"),
    ("*_non_null_values_*", "0201"),
    ("*_unique", "0304"),
    ("expect_table_row_count_*", "0202"),
    ("expect_table_column*", "0102"),
    ("expect_column_to_exist", "0102"),
    ("*_match_*", "0302"),
    ("*_lengths_*", "0302"),
    ("*_parseable", "0302"),
    ("*_type*", "0302"),
    ("expect_column_*_in_set", "0105"),
    ("expect_column_pair_*", "0402"),
    ("*multicolumn_*", "0402"),
    ("*", "0301"),
)


def adopted(node: Mapping[str, Any]) -> dict[str, Any]:
    """An expectation that Great Expectations has written, with an id and an indicator.

    The id is made of type and arguments: it stays while these do, wherever in the suite the expectation stands.
    """
    meta, type_ = node.get("meta") or {}, str(node.get("type"))
    mark = sha256(json.dumps([type_, node.get("kwargs")], sort_keys=True, default=str).encode()).hexdigest()[:12]
    filled: dict[str, Any] = {"id": f"gx_{mark}", "indicator": next(i for pattern, i in _INDICATORS if fnmatchcase(type_, pattern))}
    if isinstance(node.get("description"), str):
        filled["title"] = dict.fromkeys(("zh", "en"), node["description"])
    known = {k: v for k, v in meta.items() if k in ("id", "indicator", "weight", "blocking", "title", "remedy", "claims")}
    return {**{k: v for k, v in node.items() if k in ("type", "kwargs", "severity")}, "meta": filled | known}


def suite_to_gx(suite: Suite, *, as_of: date | None = None) -> gx.ExpectationSuite:
    """The suite as Great Expectations' own object, our expectation classes registered, code tables and dates resolved.

    Great Expectations drops what it does not know without an error: asserts that as many rules came out as went in.
    """
    import great_expectations as gx

    from expectations.custom import register

    register(custom_folder(suite.path))
    expectations = [gx_configuration(rule, as_of or date.today()) for rule in suite.rules]
    made = gx.ExpectationSuite(name=suite.name, expectations=expectations, meta=dict(suite.meta))
    if len(made.expectations) != len(suite.rules):
        kept = {e.meta["id"] for e in made.expectations if e.meta}
        lost = [r.id for r in suite.rules if r.id not in kept]
        raise AssertionError(f"Great Expectations dropped {', '.join(lost)} of {suite.name}")
    return made


def gx_configuration(rule: Rule, as_of: date | None = None) -> dict[str, Any]:
    """The rule as Great Expectations' expectation configuration, in JSON values."""
    kwargs: dict[str, Any] = {name: plain_value(_dated(value, as_of)) for name, value in rule.kwargs.items()}
    if kwargs.get("condition_parser") != PANDAS:
        kwargs.pop("condition_parser", None)  # conditions are objects by now
    meta = {"id": rule.id, "indicator": rule.indicator, "weight": rule.weight, "blocking": rule.blocking}
    meta |= {"title": {"zh": rule.title_zh, "en": rule.title_en}, "remedy": {"zh": rule.remedy_zh, "en": rule.remedy_en}}
    return {"type": rule.type, "kwargs": kwargs, "severity": rule.severity, "meta": meta}


def _dated(value: Any, as_of: date | None) -> Any:
    """A value with every `{$today: n}` in it, also in conditions, as the day it is."""
    if isinstance(value, dict):
        if "$today" in value:
            return as_of + timedelta(days=value["$today"]) if as_of else f"today{value['$today']:+d}d"
        return {key: _dated(inner, as_of) for key, inner in value.items()}
    return [_dated(inner, as_of) for inner in value] if isinstance(value, list) else value
