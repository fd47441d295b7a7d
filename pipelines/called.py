"""What a contract calls for: the rules that its own declarations demand, whether or not the suite has them.

| call        | the contract declares                       | met by a rule that                                    | counts in |
|-------------|---------------------------------------------|-------------------------------------------------------|-----------|
| presence    | a required column                           | wants a value in it (not_be_null, dimension 02)       | 0201      |
| reference   | a column with a code table                  | holds it to a table (0105)                            | 0105      |
| form        | a date, time or number that arrives as text | judges its text or its value (any rule of accuracy)   | 0302      |
| identity    | a primary key                               | forbids its repetition, or that of a part (0303, 0304)| 0304      |
| timeliness  | a frequency or latency of an event column   | judges the time of the event (any rule of timeliness) | 0502      |

A rule that looks at some rows only (a row condition) meets no call. Columns of base and thematic tables do not arrive as text.

Belongs here: the calls and what meets them, from contracts and rules alone; no name of a column tells anything. Not here: what
coverage makes of it (`pipelines.scores`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assets.contracts import Contract
    from pipelines.rulebook import Rule

NOT_NULL = "expect_column_values_to_not_be_null"
DUPLICATES = ("0303", "0304")
WRITTEN = frozenset({"date", "timestamp", "integer", "number"})


@dataclass(frozen=True)
class Kind:
    """A kind of call: the indicator it counts in, what to ask of its columns in both languages, and which rules meet it."""

    indicator: str
    zh: str
    en: str
    wanted: str
    fits: Callable[[Rule], bool]


KINDS = {
    "presence": Kind("0201", "必填", "is present", NOT_NULL, lambda r: r.indicator.startswith("02") and r.expectation == NOT_NULL),
    "reference": Kind("0105", "在代码表内", "is in its code table", "expect_column_values_to_be_in_set", lambda r: r.indicator == "0105"),
    "form": Kind("0302", "格式或取值正确", "parses, or lies in bounds", "expect_column_values_to_parse", lambda r: r.indicator[:2] == "03"),
    "identity": Kind(
        "0304", "主键不重复", "occurs once (the key)", "expect_compound_columns_to_be_unique", lambda r: r.indicator in DUPLICATES
    ),
    "timeliness": Kind(
        "0502", "时间合理、及时", "is plausible and in time", "expect_column_values_to_be_between", lambda r: r.indicator[:2] == "05"
    ),
}


@dataclass(frozen=True)
class Call:
    """One rule that a contract calls for; `kind` is a key of `KINDS`."""

    dataset: str
    kind: str
    columns: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"{self.kind}:{','.join(self.columns)}"

    @property
    def indicator(self) -> str:
        return KINDS[self.kind].indicator

    @property
    def wanted(self) -> str:
        """The expectation that most simply meets it."""
        return "expect_column_values_to_be_unique" if self.kind == "identity" and len(self.columns) == 1 else KINDS[self.kind].wanted

    def met_by(self, rule: Rule) -> bool:
        """Whether this rule of the same dataset's suite is what is called for."""
        if rule.dataset != self.dataset or rule.conditional or not rule.columns or not KINDS[self.kind].fits(rule):
            return False
        if self.kind == "identity":
            return set(rule.columns) <= set(self.columns)
        return self.columns[0] in rule.columns


def calls(contract: Contract) -> list[Call]:
    """What this contract calls for, in the order of the table above and of its columns."""
    found = [("presence", c.name) for c in contract.columns if c.required]
    found += [("reference", c.name) for c in contract.columns if c.codes]
    if contract.layer == "sources":
        found += [("form", c.name) for c in contract.columns if c.logical_type in WRITTEN]
    made = [Call(contract.name, kind, (column,)) for kind, column in found]
    if contract.key:
        made.append(Call(contract.name, "identity", contract.key))
    return made + [Call(contract.name, "timeliness", (column,)) for column in _events(contract)]


def _events(contract: Contract) -> Iterable[str]:
    """The columns by which frequency and latency are judged: what the promise names, else the event of the delivery."""
    known = {c.name for c in contract.columns}
    of_delivery = contract.delivery.event if contract.delivery else None
    named: dict[str, None] = {}
    for promised in ("latency", "frequency"):
        if promised in contract.sla:
            column = str(contract.sla[promised].get("element") or "").rpartition(".")[2]
            column = column if column in known else of_delivery or ""
            if column:
                named[column] = None
    return named
