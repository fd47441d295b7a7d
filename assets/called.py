"""What a contract calls for, and the rules that its own declarations yield: nobody writes them a second time.

Which declaration calls for what, what it yields and what meets it, is the table in `docs/contracts.md`. A rule of the suite that
meets a call stands in place of what the contract would yield; one with a row condition meets none, for it looks at some rows
only. Columns of base and thematic tables do not arrive as text. What the contract asks for and no rule can be made of
(`multipleOf`, `quality` as text) is a call that the suite must meet. `meta.contract` of a suite says more of a yielded rule (its
weight, severity, claims), by its id.

Belongs here: the calls, what they yield, what meets them; no name of a column tells anything. Not here: what is the same for
every call of a kind (`assets.kinds`), what coverage makes of it (`pipelines.scores`), what a rule means (`expectations`), quality
clauses (`assets.quality`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.kinds import KINDS, NOT_NULL, RuleFacts
from assets.promises import PROMISES, age_of, announced_in, judged_by, promised_days
from assets.quality import made_of
from expectations.compiler.rules.declared import PERSON
from expectations.documents import Document, near
from expectations.suite import Entry

if TYPE_CHECKING:
    from assets.contracts import Column, Contract

WRITTEN = {
    "date": ("是存在的日期", "is a date that exists"),
    "timestamp": ("是存在的时间", "is a time that exists"),
    "integer": ("是整数", "is a whole number"),
    "number": ("是数字", "is a number"),
    "boolean": ("是“是”或“否”", "is yes or no"),
}
"""Types that arrive as text, and what is asked of the text."""
IN_KEY: dict[str, Any] = {"severity": "critical", "blocking": True, "weight": 3}
OPEN = 2  # the highest class whose values everybody may see
#: Tables whose codes are held to more than being listed.
OF_TABLE = {"division": "expect_column_values_to_be_division"}

Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class Call:
    """One thing that a contract calls for; `kind` is a key of `assets.kinds.KINDS`, `node` the expectation it yields (None: a suite must).

    `at` is where the contract's document declares it, `title` what it asks for in Chinese and English.
    """

    dataset: str
    kind: str
    columns: tuple[str, ...]
    at: Keys
    indicator: str
    wanted: str
    node: Mapping[str, Any] | None
    title: tuple[str, str] = ("", "")

    @property
    def id(self) -> str:
        return f"{self.kind}:{','.join(self.columns)}" + (f"#{self.at[-1]}" if self.kind == "quality" else "")

    @property
    def rule(self) -> str:
        """The id of the rule it yields, empty where it yields none."""
        return str(self.node["meta"]["id"]) if self.node else ""

    @property
    def spares_deletes(self) -> bool:
        """Whether the rule it yields leaves out rows that only say which record is gone."""
        return bool(self.node and self.node["kwargs"].get("row_condition"))

    def met_by(self, rule: RuleFacts) -> bool:
        """Whether this rule of the same dataset is what is called for."""
        if rule.conditional and not (self.spares_deletes and rule.id == self.rule):
            return False
        fits = KINDS[self.kind].fits
        if fits is None:
            return rule.expectation == self.wanted and set(rule.columns) == set(self.columns)
        if not rule.columns or not fits(rule):
            return False
        if self.kind in ("identity", "unique"):
            return set(rule.columns) <= set(self.columns)
        return self.columns[0] in rule.columns


def calls(contract: Contract) -> list[Call]:
    """What this contract calls for, in the order of its columns, then the table's own.

    Raises `DocumentError` for a `quality` clause that cannot be meant, or would write.
    """
    found = [call for position, column in enumerate(contract.columns) for call in _of_column(contract, position, column)]
    schema: Keys = ("schema", 0)
    if contract.key:
        found.append(
            _call(contract, "identity", contract.key, (*schema, "properties"), *_unique(contract.key), rule="key_unique", **IN_KEY)
        )
    if shown := tuple(c.name for c in contract.columns if _open_text(c)):
        title = {"zh": "公开级的列中没有公民身份号码", "en": "Columns that are open show nobody's resident id"}
        several = len(shown) > 1
        asked: dict[str, Any] = {"column_list": list(shown)} if several else {"regex": PERSON}
        wanted = "expect_columns_to_show_no_resident_id" if several else "expect_column_values_to_not_match_regex"
        found.append(_call(contract, "security", shown, (*schema, "properties"), wanted, asked, rule="open_columns", title=title))
    for name, i in judged_by(contract).items():
        dated = contract.column(name).logical_type in ("date", "timestamp")
        age = sum(promised_days(contract, p) or 0 for p in PROMISES)
        kwargs = {"max_age": age_of(age)} if dated and age else None
        found.append(_call(contract, "timeliness", (name,), ("slaProperties", i), "expect_column_to_be_fresh", kwargs))
    if place := announced_in(contract):
        found.append(_call(contract, "announced", (), place, "expect_table_row_count_to_equal_announced", {}, rule="announced_records"))
    return found + list(_quality(contract, (*schema, "quality"), contract.quality, None))


def _of_column(contract: Contract, position: int, column: Column) -> Iterator[Call]:
    def call(kind: str, wanted: str, kwargs: Mapping[str, Any] | None, key: str = "", **meta: Any) -> Call:
        return _call(contract, kind, (column.name,), (*at, key) if key else at, wanted, kwargs, **meta)

    at: Keys = ("schema", 0, "properties", position)
    operation = contract.delivery.operation if contract.delivery else None
    flagged = operation is not None and column.name == operation.column
    in_key = column.key_position is not None or flagged
    if column.required or flagged:
        # A delete often carries the key alone.
        spared = {} if in_key or operation is None or not operation.delete else _but(operation.column, operation.delete)
        yield call("presence", NOT_NULL, spared, **(IN_KEY if in_key else {}))
    if operation is not None and flagged:
        yield call("operation", "expect_column_values_to_be_in_set", {"value_set": list(operation.known)}, **IN_KEY)
    if column.codes:
        held = OF_TABLE.get(column.codes, "expect_column_values_to_be_in_set")
        yield call("reference", held, {} if column.codes in OF_TABLE else {"value_set": {"$code": column.codes}})
    if contract.layer == "sources" and column.logical_type in WRITTEN:
        zh, en = WRITTEN[column.logical_type]
        title = {"zh": f"{column.title}{zh}", "en": f"{column.title_en.capitalize()} {en}"}
        yield call("form", "expect_column_values_to_parse", {}, title=title)
    if column.unique and contract.key != (column.name,):
        yield call("unique", "expect_column_values_to_be_unique", {})
    options = column.options
    if "pattern" in options:
        yield call("pattern", "expect_column_values_to_match_regex", {"regex": options["pattern"]}, "logicalTypeOptions")
    lengths = {g: options[o] for g, o in (("min_value", "minLength"), ("max_value", "maxLength")) if o in options}
    if lengths:
        yield call("length", "expect_column_value_lengths_to_be_between", lengths, "logicalTypeOptions")
    if bounds := _bounds(options):
        yield call("range", "expect_column_values_to_be_between", bounds, "logicalTypeOptions")
    if "multipleOf" in options:
        yield call("multiple", "", None, "logicalTypeOptions")
    yield from _quality(contract, (*at, "quality"), column.quality, column.name)


def _but(column: str, values: Sequence[str]) -> dict[str, Any]:
    """Arguments by which a rule leaves out the rows with these values of a column."""
    condition = {"type": "comparison", "column": {"name": column}, "operator": "NOT_IN", "parameter": list(values)}
    return {"row_condition": condition, "condition_parser": "great_expectations"}


def _open_text(column: Column) -> bool:
    """Whether a column is free text that everybody may see."""
    closed = column.codes or "pattern" in column.options or column.options.get("maxLength", 18) < 18
    return column.logical_type == "string" and column.classification <= OPEN and not closed


def _bounds(options: Mapping[str, Any]) -> dict[str, Any]:
    """The range that `logicalTypeOptions` gives; where a bound stands both ways, the exclusive one, as the narrower."""
    found: dict[str, Any] = {}
    for end in ("min", "max"):
        if f"{end}imum" in options:
            found[f"{end}_value"] = options[f"{end}imum"]
        if (exclusive := f"exclusive{end.title()}imum") in options:
            found |= {f"{end}_value": options[exclusive], f"strict_{end}": True}
    return found


def _unique(key: Sequence[str]) -> tuple[str, dict[str, Any]]:
    if len(key) == 1:
        return "expect_column_values_to_be_unique", {}
    return "expect_compound_columns_to_be_unique", {"column_list": list(key), "ignore_row_if": "any_value_is_missing"}


def _quality(contract: Contract, at: Keys, clauses: Sequence[Mapping[str, Any]], column: str | None) -> Iterator[Call]:
    for i, clause in enumerate(clauses):
        made = made_of(contract.document, (*at, i), clause, column, [c.name for c in contract.columns])
        columns = made.columns or ((column,) if column else ())
        own = {"title": made.title} if made.title else {}
        name = clause.get("id") or clause.get("name") or "_".join((*columns, str(i + 1)))
        yield _call(
            contract,
            "quality",
            columns,
            (*at, i),
            made.type,
            made.kwargs,
            indicator=made.indicator,
            severity=made.severity,
            rule=f"quality_{''.join(c if c.isascii() and c.isalnum() else '_' for c in str(name).lower())}",
            **own,
        )


def _call(
    contract: Contract,
    kind: str,
    columns: tuple[str, ...],
    at: Keys,
    wanted: str,
    kwargs: Mapping[str, Any] | None,
    *,
    indicator: str = "",
    severity: str = "warning",
    rule: str = "",
    title: Mapping[str, str] | None = None,
    **meta: Any,
) -> Call:
    said = KINDS[kind]
    indicator = indicator or said.indicator
    named = [contract.column(c) for c in columns if c in {k.name for k in contract.columns}]
    of = ("＋".join(c.title for c in named) or contract.title, " + ".join(c.title_en for c in named) or contract.title_en)
    asked = (title["zh"], title["en"]) if title else (f"{of[0]}{said.zh}", f"{of[1].capitalize()} {said.en}")
    if kwargs is None:
        return Call(contract.name, kind, columns, at, indicator, wanted, None, asked)
    node = {
        "type": wanted,
        "kwargs": {**({"column": columns[0]} if columns and kind != "quality" and "column_list" not in kwargs else {}), **kwargs},
        "severity": severity,
        "meta": {
            "id": _short(rule or f"{_PREFIX.get(kind, kind)}_{'_'.join(columns)}"),
            "indicator": indicator,
            "weight": 1,
            "title": dict(zip(("zh", "en"), asked, strict=True)),
            "remedy": dict(zip(("zh", "en"), said.remedy, strict=True)),
        }
        | meta,
    }
    return Call(contract.name, kind, columns, at, indicator, wanted, node, asked)


_PREFIX = {"presence": "required", "reference": "code", "timeliness": "time"}


def _short(rule: str) -> str:
    """A rule id of at most 40 characters; a longer one keeps its beginning, and a digest of the whole."""
    return rule if len(rule) <= 40 else f"{rule[:33]}_{hashlib.sha256(rule.encode()).hexdigest()[:6]}"


@dataclass(frozen=True)
class Written:
    """The facts of an expectation as it is written in a suite, read without knowing its type."""

    expectation: str
    columns: tuple[str, ...]
    indicator: str
    conditional: bool
    id: str = ""

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> Written:
        kwargs = node.get("kwargs") or {}
        meta = node.get("meta") or {}
        return cls(
            str(node.get("type")),
            tuple(columns_in(kwargs)),
            str(meta.get("indicator", "")),
            bool(kwargs.get("row_condition")),
            str(meta.get("id", "")),
        )


def columns_in(kwargs: Mapping[str, Any]) -> Iterator[str]:
    """Great Expectations names columns in `column`, `column_A`, `column_list`, `column_set` and the like."""
    for key, value in kwargs.items():
        if key.startswith("column"):
            yield from (v for v in ([value] if isinstance(value, str) else value or []) if isinstance(v, str))


MORE = ("weight", "severity", "blocking", "blockAbove", "claims", "title", "remedy", "notes")


def entries(contract: Contract, suite: Document | None) -> list[Entry]:
    """Every expectation that a dataset is held to: those of its suite as written, then those that its contract yields.

    Raises `DocumentError` for a `meta.contract` that speaks of no yielded rule, and a suite's rule that takes the id of one.
    """
    nodes = (suite.data.get("expectations") or []) if suite else []
    own: list[Entry] = [(suite, ("expectations", i), node) for i, node in enumerate(nodes)] if suite else []
    facts = [Written.of(node) for node in nodes if isinstance(node, Mapping)]
    yielded = {c.rule: c for c in calls(contract) if c.node and not any(c.met_by(f) for f in facts)}
    more = _said_of(suite, yielded) if suite else {}
    return own + [(contract.document, c.at, _with(c.node or {}, more.get(rule, {}))) for rule, c in yielded.items()]


def _said_of(suite: Document, yielded: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    meta = suite.data.get("meta")
    more = (meta.get("contract") if isinstance(meta, Mapping) else None) or {}
    at: Keys = ("meta", "contract")
    if not isinstance(more, Mapping):
        raise suite.error(at, "`contract` is no mapping.", "Name rules that the contract yields: {required_name: {weight: 2}}.")
    for rule, said in more.items():
        if rule not in yielded:
            found = f"the contract yields no rule {rule!r}, or a rule of this suite stands in its place."
            raise suite.error((*at, rule), found, near(str(rule), yielded))
        if not isinstance(said, Mapping):
            raise suite.error((*at, rule), f"expected a mapping for {rule!r}.", "Give it what is to be said: {weight: 2}.")
        for key in said:
            if key not in MORE:
                raise suite.error((*at, rule, key), f"unknown key {key!r}.", near(str(key), MORE))
    return more


def _with(node: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    severity = more.get("severity", node["severity"])
    return {**node, "severity": severity, "meta": {**node["meta"], **{k: v for k, v in more.items() if k != "severity"}}}
