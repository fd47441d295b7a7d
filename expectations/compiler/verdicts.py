"""What a run found: one result a batch and rule, with three outcomes, and the same in Great Expectations' own shape.

Not assessable is never passed: a column that is not there, a batch without rows (where Great Expectations would call a
rule over rows a success because nothing broke it). Belongs here: results. Not here: how they are got (`run.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from expectations.compiler.forms import Judgement
from expectations.compiler.listing import Breaches, ResultFormat
from expectations.interchange import gx_configuration
from expectations.suite import Rule


@dataclass(frozen=True, kw_only=True)
class RuleResult(Judgement):
    """One rule on one batch: what its test says of it, and the first breaches by position."""

    rule: Rule
    batch: str
    breaches: Breaches = field(default_factory=Breaches)
    form: ResultFormat = field(default_factory=ResultFormat)

    @property
    def partial_unexpected_list(self) -> tuple[Any, ...]:
        return self.breaches.values[: self.form.partial]

    @property
    def partial_unexpected_rows(self) -> tuple[int, ...]:
        return self.breaches.rows[: self.form.partial]

    @property
    def note(self) -> str:
        """The one-line cause, Chinese then English."""
        return f"{self.note_zh}; {self.note_en}" if self.note_zh else ""

    @property
    def unexpected_percent(self) -> float | None:
        return self._percent(self.unexpected, (self.elements or 0) - (self.missing or 0))

    @staticmethod
    def _percent(part: int | None, whole: int) -> float | None:
        return part / whole * 100 if part is not None and whole > 0 else None

    def to_gx(self) -> dict[str, Any]:
        """The result as JSON of Great Expectations' `ExpectationValidationResult`; `success` is None if not assessable."""
        success = {"passed": True, "failed": False, "not_assessable": None}[self.outcome]
        meta: dict[str, Any] = {"outcome": self.outcome, "batch": self.batch, "note": self.note}
        if self.in_gx:
            meta["in_gx"] = dict(zip(("rows", "of"), self.in_gx, strict=True))
        return {
            "success": success,
            "expectation_config": gx_configuration(self.rule),
            "result": {} if self.outcome == "not_assessable" or self.form.level == "BOOLEAN_ONLY" else self._result(),
            "meta": meta,
            "exception_info": {"raised_exception": False, "exception_traceback": None, "exception_message": None},
        }

    def _result(self) -> dict[str, Any]:
        if self.unexpected is None:
            figures = {} if self.observed_value is None else {"observed_value": json_value(self.observed_value)}
            further = {k: v for k, v in self.further.items() if self.form.partial or not k.startswith("partial_")}
            return figures | json_value(further) | ({"details": json_value(self.details)} if self.details else {})
        elements = self.elements or 0
        of_all = self._percent(self.unexpected, elements)
        result = {
            "element_count": elements,
            "unexpected_count": self.unexpected,
            "unexpected_percent": self.unexpected_percent,
        }
        if self.ignores:
            result |= {
                "missing_count": self.missing,
                "missing_percent": self._percent(self.missing, elements),
                "unexpected_percent_total": of_all,
                "unexpected_percent_nonmissing": self.unexpected_percent,
            }
        if self.extra_copies is not None:
            result["extra_copies"] = self.extra_copies
        if self.details:
            result["details"] = json_value(self.details)
        return result | json_value(self.breaches.in_gx(self.form))


@dataclass(frozen=True)
class Verdicts:
    """All results of a run, and what rode along: rows and extra aggregates, by batch."""

    fingerprint: str
    results: Sequence[RuleResult]
    rows: Mapping[str, int]
    also: Mapping[str, Mapping[str, Any]]

    def result(self, rule: str, batch: str | None = None) -> RuleResult:
        return next(r for r in self.results if r.rule.id == rule and batch in (None, r.batch))

    def to_gx(self, batch: str, suite: str = "") -> dict[str, Any]:
        """The batch's results as JSON of Great Expectations' `ExpectationSuiteValidationResult`."""
        results = [r for r in self.results if r.batch == batch]
        assessed = [r for r in results if r.outcome != "not_assessable"]
        good = sum(r.outcome == "passed" for r in results)
        return {
            "success": len(assessed) == len(results) == good,
            "suite_name": suite,
            "results": [r.to_gx() for r in results],
            "statistics": {
                "evaluated_expectations": len(assessed),
                "successful_expectations": good,
                "unsuccessful_expectations": len(assessed) - good,
                "success_percent": good / len(assessed) * 100 if assessed else None,
            },
            "meta": {"batch": batch, "fingerprint": self.fingerprint, "not_assessable": len(results) - len(assessed)},
            "suite_parameters": {},
        }


def json_value(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {k: json_value(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [json_value(v) for v in value]
    return value
